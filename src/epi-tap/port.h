/*
 * port: whatever an instrument's bytes come from, opened for poll(2) and
 * read(2).
 *
 * A serial port is found, opened and configured by libserialport, which
 * refuses pseudo-terminals and whose blocking reads spin after a hang-up: so
 * only its handle is used here.  The rest is opened plainly.  A port or
 * terminal is locked: a second program is refused.
 */
#ifndef EPI_TAP_PORT_H
#define EPI_TAP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#include "epi-tap/guard.h"

struct sp_port;

enum port_kind {
	PORT_FILE,     /* a regular file: its arrival says nothing */
	PORT_PIPE,     /* a FIFO, a pipe, standard input: live, one way */
	PORT_SOCKET,   /* standard input that is a socket: live, both ways */
	PORT_TERMINAL, /* a pseudo-terminal, in raw mode */
	PORT_SERIAL    /* a real port */
};

struct port {
	const char *name; /* the operand, "standard input" for "-" */
	enum port_kind kind;
	int fd; /* -1: closed */
	int baud;
	struct sp_port *serial;
	bool changed; /* `before` is to be put back */
	struct termios before; /* of a PORT_TERMINAL */
	struct guard guard;    /* puts it back if we are killed */
};

enum { PORT_END = 0, PORT_NOTHING = -1, PORT_FAILED = -2, PORT_HANGUP = -3 };

enum { PORT_WHY = 512 };

/*
 * Opens an operand: a path, "usb:SERIAL" for the port of the USB device with
 * that serial number, or "-" for standard input, which is never changed.  No
 * open waits for a FIFO's writer.  False: `why` says so.
 */
bool port_open(struct port *port, const char *operand, int baud,
    char why[PORT_WHY]);

/* Whether the instrument at the other end can be spoken to. */
bool port_talks(const struct port *port);

/* Whether it can be opened again once it has closed. */
bool port_reopens(const struct port *port);

/* Sends a few bytes at once; false: they did not go out. */
bool port_send(const struct port *port, const char *bytes, size_t length);

/*
 * One read after poll(2) told of something (`hung`: POLLHUP among it): the
 * count of bytes, or PORT_END (an orderly end), PORT_NOTHING, PORT_HANGUP (a
 * line that broke), PORT_FAILED (said, status 1).
 */
long port_read(struct port *port, char *bytes, size_t room, bool hung);

void port_close(struct port *port);

/* Writes what serial ports there are on standard output, a line each: path,
 * usb:SERIAL, USB ids, description; tabs between.  False: said, status 1. */
bool port_list(void);

#endif
