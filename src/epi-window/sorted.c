/* The short way through a sorted file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-window/seek.h"
#include "epi-window/window.h"
#include "report.h"
#include "stream.h"

/* Before the span a minute of epi-tap's, and a quarter, is looked at for clocks,
 * and further back so many bytes at first; behind it, and at its edges, for nodes
 * and for a stop. */
enum { CLOCK_SECONDS = 75, CLOCK_BYTES = 2048 * 1024, TAIL_BYTES = 64 * 1024 };

/* Where in a file what is read begins, and the spans' hull. */
struct places {
	int64_t clock_at, begin_at, end_at;
};

/* Events of one kind, as *state tells: of the records behind the spans only the
 * end marks are of interest, of those before them the clocks. */
static void
take_events(void *state, const struct feed_record *record)
{
	const enum event_kind *kind = state;
	struct event event;
	const char *why;

	if (record->kind == SAMPLE_TYPED &&
	    event_read(record->line, record->length, &event, &why) &&
	    event.kind == *kind)
		pass_event(record);
}

/* The lines of the spans' hull, [begin_at, end_at), of which the middle of a
 * single span is copied unread. */
static bool
take_hull(const char *file, const char *name, const struct seek *seek,
    int64_t begin_at, int64_t end_at)
{
	int64_t tail_at = stream_line_at(seek->fd, seek->size - TAIL_BYTES);
	int64_t copied_to = end_at < tail_at ? end_at : tail_at;

	if (s.count == 1 && !s.only_nodes && begin_at < copied_to) {
		pass_begin(s.spans[0].begin_ns, true);
		s.spans[0].any = true;
		if (!seek_copy(seek, begin_at, copied_to)) {
			report_error("%s: %s", name, strerror(errno));
			return false;
		}
		begin_at = copied_to;
	}
	return feed_range(file, name, begin_at, end_at, &s.names, pass_record,
	    NULL);
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
 * The clock events from `at` on to to_at; as far back as it takes to have one of
 * each clock that stands before the first sample, which may have a later one
 * anywhere.  False: not all could be read.
 */
static bool
take_clocks(const char *file, const char *name, const struct seek *seek,
    int64_t at, int64_t to_at)
{
	enum event_kind clock = EVENT_CLOCK;
	bool whole;

	if (at > to_at)
		at = to_at;
	clock_want();
	whole = feed_range(file, name, at, to_at, &s.names, take_events,
	    &clock);
	for (int64_t bytes = CLOCK_BYTES; whole && at > seek->first_at &&
	    clock_wanted(); bytes *= 2) {
		to_at = at;
		at = stream_line_at(seek->fd, to_at - bytes);
		if (at < seek->first_at)
			at = seek->first_at;
		whole = feed_range(file, name, at, to_at, &s.names, take_events,
		    &clock);
	}
	return whole;
}

static void
take_places(const char *file, const char *name, const struct seek *seek,
    const struct places *places)
{
	int64_t begin_at = places->begin_at, end_at = places->end_at;
	int64_t back_at, forward_at, tail_at;
	enum event_kind stop = EVENT_STOP;

	seek_names(seek, seek->first_at, stream_line_at(seek->fd,
	    seek->first_at + TAIL_BYTES));
	seek_names(seek, stream_line_at(seek->fd, begin_at > TAIL_BYTES
	    ? begin_at - TAIL_BYTES : 0), begin_at);
	back_at = seek_back(seek, begin_at, s.only_nodes);
	forward_at = seek_forward(seek, end_at, s.only_nodes);
	tail_at = stream_line_at(seek->fd, seek->size - TAIL_BYTES);
	if (tail_at < forward_at)
		tail_at = forward_at;
	if (!feed_range(file, name, 0, seek->first_at, &s.names, pass_record,
	    NULL) ||
	    !take_clocks(file, name, seek, places->clock_at, back_at) ||
	    !feed_range(file, name, back_at, begin_at, &s.names, pass_record,
	    NULL) ||
	    !take_hull(file, name, seek, begin_at, end_at) ||
	    !feed_range(file, name, end_at, forward_at, &s.names, pass_record,
	    NULL) ||
	    !feed_range(file, name, tail_at, seek->size, &s.names, take_events,
	    &stop))
		s.starts++; /* not all was read: no stop makes up for it */
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
	places.clock_at = seek_time(&seek, s.spans[0].begin_ns -
	    CLOCK_SECONDS * CLOCK_SECOND);
	places.begin_at = seek_time(&seek, s.spans[0].begin_ns);
	places.end_at = seek_time(&seek, last_end());
	if (seek.unsorted)
		report_warning("%s: not in the order of time; all of it is "
		    "read", name);
	else
		take_places(file, name, &seek, &places);
	s.sorted = !seek.unsorted;
	seek_close(&seek);
	if (s.sorted && file != operand) /* it counts as read */
		lseek(STDIN_FILENO, 0, SEEK_END);
	return s.sorted;
}
