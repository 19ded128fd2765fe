/*
 * compose: one record after another on standard output.
 *
 *     compose_open();
 *     compose_key("type"); compose_string("event");
 *     compose_key("timestamp"); compose_time(ns);
 *     compose_close();
 *
 * Commas are put where they belong.  Nested objects and arrays: compose_begin
 * and compose_end with their bracket.  Floor: second.
 */
#ifndef EPI_COMPOSE_H
#define EPI_COMPOSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "energy.h"
#include "json.h"

void compose_open(void);            /* { */
void compose_close(void);           /* }\n, and the record is whole */
void compose_begin(char bracket);   /* '{' or '[' as a value */
void compose_end(char bracket);     /* '}' or ']' */

void compose_key(const char *key);  /* "key": */
/* A key of another record, as it stands there. */
void compose_key_value(const struct json_value *key);

/* Values: after a key, or as elements of an array. */
void compose_null(void);
void compose_bool(bool value);
void compose_integer(int64_t value);
void compose_double(double value);              /* not finite: null */
void compose_decimal(energy_units value, int scale, int least);
void compose_time(int64_t ns);                  /* seconds, 6 decimals or more */
void compose_seconds(int64_t ns);               /* a length of time, 3 or more */
void compose_joules(energy_units units);        /* every digit */
void compose_string(const char *text);          /* NULL: null */
void compose_span(const char *text, size_t length);  /* a string */
void compose_raw(const char *json, size_t length);   /* JSON as it is */
/* A value of another record, as it stands there; absent: null. */
void compose_value(const struct json_value *value);

/* "key":value, the commonest member. */
void compose_figure(const char *key, double value);
void compose_text(const char *key, const char *text);   /* NULL, "": null */
void compose_count(const char *key, int64_t count);     /* below 0: null */

#endif
