/*
 * budget: what an uncertainty is made of, so that what two figures share can
 * cancel or add.
 *
 * A line of a budget is the signed coefficient, in the figure's unit, of one
 * independent variate of unit variance.  The variate's name is the line's key:
 * lines of the same key, of whatever source and in whatever figure, move
 * together; lines of different keys are independent.  So
 *
 *     u^2 = sum over keys (sum of c over the lines of that key)^2
 *
 * and the budget of a F + b G is a times F's lines and b times G's (JCGM 100,
 * 5.2 and F.1.2.3, with every covariance written as a common term).
 * Floor: third.  Nothing here prints; memory that is not there ends the
 * program.
 */
#ifndef EPI_BUDGET_H
#define EPI_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

/* What the variate is the same for. */
enum budget_scope {
	BUDGET_RUN,      /* this run alone */
	BUDGET_CHANNEL,  /* one channel as calibrated */
	BUDGET_METER,    /* all channels of a meter */
	BUDGET_REFERENCE /* all that was calibrated against one reference */
};

enum budget_shape { /* of its distribution */
	BUDGET_NORMAL, BUDGET_RECTANGULAR, BUDGET_TRIANGULAR, BUDGET_ARCSINE,
	BUDGET_STUDENT
};

struct budget_line {
	const char *source; /* what it comes from: "gap" */
	const char *key;
	double c;
	double nu;          /* degrees of freedom; INFINITY: known exactly */
	enum budget_scope scope;
	enum budget_shape shape;
	bool evaluated;     /* type A, by statistics; else type B */
};

/* Starts as all zero; budget_clear frees. */
struct budget {
	struct budget_line *lines; /* source and key are the budget's own */
	size_t count, room;
};

/* Adds a line (copied); c adds up where source and key are there already, and
 * the lesser nu stays. */
void budget_add(struct budget *budget, const struct budget_line *line);

/* Adds every line of another budget, times a factor. */
void budget_join(struct budget *into, const struct budget *from, double factor);

/* The standard uncertainty; 0 of an empty budget. */
double budget_uncertainty(const struct budget *budget);

/* Effective degrees of freedom (Welch and Satterthwaite, over keys). */
double budget_freedom(const struct budget *budget);

/* What a line has to do with u^2, 0 to 1: its covariance with the sum, over
 * u^2.  The shares of all lines add up to 1; where terms cancel one may be
 * negative. */
double budget_share(const struct budget *budget, size_t line);

/*
 * A budget of a record, an array of objects, of which the coefficient is the
 * member `c` ("c_joules").  False: not such an array; *why (static text) says
 * so, and the budget is as far as it was read.
 */
bool budget_read(struct budget *budget, const struct json_value *array,
    const char *c, const char **why);

/* The same of one line, an object; with a NULL for `c` its coefficient is 1. */
bool budget_read_line(struct budget *budget, const struct json_value *object,
    const char *c, const char **why);

/* As the next value of a record; `c` as above. */
void budget_compose(const struct budget *budget, const char *c);

void budget_clear(struct budget *budget);

#endif
