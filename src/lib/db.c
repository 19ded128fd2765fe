#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "db.h"
#include "write.h"

#define QUANTITY(key, column, scale, least) \
	{ (key), (column), (scale), (least), ",\"" key "\":", sizeof(key) + 3 }

const struct db_quantity db_quantities[DB_COLUMNS] = {
	[DB_WATTS] = QUANTITY("watts", "watts_nw", 9, 3),
	[DB_VOLTS] = QUANTITY("volts", "volts_uv", 6, 2),
	[DB_AMPS] = QUANTITY("amps", "amps_ua", 6, 4),
	[DB_POWER_FACTOR] = QUANTITY("power_factor", "power_factor_ppm", 6, 3),
	[DB_VARS] = QUANTITY("vars", "vars_uvar", 6, 2),
	[DB_HERTZ] = QUANTITY("hertz", "hertz_uhz", 6, 2),
	[DB_JOULES] = QUANTITY("joules", "joules_uj", 6, 3),
	[DB_SEQ] = QUANTITY("seq", "seq", 0, 0)
};

/* What brings a database from version i to i + 1; forward only. */
static const char *const migrations[DB_VERSION] = {
	"CREATE TABLE runs (id INTEGER PRIMARY KEY, run TEXT NOT NULL,"
	" meter TEXT NOT NULL, UNIQUE (run, meter));"
	"CREATE TABLE nodes (id INTEGER PRIMARY KEY,"
	" name TEXT NOT NULL UNIQUE);"
	"CREATE TABLE samples (source INTEGER NOT NULL REFERENCES runs,"
	" time_ns INTEGER NOT NULL, node INTEGER NOT NULL REFERENCES nodes,"
	" watts_nw INTEGER, volts_uv INTEGER, amps_ua INTEGER,"
	" power_factor_ppm INTEGER, vars_uvar INTEGER, hertz_uhz INTEGER,"
	" joules_uj INTEGER, seq INTEGER, line TEXT,"
	" PRIMARY KEY (source, time_ns, node)) WITHOUT ROWID;"
	"CREATE TABLE records (id INTEGER PRIMARY KEY,"
	" source INTEGER NOT NULL REFERENCES runs, type TEXT NOT NULL,"
	" place_ns INTEGER NOT NULL, line TEXT NOT NULL,"
	" UNIQUE (source, line));"
	"CREATE INDEX records_place ON records (place_ns, id);"
	"CREATE VIEW power AS SELECT runs.run, runs.meter,"
	" time_ns / 1e9 AS timestamp, nodes.name AS node,"
	" watts_nw / 1e9 AS watts, volts_uv / 1e6 AS volts,"
	" amps_ua / 1e6 AS amps, power_factor_ppm / 1e6 AS power_factor,"
	" vars_uvar / 1e6 AS vars, hertz_uhz / 1e6 AS hertz,"
	" joules_uj / 1e6 AS joules, seq FROM samples"
	" JOIN runs ON runs.id = source JOIN nodes ON nodes.id = samples.node;"
	"CREATE VIEW events AS SELECT runs.run, runs.meter,"
	" json_extract(line, '$.timestamp') AS timestamp,"
	" json_extract(line, '$.event') AS event,"
	" json_extract(line, '$.node') AS node,"
	" json_extract(line, '$.label') AS label,"
	" json_extract(line, '$.begin') AS begin,"
	" json_extract(line, '$.end') AS \"end\","
	" json_extract(line, '$.count') AS count, line"
	" FROM records JOIN runs ON runs.id = source WHERE type = 'event';"
	"CREATE VIEW energy AS SELECT runs.run,"
	" json_extract(line, '$.label') AS label,"
	" json_extract(line, '$.scope') AS scope,"
	" json_extract(line, '$.node') AS node,"
	" json_extract(line, '$.begin') AS begin,"
	" json_extract(line, '$.end') AS \"end\","
	" json_extract(line, '$.seconds') AS seconds,"
	" json_extract(line, '$.joules') AS joules,"
	" json_extract(line, '$.u_joules') AS u_joules,"
	" json_extract(line, '$.mean_watts') AS mean_watts,"
	" json_extract(line, '$.coverage') AS coverage,"
	" json_extract(line, '$.complete') AS complete, line"
	" FROM records JOIN runs ON runs.id = source WHERE type = 'energy';"
	"CREATE VIEW tokens AS SELECT runs.run,"
	" json_extract(line, '$.engine') AS engine,"
	" json_extract(line, '$.prompt_tokens') AS prompt_tokens,"
	" json_extract(line, '$.generated_tokens') AS generated_tokens,"
	" json_extract(line, '$.status') AS status,"
	" json_extract(line, '$.begin') AS begin,"
	" json_extract(line, '$.end') AS \"end\", line"
	" FROM records JOIN runs ON runs.id = source WHERE type = 'tokens';"
	"CREATE VIEW accuracy AS SELECT runs.run,"
	" json_extract(line, '$.benchmark') AS benchmark,"
	" json_extract(line, '$.shots') AS shots,"
	" json_extract(line, '$.protocol') AS protocol,"
	" json_extract(line, '$.questions') AS questions,"
	" json_extract(line, '$.correct') AS correct,"
	" json_extract(line, '$.accuracy') AS accuracy,"
	" json_extract(line, '$.u_accuracy') AS u_accuracy, line"
	" FROM records JOIN runs ON runs.id = source WHERE type = 'accuracy';"
	"CREATE VIEW scores AS SELECT runs.run,"
	" json_extract(line, '$.model') AS model,"
	" json_extract(line, '$.quantization') AS quantization,"
	" json_extract(line, '$.surgery') AS surgery,"
	" json_extract(line, '$.hardware') AS hardware,"
	" json_extract(line, '$.energy.joules_per_token') AS joules_per_token,"
	" json_extract(line, '$.accuracy.composite') AS accuracy,"
	" json_extract(line, '$.epi.value') AS epi,"
	" json_extract(line, '$.u') AS u, line"
	" FROM records JOIN runs ON runs.id = source WHERE type = 'score';"
};

#define WAIT_NS (5 * CLOCK_SECOND)

bool
db_fail(struct db *db, const char *what)
{
	db->busy = db->handle &&
	    (sqlite3_errcode(db->handle) & 0xff) == SQLITE_BUSY;
	snprintf(db->error, sizeof db->error, "%s: %s", what,
	    db->handle ? sqlite3_errmsg(db->handle) : "out of memory");
	return false;
}

bool
db_run(struct db *db, const char *sql)
{
	return sqlite3_exec(db->handle, sql, NULL, NULL, NULL) == SQLITE_OK ||
	    db_fail(db, "database");
}

sqlite3_stmt *
db_prepare(struct db *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &statement, NULL) != SQLITE_OK)
		db_fail(db, "database");
	return statement;
}

/* Whether to try again, after a moment: SQLite's own handler soon sleeps 100 ms
 * at a time, and misses the gaps between the transactions of others. */
static int
wait_for_lock(void *state, int tries)
{
	static const struct timespec moment = { 0, 2000000 };
	struct db *db = state;

	if (tries == 0)
		db->waits_ns = clock_steady();
	else if (clock_steady() - db->waits_ns > WAIT_NS)
		return 0;
	nanosleep(&moment, NULL);
	return 1;
}

/* A database that no epi-log made has tables, and the version 0. */
static bool
read_version(struct db *db, int *version)
{
	sqlite3_stmt *ask = db_prepare(db, "SELECT (SELECT count(*) FROM "
	    "sqlite_master), user_version FROM pragma_user_version");
	bool done = ask && sqlite3_step(ask) == SQLITE_ROW;
	int tables = 0;

	if (done) {
		tables = sqlite3_column_int(ask, 0);
		*version = sqlite3_column_int(ask, 1);
	} else if (ask) {
		db_fail(db, "database");
	}
	sqlite3_finalize(ask);
	if (done && (*version < 0 || (*version == 0 && tables > 0))) {
		snprintf(db->error, sizeof db->error,
		    "a database, but none of epi-log");
		return false;
	}
	if (done && *version > DB_VERSION) {
		snprintf(db->error, sizeof db->error, "of version %d, newer "
		    "than this program's %d", *version, DB_VERSION);
		return false;
	}
	return done;
}

static bool
migrate(struct db *db)
{
	int version;
	char set[40];

	if (!db_run(db, "BEGIN IMMEDIATE"))
		return false;
	if (!read_version(db, &version))
		return false;
	for (; version < DB_VERSION; version++)
		if (!db_run(db, migrations[version]))
			return false;
	snprintf(set, sizeof set, "PRAGMA user_version = %d", DB_VERSION);
	return db_run(db, set) && db_run(db, "COMMIT");
}

/* WAL: readers and the writer do not wait for each other; NORMAL: a commit is
 * whole after a crash, and at most the last ones are lost with the power.  A page
 * of a new database is 16 KB: a batch takes a fifth less time than with 4 KB. */
static bool
prepare(struct db *db, bool write)
{
	int version;

	if (!read_version(db, &version))
		return false;
	if (!write && version == 0) {
		snprintf(db->error, sizeof db->error, "an empty database");
		return false;
	}
	return !write || (db_run(db, "PRAGMA page_size = 16384;"
	    "PRAGMA journal_mode = WAL;"
	    "PRAGMA synchronous = NORMAL") &&
	    (version == DB_VERSION || migrate(db)));
}

/* The change to WAL, and the end of another one's WAL, are busy without asking
 * the handler. */
static bool
prepare_patiently(struct db *db, bool write)
{
	int64_t since_ns = clock_steady();

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_handler(db->handle, wait_for_lock, db);
	while (!prepare(db, write)) {
		if (!db->busy || clock_steady() - since_ns > WAIT_NS)
			return false;
		if (!sqlite3_get_autocommit(db->handle))
			db_run(db, "ROLLBACK");
		*db->error = '\0';
		db->busy = false;
		wait_for_lock(db, 0);
	}
	return true;
}

/* What SQLite takes for no file at all, "" and ":memory:", or for an address,
 * "file:", would keep nothing: only a path is a path. */
static int
open_file(struct db *db, const char *file, int flags)
{
	char *path = sqlite3_mprintf("%s%s", *file == '/' ? "" : "./", file);
	int status = path ? sqlite3_open_v2(path, &db->handle, flags, NULL)
	    : SQLITE_NOMEM;

	sqlite3_free(path);
	return status;
}

bool
db_open(struct db *db, const char *file, bool write)
{
	int flags = SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);

	db->handle = NULL;
	db->busy = false;
	/* nobody asks how much memory it has: no lock around each malloc */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if (open_file(db, file, flags) == SQLITE_OK &&
	    prepare_patiently(db, write))
		return true;
	/* a WAL that nobody has open is begun anew, beside the database */
	if (!write && (sqlite3_errcode(db->handle) & 0xff) == SQLITE_READONLY)
		snprintf(db->error, sizeof db->error, "who may not write into "
		    "its folder can read it while epi-log has it open, and not "
		    "now");
	else if (!*db->error)
		db_fail(db, "database");
	sqlite3_close(db->handle);
	db->handle = NULL;
	return false;
}

bool
db_close(struct db *db)
{
	bool done = sqlite3_close(db->handle) == SQLITE_OK ||
	    db_fail(db, "database");

	db->handle = NULL;
	return done;
}

size_t
db_sample_room(size_t name_length)
{
	return 6 * name_length + (DB_COLUMNS + 2) * (WRITE_DECIMAL + 20);
}

char *
db_sample(char *at, int64_t time_ns, const char *node, size_t length,
    const int64_t *values, const bool *has)
{
	at = write_text(at, "{\"timestamp\":");
	at = write_decimal(at, time_ns, 9, 6);
	at = write_text(at, ",\"node\":");
	at = write_string(at, node, length);
	for (int i = 0; i < DB_COLUMNS; i++) {
		const struct db_quantity *quantity = &db_quantities[i];

		if (!has[i])
			continue;
		memcpy(at, quantity->member, sizeof quantity->member);
		at = write_decimal(at + quantity->length, values[i],
		    quantity->scale, quantity->least);
	}
	return write_text(at, "}");
}
