#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "write.h"

__extension__ typedef unsigned __int128 magnitude;

char *
write_text(char *at, const char *text)
{
	size_t length = strlen(text);

	memcpy(at, text, length);
	return at + length;
}

char *
write_integer(char *at, int64_t value)
{
	return write_decimal(at, value, 0, 0);
}

/* `width` digits of value, zeros in front. */
static void
put_digits(char *at, uint32_t value, int width)
{
	static const char pairs[] =
	    "00010203040506070809101112131415161718192021222324"
	    "25262728293031323334353637383940414243444546474849"
	    "50515253545556575859606162636465666768697071727374"
	    "75767778798081828384858687888990919293949596979899";

	for (; width >= 2; width -= 2, value /= 100)
		memcpy(at + width - 2, pairs + value % 100 * 2, 2);
	if (width)
		*at = (char)('0' + value % 10);
}

static char *
write_whole(char *at, uint64_t value)
{
	static const uint32_t powers[] = { 0, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000 };
	int width = 1;

	if (value >= 1000000000) {
		at = write_whole(at, value / 1000000000);
		put_digits(at, (uint32_t)(value % 1000000000), 9);
		return at + 9;
	}
	while (width < 9 && value >= powers[width])
		width++;
	put_digits(at, (uint32_t)value, width);
	return at + width;
}

/* With up to nine decimals: what nearly all are.  A time mostly ends with many
 * zeros. */
static char *
write_short(char *at, uint64_t value, int scale, int least)
{
	static const uint32_t tens[] = { 1, 10, 100, 1000, 10000, 100000,
		1000000, 10000000, 100000000, 1000000000 };
	uint32_t part = (uint32_t)(value % tens[scale]);

	at = write_whole(at, value / tens[scale]);
	for (; scale - 3 >= least && part % 1000 == 0; scale -= 3)
		part /= 1000;
	for (; scale > least && part % 10 == 0; scale--)
		part /= 10;
	if (scale == 0)
		return at;
	*at = '.';
	put_digits(at + 1, part, scale);
	return at + 1 + scale;
}

char *
write_decimal(char *at, energy_units value, int scale, int least)
{
	magnitude rest = value < 0 ? -(magnitude)value : (magnitude)value;
	char digits[48];
	int n = 0, dropped = 0;

	if (value < 0)
		*at++ = '-';
	if (rest <= UINT64_MAX && scale <= 9 && least <= scale)
		return write_short(at, (uint64_t)rest, scale, least);
	do {
		digits[n++] = (char)('0' + (int)(rest % 10));
		rest /= 10;
	} while (rest);
	while (n <= scale)
		digits[n++] = '0';
	while (dropped < scale - least && digits[dropped] == '0')
		dropped++;
	while (n > scale)
		*at++ = digits[--n];
	if (dropped < scale || least > scale) {
		*at++ = '.';
		while (n > dropped)
			*at++ = digits[--n];
		for (; least > scale; least--)
			*at++ = '0';
	}
	return at;
}

/* 0.5e-18 J units: times 5 is 1e-19 J, split so as not to overflow. */
char *
write_joules(char *at, energy_units units)
{
	const energy_units joule = (energy_units)2000000000000000000;
	energy_units whole = units / joule, part = units % joule;
	char fraction[WRITE_DECIMAL], *end;

	if (units < 0) {
		*at++ = '-';
		whole = -whole;
		part = -part;
	}
	at = write_decimal(at, whole, 0, 0);
	end = write_decimal(fraction, part * 5, 19, 3);
	memcpy(at, fraction + 1, (size_t)(end - fraction - 1)); /* no zero */
	return at + (end - fraction - 1);
}

char *
write_double(char *at, double value)
{
	char text[WRITE_DOUBLE * 2];
	int precision = value > -DBL_MIN && value < DBL_MIN ? 1 : DBL_DIG;

	if (!(value >= -DBL_MAX && value <= DBL_MAX))
		return write_text(at, "null");
	do
		snprintf(text, sizeof text, "%.*g", precision, value);
	while (strtod(text, NULL) != value && ++precision <= DBL_DECIMAL_DIG);
	return write_text(at, text);
}

/* Decimals that leave u two digits; what rounds up to three has one less. */
static int
decimals_of(double u)
{
	int decimals = 1 - (int)floor(log10(u));

	return round(u * pow(10, decimals)) >= 100 ? decimals - 1 : decimals;
}

char *
write_uncertain(char *at, double value, double u)
{
	int decimals = decimals_of(u);
	double unit = decimals < 0 ? pow(10, -decimals) : 1;
	char text[WRITE_UNCERTAIN];

	if (decimals < 0)
		decimals = 0;
	if (unit > 1) {
		value = round(value / unit) * unit;
		u = round(u / unit) * unit;
	}
	snprintf(text, sizeof text, "%.*f +- %.*f", decimals, value, decimals,
	    u);
	return write_text(at, text);
}

/* Length of the UTF-8 sequence at text, 0 if it is none (RFC 3629). */
static size_t
sequence(const unsigned char *text, size_t length)
{
	unsigned char c = text[0];
	size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3
	    : c < 0xF5 ? 4 : 0;

	if (n == 0 || n > length)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((text[i] & 0xC0) != 0x80)
			return 0;
	if ((c == 0xE0 && text[1] < 0xA0) || (c == 0xED && text[1] > 0x9F) ||
	    (c == 0xF0 && text[1] < 0x90) || (c == 0xF4 && text[1] > 0x8F))
		return 0;
	return n;
}

bool
write_is_utf8(const char *text, size_t length)
{
	const unsigned char *in = (const unsigned char *)text;

	while (length) {
		size_t n = *in < 0x80 ? 1 : sequence(in, length);

		if (n == 0)
			return false;
		in += n;
		length -= n;
	}
	return true;
}

static char *
write_escape(char *at, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr"; /* 0x08 to 0x0D */

	*at++ = '\\';
	if (c == '"' || c == '\\') {
		*at++ = (char)c;
	} else if (c >= 8 && c <= 13 && c != 11) {
		*at++ = letters[c - 8];
	} else {
		at = write_text(at, "u00");
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	return at;
}

/* What does not stand in a string as it is: a byte to be escaped, a sequence, or
 * a byte that is none. */
static char *
write_odd(char *at, const unsigned char *in, size_t n)
{
	if (n == 0)
		return write_text(at, "\xEF\xBF\xBD");
	if (n == 1)
		return write_escape(at, *in);
	memcpy(at, in, n);
	return at + n;
}

char *
write_string(char *at, const char *text, size_t length)
{
	const unsigned char *in = (const unsigned char *)text;
	const unsigned char *end = in + length;

	*at++ = '"';
	while (in < end) {
		if (*in >= 0x20 && *in < 0x7F && *in != '"' && *in != '\\') {
			*at++ = (char)*in++;
			continue;
		}
		size_t n = *in < 0x80 ? 1 : sequence(in, (size_t)(end - in));

		at = write_odd(at, in, n);
		in += n ? n : 1;
	}
	*at++ = '"';
	return at;
}
