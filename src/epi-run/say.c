#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "report.h"

static char *told;
static size_t length, room;

/* A line stays one, whatever a command's words hold. */
static void
keep(const char *line)
{
	size_t more = strlen(line) + 1;

	if (room - length < more) {
		told = report_resize(told, 2 * (length + more), 1);
		room = 2 * (length + more);
	}
	for (size_t i = 0; i < more; i++) {
		unsigned char c = (unsigned char)line[i];

		told[length + i] = c < ' ' || c == '\177' ? ' ' : line[i];
	}
	length += more;
	told[length - 1] = '\n';
}

void
say_start(void)
{
	report_watch(keep);
}

void
say_line(const char *line)
{
	dprintf(STDERR_FILENO, "%s\n", line);
	keep(line);
}

const char *
say_told(size_t *bytes)
{
	*bytes = length;
	return told;
}
