#include <errno.h>
#include <stdio.h>

#include "clock.h"
#include "compose.h"
#include "epi-sense/node.h"
#include "report.h"

struct node_stream node_stream;

static int64_t
slot_ns(const struct node *node, int64_t slot)
{
	return (node->begin_ns + slot * node->period_ns - node->delay_ns) /
	    1000 * 1000;
}

static void
open_event(int64_t ns, const char *event)
{
	compose_open();
	compose_key("timestamp");
	compose_time(ns);
	compose_text("type", "event");
	compose_text("event", event);
}

static void
put_nodes(const struct node *node, size_t count)
{
	compose_key("nodes");
	compose_begin('[');
	for (size_t i = 0; i < count; i++)
		compose_string(node[i].name);
	compose_end(']');
}

static void
put_id(const struct node *node)
{
	char id[SENSOR_NAME * 2];

	snprintf(id, sizeof id, "%s/%s", node_stream.host, node->sensor->key);
	compose_text("instrument_id", id);
}

static void
put_seconds(const char *key, int64_t ns)
{
	compose_key(key);
	compose_seconds(ns);
}

/* A counter's watts are the mean of a period; of a meter that holds each value
 * until the next one, or tells a mean, what is told of it. */
static void
put_timing(const struct node *node)
{
	const struct sensor *sensor = node->sensor;
	int64_t response_ns = sensor->update_ns > sensor->averaging_ns
	    ? sensor->update_ns : sensor->averaging_ns;

	compose_figure("rate_hz", (double)node_stream.rate_hz /
	    (double)node->every);
	if (sensor->kind == SENSOR_COUNTER)
		put_seconds("averaging_seconds", node->period_ns);
	else if (sensor->averaging_ns > 0)
		put_seconds("averaging_seconds", sensor->averaging_ns);
	put_seconds("delay_seconds", node->delay_ns);
	if (response_ns > 0)
		put_seconds("response_seconds", response_ns);
}

static void
put_simulated(void)
{
	if (!node_stream.simulated)
		return;
	compose_key("simulated");
	compose_bool(true);
}

static void
put_start(const struct node *node)
{
	bool powercap = node->sensor->powercap;

	open_event(node->begin_ns, "start");
	compose_text("instrument", powercap ? "powercap" : "hwmon");
	put_id(node);
	put_nodes(node, 1);
	compose_text("sensor", node->sensor->id);
	put_timing(node);
	if (powercap)
		compose_text("measurement_point", "on_chip");
	put_simulated();
	compose_close();
}

void
node_begin(struct node *node)
{
	const struct sensor *sensor = node->sensor;

	node->delay_ns = sensor->kind == SENSOR_COUNTER ? node->period_ns / 2
	    : sensor->averaging_ns > 0 ? sensor->averaging_ns / 2
	    : sensor->update_ns / 2;
	node->begin_ns = node->look.tick_ns;
	node->last = node->look;
	node->joules_uj = node->look.value;
	put_start(node);
}

/* Once a second at most, and when another begins. */
static void
tell_lost(struct node *node)
{
	int64_t last = node->run.from + node->run.count - 1;

	if (node->run.count == 0)
		return;
	open_event(slot_ns(node, last), "lost");
	compose_text("node", node->name);
	compose_key("begin");
	compose_time(slot_ns(node, node->run.from));
	compose_key("end");
	compose_time(slot_ns(node, last));
	compose_count("count", node->run.count);
	compose_text("reason", node->run.reason);
	compose_close();
	node->run.count = 0;
}

static void
lose(struct node *node, int64_t from, int64_t count, const char *reason)
{
	if (node->run.reason != reason)
		tell_lost(node);
	if (node->run.count == 0)
		node->run.from = from;
	node->run.reason = reason;
	node->run.count += count;
	node->lost += count;
	if (node->run.count * node->period_ns >= CLOCK_SECOND)
		tell_lost(node);
}

/* `value`: uW. */
static void
put_sample(struct node *node, energy_units value)
{
	tell_lost(node);
	compose_open();
	compose_key("timestamp");
	compose_time((node->look.tick_ns - node->delay_ns) / 1000 * 1000);
	compose_text("node", node->name);
	compose_key("watts");
	compose_decimal(value, 6, 3);
	if (node->sensor->kind == SENSOR_COUNTER) {
		compose_key("joules");
		compose_decimal(node->joules_uj, 6, 3);
	}
	compose_count("seq", node->slot);
	compose_close();
	node->samples++;
	node->negative += value < 0;
}

static void
put_reset(struct node *node)
{
	tell_lost(node);
	open_event(node->look.tick_ns, "reset");
	compose_text("node", node->name);
	compose_close();
	node->resets++;
}

/* A chip's counter that stands still for a second is likelier no counter. */
static void
watch_still(struct node *node, int64_t step_uj, int64_t ns)
{
	if (step_uj != 0)
		node->still_ns = 0;
	else if (node->still_ns == 0)
		node->still_ns = node->last.ns;
	if (step_uj == 0 && ns - node->still_ns >= CLOCK_SECOND &&
	    !node->still_said) {
		node->still_said = true;
		report_warning("%s: %s does not move: is it a counter of this "
		    "machine?", node->name, node->sensor->file);
	}
}

static void
count(struct node *node)
{
	const struct look *look = &node->look;
	int64_t ns = look->ns - node->last.ns;
	int64_t step_uj = sensor_step(node->sensor, node->last.value,
	    look->value, ns);

	if (step_uj < 0) {
		lose(node, node->slot, 1, "reset");
		put_reset(node);
		node->last = *look;
		return;
	}
	watch_still(node, step_uj, look->ns);
	node->wraps += look->value < node->last.value;
	node->joules_uj += step_uj;
	node->last = *look;
	put_sample(node, ((energy_units)step_uj * CLOCK_SECOND + ns / 2) / ns);
}

/* All slots up to this one that were not told are lost. */
static void
miss(struct node *node, int64_t slot)
{
	int64_t missed = slot - node->slot;

	if (missed <= 0)
		return;
	lose(node, node->slot + 1, missed, "late");
	node->late += missed;
	node->slot = slot;
}

void
node_take(struct node *node, int64_t slot)
{
	miss(node, slot - 1);
	node->slot = slot;
	if (node->look.error)
		lose(node, slot, 1, node->look.error == EBADMSG ? "malformed"
		    : "unreadable");
	else if (node->sensor->kind == SENSOR_COUNTER)
		count(node);
	else
		put_sample(node, node->look.value);
}

void
node_end(struct node *node, const char *reason, int64_t ns)
{
	tell_lost(node);
	open_event(ns, "stop");
	put_id(node);
	put_nodes(node, 1);
	compose_text("reason", reason);
	compose_count("samples", node->samples);
	compose_count("lost", node->lost);
	compose_count("late_samples", node->late);
	compose_count("resets", node->resets);
	compose_count("wraps", node->wraps);
	compose_count("negative_samples", node->negative);
	put_simulated();
	compose_close();
}

void
node_clock(const struct node *nodes, size_t count_of, int64_t ns,
    int64_t step_ns)
{
	open_event(ns, "clock");
	put_nodes(nodes, count_of);
	put_seconds("step_seconds", step_ns);
	compose_close();
}
