#include <math.h>

#include "clock.h"
#include "compose.h"
#include "epi-tap/record.h"
#include "stream.h"

static bool
silent(void)
{
	return tap_options.mode != TAP_MEASURE;
}

void
record_event(int64_t timestamp_ns, const char *event)
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

/* The numbers of the channels in `nodes`. */
static void
put_channels(const struct meter *meter)
{
	compose_key("channels");
	compose_begin('[');
	for (uint32_t c = 0; c < meter->count; c++)
		if (meter->channels[c].node)
			compose_integer((int64_t)c + 1);
	compose_end(']');
}

static void
put_hash(uint32_t hash)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[9] = "";

	for (int i = 0; i < 8; i++)
		text[i] = digits[hash >> (28 - 4 * i) & 15];
	put_string("hash", text);
}

static void
put_bool(const char *key, bool value)
{
	compose_key(key);
	compose_bool(value);
}

/* What the meter has set, and what puts its figures right. */
static void
put_calibration(const struct meter *meter)
{
	const struct calibration *with = meter->uncalibrated ? NULL
	    : meter->calibration;

	compose_key("calibration");
	compose_begin('{');
	put_hash(meter->header.calibration);
	put_bool("corrected", with != NULL);
	if (with) {
		put_string("id", with->id);
		compose_key("date");
		compose_time(with->date_ns);
		compose_key("valid_until");
		compose_time(with->valid_until_ns);
		put_bool("traceable", with->traceable);
	}
	compose_end('}');
}

/*
 * How well an epi-meter measures, as standard uncertainties; limits over sqrt 3.
 * Without a calibration: 10 % of the ratio (clamp 3 %, its voltage adapter, the
 * IC as it left its maker), 69 mW of pickup (10 uV), 1 degree of phase.  With
 * one these are the calibration's to tell, and what it could not see is left:
 * 0.5 % from resistors to rectifiers, and of the clamp's place, temperature and
 * age 0.2 %, of the voltage adapter's 0.1 %.  The IC's class is 0.1 %, its
 * registers' age 5 ms, the crystal's rate 35 ppm.
 */
static const struct class_term {
	const char *name;
	double uncalibrated, calibrated; /* 0: not a term of it */
} class_terms[] = {
	{ "gain_relative", 0.058, 0 },
	{ "offset_watts", 0.04, 0 },
	{ "phase_radians", 0.01, 0 },
	{ "linearity_relative", 0.0006, 0.0006 },
	{ "transfer_relative", 0, 0.003 },
	{ "clamp_relative", 0, 0.0012 },
	{ "voltage_relative", 0, 0.0006 },
	{ "delay_seconds", 0.003, 0.003 },
	{ "time_relative", 0.00002, 0.00002 }
};

static void
put_class(bool calibrated)
{
	compose_key("uncertainty");
	compose_begin('{');
	for (size_t i = 0; i < sizeof class_terms / sizeof *class_terms; i++) {
		const struct class_term *term = &class_terms[i];
		double u = calibrated ? term->calibrated : term->uncalibrated;

		if (u > 0)
			compose_figure(term->name, u);
	}
	compose_end('}');
}

/* What the meter said of itself; what it did not say is absent.  A counter
 * that was put right does not wrap. */
static void
put_header(const struct meter *meter)
{
	const struct frame_header *header = &meter->header;

	put_string("instrument_id", header->id);
	put_string("firmware", header->firmware);
	put_string("chip", header->chip);
	put_string("ic", header->ic);
	put_count("rate_hz", header->rate_hz);
	if (header->has & FRAME_HEAD_AVERAGING)
		put_decimal("averaging_seconds", header->averaging_us, 6, 3);
	if (header->has & FRAME_HEAD_DELAY)
		put_decimal("delay_seconds", header->delay_us, 6, 3);
	if (header->energy_nj && header->energy_wrap && (meter->uncalibrated ||
	    !meter->calibration))
		put_decimal("joules_wrap", (energy_units)header->energy_wrap *
		    (energy_units)header->energy_nj, 9, 3);
	if (header->energy_nj)
		put_decimal("joules_resolution", header->energy_nj, 9, 3);
	put_calibration(meter);
	put_class(meter->calibration && !meter->uncalibrated);
}

static void
put_simulated(const struct meter *meter)
{
	if (meter->header.simulated)
		put_bool("simulated", true);
}

void
record_start(const struct meter *meter)
{
	if (silent())
		return;
	record_event(meter->last_ns, "start");
	put_string("instrument", meter->introduced ? meter->header.device
	    : "epi-meter");
	put_nodes(meter);
	put_channels(meter);
	if (meter->introduced)
		put_header(meter);
	put_simulated(meter);
	compose_close();
	if (meter->calibration && !meter->uncalibrated)
		stream_line(meter->calibration_text,
		    meter->calibration_length);
}

void
record_lost(const char *node, const struct meter_run *run)
{
	if (silent())
		return;
	record_event(run->end_ns, "lost");
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
record_gap(const struct meter *meter, int64_t begin_ns, int64_t end_ns)
{
	if (silent())
		return;
	record_event(end_ns, "gap");
	put_nodes(meter);
	compose_key("begin");
	compose_time(begin_ns);
	compose_key("end");
	compose_time(end_ns);
	compose_close();
}

void
record_reset(const char *node, int64_t timestamp_ns, const char *reason)
{
	if (silent())
		return;
	record_event(timestamp_ns, "reset");
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

static void
put_totals(const struct meter *meter)
{
	put_count("samples", meter->samples);
	put_count("lost", meter->lost);
	put_count("malformed", meter->malformed);
	put_count("crc_errors", meter->crc_errors);
	put_count("cut_lines", meter->cut);
	put_count("duplicates", meter->duplicates);
	put_count("late_lines", meter->late);
	put_count("resets", meter->resets);
	put_count("disconnects", meter->disconnects);
	put_count("negative_samples", meter->negative);
	if (meter->introduced)
		put_count("device_drops", meter->drops);
}

void
record_stop(const struct meter *meter, const char *reason)
{
	if (silent())
		return;
	record_event(meter->last_ns, "stop");
	if (meter->introduced)
		put_string("instrument_id", meter->header.id);
	put_nodes(meter);
	put_string("reason", reason);
	put_totals(meter);
	if (meter->has_truth)
		put_truth(meter);
	put_simulated(meter);
	compose_close();
}

static void
put_event(const struct meter *meter, const char *event)
{
	if (silent())
		return;
	record_event(meter->last_ns, event);
	if (meter->introduced)
		put_string("instrument_id", meter->header.id);
	put_nodes(meter);
	compose_close();
}

void
record_disconnect(const struct meter *meter)
{
	put_event(meter, "disconnect");
}

void
record_reconnect(const struct meter *meter)
{
	put_event(meter, "reconnect");
}

static int64_t
scaled(double value, double scale)
{
	return (int64_t)(value * scale + (value < 0 ? -0.5 : 0.5));
}

void
record_clock(const struct meter *meter, double latest_s)
{
	const struct align *align = &meter->align;
	int64_t base_ns = meter->now.ns - meter->now.steady_ns;

	if (silent())
		return;
	record_event(meter->last_ns, "clock");
	if (meter->introduced)
		put_string("instrument_id", meter->header.id);
	put_nodes(meter);
	compose_key("offset");
	compose_time(base_ns + align_guess(align, 0));
	put_decimal("skew", scaled(-align->skew, 1e9), 9, 9);
	put_decimal("bound", scaled(align_bound(align), 1e6), 6, 6);
	put_decimal("step_seconds", meter->now.stepped_ns / 1000, 6, 3);
	put_decimal("latest_seconds", scaled(latest_s, 1e6), 6, 6);
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
put_micro(const char *key, double value)
{
	put_decimal(key, scaled(value, 1e6), 6, 3);
}

/* What was put right has its decimals; a power factor then no longer fits. */
static void
put_values(const struct frame_sample *sample, uint32_t c, int64_t sign,
    const struct record_values *values)
{
	if (values)
		put_micro("watts", values->watts);
	else
		put_decimal("watts", sign * sample->power_mw[c], 3, 3);
	if (has(sample, FRAME_HAS_VOLTAGE))
		put_decimal("volts", sample->voltage_mv, 3, 2);
	if (has(sample, FRAME_HAS_CURRENT))
		put_decimal("amps", sample->current_ua[c], 6, 4);
	if (has(sample, FRAME_HAS_POWER_FACTOR) && !values)
		put_decimal("power_factor",
		    sign * sample->power_factor_milli[c], 3, 3);
	if (has(sample, FRAME_HAS_REACTIVE) && values)
		put_micro("vars", values->vars);
	else if (has(sample, FRAME_HAS_REACTIVE))
		put_decimal("vars", sign * sample->reactive_mvar[c], 3, 2);
	if (has(sample, FRAME_HAS_FREQUENCY))
		put_decimal("hertz", sample->frequency_millihertz, 3, 2);
}

void
record_sample(const struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t timestamp_ns, const struct record_values *values)
{
	const struct meter_channel *channel = &meter->channels[c];

	compose_open();
	compose_key("timestamp");
	compose_time(timestamp_ns);
	put_string("node", channel->node);
	put_values(sample, c, channel->inverted ? -1 : 1, values);
	if (values && !isnan(values->joules))
		put_micro("joules", values->joules);
	else if (!values && has(sample, FRAME_HAS_ENERGY))
		put_energy(meter, sample, c);
	put_count("seq", sample->sequence);
	if (meter->uncalibrated) {
		compose_key("calibration");
		compose_null();
	}
	compose_close();
}

void
record_identity(const struct meter *meter)
{
	const struct frame_header *header = &meter->header;

	compose_open();
	put_string("type", "identity");
	put_string("device", meter->name);
	put_string("instrument", header->device);
	put_header(meter);
	put_count("channels", header->channels);
	put_decimal("uptime_seconds", header->uptime_us, 6, 3);
	put_string("reset", header->reset);
	put_count("device_drops", header->dropped);
	put_simulated(meter);
	compose_close();
}

static void
put_mean(const char *key, double value)
{
	compose_key(key);
	if (isnan(value))
		compose_null();
	else
		compose_decimal(scaled(value, 1e6), 6, 3);
}

void
record_check(const struct meter *meter, uint32_t c, unsigned verdict)
{
	const struct meter_channel *channel = &meter->channels[c];

	compose_open();
	compose_key("timestamp");
	compose_time(meter->last_ns);
	put_string("type", "check");
	put_string("node", channel->node);
	put_count("channel", c + 1);
	put_bool("good", !(verdict & CHECK_WRONG));
	compose_key("verdicts");
	compose_begin('[');
	for (unsigned bit = 0; bit < CHECK_VERDICTS; bit++)
		if (verdict >> bit & 1)
			compose_string(check_word(bit));
	compose_end(']');
	put_count("samples", channel->check.samples);
	put_mean("watts", check_watts(&channel->check));
	put_mean("amps", check_amps(&channel->check));
	put_mean("volts", check_volts(&channel->check));
	put_simulated(meter);
	compose_close();
}
