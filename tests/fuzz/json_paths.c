/*
 * Any bytes as lines of samples, read three times so that shapes and members
 * are learned, the third time with other digits: sample_next says of each line
 * what json_members and json_decimal say of it alone.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TIMESTAMP, NODE, WATTS, JOULES, TYPE, KEYS };
static const char *const keys[KEYS] = {
	"timestamp", "node", "watts", "joules", "type"
};

/* A line as it stands alone; `name` is its node's. */
static enum sample_kind
read_plainly(const char *line, size_t length, struct sample *sample, char *name)
{
	struct json_value v[KEYS];
	struct json_error error;
	char *exact = malloc(length ? length : 1); /* no byte more is read */
	enum sample_kind kind = SAMPLE_BAD;
	long named;

	if (!exact)
		abort();
	memcpy(exact, line, length);
	memset(sample, 0, sizeof *sample);
	if (!json_members(exact, length, keys, KEYS, v, &error))
		goto done;
	kind = SAMPLE_TYPED;
	if (v[TYPE].kind != JSON_ABSENT)
		goto done;
	kind = SAMPLE_BAD;
	named = json_string(&v[NODE], name, SAMPLE_NODE_MAX + 1);
	sample->has_joules = v[JOULES].kind > JSON_NULL;
	if (named > 0 && !memchr(name, '\0', (size_t)named) &&
	    clock_value(&v[TIMESTAMP], &sample->timestamp_ns) &&
	    json_decimal(&v[WATTS], 9, &sample->watts_nw) &&
	    sample->watts_nw <= ENERGY_WATTS_MAX &&
	    sample->watts_nw >= -ENERGY_WATTS_MAX && (!sample->has_joules ||
	    json_decimal(&v[JOULES], 6, &sample->joules_uj)))
		kind = SAMPLE_POWER;
done:
	free(exact);
	return kind;
}

static bool
is_blank(const char *line, size_t length)
{
	while (length && strchr(" \t\r", *line) && *line) {
		line++;
		length--;
	}
	return length == 0;
}

static void
compare(const struct sample_reader *reader, enum sample_kind kind,
    const struct sample *got, const char *line, size_t length)
{
	static char name[SAMPLE_NODE_MAX + 1];
	struct sample want;

	if (reader->line != line || reader->length != length ||
	    read_plainly(line, length, &want, name) != kind)
		abort();
	if (kind == SAMPLE_POWER &&
	    (got->timestamp_ns != want.timestamp_ns ||
	    got->watts_nw != want.watts_nw ||
	    got->has_joules != want.has_joules ||
	    (want.has_joules && got->joules_uj != want.joules_uj) ||
	    strcmp(reader->nodes->names[got->node], name) != 0))
		abort();
}

static void
read_block(struct sample_reader *reader, const char *bytes, size_t length)
{
	struct block block = { bytes, bytes + length, 1 };
	struct block lines = block;
	struct sample sample;
	const char *line;
	size_t n;

	for (;;) {
		enum sample_kind kind = sample_next(reader, &block, &sample);
		uint64_t number;

		do {
			number = lines.line;
			if (!block_line(&lines, &line, &n)) {
				if (kind != SAMPLE_END)
					abort();
				return;
			}
		} while (is_blank(line, n));
		if (kind == SAMPLE_END || reader->line_number != number)
			abort();
		compare(reader, kind, &sample, line, n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample_nodes nodes = { 0 };
	struct sample_reader reader = { .nodes = &nodes };
	char *room = malloc(JSON_BEFORE + size + 1 + JSON_BEHIND);
	char *bytes = room + JSON_BEFORE;

	if (!room)
		return 0;
	memset(room, '1', JSON_BEFORE);
	memset(bytes, ',', size + 1 + JSON_BEHIND);
	if (size)
		memcpy(bytes, data, size);
	bytes[size] = '\n';
	for (int round = 0; round < 4; round++) {
		read_block(&reader, bytes, size + 1);
		for (size_t i = 0; round == 2 && i < size; i++)
			if (bytes[i] >= '0' && bytes[i] <= '9')
				bytes[i] = (char)('0' + (bytes[i] - '0' + 1 +
				    (int)i % 3) % 10);
	}
	for (unsigned i = 0; i < nodes.count; i++)
		free(nodes.names[i]);
	free(nodes.names);
	free(reader.habits);
	free(reader.shapes);
	free(room);
	return 0;
}
