/*
 * Any bytes as lines of samples, read four times so that shapes and members
 * are learned, the last time with other digits and many lines at once:
 * sample_next and sample_lines say of each line what json_members and
 * json_decimal say of it alone.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "json-shape.h"
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

/* What a line that sample_lines took has of reactive power. */
static void
compare_vars(const struct sample_reader *reader, const struct sample_line *got)
{
	static const char *const key = "vars";
	struct json_value vars;
	struct json_error error;
	int64_t want = SAMPLE_NO_VARS;

	if (reader->wants_vars && !json_members(got->line, got->length, &key,
	    1, &vars, &error))
		abort();
	if (reader->wants_vars && !json_decimal(&vars, 6, &want))
		want = SAMPLE_NO_VARS;
	if (got->vars_uvar != want)
		abort();
}

/* The lines that sample_lines takes at the begin of a block. */
static void
read_alike(struct sample_reader *reader, struct block *block)
{
	struct sample_line found[5];
	struct block before = *block;
	size_t count = sample_lines(reader, block, found, 5), n;
	const char *line;

	for (size_t i = 0; i < count; i++) {
		if (!block_line(&before, &line, &n) || n != found[i].length)
			abort();
		reader->line = found[i].line;
		reader->length = n;
		compare(reader, SAMPLE_POWER, &found[i].sample, line, n);
		compare_vars(reader, &found[i]);
	}
	if (before.at != block->at || before.line != block->line)
		abort();
}

static void
read_block(struct sample_reader *reader, const char *bytes, size_t length,
    bool many)
{
	struct block block = { bytes, bytes + length, 1 };
	struct block lines = block;
	struct sample sample;
	const char *line;
	size_t n;

	for (;;) {
		enum sample_kind kind;
		uint64_t number;

		if (many) {
			read_alike(reader, &block);
			lines = block;
		}
		kind = sample_next(reader, &block, &sample);
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
	char *room = malloc(JSON_BEFORE + size + 1 + JSON_BEHIND), *bytes;

	if (!room)
		return 0;
	bytes = room + JSON_BEFORE;
	memset(room, '1', JSON_BEFORE);
	memset(bytes, ',', size + 1 + JSON_BEHIND);
	if (size)
		memcpy(bytes, data, size);
	bytes[size] = '\n';
	if (size % 2)
		sample_want_vars(&reader);
	for (int round = 0; round < 4; round++) {
		read_block(&reader, bytes, size + 1, round == 3);
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
