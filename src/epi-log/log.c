#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-log/log.h"
#include "event.h"
#include "json.h"
#include "report.h"
#include "stream.h"

enum { TEXT_MAX = 1 << 20 }; /* of what waits, is written in some 30 ms */

/* A meter in a run: what makes two like samples two. */
struct source {
	char *run, *meter;
	sqlite3_int64 id;
	int64_t latest_ns; /* that the database has */
	bool stopped;      /* and has not started again */
	bool earlier;      /* its samples are of before others that are there, */
	int64_t seen_ns;   /* and the latest of them is of then */
	sqlite3_int64 start; /* the id of its last start, 0: none that can move, */
	int64_t start_ns;  /* its place, */
	int64_t floor_ns;  /* and the first that it can have */
};

#define LATE_NS (60 * CLOCK_SECOND) /* no start is later than its samples */

static bool
give_up(struct log *log, const char *what)
{
	if (!log->failed && !*log->db.error)
		db_fail(&log->db, what);
	if (!log->failed)
		report_error("%s: %s; nothing more is kept%s", log->file,
		    log->db.error, log->waiting_count > 0 ? ", and the last second's "
		    "records were not" : "");
	log->failed = true;
	if (log->open)
		sqlite3_exec(log->db.handle, "ROLLBACK", NULL, NULL, NULL);
	log->open = false;
	return false;
}

static bool
prepare_all(struct log *log)
{
	char sql[400] = "INSERT INTO samples (source, time_ns, node";
	size_t n = strlen(sql);

	for (int i = 0; i < DB_COLUMNS; i++)
		n += (size_t)snprintf(sql + n, sizeof sql - n, ", %s",
		    db_quantities[i].column);
	snprintf(sql + n, sizeof sql - n, ", line) VALUES (?, ?, ?, ?, ?, ?, "
	    "?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	log->add_sample = db_prepare(&log->db, sql);
	log->find_sample = db_prepare(&log->db, "SELECT 1 FROM samples "
	    "WHERE source = ? AND time_ns = ? AND node = ? AND (watts_nw, "
	    "volts_uv, amps_ua, power_factor_ppm, vars_uvar, hertz_uhz, "
	    "joules_uj, seq) IS (?, ?, ?, ?, ?, ?, ?, ?)");
	log->add_record = db_prepare(&log->db, "INSERT INTO records (source, "
	    "type, place_ns, line) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING");
	log->add_source = db_prepare(&log->db, "INSERT INTO runs (run, meter) "
	    "VALUES (?, ?) ON CONFLICT DO NOTHING");
	log->find_source = db_prepare(&log->db,
	    "SELECT id FROM runs WHERE run = ? AND meter = ?");
	log->add_node = db_prepare(&log->db,
	    "INSERT INTO nodes (name) VALUES (?) ON CONFLICT DO NOTHING");
	log->find_node = db_prepare(&log->db,
	    "SELECT id FROM nodes WHERE name = ?");
	log->last_time = db_prepare(&log->db,
	    "SELECT max(time_ns) FROM samples WHERE source = ?");
	log->move_start = db_prepare(&log->db, "UPDATE records SET place_ns = ? "
	    "WHERE source = ? AND id >= ? AND place_ns = ?");
	return log->move_start &&
	    log->add_sample && log->find_sample && log->add_record &&
	    log->add_source && log->find_source && log->add_node &&
	    log->find_node && log->last_time;
}

_Static_assert((int)DB_COLUMNS <= (int)JSON_NUMBERS, "all are wanted");

static void
want_columns(struct log *log)
{
	log->wanted = (struct json_wanted){
		.text = "node", .refused = "type", .needed = 1 << DB_WATTS
	};
	for (size_t i = 0; i < DB_COLUMNS; i++) {
		log->wanted.numbers[i].key = db_quantities[i].key;
		log->wanted.numbers[i].scale = db_quantities[i].scale;
		log->wanted.numbers[i].at = i * sizeof(int64_t);
	}
	log->shapes = json_shapes_new(&log->wanted);
}

bool
log_open(struct log *log, const char *file, const char *run,
    struct sample_nodes *nodes)
{
	log->file = file;
	log->run = run;
	log->nodes = nodes;
	want_columns(log);
	return (db_open(&log->db, file, true) && prepare_all(log)) ||
	    give_up(log, "database");
}

/* Runs a statement that gives no row; false: it failed. */
static bool
run(struct log *log, sqlite3_stmt *statement)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE;

	if (!done) {
		db_fail(&log->db, "database");
		sqlite3_reset(statement);
		return give_up(log, "database");
	}
	sqlite3_reset(statement);
	return true;
}

/* The one integer that a statement gives; false: no row, or NULL. */
static bool
ask(struct log *log, sqlite3_stmt *statement, sqlite3_int64 *value)
{
	int status = sqlite3_step(statement);
	bool found = status == SQLITE_ROW &&
	    sqlite3_column_type(statement, 0) != SQLITE_NULL;

	if (found)
		*value = sqlite3_column_int64(statement, 0);
	if (status != SQLITE_ROW && status != SQLITE_DONE)
		db_fail(&log->db, "database");
	sqlite3_reset(statement);
	if (status != SQLITE_ROW && status != SQLITE_DONE)
		give_up(log, "database");
	return found;
}

static void
bind_text(sqlite3_stmt *statement, int i, const char *text, size_t length)
{
	sqlite3_bind_text64(statement, i, text, length, SQLITE_STATIC,
	    SQLITE_UTF8);
}

/* The index of a source, which is made where it is new; false: failed. */
static bool
find_source(struct log *log, const char *run_id, const char *meter,
    size_t *index)
{
	struct source *source;
	sqlite3_stmt *steps[] = { log->add_source, log->find_source };
	sqlite3_int64 latest = 0;

	for (*index = 0; *index < log->source_count; ++*index)
		if (strcmp(log->sources[*index].run, run_id) == 0 &&
		    strcmp(log->sources[*index].meter, meter) == 0)
			return true;
	log->sources = report_resize(log->sources, log->source_count + 1,
	    sizeof *log->sources);
	source = &log->sources[log->source_count];
	*source = (struct source){ 0 };
	for (int i = 0; i < 2; i++) {
		bind_text(steps[i], 1, run_id, strlen(run_id));
		bind_text(steps[i], 2, meter, strlen(meter));
	}
	if (!run(log, log->add_source) ||
	    !ask(log, log->find_source, &source->id))
		return false;
	sqlite3_bind_int64(log->last_time, 1, source->id);
	ask(log, log->last_time, &latest);
	source->run = report_copy(run_id, strlen(run_id));
	source->meter = report_copy(meter, strlen(meter));
	source->latest_ns = latest;
	log->source_count++;
	return !log->failed;
}

static struct node_key *
key_of(struct log *log, unsigned node)
{
	if (node >= log->key_count) {
		log->keys = report_resize(log->keys, node + 1,
		    sizeof *log->keys);
		memset(log->keys + log->key_count, 0,
		    (node + 1 - log->key_count) * sizeof *log->keys);
		log->key_count = node + 1;
	}
	return &log->keys[node];
}

/* The key of a sample's node; NULL: failed. */
static struct node_key *
known_key(struct log *log, unsigned node)
{
	struct node_key *key = key_of(log, node);
	const char *name = log->nodes->names[node];

	if (log->source_count == 0 &&
	    !find_source(log, log->run, "", &log->current))
		return NULL;
	if (!key->has_source)
		key->source = log->current;
	if (key->has_id)
		return key;
	bind_text(log->add_node, 1, name, strlen(name));
	bind_text(log->find_node, 1, name, strlen(name));
	if (!run(log, log->add_node) || !ask(log, log->find_node, &key->id))
		return NULL;
	key->has_id = true;
	return key;
}

/* The columns of a sample whose line is like one before it.  What stands as its
 * node has to be the name: with a quote or a backslash in it, it never is. */
static bool
match_columns(struct log *log, struct node_key *key, const char *name,
    const char *line, int64_t *values, bool *has)
{
	const struct json_form *form = json_match(log->shapes, line, key->form,
	    values);

	if (!form || form->text_length != strlen(name) ||
	    memcmp(line + form->text_at, name, form->text_length) != 0)
		return false;
	key->form = form;
	for (int i = 0; i < DB_COLUMNS; i++)
		has[i] = form->have >> i & 1;
	return true;
}

/* The columns of a sample; none of one that they do not hold. */
static void
read_columns(struct log *log, const char *line, size_t length, int64_t *values,
    bool *has)
{
	const char *keys[DB_COLUMNS];
	struct json_value found[DB_COLUMNS];
	struct json_error error;

	for (int i = 0; i < DB_COLUMNS; i++) {
		keys[i] = db_quantities[i].key;
		has[i] = false;
	}
	if (!json_members(line, length, keys, DB_COLUMNS, found, &error))
		return;
	for (int i = 0; i < DB_COLUMNS; i++)
		has[i] = json_decimal(&found[i], db_quantities[i].scale,
		    &values[i]);
	json_learn(log->shapes, line, length);
}

/* Whether the columns give the very line back. */
static bool
gives_back(struct log *log, const char *line, size_t length, int64_t time_ns,
    const char *node, const int64_t *values, const bool *has)
{
	size_t room = db_sample_room(strlen(node));
	char *end;

	if (room > log->line_room) {
		log->line = report_resize(log->line, room, 1);
		log->line_room = room;
	}
	end = db_sample(log->line, time_ns, node, strlen(node), values, has);
	return (size_t)(end - log->line) == length &&
	    memcmp(log->line, line, length) == 0;
}

/* The key of a sample, and its columns. */
static void
bind_sample(sqlite3_stmt *statement, const struct source *source,
    int64_t time_ns, const struct node_key *key, const int64_t *values,
    const bool *has)
{
	sqlite3_bind_int64(statement, 1, source->id);
	sqlite3_bind_int64(statement, 2, time_ns);
	sqlite3_bind_int64(statement, 3, key->id);
	for (int i = 0; i < DB_COLUMNS; i++)
		if (has[i])
			sqlite3_bind_int64(statement, 4 + i, values[i]);
		else
			sqlite3_bind_null(statement, 4 + i);
}

/* A sample of that key is there: the same, or one that contradicts it. */
static void
check_twin(struct log *log, const struct log_entry *entry)
{
	sqlite3_int64 same = 0;

	ask(log, log->find_sample, &same);
	if (!same && !log->failed)
		report_malformed(entry->file, entry->line_number, "two "
		    "different samples of node %.80s at one time; the first "
		    "one is kept", log->nodes->names[entry->sample->node]);
}

/* Of all samples that came before. */
static int64_t
arrival(const struct log *log, const struct source *source)
{
	return log->latest_ns > source->latest_ns ? log->latest_ns
	    : source->latest_ns;
}

/* A sample that its start is later than: the start, and what came between, stand
 * before it. */
static void
move_start(struct log *log, struct source *source, int64_t time_ns)
{
	int64_t place_ns = time_ns - 1 > source->floor_ns ? time_ns - 1
	    : source->floor_ns;

	if (place_ns >= source->start_ns)
		return;
	sqlite3_bind_int64(log->move_start, 1, place_ns);
	sqlite3_bind_int64(log->move_start, 2, source->id);
	sqlite3_bind_int64(log->move_start, 3, source->start);
	sqlite3_bind_int64(log->move_start, 4, source->start_ns);
	run(log, log->move_start);
	source->start_ns = place_ns;
}

/* The latest time of all, and of a trace that is earlier than others until it has
 * come up to them. */
static void
pass(struct log *log, struct source *source, int64_t time_ns)
{
	if (time_ns <= source->start_ns && source->start)
		move_start(log, source, time_ns);
	if (source->earlier && time_ns > source->seen_ns)
		source->seen_ns = time_ns;
	if (source->earlier && time_ns >= arrival(log, source))
		source->earlier = false;
	if (time_ns > log->latest_ns)
		log->latest_ns = time_ns;
}

static void
write_sample(struct log *log, const struct log_entry *entry)
{
	const struct sample *sample = entry->sample;
	const char *name = log->nodes->names[sample->node];
	int64_t values[DB_COLUMNS];
	bool has[DB_COLUMNS], is_new;
	struct node_key *key = known_key(log, sample->node);
	struct source *source;
	sqlite3_stmt *add = log->add_sample;

	if (!key)
		return;
	source = &log->sources[key->source];
	if (!match_columns(log, key, name, entry->line, values, has))
		read_columns(log, entry->line, entry->length, values, has);
	values[DB_WATTS] = sample->watts_nw; /* checked there */
	has[DB_WATTS] = true;
	bind_sample(add, source, sample->timestamp_ns, key, values, has);
	if (gives_back(log, entry->line, entry->length, sample->timestamp_ns,
	    name, values, has))
		sqlite3_bind_null(add, 4 + DB_COLUMNS);
	else
		bind_text(add, 4 + DB_COLUMNS, entry->line, entry->length);
	if (!run(log, add))
		return;
	is_new = sqlite3_changes(log->db.handle) > 0;
	pass(log, source, sample->timestamp_ns);
	if (is_new)
		return;
	bind_sample(log->find_sample, source, sample->timestamp_ns, key, values,
	    has);
	check_twin(log, entry);
}

/* ---- other records */

static char *
copy_or(const struct json_value *value, const char *otherwise)
{
	char *text;

	if (value->kind != JSON_STRING)
		return report_copy(otherwise, strlen(otherwise));
	text = report_resize(NULL, value->length + 1, 1);
	json_string(value, text, value->length + 1);
	return text;
}

/* Of a start that names no nodes are all that no other meter of its run, which has
 * not stopped, has announced. */
static void
release(struct log *log, size_t source)
{
	const char *of_run = log->sources[source].run;

	for (unsigned i = 0; i < log->key_count; i++) {
		struct node_key *key = &log->keys[i];

		if (key->has_source && (log->sources[key->source].stopped ||
		    strcmp(log->sources[key->source].run, of_run) != 0))
			key->has_source = false;
	}
}

/* The nodes that a start event announces are its meter's from here on. */
static void
announce(struct log *log, const struct event *event, size_t source)
{
	struct json_value element;
	const char *cursor = NULL;
	char name[SAMPLE_NODE_MAX + 1];
	long length;

	if (event->nodes.kind != JSON_ARRAY)
		release(log, source);
	log->current = source;
	log->sources[source].stopped = false;
	while (json_element(&event->nodes, &cursor, &element)) {
		struct node_key *key;

		length = json_string(&element, name, sizeof name);
		if (length <= 0)
			continue;
		key = key_of(log, sample_node(log->nodes, name,
		    (size_t)length));
		key->source = source;
		key->has_source = true;
	}
}

/* The source of a record: the run that it names, or the stream's; its meter,
 * or that of the last start event. */
static bool
source_of(struct log *log, const char *line, size_t length,
    const struct event *event, size_t *index)
{
	static const char *const keys[] = { "run" };
	struct json_value value = { 0 };
	struct json_error error;
	const char *meter = log->source_count > 0
	    ? log->sources[log->current].meter : "";
	char *run_id, *id;
	bool found;

	json_members(line, length, keys, 1, &value, &error);
	run_id = copy_or(&value, log->run);
	id = copy_or(&event->instrument_id, meter);
	found = find_source(log, run_id, id, index);
	free(run_id);
	free(id);
	return found;
}

/* A start stands just before its own time, and behind the samples that came before,
 * unless it is that of an earlier trace: behind what is there of before it. */
static int64_t
place_start(struct source *source, const struct event *event,
    int64_t arrival_ns)
{
	int64_t before_ns = event->timestamp_ns - 1;

	source->earlier = event->has_timestamp &&
	    event->timestamp_ns < arrival_ns;
	source->start_ns = event->has_timestamp &&
	    (source->earlier || before_ns > arrival_ns)
	    ? before_ns : arrival_ns;
	source->floor_ns = source->earlier ? before_ns - LATE_NS : arrival_ns;
	source->seen_ns = source->start_ns;
	return source->start_ns;
}

/* Behind which samples a record stands: all that came before, or those of its
 * trace, where that is earlier than what is there. */
static int64_t
place(const struct log *log, struct source *source, const struct event *event)
{
	int64_t place_ns = arrival(log, source);

	if (event->kind == EVENT_START)
		return place_start(source, event, place_ns);
	if (source->earlier)
		return source->seen_ns;
	return source->start_ns > place_ns ? source->start_ns : place_ns;
}

static void
write_record(struct log *log, const struct log_entry *entry)
{
	struct event event;
	const char *why;
	struct source *source;
	int64_t place_ns;
	size_t index;
	char *type;

	/* as far as it can be */
	event_read(entry->line, entry->length, &event, &why);
	if (!source_of(log, entry->line, entry->length, &event, &index))
		return;
	if (event.kind == EVENT_START)
		announce(log, &event, index);
	source = &log->sources[index];
	if (event.kind == EVENT_STOP)
		source->stopped = true;
	place_ns = place(log, source, &event);
	type = copy_or(&event.type, "");
	sqlite3_bind_int64(log->add_record, 1, source->id);
	bind_text(log->add_record, 2, type, strlen(type));
	sqlite3_bind_int64(log->add_record, 3, place_ns);
	bind_text(log->add_record, 4, entry->line, entry->length);
	run(log, log->add_record);
	if (event.kind == EVENT_START)
		source->start = sqlite3_changes(log->db.handle) > 0
		    ? sqlite3_last_insert_rowid(log->db.handle) : 0;
	sqlite3_bind_null(log->add_record, 2);
	free(type);
}

/* ---- transactions */

void
log_add(struct log *log, const struct log_entry *entry)
{
	size_t end = log->text_length + entry->length + 1;
	struct log_waiting *waiting;

	if (log->failed)
		return;
	if (log->waiting_count == log->waiting_room) {
		log->waiting_room = log->waiting_room * 2 + 64;
		log->waiting = report_resize(log->waiting, log->waiting_room,
		    sizeof *log->waiting);
	}
	if (end > log->text_room) {
		log->text_room = end * 2;
		log->text = report_resize(log->text, STREAM_MARGIN +
		    log->text_room + STREAM_PADDING, 1);
	}
	waiting = &log->waiting[log->waiting_count];
	*waiting = (struct log_waiting){
		.entry = *entry, .at = STREAM_MARGIN + log->text_length
	};
	if (entry->sample)
		waiting->sample = *entry->sample;
	memcpy(log->text + waiting->at, entry->line, entry->length);
	log->text[waiting->at + entry->length] = '\n';
	log->text_length = end;
	if (log->waiting_count++ == 0)
		log->waits_ns = clock_steady();
	if (end >= TEXT_MAX)
		log_commit(log);
}

static void
write_waiting(struct log *log, struct log_waiting *waiting)
{
	waiting->entry.line = log->text + waiting->at;
	if (!waiting->entry.sample) {
		write_record(log, &waiting->entry);
		return;
	}
	waiting->entry.sample = &waiting->sample;
	write_sample(log, &waiting->entry);
}

void
log_commit(struct log *log)
{
	if (log->waiting_count == 0)
		return;
	log->open = db_run(&log->db, "BEGIN IMMEDIATE");
	if (!log->open)
		give_up(log, "database");
	for (size_t i = 0; i < log->waiting_count && !log->failed; i++)
		write_waiting(log, &log->waiting[i]);
	if (!log->failed && !db_run(&log->db, "COMMIT"))
		give_up(log, "database");
	log->open = false;
	log->waiting_count = log->text_length = 0;
}

void
log_close(struct log *log)
{
	log_commit(log);
	sqlite3_finalize(log->add_sample);
	sqlite3_finalize(log->find_sample);
	sqlite3_finalize(log->add_record);
	sqlite3_finalize(log->add_source);
	sqlite3_finalize(log->find_source);
	sqlite3_finalize(log->add_node);
	sqlite3_finalize(log->find_node);
	sqlite3_finalize(log->last_time);
	sqlite3_finalize(log->move_start);
	if (log->db.handle && !db_close(&log->db))
		give_up(log, "database");
	for (size_t i = 0; i < log->source_count; i++) {
		free(log->sources[i].run);
		free(log->sources[i].meter);
	}
	free(log->sources);
	free(log->keys);
	free(log->shapes);
	free(log->line);
	free(log->waiting);
	free(log->text);
}
