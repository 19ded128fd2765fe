/*
 * hal: all that the core asks of a board.
 *
 * A port implements these functions and a main that calls meter_start once and
 * meter_turn for ever.  None may fail; a port that cannot do its part resets.
 */
#ifndef HAL_H
#define HAL_H

#include <stddef.h>
#include <stdint.h>

/* Microseconds since boot; never falls, never wraps. */
uint64_t hal_time_us(void);

/* Sleeps until that time or until anything happened, whichever is first. */
void hal_sleep_until(uint64_t time_us);

/* SPI for all metering ICs, MSB first; mode 0 to 3 is CPOL*2 + CPHA.  Clock
 * at most `hz`, 50 % duty. */
void hal_spi_setup(unsigned mode, uint32_t hz);

/* One transaction: select of `channel` low, `count` bytes both ways, select
 * high and held high for 5 us.  An absent IC reads all ones (pull-up). */
void hal_spi_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count);

/* The UART's output queue: bytes that still fit, bytes not yet on the wire. */
size_t hal_uart_room(void);
size_t hal_uart_pending(void);

/* Queues bytes; count <= hal_uart_room(). */
void hal_uart_write(const char *bytes, size_t count);

/* The next byte received and when it came, or -1.  0, which no command has,
 * stands for one that was damaged and for those that found no room. */
int hal_uart_read(uint64_t *time_us);

/* The first call starts the watchdog: a second without a call resets. */
void hal_watchdog_feed(void);

/* Resets the board; may return, then the core does nothing any more. */
void hal_reset(void);

/* "power", "run", "watchdog", "command" or "unknown". */
const char *hal_reset_cause(void);

const char *hal_chip(void);
uint64_t hal_unique_id(void);

#endif
