/*
 * frame: the wire format.  TAP on standard output.  The CRCs of the lines were
 * computed bit by bit by another program from the definition in frame.h.
 */
#include <stdio.h>
#include <string.h>

#include "frame.h"

static int tests, failures;

static void
check(bool holds, const char *what)
{
	failures += !holds;
	printf("%sok %d - %s\n", holds ? "" : "not ", ++tests, what);
}

static struct frame frame;

static bool
is(enum frame_kind kind, const char *line)
{
	return frame_parse(line, strlen(line), &frame) == kind &&
	    frame.kind == kind;
}

static const char full[] = "{\"s\":170,\"t\":165475,\"v\":230012,\"f\":50000,"
    "\"i\":[39824,null],\"p\":[-5680,null],\"q\":[-5113,null],"
    "\"pf\":[620,null],\"e\":[0,1],\"m\":1,\"j\":[1234567890123,null],"
    "\"c\":\"6FFD\"}\n";
static const char header[] = "{\"epi\":1,\"device\":\"epi-meter\","
    "\"fw\":\"0.1.0\",\"chip\":\"host\",\"ic\":\"atm90e26\",\"n\":2,\"hz\":10,"
    "\"u\":\"us mV mHz uA mW mvar 1e-3 nJ\",\"up\":1500,\"rst\":\"power\","
    "\"cal\":\"0000BEEF\",\"K\":100,\"id\":\"E66058388353A12B\","
    "\"jn\":10000000,\"dly\":60000,\"drop\":0,\"jw\":0,\"sim\":1,"
    "\"c\":\"1F3B\"}\n";
static const char minimal[] =
    "{\"s\":1,\"t\":2,\"p\":[5],\"e\":[0],\"c\":\"1B7C\"}";

/* A constant without its newline. */
static enum frame_kind
whole(const char *line)
{
	return frame_parse(line, strlen(line) - 1, &frame);
}

static void
samples(void)
{
	const struct frame_sample *sample = &frame.as.sample;

	check(whole(full) == FRAME_SAMPLE, "a full sample is read");
	check(sample->sequence == 170 && sample->time_us == 165475 &&
	    sample->voltage_mv == 230012 &&
	    sample->frequency_millihertz == 50000, "its scalars");
	check(sample->channels == 2 && sample->absent == 2 &&
	    sample->current_ua[0] == 39824 && sample->power_mw[0] == -5680 &&
	    sample->reactive_mvar[0] == -5113 && sample->changed == 1 &&
	    sample->power_factor_milli[0] == 620 &&
	    sample->energy_counts[0] == INT64_C(1234567890123), "its arrays");
	check(sample->errors[1] == FRAME_MISSING && sample->power_mw[1] == 0,
	    "null marks a channel absent");
	check(is(FRAME_SAMPLE, minimal) && sample->has == (FRAME_HAS_SEQUENCE |
	    FRAME_HAS_TIME | FRAME_HAS_POWER | FRAME_HAS_ERRORS),
	    "only s, t, p and e are required");
	check(is(FRAME_SAMPLE, "{\"s\":1,\"t\":2,\"x\":\"y\",\"z\":[1,null],"
	    "\"w\":1.5e3,\"p\":[5],\"e\":[0],\"c\":\"8838\"}") &&
	    sample->power_mw[0] == 5, "unknown members are skipped");
	check(is(FRAME_SAMPLE, "{\"s\":18446744073709551615,"
	    "\"t\":18446744073709551615,\"p\":[-2147483648],\"e\":[0],"
	    "\"j\":[-9223372036854775808],\"c\":\"ED9F\"}") &&
	    sample->sequence == UINT64_MAX && sample->power_mw[0] == INT32_MIN &&
	    sample->energy_counts[0] == INT64_MIN, "the widest numbers");
}

static void
others(void)
{
	check(whole(header) == FRAME_HEADER, "a header is read");
	const struct frame_header *head = &frame.as.header;
	check(!strcmp(head->device, "epi-meter") && head->gain_k == 100 &&
	    !strcmp(head->id, "E66058388353A12B") && head->channels == 2 &&
	    head->calibration == 0xBEEF && head->energy_nj == 10000000 &&
	    head->simulated == 1 && head->delay_us == 60000, "its members");
	check((head->has & FRAME_HEAD_DELAY) && !(head->has &
	    FRAME_HEAD_AVERAGING), "averaging unknown is not averaging 0");
	check(is(FRAME_ACK, "{\"ok\":\"P\",\"k\":\"7\",\"rx\":10,\"tx\":20,"
	    "\"c\":\"646E\"}") && frame.as.ack.done &&
	    frame.as.ack.received_us == 10 && frame.as.ack.sent_us == 20 &&
	    !strcmp(frame.as.ack.token, "7"), "an acknowledgement");
	check(is(FRAME_ACK, "{\"no\":\"R\",\"k\":\"\",\"why\":\"range\","
	    "\"c\":\"EDAC\"}") && !frame.as.ack.done &&
	    !strcmp(frame.as.ack.reason, "range"), "a refusal");
	check(is(FRAME_END, "{\"end\":\"time\",\"s\":3,\"t\":9,\"drop\":0,"
	    "\"truth\":[1,-2],\"c\":\"37A0\"}") &&
	    frame.as.end.truth_uj[1] == -2 && frame.as.end.values_count == 2,
	    "an end with the truth");
}

static void
refusals(void)
{
	check(is(FRAME_ALIEN, "") && is(FRAME_ALIEN, "U-Boot 2024.01") &&
	    is(FRAME_ALIEN, "{\"foo\":1}"), "what is no frame is alien");
	check(is(FRAME_CUT, "{") && is(FRAME_CUT, "{\"s\":1,\"t\":2,\"p\":[5") &&
	    is(FRAME_CUT, "\"t\":2,\"p\":[5],\"e\":[0],\"c\":\"1B7C\"}"),
	    "a lost begin or end is a cut");
	check(is(FRAME_DAMAGED, "{\"s\":1,\"t\":2,\"p\":[6],\"e\":[0],"
	    "\"c\":\"1B7C\"}"), "a changed digit is damage");
	check(is(FRAME_DAMAGED, "{\"s\":1,\"t\":2,\"p\":[5],\"e\":[0],"
	    "\"c\":\"1b7C\"}"), "a CRC in lower case is damage");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[5],\"e\":[0,0],"
	    "\"c\":\"0167\"}"), "arrays of two lengths");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"s\":1,\"t\":2,\"p\":[5],\"e\":[0],"
	    "\"c\":\"7508\"}"), "a member twice");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[5],\"c\":\"236B\"}"),
	    "a required member missing");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[2147483648],"
	    "\"e\":[0],\"c\":\"7215\"}"), "a value beyond 32 bits");
	check(is(FRAME_MALFORMED, "{\"s\":18446744073709551616,\"t\":2,"
	    "\"p\":[5],\"e\":[0],\"c\":\"A130\"}"), "a count beyond 64 bits");
	check(is(FRAME_MALFORMED, "{\"s\":01,\"t\":2,\"p\":[5],\"e\":[0],"
	    "\"c\":\"75E1\"}"), "a leading zero");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[5],\"e\":[0],,"
	    "\"c\":\"3AB4\"}"), "a comma too many");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[null],\"i\":[1],"
	    "\"e\":[1],\"c\":\"8CCD\"}"), "a channel null in one array alone");
	check(is(FRAME_MALFORMED, "{\"t\":2,\"s\":1,\"p\":[5],\"e\":[0],"
	    "\"c\":\"781A\"}"), "a kind that is unknown");
	check(is(FRAME_MALFORMED, "{\"s\":1,\"t\":2,\"p\":[-0],\"e\":[0],"
	    "\"m\":2,\"c\":\"589E\"}"), "a changed bit of no channel");
}

static bool
every_prefix_is_cut(const char *line, size_t length)
{
	for (size_t i = 1; i < length; i++)
		if (frame_parse(line, i, &frame) != FRAME_CUT)
			return false;
	return true;
}

/* Whatever one byte becomes, the line never is a sample again. */
static bool
every_flip_is_seen(const char *line, size_t length)
{
	char copy[FRAME_LINE_MAX];

	for (size_t i = 0; i < length; i++)
		for (int bit = 1; bit < 256; bit++) {
			memcpy(copy, line, length);
			copy[i] = (char)(copy[i] ^ bit);
			if (frame_parse(copy, length, &frame) < FRAME_ALIEN)
				return false;
		}
	return true;
}

static void
writing(void)
{
	char out[FRAME_LINE_MAX];
	struct frame_sample widest = { .has = ~0U, .channels = 4,
		.sequence = UINT64_MAX, .time_us = UINT64_MAX,
		.voltage_mv = INT32_MIN, .frequency_millihertz = INT32_MIN,
		.changed = 15 };

	whole(full);
	size_t n = frame_format_sample(&frame.as.sample, out, sizeof out);
	check(n == strlen(full) && !memcmp(out, full, n),
	    "a sample is written as it was read");
	whole(header);
	n = frame_format_header(&frame.as.header, out, sizeof out);
	check(n == strlen(header) && !memcmp(out, header, n),
	    "a header is written as it was read");
	check(frame_format_header(&frame.as.header, out, n - 1) == 0 &&
	    frame_format_header(&frame.as.header, out, n) == n,
	    "a line that does not fit is not written");
	for (int c = 0; c < 4; c++) {
		widest.current_ua[c] = widest.power_mw[c] = INT32_MIN;
		widest.reactive_mvar[c] = widest.power_factor_milli[c] = INT32_MIN;
		widest.errors[c] = INT32_MIN;
		widest.energy_counts[c] = INT64_MIN;
	}
	n = frame_format_sample(&widest, out, sizeof out);
	check(n && frame_parse(out, n - 1, &frame) == FRAME_SAMPLE,
	    "the widest sample fits FRAME_LINE_MAX");
	struct frame_header longest = { .has = ~0U, .protocol = 1,
		.channels = 4, .rate_hz = 50, .calibration = ~0U, .gain_k = ~0U,
		.uptime_us = UINT64_MAX, .energy_nj = UINT64_MAX,
		.energy_wrap = UINT64_MAX, .delay_us = UINT64_MAX,
		.averaging_us = UINT64_MAX, .dropped = UINT64_MAX,
		.next_sequence = UINT64_MAX, .simulated = 1 };
	memset(longest.device, 'x', FRAME_WORD - 1);
	memset(longest.firmware, 'x', FRAME_WORD - 1);
	memset(longest.chip, 'x', FRAME_WORD - 1);
	memset(longest.ic, 'x', FRAME_WORD - 1);
	memset(longest.reset, 'x', FRAME_WORD - 1);
	memset(longest.id, 'x', FRAME_WORD - 1);
	memset(longest.units, 'x', FRAME_UNITS - 1);
	n = frame_format_header(&longest, out, sizeof out);
	check(n && frame_parse(out, n - 1, &frame) == FRAME_HEADER,
	    "the longest header fits FRAME_LINE_MAX");
	struct frame_ack ack = { .command = "P", .token = "a\"\\\n\x80" };
	n = frame_format_ack(&ack, out, sizeof out);
	check(n && frame_parse(out, n - 1, &frame) == FRAME_ACK &&
	    !strcmp(frame.as.ack.token, "a____"), "hostile bytes become _");
}

/* As frame.h defines it, bit by bit. */
static unsigned
crc_by_bits(const char *bytes, size_t length)
{
	unsigned crc = 0xFFFF;

	for (size_t bit = 0; bit < 8 * length; bit++) {
		unsigned in = (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1;

		crc = crc << 1 ^ ((crc >> 15 ^ in) & 1 ? 0x1021 : 0);
		crc &= 0xFFFF;
	}
	return crc;
}

static bool
crc_of_every_length(void)
{
	char bytes[300];
	unsigned state = 1;

	for (size_t i = 0; i < sizeof bytes; i++) {
		state = state * 1103515245 + 12345;
		bytes[i] = (char)(state >> 16);
	}
	for (size_t n = 0; n <= sizeof bytes; n++)
		if (frame_crc(bytes, n) != crc_by_bits(bytes, n))
			return false;
	return true;
}

int
main(void)
{
	check(crc_of_every_length(), "the CRC is that of its definition");
	check(frame_crc("123456789", 9) == 0x29B1, "the CRC's check value");
	check(frame_crc("", 0) == 0xFFFF, "the CRC of nothing");
	samples();
	others();
	refusals();
	check(every_prefix_is_cut(full, strlen(full) - 1) &&
	    every_prefix_is_cut(header, strlen(header) - 1),
	    "every shorter line is a cut");
	check(every_flip_is_seen(full, strlen(full) - 1),
	    "every byte changed is seen");
	writing();
	printf("1..%d\n", tests);
	return failures != 0;
}
