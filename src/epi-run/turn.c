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
#include "stream.h"

/* Two within this time kill. */
static const int64_t twice_ns = 2 * CLOCK_SECOND;
/* The same one again so soon is the same: timeout(1) sends it to the process,
 * and to its group. */
static const int64_t same_ns = 20000000;

static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1,
	SIGUSR2, SIGCHLD, SIGWINCH, SIGPIPE };

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static struct sigaction found[NUMBERS];
static int wake[2] = { -1, -1 };

static bool
ends_programs(int number)
{
	return number == SIGHUP || number == SIGINT || number == SIGQUIT ||
	    number == SIGTERM;
}

/* The keeper does the rest. */
static void
die(int number)
{
	sigset_t it;

	if (run.pid)
		kill(run.pid, SIGKILL);
	signal(number, SIG_DFL);
	raise(number);
	sigemptyset(&it);
	sigaddset(&it, number);
	sigprocmask(SIG_UNBLOCK, &it, NULL);
	_exit(128 + number);
}

/* Whatever we wait for meanwhile; false: it came before. */
static bool
is_news(int number)
{
	static int64_t last_ns;
	static int last;
	int64_t now_ns = clock_steady();

	if (last_ns && number == last && now_ns - last_ns < same_ns)
		return false;
	if (last_ns && now_ns - last_ns < twice_ns)
		die(number);
	last_ns = now_ns;
	last = number;
	return true;
}

/* A process's signal goes on to the command; a terminal's came there too. */
static void
on_signal(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool sent = info->si_code == SI_USER || info->si_code == SI_QUEUE;
	unsigned char byte = (unsigned char)(number | (sent ? 128 : 0));
	ssize_t n = 0;

	if (!ends_programs(number) || is_news(number))
		n = write(wake[1], &byte, 1);
	(void)context;
	(void)n; /* a full pipe wakes too */
	errno = saved;
}

static void
find(void)
{
	run_pipe(wake);
	fcntl(wake[0], F_SETFL, O_NONBLOCK);
	fcntl(wake[1], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], NULL, &found[i]);
}

/* A pipe whose reader went away is an error of write(2), not our end. */
void
signals_catch(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof action);
	sigfillset(&action.sa_mask);
	find();
	stream_leave_signals();
	for (int i = 0; i < NUMBERS; i++) {
		action.sa_flags = SA_RESTART | SA_SIGINFO;
		action.sa_sigaction = on_signal;
		if (numbers[i] == SIGPIPE) {
			action.sa_flags = 0;
			action.sa_handler = SIG_IGN;
		}
		if (found[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
}

void
signals_restore(bool steady)
{
	for (int i = 0; i < NUMBERS; i++)
		if (steady && (ends_programs(numbers[i]) ||
		    numbers[i] == SIGUSR1 || numbers[i] == SIGUSR2))
			signal(numbers[i], SIG_IGN);
		else
			sigaction(numbers[i], &found[i], NULL);
}

int
signals_fd(void)
{
	return wake[0];
}

void
signals_hold(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, before);
}

/* No signal kills who has the number after it. */
static void
reap(void)
{
	sigset_t before;

	signals_hold(&before);
	if (run.pid && waitpid(run.pid, &run.status, WNOHANG) > 0) {
		run.end_ns = time_now();
		keeper_release(run.pid);
		run.pid = 0;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* No terminal's signal came to a group of its own. */
static void
obey(int number, bool sent)
{
	if (ends_programs(number))
		run.interrupted = number;
	if ((sent && run.pid) || run.pid < 0)
		kill(run.pid, number);
}

void
signals_take(void)
{
	unsigned char byte;

	while (read(wake[0], &byte, 1) == 1) {
		int number = byte & 127;

		if (number == SIGCHLD) {
			reap();
			source_reap();
		} else if (number == SIGWINCH) {
			pass_resize();
		} else {
			obey(number, byte & 128);
		}
	}
}

int64_t
turn_in(int64_t ns)
{
	int64_t now_ns = clock_steady();

	return ns > INT64_MAX - now_ns ? TURN_LONG : now_ns + ns;
}

/* Up to the next millisecond, so that it is not asked again too early. */
static int
wait_ms(int64_t until_ns)
{
	int64_t left_ns;

	if (until_ns == TURN_LONG)
		return -1;
	left_ns = until_ns - clock_steady();
	if (left_ns <= 0)
		return 0;
	return left_ns > 1000 * CLOCK_SECOND ? 1000000
	    : (int)((left_ns + 999999) / 1000000);
}

bool
turn(int64_t until_ns)
{
	struct pollfd polls[2 + PASS_POLLS] = {
		{ .fd = signals_fd(), .events = POLLIN },
		{ .fd = source_fd(), .events = POLLIN }
	};
	int ready;

	pass_poll(polls + 2);
	ready = poll(polls, 2 + PASS_POLLS, wait_ms(until_ns));
	if (ready < 0 && errno != EINTR)
		report_fatal("poll: %s", strerror(errno));
	if (ready <= 0)
		return ready < 0;
	if (polls[0].revents)
		signals_take();
	if (polls[1].revents)
		source_unleashed();
	pass_turn(polls + 2);
	return true;
}
