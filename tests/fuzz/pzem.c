/*
 * Any bytes as what comes back on a line of PZEM-004T, to a question, unasked
 * and over reconnections, as they are or with the checksum that they should
 * have, through libmodbus: nothing crashes or waits, and for every address
 * samples and lost are the rounds there were.  Or as the answers to
 * --set-address: an address is only taken where it was read back.
 *
 * The first byte: bit 7 for --set-address, else the count of addresses.  Then
 * steps, of a byte of time, a byte of what, and up to 63 bytes that come.
 */
/* link: -lmodbus */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "report.h"
#include "stream.h"

/* A million complaints are no finding. */
static void
ignore(const char *format, ...)
{
	(void)format;
}
#define report_error ignore
#define report_warning ignore

#include "epi-tap/align.c"
#include "epi-tap/check.c"
#include "epi-tap/record.c"
#include "epi-tap/registers.c"

static int64_t fuzz_ns;
#define clock_steady() fuzz_ns
#define put_decimal pzem_put_decimal
#define put_nodes pzem_put_nodes
#define put_class pzem_put_class
#include "epi-tap/pzem.c"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tap_options tap_options;
static int ends[2];

bool
tap_inverted(const char *node)
{
	return !node;
}

long
port_read(struct port *port, char *bytes, size_t room, bool hung)
{
	ssize_t n = recv(port->fd, bytes, room, MSG_DONTWAIT);

	return n > 0 ? n : hung ? PORT_HANGUP : PORT_NOTHING;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	return null < 0 || dup2(null, STDOUT_FILENO) < 0 ? abort(), 1 : 0;
}

/* A line on which these bytes wait, and the end behind them, so that nobody
 * waits for more. */
static void
lay(const uint8_t *bytes, size_t length)
{
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0 ||
	    write(ends[1], bytes, length) != (ssize_t)length ||
	    shutdown(ends[1], SHUT_WR) < 0)
		abort();
}

static void
lift(void)
{
	close(ends[0]);
	close(ends[1]);
}

static void
seal(uint8_t *bytes, size_t length)
{
	unsigned crc = 0xFFFF;

	for (size_t i = 0; i < length; i++) {
		crc ^= bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
	}
	bytes[length] = (uint8_t)crc;
	bytes[length + 1] = (uint8_t)(crc >> 8);
}

static struct moment
at(void)
{
	return (struct moment){ .steady_ns = fuzz_ns,
		.ns = INT64_C(1700000000000000000) + fuzz_ns };
}

static void
check_account(const struct pzem *pzem)
{
	static uint64_t from;
	uint64_t rounds;

	if (!pzem->started) {
		from = pzem->round;
		return;
	}
	rounds = pzem->round - from;
	if (pzem->samples + pzem->lost != rounds * pzem->count + pzem->next)
		abort();
}

/* An answer to the question that was asked, or anything. */
static void
step(struct device *device, uint8_t what, uint8_t *bytes, size_t length)
{
	struct pzem *pzem = device->state;
	bool plugged = what & 0x80;

	if (what & 0x40) {
		seal(bytes, length);
		length += 2;
	}
	lift();
	lay(bytes, length);
	device->port.fd = ends[0];
	if (plugged) {
		away(device, at());
		open_line(device, at());
	}
	modbus_set_socket(pzem->modbus, ends[0]);
	check_account(pzem);
	for (int i = 0; i < 8; i++)
		read_line(device, false, at());
	check_account(pzem);
}

static void
listen_to(const uint8_t *data, size_t size, size_t count)
{
	struct device device = { .instrument = &pzem_instrument,
		.port = { .name = "fuzz", .kind = PORT_TERMINAL, .baud = 9600 } };
	char *names[] = { "a", "b", "c", "d", NULL };
	uint8_t bytes[66];

	names[count] = NULL;
	device.names = names;
	device.state = create(&device);
	lay(NULL, 0);
	device.port.fd = ends[0];
	open_line(&device, at());
	while (size > 2 && !device.refused) {
		size_t length = data[1] & 63;

		fuzz_ns += (int64_t)data[0] * data[0] * 100000;
		turn(&device, at());
		length = length < size - 2 ? length : size - 2;
		memcpy(bytes, data + 2, length);
		step(&device, data[1], bytes, length);
		data += 2 + length;
		size -= 2 + length;
	}
	if (size > 1)
		away(&device, at());
	fuzz_ns += size ? CLOCK_SECOND * 3 : 0;
	end(&device, "end", at());
	check_account(device.state);
	destroy(&device);
}

static void
set_to(const uint8_t *data, size_t size, int address)
{
	uint8_t bytes[4096 + 2];
	char why[REGISTERS_WHY];
	modbus_t *modbus;
	int before;

	if (size > 4096)
		return;
	memcpy(bytes, data, size);
	seal(bytes, size);
	lay(bytes, size + 2);
	modbus = registers_open("fuzz", ends[0], 9600, 1000);
	if (registers_set_address(modbus, address, &before, why) && size < 12)
		abort();
	registers_close(modbus);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	fuzz_ns = CLOCK_SECOND;
	if (*data & 0x80)
		set_to(data + 1, size - 1, *data & 0x7F ? *data & 0x7F : 1);
	else
		listen_to(data + 1, size - 1, 1 + *data % 4);
	lift();
	stream_flush();
	return 0;
}
