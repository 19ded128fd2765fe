/* epi-window - the samples of one or many spans of time */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "compose.h"
#include "event.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-window [--from T] [--to T | --for D] [--label L] [--nodes LIST]\n"
"                  [--only] [--sorted] [FILE...]\n"
"       epi-window --span FILE [--label L] [--nodes LIST] [--only] [--sorted]\n"
"                  [FILE...]\n"
"The samples of a span of time, with the two neighbours that let its edges be\n"
"interpolated, and a span event at each edge.\n"
"\n"
"      --for D           as long as this, from --from on\n"
"      --from T          from here on (the first sample)\n"
"      --label L         the span's name, or the one to take of --span's\n"
"      --nodes LIST      only these nodes\n"
"      --only            without the neighbours\n"
"      --sorted          the samples are in the order of time\n"
"      --span FILE       the spans are those of the records in FILE: marks, or\n"
"                        any record with begin and end\n"
"      --to T            up to here, not included (the last sample)\n"
"  -h, --help            this text\n"
"      --version         the version\n"
"T is Unix seconds, RFC 3339, +D from the first sample or -D from the last.\n";

enum { OPTION_FOR = OPTION_LONG, OPTION_FROM, OPTION_LABEL, OPTION_NODES,
	OPTION_ONLY, OPTION_SORTED, OPTION_SPAN, OPTION_TO };

/* A point in time that may hang on the stream. */
struct moment {
	enum { UNSET, AT, AFTER_FIRST, BEFORE_LAST } from;
	int64_t ns;
};

struct span {
	char *label;           /* NULL: none */
	int64_t begin_ns;
	int64_t end_ns;        /* INT64_MAX: the last sample */
	bool begun, ended;     /* its edges are written */
	uint64_t samples;
};

struct node {
	int64_t last_ns;
	int64_t next_edge_ns;  /* before it nothing changes */
	bool seen, wanted, inside;
	char *held;            /* the last sample, not written so far */
	size_t held_length, held_room;
};

static struct {
	struct moment from, to;
	int64_t for_ns;
	const char *label, *span_file;
	char **only_nodes;
	bool only, sorted;

	struct span *spans;    /* by begin */
	size_t count, room;
	bool resolved;         /* the spans' times are known */
	struct span *marks;    /* open, while --span's file is read */
	size_t mark_count, mark_room;

	struct sample_nodes names;
	struct node *nodes;
	unsigned node_room;
	bool any;
	int64_t first_ns, last_ns;
	unsigned starts, stops;
} s;

static struct span *
push_span(struct span **list, size_t *count, size_t *room, char *label,
    int64_t begin_ns, int64_t end_ns)
{
	if (*count == *room) {
		*room = *room ? *room * 2 : 8;
		*list = report_resize(*list, *room, sizeof **list);
	}
	(*list)[*count] = (struct span){ .label = label,
		.begin_ns = begin_ns, .end_ns = end_ns };
	return &(*list)[(*count)++];
}

static bool
is_wanted(const char *name)
{
	for (char **only = s.only_nodes; only && *only; only++)
		if (strcmp(*only, name) == 0)
			return true;
	return !s.only_nodes;
}

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
note_extent(int64_t t)
{
	if (!s.any || t < s.first_ns)
		s.first_ns = t;
	if (!s.any || t > s.last_ns)
		s.last_ns = t;
	s.any = true;
}

static int64_t
resolve(const struct moment *moment, int64_t unset)
{
	switch (moment->from) {
	case AT:
		return moment->ns;
	case AFTER_FIRST:
		return s.first_ns + moment->ns;
	case BEFORE_LAST:
		return s.last_ns - moment->ns;
	default:
		return unset;
	}
}

/* --from and --to become a span, once the first sample is there. */
static void
resolve_span(void)
{
	int64_t begin_ns, end_ns;

	s.resolved = true;
	if (s.span_file)
		return;
	begin_ns = resolve(&s.from, s.first_ns);
	end_ns = s.for_ns > 0 ? begin_ns + s.for_ns
	    : resolve(&s.to, INT64_MAX);
	if (end_ns <= begin_ns)
		report_error("the window ends before it begins");
	push_span(&s.spans, &s.count, &s.room, s.label
	    ? report_copy(s.label, strlen(s.label)) : NULL, begin_ns, end_ns);
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

static void
begin_spans(int64_t t)
{
	for (size_t i = 0; i < s.count && s.spans[i].begin_ns <= t; i++) {
		if (s.spans[i].begun)
			continue;
		for (unsigned n = 0; n < s.names.count; n++)
			if (node_at(n)->last_ns < s.spans[i].begin_ns)
				release(&s.nodes[n]);
		write_edge(&s.spans[i], false);
		s.spans[i].begun = true;
	}
}

static void
end_spans(int64_t t)
{
	for (size_t i = 0; i < s.count && s.spans[i].begin_ns <= t; i++) {
		if (s.spans[i].ended || s.spans[i].end_ns > t)
			continue;
		write_edge(&s.spans[i], true);
		s.spans[i].ended = true;
	}
}

/* What the node's step from its last sample to t means: whether the two are
 * needed, and when to look again. */
static void
step(struct node *node, int64_t t, bool *needs_last, bool *needs_this)
{
	*needs_last = *needs_this = node->inside = false;
	node->next_edge_ns = INT64_MAX;
	for (size_t i = 0; i < s.count; i++) {
		const struct span *span = &s.spans[i];

		if (span->begin_ns > t) {
			if (span->begin_ns < node->next_edge_ns)
				node->next_edge_ns = span->begin_ns;
			break;
		}
		if (span->begin_ns > node->last_ns)
			*needs_last = true;
		if (span->end_ns <= t) {
			if (span->end_ns > node->last_ns)
				*needs_this = true;
			continue;
		}
		node->inside = true;
		if (span->end_ns < node->next_edge_ns)
			node->next_edge_ns = span->end_ns;
	}
}

static void
count_sample(int64_t t)
{
	for (size_t i = 0; i < s.count && s.spans[i].begin_ns <= t; i++)
		if (t < s.spans[i].end_ns)
			s.spans[i].samples++;
}

/* At an edge of the node: neighbours, edges and the sample, in this order. */
static void
cross(struct node *node, const struct feed_record *record)
{
	int64_t t = record->sample.timestamp_ns;
	bool needs_last, needs_this;

	step(node, t, &needs_last, &needs_this);
	begin_spans(t);
	if (s.sorted)
		end_spans(t);
	if (needs_last)
		release(node);
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
		node->wanted = is_wanted(s.names.names[record->sample.node]);
	}
	if (!node->wanted)
		return;
	note_extent(t);
	if (!s.resolved)
		resolve_span();
	if (t < node->last_ns)
		node->next_edge_ns = INT64_MIN; /* integrate complains */
	if (t >= node->next_edge_ns)
		cross(node, record);
	else if (node->inside)
		stream_line(record->line, record->length);
	else
		hold(node, record->line, record->length);
	if (node->inside)
		count_sample(t);
	node->last_ns = t;
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

/* A start event with only the nodes that are wanted; other bytes stay. */
static void
write_start(const struct feed_record *record, const struct event *event)
{
	const char *cursor = NULL, *behind;
	struct json_value element;
	char name[SAMPLE_NODE_MAX + 1];
	bool first = true;

	if (!s.only_nodes || event->nodes.kind != JSON_ARRAY) {
		stream_line(record->line, record->length);
		return;
	}
	behind = event->nodes.at + event->nodes.length;
	stream_wrote((char *)memcpy(stream_room(record->length + 2),
	    record->line, (size_t)(event->nodes.at - record->line)) +
	    (event->nodes.at - record->line));
	compose_begin('[');
	while (json_element(&event->nodes, &cursor, &element)) {
		if (json_string(&element, name, sizeof name) < 0 ||
		    !is_wanted(name))
			continue;
		compose_string(name);
		first = false;
	}
	(void)first;
	compose_end(']');
	stream_line(behind, (size_t)(record->line + record->length - behind));
}

static void
take_event(const struct feed_record *record)
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
	} else if (event.kind == EVENT_STOP) {
		s.stops++;
		stream_line(record->line, record->length);
	} else if (touches_span(&event)) {
		if (event.has_timestamp && s.resolved)
			begin_spans(event.timestamp_ns);
		stream_line(record->line, record->length);
	}
}

static void
take_record(void *state, const struct feed_record *record)
{
	(void)state;
	if (record->kind == SAMPLE_POWER)
		take_sample(record);
	else
		take_event(record);
}

static void
take_extent(void *state, const struct feed_record *record)
{
	(void)state;
	if (record->kind == SAMPLE_POWER &&
	    is_wanted(s.names.names[record->sample.node]))
		note_extent(record->sample.timestamp_ns);
}
