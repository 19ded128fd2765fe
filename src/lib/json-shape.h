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
	JSON_SHAPES = 512,
	JSON_SHAPE_BYTES = KERNEL_BLOCKS * KERNEL_BYTES /* a longer line has
	                                                   no shape */
};

struct json_shape {
	struct json_form form; /* first, for a hint is turned into its shape */
	int number_count;
	int met;               /* above 0: by a line, lately */
	int instead;           /* came when this one was expected; from 1 */
	struct kernel_bounds bounds[KERNEL_BLOCKS];
	struct number numbers[JSON_NUMBERS];
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
 * the hint is the form of the line, and then, the name being right, its numbers.
 * Where it is not, json_match_unexpected is the rest of json_match.
 */
static inline bool
json_expected(const struct json_shapes *shapes, const char *line,
    const struct json_form *hint)
{
	const struct json_shape *shape = (const struct json_shape *)hint;

	return hint && hint->blocks > 0 && shapes->doubts == 0 &&
	    kernel_within(line, shape->bounds, hint->blocks);
}

static inline void
json_convert(const struct json_form *form, const char *line, void *row)
{
	const struct json_shape *shape = (const struct json_shape *)form;
	const struct number *number = shape->numbers;
	const struct number *end = number + shape->number_count;

	for (; number < end; number++)
		template_convert(number, line, row);
}

const struct json_form *json_match_unexpected(struct json_shapes *shapes,
    const char *line, const struct json_form *hint, void *row);

#endif
