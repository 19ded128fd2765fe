/* Nodes, and what a span has of each: it passes the span's edges. */
#include <stdlib.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "option.h"
#include "report.h"

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
			s.nodes[i].first_peak_nw = INT64_MIN;
			s.nodes[i].first_low_nw = INT64_MAX;
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

/* The power at a time up to the next reading, on the line to it. */
static int64_t
power_at(const struct node *node, const struct energy_reading *to, int64_t t)
{
	const struct energy_point *last = &node->energy.last.point;
	double part = (double)(t - last->time_ns) /
	    (double)(to->point.time_ns - last->time_ns);

	return last->watts_nw + (int64_t)(part *
	    (double)(to->point.watts_nw - last->watts_nw));
}

/* Whether the counter tells the interval from the last reading to the next. */
static bool
is_counted(const struct node *node, const struct energy_reading *to)
{
	return node->energy.last.has_joules && to->has_joules &&
	    energy_counter_step(&node->energy, to) >= 0;
}

/* A gap that an edge is in has readings that are no samples of the span. */
static void
stretch_gap(const struct node *node, struct part *part,
    const struct energy_reading *to)
{
	int64_t ends[] = { node->energy.last.point.watts_nw,
		to->point.watts_nw };

	if (!energy_is_gap(&node->energy, to))
		return;
	for (int i = 0; i < 2; i++) {
		if (ends[i] > part->gap_peak_nw)
			part->gap_peak_nw = ends[i];
		if (ends[i] < part->gap_low_nw)
			part->gap_low_nw = ends[i];
	}
}

static void
look_behind(const struct node *node, struct part *part, int64_t edge_ns)
{
	part->uncounted |= energy_is_behind(&node->energy, edge_ns);
	part->behind |= energy_is_beyond(&node->energy, edge_ns);
}

void
node_look_behind(const struct node *node, struct part *part, int64_t end_ns)
{
	look_behind(node, part, end_ns);
	part->behind |= node->energy.lead_is_short &&
	    part->from_ns < node->first_ns + node->energy.delay_ns;
	part->uncounted |= part->behind;
}

/* The begin edge, at or before `to`.  Where the node's samples started inside
 * the span, it is covered from the first of them. */
static void
pass_begin(const struct node *node, struct part *part,
    const struct span *span, const struct energy_reading *to)
{
	int64_t last_ns = node->energy.last.point.time_ns;

	part->begun = true;
	if (span->begin_ns <= node->first_ns) {
		part->from_ns = node->first_ns;
		part->begin_nw = node->first.point.watts_nw;
		if (span->end_ns <= node->first_ns)
			return; /* it was over when the node came */
		span_stretch(part, node->peak_nw, node->low_nw);
		span_stretch(part, node->first_peak_nw, node->first_low_nw);
	} else if (span->begin_ns >= last_ns) {
		part->from_ns = span->begin_ns;
		if (span->begin_ns < to->point.time_ns)
			stretch_gap(node, part, to);
		part->begin_nw = power_at(node, to, span->begin_ns);
		part->tally = energy_at(&node->energy, to, span->begin_ns);
		if (span->begin_ns == to->point.time_ns)
			energy_add_whole(&node->energy, to, &part->tally);
		if (span->begin_ns == last_ns)
			span_stretch(part, node->energy.last.point.watts_nw,
			    node->energy.last.point.watts_nw);
		else if (span->begin_ns < to->point.time_ns ||
		    node->energy.delay_ns > 0)
			part->uncounted = !is_counted(node, to);
		look_behind(node, part, span->begin_ns);
	} else {
		part->from_ns = last_ns;
		part->tally = energy_at_last(&node->energy);
		part->begin_nw = node->energy.last.point.watts_nw;
		part->late = true;
		look_behind(node, part, last_ns);
		span_stretch(part, part->begin_nw, part->begin_nw);
	}
}

/* The counter's smallest rise, that to the next reading included. */
static int64_t
smallest_step(const struct node *node, const struct energy_reading *to)
{
	int64_t step_uj = is_counted(node, to)
	    ? energy_counter_step(&node->energy, to) : 0;

	return step_uj > 0 && step_uj < node->energy.step_uj ? step_uj
	    : node->energy.step_uj;
}

/* The end edge, at or before `to`; it may lie before the node's samples. */
static void
pass_end(const struct node *node, struct part *part, const struct span *span,
    const struct energy_reading *to)
{
	struct energy_tally at_end = part->tally;

	part->ended = s.passed = true;
	part->to_ns = part->from_ns;
	part->end_nw = part->begin_nw;
	part->step_uj = smallest_step(node, to);
	if (span->end_ns > part->from_ns) {
		part->to_ns = span->end_ns;
		part->end_nw = power_at(node, to, span->end_ns);
		at_end = energy_at(&node->energy, to, span->end_ns);
		energy_add_whole(&node->energy, to, &at_end);
		node_look_behind(node, part, span->end_ns);
		stretch_gap(node, part, to);
	}
	energy_tally_subtract(&at_end, &part->tally);
	part->tally = at_end;
}

/* Spans that begin up to `to` are the node's open ones, too. */
static void
open_begun(struct node *node, unsigned index, const struct energy_reading *to)
{
	for (; node->begins < s.begin_count &&
	    s.begins[node->begins].ns <= to->point.time_ns; node->begins++) {
		size_t id = s.begins[node->begins].id;
		struct span *span = span_of(id);

		if (!span || span_part(span, index)->begun)
			continue;
		pass_begin(node, span_part(span, index), span, to);
		if (node->open_count == node->open_room) {
			node->open_room = node->open_room
			    ? node->open_room * 2 : 8;
			node->open = report_resize(node->open,
			    node->open_room, sizeof *node->open);
		}
		node->open[node->open_count++] = id;
	}
}

/* The extremes since the last edge are the open spans'. */
static void
stretch_open(struct node *node, unsigned index)
{
	size_t kept = 0;

	for (size_t i = 0; i < node->open_count; i++) {
		struct span *span = span_of(node->open[i]);

		if (!span)
			continue;
		span_stretch(span_part(span, index), node->peak_nw,
		    node->low_nw);
		node->open[kept++] = node->open[i];
	}
	node->open_count = kept;
}

/* Every edge between the node's last reading and `to`.  Only the spans that are
 * open are looked at: a campaign has one for each of its answers. */
static void
pass_edges(struct node *node, unsigned index, const struct energy_reading *to)
{
	size_t kept = 0;

	stretch_open(node, index);
	open_begun(node, index, to);
	node->next_edge_ns = node->begins < s.begin_count
	    ? s.begins[node->begins].ns : INT64_MAX;
	for (size_t i = 0; i < node->open_count; i++) {
		struct span *span = span_of(node->open[i]);

		if (span->end_ns <= to->point.time_ns) {
			pass_end(node, span_part(span, index), span, to);
			continue;
		}
		if (span->end_ns < node->next_edge_ns)
			node->next_edge_ns = span->end_ns;
		node->open[kept++] = node->open[i];
	}
	node->open_count = kept;
	if (node->peak_nw > node->first_peak_nw)
		node->first_peak_nw = node->peak_nw;
	if (node->low_nw < node->first_low_nw)
		node->first_low_nw = node->low_nw;
	node->peak_nw = INT64_MIN;
	node->low_nw = INT64_MAX;
}

void
node_heed(struct node *node)
{
	node->wants_vars = instrument_wants_vars(node->instrument);
	node->energy.has_more = node->energy.delay_ns || node->wants_vars;
	if (node->wants_vars)
		feed_vars();
	else
		node->energy.last.has_vars = false;
}

/* A reading in its place: later than the node's last, period known. */
void
node_integrate(struct node *node, unsigned index, const struct energy_reading *to)
{
	if (!node->seen) {
		node->seen = true;
		node->first = *to;
		node->first_ns = to->point.time_ns;
		node->first_period_ns = node->rerated ? node->period_ns : 0;
		node->first_wrap_uj = node->restarted ? node->wrap_uj : -1;
		node->energy.last = *to;
		node->energy.gap_limit_ns = node_gap_limit(node);
		node->energy.wrap_uj = node->wrap_uj;
		node->energy.step_uj = INT64_MAX;
		node->energy.holds = s.method == HOLD || s.partial;
		node_heed(node);
	} else {
		if (to->point.time_ns >= node->next_edge_ns)
			pass_edges(node, index, to);
		energy_advance(&node->energy, to);
	}
	if (to->before_reset)
		node->energy.last.has_joules = false;
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
	return node->period_ns > 0 && node->period_ns < INT64_MAX / 5
	    ? node->period_ns * 5 / 2 : INT64_MAX;
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
