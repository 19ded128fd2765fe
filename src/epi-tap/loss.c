#include "clock.h"
#include "epi-tap/loss.h"
#include "epi-tap/record.h"

#define RUN_NS CLOCK_SECOND /* a longer run of losses is told in parts */

void
loss_close(struct meter *meter, uint32_t c)
{
	struct meter_run *run = &meter->channels[c].run;

	if (run->count == 0)
		return;
	record_lost(meter->channels[c].node, run);
	run->count = 0;
}

void
loss_close_all(struct meter *meter)
{
	for (uint32_t c = 0; c < meter->count; c++)
		loss_close(meter, c);
}

void
loss_take(struct meter *meter, uint32_t c, const char *reason, uint64_t count,
    int64_t begin_ns, int64_t end_ns)
{
	struct meter_run *run = &meter->channels[c].run;

	if (!meter->channels[c].node)
		return;
	if (run->count && run->reason != reason)
		loss_close(meter, c);
	if (run->count == 0)
		run->begin_ns = begin_ns;
	run->reason = reason;
	run->end_ns = end_ns;
	run->count += count;
	meter->lost += count;
	if (end_ns - run->begin_ns >= RUN_NS)
		loss_close(meter, c);
}

void
loss_take_all(struct meter *meter, const char *reason, uint64_t count,
    int64_t ns)
{
	int64_t step_ns = (ns - meter->from_ns) / ((int64_t)count + 1);

	if (count == 0)
		return;
	step_ns -= step_ns % 1000;
	for (uint32_t c = 0; c < meter->count; c++)
		loss_take(meter, c, reason, count, meter->from_ns + step_ns,
		    ns - step_ns);
}

const char *
loss_fault(const struct frame_sample *sample, uint32_t c)
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
