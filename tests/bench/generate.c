/* generate FORM BYTES - a deterministic power trace of four nodes at 50 Hz
 *
 * FORM: fixed (the decimals of epi-record(5)), trimmed (no trailing zeros),
 * shuffled (keys in another order on every line) or frames (a meter's lines,
 * with the times and watts of fixed).  Ends with the first whole tick at or
 * past BYTES.  It shows what a trace looks like to a reader of text; as a
 * model of power it claims nothing. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { NODES = 4, KEYS = 10, PERIOD_US = 20000, SEQUENCE = 100000 };

static const int64_t begin_us = 1795340400000000;

struct reading {
	int64_t mw, volts_e2, amps_e4, power_factor_e3, vars_e2, hertz_e2;
	int64_t mj; /* the node's counter */
};

static uint64_t state = 88172645463325252u;
static int trimmed, shuffled;

/* xorshift64, G. Marsaglia, Journal of Statistical Software 8(14), 2003. */
static uint64_t
below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static void
measure(struct reading *reading, int node)
{
	reading->mw = 4200 + 900 * node + (int64_t)below(3500);
	reading->volts_e2 = 12050 + (int64_t)below(100);
	reading->amps_e4 = 580 + (int64_t)below(400);
	reading->power_factor_e3 = 500 + (int64_t)below(100);
	reading->vars_e2 = -(int64_t)(450 + below(400));
	reading->hertz_e2 = 5995 + (int64_t)below(10);
	reading->mj += reading->mw / 50;
}

/* value / 10^decimals */
static void
number(char *out, const char *key, int64_t value, int decimals)
{
	int64_t scale = 1, size = value < 0 ? -value : value;
	int n;

	for (int i = 0; i < decimals; i++)
		scale *= 10;
	n = sprintf(out, "\"%s\":%s%" PRId64 ".%0*" PRId64, key,
	    value < 0 ? "-" : "", size / scale, decimals, size % scale);
	while (trimmed && out[n - 1] == '0')
		out[--n] = '\0';
	if (out[n - 1] == '.')
		out[--n] = '\0';
}

static void
shuffle(int *order)
{
	for (int i = KEYS - 1; i > 0; i--) {
		int k = (int)below((uint64_t)i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
}

static size_t
write_sample(int node, uint64_t tick, const struct reading *reading)
{
	char parts[KEYS][64], text[KEYS * 64];
	int order[KEYS];
	size_t n = 0;

	number(parts[0], "timestamp", begin_us + (int64_t)tick * PERIOD_US, 6);
	sprintf(parts[1], "\"node\":\"pi%d\"", node + 1);
	number(parts[2], "watts", reading->mw, 3);
	number(parts[3], "volts", reading->volts_e2, 2);
	number(parts[4], "amps", reading->amps_e4, 4);
	number(parts[5], "power_factor", reading->power_factor_e3, 3);
	number(parts[6], "vars", reading->vars_e2, 2);
	number(parts[7], "hertz", reading->hertz_e2, 2);
	number(parts[8], "joules", reading->mj, 3);
	sprintf(parts[9], "\"seq\":%" PRIu64, SEQUENCE + tick);
	for (int i = 0; i < KEYS; i++)
		order[i] = i;
	if (shuffled)
		shuffle(order);
	for (int i = 0; i < KEYS; i++)
		n += (size_t)sprintf(text + n, "%c%s", i ? ',' : '{',
		    parts[order[i]]);
	puts(strcat(text, "}"));
	return n + 2;
}

/* What a meter sends of a tick at 50 Hz; the rest is on every tenth line. */
static size_t
write_frame(uint64_t tick, const struct reading *readings)
{
	struct frame_sample sample = {
		.has = FRAME_HAS_SEQUENCE | FRAME_HAS_TIME |
		    FRAME_HAS_CURRENT | FRAME_HAS_POWER | FRAME_HAS_ERRORS |
		    FRAME_HAS_CHANGED | FRAME_HAS_ENERGY,
		.channels = NODES, .changed = 15,
		.sequence = tick, .time_us = tick * PERIOD_US,
		.voltage_mv = (int32_t)readings[0].volts_e2 * 10,
		.frequency_millihertz = (int32_t)readings[0].hertz_e2 * 10
	};
	char line[FRAME_LINE_MAX];

	if (tick % 10 == 0)
		sample.has |= FRAME_HAS_VOLTAGE | FRAME_HAS_FREQUENCY |
		    FRAME_HAS_REACTIVE | FRAME_HAS_POWER_FACTOR;
	for (int i = 0; i < NODES; i++) {
		sample.current_ua[i] = (int32_t)readings[i].amps_e4 * 100;
		sample.power_mw[i] = (int32_t)readings[i].mw;
		sample.reactive_mvar[i] = (int32_t)readings[i].vars_e2 * 10;
		sample.power_factor_milli[i] =
		    (int32_t)readings[i].power_factor_e3;
		sample.energy_counts[i] = readings[i].mj;
	}
	return fwrite(line, 1, frame_format_sample(&sample, line, sizeof line),
	    stdout);
}

static void
write_header(void)
{
	static const struct frame_header header = {
		.has = FRAME_HEAD_NEXT, .protocol = FRAME_PROTOCOL,
		.device = "epi-meter", .firmware = "0.1.0", .chip = "host",
		.ic = "atm90e26", .channels = NODES, .rate_hz = 50,
		.units = FRAME_UNITS_TEXT, .reset = "power", .gain_k = 1,
		.id = "0123456789abcdef", .energy_nj = 1000000, .simulated = 1
	};
	char line[FRAME_LINE_MAX];

	fwrite(line, 1, frame_format_header(&header, line, sizeof line),
	    stdout);
}

int
main(int argc, char **argv)
{
	struct reading readings[NODES] = { 0 };
	uint64_t bytes = 0, wanted;
	int frames;

	if (argc != 3) {
		fputs("usage: generate fixed|trimmed|shuffled|frames BYTES\n",
		    stderr);
		return 2;
	}
	trimmed = strcmp(argv[1], "trimmed") == 0;
	shuffled = strcmp(argv[1], "shuffled") == 0;
	frames = strcmp(argv[1], "frames") == 0;
	wanted = strtoull(argv[2], NULL, 10);
	if (frames)
		write_header();
	for (uint64_t tick = 0; bytes < wanted; tick++) {
		for (int node = 0; node < NODES; node++) {
			measure(&readings[node], node);
			if (!frames)
				bytes += write_sample(node, tick,
				    &readings[node]);
		}
		if (frames)
			bytes += write_frame(tick, readings);
	}
	return fclose(stdout) == 0 ? 0 : 1;
}
