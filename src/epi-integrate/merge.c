/* Partial records become one state.  The intervals across the cuts are put back,
 * under the same rules, and the state then stands where one pass over all would
 * stand. */
#include <stdlib.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "json.h"
#include "report.h"

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
	    first.joules_uj != last->joules_uj ||
	    first.has_joules != last->has_joules) /* reset between the two */
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
	node->energy.last_had_joules = integer(object, "last_had_joules");
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
		node->energy.holds = true;
	}
	node->energy.last = reading(object, "last");
	node->energy.last.joules_uj = integer(object, "last_uj");
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
merge_parts(char **operands)
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
