/*
 * log: records into the database, in transactions.
 *
 * Records wait in memory until log_commit, so that the database is locked only
 * while they are written: several programs can log into one.
 * Where the database fails, that is said once, the status is 1, and from then
 * on nothing is kept: what --tee passes on does not depend on it.
 */
#ifndef EPI_LOG_LOG_H
#define EPI_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "json-shape.h"
#include "sample.h"

struct source;

/* A record; the name of its file has to stay. */
struct log_entry {
	const char *line;
	size_t length;
	const struct sample *sample; /* NULL: it is none */
	const char *file;
	uint64_t line_number;
};

struct log {
	struct db db;
	const char *file, *run;
	struct sample_nodes *nodes;
	bool failed;
	bool open;          /* a transaction is */
	struct log_waiting {
		struct log_entry entry; /* but its line, */
		size_t at;              /* which is here in the text, */
		struct sample sample;   /* and its sample */
	} *waiting;
	size_t waiting_count, waiting_room;
	char *text;
	size_t text_length, text_room;
	int64_t waits_ns;   /* since then (clock_steady) the first one does */

	sqlite3_stmt *add_sample, *find_sample, *add_record, *add_source,
	    *find_source, *add_node, *find_node, *last_time,
	    *move_start;
	struct source *sources;
	size_t source_count, current; /* current: of the last start event */
	struct node_key {
		sqlite3_int64 id;
		size_t source; /* that announced it */
		bool has_id, has_source;
		const struct json_form *form; /* of its last sample */
	} *keys;            /* by sample.node */
	unsigned key_count;
	int64_t latest_ns;  /* of all samples seen */
	struct json_wanted wanted;  /* the columns, */
	struct json_shapes *shapes; /* of samples that had them */
	char *line;         /* as the columns would give it back */
	size_t line_room;
};

/* False: said. */
bool log_open(struct log *log, const char *file, const char *run,
    struct sample_nodes *nodes);

/* Copies it, to be written by log_commit, which this calls where much waits. */
void log_add(struct log *log, const struct log_entry *entry);

/* Writes what waits.  A sample that contradicts another is told as malformed. */
void log_commit(struct log *log);
void log_close(struct log *log);

#endif
