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

/* Nobody waits longer for somebody to be told. */
static const int64_t most_ns = 60 * CLOCK_SECOND;

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

/* All that was told, to be read; /dev/null: it could not be kept. */
static int
open_told(void)
{
	size_t length;
	const char *told = say_told(&length);
	char *name = run_file("told");
	int fd = run_open(name, O_RDWR | O_CREAT | O_TRUNC);

	if (length > 0 && (write(fd, told, length) != (ssize_t)length ||
	    lseek(fd, 0, SEEK_SET) < 0)) {
		report_warning("%s: %s", name, strerror(errno));
		close(fd);
		fd = run_open("/dev/null", O_RDONLY);
	}
	return fd;
}

static void
wait_for(pid_t pid)
{
	int64_t until_ns = clock_steady() + most_ns;

	run.pid = pid;
	while (run.pid > 0 && clock_steady() < until_ns)
		turn(until_ns);
	if (run.pid > 0) {
		kill(pid, SIGKILL);
		child_wait(pid, false);
		report_warning("--notify: killed after %g s",
		    (double)most_ns / 1e9);
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
		.leash = -1 };
	pid_t pid;

	if (!run.notify)
		return;
	words[2] = run_word(run.notify);
	set_outcome(status);
	child.in = open_told();
	pid = child_start(&child);
	if (pid < 0)
		report_warning("--notify: %s", strerror(errno));
	else
		wait_for(pid);
	close(child.in);
}
