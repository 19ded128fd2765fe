#include <string.h>

#include "compose.h"
#include "stream.h"
#include "write.h"

/* Behind a key or an opening bracket stands the first value, without comma. */
static bool first = true;

static char *
value_room(size_t length)
{
	char *at = stream_room(length + 1);

	if (!first)
		*at++ = ',';
	first = false;
	return at;
}

void
compose_open(void)
{
	first = true;
	compose_begin('{');
}

void
compose_close(void)
{
	compose_end('}');
	stream_wrote(write_text(stream_room(1), "\n"));
	stream_record();
	first = true;
}

void
compose_begin(char bracket)
{
	char *at = value_room(1);

	*at++ = bracket;
	stream_wrote(at);
	first = true;
}

void
compose_end(char bracket)
{
	char *at = stream_room(1);

	*at++ = bracket;
	stream_wrote(at);
	first = false;
}

void
compose_key(const char *key)
{
	size_t length = strlen(key);
	char *at = write_string(value_room(6 * length + 3), key, length);

	*at++ = ':';
	stream_wrote(at);
	first = true;
}

void
compose_null(void)
{
	compose_raw("null", 4);
}

void
compose_bool(bool value)
{
	compose_raw(value ? "true" : "false", value ? 4 : 5);
}

void
compose_integer(int64_t value)
{
	stream_wrote(write_integer(value_room(WRITE_INTEGER), value));
}

void
compose_double(double value)
{
	stream_wrote(write_double(value_room(WRITE_DOUBLE), value));
}

void
compose_decimal(energy_units value, int scale, int least)
{
	stream_wrote(write_decimal(value_room(WRITE_DECIMAL), value, scale,
	    least));
}

void
compose_time(int64_t ns)
{
	compose_decimal(ns, 9, 6);
}

void
compose_seconds(int64_t ns)
{
	compose_decimal(ns, 9, 3);
}

void
compose_joules(energy_units units)
{
	stream_wrote(write_joules(value_room(WRITE_DECIMAL), units));
}

void
compose_string(const char *text)
{
	if (text)
		compose_span(text, strlen(text));
	else
		compose_null();
}

void
compose_span(const char *text, size_t length)
{
	stream_wrote(write_string(value_room(6 * length + 2), text, length));
}

void
compose_raw(const char *json, size_t length)
{
	char *at = value_room(length);

	memcpy(at, json, length);
	stream_wrote(at + length);
}

void
compose_value(const struct json_value *value)
{
	if (value->kind == JSON_ABSENT)
		compose_null();
	else if (value->kind == JSON_STRING) /* with its quotes */
		compose_raw(value->at - 1, value->length + 2);
	else
		compose_raw(value->at, value->length);
}

void
compose_key_value(const struct json_value *key)
{
	compose_value(key);
	stream_wrote(write_text(stream_room(1), ":"));
	first = true;
}

void
compose_figure(const char *key, double value)
{
	compose_key(key);
	compose_double(value);
}

void
compose_text(const char *key, const char *text)
{
	compose_key(key);
	compose_string(text && *text ? text : NULL);
}

void
compose_count(const char *key, int64_t count)
{
	compose_key(key);
	if (count < 0)
		compose_null();
	else
		compose_integer(count);
}
