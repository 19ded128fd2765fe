/* epi-sense - power samples from this machine's own sensors */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "clock.h"
#include "epi-sense/file.h"
#include "epi-sense/node.h"
#include "epi-sense/sensor.h"
#include "option.h"
#include "report.h"
#include "sample.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-sense [--for D] [--list] [--node LIST] [--rate HZ] [--sysfs DIR]\n"
"Write what this machine's own sensors measure as samples and events, until a\n"
"signal: the energy counters of its chips (powercap, RAPL), others by name.\n"
"They are on the chip: what the supply and the board lose is not in them.\n"
"\n"
"      --for D        end after this long: 60s, 5m\n"
"      --list         list the sensors that there are, and end\n"
"  -n, --node LIST    these sensors, as SENSOR or NAME=SENSOR, with commas\n"
"                     between (package and dram, as HOST/SENSOR)\n"
"      --rate HZ      samples a second, 1 to 100 (10)\n"
"      --sysfs DIR    where the kernel shows them (/sys)\n"
"  -h, --help         show this and exit\n"
"      --version      show the version and exit\n"
"\n"
"Example: epi-sense | epi-integrate -H\n";

#define STEP_NS (CLOCK_SECOND / 10) /* a step that is worth a word */
#define SYSFS_MAGIC 0x62656572      /* linux/magic.h */

enum letter { FOR = OPTION_LONG, LIST, RATE, SYSFS };

enum { LISTS = 64 };

static struct {
	const char *sysfs;
	int64_t for_ns;     /* 0: until a signal */
	bool list;
	char **lists[LISTS];
	size_t list_count;

	struct sensors sensors;
	struct node *nodes;
	size_t count;
	int wake;           /* readable once a signal came */
	int64_t begin_ns;   /* since boot */
	int64_t ahead_ns;   /* Unix time less that, at the start */
	int64_t stepped_ns; /* the step that was told of */
} s = { .sysfs = "/sys" };

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'n':
		if (s.list_count == LISTS)
			report_usage("--node: too many lists");
		s.lists[s.list_count++] = option_list("--node", argument);
		break;
	case FOR: s.for_ns = option_duration("--for", argument); break;
	case LIST: s.list = true; break;
	case RATE:
		node_stream.rate_hz = option_integer("--rate", argument, 1, 100);
		break;
	default: s.sysfs = argument; break;
	}
}

/* --list. */

static const char *
state_of(const struct sensor *sensor)
{
	return sensor->by_default ? "default" : sensor->kind == SENSOR_PRODUCT
	    ? "by name: volts times amps, read one after the other"
	    : sensor->all ? "by name: the others are in it"
	    : sensor->powercap ? "by name: in another one" : "by name";
}

static void
put_text(const char *text)
{
	size_t length = strlen(text);

	stream_wrote(write_text(stream_room(length), text));
}

static void
list_sensor(const struct sensor *sensor)
{
	char why[FILE_WHY];
	const char *file;
	int64_t value;
	int error = sensor_read(sensor, &value, &file);

	put_text(sensor->id);
	put_text("\t");
	put_text(file);
	put_text("\t");
	put_text(sensor->kind == SENSOR_COUNTER ? "joules" : "watts");
	put_text("\t");
	put_text(state_of(sensor));
	if (error) {
		file_why(file, error, why);
		put_text("; cannot be read: ");
		put_text(why);
	}
	if (sensor->off)
		put_text("; its power limits are disabled");
	put_text("\n");
	stream_record();
}

static void
list_all(void)
{
	if (s.sensors.count == 0)
		report_warning("no sensor under %s", s.sysfs);
	for (size_t i = 0; i < s.sensors.count; i++)
		list_sensor(&s.sensors.list[i]);
}

/* What is measured. */

static const struct sensor *
find_sensor(const char *id)
{
	for (size_t i = 0; i < s.sensors.count; i++)
		if (strcmp(s.sensors.list[i].id, id) == 0)
			return &s.sensors.list[i];
	report_fatal("no sensor %s; --list tells what there is", id);
}

/* The nodes of a stream are added up, so what is in two of them would count
 * twice. */
static void
check_node(const struct node *node)
{
	for (const struct node *other = s.nodes; other < node; other++) {
		if (strcmp(other->name, node->name) == 0)
			report_usage("--node: two sensors have the name %s",
			    node->name);
		if (sensor_overlap(other->sensor, node->sensor))
			report_fatal("%s and %s measure the same energy, and the "
			    "nodes of a stream are added up: measure one of "
			    "them, or each with an epi-sense of its own",
			    other->sensor->id, node->sensor->id);
	}
}

/* `name`: kept; NULL: HOST/SENSOR. */
static void
add_node(const char *name, const struct sensor *sensor)
{
	struct node *node;
	char *own = name ? report_copy(name, strlen(name))
	    : file_path(node_stream.host, sensor->id);
	if (!*own || strlen(own) > SAMPLE_NODE_MAX)
		report_usage("--node: a name of 1 to %d bytes: %s",
		    SAMPLE_NODE_MAX, own);
	if (!write_is_utf8(own, strlen(own)))
		report_usage("--node: not UTF-8: %s", own);
	s.nodes = report_resize(s.nodes, s.count + 1, sizeof *s.nodes);
	node = &s.nodes[s.count++];
	*node = (struct node){ .name = own, .sensor = sensor };
	check_node(node);
}

static void
choose_named(char *word)
{
	char *equals = strchr(word, '=');

	if (equals)
		*equals++ = '\0';
	add_node(equals ? word : NULL, find_sensor(equals ? equals : word));
}

static void
choose(void)
{
	for (size_t i = 0; i < s.list_count; i++)
		for (char **word = s.lists[i]; *word; word++)
			choose_named(*word);
	for (size_t i = 0; i < s.sensors.count && s.list_count == 0; i++)
		if (s.sensors.list[i].by_default)
			add_node(NULL, &s.sensors.list[i]);
	if (s.count == 0)
		report_fatal("no package or dram counter under %s/class/"
		    "powercap; %s", s.sysfs, s.sensors.count > 0
		    ? "--list tells what there is, for --node"
		    : "this machine shows no sensor of power at all");
}

/* Time: since boot, with the Unix time of the start; a step of the machine's
 * clock is told and not followed.  While the machine sleeps time goes on, as some
 * counters do: else what they rose by would be of next to no time. */

static int64_t
unix_ns(int64_t boot_ns)
{
	return boot_ns + s.ahead_ns;
}

static void
watch_step(int64_t boot_ns)
{
	int64_t stepped_ns = clock_now() - boot_ns - s.ahead_ns;
	int64_t moved_ns = stepped_ns - s.stepped_ns;

	if (moved_ns < STEP_NS && moved_ns > -STEP_NS)
		return;
	/* This process slept between the two readings, perhaps. */
	if (clock_boot() - boot_ns > STEP_NS / 2)
		return;
	report_warning("this machine's clock was set by %+.3f s: the samples "
	    "keep to what it was", (double)moved_ns / 1e9);
	s.stepped_ns = stepped_ns;
	node_clock(s.nodes, s.count, unix_ns(boot_ns),
	    stepped_ns / 1000 * 1000);
}

/* The middle of the reading is when it was. */
static void
look_at(struct node *node, const char **file)
{
	int64_t before_ns = clock_boot();

	node->look.error = sensor_read(node->sensor, &node->look.value, file);
	node->look.ns = unix_ns(before_ns + (clock_boot() - before_ns) / 2);
}

/* A measurement that lacks one of its sensors is none: all are read before
 * anything is said. */
static bool
read_all(void)
{
	bool all = true;

	for (size_t i = 0; i < s.count; i++) {
		struct node *node = &s.nodes[i];
		const char *file;
		char why[FILE_WHY];

		look_at(node, &file);
		if (!node->look.error)
			continue;
		file_why(file, node->look.error, why);
		report_error("%s: %s: %s", node->sensor->id, file, why);
		all = false;
	}
	return all;
}

/* Of the nodes that are due at a tick; samples of one time can be added up, so
 * they are given one. */
static void
look_at_all(int64_t tick)
{
	int64_t before_ns = clock_boot(), tick_ns;
	const char *file;

	for (size_t i = 0; i < s.count; i++)
		if (tick == 0 || tick / s.nodes[i].every > s.nodes[i].slot)
			look_at(&s.nodes[i], &file);
	tick_ns = unix_ns(before_ns + (clock_boot() - before_ns) / 2);
	for (size_t i = 0; i < s.count; i++)
		s.nodes[i].look.tick_ns = tick_ns / 1000 * 1000;
}

static void
begin_all(void)
{
	const int64_t hz = node_stream.rate_hz;

	s.begin_ns = clock_boot();
	look_at_all(0);
	for (size_t i = 0; i < s.count; i++) {
		struct node *node = &s.nodes[i];
		int64_t update_ns = node->sensor->update_ns;

		if (node->look.error)
			report_fatal("%s: %s: it cannot be read any more",
			    node->sensor->id, node->sensor->file);
		node->every = (update_ns * hz + CLOCK_SECOND - 1) / CLOCK_SECOND;
		if (node->every < 1)
			node->every = 1;
		node->period_ns = node->every * CLOCK_SECOND / hz;
		node_begin(node);
	}
}

static void
take_tick(int64_t tick)
{
	look_at_all(tick);
	for (size_t i = 0; i < s.count; i++)
		if (tick / s.nodes[i].every > s.nodes[i].slot)
			node_take(&s.nodes[i], tick / s.nodes[i].every);
}

/* To a point of time since boot, however often it is woken.  False: a signal. */
static bool
sleep_until(int64_t ns)
{
	int64_t left_ns;

	stream_flush();
	do {
		struct timespec left;
		fd_set set;
		int ready;

		left_ns = ns - clock_boot();
		if (left_ns < 0)
			left_ns = 0;
		left.tv_sec = left_ns / CLOCK_SECOND;
		left.tv_nsec = left_ns % CLOCK_SECOND;
		FD_ZERO(&set);
		FD_SET(s.wake, &set);
		ready = pselect(s.wake + 1, &set, NULL, NULL, &left, NULL);
		if (ready > 0)
			return false;
		if (ready < 0 && errno != EINTR)
			report_fatal("pselect: %s", strerror(errno));
	} while (clock_boot() < ns);
	return true;
}

static int64_t
ticks_in(int64_t ns)
{
	return ns / CLOCK_SECOND * node_stream.rate_hz +
	    ns % CLOCK_SECOND * node_stream.rate_hz / CLOCK_SECOND;
}

static int64_t
tick_ns(int64_t tick)
{
	return s.begin_ns + tick * CLOCK_SECOND / node_stream.rate_hz;
}

/* The tick that it is time for; one that is half over is left out, for a
 * counter's rate since then would be of next to no time. */
static int64_t
tick_now(void)
{
	int64_t ns = clock_boot() - s.begin_ns;

	return ticks_in(2 * ns) % 2 == 0 ? ticks_in(ns) : ticks_in(ns) + 1;
}

/* Each tick has its place from the start on; those that a stall took are
 * passed over, and told.  The last one is looked at, however late. */
static void
measure(void)
{
	int64_t last = s.for_ns > 0 ? ticks_in(s.for_ns) : INT64_MAX;
	int64_t tick = 1;
	bool signalled = false;

	while (tick <= last && !signalled) {
		int64_t now;

		signalled = !sleep_until(tick_ns(tick));
		watch_step(clock_boot());
		now = tick_now();
		if (now > tick && tick < last)
			tick = now < last ? now : last;
		else if (!signalled)
			take_tick(tick++);
	}
	for (size_t i = 0; i < s.count; i++)
		node_end(&s.nodes[i], signalled ? "signal" : "time",
		    unix_ns(clock_boot()) / 1000 * 1000);
}

static void
forget(void)
{
	for (size_t i = 0; i < s.count; i++)
		free((char *)s.nodes[i].name);
	for (size_t i = 0; i < s.list_count; i++)
		free(s.lists[i]);
	free(s.nodes);
	sensor_forget(&s.sensors);
}

static void
prepare(void)
{
	static char host[SAMPLE_NODE_MAX + 1];
	struct statfs fs;

	if (gethostname(host, sizeof host - 1) < 0 || !*host)
		memcpy(host, "localhost", sizeof "localhost");
	node_stream.host = host;
	if (!node_stream.rate_hz)
		node_stream.rate_hz = 10;
	node_stream.simulated = statfs(s.sysfs, &fs) < 0 ||
	    fs.f_type != SYSFS_MAGIC;
	if (clock_boot() == 0) /* times would stand still */
		report_fatal("this machine tells no time since its boot");
	s.ahead_ns = clock_ahead();
	if (access(s.sysfs, R_OK | X_OK) < 0)
		report_fatal("%s: %s", s.sysfs, strerror(errno));
	sensor_scan(&s.sensors, s.sysfs);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "for", required_argument, NULL, FOR },
		{ "list", no_argument, NULL, LIST },
		{ "node", required_argument, NULL, 'n' },
		{ "rate", required_argument, NULL, RATE },
		{ "sysfs", required_argument, NULL, SYSFS },
		{ 0 }
	};
	static const struct option_program program = {
		.name = "epi-sense", .help = help, .letters = "n:",
		.options = options, .take = take_option
	};
	char **operands = option_start(argc, argv, &program);

	if (*operands)
		report_usage("no operands are taken: %s", *operands);
	prepare();
	if (s.list) {
		list_all();
	} else {
		choose();
		if (read_all()) {
			s.wake = stream_wake();
			begin_all();
			measure();
		}
	}
	forget();
	return stream_finish();
}
