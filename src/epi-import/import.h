/*
 * import: what the parts of epi-import share.
 *
 * A format takes a line apart and hands its texts, key by key, to a reading; a
 * whole reading is put out as a sample, or as a lost event.
 */
#ifndef EPI_IMPORT_IMPORT_H
#define EPI_IMPORT_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"
#include "sample.h"

enum key {
	TIMESTAMP, NODE, WATTS, VOLTS, AMPS, POWER_FACTOR, VARS, HERTZ, JOULES,
	SEQ, KEYS,
	EXTRA = KEYS, /* not a sample's: carried on under its own name */
	IGNORED
};

enum {
	IMPORT_RULES = 64,
	IMPORT_CHANNELS = 64, /* of one line */
	IMPORT_LABEL = 24,    /* bytes of a label that are copied, */
	IMPORT_COPY = 32,     /* and of a text: it is readable so far, */
	IMPORT_NUMBER = 32,   /* and no number that passes is longer */
	IMPORT_NODE_MAX = SAMPLE_NODE_MAX - 16 /* room for "gpu" before it */
};

/* A value is a whole number of 10^-scale; `least` decimals are written. */
struct import_key {
	const char *name;
	char label[IMPORT_LABEL]; /* ,"name": */
	int length;               /* of the label */
	int scale, least;
};

extern const struct import_key import_keys[KEYS];

/* Exactly digits / 10^places. */
struct factor {
	int64_t digits;
	int places;
	bool of_unit; /* turns a unit into ours: a number's own one replaces it */
};

extern const struct factor factor_one;

/* --map KEY=PATH*FACTOR */
struct rule {
	enum key key;
	char *name;  /* the key as given */
	char *path;  /* empty: matches nothing */
	char *label; /* of an EXTRA: ,"name": */
	struct factor factor;
};

/* What a record carries on beside a sample's keys. */
struct extra {
	const char *label, *text;
	size_t length;
	bool is_text; /* else it is JSON already */
};

/* A text that is written as it stands, then ".000" or "000" so that a number
 * has its decimals. */
struct plain {
	const char *text;
	unsigned length;
	unsigned char zeros;
	bool point; /* before the zeros */
};

struct reading {
	int64_t value[KEYS]; /* in 10^-scale; of those plain, only the time */
	unsigned has;        /* a bit for each key */
	unsigned plain;      /* the same, of those that are written plainly: */
	struct plain texts[KEYS];
	bool lost;           /* the source says that it could not measure */
	const char *node;
	size_t node_length;
	char name[SAMPLE_NODE_MAX + 1]; /* where the node is made up */
};

struct import {
	const struct format *format;
	const char *node, *instrument, *joules_resolution; /* or NULL */
	char zone[8]; /* of times that name none */
	bool now, channels;
	struct rule rules[IMPORT_RULES];
	size_t rule_count;

	const struct feed_line *line;
	struct reading group[1 + IMPORT_CHANNELS]; /* of the line */
	struct extra *extras; /* of the line; the format makes room */
	size_t extra_count;
	size_t labels_length; /* of all labels of extras */
	char *scratch;        /* texts of the line, escapes undone */
	size_t scratch_room, scratch_filled;

	bool started; /* the start event is out */
	bool whole;   /* nothing kept any input from being read */
	int64_t last_ns;
	char time[2 * IMPORT_NUMBER]; /* the last plain time, as it was, */
	size_t time_length;           /* and is: the nodes of a tick share it */
	struct plain time_plain;
	int64_t time_ns;
	uint64_t samples, lost;
};

/* What one kind of trace needs. */
struct format {
	const char *name, *instrument, *node;
	const char *const *preset;      /* arguments of --map, or NULL */
	const char *joules_resolution;  /* of the preset's counter, or NULL */
	const char *numbers;            /* stands before a node that is a number */
	bool month_first;               /* MM-DD-YYYY */
	bool negative_is_error;         /* negative figures are error readings */
	void (*begin)(struct import *); /* before the first line, or NULL */
	void (*take)(struct import *);  /* import.line, which is not blank */
};

/* ---- quantity.c: exact numbers ---- */

/* The number times the factor times 10^scale, rounded once, half to even. */
bool quantity_scale(const char *text, size_t length,
    const struct factor *factor, int scale, int64_t *out);

/* The factor of a unit that fits the key, or NULL. */
const struct factor *quantity_unit(enum key key, const char *name,
    size_t length);

/* What counts where a unit stands beside a factor: the unit, unless somebody asked
 * for another factor; then the unit has to be ours.  NULL: it is not, and both
 * would be one too many, or one of them was meant. */
const struct factor *quantity_beside(const struct factor *factor,
    const struct factor *unit);

/* A number, "70.12 W" too: quantity_beside tells what it is multiplied by. */
bool quantity_read(enum key key, const struct factor *factor,
    const char *text, size_t length, int64_t *out);

/* A number as a factor; false: 0, or more than 9 digits. */
bool quantity_factor(const char *text, struct factor *factor);

/* ---- plain.c: values that need no conversion ---- */

/*
 * Takes the value that starts at `text` as a text for the reading, where that
 * is what would be written for it, but for zeros.  Returns its end, NULL where
 * there is none; the caller looks at what comes there, and drops the value if
 * that does not end it.  In the text, or behind `end`, comes some byte that is
 * no digit, and IMPORT_COPY bytes are readable.
 */
const char *plain_take(struct import *im, struct reading *r, enum key key,
    const char *text, const char *end);
void plain_drop(struct reading *r, enum key key);

/* ---- reading.c: a reading, from its texts ---- */

/* Both say that the line is malformed, and are false. */
bool reading_malformed(const struct import *im, const char *what);
bool reading_refuse(const struct import *im, const char *key,
    const char *what, const char *text, size_t length);

/* Whether a source writes so that it has no value. */
bool reading_missing(const char *text, size_t length);

/* Before a line, or another reading of it. */
void reading_clear(struct import *im, struct reading *r);

/* Takes the text of one key, as plain_take wants it; false: malformed, and said. */
bool reading_fill(struct import *im, struct reading *r, enum key key,
    const struct factor *factor, const char *text, size_t length);

struct extra *reading_extra(struct import *im, const char *label,
    const char *text, size_t length);

/* Puts in what the line need not say; false: malformed, and said. */
bool reading_complete(struct import *im, struct reading *r);

/* ---- record.c: records out ---- */

/* The readings of one line; before the first ones the start event. */
void record_put(struct import *im, const struct reading *group, size_t count);

/* The line itself, a sample at that time; not the first one. */
void record_pass(struct import *im, int64_t ns);

/* The mark that the trace is whole.  Where there was nothing, the two events
 * say so, without a time. */
void record_stop(struct import *im);

/* ---- rule.c: what stands where ---- */

/* EXTRA: no sample's. */
enum key rule_key(const char *name);

/* An argument of --map; a wrong one ends the program. */
void rule_add(struct import *im, const char *text);

/* The format's own rules, for keys that the user did not map. */
void rule_add_preset(struct import *im);

/* ,"name": for an extra; the caller frees. */
char *rule_label(struct import *im, const char *name);

/* ---- the formats ---- */

void table_take(struct import *im); /* table.c: csv, nvidia-smi */
void table_forget(void *state, const char *file, bool cut);
void mlperf_take(struct import *im);
void ndjson_begin(struct import *im);
void ndjson_take(struct import *im);

#endif
