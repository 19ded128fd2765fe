/* Doubles: the shortest texts are those of ECMAScript's Number::toString, read
 * in another program, in C's notation of exponents. */
#include <float.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "write.h"

static char text[4096];

/* Whether the text that ends at `end` is this one. */
static bool
says(const char *end, const char *want)
{
	return (size_t)(end - text) == strlen(want) &&
	    memcmp(text, want, strlen(want)) == 0;
}

static const struct {
	int64_t value;
	int scale, least;
	const char *want;
} decimals[] = {
	{ 0, 0, 0, "0" }, { 0, 9, 3, "0.000" }, { 0, 9, 0, "0" },
	{ 7, 0, 0, "7" }, { -7, 0, 0, "-7" },
	{ 1, 9, 3, "0.000000001" }, { -1, 9, 3, "-0.000000001" },
	{ 1500000000, 9, 3, "1.500" }, { 1500000000, 9, 0, "1.5" },
	{ 1500000000, 9, 1, "1.5" }, { 1234567891, 9, 3, "1.234567891" },
	{ 1234500000, 9, 6, "1.234500" }, { 100, 2, 0, "1" },
	{ 100, 2, 2, "1.00" }, { 5, 1, 3, "0.500" }, { 5, 0, 2, "5.00" },
	{ 10, 19, 3, "0.000000000000000001" },
	{ INT64_MAX, 9, 6, "9223372036.854775807" },
	{ INT64_MIN, 9, 6, "-9223372036.854775808" },
	{ INT64_MIN, 19, 3, "-0.9223372036854775808" },
	{ INT64_MIN, 0, 0, "-9223372036854775808" }
};

static void
decimal(void)
{
	const energy_units top = (energy_units)(~(__uint128_t)0 >> 1);

	for (size_t i = 0; i < sizeof decimals / sizeof *decimals; i++)
		is(says(write_decimal(text, decimals[i].value,
		    decimals[i].scale, decimals[i].least), decimals[i].want),
		    "%s", decimals[i].want);
	is(says(write_decimal(text, top, 0, 0),
	    "170141183460469231731687303715884105727"), "2^127-1");
	is(says(write_decimal(text, -top - 1, 19, 3),
	    "-17014118346046923173.1687303715884105728"), "-2^127 / 10^19");
	is(write_decimal(text, -top - 1, 19, 3) - text < WRITE_DECIMAL,
	    "fits WRITE_DECIMAL");
	is(says(write_integer(text, INT64_MIN), "-9223372036854775808") &&
	    says(write_integer(text, 0), "0"), "integers");
}

static void
joules(void)
{
	const energy_units joule = (energy_units)2000000000000000000;
	const energy_units top = (energy_units)(~(__uint128_t)0 >> 1);

	is(says(write_joules(text, 0), "0.000"), "0 J");
	is(says(write_joules(text, joule), "1.000"), "1 J");
	is(says(write_joules(text, -joule), "-1.000"), "-1 J");
	is(says(write_joules(text, 1), "0.0000000000000000005"), "a unit");
	is(says(write_joules(text, -1), "-0.0000000000000000005"),
	    "a unit, negative");
	is(says(write_joules(text, 2 * joule - 1), "1.9999999999999999995"),
	    "a unit less than 2 J");
	is(says(write_joules(text, -joule - joule / 2), "-1.500"), "-1.5 J");
	is(says(write_joules(text, 1234567 * (joule / 1000000)),
	    "1.234567"), "microjoules");
	/* 2^127-1 and -2^127 over 2e18 */
	is(says(write_joules(text, top),
	    "85070591730234615865.8436518579420528635"), "the most");
	is(says(write_joules(text, -top - 1),
	    "-85070591730234615865.843651857942052864"), "the least");
}

static const struct {
	double value;
	const char *want;
} doubles[] = {
	{ 0, "0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" },
	{ 1.0 / 3, "0.3333333333333333" }, { 2.0 / 3, "0.6666666666666666" },
	{ 0.1 + 0.2, "0.30000000000000004" }, { 5e-324, "5e-324" },
	{ 1e-310, "1e-310" }, { DBL_MIN, "2.2250738585072014e-308" },
	{ DBL_MAX, "1.7976931348623157e+308" },
	{ 1e22, "1e+22" }, { 123456789012345680.0, "1.2345678901234568e+17" },
	{ 2.5038963742681055, "2.5038963742681055" },
	{ 9007199254740993.0, "9007199254740992" }
};

static void
double_precision(void)
{
	uint64_t bits = 42;
	bool all = true;

	for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++)
		is(says(write_double(text, doubles[i].value), doubles[i].want),
		    "%s", doubles[i].want);
	/* JCGM 100, 7.2.2 and 7.2.6: 100.021 47 g with 0.35 mg */
	is(says(write_uncertain(text, 100.02147, 0.00035),
	    "100.02147 +- 0.00035"), "two digits of uncertainty");
	is(says(write_uncertain(text, 2.50389, 0.0996), "2.50 +- 0.10"),
	    "what rounds up to three digits has two");
	is(says(write_uncertain(text, 12345, 678), "12350 +- 680") &&
	    says(write_uncertain(text, -1.26, 12.4), "-1 +- 12"),
	    "tens and ones");
	is(says(write_double(text, DBL_MAX * 2), "null") &&
	    says(write_double(text, -DBL_MAX * 2), "null") &&
	    says(write_double(text, DBL_MAX * 2 * 0), "null"),
	    "what is no number is null");
	for (int i = 0; i < 100000; i++) {
		double value, back;
		char *end;

		bits = bits * 6364136223846793005U + 1442695040888963407U;
		memcpy(&value, &bits, sizeof value);
		if (!(value >= -DBL_MAX && value <= DBL_MAX))
			continue;
		end = write_double(text, value);
		*end = '\0';
		back = strtod(text, NULL);
		all = all && end - text <= WRITE_DOUBLE &&
		    memcmp(&back, &value, sizeof value) == 0;
	}
	is(all, "100,000 random doubles read back as the same");
}

static const struct {
	const char *in;
	size_t length;
	const char *want;
} strings[] = {
	{ "", 0, "\"\"" },
	{ "pi1", 3, "\"pi1\"" },
	{ "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
	{ "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
	{ "\0\x01\x0B\x1F", 4, "\"\\u0000\\u0001\\u000b\\u001f\"" },
	{ "\x7F", 1, "\"\\u007f\"" },
	{ "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9,
	    "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"" },
	{ "\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF", 10,
	    "\"\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF\"" },
	{ "\xFFx\x80", 3, "\"\xEF\xBF\xBDx\xEF\xBF\xBD\"" },
	/* Overlong, surrogate, above U+10FFFF: one for each byte. */
	{ "\xC0\x80", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ "\xE0\x80\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ "\xED\xA0\x80", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ "\xF4\x90\x80\x80", 4,
	    "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	/* Cut sequences. */
	{ "\xC3", 1, "\"\xEF\xBF\xBD\"" },
	{ "\xE2\x82", 2, "\"\xEF\xBF\xBD\xEF\xBF\xBD\"" },
	{ "\xE2\x82\"", 3, "\"\xEF\xBF\xBD\xEF\xBF\xBD\\\"\"" }
};

static void
string(void)
{
	char *wide = malloc(1000);

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
		is(says(write_string(text, strings[i].in, strings[i].length),
		    strings[i].want), "string %zu", i);
		is(write_is_utf8(strings[i].in, strings[i].length) == (i < 8),
		    "string %zu %s UTF-8", i, i < 8 ? "is" : "is not");
	}
	memset(wide, 1, 600);
	is(write_string(text, wide, 600) - text == 2 + 6 * 600,
	    "600 control bytes take the room that is promised");
	free(wide);
}

int
main(void)
{
	decimal();
	joules();
	double_precision();
	string();
	return unit_finish();
}
