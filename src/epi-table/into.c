/* realpath is of X/Open. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-table/table.h"
#include "report.h"

struct bytes {
	char *at;
	size_t length;
};

/* Of each format the marks' lines; CSV has no comments. */
static const char *const marks[][2] = {
	[MARKDOWN] = { "<!-- epi-table -->", "<!-- /epi-table -->" },
	[LATEX] = { "% epi-table", "% /epi-table" },
	[HTML] = { "<!-- epi-table -->", "<!-- /epi-table -->" }
};

static bool
read_whole(const char *file, struct bytes *bytes, mode_t *mode)
{
	FILE *in = fopen(file, "r");
	size_t room = 0, n;
	struct stat found;

	*bytes = (struct bytes){ NULL, 0 };
	if (!in || fstat(fileno(in), &found) < 0) {
		report_error("%s: %s", file, strerror(errno));
		if (in)
			fclose(in);
		return false;
	}
	*mode = found.st_mode & 07777;
	do {
		room = room ? room * 2 : 1 << 16;
		bytes->at = report_resize(bytes->at, room, 1);
		errno = 0;
		n = fread(bytes->at + bytes->length, 1, room - bytes->length,
		    in);
		bytes->length += n;
	} while (bytes->length == room);
	if (ferror(in))
		report_error("%s: %s", file, strerror(errno));
	else if (!S_ISREG(found.st_mode))
		report_error("%s: not a regular file", file);
	n = !ferror(in) && S_ISREG(found.st_mode);
	fclose(in);
	return n;
}

/* Whether a line is the mark, but for blanks around it. */
static bool
is_mark(const char *line, const char *end, const char *mark)
{
	size_t length = strlen(mark);

	while (line < end && *line && strchr(" \t", *line))
		line++;
	while (line < end && end[-1] && strchr(" \t\r\n", end[-1]))
		end--;
	return (size_t)(end - line) == length &&
	    memcmp(line, mark, length) == 0;
}

/* Where the mark's line begins and ends; its offset is behind `from`.  False:
 * it is not there once (said). */
static bool
find_mark(const char *file, const struct bytes *bytes, const char *mark,
    size_t *begin, size_t *end)
{
	uint64_t number = 0, first = 0;

	for (size_t at = 0, next; at < bytes->length; at = next) {
		const char *feed = memchr(bytes->at + at, '\n',
		    bytes->length - at);

		next = feed ? (size_t)(feed - bytes->at) + 1 : bytes->length;
		number++;
		if (!is_mark(bytes->at + at, bytes->at + next, mark))
			continue;
		if (first > 0) {
			report_error("%s:%llu: a second line %s, after that "
			    "in line %llu", file, (unsigned long long)number,
			    mark, (unsigned long long)first);
			return false;
		}
		first = number;
		*begin = at;
		*end = next;
	}
	if (first == 0)
		report_error("%s: no line %s", file, mark);
	return first > 0;
}

static bool
write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, bytes, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		length -= (size_t)n;
	}
	return true;
}

/* In the file's folder, so that it can be renamed. */
static bool
replace(const char *file, mode_t mode, const struct bytes parts[3])
{
	static const char suffix[] = ".XXXXXX";
	char *name = report_resize(NULL, strlen(file) + sizeof suffix, 1);
	int fd, error;
	bool done;

	memcpy(name, file, strlen(file));
	memcpy(name + strlen(file), suffix, sizeof suffix);
	fd = mkstemp(name);
	done = fd >= 0 && fchmod(fd, mode) == 0;
	for (int i = 0; i < 3 && done; i++)
		done = write_all(fd, parts[i].at, parts[i].length);
	done = done && fsync(fd) == 0;
	error = errno;
	if (fd >= 0 && close(fd) < 0 && done) {
		done = false;
		error = errno;
	}
	if (done && rename(name, file) < 0) {
		done = false;
		error = errno;
	}
	if (!done)
		report_error("%s: %s; left as it was", file, strerror(error));
	if (!done && fd >= 0)
		unlink(name);
	free(name);
	return done;
}

void
into_file(const char *file, enum format format, const char *text,
    size_t length)
{
	char *path = realpath(file, NULL);
	size_t begin[2] = { 0 }, end[2] = { 0 };
	struct bytes bytes;
	mode_t mode;

	if (!path) {
		report_error("%s: %s", file, strerror(errno));
		return;
	}
	if (!read_whole(path, &bytes, &mode) ||
	    !find_mark(file, &bytes, marks[format][0], &begin[0], &end[0]) ||
	    !find_mark(file, &bytes, marks[format][1], &begin[1], &end[1]))
		;
	else if (begin[1] < end[0])
		report_error("%s: %s stands before %s", file,
		    marks[format][1], marks[format][0]);
	else if (begin[1] - end[0] != length ||
	    memcmp(bytes.at + end[0], text, length) != 0)
		replace(path, mode, (struct bytes[3]){
			{ bytes.at, end[0] },
			{ (char *)text, length },
			{ bytes.at + begin[1], bytes.length - begin[1] }
		});
	free(bytes.at);
	free(path);
}
