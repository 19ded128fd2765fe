/* epi-pull - records out of an SQLite database */
/* link: -lsqlite3 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "epi-pull/written.h"
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
	if (s.run && s.count == 0 && !s.follow)
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
#define RECORDS "SELECT place_ns, line FROM records " \
	"JOIN runs ON runs.id = source WHERE records.id > ?5 AND " \
	"(?1 IS NULL OR run = ?1) AND " \
	"(?2 IS NULL OR type = ?2) AND ((place_ns >= ?3 AND place_ns < ?4) " \
	"OR (place_ns < ?3 AND (type = 'calibration' OR (type = 'event' " \
	"AND json_extract(line, '$.event') = 'start')))) ORDER BY "

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

static void
put_records(sqlite3_stmt *records)
{
	while (step(records)) {
		put_samples(sqlite3_column_int64(records, 0));
		stream_line((const char *)sqlite3_column_text(records, 1),
		    (size_t)sqlite3_column_bytes(records, 1));
	}
	sqlite3_finalize(records);
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
pull(void)
{
	bool samples = !s.type || strcmp(s.type, "sample") == 0;
	bool others = !s.type || !samples;
	sqlite3_stmt *records = NULL;

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
