#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

enum { HELD = 16, GRACE_SECONDS = 2 };

/* One write, so that those of parent and child do not mix. */
struct message {
	pid_t pid;
	bool held;
};

static int line = -1; /* its other end closes when we end */
static pid_t keeper;

static void
send(pid_t pid, bool held)
{
	struct message message;

	memset(&message, 0, sizeof message);
	message.pid = pid;
	message.held = held;
	while (write(line, &message, sizeof message) < 0 && errno == EINTR)
		;
}

void
keeper_hold(pid_t pid)
{
	send(pid, true);
}

void
keeper_release(pid_t pid)
{
	send(pid, false);
}

static void
note(pid_t held[HELD], const struct message *message)
{
	for (int i = 0; i < HELD; i++)
		if (held[i] == (message->held ? 0 : message->pid)) {
			held[i] = message->held ? message->pid : 0;
			return;
		}
}

static bool
signal_all(const pid_t held[HELD], int number)
{
	bool any = false;

	for (int i = 0; i < HELD; i++)
		any |= held[i] != 0 && kill(held[i], number) == 0;
	return any;
}

static void
end_all(const pid_t held[HELD])
{
	int64_t until_ns = clock_steady() + GRACE_SECONDS * CLOCK_SECOND;
	const struct timespec moment = { 0, 10000000 };

	if (!signal_all(held, SIGTERM))
		return;
	signal_all(held, SIGCONT);
	while (signal_all(held, 0) && clock_steady() < until_ns)
		nanosleep(&moment, NULL);
	signal_all(held, SIGKILL);
}

static void
remove_folder(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	if (!list)
		return;
	while ((entry = readdir(list)))
		unlinkat(dirfd(list), entry->d_name, 0);
	closedir(list);
	rmdir(folder);
}

/* Nobody's standard output is held open by a process that nobody knows of. */
static void
let_go_of_files(void)
{
	int nowhere = open("/dev/null", O_RDWR);

	for (int fd = 0; fd <= STDERR_FILENO && nowhere >= 0; fd++)
		dup2(nowhere, fd);
	if (nowhere > STDERR_FILENO)
		close(nowhere);
}

/* Up to here it had our handlers. */
_Noreturn static void
keep(int in, const char *folder, const sigset_t *mask)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGPIPE };
	pid_t held[HELD] = { 0 };
	struct message message;
	ssize_t n;

	setpgid(0, 0);
	signals_restore(false);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		signal(numbers[i], SIG_IGN);
	sigprocmask(SIG_SETMASK, mask, NULL);
	let_go_of_files();
	while ((n = read(in, &message, sizeof message)) != 0)
		if (n == (ssize_t)sizeof message)
			note(held, &message);
	end_all(held);
	remove_folder(folder);
	_exit(0);
}

void
keeper_start(const char *folder)
{
	sigset_t before;
	int ends[2];

	run_pipe(ends);
	signals_hold(&before);
	keeper = fork();
	if (keeper == 0) {
		close(ends[1]);
		keep(ends[0], folder, &before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (keeper < 0)
		report_fatal("no process: %s", strerror(errno));
	close(ends[0]);
	line = ends[1];
}

void
keeper_end(void)
{
	close(line);
	if (keeper <= 0 && run.folder)
		remove_folder(run.folder);
	while (keeper > 0 && waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
		;
}
