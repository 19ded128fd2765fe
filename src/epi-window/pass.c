/* What of the stream is passed on. */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "epi-window/window.h"
#include "json.h"
#include "option.h"
#include "report.h"
#include "stream.h"

/* The table grows here alone, where a sample comes in, and so before anything
 * points into it; a node beyond its room had no sample. */
static struct node *
node_at(unsigned index)
{
	while (s.node_room <= index) {
		unsigned room = s.node_room ? s.node_room * 2 : 8;

		s.nodes = report_resize(s.nodes, room, sizeof *s.nodes);
		memset(s.nodes + s.node_room, 0,
		    (room - s.node_room) * sizeof *s.nodes);
		for (unsigned i = s.node_room; i < room; i++) {
			s.nodes[i].last_ns = INT64_MIN;
			s.nodes[i].next_edge_ns = INT64_MIN;
		}
		s.node_room = room;
	}
	return &s.nodes[index];
}

static void
write_edge(const struct span *span, bool is_end)
{
	int64_t end_ns = span->end_ns == INT64_MAX ? s.last_ns : span->end_ns;

	compose_open();
	compose_key("timestamp");
	compose_time(is_end ? end_ns : span->begin_ns);
	compose_key("type");
	compose_string("event");
	compose_key("event");
	compose_string("span");
	compose_key("label");
	compose_string(span->label);
	compose_key("edge");
	compose_string(is_end ? "end" : "begin");
	compose_key("begin");
	compose_time(span->begin_ns);
	if (is_end || span->end_ns != INT64_MAX) {
		compose_key("end");
		compose_time(end_ns);
	}
	compose_close();
}

/* The sample of a node that was held back, for it turns out a neighbour. */
static void
release(struct node *node)
{
	if (node->held_length > 0 && !s.only)
		stream_line(node->held, node->held_length);
	node->held_length = 0;
}

static void
hold(struct node *node, const char *line, size_t length)
{
	if (node->held_room < length) {
		node->held_room = length * 2;
		node->held = report_resize(node->held, node->held_room, 1);
	}
	memcpy(node->held, line, length);
	node->held_length = length;
}

/* The samples held of nodes that have not reached begin_ns. */
void
pass_neighbours(int64_t begin_ns)
{
	for (unsigned n = 0; n < s.node_room; n++)
		if (s.nodes[n].last_ns < begin_ns)
			release(&s.nodes[n]);
}

static void
add(struct list *list, size_t span)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 8;
		list->at = report_resize(list->at, list->room,
		    sizeof *list->at);
	}
	list->at[list->count++] = span;
}

/* What begins up to t; whether all samples before t were seen. */
void
pass_begin(int64_t t, bool all_seen)
{
	for (; s.begun < s.count && s.spans[s.begun].begin_ns <= t;
	    s.begun++) {
		clock_release();
		if (all_seen)
			pass_neighbours(s.spans[s.begun].begin_ns);
		write_edge(&s.spans[s.begun], false);
		if (s.sorted)
			add(&s.open, s.begun);
	}
}

/* Whether every node has a sample at or after t.  One that has none is asked
 * first the next time: it may have died. */
static bool
all_reached(int64_t t)
{
	for (unsigned i = 0; i < s.node_room; i++) {
		unsigned n = (s.laggard + i) % s.node_room;

		if (s.nodes[n].wanted && s.nodes[n].last_ns < t) {
			s.laggard = n;
			return false;
		}
	}
	return true;
}

/* Whether nothing broke off before the span's end. */
static bool
reached(const struct span *span)
{
	return s.ending == IN_ORDER ||
	    (s.ending == BY_COUNT && s.stops >= s.starts) ||
	    (s.ending != BROKEN && all_reached(span->end_ns));
}

/* The ends up to t may be written, of --sorted; in their order, and each when
 * no node is missing: one that is may have died in the span. */
static void
end_spans(int64_t t)
{
	size_t kept = 0, written = 0;

	for (size_t i = 0; i < s.open.count; i++)
		if (s.spans[s.open.at[i]].end_ns > t)
			s.open.at[kept++] = s.open.at[i];
		else
			add(&s.passed, s.open.at[i]);
	s.open.count = kept;
	for (; written < s.passed.count &&
	    reached(&s.spans[s.passed.at[written]]); written++) {
		write_edge(&s.spans[s.passed.at[written]], true);
		s.spans[s.passed.at[written]].ended = true;
	}
	s.passed.count -= written;
	if (written > 0)
		memmove(s.passed.at, s.passed.at + written,
		    s.passed.count * sizeof *s.passed.at);
}

/* The spans that are open at t, and whether one of them, or of those that have
 * begun since, ended since the node's last sample. */
static bool
leave(struct node *node, int64_t t)
{
	size_t kept = 0;
	bool any_ended = false;

	for (size_t i = 0; i < node->open.count; i++) {
		struct span *span = &s.spans[node->open.at[i]];

		if (span->end_ns <= t) {
			any_ended |= span->end_ns > node->last_ns;
			continue;
		}
		span->any = true;
		if (span->end_ns < node->next_edge_ns)
			node->next_edge_ns = span->end_ns;
		node->open.at[kept++] = node->open.at[i];
	}
	node->open.count = kept;
	return any_ended;
}

/* What the node's step from its last sample to t means: whether the two are
 * needed, and when to look again.  Only spans with an edge between the two or
 * open at t are looked at, unless time goes back. */
static void
step(struct node *node, int64_t t, bool *needs_last, bool *needs_this)
{
	*needs_last = false;
	if (t < node->last_ns)
		node->begins = node->open.count = 0;
	for (; node->begins < s.count && s.spans[node->begins].begin_ns <= t;
	    node->begins++) {
		*needs_last |= s.spans[node->begins].begin_ns > node->last_ns;
		add(&node->open, node->begins);
	}
	node->next_edge_ns = node->begins < s.count
	    ? s.spans[node->begins].begin_ns : INT64_MAX;
	*needs_this = leave(node, t);
	node->inside = node->open.count > 0;
}

/* At an edge of the node: neighbours, edges and the sample, in this order. */
static void
cross(struct node *node, const struct feed_record *record)
{
	int64_t t = record->sample.timestamp_ns;
	bool needs_last, needs_this;

	step(node, t, &needs_last, &needs_this);
	if (needs_last)
		release(node);
	pass_begin(t, s.sorted);
	node->last_ns = t;
	if (s.sorted)
		end_spans(t);
	if (node->inside || (needs_this && !s.only)) {
		stream_line(record->line, record->length);
		node->held_length = 0;
	} else {
		hold(node, record->line, record->length);
	}
}

static void
take_sample(const struct feed_record *record)
{
	struct node *node = node_at(record->sample.node);
	int64_t t = record->sample.timestamp_ns;

	if (!node->seen) {
		node->seen = true;
		node->wanted = option_listed(s.only_nodes, s.names.names[record->sample.node]);
	}
	if (!node->wanted)
		return;
	extent_note(t);
	if (!s.resolved)
		span_resolve();
	if (t < node->last_ns)
		node->next_edge_ns = INT64_MIN; /* integrate complains */
	if (t >= node->next_edge_ns)
		cross(node, record);
	else if (node->inside)
		stream_line(record->line, record->length);
	else
		hold(node, record->line, record->length);
	node->last_ns = t;
}

/* A lost event of a node that is left out, for instance. */
static bool
is_of_other(const struct event *event)
{
	char name[SAMPLE_NODE_MAX + 1];

	return s.only_nodes &&
	    json_string(&event->node, name, sizeof name) >= 0 &&
	    !option_listed(s.only_nodes, name);
}

static bool
touches_span(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	int64_t end_ns = event->has_end ? event->end_ns : begin_ns;

	if (!event->has_begin && !event->has_timestamp)
		return false;
	for (size_t i = 0; i < s.count; i++)
		if (begin_ns < s.spans[i].end_ns &&
		    end_ns >= s.spans[i].begin_ns)
			return true;
	return false;
}

static char *
copy(char *at, const char *from, const char *end)
{
	memcpy(at, from, (size_t)(end - from));
	return at + (end - from);
}

/* A start event with only the nodes that are wanted; other bytes stay. */
static void
write_start(const struct feed_record *record, const struct event *event)
{
	const char *cursor = NULL, *end = record->line + record->length;
	const struct json_value *nodes = &event->nodes;
	struct json_value element;
	char name[SAMPLE_NODE_MAX + 1], *at;
	bool first = true;

	if (!s.only_nodes || nodes->kind != JSON_ARRAY) {
		stream_line(record->line, record->length);
		return;
	}
	at = copy(stream_room(record->length + 1), record->line, nodes->at);
	*at++ = '[';
	while (json_element(nodes, &cursor, &element)) {
		if (json_string(&element, name, sizeof name) <= 0 ||
		    !option_listed(s.only_nodes, name))
			continue;
		if (!first)
			*at++ = ',';
		first = false;
		at = copy(at, element.at - 1, element.at + element.length + 1);
	}
	*at++ = ']';
	at = copy(at, nodes->at + nodes->length, end);
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

/* A stop event is the end mark: it waits until the edges are written. */
static void
keep_stop(const char *line, size_t length)
{
	s.stop_lines = report_resize(s.stop_lines, s.stop_length + length + 1,
	    1);
	memcpy(s.stop_lines + s.stop_length, line, length);
	s.stop_length += length + 1;
	s.stop_lines[s.stop_length - 1] = '\n';
}

/* One that came late, for its span has begun, stands before another of its clock
 * perhaps; then both are passed on.  One behind a span that has not begun is the
 * next one's. */
static void
take_clock(const struct feed_record *record, int64_t t)
{
	if (s.begun > 0 && t < s.spans[s.begun - 1].begin_ns) {
		stream_line(record->line, record->length);
		return;
	}
	pass_begin(t, false);
	if (!s.resolved || s.begun < s.count)
		clock_hold(record, t);
}

void
pass_event(const struct feed_record *record)
{
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (event.kind == EVENT_START) {
		s.starts++;
		write_start(record, &event);
	} else if (json_is(&event.type, "calibration")) {
		/* of a start event: every span's uncertainty hangs on it */
		stream_line(record->line, record->length);
	} else if (event.kind == EVENT_STOP) {
		s.stops++;
		keep_stop(record->line, record->length);
	} else if (touches_span(&event) && !is_of_other(&event)) {
		if (event.has_timestamp)
			pass_begin(event.timestamp_ns, false);
		stream_line(record->line, record->length);
	} else if (event.kind == EVENT_CLOCK && event.has_timestamp &&
	    !is_of_other(&event)) {
		take_clock(record, event.timestamp_ns);
	}
}

void
pass_record(void *state, const struct feed_record *record)
{
	(void)state;
	if (record->kind == SAMPLE_POWER)
		take_sample(record);
	else
		pass_event(record);
}
/* The least shift by quarter-hours, within the world's time zones, that would
 * bring the window into the stream; 0: there is none. */
static int
zone_shift(const struct span *span)
{
	const int64_t quarter_ns = 900 * CLOCK_SECOND;

	if (span->end_ns > INT64_MAX - 86400 * CLOCK_SECOND ||
	    s.last_ns > INT64_MAX - 86400 * CLOCK_SECOND)
		return 0; /* no sum below overflows */
	for (int n = 1; n <= 14 * 4; n++)
		for (int sign = -1; sign <= 1; sign += 2) {
			int64_t shift_ns = sign * n * quarter_ns;

			if (span->begin_ns + shift_ns >= s.first_ns &&
			    span->end_ns + shift_ns <= s.last_ns +
			    CLOCK_SECOND)
				return sign * n;
		}
	return 0;
}

static void
explain_empty(const struct span *span)
{
	char begin[CLOCK_TEXT], end[CLOCK_TEXT] = "its end", first[CLOCK_TEXT],
	    last[CLOCK_TEXT];
	int shift = zone_shift(span);

	clock_format(begin, span->begin_ns);
	if (span->end_ns != INT64_MAX)
		clock_format(end, span->end_ns);
	clock_format(first, s.first_ns);
	clock_format(last, s.last_ns);
	if (shift == 0)
		report_error("no sample from %s to %s; the stream runs from %s "
		    "to %s", begin, end, first, last);
	else
		report_error("no sample from %s to %s; the stream runs from %s "
		    "to %s: is the time zone off by %c%02d:%02d?", begin, end,
		    first, last, shift < 0 ? '-' : '+', abs(shift) / 4,
		    abs(shift) % 4 * 15);
}

/* Between two samples a span is short, but measured. */
static bool
is_outside(const struct span *span)
{
	return span->begin_ns > s.last_ns || span->end_ns <= s.first_ns;
}

static void
check_nodes(void)
{
	for (char **only = s.only_nodes; only && *only; only++) {
		unsigned i = sample_node(&s.names, *only, strlen(*only));

		if (i >= s.node_room || !s.nodes[i].seen)
			report_error("no sample of node %s", *only);
	}
}

/* What could only be told at the end: spans past the last sample, nodes that
 * fell silent before a span, ends, and the stop events. */
void
pass_finish(void)
{
	check_nodes();
	if (!s.any) {
		report_error("no samples");
	} else {
		if (s.count)
			pass_neighbours(s.spans[s.count - 1].begin_ns);
		pass_begin(INT64_MAX, false);
	}
	for (size_t i = 0; s.any && i < s.count; i++) {
		if (!s.spans[i].any && is_outside(&s.spans[i]))
			explain_empty(&s.spans[i]);
		if (!s.spans[i].ended && reached(&s.spans[i]))
			write_edge(&s.spans[i], true);
	}
	if (s.stop_length > 0)
		stream_copy(s.stop_lines, s.stop_length);
}
