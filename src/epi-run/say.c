#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "report.h"

enum { LINE = 1024 }; /* as long as report's are */

static char *told;
static size_t length, room;

/* A line stays one, whatever a command's words hold. */
static void
keep(const char *line)
{
	size_t more = strlen(line) + 1;

	if (room - length < more) {
		room = 2 * (length + more);
		told = report_resize(told, room, 1);
	}
	for (size_t i = 0; i < more; i++) {
		unsigned char c = (unsigned char)line[i];

		told[length + i] = c < ' ' || c == '\177' ? ' ' : line[i];
	}
	length += more;
	told[length - 1] = '\n';
}

static void
vsay(const char *format, va_list arguments)
{
	char line[LINE];

	vsnprintf(line, sizeof line, format, arguments);
	report_warning("%s", line);
	keep(line);
}

void
say_line(const char *line)
{
	dprintf(STDERR_FILENO, "%s\n", line);
	keep(line);
}

void
say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
}

void
say_error(const char *format, ...)
{
	va_list arguments;

	report_failed();
	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
}

const char *
say_told(size_t *bytes)
{
	*bytes = length;
	return told;
}
