/*
 * meta: what only a person can tell of a calibration, --meta KEY=VALUE.
 */
#ifndef EPI_CALIBRATE_META_H
#define EPI_CALIBRATE_META_H

#include <stdbool.h>

enum meta_key {
	META_MAKE, META_MODEL, META_SERIAL, META_CERTIFICATE, META_LABORATORY,
	META_DATE, META_TEMPERATURE, META_OPERATOR, META_NOTE,
	META_CLAMP_ID, META_CLAMP_TURNS, META_CLAMP_ORIENTATION,
	META_CLAMP_BURDEN, META_KEYS
};

struct meta_values {
	const char *of[META_KEYS]; /* NULL: not told */
};

/* "KEY=VALUE", or ends the program with status 2.  The text is kept. */
void meta_take(struct meta_values *values, const char *text);

/* The value as a member named after the last word of its key. */
void meta_compose(const struct meta_values *values, enum meta_key key);

/* The members from one key to another. */
void meta_compose_all(const struct meta_values *values, enum meta_key from,
    enum meta_key to);

/* Where `values` tells nothing, what `others` tells. */
void meta_fill(struct meta_values *values, const struct meta_values *others);

#endif
