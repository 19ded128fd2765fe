/*
 * log: records into the database, in transactions.
 *
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

struct log {
	struct db db;
	const char *file, *run;
	struct sample_nodes *nodes;
	bool failed;
	bool open;          /* a transaction is */
	int64_t begun_ns;   /* since then (clock_steady) */
	uint64_t pending;   /* records in it */
	char conflict[200]; /* why the last record was not kept, or "" */

	sqlite3_stmt *add_sample, *find_sample, *add_record, *add_source,
	    *find_source, *add_node, *find_node, *last_time;
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

/* False: it was not kept; log->conflict says why if it contradicts another
 * one, else the database failed or had it already.  The line stands in a block
 * of a stream. */
bool log_sample(struct log *log, const char *line, size_t length,
    const struct sample *sample);
bool log_record(struct log *log, const char *line, size_t length);

void log_commit(struct log *log);
void log_close(struct log *log);

#endif
