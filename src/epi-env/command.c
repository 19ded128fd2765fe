#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "epi-env/env.h"
#include "report.h"

extern char **environ;

enum { LIMIT_SECONDS = 10 };

/* In a group of its own, so that all of a pipe can be ended. */
static pid_t
start(char *command, bool aloud, const int ends[2])
{
	char shell[] = "sh", option[] = "-c";
	char *words[] = { shell, option, command, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	pid_t pid = -1;
	int error;

	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
	if (!aloud)
		posix_spawn_file_actions_addopen(&files, STDERR_FILENO,
		    "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclose(&files, ends[0]);
	posix_spawn_file_actions_addclose(&files, ends[1]);
	error = posix_spawnp(&pid, "sh", &files, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (error)
		report_fatal("sh: %s", strerror(error));
	return pid;
}

/* What it writes, as far as there is room, up to its end.  False: that did not
 * come in time. */
static bool
read_all(int fd, char text[ENV_TEXT], int64_t until_ns)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char rest[ENV_TEXT] = "";
	size_t length = 0;

	for (;;) {
		int64_t left_ns = until_ns - clock_steady();
		size_t room = ENV_TEXT - 1 - length;
		ssize_t n;

		if (left_ns <= 0 || poll(&poll_fd, 1,
		    (int)(left_ns / 1000000) + 1) == 0)
			return false;
		n = read(fd, room ? text + length : rest,
		    room ? room : sizeof rest);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		if (room)
			length += (size_t)n;
	}
	text[length] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	return true;
}

/* False: it has not ended in time, with its output closed. */
static bool
await(pid_t pid, int *status, int64_t until_ns)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	pid_t ended;

	while ((ended = waitpid(pid, status, WNOHANG)) == 0 &&
	    clock_steady() < until_ns)
		nanosleep(&pause, NULL);
	return ended == pid;
}

bool
command_line(char text[ENV_TEXT], const char *what, const char *command)
{
	int64_t until_ns = clock_steady() + LIMIT_SECONDS * CLOCK_SECOND;
	char *copy = report_copy(command, strlen(command));
	int ends[2], status = 0;
	bool ended;
	pid_t pid;

	if (pipe(ends) < 0)
		report_fatal("no pipe: %s", strerror(errno));
	pid = start(copy, what != NULL, ends);
	close(ends[1]);
	ended = read_all(ends[0], text, until_ns);
	close(ends[0]);
	ended = ended && await(pid, &status, until_ns);
	if (!ended) {
		kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	free(copy);
	if (ended && status == 0 && *text)
		return true;
	if (what && !ended)
		report_error("%s: no end in %d s: %s", what, LIMIT_SECONDS,
		    command);
	else if (what)
		report_error("%s: %s: %s", what, status ? "failed"
		    : "said nothing", command);
	return false;
}
