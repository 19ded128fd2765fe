/*
 * grade: the parts of epi-grade.
 *
 * read takes answer records and grades each; extract finds the letter in a
 * text; settle chooses the one answer to each question; account works out a
 * benchmark's figures; emit writes records.
 */
#ifndef EPI_GRADE_GRADE_H
#define EPI_GRADE_GRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"
#include "feed.h"
#include "json.h"
#include "stats.h"

enum { UNKNOWN = -1, NAME = 256 };

/* Why there is no letter; CLASS_NONE: there is one. */
enum class {
	CLASS_NONE, EMPTY, NO_MATCH, OUT_OF_RANGE, UNCLOSED_THINK, TOO_LONG,
	TRANSPORT, CLASSES
};
extern const char *const class_names[CLASSES];

/*
 * The letter in what a model wrote, as its place from 0; -1: none, and *class
 * says why.  `choices` is an array of strings of a checked record.
 */
int extract_letter(const char *text, size_t length,
    const struct json_value *choices, enum class *class);

struct answer {
	char *id;
	char sha256[DIGEST_HEX];
	char *stratum, *cluster; /* NULL: none */
	uint32_t benchmark;      /* index into its table */
	uint32_t order;          /* of the records */
	signed char letter;      /* what was answered, from 0; -1: nothing */
	signed char other;       /* by the other metric, of log-probabilities */
	signed char gold;
	enum class class;
	bool chosen;             /* the one that counts for its question */
	int64_t stratum_questions;
};

/* Sums over all answers, those that do not count too; UNKNOWN once one does
 * not know. */
struct spent {
	int64_t answers, prompt_tokens, generated_tokens, cached_tokens;
	int64_t ns, begin_ns, end_ns;
};

struct benchmark {
	char name[NAME], protocol[NAME], model[NAME], engine[NAME];
	bool simulated;
	bool unnamed;           /* of some answer the model is not known */
	bool engines_differ;
	int64_t shots, sample, seed, questions; /* of the whole */
	const char *mixed;      /* a key of which its answers differ, or NULL */
	char *prompts_differ;   /* an id with two prompts, or NULL */
	struct spent spent;
	bool loglik, normalised;
};

struct graded {
	struct answer *answers;
	size_t count, room;
	struct benchmark *benchmarks;
	size_t benchmark_count;
	uint64_t undecidable;   /* answers to items that have no right one */
	int metric;             /* 0: by the protocol; 1: acc; 2: acc_norm */
};

/* A feed_take; the state is a struct graded. */
void read_take(void *state, const struct feed_record *record);

/* Sorts by benchmark and id, and marks the answer that counts for each: the
 * last that is no transport failure, else the last. */
void settle(struct graded *graded);

/* A stratum's, or a benchmark's. */
struct account {
	const char *stratum;
	int64_t questions, correct, other_correct, clusters;
	int64_t failures[CLASSES];
	int64_t whole;          /* questions of the stratum, asked or not */
	double squares;         /* sum over clusters of (correct - n p)^2 */
	double accuracy, u;     /* u: NAN below two clusters */
};

struct summary {
	struct account all;
	struct account *strata; /* none: the benchmark has no strata */
	size_t stratum_count;
	bool weighted;          /* shares are those of strata weighted by size */
	bool clustered;
	double accuracy, other; /* by the metric, and by the other one */
	double upper, u, u_subset;
	double macro, u_macro;
	struct stats_interval interval;
	char items[DIGEST_HEX], answers[DIGEST_HEX];
};

/* Of the answers [first, end) of one benchmark, settled. */
void account(struct summary *summary, const struct graded *graded,
    size_t first, size_t end);
void account_clear(struct summary *summary);

/* The record; `notes` are its warnings, ended by NULL. */
void emit_accuracy(const struct benchmark *mark, const struct summary *summary,
    bool strata, char *const *notes);
void emit_graded(const struct graded *graded, const struct answer *answer);

#endif
