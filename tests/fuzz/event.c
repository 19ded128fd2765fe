/*
 * Any bytes as lines of a stream: sample_next and event_read stay inside them,
 * every line is told once, and what they accept keeps to its header.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "event.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_event(const char *line, size_t length)
{
	char *own = malloc(length ? length : 1);
	struct event event;
	const char *why = NULL;

	must(own != NULL);
	memcpy(own, line, length);
	if (event_read(own, length, &event, &why)) {
		must(!event.has_timestamp || event.timestamp_ns >= 0);
		must(!event.has_begin || event.begin_ns >= 0);
		must(!event.has_end || event.end_ns >= 0);
		must(event.count >= -1);
	} else {
		must(why && *why);
	}
	free(own);
}

static void
check_sample(const struct sample_reader *reader, const struct sample *sample)
{
	const char *name;

	must(sample->timestamp_ns >= 0 &&
	    sample->watts_nw <= ENERGY_WATTS_MAX &&
	    sample->watts_nw >= -ENERGY_WATTS_MAX &&
	    sample->node < reader->nodes->count);
	name = reader->nodes->names[sample->node];
	must(*name && strlen(name) <= SAMPLE_NODE_MAX);
}

static void
read_lines(char *text, size_t size, struct sample_nodes *nodes)
{
	struct sample_reader reader = { .nodes = nodes };
	struct block block = { text, text + size, 1 };
	struct sample sample;
	enum sample_kind kind;
	uint64_t line = 0;

	while ((kind = sample_next(&reader, &block, &sample)) != SAMPLE_END) {
		must(reader.line >= text &&
		    reader.line + reader.length < text + size &&
		    reader.line_number > line);
		line = reader.line_number;
		if (kind == SAMPLE_POWER)
			check_sample(&reader, &sample);
		else if (kind == SAMPLE_TYPED)
			check_event(reader.line, reader.length);
		else
			must(memchr(reader.error, '\0', sizeof reader.error) &&
			    *reader.error);
	}
	must(block.at == block.end);
	sample_forget(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sample_nodes nodes = { 0 };
	char *room = malloc(STREAM_MARGIN + size + 1 + STREAM_PADDING);
	char *text = room + STREAM_MARGIN;

	must(room != NULL);
	memset(room, '1', STREAM_MARGIN);
	if (size)
		memcpy(text, data, size);
	text[size] = '\n';
	memset(text + size + 1, '"', STREAM_PADDING);
	read_lines(text, size + 1, &nodes);
	if (size)
		check_event((const char *)data, size);
	for (unsigned i = 0; i < nodes.count; i++)
		free(nodes.names[i]);
	free(nodes.names);
	free(room);
	return 0;
}
