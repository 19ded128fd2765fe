/*
 * score: what epi-score has read, and how it becomes a score.
 *
 * record reads records into a struct score, judge looks for what speaks
 * against joining them, result writes the score record, meta keeps what the
 * command line tells.  Unknown counts and times are UNKNOWN, unknown figures
 * NAN; both become null.
 */
#ifndef EPI_SCORE_SCORE_H
#define EPI_SCORE_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "json.h"
#include "stats.h"

enum {
	NAME = 64,
	SENTENCE = 640,
	BENCHMARKS = 16,
	NOTES = 100,
	DIGEST = 65, /* SHA-256 in hexadecimal, and a NUL */
	UNKNOWN = -1
};

#define COUNT_MAX INT64_C(1000000000000)

/* Sentences of the form "slug: what is so", each once. */
struct notes {
	char *text[NOTES];
	size_t count;
	size_t left_out;
};

struct input {
	const char *name;
	char digest[DIGEST]; /* "": not read to its end */
};

/* The members of an energy record. */
enum {
	LABEL, SCOPE, NODES, BEGIN, END, SECONDS, JOULES, MEAN_WATTS, PEAK_WATTS,
	COVERAGE, COMPLETE, MALFORMED, CALIBRATION, INSTRUMENT, WARNINGS,
	ENERGY_KEYS
};

/* The first energy record of a scope, and how many there were. */
struct energy {
	char *line; /* a copy; the values are spans of it */
	struct json_value at[ENERGY_KEYS];
	const char *file;
	uint64_t line_number;
	int64_t records;
	char labels[2][NAME]; /* of the first and the last record */
	int64_t begin_ns, end_ns;
};

/* All tokens records. */
struct tokens {
	int64_t records;
	int64_t prompt, generated; /* UNKNOWN once one record does not know */
	int64_t nodes;             /* the most of any record */
	int64_t begin_ns, end_ns;
	int64_t spanless;          /* records without begin or end */
	int64_t incomplete;
	int64_t eos_counted, eos_left; /* records that say so */
	char status[NAME];         /* of the first incomplete record */
	const char *file;
	uint64_t line_number;
};

struct benchmark {
	char name[NAME];
	char protocol[NAME]; /* "": unknown */
	double weight;
	int64_t records;
	int64_t shots, questions, correct;
	int64_t transport;   /* questions whose connection failed */
	double accuracy;
	struct stats_interval interval;
};

struct score {
	const char *label; /* of the energy records to take; NULL: all */
	bool no_accuracy, force;
	struct benchmark benchmarks[BENCHMARKS]; /* those with a weight */
	int benchmark_count;
	struct energy cluster, node;
	struct tokens tokens;
	bool simulated, runs_differ;
	char *run; /* JSON, or NULL */
	int64_t unweighted; /* accuracy records of other benchmarks */
	struct input *inputs;
	size_t input_count;
	struct notes refusals, warnings;
};

/* notes */
void note_add(struct notes *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void note_carry(struct notes *notes, const struct json_value *warnings);

/* record */
bool value_unknown(const struct json_value *value);
double value_number(const struct json_value *value); /* NAN: it is none */
int64_t count_add(int64_t sum, int64_t count);       /* UNKNOWN stays so */
struct benchmark *benchmark_find(struct score *score, const char *name);
/* Counts win over a figure.  NULL, or what is wrong. */
const char *benchmark_settle(struct benchmark *mark, double accuracy);
/* A feed_take; its state is the struct score. */
void record_take(void *state, const struct feed_record *record);

/* figure */
double benchmark_chance(const struct benchmark *mark);
double benchmark_accuracy(const struct benchmark *mark);
double benchmark_above_chance(const struct benchmark *mark);
/* The weighted mean of a benchmark's figure. */
double score_composite(const struct score *score,
    double (*figure)(const struct benchmark *));
/* Questions, or correct answers, of all benchmarks with a weight. */
double score_answers(const struct score *score, bool correct);

/*
 * judge: each fills refusals and warnings.
 *
 * The one energy record to take; NULL: there is none, or more than one.
 */
const struct energy *judge_choose(struct score *score);
/* Whether the records belong together; energy may be NULL. */
void judge_join(struct score *score, const struct energy *energy);
/* Whether the energy is that of answering the questions. */
bool judge_workload(struct score *score);

/* result: the record on standard output; energy may be NULL. */
void result_compose(const struct score *score, const struct energy *energy,
    bool has_answers);

/* meta: a key's value as JSON, or NULL; "group.name". */
const char *meta_json(const char *name);
bool meta_is(const char *name, const char *json);
/* "name=text", the name being that long; a wrong one ends the program. */
void meta_set_text(const char *argument, size_t name_length);
void meta_set_file(const char *file);

#endif
