/*
 * Any bytes as the lines of a log, with and without arrival times: a reader
 * ends with a tally whose counts are unknown or not negative.  What it writes
 * goes to /dev/null.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "epi-tokens/tally.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	report_start("fuzz");
	return null < 0 || dup2(null, STDOUT_FILENO) < 0;
}

static void check(const struct tally *tally)
{
	if (tally->prompt_tokens < -1 || tally->generated_tokens < -1 ||
	    tally->prefill_ns < -1 || tally->decode_ns < -1 ||
	    tally->node_count < -1)
		abort();
	if (tally->status != TALLY_COMPLETE && !tally->why)
		abort();
	if (tally->status == TALLY_COMPLETE &&
	    tally->generated_tokens == TALLY_UNKNOWN)
		abort();
}

static void read_log(const struct tally_reader *reader, const char *text,
    const char *end, int64_t arrival_ns)
{
	struct log_line line = { .file = "fuzz", .number = 0 };
	struct tally tally;

	reader->start();
	for (const char *at = text; at < end; at = line.text + line.length + 1) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		line.text = at;
		line.length = (size_t)((newline ? newline : end) - at);
		line.number++;
		line.arrival_ns = arrival_ns;
		if (arrival_ns != TALLY_UNKNOWN)
			arrival_ns += 1000000;
		reader->knows(&line);
		reader->take(&line);
	}
	tally_start(&tally, "fuzz");
	if (reader->finish(&tally))
		check(&tally);
}

/* The first byte is the length of the prompt, 0 unknown. */
static int fuzz(const struct tally_reader *reader, const uint8_t *data,
    size_t size)
{
	char *text = malloc(size + 1);

	if (text && size) {
		tally_prompt_tokens = *data ? *data : TALLY_UNKNOWN;
		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\n'; /* a line's end can be looked at */
		read_log(reader, text, text + size - 1, TALLY_UNKNOWN);
		read_log(reader, text, text + size - 1,
		    INT64_C(1795334030571345000));
	}
	free(text);
	return 0;
}
