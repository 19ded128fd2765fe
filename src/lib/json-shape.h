/*
 * json-shape: like records, read again without being scanned.
 *
 * A record's shape is its text with the digits of its numbers left open.  Once
 * a record was checked, json_learn keeps its shape; json_match then proves with
 * one comparison that a line has the same grammar, and converts only the
 * wanted numbers.  A match says what json_members and json_decimal would say;
 * a line that is not matched is simply not known.
 * Floor: ground.
 */
#ifndef EPI_JSON_SHAPE_H
#define EPI_JSON_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json-template.h"
#include "json.h"
#include "kernel.h"

enum {
	JSON_SHAPES = 1024,
	JSON_SHAPE_BYTES = KERNEL_BLOCKS * KERNEL_BYTES /* a longer line has
	                                                   no shape */
};

/* What is converted in one go: a number, its first digits where it has more than
 * sixteen, or two of up to eight. */
enum json_numbers_kind { JSON_ONE, JSON_FIRST_DIGITS, JSON_TWO };

struct json_numbers {
	struct kernel_digits digits;
	uint8_t kind;
	bool last;        /* of the shape */
	int16_t from[2];  /* as in digit_group; of a number's last eight digits
	                     where there are two */
	uint16_t at[2];   /* as in number */
	int64_t unit[2];
};

struct json_shape {
	struct json_form form; /* first, for a hint is turned into its shape */
	int met;               /* above 0: by a line, lately */
	int instead;           /* came when this one was expected; from 1 */
	struct kernel_bounds bounds[KERNEL_BLOCKS];
	struct json_numbers numbers[JSON_NUMBERS * SIXTEENS]; /* one at least */
};

/* More of them is json-shape's own. */
struct json_shapes {
	int doubts; /* times that a hint has to be right before it is used */
};

/* Allocates; ends the program where there is no memory.  free(3) frees. */
struct json_shapes *json_shapes_new(const struct json_wanted *wanted);

/* Keeps the shape of a line that json_members passed and whose wanted values
 * were taken; a line that has none is left alone. */
void json_learn(struct json_shapes *shapes, const char *line, size_t length);

enum {
	JSON_BEHIND = JSON_SHAPE_BYTES, /* a string's bytes may be any */
	JSON_BEFORE = 16 /* a short number is read with what stands before it */
};

/*
 * Matches the line at `line` (it ends with a newline; JSON_BEHIND bytes after
 * that and JSON_BEFORE bytes before it are readable) against the form `hint`,
 * one given out before or NULL, then against all; NULL: it is not known.  In
 * `row` those numbers are set that the form has.
 *
 * The string is not checked for its bytes: a caller takes a match only where
 * the text is one that it has seen checked.
 */
const struct json_form *json_match(struct json_shapes *shapes,
    const char *line, const struct json_form *hint, void *row);

/*
 * The same for a loop over lines that are as expected, billions of them: whether
 * the hint, never NULL, is the form of the line, and then, the name being right,
 * its numbers.  Where it is not, json_match_unexpected is the rest of
 * json_match.
 */
static inline bool
json_expected(const struct json_shapes *shapes, const char *line,
    const struct json_form *hint)
{
	return shapes->doubts == 0 && hint->blocks > 0 && kernel_within(line,
	    ((const struct json_shape *)hint)->bounds, hint->blocks);
}

/* A form has a number, at least one. */
static inline void
json_convert(const struct json_form *form, const char *line, void *row)
{
	const struct json_numbers *n = ((const struct json_shape *)form)->numbers;

	do {
		char *at = (char *)row + n->at[0];
		uint64_t value[2], before;

		if (n->kind == JSON_TWO) {
			kernel_two_eights(line + n->from[0], line + n->from[1],
			    &n->digits, value);
			value[1] *= (uint64_t)n->unit[1];
			memcpy((char *)row + n->at[1], &value[1],
			    sizeof value[1]);
		} else {
			value[0] = kernel_sixteen(line + n->from[0], &n->digits);
		}
		value[0] *= (uint64_t)n->unit[0];
		if (n->kind == JSON_FIRST_DIGITS) {
			memcpy(&before, at, sizeof before);
			value[0] += before;
		}
		memcpy(at, &value[0], sizeof value[0]);
	} while (!n++->last);
}

/* The form that no line has. */
extern const struct json_form json_no_form;

const struct json_form *json_match_unexpected(struct json_shapes *shapes,
    const char *line, const struct json_form *hint, void *row);

#endif
