/*
 * result: a score record (epi-score(1)), read for those that compare scores.
 * Floor: third.  Nothing here prints; memory that is not there ends the
 * program.
 */
#ifndef EPI_RESULT_H
#define EPI_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "json.h"

struct result {
	char *line;             /* the record, the result's own */
	size_t length;
	struct budget energy;   /* of ln(joules per token), c_relative */
	struct budget accuracy; /* of -ln(accuracy), c_relative */
	bool budgeted;          /* false: the record has no budget */
	bool accuracy_budgeted; /* false: none, or u_accuracy is null */
	bool simulated;
};

/*
 * Reads a record; true: it is a score.  *why is NULL, or (static text) what is
 * wrong with a score, which is then no result.  result_clear frees.
 */
bool result_read(struct result *result, const char *line, size_t length,
    const char **why);
void result_clear(struct result *result);

/* The member at a path of keys, "energy.total_joules"; JSON_ABSENT where there
 * is none.  The value lives as long as the result. */
struct json_value result_at(const struct result *result, const char *path);

/* A member that is a number; NAN: it is none. */
double result_number(const struct result *result, const char *path);

/* Whether two results have the same string, number, or nothing there. */
bool result_alike(const struct result *a, const struct result *b,
    const char *path);

/*
 * Of the difference of two results' energies, which has lines of both: where
 * the spread of repetitions is one estimate, pooled over the runs of both, its
 * degrees of freedom count once and not for each of the two.
 */
void result_pool_freedom(struct budget *difference, const struct result *a,
    const struct result *b);

/* Keys of "model", "quantization" and "surgery" as an object of a record. */
void result_compose_name(const struct result *result);

/* A member as the next value of a record; null where there is none. */
void result_compose(const struct result *result, const char *path);

#endif
