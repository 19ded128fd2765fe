/* posix_openpt and its companions are of the XSI option. */
#define _XOPEN_SOURCE 700

#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* Opened and closed once, so that the master knows from now on whether the
 * other end is open (POLLHUP: it is not). */
static bool
make_raw(const char *name)
{
	struct termios mode;
	int fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool done = tcgetattr(fd, &mode) == 0;
	mode.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INLCR | IGNCR | INPCK |
	    ISTRIP | IXON);
	mode.c_oflag &= ~(tcflag_t)OPOST;
	mode.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	mode.c_cflag |= CS8 | CREAD | CLOCAL;
	done = done && cfsetispeed(&mode, B115200) == 0 &&
	    cfsetospeed(&mode, B115200) == 0 &&
	    tcsetattr(fd, TCSANOW, &mode) == 0;
	return close(fd) == 0 && done;
}

static bool
replace_link(const char *target, const char *link)
{
	struct stat status;

	if (lstat(link, &status) == 0) {
		if (!S_ISLNK(status.st_mode)) {
			errno = EEXIST;
			return false;
		}
		if (unlink(link) < 0)
			return false;
	}
	return symlink(target, link) == 0;
}

int
pty_open(const char *link)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	const char *name;

	if (fd < 0)
		return -1;
	if (grantpt(fd) == 0 && unlockpt(fd) == 0 && (name = ptsname(fd)) &&
	    make_raw(name) && replace_link(name, link) &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

bool
pty_close(int fd, const char *link)
{
	char target[64] = "";
	const char *name = ptsname(fd);
	bool mine = name && readlink(link, target, sizeof target - 1) > 0 &&
	    strcmp(target, name) == 0;
	bool done = !mine || unlink(link) == 0;

	return close(fd) == 0 && done;
}

bool
pty_connected(int fd)
{
	struct pollfd ask = { fd, POLLOUT, 0 };

	return poll(&ask, 1, 0) >= 0 && !(ask.revents & POLLHUP);
}

bool
pty_write(int fd, const char *bytes, size_t count)
{
	if (!pty_connected(fd))
		return true;
	return write(fd, bytes, count) >= 0 || errno == EAGAIN ||
	    errno == EIO || errno == EINTR;
}
