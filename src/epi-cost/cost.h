/*
 * cost: the parts of epi-cost.
 *
 * read keeps answers, what they were worth and the energy of their spans; fit
 * tells prompt and generated tokens apart.
 */
#ifndef EPI_COST_COST_H
#define EPI_COST_COST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"

enum { UNKNOWN = -1 };

enum verdict { UNGRADED, WRONG, RIGHT };

/* What took energy from when to when. */
struct ask {
	int64_t begin_ns, end_ns;
	double joules;         /* NAN: not measured to its end */
};

struct question {
	char *benchmark, *id;
	struct ask ask;        /* the attempt that counts */
	struct ask *retried;   /* those before it */
	size_t retried_count;
	int64_t prompt_tokens, generated_tokens, cached_tokens;
	bool failed;           /* never answered */
	bool simulated;
	enum verdict verdict;
};

/* A span's energy; one of a cluster. */
struct spell {
	char *label;
	int64_t begin_ns, end_ns;
	double joules;         /* NAN: cut, or with gaps */
	bool simulated;
	bool disputed;         /* another record of the span says otherwise */
};

/* What a graded record says. */
struct grade {
	char *benchmark, *id;
	enum verdict verdict;
	bool simulated;
	bool disputed;         /* another one of the question says otherwise */
};

struct input {
	struct question *questions;
	struct spell *spells;
	struct grade *grades;
	size_t question_count, question_room;
	size_t spell_count, spell_room;
	size_t grade_count, grade_room;
};

/* A feed_take; the state is a struct input. */
void read_take(void *state, const struct feed_record *record);

/* The number of questions without an energy record, and that of attempts
 * before. */
struct missing {
	size_t questions, attempts;
};

/* Gives questions their energy and verdict, and sorts them by time.  False, and
 * told: of one of them two records say different things. */
bool read_join(struct input *input, struct missing *missing);

/*
 * joules = fixed + prompt P + prompt_squared P^2 + generated G, by least
 * squares, with the standard errors that hold where the scatter differs from
 * question to question (HC3: J. G. MacKinnon and H. White, Journal of
 * Econometrics 29 (1985) 305).
 */
enum { FIXED, PROMPT, PROMPT_SQUARED, GENERATED, COEFFICIENTS };

struct fit {
	double value[COEFFICIENTS], u[COEFFICIENTS];
	double residual;       /* standard deviation, J */
	int64_t questions;
};

struct observation {
	double prompt, generated, joules;
};

/* NULL, or why the data do not tell (static text). */
const char *fit_tokens(struct fit *fit, const struct observation *rows,
    size_t count);

#endif
