#define _DEFAULT_SOURCE /* ntp_adjtime */

#include <sys/timex.h>

#include "compose.h"
#include "epi-env/env.h"

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
	env->bound_seconds = (double)kernel.maxerror / 1e6;
	compose_begin('{');
	compose_key("synchronized");
	compose_bool(env->synchronized);
	compose_figure("offset_seconds", (double)kernel.offset /
	    (kernel.status & STA_NANO ? 1e9 : 1e6));
	compose_figure("error_seconds", (double)kernel.esterror / 1e6);
	compose_figure("bound_seconds", env->bound_seconds);
	compose_end('}');
}
