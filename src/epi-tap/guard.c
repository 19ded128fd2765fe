#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epi-tap/guard.h"

/* What the program has open must end with the program: its output above all,
 * on whose end others wait. */
static void
close_but(int one, int other)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (most < 0 || most > 4096)
		most = 4096;
	for (int fd = 0; fd < most; fd++)
		if (fd != one && fd != other)
			close(fd);
}

/* A signal from the keyboard is the program's to obey. */
static void
watch(int from, int fd, const struct termios *mode)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP,
		SIGTTOU };
	char done;

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		signal(numbers[i], SIG_IGN);
	close_but(from, fd);
	if (read(from, &done, 1) == 0)
		tcsetattr(fd, TCSANOW, mode);
	_exit(0);
}

void
guard_start(struct guard *guard, int fd, const struct termios *mode)
{
	int ends[2];

	guard->pipe = -1;
	if (pipe(ends) < 0)
		return;
	guard->process = fork();
	if (guard->process == 0)
		watch(ends[0], fd, mode);
	close(ends[0]);
	if (guard->process < 0) {
		close(ends[1]);
		return;
	}
	guard->pipe = ends[1];
	fcntl(guard->pipe, F_SETFD, FD_CLOEXEC);
}

void
guard_end(struct guard *guard)
{
	if (guard->pipe < 0)
		return;
	if (write(guard->pipe, "", 1) == 1)
		waitpid(guard->process, NULL, 0);
	close(guard->pipe);
	guard->pipe = -1;
}
