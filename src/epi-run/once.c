#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

/* How often a file is looked at that grows. */
static const int64_t look_ns = 20000000;
/* What a command has that is not measured to its end. */
static const int64_t grace_ns = 2 * CLOCK_SECOND;

/* What each run reads, where it has to be the same for several; -1: ours. */
static int input = -1;
static off_t input_at;
static int nowhere = -1;

static int64_t last_ns; /* up to which samples are wanted */

/* A file is read from its place by each of them; of anything else the first one
 * would leave nothing. */
void
once_start(void)
{
	struct stat status;

	nowhere = run_open("/dev/null", O_RDWR);
	if (run.repetitions == 1 && !run.warmup_ns)
		return;
	input = nowhere;
	if (fstat(STDIN_FILENO, &status) < 0)
		return;
	if (S_ISREG(status.st_mode)) {
		input = STDIN_FILENO;
		input_at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	} else if (!S_ISCHR(status.st_mode)) {
		report_warning("standard input is no file: the runs read "
		    "nothing from it");
	}
}

static int
read_again(void)
{
	if (input == STDIN_FILENO &&
	    lseek(STDIN_FILENO, input_at, SEEK_SET) < 0)
		report_fatal("standard input: %s", strerror(errno));
	return input;
}

/* Whether it becomes so within --wait.  A source that has left and a signal
 * that wants an end leave no hope. */
static bool
await(bool (*so)(int64_t ns), int64_t ns)
{
	int64_t until_ns = turn_in(run.wait_ns);

	for (;;) {
		bool hope = !run.source_left && clock_steady() < until_ns;

		trace_read();
		if (so(ns) || !hope)
			return so(ns);
		if (run.interrupted && !run.end_ns)
			return false;
		turn(clock_steady() + look_ns);
	}
}

static bool
ready(int64_t ns)
{
	(void)ns;
	return trace_ready();
}

/* Samples that have just come are of now, where one clock tells both times; there
 * may be a while between, and a sample is the mean of a time. */
static bool
is_of_now(void)
{
	int64_t interval_ns, lag_ns = trace_lag(time_now(), &interval_ns);

	if (lag_ns < -CLOCK_SECOND) {
		report_error("%s: the samples are %.3f s ahead of this machine's "
		    "clock; nothing was measured", run.trace,
		    (double)-lag_ns / 1e9);
		return false;
	}
	if (lag_ns > 3 * CLOCK_SECOND + 2 * interval_ns)
		report_warning("%s: the samples are %.3f s behind this machine's "
		    "clock: was it set?", run.trace, (double)lag_ns / 1e9);
	return true;
}

static bool
begin_samples(void)
{
	if (run.trace)
		trace_open(run.trace, true);
	else
		source_start();
	if (await(ready, 0)) {
		listen_start();
		return !run.trace || is_of_now();
	}
	if (!run.interrupted && !run.source_left)
		report_error("no sample%s%s within %g s",
		    trace_missing() ? " of " : "",
		    trace_missing() ? trace_missing() : "",
		    (double)run.wait_ns / 1e9);
	return false;
}

/* Whether anything still speaks for going on. */
static bool
going(void)
{
	return !run.interrupted && !run.source_left && !run.silent;
}

/* The statuses of a shell. */
static int
not_started(void)
{
	int status = errno == ENOENT ? 127 : 126;

	report_error("%s: %s", run.command[0], strerror(errno));
	return status;
}

/* run.pid is never that of a process that there is not. */
static bool
start(const struct child *child)
{
	pid_t pid = child_start(child);

	run.pid = pid > 0 ? pid : 0;
	return pid > 0;
}

/* Its input is the same, its output nobody's; what it complains of is told. */
static int
warm_up_once(void)
{
	const struct child child = { .words = run.command, .in = read_again(),
		.out = nowhere, .err = -1, .leash = -1 };

	if (!start(&child))
		return not_started();
	while (run.pid > 0)
		listen_turn(TURN_LONG);
	run.end_ns = 0;
	if (run.keep_going || run.interrupted || run.silent)
		return 0;
	if (run.status)
		report_error("the warm-up ended with status %d; nothing was "
		    "measured", child_status(run.status));
	return child_status(run.status);
}

static int
warm_up(void)
{
	int64_t until_ns = turn_in(run.warmup_ns);
	int status = 0;

	if (!run.warmup_ns || run.number > 1)
		return 0;
	mark_put("warmup", false, time_now(), MARK_EVENT);
	while (!status && going() && clock_steady() < until_ns)
		status = warm_up_once();
	mark_put("warmup", true, time_now(), MARK_EVENT);
	return status;
}

static bool
measure_idle(const char *label, int64_t ns)
{
	int64_t until_ns = turn_in(ns);

	if (!ns)
		return true;
	mark_put(label, false, time_now(), MARK_SPAN | MARK_EVENT);
	while (going() && clock_steady() < until_ns)
		listen_turn(until_ns);
	last_ns = time_now();
	mark_put(label, true, last_ns, MARK_SPAN | MARK_EVENT);
	return going();
}

static int
run_command(void)
{
	const unsigned use = run.of_tokens ? MARK_EVENT
	    : MARK_SPAN | MARK_EVENT;
	const struct child child = { .words = run.command, .in = read_again(),
		.out = pass_end(STDOUT_FILENO), .err = pass_end(STDERR_FILENO),
		.leash = -1 };
	int status;

	phase_start();
	run.begin_ns = time_now();
	mark_put("run", false, run.begin_ns, use);
	if (!start(&child)) {
		status = not_started();
		mark_put("run", true, time_now(), use);
		return status;
	}
	pass_started();
	while (!run.end_ns)
		listen_turn(TURN_LONG);
	last_ns = run.end_ns;
	mark_put("run", true, last_ns, use);
	pass_finish();
	return 0;
}

void
once_end(void)
{
	int64_t until_ns = turn_in(grace_ns);

	if (run.pid <= 0)
		return;
	kill(run.pid, SIGTERM);
	kill(run.pid, SIGCONT);
	while (run.pid > 0 && clock_steady() < until_ns)
		turn(until_ns);
	if (run.pid > 0)
		kill(run.pid, SIGKILL);
	while (run.pid > 0)
		turn(TURN_LONG);
}

static void
end_samples(void)
{
	trace_skip();
	if (!run.source_left && !run.silent)
		run.uncovered = !await(trace_covers, last_ns);
	source_stop();
}

static void
start_anew(void)
{
	run.begin_ns = run.end_ns = run.step_ns = 0;
	run.status = 0;
	if (!run.trace || run.number == 1)
		time_start();
	run.source_left = run.silent = run.uncovered = false;
	mark_open();
	phase_start();
	pass_open(run.terminal, run.no_tokens ? NULL : run_file("log"));
}

/* The samples, and what comes before the command. */
static int
prepare(void)
{
	int status = begin_samples() ? warm_up() : STATUS_FAILED;

	if (!status && (!going() || !measure_idle("idle", run.idle_ns)))
		status = STATUS_FAILED;
	return run.interrupted ? 128 + run.interrupted : status;
}

int
once(void)
{
	bool silent;
	int status;

	start_anew();
	status = prepare();
	if (!status)
		status = run_command();
	if (status) {
		source_stop();
		return status;
	}
	silent = run.silent; /* that the command was told to end */
	if (going())
		measure_idle("idle_after", run.idle_after_ns);
	end_samples();
	run.silent = silent;
	run.step_ns = time_step();
	result_tell();
	signals_take();
	return run.silent ? STATUS_FAILED : child_status(run.status);
}
