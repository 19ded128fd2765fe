/* Times as Unix seconds are GNU date's. */
#include <string.h>

#include "clock.h"
#include "unit.h"

static const struct {
	const char *text;
	int64_t seconds, ns;
} times[] = {
	{ "1970-01-01T00:00:00Z", 0, 0 },
	{ "1970-03-01T00:00:00Z", 5097600, 0 },
	{ "1972-02-29T00:00:00Z", 68169600, 0 },
	{ "1999-12-31T23:59:59Z", 946684799, 0 },
	{ "2000-02-29T12:00:00Z", 951825600, 0 },
	{ "2000-03-01T00:00:00Z", 951868800, 0 },
	{ "2024-02-29T00:00:00Z", 1709164800, 0 },
	{ "2100-03-01T00:00:00Z", 4107542400, 0 },
	{ "2200-12-31T00:00:00Z", 7289568000, 0 },
	{ "2261-12-31T23:59:59Z", 9214646399, 0 },
	{ "2026-11-23T01:02:03Z", 1795395723, 0 },
	{ "2026-11-23t01:02:03z", 1795395723, 0 },
	{ "2026-11-23 01:02:03Z", 1795395723, 0 },
	{ "2026-11-23T01:02:03+00:00", 1795395723, 0 },
	{ "2026-11-23T01:02:03-00:00", 1795395723, 0 },
	{ "2026-11-23T01:02:03+05:45", 1795375023, 0 },
	{ "2026-11-23T01:02:03-09:30", 1795429923, 0 },
	{ "2026-11-23T01:02:03+23:59", 1795395723 - 86340, 0 },
	{ "1970-01-01T00:00:00-00:01", 60, 0 },
	{ "1970-01-01T01:00:00+01:00", 0, 0 },
	/* A leap second is the first second of the next minute. */
	{ "2016-12-31T23:59:60Z", 1483228800, 0 },
	{ "2016-12-31T23:59:60.25Z", 1483228800, 250000000 },
	{ "2026-11-23T01:02:03.1Z", 1795395723, 100000000 },
	{ "2026-11-23T01:02:03.123456789Z", 1795395723, 123456789 },
	{ "2026-11-23T01:02:09.000000001Z", 1795395729, 1 },
	/* To even: 0.5 down, 1.5 up, 2.5 down, a little over 0.5 up. */
	{ "2026-11-23T01:02:03.0000000005Z", 1795395723, 0 },
	{ "2026-11-23T01:02:03.0000000015Z", 1795395723, 2 },
	{ "2026-11-23T01:02:03.0000000025Z", 1795395723, 2 },
	{ "2026-11-23T01:02:03.00000000050000000000000001Z", 1795395723, 1 },
	{ "2026-11-23T01:02:03.9999999995Z", 1795395724, 0 },
	{ "2016-12-31T23:59:59.99999999951Z", 1483228800, 0 }
};

static const char *const wrong[] = {
	"", "2026", "2026-11-23", "2026-11-23T01:02:03", "2026-11-23T01:02Z",
	"2026-11-23T01:02:03.Z", "2026-11-23T01:02:03,5Z",
	"2026-11-23T01:02:03.5", "2026-11-23T01:02:03ZZ",
	"2026-11-23T01:02:03Z ", " 2026-11-23T01:02:03Z",
	"2026-11-23_01:02:03Z", "2026/11/23T01:02:03Z",
	"26-11-23T01:02:03Z", "02026-11-23T01:02:03Z",
	"2026-1-23T01:02:03Z", "2026-11-23T1:02:03Z", "20261123T010203Z",
	"+026-11-23T01:02:03Z", "2026-11-23T-1:02:03Z",
	"2026-00-23T01:02:03Z", "2026-13-23T01:02:03Z",
	"2026-11-00T01:02:03Z", "2026-11-31T01:02:03Z",
	"2026-04-31T00:00:00Z", "2026-01-32T00:00:00Z",
	"2023-02-29T00:00:00Z", "2100-02-29T00:00:00Z",
	"2024-02-30T00:00:00Z", "2026-11-23T24:00:00Z",
	"2026-11-23T01:60:00Z", "2026-11-23T01:02:61Z",
	"2026-11-23T01:02:03+24:00", "2026-11-23T01:02:03+01:60",
	"2026-11-23T01:02:03+0100", "2026-11-23T01:02:03+01",
	"2026-11-23T01:02:03+1:00", "2026-11-23T01:02:03 +01:00",
	"2026-11-23T01:02:03\342\210\22201:00", /* a minus sign proper */
	"1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
	"2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
	"0000-01-01T00:00:00Z", "2026-11-23T01:02:03.12x4Z",
	"2026-11-23T01:02:03.1e3Z"
};

static bool
parses(const char *text, int64_t ns)
{
	int64_t found = -1;

	return clock_parse(text, strlen(text), &found) && found == ns;
}

static bool
refuses(const char *text)
{
	int64_t found;

	return !clock_parse(text, strlen(text), &found);
}

static void
rfc3339(void)
{
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		int64_t ns = -1;

		is(clock_rfc3339(times[i].text, strlen(times[i].text), &ns) &&
		    ns == times[i].seconds * CLOCK_SECOND + times[i].ns,
		    "%s", times[i].text);
	}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		int64_t ns;

		is(!clock_rfc3339(wrong[i], strlen(wrong[i]), &ns),
		    "no time: \"%s\"", wrong[i]);
	}
}

static void
many_digits(void)
{
	static char text[300] = "2026-11-23T01:02:03.5";
	int64_t ns;

	memset(text + 21, '0', 250);
	strcpy(text + 271, "1Z");
	is(clock_rfc3339(text, strlen(text), &ns) &&
	    ns == 1795395723 * CLOCK_SECOND + CLOCK_SECOND / 2,
	    "250 decimals are read");
	is(!clock_rfc3339("2026-11-23T01:02:03Z", 19, &ns),
	    "the length bounds the text");
}

static void
numbers(void)
{
	is(parses("1795340400.123456", 1795340400123456000) && parses("0", 0),
	    "decimal seconds");
	is(parses("1.7953404e9", 1795340400 * CLOCK_SECOND), "an exponent");
	is(parses("-0", 0) && refuses("-1") && refuses("-0.000000001"),
	    "no time before 1970");
	is(parses("9223372036.854775807", INT64_MAX) &&
	    refuses("9223372036.854775808"), "what int64 holds");
	is(refuses("") && refuses("x") && refuses("1 ") && refuses("1s") &&
	    refuses("01") && refuses("nan") && refuses("1."), "no numbers");
}

static bool
formats(int64_t ns, const char *want)
{
	char text[CLOCK_TEXT];

	return clock_format(text, ns) == strlen(want) &&
	    strcmp(text, want) == 0;
}

static void
format(void)
{
	const int64_t s = 1795395723 * CLOCK_SECOND;

	is(formats(s, "2026-11-23T01:02:03Z"), "no decimals");
	is(formats(s + 120000000, "2026-11-23T01:02:03.120Z"), "three");
	is(formats(s + 123456000, "2026-11-23T01:02:03.123456Z"), "six");
	is(formats(s + 1, "2026-11-23T01:02:03.000000001Z"), "nine");
	is(formats(0, "1970-01-01T00:00:00Z"), "1970");
	is(formats(-1, "1969-12-31T23:59:59.999999999Z"), "before 1970");
	is(formats(9214646399 * CLOCK_SECOND, "2261-12-31T23:59:59Z"), "2261");
}

static void
values(void)
{
	static const char text[] = "2026-11-23T01:02:03\\u005a";
	struct json_value value = { text, sizeof text - 1, JSON_STRING, true };
	int64_t ns;

	is(clock_value(&value, &ns) && ns == 1795395723 * CLOCK_SECOND,
	    "a string with an escape");
	value = (struct json_value){ "12.5", 4, JSON_NUMBER, false };
	is(clock_value(&value, &ns) && ns == 12500000000, "a number");
	value.kind = JSON_STRING;
	is(!clock_value(&value, &ns), "a string of a number is no time");
	value = (struct json_value){ "-1", 2, JSON_NUMBER, false };
	is(!clock_value(&value, &ns), "a number before 1970 is none");
	value = (struct json_value){ 0 };
	is(!clock_value(&value, &ns), "nothing is no time");
}

static void
now(void)
{
	int64_t wall = clock_now(), steady = clock_steady();

	is(wall > 1700000000 * CLOCK_SECOND, "it is later than 2023");
	is(clock_steady() >= steady && steady > 0, "steady time rises");
}

int
main(void)
{
	rfc3339();
	many_digits();
	numbers();
	format();
	values();
	now();
	return unit_finish();
}
