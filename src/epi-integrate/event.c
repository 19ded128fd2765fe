/* The records that are no samples. */
#include <stdlib.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "event.h"
#include "json.h"
#include "report.h"

static unsigned
channel_number(const struct json_value *value)
{
	int64_t number;

	return json_integer(value, &number) && number > 0 && number < 1000
	    ? (unsigned)number : 0;
}

/* The next name that a start event announces, and its channel (0: not told);
 * false at the end. */
struct announced {
	const char *node_at, *channel_at;
	char name[SAMPLE_NODE_MAX + 1];
	long length;
	unsigned channel;
};

static bool
next_announced(const struct event *event, struct announced *next)
{
	struct json_value element, number = { 0 };

	do {
		if (!json_element(&event->nodes, &next->node_at, &element))
			return false;
		if (!json_element(&event->channels, &next->channel_at,
		    &number))
			number.kind = JSON_ABSENT;
		next->length = json_string(&element, next->name,
		    sizeof next->name);
	} while (next->length <= 0);
	next->channel = channel_number(&number);
	return true;
}

/* Each node belongs to one instrument. */
static void
join_instrument(struct node *node, const struct announced *next,
    const char *id, struct instrument *instrument)
{
	if (node->instrument_id && *id &&
	    strcmp(node->instrument_id, id) != 0 && !s.looks)
		report_malformed(s.file, s.line, "node %s comes from "
		    "two instruments, %s and %s", next->name,
		    node->instrument_id, id);
	if (!node->instrument_id && *id)
		node->instrument_id = report_copy(id, strlen(id));
	node->instrument = instrument;
	node->channel = next->channel;
	node->restarted |= !s.looks;
}

/* Names that a start event announces; without an instrument only what the
 * readings of nodes want that have not been settled. */
static void
announce_nodes(const struct event *event, struct instrument *instrument)
{
	struct announced next = { 0 };
	char id[SAMPLE_NODE_MAX + 1] = "";
	double rate_hz = 0;
	int64_t delay_ns;

	json_string(&event->instrument_id, id, sizeof id);
	json_double(&event->rate_hz, &rate_hz);
	while (next_announced(event, &next)) {
		struct node *node = node_known(sample_node(&s.names, next.name,
		    (size_t)next.length));

		if (instrument)
			join_instrument(node, &next, id, instrument);
		else if (node->settled)
			continue;
		if (rate_hz >= 1e-6 && rate_hz < 1e6) {
			node->period_ns = (int64_t)(1e9 / rate_hz + 0.5);
			node->rerated |= !s.looks;
		}
		json_decimal(&event->joules_wrap, 6, &node->wrap_uj);
		json_decimal(&event->joules_resolution, 6,
		    &node->resolution_uj);
		if (!node->seen && !node->settled && json_decimal(&event->delay_seconds, 9,
		    &delay_ns) && delay_ns >= 0)
			node->energy.delay_ns = delay_ns;
		node->energy.gap_limit_ns = node_gap_limit(node);
		node->energy.wrap_uj = node->wrap_uj;
	}
}

void
event_foresee(const struct event *event)
{
	announce_nodes(event, NULL);
}

void
event_attach(const char *line, size_t length, const struct event *event)
{
	struct instrument *instrument = instrument_announce(line, length,
	    event);
	struct announced next = { 0 };

	while (next_announced(event, &next))
		for (unsigned i = 0; i < s.names.count; i++)
			if (strcmp(s.names.names[i], next.name) == 0) {
				node_at(i)->instrument = instrument;
				node_at(i)->channel = next.channel;
			}
}

/* JSON kept as it is; where two instruments differ, none is named. */
static void
keep_raw(char **kept, const char *line, size_t length, const char *key)
{
	struct json_value value;
	struct json_error error;
	size_t quotes;
	char *text;

	if (!json_members(line, length, &key, 1, &value, &error) ||
	    value.kind == JSON_ABSENT)
		return;
	quotes = value.kind == JSON_STRING;
	text = report_copy(value.at - quotes, value.length + 2 * quotes);
	if (*kept && strcmp(*kept, text) != 0) {
		free(text);
		text = report_copy("null", 4);
	}
	free(*kept);
	*kept = text;
}

void
event_keep_origin(const char *line, size_t length)
{
	keep_raw(&s.instrument, line, length, "instrument");
	keep_raw(&s.firmware, line, length, "firmware");
	keep_raw(&s.calibration, line, length, "calibration");
}

static void
announce(const char *line, size_t length, const struct event *event)
{
	s.simulated |= event->simulated;
	if (!s.looks)
		event_keep_origin(line, length);
	announce_nodes(event, instrument_announce(line, length, event));
}

void
event_learn(const char *line, size_t length, const struct event *event)
{
	if (event->kind == EVENT_START)
		announce(line, length, event);
	else if (event->kind == EVENT_CLOCK)
		instrument_clock(line, length);
	else if (event->kind == EVENT_OTHER &&
	    json_is(&event->type, "calibration"))
		instrument_calibrate(line, length);
}

/* The same, of nodes that are under way. */
static void
learn_now(const struct feed_record *record, const struct event *event)
{
	event_learn(record->line, record->length, event);
	for (unsigned i = 0; i < s.names.count; i++)
		node_heed(node_at(i));
}

static void
take_start(const struct feed_record *record, const struct event *event)
{
	s.starts++;
	if (event->has_timestamp &&
	    (s.start_ns < 0 || event->timestamp_ns < s.start_ns))
		s.start_ns = event->timestamp_ns;
	learn_now(record, event);
}

static bool
same_label(const char *own, const struct json_value *label)
{
	if (!own)
		return label->kind != JSON_STRING;
	return json_is(label, own);
}

static void
drop_spans(void)
{
	for (size_t i = 0; i < s.span_count; i++) {
		free(s.spans[i].label);
		free(s.spans[i].parts);
	}
	span_forget(s.span_count);
}

/* Whether a span event tells times that a span can have; says it if not. */
static bool
has_times(const struct event *event)
{
	bool is_told = event->has_timestamp || (event->edge_is_end
	    ? event->has_end : event->has_begin);

	if (!is_told)
		report_malformed(s.file, s.line, "a span event without a time");
	else if (event->has_begin && event->has_end &&
	    event->end_ns < event->begin_ns)
		report_malformed(s.file, s.line,
		    "a span that ends before it begins");
	else
		return true;
	return false;
}

static void
begin_span(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	int64_t end_ns = event->has_end ? event->end_ns : INT64_MAX;
	char *label = NULL;
	long length = -1;

	if (!s.has_spans) {
		s.has_spans = s.opened = true;
		s.series = false;
		s.series_next_ns = INT64_MAX;
		drop_spans();
	}
	if (event->label.kind == JSON_STRING) {
		label = report_resize(NULL, event->label.length + 1, 1);
		length = json_string(&event->label, label,
		    event->label.length + 1);
	}
	if (s.every_ns == 0) {
		span_add(length >= 0 ? label : NULL, (size_t)length, begin_ns,
		    end_ns);
		free(label);
		return;
	}
	if (s.series && begin_ns < s.series_end_ns)
		report_malformed(s.file, s.line,
		    "--every cannot divide spans that overlap");
	free(s.series_label);
	s.series = s.series_open = true;
	s.series_label = label;
	s.series_next_ns = begin_ns;
	s.series_end_ns = end_ns;
	span_changed();
}

static void
end_span(const struct event *event)
{
	int64_t end_ns = event->has_end ? event->end_ns : event->timestamp_ns;

	if (s.every_ns > 0) {
		if (s.series_open && same_label(s.series_label, &event->label))
			span_end_series(end_ns);
		return;
	}
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];

		if (span->closed || !same_label(span->label, &event->label) ||
		    (event->has_begin && event->begin_ns != span->begin_ns))
			continue;
		span->closed = true;
		if (span->end_ns == INT64_MAX) {
			span->end_ns = end_ns;
			span_changed();
		}
		emit_passed();
		return;
	}
}

bool
event_loser(const struct event *event, unsigned *node)
{
	char name[SAMPLE_NODE_MAX + 1];
	long length = json_string(&event->node, name, sizeof name);

	if (length <= 0)
		return false;
	*node = sample_node(&s.names, name, (size_t)length);
	node_known(*node);
	return true;
}

/* Samples that were lost, by one node or, with no name, by all: also by one that
 * is not known yet. */
struct loss {
	int64_t begin_ns, end_ns, count;
	unsigned node;
	bool is_of_one;
};

/* Those that sets of --every may have yet to count. */
static struct {
	struct loss *list;
	size_t count, room;
} losses;

static void
keep_loss(const struct loss *loss)
{
	if (losses.count == losses.room) {
		losses.room = losses.room ? losses.room * 2 : 8;
		losses.list = report_resize(losses.list, losses.room,
		    sizeof *losses.list);
	}
	losses.list[losses.count++] = *loss;
}

/* They count in every span that their time touches. */
static void
lose(struct span *span, const struct loss *loss)
{
	if (loss->begin_ns >= span->end_ns || loss->end_ns < span->begin_ns)
		return;
	if (loss->is_of_one)
		span_part(span, loss->node)->lost += loss->count;
	else
		span->lost += loss->count;
}

void
event_lose_again(struct span *span)
{
	size_t kept = 0;

	for (size_t i = 0; i < losses.count; i++) {
		lose(span, &losses.list[i]);
		if (losses.list[i].end_ns >= span->end_ns)
			losses.list[kept++] = losses.list[i];
	}
	losses.count = kept;
}

static void
take_lost(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	struct loss loss = {
		.begin_ns = begin_ns,
		.end_ns = event->has_end ? event->end_ns : begin_ns,
		.count = event->count > 0 ? event->count : 0
	};

	loss.is_of_one = event_loser(event, &loss.node);
	if (s.every_ns > 0)
		keep_loss(&loss);
	else if (!s.opened && event->has_timestamp)
		span_open_whole(event->timestamp_ns);
	for (size_t i = 0; i < s.span_count; i++)
		lose(&s.spans[i], &loss);
}

static void
reset_node(struct node *node)
{
	if (node->waits)
		node->waiting[node->waits - 1].before_reset = true;
	else if (!node->seen)
		node->reset_first = true;
	node->energy.last.has_joules = false;
}

/* A node that is not known may have readings in the part before. */
static void
reset_unknown(const char *name, size_t length)
{
	size_t count = 0;

	while (s.resets && s.resets[count])
		count++;
	s.resets = report_resize(s.resets, count + 2, sizeof *s.resets);
	s.resets[count] = report_copy(name, length);
	s.resets[count + 1] = NULL;
}

/* After a reset the counter starts anew, even where it reads higher. */
static void
take_reset(const struct event *event)
{
	char name[SAMPLE_NODE_MAX + 1];
	long length = json_string(&event->node, name, sizeof name);
	bool known = false;

	for (unsigned i = 0; i < s.names.count; i++) {
		if (length > 0 && strcmp(s.names.names[i], name) != 0)
			continue;
		reset_node(node_at(i));
		known = true;
	}
	if (length > 0 && !known)
		reset_unknown(name, (size_t)length);
	else if (length <= 0 && s.names.count < s.reset_known)
		s.reset_known = s.names.count;
}

void
event_take(const struct feed_record *record)
{
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (s.from_ns == INT64_MAX && event.has_timestamp)
		s.from_ns = event.timestamp_ns;
	switch (event.kind) {
	case EVENT_START:
		take_start(record, &event);
		break;
	case EVENT_STOP:
		s.stops++;
		if (event.has_timestamp && event.timestamp_ns > s.stop_ns)
			s.stop_ns = event.timestamp_ns;
		break;
	case EVENT_DISCONNECT:
		s.away++;
		break;
	case EVENT_RECONNECT:
		s.away--;
		break;
	case EVENT_LOST:
		take_lost(&event);
		break;
	case EVENT_RESET:
		take_reset(&event);
		break;
	case EVENT_SPAN:
		if (!has_times(&event))
			break;
		if (event.edge_is_end)
			end_span(&event);
		else
			begin_span(&event);
		break;
	default:
		learn_now(record, &event);
		break;
	}
}
