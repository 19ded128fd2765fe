/* epi-tap - read power samples from a meter */
/* link: -lserialport -lmodbus */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-tap/device.h"
#include "epi-tap/tap.h"
#include "option.h"
#include "report.h"
#include "sample.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-tap [--address LIST] [--baud N] [--begin T] [--calibration FILE]\n"
"               [--check] [--give-up D] [--identify] [--instrument NAME]\n"
"               [--invert LIST] [--list] [--no-reconnect] [--node LIST]\n"
"               [--rate HZ] [--reconnect] [--replay] [--set-address N]\n"
"               [--uncalibrated] [DEVICE ...]\n"
"Write what meters measure as samples and events, until they end or a signal.\n"
"DEVICE: a serial port, usb:SERIAL, pseudo-terminal, FIFO, file, or -.\n"
"\n"
"      --address LIST      of pzems on one line, once for each DEVICE (1,2,...)\n"
"  -b, --baud N            the speed of serial ports (the instrument's)\n"
"      --begin T           the time of the first sample, instead of arrivals\n"
"      --calibration FILE  set the meter as it says, and correct what it says\n"
"      --check             measure for 10 s: is all connected as it should be?\n"
"      --give-up D         the end, when a device is unplugged for so long\n"
"      --identify          say who the meter is, and end\n"
"      --instrument NAME   what speaks there: epi-meter or pzem (epi-meter)\n"
"  -i, --invert LIST       nodes whose clamp is the wrong way round\n"
"      --list              list the serial ports, and end\n"
"      --no-reconnect      a device that is unplugged is the end\n"
"  -n, --node LIST         an instrument's channels, as pi1,pi2,- where - is\n"
"                          unused; once for each DEVICE (one alone: ch1,...)\n"
"      --rate HZ           samples a second, 1 to 50 (what the meter has set)\n"
"      --reconnect         wait for FIFOs too; ports are always waited for\n"
"      --replay            a recording with the times of its arrivals\n"
"      --set-address N     give the only pzem on the line this address, and end\n"
"      --uncalibrated      mark every sample so; measure whatever is set\n"
"  -h, --help              show this and exit\n"
"      --version           show the version and exit\n"
"\n"
"Example: epi-tap --node pi1,pi2,pi3,pi4 /dev/ttyACM0 | epi-integrate\n";

#define STEP_NS (CLOCK_SECOND / 10) /* a step that is worth a word */

enum letter {
	ADDRESS = OPTION_LONG, BEGIN, CALIBRATION, CHECK, GIVE_UP, IDENTIFY,
	INSTRUMENT, LIST, NO_RECONNECT, RATE, RECONNECT, REPLAY, SET_ADDRESS,
	UNCALIBRATED
};

enum { LISTS = 64, WAIT_MOST_MS = 60000 };

struct tap_options tap_options = { .reconnect = -1 };

static struct {
	struct device *devices;
	struct pollfd *polls; /* of the devices, and of `wake` behind them */
	size_t count;
	char **nodes[LISTS], **inverts[LISTS], **addresses[LISTS];
	size_t node_lists, invert_lists, address_lists;
	const struct instrument *instrument;
	bool list;
	int wake; /* readable once a signal came */
	bool begun;
	int64_t ahead_ns;   /* Unix time less the monotonic one, at the start */
	int64_t stepped_ns; /* the step that was told of */
} s;

bool
tap_inverted(const char *node)
{
	for (size_t i = 0; i < s.invert_lists; i++)
		if (option_listed(s.inverts[i], node))
			return true;
	return false;
}

/* Options. */

static void
add_list(const char *name, char ***lists, size_t *count, const char *text)
{
	if (*count == LISTS)
		report_usage("%s: too many lists", name);
	lists[(*count)++] = option_list(name, text);
}

static void
set_mode(enum tap_mode mode)
{
	if (tap_options.mode != TAP_MEASURE && tap_options.mode != mode)
		report_usage("one of --check, --identify and --set-address");
	tap_options.mode = mode;
}

static void
take_meter_option(int letter, const char *argument)
{
	switch (letter) {
	case CALIBRATION: tap_options.calibration = argument; break;
	case RATE:
		tap_options.rate_hz =
		    (uint32_t)option_integer("--rate", argument, 1, 50);
		break;
	case ADDRESS:
		add_list("--address", s.addresses, &s.address_lists, argument);
		break;
	case SET_ADDRESS:
		set_mode(TAP_ADDRESS);
		tap_options.set_address =
		    (int)option_integer("--set-address", argument, 1, 0xF7);
		break;
	case INSTRUMENT:
		s.instrument = device_instrument(argument);
		if (!s.instrument)
			report_usage("--instrument is one of %s, not: %s",
			    device_instruments(), argument);
		break;
	default: tap_options.uncalibrated = true; break;
	}
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'n':
		add_list("--node", s.nodes, &s.node_lists, argument);
		break;
	case 'i':
		add_list("--invert", s.inverts, &s.invert_lists, argument);
		break;
	case 'b':
		tap_options.baud =
		    (int)option_integer("--baud", argument, 50, 4000000);
		break;
	case BEGIN:
		tap_options.begin_ns = option_time("--begin", argument);
		tap_options.has_begin = true;
		break;
	case GIVE_UP:
		tap_options.give_up_ns = option_duration("--give-up", argument);
		break;
	case CHECK: set_mode(TAP_CHECK); break;
	case IDENTIFY: set_mode(TAP_IDENTIFY); break;
	case LIST: s.list = true; break;
	case NO_RECONNECT: tap_options.reconnect = 0; break;
	case RECONNECT: tap_options.reconnect = 1; break;
	case REPLAY: tap_options.replay = true; break;
	default: take_meter_option(letter, argument); break;
	}
}

/* Names. */

/* The device, and the channel of it, that has a node's name; NULL: none. */
static struct device *
find_node(const char *node, size_t *channel)
{
	for (size_t i = 0; i < s.count; i++)
		for (size_t c = 0; s.devices[i].names &&
		    s.devices[i].names[c]; c++)
			if (strcmp(s.devices[i].names[c], node) == 0) {
				*channel = c;
				return &s.devices[i];
			}
	return NULL;
}

/* Also against all names before it, of this device and of others. */
static void
check_name(const struct device *device, size_t c)
{
	const char *node = device->names[c];
	size_t length = strlen(node), first;
	const struct device *other = find_node(node, &first);

	if (length > SAMPLE_NODE_MAX)
		report_usage("--node: a name over %d bytes: %s",
		    SAMPLE_NODE_MAX, node);
	if (!write_is_utf8(node, length))
		report_usage("--node: not UTF-8: %s", node);
	if (other != device)
		report_usage("--node: %s is on both %s and %s", node,
		    other->operand, device->operand);
	if (first != c)
		report_usage("--node: two channels of %s have the name %s",
		    device->operand, node);
}

static void
name_channels(struct device *device, char **names)
{
	size_t used = 0, c = 0;

	device->names = names;
	for (; names[c]; c++) {
		if (c == device->instrument->channels)
			report_usage("--node: over %u channels: %s",
			    device->instrument->channels, names[c]);
		if (strcmp(names[c], "-") == 0)
			continue;
		check_name(device, c);
		used++;
	}
	if (used == 0)
		report_usage("--node: no channel has a name");
}

/* One device without names has ch1, ch2 and so on. */
static bool
is_default(const char *node)
{
	char *end;
	long number;

	if (s.node_lists > 0 || strncmp(node, "ch", 2) != 0)
		return false;
	number = strtol(node + 2, &end, 10);
	return node[2] != '0' && end != node + 2 && !*end && number > 0 &&
	    number <= (long)s.instrument->channels;
}

static void
name_all(void)
{
	size_t channel;

	if (s.node_lists > s.count)
		report_usage("--node: more lists than devices");
	if (s.count > 1 && s.node_lists < s.count)
		report_usage("several devices want a --node list each");
	for (size_t i = 0; i < s.node_lists; i++)
		name_channels(&s.devices[i], s.nodes[i]);
	for (size_t i = 0; i < s.invert_lists; i++)
		for (char **node = s.inverts[i]; *node; node++)
			if (!find_node(*node, &channel) && !is_default(*node))
				report_usage("--invert: no node has the name "
				    "%s", *node);
}

/* Addresses are of one instrument, and an operand's own. */
static void
address_all(void)
{
	if (!s.instrument->addressed && (s.address_lists > 0 ||
	    tap_options.mode == TAP_ADDRESS))
		report_usage("--address and --set-address are for --instrument "
		    "pzem");
	if (s.address_lists > s.count)
		report_usage("--address: more lists than devices");
	if (s.count > 1 && tap_options.mode == TAP_ADDRESS)
		report_usage("--set-address: one device, not %zu", s.count);
	for (size_t i = 0; i < s.address_lists; i++)
		s.devices[i].addresses = s.addresses[i];
}

/* Time.  A step of this machine's clock is told and not followed: the samples
 * stay on one line. */

static void
watch_step(const struct moment *now)
{
	int64_t moved_ns = now->stepped_ns - s.stepped_ns;

	if (moved_ns < STEP_NS && moved_ns > -STEP_NS)
		return;
	report_warning("this machine's clock was set by %+.3f s: the samples "
	    "keep to what it was", (double)moved_ns / 1e9);
	s.stepped_ns = now->stepped_ns;
}

/* The Unix time in whole microseconds, a meter's own step; the difference of
 * both clocks is that of two readings of one around one of the other. */
static struct moment
now(void)
{
	int64_t before_ns = clock_steady(), real_ns = clock_now();
	struct moment now = { .steady_ns = clock_steady() };
	int64_t ahead_ns = real_ns - before_ns -
	    (now.steady_ns - before_ns) / 2;

	if (!s.begun)
		s.ahead_ns = ahead_ns - (ahead_ns + now.steady_ns) % 1000;
	s.begun = true;
	now.ns = now.steady_ns + s.ahead_ns;
	now.stepped_ns = ahead_ns - s.ahead_ns;
	if (!tap_options.replay)
		watch_step(&now);
	return now;
}

/* Devices. */

/* A measurement that lacks one of its instruments is none: all are opened
 * before the first is read. */
static bool
open_all(void)
{
	bool all = true;

	for (size_t i = 0; i < s.count; i++)
		all &= device_open(&s.devices[i]);
	return all;
}

static bool
any_open(void)
{
	for (size_t i = 0; i < s.count; i++)
		if (s.devices[i].is != DEVICE_CLOSED)
			return true;
	return false;
}

/* Returns whether any device's answer is no. */
static bool
forget_all(void)
{
	bool no = false;

	for (size_t i = 0; i < s.count; i++) {
		no |= s.devices[i].no;
		device_forget(&s.devices[i]);
	}
	for (size_t i = 0; i < s.node_lists; i++)
		free(s.nodes[i]);
	for (size_t i = 0; i < s.invert_lists; i++)
		free(s.inverts[i]);
	for (size_t i = 0; i < s.address_lists; i++)
		free(s.addresses[i]);
	free(s.devices);
	free(s.polls);
	return no;
}

/* The loop: what is due, flush before sleep, then every device that has
 * something. */

/* How long poll may wait, in ms, rounded up: not a moment too early. */
static int
turn_all(void)
{
	struct moment at = now();
	int64_t next_ns = INT64_MAX, wait_ms;

	for (size_t i = 0; i < s.count; i++) {
		int64_t ns = device_turn(&s.devices[i], at);

		if (ns < next_ns)
			next_ns = ns;
	}
	if (next_ns == INT64_MAX)
		return -1;
	wait_ms = (next_ns - at.steady_ns + 999999) / 1000000;
	return wait_ms < 0 ? 0 : wait_ms > WAIT_MOST_MS ? WAIT_MOST_MS
	    : (int)wait_ms;
}

/* False: a signal came. */
static bool
wait_for_lines(int wait_ms)
{
	for (size_t i = 0; i < s.count; i++)
		s.polls[i] = (struct pollfd){
			.fd = s.devices[i].is == DEVICE_OPEN
			? s.devices[i].port.fd : -1, .events = POLLIN };
	s.polls[s.count] = (struct pollfd){ .fd = s.wake, .events = POLLIN };
	stream_flush();
	while (poll(s.polls, s.count + 1, wait_ms) < 0)
		if (errno != EINTR)
			report_fatal("poll: %s", strerror(errno));
	return !s.polls[s.count].revents;
}

static void
measure(void)
{
	for (size_t i = 0; i < s.count; i++)
		device_begin(&s.devices[i], now());
	while (any_open()) {
		int wait_ms = turn_all();

		if (!any_open() || !wait_for_lines(wait_ms))
			break;
		for (size_t i = 0; i < s.count; i++)
			if (s.polls[i].revents)
				device_read(&s.devices[i], s.polls[i].revents &
				    POLLHUP, now());
	}
	for (size_t i = 0; i < s.count; i++) {
		if (s.devices[i].is == DEVICE_AWAY)
			report_error("%s: did not come back",
			    s.devices[i].port.name);
		device_end(&s.devices[i], "signal", now());
	}
}

static void
add_device(const char *operand)
{
	s.devices = report_resize(s.devices, s.count + 1, sizeof *s.devices);
	s.devices[s.count++] = (struct device){ .operand = operand,
		.instrument = s.instrument, .port.fd = -1 };
}

static void
prepare(char **operands)
{
	if (!s.instrument)
		s.instrument = device_instrument("epi-meter");
	for (; *operands; operands++)
		add_device(*operands);
	s.polls = report_resize(NULL, s.count + 1, sizeof *s.polls);
	name_all();
	address_all();
	for (size_t i = 0; i < s.count; i++)
		s.devices[i].state = s.instrument->create(&s.devices[i]);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "invert", required_argument, NULL, 'i' },
		{ "address", required_argument, NULL, ADDRESS },
		{ "baud", required_argument, NULL, 'b' },
		{ "begin", required_argument, NULL, BEGIN },
		{ "calibration", required_argument, NULL, CALIBRATION },
		{ "check", no_argument, NULL, CHECK },
		{ "give-up", required_argument, NULL, GIVE_UP },
		{ "identify", no_argument, NULL, IDENTIFY },
		{ "instrument", required_argument, NULL, INSTRUMENT },
		{ "list", no_argument, NULL, LIST },
		{ "no-reconnect", no_argument, NULL, NO_RECONNECT },
		{ "rate", required_argument, NULL, RATE },
		{ "reconnect", no_argument, NULL, RECONNECT },
		{ "replay", no_argument, NULL, REPLAY },
		{ "set-address", required_argument, NULL, SET_ADDRESS },
		{ "uncalibrated", no_argument, NULL, UNCALIBRATED },
		{ 0 }
	};
	static const struct option_program program = {
		.name = "epi-tap", .help = help, .letters = "n:i:b:",
		.options = options, .take = take_option
	};
	static char dash[] = "-";
	char *standard_input[] = { dash, NULL };
	char **operands = option_start(argc, argv, &program);
	bool no;
	int status;

	if (s.list) {
		port_list();
		return stream_finish();
	}
	prepare(operands[0] ? operands : standard_input);
	if (open_all()) {
		s.wake = stream_wake();
		measure();
	}
	no = forget_all();
	status = stream_finish();
	return status == STATUS_DONE && no ? STATUS_NO : status;
}
