#include <string.h>
#include <strings.h>

#include "clock.h"
#include "import.h"
#include "report.h"
#include "write.h"

bool
reading_malformed(const struct import *im, const char *what)
{
	report_malformed(im->line->file, im->line->line_number, "%s", what);
	return false;
}

bool
reading_refuse(const struct import *im, const char *key, const char *what,
    const char *text, size_t length)
{
	report_malformed(im->line->file, im->line->line_number,
	    "\"%s\" is not %s: %.*s", key, what, length > 40 ? 40 : (int)length,
	    text);
	return false;
}

/* "MM-DD-YYYY hh:mm:ss", "YYYY/MM/DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss": brought
 * into the form of RFC 3339, zone behind. */
static bool
read_local_time(const struct import *im, const char *text, size_t length,
    int64_t *ns)
{
	char rfc[64];

	if (length < 19 || length > 40)
		return false;
	memcpy(rfc, text, length);
	if (im->format->month_first) {
		if (text[2] != '-' || text[5] != '-')
			return false;
		memcpy(rfc, text + 6, 4);
		rfc[4] = '-';
		memcpy(rfc + 5, text, 5);
	} else if (text[4] == '/' && text[7] == '/') {
		rfc[4] = rfc[7] = '-';
	}
	memcpy(rfc + length, im->zone, strlen(im->zone));
	return clock_rfc3339(rfc, length + strlen(im->zone), ns);
}

static bool
read_time(const struct import *im, const struct factor *factor,
    const char *text, size_t length, int64_t *ns)
{
	if (factor->digits != 1 || factor->places != 0)
		return length &&
		    quantity_scale(text, length, factor, 9, ns) && *ns >= 0;
	return (!im->format->month_first && clock_parse(text, length, ns)) ||
	    read_local_time(im, text, length, ns);
}

static bool
read_node(const struct import *im, struct reading *r, const char *text,
    size_t length)
{
	const char *numbers = im->format->numbers;
	bool number = numbers && length;
	char *at = r->name;

	if (!length || memchr(text, '\0', length) || length +
	    (im->node ? strlen(im->node) : 0) > IMPORT_NODE_MAX ||
	    !write_is_utf8(text, length))
		return false;
	for (size_t i = 0; i < length; i++)
		number = number && text[i] >= '0' && text[i] <= '9';
	if (im->node)
		at = write_text(write_text(at, im->node), "-");
	if (number)
		at = write_text(at, numbers);
	memcpy(at, text, length);
	r->node = r->name;
	r->node_length = (size_t)(at - r->name) + length;
	return true;
}

bool
reading_missing(const char *text, size_t length)
{
	static const char *const words[] = { "nan", "nan(ind)", "inf",
		"1.#QNAN", "1.#IND", "1.#INF", "null", "none", "n/a", "na",
		"err!", NULL };

	if (length && *text == '-') {
		text++;
		length--;
	}
	if (!length || (*text == '[' && text[length - 1] == ']'))
		return true;
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == length &&
		    strncasecmp(words[i], text, length) == 0)
			return true;
	return false;
}

bool
reading_fill(struct import *im, struct reading *r, enum key key,
    const struct factor *factor, const char *text, size_t length)
{
	const char *end = text + length;
	bool understood;

	if (factor->digits == 1 && factor->places == 0 &&
	    !(im->format->negative_is_error && length && *text == '-') &&
	    plain_take(im, r, key, text, end) == end)
		return true;
	plain_drop(r, key);
	if (key == NODE) {
		r->has |= 1u << NODE;
		return read_node(im, r, text, length) ||
		    reading_refuse(im, "node", "a name of 1 to 200 bytes in "
		    "UTF-8", text, length);
	}
	understood = key == TIMESTAMP
	    ? read_time(im, factor, text, length, &r->value[key])
	    : quantity_read(key, factor, text, length, &r->value[key]);
	if (understood &&
	    !(im->format->negative_is_error && r->value[key] < 0)) {
		r->has |= 1u << key;
		return true;
	}
	if (!understood && !reading_missing(text, length))
		return reading_refuse(im, import_keys[key].name,
		    key == TIMESTAMP ? "a time"
		    : key == WATTS ? "a number of watts within 1e9"
		    : "a number that is known here", text, length);
	r->lost |= key == WATTS;
	return true;
}

void
reading_clear(struct import *im, struct reading *r)
{
	/* Each key may take its text from the same string. */
	size_t room = KEYS * (im->line->length + 1);

	r->has = r->plain = 0;
	r->lost = false;
	r->node_length = 0;
	im->extra_count = 0;
	im->scratch_filled = 0;
	if (room <= im->scratch_room)
		return;
	im->scratch_room = room * 2;
	im->scratch = report_resize(im->scratch,
	    im->scratch_room + IMPORT_COPY, 1);
}

struct extra *
reading_extra(struct import *im, const char *label, const char *text,
    size_t length)
{
	struct extra *extra = &im->extras[im->extra_count++];

	extra->label = label;
	extra->text = text;
	extra->length = length;
	extra->is_text = false;
	return extra;
}

bool
reading_complete(struct import *im, struct reading *r)
{
	if (!(r->has & 1u << TIMESTAMP)) {
		if (!im->now)
			return reading_malformed(im, "no timestamp (--now "
			    "gives it the time of its arrival)");
		r->value[TIMESTAMP] = clock_now();
	}
	if (!(r->has & 1u << NODE)) {
		const char *name = im->node ? im->node : im->format->node;

		r->node = name;
		r->node_length = strlen(name);
	}
	return r->lost || (r->has & 1u << WATTS) ||
	    reading_malformed(im, "no \"watts\"");
}
