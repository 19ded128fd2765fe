/*
 * json: a JSON record read in place, without allocation.
 *
 * A record is one JSON object in a span of bytes.  json_members checks the
 * whole span against RFC 8259 and tells where the wanted members lie; values
 * are spans of the input and live as long as it does.
 * Floor: ground.  Errors are values with a byte position; nothing prints.
 */
#ifndef EPI_JSON_H
#define EPI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_ABSENT = 0,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING, /* the span is inside the quotes, escapes as written */
	JSON_ARRAY,  /* the span includes the brackets */
	JSON_OBJECT
};

struct json_value {
	const char *at;
	size_t length;
	enum json_kind kind;
	bool escaped; /* a string that holds a backslash */
};

struct json_error {
	size_t at;        /* byte offset from the start of the span */
	const char *what; /* static text: "expected a colon" */
};

enum { JSON_DEPTH = 64 }; /* deeper nesting is refused */

/*
 * Checks that text[0..length) is one JSON object (white space around it, also
 * a CR, is allowed) and stores the value of the top-level member keys[i] in
 * values[i], JSON_ABSENT where there is none.  A wanted key that stands twice
 * is an error; keys are compared after their escapes are undone.
 * False: not such an object; *error says where and why, values are undefined.
 */
bool json_members(const char *text, size_t length, const char *const *keys,
    size_t count, struct json_value *values, struct json_error *error);

/*
 * Walks an array of a checked record: `cursor` starts as NULL; each call gives
 * the next element.  False at the end.
 */
bool json_element(const struct json_value *array, const char **cursor,
    struct json_value *element);

/* Walks an object of a checked record likewise; key is a JSON_STRING. */
bool json_member(const struct json_value *object, const char **cursor,
    struct json_value *key, struct json_value *value);

/*
 * A number times 10^scale (0 to 18), rounded once, half to even; exponents and
 * any count of digits are taken.  False: not a number, or not in int64.
 */
bool json_decimal(const struct json_value *value, int scale, int64_t *out);

/* The same for bare text that has JSON's number grammar, all of it. */
bool json_decimal_text(const char *text, size_t length, int scale,
    int64_t *out);

/* Whole number within int64 (1.0 and 1e3 are whole).  False otherwise. */
bool json_integer(const struct json_value *value, int64_t *out);

/* The nearest double.  False: not a number, or beyond the range of double. */
bool json_double(const struct json_value *value, double *out);

/*
 * A string with its escapes undone into out[0..room), a NUL behind; returns
 * its length, or -1 if it is not a string or does not fit.  A lone surrogate
 * becomes U+FFFD.
 */
long json_string(const struct json_value *value, char *out, size_t room);

/* Whether the value is the string `text` (escapes undone). */
bool json_is(const struct json_value *value, const char *text);

#endif
