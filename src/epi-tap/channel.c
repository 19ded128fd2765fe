#include <math.h>
#include <string.h>

#include "energy.h"
#include "epi-tap/channel.h"
#include "epi-tap/loss.h"
#include "epi-tap/record.h"
#include "report.h"

enum { NEGATIVE_ROW = 10 }; /* samples below zero in a row that are told of */

void
channel_restart(struct meter_channel *channel)
{
	channel->turned_joules = 0;
	memset(&channel->counter, 0, sizeof channel->counter);
}

/* How often a counter wrapped from one figure to the next: up, down (-1), or
 * not, whatever is less than half a turn. */
static int
turns(const struct meter *meter, int64_t from, int64_t to)
{
	energy_units step = (energy_units)to - from;
	energy_units half = (energy_units)meter->header.energy_wrap / 2;

	if (half == 0)
		return 0;
	return step < -half ? 1 : step > half ? -1 : 0;
}

/* The energy counter of an IC that had to be started again begins at 0: it is
 * closer to that, or beyond.  Of a clamp the wrong way round it runs down. */
static bool
began_anew(int64_t before, int64_t counts)
{
	return before < 0 ? counts > before : counts < before;
}

static void
follow_counter(struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t ns)
{
	struct meter_channel *channel = &meter->channels[c];
	int64_t counts = sample->energy_counts[c];
	double wrap = (double)meter->header.energy_wrap *
	    (double)meter->header.energy_nj / 1e9;

	if (!(sample->has & FRAME_HAS_ENERGY))
		return;
	if (channel->restarted && channel->has_counts &&
	    began_anew(channel->counts, counts)) {
		record_reset(channel->node, ns, "ic");
		channel_restart(channel);
	} else if (channel->has_counts) {
		channel->turned_joules += wrap *
		    turns(meter, channel->counts, counts);
	}
	channel->restarted = false;
	channel->has_counts = true;
	channel->counts = counts;
}

static double
signed_value(const struct meter_channel *channel, double value)
{
	return channel->inverted ? -value : value;
}

/* The exact inverse of what calibration found; vars come more seldom than
 * watts, and the last ones hold. */
static void
correct(struct meter *meter, const struct frame_sample *sample, uint32_t c,
    int64_t ns, struct record_values *values)
{
	struct meter_channel *channel = &meter->channels[c];
	double indicated, joules;
	bool counts = sample->has & FRAME_HAS_ENERGY &&
	    meter->header.energy_nj && channel->calibration->has_energy;

	if (sample->has & FRAME_HAS_REACTIVE)
		channel->vars = signed_value(channel,
		    sample->reactive_mvar[c] / 1e3);
	channel->has_vars |= (sample->has & FRAME_HAS_REACTIVE) != 0;
	indicated = channel->vars;
	values->vars = channel->vars;
	values->watts = signed_value(channel, sample->power_mw[c] / 1e3);
	calibration_correct(channel->calibration, &values->watts,
	    channel->has_vars ? &values->vars : NULL);
	values->joules = NAN;
	if (!counts)
		return;
	joules = signed_value(channel, (double)sample->energy_counts[c] *
	    (double)meter->header.energy_nj / 1e9 + channel->turned_joules);
	values->joules = calibration_joules(channel->calibration,
	    &channel->counter, ns, joules, channel->has_vars ? &indicated
	    : NULL);
}

/* Watts below zero are kept; many in a row are a clamp the wrong way round. */
static void
watch_sign(struct meter *meter, struct meter_channel *channel, double watts)
{
	meter->negative += watts < 0;
	channel->negative_row = watts < -CHECK_NOTHING_W
	    ? channel->negative_row + 1 : 0;
	if (channel->negative_row < NEGATIVE_ROW || channel->told_negative)
		return;
	channel->told_negative = true;
	report_warning("%s: negative watts (%.3f): is its clamp the wrong way "
	    "round?  --invert %s", channel->node, watts, channel->node);
}

static void
watch_range(const struct meter *meter, struct meter_channel *channel,
    const struct frame_sample *sample, double watts)
{
	double volts = meter->calibration->volts;

	if (channel->told_range)
		return;
	if (watts > channel->calibration->highest_watts)
		report_warning("%s: %.3f W, and the calibration goes to %g W",
		    channel->node, watts, channel->calibration->highest_watts);
	else if (sample->has & FRAME_HAS_VOLTAGE && !isnan(volts) &&
	    fabs(sample->voltage_mv / 1e3 - volts) > 0.1 * volts)
		report_warning("%s: %.2f V, and the calibration is of %g V",
		    channel->node, sample->voltage_mv / 1e3, volts);
	else
		return;
	channel->told_range = true;
}

static void
put_sample(struct meter *meter, const struct frame_sample *sample, uint32_t c,
    int64_t ns)
{
	struct meter_channel *channel = &meter->channels[c];
	struct record_values values;

	loss_close(meter, c);
	follow_counter(meter, sample, c, ns);
	meter->samples++;
	values.watts = signed_value(channel, sample->power_mw[c] / 1e3);
	if (channel->calibration) {
		correct(meter, sample, c, ns, &values);
		watch_range(meter, channel, sample, values.watts);
	}
	watch_sign(meter, channel, values.watts);
	record_sample(meter, sample, c, ns, channel->calibration ? &values
	    : NULL);
}

/* For --check, of every channel, used or not. */
static void
check_channel(struct meter_channel *channel, const struct frame_sample *sample,
    uint32_t c, const char *why)
{
	struct check *check = &channel->check;

	if (why && sample->errors[c] & FRAME_CLIPPED)
		check->clipped++;
	else if (why)
		check->lacking++;
	if (sample->has & FRAME_HAS_VOLTAGE) {
		check->volts += sample->voltage_mv / 1e3;
		check->with_volts++;
	}
	if (why)
		return;
	check->samples++;
	check->watts += signed_value(channel, sample->power_mw[c] / 1e3);
	if (sample->has & FRAME_HAS_CURRENT) {
		check->amps += sample->current_ua[c] / 1e6;
		check->with_amps++;
	}
}

void
channel_put(struct meter *meter, const struct frame_sample *sample, uint32_t c,
    int64_t ns)
{
	struct meter_channel *channel = &meter->channels[c];
	const char *why = loss_fault(sample, c);

	if (tap_options.mode == TAP_CHECK) {
		check_channel(channel, sample, c, why);
		return;
	}
	if (!channel->node)
		return;
	if (!why && meter->waits)
		why = "calibration";
	if (!why) {
		put_sample(meter, sample, c, ns);
		return;
	}
	loss_take(meter, c, why, 1, ns, ns);
	channel->restarted |= loss_fault(sample, c) != NULL;
}
