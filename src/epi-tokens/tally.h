/*
 * tally: what epi-tokens knows of one log, and what its readers share.
 *
 * A reader takes the lines of one operand and ends with a tally.  All counts
 * and lengths of time are TALLY_UNKNOWN until something says them.
 */
#ifndef EPI_TOKENS_TALLY_H
#define EPI_TOKENS_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "json.h"

enum { TALLY_UNKNOWN = -1, TALLY_WARNINGS = 12 };

/* Later ones outweigh earlier ones when requests are summed. */
enum tally_status {
	TALLY_COMPLETE,
	TALLY_MISMATCH,   /* two places of the log disagree */
	TALLY_TRUNCATED,  /* counts are what was seen before the end */
	TALLY_UNCOUNTABLE /* the log does not hold the count */
};

/* Texts are static: a tally owns nothing. */
struct tally {
	const char *file;
	const char *engine, *format, *method, *time_basis;
	char test[64];  /* of a llama-bench row, else empty */
	int64_t prompt_tokens, cached_tokens, generated_tokens;
	int64_t node_count, requests;
	int64_t prefill_ns, decode_ns;
	int64_t begin_ns, end_ns; /* of the work, by arrival times */
	int eos_counted;          /* 0, 1 or TALLY_UNKNOWN */
	enum tally_status status;
	const char *why;          /* a status that is not complete, explained */
	const char *warnings[TALLY_WARNINGS]; /* "slug: sentence" */
	size_t warning_count;
};

/* A line without its end, its arrival time taken off. */
struct log_line {
	const char *text;
	size_t length;
	int64_t arrival_ns; /* or TALLY_UNKNOWN */
	const char *file;
	uint64_t number;
};

/*
 * One family of logs.  `knows`: no other family writes such a line.  `finish`
 * fills the tally of the operand and is true, or false where the records were
 * written already.
 */
struct tally_reader {
	bool (*knows)(const struct log_line *line);
	void (*start)(void);
	void (*take)(const struct log_line *line);
	bool (*finish)(struct tally *tally);
};

extern const struct tally_reader dllama_reader, llama_reader, ollama_reader,
    usage_reader;

/* Option --prompt-tokens, or TALLY_UNKNOWN. */
extern int64_t tally_prompt_tokens;

/* Nothing known, no requests, status complete. */
void tally_start(struct tally *tally, const char *file);

/* Raises the status; `why` is kept where it is the first of the worst. */
void tally_raise(struct tally *tally, enum tally_status status,
    const char *why);

/* Adds a warning once. */
void tally_warn(struct tally *tally, const char *warning);

/*
 * Adds one request to a sum of them: what one of them does not know is not
 * known of the sum.  file, engine, format and the spans stay the sum's.
 */
void tally_add(struct tally *sum, const struct tally *request);

/* Writes the record; a status that is not complete is said, status 1. */
void tally_write(const struct tally *tally);

/*
 * Matches the start of a line.  In the pattern `#` is a whole number and `@` a
 * decimal one, times 10^6 (TALLY_UNKNOWN where it is nan or inf), both with any
 * spaces before; all else stands for itself.  Returns the place behind the
 * match with the numbers in values[], or NULL.
 */
const char *line_match(const char *text, size_t length, const char *pattern,
    int64_t *values);

/*
 * The line as a terminal would show it: without control sequences, from the
 * last CR on, cut at `room` bytes.  Returns its length.
 */
size_t line_clean(const struct log_line *line, char *out, size_t room);

/* Here, so that of a constant the compiler compares the bytes in place: a line
 * of text is held against dozens of them. */
static inline bool
line_starts(const struct log_line *line, const char *text)
{
	size_t length = strlen(text);

	return line->length >= length && memcmp(line->text, text, length) == 0;
}

#endif
