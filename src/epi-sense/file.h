/*
 * file: the small files of sysfs, each one value.
 */
#ifndef EPI_SENSE_FILE_H
#define EPI_SENSE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_TEXT = 64, FILE_WHY = 256 };

/* The kernel's way to write a number: a minus perhaps, decimal digits, a
 * newline perhaps, and nothing else.  False: not so, or not in int64. */
bool file_parse(const char *text, size_t length, int64_t *value);

/* What a file says.  0; an errno; EBADMSG: it is no such number. */
int file_number(const char *path, int64_t *value);

/* The first line as a word that is fit for a name: a _ in place of any byte that
 * is not printable ASCII or is one of , = / @ " \; "" where there is none. */
void file_word(const char *path, char word[FILE_TEXT]);

/* Why a file cannot be read, as a sentence; of a permission with the mode, the
 * group, and what to do. */
void file_why(const char *path, int error, char why[FILE_WHY]);

/* DIR/NAME, the caller's to free. */
char *file_path(const char *dir, const char *name);

#endif
