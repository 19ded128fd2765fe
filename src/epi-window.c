/* epi-window - the samples of one or many spans of time */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "compose.h"
#include "epi-window/seek.h"
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

enum { TAIL_BYTES = 64 * 1024 }; /* looked at for nodes, and for a stop */

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
	bool any;              /* samples were in it */
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
	char *stop_lines;
	size_t stop_length;
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

/* The sum, short of the INT64_MAX that stands for an open end. */
static int64_t
later(int64_t t, int64_t by_ns)
{
	return t < INT64_MAX - by_ns ? t + by_ns : INT64_MAX - 1;
}

static int64_t
resolve(const struct moment *moment, int64_t unset)
{
	switch (moment->from) {
	case AT:
		return moment->ns;
	case AFTER_FIRST:
		return later(s.first_ns, moment->ns);
	case BEFORE_LAST: /* records have no time before 1970 */
		return s.last_ns > moment->ns ? s.last_ns - moment->ns : 0;
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
	begin_ns = resolve(&s.from, s.first_ns);
	end_ns = s.for_ns > 0 ? later(begin_ns, s.for_ns)
	    : resolve(&s.to, INT64_MAX);
	if (end_ns <= begin_ns)
		report_fatal("the window ends before it begins");
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

/* The samples held of nodes that have not reached begin_ns. */
static void
release_before(int64_t begin_ns)
{
	for (unsigned n = 0; n < s.names.count; n++)
		if (node_at(n)->last_ns < begin_ns)
			release(&s.nodes[n]);
}

/* What begins up to t; whether all samples before t were seen. */
static void
begin_spans(int64_t t, bool all_seen)
{
	for (size_t i = 0; i < s.count && s.spans[i].begin_ns <= t; i++) {
		if (s.spans[i].begun)
			continue;
		if (all_seen)
			release_before(s.spans[i].begin_ns);
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
		struct span *span = &s.spans[i];

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
		node->inside = span->any = true;
		if (span->end_ns < node->next_edge_ns)
			node->next_edge_ns = span->end_ns;
	}
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
	begin_spans(t, s.sorted);
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
	node->last_ns = t;
}

/* A lost event of a node that is left out, for instance. */
static bool
is_of_other(const struct event *event)
{
	char name[SAMPLE_NODE_MAX + 1];

	return s.only_nodes &&
	    json_string(&event->node, name, sizeof name) >= 0 &&
	    !is_wanted(name);
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
		    !is_wanted(name))
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
		keep_stop(record->line, record->length);
	} else if (touches_span(&event) && !is_of_other(&event)) {
		if (event.has_timestamp)
			begin_spans(event.timestamp_ns, false);
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

/* Standard input that is no file is copied into one that has no name, so that
 * it can be read again. */
static void
spool(void)
{
	struct stream in;
	struct block block;
	FILE *file = tmpfile();

	if (!file)
		report_fatal("temporary file: %s", strerror(errno));
	stream_attach(&in, STDIN_FILENO, "standard input");
	while (stream_next(&in, &block))
		if (fwrite(block.at, 1, (size_t)(block.end - block.at),
		    file) != (size_t)(block.end - block.at))
			break;
	if (fflush(file) == EOF || ferror(file) ||
	    dup2(fileno(file), STDIN_FILENO) < 0)
		report_fatal("temporary file: %s", strerror(errno));
	fclose(file);
	free(in.buffer);
}

/* What is malformed is left for the second reading to tell. */
static void
read_extent(int fd, const char *name)
{
	struct sample_reader reader = { .nodes = &s.names };
	struct sample sample;
	enum sample_kind kind;
	struct stream in;
	struct block block;

	stream_attach(&in, fd, name);
	while (stream_next(&in, &block))
		while ((kind = sample_next(&reader, &block, &sample)) !=
		    SAMPLE_END)
			if (kind == SAMPLE_POWER &&
			    is_wanted(s.names.names[sample.node]))
				note_extent(sample.timestamp_ns);
	sample_forget(&reader);
	free(in.buffer);
}

static void
extent_of_standard_input(void)
{
	struct stat status;
	off_t at;

	if (fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode)) {
		spool();
		at = lseek(STDIN_FILENO, 0, SEEK_SET);
	} else {
		at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	}
	if (at >= 0)
		read_extent(STDIN_FILENO, "standard input");
	if (at < 0 || lseek(STDIN_FILENO, at, SEEK_SET) < 0)
		report_fatal("standard input: %s", strerror(errno));
}

static void
extent_of_file(const char *name)
{
	struct stat status;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) < 0 || S_ISDIR(status.st_mode))
		goto out; /* the second reading complains */
	if (!S_ISREG(status.st_mode))
		report_fatal("%s: -D wants to read it twice; give it on "
		    "standard input", name);
	read_extent(fd, name);
out:
	if (fd >= 0)
		close(fd);
}

/* -D counts from the last sample: the input is read twice. */
static void
find_extent(char **operands)
{
	stream_signals();
	if (!*operands)
		extent_of_standard_input();
	for (; *operands; operands++)
		if (strcmp(*operands, "-") == 0)
			extent_of_standard_input();
		else
			extent_of_file(*operands);
}

/* The name of a span: its record's label, or its id. */
static char *
label_of(const struct feed_record *record, const struct event *event)
{
	static const char *const key = "id";
	struct json_value value = event->label;
	struct json_error error;
	char *label;

	if (value.kind != JSON_STRING &&
	    (!json_members(record->line, record->length, &key, 1, &value,
	    &error) || value.kind != JSON_STRING))
		return NULL;
	label = report_resize(NULL, value.length + 1, 1);
	json_string(&value, label, value.length + 1);
	return label;
}

static bool
same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void
take_begin_and_end(const struct feed_record *record, int64_t begin_ns,
    int64_t end_ns, char *label)
{
	if (end_ns > begin_ns) {
		push_span(&s.spans, &s.count, &s.room, label, begin_ns,
		    end_ns);
		return;
	}
	report_malformed(record->file, record->line_number,
	    "\"%s\" ends before it begins", label ? label : "");
	free(label);
}

/* The begin that is open under this label, the innermost; NULL: none. */
static struct span *
open_mark(const char *label)
{
	for (size_t i = s.mark_count; i-- > 0;)
		if (same(s.marks[i].label, label))
			return &s.marks[i];
	return NULL;
}

/* A mark, or a span event whose begin edge did not know the end. */
static void
take_edge(const struct feed_record *record, const struct event *event,
    char *label)
{
	struct span *mark = open_mark(label);
	int64_t begin_ns;

	if (event->has_timestamp && !event->edge_is_end) {
		push_span(&s.marks, &s.mark_count, &s.mark_room, label,
		    event->timestamp_ns, INT64_MAX);
		return;
	}
	if (!event->has_timestamp || !mark) {
		report_malformed(record->file, record->line_number,
		    event->has_timestamp ? "the end of \"%s\" has no begin"
		    : "a mark of \"%s\" without timestamp",
		    label ? label : "");
		free(label);
		return;
	}
	begin_ns = mark->begin_ns;
	free(mark->label);
	s.mark_count--;
	memmove(mark, mark + 1,
	    (size_t)(s.marks + s.mark_count - mark) * sizeof *mark);
	take_begin_and_end(record, begin_ns, event->timestamp_ns, label);
}

static void
take_span(void *state, const struct feed_record *record)
{
	struct event event;
	const char *why;
	char *label;
	bool both, edge;

	(void)state;
	if (record->kind == SAMPLE_POWER)
		return;
	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	both = event.has_begin && event.has_end;
	edge = event.kind == EVENT_MARK || event.kind == EVENT_SPAN;
	if (event.kind == EVENT_OTHER ? !both : !edge)
		return;
	label = label_of(record, &event);
	if (s.label && !same(label, s.label))
		free(label);
	else if (!both || (edge && event.edge_is_end && open_mark(label)))
		take_edge(record, &event, label);
	else if (edge && event.edge_is_end)
		free(label); /* the begin edge told it */
	else
		take_begin_and_end(record, event.begin_ns, event.end_ns,
		    label);
}

static int
by_begin(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

static void
load_spans(void)
{
	char *operands[] = { (char *)(uintptr_t)s.span_file, NULL };
	struct sample_nodes names = { 0 }; /* they say nothing of the stream */

	feed_records(operands, &names, take_span, NULL);
	for (unsigned i = 0; i < names.count; i++)
		free(names.names[i]);
	free(names.names);
	for (size_t i = 0; i < s.mark_count; i++)
		report_error("%s: the begin of \"%s\" has no end",
		    s.span_file, s.marks[i].label ? s.marks[i].label : "");
	if (s.count == 0)
		report_fatal("%s: no span%s%s", s.span_file,
		    s.label ? " named " : "", s.label ? s.label : "");
	qsort(s.spans, s.count, sizeof *s.spans, by_begin);
	s.resolved = true;
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

static bool
reached(const struct span *span)
{
	if (s.stops >= s.starts)
		return true;
	for (unsigned i = 0; i < s.names.count; i++)
		if (s.nodes[i].wanted && s.nodes[i].last_ns < span->end_ns)
			return false;
	return true;
}

static void
check_nodes(void)
{
	for (char **only = s.only_nodes; only && *only; only++) {
		unsigned i = sample_node(&s.names, *only, strlen(*only));

		if (!node_at(i)->seen)
			report_error("no sample of node %s", *only);
	}
}

/* What could only be told at the end: spans past the last sample, nodes that
 * fell silent before a span, ends, and the stop events. */
static void
finish(void)
{
	check_nodes();
	if (!s.any) {
		report_error("no samples");
	} else {
		if (s.count)
			release_before(s.spans[s.count - 1].begin_ns);
		begin_spans(INT64_MAX, false);
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

static bool
is_wanted_name(const char *name)
{
	return is_wanted(name);
}

/* Of the records behind the span only the end marks are of interest. */
static void
take_stop(void *state, const struct feed_record *record)
{
	struct event event;
	const char *why;

	(void)state;
	if (record->kind == SAMPLE_TYPED &&
	    event_read(record->line, record->length, &event, &why) &&
	    event.kind == EVENT_STOP)
		take_event(record);
}

/* The lines of the spans' hull, [begin_at, end_at), of which the middle of a
 * single span is copied unread. */
static bool
take_hull(const char *file, const struct seek *seek, int64_t begin_at,
    int64_t end_at)
{
	int64_t tail_at = stream_line_at(seek->fd, seek->size - TAIL_BYTES);
	int64_t copied_to = end_at < tail_at ? end_at : tail_at;

	if (s.count == 1 && !s.only_nodes && begin_at < copied_to) {
		begin_spans(s.spans[0].begin_ns, true);
		s.spans[0].any = true;
		if (!seek_copy(seek, begin_at, copied_to)) {
			report_error("%s: %s", file, strerror(errno));
			return false;
		}
		begin_at = copied_to;
	}
	return feed_range(file, file, begin_at, end_at, &s.names, take_record,
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

static void
take_places(const char *file, const struct seek *seek, int64_t begin_at,
    int64_t end_at)
{
	int64_t back_at, forward_at, tail_at;

	seek_names(seek, seek->first_at, stream_line_at(seek->fd,
	    seek->first_at + TAIL_BYTES));
	seek_names(seek, stream_line_at(seek->fd, begin_at > TAIL_BYTES
	    ? begin_at - TAIL_BYTES : 0), begin_at);
	back_at = seek_back(seek, begin_at, is_wanted_name);
	forward_at = seek_forward(seek, end_at, is_wanted_name);
	tail_at = stream_line_at(seek->fd, seek->size - TAIL_BYTES);
	if (tail_at < forward_at)
		tail_at = forward_at;
	if (!feed_range(file, file, 0, seek->first_at, &s.names, take_record,
	    NULL) ||
	    !feed_range(file, file, back_at, begin_at, &s.names, take_record,
	    NULL) ||
	    !take_hull(file, seek, begin_at, end_at) ||
	    !feed_range(file, file, end_at, forward_at, &s.names, take_record,
	    NULL) ||
	    !feed_range(file, file, tail_at, seek->size, &s.names, take_stop,
	    NULL))
		s.starts++; /* not all was read: no stop makes up for it */
}

/* --sorted on a file: what lies outside the spans is not read.  False: it must
 * be. */
static bool
take_sorted(const char *file)
{
	bool absolute = s.span_file || (s.from.from == AT &&
	    (s.to.from == AT || s.for_ns > 0));
	int64_t begin_at, end_at;
	struct seek seek;

	if (s.only_nodes && !absolute)
		return false; /* times from the first or last sample of these */
	if (!seek_open(&seek, file, &s.names))
		return false;
	note_extent(seek.first_ns);
	note_extent(seek.last_ns);
	if (!s.resolved)
		resolve_span();
	begin_at = seek_time(&seek, s.spans[0].begin_ns);
	end_at = seek_time(&seek, last_end());
	if (seek.unsorted)
		report_warning("%s: not in the order of time; all of it is "
		    "read", file);
	else
		take_places(file, &seek, begin_at, end_at);
	s.sorted = !seek.unsorted;
	close(seek.fd);
	return !seek.unsorted;
}

static struct moment
read_moment(const char *name, const char *text)
{
	if (*text == '+')
		return (struct moment){ AFTER_FIRST,
			strcmp(text, "+0") == 0 ? 0
			: option_duration(name, text + 1) };
	if (*text == '-')
		return (struct moment){ BEFORE_LAST,
			option_duration(name, text + 1) };
	return (struct moment){ AT, option_time(name, text) };
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case OPTION_FOR:
		s.for_ns = option_duration("--for", argument);
		break;
	case OPTION_FROM:
		s.from = read_moment("--from", argument);
		break;
	case OPTION_LABEL:
		s.label = argument;
		break;
	case OPTION_NODES:
		s.only_nodes = option_list("--nodes", argument);
		break;
	case OPTION_ONLY:
		s.only = true;
		break;
	case OPTION_SORTED:
		s.sorted = true;
		break;
	case OPTION_SPAN:
		s.span_file = argument;
		break;
	case OPTION_TO:
		s.to = read_moment("--to", argument);
		break;
	}
}

static void
check_options(void)
{
	bool bounded = s.from.from != UNSET || s.to.from != UNSET ||
	    s.for_ns > 0;

	if (s.span_file && bounded)
		report_usage("--span and --from, --to or --for: choose one");
	if (s.for_ns > 0 && s.to.from != UNSET)
		report_usage("--to and --for: choose one");
	if (!s.span_file && !bounded)
		report_usage("no window: give --from, --to, --for or --span");
	if (s.from.from != UNSET && s.from.from == s.to.from &&
	    (s.from.from == BEFORE_LAST ? s.to.ns >= s.from.ns
	    : s.to.ns <= s.from.ns))
		report_usage("the window ends before it begins");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, OPTION_FOR },
		{ "from", required_argument, NULL, OPTION_FROM },
		{ "label", required_argument, NULL, OPTION_LABEL },
		{ "nodes", required_argument, NULL, OPTION_NODES },
		{ "only", no_argument, NULL, OPTION_ONLY },
		{ "sorted", no_argument, NULL, OPTION_SORTED },
		{ "span", required_argument, NULL, OPTION_SPAN },
		{ "to", required_argument, NULL, OPTION_TO },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-window", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	check_options();
	if (s.span_file)
		load_spans();
	if (s.sorted && operands[0] && !operands[1] && take_sorted(*operands)) {
		finish();
		return stream_finish();
	}
	if (s.span_file || s.resolved)
		;
	else if (s.from.from == BEFORE_LAST || s.to.from == BEFORE_LAST)
		find_extent(operands);
	else if (s.from.from == AT && s.to.from != AFTER_FIRST)
		resolve_span(); /* nothing hangs on the first sample */
	feed_records(operands, &s.names, take_record, NULL);
	finish();
	return stream_finish();
}
