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
#include "write.h"

/* The table grows here alone, where a sample comes in or a tap starts, and so
 * before anything points into it; a node beyond its room had no sample. */
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
hold_more(struct node *node, const char *line, size_t length)
{
	size_t whole = node->held_length + length;

	if (node->held_room < whole) {
		node->held_room = whole * 2;
		node->held = report_resize(node->held, node->held_room, 1);
	}
	memcpy(node->held + node->held_length, line, length);
	node->held_length = whole;
}

static void
hold(struct node *node, const char *line, size_t length)
{
	node->held_length = 0;
	hold_more(node, line, length);
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
	if (s.unread)
		return false; /* who knows what stood there */
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
		stream_pass(record->line, record->length);
		node->held_length = 0;
	} else {
		hold(node, record->line, record->length);
	}
}

/* Whether all spans are over at that time. */
static bool
is_behind(int64_t t)
{
	for (size_t i = 0; i < s.count; i++)
		if (t < s.spans[i].end_ns)
			return false;
	return true;
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
	if (node->later && !is_behind(t)) { /* files in another order */
		node->later = false;
		node->wanted = true;
	}
	if (node->wanted || !s.only_nodes)
		extent_note(t);
	if (!node->wanted)
		return;
	if (!s.resolved)
		span_resolve();
	if (t < node->last_ns)
		node->next_edge_ns = INT64_MIN; /* integrate complains */
	if (t >= node->next_edge_ns)
		cross(node, record);
	else if (node->inside)
		stream_pass(record->line, record->length);
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

/* The last time that an event is of. */
static int64_t
end_of(const struct event *event)
{
	return event->has_end ? event->end_ns
	    : event->has_begin ? event->begin_ns : event->timestamp_ns;
}

static bool
touches_span(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	int64_t end_ns = end_of(event);

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

/* Whether a tap started when all spans were over. */
static bool
is_later(const struct event *event)
{
	return !s.only_nodes && event->has_timestamp && s.count > 0 &&
	    is_behind(event->timestamp_ns);
}

/* Whether a start event is to name the node.  One that only a later tap tells of
 * was none of those that were measured, and its samples are none of theirs. */
static bool
names(const char *name, bool later)
{
	struct node *node;

	if (!later)
		return option_listed(s.only_nodes, name);
	node = node_at(sample_node(&s.names, name, strlen(name)));
	node->later |= !node->seen;
	node->seen = true;
	return node->wanted;
}

/* The elements of a list that stand where a node does that is to be named. */
static char *
copy_named(char *at, const struct json_value *list,
    const struct json_value *nodes, bool later)
{
	const char *node_at = NULL, *element_at = NULL;
	struct json_value node, element;
	char name[SAMPLE_NODE_MAX + 1];
	bool first = true;

	*at++ = '[';
	while (json_element(nodes, &node_at, &node) &&
	    json_element(list, &element_at, &element)) {
		size_t quotes = element.kind == JSON_STRING;

		if (json_string(&node, name, sizeof name) <= 0 ||
		    !names(name, later))
			continue;
		if (!first)
			*at++ = ',';
		first = false;
		at = copy(at, element.at - quotes,
		    element.at + element.length + quotes);
	}
	*at++ = ']';
	return at;
}

/* A start event with only the nodes that are wanted, and the channels of these;
 * other bytes stay. */
static void
write_start(const struct feed_record *record, const struct event *event)
{
	const char *from = record->line, *end = record->line + record->length;
	const struct json_value *lists[] = { &event->nodes, &event->channels };
	size_t count = event->channels.kind == JSON_ARRAY ? 2 : 1;
	bool later = is_later(event);
	char *at;

	if ((!s.only_nodes && !later) || event->nodes.kind != JSON_ARRAY) {
		stream_pass(record->line, record->length);
		return;
	}
	if (count == 2 && event->channels.at < event->nodes.at) {
		lists[0] = &event->channels;
		lists[1] = &event->nodes;
	}
	at = stream_room(record->length + 1);
	for (size_t i = 0; i < count; i++) {
		at = copy(at, from, lists[i]->at);
		at = copy_named(at, lists[i], &event->nodes, later);
		from = lists[i]->at + lists[i]->length;
	}
	at = copy(at, from, end);
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
		stream_pass(record->line, record->length);
		return;
	}
	pass_begin(t, false);
	if (!s.resolved || s.begun < s.count)
		clock_hold(record, t);
}

/* Whether a span that has begun by t ends behind the node's last sample. */
static bool
wants_neighbour(const struct node *node, int64_t t)
{
	for (size_t i = 0; i < s.count && s.spans[i].begin_ns <= t; i++)
		if (s.spans[i].end_ns > node->last_ns)
			return true;
	return false;
}

/* A reset behind the sample held: one of every node becomes this one's, for the
 * others may have moved on when it is written. */
static void
hold_reset(unsigned index, const char *line, size_t length,
    const struct json_value *of)
{
	const char *name = s.names.names[index];
	char member[6 * SAMPLE_NODE_MAX + 16], *at;

	hold_more(&s.nodes[index], "\n", 1);
	if (of->kind != JSON_ABSENT) {
		hold_more(&s.nodes[index], line, length);
		return;
	}
	while (line[length - 1] != '}')
		length--;
	hold_more(&s.nodes[index], line, length - 1);
	at = write_string(write_text(member, ",\"node\":"), name, strlen(name));
	*at++ = '}';
	hold_more(&s.nodes[index], member, (size_t)(at - member));
}

/* What a reset tells of is the interval from one sample to the next: where the
 * first of them is held, it goes behind that; where the second is wanted as a
 * neighbour, it passes now. */
static bool
take_reset(const struct feed_record *record, const struct event *event)
{
	bool wanted = false;

	for (unsigned i = 0; i < s.node_room; i++) {
		struct node *node = &s.nodes[i];

		if (!node->wanted || (event->node.kind == JSON_STRING &&
		    !json_is(&event->node, s.names.names[i])))
			continue;
		if (node->held_length > 0)
			hold_reset(i, record->line, record->length,
			    &event->node);
		wanted |= !s.only && event->has_timestamp &&
		    wants_neighbour(node, event->timestamp_ns);
	}
	return wanted;
}

void
pass_event(const struct feed_record *record)
{
	struct event event;
	bool touches;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	touches = touches_span(&event);
	if (event.kind == EVENT_RESET)
		touches |= take_reset(record, &event);
	if (event.kind == EVENT_START) {
		s.starts++;
		write_start(record, &event);
	} else if (json_is(&event.type, "calibration")) {
		/* of a start event: every span's uncertainty hangs on it */
		stream_pass(record->line, record->length);
	} else if (event.kind == EVENT_STOP) {
		s.stops++;
		keep_stop(record->line, record->length);
	} else if (touches && !is_of_other(&event)) {
		if (event.kind == EVENT_LOST)
			pass_begin(end_of(&event), false); /* of all it touches */
		else if (event.has_timestamp)
			pass_begin(event.timestamp_ns, false);
		stream_pass(record->line, record->length);
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
	if (s.any) {
		if (s.count)
			pass_neighbours(s.spans[s.count - 1].begin_ns);
		pass_begin(INT64_MAX, false);
	} else if (!s.unread) {
		report_error("no samples");
	}
	for (size_t i = 0; s.any && i < s.count; i++) {
		if (!s.spans[i].any && is_outside(&s.spans[i]))
			explain_empty(&s.spans[i]);
		if (!s.spans[i].ended && reached(&s.spans[i]))
			write_edge(&s.spans[i], true);
	}
	if (s.stop_length > 0 && !s.unread)
		stream_copy(s.stop_lines, s.stop_length);
}
