/*
 * clock: time as int64 nanoseconds since 1970-01-01T00:00:00Z (no leap
 * seconds, as POSIX), the years 1970 to 2262.
 * Floor: ground.  Nothing here prints; a failure is a return value.
 */
#ifndef EPI_CLOCK_H
#define EPI_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

#define CLOCK_SECOND INT64_C(1000000000)

enum { CLOCK_TEXT = 40 }; /* room for any text that this module writes */

/*
 * RFC 3339, "2026-11-23T01:02:03.123456789Z", "...+01:00"; T may be a space or
 * lower case; digits past the ninth decimal are rounded half to even; second
 * 60 is taken as the first of the next minute.  False: not such a time.
 */
bool clock_rfc3339(const char *text, size_t length, int64_t *ns);

/* A civil date and time, UTC, to nanoseconds.  False: no such date. */
bool clock_civil(int year, int month, int day, int hour, int minute,
    int second, int64_t *ns);

/* Decimal seconds, "1795340400.123456", or RFC 3339.  False: neither. */
bool clock_parse(const char *text, size_t length, int64_t *ns);

/* A time of a record: a number of seconds, or a string in RFC 3339. */
bool clock_value(const struct json_value *value, int64_t *ns);

/* RFC 3339 in UTC with as many decimals (0, 3, 6, 9) as the value has; returns
 * the length, a NUL behind. */
size_t clock_format(char text[CLOCK_TEXT], int64_t ns);

/* CLOCK_REALTIME, CLOCK_MONOTONIC, and CLOCK_BOOTTIME, which goes on while the
 * machine sleeps; 0: there is no such clock. */
int64_t clock_now(void);
int64_t clock_steady(void);
int64_t clock_boot(void);

/* By how much CLOCK_REALTIME is ahead of CLOCK_BOOTTIME now: of some readings by the
 * closest, for somebody else may run between two. */
int64_t clock_ahead(void);

#endif
