/*
 * json-template: the bytes that a checked text and its like have, for json
 * alone.
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

enum {
	EIGHT_DIGITS = 100000000,
	CHUNKS = 3 /* of 8 digits: the 19 of an int64 */
};

/*
 * Up to eight digits of a number, the last of them at end[-1].  Where the point
 * lies among them, those before it are read from one byte further down; masks
 * leave out all that is no digit of the chunk.
 */
struct chunk {
	uint64_t behind, before; /* masks: digits behind the point, before it */
	unsigned end;
};

struct number {
	int wanted;      /* its index in json_wanted */
	int chunks;
	int64_t unit;    /* of the last digit; below 0 with a minus sign */
	struct chunk chunk[CHUNKS]; /* the last digits first */
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

/* Eight digits, the first in the lowest byte; a zero byte is a zero.  Pairs,
 * then fours, then all eight are joined by one multiplication each. */
static inline uint64_t
eight_digits(uint64_t value)
{
	value = (value & 0x0F0F0F0F0F0F0F0F) * (10 * 256 + 1) >> 8;
	value = (value & 0x00FF00FF00FF00FF) * (100 * 65536 + 1) >> 16;
	return (value & 0x0000FFFF0000FFFF) *
	    (10000 * (UINT64_C(1) << 32) + 1) >> 32;
}

static inline uint64_t
gather(const struct chunk *chunk, const char *text)
{
	return (kernel_eight(text + chunk->end - 8) & chunk->behind) |
	    (kernel_eight(text + chunk->end - 9) & chunk->before);
}

/* A number of text that fits. */
static inline int64_t
template_convert(const struct number *number, const char *text)
{
	uint64_t value = eight_digits(gather(&number->chunk[0], text));

	if (number->chunks > 1)
		value += eight_digits(gather(&number->chunk[1], text)) *
		    EIGHT_DIGITS;
	if (number->chunks > 2)
		value += eight_digits(gather(&number->chunk[2], text)) *
		    EIGHT_DIGITS * EIGHT_DIGITS;
	return (int64_t)value * number->unit;
}

#endif
