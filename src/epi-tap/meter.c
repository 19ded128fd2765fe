#include <math.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "epi-tap/loss.h"
#include "epi-tap/meter.h"
#include "epi-tap/record.h"
#include "epi-tap/timing.h"
#include "report.h"

enum {
	SHOWN = 10,      /* damaged lines of a live meter that are told of */
	STRANGERS = 20,  /* lines without a frame before a word of warning */
	NEGATIVE_ROW = 10 /* samples below zero in a row that are told of */
};

#define LEAP (UINT64_C(1) << 31) /* no gap of this size: another sequence */
#define COUNT_NJ_MAX UINT64_C(1000000000000000)
#define DELAY_US_MAX UINT64_C(60000000)
#define TIME_US_MAX ((uint64_t)INT64_MAX / 4000) /* its ns are no overflow */
#define CLOCK_TOLD_NS (60 * CLOCK_SECOND) /* so often at least */
#define STEP_NS (CLOCK_SECOND / 100) /* a step that is told of */
/* How far a meter's uptime may be off from what its clock should show. */
#define UPTIME_US UINT64_C(1000000)

/* A line that is no frame, or not a sound one. */

static const char *
damage(enum frame_kind kind)
{
	switch (kind) {
	case FRAME_ALIEN:
		return "not a line of a meter";
	case FRAME_CUT:
		return "a line cut short";
	case FRAME_DAMAGED:
		return "the checksum does not fit";
	default:
		return "not of the meter's protocol";
	}
}

/* Noise on a live line is the instrument's, told by lost events and totals; a
 * recording is a file, and malformed as any other. */
static void
complain(struct meter *meter, uint64_t line, const char *what)
{
	meter->malformed++;
	if (meter->recorded)
		report_malformed(meter->name, line, "%s", what);
	else if (meter->malformed <= SHOWN)
		report_warning("%s:%llu: %s", meter->name,
		    (unsigned long long)line, what);
}

static bool
asks_for_a_name(const char *text, size_t length)
{
	static const char login[] = "login:";

	for (size_t i = 0; i + sizeof login - 1 <= length; i++)
		if (memcmp(text + i, login, sizeof login - 1) == 0)
			return true;
	return false;
}

/* Whoever listens in begins in the middle of a line, or of a boot message. */
static bool
strange(struct meter *meter, const char *text, size_t length)
{
	if (meter->started || meter->recorded)
		return false;
	meter->login |= asks_for_a_name(text, length);
	if (meter->login)
		meter_refuse(meter, "a login, and no meter: a getty runs on "
		    "this port: systemctl stop serial-getty@ and its name");
	else if (++meter->strangers == STRANGERS && !meter->asked)
		report_warning("%s: %d lines, and none of them a meter's: "
		    "another --baud, another device?", meter->name, STRANGERS);
	return true;
}

/* Identity. */

void
meter_refuse(struct meter *meter, const char *why)
{
	if (!meter->refused)
		report_error("%s: %s", meter->name, why);
	meter->refused = true;
}

void
meter_name(struct meter *meter, char **names)
{
	for (int c = 0; names[c]; c++)
		if (strcmp(names[c], "-") != 0)
			meter->channels[c].node = names[c];
	meter->named = true;
}

/* Named channels that the meter has not would be silent for ever. */
static bool
fit_channels(struct meter *meter, uint32_t count)
{
	static const char *const names[FRAME_CHANNELS] = {
		"ch1", "ch2", "ch3", "ch4"
	};

	for (uint32_t c = count; c < FRAME_CHANNELS; c++)
		if (meter->channels[c].node) {
			report_error("%s: no channel %u for node %s: the "
			    "meter has %u", meter->name, (unsigned)c + 1,
			    meter->channels[c].node, (unsigned)count);
			meter->refused = true;
			return false;
		}
	for (uint32_t c = 0; c < count && !meter->named; c++)
		meter->channels[c].node = names[c];
	for (uint32_t c = 0; c < count; c++)
		if (meter->channels[c].node)
			meter->channels[c].inverted =
			    tap_inverted(meter->channels[c].node);
	meter->count = count;
	return true;
}

static void
start(struct meter *meter, int64_t ns)
{
	meter->last_ns = meter->from_ns = ns;
	meter->started = meter->fresh = meter->clock_due = true;
	record_start(meter);
}

/* Calibration. */

static bool
calibrated(const struct meter *meter)
{
	return meter->calibration && !meter->uncalibrated;
}

/* Every channel that is measured has its own. */
static void
find_calibrations(struct meter *meter)
{
	for (uint32_t c = 0; c < meter->count && calibrated(meter); c++) {
		struct meter_channel *channel = &meter->channels[c];

		if (!channel->node)
			continue;
		channel->calibration = calibration_find(meter->calibration,
		    c + 1, channel->node);
		if (!channel->calibration)
			report_error("%s: channel %u, node %s, is not in the "
			    "calibration", meter->name, (unsigned)c + 1,
			    channel->node);
		meter->refused |= !channel->calibration;
	}
}

/* The file is this meter's, and what the meter has set is what the file
 * corrects. */
static void
check_calibration(struct meter *meter)
{
	const struct calibration *with = meter->calibration;
	char hash[9] = "", why[160];

	for (int i = 0; i < 8; i++)
		hash[i] = "0123456789ABCDEF"[meter->header.calibration >>
		    (28 - 4 * i) & 15];
	if (!calibrated(meter))
		return;
	if (with->meter_id[0] && strcmp(with->meter_id,
	    meter->header.id) != 0)
		meter_refuse(meter, "the calibration is another meter's");
	if (with->simulated != (meter->header.simulated != 0))
		meter_refuse(meter, with->simulated
		    ? "the calibration is a simulated meter's"
		    : "a simulated meter, and the calibration of a real one");
	if (strcmp(hash, with->meter_hash) == 0)
		return;
	strcpy(why, "the meter's calibration is ");
	strcat(strcat(why, hash), ", the file's ");
	strcat(strcat(why, with->meter_hash),
	    ": calibrate it again, or say --uncalibrated");
	meter_refuse(meter, why);
}

static void
check_date(const struct meter *meter)
{
	char until[CLOCK_TEXT];

	if (!calibrated(meter) || meter->now.ns <=
	    meter->calibration->valid_until_ns)
		return;
	clock_format(until, meter->calibration->valid_until_ns);
	report_warning("%s: the calibration was valid until %s", meter->name,
	    until);
}

/* Resets. */

/* A meter that booted when its clock showed 0, by what its first line since told
 * of both clocks. */
static void
reset(struct meter *meter, const char *reason, uint64_t time_us)
{
	int64_t ns = timing_boot(meter, time_us);

	loss_close_all(meter);
	meter->from_ns = ns;
	if (meter->last_ns < ns)
		meter->last_ns = ns;
	for (uint32_t c = 0; c < meter->count; c++) {
		struct meter_channel *channel = &meter->channels[c];

		channel->has_counts = false;
		channel->turned_joules = 0;
		memset(&channel->counter, 0, sizeof channel->counter);
		if (channel->node)
			record_reset(channel->node, ns, reason);
	}
	memset(meter->recent, 0, sizeof meter->recent);
	meter->gap_open |= meter->sampled;
	meter->fresh = meter->reset_seen = meter->clock_due = true;
	meter->expects = meter->whole = false;
	meter->waits = meter->settable;
	meter->drops_base = 0;
	meter->resets++;
}

static void
note_drops(struct meter *meter, uint64_t dropped)
{
	if (dropped >= meter->drops_base)
		meter->drops += dropped - meter->drops_base;
	meter->drops_base = dropped;
}

/* A header says of itself whether the meter was restarted before it; where it
 * was away for so long that it may have gone past what it was, by its clock. */
static bool
rebooted(const struct meter *meter, const struct frame_header *header)
{
	uint64_t should_us;

	if (meter->fresh)
		return false;
	if (header->uptime_us < meter->time_us ||
	    (header->has & FRAME_HEAD_NEXT &&
	    header->next_sequence < meter->next_sequence))
		return true;
	return meter->was_away && timing_device_us(meter, &should_us) &&
	    header->uptime_us + UPTIME_US + should_us / 1000 < should_us;
}

static void
expect(struct meter *meter, const struct frame_header *header)
{
	if (!meter->fresh || !(header->has & FRAME_HEAD_NEXT))
		return;
	meter->expects = true;
	meter->next_sequence = header->next_sequence;
	if (meter->resets > 0)
		meter->next_sequence = 0; /* all since its boot are ours */
}

static void
introduce(struct meter *meter, const struct frame_header *header,
    size_t length)
{
	int64_t ns;

	meter->header = *header;
	meter->introduced = true;
	meter->drops_base = header->dropped;
	if (tap_options.mode == TAP_IDENTIFY) {
		record_identity(meter);
		meter->finished = true;
		return;
	}
	if (meter->waits)
		return;
	check_calibration(meter);
	if (meter->refused || !fit_channels(meter, header->channels))
		return;
	find_calibrations(meter);
	if (meter->refused)
		return;
	check_date(meter);
	ns = timing_word(meter, header, length);
	start(meter, ns);
	expect(meter, header);
	meter->whole = meter->from_first = meter->expects &&
	    meter->next_sequence == 0;
}

static bool
same_meter(const struct meter *meter, const struct frame_header *header)
{
	return header->channels == meter->count && (!meter->introduced ||
	    strcmp(header->id, meter->header.id) == 0);
}

/* What it has set counts from now on; samples meanwhile were another's. */
static void
take_settings(struct meter *meter, const struct frame_header *header)
{
	uint32_t before = meter->header.calibration;

	meter->header.delay_us = header->delay_us;
	meter->header.averaging_us = header->averaging_us;
	meter->header.rate_hz = header->rate_hz;
	meter->header.simulated |= header->simulated;
	if (!meter->introduced)
		return;
	note_drops(meter, header->dropped);
	if (meter->waits)
		return;
	meter->header.calibration = header->calibration;
	check_calibration(meter);
	if (!calibrated(meter) && header->calibration != before)
		meter_refuse(meter, "its calibration is another than at the "
		    "start: the figures would be too");
}

static void
meet_again(struct meter *meter)
{
	meter->unsure = false;
	timing_now(meter);
	record_reconnect(meter);
}

static void
follow_header(struct meter *meter, const struct frame_header *header,
    size_t length)
{
	bool again;

	if (!same_meter(meter, header)) {
		meter_refuse(meter, meter->unsure
		    ? "another meter was plugged in"
		    : "another meter speaks on the line");
		return;
	}
	if (meter->unsure)
		meet_again(meter);
	again = rebooted(meter, header);
	if (again)
		timing_restart(meter);
	timing_word(meter, header, length);
	if (again)
		reset(meter, header->reset, header->uptime_us);
	expect(meter, header);
	take_settings(meter, header);
}

static void
take_header(struct meter *meter, const struct frame_header *header,
    uint64_t line, size_t length)
{
	if (header->energy_nj > COUNT_NJ_MAX)
		complain(meter, line, "an energy count of over a megajoule");
	else if (header->delay_us > DELAY_US_MAX)
		complain(meter, line, "a delay of over a minute");
	else if (header->uptime_us >= TIME_US_MAX)
		complain(meter, line, "values out of range");
	else if (meter->started)
		follow_header(meter, header, length);
	else
		introduce(meter, header, length);
}

/* Samples. */

/* What a sample says, in short: one of another boot, of the same number and
 * even the same time, says something else. */
static uint64_t
gist(const struct frame_sample *sample)
{
	uint64_t sum = sample->has;

	for (uint32_t c = 0; c < sample->channels; c++) {
		sum = sum * 31 + (uint64_t)sample->power_mw[c];
		sum = sum * 31 + (uint64_t)sample->current_ua[c];
		sum = sum * 31 + (uint64_t)sample->energy_counts[c];
	}
	return sum;
}

/* The sample of that number, as far back as any is remembered; NULL: it did not
 * come. */
static const struct meter_recent *
recent(const struct meter *meter, uint64_t sequence)
{
	const struct meter_recent *at =
	    &meter->recent[sequence % METER_RECENT];

	return at->set && at->sequence == sequence ? at : NULL;
}

/* The same line again. */
static bool
repeated(const struct meter *meter, const struct frame_sample *sample)
{
	const struct meter_recent *at = recent(meter, sample->sequence);

	return at && at->time_us == sample->time_us &&
	    at->gist == gist(sample);
}

/* Whether the meter, by its clock, may have booted since the sample before. */
static bool
booted_since(const struct meter *meter, const struct frame_sample *sample)
{
	uint64_t should_us;

	return timing_device_us(meter, &should_us) &&
	    should_us - meter->time_us >= sample->time_us;
}

/*
 * A line that comes after later ones: its place, between a line before and one
 * behind in number and in time, is told as lost already.  Where that place is
 * taken the line is of another boot; so it is after a silence of all its
 * uptime, which a line that was overtaken did not wait for.
 */
static bool
overtaken(const struct meter *meter, const struct frame_sample *sample)
{
	bool before = false, behind = false;

	if (recent(meter, sample->sequence) || booted_since(meter, sample))
		return false;
	for (size_t i = 0; i < METER_RECENT; i++) {
		uint64_t sequence = meter->recent[i].sequence;
		uint64_t time_us = meter->recent[i].time_us;

		if (!meter->recent[i].set)
			continue;
		before |= sequence < sample->sequence &&
		    time_us < sample->time_us;
		behind |= sequence > sample->sequence &&
		    time_us > sample->time_us;
	}
	return before && behind;
}

static void
remember(struct meter *meter, const struct frame_sample *sample)
{
	meter->recent[sample->sequence % METER_RECENT] = (struct meter_recent){
		.sequence = sample->sequence, .time_us = sample->time_us,
		.gist = gist(sample), .set = true
	};
	meter->next_sequence = sample->sequence + 1;
	meter->time_us = sample->time_us;
	meter->fresh = meter->was_away = false;
	meter->expects = true;
	meter->accounted++;
}

/* Whether the sample cannot follow on the one before. */
static bool
broken_off(const struct meter *meter, const struct frame_sample *sample)
{
	return meter->started && !meter->fresh &&
	    (sample->time_us <= meter->time_us ||
	    sample->sequence < meter->next_sequence ||
	    sample->sequence - meter->next_sequence >= LEAP);
}

/*
 * A reboot without its header: the sequence began at 0, unless the meter says
 * to be up for longer than it was silent, and so was another's all along.
 */
static void
reset_unsaid(struct meter *meter, const struct frame_sample *sample)
{
	int64_t silent_ns = meter->now.steady_ns - meter->before.steady_ns;
	bool since = meter->recorded || (silent_ns >= 0 &&
	    sample->time_us / 1000000 <=
	    (uint64_t)(silent_ns / CLOCK_SECOND) + 1);

	reset(meter, NULL, sample->time_us);
	meter->expects = since && sample->sequence < LEAP;
	meter->next_sequence = 0;
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
		channel->turned_joules = 0;
		memset(&channel->counter, 0, sizeof channel->counter);
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

static void
put_channel(struct meter *meter, const struct frame_sample *sample, uint32_t c,
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

/* What no record can hold: bounds of time, sequence and counter. */
static bool
absurd(const struct meter *meter, const struct frame_sample *sample)
{
	energy_units most = (energy_units)INT64_MAX * 1000; /* uJ in nJ */

	for (uint32_t c = 0; c < sample->channels; c++) {
		energy_units nj = (energy_units)sample->energy_counts[c] *
		    (energy_units)meter->header.energy_nj;

		if (nj > most || nj < -most)
			return true;
	}
	return sample->sequence >= INT64_MAX ||
	    sample->time_us >= TIME_US_MAX ||
	    (meter->started && sample->channels != meter->count);
}

/* What the numbering and a reset leave open before the sample at `ns`. */
static void
account(struct meter *meter, const struct frame_sample *sample, int64_t ns)
{
	uint64_t missed = sample->sequence - meter->next_sequence;

	if (meter->gap_open)
		record_gap(meter, meter->sample_ns, ns);
	meter->gap_open = false;
	if (!meter->expects || sample->sequence <= meter->next_sequence ||
	    missed >= LEAP)
		return;
	loss_take_all(meter, meter->was_away ? "disconnect" : "sequence",
	    missed, ns);
	meter->accounted += missed;
}

/* Whether a sample can be taken at all, and is not taken already. */
static bool
welcome(struct meter *meter, const struct frame_sample *sample, uint64_t line)
{
	if ((!meter->started && (meter->asked || meter->waits)) ||
	    meter->unsure)
		return false;
	if (absurd(meter, sample))
		complain(meter, line, "values out of range");
	else if (repeated(meter, sample))
		meter->duplicates++;
	else if (overtaken(meter, sample))
		meter->late++;
	else
		return true;
	return false;
}

static bool
start_unsaid(struct meter *meter, const struct frame_sample *sample)
{
	if (calibrated(meter)) {
		meter_refuse(meter, "the meter does not say who it is, and "
		    "whether the calibration is its own");
		return false;
	}
	return fit_channels(meter, sample->channels);
}

static void
take_sample(struct meter *meter, const struct frame_sample *sample,
    uint64_t line, size_t length)
{
	int64_t ns;
	bool again;

	if (!welcome(meter, sample, line) ||
	    (!meter->started && !start_unsaid(meter, sample)))
		return;
	again = broken_off(meter, sample);
	if (again)
		timing_restart(meter);
	timing_learn(meter, sample, length);
	if (again)
		reset_unsaid(meter, sample);
	if (!timing_sample(meter, sample, &ns)) {
		complain(meter, line, "a time out of range");
		return;
	}
	if (!meter->started)
		start(meter, ns);
	account(meter, sample, ns);
	for (uint32_t c = 0; c < meter->count; c++)
		put_channel(meter, sample, c, ns);
	remember(meter, sample);
	meter->last_ns = meter->sample_ns = meter->from_ns = ns;
	meter->sampled = true;
	meter->before = meter->now;
}

/* A simulator's last word: what it sent, and what was true. */
static void
take_end(struct meter *meter, const struct frame_end *end)
{
	uint64_t missed = end->samples - meter->accounted;
	int64_t ns = meter->last_ns;

	meter->finished = true;
	if (!meter->started)
		return;
	if (meter->from_first && end->samples > meter->accounted &&
	    missed < LEAP) {
		ns += CLOCK_SECOND / (meter->header.rate_hz
		    ? meter->header.rate_hz : 1) * (int64_t)missed;
		loss_take_all(meter, "sequence", missed, ns);
	}
	note_drops(meter, end->dropped);
	meter->has_truth = meter->whole && end->has & FRAME_END_TRUTH &&
	    end->values_count == meter->count;
	memcpy(meter->truth_uj, end->truth_uj, sizeof meter->truth_uj);
	meter->last_ns = ns;
}

static void
take_noise(struct meter *meter, const char *text, size_t length,
    enum frame_kind kind, uint64_t line)
{
	if (strange(meter, text, length))
		return;
	meter->crc_errors += kind == FRAME_DAMAGED;
	meter->cut += kind == FRAME_CUT;
	complain(meter, line, damage(kind));
}

void
meter_line(struct meter *meter, const char *text, size_t length,
    uint64_t line, struct frame *frame)
{
	frame->kind = FRAME_ALIEN;
	if (length == 0 || meter->refused)
		return;
	switch (frame_parse(text, length, frame)) {
	case FRAME_SAMPLE:
		take_sample(meter, &frame->as.sample, line, length);
		break;
	case FRAME_HEADER:
		take_header(meter, &frame->as.header, line, length);
		break;
	case FRAME_END:
		take_end(meter, &frame->as.end);
		break;
	case FRAME_ACK:
		break;
	default:
		take_noise(meter, text, length, frame->kind, line);
		break;
	}
}

void
meter_overlong(struct meter *meter, uint64_t line)
{
	if (!meter->refused && !strange(meter, "", 0))
		complain(meter, line, "a line too long for a meter");
}

/* What the talk with the meter tells. */

void
meter_start_unasked(struct meter *meter)
{
	meter->asked = false;
}

void
meter_ready(struct meter *meter)
{
	meter->waits = false;
}

void
meter_ping(struct meter *meter, int64_t sent_ns, const struct frame_ack *ack,
    size_t length)
{
	if (!(ack->has & FRAME_ACK_RECEIVED) || !(ack->has & FRAME_ACK_SENT) ||
	    ack->received_us >= TIME_US_MAX || ack->sent_us >= TIME_US_MAX ||
	    (!meter->fresh && ack->received_us + UPTIME_US < meter->time_us))
		return;
	meter->pinged = true;
	align_ping(&meter->align, sent_ns, ack->received_us, ack->sent_us,
	    meter->now.steady_ns - timing_wire_ns(meter, length));
}

void
meter_away(struct meter *meter)
{
	meter->away = meter->was_away = true;
	meter->disconnects++;
	if (!meter->started)
		return;
	loss_close_all(meter);
	timing_now(meter);
	record_disconnect(meter);
}

void
meter_back(struct meter *meter, bool known)
{
	meter->away = false;
	meter->unsure = meter->started;
	if (meter->started && (known || !meter->introduced))
		meet_again(meter);
}

/* Much: 2 ms and more between what is thought and what is given out. */
static bool
clock_is_due(const struct meter *meter)
{
	const struct align *align = &meter->align;
	int64_t step_ns = meter->now.stepped_ns - meter->stepped_ns;
	int64_t passed_ns = meter->now.steady_ns - meter->clock_told_ns;

	if (meter->clock_due || passed_ns >= CLOCK_TOLD_NS ||
	    step_ns >= STEP_NS || step_ns <= -STEP_NS)
		return true;
	return passed_ns >= CLOCK_SECOND && fabs(align_error(align)) > 2e-3;
}

void
meter_tell_clock(struct meter *meter)
{
	if (!meter->started || meter->recorded || meter->has_begin ||
	    meter->spaced || !meter->align.given || meter->align.doubtful ||
	    !clock_is_due(meter))
		return;
	record_clock(meter, align_latest(&meter->align));
	meter->clock_due = false;
	meter->clock_told_ns = meter->now.steady_ns;
	meter->stepped_ns = meter->now.stepped_ns;
}

void
meter_end(struct meter *meter, const char *reason)
{
	if (!meter->recorded && meter->malformed > SHOWN)
		report_warning("%s: %llu damaged lines in all, %d shown",
		    meter->name, (unsigned long long)meter->malformed, SHOWN);
	if (!meter->started)
		return;
	loss_close_all(meter);
	if (meter->away || !meter->finished)
		timing_now(meter);
	record_stop(meter, reason);
}
