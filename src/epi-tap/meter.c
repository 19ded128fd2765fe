#include <math.h>
#include <string.h>

#include "clock.h"
#include "energy.h"
#include "epi-tap/channel.h"
#include "epi-tap/identity.h"
#include "epi-tap/loss.h"
#include "epi-tap/meter.h"
#include "epi-tap/record.h"
#include "epi-tap/seen.h"
#include "epi-tap/timing.h"
#include "report.h"

enum {
	SHOWN = 10,      /* damaged lines of a live meter that are told of */
	STRANGERS = 20   /* lines without a frame before a word of warning */
};

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

void
meter_refuse(struct meter *meter, const char *why)
{
	if (!meter->refused)
		report_error("%s: %s", meter->name, why);
	meter->refused = true;
}

static void
start(struct meter *meter, int64_t ns)
{
	meter->last_ns = meter->from_ns = ns;
	meter->started = meter->fresh = meter->clock_due = true;
	record_start(meter);
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
		channel_restart(channel);
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
	identity_check(meter);
	if (meter->refused || !identity_fit(meter, header->channels))
		return;
	identity_find(meter);
	if (meter->refused)
		return;
	identity_date(meter);
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
	identity_check(meter);
	if (!identity_calibrated(meter) && header->calibration != before)
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

static void
remember(struct meter *meter, const struct frame_sample *sample)
{
	seen_note(meter, sample);
	meter->next_sequence = sample->sequence + 1;
	meter->time_us = sample->time_us;
	meter->fresh = meter->was_away = false;
	meter->expects = true;
	meter->accounted++;
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
	meter->expects = since && sample->sequence < METER_LEAP;
	meter->next_sequence = 0;
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
	    missed >= METER_LEAP)
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
	else if (seen_repeated(meter, sample))
		meter->duplicates++;
	else if (seen_overtaken(meter, sample))
		meter->late++;
	else
		return true;
	return false;
}

static bool
start_unsaid(struct meter *meter, const struct frame_sample *sample)
{
	if (identity_calibrated(meter)) {
		meter_refuse(meter, "the meter does not say who it is, and "
		    "whether the calibration is its own");
		return false;
	}
	return identity_fit(meter, sample->channels);
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
	again = seen_broken_off(meter, sample);
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
		channel_put(meter, sample, c, ns);
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
	    missed < METER_LEAP) {
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
