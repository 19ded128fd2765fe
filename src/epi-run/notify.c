#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"

static void
set(const char *name, const char *value)
{
	if (setenv(name, value, 1) < 0)
		report_warning("%s: %s", name, strerror(errno));
}

/* What is not known is empty. */
static void
set_number(const char *name, double value)
{
	char text[32] = "";

	if (isfinite(value))
		snprintf(text, sizeof text, "%.9g", value);
	set(name, text);
}

static void
set_command(void)
{
	size_t room = 1;
	char *line;

	for (char **word = run.command; *word; word++)
		room += strlen(*word) + 1;
	line = report_resize(NULL, room, 1);
	*line = '\0';
	for (char **word = run.command; *word; word++) {
		if (word > run.command)
			strcat(line, " ");
		strcat(line, *word);
	}
	set("EPI_COMMAND", line);
	free(line);
}

static void
set_outcome(int status)
{
	struct figures median = repeat_median();

	set_command();
	set_number("EPI_STATUS", status);
	set_number("EPI_RUNS", (double)repeat_count());
	set_number("EPI_JOULES", median.joules);
	set_number("EPI_SECONDS", median.seconds);
	set_number("EPI_WATTS", median.watts);
	set_number("EPI_TOKENS", median.tokens);
	set_number("EPI_JOULES_PER_TOKEN", median.joules_per_token);
	set_number("EPI_VALUE", median.epi);
	set("EPI_RECORDS", run.records ? run.records : "");
}

/* A file of all that was told; -1: there is no room for one. */
static int
told_file(const char *told, size_t length)
{
	int fd = run.folder ? open(run_file("told"), O_RDWR | O_CREAT |
	    O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd >= 0 && (write(fd, told, length) != (ssize_t)length ||
	    lseek(fd, 0, SEEK_SET) < 0)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* As much of it as a pipe holds. */
static int
told_pipe(const char *told, size_t length)
{
	int ends[2];

	run_pipe(ends);
	fcntl(ends[1], F_SETFL, O_NONBLOCK);
	if (write(ends[1], told, length) != (ssize_t)length)
		report_warning("--notify: not all that was told can be read");
	close(ends[1]);
	return ends[0];
}

static int
open_told(void)
{
	size_t length;
	const char *told = say_told(&length);
	int fd = told_file(told, length);

	return fd >= 0 ? fd : told_pipe(told, length);
}

static void
wait_for(pid_t pid)
{
	int64_t until_ns = turn_in(run.notify_ns);

	run.pid = -pid;
	while (run.pid && clock_steady() < until_ns)
		turn(until_ns);
	if (run.pid) {
		kill(-pid, SIGKILL);
		run.pid = 0;
		child_wait(pid, true);
		report_warning("--notify: killed after %g s",
		    (double)run.notify_ns / 1e9);
	} else if (run.status) {
		report_warning("--notify: status %d",
		    child_status(run.status));
	}
}

void
notify(int status)
{
	char *words[] = { run_word("sh"), run_word("-c"), NULL, NULL };
	struct child child = { .words = words, .out = STDERR_FILENO, .err = -1,
		.leash = -1, .group = true };
	pid_t pid;

	if (!run.notify)
		return;
	words[2] = run_word(run.notify);
	set_outcome(status);
	child.in = open_told();
	signals_take(); /* what came before is not for this one */
	pid = child_start(&child);
	if (pid < 0)
		report_warning("--notify: %s", strerror(errno));
	else
		wait_for(pid);
	close(child.in);
}
