/* epi-export - power samples as CSV */

#include <string.h>

#include "csv.h"
#include "event.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-export [--format csv] [--columns LIST] [FILE...]\n"
"Power samples as CSV.\n"
"\n"
"  --format csv     the one format there is\n"
"  --columns LIST   keys of the samples, in this order; default\n"
"                   timestamp,node,watts\n"
"  -h, --help       this text\n"
"      --version    the version\n"
"\n"
"Events and other records that are no samples are left out.\n";

enum { COLUMNS = 64 };

struct export {
	char **columns; /* NULL-ended */
	size_t count;
	bool plain;     /* timestamp,node,watts: all in the sample itself */
	bool headed;    /* the header is written */
	struct sample_nodes nodes;
	uint64_t starts, stops, missing; /* events */
};

/* Scalars as they stand, so that no digit changes; null is an empty cell. */
static char *
write_value(char *at, const struct json_value *value, char *scratch,
    size_t room)
{
	long length;

	if (value->kind == JSON_ABSENT || value->kind == JSON_NULL)
		return at;
	if (value->kind != JSON_STRING)
		return csv_write(at, value->at, value->length);
	length = json_string(value, scratch, room);
	return csv_write(at, scratch, length < 0 ? 0 : (size_t)length);
}

static void
put_plain(struct export *ex, const struct sample *sample)
{
	const char *node = ex->nodes.names[sample->node];
	size_t length = strlen(node);
	char *at = stream_room(2 * WRITE_DECIMAL + 2 * length + 8);

	at = write_decimal(at, sample->timestamp_ns, 9, 6);
	*at++ = ',';
	at = csv_write(at, node, length);
	*at++ = ',';
	at = write_decimal(at, sample->watts_nw, 9, 3);
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

/* A string grows by its doubled quotes at most; the scratch lies behind. */
static void
put_columns(struct export *ex, const struct feed_record *record)
{
	struct json_value values[COLUMNS];
	struct json_error error;
	size_t most = 2 * record->length + 3 * ex->count + WRITE_DECIMAL + 1;
	char *at = stream_room(most + record->length + 1), *scratch = at + most;

	if (!json_members(record->line, record->length,
	    (const char *const *)ex->columns, ex->count, values, &error)) {
		report_malformed(record->file, record->line_number,
		    "not a JSON record: %s at byte %zu", error.what,
		    error.at + 1);
		return;
	}
	for (size_t i = 0; i < ex->count; i++) {
		if (i)
			*at++ = ',';
		if (strcmp(ex->columns[i], "timestamp") == 0)
			at = write_decimal(at, record->sample.timestamp_ns, 9,
			    6);
		else
			at = write_value(at, &values[i], scratch,
			    record->length + 1);
	}
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

/* What a table of samples cannot show, and what must not be taken for a whole
 * trace. */
static void
count_event(struct export *ex, const struct feed_record *record)
{
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	ex->starts += event.kind == EVENT_START;
	ex->stops += event.kind == EVENT_STOP;
	ex->missing += event.kind == EVENT_LOST || event.kind == EVENT_GAP ||
	    event.kind == EVENT_DISCONNECT || event.kind == EVENT_RESET;
}

static void
put_header(struct export *ex)
{
	ex->headed = true;
	for (size_t i = 0; i < ex->count; i++) {
		size_t length = strlen(ex->columns[i]);
		char *at = stream_room(2 * length + 3);

		at = csv_write(at, ex->columns[i], length);
		*at++ = i + 1 < ex->count ? ',' : '\n';
		stream_wrote(at);
	}
	stream_record();
}

static void
take(void *state, const struct feed_record *record)
{
	struct export *ex = state;

	if (record->kind == SAMPLE_TYPED) {
		count_event(ex, record);
		return;
	}
	if (!ex->headed)
		put_header(ex);
	if (ex->plain)
		put_plain(ex, &record->sample);
	else
		put_columns(ex, record);
}

static void
finish(const struct export *ex)
{
	if (ex->missing)
		report_warning("%llu lost, gap, disconnect or reset events "
		    "are not in the table",
		    (unsigned long long)ex->missing);
	if (ex->starts > ex->stops)
		report_error("no stop after %llu start: the trace is cut",
		    (unsigned long long)(ex->starts - ex->stops));
}

enum { FORMAT = OPTION_LONG, COLUMN_LIST };

static const struct option options[] = {
	{ "format", required_argument, NULL, FORMAT },
	{ "columns", required_argument, NULL, COLUMN_LIST },
	{ 0 }
};

static void
set_columns(struct export *ex, const char *list)
{
	ex->columns = option_list("--columns", list);
	for (ex->count = 0; ex->columns[ex->count]; ex->count++)
		for (size_t i = 0; i < ex->count; i++)
			if (strcmp(ex->columns[i],
			    ex->columns[ex->count]) == 0)
				report_usage("--columns: twice: %s",
				    ex->columns[i]);
	if (ex->count > COLUMNS)
		report_usage("--columns: more than %d", COLUMNS);
}

static void
take_option(void *state, int letter, const char *argument)
{
	static const char *const formats[] = { "csv", NULL };

	if (letter == FORMAT)
		option_word("--format", argument, formats);
	else
		set_columns(state, argument);
}

int
main(int argc, char **argv)
{
	static const char standard[] = "timestamp,node,watts";
	static struct export ex;
	const struct option_program program = {
		"epi-export", help, "", options, take_option, &ex
	};
	char **operands = option_start(argc, argv, &program);

	if (!ex.columns)
		set_columns(&ex, standard);
	ex.plain = ex.count == 3 && strcmp(ex.columns[0], "timestamp") == 0 &&
	    strcmp(ex.columns[1], "node") == 0 &&
	    strcmp(ex.columns[2], "watts") == 0;
	if (feed_records(operands, &ex.nodes, take, &ex) && !ex.headed)
		put_header(&ex);
	finish(&ex);
	return stream_finish();
}
