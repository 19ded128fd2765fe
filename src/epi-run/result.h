/*
 * result: what a run's records say, for those who tell it.
 */
#ifndef EPI_RUN_RESULT_H
#define EPI_RUN_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "json.h"

/* The members that are told of an energy or a tokens record. */
enum {
	TYPE, LABEL, SCOPE, NODES, SECONDS, JOULES, U_JOULES, MEAN_WATTS,
	PEAK_WATTS, COVERAGE, COMPLETE, SIMULATED, WARNINGS, GENERATED, PROMPT,
	PREFILL_SECONDS, DECODE_SECONDS, NODE_COUNT, STATUS, ENGINE, REQUESTS,
	BEGIN, END, TEST, KEYS
};

/* Values are spans of the line; starts as all zero. */
struct record {
	char *line; /* with its newline; NULL: there is none */
	size_t length;
	struct json_value at[KEYS];
};

/* The spans of one label within a run: what they come to. */
struct phase {
	char *label;
	uint64_t count;
	double seconds, joules; /* NAN: not known of one of them */

	/* Of a test of llama-bench. */
	bool test, timed;
	int64_t begin_ns, end_ns;
	double tokens;
};

struct result {
	struct record energy, idle, idle_after, tokens;
	struct phase *phases;
	const char *phases_unknown; /* why */
	size_t phase_count, tests; /* of the phases, the first ones are tests */
	char *energy_file, *tokens_file, *score_file;
	double epi; /* NAN: not known */
};

extern struct result result;

/* NAN: it is no number, or there is no record. */
double record_number(const struct record *record, int key);
bool record_is(const struct record *record, int key, enum json_kind kind);

/* Whether a figure can be made of it. */
extern const double result_least_coverage;
bool result_holds(const struct record *energy);
bool result_holds_run(void);
bool result_has_tokens(void);
int64_t result_nodes(void); /* that were measured */

/* A file of records, if there is a name. */
void records_read(char *name, feed_take *what);

/* An error that is told with the figures. */
void tell_refused(const char *what, const char *why);
/* All that is known of the run. */
void tell_run(void);

#endif
