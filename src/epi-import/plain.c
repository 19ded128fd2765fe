/* Values that are written as they stand, but for the zeros behind them. */
#include <string.h>

#include "clock.h"
#include "import.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
skip_digits(const char *at)
{
	while (is_digit(*at))
		at++;
	return at;
}

static bool
is_zero(const char *at, const char *end)
{
	while (at < end && (*at == '0' || *at == '.'))
		at++;
	return at == end;
}

/* Decimals too many that are zero are left out, those that lack are added. */
static const char *
take_number(enum key key, const char *text, struct plain *plain)
{
	const struct import_key *form = &import_keys[key];
	const char *digits = text + (*text == '-');
	const char *point = skip_digits(digits), *to = point, *last;
	long whole = point - digits, part = 0;

	if (whole == 0 || (whole > 1 && *digits == '0') ||
	    whole + form->scale > (key == TIMESTAMP ? 19 : 18))
		return NULL;
	if (*point == '.') {
		to = skip_digits(point + 1);
		part = to - point - 1;
		if (part == 0)
			return NULL;
	}
	for (last = to; part > form->least && last[-1] == '0'; last--)
		part--;
	if (part > form->scale || (digits > text && is_zero(digits, last)))
		return NULL;
	plain->text = text;
	plain->length = (unsigned)((part ? last : point) - text);
	plain->point = part == 0;
	plain->zeros = (unsigned char)(part < form->least
	    ? form->least - part : 0);
	return to;
}

/* Whether the time at `text` is the one that was read last. */
static bool
is_same_time(const struct import *im, const char *text, const char *end)
{
	size_t length = im->time_length;
	char behind;

	if (!length || (size_t)(end - text) < length)
		return false;
	behind = text[length];
	return behind != '.' && !is_digit(behind) &&
	    memcmp(text, im->time, length) == 0;
}

static const char *
read_time(struct import *im, const char *text)
{
	const char *to = take_number(TIMESTAMP, text, &im->time_plain);
	size_t length = to ? (size_t)(to - text) : 0;

	im->time_length = 0;
	if (!to || length > sizeof im->time ||
	    !clock_parse(text, length, &im->time_ns))
		return NULL;
	memcpy(im->time, text, length);
	im->time_length = length;
	return to;
}

/* A time in decimal seconds. */
static const char *
take_time(struct import *im, const char *text, const char *end,
    struct plain *plain)
{
	if (!is_same_time(im, text, end) &&
	    (im->format->month_first || !read_time(im, text)))
		return NULL;
	*plain = im->time_plain;
	plain->text = text;
	return text + im->time_length;
}

/* A name that needs no escapes, and nothing before it. */
static const char *
take_name(const struct import *im, const char *text, const char *end,
    struct plain *plain)
{
	const char *to = text;

	if (im->node || im->format->numbers)
		return NULL;
	while (to < end && (unsigned char)(*to - '!') < 0x7F - '!' &&
	    *to != '"' && *to != '\\' && *to != ',')
		to++;
	plain->text = text;
	plain->length = (unsigned)(to - text);
	plain->zeros = 0;
	return to == text || to - text > IMPORT_NODE_MAX ? NULL : to;
}

const char *
plain_take(struct import *im, struct reading *r, enum key key,
    const char *text, const char *end)
{
	struct plain *plain = &r->texts[key];
	const char *to;

	if (key == TIMESTAMP) {
		to = take_time(im, text, end, plain);
		r->value[key] = im->time_ns;
	} else if (key == NODE) {
		to = take_name(im, text, end, plain);
		r->node = text;
		r->node_length = plain->length;
	} else {
		to = take_number(key, text, plain);
	}
	r->plain |= 1u << key;
	r->has |= 1u << key;
	return to;
}

void
plain_drop(struct reading *r, enum key key)
{
	r->plain &= ~(1u << key);
	r->has &= ~(1u << key);
}
