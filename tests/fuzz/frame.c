/*
 * Any bytes: frame_parse stays inside them; what it accepts is written and
 * read again as the same.
 */
#include <stdlib.h>
#include <string.h>

#include "frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
format(const struct frame *frame, char *out)
{
	switch (frame->kind) {
	case FRAME_SAMPLE:
		return frame_format_sample(&frame->as.sample, out, FRAME_LINE_MAX);
	case FRAME_HEADER:
		return frame_format_header(&frame->as.header, out, FRAME_LINE_MAX);
	case FRAME_ACK:
		return frame_format_ack(&frame->as.ack, out, FRAME_LINE_MAX);
	default:
		return frame_format_end(&frame->as.end, out, FRAME_LINE_MAX);
	}
}

static void
round_trip(const char *line, size_t size)
{
	static struct frame first, second;
	char out[FRAME_LINE_MAX];

	memset(&first, 0, sizeof first);
	memset(&second, 0, sizeof second);
	if (frame_parse(line, size, &first) >= FRAME_ALIEN)
		return;
	size_t n = format(&first, out);
	if (!n || frame_parse(out, n - 1, &second) != first.kind ||
	    memcmp(&first, &second, sizeof first) != 0)
		abort();
}

/* The bytes as they are, and again with the CRC that they should have. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	char *line = malloc(size + 13);

	if (!line)
		return 0;
	memcpy(line, data, size);
	round_trip(line, size);
	uint16_t crc = frame_crc(line, size);
	memcpy(line + size, ",\"c\":\"0000\"}", 12);
	for (int i = 0; i < 4; i++)
		line[size + 6 + (size_t)i] = hex[crc >> (12 - 4 * i) & 15];
	char *exact = malloc(size + 12);
	if (exact) {
		memcpy(exact, line, size + 12);
		round_trip(exact, size + 12);
	}
	free(exact);
	free(line);
	return 0;
}
