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

_Noreturn static void
tell_and_leave(pid_t pid, const char *log)
{
	report_warning("in the background as process %ld; the figures go to "
	    "%s, all that is told to %s", (long)pid, run.records, log);
	if (printf("%ld\n", (long)pid) < 0 || fflush(stdout) == EOF) {
		report_error("standard output: %s", strerror(errno));
		kill(pid, SIGTERM);
		_exit(STATUS_FAILED);
	}
	_exit(STATUS_DONE);
}

void
detach(void)
{
	char log[4096];
	pid_t pid;

	if (snprintf(log, sizeof log, "%s.log", run.records) >=
	    (int)sizeof log)
		report_fatal("%s: too long a name", run.records);
	close(run_open(log, O_WRONLY | O_CREAT | O_APPEND));
	pid = fork();
	if (pid < 0)
		report_fatal("no process: %s", strerror(errno));
	if (pid > 0)
		tell_and_leave(pid, log);
	setsid();
	let_go(log);
}
