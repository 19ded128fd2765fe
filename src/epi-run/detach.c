#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "report.h"

static bool
is_file(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

static void
put(int from, int to)
{
	if (dup2(from, to) < 0)
		report_fatal("no descriptor: %s", strerror(errno));
}

/* Nothing of the terminal, nor of a pipe that somebody waits at the end of. */
static void
let_go(const char *log)
{
	int told = run_open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
	int nowhere = run_open("/dev/null", O_RDONLY);

	if (!is_file(STDIN_FILENO))
		put(nowhere, STDIN_FILENO);
	put(told, STDOUT_FILENO);
	put(told, STDERR_FILENO);
	close(nowhere);
	close(told);
}

static void
tell(const char *log)
{
	long number = getpid();

	report_warning("in the background as process %ld; the figures go to "
	    "%s, all that is told to %s", number, run.records, log);
	if (printf("%ld\n", number) < 0 || fflush(stdout) == EOF)
		report_fatal("standard output: %s", strerror(errno));
}

/* It was called, and waits for a byte: its status is whether that came. */
_Noreturn static void
leave(int in)
{
	char byte;
	ssize_t n;

	while ((n = read(in, &byte, 1)) < 0 && errno == EINTR)
		;
	_exit(n == 1 ? STATUS_DONE : STATUS_FAILED);
}

const char *
detach_log(void)
{
	static char log[4096];

	if (snprintf(log, sizeof log, "%s.log", run.records) >=
	    (int)sizeof log)
		report_fatal("%s: too long a name", run.records);
	return log;
}

/* A pipe that nobody reads is told, and is the end before anything began. */
void
detach(void)
{
	const char *log = detach_log();
	void (*found)(int number);
	int ends[2];
	pid_t pid;

	close(run_open(log, O_WRONLY | O_CREAT | O_APPEND));
	run_pipe(ends);
	pid = fork();
	if (pid < 0)
		report_fatal("no process: %s", strerror(errno));
	close(ends[pid > 0]);
	if (pid > 0)
		leave(ends[0]);
	setsid();
	found = signal(SIGPIPE, SIG_IGN);
	tell(log);
	let_go(log);
	if (write(ends[1], "", 1) != 1)
		_exit(STATUS_FAILED); /* a signal ended the one that was called */
	close(ends[1]);
	signal(SIGPIPE, found);
}
