/*
 * Any bytes as a time: what is accepted lies within 1970 to 2262, is told as a
 * text that reads back as the same, and does not hang on what lies behind.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check(int64_t ns)
{
	char text[CLOCK_TEXT];
	size_t length = clock_format(text, ns);
	int64_t again;

	must(ns >= 0 && length >= 20 && length < CLOCK_TEXT &&
	    text[length] == '\0');
	/* A leap second's round up may reach 2262, which civil dates do not. */
	must((clock_rfc3339(text, length, &again) && again == ns) ||
	    memcmp(text, "2262", 4) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *plain = malloc(size ? size : 1);
	struct json_value value;
	int64_t ns, again;

	must(text && plain);
	if (size)
		memcpy(plain, data, size);
	memcpy(text, plain, size);
	text[size] = '0';
	if (clock_rfc3339(plain, size, &ns)) {
		check(ns);
		must(!clock_rfc3339(text, size + 1, &again));
		must(clock_rfc3339(text, size, &again) && again == ns);
	}
	if (clock_parse(plain, size, &ns))
		check(ns);
	value = (struct json_value){ plain, size, JSON_STRING, false };
	if (size && !memchr(plain, '\\', size) && clock_value(&value, &ns))
		must(clock_rfc3339(plain, size, &again) && again == ns);
	free(plain);
	free(text);
	return 0;
}
