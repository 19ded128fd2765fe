#include "clock.h"
#include "epi-tap/timing.h"
#include "report.h"

/* Lines so much ahead of their time were not measured now: a recording comes
 * through a pipe. */
#define AHEAD_NS INT64_C(50000000)
/* As long as that may still turn out, the first line's time is not doubted. */
#define DOUBTS_US 1000000
/* A step of this machine's clock that may have been a sleep. */
#define SLEEP_NS CLOCK_SECOND

/* Lines whose arrival says nothing of the time of their samples. */
static bool
untimed(const struct meter *meter)
{
	return meter->recorded || meter->has_begin;
}

static bool
aligned(const struct meter *meter)
{
	return !meter->spaced && !untimed(meter);
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* In whole microseconds, the meter's own step: an arrival is no finer. */
static int64_t
whole_us(int64_t ns)
{
	return ns < 0 ? 0 : ns - ns % 1000;
}

static int64_t
delay_ns(const struct meter *meter)
{
	return (int64_t)meter->header.delay_us * 1000;
}

int64_t
timing_wire_ns(const struct meter *meter, size_t length)
{
	if (meter->baud == 0)
		return 0;
	return ((int64_t)length + 1) * 10 * CLOCK_SECOND / meter->baud;
}

/* An IC's power, current, energy and status are 7 transfers of 0.2 ms, what
 * stands on every line up to 20 Hz another three. */
static double
reading_s(uint32_t channels, bool full)
{
	return (full ? 2.0e-3 : 1.4e-3) * (double)channels;
}

/* The centre of what a line averages that arrives now, or `ns` if later. */
static int64_t
centre(const struct meter *meter, int64_t ns)
{
	return later(ns, whole_us(meter->now.ns - delay_ns(meter)));
}

void
timing_now(struct meter *meter)
{
	if (!untimed(meter))
		meter->last_ns = later(meter->last_ns,
		    whole_us(meter->now.ns));
}

/* Aligned. */

static int64_t
base_ns(const struct meter *meter)
{
	return meter->now.ns - meter->now.steady_ns;
}

/* This machine slept if its clock was put on meanwhile by what the meter's
 * went on. */
static bool
slept(struct meter *meter, int64_t ahead_ns)
{
	int64_t step_ns = meter->now.stepped_ns - meter->slept_ns;

	if (step_ns < SLEEP_NS || step_ns - ahead_ns > SLEEP_NS ||
	    ahead_ns - step_ns > SLEEP_NS)
		return false;
	meter->align.slept_ns += ahead_ns;
	meter->slept_ns += ahead_ns;
	return true;
}

/* Time goes on with the meter's own from here. */
static void
space(struct meter *meter)
{
	meter->spaced = true;
	meter->anchored = !meter->fresh;
	meter->anchor_us = meter->time_us;
	meter->anchor_ns = meter->last_ns;
	if (meter->pinged)
		report_warning("%s: the meter's clock runs ahead of its lines",
		    meter->name);
}

void
timing_learn(struct meter *meter, const struct frame_sample *sample,
    size_t length)
{
	int64_t there_ns = meter->now.steady_ns -
	    timing_wire_ns(meter, length);
	int64_t ahead_ns;

	if (!aligned(meter))
		return;
	ahead_ns = align_ahead_ns(&meter->align, sample->time_us, there_ns);
	if (ahead_ns > AHEAD_NS && !slept(meter, ahead_ns)) {
		space(meter);
		return;
	}
	meter->align.doubtful = !meter->pinged && (!meter->align.given ||
	    sample->time_us - meter->align.base_us < DOUBTS_US);
	align_arrival(&meter->align, sample->time_us, there_ns,
	    reading_s(sample->channels, sample->has & FRAME_HAS_REACTIVE));
}

int64_t
timing_word(struct meter *meter, const struct frame_header *header,
    size_t length)
{
	if (untimed(meter))
		return meter->started ? meter->last_ns : meter->begin_ns;
	if (meter->spaced)
		return centre(meter, meter->last_ns);
	align_word(&meter->align, header->uptime_us, meter->now.steady_ns -
	    timing_wire_ns(meter, length),
	    reading_s(header->channels, header->rate_hz <= 20));
	return later(meter->last_ns, whole_us(base_ns(meter) -
	    delay_ns(meter) + align_guess(&meter->align, header->uptime_us)));
}

void
timing_restart(struct meter *meter)
{
	align_restart(&meter->align);
	meter->pinged = meter->anchored = false;
}

int64_t
timing_boot(const struct meter *meter, uint64_t time_us)
{
	int64_t ns;

	if (untimed(meter))
		return meter->last_ns;
	ns = meter->spaced ? meter->now.ns - (int64_t)time_us * 1000
	    : base_ns(meter) + align_guess(&meter->align, 0);
	return later(meter->sample_ns, whole_us(ns - delay_ns(meter)));
}

/* Samples. */

/*
 * Gives the first sample since start or reset its host time.  A recording
 * does not know how long the meter was away: it is taken as rebooting right
 * after its last line, so that `t`, the time since boot, has passed since.
 */
static void
anchor(struct meter *meter, uint64_t time_us)
{
	bool again = meter->resets > 0;

	meter->anchored = true;
	meter->anchor_us = again && untimed(meter) ? 0 : time_us;
	meter->anchor_ns = meter->last_ns;
	if (again && meter->anchor_us == time_us)
		meter->anchor_ns += 1000; /* after the sample before */
	if (!untimed(meter))
		meter->anchor_ns = centre(meter, meter->anchor_ns);
}

static bool
spaced_time(struct meter *meter, uint64_t time_us, int64_t *ns)
{
	uint64_t passed_us;

	if (!meter->anchored)
		anchor(meter, time_us);
	passed_us = time_us - meter->anchor_us;
	if (passed_us > (uint64_t)(INT64_MAX - meter->anchor_ns) / 1000)
		return false;
	*ns = meter->anchor_ns + (int64_t)passed_us * 1000;
	return true;
}

static int64_t
aligned_time(struct meter *meter, uint64_t time_us)
{
	int64_t ns = whole_us(align_time(&meter->align, time_us) +
	    base_ns(meter) - delay_ns(meter));

	return later(ns, meter->sampled ? later(meter->sample_ns + 1000,
	    meter->from_ns) : meter->last_ns);
}

bool
timing_sample(struct meter *meter, const struct frame_sample *sample,
    int64_t *ns)
{
	if (!aligned(meter))
		return spaced_time(meter, sample->time_us, ns);
	*ns = aligned_time(meter, sample->time_us);
	return true;
}

bool
timing_device_us(const struct meter *meter, uint64_t *time_us)
{
	int64_t passed_ns;

	if (!aligned(meter) || !meter->align.given)
		return false;
	passed_ns = meter->now.steady_ns + meter->align.slept_ns -
	    align_guess(&meter->align, meter->time_us);
	*time_us = meter->time_us + (passed_ns > 0 ? (uint64_t)passed_ns / 1000
	    : 0);
	return true;
}
