#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-sense/file.h"
#include "json.h"
#include "report.h"

bool
file_parse(const char *text, size_t length, int64_t *value)
{
	size_t sign = length > 0 && text[0] == '-', digits = sign;

	if (length > 0 && text[length - 1] == '\n')
		length--;
	while (digits < length && text[digits] >= '0' && text[digits] <= '9')
		digits++;
	return digits == length && digits > sign &&
	    json_decimal_text(text, length, 0, value);
}

/* At most room - 1 bytes; below 0: not read (errno).  A FIFO put there does not
 * hold up the others. */
static ssize_t
read_all(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), saved;
	ssize_t length;

	if (fd < 0)
		return -1;
	do
		length = read(fd, text, room - 1);
	while (length < 0 && errno == EINTR);
	saved = errno;
	close(fd);
	errno = saved;
	text[length < 0 ? 0 : length] = '\0';
	return length;
}

int
file_number(const char *path, int64_t *value)
{
	char text[FILE_TEXT];
	ssize_t length = read_all(path, text, sizeof text);

	if (length < 0)
		return errno ? errno : EIO;
	return file_parse(text, (size_t)length, value) ? 0 : EBADMSG;
}

void
file_word(const char *path, char word[FILE_TEXT])
{
	if (read_all(path, word, FILE_TEXT) < 0)
		*word = '\0';
	word[strcspn(word, "\n")] = '\0';
	for (char *at = word; *at; at++)
		if (*at <= ' ' || *at > '~' || strchr(",=/@\"\\", *at))
			*at = '_';
}

static void
say_permission(const char *path, char why[FILE_WHY])
{
	struct stat status;
	const struct group *group;

	if (stat(path, &status) < 0) {
		snprintf(why, FILE_WHY, "permission denied, to its folder too");
		return;
	}
	group = getgrgid(status.st_gid);
	snprintf(why, FILE_WHY, "permission denied: its mode is %04o, its group "
	    "%s; run as root, or let a group of yours read it, as root: "
	    "chgrp GROUP and chmod g+r (see epi-sense(1))",
	    (unsigned)status.st_mode & 07777, group ? group->gr_name
	    : "without a name");
}

void
file_why(const char *path, int error, char why[FILE_WHY])
{
	if (error == EACCES || error == EPERM)
		say_permission(path, why);
	else
		snprintf(why, FILE_WHY, "%s", error == EBADMSG
		    ? "not a number" : strerror(error));
}

char *
file_path(const char *dir, const char *name)
{
	size_t length = strlen(dir) + strlen(name) + 2;
	char *path = report_resize(NULL, length, 1);

	snprintf(path, length, "%s/%s", dir, name);
	return path;
}
