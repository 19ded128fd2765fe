/* epi-pull - records out of an SQLite database */
/* link: -lsqlite3 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "epi-pull/session.h"
#include "epi-pull/written.h"
#include "event.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-pull [--run ID] [--from T] [--to T | --follow] [--type TYPE] DB\n"
"Write the records that epi-log kept in the database DB, in the order of time.\n"
"\n"
"      --follow     then what comes, until a signal\n"
"      --run ID     of this run alone\n"
"      --from T     samples and events from then on; Unix seconds, RFC 3339, or\n"
"                   -D, so long ago: -10m\n"
"      --to T       and before then\n"
"      --type TYPE  sample, event, energy, ...: of this type alone\n"
"  -h, --help       show this and exit\n"
"      --version    show the version and exit\n"
"\n"
"Example: ssh orchestrator epi-pull --run r17 power.db | epi-integrate\n";

enum { RUN = OPTION_LONG, FOLLOW, FROM, TO, TYPE };

enum {
	FOLLOW_MS = 250,    /* epi-log commits once a second */
	HELD_MAX = 64 << 20 /* ten minutes of a dozen nodes at 50 Hz */
};

/* One meter in one run: its samples, in the order of time. */
struct source {
	sqlite3_stmt *samples;
	struct written *written; /* NULL: nothing is followed */
	int64_t time_ns;
	bool more;
};

static struct {
	struct db db;
	const char *file, *run, *type;
	int64_t from_ns, to_ns;
	struct source *sources;
	size_t count;
	sqlite3_int64 source; /* the id of the last one */
	struct node {
		char *name; /* NULL: there is none of that id */
		size_t length;
	} *nodes;           /* by their id */
	sqlite3_int64 node_count;
	bool follow;
	sqlite3_int64 record; /* the last one of the others that was there */
	bool begun;           /* what holds at the begin of the span is written */
	struct sessions sessions; /* that hold there, then those in the span */
} s = { .from_ns = INT64_MIN, .to_ns = INT64_MAX };

static bool
fail(void)
{
	report_error("%s: %s", s.file, s.db.error);
	return false;
}

/* The next row; false at the end, or where it failed (said). */
static bool
step(sqlite3_stmt *statement)
{
	int status = sqlite3_step(statement);

	if (status != SQLITE_ROW && status != SQLITE_DONE) {
		db_fail(&s.db, "database");
		fail();
	}
	return status == SQLITE_ROW;
}

/* Those that are new. */
static void
read_nodes(void)
{
	sqlite3_stmt *ask = db_prepare(&s.db,
	    "SELECT id, name FROM nodes WHERE id >= ? ORDER BY id");
	struct node *nodes;

	if (!ask) {
		fail();
		return;
	}
	sqlite3_bind_int64(ask, 1, s.node_count);
	while (step(ask)) {
		sqlite3_int64 id = sqlite3_column_int64(ask, 0);
		const char *name = (const char *)sqlite3_column_text(ask, 1);
		size_t length = (size_t)sqlite3_column_bytes(ask, 1);

		if (id < 1 || id > 1000000 || !name)
			continue;
		nodes = report_resize(s.nodes, (size_t)id + 1, sizeof *nodes);
		memset(nodes + s.node_count, 0,
		    (size_t)(id + 1 - s.node_count) * sizeof *nodes);
		nodes[id] = (struct node){ report_copy(name, length), length };
		s.nodes = nodes;
		s.node_count = id + 1;
	}
	sqlite3_finalize(ask);
}

/* The columns of a query of samples. */
enum { TIME, NODE, FIRST, LINE = FIRST + DB_COLUMNS };

static void
next_sample(struct source *source)
{
	source->more = step(source->samples);
	if (source->more)
		source->time_ns = sqlite3_column_int64(source->samples, TIME);
}

static void
open_source(sqlite3_int64 id)
{
	static const char sql[] = "SELECT time_ns, node, watts_nw, volts_uv, "
	    "amps_ua, power_factor_ppm, vars_uvar, hertz_uhz, joules_uj, seq, "
	    "line FROM samples WHERE source = ? AND time_ns >= ? AND "
	    "time_ns < ? ORDER BY time_ns, node";
	sqlite3_stmt *samples = db_prepare(&s.db, sql);

	if (!samples) {
		fail();
		return;
	}
	sqlite3_bind_int64(samples, 1, id);
	sqlite3_bind_int64(samples, 3, s.to_ns);
	s.sources = report_resize(s.sources, s.count + 1, sizeof *s.sources);
	s.sources[s.count++] = (struct source){
		.samples = samples, .written = s.follow ? written_new() : NULL
	};
	s.source = id;
}

/* Those that are new. */
static void
open_sources(void)
{
	sqlite3_stmt *ask = db_prepare(&s.db, "SELECT id FROM runs WHERE "
	    "(?1 IS NULL OR run = ?1) AND id > ?2 ORDER BY id");

	if (!ask) {
		fail();
		return;
	}
	sqlite3_bind_text(ask, 1, s.run, -1, SQLITE_STATIC);
	sqlite3_bind_int64(ask, 2, s.source);
	while (step(ask))
		open_source(sqlite3_column_int64(ask, 0));
	sqlite3_finalize(ask);
}

/* One that is followed may be to come. */
static void
check_run(void)
{
	sqlite3_stmt *ask = db_prepare(&s.db,
	    "SELECT count(*) FROM runs WHERE run = ?");

	if (!ask) {
		fail();
		return;
	}
	sqlite3_bind_text(ask, 1, s.run, -1, SQLITE_STATIC);
	if (step(ask) && sqlite3_column_int64(ask, 0) == 0)
		report_error("%s: no run %s", s.file, s.run);
	sqlite3_finalize(ask);
}

static void
begin_sources(void)
{
	struct source *source = s.sources;

	for (size_t i = 0; source && i < s.count; i++, source++) {
		sqlite3_reset(source->samples);
		sqlite3_bind_int64(source->samples, 2, source->written ?
		    written_begin(source->written, s.from_ns) : s.from_ns);
		next_sample(source);
	}
}

static void
end_sources(void)
{
	for (size_t i = 0; i < s.count; i++)
		if (s.sources[i].written)
			written_end(s.sources[i].written);
}

static void
put_sample(const struct source *source)
{
	sqlite3_stmt *row = source->samples;
	sqlite3_int64 node = sqlite3_column_int64(row, NODE);
	int64_t values[DB_COLUMNS];
	bool has[DB_COLUMNS];

	if (source->written &&
	    !written_is_new(source->written, source->time_ns, node))
		return;
	if (sqlite3_column_type(row, LINE) == SQLITE_TEXT) {
		stream_line((const char *)sqlite3_column_text(row, LINE),
		    (size_t)sqlite3_column_bytes(row, LINE));
		return;
	}
	if (node < 1 || node >= s.node_count || !s.nodes[node].name) {
		report_error("%s: a sample of no node", s.file);
		return;
	}
	for (int i = 0; i < DB_COLUMNS; i++) {
		values[i] = sqlite3_column_int64(row, FIRST + i);
		has[i] = values[i] || sqlite3_column_type(row, FIRST + i) ==
		    SQLITE_INTEGER;
	}
	char *at = db_sample(stream_room(db_sample_room(
	    s.nodes[node].length)), source->time_ns, s.nodes[node].name,
	    s.nodes[node].length, values, has);

	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

/* The source whose next sample is the earliest; NULL: there is none. */
static struct source *
earliest(void)
{
	struct source *first = NULL;

	for (size_t i = 0; i < s.count; i++)
		if (s.sources[i].more &&
		    (!first || s.sources[i].time_ns < first->time_ns))
			first = &s.sources[i];
	return first;
}

/* All samples up to a record's place. */
static void
put_samples(int64_t until_ns)
{
	struct source *source;

	while ((source = earliest()) && source->time_ns <= until_ns) {
		put_sample(source);
		next_sample(source);
	}
}

/* Records that tell of the samples of a span: those in it, and what a meter
 * said of itself before.  Of all records the index of their places gives the order;
 * by it SQLite would look at all of them for the few new ones, too. */
enum { PLACE, RECORD, SOURCE, TYPE_OF };

#define RECORDS "SELECT place_ns, line, source, type FROM records " \
	"JOIN runs ON runs.id = source WHERE records.id > ?5 AND " \
	"(?1 IS NULL OR run = ?1) AND " \
	"(?2 IS NULL OR type = ?2) AND ((place_ns >= ?3 AND place_ns < ?4) " \
	"OR (place_ns < ?3 AND (type = 'calibration' OR (type = 'event' AND " \
	"json_extract(line, '$.event') IN ('start', 'stop', 'clock'))))) " \
	"ORDER BY "

static sqlite3_stmt *
ask_records(void)
{
	sqlite3_stmt *ask = db_prepare(&s.db, s.record > 0
	    ? RECORDS "+place_ns, records.id"
	    : RECORDS "place_ns, records.id");

	if (!ask) {
		fail();
		return NULL;
	}
	sqlite3_bind_text(ask, 1, s.run, -1, SQLITE_STATIC);
	sqlite3_bind_text(ask, 2, s.type, -1, SQLITE_STATIC);
	sqlite3_bind_int64(ask, 3, s.from_ns);
	sqlite3_bind_int64(ask, 4, s.to_ns);
	sqlite3_bind_int64(ask, 5, s.record);
	return ask;
}

/* A start from before the span is told as of its begin, a stop from behind it as
 * of its end. */
static void
put_clipped(const char *line, size_t length, const struct event *event)
{
	if (event->kind == EVENT_START && event->has_timestamp &&
	    event->timestamp_ns < s.from_ns)
		session_put_at(line, length, s.from_ns);
	else if (event->kind == EVENT_STOP && event->has_timestamp &&
	    event->timestamp_ns > s.to_ns)
		session_put_at(line, length, s.to_ns);
	else
		stream_line(line, length);
}

/* Until when a session can have gone on from a time: up to the next start of
 * its kind.  INT64_MIN: up to its stop; INT64_MAX: nothing is known. */
static int64_t
session_limit(const struct session *session, int64_t from_ns)
{
	sqlite3_stmt *ask = db_prepare(&s.db, "SELECT line FROM records WHERE "
	    "source = ? AND place_ns >= ? AND type = 'event' AND "
	    "json_extract(line, '$.event') IN ('start', 'stop') "
	    "ORDER BY place_ns, id");
	int64_t limit_ns = INT64_MAX;
	struct event event;
	const char *why;

	if (!ask) {
		fail();
		return limit_ns;
	}
	sqlite3_bind_int64(ask, 1, session->source);
	sqlite3_bind_int64(ask, 2, from_ns);
	while (limit_ns == INT64_MAX && step(ask))
		if (event_read((const char *)sqlite3_column_text(ask, 0),
		    (size_t)sqlite3_column_bytes(ask, 0), &event, &why) &&
		    session_shares(&session->event, &event))
			limit_ns = event.kind == EVENT_STOP ? INT64_MIN
			    : event.timestamp_ns;
	sqlite3_finalize(ask);
	return limit_ns;
}

static bool
has_samples(const struct session *session, int64_t from_ns, int64_t to_ns)
{
	const struct json_value *nodes = &session->event.nodes;
	sqlite3_stmt *ask = db_prepare(&s.db, "SELECT 1 FROM samples WHERE "
	    "source = ?1 AND time_ns >= ?2 AND time_ns < ?3 AND (?4 IS NULL OR "
	    "node IN (SELECT id FROM nodes WHERE name IN (SELECT value FROM "
	    "json_each(?4)))) LIMIT 1");
	bool found;

	if (!ask)
		return fail();
	sqlite3_bind_int64(ask, 1, session->source);
	sqlite3_bind_int64(ask, 2, from_ns);
	sqlite3_bind_int64(ask, 3, to_ns);
	if (nodes->kind == JSON_ARRAY)
		sqlite3_bind_text64(ask, 4, nodes->at, nodes->length,
		    SQLITE_STATIC, SQLITE_UTF8);
	found = step(ask);
	sqlite3_finalize(ask);
	return found;
}

/* A meter that has an id was started again, if with other nodes. */
static bool
started_again(size_t i)
{
	const struct session *session = &s.sessions.at[i];
	bool again = false;

	if (session->event.instrument_id.kind == JSON_STRING)
		while (++i < s.sessions.count && !again)
			again = s.sessions.at[i].event.kind == EVENT_START &&
			    s.sessions.at[i].source == session->source;
	return again;
}

/* Whether a session broke off before the span: it was started again, without a
 * sample between.  One that is silent, and was not, has to be seen. */
static bool
broke_off_before(size_t i)
{
	const struct session *session = &s.sessions.at[i];
	int64_t limit_ns;

	if (session->event.kind != EVENT_START)
		return false;
	limit_ns = session_limit(session, s.from_ns);
	if (limit_ns == INT64_MIN ||
	    (limit_ns == INT64_MAX && !started_again(i)))
		return false;
	return !has_samples(session, s.from_ns, limit_ns);
}

/* Whether a session goes on behind the span: else it broke off within. */
static bool
goes_on(const struct session *session)
{
	int64_t limit_ns = session_limit(session, s.to_ns);

	return limit_ns == INT64_MIN ||
	    has_samples(session, s.to_ns, limit_ns);
}

/* What holds at the begin of the span. */
static void
begin_span(void)
{
	for (size_t i = 0; !s.begun && i < s.sessions.count;)
		if (broke_off_before(i)) {
			session_drop(&s.sessions, i);
		} else {
			put_clipped(s.sessions.at[i].line,
			    s.sessions.at[i].length, &s.sessions.at[i].event);
			i++;
		}
	session_keep_starts(&s.sessions);
	s.begun = true;
}

/* The sessions are kept as the record changes them; false: its start lies behind
 * the span. */
static bool
follow_sessions(sqlite3_int64 source, const char *line, size_t length,
    const struct event *event)
{
	bool is_start = event->kind == EVENT_START;

	if (s.begun && !is_start && event->kind != EVENT_STOP)
		return true;
	session_end(&s.sessions, source, line, length);
	if (is_start && event->has_timestamp && event->timestamp_ns >= s.to_ns)
		return false;
	if (s.begun ? is_start : event->kind != EVENT_STOP)
		session_add(&s.sessions, source, line, length);
	return true;
}

static void
put_record(sqlite3_stmt *row)
{
	const char *line = (const char *)sqlite3_column_text(row, RECORD);
	size_t length = (size_t)sqlite3_column_bytes(row, RECORD);
	const char *type = (const char *)sqlite3_column_text(row, TYPE_OF);
	struct event event = { .kind = EVENT_OTHER };
	const char *why;

	if (!s.begun && sqlite3_column_int64(row, PLACE) >= s.from_ns)
		begin_span();
	put_samples(sqlite3_column_int64(row, PLACE));
	if (strcmp(type, "event") == 0 &&
	    !event_read(line, length, &event, &why))
		event.kind = EVENT_OTHER; /* as it came */
	if (follow_sessions(sqlite3_column_int64(row, SOURCE), line, length,
	    &event) && s.begun)
		put_clipped(line, length, &event);
}

static void
put_records(sqlite3_stmt *records)
{
	while (step(records))
		put_record(records);
	sqlite3_finalize(records);
	begin_span();
}

/* The first column of the one row of a query; false: it failed (said). */
static bool
ask_integer(const char *sql, sqlite3_int64 *value)
{
	sqlite3_stmt *ask = db_prepare(&s.db, sql);
	bool told = ask && step(ask);

	if (!ask)
		fail();
	if (told)
		*value = sqlite3_column_int64(ask, 0);
	sqlite3_finalize(ask);
	return told;
}

static void
end_span(void)
{
	for (size_t i = 0; s.to_ns != INT64_MAX && i < s.sessions.count; i++)
		if (goes_on(&s.sessions.at[i]))
			session_put_stop(&s.sessions.at[i], s.to_ns);
}

static void
pull(void)
{
	bool samples = !s.type || strcmp(s.type, "sample") == 0;
	bool others = !s.type || !samples;
	sqlite3_stmt *records = NULL;

	if (s.run && !s.follow)
		check_run();
	if (samples) {
		read_nodes();
		open_sources();
		begin_sources();
	}
	if (others)
		records = ask_records();
	if (records)
		put_records(records);
	put_samples(INT64_MAX);
	end_span();
	end_sources();
	if (s.follow)
		ask_integer("SELECT max(id) FROM records", &s.record);
}

/* One state of the database, however long this takes; false: some of it failed. */
static bool
pull_once(void)
{
	if (!db_run(&s.db, "BEGIN"))
		return fail();
	pull();
	return (db_run(&s.db, "COMMIT") || fail()) &&
	    report_status() == STATUS_DONE;
}

/* Until it fails, nobody reads any more, or a signal kills.  SQLite's data_version
 * changes when another one has written. */
static void
follow(void)
{
	struct pollfd reader = { STDOUT_FILENO, 0, 0 };
	sqlite3_int64 before = 0, now = 0;

	do {
		stream_flush();
		do {
			if (poll(&reader, 1, FOLLOW_MS) > 0 ||
			    !ask_integer("PRAGMA data_version", &now))
				return;
		} while (now == before);
		before = now;
	} while (pull_once());
}

static void
close_all(void)
{
	for (size_t i = 0; i < s.count; i++) {
		sqlite3_finalize(s.sources[i].samples);
		if (s.sources[i].written)
			written_free(s.sources[i].written);
	}
	for (sqlite3_int64 i = 0; i < s.node_count; i++)
		free(s.nodes[i].name);
	free(s.nodes);
	free(s.sources);
	session_forget(&s.sessions);
	if (!db_close(&s.db))
		fail();
}

/* A time, or how long ago. */
static int64_t
read_from(const char *text)
{
	return *text == '-' ? clock_now() - option_duration("--from", text + 1)
	    : option_time("--from", text);
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case RUN:
		s.run = argument;
		break;
	case FOLLOW:
		s.follow = true;
		break;
	case FROM:
		s.from_ns = read_from(argument);
		break;
	case TO:
		s.to_ns = option_time("--to", argument);
		break;
	case TYPE:
		s.type = argument;
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run", required_argument, NULL, RUN },
		{ "follow", no_argument, NULL, FOLLOW },
		{ "from", required_argument, NULL, FROM },
		{ "to", required_argument, NULL, TO },
		{ "type", required_argument, NULL, TYPE },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-pull", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	if (!operands[0] || operands[1])
		report_usage("wants one database: DB");
	if (s.follow && s.to_ns != INT64_MAX)
		report_usage("--follow and --to: choose one");
	if (s.to_ns <= s.from_ns)
		report_usage("the span ends before it begins");
	s.file = operands[0];
	if (!db_open(&s.db, s.file, false)) {
		fail();
		return stream_finish();
	}
	if (s.follow)
		stream_hold(HELD_MAX);
	if (pull_once() && s.follow)
		follow();
	close_all();
	return stream_finish();
}
