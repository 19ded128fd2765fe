#include <signal.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

/* Files are looked at so often, or four times in --silence. */
static const int64_t look_most_ns = CLOCK_SECOND;
/* A command that was asked to end has this long. */
static const int64_t grace_ns = 10 * CLOCK_SECOND;

static uint64_t samples;    /* when they last grew, and when that was */
static int64_t since_ns;
static int64_t looked_ns;
static bool told;
static int64_t kill_ns;     /* 0: nothing is to be killed */

void
listen_start(void)
{
	samples = trace_samples();
	since_ns = looked_ns = clock_steady();
	told = false;
	kill_ns = 0;
}

static void
stop(void)
{
	report_error("no sample for %g s, and the run is ended",
	    (double)run.silence_ns / 1e9);
	run.silent = true;
	if (run.pid <= 0)
		return;
	kill(run.pid, SIGTERM);
	kill(run.pid, SIGCONT);
	kill_ns = clock_steady() + grace_ns;
}

static void
look(int64_t now_ns)
{
	looked_ns = now_ns;
	trace_skip();
	trace_read();
	if (trace_samples() != samples) {
		if (told)
			report_warning("samples again, after %.0f s",
			    (double)(now_ns - since_ns) / 1e9);
		samples = trace_samples();
		since_ns = now_ns;
		told = false;
	} else if (now_ns - since_ns >= run.silence_ns && !told) {
		told = true;
		if (run.keep_going)
			report_warning("no sample for %g s; the run goes on",
			    (double)run.silence_ns / 1e9);
		else
			stop();
	}
}

static int64_t
next_look(void)
{
	int64_t every_ns = run.silence_ns / 4;

	return looked_ns + (every_ns < look_most_ns ? every_ns : look_most_ns);
}

void
listen_turn(int64_t until_ns)
{
	int64_t look_ns = next_look(), now_ns;

	turn(until_ns < look_ns ? until_ns : look_ns);
	now_ns = clock_steady();
	if (now_ns >= look_ns)
		look(now_ns);
	if (kill_ns && now_ns >= kill_ns && run.pid > 0) {
		kill(run.pid, SIGKILL);
		kill_ns = 0;
	}
}
