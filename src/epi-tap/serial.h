/*
 * serial: what libserialport knows of the ports of this machine.
 */
#ifndef EPI_TAP_SERIAL_H
#define EPI_TAP_SERIAL_H

#include <libserialport.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The port of an operand: a path, through links such as those of
 * /dev/serial/by-id, or "usb:SERIAL".  NULL: the library knows none.  Freed by
 * sp_free_port.
 */
struct sp_port *serial_find(const char *operand);

bool serial_is_usb(const char *operand);

/* Opens it, and sets speed, 8 data bits, no parity, one stop bit, no flow
 * control; what came before is thrown away.  *fd is the port's; its errno
 * value, or -1 with `text` saying why. */
int serial_open(struct sp_port *port, int *fd);
int serial_set(struct sp_port *port, int baud);

/* "there is /dev/ttyACM0 (Pico), ..." or "there are none". */
void serial_describe(char *text, size_t room);

#endif
