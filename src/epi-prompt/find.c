/* find: the files of a benchmark. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "epi-prompt/prompt.h"
#include "report.h"

char *
find_join(const char *folder, const char *name)
{
	size_t length = strlen(folder);
	char *path = report_resize(NULL, length + strlen(name) + 2, 1);

	strcpy(path, folder);
	path[length] = '/';
	strcpy(path + length + 1, name);
	return path;
}

char *
find_parent(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? report_copy(file, slash > file
	    ? (size_t)(slash - file) : 1) : report_copy(".", 1);
}

bool
find_is_folder(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool
ends(const char *text, const char *with)
{
	size_t length = strlen(text), tail = strlen(with);

	return length > tail && strcmp(text + length - tail, with) == 0;
}

char *
find_subject(const char *file)
{
	static const char *const tails[] = {
		"_test.csv", "_val.csv", "_dev.csv", ".csv"
	};
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;

	for (size_t i = 0; i < sizeof tails / sizeof *tails; i++)
		if (ends(name, tails[i]))
			return report_copy(name,
			    strlen(name) - strlen(tails[i]));
	return report_copy(name, strlen(name));
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The paths of a folder's entries that `wanted` takes, sorted; NULL: said. */
static char **
list(const char *folder, bool (*wanted)(const char *name, const char *word),
    const char *word)
{
	DIR *open = opendir(folder);
	struct dirent *entry;
	char **paths = NULL;
	size_t count = 0;

	if (!open) {
		report_error("%s: %s", folder, strerror(errno));
		return NULL;
	}
	paths = report_resize(NULL, 1, sizeof *paths);
	while ((errno = 0, entry = readdir(open)))
		if (*entry->d_name != '.' && wanted(entry->d_name, word)) {
			paths = report_resize(paths, count + 2, sizeof *paths);
			paths[count++] = find_join(folder, entry->d_name);
		}
	if (errno) {
		report_error("%s: %s", folder, strerror(errno));
		closedir(open);
		return NULL;
	}
	closedir(open);
	qsort(paths, count, sizeof *paths, by_bytes);
	paths[count] = NULL;
	return paths;
}

static bool
is_table(const char *name, const char *word)
{
	(void)word;
	return ends(name, ".csv");
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool
is_lines(const char *name, const char *word)
{
	size_t length = strlen(word);

	if (!ends(name, ".jsonl") && !ends(name, ".ndjson") &&
	    !ends(name, ".json"))
		return false;
	for (; *name; name++) {
		size_t i = 0;

		while (i < length && lower(name[i]) == word[i])
			i++;
		if (i == length)
			return true;
	}
	return false;
}

char **
find_tables(const char *folder)
{
	char *inner = find_join(folder, "test");
	char **tables = list(find_is_folder(inner) ? inner : folder, is_table,
	    NULL);

	free(inner);
	if (!tables || *tables)
		return tables;
	report_error("%s: no test/*.csv in it", folder);
	free(tables);
	return NULL;
}

char *
find_lines(const char *folder, const char *word)
{
	char **paths = list(folder, is_lines, word), *found = NULL;

	if (!paths)
		return NULL;
	if (!*paths)
		report_error("%s: no *%s*.jsonl in it", folder, word);
	else if (paths[1])
		report_error("%s: name the file: %s or %s", folder, paths[0],
		    paths[1]);
	else
		found = report_copy(*paths, strlen(*paths));
	for (char **path = paths; *path; path++)
		free(*path);
	free(paths);
	return found;
}
