/*
 * Any bytes as the lines of a meter, each with the checksum that it should
 * have unless it ends with '!': the meter's accounting neither crashes nor
 * writes a time that no record can hold.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "stream.h"

/* A million complaints are no finding. */
static void
ignore(const char *format, ...)
{
	(void)format;
}
#define report_error ignore
#define report_warning ignore
#define report_malformed(file, line, ...) ((void)(file), (void)(line))

#include "epi-tap/meter.c"
#include "epi-tap/record.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	return null < 0 || dup2(null, STDOUT_FILENO) < 0 ? abort(), 1 : 0;
}

static void
feed(struct meter *meter, const char *text, size_t length, uint64_t line)
{
	static const char hex[] = "0123456789ABCDEF";
	char *whole = malloc(length + 12);
	uint16_t crc = frame_crc(text, length);
	bool plain = length && text[length - 1] == '!';

	if (!whole)
		return;
	memcpy(whole, text, length);
	memcpy(whole + length, ",\"c\":\"0000\"}", 12);
	for (int i = 0; i < 4; i++)
		whole[length + 6 + (size_t)i] = hex[crc >> (12 - 4 * i) & 15];
	meter_line(meter, whole, length + (plain ? 0 : 12), line,
	    INT64_C(1700000000000000000) + (int64_t)line * 1000000);
	free(whole);
	if (meter->last_ns < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct meter meter = { .name = "fuzz" };
	const char *at = (const char *)data, *end = at + size;
	uint64_t line = 0;

	if (size == 0)
		return 0;
	meter.recorded = *at & 1;
	meter.has_begin = *at & 2;
	meter.waits = *at & 4;
	meter.channels[0].inverted = *at & 8;
	while (++at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			newline = end;
		feed(&meter, at, (size_t)(newline - at), ++line);
		at = newline;
	}
	meter_end(&meter, "end", false, (int64_t)line * 1000000);
	stream_flush();
	return 0;
}
