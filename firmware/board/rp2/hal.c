/*
 * The port to the RP2040 and the RP2350: one source, the differences are in
 * chip/rp2040.h and chip/rp2350.h.
 */
#include "hal.h"

#include <stdbool.h>

#include "board.h"
#include "cortex.h"
#include "meter.h"
#include "pins.h"
#include "pl011.h"
#include "pl022.h"
#include "rp2.h"

static const uint8_t selects[FRAME_CHANNELS] = PINS_SELECT;

/* Clocks and pins. */

/* Everything here is up within microseconds, the crystal within 4 ms. */
static void
wait_for(uint32_t address, uint32_t bits)
{
	while ((mmio_get(address) & bits) != bits)
		;
}

static void
unreset(uint32_t bits)
{
	mmio_clear(RESETS + RESETS_RESET, bits);
	wait_for(RESETS + RESETS_DONE, bits);
}

static void
start_crystal(void)
{
	mmio_put(XOSC + XOSC_CTRL, XOSC_1_15MHZ);
	mmio_put(XOSC + XOSC_STARTUP, 196); /* of 256 cycles: 4 ms */
	mmio_set(XOSC + XOSC_CTRL, XOSC_ENABLE);
	wait_for(XOSC + XOSC_STATUS, XOSC_STABLE);
	mmio_put(CLOCKS + CLK_REF_CTRL, CLK_REF_XOSC);
	wait_for(CLOCKS + CLK_REF_SELECTED, 1U << CLK_REF_XOSC);
}

static void
start_pll(void)
{
	mmio_clear(CLOCKS + CLK_SYS_CTRL, CLK_SYS_AUX);
	wait_for(CLOCKS + CLK_SYS_SELECTED, 1);
	mmio_set(RESETS + RESETS_RESET, RESET_PLL_SYS);
	unreset(RESET_PLL_SYS);
	mmio_put(PLL_SYS + PLL_CS, 1);
	mmio_put(PLL_SYS + PLL_FBDIV_INT, 1500 / XOSC_MHZ);
	mmio_clear(PLL_SYS + PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
	wait_for(PLL_SYS + PLL_CS, PLL_LOCK);
	mmio_put(PLL_SYS + PLL_PRIM, PLL_POSTDIV);
	mmio_clear(PLL_SYS + PLL_PWR, PLL_PWR_POSTDIVPD);
	mmio_put(CLOCKS + CLK_SYS_CTRL, 0);
	mmio_put(CLOCKS + CLK_SYS_CTRL, CLK_SYS_AUX); /* its aux is this PLL */
	wait_for(CLOCKS + CLK_SYS_SELECTED, 1U << CLK_SYS_AUX);
	mmio_put(CLOCKS + CLK_PERI_CTRL, CLK_PERI_ENABLE);
}

/* A tick a microsecond for the timer and the watchdog. */
static void
start_ticks(void)
{
#ifdef CHIP_RP2040
	mmio_put(WATCHDOG + WATCHDOG_TICK, WATCHDOG_TICK_ENABLE | XOSC_MHZ);
#else
	mmio_put(TICKS + TICKS_TIMER0_CYCLES, XOSC_MHZ);
	mmio_put(TICKS + TICKS_TIMER0_CTRL, 1);
	mmio_put(TICKS + TICKS_WATCHDOG_CYCLES, XOSC_MHZ);
	mmio_put(TICKS + TICKS_WATCHDOG_CTRL, 1);
#endif
}

/* The isolation latch of the RP2350 goes last: until then the pad keeps its
 * state, and no glitch reaches the wire. */
static void
set_pin(unsigned pin, unsigned function, uint32_t pad)
{
	uint32_t at = PADS_BANK0 + 4 + 4 * pin;

	mmio_put(at, pad | PAD_ISO);
	mmio_put(IO_BANK0 + 8 * pin + 4, function);
	mmio_clear(at, PAD_ISO);
}

static void
start_pins(void)
{
	uint32_t in = PAD_INPUT | PAD_SCHMITT | PAD_PULL_UP;
	uint32_t out = PAD_INPUT | PAD_SCHMITT | PAD_4MA;

	set_pin(PIN_UART_TX, FUNCTION_UART, out);
	set_pin(PIN_UART_RX, FUNCTION_UART, in);
	set_pin(PIN_MISO, FUNCTION_SPI, in); /* RP2350-E9: no pull-down */
	set_pin(PIN_SCK, FUNCTION_SPI, out);
	set_pin(PIN_MOSI, FUNCTION_SPI, out);
	for (unsigned c = 0; c < FRAME_CHANNELS; c++) {
		mmio_put(SIO_OUT_SET, 1U << selects[c]);
		mmio_put(SIO_OE_SET, 1U << selects[c]);
		set_pin(selects[c], FUNCTION_SIO, out);
	}
}

static void
start_uart(void)
{
	uint32_t divisor = (SYS_HZ * 4 + METER_BAUD / 2) / METER_BAUD;

	mmio_put(UART0 + UART_IBRD, divisor >> 6);
	mmio_put(UART0 + UART_FBRD, divisor & 63);
	mmio_put(UART0 + UART_LCR_H, UART_LCR_H_8BIT | UART_LCR_H_FEN);
	mmio_put(UART0 + UART_IFLS, 0); /* receive: an eighth, 4 bytes */
	mmio_put(UART0 + UART_IMSC, UART_INT_RX | UART_INT_RT);
	mmio_put(UART0 + UART_CR, UART_CR_ENABLE | UART_CR_TXE | UART_CR_RXE);
}

static const char *reset_cause;

static void
find_cause(void)
{
	uint32_t reason = mmio_get(WATCHDOG + WATCHDOG_REASON);
	uint32_t chip = mmio_get(CHIP_RESET);

	if (reason & WATCHDOG_REASON_TIMER)
		reset_cause = "watchdog";
	else if (reason & WATCHDOG_REASON_FORCE)
		reset_cause = "command";
	else if (chip & CHIP_RESET_RUN)
		reset_cause = "run";
	else if (chip & CHIP_RESET_POWER)
		reset_cause = "power";
	else
		reset_cause = "unknown";
}

void
board_start(void)
{
	find_cause();
	unreset(RESET_IO_BANK0 | RESET_PADS_BANK0);
	start_crystal();
	start_pll();
	start_ticks();
	unreset(RESET_TIMER | RESET_UART0 | RESET_SPI0);
	start_uart();
	start_pins();
	mmio_put(TIMER + TIMER_INTE, 1);
	cortex_enable(IRQ_TIMER);
	cortex_enable(IRQ_UART0);
	cortex_release();
}

/* Time. */

/* The raw halves: the latching pair would be shared with the interrupt. */
uint64_t
hal_time_us(void)
{
	uint32_t high, low, again = mmio_get(TIMER + TIMER_RAWH);

	do {
		high = again;
		low = mmio_get(TIMER + TIMER_RAWL);
		again = mmio_get(TIMER + TIMER_RAWH);
	} while (again != high);
	return (uint64_t)high << 32 | low;
}

void
board_timer_irq(void)
{
	mmio_put(TIMER + TIMER_INTR, 1);
}

/* The UART. */

enum { OUT_RING = 1024, IN_RING = 128 };

static char out_ring[OUT_RING];
static uint32_t out_put, out_got;
static uint64_t free_us;   /* when all of it is on the wire */

static struct {
	uint8_t byte;
	bool behind_lost;      /* bytes before it found no room */
	uint32_t time_us;      /* low half: a byte is not kept for an hour */
} in_ring[IN_RING];
static volatile uint32_t in_put, in_got;

/* A rest interrupt comes 32 bit times after the last byte. */
void
board_uart_irq(void)
{
	static bool lost;
	uint32_t why = mmio_get(UART0 + UART_MIS);
	uint32_t now = (uint32_t)hal_time_us();

	if ((why & (UART_INT_RX | UART_INT_RT)) == UART_INT_RT)
		now -= UART_REST_BITS * 1000000U / METER_BAUD;
	mmio_put(UART0 + UART_ICR, why);
	while (!(mmio_get(UART0 + UART_FR) & UART_FR_RXFE)) {
		uint32_t data = mmio_get(UART0 + UART_DR);

		if (in_put - in_got == IN_RING) {
			lost = true;
			continue;
		}
		in_ring[in_put % IN_RING].behind_lost = lost;
		lost = false;
		/* A byte with an error spoils its line. */
		in_ring[in_put % IN_RING].byte =
		    data & UART_DR_ERRORS ? 0 : (uint8_t)data;
		in_ring[in_put % IN_RING].time_us = now;
		in_put = in_put + 1;
	}
}

/* The transmitter's FIFO holds 32 bytes, 2.8 ms; it is filled up whenever time
 * passes, so that it needs no interrupt. */
static void
pump(void)
{
	while (out_got != out_put &&
	    !(mmio_get(UART0 + UART_FR) & UART_FR_TXFF))
		mmio_put(UART0 + UART_DR,
		    (uint8_t)out_ring[out_got++ % OUT_RING]);
}

size_t
hal_uart_room(void)
{
	return OUT_RING - (out_put - out_got);
}

/* How full the FIFO is, the PL011 does not tell; the wire's pace does. */
size_t
hal_uart_pending(void)
{
	uint32_t flags = mmio_get(UART0 + UART_FR);
	uint64_t now = hal_time_us();

	if (flags & UART_FR_TXFE && !(flags & UART_FR_BUSY) &&
	    out_put == out_got)
		return 0;
	return now < free_us ?
	    (size_t)((free_us - now) * METER_BAUD / 10000000 + 1) : 1;
}

void
hal_uart_write(const char *bytes, size_t count)
{
	uint64_t now = hal_time_us();

	free_us = (now < free_us ? free_us : now) +
	    (uint64_t)count * 10000000 / METER_BAUD;
	for (size_t i = 0; i < count; i++)
		out_ring[out_put++ % OUT_RING] = bytes[i];
	pump();
}

/* The time is asked for after the byte is seen: it came before. */
int
hal_uart_read(uint64_t *time_us)
{
	if (in_got == in_put)
		return -1;
	uint64_t now = hal_time_us();
	uint32_t age = (uint32_t)now - in_ring[in_got % IN_RING].time_us;
	int byte = in_ring[in_got % IN_RING].byte;
	*time_us = now - age;
	if (in_ring[in_got % IN_RING].behind_lost) {
		in_ring[in_got % IN_RING].behind_lost = false;
		return 0; /* spoils the line that would be of two */
	}
	in_got = in_got + 1;
	return byte;
}

/* Sleep: until the alarm, a byte, or the FIFO wants to be filled. */
void
hal_sleep_until(uint64_t time_us)
{
	pump();
	uint64_t now = hal_time_us();
	if (out_put != out_got && time_us > now + 2000)
		time_us = now + 2000;
	mmio_put(TIMER + TIMER_ALARM0, (uint32_t)time_us);
	cortex_hold();
	if (hal_time_us() < time_us && in_put == in_got)
		cortex_sleep();
	cortex_release();
}

/* The SPI. */

static uint32_t half_clock_us;

static void
spin_us(uint32_t us)
{
	uint32_t from = mmio_get(TIMER + TIMER_RAWL);

	while (mmio_get(TIMER + TIMER_RAWL) - from <= us)
		;
}

void
hal_spi_setup(unsigned mode, uint32_t hz)
{
	uint32_t scale = (SYS_HZ / 10 + hz - 1) / hz;

	mmio_put(SPI0 + SPI_CR1, 0);
	mmio_put(SPI0 + SPI_CPSR, 10);
	mmio_put(SPI0 + SPI_CR0, (scale - 1) << SPI_CR0_SCR_SHIFT | SPI_CR0_8BIT |
	    (mode & 2 ? SPI_CR0_SPO : 0) | (mode & 1 ? SPI_CR0_SPH : 0));
	mmio_put(SPI0 + SPI_CR1, SPI_CR1_ENABLE);
	half_clock_us = (500000 + hz - 1) / hz;
}

void
hal_spi_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	mmio_put(SIO_OUT_CLR, 1U << selects[channel]);
	spin_us(half_clock_us);
	for (size_t i = 0; i < count; i++) /* at most 4: the FIFO holds 8 */
		mmio_put(SPI0 + SPI_DR, out[i]);
	for (size_t i = 0; i < count; i++) {
		wait_for(SPI0 + SPI_SR, SPI_SR_RNE);
		in[i] = (uint8_t)mmio_get(SPI0 + SPI_DR);
	}
	spin_us(half_clock_us);
	mmio_put(SIO_OUT_SET, 1U << selects[channel]);
	pump();
	spin_us(5);
}

/* Resets and names. */

void
hal_watchdog_feed(void)
{
	static bool started;

	mmio_put(WATCHDOG + WATCHDOG_LOAD, 1000000 * WATCHDOG_PER_US);
	if (started)
		return;
	started = true;
	mmio_put(PSM + PSM_WDSEL, PSM_WATCHDOG);
	mmio_put(WATCHDOG + WATCHDOG_CTRL, WATCHDOG_ENABLE | WATCHDOG_DEBUG);
}

void
hal_reset(void)
{
	mmio_set(WATCHDOG + WATCHDOG_CTRL, WATCHDOG_TRIGGER);
	for (;;)
		;
}

const char *
hal_reset_cause(void)
{
	return reset_cause;
}

const char *
hal_chip(void)
{
	return CHIP_NAME;
}

/* The RP2350's is in OTP rows 0 to 3, 16 bits each; the RP2040 has none, but
 * for its flash chip's, which a RAM image leaves alone. */
uint64_t
hal_unique_id(void)
{
#ifdef CHIP_RP2040
	return 0;
#else
	return (uint64_t)mmio_get(OTP_DATA + 4) << 32 | mmio_get(OTP_DATA);
#endif
}
