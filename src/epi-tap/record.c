#include "compose.h"
#include "epi-tap/record.h"

static void
open_event(int64_t timestamp_ns, const char *event)
{
	compose_open();
	compose_key("timestamp");
	compose_time(timestamp_ns);
	compose_key("type");
	compose_string("event");
	compose_key("event");
	compose_string(event);
}

static void
put_string(const char *key, const char *value)
{
	compose_key(key);
	compose_string(value);
}

static void
put_count(const char *key, uint64_t value)
{
	compose_key(key);
	compose_integer((int64_t)value);
}

static void
put_decimal(const char *key, energy_units value, int scale, int least)
{
	compose_key(key);
	compose_decimal(value, scale, least);
}

static void
put_nodes(const struct meter *meter)
{
	compose_key("nodes");
	compose_begin('[');
	for (uint32_t c = 0; c < meter->count; c++)
		if (meter->channels[c].node)
			compose_string(meter->channels[c].node);
	compose_end(']');
}

static void
put_hash(uint32_t hash)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[9] = "";

	for (int i = 0; i < 8; i++)
		text[i] = digits[hash >> (28 - 4 * i) & 15];
	compose_key("calibration");
	compose_begin('{');
	put_string("hash", text);
	compose_end('}');
}

/* What the meter said of itself; what it did not say is absent. */
static void
put_header(const struct frame_header *header)
{
	put_string("instrument_id", header->id);
	put_string("firmware", header->firmware);
	put_string("chip", header->chip);
	put_string("ic", header->ic);
	put_count("rate_hz", header->rate_hz);
	if (header->has & FRAME_HEAD_AVERAGING)
		put_decimal("averaging_seconds", header->averaging_us, 6, 3);
	if (header->has & FRAME_HEAD_DELAY)
		put_decimal("delay_seconds", header->delay_us, 6, 3);
	if (header->energy_nj && header->energy_wrap)
		put_decimal("joules_wrap", (energy_units)header->energy_wrap *
		    (energy_units)header->energy_nj, 9, 3);
	if (header->energy_nj)
		put_decimal("joules_resolution", header->energy_nj, 9, 3);
	put_hash(header->calibration);
}

static void
put_simulated(const struct meter *meter)
{
	if (meter->header.simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
}

void
record_start(const struct meter *meter)
{
	open_event(meter->last_ns, "start");
	put_string("instrument", meter->introduced ? meter->header.device
	    : "epi-meter");
	put_nodes(meter);
	if (meter->introduced)
		put_header(&meter->header);
	put_simulated(meter);
	compose_close();
}

void
record_lost(const char *node, const struct meter_run *run)
{
	open_event(run->end_ns, "lost");
	put_string("node", node);
	compose_key("begin");
	compose_time(run->begin_ns);
	compose_key("end");
	compose_time(run->end_ns);
	put_count("count", run->count);
	put_string("reason", run->reason);
	compose_close();
}

void
record_reset(const char *node, int64_t timestamp_ns, const char *reason)
{
	open_event(timestamp_ns, "reset");
	put_string("node", node);
	if (reason)
		put_string("reason", reason);
	compose_close();
}

static void
put_truth(const struct meter *meter)
{
	compose_key("truth_joules");
	compose_begin('{');
	for (uint32_t c = 0; c < meter->count; c++)
		if (meter->channels[c].node)
			put_decimal(meter->channels[c].node,
			    meter->truth_uj[c], 6, 3);
	compose_end('}');
}

void
record_stop(const struct meter *meter, const char *reason)
{
	open_event(meter->last_ns, "stop");
	if (meter->introduced)
		put_string("instrument_id", meter->header.id);
	put_nodes(meter);
	put_string("reason", reason);
	put_count("samples", meter->samples);
	put_count("lost", meter->lost);
	put_count("malformed", meter->malformed);
	put_count("crc_errors", meter->crc_errors);
	put_count("duplicates", meter->duplicates);
	put_count("resets", meter->resets);
	if (meter->introduced)
		put_count("device_drops", meter->drops);
	if (meter->has_truth)
		put_truth(meter);
	put_simulated(meter);
	compose_close();
}

void
record_disconnect(const struct meter *meter)
{
	open_event(meter->last_ns, "disconnect");
	put_nodes(meter);
	compose_close();
}

static bool
has(const struct frame_sample *sample, uint32_t what)
{
	return (sample->has & what) != 0;
}

/* A clamp the wrong way round turns every sign; a counter that wraps runs
 * down to it. */
static void
put_energy(const struct meter *meter, const struct frame_sample *sample, uint32_t c)
{
	const struct frame_header *header = &meter->header;
	energy_units counts = sample->energy_counts[c];

	if (!meter->introduced || !header->energy_nj)
		return;
	if (meter->channels[c].inverted)
		counts = header->energy_wrap && counts > 0
		    ? (energy_units)header->energy_wrap - counts : -counts;
	put_decimal("joules", counts * (energy_units)header->energy_nj, 9, 3);
}

static void
put_values(const struct frame_sample *sample, uint32_t c, bool inverted)
{
	int64_t sign = inverted ? -1 : 1;

	put_decimal("watts", sign * sample->power_mw[c], 3, 3);
	if (has(sample, FRAME_HAS_VOLTAGE))
		put_decimal("volts", sample->voltage_mv, 3, 2);
	if (has(sample, FRAME_HAS_CURRENT))
		put_decimal("amps", sample->current_ua[c], 6, 4);
	if (has(sample, FRAME_HAS_POWER_FACTOR))
		put_decimal("power_factor",
		    sign * sample->power_factor_milli[c], 3, 3);
	if (has(sample, FRAME_HAS_REACTIVE))
		put_decimal("vars", sign * sample->reactive_mvar[c], 3, 2);
	if (has(sample, FRAME_HAS_FREQUENCY))
		put_decimal("hertz", sample->frequency_millihertz, 3, 2);
}

void
record_sample(const struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t timestamp_ns)
{
	compose_open();
	compose_key("timestamp");
	compose_time(timestamp_ns);
	put_string("node", meter->channels[c].node);
	put_values(sample, c, meter->channels[c].inverted);
	if (has(sample, FRAME_HAS_ENERGY))
		put_energy(meter, sample, c);
	put_count("seq", sample->sequence);
	compose_close();
}
