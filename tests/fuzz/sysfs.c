/*
 * Any bytes as a file of sysfs: what is taken for a number is what strtoll
 * makes of it, and has nothing but digits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epi-sense/file.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *own = malloc(size ? size : 1), text[FILE_TEXT];
	int64_t value;

	if (!own)
		abort();
	if (size)
		memcpy(own, data, size);
	if (file_parse(own, size, &value) && size < sizeof text) {
		memcpy(text, own, size);
		text[size] = '\0';
		errno = 0;
		if (strtoll(text, NULL, 10) != value || errno ||
		    strspn(text, "-0123456789\n") != size)
			abort();
	}
	free(own);
	return 0;
}
