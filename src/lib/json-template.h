/*
 * json-template: the bytes that a checked text and its like have, for
 * json-shape alone.
 *
 * For each byte a template holds the lowest value and the range above it: a
 * constant has range 0, a digit '0' and 9, the first digit of a whole part of
 * several '1' and 8, a byte of the wanted string all but control bytes, a byte
 * behind the end anything.  Text within these bounds has the grammar of the
 * text that was checked, and its numbers stand at known places.
 * Floor: ground.
 */
#ifndef EPI_JSON_TEMPLATE_H
#define EPI_JSON_TEMPLATE_H

#include "json.h"
#include "kernel.h"

enum { JSON_NUMBERS = 8 };

/* What is wanted of a record, and where it goes; kept, not copied. */
struct json_wanted {
	struct {
		const char *key; /* NULL: none */
		int scale;       /* as json_decimal */
		size_t at;       /* of an int64_t, its offset in a row */
	} numbers[JSON_NUMBERS];
	unsigned needed;         /* bit i: no record without numbers[i] */
	const char *text;        /* the key of a string */
	const char *refused;     /* a record with this key is none */
};

/* What all lines of a shape have in common; offsets from the line's start. */
struct json_form {
	unsigned have;       /* bit i: numbers[i] is there, else absent or null */
	unsigned text_at;    /* of the string, which has no escapes */
	unsigned text_length;
	unsigned length;     /* of the line, without "\n" or "\r\n" */
	unsigned bytes;      /* of the line, all of it */
	int blocks;          /* of its shape's bounds; 0: it is of no shape */
};

enum { SIXTEENS = 2 }; /* of digits: the 19 of an int64 */

/* Up to sixteen digits of a number, the last of them at text[end - 1]; `from`
 * is where they would begin, which may be before the text. */
struct digit_group {
	struct kernel_digits digits;
	int from;
};

struct number {
	struct digit_group groups[SIXTEENS]; /* the last digits first */
	int count;       /* of groups; 0: there is no number */
	size_t at;       /* its offset in a row */
	int64_t unit;    /* of the last digit; below 0 with a minus sign */
};

/* A template that is being made of the text at `text`. */
struct json_template {
	const struct json_wanted *wanted;
	const char *text;
	struct kernel_bounds *bounds;
	struct number *numbers;
	int number_count;
	unsigned have, text_at, text_length; /* as in json_form */
};

/* Sets the bounds of `room` bytes, of which the first `length` are constant. */
void template_start(struct json_template *made, size_t length, size_t room);

/* Takes a member of the text; false: its text has no template. */
bool template_take(struct json_template *made, const struct json_value *key,
    const struct json_value *value);

/* A number of text that fits goes into its row. */
static inline void
template_convert(const struct number *number, const char *text, void *row)
{
	int64_t converted;
	const struct digit_group *group = number->groups;
	uint64_t value = kernel_sixteen(text + group->from, &group->digits);

	if (number->count > 1)
		value += kernel_sixteen(text + group[1].from,
		    &group[1].digits) * EIGHT_DIGITS * EIGHT_DIGITS;
	converted = (int64_t)value * number->unit;
	memcpy((char *)row + number->at, &converted, sizeof converted);
}

#endif
