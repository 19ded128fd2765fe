#include <stdlib.h>
#include <string.h>

#include "energy.h"
#include "import.h"
#include "json.h"

enum { WIDE_DIGITS = 27 }; /* times a factor of 9 digits: within 128 bits */

const struct factor factor_one = { 1, 0, false };

/*
 * The digits of a number in JSON's grammar and how many of them are decimals;
 * false: more than can be held.
 */
static bool
take_apart(const char *text, size_t length, energy_units *digits, int *places)
{
	const char *end = text + length;
	bool negative = *text == '-', fraction = false;
	int kept = 0;
	long exponent = 0;

	*digits = 0;
	*places = 0;
	for (text += negative; text < end && (*text | 0x20) != 'e'; text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		*digits = *digits * 10 + (*text - '0');
		kept += *digits != 0;
		*places += fraction;
		if (kept > WIDE_DIGITS || *places > 1000)
			return false;
	}
	if (text < end)
		exponent = strtol(text + 1, NULL, 10);
	if (exponent < -1000 || exponent > 1000)
		return false;
	*places -= (int)exponent;
	*digits = negative ? -*digits : *digits;
	return true;
}

/* value / 10^places, half to even. */
static energy_units
shorten(energy_units value, int places)
{
	energy_units power = 1, rest, magnitude = value < 0 ? -value : value;

	if (places > 37) /* |value| < 10^36 */
		return 0;
	while (places-- > 0)
		power *= 10;
	rest = magnitude % power;
	magnitude /= power;
	if (rest * 2 > power || (rest * 2 == power && magnitude % 2))
		magnitude++;
	return value < 0 ? -magnitude : magnitude;
}

bool
quantity_scale(const char *text, size_t length, const struct factor *factor,
    int scale, int64_t *out)
{
	int shift = scale - factor->places, places;
	energy_units value;

	if (factor->digits == 1 && shift >= 0 && shift <= 18)
		return json_decimal_text(text, length, shift, out);
	if (!json_decimal_text(text, length, 0, out) ||
	    !take_apart(text, length, &value, &places))
		return false;
	value *= factor->digits;
	for (shift -= places; shift > 0 && value; shift--) {
		value *= 10;
		if (value > INT64_MAX || value < INT64_MIN)
			return false;
	}
	value = shorten(value, -shift);
	*out = (int64_t)value;
	return value <= INT64_MAX && value >= INT64_MIN;
}

static const struct unit {
	const char *name;
	enum key key;
	struct factor factor;
} units[] = {
	{ "s", TIMESTAMP, { 1, 0, true } }, { "ms", TIMESTAMP, { 1, 3, true } },
	{ "us", TIMESTAMP, { 1, 6, true } }, { "ns", TIMESTAMP, { 1, 9, true } },
	{ "W", WATTS, { 1, 0, true } }, { "mW", WATTS, { 1, 3, true } },
	{ "uW", WATTS, { 1, 6, true } }, { "kW", WATTS, { 1, -3, true } },
	{ "V", VOLTS, { 1, 0, true } }, { "mV", VOLTS, { 1, 3, true } },
	{ "A", AMPS, { 1, 0, true } }, { "mA", AMPS, { 1, 3, true } },
	{ "var", VARS, { 1, 0, true } }, { "Hz", HERTZ, { 1, 0, true } },
	{ "J", JOULES, { 1, 0, true } }, { "mJ", JOULES, { 1, 3, true } },
	{ "kJ", JOULES, { 1, -3, true } }, { "mWh", JOULES, { 36, 1, true } },
	{ "Wh", JOULES, { 36, -2, true } }, { "kWh", JOULES, { 36, -5, true } },
};

const struct factor *
quantity_unit(enum key key, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].key == key && strlen(units[i].name) == length &&
		    memcmp(units[i].name, name, length) == 0)
			return &units[i].factor;
	return NULL;
}

static bool
is_same(const struct factor *a, const struct factor *b)
{
	return a->digits == b->digits && a->places == b->places;
}

const struct factor *
quantity_beside(const struct factor *factor, const struct factor *unit)
{
	if (factor->of_unit || is_same(factor, &factor_one) ||
	    is_same(factor, unit))
		return unit;
	return is_same(unit, &factor_one) ? factor : NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
quantity_read(enum key key, const struct factor *factor, const char *text,
    size_t length, int64_t *out)
{
	const struct factor *own;
	size_t digits = length;

	while (digits && !is_digit(text[digits - 1]))
		digits--;
	if (!digits)
		return false;
	if (digits < length) {
		size_t unit = digits + (text[digits] == ' ');

		own = quantity_unit(key, text + unit, length - unit);
		factor = own ? quantity_beside(factor, own) : NULL;
		if (!factor)
			return false;
	}
	if (*text == '+' && is_digit(text[1])) {
		text++;
		digits--;
	}
	return quantity_scale(text, digits, factor, import_keys[key].scale,
	    out) &&
	    (key != WATTS || (*out <= ENERGY_WATTS_MAX &&
	    *out >= -ENERGY_WATTS_MAX));
}

bool
quantity_factor(const char *text, struct factor *factor)
{
	energy_units digits;

	if (!take_apart(text, strlen(text), &digits, &factor->places) ||
	    digits == 0)
		return false;
	for (; digits % 10 == 0; digits /= 10)
		factor->places--;
	factor->digits = (int64_t)digits;
	factor->of_unit = false;
	return digits <= 999999999 && digits >= -999999999;
}
