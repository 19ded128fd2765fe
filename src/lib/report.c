#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report.h"

enum {
	MESSAGE_TEXT = 1024, /* longer messages are cut */
	MALFORMED_SHOWN = 10
};

static const char *program = "epi";
static int status = STATUS_DONE;
static uint64_t malformed;

static void (*watcher)(const char *text);
static void (*last_of_all)(void);

/*
 * C0, DEL and C1 (in UTF-8: C2 80..9F) make terminals act; everything else
 * passes, so that node names in any script stay readable.
 */
static size_t
escape(char *out, size_t room, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t n = 0;

	for (; *text && n + 9 < room; text++) {
		unsigned char c = (unsigned char)*text;
		unsigned char next = (unsigned char)text[1];
		bool c1 = c == 0xC2 && next >= 0x80 && next < 0xA0;

		if (c >= 0x20 && c != 0x7F && !c1) {
			out[n++] = (char)c;
			continue;
		}
		if (c1)
			c = (unsigned char)*++text;
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = digits[c >> 4];
		out[n++] = digits[c & 15];
	}
	return n;
}

/* What the watcher itself has to say, it is not shown. */
static void
show(const char *text)
{
	void (*see)(const char *text) = watcher;

	if (!see)
		return;
	watcher = NULL;
	see(text);
	watcher = see;
}

static void
say(const char *text)
{
	char line[MESSAGE_TEXT * 2];
	size_t n = escape(line, sizeof line - 1, program);
	size_t done = 0;

	show(text);
	line[n++] = ':';
	line[n++] = ' ';
	n += escape(line + n, sizeof line - 1 - n, text);
	line[n++] = '\n';
	while (done < n) {
		ssize_t wrote = write(STDERR_FILENO, line + done, n - done);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return; /* nobody to tell; the status still says it */
		done += (size_t)wrote;
	}
}

static void
vsay(const char *format, va_list arguments)
{
	char text[MESSAGE_TEXT];
	int saved = errno;

	if (vsnprintf(text, sizeof text, format, arguments) < 0)
		strcpy(text, "a message that cannot be formatted");
	say(text);
	errno = saved;
}

void
report_start(const char *name)
{
	program = name;
}

const char *
report_program(void)
{
	return program;
}

void
report_error(const char *format, ...)
{
	va_list arguments;

	status = STATUS_FAILED;
	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
}

void
report_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
}

void
report_malformed(const char *file, uint64_t line, const char *format, ...)
{
	char text[MESSAGE_TEXT];
	char whole[MESSAGE_TEXT * 2];
	va_list arguments;

	status = STATUS_FAILED;
	if (++malformed > MALFORMED_SHOWN)
		return;
	va_start(arguments, format);
	if (vsnprintf(text, sizeof text, format, arguments) < 0)
		strcpy(text, "malformed");
	va_end(arguments);
	snprintf(whole, sizeof whole, "%s:%llu: %s", file,
	    (unsigned long long)line, text);
	say(whole);
}

uint64_t
report_malformed_count(void)
{
	return malformed;
}

void
report_usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
	report_warning("try '%s --help'", program);
	exit(STATUS_USAGE);
}

void
report_fatal(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsay(format, arguments);
	va_end(arguments);
	status = STATUS_FAILED;
	if (last_of_all)
		last_of_all();
	_exit(STATUS_FAILED);
}

void
report_watch(void (*see)(const char *text))
{
	watcher = see;
}

void
report_before_end(void (*last)(void))
{
	last_of_all = last;
}

void
report_failed(void)
{
	status = STATUS_FAILED;
}

int
report_status(void)
{
	if (malformed > MALFORMED_SHOWN)
		report_warning("%llu malformed records in all, %d shown",
		    (unsigned long long)malformed, MALFORMED_SHOWN);
	return status;
}

void *
report_resize(void *old, size_t count, size_t size)
{
	void *new;

	if (size && count > SIZE_MAX / size)
		report_fatal("out of memory: %zu times %zu bytes", count, size);
	new = realloc(old, count && size ? count * size : 1);
	if (!new)
		report_fatal("out of memory: %zu bytes", count * size);
	return new;
}

char *
report_copy(const char *text, size_t length)
{
	char *copy = report_resize(NULL, length + 1, 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}
