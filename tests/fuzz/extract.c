/*
 * Any bytes as what a model wrote: a letter that is found is one of the choices,
 * and what is none has a class.
 */
#include <stdlib.h>
#include <string.h>

#include "epi-grade/extract.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char json[] = "[\"man\",\"4\",\"\\u0000\",\"answer is B.\"]";
	struct json_value choices = {
		json, sizeof json - 1, JSON_ARRAY, false
	};
	char *text = malloc(size ? size : 1); /* nothing behind it */
	enum class class;
	int place;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	place = extract_letter(text, size, &choices, &class);
	if (place < -1 || place > 3 || (place < 0) != (class != CLASS_NONE))
		abort();
	free(text);
	return 0;
}
