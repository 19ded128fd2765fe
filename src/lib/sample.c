#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "energy.h"
#include "report.h"
#include "sample.h"

enum { TIMESTAMP, NODE, WATTS, JOULES, TYPE, KEYS };

static const char *const keys[KEYS] = {
	[TIMESTAMP] = "timestamp", [NODE] = "node", [WATTS] = "watts",
	[JOULES] = "joules", [TYPE] = "type"
};

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

enum sample_kind
sample_next(struct sample_reader *reader, struct block *block,
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
	return take_sample(reader, values, sample) ? SAMPLE_POWER : SAMPLE_BAD;
}

void
sample_compose(const struct sample *sample, const char *node)
{
	compose_open();
	compose_key("timestamp");
	compose_time(sample->timestamp_ns);
	compose_key("node");
	compose_string(node);
	compose_key("watts");
	compose_decimal(sample->watts_nw, 9, 3);
	if (sample->has_joules) {
		compose_key("joules");
		compose_decimal(sample->joules_uj, 6, 3);
	}
	compose_close();
}
