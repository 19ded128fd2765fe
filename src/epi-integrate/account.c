/* Nodes, spans and their edges, and the ticks. */
#include <stdlib.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "option.h"
#include "report.h"

enum { SERIES_JUMP = 1000000 };

struct node *
node_at(unsigned index)
{
	while (s.room <= index) {
		unsigned room = s.room ? s.room * 2 : 8;

		s.nodes = report_resize(s.nodes, room, sizeof *s.nodes);
		memset(s.nodes + s.room, 0,
		    (room - s.room) * sizeof *s.nodes);
		for (unsigned i = s.room; i < room; i++) {
			s.nodes[i].period_ns = s.rate_period_ns;
			s.nodes[i].next_edge_ns = INT64_MIN;
			s.nodes[i].quick_ns = INT64_MIN;
			s.nodes[i].peak_nw = INT64_MIN;
			s.nodes[i].low_nw = INT64_MAX;
		}
		s.room = room;
	}
	return &s.nodes[index];
}

struct node *
node_known(unsigned index)
{
	struct node *node = node_at(index);

	if (!node->wanted)
		node->wanted = option_listed(s.only,
		    s.names.names[index]);
	return node;
}

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
			span->parts[span->room].peak_nw = INT64_MIN;
			span->parts[span->room].low_nw = INT64_MAX;
		}
	}
	return &span->parts[node];
}

/* The spans changed: what was remembered of their edges no longer holds. */
void
span_changed(void)
{
	for (unsigned i = 0; i < s.room; i++)
		s.nodes[i].next_edge_ns = s.nodes[i].quick_ns = INT64_MIN;
	s.tick.from_ns = s.tick.to_ns = 0;
	s.tick.active_count = 0;
}

struct span *
span_add(const char *label, size_t length, int64_t begin_ns, int64_t end_ns)
{
	struct span *span;

	if (s.span_count == s.span_room) {
		s.span_room = s.span_room ? s.span_room * 2 : 8;
		s.spans = report_resize(s.spans, s.span_room, sizeof *s.spans);
		s.tick.active = report_resize(s.tick.active, s.span_room,
		    sizeof *s.tick.active);
	}
	span = &s.spans[s.span_count++];
	memset(span, 0, sizeof *span);
	span->label = label ? report_copy(label, length) : NULL;
	span->begin_ns = begin_ns;
	span->end_ns = end_ns;
	span_changed();
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

/* The begin edge, if it lies at or before `to`.  Where the node's samples
 * started inside the span, it is covered from the first of them. */
static void
pass_begin(const struct node *node, struct part *part,
    const struct span *span, const struct energy_reading *to)
{
	int64_t last_ns = node->energy.last.point.time_ns;

	if (part->begun || span->begin_ns > to->point.time_ns)
		return;
	part->begun = true;
	if (span->begin_ns <= node->first_ns) {
		part->from_ns = node->first_ns;
		span_stretch(part, node->peak_nw, node->low_nw);
	} else if (span->begin_ns >= last_ns) {
		part->from_ns = span->begin_ns;
		part->at_begin = energy_at(&node->energy, to, span->begin_ns);
		if (span->begin_ns == last_ns)
			span_stretch(part, node->energy.last.point.watts_nw,
			    node->energy.last.point.watts_nw);
	} else {
		part->from_ns = last_ns;
		part->at_begin = node->energy.at_last;
		part->late = true;
	}
}

static void
pass_end(const struct node *node, struct part *part, const struct span *span,
    const struct energy_reading *to)
{
	if (!part->begun || part->ended || span->end_ns > to->point.time_ns)
		return;
	part->ended = s.passed = true;
	part->to_ns = span->end_ns;
	if (span->end_ns <= part->from_ns)
		part->to_ns = part->from_ns; /* all before the node's samples */
	else
		part->at_end = energy_at(&node->energy, to, span->end_ns);
	if (part->to_ns == part->from_ns)
		part->at_end = part->at_begin;
}

/* Every edge between the node's last reading and `to`. */
static void
pass_edges(struct node *node, unsigned index, const struct energy_reading *to)
{
	node->next_edge_ns = INT64_MAX;
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];
		struct part *part = span_part(span, index);
		int64_t edge;

		if (part->ended)
			continue;
		if (part->begun)
			span_stretch(part, node->peak_nw, node->low_nw);
		pass_begin(node, part, span, to);
		pass_end(node, part, span, to);
		edge = part->begun ? span->end_ns : span->begin_ns;
		if (!part->ended && edge < node->next_edge_ns)
			node->next_edge_ns = edge;
	}
	node->peak_nw = INT64_MIN;
	node->low_nw = INT64_MAX;
}

/* The spans that hold time t, and the span_stretch of time for which they do. */
static void
find_active(int64_t t)
{
	s.tick.from_ns = INT64_MIN;
	s.tick.to_ns = INT64_MAX;
	s.tick.active_count = 0;
	for (size_t i = 0; i < s.span_count; i++) {
		const struct span *span = &s.spans[i];
		const int64_t edges[] = { span->begin_ns, span->end_ns };

		for (int e = 0; e < 2; e++) {
			if (edges[e] <= t && edges[e] > s.tick.from_ns)
				s.tick.from_ns = edges[e];
			if (edges[e] > t && edges[e] < s.tick.to_ns)
				s.tick.to_ns = edges[e];
		}
		if (t >= span->begin_ns && t < span->end_ns)
			s.tick.active[s.tick.active_count++] = i;
	}
}

/* The tick is over, or is looked at: its sum counts in every span it is in. */
void
tick_fold(void)
{
	if (s.tick.nodes == 0)
		return;
	if (s.tick_count++ == 0) {
		s.first_tick = (struct tick){ s.tick.time_ns, s.tick.sum_nw,
			s.tick.nodes };
		if (s.partial)
			return; /* it may go on from the part before */
	}
	if (s.tick.time_ns < s.tick.from_ns || s.tick.time_ns >= s.tick.to_ns)
		find_active(s.tick.time_ns);
	for (size_t i = 0; i < s.tick.active_count; i++) {
		struct span *span = &s.spans[s.tick.active[i]];

		if (s.tick.nodes > span->tick_nodes ||
		    (s.tick.nodes == span->tick_nodes &&
		    s.tick.sum_nw > span->tick_nw)) {
			span->tick_nodes = s.tick.nodes;
			span->tick_nw = s.tick.sum_nw;
		}
	}
}

/* The --every spans that begin at or before t. */
static void
extend_series(int64_t t)
{
	int64_t end_ns;

	if (s.series && t >= s.series_next_ns && t < s.series_end_ns &&
	    (t - s.series_next_ns) / s.every_ns > SERIES_JUMP)
		report_fatal("%s:%llu: over %d empty spans of --every at once",
		    s.file, (unsigned long long)s.line, SERIES_JUMP);
	while (s.series && t > s.series_next_ns &&
	    s.series_next_ns < s.series_end_ns) {
		end_ns = s.series_end_ns - s.series_next_ns > s.every_ns
		    ? s.series_next_ns + s.every_ns : s.series_end_ns;
		span_add(s.series_label, s.series_label
		    ? strlen(s.series_label) : 0, s.series_next_ns,
		    end_ns)->closed = true;
		s.series_next_ns = end_ns;
	}
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

/* A reading in its place: later than the node's last, period known. */
void
node_integrate(struct node *node, unsigned index, const struct energy_reading *to)
{
	if (to->point.time_ns > s.series_next_ns)
		extend_series(to->point.time_ns);
	if (!node->seen) {
		node->seen = true;
		node->first = *to;
		node->first_ns = to->point.time_ns;
		node->energy.last = *to;
		node->energy.gap_limit_ns = node_gap_limit(node);
		node->energy.wrap_uj = node->wrap_uj;
		node->energy.step_uj = INT64_MAX;
		node->energy.holds = s.method == HOLD || s.partial;
	} else {
		if (to->point.time_ns >= node->next_edge_ns)
			pass_edges(node, index, to);
		energy_advance(&node->energy, to);
	}
	if (to->point.watts_nw > node->peak_nw)
		node->peak_nw = to->point.watts_nw;
	if (to->point.watts_nw < node->low_nw)
		node->low_nw = to->point.watts_nw;
}

static int
by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int64_t
node_median(const struct node *node)
{
	int64_t lengths[INTERVALS];
	int n = node->waits - 1;

	if (n <= 0)
		return 0;
	for (int i = 0; i < n; i++)
		lengths[i] = node->waiting[i + 1].point.time_ns -
		    node->waiting[i].point.time_ns;
	qsort(lengths, (size_t)n, sizeof *lengths, by_length);
	return lengths[n / 2];
}

int64_t
node_gap_limit(const struct node *node)
{
	return node->period_ns > 0 ? node->period_ns * 5 / 2 : INT64_MAX;
}

void
node_settle(struct node *node, unsigned index)
{
	if (node->period_ns == 0)
		node->period_ns = node_median(node);
	for (int i = 0; i < node->waits; i++)
		node_integrate(node, index, &node->waiting[i]);
	node->waits = 0;
}
