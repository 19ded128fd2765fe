/*
 * The syntax cases of tests/data/json, and values.  What a text stands for was
 * worked out by hand.  Texts lie in memory of just their size, so that a read
 * outside of them is seen by the sanitizers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "unit.h"

enum { BEFORE, V, AFTER, KEYS };

static const char *const keys[KEYS] = {
	[BEFORE] = "before", [V] = "v", [AFTER] = "after"
};

static struct json_value values[KEYS];
static struct json_error error;

/* A text of its own memory, freed with the next one. */
static char *own;
static size_t own_length;

static void
own_text(const char *head, const char *text, size_t length, const char *tail)
{
	size_t before = strlen(head), after = strlen(tail);

	free(own);
	own_length = before + length + after;
	own = malloc(own_length ? own_length : 1);
	if (!own)
		abort();
	memcpy(own, head, before);
	memcpy(own + before, text, length);
	memcpy(own + before + length, tail, after);
}

static bool
members(void)
{
	return json_members(own, own_length, keys, KEYS, values, &error);
}

static bool
span_is(const struct json_value *value, const char *text, size_t length)
{
	return value->length == length &&
	    memcmp(value->at, text, length) == 0;
}

/* ---- the corpus */

static int
hex(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Undoes \xNN in place; returns the length. */
static size_t
bytes(char *text)
{
	char *out = text;

	for (char *at = text; *at; at++) {
		*out = *at;
		if (at[0] == '\\' && at[1] == 'x') {
			*out = (char)(hex(at[2]) << 4 | hex(at[3]));
			at += 3;
		}
		out++;
	}
	return (size_t)(out - text);
}

/* What is left of a text without the white space around it. */
static void
trim(const char **text, size_t *length)
{
	const char *space = " \t\r\n";

	while (*length && strchr(space, (*text)[0])) {
		++*text;
		--*length;
	}
	while (*length && strchr(space, (*text)[*length - 1]))
		--*length;
}

/* at: where the error must be, -1 anywhere, -2: there must be none. */
static bool
value_holds(const char *text, size_t length, long at)
{
	static const char member[] = "{\"before\":1,\"v\":";
	static const char element[] = "{\"v\":[1,";
	bool passes = at == -2, told;
	const char *cursor = NULL;
	struct json_value found;

	own_text(element, text, length, ",2]}");
	told = members() == passes && (at < 0 ||
	    error.at == sizeof element - 1 + (size_t)at);
	if (passes)
		told = told && json_element(&values[V], &cursor, &found) &&
		    json_element(&values[V], &cursor, &found);
	own_text(member, text, length, ",\"after\":2}");
	told = members() == passes && told && (at < 0 ||
	    error.at == sizeof member - 1 + (size_t)at);
	if (!told || !passes)
		return told;
	trim(&text, &length);
	if (*text == '"') {
		text++;
		length -= 2;
	}
	return span_is(&values[V], text, length) && found.length == length &&
	    found.kind == values[V].kind && span_is(&values[BEFORE], "1", 1) &&
	    span_is(&values[AFTER], "2", 1);
}

/* A record is none before its last bracket. */
static bool
prefixes_fail(const char *text, size_t length)
{
	trim(&text, &length);
	for (size_t n = 0; n < length; n++) {
		own_text("", text, n, "");
		if (members() || error.at > n)
			return false;
	}
	return true;
}

static bool
record_holds(const char *text, size_t length, long at)
{
	own_text("", text, length, "");
	if (at == -2)
		return members() && prefixes_fail(text, length);
	return !members() && (at < 0 || error.at == (size_t)at);
}

static void
corpus(const char *name, bool (*holds)(const char *, size_t, long))
{
	char path[64], line[4096];
	unsigned number = 0;
	FILE *file;

	snprintf(path, sizeof path, "tests/data/json/%s", name);
	file = fopen(path, "r");
	is(file != NULL, "%s is there", path);
	while (file && fgets(line, sizeof line, file)) {
		char *tab = strchr(line, '\t'), shown[4096];
		long at = line[0] == 'p' ? -2 : -1;
		size_t length;

		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!tab)
			continue;
		if (line[4] == '@')
			at = strtol(line + 5, NULL, 10);
		strcpy(shown, line);
		length = bytes(tab + 1);
		is(holds(tab + 1, length, at), "%s:%u: %s", name, number,
		    shown);
	}
	is(number > 50, "%s has cases", name);
	if (file)
		fclose(file);
}

/* ---- nesting */

static bool
nests(int depth, const char *open, const char *inner, const char *close)
{
	char text[8 * (JSON_DEPTH + 2)] = "";

	for (int i = 0; i < depth; i++)
		strcat(text, open);
	strcat(text, inner);
	for (int i = 0; i < depth; i++)
		strcat(text, close);
	own_text("{\"v\":", text, strlen(text), "}");
	return members();
}

static void
nesting(void)
{
	is(nests(JSON_DEPTH, "[", "", "]") && nests(JSON_DEPTH, "[", "1", "]"),
	    "64 arrays");
	is(nests(JSON_DEPTH, "{\"a\":", "1", "}"), "64 objects");
	is(nests(JSON_DEPTH / 2, "[{\"a\":", "1", "}]"), "64 in turn");
	is(!nests(JSON_DEPTH + 1, "[", "", "]") && error.at == 5 + JSON_DEPTH,
	    "65 arrays are refused, at the 65th");
	is(!nests(JSON_DEPTH + 1, "{\"a\":", "1", "}") &&
	    error.at == 5 + 5 * JSON_DEPTH, "65 objects too");
	is(!nests(JSON_DEPTH / 2, "[{\"a\":", "[0]", "}]"), "65 in turn too");
}

/* ---- numbers */

static const struct {
	const char *text;
	int scale;
	bool fits;
	int64_t want;
} decimals[] = {
	{ "0", 0, true, 0 }, { "-0", 9, true, 0 }, { "-0.0e5", 9, true, 0 },
	{ "0e999999999999999999999", 9, true, 0 },
	{ "7", 0, true, 7 }, { "-7", 9, true, -7000000000 },
	{ "1795340400.123456", 9, true, 1795340400123456000 },
	{ "1E+2", 0, true, 100 }, { "1e2", 0, true, 100 },
	{ "12e-1", 1, true, 12 }, { "1.5e3", 0, true, 1500 },
	{ "0.000001e6", 0, true, 1 }, { "1000000e-6", 0, true, 1 },
	{ "0.1", 18, true, 100000000000000000 },
	{ "1e-18", 18, true, 1 }, { "123.456", 2, true, 12346 },
	/* Ties go to even, once: from all digits, not digit by digit. */
	{ "0.5", 0, true, 0 }, { "1.5", 0, true, 2 }, { "2.5", 0, true, 2 },
	{ "-0.5", 0, true, 0 }, { "-1.5", 0, true, -2 },
	{ "-2.5", 0, true, -2 }, { "0.05", 1, true, 0 },
	{ "0.15", 1, true, 2 }, { "5e-1", 0, true, 0 }, { "15e-1", 0, true, 2 },
	{ "0.50000000000000000000000000000000001", 0, true, 1 },
	{ "0.49999999999999999999999999999999999", 0, true, 0 },
	{ "0.445", 1, true, 4 }, { "0.0000000005", 9, true, 0 },
	{ "0.00000000050", 9, true, 0 }, { "0.0000000015", 9, true, 2 },
	{ "0.00000000051", 9, true, 1 }, { "7.0000000000001", 9, true, 7000000000 },
	{ "999999999.9999999995", 9, true, 1000000000000000000 },
	{ "0.9", 0, true, 1 }, { "0.09", 0, true, 0 }, { "9.5", 0, true, 10 },
	{ "1e-400", 9, true, 0 }, { "-1e-999999999", 9, true, 0 },
	{ "4e-1000000000000000000000", 18, true, 0 },
	/* The ends of int64, 2^63 = 9223372036854775808. */
	{ "9223372036854775807", 0, true, INT64_MAX },
	{ "-9223372036854775808", 0, true, INT64_MIN },
	{ "9223372036854775808", 0, false, 0 },
	{ "-9223372036854775809", 0, false, 0 },
	{ "9223372036854775807.4", 0, true, INT64_MAX },
	{ "9223372036854775807.5", 0, false, 0 },
	{ "9223372036.854775807", 9, true, INT64_MAX },
	{ "9223372036.854775808", 9, false, 0 },
	{ "9.223372036854775807e18", 0, true, INT64_MAX },
	{ "9223372036854775807000e-3", 0, true, INT64_MAX },
	{ "18446744073709551616", 0, false, 0 },
	{ "99999999999999999999", 0, false, 0 },
	{ "10000000000000000000", 0, false, 0 },
	{ "9999999999999999999", 0, false, 0 },
	{ "1e19", 0, false, 0 }, { "1e400", 0, false, 0 },
	{ "-1e99999999999999999999", 0, false, 0 },
	{ "1e10", 9, false, 0 }, { "9e9", 9, true, 9000000000000000000 },
	{ "00000000001e0", 0, false, 0 },
	{ "1234567890123456789", 0, true, 1234567890123456789 },
	{ "0.1234567890123456789", 18, true, 123456789012345679 },
	{ "000", 0, false, 0 }, { "", 0, false, 0 }, { "-", 0, false, 0 },
	{ "1.", 0, false, 0 }, { ".5", 0, false, 0 }, { "1e", 0, false, 0 },
	{ "+1", 0, false, 0 }, { " 1", 0, false, 0 }, { "1 ", 0, false, 0 },
	{ "0x1", 0, false, 0 }, { "1,5", 0, false, 0 }, { "inf", 0, false, 0 }
};

static void
decimal_values(void)
{
	for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++) {
		int64_t found = -1, again;
		struct json_value value;
		bool fits;

		own_text("", decimals[i].text, strlen(decimals[i].text), "");
		fits = json_decimal_text(own, own_length, decimals[i].scale,
		    &found);
		value = (struct json_value){ own, own_length, JSON_NUMBER,
			false };
		is(fits == decimals[i].fits && (!fits ||
		    (found == decimals[i].want && json_decimal(&value,
		    decimals[i].scale, &again) && again == found)),
		    "\"%s\" at scale %d", decimals[i].text,
		    decimals[i].scale);
	}
}

/* 1 as a point, a great many zeros, a 1 and the exponent to match. */
static bool
long_zeros(size_t zeros)
{
	char *text = malloc(zeros + 40);
	int64_t found = 0;
	bool fits;

	if (!text)
		abort();
	memset(text, '0', zeros + 2);
	text[1] = '.';
	sprintf(text + 2 + zeros, "1e%zu", zeros + 1);
	fits = json_decimal_text(text, strlen(text), 0, &found);
	free(text);
	return fits && found == 1;
}

static uint64_t random_state = 42;

static int64_t
pick(int64_t below)
{
	random_state = random_state * 6364136223846793005U +
	    1442695040888963407U;
	return (int64_t)((random_state >> 1) % (uint64_t)below);
}

__extension__ typedef __int128 wide;

/* m * 10^e rounded half to even; false beyond int64. */
static bool
plain(int64_t m, int e, int64_t *out)
{
	wide power = 1, value = m, rest;

	for (int i = 0; i < abs(e); i++)
		power *= 10;
	if (e >= 0) {
		value *= power;
	} else {
		rest = m % power;
		value = m / power;
		rest = rest < 0 ? -rest : rest;
		if (2 * rest > power || (2 * rest == power && value % 2))
			value += m < 0 ? -1 : 1;
	}
	*out = (int64_t)value;
	return value >= INT64_MIN && value <= INT64_MAX;
}

static bool
random_decimal(void)
{
	static const int64_t ends[] = { 0, 5, 25, 50, 500, 125 };
	int digits = 1 + (int)pick(18), part, scale = (int)pick(19), exponent;
	int64_t m = pick(6) ? 0 : ends[pick(6)], want, found;
	char number[32], text[64];
	bool fits;

	for (int i = 0; m == 0 && i < digits; i++)
		m = m * 10 + pick(10);
	part = (int)pick(19);
	exponent = pick(2) ? (int)pick(18) - 9 : 0;
	sprintf(number, "%019lld", (long long)m);
	sprintf(text, "%s%.*s%s%s", pick(2) ? "-" : "", 19 - part, number,
	    part ? "." : "", number + 19 - part);
	{
		char *from = text + (*text == '-'), *at = from;

		while (at[0] == '0' && at[1] >= '0' && at[1] <= '9')
			at++;
		memmove(from, at, strlen(at) + 1);
	}
	if (exponent)
		sprintf(text + strlen(text), "%s%d", pick(2) ? "e" : "E",
		    exponent);
	own_text("", text, strlen(text), "");
	fits = plain(*text == '-' ? -m : m, exponent - part + scale, &want);
	if (json_decimal_text(own, own_length, scale, &found) == fits &&
	    (!fits || found == want))
		return true;
	printf("# %s at scale %d\n", text, scale);
	return false;
}

static bool
one(const char *text, size_t length)
{
	own_text("{\"v\":", text, length, "}");
	return members();
}

static bool
whole(const char *text, int64_t want)
{
	int64_t found;

	return one(text, strlen(text)) && json_integer(&values[V], &found) &&
	    found == want;
}

static bool
broken(const char *text)
{
	int64_t found;

	return one(text, strlen(text)) && !json_integer(&values[V], &found);
}

static bool
nearest(const char *text, double want)
{
	double found;

	return one(text, strlen(text)) && json_double(&values[V], &found) &&
	    found == want && signbit(found) == signbit(want);
}

static bool
no_double(const char *text)
{
	double found;

	return one(text, strlen(text)) && !json_double(&values[V], &found);
}

static void
numbers(void)
{
	bool all = true;

	decimal_values();
	is(long_zeros(18) && long_zeros(100000) && long_zeros(1500000),
	    "an exponent that takes back many zeros");
	for (int i = 0; i < 100000; i++)
		all = all && random_decimal();
	is(all, "100,000 random numbers are what plain arithmetic makes them");
	is(whole("12", 12) && whole("1.0", 1) && whole("1e3", 1000) &&
	    whole("-0", 0) && whole("1200e-2", 12) && whole("0e-5", 0) &&
	    whole("-9223372036854775808", INT64_MIN), "whole numbers");
	is(broken("1.5") && broken("0.1") && broken("1e-1") &&
	    broken("1e-400") && broken("9223372036854775808") &&
	    broken("120e-2") && broken("\"1\"") && broken("null") &&
	    broken("[1]"), "what is not whole");
	is(nearest("0.1", 0.1) && nearest("-0", -0.0) && nearest("2.5E-1",
	    0.25), "doubles");
	is(nearest("1e-400", 0) && nearest("4.9e-324", 4.9e-324) &&
	    nearest("9007199254740993", 9007199254740992.0),
	    "the nearest double");
	is(no_double("1e400") && no_double("-1e999") && no_double("\"1\"") &&
	    no_double("true"), "beyond double, and no numbers");
}

/* ---- strings */

static const struct {
	const char *text, *want;
	size_t length;
} strings[] = {
	{ "", "", 0 }, { "pi1", "pi1", 3 },
	{ "\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t", 8 },
	{ "\\u0041\\u00e9\\u20AC", "A\xC3\xA9\xE2\x82\xAC", 6 },
	{ "\\u0000x", "\0x", 2 }, { "\\u007f\\u0080", "\x7F\xC2\x80", 3 },
	{ "\\u07ff\\u0800", "\xDF\xBF\xE0\xA0\x80", 5 },
	{ "\\uffff", "\xEF\xBF\xBF", 3 },
	{ "\\ud83d\\ude00", "\xF0\x9F\x98\x80", 4 },
	{ "\\uD800\\uDC00", "\xF0\x90\x80\x80", 4 },
	{ "\\udbff\\udfff", "\xF4\x8F\xBF\xBF", 4 },
	/* Lone surrogates. */
	{ "\\ud800", "\xEF\xBF\xBD", 3 }, { "\\udc00", "\xEF\xBF\xBD", 3 },
	{ "\\ud800x", "\xEF\xBF\xBDx", 4 },
	{ "\\ud800\\n", "\xEF\xBF\xBD\n", 4 },
	{ "\\ud800\\u0041", "\xEF\xBF\xBD" "A", 4 },
	{ "\\udc00\\ud800", "\xEF\xBF\xBD\xEF\xBF\xBD", 6 },
	{ "\\ud800\\ud83d\\ude00", "\xEF\xBF\xBD\xF0\x9F\x98\x80", 7 },
	{ "\xC3\xA9\\\\u0041", "\xC3\xA9\\u0041", 8 }
};

static bool
string_holds(const char *text, const char *want, size_t length)
{
	char quoted[256], *out = malloc(length + 1);
	bool holds = out != NULL;

	sprintf(quoted, "\"%s\"", text);
	holds = holds && one(quoted, strlen(quoted)) &&
	    values[V].escaped == (strchr(text, '\\') != NULL) &&
	    json_string(&values[V], out, length + 1) == (long)length &&
	    memcmp(out, want, length) == 0 && out[length] == '\0' &&
	    json_string(&values[V], out, length) == -1 &&
	    json_string(&values[V], out, 0) == -1;
	if (strlen(want) == length)
		holds = holds && json_is(&values[V], want);
	free(out);
	return holds && !json_is(&values[V], "other");
}

static void
texts(void)
{
	char buffer[16];

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		is(string_holds(strings[i].text, strings[i].want,
		    strings[i].length), "\"%s\"", strings[i].text);
	is(one("5", 1) && json_string(&values[V], buffer, 16) == -1 &&
	    !json_is(&values[V], "5"), "a number is no string");
	is(json_string(&values[AFTER], buffer, 16) == -1 &&
	    !json_is(&values[AFTER], ""), "what is absent is no string");
	is(one("\"v\"", 3) && !json_is(&values[V], "") &&
	    !json_is(&values[V], "vv"), "a part is not the whole");
}

/* ---- members, elements */

static bool
record(const char *text)
{
	own_text("", text, strlen(text), "");
	return members();
}

static void
wanted(void)
{
	is(record("{\"after\":2,\"x\":{\"v\":9},\"before\":1}") &&
	    values[V].kind == JSON_ABSENT && values[AFTER].kind == JSON_NUMBER,
	    "keys in any order; a nested one is another");
	is(record("{\"\\u0076\":5}") && span_is(&values[V], "5", 1),
	    "a key is compared after its escapes are undone");
	is(!record("{\"v\":1,\"v\":1}") &&
	    strcmp(error.what, "the same key twice") == 0,
	    "a wanted key twice");
	is(json_members("{\"v\":1,\"v\":1}", 13, NULL, 0, NULL, &error),
	    "twice is nothing where it is not wanted");
	is(record("{\"v\":null}") && values[V].kind == JSON_NULL, "null");
	is(record("{\"v\":true,\"after\":false}") &&
	    values[V].kind == JSON_TRUE && values[AFTER].kind == JSON_FALSE,
	    "true and false");
}

static void
walks(void)
{
	static const char *const want[] = { "1", "[2,3]", "x", "{\"a\":[]}",
		"null" };
	struct json_value element, key;
	const char *cursor = NULL;
	size_t n = 0;
	bool all = record("{\"v\": [ 1 ,[2,3],\"x\", {\"a\":[]} , null ] }");

	while (json_element(&values[V], &cursor, &element))
		all = all && n < 5 && span_is(&element, want[n],
		    strlen(want[n])) && ++n;
	is(all && n == 5, "the elements of an array");
	cursor = NULL;
	is(record("{\"v\":[ ]}") && !json_element(&values[V], &cursor,
	    &element), "an empty array");
	is(record("{\"v\":5}") && !json_element(&values[V], &cursor,
	    &element) && !json_member(&values[V], &cursor, &key, &element),
	    "a number has none");
	is(record("{\"v\": { \"a\" : 1 , \"\\u0062\":[{}] } }") &&
	    json_member(&values[V], &cursor, &key, &element) &&
	    json_is(&key, "a") && span_is(&element, "1", 1) &&
	    json_member(&values[V], &cursor, &key, &element) &&
	    json_is(&key, "b") && span_is(&element, "[{}]", 4) &&
	    !json_member(&values[V], &cursor, &key, &element),
	    "the members of an object");
}

int
main(void)
{
	corpus("values.txt", value_holds);
	corpus("records.txt", record_holds);
	nesting();
	numbers();
	texts();
	wanted();
	walks();
	free(own);
	return unit_finish();
}
