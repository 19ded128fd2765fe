/* What all drivers share. */
#include "ic.h"

void
ic_restart(struct ic *ic, bool soft, uint64_t now_us)
{
	ic->soft = soft && ic->state == IC_READY;
	ic->state = IC_STARTING;
	ic->step = 0;
	ic->tries = 0;
	ic->wait_us = now_us;
	if (!ic->soft) {
		ic->energy_counts = 0;
		ic->tare_pj = 0;
		ic->energy_us = 0;
	}
}

void
ic_fail(struct ic *ic, uint32_t errors, uint64_t now_us)
{
	ic->state = IC_FAILED;
	ic->errors = errors;
	ic->wait_us = now_us + IC_RETRY_US;
}

static void
count_tare(struct ic *ic, uint64_t us)
{
	int64_t count_pj = (int64_t)ic->used.energy_nj * 1000;

	ic->tare_pj += ic->tare_uw * (int64_t)us;
	ic->energy_counts -= ic->tare_pj / count_pj;
	ic->tare_pj %= count_pj;
}

void
ic_energy(struct ic *ic, int32_t counts, uint64_t now_us)
{
	bool first = ic->energy_us == 0;
	bool late = !first &&
	    now_us - ic->energy_us > ic->driver->guard_us(ic);

	if (first || late) {
		ic->energy_counts = 0;
		ic->tare_pj = 0;
	} else {
		ic->energy_counts += counts;
		count_tare(ic, now_us - ic->energy_us);
	}
	ic->energy_us = now_us;
}
