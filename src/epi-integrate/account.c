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

/* NULL: it was told. */
static struct span *
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

/* Of the spans that held the time before, those that hold t. */
static void
leave_active(int64_t t)
{
	size_t kept = 0;

	for (size_t i = 0; i < s.tick.active_count; i++) {
		const struct span *span = span_of(s.tick.active[i]);

		if (!span)
			continue;
		if (span->end_ns <= t) {
			if (span->end_ns > s.tick.from_ns)
				s.tick.from_ns = span->end_ns;
			continue;
		}
		if (span->end_ns < s.tick.to_ns)
			s.tick.to_ns = span->end_ns;
		s.tick.active[kept++] = s.tick.active[i];
	}
	s.tick.active_count = kept;
}

static void
enter_active(int64_t t)
{
	for (; s.tick.begins < s.begin_count &&
	    s.begins[s.tick.begins].ns <= t; s.tick.begins++) {
		size_t id = s.begins[s.tick.begins].id;
		const struct span *span = span_of(id);
		int64_t edge_ns;

		if (!span)
			continue;
		edge_ns = span->end_ns <= t ? span->end_ns : span->begin_ns;
		if (edge_ns > s.tick.from_ns)
			s.tick.from_ns = edge_ns;
		if (span->end_ns <= t)
			continue;
		if (span->end_ns < s.tick.to_ns)
			s.tick.to_ns = span->end_ns;
		s.tick.active[s.tick.active_count++] = id;
	}
}

/* The spans that hold time t, and the stretch of time for which they do: from
 * those of the stretch before, or from none where time went back. */
static void
find_active(int64_t t)
{
	if (t < s.tick.from_ns || s.tick.to_ns == INT64_MIN) {
		s.tick.from_ns = INT64_MIN;
		s.tick.active_count = s.tick.begins = 0;
	}
	s.tick.to_ns = INT64_MAX;
	s.tick.active_ns = t;
	leave_active(t);
	enter_active(t);
	if (s.tick.begins < s.begin_count &&
	    s.begins[s.tick.begins].ns < s.tick.to_ns)
		s.tick.to_ns = s.begins[s.tick.begins].ns;
}

/* Whether one sum is greater than the other: of more nodes, or of more power. */
static bool
is_greater(unsigned nodes, energy_units nw, unsigned than_nodes,
    energy_units than_nw)
{
	return nodes > than_nodes || (nodes == than_nodes && nw > than_nw);
}

/* The tick counts in a span that holds it. */
static void
raise_top(struct span *span)
{
	if (is_greater(s.tick.nodes, s.tick.sum_nw, span->tick_nodes,
	    span->tick_nw)) {
		span->tick_nodes = s.tick.nodes;
		span->tick_nw = s.tick.sum_nw;
	}
	if (s.tick.top_nodes == 0 || is_greater(s.tick.top_nodes,
	    s.tick.top_nw, span->tick_nodes, span->tick_nw)) {
		s.tick.top_nodes = span->tick_nodes;
		s.tick.top_nw = span->tick_nw;
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
	s.tick.top_nodes = 0;
	for (size_t i = 0; i < s.tick.active_count; i++) {
		struct span *span = span_of(s.tick.active[i]);

		if (span)
			raise_top(span);
	}
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
