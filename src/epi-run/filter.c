#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "epi-run/run.h"
#include "report.h"

pid_t
filter_start(char *const *words, int in, int out)
{
	const struct child child = { .words = words, .in = in, .out = out,
		.err = -1, .leash = -1, .ours = true, .steady = true };
	pid_t pid = child_start(&child);

	if (pid < 0)
		report_fatal("%s: %s", words[0], strerror(errno));
	return pid;
}

bool
filter_end(const char *name, pid_t pid)
{
	int status = child_wait(pid, false);

	if (WIFSIGNALED(status))
		report_fatal("%s: ended by signal %d", name, WTERMSIG(status));
	return child_status(status) == STATUS_DONE;
}
