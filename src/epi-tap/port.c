#define _XOPEN_SOURCE 700 /* where the C library keeps realpath(3) */

#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-tap/port.h"
#include "report.h"

/* libserialport keeps errno's text only for SP_ERR_FAIL. */
static bool
serial_failed(struct port *port, enum sp_return result)
{
	char *text = result == SP_ERR_FAIL ? sp_last_error_message() : NULL;

	report_error("%s: %s", port->name, text ? text
	    : result == SP_ERR_MEM ? "out of memory"
	    : "the port cannot be set so");
	if (text)
		sp_free_error_message(text);
	return false;
}

static enum sp_return
configure(struct sp_port *serial, int baud)
{
	enum sp_return result = sp_set_baudrate(serial, baud);

	if (result == SP_OK)
		result = sp_set_bits(serial, 8);
	if (result == SP_OK)
		result = sp_set_parity(serial, SP_PARITY_NONE);
	if (result == SP_OK)
		result = sp_set_stopbits(serial, 1);
	if (result == SP_OK)
		result = sp_set_flowcontrol(serial, SP_FLOWCONTROL_NONE);
	/* What came before is older than its arrival would say. */
	if (result == SP_OK)
		result = sp_flush(serial, SP_BUF_INPUT);
	return result;
}

static bool
open_serial(struct port *port, int baud)
{
	enum sp_return result = sp_open(port->serial, SP_MODE_READ_WRITE);

	if (result == SP_OK) {
		result = configure(port->serial, baud);
		if (result == SP_OK)
			result = sp_get_port_handle(port->serial, &port->fd);
		if (result != SP_OK)
			sp_close(port->serial);
	}
	if (result != SP_OK) {
		serial_failed(port, result);
		sp_free_port(port->serial);
		port->serial = NULL;
		return false;
	}
	port->kind = PORT_SERIAL;
	return true;
}

/* The library knows ports by their own name, not by links such as those of
 * /dev/serial/by-id. */
static bool
find_serial(struct port *port)
{
	char *path = realpath(port->name, NULL);
	bool found = path &&
	    sp_get_port_by_name(path, &port->serial) == SP_OK;

	free(path);
	return found;
}

static bool
make_raw(struct port *port)
{
	struct termios raw;

	if (tcgetattr(port->fd, &port->before) < 0)
		return false;
	raw = port->before;
	raw.c_iflag &= (tcflag_t)~(BRKINT | ICRNL | IGNCR | INLCR | INPCK |
	    ISTRIP | IXON | PARMRK);
	raw.c_oflag &= (tcflag_t)~OPOST;
	raw.c_lflag &= (tcflag_t)~(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cflag &= (tcflag_t)~(CSIZE | PARENB);
	raw.c_cflag |= CS8;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(port->fd, TCSANOW, &raw) == 0;
}

/* Without O_NONBLOCK a FIFO's open waits for its writer, deaf to signals. */
static bool
open_plain(struct port *port, mode_t mode)
{
	int access = S_ISCHR(mode) ? O_RDWR : O_RDONLY;

	port->fd = open(port->name, access | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0 && S_ISCHR(mode))
		port->fd = open(port->name,
		    O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (port->fd < 0)
		return false;
	if (!isatty(port->fd))
		return true;
	port->kind = PORT_TERMINAL;
	return make_raw(port);
}

static bool
fail(struct port *port, int number)
{
	report_error("%s: %s", port->name, strerror(number));
	return false;
}

bool
port_open(struct port *port, const char *operand, int baud)
{
	bool standard = strcmp(operand, "-") == 0;
	struct stat status;

	*port = (struct port){ .name = standard ? "standard input" : operand,
		.fd = standard ? STDIN_FILENO : -1 };
	if ((standard ? fstat(port->fd, &status) : stat(operand, &status)) < 0)
		return fail(port, errno);
	if (S_ISDIR(status.st_mode)) {
		report_error("%s: is a directory", port->name);
		return false;
	}
	port->kind = S_ISREG(status.st_mode) ? PORT_FILE : PORT_PIPE;
	if (standard)
		return true;
	if (S_ISCHR(status.st_mode) && find_serial(port))
		return open_serial(port, baud);
	return open_plain(port, status.st_mode) || fail(port, errno);
}

bool
port_talks(const struct port *port)
{
	return port->kind == PORT_TERMINAL || port->kind == PORT_SERIAL;
}

void
port_send(const struct port *port, const char *bytes, size_t length)
{
	ssize_t n;

	do
		n = write(port->fd, bytes, length);
	while (n < 0 && errno == EINTR);
}

long
port_read(struct port *port, char *bytes, size_t room, bool hung)
{
	long broken = port_talks(port) ? PORT_HANGUP : PORT_END;
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
	if (port_talks(port) && (errno == EIO || errno == ENXIO))
		return PORT_HANGUP;
	fail(port, errno);
	return PORT_FAILED;
}

/* Nothing was written that a failing close could lose. */
void
port_close(struct port *port)
{
	if (port->kind == PORT_TERMINAL)
		tcsetattr(port->fd, TCSANOW, &port->before);
	if (port->serial) {
		sp_close(port->serial);
		sp_free_port(port->serial);
		port->serial = NULL;
	} else if (port->fd > STDIN_FILENO) {
		close(port->fd);
	}
	port->fd = -1;
}
