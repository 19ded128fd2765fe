#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "json-shape.h"
#include "report.h"
#include "sample.h"
#include "write.h"

enum { TIMESTAMP, NODE, WATTS, JOULES, TYPE, KEYS };

static const char *const keys[KEYS] = {
	[TIMESTAMP] = "timestamp", [NODE] = "node", [WATTS] = "watts",
	[JOULES] = "joules", [TYPE] = "type"
};

enum { HAVE_TIMESTAMP = 1, HAVE_WATTS = 2, HAVE_JOULES = 4 };

#define NUMBERS \
	{ "timestamp", 9, offsetof(struct sample_line, sample.timestamp_ns) }, \
	{ "watts", 9, offsetof(struct sample_line, sample.watts_nw) }, \
	{ "joules", 6, offsetof(struct sample_line, sample.joules_uj) }

/* The same for shapes: exact where take_sample rounds nothing. */
static const struct json_wanted wanted = {
	.numbers = { NUMBERS },
	.needed = HAVE_TIMESTAMP | HAVE_WATTS,
	.text = "node",
	.refused = "type"
}, wanted_with_vars = {
	.numbers = {
		NUMBERS, { "vars", 6, offsetof(struct sample_line, vars_uvar) }
	},
	.needed = HAVE_TIMESTAMP | HAVE_WATTS,
	.text = "node",
	.refused = "type"
};
#undef NUMBERS

unsigned
sample_node(struct sample_nodes *nodes, const char *name, size_t length)
{
	for (unsigned i = 0; i < nodes->count; i++)
		if (strncmp(nodes->names[i], name, length) == 0 &&
		    nodes->names[i][length] == '\0')
			return i;
	if (nodes->count == nodes->room) {
		nodes->room = nodes->room ? nodes->room * 2 : 8;
		nodes->names = report_resize(nodes->names, nodes->room,
		    sizeof *nodes->names);
	}
	nodes->names[nodes->count] = report_copy(name, length);
	return nodes->count++;
}

static bool
bad(struct sample_reader *reader, const char *key, const char *what,
    const struct json_value *value)
{
	int shown = value->length > 40 ? 40 : (int)value->length;

	if (value->kind == JSON_ABSENT)
		snprintf(reader->error, sizeof reader->error, "no \"%s\"", key);
	else
		snprintf(reader->error, sizeof reader->error,
		    "\"%s\" %s: %.*s", key, what, shown, value->at);
	return false;
}

static bool
take_node(struct sample_reader *reader, const struct json_value *value,
    unsigned *node)
{
	char name[SAMPLE_NODE_MAX + 1];
	long length;

	if (value->kind != JSON_STRING)
		return bad(reader, keys[NODE], "is not a string", value);
	length = json_string(value, name, sizeof name);
	if (length <= 0 || memchr(name, '\0', (size_t)length))
		return bad(reader, keys[NODE], "is no name of 1 to 255 bytes",
		    value);
	*node = sample_node(reader->nodes, name, (size_t)length);
	return true;
}

static bool
take_sample(struct sample_reader *reader, const struct json_value *values,
    struct sample *sample)
{
	const struct json_value *watts = &values[WATTS];
	const struct json_value *joules = &values[JOULES];

	if (!clock_value(&values[TIMESTAMP], &sample->timestamp_ns))
		return bad(reader, keys[TIMESTAMP],
		    "is not a time (Unix seconds or RFC 3339)",
		    &values[TIMESTAMP]);
	if (watts->kind != JSON_NUMBER)
		return bad(reader, keys[WATTS], "is not a number", watts);
	if (!json_decimal(watts, 9, &sample->watts_nw) ||
	    sample->watts_nw > ENERGY_WATTS_MAX ||
	    sample->watts_nw < -ENERGY_WATTS_MAX)
		return bad(reader, keys[WATTS], "is beyond 1e9 W", watts);
	sample->has_joules = joules->kind != JSON_ABSENT &&
	    joules->kind != JSON_NULL;
	sample->joules_uj = 0;
	if (sample->has_joules && !json_decimal(joules, 6, &sample->joules_uj))
		return bad(reader, keys[JOULES],
		    "is not a number within 9e12", joules);
	return take_node(reader, &values[NODE], &sample->node);
}

static bool
blank(const char *text, size_t length)
{
	while (length && (*text == ' ' || *text == '\t' || *text == '\r')) {
		text++;
		length--;
	}
	return length == 0;
}

/* Eight bytes of a line, or of a name in room for them. */
static uint64_t
head_of(const char *text)
{
	uint64_t head;

	memcpy(&head, text, sizeof head);
	return head;
}

/* Those of eight bytes that a name has. */
static uint64_t
mask_of(size_t length)
{
	char mask[sizeof(uint64_t)] = { 0 };

	memset(mask, 0xFF, length < sizeof mask ? length : sizeof mask);
	return head_of(mask);
}

/* Whether the name in a line, as long as the habit's, is the habit's. */
static inline bool
is_named(const struct sample_reader *reader,
    const struct sample_habit *habit, const char *text)
{
	return habit->head == (head_of(text) & habit->mask) &&
	    (habit->length <= sizeof habit->head ||
	    memcmp(reader->nodes->names[habit->like.node], text,
	    habit->length) == 0);
}

/* Whether the name in a line of this form is the habit's. */
static inline bool
is_of(const struct sample_reader *reader, const struct sample_habit *habit,
    const struct json_form *form, const char *line)
{
	return habit->length == form->text_length &&
	    is_named(reader, habit, line + form->text_at);
}

/* That of the name in a line of this form, if it was seen checked, or NULL. */
__attribute__((noinline)) static struct sample_habit *
find_habit(const struct sample_reader *reader, const struct json_form *form,
    const char *line)
{
	for (unsigned node = 0; node < reader->habits_count; node++)
		if (is_of(reader, &reader->habits[node], form, line))
			return &reader->habits[node];
	return NULL;
}

/* The habit of a line that is not as expected of `habit`, and its form there;
 * NULL: it is not known.  Kept out of sample_lines, whose loop stays in
 * registers. */
__attribute__((noinline)) static struct sample_habit *
surprise(struct sample_reader *reader, struct sample_habit *last,
    const char *line, struct sample_line *row)
{
	struct sample_habit *habit = &reader->habits[last->next];
	const struct json_form *form = json_match_unexpected(reader->shapes,
	    line, habit->form, row);

	if (!form)
		return NULL;
	if (!is_of(reader, habit, form, line)) {
		habit = find_habit(reader, form, line);
		if (!habit)
			return NULL;
		last->next = habit->like.node;
		row->sample.node = habit->like.node;
	}
	habit->form = form;
	habit->like.has_joules = form->have & HAVE_JOULES;
	row->sample.has_joules = habit->like.has_joules;
	return habit;
}

size_t
sample_lines(struct sample_reader *reader, struct block *block,
    struct sample_line *lines, size_t room)
{
	struct sample_habit *habits = reader->habits, *last, *habit;
	const struct json_shapes *shapes = reader->shapes;
	struct sample_line *line = lines;
	const char *at = block->at, *end = block->end;

	if (!shapes)
		return 0;
	last = &habits[reader->last_node];
	for (; line < lines + room && at < end; line++) {
		habit = &habits[last->next];
		line->sample = habit->like;
		line->vars_uvar = SAMPLE_NO_VARS;
		if (json_expected(shapes, at, habit->form) &&
		    is_named(reader, habit, at + habit->form->text_at))
			json_convert(habit->form, at, line);
		else if (!(habit = surprise(reader, last, at, line)))
			break;
		last = habit;
		line->line = at;
		line->length = habit->form->length;
		at += habit->form->bytes;
	}
	reader->last_node = (unsigned)(last - habits);
	block->at = at;
	block->line += (uint64_t)(line - lines);
	return (size_t)(line - lines);
}

/* Whether the name stands in a record as it is, and nothing else does. */
static bool
is_plain(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == '"' ||
		    name[i] == '\\')
			return false;
	return write_is_utf8(name, length);
}

/* Room for what is expected of every node there is. */
static void
add_habits(struct sample_reader *reader)
{
	const struct sample_nodes *nodes = reader->nodes;
	char head[SAMPLE_NODE_MAX + 8];

	reader->habits = report_resize(reader->habits, nodes->count,
	    sizeof *reader->habits);
	for (; reader->habits_count < nodes->count; reader->habits_count++) {
		const char *name = nodes->names[reader->habits_count];
		size_t length = strlen(name);

		memcpy(head, name, length + 1);
		reader->habits[reader->habits_count] = (struct sample_habit){
			.like.node = reader->habits_count,
			.form = &json_no_form,
			.length = is_plain(name, length)
			    ? (unsigned)length : 0, /* as no name is */
			.head = head_of(head) & mask_of(length),
			.mask = mask_of(length)
		};
	}
}

/* The shape of a sample that was just checked. */
static void
learn_sample(struct sample_reader *reader, const struct sample *sample)
{
	if (!reader->shapes)
		reader->shapes = json_shapes_new(reader->wants_vars
		    ? &wanted_with_vars : &wanted);
	if (reader->habits_count < reader->nodes->count)
		add_habits(reader);
	reader->habits[reader->last_node].next = sample->node;
	reader->last_node = sample->node;
	json_learn(reader->shapes, reader->line, reader->length);
}

/* Whether all samples of the same shape are in their range, too. */
static bool
has_room(const struct json_value *timestamp, const struct sample *sample)
{
	return timestamp->kind == JSON_NUMBER && *timestamp->at != '-' &&
	    sample->watts_nw != ENERGY_WATTS_MAX &&
	    sample->watts_nw != -ENERGY_WATTS_MAX;
}

enum sample_kind
sample_other(struct sample_reader *reader, struct block *block,
    struct sample *sample)
{
	struct json_value values[KEYS];
	struct json_error error;

	do {
		reader->line_number = block->line;
		if (!block_line(block, &reader->line, &reader->length))
			return SAMPLE_END;
	} while (blank(reader->line, reader->length));
	if (!json_members(reader->line, reader->length, keys, KEYS, values,
	    &error)) {
		snprintf(reader->error, sizeof reader->error,
		    "not a JSON record: %s at byte %zu", error.what,
		    error.at + 1);
		return SAMPLE_BAD;
	}
	if (values[TYPE].kind != JSON_ABSENT)
		return SAMPLE_TYPED;
	if (!take_sample(reader, values, sample))
		return SAMPLE_BAD;
	if (has_room(&values[TIMESTAMP], sample))
		learn_sample(reader, sample);
	return SAMPLE_POWER;
}

enum sample_kind
sample_next(struct sample_reader *reader, struct block *block,
    struct sample *sample)
{
	struct sample_line line;

	if (sample_lines(reader, block, &line, 1) == 0)
		return sample_other(reader, block, sample);
	*sample = line.sample;
	reader->line = line.line;
	reader->length = line.length;
	reader->line_number = block->line - 1;
	return SAMPLE_POWER;
}

void
sample_forget(struct sample_reader *reader)
{
	free(reader->habits);
	free(reader->shapes);
	reader->habits = NULL;
	reader->shapes = NULL;
	reader->habits_count = reader->last_node = 0;
}

/* What it remembers is of other numbers. */
void
sample_want_vars(struct sample_reader *reader)
{
	if (!reader->wants_vars)
		sample_forget(reader);
	reader->wants_vars = true;
}
