/*
 * db: the database of epi-log(1) and epi-pull(1), whose schema is epi-db(5).
 * A program that uses it says "link: -lsqlite3".
 *
 * A record that a sample's columns cannot give back byte for byte keeps its
 * line; all other records are kept as lines.
 * Floor: third.  Nothing here prints; an error is a sentence.
 */
#ifndef EPI_DB_H
#define EPI_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "json.h"

enum { DB_VERSION = 1, DB_SENTENCE = 400 };

/* The columns of a sample after its key, in the record's order. */
enum db_column {
	DB_WATTS, DB_VOLTS, DB_AMPS, DB_POWER_FACTOR, DB_VARS, DB_HERTZ,
	DB_JOULES, DB_SEQ, DB_COLUMNS
};

struct db_quantity {
	const char *key;    /* of the record */
	const char *column; /* of the table, with its unit */
	int scale;          /* the column counts 10^-scale */
	int least;          /* decimals that the record has at least */
	char member[24];    /* ,"key": and what is behind it has no meaning */
	int length;         /* of that */
};

extern const struct db_quantity db_quantities[DB_COLUMNS];

struct db {
	sqlite3 *handle;
	int64_t waits_ns;        /* for a lock, since then (clock_steady) */
	bool busy;               /* that is why the last call failed */
	char error[DB_SENTENCE]; /* of the last call that failed */
};

/*
 * A lock that another program has is waited for, here and later, five seconds at
 * most.
 *
 * Opens a database, to be written (made if it is not there, brought to this
 * version if it is older) or read.  False: not a database, a newer one, not to
 * be opened; db->error says so.
 */
bool db_open(struct db *db, const char *file, bool write);

/* False: some of it could not be written. */
bool db_close(struct db *db);

/* Runs statements without results. */
bool db_run(struct db *db, const char *sql);

/* NULL: db->error. */
sqlite3_stmt *db_prepare(struct db *db, const char *sql);

/* Puts what SQLite says of a failure into db->error; false. */
bool db_fail(struct db *db, const char *what);

/* Room for any line that db_sample writes of a node's name. */
size_t db_sample_room(size_t name_length);

/*
 * The line of a sample from its columns, without a newline, at `at`; a column
 * that is not has[] is left out.  Returns the position behind it.
 */
char *db_sample(char *at, int64_t time_ns, const char *node, size_t length,
    const int64_t *values, const bool *has);

#endif
