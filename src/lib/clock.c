#include <time.h>

#include "clock.h"

/* Days from 1970-01-01 to a civil date, proleptic Gregorian; the year starts
 * in March so that the leap day is its last. */
static int64_t
days(int year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = y / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	    of_year - 719468;
}

static int
month_days(int year, int month)
{
	static const char length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return length[month - 1] + (month == 2 && leap);
}

bool
clock_civil(int year, int month, int day, int hour, int minute, int second,
    int64_t *ns)
{
	int64_t seconds;

	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 +
	    second;
	*ns = seconds * CLOCK_SECOND;
	return true;
}

/* `width` digits at *text, which moves behind them; -1: not digits. */
static int
digits(const char **text, const char *end, int width)
{
	int value = 0;

	if (end - *text < width)
		return -1;
	for (int i = 0; i < width; i++, ++*text) {
		if (**text < '0' || **text > '9')
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool
skip(const char **text, const char *end, char want)
{
	if (*text == end || **text != want)
		return false;
	++*text;
	return true;
}

/* ".123" behind a second: its nanoseconds, rounded half to even. */
static bool
fraction(const char **text, const char *end, int64_t *ns)
{
	const char *from = *text - 1; /* a number has a digit before the point */
	const char *at = *text;

	*ns = 0;
	if (at == end || *at != '.')
		return true;
	for (at++; at < end && *at >= '0' && *at <= '9'; at++)
		;
	*text = at;
	if (!json_decimal_text(from, (size_t)(at - from), 9, ns))
		return false;
	*ns -= (*from - '0') * CLOCK_SECOND;
	return true;
}

/* "Z" or "+01:00"; the offset in seconds. */
static bool
zone(const char **text, const char *end, int64_t *offset)
{
	bool west;
	int hour, minute;

	*offset = 0;
	if (skip(text, end, 'Z') || skip(text, end, 'z'))
		return true;
	west = skip(text, end, '-');
	if (!west && !skip(text, end, '+'))
		return false;
	hour = digits(text, end, 2);
	if (!skip(text, end, ':'))
		return false;
	minute = digits(text, end, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59)
		return false;
	*offset = (hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

bool
clock_rfc3339(const char *text, size_t length, int64_t *ns)
{
	const char *end = text + length;
	int year, month, day, hour, minute, second;
	int64_t whole, part, offset;

	year = digits(&text, end, 4);
	if (!skip(&text, end, '-'))
		return false;
	month = digits(&text, end, 2);
	if (!skip(&text, end, '-'))
		return false;
	day = digits(&text, end, 2);
	if (!skip(&text, end, 'T') && !skip(&text, end, 't') &&
	    !skip(&text, end, ' '))
		return false;
	hour = digits(&text, end, 2);
	if (!skip(&text, end, ':'))
		return false;
	minute = digits(&text, end, 2);
	if (!skip(&text, end, ':'))
		return false;
	second = digits(&text, end, 2);
	if (!fraction(&text, end, &part) || !zone(&text, end, &offset) ||
	    text != end ||
	    !clock_civil(year, month, day, hour, minute, second, &whole))
		return false;
	*ns = whole + part - offset * CLOCK_SECOND;
	return *ns >= 0;
}

bool
clock_parse(const char *text, size_t length, int64_t *ns)
{
	return (json_decimal_text(text, length, 9, ns) && *ns >= 0) ||
	    clock_rfc3339(text, length, ns);
}

bool
clock_value(const struct json_value *value, int64_t *ns)
{
	char text[CLOCK_TEXT * 2];
	long length;

	if (value->kind == JSON_NUMBER)
		return json_decimal(value, 9, ns) && *ns >= 0;
	length = json_string(value, text, sizeof text);
	return length > 0 && clock_rfc3339(text, (size_t)length, ns);
}

/* `width` digits of value at `at`. */
static void
put_digits(char *at, int64_t value, int width)
{
	while (width-- > 0) {
		at[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

size_t
clock_format(char text[CLOCK_TEXT], int64_t ns)
{
	int64_t part = ns % CLOCK_SECOND, seconds = ns / CLOCK_SECOND;
	int width = 9;
	struct tm tm;
	time_t t;

	if (part < 0) {
		part += CLOCK_SECOND;
		seconds--;
	}
	t = (time_t)seconds;
	if (!gmtime_r(&t, &tm)) {
		text[0] = '\0';
		return 0;
	}
	put_digits(text, tm.tm_year + 1900, 4);
	text[4] = '-';
	put_digits(text + 5, tm.tm_mon + 1, 2);
	text[7] = '-';
	put_digits(text + 8, tm.tm_mday, 2);
	text[10] = 'T';
	put_digits(text + 11, tm.tm_hour, 2);
	text[13] = ':';
	put_digits(text + 14, tm.tm_min, 2);
	text[16] = ':';
	put_digits(text + 17, tm.tm_sec, 2);
	for (; width > 0 && part % 1000 == 0; width -= 3)
		part /= 1000;
	if (width > 0) {
		text[19] = '.';
		put_digits(text + 20, part, width);
		width++;
	}
	text[19 + width] = 'Z';
	text[20 + width] = '\0';
	return (size_t)(20 + width);
}

static int64_t
now(clockid_t id)
{
	struct timespec ts;

	if (clock_gettime(id, &ts) < 0)
		return 0;
	return (int64_t)ts.tv_sec * CLOCK_SECOND + ts.tv_nsec;
}

int64_t
clock_now(void)
{
	return now(CLOCK_REALTIME);
}

int64_t
clock_steady(void)
{
	return now(CLOCK_MONOTONIC);
}

int64_t
clock_boot(void)
{
	return now(CLOCK_BOOTTIME);
}

int64_t
clock_ahead(void)
{
	enum { TRIES = 8 };
	int64_t least_ns = INT64_MAX, found_ns = 0;

	for (int i = 0; i < TRIES; i++) {
		int64_t before_ns = clock_boot(), real_ns = clock_now();
		int64_t took_ns = clock_boot() - before_ns;

		if (took_ns < least_ns) {
			least_ns = took_ns;
			found_ns = real_ns - before_ns - took_ns / 2;
		}
	}
	return found_ns;
}
