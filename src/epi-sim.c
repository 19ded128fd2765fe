/* epi-sim - the meter's firmware on a simulated cluster */
/* parts: firmware/core firmware/sim */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "epi-sim/marks.h"
#include "epi-sim/script.h"
#include "host.h"
#include "option.h"
#include "pty.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-sim [--nodes N] [--rate HZ] [--for D] [--fast] [--seed N]\n"
"               [--board N] [--sampling HOW] [--mains V] [--noise W] [--gain X]\n"
"               [--phase DEG] [--pickup W] [--crosstalk X] [--drift PPM]\n"
"               [--reading-noise W] [--faults X] [--record] [--begin T]\n"
"               [--pings D] [--pty LINK] [--marks FILE] [--truth FILE]\n"
"               [--times FILE] [FILE]\n"
"Run the meter's firmware on modelled ICs, clamps and computers and write its\n"
"wire format.  FILE is a script; without one the nodes idle, prefill and\n"
"decode in turn, to the end of standard input, whose marks they follow.\n"
"\n"
"      --nodes N      nodes, 1 to 4 (4)\n"
"      --rate HZ      samples a second, 1 to 50 (10)\n"
"      --for D        end after this long: 60s, 5m, 1d\n"
"      --fast         as fast as it goes, not in real time\n"
"      --seed N       another N is another run; the same N the same (1)\n"
"      --board N      another N is another meter (the seed)\n"
"      --sampling HOW what the ICs average: mean, point or window=D (mean)\n"
"      --mains V      120 (60 Hz) or 230 (50 Hz) (230)\n"
"      --noise W      of a node's power, rms (0.15)\n"
"      --gain X       error of the clamps' ratio, 0.01 is one per cent (0)\n"
"      --phase DEG    error of the clamps' phase in degrees (0)\n"
"      --pickup W     mains picked up by an empty clamp (0)\n"
"      --crosstalk X  share of the other nodes that a clamp sees (0)\n"
"      --drift PPM    the meter's clock runs fast by this (0)\n"
"      --reading-noise W  of each reading of watts and vars, rms (0)\n"
"      --faults X     share of the lines that are lost, damaged or cut (0)\n"
"      --record       what a host would see, and when; with --fast\n"
"      --begin T      a recording's begin (2026-11-22T09:40:00Z)\n"
"      --pings D      a recording's host asks for the time so often (10s)\n"
"      --pty LINK     a pseudo-terminal, linked at LINK, that takes commands\n"
"      --marks FILE   mark events, as they come, set what the nodes do\n"
"      --truth FILE   write the true joules there at the end\n"
"      --times FILE   write the true time of each sample there\n"
"  -h, --help         show this and exit\n"
"      --version      show the version and exit\n"
"\n"
"Example: epi-sim --fast --for 60s | epi-tap - | epi-integrate\n";

#define FOREVER_US (INT64_MAX / 1000)

static struct sim {
	struct host_config host;
	uint64_t end_us;
	const char *end_reason;
	struct script script;
	struct marks marks;
	const char *link, *truth, *times, *marks_name;
	FILE *times_file, *truth_file;
	int pty;
	bool marks_end; /* their end is the end */
} sim = {
	.host = {
		.load = { .seed = 1, .nodes = 4, .mains_mv = 230000,
			.mains_millihertz = 50000, .noise_uw = 150000,
			.clip_peak_ua = 1590000 },
		.meter = { .firmware = EPI_VERSION, .channels = 4, .rate_hz = 10,
			.driver = &atm90e26_driver, .simulated = true,
			.averaging_known = true },
		.wire = { .begin_ns = INT64_C(1795340400) * CLOCK_SECOND,
			.ping_us = 10000000 },
		.input = -1, .waker = -1
	},
	.end_us = FOREVER_US, .pty = -1, .end_reason = "time"
};

static volatile sig_atomic_t signalled;

/* The wire. */

static void
write_pty(const char *bytes, size_t count)
{
	if (sim.pty >= 0 && !pty_write(sim.pty, bytes, count))
		report_fatal("%s: %s", sim.link, strerror(errno));
}

static void
nothing(void)
{
}

static void
open_pty(void)
{
	sim.pty = pty_open(sim.link);
	if (sim.pty < 0)
		report_fatal("%s: %s", sim.link, strerror(errno));
}

static void
shut_pty(void)
{
	if (!pty_close(sim.pty, sim.link))
		report_warning("%s: %s", sim.link, strerror(errno));
	sim.pty = -1;
}

/* An unplugged port is gone, and its link; plugged in again it is a new one. */
static void
plug(bool in)
{
	if (!sim.link)
		return;
	if (in) {
		open_pty();
	} else {
		shut_pty();
	}
	host.config.input = sim.pty;
}

/* The counts are of the boot, the time is the host's, without its steps. */
static void
write_time(int64_t centre_us)
{
	const struct frame_sample *sample = &host.meter.sample;

	if (fprintf(sim.times_file, "{\"boot\":%u,\"s\":%llu,\"t\":%llu,"
	    "\"real\":%lld}\n", host.boots,
	    (unsigned long long)sample->sequence,
	    (unsigned long long)sample->time_us,
	    (long long)(host.config.wire.begin_ns + centre_us * 1000)) < 0)
		report_fatal("%s: %s", sim.times, strerror(errno));
}

/* What each node has taken up to `us`, from a zero of no meaning. */
static void
write_taken(const char *label, size_t length, bool is_end, int64_t us)
{
	fprintf(sim.truth_file, "{\"type\":\"truth\",\"label\":\"%.*s\","
	    "\"edge\":\"%s\",\"taken_joules\":[", (int)length, label,
	    is_end ? "end" : "begin");
	for (unsigned c = 0; c < sim.host.load.nodes; c++)
		fprintf(sim.truth_file, "%s%.9f", c ? "," : "",
		    (double)load_energy_nj(&host.load, c, us) / 1e9);
	fprintf(sim.truth_file, "],\"simulated\":true}\n");
	fflush(sim.truth_file); /* an error stays, for write_truth */
}

static void
write_scripted(const char *label, size_t length, bool is_end, uint64_t us)
{
	write_taken(label, length, is_end, (int64_t)us);
}

/* A mark that came is of its own time. */
static void
write_mark(const struct event *mark)
{
	int64_t us = (clock_steady() - host.begin_ns - (clock_now() -
	    mark->timestamp_ns)) / 1000;

	if (mark->has_timestamp && us >= -LOAD_BEFORE_US &&
	    us + LOAD_BEFORE_US >= (int64_t)host.true_us)
		write_taken(mark->label.at, mark->label.length,
		    mark->edge_is_end, us);
}

static FILE *
open_told(const char *name)
{
	FILE *file = name ? fopen(name, "w") : NULL;

	if (name && !file)
		report_fatal("%s: %s", name, strerror(errno));
	return file;
}

static void
open_tellings(void)
{
	sim.times_file = open_told(sim.times);
	sim.truth_file = open_told(sim.truth);
	if (sim.times_file)
		sim.host.sampled = write_time;
	if (sim.truth_file) {
		sim.marks.see = write_mark;
		sim.script.mark = write_scripted;
	}
}

static void
close_times(void)
{
	if (sim.times_file && fclose(sim.times_file) != 0)
		report_error("%s: %s", sim.times, strerror(errno));
}

static void
open_wire(void)
{
	sim.host.write = stream_copy;
	sim.host.flush = stream_flush;
	sim.host.plug = plug;
	if (!sim.link)
		return;
	open_pty();
	sim.host.input = sim.pty;
	sim.host.write = write_pty;
	sim.host.flush = nothing;
}

/* A pseudo-terminal that closes takes with it what was not yet read. */
static void
close_wire(void)
{
	struct timespec moment = { 0, 200000000 };

	if (sim.pty < 0)
		return;
	if (pty_connected(sim.pty))
		nanosleep(&moment, NULL);
	shut_pty();
}

static bool
write_channel(FILE *file, unsigned c)
{
	const struct load_front *front = &host.load.nodes[c].front;
	const struct wire *wire = &host.wire;

	return fprintf(file, "{\"type\":\"truth\",\"channel\":%u,"
	    "\"joules\":%.9f,\"counted_joules\":%.9f,\"samples\":%llu,"
	    "\"gain\":%.6f,\"phase_degrees\":%.3f,\"offset_watts\":%.6f,"
	    "\"lines\":%llu,\"lost\":%llu,\"damaged\":%llu,\"cut\":%llu,"
	    "\"simulated\":true}\n", c + 1,
	    (double)(host.last_nj[c] - host.first_nj[c]) / 1e9,
	    (double)(host.last_counted_nj[c] - host.first_counted_nj[c]) /
	    1e9, (unsigned long long)host.samples,
	    1 + front->gain_ppm / 1e6, front->phase_millidegrees / 1e3,
	    front->pickup_uw / 1e6, (unsigned long long)wire->sent,
	    (unsigned long long)wire->lost, (unsigned long long)wire->damaged,
	    (unsigned long long)wire->cuts) > 0;
}

static void
write_truth(void)
{
	bool done = !ferror(sim.truth_file);

	for (unsigned c = 0; done && c < sim.host.load.nodes; c++)
		done = write_channel(sim.truth_file, c);
	if (fclose(sim.truth_file) != 0)
		done = false;
	if (!done)
		report_error("%s: %s", sim.truth, strerror(errno));
}

static void
note(int number)
{
	(void)number;
	signalled = 1;
}

static void
catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action, old;

	memset(&action, 0, sizeof action);
	action.sa_handler = note;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/* Options. */

/* A decimal of at most `most` times 10^scale, and at least `least` of it. */
static int32_t
decimal_32(const char *name, const char *text, int scale,
    int64_t least, int64_t most)
{
	int64_t unit = 1;

	for (int i = 0; i < scale; i++)
		unit *= 10;
	return (int32_t)option_decimal(name, text, scale, least * unit,
	    most * unit);
}

static void
set_sampling(const char *text)
{
	struct host_config *config = &sim.host;

	if (strcmp(text, "mean") == 0) {
		config->load.sampling = LOAD_MEAN;
	} else if (strcmp(text, "point") == 0) {
		config->load.sampling = LOAD_POINT;
		config->meter.averaging_us = 1; /* a 0 would be the period */
	} else if (strncmp(text, "window=", 7) == 0) {
		int64_t ns = option_duration("--sampling", text + 7);

		if (ns < 1000000 || ns > INT64_C(2000000000))
			report_usage("--sampling: a window of 1ms to 2s: %s", text);
		config->load.sampling = LOAD_WINDOW;
		config->load.window_us = (uint64_t)ns / 1000;
		config->meter.averaging_us = (uint64_t)ns / 1000;
		config->meter.delay_us = (uint64_t)ns / 2000;
	} else {
		report_usage("--sampling is mean, point or window=D, not: %s",
		    text);
	}
}

enum letter {
	NODES = OPTION_LONG, RATE, FOR, FAST, SEED, SAMPLING, MAINS, NOISE, GAIN,
	PHASE, PICKUP, CROSSTALK, DRIFT, READING_NOISE, FAULTS, RECORD, BEGIN,
	PINGS, PTY, MARKS, TRUTH, TIMES, BOARD
};

static void
take_model(int letter, const char *text)
{
	struct load_config *load = &sim.host.load;

	switch (letter) {
	case MAINS:
		if (option_integer("--mains", text, 120, 230) == 120) {
			load->mains_mv = 120000;
			load->mains_millihertz = 60000;
		} else if (strcmp(text, "230") != 0) {
			report_usage("--mains is 120 or 230, not: %s", text);
		}
		break;
	case NOISE:
		load->noise_uw = decimal_32("--noise", text, 6, 0, 10);
		break;
	case GAIN:
		load->front.gain_ppm = decimal_32("--gain", text, 6, -1, 1);
		break;
	case PHASE:
		load->front.phase_millidegrees = decimal_32("--phase", text, 3, -30, 30);
		break;
	case PICKUP:
		load->front.pickup_uw = decimal_32("--pickup", text, 6, -100, 100);
		break;
	case READING_NOISE:
		load->reading_noise_uw =
		    decimal_32("--reading-noise", text, 6, 0, 10);
		break;
	default:
		load->crosstalk_ppm = decimal_32("--crosstalk", text, 6, -1, 1);
	}
}

static void
take_wire(int letter, const char *text)
{
	struct wire_config *wire = &sim.host.wire;

	switch (letter) {
	case FAULTS:
		wire->faults_ppm = decimal_32("--faults", text, 6, 0, 1);
		break;
	case RECORD: wire->record = true; break;
	case BEGIN: wire->begin_ns = option_time("--begin", text); break;
	case PINGS:
		wire->ping_us =
		    (uint64_t)option_duration("--pings", text) / 1000;
		break;
	case PTY: sim.link = text; break;
	case MARKS: sim.marks_name = text; break;
	case TRUTH: sim.truth = text; break;
	default: sim.times = text;
	}
}

static void
take(void *state, int letter, const char *text)
{
	struct host_config *config = &sim.host;

	(void)state;
	switch (letter) {
	case NODES:
		config->load.nodes = config->meter.channels =
		    (uint32_t)option_integer("--nodes", text, 1, LOAD_NODES);
		break;
	case RATE:
		config->meter.rate_hz =
		    (uint32_t)option_integer("--rate", text, 1, 50);
		break;
	case FOR:
		sim.end_us = (uint64_t)option_duration("--for", text) / 1000;
		break;
	case FAST: config->fast = true; break;
	case SEED:
		config->load.seed = config->wire.seed =
		    (uint64_t)option_integer("--seed", text, 0, INT64_MAX);
		break;
	case BOARD:
		config->board_given = true;
		config->board = (uint32_t)option_integer("--board", text, 0, UINT32_MAX);
		break;
	case SAMPLING: set_sampling(text); break;
	case DRIFT:
		config->drift_ppm = decimal_32("--drift", text, 0, -10000, 10000);
		break;
	default:
		if (letter >= FAULTS)
			take_wire(letter, text);
		else
			take_model(letter, text);
	}
}

static void
check(char **operands)
{
	if (operands[0] && operands[1])
		report_usage("more than one script: %s", operands[1]);
	if (sim.marks_name && sim.host.fast)
		report_usage("--marks come in real time, --fast is not");
	if (sim.link && sim.host.fast)
		report_usage("a --pty is read in real time, --fast is not");
	if (sim.host.wire.record && !sim.host.fast)
		report_usage("--record goes with --fast");
	if (sim.host.fast && !operands[0] && sim.end_us == FOREVER_US)
		report_usage("--fast without an end: say --for D");
}

/* What the nodes do: a script, marks, or the built-in one until marks come. */
static void
prepare_script(char **operands)
{
	unsigned nodes = sim.host.load.nodes;

	if (operands[0]) {
		if (script_read(&sim.script, operands, nodes))
			return;
		if (!report_malformed_count())
			exit(STATUS_FAILED); /* it could not be read */
		report_fatal("%s: a script with errors is not run",
		    operands[0]);
	}
	if (!sim.marks_name)
		script_default(&sim.script, nodes);
	if (!sim.marks_name && sim.end_us == FOREVER_US) {
		sim.marks_name = "-";
		sim.marks_end = true;
	}
}

static void
end(const char *reason)
{
	sim.end_us = host.true_us;
	sim.end_reason = reason;
}

static void
follow(void)
{
	if (!sim.marks.came && host.true_us < sim.end_us)
		script_follow(&sim.script);
	if (sim.script.ended)
		end("script");
}

/* When something is to happen next. */
static uint64_t
next_us(void)
{
	uint64_t us;

	if (sim.marks.came || !script_next_us(&sim.script, &us) ||
	    us > sim.end_us)
		return sim.end_us;
	return us;
}

static void
run(bool scripted)
{
	host_start(&sim.host);
	if (scripted && sim.end_us == FOREVER_US) {
		sim.end_us = script_last_us(&sim.script);
		sim.end_reason = "script";
	}
	follow();
	host_boot("power");
	while (!signalled && host.true_us < sim.end_us) {
		follow();
		if (!marks_follow(&sim.marks) && sim.marks_end)
			end("input");
		host.wake_us = next_us();
		host_turn();
	}
	host_end(signalled ? "signal" : sim.end_reason);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "nodes", required_argument, NULL, NODES },
		{ "rate", required_argument, NULL, RATE },
		{ "for", required_argument, NULL, FOR },
		{ "fast", no_argument, NULL, FAST },
		{ "seed", required_argument, NULL, SEED },
		{ "board", required_argument, NULL, BOARD },
		{ "sampling", required_argument, NULL, SAMPLING },
		{ "mains", required_argument, NULL, MAINS },
		{ "noise", required_argument, NULL, NOISE },
		{ "gain", required_argument, NULL, GAIN },
		{ "phase", required_argument, NULL, PHASE },
		{ "pickup", required_argument, NULL, PICKUP },
		{ "crosstalk", required_argument, NULL, CROSSTALK },
		{ "drift", required_argument, NULL, DRIFT },
		{ "reading-noise", required_argument, NULL, READING_NOISE },
		{ "faults", required_argument, NULL, FAULTS },
		{ "record", no_argument, NULL, RECORD },
		{ "begin", required_argument, NULL, BEGIN },
		{ "pings", required_argument, NULL, PINGS },
		{ "pty", required_argument, NULL, PTY },
		{ "marks", required_argument, NULL, MARKS },
		{ "truth", required_argument, NULL, TRUTH },
		{ "times", required_argument, NULL, TIMES },
		{ NULL, 0, NULL, 0 }
	};
	static const struct option_program program = {
		.name = "epi-sim", .help = help, .letters = "",
		.options = options, .take = take
	};
	char **operands = option_start(argc, argv, &program);

	check(operands);
	prepare_script(operands);
	if (sim.marks_name && marks_open(&sim.marks, sim.marks_name))
		sim.host.waker = sim.marks.stream.fd;
	open_wire();
	open_tellings();
	catch_signals();
	run(operands[0] != NULL);
	if (sim.truth_file)
		write_truth();
	close_times();
	close_wire();
	return stream_finish();
}
