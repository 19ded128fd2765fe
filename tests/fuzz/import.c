/*
 * Any bytes as a trace that epi-import reads: the first one chooses the format
 * and the --map, the rest are lines.  They are read within their bounds, and what
 * is written goes to /dev/null.
 */
#include <fcntl.h>
#include <unistd.h>

#define main program
#include "epi-import.c"
#undef main
#include "epi-import/mlperf.c"
#include "epi-import/ndjson.c"
#include "epi-import/plain.c"
/* Sources that have names in common. */
#define is_digit quantity_is_digit
#include "epi-import/quantity.c"
#undef is_digit
#define read_time reading_time
#include "epi-import/reading.c"
#undef read_time
#include "epi-import/record.c"
#include "epi-import/rule.c"
#include "epi-import/table.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static const struct variant {
	const char *format;
	bool channels, now;
	const char *maps[6];
} variants[] = {
	{ "csv", false, false, { NULL } },
	{ "csv", false, false, { "watts=p*0.001", "vars=p", "joules=e*3600",
	    "place=where" } },
	{ "csv", false, true, { "watts=p" } },
	{ "mlperf", false, false, { NULL } },
	{ "mlperf", true, false, { NULL } },
	{ "nvidia-smi", false, false, { NULL } },
	{ "ndjson", false, false, { NULL } },
	{ "ndjson", false, false, { "watts=.a.b[1]*2", "node=.s", "x=.s",
	    "y=.s", "z=.a" } },
	{ "ndjson", false, true, { "watts=.p", "volts=.p", "x=.p" } },
	{ "shelly", false, true, { NULL } },
	{ "tasmota", false, false, { NULL } },
	{ "ndjson", false, false, { "timestamp=.s", "node=.s", "watts=.s",
	    "volts=.s", "joules=.s" } }
};

enum { VARIANTS = sizeof variants / sizeof *variants };

static struct import imports[VARIANTS];
static __typeof__(lines) paths[VARIANTS];

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_RDWR);

	(void)argc;
	(void)argv;
	report_start("fuzz");
	for (int i = 0; i < VARIANTS; i++) {
		struct import *im = &imports[i];

		memset(&lines, 0, sizeof lines);
		im->format = find_format(variants[i].format);
		im->channels = variants[i].channels;
		im->now = variants[i].now;
		memcpy(im->zone, "Z", 2);
		for (const char *const *map = variants[i].maps; *map; map++)
			rule_add(im, *map);
		prepare(im);
		paths[i] = lines;
	}
	return null < 0 || dup2(null, STDOUT_FILENO) < 0;
}

/* What is kept from one trace for the next would hide what is too short. */
static void
begin_again(struct import *im)
{
	free(im->scratch);
	im->scratch = NULL;
	im->scratch_room = im->scratch_filled = 0;
	im->started = false;
	im->last_ns = im->time_ns = 0;
	im->time_length = 0;
	im->samples = im->lost = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct import *im;
	struct block block;
	struct feed_line line = { .file = "fuzz", .line_number = 1 };
	size_t which = size > 0 ? data[0] % VARIANTS : 0;
	char *text;

	if (size < 2)
		return 0;
	im = &imports[which];
	lines = paths[which];
	begin_again(im);
	text = calloc(1, STREAM_MARGIN + size + STREAM_PADDING);
	if (!text)
		return 0;
	memcpy(text + STREAM_MARGIN, data + 1, size - 1);
	text[STREAM_MARGIN + size - 1] = '\n';
	block.at = text + STREAM_MARGIN;
	block.end = block.at + size;
	block.line = 1;
	while (block_line(&block, &line.text, &line.length)) {
		take_line(im, &line);
		line.line_number = block.line;
	}
	table_forget(im, "fuzz", false);
	stream_flush();
	free(text);
	return 0;
}
