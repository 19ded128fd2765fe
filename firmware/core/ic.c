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

void
ic_energy(struct ic *ic, int32_t counts, uint64_t now_us)
{
	bool first = ic->energy_us == 0;
	bool late = !first &&
	    now_us - ic->energy_us > ic->driver->guard_us(ic);

	if (first || late)
		ic->energy_counts = 0;
	else
		ic->energy_counts += counts;
	ic->energy_us = now_us;
}
