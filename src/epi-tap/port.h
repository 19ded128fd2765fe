/*
 * port: whatever a meter's lines come from, opened for poll(2) and read(2).
 *
 * A serial port is found, opened and configured by libserialport, which
 * refuses pseudo-terminals and whose blocking reads spin after a hang-up: so
 * only its handle is used here.  The rest is opened plainly.
 */
#ifndef EPI_TAP_PORT_H
#define EPI_TAP_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct sp_port;

enum port_kind {
	PORT_FILE,     /* a regular file: a recording, its arrival says nothing */
	PORT_PIPE,     /* a FIFO, a pipe, standard input: live, one way */
	PORT_TERMINAL, /* a pseudo-terminal, in raw mode */
	PORT_SERIAL    /* a real port */
};

struct port {
	const char *name;
	enum port_kind kind;
	int fd; /* -1: closed */
	struct sp_port *serial;
	struct termios before; /* of a PORT_TERMINAL, put back at the end */
};

enum { PORT_END = 0, PORT_NOTHING = -1, PORT_FAILED = -2, PORT_HANGUP = -3 };

/*
 * Opens an operand, "-" being standard input, which is never changed; no open
 * waits for a FIFO's writer.  False: said, status 1.
 */
bool port_open(struct port *port, const char *operand, int baud);

/* Whether the meter at the other end can be spoken to. */
bool port_talks(const struct port *port);

/* Sends a few bytes; what cannot go out at once is dropped. */
void port_send(const struct port *port, const char *bytes, size_t length);

/*
 * One read after poll(2) told of something (`hung`: POLLHUP among it): the
 * count of bytes, or PORT_END (an orderly end), PORT_NOTHING, PORT_HANGUP (a
 * line that broke), PORT_FAILED (said, status 1).
 */
long port_read(struct port *port, char *bytes, size_t room, bool hung);

void port_close(struct port *port);

#endif
