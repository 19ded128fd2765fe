/*
 * score: what epi-score has read, and how it becomes a score.
 *
 * record reads records into a struct score, judge looks for what speaks
 * against joining them, uncertainty works out how well the score is known,
 * decode puts the decode workload beside it, result writes the score record,
 * repeat makes one score of repetitions, idle what the nodes draw without work,
 * meta keeps what the command line tells.  Unknown counts and times are UNKNOWN,
 * unknown figures NAN; both become null.
 */
#ifndef EPI_SCORE_SCORE_H
#define EPI_SCORE_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "digest.h"
#include "feed.h"
#include "json.h"
#include "stats.h"

enum {
	NAME = 64,
	SENTENCE = 640,
	BENCHMARKS = 16,
	NOTES = 100,
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
	char digest[DIGEST_HEX]; /* "": not read to its end */
};

/* The members of an energy record. */
enum {
	LABEL, SCOPE, NODE, NODES, BEGIN, END, SECONDS, JOULES, MEAN_WATTS, PEAK_WATTS,
	COVERAGE, COMPLETE, MALFORMED, CALIBRATION, INSTRUMENT, WARNINGS, BUDGET,
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

/* What a tokens record counts, and when: two of the same are one, told twice. */
struct count {
	int64_t begin_ns, end_ns, prompt, generated;
};

/* All tokens records. */
struct tokens {
	int64_t records;
	struct count *counts;      /* of those with begin and end */
	size_t count, room;
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
	int64_t sample;      /* size of a random sample; UNKNOWN: none */
	double limit;        /* all but the first were left out; NAN: none */
	bool weighted;       /* accuracy is that of weighted strata */
	char engine[NAME];
	char *model;         /* JSON, or NULL */
	double accuracy, u_accuracy;
	struct stats_interval interval;
	char digest[DIGEST_HEX]; /* of the answers, or of what told the accuracy */
};

/* What the tokens records tell of the engine. */
struct engine {
	bool distributed_llama;
	bool recent, old; /* of 0.12 or later; before */
};

/* What the published benchmarks are. */
struct official {
	const char *name;
	double chance;     /* of guessing rightly */
	int64_t shots, questions;
};

/* How well EPI is known; all relative, of its logarithm.  NAN: it is not. */
struct uncertainty {
	struct budget budget;     /* energy's lines, then accuracy's */
	double energy, accuracy;  /* standard uncertainties */
	double nu, k;             /* of EPI */
	double energy_k;
	struct stats_interval epi, per_token; /* of ln, around 0 */
	const char *method;       /* "log", "mover", or NULL */
};

/* What is left of the energy without what the nodes draw idle. */
struct net {
	bool known;
	double joules, idle_watts;
	struct uncertainty u;
};

struct score {
	const char *label; /* of the energy records to take; NULL: all */
	bool no_accuracy, force;
	struct benchmark benchmarks[BENCHMARKS]; /* those with a weight */
	int benchmark_count;
	struct energy cluster, node;
	struct energy idle_cluster, idle_node; /* labelled so */
	struct energy idle; /* of those or of --idle FILE, the one to take off */
	double idle_watts;  /* NAN: not told */
	struct score *decode;                /* of --decode, or NULL, */
	const struct energy *decode_energy;  /* and its energy, or NULL */
	struct uncertainty u;
	struct net net;
	struct tokens tokens;
	struct engine engine;
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
/* All of them, each begun with a prefix: "decode-". */
void note_hand_on(struct notes *to, const struct notes *from,
    const char *prefix);

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
/* NULL: it is none of those. */
const struct official *benchmark_official(const struct benchmark *mark);
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
/* An energy by itself. */
void judge_energy(struct score *score, const struct energy *energy);
/* Whether the records belong together; energy may be NULL. */
void judge_join(struct score *score, const struct energy *energy);
/* doubt: what makes an accuracy another one than it looks like. */
void doubt_benchmark(struct score *score, const struct benchmark *mark);
void doubt_protocols(struct score *score);
void doubt_models(struct score *score);
void doubt_engine(struct score *score);
/* Whether the energy is that of answering the questions. */
bool judge_workload(struct score *score);

/* uncertainty: fills u and net; what speaks against them is noted. */
void uncertainty_settle(struct score *score, const struct energy *energy);
/* The budget of an energy record, in joules.  False: it has none. */
bool uncertainty_joules(struct score *score, const struct energy *energy,
    struct budget *joules);
/* The standard uncertainty of a benchmark's accuracy; NAN: it is not known. */
double benchmark_uncertainty(const struct benchmark *mark);

/* idle: --idle, a number of watts; false: it is a file, */
bool idle_told(struct score *score, const char *argument);
/* which was read into another score. */
void idle_take(struct score *score, const struct score *read);
/* Without --idle, what the inputs label "idle". */
void idle_settle(struct score *score);
/* What the nodes would have drawn without work, in joules and its budget, if
 * that is known.  False: not told, or not of this energy (noted). */
bool idle_joules(struct score *score, const struct energy *energy,
    double *joules, struct budget *budget, bool *known);

/* decode: judges score->decode by itself, and works out how well it is known
 * with this score's accuracy.  What speaks against it is noted. */
void decode_settle(struct score *score);

/* repeat: the score records of the operands, repetitions of one configuration;
 * `pool` holds those of others whose spread counts too, or is NULL. */
void repeat_scores(char **operands, char *pool);

/* result: writes the record on standard output; energy may be NULL. */
void score_compose(const struct score *score, const struct energy *energy,
    bool has_answers);

/* meta: a key's value as JSON, or NULL; "group.name". */
const char *meta_json(const char *name);
bool meta_is(const char *name, const char *json);
/* "name=text", the name being that long; a wrong one ends the program. */
void meta_set_text(const char *argument, size_t name_length);
void meta_set_file(const char *file);

#endif
