/*
 * Any bytes: json stays inside them (their memory is of just their size); what
 * it says of a record that it accepts holds when it is asked again, member by
 * member and element by element; numbers and strings are read inside, too.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"

enum { KEYS = 6 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const keys[KEYS] = {
	"timestamp", "node", "watts", "joules", "type", "a"
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* A span of the input, in memory of just its size. */
static char *
exact(const char *at, size_t length)
{
	char *copy = malloc(length ? length : 1);

	must(copy != NULL);
	if (length)
		memcpy(copy, at, length);
	return copy;
}

static void
check_number(const struct json_value *value)
{
	char *text = exact(value->at, value->length);
	int64_t found, again;
	double number;

	for (int scale = 0; scale <= 18; scale++) {
		bool fits = json_decimal(value, scale, &found);

		must(json_decimal_text(text, value->length, scale, &again) ==
		    fits && (!fits || found == again));
	}
	if (json_integer(value, &found))
		must(json_decimal(value, 0, &again) && found == again);
	json_double(value, &number);
	free(text);
}

static void
check_string(const struct json_value *value)
{
	size_t room = value->length + 1; /* no escape grows */
	char *out = malloc(room);
	long length;

	if (!out)
		abort();
	length = json_string(value, out, room);
	must(length >= 0 && (size_t)length <= value->length &&
	    out[length] == '\0');
	must(value->escaped || (size_t)length == value->length);
	must(value->escaped == (value->length &&
	    memchr(value->at, '\\', value->length) != NULL));
	if (length < 256 && !memchr(out, '\0', (size_t)length))
		must(json_is(value, out));
	if (length > 0)
		must(json_string(value, out, (size_t)length) == -1);
	free(out);
}

static void
check_value(const struct json_value *value, const char *text, size_t size,
    int depth)
{
	struct json_value key, inner;
	const char *cursor = NULL;

	if (value->kind == JSON_ABSENT)
		return;
	must(value->at >= text && value->length <= size &&
	    value->at + value->length <= text + size);
	if (value->kind == JSON_NUMBER)
		check_number(value);
	if (value->kind == JSON_STRING)
		check_string(value);
	if (depth > 3)
		return;
	while (json_element(value, &cursor, &inner))
		check_value(&inner, text, size, depth + 1);
	must(!cursor || value->kind == JSON_ARRAY);
	for (cursor = NULL; json_member(value, &cursor, &key, &inner);) {
		check_string(&key);
		check_value(&inner, text, size, depth + 1);
	}
	must(!cursor || value->kind == JSON_OBJECT);
}

/* The members that a walk finds are those that json_members found. */
static void
check_members(const struct json_value *values, const char *text, size_t size)
{
	struct json_value record = { text, size, JSON_OBJECT, false }, key,
	    value;
	size_t found[KEYS] = { 0 };
	const char *cursor = NULL;

	while (*record.at != '{') {
		record.at++;
		record.length--;
	}
	while (json_member(&record, &cursor, &key, &value))
		for (size_t i = 0; i < KEYS; i++)
			if (json_is(&key, keys[i])) {
				found[i]++;
				must(value.at == values[i].at &&
				    value.length == values[i].length &&
				    value.kind == values[i].kind);
			}
	for (size_t i = 0; i < KEYS; i++)
		must(found[i] == (values[i].kind != JSON_ABSENT));
}

/* A record inside a record is the same, one deeper. */
static void
check_nested(const char *text, size_t size)
{
	static const char *const key = "r";
	char *outer = malloc(size + 8);
	struct json_value value;
	struct json_error error;
	const char *what;

	must(outer != NULL);
	memcpy(outer, "{\"r\":", 5);
	memcpy(outer + 5, text, size);
	outer[size + 5] = '}';
	if (json_members(outer, size + 6, &key, 1, &value, &error)) {
		must(value.kind == JSON_OBJECT);
	} else {
		what = error.what;
		must(strcmp(what, "nested too deeply") == 0);
	}
	free(outer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = exact((const char *)data, size);
	struct json_value values[KEYS];
	struct json_error error = { 0, NULL };
	int64_t number;

	json_decimal_text(text, size, 9, &number);
	if (json_members(text, size, keys, KEYS, values, &error)) {
		for (size_t i = 0; i < KEYS; i++)
			check_value(&values[i], text, size, 0);
		check_members(values, text, size);
		check_nested(text, size);
	} else {
		must(error.at <= size && error.what);
	}
	free(text);
	return 0;
}
