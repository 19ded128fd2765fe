#define _XOPEN_SOURCE 700 /* where the C library keeps realpath(3) */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-tap/port.h"
#include "epi-tap/serial.h"
#include "report.h"
#include "stream.h"
#include "write.h"

static const char usb[] = "usb:";

bool
serial_is_usb(const char *operand)
{
	return strncmp(operand, usb, sizeof usb - 1) == 0;
}

static struct sp_port *
find_usb(const char *number)
{
	struct sp_port **ports, *found = NULL;

	if (sp_list_ports(&ports) != SP_OK)
		return NULL;
	for (size_t i = 0; ports[i] && !found; i++) {
		const char *has = sp_get_port_usb_serial(ports[i]);

		if (has && strcmp(has, number) == 0 &&
		    sp_copy_port(ports[i], &found) != SP_OK)
			found = NULL;
	}
	sp_free_port_list(ports);
	return found;
}

struct sp_port *
serial_find(const char *operand)
{
	struct sp_port *port = NULL;
	char *path;

	if (serial_is_usb(operand))
		return find_usb(operand + sizeof usb - 1);
	path = realpath(operand, NULL);
	if (!path || sp_get_port_by_name(path, &port) != SP_OK)
		port = NULL;
	free(path);
	return port;
}

/* The library keeps errno for SP_ERR_FAIL alone. */
static int
error(enum sp_return result)
{
	switch (result) {
	case SP_OK:
		return 0;
	case SP_ERR_FAIL:
		return sp_last_error_code() ? sp_last_error_code() : EIO;
	case SP_ERR_MEM:
		return ENOMEM;
	default:
		return EINVAL;
	}
}

int
serial_open(struct sp_port *port, int *fd)
{
	enum sp_return result = sp_open(port, SP_MODE_READ_WRITE);

	if (result == SP_OK)
		result = sp_get_port_handle(port, fd);
	return error(result);
}

int
serial_set(struct sp_port *port, int baud)
{
	enum sp_return result = sp_set_baudrate(port, baud);

	if (result == SP_OK)
		result = sp_set_bits(port, 8);
	if (result == SP_OK)
		result = sp_set_parity(port, SP_PARITY_NONE);
	if (result == SP_OK)
		result = sp_set_stopbits(port, 1);
	if (result == SP_OK)
		result = sp_set_flowcontrol(port, SP_FLOWCONTROL_NONE);
	/* What came before is older than its arrival would say. */
	if (result == SP_OK)
		result = sp_flush(port, SP_BUF_INPUT);
	return error(result);
}

void
serial_describe(char *text, size_t room)
{
	struct sp_port **ports;
	size_t used = 0;

	snprintf(text, room, "there are none");
	if (sp_list_ports(&ports) != SP_OK)
		return;
	for (size_t i = 0; ports[i] && used < room; i++) {
		const char *what = sp_get_port_description(ports[i]);

		used += (size_t)snprintf(text + used, room - used,
		    "%s%s%s%s%s", used ? ", " : "there is ",
		    sp_get_port_name(ports[i]), what ? " (" : "",
		    what ? what : "", what ? ")" : "");
	}
	sp_free_port_list(ports);
}

/* A device's words are its own: no control byte of them goes out. */
static void
put(const char *text, char behind)
{
	size_t length = text ? strlen(text) : 0;
	char *at = stream_room(length + 2);

	for (size_t i = 0; i < length; i++)
		*at++ = text[i];
	for (char *byte = at - length; byte < at; byte++)
		if ((unsigned char)*byte < ' ' || *byte == 127)
			*byte = '?';
	if (length == 0)
		*at++ = '-';
	*at++ = behind;
	stream_wrote(at);
}

static void
list_port(const struct sp_port *port)
{
	const char *number = sp_get_port_usb_serial(port);
	char name[256] = "", ids[16] = "";
	int vendor, product;

	if (number)
		snprintf(name, sizeof name, "%s%s", usb, number);
	if (sp_get_port_usb_vid_pid(port, &vendor, &product) == SP_OK)
		snprintf(ids, sizeof ids, "%04x:%04x", (unsigned)vendor,
		    (unsigned)product);
	put(sp_get_port_name(port), '\t');
	put(name, '\t');
	put(ids, '\t');
	put(sp_get_port_description(port), '\n');
	stream_record();
}

bool
port_list(void)
{
	struct sp_port **ports;
	enum sp_return result = sp_list_ports(&ports);

	if (result != SP_OK) {
		report_error("no list of ports: %s", strerror(error(result)));
		return false;
	}
	for (size_t i = 0; ports[i]; i++)
		list_port(ports[i]);
	sp_free_port_list(ports);
	return true;
}
