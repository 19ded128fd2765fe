/* Spans in the order of their begins, and those that --every makes. */
#include <stdlib.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "report.h"

enum { SERIES_JUMP = 1000000 };

struct part *
span_part(struct span *span, unsigned node)
{
	while (span->room <= node) {
		unsigned room = span->room ? span->room * 2 : 4;

		span->parts = report_resize(span->parts, room,
		    sizeof *span->parts);
		memset(span->parts + span->room, 0,
		    (room - span->room) * sizeof *span->parts);
		for (; span->room < room; span->room++) {
			struct part *part = &span->parts[span->room];

			part->peak_nw = part->gap_peak_nw = INT64_MIN;
			part->low_nw = part->gap_low_nw = INT64_MAX;
		}
	}
	return &span->parts[node];
}

struct span *
span_of(size_t id)
{
	return id < s.span_told ? NULL : &s.spans[id - s.span_told];
}

void
span_changed(void)
{
	for (unsigned i = 0; i < s.room; i++)
		s.nodes[i].next_edge_ns = s.nodes[i].quick_ns = INT64_MIN;
	s.tick.to_ns = INT64_MIN;
}

void
span_forget(size_t count)
{
	if (count == 0)
		return; /* there may be no room yet */
	s.spans += count;
	s.span_count -= count;
	s.span_told += count;
}

/* Room for one more span: that of spans that were told, if it is half of all. */
static void
make_room(void)
{
	if (s.span_count > 0 &&
	    s.spans + s.span_count < s.span_store + s.span_room)
		return;
	if (s.span_count > 0)
		memmove(s.span_store, s.spans,
		    s.span_count * sizeof *s.spans);
	if (s.span_count >= s.span_room / 2) {
		s.span_room = s.span_room ? s.span_room * 2 : 8;
		s.span_store = report_resize(s.span_store, s.span_room,
		    sizeof *s.spans);
		s.tick.active = report_resize(s.tick.active, s.span_room,
		    sizeof *s.tick.active);
	}
	s.spans = s.span_store;
}

/* How many of the first `count` begins are of spans that were not told. */
static size_t
count_untold(size_t count)
{
	size_t n = 0;

	while (count-- > 0)
		n += s.begins[count].id >= s.span_told;
	return n;
}

/* The begins of spans that were told are left out. */
static void
tidy_begins(void)
{
	size_t kept = 0;

	for (unsigned i = 0; i < s.room; i++)
		s.nodes[i].begins = count_untold(s.nodes[i].begins);
	s.tick.begins = count_untold(s.tick.begins);
	for (size_t i = 0; i < s.begin_count; i++)
		if (s.begins[i].id >= s.span_told)
			s.begins[kept++] = s.begins[i];
	s.begin_count = kept;
}

/* A new span mostly begins last.  Nodes that are past its begin go back to it;
 * the tick's spans are looked for anew. */
static void
add_begin(int64_t begin_ns, size_t id)
{
	size_t at;

	if (s.begin_count == s.begin_room && s.begin_count > 2 * s.span_count)
		tidy_begins();
	if (s.begin_count == s.begin_room) {
		s.begin_room = s.begin_room ? s.begin_room * 2 : 16;
		s.begins = report_resize(s.begins, s.begin_room,
		    sizeof *s.begins);
	}
	at = s.begin_count++;
	for (; at > 0 && s.begins[at - 1].ns > begin_ns; at--)
		s.begins[at] = s.begins[at - 1];
	s.begins[at] = (struct begin){ begin_ns, id };
	for (unsigned i = 0; i < s.room; i++) {
		struct node *node = &s.nodes[i];

		if (node->begins > at)
			node->begins = at;
		if (node->next_edge_ns > begin_ns)
			node->next_edge_ns = begin_ns;
		if (node->quick_ns > begin_ns)
			node->quick_ns = begin_ns;
	}
	if (begin_ns <= s.tick.active_ns)
		s.tick.to_ns = INT64_MIN;
	else if (begin_ns < s.tick.to_ns)
		s.tick.to_ns = begin_ns;
}

struct span *
span_add(const char *label, size_t length, int64_t begin_ns, int64_t end_ns)
{
	struct span *span;

	make_room();
	span = &s.spans[s.span_count++];
	memset(span, 0, sizeof *span);
	span->label = label ? report_copy(label, length) : NULL;
	span->begin_ns = begin_ns;
	span->end_ns = end_ns;
	add_begin(begin_ns, s.span_told + s.span_count - 1);
	return span;
}

void
span_stretch(struct part *part, int64_t peak_nw, int64_t low_nw)
{
	if (peak_nw > part->peak_nw)
		part->peak_nw = peak_nw;
	if (low_nw < part->low_nw)
		part->low_nw = low_nw;
}

void
span_extend_series(int64_t t)
{
	struct span *span;
	int64_t end_ns;

	if (s.series && t >= s.series_next_ns && t < s.series_end_ns &&
	    (t - s.series_next_ns) / s.every_ns > SERIES_JUMP)
		report_fatal("%s:%llu: over %d empty spans of --every at once",
		    s.file, (unsigned long long)s.line, SERIES_JUMP);
	while (s.series && t > s.series_next_ns &&
	    s.series_next_ns < s.series_end_ns) {
		end_ns = s.series_end_ns - s.series_next_ns > s.every_ns
		    ? s.series_next_ns + s.every_ns : s.series_end_ns;
		span = span_add(s.series_label, s.series_label
		    ? strlen(s.series_label) : 0, s.series_next_ns, end_ns);
		span->closed = true;
		event_lose_again(span);
		s.series_next_ns = end_ns;
	}
}

/* A set that was begun ends there too; those behind the samples are made. */
void
span_end_series(int64_t t)
{
	s.series_open = false;
	if (s.series_end_ns == INT64_MAX) {
		s.series_end_ns = t;
		for (size_t i = 0; i < s.span_count; i++)
			if (s.spans[i].end_ns > t && s.spans[i].begin_ns < t)
				s.spans[i].end_ns = t;
		span_changed();
	}
	if (s.series_next_ns < s.series_end_ns)
		span_extend_series(s.series_end_ns);
}

/* The first sample opens the span of the whole stream; it is taken back when
 * the stream turns out to have spans of its own. */
void
span_open_whole(int64_t t)
{
	s.opened = true;
	if (s.every_ns > 0) {
		s.series = true;
		s.series_next_ns = t;
		s.series_end_ns = INT64_MAX;
		return;
	}
	span_add(NULL, 0, INT64_MIN, INT64_MAX)->whole = true;
}
