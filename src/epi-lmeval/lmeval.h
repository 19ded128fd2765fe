/*
 * lmeval: the parts of epi-lmeval.
 *
 * load reads a file; results and samples find the tasks in it and what became
 * of them; emit writes records.
 */
#ifndef EPI_LMEVAL_LMEVAL_H
#define EPI_LMEVAL_LMEVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

enum { UNKNOWN = -1, NAME = 256, NOTES = 16 };

/* One figure of a task, or of a group of tasks; unknown ones are NAN. */
struct outcome {
	char benchmark[NAME], metric[NAME], filter[NAME], model[NAME];
	const char *protocol;    /* NULL: unknown */
	int64_t shots, questions, correct;
	double value, u;
	double macro;            /* of a group: mean of its tasks */
	int64_t tasks;           /* of a group */
	int64_t unmatched;       /* samples from which nothing was taken */
	int64_t left_out;        /* samples by other filters, */
	char other[NAME];        /* as this one */
	double limit;
	struct json_value version; /* as the file has it */
	char harness[NAME];
	const char *file;
	char *notes[NOTES + 1];
	size_t note_count;
};

/* What --metric says; NULL: whatever the task is mostly told by, by the first
 * filter. */
struct wanted {
	const char *metric, *filter;
};

void outcome_start(struct outcome *outcome, const char *file);
void outcome_clear(struct outcome *outcome);
__attribute__((format(printf, 2, 3))) void outcome_note(
    struct outcome *outcome, const char *format, ...);

/* Questions from a share and its standard error, n = p (1 - p) / u^2 + 1;
 * UNKNOWN where that is no whole number, or p not that of one. */
int64_t outcome_recover(double p, double u);

/* load: a whole file in memory; NULL: said.  The caller frees. */
char *load(char *operand, size_t *length);
/* Bare NaN and Infinity, which Python writes, become null; a new text. */
char *load_clean(const char *at, size_t *length);

/* A member of an object of a checked document; JSON_ABSENT: there is none, or
 * it is no object. */
struct json_value member(const struct json_value *object, const char *key);
/* A number; NAN: it is none, as "N/A". */
double number(const struct json_value *value);
/* A string, cut where it is too long; "": it is none. */
void text(const struct json_value *value, char out[NAME]);

/* The records of a checked document, an object. */
void results_take(const struct json_value *document, const char *file,
    const struct wanted *wanted);

/* Whether the first line of a file is a logged sample. */
bool samples_are(const char *whole, size_t length);
void samples_take(const char *at, size_t length, const char *file,
    const struct wanted *wanted);

/* emit: an accuracy record; a quality record, of a perplexity. */
void emit_accuracy(const struct outcome *outcome);
void emit_quality(const struct outcome *outcome);

#endif
