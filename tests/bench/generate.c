/* generate FORM BYTES - a deterministic power trace of four nodes at 50 Hz
 *
 * FORM: fixed (the decimals of epi-record(5)), trimmed (no trailing zeros) or
 * shuffled (keys in another order on every line).  Ends with the first whole
 * tick at or past BYTES.  It shows what a trace looks like to a reader of
 * text; as a model of power it claims nothing. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES = 4, KEYS = 10 };

static uint64_t state = 88172645463325252u;

/* xorshift64, G. Marsaglia, Journal of Statistical Software 8(14), 2003. */
static uint64_t
below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

static int trimmed;

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

static size_t
line(int node, int64_t us, int64_t seq, int64_t *mj, int shuffled)
{
	char parts[KEYS][64], text[KEYS * 64];
	int order[KEYS];
	int64_t mw = 4200 + 900 * node + (int64_t)below(3500);
	size_t n = 0;

	mj[node] += mw / 50;
	number(parts[0], "timestamp", us, 6);
	sprintf(parts[1], "\"node\":\"pi%d\"", node + 1);
	number(parts[2], "watts", mw, 3);
	number(parts[3], "volts", 12050 + (int64_t)below(100), 2);
	number(parts[4], "amps", 580 + (int64_t)below(400), 4);
	number(parts[5], "power_factor", 500 + (int64_t)below(100), 3);
	number(parts[6], "vars", -(int64_t)(450 + below(400)), 2);
	number(parts[7], "hertz", 5995 + (int64_t)below(10), 2);
	number(parts[8], "joules", mj[node], 3);
	sprintf(parts[9], "\"seq\":%" PRId64, seq);
	for (int i = 0; i < KEYS; i++)
		order[i] = i;
	for (int i = KEYS - 1; shuffled && i > 0; i--) {
		int k = (int)below((uint64_t)i + 1), swap = order[i];

		order[i] = order[k];
		order[k] = swap;
	}
	for (int i = 0; i < KEYS; i++)
		n += (size_t)sprintf(text + n, "%c%s", i ? ',' : '{',
		    parts[order[i]]);
	puts(strcat(text, "}"));
	return n + 2;
}

int
main(int argc, char **argv)
{
	int64_t us = 1795340400000000, seq = 100000, mj[NODES] = { 0 };
	uint64_t bytes = 0, wanted;
	int shuffled;

	if (argc != 3) {
		fputs("usage: generate fixed|trimmed|shuffled BYTES\n", stderr);
		return 2;
	}
	trimmed = strcmp(argv[1], "trimmed") == 0;
	shuffled = strcmp(argv[1], "shuffled") == 0;
	wanted = strtoull(argv[2], NULL, 10);
	for (; bytes < wanted; us += 20000, seq++)
		for (int node = 0; node < NODES; node++)
			bytes += line(node, us, seq, mj, shuffled);
	return fclose(stdout) == 0 ? 0 : 1;
}
