/*
 * Lines that are alike: what sample_next says of a line does not hang on the
 * lines before it.
 *
 * The input is a first line, and behind its newline an edit script: pairs of a
 * place and a byte to put there; place 255 ends the line as it is by now, and
 * begins the next as its copy, shortened where the byte says so.  One reader
 * sees all the lines, another one forgets after each.  Memory ends where the
 * padding of a block does.
 */
#include <stdlib.h>
#include <string.h>

#include "energy.h"
#include "sample.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE = 400, LINES = 64 };

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* The lines that the input stands for, into text; returns their length. */
static size_t
make_lines(const uint8_t *data, size_t size, char *text)
{
	const uint8_t *newline = memchr(data, '\n', size);
	size_t length = newline ? (size_t)(newline - data) : size;
	const uint8_t *edit = data + length + 1, *end = data + size;
	char line[LINE];
	size_t filled = 0;

	if (length > LINE)
		length = LINE;
	memcpy(line, data, length);
	for (int lines = 0; lines < LINES; edit += 2) {
		if (edit + 1 < end && edit[0] != 255) {
			if (length)
				line[edit[0] % length] = (char)edit[1];
			continue;
		}
		memcpy(text + filled, line, length);
		filled += length;
		text[filled++] = '\n';
		lines++;
		if (edit + 1 >= end)
			break;
		if (edit[1] && edit[1] < 32 && edit[1] <= length)
			length -= edit[1];
	}
	return filled;
}

static void
compare(const struct sample_reader *a, const struct sample *x,
    const struct sample_reader *b, const struct sample *y)
{
	must(x->timestamp_ns == y->timestamp_ns && x->watts_nw == y->watts_nw &&
	    x->has_joules == y->has_joules && x->joules_uj == y->joules_uj &&
	    x->timestamp_ns >= 0 && x->watts_nw <= ENERGY_WATTS_MAX &&
	    x->watts_nw >= -ENERGY_WATTS_MAX);
	must(strcmp(a->nodes->names[x->node], b->nodes->names[y->node]) == 0);
}

static void
release(struct sample_nodes *nodes)
{
	for (unsigned i = 0; i < nodes->count; i++)
		free(nodes->names[i]);
	free(nodes->names);
}

static void
run(const char *text, size_t length)
{
	struct sample_nodes all = { 0 }, own = { 0 };
	struct sample_reader learned = { .nodes = &all }, fresh = { .nodes = &own };
	struct block one = { text, text + length, 1 }, other = one;
	struct sample x = { 0 }, y = { 0 };
	enum sample_kind kind;

	do {
		kind = sample_next(&learned, &one, &x);
		must(sample_next(&fresh, &other, &y) == kind);
		must(one.at == other.at && one.line == other.line);
		if (kind != SAMPLE_END)
			must(learned.line == fresh.line &&
			    learned.length == fresh.length &&
			    learned.line_number == fresh.line_number);
		if (kind == SAMPLE_POWER)
			compare(&learned, &x, &fresh, &y);
		sample_forget(&fresh);
	} while (kind != SAMPLE_END);
	sample_forget(&learned);
	release(&all);
	release(&own);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[LINES * (LINE + 1)];
	size_t length = make_lines(data, size, text);
	char *exact = malloc(STREAM_MARGIN + length + STREAM_PADDING);

	must(exact != NULL);
	memset(exact, '1', STREAM_MARGIN);
	memcpy(exact + STREAM_MARGIN, text, length);
	memset(exact + STREAM_MARGIN + length, '"', STREAM_PADDING);
	run(exact + STREAM_MARGIN, length);
	free(exact);
	return 0;
}
