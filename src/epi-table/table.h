/*
 * table: what epi-table has read, and how it becomes a table.
 *
 * row makes a row of a score record, order chooses, groups and sorts rows,
 * notes says below the table what its figures do not, print writes all of it in
 * one of the formats, into puts that between two marks of a file.
 * Unknown figures are NAN.
 */
#ifndef EPI_TABLE_TABLE_H
#define EPI_TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "result.h"

/* The figures of a row, in the order of their columns. */
enum figure {
	PER_TOKEN, MMLU, ARC_CHALLENGE, HELLASWAG, ACCURACY, EPI, PER_JOULE,
	PRICE, FIGURES
};

struct cell {
	double value;
	double expanded;   /* k u, of about 95 %; NAN: unknown */
	double low, high;  /* where the two sides differ; else NAN */
	double k;          /* NAN where expanded is */
};

struct row {
	struct result result;
	char *model, *quant;  /* for people, "unknown" where it is */
	char *group;          /* what its group has in common */
	char *configuration;  /* what its repetitions have in common */
	struct cell cells[FIGURES];
	size_t runs;          /* how many it is the median of */
	bool joined;          /* their spread is in its uncertainty */
	bool simulated;
	size_t input;         /* its place in the input */
};

/* Sentences below a table. */
struct sentences {
	char **text;
	size_t count;
};

struct table {
	struct row *rows;
	size_t count, room;
	bool shown[FIGURES];  /* columns */
	double price_kwh;     /* per kWh */
	const char *currency;
	char **by;            /* keys that make a group; NULL: one group */
	const char *sort;     /* path of a key */
	bool falling;
	struct sentences left_out; /* scores that are no rows */
};

enum format { MARKDOWN, CSV, LATEX, HTML };

/* row: reads the figures of a score, which the row takes over.  False: *why
 * (static text) says what it lacks for a row; the score is still the caller's. */
bool row_read(struct row *row, const struct table *table,
    struct result *result, const char **why);
void row_clear(struct row *row);
/* A string of the score without its control bytes, in UTF-8; NULL: none.  The
 * caller frees. */
char *row_text(const struct result *result, const char *path);

/* order: leaves of unjoined repetitions the median, then groups and sorts. */
void order_rows(struct table *table);
/* The path of what a user calls a column, or the word itself. */
const char *order_key(const char *word);

/* notes; notes_say adds one */
void notes_say(struct sentences *notes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct sentences notes_of(const struct table *table);
void notes_clear(struct sentences *notes);

/* print */
void print_table(FILE *out, const struct table *table, enum format format);

/*
 * into: the file with `text` in place of what stands between its marks, which
 * are lines of their own.  It is replaced at once or, after any error (said,
 * status 1), left as it was; untouched where nothing changes.
 */
void into_file(const char *file, enum format format, const char *text,
    size_t length);

#endif
