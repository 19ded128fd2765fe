#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epi-env/env.h"
#include "json.h"
#include "report.h"

enum { PATH_ROOM = 4096 };

/* Of a file too long for one read the begin is enough. */
static bool
read_line(char text[ENV_TEXT], const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, text, ENV_TEXT - 1)) < 0 && errno == EINTR)
		;
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	n = (ssize_t)strcspn(text, "\n");
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n] = '\0';
	return n > 0;
}

static bool
read_at(char text[ENV_TEXT], const char *root, const char *format, va_list list)
{
	char path[PATH_ROOM];
	int n = snprintf(path, sizeof path, "%s/", root);

	if (n < 0 || n >= PATH_ROOM)
		return false;
	n += vsnprintf(path + n, sizeof path - (size_t)n, format, list);
	return n < PATH_ROOM && read_line(text, path);
}

bool
place_line(char text[ENV_TEXT], const char *root, const char *format, ...)
{
	va_list list;
	bool read;

	va_start(list, format);
	read = read_at(text, root, format, list);
	va_end(list);
	return read;
}

bool
place_number(int64_t *number, const char *root, const char *format, ...)
{
	char text[ENV_TEXT];
	va_list list;
	bool read;

	va_start(list, format);
	read = read_at(text, root, format, list);
	va_end(list);
	return read && json_decimal_text(text, strlen(text), 0, number);
}

bool
place_named(char text[ENV_TEXT], const char *root, const char *file,
    const char *name)
{
	char path[PATH_ROOM], line[PATH_ROOM];
	size_t length = strlen(name);
	FILE *lines;

	snprintf(path, sizeof path, "%s/%s", root, file);
	lines = fopen(path, "r");
	*text = '\0';
	while (lines && !*text && fgets(line, sizeof line, lines)) {
		const char *at = line + length;

		if (strncmp(line, name, length) != 0)
			continue;
		at += strspn(at, " \t");
		if (*at++ != ':')
			continue;
		at += strspn(at, " \t");
		snprintf(text, ENV_TEXT, "%.*s", (int)strcspn(at, "\n"), at);
	}
	if (lines)
		fclose(lines);
	return *text != '\0';
}

static int
by_number(const void *a, const void *b)
{
	const char *one = *(char *const *)a, *other = *(char *const *)b;
	size_t shorter = strlen(one), longer = strlen(other);

	if (shorter != longer)
		return shorter < longer ? -1 : 1;
	return strcmp(one, other);
}

static char **
list_names(DIR *folder, const char *prefix, size_t *count)
{
	char **names = NULL;
	size_t room = 0;
	struct dirent *entry;

	*count = 0;
	while ((entry = readdir(folder))) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		if (*count == room) {
			room = room ? 2 * room : 16;
			names = report_resize(names, room, sizeof *names);
		}
		names[(*count)++] = report_copy(entry->d_name,
		    strlen(entry->d_name));
	}
	if (*count)
		qsort(names, *count, sizeof *names, by_number);
	return names;
}

void
place_each(const char *root, const char *folder, const char *prefix,
    void (*see)(struct env *env, const char *folder, const char *name),
    struct env *env)
{
	char path[PATH_ROOM];
	int n = snprintf(path, sizeof path, "%s/%s", root, folder);
	DIR *open = n < PATH_ROOM ? opendir(path) : NULL;
	size_t count;
	char **names;

	if (!open)
		return;
	names = list_names(open, prefix, &count);
	closedir(open);
	for (size_t i = 0; i < count; i++) {
		see(env, folder, names[i]);
		free(names[i]);
	}
	free(names);
}
