/* The energy of a part of a stream, in a form that adds up: --partial and
 * --merge.  What a cut takes away is the interval across it, so a part tells
 * each node's first and last reading; the merge puts the intervals back, under
 * the same rules, and then stands where one pass over all would stand. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compose.h"
#include "epi-integrate/integrate.h"
#include "json.h"
#include "report.h"
#include "stream.h"
#include "write.h"

enum { HEAD_BYTES = 4 << 20 }; /* of a file, that tell its nodes' periods */

/* ---- a part is read */

/* One sample of the file's head: another interval of its node, until its period
 * is known. */
static void
learn_sample(const struct sample *sample)
{
	struct node *node = node_known(sample->node);

	if (!node->wanted || node->settled ||
	    (sample->watts_nw < 0 && s.negative != KEEP) ||
	    (node->waits && sample->timestamp_ns <=
	    node->waiting[node->waits - 1].point.time_ns))
		return;
	node->waiting[node->waits++].point.time_ns = sample->timestamp_ns;
	node->settled = node->period_ns > 0 || node->waits > INTERVALS;
}

/* One event of the head: of instruments, or of a node that has lost samples.
 * Behind the part's begin it tells the first readings alone. */
static void
learn_event(const char *line, size_t length, bool is_ahead)
{
	struct event event;
	const char *why;
	unsigned node;

	if (!event_read(line, length, &event, &why))
		return;
	if (event.kind == EVENT_LOST)
		event_loser(&event, &node);
	else if (!is_ahead)
		event_learn(line, length, &event);
	else if (event.kind == EVENT_START)
		event_foresee(&event);
}

/* The periods, where the head tells enough of them or is the whole file. */
static void
learn_periods(bool is_whole)
{
	for (unsigned i = 0; i < s.names.count; i++) {
		struct node *node = node_known(i);

		if (node->period_ns == 0 &&
		    (is_whole || node->waits > INTERVALS))
			node->period_ns = node_median(node);
		node->waits = 0;
		node->begin_period_ns = node->period_ns;
		node->begin_wrap_uj = node->wrap_uj;
	}
}

static bool
learn_range(const char *file, int64_t from, int64_t to, bool is_ahead)
{
	struct sample_reader reader = { .nodes = &s.names };
	struct sample sample;
	struct stream in;
	struct block block;
	enum sample_kind kind;

	if (from >= to)
		return true;
	if (!stream_open(&in, file))
		return false;
	stream_range(&in, from, to);
	while (stream_next(&in, &block))
		while ((kind = sample_next(&reader, &block, &sample)) !=
		    SAMPLE_END) {
			if (kind == SAMPLE_POWER)
				learn_sample(&sample);
			else if (kind == SAMPLE_TYPED)
				learn_event(reader.line, reader.length,
				    is_ahead);
		}
	sample_forget(&reader);
	stream_close(&in);
	return !in.failed;
}

/* Every part reads the head of the file for what it says of all parts: what was
 * told before the part holds in it, and what comes later tells the periods that
 * it has waited for.  What is wrong there is told by the part that it belongs
 * to. */
static bool
learn_head(const char *file, int64_t size, int64_t head, int64_t from)
{
	bool is_read;

	s.looks = true;
	is_read = learn_range(file, 0, from < head ? from : head, false) &&
	    learn_range(file, from, head, true);
	s.looks = false;
	s.head_is_whole = head >= size;
	learn_periods(s.head_is_whole);
	return is_read;
}

/* Where the lines of a part begin and end, as split(1) -n l/K/N cuts, and where
 * those of the head end. */
static bool
find_part(const struct cut *cut, const char *file, int64_t *size,
    int64_t *head, int64_t *from, int64_t *to)
{
	struct stat status;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &status) < 0) {
		report_error("%s: %s", file, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		report_error("%s: --part wants a file", file);
		close(fd);
		return false;
	}
	*size = status.st_size;
	*from = stream_line_at(fd, *size / cut->parts * (cut->part - 1));
	*to = cut->part == cut->parts ? *size
	    : stream_line_at(fd, *size / cut->parts * cut->part);
	*head = stream_line_at(fd, HEAD_BYTES);
	if (*from < 0 || *to < 0 || *head < 0)
		report_error("%s: %s", file, strerror(errno));
	close(fd);
	return *from >= 0 && *to >= 0 && *head >= 0;
}

bool
partial_read(const struct cut *cut, const char *file, feed_take *take)
{
	static char *name; /* kept for messages */
	int64_t size, head, from, to;
	size_t room = strlen(file) + 64;

	if (!find_part(cut, file, &size, &head, &from, &to) ||
	    !learn_head(file, size, head, from))
		return false;
	name = report_resize(name, room, 1);
	snprintf(name, room, "%s part %lld/%lld", file, (long long)cut->part,
	    (long long)cut->parts);
	s.unread = !feed_range(file, name, from, to, &s.names, take, NULL);
	return true;
}

/* ---- a part is written */

static void
compose_units(const char *key, energy_units units)
{
	char text[48];

	compose_key(key);
	compose_span(text, (size_t)(write_decimal(text, units, 0, 0) - text));
}

static void
compose_whole(const char *key, int64_t value)
{
	compose_key(key);
	compose_integer(value);
}

static void
compose_reading(const char *key, const struct energy_reading *reading)
{
	compose_key(key);
	compose_begin('[');
	compose_integer(reading->point.time_ns);
	compose_integer(reading->point.watts_nw);
	if (reading->has_joules)
		compose_integer(reading->joules_uj);
	else
		compose_null();
	compose_bool(reading->after_gap);
	if (reading->has_vars)
		compose_integer(reading->vars_uvar);
	else
		compose_null();
	compose_end(']');
}

static void
compose_tick(const char *key, const struct tick *tick)
{
	char text[48];

	compose_key(key);
	compose_begin('[');
	compose_integer(tick->time_ns);
	compose_span(text, (size_t)(write_decimal(text, tick->sum_nw, 0, 0) -
	    text));
	compose_integer(tick->nodes);
	compose_end(']');
}

static void
compose_tally(const struct energy_tally *tally)
{
	compose_units("trapezoid", tally->trapezoid);
	compose_units("hold", tally->hold);
	compose_units("counter", tally->counter);
	compose_whole("counter_uj", tally->counter_uj);
	compose_units("watts_sum", tally->watts_sum);
	compose_whole("samples", tally->samples);
	compose_whole("negative", tally->negative);
	compose_whole("uncounted", tally->uncounted);
	compose_whole("resets", tally->resets);
	compose_whole("gap_ns", tally->gap_ns);
	compose_units("variation", tally->variation);
	compose_whole("differences", tally->differences);
	compose_units("reactive", tally->reactive);
	compose_whole("reactive_ns", tally->reactive_ns);
}

static void
compose_node(const struct node *node, unsigned index, const struct part *part)
{
	compose_begin('{');
	compose_key("node");
	compose_string(s.names.names[index]);
	if (node->instrument_id) {
		compose_key("instrument_id");
		compose_string(node->instrument_id);
	}
	compose_whole("period_ns", node->period_ns);
	compose_whole("wrap_uj", node->wrap_uj);
	compose_whole("resolution_uj", node->resolution_uj);
	compose_whole("delay_ns", node->energy.delay_ns);
	compose_whole("restarted", node->restarted);
	compose_whole("rerated", node->rerated);
	compose_whole("begin_period_ns", node->begin_period_ns);
	compose_whole("begin_wrap_uj", node->begin_wrap_uj);
	compose_whole("lost", part->lost);
	compose_whole("duplicates", node->duplicates);
	compose_whole("gap_next", node->gap_next);
	compose_whole("reset_first", node->reset_first ||
	    index >= s.reset_known);
	if (node->seen) {
		compose_whole("first_period_ns", node->first_period_ns);
		compose_whole("first_wrap_uj", node->first_wrap_uj);
		compose_reading("first", &node->first);
		compose_reading("last", &node->energy.last);
		if (node->energy.has_before) {
			compose_reading("before", &node->energy.before);
			compose_units("lead", node->energy.lead);
			compose_whole("lead_is_short",
			    node->energy.lead_is_short);
		}
		compose_whole("step_uj", node->energy.step_uj);
		compose_whole("peak_nw", part->peak_nw);
		compose_whole("low_nw", part->low_nw);
		compose_tally(&node->energy.at_last);
	}
	compose_end('}');
}

static void
compose_stream(const struct span *whole)
{
	compose_whole("starts", (int64_t)s.starts);
	compose_whole("stops", (int64_t)s.stops);
	compose_whole("away", s.away);
	compose_whole("from_ns", s.from_ns);
	compose_whole("start_ns", s.start_ns);
	compose_whole("stop_ns", s.stop_ns);
	compose_whole("lost", whole->lost);
	compose_key("resets");
	compose_begin('[');
	for (char **name = s.resets; name && *name; name++)
		compose_string(*name);
	compose_end(']');
	compose_whole("reset_others", s.reset_known < UINT_MAX);
	compose_whole("malformed", (int64_t)report_malformed_count());
	compose_key("unread");
	compose_bool(s.unread);
	compose_key("simulated");
	compose_bool(s.simulated);
	emit_origin();
	compose_key("announced");
	compose_begin('[');
	instrument_compose();
	compose_end(']');
	compose_whole("tick_count", (int64_t)s.tick_count);
	if (s.tick_count > 0) {
		const struct tick best = { 0, whole->tick_nw,
			whole->tick_nodes };
		const struct tick last = { s.tick.time_ns, s.tick.sum_nw,
			s.tick.nodes };

		compose_tick("first_tick", &s.first_tick);
		compose_tick("last_tick", &last);
		compose_tick("best_tick", &best);
	}
}

/* Parts judge gaps alike only where they know the same periods. */
static void
check_periods(void)
{
	for (unsigned i = 0; i < s.names.count; i++)
		if (s.nodes[i].waits && s.nodes[i].period_ns == 0)
			report_fatal("node %s has no nominal rate in the "
			    "first %d MiB; give --rate", s.names.names[i],
			    HEAD_BYTES >> 20);
}

void
partial_write(const struct cut *cut)
{
	struct span *whole;

	if (s.has_spans)
		report_fatal("--partial cannot take a stream with spans");
	if (cut->parts > 0 && !s.head_is_whole)
		check_periods();
	for (unsigned i = 0; i < s.names.count; i++)
		node_settle(node_known(i), i);
	tick_fold();
	if (s.span_count == 0)
		span_open_whole(0);
	whole = &s.spans[0];
	compose_open();
	compose_key("type");
	compose_string("partial");
	compose_whole("part", cut->part);
	compose_whole("parts", cut->parts);
	compose_stream(whole);
	compose_key("nodes");
	compose_begin('[');
	for (unsigned i = 0; i < s.names.count; i++) {
		if (!s.nodes[i].wanted)
			continue;
		figure_end_part(&s.nodes[i], span_part(whole, i), whole);
		compose_node(&s.nodes[i], i, span_part(whole, i));
	}
	compose_end(']');
	compose_close();
}

/* ---- parts are merged */

/* A partial record: its line, and what puts it in order. */
struct piece {
	char *line;
	size_t length;
	const char *file;
	uint64_t line_number;
	int64_t part, parts, first_ns;
};

static struct {
	struct piece *list;
	size_t count, room;
	struct tick carried;  /* the last tick so far, perhaps not whole */
	struct tick doubled;  /* samples that the part before has too */
	const struct piece *now;
	struct sample_nodes strays; /* names of samples among the records */
} merge;

_Noreturn static void
refuse(const struct piece *piece, const char *why)
{
	report_fatal("%s:%llu: %s", piece->file,
	    (unsigned long long)piece->line_number, why);
}

/* A member of an object of the record; the record is not ours without it. */
static struct json_value
member(const char *text, size_t length, const char *key)
{
	struct json_value value;
	struct json_error error;

	if (!json_members(text, length, &key, 1, &value, &error) ||
	    value.kind == JSON_ABSENT)
		report_fatal("%s:%llu: a partial record without \"%s\"",
		    merge.now->file,
		    (unsigned long long)merge.now->line_number, key);
	return value;
}

static int64_t
integer_of(const struct json_value *value)
{
	int64_t integer;

	if (!json_integer(value, &integer))
		refuse(merge.now, "a partial record with a wrong number");
	return integer;
}

static int64_t
integer(const struct json_value *object, const char *key)
{
	struct json_value value = member(object->at, object->length, key);

	return integer_of(&value);
}

/* A 128-bit sum: a string of decimal digits. */
static energy_units
units_of(const struct json_value *value)
{
	const char *at = value->at, *end = at + value->length;
	bool negative = value->kind == JSON_STRING && at < end && *at == '-';
	energy_units units = 0;

	at += negative;
	if (value->kind != JSON_STRING || at == end || end - at > 38)
		refuse(merge.now, "a partial record with a wrong sum");
	for (; at < end; at++) {
		if (*at < '0' || *at > '9')
			refuse(merge.now, "a partial record with a wrong sum");
		units = units * 10 + (*at - '0');
	}
	return negative ? -units : units;
}

static energy_units
units(const struct json_value *object, const char *key)
{
	struct json_value value = member(object->at, object->length, key);

	return units_of(&value);
}

static struct json_value
next_of(const struct json_value *array, const char **cursor)
{
	struct json_value element;

	if (!json_element(array, cursor, &element))
		refuse(merge.now, "a partial record with a short list");
	return element;
}

static struct energy_reading
reading(const struct json_value *object, const char *key)
{
	struct json_value list = member(object->at, object->length, key);
	const char *cursor = NULL;
	struct json_value time = next_of(&list, &cursor);
	struct json_value watts = next_of(&list, &cursor);
	struct json_value joules = next_of(&list, &cursor);
	struct json_value gap = next_of(&list, &cursor);
	struct json_value vars = next_of(&list, &cursor);
	struct energy_reading reading = {
		.point = { integer_of(&time), integer_of(&watts) },
		.has_joules = joules.kind != JSON_NULL,
		.after_gap = gap.kind == JSON_TRUE,
		.has_vars = vars.kind != JSON_NULL
	};

	if (reading.has_joules)
		reading.joules_uj = integer_of(&joules);
	if (reading.has_vars)
		reading.vars_uvar = integer_of(&vars);
	return reading;
}

static struct tick
tick(const struct json_value *object, const char *key)
{
	struct json_value list = member(object->at, object->length, key);
	const char *cursor = NULL;
	struct json_value time = next_of(&list, &cursor);
	struct json_value sum = next_of(&list, &cursor);
	struct json_value nodes = next_of(&list, &cursor);

	return (struct tick){ integer_of(&time), units_of(&sum),
		(unsigned)integer_of(&nodes) };
}

static struct energy_tally
tally_of(const struct json_value *object)
{
	return (struct energy_tally){
		.trapezoid = units(object, "trapezoid"),
		.hold = units(object, "hold"),
		.counter = units(object, "counter"),
		.counter_uj = integer(object, "counter_uj"),
		.watts_sum = units(object, "watts_sum"),
		.samples = integer(object, "samples"),
		.negative = integer(object, "negative"),
		.uncounted = integer(object, "uncounted"),
		.resets = integer(object, "resets"),
		.gap_ns = integer(object, "gap_ns"),
		.variation = units(object, "variation"),
		.differences = integer(object, "differences"),
		.reactive = units(object, "reactive"),
		.reactive_ns = integer(object, "reactive_ns")
	};
}

/* A sample that stands twice, on both sides of a cut. */
static void
note_double(struct node *node, const struct energy_point *point)
{
	node->duplicates++;
	merge.doubled.time_ns = point->time_ns;
	merge.doubled.sum_nw += point->watts_nw;
	merge.doubled.nodes++;
}

/* The interval across the cut, and what lies behind it. */
static void
join(struct node *node, const struct json_value *object)
{
	struct energy_reading first = reading(object, "first");
	const struct energy_reading *last = &node->energy.last;
	struct energy_tally tally = tally_of(object);

	first.after_gap |= node->gap_next;
	if (first.point.time_ns > last->point.time_ns)
		energy_advance(&node->energy, &first);
	else if (first.point.time_ns < last->point.time_ns ||
	    first.point.watts_nw != last->point.watts_nw ||
	    first.joules_uj != last->joules_uj)
		refuse(merge.now, "this part overlaps another in time");
	else
		note_double(node, &first.point);
	energy_tally_add(&node->energy.at_last, &tally);
}

static bool
has_member(const struct json_value *object, const char *key)
{
	struct json_value value;
	struct json_error error;

	return json_members(object->at, object->length, &key, 1, &value,
	    &error) && value.kind != JSON_ABSENT;
}

/* Where the counter is delayed: the reading before the last one, of the part if
 * it has two, else that across the cut; and the lead of the node's first interval,
 * which is the part's where none was before it. */
static void
merge_before(struct node *node, const struct json_value *object)
{
	if (!has_member(object, "before"))
		return;
	if (!node->energy.has_before) {
		node->energy.lead = units(object, "lead");
		node->energy.lead_is_short = integer(object,
		    "lead_is_short");
	}
	node->energy.before = reading(object, "before");
	node->energy.has_before = true;
}

static void
merge_samples(struct node *node, const struct json_value *object)
{
	int64_t peak_nw = integer(object, "peak_nw");
	int64_t low_nw = integer(object, "low_nw");
	int64_t step_uj = integer(object, "step_uj");

	if (node->seen) {
		join(node, object);
	} else {
		node->seen = true;
		node->first = reading(object, "first");
		node->first_ns = node->first.point.time_ns;
		node->energy.at_last = tally_of(object);
		node->energy.step_uj = INT64_MAX;
		node->energy.holds = node->energy.watches = true;
	}
	node->energy.last = reading(object, "last");
	merge_before(node, object);
	if (step_uj < node->energy.step_uj)
		node->energy.step_uj = step_uj;
	if (peak_nw > node->peak_nw)
		node->peak_nw = peak_nw;
	if (low_nw < node->low_nw)
		node->low_nw = low_nw;
}

static void
merge_instrument(struct node *node, const struct json_value *object,
    const char *name)
{
	static const char *const key = "instrument_id";
	char text[SAMPLE_NODE_MAX + 1];
	struct json_value id;
	struct json_error error;
	long length;

	if (!json_members(object->at, object->length, &key, 1, &id, &error))
		return;
	length = json_string(&id, text, sizeof text);
	if (length <= 0)
		return;
	if (!node->instrument_id)
		node->instrument_id = report_copy(text, (size_t)length);
	else if (strcmp(node->instrument_id, text) != 0)
		report_malformed(merge.now->file, merge.now->line_number,
		    "node %s comes from two instruments, %s and %s", name,
		    node->instrument_id, text);
}

static void
heed_settings(struct node *node)
{
	node->energy.wrap_uj = node->wrap_uj;
	node->energy.gap_limit_ns = node_gap_limit(node);
}

/* What start events told up to the part's first reading of the node. */
static void
begin_settings(struct node *node, const struct json_value *object)
{
	int64_t period_ns = integer(object, "begin_period_ns");

	if (node->seen && period_ns > 0 && (period_ns != node->period_ns ||
	    integer(object, "begin_wrap_uj") != node->wrap_uj))
		refuse(merge.now, "this part does not know a start event of "
		    "an earlier one: it is not in the head of the file");
	if (!node->seen)
		node->energy.delay_ns = integer(object, "delay_ns");
	if (node->period_ns == 0)
		node->period_ns = period_ns > 0 ||
		    integer(object, "rerated") ? period_ns
		    : integer(object, "period_ns");
	if (node->wrap_uj == 0)
		node->wrap_uj = integer(object, "begin_wrap_uj");
	if (node->resolution_uj == 0)
		node->resolution_uj = integer(object, "resolution_uj");
	if (has_member(object, "first")) {
		int64_t first_ns = integer(object, "first_period_ns");
		int64_t wrap_uj = integer(object, "first_wrap_uj");

		node->period_ns = first_ns > 0 ? first_ns : node->period_ns;
		node->wrap_uj = wrap_uj >= 0 ? wrap_uj : node->wrap_uj;
	}
	heed_settings(node);
}

/* And up to its end. */
static void
end_settings(struct node *node, const struct json_value *object)
{
	if (integer(object, "rerated"))
		node->period_ns = integer(object, "period_ns");
	if (integer(object, "restarted")) {
		node->wrap_uj = integer(object, "wrap_uj");
		node->resolution_uj = integer(object, "resolution_uj");
	}
	heed_settings(node);
}

static void
merge_node(const struct json_value *object)
{
	struct json_value name = member(object->at, object->length, "node");
	char text[SAMPLE_NODE_MAX + 1];
	long length = json_string(&name, text, sizeof text);
	struct node *node;
	unsigned index;

	if (length <= 0)
		refuse(merge.now, "a partial record with a nameless node");
	index = sample_node(&s.names, text, (size_t)length);
	node = node_known(index);
	if (!node->wanted)
		return;
	merge_instrument(node, object, text);
	begin_settings(node, object);
	node->duplicates += integer(object, "duplicates");
	span_part(&s.spans[0], index)->lost += integer(object, "lost");
	if (integer(object, "reset_first"))
		node->energy.last.has_joules = false;
	if (has_member(object, "first")) {
		merge_samples(node, object);
		node->gap_next = integer(object, "gap_next");
	} else if (integer(object, "gap_next")) {
		node->gap_next = true;
	}
	end_settings(node, object);
}

static bool
is_listed(const struct json_value *nodes, const char *text)
{
	struct json_value node, name;
	const char *cursor = NULL;

	while (json_element(nodes, &cursor, &node)) {
		name = member(node.at, node.length, "node");
		if (json_is(&name, text))
			return true;
	}
	return false;
}

/* Counters that were reset in the part before its first reading of a node, which
 * it did not know then, or does not list at all. */
static void
merge_resets(const struct json_value *record)
{
	struct json_value list = member(record->at, record->length, "resets");
	struct json_value nodes = member(record->at, record->length, "nodes");
	bool others = integer(record, "reset_others");

	for (unsigned i = 0; i < s.names.count; i++) {
		const char *name = s.names.names[i], *cursor = NULL;
		struct json_value reset;
		bool is_reset = others && !is_listed(&nodes, name);

		while (!is_reset && json_element(&list, &cursor, &reset))
			is_reset = json_is(&reset, name);
		if (is_reset)
			node_at(i)->energy.last.has_joules = false;
	}
}

static void
fold(const struct tick *tick)
{
	struct span *whole = &s.spans[0];

	if (tick->nodes == 0)
		return;
	if (tick->nodes > whole->tick_nodes ||
	    (tick->nodes == whole->tick_nodes &&
	    tick->sum_nw > whole->tick_nw)) {
		whole->tick_nodes = tick->nodes;
		whole->tick_nw = tick->sum_nw;
	}
}

/* A cut may go through a tick: its two ends are one. */
static void
merge_ticks(const struct json_value *record)
{
	int64_t count = integer(record, "tick_count");
	struct tick first, best;

	if (count == 0)
		return;
	first = tick(record, "first_tick");
	best = tick(record, "best_tick");
	fold(&best);
	if (merge.doubled.time_ns == first.time_ns) {
		first.sum_nw -= merge.doubled.sum_nw;
		first.nodes -= merge.doubled.nodes;
	}
	if (merge.carried.time_ns == first.time_ns) {
		merge.carried.sum_nw += first.sum_nw;
		merge.carried.nodes += first.nodes;
	} else if (first.nodes > 0) {
		merge.carried = first;
	}
	fold(&merge.carried);
	if (count > 1)
		merge.carried = tick(record, "last_tick");
}

/* What the streams told of their instruments, told again. */
static void
merge_announced(const struct piece *piece)
{
	struct json_value list = member(piece->line, piece->length,
	    "announced"), record;
	const char *cursor = NULL, *why;
	struct event event;

	while (json_element(&list, &cursor, &record)) {
		if (record.kind != JSON_OBJECT || !event_read(record.at,
		    record.length, &event, &why))
			continue;
		if (event.kind == EVENT_START)
			event_attach(record.at, record.length, &event);
		else
			event_learn(record.at, record.length, &event);
	}
}

static void
merge_piece(const struct piece *piece)
{
	struct json_value record = { piece->line, piece->length, JSON_OBJECT,
		false };
	struct json_value nodes, node;
	const char *cursor = NULL;
	int64_t start_ns, stop_ns;

	merge.now = piece;
	start_ns = integer(&record, "start_ns");
	stop_ns = integer(&record, "stop_ns");
	if (start_ns >= 0 && (s.start_ns < 0 || start_ns < s.start_ns))
		s.start_ns = start_ns;
	if (stop_ns > s.stop_ns)
		s.stop_ns = stop_ns;
	s.starts += (uint64_t)integer(&record, "starts");
	s.stops += (uint64_t)integer(&record, "stops");
	s.away += integer(&record, "away");
	s.malformed += (uint64_t)integer(&record, "malformed");
	s.unread |= member(piece->line, piece->length, "unread").kind ==
	    JSON_TRUE;
	s.simulated |= member(piece->line, piece->length, "simulated").kind ==
	    JSON_TRUE;
	event_keep_origin(piece->line, piece->length);
	merge.doubled = (struct tick){ 0 };
	s.spans[0].lost += integer(&record, "lost");
	merge_resets(&record);
	nodes = member(piece->line, piece->length, "nodes");
	while (json_element(&nodes, &cursor, &node))
		merge_node(&node);
	merge_announced(piece);
	merge_ticks(&record);
}

/* The earliest first reading of a part, to order parts that have no number; of one
 * without a reading, what else it has. */
static int64_t
first_of(const struct piece *piece)
{
	struct json_value nodes, node, first, time;
	int64_t earliest = INT64_MAX, ns;
	const char *cursor = NULL, *inner;
	static const char *const key = "first";
	struct json_error error;

	nodes = member(piece->line, piece->length, "nodes");
	while (json_element(&nodes, &cursor, &node)) {
		inner = NULL;
		if (node.kind != JSON_OBJECT ||
		    !json_members(node.at, node.length, &key, 1, &first,
		    &error) || !json_element(&first, &inner, &time) ||
		    !json_integer(&time, &ns))
			continue;
		if (ns < earliest)
			earliest = ns;
	}
	return earliest < INT64_MAX ? earliest
	    : integer(&(struct json_value){ piece->line, piece->length,
	    JSON_OBJECT, false }, "from_ns");
}

static void
take_piece(void *state, const struct feed_record *record)
{
	static const char *const key = "type";
	struct json_value type;
	struct json_error error;
	struct piece *piece;

	(void)state;
	if (record->kind != SAMPLE_TYPED ||
	    !json_members(record->line, record->length, &key, 1, &type,
	    &error) || !json_is(&type, "partial")) {
		if (record->kind == SAMPLE_POWER)
			report_malformed(record->file, record->line_number,
			    "a sample among the partial records");
		return;
	}
	if (merge.count == merge.room) {
		merge.room = merge.room ? merge.room * 2 : 16;
		merge.list = report_resize(merge.list, merge.room,
		    sizeof *merge.list);
	}
	piece = &merge.list[merge.count++];
	*piece = (struct piece){
		.line = report_copy(record->line, record->length),
		.length = record->length,
		.file = record->file,
		.line_number = record->line_number
	};
	merge.now = piece;
	piece->part = integer(&(struct json_value){ piece->line,
	    piece->length, JSON_OBJECT, false }, "part");
	piece->parts = integer(&(struct json_value){ piece->line,
	    piece->length, JSON_OBJECT, false }, "parts");
	piece->first_ns = first_of(piece);
}

static int
by_place(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	if (x->part != y->part)
		return x->part < y->part ? -1 : 1;
	return (x->first_ns > y->first_ns) - (x->first_ns < y->first_ns);
}

/* All parts of the same cut, each once. */
static bool
check_parts(void)
{
	int64_t parts = merge.list[0].parts;

	if (parts == 0 && merge.list[merge.count - 1].parts == 0)
		return true;
	for (size_t i = 0; i < merge.count; i++) {
		const struct piece *piece = &merge.list[i];

		if (piece->parts != parts || piece->part == 0)
			refuse(piece, "parts of different cuts");
		if (piece->part == (int64_t)i)
			refuse(piece, "this part is here twice");
		if (piece->part != (int64_t)i + 1)
			break;
		if (piece->part == parts)
			return true;
	}
	for (int64_t part = 1; part <= parts; part++)
		if ((size_t)part > merge.count ||
		    merge.list[part - 1].part != part) {
			report_error("part %lld of %lld is missing",
			    (long long)part, (long long)parts);
			return false;
		}
	return true;
}

bool
partial_merge(char **operands)
{
	bool whole = feed_records(operands, &merge.strays, take_piece, NULL);

	if (merge.count == 0) {
		report_error("no partial records");
		return false;
	}
	qsort(merge.list, merge.count, sizeof *merge.list, by_place);
	if (!check_parts())
		return false;
	span_open_whole(0);
	for (size_t i = 0; i < merge.count; i++)
		merge_piece(&merge.list[i]);
	s.unread |= !whole;
	s.tick.nodes = 0;
	if (s.malformed > 0)
		report_error("%llu malformed records in the parts",
		    (unsigned long long)s.malformed);
	return true;
}
