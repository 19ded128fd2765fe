#include "feed.h"
#include "report.h"
#include "stream.h"

enum { BATCH = 64 }; /* lines read before they are taken */

static size_t (*many)(void *state, const struct sample_line *lines,
    size_t count);

static bool wants_vars;

void
feed_vars(void)
{
	wants_vars = true;
}

void
feed_quickly(size_t (*quickly)(void *state, const struct sample_line *lines,
    size_t count))
{
	many = quickly;
}

/* Lines that are like others, batch by batch: two short loops are faster than
 * a long one. */
static void
take_alike(struct sample_reader *reader, struct block *block,
    struct feed_record *record, feed_take *take, void *state)
{
	struct sample_line lines[BATCH];
	uint64_t first;
	size_t count;

	record->kind = SAMPLE_POWER;
	do {
		first = block->line;
		count = sample_lines(reader, block, lines, BATCH);
		for (size_t i = 0; i < count; i++) {
			if (many)
				i += many(state, lines + i, count - i);
			if (i == count)
				break;
			record->sample = lines[i].sample;
			record->line = lines[i].line;
			record->length = lines[i].length;
			record->line_number = first + i;
			take(state, record);
		}
	} while (count == BATCH);
}

static void
take_block(struct sample_reader *reader, struct block *block,
    struct feed_record *record, feed_take *take, void *state)
{
	for (;;) {
		if (wants_vars)
			sample_want_vars(reader);
		take_alike(reader, block, record, take, state);
		record->kind = sample_other(reader, block,
		    &record->sample);
		if (record->kind == SAMPLE_END)
			break;
		if (record->kind == SAMPLE_BAD) {
			report_malformed(record->file, reader->line_number,
			    "%s", reader->error);
			continue;
		}
		record->line = reader->line;
		record->length = reader->length;
		record->line_number = reader->line_number;
		take(state, record);
	}
}

bool
feed_records(char **operands, struct sample_nodes *nodes, feed_take *take,
    void *state)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	struct sample_reader reader = { .nodes = nodes };
	struct feed_record record;
	struct stream in;
	struct block block;
	bool whole = true;

	stream_signals();
	for (char **name = *operands ? operands : standard_input; *name;
	    name++) {
		if (!stream_open(&in, *name)) {
			whole = false;
			continue;
		}
		record.file = in.name;
		while (stream_next(&in, &block))
			take_block(&reader, &block, &record, take, state);
		whole = whole && !in.failed;
		stream_close(&in);
	}
	sample_forget(&reader);
	return whole;
}

bool
feed_range(const char *file, const char *name, int64_t from, int64_t to,
    struct sample_nodes *nodes, feed_take *take, void *state)
{
	struct sample_reader reader = { .nodes = nodes };
	struct feed_record record = { .file = name };
	struct stream in;
	struct block block;
	bool whole;

	stream_signals();
	if (!stream_open(&in, file))
		return false;
	in.name = name;
	whole = stream_range(&in, from, to);
	while (whole && stream_next(&in, &block))
		take_block(&reader, &block, &record, take, state);
	whole = whole && !in.failed;
	stream_close(&in);
	sample_forget(&reader);
	return whole;
}

bool
feed_lines(char **operands, feed_take_line *take,
    void (*between)(void *state, const char *file, bool whole), void *state)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	struct feed_line line;
	struct stream in;
	struct block block;
	bool whole = true;

	stream_signals();
	for (char **name = *operands ? operands : standard_input; *name;
	    name++) {
		if (!stream_open(&in, *name)) {
			whole = false;
			continue;
		}
		line.file = in.name;
		while (stream_next(&in, &block)) {
			line.line_number = block.line;
			while (block_line(&block, &line.text, &line.length)) {
				take(state, &line);
				line.line_number = block.line;
			}
		}
		if (between)
			between(state, in.name, !in.failed);
		whole = whole && !in.failed;
		stream_close(&in);
	}
	return whole;
}
