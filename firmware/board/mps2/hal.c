/*
 * The port to QEMU's mps2-an505, a Cortex-M33 as the RP2350's.  Its SPI has no
 * ICs: the models of sim/ take their place.  It ends itself after a minute.
 */
#include "hal.h"

#include <stdbool.h>

#include "board.h"
#include "cortex.h"
#include "meter.h"
#include "model.h"
#include "mps2.h"

enum { END_US = 60250000, QUEUE = 1024 };

static struct model models[FRAME_CHANNELS];

static void
read_load(void *state, unsigned channel, uint64_t time_us,
    struct model_reading *reading)
{
	(void)state;
	(void)time_us;
	*reading = (struct model_reading){
		.power_uw = 5000000 + 1000000 * (int64_t)channel,
		.reactive_uvar = -1000000, .current_ua = 43478,
		.power_factor_milli = 500, .voltage_mv = 230000,
		.frequency_millihertz = 50000
	};
}

static int64_t
read_energy(void *state, unsigned channel, uint64_t time_us)
{
	(void)state;
	return (int64_t)time_us * (5000 + 1000 * (int64_t)channel);
}

static const struct model_source source = { NULL, read_load, read_energy };

void
board_start(void)
{
	mmio_put(TIMER0 + CMSDK_TIMER_RELOAD, UINT32_MAX);
	mmio_put(TIMER0 + CMSDK_TIMER_VALUE, UINT32_MAX);
	mmio_put(TIMER0 + CMSDK_TIMER_CTRL, CMSDK_TIMER_ENABLE);
	mmio_put(UART0 + CMSDK_UART_BAUDDIV, SYS_MHZ * 1000000 / METER_BAUD);
	mmio_put(UART0 + CMSDK_UART_CTRL, CMSDK_UART_TXEN);
	for (unsigned c = 0; c < FRAME_CHANNELS; c++)
		model_start(&models[c], &source, c, 100);
}

/* The timer's 32 bits last 214 s; someone always asks before. */
uint64_t
hal_time_us(void)
{
	static uint32_t before;
	static uint64_t cycles;
	uint32_t now = UINT32_MAX - mmio_get(TIMER0 + CMSDK_TIMER_VALUE);

	cycles += now - before;
	before = now;
	return cycles / SYS_MHZ;
}

void
board_timer_irq(void)
{
}

void
board_uart_irq(void)
{
}

/* Semihosting: SYS_EXIT, ADP_Stopped_ApplicationExit. */
static void
leave(void)
{
	register uint32_t call __asm("r0") = 0x18;
	register uint32_t why __asm("r1") = 0x20026;

	__asm volatile ("bkpt 0xAB" : : "r"(call), "r"(why) : "memory");
}

/*
 * Time under QEMU's -icount is instructions: it is spent, not slept.  (With
 * sleep=off a WFI overshoots its alarm by up to 17 ms, QEMU 7.2.)  The timer is
 * asked every hundred turns, since each asking costs the emulator a microsecond.
 */
static void
sleep_us(uint64_t us)
{
	uint64_t until = hal_time_us() + us;

	while (hal_time_us() < until)
		for (int i = 0; i < 100; i++)
			__asm volatile ("");
}

void
hal_sleep_until(uint64_t time_us)
{
	uint64_t now = hal_time_us();

	if (now > END_US)
		leave();
	if (time_us > now + 1)
		sleep_us(time_us - now);
}

void
hal_spi_setup(unsigned mode, uint32_t hz)
{
	(void)mode;
	(void)hz;
}

/* 24 clocks of 125 kHz and the select. */
void
hal_spi_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	model_transfer(&models[channel], out, in, count, hal_time_us());
	sleep_us(202);
}

/* QEMU's UART is instant: the wire's time is kept here. */
static uint64_t wire_us;

size_t
hal_uart_pending(void)
{
	uint64_t now = hal_time_us();

	return wire_us > now ?
	    (size_t)((wire_us - now) * METER_BAUD / 10000000 + 1) : 0;
}

size_t
hal_uart_room(void)
{
	size_t pending = hal_uart_pending();

	return pending < QUEUE ? QUEUE - pending : 0;
}

void
hal_uart_write(const char *bytes, size_t count)
{
	uint64_t now = hal_time_us();

	wire_us = (wire_us > now ? wire_us : now) +
	    (uint64_t)count * 10000000 / METER_BAUD;
	for (size_t i = 0; i < count; i++) {
		while (mmio_get(UART0 + CMSDK_UART_STATE) & CMSDK_UART_TXFULL)
			;
		mmio_put(UART0 + CMSDK_UART_DATA, (uint8_t)bytes[i]);
	}
}

int
hal_uart_read(uint64_t *time_us)
{
	(void)time_us;
	return -1;
}

void
hal_watchdog_feed(void)
{
}

void
hal_reset(void)
{
	leave();
}

const char *
hal_reset_cause(void)
{
	return "power";
}

const char *
hal_chip(void)
{
	return CHIP_NAME;
}

uint64_t
hal_unique_id(void)
{
	return 0;
}
