#include <string.h>

#include "clock.h"
#include "energy.h"
#include "epi-tap/meter.h"
#include "epi-tap/record.h"
#include "report.h"

enum {
	SHOWN = 10,      /* damaged lines of a live meter that are told of */
	STRANGERS = 20   /* lines without a frame before a word of warning */
};

#define RUN_NS CLOCK_SECOND /* a longer run of losses is told in parts */
#define LEAP (UINT64_C(1) << 31) /* no gap of this size: another sequence */
#define COUNT_NJ_MAX UINT64_C(1000000000000000)
#define DELAY_US_MAX UINT64_C(60000000)

/* Time. */

/* The host time of a device time; false beyond what int64 ns can hold. */
static bool
host_time(const struct meter *meter, uint64_t time_us, int64_t *ns)
{
	uint64_t passed_us = time_us - meter->anchor_us;

	if (passed_us > (uint64_t)(INT64_MAX - meter->anchor_ns) / 1000)
		return false;
	*ns = meter->anchor_ns + (int64_t)passed_us * 1000;
	return true;
}

/* Lines whose arrival says nothing of the time of their samples. */
static bool
untimed(const struct meter *meter)
{
	return meter->recorded || meter->has_begin;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The centre of what a line averages that arrives now, or `ns` if later. */
static int64_t
centre(const struct meter *meter, int64_t arrival_ns, int64_t ns)
{
	return later(ns, arrival_ns - (int64_t)meter->header.delay_us * 1000);
}

/*
 * Gives the first sample since start or reset its host time.  A recording
 * does not know how long the meter was away: it is taken as rebooting right
 * after its last line, so that `t`, the time since boot, has passed since.
 */
static void
anchor(struct meter *meter, uint64_t time_us, int64_t arrival_ns)
{
	bool again = meter->resets > 0;

	meter->anchored = true;
	meter->anchor_us = again && untimed(meter) ? 0 : time_us;
	meter->anchor_ns = meter->last_ns;
	if (again && meter->anchor_us == time_us)
		meter->anchor_ns += 1000; /* after the sample before */
	if (!untimed(meter))
		meter->anchor_ns = centre(meter, arrival_ns,
		    meter->anchor_ns);
}

/* Loss. */

static void
close_run(struct meter *meter, uint32_t c)
{
	struct meter_run *run = &meter->channels[c].run;

	if (run->count == 0)
		return;
	record_lost(meter->channels[c].node, run);
	run->count = 0;
}

static void
close_runs(struct meter *meter)
{
	for (uint32_t c = 0; c < meter->count; c++)
		close_run(meter, c);
}

static void
lose(struct meter *meter, uint32_t c, const char *reason, uint64_t count,
    int64_t begin_ns, int64_t end_ns)
{
	struct meter_run *run = &meter->channels[c].run;

	if (!meter->channels[c].node)
		return;
	if (run->count && run->reason != reason)
		close_run(meter, c);
	if (run->count == 0)
		run->begin_ns = begin_ns;
	run->reason = reason;
	run->end_ns = end_ns;
	run->count += count;
	meter->lost += count;
	if (end_ns - run->begin_ns >= RUN_NS)
		close_run(meter, c);
}

/* `count` samples of every channel between the last time written and `ns`,
 * taken as evenly spread. */
static void
lose_all(struct meter *meter, uint64_t count, int64_t ns)
{
	int64_t step_ns = (ns - meter->last_ns) / ((int64_t)count + 1);

	if (count == 0)
		return;
	for (uint32_t c = 0; c < meter->count; c++)
		lose(meter, c, "sequence", count, meter->last_ns + step_ns,
		    ns - step_ns);
}

/* Why a channel's values are none, or NULL.  A sag does not spoil them. */
static const char *
fault(const struct frame_sample *sample, uint32_t c)
{
	int32_t errors = sample->errors[c] & ~FRAME_SAG;

	if (errors & FRAME_MISSING || (!errors && sample->absent >> c & 1))
		return "missing";
	if (errors & FRAME_VERIFY)
		return "verify";
	if (errors & FRAME_CALERR)
		return "calibration";
	if (errors & FRAME_ADJERR)
		return "adjustment";
	if (errors & FRAME_CLIPPED)
		return "clipped";
	return errors ? "unknown" : NULL;
}

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

/* Whoever listens in begins in the middle of a line, or of a boot message. */
static bool
strange(struct meter *meter)
{
	if (meter->started || meter->recorded)
		return false;
	if (++meter->strangers == STRANGERS)
		report_warning("%s: %d lines, and none of them a meter's: "
		    "another --baud, another device?", meter->name, STRANGERS);
	return true;
}

/* Identity. */

static void
refuse(struct meter *meter, const char *why)
{
	report_error("%s: %s", meter->name, why);
	meter->refused = true;
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
	meter->count = count;
	return true;
}

static bool
start(struct meter *meter, uint32_t count, int64_t arrival_ns)
{
	if (!fit_channels(meter, count))
		return false;
	meter->last_ns = untimed(meter) ? meter->begin_ns :
	    centre(meter, arrival_ns, INT64_MIN);
	meter->started = meter->fresh = true;
	record_start(meter);
	return true;
}

static void
reset(struct meter *meter, const char *reason, int64_t arrival_ns)
{
	if (!untimed(meter))
		meter->last_ns = centre(meter, arrival_ns, meter->last_ns);
	close_runs(meter);
	for (uint32_t c = 0; c < meter->count; c++) {
		meter->channels[c].has_counts = false;
		if (meter->channels[c].node)
			record_reset(meter->channels[c].node, meter->last_ns,
			    reason);
	}
	memset(meter->recent, 0, sizeof meter->recent);
	meter->fresh = true;
	meter->anchored = meter->expects = meter->whole = false;
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

/* A header says of itself whether the meter was restarted before it. */
static bool
rebooted(const struct meter *meter, const struct frame_header *header)
{
	if (meter->fresh)
		return false;
	return header->uptime_us < meter->time_us ||
	    (header->has & FRAME_HEAD_NEXT &&
	    header->next_sequence < meter->next_sequence);
}

static void
expect(struct meter *meter, const struct frame_header *header)
{
	if (!meter->fresh || !(header->has & FRAME_HEAD_NEXT))
		return;
	meter->expects = true;
	meter->next_sequence = header->next_sequence;
}

static void
take_header(struct meter *meter, const struct frame_header *header,
    uint64_t line, int64_t arrival_ns)
{
	if (header->energy_nj > COUNT_NJ_MAX) {
		complain(meter, line, "an energy count of over a megajoule");
		return;
	}
	if (header->delay_us > DELAY_US_MAX) {
		complain(meter, line, "a delay of over a minute");
		return;
	}
	if (!meter->started) {
		meter->header = *header;
		meter->introduced = true;
		meter->drops_base = header->dropped;
		if (start(meter, header->channels, arrival_ns))
			expect(meter, header);
		meter->whole = meter->expects && meter->next_sequence == 0;
		return;
	}
	if (header->channels != meter->count || (meter->introduced &&
	    strcmp(header->id, meter->header.id) != 0)) {
		refuse(meter, "another meter speaks on the line");
		return;
	}
	meter->header.delay_us = header->delay_us;
	if (rebooted(meter, header))
		reset(meter, header->reset, arrival_ns);
	expect(meter, header);
	meter->header.simulated |= header->simulated;
	if (meter->introduced)
		note_drops(meter, header->dropped);
}

/* Samples. */

/* The same line again; remembered so far back that no resent line is taken
 * for a reboot. */
static bool
repeated(struct meter *meter, const struct frame_sample *sample)
{
	size_t i = sample->sequence % METER_RECENT;

	if (!meter->fresh && sample->sequence + 1 == meter->next_sequence &&
	    sample->time_us >= meter->time_us)
		return true;
	return meter->recent[i].set &&
	    meter->recent[i].sequence == sample->sequence &&
	    meter->recent[i].time_us == sample->time_us;
}

static void
remember(struct meter *meter, const struct frame_sample *sample)
{
	size_t i = sample->sequence % METER_RECENT;

	meter->recent[i].set = true;
	meter->recent[i].sequence = sample->sequence;
	meter->recent[i].time_us = sample->time_us;
	meter->next_sequence = sample->sequence + 1;
	meter->time_us = sample->time_us;
	meter->fresh = false;
	meter->expects = true;
}

/* Whether the sample cannot follow on the one before. */
static bool
broken_off(const struct meter *meter, const struct frame_sample *sample)
{
	return !meter->fresh && (sample->time_us <= meter->time_us ||
	    sample->sequence < meter->next_sequence ||
	    sample->sequence - meter->next_sequence >= LEAP);
}

/*
 * A reboot without its header: the sequence began at 0, unless the meter says
 * to be up for longer than it was silent, and so was another's all along.
 */
static void
reset_unsaid(struct meter *meter, const struct frame_sample *sample,
    int64_t arrival_ns)
{
	int64_t silent_ns = arrival_ns - meter->last_arrival_ns;
	bool since = meter->recorded || (silent_ns >= 0 &&
	    sample->time_us / 1000000 <=
	    (uint64_t)(silent_ns / CLOCK_SECOND) + 1);

	reset(meter, NULL, arrival_ns);
	meter->expects = since && sample->sequence < LEAP;
	meter->next_sequence = 0;
}

/* The energy counter of an IC that had to be started again begins at 0. */
static void
follow_counter(struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t ns)
{
	struct meter_channel *channel = &meter->channels[c];

	if (!(sample->has & FRAME_HAS_ENERGY))
		return;
	if (channel->restarted && channel->has_counts &&
	    sample->energy_counts[c] < channel->counts)
		record_reset(channel->node, ns, "ic");
	channel->restarted = false;
	channel->has_counts = true;
	channel->counts = sample->energy_counts[c];
}

static void
put_sample(struct meter *meter, const struct frame_sample *sample, uint32_t c,
    int64_t ns)
{
	close_run(meter, c);
	follow_counter(meter, sample, c, ns);
	record_sample(meter, sample, c, ns);
	meter->samples++;
}

static void
put_channels(struct meter *meter, const struct frame_sample *sample,
    int64_t ns)
{
	for (uint32_t c = 0; c < meter->count; c++) {
		const char *why = fault(sample, c);

		if (!meter->channels[c].node)
			continue;
		if (!why) {
			put_sample(meter, sample, c, ns);
			continue;
		}
		lose(meter, c, why, 1, ns, ns);
		meter->channels[c].restarted = true;
	}
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
	    sample->time_us >= INT64_MAX / 4000 ||
	    (meter->started && sample->channels != meter->count);
}

static void
take_sample(struct meter *meter, const struct frame_sample *sample,
    uint64_t line, int64_t arrival_ns)
{
	int64_t ns;

	if (!meter->started && meter->waits)
		return;
	if (absurd(meter, sample)) {
		complain(meter, line, "values out of range");
		return;
	}
	if (repeated(meter, sample)) {
		meter->duplicates++;
		return;
	}
	if (!meter->started && !start(meter, sample->channels, arrival_ns))
		return;
	if (broken_off(meter, sample))
		reset_unsaid(meter, sample, arrival_ns);
	if (!meter->anchored)
		anchor(meter, sample->time_us, arrival_ns);
	if (!host_time(meter, sample->time_us, &ns)) {
		complain(meter, line, "a time out of range");
		return;
	}
	if (meter->expects && sample->sequence > meter->next_sequence &&
	    sample->sequence - meter->next_sequence < LEAP)
		lose_all(meter, sample->sequence - meter->next_sequence, ns);
	put_channels(meter, sample, ns);
	remember(meter, sample);
	meter->last_ns = ns;
	meter->last_arrival_ns = arrival_ns;
}

/* A simulator's last word: what it sent, and what was true. */
static void
take_end(struct meter *meter, const struct frame_end *end)
{
	int64_t ns = meter->last_ns;

	meter->finished = true;
	if (!meter->started)
		return;
	if (meter->anchored && !meter->fresh && end->time_us > meter->time_us)
		host_time(meter, end->time_us, &ns);
	if (meter->expects && end->samples > meter->next_sequence &&
	    end->samples - meter->next_sequence < LEAP)
		lose_all(meter, end->samples - meter->next_sequence, ns);
	note_drops(meter, end->dropped);
	meter->has_truth = meter->whole && end->has & FRAME_END_TRUTH &&
	    end->values_count == meter->count;
	memcpy(meter->truth_uj, end->truth_uj, sizeof meter->truth_uj);
	meter->next_sequence = end->samples;
	meter->last_ns = ns;
}

void
meter_line(struct meter *meter, const char *text, size_t length,
    uint64_t line, int64_t arrival_ns)
{
	struct frame frame;

	if (length == 0 || meter->refused)
		return;
	switch (frame_parse(text, length, &frame)) {
	case FRAME_SAMPLE:
		take_sample(meter, &frame.as.sample, line, arrival_ns);
		break;
	case FRAME_HEADER:
		take_header(meter, &frame.as.header, line, arrival_ns);
		break;
	case FRAME_END:
		take_end(meter, &frame.as.end);
		break;
	case FRAME_ACK:
		break;
	default:
		if (strange(meter))
			break;
		meter->crc_errors += frame.kind == FRAME_DAMAGED;
		complain(meter, line, damage(frame.kind));
		break;
	}
}

void
meter_overlong(struct meter *meter, uint64_t line)
{
	if (!meter->refused && !strange(meter))
		complain(meter, line, "a line too long for a meter");
}

void
meter_end(struct meter *meter, const char *reason, bool broke, int64_t now_ns)
{
	if (!meter->recorded && meter->malformed > SHOWN)
		report_warning("%s: %llu damaged lines in all, %d shown",
		    meter->name, (unsigned long long)meter->malformed, SHOWN);
	if (!meter->started)
		return;
	close_runs(meter);
	if (!untimed(meter))
		meter->last_ns = later(meter->last_ns, now_ns);
	if (broke)
		record_disconnect(meter);
	record_stop(meter, reason);
}
