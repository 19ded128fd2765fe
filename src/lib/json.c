#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kernel.h"

struct cursor {
	const char *at;
	const char *end;
	const char *what; /* why the scan stopped */
};

static bool
fail(struct cursor *c, const char *what)
{
	c->what = what;
	return false;
}

static inline void
skip_space(struct cursor *c)
{
	if (c->at < c->end && (unsigned char)*c->at > ' ')
		return;
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' ||
	    *c->at == '\n' || *c->at == '\r'))
		c->at++;
}

static bool
is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* One UTF-8 sequence of two bytes or more (RFC 3629, table 3-7 of Unicode). */
static bool
scan_sequence(struct cursor *c)
{
	const unsigned char *s = (const unsigned char *)c->at;
	size_t left = (size_t)(c->end - c->at);
	size_t n = s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3
	    : s[0] < 0xF5 ? 4 : 0;

	if (n == 0 || n > left)
		return fail(c, "not UTF-8");
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return fail(c, "not UTF-8");
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) ||
	    (s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))
		return fail(c, "not UTF-8");
	c->at += n;
	return true;
}

static bool
scan_escape(struct cursor *c)
{
	c->at++;
	if (c->at == c->end)
		return fail(c, "string is cut");
	if (*c->at != 'u') {
		if (!memchr("\"\\/bfnrt", *c->at, 8))
			return fail(c, "no such escape");
		c->at++;
		return true;
	}
	c->at++;
	for (int i = 0; i < 4; i++, c->at++) {
		if (c->at == c->end)
			return fail(c, "string is cut");
		if (!is_digit(*c->at) &&
		    (unsigned char)((*c->at | 0x20) - 'a') > 5)
			return fail(c, "not four hexadecimal digits");
	}
	return true;
}

/* The first byte of a string from `at` on that ends or complicates it. */
static inline const char *
find_special(const char *at, const char *end)
{
	while (KERNEL_WIDE && end - at >= KERNEL_BYTES) {
		uint64_t specials = kernel_specials(at);

		if (specials)
			return at + kernel_first(specials);
		at += KERNEL_BYTES;
	}
	while (at < end && *at != '"' && *at != '\\' &&
	    (unsigned char)(*at - 0x20) < 0x60)
		at++;
	return at;
}

/* What is no plain text in a string, at the cursor: all but the end of it. */
static bool
scan_special(struct cursor *c)
{
	if (c->at == c->end)
		return fail(c, "string is cut");
	if (*c->at == '\\')
		return scan_escape(c);
	if ((unsigned char)*c->at >= 0x80)
		return scan_sequence(c);
	return fail(c, "control character in a string");
}

/* After the opening quote; leaves the cursor behind the closing one. */
static inline bool
scan_string(struct cursor *c, struct json_value *value)
{
	value->kind = JSON_STRING;
	value->at = c->at;
	value->escaped = false;
	for (;;) {
		c->at = find_special(c->at, c->end);
		if (c->at < c->end && *c->at == '"')
			break;
		value->escaped |= c->at < c->end && *c->at == '\\';
		if (!scan_special(c))
			return false;
	}
	value->length = (size_t)(c->at++ - value->at);
	return true;
}

/* The first byte from `at` on that is no digit. */
static inline const char *
skip_digits(const char *at, const char *end)
{
	while (KERNEL_WIDE && end - at >= KERNEL_BYTES) {
		uint64_t nondigits = kernel_nondigits(at);

		if (nondigits)
			return at + kernel_first(nondigits);
		at += KERNEL_BYTES;
	}
	while (at < end && is_digit(*at))
		at++;
	return at;
}

static bool
scan_exponent(struct cursor *c)
{
	const char *at = c->at + 1;

	if (at < c->end && (*at == '+' || *at == '-'))
		at++;
	c->at = skip_digits(at, c->end);
	return c->at > at || fail(c, "expected a digit");
}

static inline bool
scan_number(struct cursor *c, struct json_value *value)
{
	const char *at = c->at, *end = c->end, *first;

	value->kind = JSON_NUMBER;
	value->at = at;
	first = at += *at == '-';
	c->at = at = skip_digits(at, end);
	if (at == first)
		return fail(c, "expected a digit");
	if (*first == '0' && at > first + 1) {
		c->at = first + 1;
		return fail(c, "leading zero");
	}
	if (at < end && *at == '.') {
		first = at + 1;
		c->at = at = skip_digits(first, end);
		if (at == first)
			return fail(c, "expected a digit");
	}
	if (at < end && (*at | 0x20) == 'e' && !scan_exponent(c))
		return false;
	value->length = (size_t)(c->at - value->at);
	return true;
}

static bool
scan_literal(struct cursor *c, struct json_value *value, const char *text,
    enum json_kind kind)
{
	size_t length = strlen(text);

	if ((size_t)(c->end - c->at) < length ||
	    memcmp(c->at, text, length) != 0)
		return fail(c, "expected a value");
	value->kind = kind;
	value->at = c->at;
	value->length = length;
	c->at += length;
	return true;
}

static bool
scan_scalar(struct cursor *c, struct json_value *value)
{
	value->escaped = false;
	if (c->at == c->end)
		return fail(c, "expected a value");
	switch (*c->at) {
	case '"':
		c->at++;
		return scan_string(c, value);
	case 't':
		return scan_literal(c, value, "true", JSON_TRUE);
	case 'f':
		return scan_literal(c, value, "false", JSON_FALSE);
	case 'n':
		return scan_literal(c, value, "null", JSON_NULL);
	default:
		if (*c->at != '-' && !is_digit(*c->at))
			return fail(c, "expected a value");
		return scan_number(c, value);
	}
}

static bool
scan_key(struct cursor *c, struct json_value *key)
{
	skip_space(c);
	if (c->at == c->end || *c->at != '"')
		return fail(c, "expected a key in quotes");
	c->at++;
	if (!scan_string(c, key))
		return false;
	skip_space(c);
	if (c->at == c->end || *c->at != ':')
		return fail(c, "expected a colon");
	c->at++;
	return true;
}

/* After a value inside brackets: 1 at a comma, 0 at the closing one. */
static int
scan_next(struct cursor *c, bool object)
{
	skip_space(c);
	if (c->at < c->end && *c->at == ',') {
		c->at++;
		return 1;
	}
	if (c->at < c->end && *c->at == (object ? '}' : ']')) {
		c->at++;
		return 0;
	}
	fail(c, object ? "expected a comma or }" : "expected a comma or ]");
	return -1;
}

static bool scan_nothing(struct cursor *c, char close)
{
	skip_space(c);
	if (c->at == c->end || *c->at != close)
		return false;
	c->at++;
	return true;
}

/*
 * An array or object with all that is in it.  The open brackets are one bit
 * each (1: object), so that no input can use up the stack.
 */
static bool
scan_nested(struct cursor *c, struct json_value *value)
{
	uint64_t objects = 0;
	int depth = 0;
	struct json_value inner;

	value->escaped = false;
	value->at = c->at;
	value->kind = *c->at == '{' ? JSON_OBJECT : JSON_ARRAY;
	do {
		int more = 1;

		skip_space(c);
		if (c->at < c->end && (*c->at == '{' || *c->at == '[')) {
			bool object = *c->at == '{';

			if (++depth > JSON_DEPTH)
				return fail(c, "nested too deeply");
			objects = objects << 1 | object;
			c->at++;
			if (scan_nothing(c, object ? '}' : ']'))
				more = 0;
			else if (object && !scan_key(c, &inner))
				return false;
			if (more)
				continue;
		} else if (!scan_scalar(c, &inner)) {
			return false;
		}
		for (;;) {
			if (more == 0) {
				objects >>= 1;
				if (--depth == 0)
					break;
			}
			more = scan_next(c, objects & 1);
			if (more < 0)
				return false;
			if (more > 0)
				break;
		}
		if (depth > 0 && (objects & 1) && !scan_key(c, &inner))
			return false;
	} while (depth > 0);
	value->length = (size_t)(c->at - value->at);
	return true;
}

static bool
scan_value(struct cursor *c, struct json_value *value)
{
	skip_space(c);
	if (c->at < c->end && (*c->at == '{' || *c->at == '['))
		return scan_nested(c, value);
	return scan_scalar(c, value);
}

static int
hex_digit(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

static unsigned
hex4(const char *at)
{
	return (unsigned)(hex_digit(at[0]) << 12 | hex_digit(at[1]) << 8 |
	    hex_digit(at[2]) << 4 | hex_digit(at[3]));
}

static size_t
put_utf8(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xC0 | code >> 6);
		out[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xE0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 63));
		out[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	out[0] = (char)(0xF0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 63));
	out[2] = (char)(0x80 | (code >> 6 & 63));
	out[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* The character of an escape at *at (behind the backslash), which moves on. */
static unsigned
unescape(const char **at, const char *end)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned code, low;

	if (**at != 'u')
		return (unsigned char)to[strchr(from, *(*at)++) - from];
	code = hex4(*at + 1);
	*at += 5;
	if (code < 0xD800 || code > 0xDFFF)
		return code;
	if (code < 0xDC00 && end - *at >= 6 && (*at)[0] == '\\' &&
	    (*at)[1] == 'u') {
		low = hex4(*at + 2);
		if (low >= 0xDC00 && low <= 0xDFFF) {
			*at += 6;
			return 0x10000 + ((code - 0xD800) << 10) +
			    (low - 0xDC00);
		}
	}
	return 0xFFFD;
}

long
json_string(const struct json_value *value, char *out, size_t room)
{
	const char *at = value->at, *end;
	size_t n = 0;

	if (value->kind != JSON_STRING)
		return -1; /* at may be NULL */
	end = at + value->length;
	while (at < end) {
		char bytes[4];
		size_t count = 1;

		bytes[0] = *at++;
		if (bytes[0] == '\\')
			count = put_utf8(bytes, unescape(&at, end));
		if (n + count >= room)
			return -1;
		memcpy(out + n, bytes, count);
		n += count;
	}
	if (n >= room)
		return -1;
	out[n] = '\0';
	return (long)n;
}

bool
json_is(const struct json_value *value, const char *text)
{
	size_t length = strlen(text);
	char plain[256];

	if (value->kind != JSON_STRING)
		return false;
	if (!value->escaped)
		return value->length == length &&
		    memcmp(value->at, text, length) == 0;
	return json_string(value, plain, sizeof plain) == (long)length &&
	    memcmp(plain, text, length) == 0;
}

/* One bit for the first byte of a key. */
static uint64_t
head_bit(char first)
{
	return UINT64_C(1) << (first & 63);
}

static inline bool
is_key(const struct json_value *key, const char *wanted)
{
	return key->escaped ? json_is(key, wanted) : *key->at == *wanted &&
	    strncmp(wanted, key->at, key->length) == 0 &&
	    wanted[key->length] == '\0';
}

/* Members often come in the order in which they are wanted: the one behind the
 * last that was found is looked at first. */
static bool
keep_wanted(struct cursor *c, const char *const *keys, size_t count,
    struct json_value *values, const struct json_value *key,
    const struct json_value *value, size_t *expected)
{
	for (size_t n = 0; n < count; n++) {
		size_t i = (*expected)++;

		if (i >= count) {
			i = 0;
			*expected = 1;
		}
		if (!is_key(key, keys[i]))
			continue;
		if (values[i].kind != JSON_ABSENT) {
			c->at = key->at;
			return fail(c, "the same key twice");
		}
		values[i] = *value;
		return true;
	}
	return true;
}

static bool
scan_members(struct cursor *c, const char *const *keys, size_t count,
    struct json_value *values)
{
	struct json_value key, value;
	uint64_t heads = 0;
	size_t expected = 0;
	int more;

	for (size_t i = 0; i < count; i++)
		heads |= head_bit(*keys[i]);
	skip_space(c);
	if (c->at == c->end || *c->at != '{')
		return fail(c, "expected {");
	c->at++;
	if (!scan_nothing(c, '}')) {
		do {
			if (!scan_key(c, &key) || !scan_value(c, &value))
				return false;
			if ((heads & head_bit(*key.at) || key.escaped) &&
			    !keep_wanted(c, keys, count, values, &key, &value,
			    &expected))
				return false;
			more = scan_next(c, true);
		} while (more > 0);
		if (more < 0)
			return false;
	}
	skip_space(c);
	return c->at == c->end || fail(c, "more after the object");
}

bool
json_members(const char *text, size_t length, const char *const *keys,
    size_t count, struct json_value *values, struct json_error *error)
{
	struct cursor c = { .at = text, .end = text + length };

	if (count) /* values may be NULL with no keys */
		memset(values, 0, count * sizeof *values);
	if (scan_members(&c, keys, count, values))
		return true;
	error->at = (size_t)(c.at - text);
	error->what = c.what;
	return false;
}

/* Moves to the next entry of brackets; false at the closing one. */
static bool
walk(const struct json_value *brackets, const char **cursor, struct cursor *c)
{
	c->at = *cursor ? *cursor : brackets->at + 1;
	c->end = brackets->at + brackets->length;
	skip_space(c);
	if (*cursor && c->at < c->end && *c->at == ',')
		c->at++;
	skip_space(c);
	return c->at < c->end && *c->at != ']' && *c->at != '}';
}

bool
json_element(const struct json_value *array, const char **cursor,
    struct json_value *element)
{
	struct cursor c = { 0 };

	if (array->kind != JSON_ARRAY || !walk(array, cursor, &c) ||
	    !scan_value(&c, element))
		return false;
	*cursor = c.at;
	return true;
}

bool
json_member(const struct json_value *object, const char **cursor,
    struct json_value *key, struct json_value *value)
{
	struct cursor c = { 0 };

	if (object->kind != JSON_OBJECT || !walk(object, cursor, &c) ||
	    !scan_key(&c, key) || !scan_value(&c, value))
		return false;
	*cursor = c.at;
	return true;
}

/* A number cut into its parts. */
struct decimal {
	const char *whole, *part;
	long whole_digits, part_digits;
	long exponent;
	bool negative;
};

static void
take_apart(const char *at, const char *end, struct decimal *d)
{
	const long limit = 1L << 40; /* more than a line has digits */
	bool down = false;

	d->negative = *at == '-';
	at += d->negative;
	for (d->whole = at; at < end && is_digit(*at); at++)
		;
	d->whole_digits = at - d->whole;
	at += at < end && *at == '.';
	for (d->part = at; at < end && is_digit(*at); at++)
		;
	d->part_digits = at - d->part;
	d->exponent = 0;
	if (at == end)
		return;
	at++;
	if (*at == '+' || *at == '-')
		down = *at++ == '-';
	for (; at < end; at++)
		if (d->exponent < limit)
			d->exponent = d->exponent * 10 + (*at - '0');
	if (down)
		d->exponent = -d->exponent;
}

static int
digit_of(const struct decimal *d, long i)
{
	return (i < d->whole_digits ? d->whole[i]
	    : d->part[i - d->whole_digits]) - '0';
}

/* Above, at or below one half: what the digits from `first` on, of which the
 * first is worth tenths, amount to. */
static int
compare_half(const struct decimal *d, long first, long digits)
{
	int lead = digit_of(d, first);

	if (lead != 5)
		return lead > 5 ? 1 : -1;
	for (long i = first + 1; i < digits; i++)
		if (digit_of(d, i) != 0)
			return 1;
	return 0;
}

/*
 * The common case in one pass: up to 18 digits, no exponent, nothing to round.
 * False: not that case; also no number that the grammar refuses.
 */
static bool
convert_short(const char *at, size_t length, int scale, int64_t *out)
{
	static const struct {
		int64_t power, most; /* most * power is still an int64 */
	} scales[] = {
#define SCALE(p) { (p), INT64_MAX / (p) }
		SCALE(1), SCALE(10), SCALE(100), SCALE(1000), SCALE(10000),
		SCALE(100000), SCALE(1000000), SCALE(10000000),
		SCALE(100000000), SCALE(1000000000)
#undef SCALE
	};
	const char *end = at + length, *first;
	bool negative = *at == '-';
	uint64_t value = 0; /* the 19th digit is refused after it is added */
	int digits;

	first = at += negative;
	if (end - at > 19)
		return false;
	for (; at < end && is_digit(*at); at++)
		value = value * 10 + (unsigned)(*at - '0');
	digits = (int)(at - first);
	if (digits == 0 || (*first == '0' && digits > 1))
		return false;
	if (at < end) {
		if (*at++ != '.' || at == end)
			return false;
		scale -= (int)(end - at);
		for (; at < end && is_digit(*at); at++)
			value = value * 10 + (unsigned)(*at - '0');
	}
	if (at < end || end - first - (end - first > digits) > 18 ||
	    scale < 0 || scale > 9 || value > (uint64_t)scales[scale].most)
		return false;
	value *= (uint64_t)scales[scale].power;
	*out = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

static bool
convert(const char *text, size_t length, int scale, int64_t *out)
{
	struct decimal d;
	long digits, first = 0, shift, kept;
	uint64_t value = 0;

	if (convert_short(text, length, scale, out))
		return true;
	take_apart(text, text + length, &d);
	digits = d.whole_digits + d.part_digits;
	while (first < digits && digit_of(&d, first) == 0)
		first++;
	*out = 0;
	if (first == digits)
		return true;
	shift = scale + d.exponent - d.part_digits;
	kept = digits + (shift < 0 ? shift : 0);
	if (digits + shift - first > 19)
		return false;
	for (long i = first; i < kept; i++)
		value = value * 10 + (unsigned)digit_of(&d, i);
	for (; shift > 0; shift--)
		value *= 10;
	if (kept >= first && kept < digits) {
		int half = compare_half(&d, kept, digits);

		value += half > 0 || (half == 0 && (value & 1));
	}
	if (value > (uint64_t)INT64_MAX + d.negative)
		return false;
	*out = (int64_t)(d.negative ? 0 - value : value);
	return true;
}

bool
json_decimal(const struct json_value *value, int scale, int64_t *out)
{
	return value->kind == JSON_NUMBER &&
	    convert(value->at, value->length, scale, out);
}

bool
json_decimal_text(const char *text, size_t length, int scale, int64_t *out)
{
	struct cursor c = { .at = text, .end = text + length };
	struct json_value value;

	return length > 0 && (*text == '-' || is_digit(*text)) &&
	    (convert_short(text, length, scale, out) ||
	    (scan_number(&c, &value) && c.at == c.end &&
	    convert(text, length, scale, out)));
}

bool
json_integer(const struct json_value *value, int64_t *out)
{
	struct decimal d;
	long digits, shift;

	if (!json_decimal(value, 0, out))
		return false;
	take_apart(value->at, value->at + value->length, &d);
	digits = d.whole_digits + d.part_digits;
	shift = d.exponent - d.part_digits;
	for (long i = digits + shift < 0 ? 0 : digits + shift; i < digits; i++)
		if (digit_of(&d, i) != 0)
			return false;
	return true;
}

/* A number of a checked record is followed by a byte that ends it, so strtod
 * can read in place; no program here sets LC_NUMERIC. */
bool
json_double(const struct json_value *value, double *out)
{
	char *end;

	if (value->kind != JSON_NUMBER)
		return false;
	*out = strtod(value->at, &end);
	return end == value->at + value->length && isfinite(*out);
}
