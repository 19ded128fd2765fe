/* load: a file in memory, in JSON's own grammar, and what is in it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-lmeval/lmeval.h"
#include "report.h"
#include "stream.h"

char *
load(char *operand, size_t *length)
{
	struct stream in;
	struct block block;
	char *whole = NULL;
	size_t room = 0;
	bool failed;

	*length = 0;
	if (!stream_open(&in, operand))
		return NULL;
	whole = report_copy("", 0);
	while (stream_next(&in, &block)) {
		size_t more = (size_t)(block.end - block.at);

		if (*length + more > room) {
			room = 2 * (*length + more);
			whole = report_resize(whole, room, 1);
		}
		memcpy(whole + *length, block.at, more);
		*length += more;
		block.at = block.end;
	}
	failed = in.failed;
	stream_close(&in);
	if (!failed)
		return whole;
	free(whole);
	return NULL;
}

/* The length of such a word at `at`, or 0. */
static size_t
no_number(const char *at, const char *end)
{
	static const char *const words[] = { "NaN", "Infinity", "-Infinity" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(end - at) >= n && memcmp(at, words[i], n) == 0)
			return n;
	}
	return 0;
}

char *
load_clean(const char *at, size_t *length)
{
	const char *end = at + *length;
	char *clean = report_resize(NULL, *length / 3 + 1, 4), *to = clean;
	bool inside = false;

	while (at < end) {
		size_t n = inside ? 0 : no_number(at, end);

		if (n > 0) {
			memcpy(to, "null", 4);
			to += 4;
			at += n;
			continue;
		}
		if (*at == '"')
			inside = !inside;
		else if (*at == '\\' && inside && at + 1 < end)
			*to++ = *at++;
		*to++ = *at++;
	}
	*length = (size_t)(to - clean);
	return clean;
}

struct json_value
member(const struct json_value *object, const char *key)
{
	struct json_value name, value, found = { .kind = JSON_ABSENT };
	const char *cursor = NULL;

	if (object->kind != JSON_OBJECT)
		return found;
	while (json_member(object, &cursor, &name, &value))
		if (json_is(&name, key))
			found = value; /* of two the last, as Python has it */
	return found;
}

double
number(const struct json_value *value)
{
	double figure;

	return json_double(value, &figure) ? figure : NAN;
}

void
text(const struct json_value *value, char out[NAME])
{
	char *whole;

	*out = '\0';
	if (value->kind != JSON_STRING)
		return;
	whole = report_resize(NULL, value->length + 1, 1);
	json_string(value, whole, value->length + 1);
	strncat(out, whole, NAME - 1);
	free(whole);
}
