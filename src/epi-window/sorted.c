/* The short way through a sorted file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-window/seek.h"
#include "epi-window/window.h"
#include "json.h"
#include "report.h"
#include "stream.h"

/* Before the span a minute of epi-tap's, and a quarter, is looked at for clocks,
 * and further back so many bytes at first; behind it, and at its edges, for nodes
 * and for a stop; and for nodes at some places in between. */
enum { CLOCK_SECONDS = 75, CLOCK_BYTES = 2048 * 1024, TAIL_BYTES = 64 * 1024,
	LOOKS = 8 };

/* Where in a file what is read begins and ends. */
struct places {
	int64_t clock_at, begin_at, end_at; /* the spans' hull */
	int64_t back_at, forward_at;        /* and the neighbours' */
	int64_t met_at;                     /* every node was seen before it */
	int64_t tail_at;
	bool all_before, all_behind;        /* whether each has one there */
};

enum { STARTS = 1, STOPS = 2, CLOCKS = 4 };

static unsigned
kind_of(const struct event *event)
{
	switch (event->kind) {
	case EVENT_START:
		return STARTS;
	case EVENT_STOP:
		return STOPS;
	case EVENT_CLOCK:
		return CLOCKS;
	default: /* a start's calibration stands behind it */
		return json_is(&event->type, "calibration") ? STARTS : 0;
	}
}

/* Events of some kinds, as *state tells: of the records behind the spans only the
 * end marks are of interest, of those before them the starts and the clocks. */
static void
take_events(void *state, const struct feed_record *record)
{
	const unsigned *kinds = state;
	struct event event;
	const char *why;

	if (record->kind == SAMPLE_TYPED &&
	    event_read(record->line, record->length, &event, &why) &&
	    (kind_of(&event) & *kinds) != 0)
		pass_event(record);
}

/* The lines of the spans' hull, of which the middle of a single span is copied
 * unread; behind its last sample another tap may have started. */
static bool
take_hull(const char *file, const char *name, const struct seek *seek,
    const struct places *places)
{
	int64_t at = places->begin_at, end_at = places->end_at;
	int64_t copied_to = end_at < places->tail_at ? end_at
	    : places->tail_at;

	copied_to = stream_line_at(seek->fd, copied_to - TAIL_BYTES);
	if (s.count == 1 && !s.only_nodes && at < copied_to) {
		pass_neighbours(s.spans[0].begin_ns); /* an event has begun it? */
		pass_begin(s.spans[0].begin_ns, false);
		s.spans[0].any = true;
		if (!seek_copy(seek, at, copied_to)) {
			report_error("%s: %s", name, strerror(errno));
			return false;
		}
		at = copied_to;
	}
	return feed_range(file, name, at, end_at, &s.names, pass_record, NULL);
}

/* The greatest end of all spans. */
static int64_t
last_end(void)
{
	int64_t end_ns = 0;

	for (size_t i = 0; i < s.count; i++)
		if (s.spans[i].end_ns > end_ns)
			end_ns = s.spans[i].end_ns;
	return end_ns;
}

/*
 * The clock events from `at` on to to_at; as far back, if need be to head_at, as it
 * takes to have one of each clock that stands before that, which may have a later
 * one anywhere.  False: not all could be read.
 */
static bool
take_clocks(const char *file, const char *name, const struct seek *seek,
    int64_t head_at, int64_t at, int64_t to_at)
{
	unsigned clocks = CLOCKS;
	bool whole;

	if (at < head_at)
		at = head_at;
	if (at > to_at)
		at = to_at;
	clock_want();
	whole = feed_range(file, name, at, to_at, &s.names, take_events,
	    &clocks);
	for (int64_t bytes = CLOCK_BYTES; whole && at > head_at &&
	    clock_wanted(); bytes *= 2) {
		to_at = at;
		at = stream_line_at(seek->fd, to_at - bytes);
		if (at < head_at)
			at = head_at;
		whole = feed_range(file, name, at, to_at, &s.names, take_events,
		    &clocks);
	}
	return whole;
}

/* Where the nodes are, of which some come late and some die: those that one
 * look finds are wanted by the next one. */
static void
find_nodes(const struct seek *seek, struct places *places)
{
	int64_t step = (seek->last_at - TAIL_BYTES - seek->first_at) / LOOKS;
	unsigned count;
	bool met;

	seek_look(seek, 0, seek->first_at); /* the starts before all samples */
	seek_look(seek, places->begin_at - TAIL_BYTES, TAIL_BYTES);
	for (int i = 0; i <= LOOKS; i++)
		seek_look(seek, seek->first_at + i * step, TAIL_BYTES);
	do {
		count = s.names.count;
		places->back_at = seek_back(seek, places->begin_at,
		    s.only_nodes, &places->all_before);
		places->forward_at = seek_forward(seek, places->end_at,
		    s.only_nodes, &places->all_behind);
		places->met_at = seek_forward(seek, seek->first_at, NULL,
		    &met);
	} while (count < s.names.count);
	places->tail_at = stream_line_at(seek->fd, seek->size - TAIL_BYTES);
}

/*
 * Whether the taps stopped in order, where a node does not reach the end.  All is
 * read but what lies between the head and the spans: a tap's first start is in
 * the head, and so its stops behind are no more than its starts; as many, if it
 * stopped in order.  With fewer it broke off, or stopped in what is not
 * read.  False: it cannot be told which.
 */
static bool
judge_end(const char *name, const struct seek *seek,
    const struct places *places)
{
	bool whole = places->met_at >= places->back_at;
	struct seek_taps head, taps;

	s.ending = BY_NODES;
	if (places->all_behind)
		return true;
	head = seek_taps(seek, 0, whole ? places->back_at : places->met_at);
	taps = seek_taps(seek, places->back_at, seek->size);
	taps.starts += head.starts;
	if (whole)
		taps.stops += head.stops;
	if (s.count == 1) /* it may be copied, not passed by its nodes */
		s.ending = BROKEN;
	if (taps.stops == taps.starts || (whole && taps.stops > taps.starts))
		s.ending = IN_ORDER;
	else if (!whole && taps.stops > 0) {
		report_warning("%s: of %u started taps %u stopped at its end; "
		    "all of it is read", name, taps.starts, taps.stops);
		return false;
	}
	return true;
}

/* False: all of the file must be read. */
static bool
find_places(const char *name, struct seek *seek, struct places *places)
{
	places->clock_at = seek_time(seek, s.spans[0].begin_ns -
	    CLOCK_SECONDS * CLOCK_SECOND);
	places->begin_at = seek_time(seek, s.spans[0].begin_ns);
	places->end_at = seek_time(seek, last_end());
	if (seek->unsorted) {
		report_warning("%s: not in the order of time; all of it is "
		    "read", name);
		return false;
	}
	find_nodes(seek, places);
	if (s.only_nodes && !(places->all_before && places->all_behind))
		return false; /* the stream is that of these nodes */
	return judge_end(name, seek, places);
}

static void
take_places(const char *file, const char *name, const struct seek *seek,
    const struct places *places)
{
	int64_t back_at = places->back_at, forward_at = places->forward_at;
	int64_t head_at = places->met_at < back_at ? places->met_at : back_at;
	int64_t tail_at = places->tail_at > forward_at ? places->tail_at
	    : forward_at;
	unsigned head = STARTS | CLOCKS, tail = STOPS;

	if (!feed_range(file, name, 0, seek->first_at, &s.names, pass_record,
	    NULL) ||
	    !feed_range(file, name, seek->first_at, head_at, &s.names,
	    take_events, &head) ||
	    !take_clocks(file, name, seek, head_at, places->clock_at,
	    back_at) ||
	    !feed_range(file, name, back_at, places->begin_at, &s.names,
	    pass_record, NULL) ||
	    !take_hull(file, name, seek, places) ||
	    !feed_range(file, name, places->end_at, forward_at, &s.names,
	    pass_record, NULL) ||
	    !feed_range(file, name, tail_at, seek->size, &s.names, take_events,
	    &tail))
		s.unread = true;
}

/* The file that an operand is, as one to open: standard input only where none
 * of it was read before.  NULL: there is none. */
static const char *
file_of(const char *operand, const char **name)
{
	*name = operand;
	if (operand && strcmp(operand, "-") != 0)
		return operand;
	*name = "standard input";
	return lseek(STDIN_FILENO, 0, SEEK_CUR) == 0 ? "/dev/stdin" : NULL;
}

/* --sorted on a file: what lies outside the spans is not read.  False: it must
 * be. */
bool
sorted_take(const char *operand)
{
	bool absolute = s.span_file || (s.from.from == AT &&
	    (s.to.from == AT || s.for_ns > 0));
	const char *name, *file = file_of(operand, &name);
	struct places places;
	struct seek seek;

	if (!file)
		return false;
	if (s.only_nodes && !absolute)
		return false; /* times from the first or last sample of these */
	if (!seek_open(&seek, file, &s.names))
		return false;
	extent_note(seek.first_ns);
	extent_note(seek.last_ns);
	if (!s.resolved)
		span_resolve();
	s.sorted = find_places(name, &seek, &places);
	if (s.sorted) {
		take_places(file, name, &seek, &places);
	} else {
		s.any = false; /* which samples there are is for the scan to say */
		s.ending = BY_COUNT;
	}
	seek_close(&seek);
	if (s.sorted && file != operand) /* it counts as read */
		lseek(STDIN_FILENO, 0, SEEK_END);
	return s.sorted;
}
