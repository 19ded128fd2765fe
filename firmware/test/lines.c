/*
 * lines - checks a meter's lines on standard input: usage lines HZ SECONDS.
 * Every line a whole frame, no gap in the numbers, dt within 1 % of nominal,
 * no error bit, enough samples.  Status 0, or 1 with the reason.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

static unsigned long line_number;

static _Noreturn void
fail(const char *why)
{
	printf("line %lu: %s\n", line_number, why);
	exit(1);
}

static void
check_sample(const struct frame_sample *now, uint64_t hz,
    uint64_t number)
{
	static struct frame_sample before;

	if (now->absent)
		fail("a channel is absent");
	for (unsigned c = 0; c < now->channels; c++)
		if (now->errors[c])
			fail("an error bit");
	if (number) {
		int64_t off = (int64_t)((now->time_us - before.time_us) * hz) -
		    1000000;

		if (now->sequence != before.sequence + 1)
			fail("a gap in the numbers");
		if (off > 10000 || off < -10000)
			fail("dt is off by more than 1 %");
	}
	before = *now;
}

int
main(int argc, char **argv)
{
	static char line[4096];
	uint64_t hz = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	uint64_t seconds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	uint64_t samples = 0, headers = 0;
	struct frame frame;

	while (fgets(line, sizeof line, stdin)) {
		line_number++;
		size_t length = strcspn(line, "\n");
		enum frame_kind kind = frame_parse(line, length, &frame);
		if (kind >= FRAME_ALIEN)
			fail(line);
		headers += kind == FRAME_HEADER;
		if (kind == FRAME_SAMPLE)
			check_sample(&frame.as.sample, hz, samples++);
	}
	if (headers == 0)
		fail("no header");
	if (hz == 0 || samples < hz * seconds - 1)
		fail("too few samples");
	printf("%" PRIu64 " samples\n", samples);
	return 0;
}
