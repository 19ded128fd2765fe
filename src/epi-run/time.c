#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

static int64_t ahead_ns; /* of the host's clock, as it was, to the time since boot */

void
time_start(void)
{
	if (clock_boot() == 0) /* times would stand still */
		report_fatal("this machine tells no time since its boot");
	ahead_ns = clock_ahead();
}

int64_t
time_now(void)
{
	return clock_boot() + ahead_ns;
}

int64_t
time_step(void)
{
	const int64_t least_ns = 10000000; /* less is how it is read */
	int64_t step_ns = clock_ahead() - ahead_ns;

	return step_ns >= least_ns || step_ns <= -least_ns ? step_ns : 0;
}
