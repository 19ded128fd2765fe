#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
file_fail(const char *name, const char *why)
{
	fprintf(stderr, "%s: %s\n", name, why);
	exit(1);
}

uint8_t *
file_read(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	uint8_t *bytes = malloc(1 << 20);

	if (!file || !bytes)
		file_fail(name, strerror(errno));
	*size = fread(bytes, 1, 1 << 20, file);
	if (ferror(file) || fclose(file) != 0)
		file_fail(name, strerror(errno));
	if (*size == 1 << 20)
		file_fail(name, "a megabyte or more: no image of ours");
	return bytes;
}

void
file_write(const char *name, const uint8_t *bytes, size_t size)
{
	FILE *file = fopen(name, "wb");

	if (!file)
		file_fail(name, strerror(errno));
	size_t done = fwrite(bytes, 1, size, file);
	if (fclose(file) != 0 || done != size)
		file_fail(name, strerror(errno));
}
