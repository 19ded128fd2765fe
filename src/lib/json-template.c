#include <string.h>

#include "json-template.h"

/* The digits of a number in the text; false: it has an exponent. */
struct digits {
	size_t at;       /* of the first digit */
	int whole, part;
};

static bool
find_digits(const struct json_value *value, const char *text,
    struct digits *digits)
{
	const char *point = memchr(value->at, '.', value->length);
	size_t sign = *value->at == '-';

	if (memchr(value->at, 'e', value->length) ||
	    memchr(value->at, 'E', value->length))
		return false;
	digits->at = (size_t)(value->at - text) + sign;
	digits->whole = (int)(value->length - sign);
	digits->part = 0;
	if (point) {
		digits->part = (int)(value->at + value->length - point) - 1;
		digits->whole = (int)(point - value->at) - (int)sign;
	}
	return true;
}

static void
set_bounds(struct json_template *made, size_t at, int low, int range)
{
	made->bounds[at / KERNEL_BYTES].low[at % KERNEL_BYTES] = (uint8_t)low;
	made->bounds[at / KERNEL_BYTES].range[at % KERNEL_BYTES] =
	    (uint8_t)range;
}

/* Leaves the digits open, but not the grammar: no leading zero. */
static void
open_digits(struct json_template *made, const struct digits *digits)
{
	size_t n = (size_t)(digits->whole + digits->part +
	    (digits->part > 0));

	for (size_t i = 0; i < n; i++)
		if (i != (size_t)digits->whole)
			set_bounds(made, digits->at + i, '0', 9);
	if (digits->whole > 1)
		set_bounds(made, digits->at, '1', 8);
}

/* The digits first to last - 1 (at most sixteen); the point may be among
 * them. */
static struct digit_group
group_digits(const struct digits *digits, int first, int last)
{
	struct digit_group group = { .from = (int)digits->at + last +
	    (last > digits->whole) - KERNEL_BYTES };

	for (int i = first; i < last; i++) {
		int at = KERNEL_BYTES - last + i;

		if (last > digits->whole && i < digits->whole)
			group.digits.before[at] = 0x0F;
		else
			group.digits.behind[at] = 0x0F;
	}
	return group;
}

/*
 * False: not every number of these digits fits, or more digits than the scale
 * holds.  At 19 digits the first is held under 9, for 8999... fits in int64.
 */
static bool
want_number(struct json_template *made, int wanted, const struct digits *digits,
    int scale, bool negative)
{
	struct number *number = &made->numbers[made->number_count++];
	int last = digits->whole + digits->part;

	if (digits->part > scale || digits->whole + scale > 19)
		return false;
	if (digits->whole + scale == 19) {
		if (digits->whole == 1)
			return false;
		set_bounds(made, digits->at, '1', 7);
	}
	number->at = made->wanted->numbers[wanted].at;
	number->unit = negative ? -1 : 1;
	for (int i = digits->part; i < scale; i++)
		number->unit *= 10;
	for (; last > 0; last -= KERNEL_BYTES)
		number->groups[number->count++] = group_digits(digits,
		    last > KERNEL_BYTES ? last - KERNEL_BYTES : 0, last);
	return true;
}

static int
wanted_number(const struct json_wanted *wanted, const struct json_value *key)
{
	for (int i = 0; i < JSON_NUMBERS; i++)
		if (wanted->numbers[i].key &&
		    json_is(key, wanted->numbers[i].key))
			return i;
	return -1;
}

void
template_start(struct json_template *made, size_t length, size_t room)
{
	struct kernel_bounds *bounds = made->bounds;

	for (size_t i = 0; i < room; i += KERNEL_BYTES, bounds++) {
		size_t n = i >= length ? 0 : length - i < KERNEL_BYTES
		    ? length - i : KERNEL_BYTES;

		memset(bounds->low, 0, KERNEL_BYTES);
		memcpy(bounds->low, made->text + i, n);
		memset(bounds->range, 0, n);
		memset(bounds->range + n, 255, KERNEL_BYTES - n);
	}
}

/* The string is known by its caller, but no byte of it may end a line. */
static bool
take_string(struct json_template *made, const struct json_value *value)
{
	if (value->kind != JSON_STRING || value->escaped)
		return false;
	made->text_at = (unsigned)(value->at - made->text);
	made->text_length = (unsigned)value->length;
	for (size_t i = 0; i < value->length; i++)
		set_bounds(made, made->text_at + i, ' ', 255 - ' ');
	return true;
}

bool
template_take(struct json_template *made, const struct json_value *key,
    const struct json_value *value)
{
	const struct json_wanted *wanted = made->wanted;
	int i = wanted_number(wanted, key);
	struct digits digits;

	if (json_is(key, wanted->refused))
		return false;
	if (json_is(key, wanted->text))
		return take_string(made, value);
	if (value->kind != JSON_NUMBER)
		return i < 0 || value->kind == JSON_NULL;
	if (!find_digits(value, made->text, &digits))
		return false;
	open_digits(made, &digits);
	if (i < 0)
		return true;
	made->have |= 1u << i;
	return want_number(made, i, &digits, wanted->numbers[i].scale,
	    *value->at == '-');
}
