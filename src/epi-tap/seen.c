#include "epi-tap/seen.h"
#include "epi-tap/timing.h"

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

bool
seen_repeated(const struct meter *meter, const struct frame_sample *sample)
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

bool
seen_overtaken(const struct meter *meter, const struct frame_sample *sample)
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

bool
seen_broken_off(const struct meter *meter, const struct frame_sample *sample)
{
	return meter->started && !meter->fresh &&
	    (sample->time_us <= meter->time_us ||
	    sample->sequence < meter->next_sequence ||
	    sample->sequence - meter->next_sequence >= METER_LEAP);
}

void
seen_note(struct meter *meter, const struct frame_sample *sample)
{
	meter->recent[sample->sequence % METER_RECENT] = (struct meter_recent){
		.sequence = sample->sequence, .time_us = sample->time_us,
		.gist = gist(sample), .set = true
	};
}
