#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "epi-table/table.h"
#include "report.h"

void
notes_say(struct sentences *notes, const char *format, ...)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	va_list arguments;

	if (!out)
		report_fatal("no memory");
	va_start(arguments, format);
	vfprintf(out, format, arguments);
	va_end(arguments);
	if (fclose(out) != 0)
		report_fatal("no memory");
	for (char *at = text; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = ' ';
		else if ((unsigned char)*at == 0xC2 &&
		    (unsigned char)at[1] >= 0x80 && (unsigned char)at[1] < 0xA0)
			at[0] = at[1] = ' ';
	notes->text = report_resize(notes->text, notes->count + 1,
	    sizeof *notes->text);
	notes->text[notes->count++] = text;
}

/* "INTRODUCTION: model quant, model quant", of the rows that are so; nothing
 * where none is. */
static void
say_rows(struct sentences *notes, const struct table *table,
    const char *introduction, bool (*is_so)(const struct row *, const void *),
    const void *state)
{
	char *names = NULL;
	size_t size;
	FILE *out = open_memstream(&names, &size);
	const char *between = "";

	if (!out)
		report_fatal("no memory");
	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (!is_so(row, state))
			continue;
		fprintf(out, "%s%s %s", between, row->model, row->quant);
		between = ", ";
	}
	if (fclose(out) != 0)
		report_fatal("no memory");
	if (size > 0)
		notes_say(notes, "%s: %s.", introduction, names);
	free(names);
}

/* ---- uncertainty */

static void
say_uncertainty(struct sentences *notes, const struct table *table)
{
	double least = INFINITY, most = 0;
	bool sided = false, unknown = false, absent = false;

	for (size_t i = 0; i < table->count; i++)
		for (int f = 0; f < FIGURES; f++) {
			const struct cell *cell = &table->rows[i].cells[f];

			if (!table->shown[f])
				continue;
			absent = absent || isnan(cell->value);
			if (isnan(cell->value))
				continue;
			sided = sided || !isnan(cell->low);
			unknown = unknown || isnan(cell->k);
			least = fmin(least, cell->k);
			most = fmax(most, cell->k);
		}
	if (most > 0 && most - least < 0.005)
		notes_say(notes, "\u00b1: expanded uncertainty U = k u, k = %.2f, "
		    "coverage about 95 %%.", least);
	else if (most > 0)
		notes_say(notes, "\u00b1: expanded uncertainty U = k u, coverage about "
		    "95 %%; k = %.2f to %.2f, by degrees of freedom.", least,
		    most);
	if (sided)
		notes_say(notes, "In brackets: the interval of about 95 %%, where its "
		    "two sides differ.");
	if (absent)
		notes_say(notes, "\u2013: the figure is not known.");
	if (unknown)
		notes_say(notes, "Without \u00b1 the uncertainty is unknown, which is "
		    "not 0.");
}

/* ---- what the rows are */

static bool
is_simulated(const struct row *row, const void *state)
{
	(void)state;
	return row->simulated;
}

static bool
has_evidence(const struct row *row, const void *state)
{
	struct json_value evidence = result_at(&row->result, "evidence");

	return !row->simulated && json_is(&evidence, state);
}

static bool
has_no_evidence(const struct row *row, const void *state)
{
	(void)state;
	return !row->simulated &&
	    result_at(&row->result, "evidence").kind != JSON_STRING;
}

static void
say_evidence(struct sentences *notes, const struct table *table)
{
	static const char *const kinds[][2] = {
		{ "Uncalibrated", "uncalibrated" },
		{ "Calibrated", "calibrated" },
		{ "Calibrated and replicated", "replicated" }
	};

	say_rows(notes, table, "SIMULATED, not measured: a simulation is among "
	    "the inputs of", is_simulated, NULL);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		say_rows(notes, table, kinds[i][0], has_evidence, kinds[i][1]);
	say_rows(notes, table, "Evidence unknown", has_no_evidence, NULL);
}

struct repeated {
	size_t runs;
	bool joined;
};

static bool
has_runs(const struct row *row, const void *state)
{
	const struct repeated *wanted = state;

	return row->runs == wanted->runs && row->joined == wanted->joined;
}

static void
say_repetitions(struct sentences *notes, const struct table *table)
{
	char introduction[160];
	size_t most = 1;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].runs > most)
			most = table->rows[i].runs;
	for (size_t runs = 2; runs <= most; runs++) {
		struct repeated wanted = { runs, true };

		snprintf(introduction, sizeof introduction,
		    "The median of %zu runs", runs);
		say_rows(notes, table, introduction, has_runs, &wanted);
		wanted.joined = false;
		snprintf(introduction, sizeof introduction,
		    "The median of %zu runs, whose spread is not in its "
		    "uncertainty (epi-score --repetitions)", runs);
		say_rows(notes, table, introduction, has_runs, &wanted);
	}
}

/* Whether a warning of the score is a reason to refuse it: it was forced. */
static bool
has_warning(const struct row *row, const void *state)
{
	struct json_value warnings = result_at(&row->result, "warnings");
	struct json_value warning;
	const char *cursor = NULL, *slug = state;
	size_t length = strlen(slug);

	while (json_element(&warnings, &cursor, &warning))
		if (warning.kind == JSON_STRING && warning.length > length &&
		    memcmp(warning.at, slug, length) == 0 &&
		    warning.at[length] == ':')
			return true;
	return false;
}

/* What epi-score refuses without --force. */
static void
say_forced(struct sentences *notes, const struct table *table)
{
	static const char *const slugs[] = {
		"energy-missing", "tokens-missing", "benchmark-missing",
		"energy-ambiguous", "tokens-twice", "benchmark-twice",
		"energy-incomplete", "energy-unknown", "energy-not-positive", "coverage-low", "tokens-incomplete",
		"tokens-unknown", "span-outside", "nodes-unmeasured",
		"transport-failures", "protocols-mixed", "limited",
		"accuracy-zero", "budget-malformed", "idle-other",
		"idle-missing", "idle-unknown", "input-unread",
		"input-malformed"
	};
	char introduction[80];

	for (size_t i = 0; i < sizeof slugs / sizeof *slugs; i++) {
		snprintf(introduction, sizeof introduction,
		    "FORCED in spite of %s", slugs[i]);
		say_rows(notes, table, introduction, has_warning, slugs[i]);
	}
}

/* ---- what makes rows differ beside the model */

static void
say_differences(struct sentences *notes, const struct table *table)
{
	static const char *const alike[][2] = {
		{ "measurement_point", "measurement point" },
		{ "instrument", "instrument" },
		{ "workload", "workload" }
	};

	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++)
		for (size_t j = 1; j < table->count; j++)
			if (!result_alike(&table->rows[0].result,
			    &table->rows[j].result, alike[i][0])) {
				notes_say(notes, "The rows differ in their %s.",
				    alike[i][1]);
				break;
			}
}

/* "5-shot, gen-letter" of a benchmark; "" where it is not there. */
static void
way_of(const struct result *result, const char *name, char *way, size_t room)
{
	static const char *const keys[] = { "benchmark", "shots", "protocol" };
	struct json_value marks = result_at(result, "benchmarks"), mark;
	const char *cursor = NULL;

	*way = '\0';
	while (json_element(&marks, &cursor, &mark)) {
		struct json_value values[3];
		struct json_error error;
		char protocol[128];

		if (mark.kind != JSON_OBJECT || !json_members(mark.at,
		    mark.length, keys, 3, values, &error) ||
		    !json_is(&values[0], name))
			continue;
		if (json_string(&values[2], protocol, sizeof protocol) < 0 ||
		    strpbrk(protocol, "\n\r\t\033"))
			strcpy(protocol, values[2].kind == JSON_STRING
			    ? "protocol not shown" : "protocol unknown");
		snprintf(way, room, "%.*s-shot, %s", values[1].kind ==
		    JSON_NUMBER && values[1].length < 9 ? (int)values[1].length
		    : 1, values[1].kind == JSON_NUMBER ? values[1].at : "?",
		    protocol);
	}
}

/* How each benchmark was asked; every way where rows differ. */
static void
say_benchmark(struct sentences *notes, const struct table *table,
    const char *name, const char *title)
{
	char *ways = NULL, way[160], framed[sizeof way + 4];
	size_t size, count = 0;
	FILE *out = open_memstream(&ways, &size);

	if (!out)
		report_fatal("no memory");
	fputs("; ", out);
	for (size_t i = 0; i < table->count; i++) {
		way_of(&table->rows[i].result, name, way, sizeof way);
		snprintf(framed, sizeof framed, "; %s; ", way);
		fflush(out);
		if (*way && !strstr(ways, framed)) {
			fprintf(out, "%s; ", way);
			count++;
		}
	}
	if (fclose(out) != 0)
		report_fatal("no memory");
	if (count > 0)
		notes_say(notes, "%s: %.*s%s.", title, (int)size - 4, ways + 2, count > 1
		    ? " (the rows differ)" : "");
	free(ways);
}

struct sentences
notes_of(const struct table *table)
{
	struct sentences notes = { 0 };

	notes_say(&notes, "EPI = (J/token) / accuracy, in J/(token accuracy); lower "
	    "is better.");
	say_evidence(&notes, table);
	say_uncertainty(&notes, table);
	say_benchmark(&notes, table, "mmlu", "MMLU");
	say_benchmark(&notes, table, "arc_challenge", "ARC-C");
	say_benchmark(&notes, table, "hellaswag", "HSwag");
	if (table->shown[PRICE])
		notes_say(&notes, "Price of energy: %g %s per kWh.",
		    table->price_kwh, table->currency);
	say_repetitions(&notes, table);
	say_forced(&notes, table);
	say_differences(&notes, table);
	for (size_t i = 0; i < table->left_out.count; i++)
		notes_say(&notes, "Left out: %s.", table->left_out.text[i]);
	return notes;
}

void
notes_clear(struct sentences *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->text[i]);
	free(notes->text);
}
