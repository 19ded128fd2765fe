/* The clock events before a span: as with a node's samples the last one of each
 * clock is a neighbour, for its bound holds at the span's edges. */
#include <string.h>

#include "epi-window/window.h"
#include "json.h"
#include "report.h"
#include "stream.h"

/* Whose clock: an instrument's, or a host's. */
enum { INSTRUMENT, HOST, NAMES };

struct held {
	char *line;
	size_t length, room;
	struct json_value names[NAMES]; /* in the line */
	int64_t ns;
	bool waits;                     /* it was not written so far */
	bool wanted;
};

static struct held *clocks;
static size_t clock_count;

static bool
is_same(const struct json_value *a, const struct json_value *b)
{
	if (a->kind == JSON_ABSENT || b->kind == JSON_ABSENT)
		return a->kind == b->kind;
	return a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

static struct held *
find(const struct json_value *names)
{
	size_t i = 0;

	while (i < clock_count &&
	    !(is_same(&clocks[i].names[INSTRUMENT], &names[INSTRUMENT]) &&
	    is_same(&clocks[i].names[HOST], &names[HOST])))
		i++;
	if (i == clock_count) {
		clocks = report_resize(clocks, ++clock_count, sizeof *clocks);
		clocks[i] = (struct held){ 0 };
	}
	return &clocks[i];
}

void
clock_hold(const struct feed_record *record, int64_t t)
{
	static const char *const keys[] = { "instrument_id", "host" };
	struct json_value names[NAMES];
	struct json_error error;
	struct held *held;

	if (!json_members(record->line, record->length, keys, NAMES, names,
	    &error))
		return; /* one of the two stands there twice */
	held = find(names);
	held->wanted = false;
	if (held->length > 0 && t < held->ns)
		return; /* it came late, from another file perhaps */
	if (held->room < record->length) {
		held->room = record->length * 2;
		held->line = report_resize(held->line, held->room, 1);
	}
	memcpy(held->line, record->line, record->length);
	held->length = record->length;
	held->ns = t;
	held->waits = true;
	for (int i = 0; i < NAMES; i++) {
		held->names[i] = names[i];
		if (names[i].kind != JSON_ABSENT)
			held->names[i].at = held->line +
			    (names[i].at - record->line);
	}
}

void
clock_release(void)
{
	for (size_t i = 0; i < clock_count; i++) {
		if (clocks[i].waits)
			stream_line(clocks[i].line, clocks[i].length);
		clocks[i].waits = false;
	}
}

void
clock_want(void)
{
	for (size_t i = 0; i < clock_count; i++)
		clocks[i].wanted = true;
}

bool
clock_wanted(void)
{
	for (size_t i = 0; i < clock_count; i++)
		if (clocks[i].wanted)
			return true;
	return false;
}
