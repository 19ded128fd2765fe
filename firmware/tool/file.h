/* file: a whole file in memory, for the tools; a failure ends the program with
 * a message. */
#ifndef FILE_H
#define FILE_H

#include <stddef.h>
#include <stdint.h>

uint8_t *file_read(const char *name, size_t *size);
void file_write(const char *name, const uint8_t *bytes, size_t size);
_Noreturn void file_fail(const char *name, const char *why);

#endif
