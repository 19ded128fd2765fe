/*
 * unit: a unit test is a program of this folder.  It says `is(what holds, "a
 * sentence")` as often as it likes, and ends with `return unit_finish();`.
 * TAP on standard output.
 */
#ifndef EPI_UNIT_H
#define EPI_UNIT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned unit_count, unit_failed;

__attribute__((format(printf, 2, 3))) static inline void
is(bool holds, const char *sentence, ...)
{
	va_list arguments;

	printf("%sok %u ", holds ? "" : "not ", ++unit_count);
	va_start(arguments, sentence);
	vprintf(sentence, arguments);
	va_end(arguments);
	putchar('\n');
	unit_failed += !holds;
}

/* What a test needs before it can say anything. */
static inline void
must(bool holds)
{
	if (!holds) {
		perror("unit");
		exit(1);
	}
}

static inline int
unit_finish(void)
{
	printf("1..%u\n", unit_count);
	return unit_failed != 0;
}

#endif
