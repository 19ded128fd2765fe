#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

enum { TRIES = 8 }; /* to read two clocks at one moment */

static int64_t ahead_ns; /* of the host's clock, as it was, to the time since boot */

/* By the closest of some readings: somebody else may run between two. */
static int64_t
find_ahead(void)
{
	int64_t least_ns = INT64_MAX, found_ns = 0;

	for (int i = 0; i < TRIES; i++) {
		int64_t before_ns = clock_boot(), real_ns = clock_now();
		int64_t took_ns = clock_boot() - before_ns;

		if (took_ns < least_ns) {
			least_ns = took_ns;
			found_ns = real_ns - before_ns - took_ns / 2;
		}
	}
	return found_ns;
}

void
time_start(void)
{
	if (clock_boot() == 0) /* times would stand still */
		report_fatal("this machine tells no time since its boot");
	ahead_ns = find_ahead();
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
	int64_t step_ns = find_ahead() - ahead_ns;

	return step_ns >= least_ns || step_ns <= -least_ns ? step_ns : 0;
}
