/*
 * For LD_PRELOAD in tests: a machine with serial ports, which the real
 * libserialport cannot have here.  EPI_SERIAL lists them, separated by ';':
 * path, description, USB ids in decimal and serial number, separated by ','.
 * A path is a pseudo-terminal, opened as the library would.  While the file
 * EPI_STEP is there, the machine's clock is 5 s ahead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct sp_port {
	char name[256], description[256], number[64];
	int vendor, product, fd;
};

static int last_error;

int
clock_gettime(clockid_t id, struct timespec *now)
{
	const char *step = getenv("EPI_STEP");
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (id == CLOCK_REALTIME && step && access(step, F_OK) == 0)
		now->tv_sec += 5;
	return result;
}

enum sp_return
sp_list_ports(struct sp_port ***list)
{
	const char *at = getenv("EPI_SERIAL");
	size_t count = 0;

	*list = calloc(16, sizeof **list);
	while (at && *at && count < 15) {
		struct sp_port *port = calloc(1, sizeof *port);

		if (sscanf(at, "%255[^,],%255[^,],%d,%d,%63[^;]", port->name,
		    port->description, &port->vendor, &port->product,
		    port->number) < 1)
			abort();
		(*list)[count++] = port;
		at = strchr(at, ';');
		at += at != NULL;
	}
	return SP_OK;
}

void
sp_free_port_list(struct sp_port **list)
{
	for (size_t i = 0; list[i]; i++)
		free(list[i]);
	free(list);
}

enum sp_return
sp_copy_port(const struct sp_port *port, struct sp_port **copy)
{
	*copy = malloc(sizeof **copy);
	**copy = *port;
	return SP_OK;
}

enum sp_return
sp_get_port_by_name(const char *name, struct sp_port **found)
{
	struct sp_port **list;

	sp_list_ports(&list);
	*found = NULL;
	for (size_t i = 0; list[i] && !*found; i++)
		if (strcmp(list[i]->name, name) == 0)
			sp_copy_port(list[i], found);
	sp_free_port_list(list);
	return *found ? SP_OK : SP_ERR_ARG;
}

enum sp_return
sp_open(struct sp_port *port, enum sp_mode mode)
{
	(void)mode;
	port->fd = open(port->name, O_RDWR | O_NONBLOCK | O_NOCTTY);
	last_error = errno;
	return port->fd < 0 ? SP_ERR_FAIL : SP_OK;
}

enum sp_return
sp_get_port_handle(const struct sp_port *port, void *handle)
{
	*(int *)handle = port->fd;
	return SP_OK;
}

enum sp_return
sp_close(struct sp_port *port)
{
	close(port->fd);
	return SP_OK;
}

void
sp_free_port(struct sp_port *port)
{
	free(port);
}

char *
sp_get_port_name(const struct sp_port *port)
{
	return (char *)(size_t)port->name;
}

char *
sp_get_port_description(const struct sp_port *port)
{
	return *port->description ? (char *)(size_t)port->description : NULL;
}

char *
sp_get_port_usb_serial(const struct sp_port *port)
{
	return *port->number ? (char *)(size_t)port->number : NULL;
}

enum sp_return
sp_get_port_usb_vid_pid(const struct sp_port *port, int *vendor, int *product)
{
	*vendor = port->vendor;
	*product = port->product;
	return port->vendor ? SP_OK : SP_ERR_SUPP;
}

int
sp_last_error_code(void)
{
	return last_error;
}

/* What was set stands in the file "set". */
static enum sp_return
set(const char *what, int value)
{
	FILE *file = fopen("set", "a");

	fprintf(file, "%s %d\n", what, value);
	return fclose(file) == 0 ? SP_OK : SP_ERR_FAIL;
}

enum sp_return
sp_set_baudrate(struct sp_port *port, int baud)
{
	(void)port;
	return set("baud", baud);
}

enum sp_return
sp_set_bits(struct sp_port *port, int bits)
{
	(void)port;
	return set("bits", bits);
}

enum sp_return
sp_set_parity(struct sp_port *port, enum sp_parity parity)
{
	(void)port;
	return set("parity", parity == SP_PARITY_NONE ? 0 : 1);
}

enum sp_return
sp_set_stopbits(struct sp_port *port, int bits)
{
	(void)port;
	return set("stop", bits);
}

enum sp_return
sp_set_flowcontrol(struct sp_port *port, enum sp_flowcontrol flow)
{
	(void)port;
	return set("flow", flow == SP_FLOWCONTROL_NONE ? 0 : 1);
}

enum sp_return
sp_flush(struct sp_port *port, enum sp_buffer buffers)
{
	(void)port;
	return set("flush", buffers == SP_BUF_INPUT);
}
