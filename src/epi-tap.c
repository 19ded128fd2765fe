/* epi-tap - read power samples from a meter */
/* link: -lserialport */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-tap/meter.h"
#include "epi-tap/port.h"
#include "option.h"
#include "report.h"
#include "sample.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-tap [--baud N] [--begin T] [--invert LIST] [--node LIST]\n"
"               [DEVICE ...]\n"
"Write what meters measure as samples and events, until they end or a signal.\n"
"DEVICE: a serial port, pseudo-terminal, FIFO, file, or - (standard input).\n"
"\n"
"  -b, --baud N       the speed of serial ports (115200)\n"
"      --begin T      the time of the first sample, instead of its arrival\n"
"  -i, --invert LIST  nodes whose clamp is the wrong way round\n"
"  -n, --node LIST    a meter's channels, as pi1,pi2,pi3,- where - is unused;\n"
"                     once for each DEVICE (one alone: ch1,ch2,...)\n"
"  -h, --help         show this and exit\n"
"      --version      show the version and exit\n"
"\n"
"Example: epi-tap --node pi1,pi2,pi3,pi4 /dev/ttyACM0 | epi-integrate\n";

enum {
	READ_ROOM = 64 * 1024, /* what one read asks for */
	LINE_MOST = 4096,      /* no meter sends a longer line */
	ASKS = 3               /* a header is asked for, a second apart */
};

struct device {
	struct port port;
	struct meter meter;
	char *buffer;
	size_t filled;  /* a line so far */
	uint64_t line;
	bool skipping;  /* inside a line over LINE_MOST */
	int asks;
	int64_t asked_ns;
};

static struct {
	struct device *devices;
	struct pollfd *polls; /* of the devices, and of `wake` behind them */
	size_t count, open;
	char **nodes[64], **inverts[64];
	size_t node_lists, invert_lists;
	int baud;
	bool has_begin;
	int64_t begin_ns;
	int wake[2]; /* a signal writes into [1] */
} s = { .baud = 115200 };

static void
add_list(const char *name, char ***lists, size_t *count, const char *text)
{
	if (*count == sizeof s.nodes / sizeof *s.nodes)
		report_usage("%s: too many lists", name);
	lists[(*count)++] = option_list(name, text);
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
		s.baud = (int)option_integer("--baud", argument, 50, 4000000);
		break;
	default:
		s.begin_ns = option_time("--begin", argument);
		s.has_begin = true;
		break;
	}
}

/* Names. */

/* The channel that has a node's name, or NULL. */
static struct meter_channel *
find_node(const char *node)
{
	for (size_t i = 0; i < s.count; i++)
		for (int c = 0; c < FRAME_CHANNELS; c++) {
			struct meter_channel *channel =
			    &s.devices[i].meter.channels[c];

			if (channel->node && strcmp(channel->node, node) == 0)
				return channel;
		}
	return NULL;
}

static void
check_name(const char *node)
{
	size_t length = strlen(node);

	if (length > SAMPLE_NODE_MAX)
		report_usage("--node: a name over %d bytes: %s",
		    SAMPLE_NODE_MAX, node);
	if (!write_is_utf8(node, length))
		report_usage("--node: not UTF-8: %s", node);
	if (find_node(node))
		report_usage("--node: two channels have the name %s", node);
}

static void
name_channels(struct meter *meter, char **names)
{
	bool any = false;
	int c = 0;

	for (; names[c]; c++) {
		if (c == FRAME_CHANNELS)
			report_usage("--node: over %d channels: %s",
			    FRAME_CHANNELS, names[c]);
		if (strcmp(names[c], "-") == 0)
			continue;
		check_name(names[c]);
		meter->channels[c].node = names[c];
		any = true;
	}
	if (!any)
		report_usage("--node: no channel has a name");
	meter->named = true;
}

/* Names that fit_channels() would give are known here too. */
static struct meter_channel *
find_default(const char *node)
{
	if (s.node_lists == 0 && strncmp(node, "ch", 2) == 0 &&
	    node[2] >= '1' && node[2] < '1' + FRAME_CHANNELS && !node[3])
		return &s.devices[0].meter.channels[node[2] - '1'];
	return NULL;
}

static void
invert(const char *node)
{
	struct meter_channel *channel = find_node(node);

	if (!channel)
		channel = find_default(node);
	if (!channel)
		report_usage("--invert: no node has the name %s", node);
	channel->inverted = true;
}

static void
name_all(void)
{
	if (s.node_lists > s.count)
		report_usage("--node: more lists than devices");
	if (s.count > 1 && s.node_lists < s.count)
		report_usage("several devices want a --node list each");
	for (size_t i = 0; i < s.node_lists; i++)
		name_channels(&s.devices[i].meter, s.nodes[i]);
	for (size_t i = 0; i < s.invert_lists; i++)
		for (char **node = s.inverts[i]; *node; node++)
			invert(*node);
}

/* Devices. */

static void
open_device(struct device *device, const char *operand)
{
	struct meter *meter = &device->meter;

	if (!port_open(&device->port, operand, s.baud))
		return;
	device->buffer = report_resize(NULL, LINE_MOST + READ_ROOM, 1);
	device->line = 1;
	meter->name = device->port.name;
	meter->recorded = device->port.kind == PORT_FILE;
	meter->waits = port_talks(&device->port);
	meter->has_begin = s.has_begin;
	meter->begin_ns = s.begin_ns;
	if (meter->recorded && !s.has_begin)
		report_warning("%s: a recording, and no --begin: its time "
		    "starts at 0", meter->name);
	s.open++;
}

/* A measurement that lacks one of its meters is none: all are opened before
 * the first is read. */
static bool
open_all(char **operands)
{
	for (size_t i = 0; i < s.count; i++)
		open_device(&s.devices[i], operands[i]);
	return s.open == s.count;
}

static void
close_all(void)
{
	for (size_t i = 0; i < s.count; i++)
		if (s.devices[i].buffer) {
			port_close(&s.devices[i].port);
			free(s.devices[i].buffer);
		}
	for (size_t i = 0; i < s.node_lists; i++)
		free(s.nodes[i]);
	for (size_t i = 0; i < s.invert_lists; i++)
		free(s.inverts[i]);
	free(s.devices);
	free(s.polls);
}

/* In whole microseconds, the meter's own step: arrival is no finer. */
static int64_t
now(void)
{
	int64_t now_ns = clock_now();

	return now_ns - now_ns % 1000;
}

static void
end_device(struct device *device, const char *reason, bool broke)
{
	struct meter *meter = &device->meter;

	if (!meter->started && !meter->refused && strcmp(reason, "signal") != 0)
		report_error("%s: ended before a meter spoke", meter->name);
	meter_end(meter, reason, broke, now());
	port_close(&device->port);
	free(device->buffer);
	device->buffer = NULL;
	s.open--;
}

static void
take_line(struct device *device, size_t length, int64_t arrival_ns,
    const char *text)
{
	if (length && text[length - 1] == '\r')
		length--;
	if (!device->skipping)
		meter_line(&device->meter, text, length, device->line,
		    arrival_ns);
	device->skipping = false;
	device->line++;
}

static void
take_bytes(struct device *device, size_t count, int64_t arrival_ns)
{
	char *from = device->buffer, *end = from + device->filled + count;
	char *newline;

	while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
		take_line(device, (size_t)(newline - from), arrival_ns, from);
		from = newline + 1;
	}
	device->filled = (size_t)(end - from);
	if (device->filled > LINE_MOST && !device->skipping) {
		meter_overlong(&device->meter, device->line);
		device->skipping = true;
	}
	if (device->skipping)
		device->filled = 0;
	memmove(device->buffer, from, device->filled);
}

/* A last line without its newline is judged as any other. */
static void
finish(struct device *device, long how, int64_t arrival_ns)
{
	bool broke = how == PORT_HANGUP && !device->meter.finished;

	if (device->filled)
		take_line(device, device->filled, arrival_ns, device->buffer);
	if (broke)
		report_error("%s: hung up", device->meter.name);
	end_device(device, how == PORT_FAILED ? "failure"
	    : broke ? "hangup" : "end", broke);
}

static void
read_device(struct device *device, bool hung, int64_t arrival_ns)
{
	long n = port_read(&device->port, device->buffer + device->filled,
	    READ_ROOM, hung);

	if (n > 0)
		take_bytes(device, (size_t)n, arrival_ns);
	else if (n != PORT_NOTHING)
		finish(device, n, arrival_ns);
	if (device->meter.refused && device->buffer)
		end_device(device, "refused", false);
}

/* A meter that is running says who it is when asked; without an answer its
 * samples are taken all the same. */
static void
ask(struct device *device, int64_t steady_ns)
{
	struct meter *meter = &device->meter;

	if (!meter->waits || meter->started || !device->buffer ||
	    (device->asks && steady_ns - device->asked_ns < CLOCK_SECOND))
		return;
	if (device->asks == ASKS) {
		report_warning("%s: does not say who it is: rate, energy "
		    "counter and calibration are unknown", meter->name);
		meter->waits = false;
		return;
	}
	port_send(&device->port, "I tap\n", 6);
	device->asks++;
	device->asked_ns = steady_ns;
}

/* Asks who is to be asked; how long poll may wait, in ms. */
static int
ask_all(void)
{
	int64_t steady_ns = clock_steady();
	int wait_ms = -1;

	for (size_t i = 0; i < s.count; i++) {
		ask(&s.devices[i], steady_ns);
		if (s.devices[i].buffer && s.devices[i].meter.waits &&
		    !s.devices[i].meter.started)
			wait_ms = 200;
	}
	return wait_ms;
}

/* Signals. */

static void
on_signal(int number)
{
	int saved = errno;
	ssize_t n = write(s.wake[1], "", 1);

	(void)number;
	(void)n; /* a full pipe wakes too */
	errno = saved;
}

/* The first one ends the measurement; a second one kills. */
static void
catch_signals(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND }, old;

	if (pipe(s.wake) < 0)
		report_fatal("no pipe: %s", strerror(errno));
	fcntl(s.wake[1], F_SETFL, O_NONBLOCK);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/* The loop: flush before sleep, then every device that has something. */

/* False: a signal came. */
static bool
wait_for_lines(int wait_ms)
{
	for (size_t i = 0; i < s.count; i++)
		s.polls[i] = (struct pollfd){ .fd = s.devices[i].buffer
		    ? s.devices[i].port.fd : -1, .events = POLLIN };
	s.polls[s.count] = (struct pollfd){ .fd = s.wake[0], .events = POLLIN };
	stream_flush();
	while (poll(s.polls, s.count + 1, wait_ms) < 0)
		if (errno != EINTR)
			report_fatal("poll: %s", strerror(errno));
	return !s.polls[s.count].revents;
}

static void
measure(void)
{
	while (s.open > 0) {
		if (!wait_for_lines(ask_all()))
			break;
		for (size_t i = 0; i < s.count; i++)
			if (s.polls[i].revents)
				read_device(&s.devices[i],
				    s.polls[i].revents & POLLHUP, now());
	}
	for (size_t i = 0; i < s.count; i++)
		if (s.devices[i].buffer)
			end_device(&s.devices[i], "signal", false);
}

static void
prepare(char **operands)
{
	while (operands[s.count])
		s.count++;
	s.devices = report_resize(NULL, s.count, sizeof *s.devices);
	s.polls = report_resize(NULL, s.count + 1, sizeof *s.polls);
	memset(s.devices, 0, s.count * sizeof *s.devices);
	name_all();
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "invert", required_argument, NULL, 'i' },
		{ "baud", required_argument, NULL, 'b' },
		{ "begin", required_argument, NULL, OPTION_LONG },
		{ 0 }
	};
	static const struct option_program program = {
		.name = "epi-tap", .help = help, .letters = "n:i:b:",
		.options = options, .take = take_option
	};
	static char dash[] = "-";
	char *standard_input[] = { dash, NULL };
	char **operands = option_start(argc, argv, &program);

	if (!operands[0])
		operands = standard_input;
	prepare(operands);
	if (open_all(operands)) {
		catch_signals();
		measure();
	}
	close_all();
	return stream_finish();
}
