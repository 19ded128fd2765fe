#define _DEFAULT_SOURCE /* where the C library keeps TIOCEXCL */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-tap/port.h"
#include "epi-tap/serial.h"
#include "report.h"

/* Errors, each with what to do about it. */

static void
explain_denied(const char *path, char why[PORT_WHY])
{
	struct stat status;
	const struct group *group = NULL;

	if (stat(path, &status) == 0)
		group = getgrgid(status.st_gid);
	if (group && status.st_mode & S_IRGRP)
		snprintf(why, PORT_WHY, "no permission: it is for the group "
		    "%s: usermod -a -G %s and your name, then log in again",
		    group->gr_name, group->gr_name);
	else
		snprintf(why, PORT_WHY, "%s", strerror(EACCES));
}

static void
explain_missing(const char *operand, char why[PORT_WHY])
{
	char ports[PORT_WHY - 64];

	if (strncmp(operand, "/dev/", 5) != 0 && !serial_is_usb(operand)) {
		snprintf(why, PORT_WHY, "%s", strerror(ENOENT));
		return;
	}
	serial_describe(ports, sizeof ports);
	snprintf(why, PORT_WHY, "no such port; %s", ports);
}

static bool
fail(int number, const char *operand, const char *path, char why[PORT_WHY])
{
	if (number == EACCES)
		explain_denied(path, why);
	else if (number == ENOENT || number == ENODEV || number == ENXIO)
		explain_missing(operand, why);
	else if (number == EBUSY || number == EWOULDBLOCK)
		snprintf(why, PORT_WHY,
		    "in use by another program, another epi-tap perhaps");
	else
		snprintf(why, PORT_WHY, "%s", strerror(number));
	return false;
}

/* Opening. */

/* The lock holds off who locks too; TIOCEXCL whoever opens the port later.
 * Of a pseudo-terminal the latter would outlive a process that was killed. */
static int
lock(const struct port *port)
{
	if (flock(port->fd, LOCK_EX | LOCK_NB) < 0)
		return errno;
	if (port->kind == PORT_SERIAL && ioctl(port->fd, TIOCEXCL) < 0)
		return errno;
	return 0;
}

static int
open_serial(struct port *port)
{
	int number = serial_open(port->serial, &port->fd);
	bool opened = number == 0;

	port->kind = PORT_SERIAL;
	if (number == 0)
		number = lock(port);
	if (number == 0)
		number = serial_set(port->serial, port->baud);
	if (number == 0)
		return 0;
	if (opened)
		sp_close(port->serial);
	sp_free_port(port->serial);
	port->serial = NULL;
	port->fd = -1;
	return number;
}

static bool
same_mode(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	    a->c_lflag == b->c_lflag && a->c_cflag == b->c_cflag;
}

static int
make_raw(struct port *port)
{
	struct termios raw;

	if (tcgetattr(port->fd, &port->before) < 0)
		return errno;
	raw = port->before;
	raw.c_iflag &= (tcflag_t)~(BRKINT | ICRNL | IGNCR | INLCR | INPCK |
	    ISTRIP | IXON | PARMRK);
	raw.c_oflag &= (tcflag_t)~OPOST;
	raw.c_lflag &= (tcflag_t)~(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cflag &= (tcflag_t)~(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	port->changed = !same_mode(&raw, &port->before);
	if (port->changed)
		guard_start(&port->guard, port->fd, &port->before);
	return tcsetattr(port->fd, TCSANOW, &raw) < 0 ? errno : 0;
}

static int
take_terminal(struct port *port)
{
	int number;

	port->kind = PORT_TERMINAL;
	number = lock(port);
	return number ? number : make_raw(port);
}

/* Without O_NONBLOCK a FIFO's open waits for its writer, deaf to signals. */
static int
open_plain(struct port *port, mode_t mode)
{
	int access = S_ISCHR(mode) ? O_RDWR : O_RDONLY, number = 0;

	port->fd = open(port->name, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0 && S_ISCHR(mode) && errno != EBUSY)
		port->fd = open(port->name,
		    O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0)
		return errno;
	if (isatty(port->fd))
		number = take_terminal(port);
	if (number) {
		close(port->fd);
		port->fd = -1;
	}
	return number;
}

static int
open_path(struct port *port)
{
	struct stat status;

	if (serial_is_usb(port->name)) {
		port->serial = serial_find(port->name);
		return port->serial ? open_serial(port) : ENOENT;
	}
	if (stat(port->name, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	port->kind = S_ISREG(status.st_mode) ? PORT_FILE : PORT_PIPE;
	if (S_ISCHR(status.st_mode))
		port->serial = serial_find(port->name);
	return port->serial ? open_serial(port)
	    : open_plain(port, status.st_mode);
}

/* A socket is spoken to through its own descriptor, however it came here. */
static int
take_standard_input(struct port *port)
{
	struct stat status;

	port->name = "standard input";
	port->fd = STDIN_FILENO;
	if (fstat(port->fd, &status) < 0)
		return errno;
	if (S_ISDIR(status.st_mode))
		return EISDIR;
	port->kind = S_ISREG(status.st_mode) ? PORT_FILE
	    : S_ISSOCK(status.st_mode) ? PORT_SOCKET : PORT_PIPE;
	return 0;
}

bool
port_open(struct port *port, const char *operand, int baud, char why[PORT_WHY])
{
	int number;

	*port = (struct port){ .name = operand, .fd = -1, .baud = baud };
	number = strcmp(operand, "-") == 0 ? take_standard_input(port)
	    : open_path(port);
	return number == 0 || fail(number, operand, port->serial
	    ? sp_get_port_name(port->serial) : operand, why);
}

bool
port_talks(const struct port *port)
{
	return port->kind == PORT_TERMINAL || port->kind == PORT_SERIAL ||
	    port->kind == PORT_SOCKET;
}

bool
port_reopens(const struct port *port)
{
	return port->kind != PORT_FILE && port->fd != STDIN_FILENO;
}

bool
port_send(const struct port *port, const char *bytes, size_t length)
{
	ssize_t n;

	do
		n = port->kind == PORT_SOCKET
		    ? send(port->fd, bytes, length, MSG_NOSIGNAL)
		    : write(port->fd, bytes, length);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)length;
}

long
port_read(struct port *port, char *bytes, size_t room, bool hung)
{
	bool tty = port->kind == PORT_TERMINAL || port->kind == PORT_SERIAL;
	long broken = tty ? PORT_HANGUP : PORT_END;
	ssize_t n;

	do
		n = read(port->fd, bytes, room);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n == 0)
		return broken;
	if (errno == EAGAIN)
		return hung ? broken : PORT_NOTHING;
	if (tty && (errno == EIO || errno == ENXIO || errno == ENODEV))
		return PORT_HANGUP;
	report_error("%s: %s", port->name, strerror(errno));
	return PORT_FAILED;
}

/* Nothing was written that a failing close could lose. */
void
port_close(struct port *port)
{
	if (port->changed) {
		tcsetattr(port->fd, TCSANOW, &port->before);
		guard_end(&port->guard);
	}
	if (port->serial) {
		ioctl(port->fd, TIOCNXCL);
		sp_close(port->serial);
		sp_free_port(port->serial);
		port->serial = NULL;
	} else if (port->fd > STDIN_FILENO) {
		close(port->fd);
	}
	port->fd = -1;
}
