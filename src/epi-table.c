/* epi-table - a table of scores, as Markdown, CSV, LaTeX or HTML */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-table/table.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-table [--markdown | --csv | --latex | --html] [--by KEY,...]\n"
"                 [--into FILE] [--per-joule] [--price PRICE] [--sort KEY]\n"
"                 [--together] [FILE ...]\n"
"Write score records as a table, the uncertainties with their figures.\n"
"\n"
"      --markdown      for a README; the default\n"
"      --csv           for machines\n"
"      --latex         for a paper\n"
"      --html          for a page\n"
"      --by KEY,...    rows alike in these are a group (default hardware)\n"
"      --into FILE     in place of what stands between the lines\n"
"                      <!-- epi-table --> and <!-- /epi-table --> of FILE\n"
"      --per-joule     a column of tokens per joule\n"
"      --price PRICE   a column of the price of a million tokens, by that of\n"
"                      a kWh: '0.31 EUR'\n"
"      --sort KEY      by a column or a key of the score, -KEY from the highest\n"
"                      down (default epi)\n"
"      --together      no groups\n"
"  -h, --help          show this and exit\n"
"      --version       show the version and exit\n"
"\n"
"Example: epi-table --into README.md data/*/*/epi_*.json\n";

enum {
	AS_MARKDOWN = OPTION_LONG, AS_CSV, AS_LATEX, AS_HTML, BY, INTO,
	WITH_PER_JOULE, WITH_PRICE, SORT, TOGETHER
};

static struct {
	struct table table;
	enum format format;
	const char *into;
	bool together;
} s = {
	.table = {
		.shown = { true, true, true, true, true, true, false, false },
		.price_kwh = NAN, .currency = "", .sort = "epi.value"
	}
};

/* Said on standard error and below the table. */
static void
leave_out(const struct feed_record *record, struct row *row, const char *why)
{
	char *run = row_text(&row->result, "run_metadata.run_id");
	char *model = row_text(&row->result, "model");

	report_malformed(record->file, record->line_number, "%s", why);
	notes_say(&s.table.left_out, "%s, run %s (%s:%llu): %s",
	    model ? model : "unknown", run ? run : "unknown", record->file,
	    (unsigned long long)record->line_number, why);
	result_clear(&row->result);
	free(run);
	free(model);
}

static void
take(void *state, const struct feed_record *record)
{
	struct table *table = &s.table;
	struct result result;
	const char *why;

	(void)state;
	if (record->kind != SAMPLE_TYPED ||
	    !result_read(&result, record->line, record->length, &why))
		return;
	if (why) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (table->count == table->room) {
		table->room = table->room ? table->room * 2 : 64;
		table->rows = report_resize(table->rows, table->room,
		    sizeof *table->rows);
	}
	if (row_read(&table->rows[table->count], table, &result, &why)) {
		table->rows[table->count].input = table->count;
		table->count++;
	} else {
		leave_out(record, &table->rows[table->count], why);
	}
}

/* "0.31 EUR": a number, a blank, a currency. */
static void
set_price(const char *argument)
{
	size_t length = strcspn(argument, " ");
	const char *currency = argument + length;
	char *number = report_copy(argument, length);

	s.table.price_kwh = option_double("--price", number, 0, 1e9);
	free(number);
	currency += strspn(currency, " ");
	if (!*currency || strlen(currency) > 32)
		report_usage("--price: a number and a currency, as '0.31 EUR': "
		    "%s", argument);
	for (const char *at = currency; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			report_usage("--price: not a currency: %s", currency);
	s.table.currency = currency;
	s.table.shown[PRICE] = true;
}

static void
set_sort(const char *argument)
{
	s.table.falling = *argument == '-';
	s.table.sort = order_key(argument + s.table.falling);
	if (!*s.table.sort)
		report_usage("--sort: no key: %s", argument);
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case AS_MARKDOWN:
	case AS_CSV:
	case AS_LATEX:
	case AS_HTML:
		s.format = (enum format)(letter - AS_MARKDOWN);
		break;
	case BY:
		s.table.by = option_list("--by", argument);
		break;
	case INTO:
		s.into = argument;
		break;
	case WITH_PER_JOULE:
		s.table.shown[PER_JOULE] = true;
		break;
	case WITH_PRICE:
		set_price(argument);
		break;
	case SORT:
		set_sort(argument);
		break;
	case TOGETHER:
		s.together = true;
		break;
	}
}

static void
settle_options(void)
{
	if (s.into && s.format == CSV)
		report_usage("--into: CSV has no comments that could be marks");
	if (s.together)
		s.table.by = NULL;
	else if (!s.table.by)
		s.table.by = option_list("--by", "hardware");
}

static void
warn_unjoined(void)
{
	size_t count = 0;

	for (size_t i = 0; i < s.table.count; i++)
		count += s.table.rows[i].runs > 1 && !s.table.rows[i].joined;
	if (count > 0)
		report_warning("of %zu configurations the median run is told, "
		    "with the uncertainty of that run alone: join them with "
		    "epi-score --repetitions", count);
}

/* What is not whole does not go into a file. */
static void
put_table(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		report_fatal("no memory");
	print_table(out, &s.table, s.format);
	if (ferror(out) || fclose(out) != 0)
		report_fatal("no memory");
	if (!s.into)
		stream_copy(text, length);
	else if (report_status() == STATUS_DONE)
		into_file(s.into, s.format, text, length);
	else
		report_error("%s: left as it was", s.into);
	free(text);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "markdown", no_argument, NULL, AS_MARKDOWN },
		{ "csv", no_argument, NULL, AS_CSV },
		{ "latex", no_argument, NULL, AS_LATEX },
		{ "html", no_argument, NULL, AS_HTML },
		{ "by", required_argument, NULL, BY },
		{ "into", required_argument, NULL, INTO },
		{ "per-joule", no_argument, NULL, WITH_PER_JOULE },
		{ "price", required_argument, NULL, WITH_PRICE },
		{ "sort", required_argument, NULL, SORT },
		{ "together", no_argument, NULL, TOGETHER },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-table", help, "", options, take_option, NULL
	};
	static struct sample_nodes nodes;
	char **operands = option_start(argc, argv, &program);

	settle_options();
	if (feed_records(operands, &nodes, take, NULL) && s.table.count == 0)
		report_error("no score records");
	order_rows(&s.table);
	warn_unjoined();
	if (s.table.count > 0)
		put_table();
	for (size_t i = 0; i < s.table.count; i++)
		row_clear(&s.table.rows[i]);
	notes_clear(&s.table.left_out);
	free(s.table.rows);
	free(s.table.by);
	return stream_finish();
}
