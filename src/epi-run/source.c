#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

enum { STOP_SECONDS = 3 };

static pid_t group;      /* of the source's processes; 0: none of ours */
static int leash = -1;   /* each of them has its other end */
static bool leads;       /* the first of them was not waited for yet */
static int status;       /* of that one */
static bool stopped;
static const char *trace;

static char *const *
words(void)
{
	static char shell[] = "sh", option[] = "-c", *command[4];

	if (run.tap)
		return (char *const *)run.tap;
	command[0] = shell;
	command[1] = option;
	command[2] = run_word(run.source);
	return command;
}

/* Its samples go right into a file: whatever becomes of us and of the
 * command's output, it need not wait. */
void
source_start(void)
{
	int ends[2];
	struct child child = { .words = words(), .err = -1, .group = true,
		.ours = true };

	stopped = false;
	trace = run.saved ? run_numbered(run.saved) : run_file("trace");
	child.in = run_open("/dev/null", O_RDONLY);
	child.out = run_open(trace, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
	trace_open(trace, false);
	run_pipe(ends);
	child.leash = ends[1];
	group = child_start(&child);
	if (group < 0)
		report_fatal("%s: %s", child.words[0], strerror(errno));
	close(ends[1]);
	close(child.in);
	close(child.out);
	leash = ends[0];
	leads = true;
}

int
source_fd(void)
{
	return leash;
}

static bool
runs(void)
{
	return leash >= 0 || leads;
}

/* A pipe's shell may end before the rest of it, or after; a program may close
 * what it does not know. */
static void
end(void)
{
	if (runs())
		return;
	keeper_release(-group);
	run.source_left = !stopped;
	if (!stopped)
		report_error("the source ended with status %d%s",
		    child_status(status), !run.begin_ns
		    ? "; nothing was measured" : run.pid > 0
		    ? "; the command goes on, unmeasured" : "");
}

/* Nothing is ever written into it: that it is readable is its end. */
void
source_unleashed(void)
{
	close(leash);
	leash = -1;
	end();
}

void
source_reap(void)
{
	if (!leads || waitpid(group, &status, WNOHANG) <= 0)
		return;
	leads = false;
	end();
}

static bool
ends_within(int64_t seconds)
{
	int64_t until_ns = clock_steady() + seconds * CLOCK_SECOND;

	while (runs() && clock_steady() < until_ns)
		turn(until_ns);
	return !runs();
}

/* What left the group and holds the leash, or cannot be killed. */
static void
let_go(void)
{
	if (leash >= 0)
		close(leash);
	leash = -1;
	leads = false;
	keeper_release(-group);
}

void
source_stop(void)
{
	stopped = true;
	if (!runs())
		return;
	kill(-group, SIGTERM);
	kill(-group, SIGCONT);
	if (ends_within(STOP_SECONDS))
		return;
	report_warning("the source did not end in %d s, and was killed",
	    STOP_SECONDS);
	kill(-group, SIGKILL);
	if (!ends_within(1))
		let_go();
}

const char *
source_trace(void)
{
	return run.trace ? run.trace : trace;
}
