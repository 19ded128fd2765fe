/*
 * write: values as text, exactly.
 *
 * Every function writes at `at`, returns the position behind what it wrote,
 * and adds no NUL; the caller has room for the stated maximum.
 * Floor: ground.  No allocation, no printing, no locale.
 */
#ifndef EPI_WRITE_H
#define EPI_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "energy.h"

enum {
	WRITE_INTEGER = 20, /* the longest int64 */
	WRITE_DECIMAL = 42, /* the longest write_decimal */
	WRITE_DOUBLE = 32,  /* the longest write_double */
	WRITE_UNCERTAIN = 800 /* the longest write_uncertain */
};

/* The bytes up to the NUL of `text`. */
char *write_text(char *at, const char *text);

char *write_integer(char *at, int64_t value);

/*
 * value / 10^scale as a decimal with at least `least` decimals (0 <= least),
 * more only where the value has them; scale 0 to 19.
 */
char *write_decimal(char *at, energy_units value, int scale, int least);

/* Energy in joules, every digit, at least 3 decimals. */
char *write_joules(char *at, energy_units units);

/*
 * The shortest decimal that reads back as the same double, in JSON's grammar.
 * A value that is not finite becomes null.
 */
char *write_double(char *at, double value);

/*
 * A value and its standard uncertainty, "2.50 +- 0.10": the uncertainty with
 * two digits, the value as far (JCGM 100, 7.2.6).  Both finite, u > 0.
 */
char *write_uncertain(char *at, double value, double u);

/*
 * A JSON string in quotes; at most 2 + 6 * length bytes.  Bytes that are not
 * UTF-8 become U+FFFD, one for each.
 */
char *write_string(char *at, const char *text, size_t length);

/* Whether the text is UTF-8 (RFC 3629), so that write_string replaces none of
 * it. */
bool write_is_utf8(const char *text, size_t length);

#endif
