#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>
#include <termios.h>

#include "epi-watch/terminal.h"

enum { RESTORING = 512 }; /* bytes that put a terminal back */

static struct {
	FILE *in;
	struct termios mode;
	char restoring[RESTORING];
	int guard;         /* a pipe: its end is this program's */
	pid_t guard_process;
	int errors;        /* standard error, kept away; -1: it is not */
	int said;          /* where what is said goes meanwhile */
} s = { .guard = -1, .errors = -1, .said = -1 };

static void
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return; /* the terminal is gone */
		bytes += n;
		length -= (size_t)n;
	}
}

/* What was said goes where it would have gone. */
static void
tell_what_was_said(void)
{
	char bytes[4096];
	off_t at = 0;
	ssize_t n;

	if (s.said < 0)
		return;
	while ((n = pread(s.said, bytes, sizeof bytes, at)) > 0) {
		write_all(s.errors, bytes, (size_t)n);
		at += n;
	}
}

static void
keep_errors(void)
{
	FILE *file;

	if (!isatty(STDERR_FILENO) || !(file = tmpfile()))
		return;
	s.errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	s.said = fcntl(fileno(file), F_DUPFD_CLOEXEC, 3);
	fclose(file);
	if (s.errors >= 0 && s.said >= 0)
		dup2(s.said, STDERR_FILENO);
}

static void
give_errors_back(void)
{
	if (s.errors < 0 || s.said < 0)
		return;
	dup2(s.errors, STDERR_FILENO);
	tell_what_was_said();
	close(s.said);
	close(s.errors);
	s.said = s.errors = -1;
}

static void
add_restoring(const char *capability)
{
	const char *bytes = tigetstr(capability);
	size_t length = strlen(s.restoring);

	if (!bytes || bytes == (const char *)-1 ||
	    length + strlen(bytes) >= RESTORING)
		return;
	for (char *to = s.restoring + length; *bytes; ) {
		const char *close = strncmp(bytes, "$<", 2) == 0
		    ? strchr(bytes, '>') : NULL;

		if (close) /* a delay of terminfo(5), that is no text */
			bytes = close + 1;
		else
			*to++ = *bytes++;
	}
}

/* The small process: reads until the program has ended. */
static _Noreturn void
guard(int fd)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
		SIGTSTP, SIGTTOU, SIGTTIN, SIGPIPE };
	char byte;
	ssize_t n;

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	close(STDIN_FILENO);
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1) {
		write_all(STDOUT_FILENO, s.restoring, strlen(s.restoring));
		tcsetattr(fileno(s.in), TCSANOW, &s.mode);
		tell_what_was_said();
	}
	_exit(0);
}

/* Without a process to spare there is no guard, and no harm. */
static void
start_guard(void)
{
	int ends[2];

	s.guard = -1;
	if (pipe(ends) < 0)
		return;
	fcntl(ends[1], F_SETFD, FD_CLOEXEC);
	s.guard_process = fork();
	if (s.guard_process == 0) {
		close(ends[1]);
		guard(ends[0]);
	}
	close(ends[0]);
	s.guard = ends[1];
	if (s.guard_process < 0) {
		close(ends[1]);
		s.guard = -1;
	}
}

static void
end_guard(void)
{
	int status;

	if (s.guard < 0)
		return;
	write_all(s.guard, "q", 1);
	close(s.guard);
	while (waitpid(s.guard_process, &status, 0) < 0 && errno == EINTR)
		;
}

static const char *
missing(void)
{
	const char *name = getenv("TERM");
	int error;

	if (!name || !*name)
		return "TERM is not set";
	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return "TERM names no terminal that is known";
	if (!tigetstr("cup") || tigetstr("cup") == (char *)-1 ||
	    !tigetstr("clear") || tigetstr("clear") == (char *)-1)
		return "the terminal (TERM) cannot be drawn on";
	s.in = fopen("/dev/tty", "r+e");
	if (s.in && tcgetattr(fileno(s.in), &s.mode) < 0) {
		fclose(s.in);
		s.in = NULL;
	}
	if (!s.in)
		return "no keyboard: /dev/tty cannot be opened";
	return NULL;
}

const char *
terminal_hold(FILE **in)
{
	const char *why = missing();

	*in = s.in;
	if (!why) {
		add_restoring("sgr0");
		add_restoring("rmkx");
		add_restoring("cnorm");
		add_restoring("rmcup");
	}
	if (cur_term) /* newterm makes its own */
		del_curterm(cur_term);
	if (why)
		return why;
	keep_errors();
	start_guard();
	return NULL;
}

void
terminal_release(void)
{
	end_guard();
	fclose(s.in);
	give_errors_back();
}
