#include "host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hal.h"

struct host host;

/* Clocks: true time since the begin, the device's since boot with its drift. */

enum { MILLION = 1000000 };

/* Whatever the span and the drift, a microsecond on is never one back. */
static int64_t
share(int64_t us, int64_t part, int64_t whole)
{
	return us / whole * part + us % whole * part / whole;
}

static uint64_t
device_us(uint64_t true_us)
{
	int64_t span = (int64_t)(true_us - host.boot_us);

	return (uint64_t)(span + share(span, host.config.drift_ppm, MILLION));
}

/* The first true time at which the device's clock shows at least that. */
static uint64_t
true_time(uint64_t device)
{
	uint64_t guess = host.boot_us + (uint64_t)share((int64_t)device, MILLION,
	    MILLION + host.config.drift_ppm);

	while (guess > host.boot_us && device_us(guess) > device)
		guess--;
	while (device_us(guess) < device)
		guess++;
	return guess;
}

static uint64_t
elapsed_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)((now.tv_sec * INT64_C(1000000000) + now.tv_nsec -
	    host.begin_ns) / 1000);
}

/* The wire. */

static void
deliver(void)
{
	if (wire_replugged(&host.wire, host.true_us, host.config.write))
		host.config.plug(true);
	wire_deliver(&host.wire, host.true_us, host.config.write);
}

void
host_unplug(uint64_t us)
{
	bool out = host.wire.unplugged;

	wire_unplug(&host.wire, host.true_us, us, host.config.write);
	if (!out)
		host.config.plug(false);
}

size_t
hal_uart_pending(void)
{
	return wire_pending(&host.wire, host.true_us);
}

size_t
hal_uart_room(void)
{
	return wire_room(&host.wire, host.true_us);
}

void
hal_uart_write(const char *bytes, size_t count)
{
	wire_write(&host.wire, bytes, count, host.true_us);
	deliver();
}

/* However much a pseudo-terminal holds, the wire has its pace. */
static int
read_input(uint64_t *time_us)
{
	unsigned char byte;

	if (host.config.input < 0 || host.input_us > host.true_us ||
	    read(host.config.input, &byte, 1) != 1)
		return -1;
	if (!host.config.fast && elapsed_us() > host.true_us)
		host.true_us = elapsed_us();
	host.input_us = host.true_us + 10000000 / METER_BAUD;
	*time_us = device_us(host.true_us);
	return byte;
}

int
hal_uart_read(uint64_t *time_us)
{
	uint64_t came_us;
	int recorded = wire_read(&host.wire, host.true_us, &came_us);

	if (recorded < 0)
		return read_input(time_us);
	*time_us = device_us(came_us);
	return recorded;
}

/* Time passes. */

uint64_t
hal_time_us(void)
{
	return device_us(host.true_us);
}

bool
host_readable(int fd)
{
	struct pollfd ask = { fd, POLLIN, 0 };

	return poll(&ask, 1, 0) > 0;
}

/* A pseudo-terminal that nobody has open would end every sleep at once. */
static int
listening(int fd)
{
	struct pollfd ask = { fd, POLLIN, 0 };

	return poll(&ask, 1, 0) > 0 && ask.revents & POLLHUP ? -1 : fd;
}

/* Until that true time, or a byte comes, or a signal. */
static void
pause_until(uint64_t true_us)
{
	struct pollfd wait[2] = {
		{ listening(host.config.input), POLLIN, 0 },
		{ host.config.waker, POLLIN, 0 }
	};
	uint64_t now = elapsed_us();

	if (now >= true_us) {
		host.true_us = true_us;
		return;
	}
	host.config.flush();
	int64_t left_ns = (int64_t)(true_us - now) * 1000;
	if (left_ns < 2000000) {
		struct timespec left = { 0, (long)left_ns };

		nanosleep(&left, NULL);
		host.true_us = true_us;
		return;
	}
	int ready = poll(wait, 2, (int)(left_ns / 1000000));
	now = elapsed_us();
	if (ready == 0 && now < true_us)
		return; /* the rest is under a millisecond: the caller comes again */
	if (now > host.true_us)
		host.true_us = now < true_us ? now : true_us;
}

void
hal_sleep_until(uint64_t time_us)
{
	uint64_t until = true_time(time_us);

	if (until > host.wake_us)
		until = host.wake_us;
	if (host.input_us > host.true_us && until > host.input_us)
		until = host.input_us;
	if (wire_next_us(&host.wire, host.true_us) < until)
		until = wire_next_us(&host.wire, host.true_us);
	if (until > host.true_us) {
		if (host.config.fast)
			host.true_us = until;
		else
			pause_until(until);
	}
	deliver();
}

/* The SPI: the models, 10 us for the select, then a clock a bit. */

static uint32_t spi_hz;

void
hal_spi_setup(unsigned mode, uint32_t hz)
{
	(void)mode;
	spi_hz = hz;
}

void
hal_spi_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	model_transfer(&host.models[channel], out, in, count, host.true_us);
	host.true_us += 10 + count * 8000000 / spi_hz;
}

void
hal_watchdog_feed(void)
{
}

void
hal_reset(void)
{
	host.reset_asked = true;
}

const char *
hal_reset_cause(void)
{
	return host.cause;
}

const char *
hal_chip(void)
{
	return "host";
}

uint64_t
hal_unique_id(void)
{
	return UINT64_C(0xE510000000000000) + (host.config.board_given ?
	    host.config.board : host.config.load.seed);
}

/* The books. */

static const struct model_source source = {
	&host.load, load_read, load_measured_nj
};

/* A mean begins where sampling begins. */
static void
begin_means(void)
{
	for (unsigned c = 0; c < host.config.meter.channels; c++)
		load_mean_from(&host.load, c, host.true_us);
}

void
host_boot(const char *cause)
{
	host.cause = cause;
	host.boot_us = host.true_us;
	host.boots++;
	wire_reset(&host.wire);
	host.wake_us = UINT64_MAX;
	host.reset_asked = false;
	meter_start(&host.meter, &host.config.meter);
	begin_means();
}

void
host_start(const struct host_config *config)
{
	host.config = *config;
	load_start(&host.load, &config->load);
	wire_start(&host.wire, &config->wire);
	for (unsigned c = 0; c < config->meter.channels; c++)
		model_start(&host.models[c], &source, c, 100);
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	host.begin_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint64_t
delay_us(void)
{
	const struct meter_config *meter = &host.config.meter;

	if (meter->averaging_us || meter->delay_us)
		return meter->delay_us;
	return 500000 / host.meter.rate_hz;
}

static void
keep_truth(uint64_t sample_us)
{
	int64_t delay = (int64_t)delay_us();
	int64_t centre = (int64_t)true_time(sample_us) -
	    (delay - delay * host.config.drift_ppm / 1000000);

	for (unsigned c = 0; c < host.config.meter.channels; c++) {
		host.last_nj[c] = load_energy_nj(&host.load, c, centre);
		host.last_counted_nj[c] = load_energy_nj(&host.load, c,
		    (int64_t)host.models[c].energy_read_us);
	}
	if (host.config.sampled)
		host.config.sampled(centre);
	if (host.samples++)
		return;
	memcpy(host.first_nj, host.last_nj, sizeof host.first_nj);
	memcpy(host.first_counted_nj, host.last_counted_nj,
	    sizeof host.first_counted_nj);
}

void
host_turn(void)
{
	uint64_t before = host.meter.sample.time_us;

	meter_turn(&host.meter);
	if (host.meter.sample.time_us != before)
		keep_truth(host.meter.sample.time_us);
	if (host.reset_asked)
		host_boot("command");
}

static int64_t
microjoules(int64_t from_nj, int64_t to_nj)
{
	return (to_nj - from_nj + 500) / 1000;
}

void
host_end(const char *reason)
{
	struct frame_end end = { .has = FRAME_END_TRUTH | FRAME_END_COUNTED };
	char line[FRAME_LINE_MAX];

	wire_finish(&host.wire, host.config.write);
	for (size_t i = 0; reason[i]; i++)
		end.reason[i] = reason[i];
	end.samples = host.samples;
	end.time_us = host.meter.sample.time_us;
	end.dropped = host.meter.dropped;
	end.values_count = host.config.meter.channels;
	for (unsigned c = 0; c < end.values_count; c++) {
		end.truth_uj[c] = microjoules(host.first_nj[c], host.last_nj[c]);
		end.counted_uj[c] = microjoules(host.first_counted_nj[c],
		    host.last_counted_nj[c]);
	}
	wire_last(&host.wire, line, frame_format_end(&end, line, sizeof line),
	    host.config.write);
	host.config.flush();
}
