#include <stdarg.h>
#include <stdio.h>

#include "epi-run/run.h"
#include "report.h"

enum { LINE = 1024 }; /* as long as report's are */

void
say(const char *format, ...)
{
	char line[LINE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	report_warning("%s", line);
}
