/*
 * compare: a baseline and its candidates, and what is told of each pair.
 *
 * read takes an operand's records into a struct model, pair finds the questions
 * that both were asked, spread how both vary over them, ratio works out ratios
 * with their intervals, settle what would decide, emit writes the comparison
 * record.  All ratios are
 * candidate over baseline, as natural logarithms until they are written.
 */
#ifndef EPI_COMPARE_COMPARE_H
#define EPI_COMPARE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result.h"
#include "stats.h"

enum { BENCHMARKS = 16, NAME = 64, WARNINGS = 16, SENTENCE = 240 };

/* A benchmark of a score's "benchmarks". */
struct mark {
	char name[NAME];
	double weight, questions, correct, accuracy, u_accuracy;
	struct stats_interval interval;
};

/* An answer of epi-grade --each. */
struct graded {
	char *benchmark, *id;
	char *stratum, *cluster, *prompt; /* "": none */
	double whole;        /* questions of the stratum, asked or not; or NAN */
	bool known, correct; /* not known: never answered */
};

struct model {
	const char *file;
	size_t scores;
	struct result result;
	struct mark marks[BENCHMARKS];
	int mark_count;
	struct graded *graded; /* in order of benchmark and id, once read */
	size_t graded_count, graded_room;
};

/* Reads a file.  False: said, and nothing to compare. */
bool model_read(struct model *model, char *file);
void model_clear(struct model *model);

/* A question that both answered. */
struct question {
	int mark;
	const char *stratum, *cluster, *id;
	double whole;
	bool right[2];            /* the baseline, the candidate */
};

/* Common questions that are right or wrong together, or one alone. */
struct cluster {
	double questions, right[2];
};

/* Common questions of one mark and stratum. */
struct stratum {
	size_t first, count;      /* clusters */
	double questions, right[2], whole;
	double weight;            /* in its mark; NAN: not known */
	int mark;
};

struct counts { /* of common questions */
	int64_t both, baseline, candidate, neither; /* right: alone, or not */
};

struct pair {
	const struct model *baseline, *candidate;
	int other[BENCHMARKS];    /* the candidate's mark of a baseline's */
	struct question *questions; /* in order of mark and stratum */
	size_t question_count;
	struct cluster *clusters;
	size_t cluster_count;
	struct stratum *strata;   /* in the same order */
	size_t stratum_count;
	double correlation[BENCHMARKS]; /* of accuracies; NAN: not known */
	bool is_weighed;          /* every stratum's weight is known */
	struct counts counts[BENCHMARKS];
	bool is_paired;           /* every mark's questions are common ones */
	bool prompts_differ;
};

/* False: they have not the same benchmarks with the same weights. */
bool pair_find(struct pair *pair);
void pair_clear(struct pair *pair);

/* spread: finds the correlations, and the strata's weights, of a pair that is
 * paired. */
void spread_find(struct pair *pair);

enum method { UNKNOWN_METHOD, DELTA, MOVER };

/* The log of a ratio, its standard uncertainty and its 95 % interval. */
struct ratio {
	double log, u, nu, k;
	double u_low, u_high; /* to either side, as the interval has them */
	enum method method;   /* UNKNOWN_METHOD: there is no interval */
};

/* What the log of EPI's ratio is made of, as squares. */
struct shares {
	double questions, repetitions, meter;
};

struct payback {
	double tokens, low, high; /* high NAN: perhaps never */
};

struct comparison {
	struct pair pair;
	struct ratio epi, per_token, per_correct, accuracy;
	const struct ratio *judged;
	struct shares shares;
	struct stats_interval bootstrap; /* of epi; NAN: not made */
	struct payback payback;
	double p, p_holm;
	const char *verdict;
	bool is_equivalent;
	char warnings[WARNINGS][SENTENCE];
	int warning_count;
};

struct settings {
	double margin;        /* equivalence: within a factor of 1 + margin */
	double invested_kwh;  /* NAN: not asked */
	int64_t replicates;   /* of the bootstrap */
	uint64_t seed;
	bool across;
};

void comparison_warn(struct comparison *comparison, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ratio: fills everything but p_holm and verdict. */
void ratio_work_out(struct comparison *comparison,
    const struct settings *settings);

/* The half widths at a level (0.95, two-sided) below and above. */
double ratio_factor(const struct ratio *ratio, double level);

/* resample: the bootstrap's interval of the log of EPI's ratio. */
struct stats_interval resample_epi(const struct comparison *comparison,
    const struct settings *settings);

/* settle: p_holm is known; sets verdict and is_equivalent. */
void settle_verdict(struct comparison *comparison,
    const struct settings *settings);
/* As the next value of the record. */
void settle_compose(const struct comparison *comparison,
    const struct settings *settings);

/* emit */
void emit_comparison(const struct comparison *comparison,
    const struct settings *settings);
void emit_sentence(const struct comparison *comparison);

#endif
