#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epi-run/run.h"

/* Onto its place; a descriptor that is there already would be closed. */
static bool
place(int from, int to)
{
	if (from < 0)
		return true;
	return from == to ? fcntl(to, F_SETFD, 0) == 0 : dup2(from, to) >= 0;
}

/* Becomes the program, or returns (errno).  A signal finds our handlers, which
 * are the parent's affair, no more. */
static void
become(const struct child *child, const sigset_t *mask)
{
	if (child->group)
		setpgid(0, 0);
	keeper_hold(child->group ? -getpid() : getpid());
	signals_restore(child->steady);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (!place(child->in, STDIN_FILENO) ||
	    !place(child->out, STDOUT_FILENO) ||
	    !place(child->err, STDERR_FILENO) ||
	    (child->leash >= 0 && fcntl(child->leash, F_SETFD, 0) < 0) ||
	    (child->ours && setenv("PATH", run.path, 1) < 0))
		return;
	execvp(child->words[0], child->words);
}

pid_t
child_start(const struct child *child)
{
	sigset_t before;
	int ends[2], error = 0;
	pid_t pid;

	run_pipe(ends);
	signals_hold(&before);
	pid = fork();
	if (pid == 0) {
		become(child, &before);
		error = errno;
		if (write(ends[1], &error, sizeof error) < 0)
			_exit(126);
		_exit(127);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		error = errno;
	close(ends[1]);
	while (pid > 0 && read(ends[0], &error, sizeof error) < 0 &&
	    errno == EINTR)
		;
	close(ends[0]);
	if (pid > 0 && error) {
		child_wait(pid, child->group);
		pid = -1;
	}
	errno = error;
	return pid;
}

int
child_wait(pid_t pid, bool group)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	keeper_release(group ? -pid : pid);
	return status;
}

int
child_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status)
	    : WEXITSTATUS(status);
}
