/*
 * Any bytes as the lines of a meter, as they are or each with the checksum that
 * it should have, live, replayed or recorded: the accounting neither crashes
 * nor writes a time that no record can hold, and the talk sends no more than a
 * line's worth.
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

#include "epi-tap/align.c"
#include "epi-tap/channel.c"
#include "epi-tap/check.c"
#include "epi-tap/identity.c"
#include "epi-tap/lines.c"
#include "epi-tap/loss.c"
#include "epi-tap/timing.c"
#define later later_time
#include "epi-tap/meter.c"
#include "epi-tap/record.c"
#include "epi-tap/replay.c"
#include "epi-tap/seen.c"
#define ping say_ping
#define reset talk_reset
#include "epi-tap/talk.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tap_options tap_options;
static char room[LINES_MOST + LINES_ROOM];
static struct meter meter;
static struct talk talk;
static struct replay replay;
static bool replays;

bool
tap_inverted(const char *node)
{
	return node[2] == '2';
}

bool
port_send(const struct port *port, const char *bytes, size_t length)
{
	(void)port;
	if (length == 0 || length > TALK_TEXT || bytes[length - 1] != '\n')
		abort();
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	return null < 0 || dup2(null, STDOUT_FILENO) < 0 ? abort(), 1 : 0;
}

static void
hear(const char *text, size_t length, uint64_t line)
{
	static const struct port port;
	struct frame frame;

	meter_line(&meter, text, length, line, &frame);
	if (frame.kind < FRAME_ALIEN)
		talk_heard(&talk, &meter, &frame, length);
	if (meter.asked)
		talk_turn(&talk, &meter, &port, false);
	meter_tell_clock(&meter);
	if (meter.last_ns < 0)
		abort();
}

/* A line that ends with '!' comes as it is, others with their checksum. */
static void
take(void *user, const char *text, size_t length, uint64_t line)
{
	static const char hex[] = "0123456789ABCDEF";
	char whole[LINES_MOST + 12], sent[REPLAY_TEXT];
	uint16_t crc;

	(void)user;
	meter.now.steady_ns += 1000000;
	meter.now.ns += 1000000;
	if (text && replays && replay_line(&replay, text, length, &meter.now,
	    sent) == REPLAY_SENT)
		talk_sent(&talk, &meter, sent, strlen(sent));
	if (!text) {
		meter_overlong(&meter, line);
	} else if (length && text[0] == '~') {
		meter_away(&meter);
		meter_back(&meter, length > 1);
	} else if (length && text[length - 1] == '!') {
		hear(text, length - 1, line);
	} else if (length <= LINES_MOST) {
		crc = frame_crc(text, length);
		memcpy(whole, text, length);
		memcpy(whole + length, ",\"c\":\"0000\"}", 12);
		for (int i = 0; i < 4; i++)
			whole[length + 6 + (size_t)i] =
			    hex[crc >> (12 - 4 * i) & 15];
		hear(whole, length + 12, line);
	}
}

static void
begin(uint8_t how)
{
	memset(&meter, 0, sizeof meter);
	memset(&talk, 0, sizeof talk);
	memset(&replay, 0, sizeof replay);
	replays = how & 128;
	align_start(&meter.align);
	meter.name = "fuzz";
	meter.recorded = how & 1;
	meter.has_begin = how & 2;
	meter.asked = how & 4;
	meter.uncalibrated = how & 16;
	tap_options.mode = how & 32 ? TAP_CHECK : TAP_MEASURE;
	tap_options.rate_hz = how & 64 ? 50 : 0;
	meter.waits = meter.asked && how & 64;
	meter.baud = 115200;
	meter.now.steady_ns = INT64_C(1000000000);
	meter.now.ns = how & 8 ? 0 : INT64_C(1700000000000000000);
	talk_open(&talk, &meter);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines lines = { .buffer = room, .line = 1 };

	if (size == 0)
		return 0;
	begin(*data++ ^ '0');
	for (size--; size > 0; ) {
		size_t count = size < LINES_ROOM ? size : LINES_ROOM;

		memcpy(lines_room(&lines), data, count);
		lines_came(&lines, count, take, NULL);
		data += count;
		size -= count;
	}
	lines_end(&lines, take, NULL);
	meter_end(&meter, "end");
	stream_flush();
	return 0;
}
