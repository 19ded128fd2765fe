#define _DEFAULT_SOURCE /* ntp_adjtime */

#include <math.h>
#include <sys/timex.h>

#include "compose.h"
#include "epi-env/env.h"

/* An estimate that is 0 or above the bound, nobody made: systemd-timesyncd sets
 * both to 0, and the kernel lets the bound grow from there; phc2sys sets the bound
 * alone. */
static bool
is_told(const struct timex *kernel)
{
	return kernel->esterror > 0 && kernel->esterror <= kernel->maxerror;
}

/* The kernel's time is in microseconds but for the offset, which STA_NANO
 * makes nanoseconds; what it does not know is at its end of scale, 16 s. */
void
clock_tell(struct env *env)
{
	struct timex kernel = { .modes = 0 };
	int state = ntp_adjtime(&kernel);

	compose_key("clock");
	if (state < 0) {
		compose_null();
		return;
	}
	env->synchronized = state != TIME_ERROR &&
	    !(kernel.status & STA_UNSYNC);
	if (is_told(&kernel))
		env->bound_seconds = (double)kernel.maxerror / 1e6;
	compose_begin('{');
	compose_key("synchronized");
	compose_bool(env->synchronized);
	compose_figure("offset_seconds", (double)kernel.offset /
	    (kernel.status & STA_NANO ? 1e9 : 1e6));
	compose_figure("error_seconds", is_told(&kernel)
	    ? (double)kernel.esterror / 1e6 : NAN);
	compose_figure("bound_seconds", env->bound_seconds);
	compose_end('}');
}
