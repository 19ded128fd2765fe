#include "board.h"

#include <stdio.h>
#include <string.h>

#include "hal.h"

struct board board;
struct meter meter;

static int checks, failures;

static void
read_load(void *state, unsigned channel, uint64_t time_us,
    struct model_reading *reading)
{
	(void)state;
	(void)time_us;
	reading->power_uw = board.power_uw[channel];
	reading->reactive_uvar = -board.power_uw[channel] / 5;
	reading->current_ua = (board.power_uw[channel] < 0 ? -1 : 1) *
	    board.power_uw[channel] / 115;
	reading->power_factor_milli = board.power_uw[channel] < 0 ? -500 : 500;
	reading->voltage_mv = 230000;
	reading->frequency_millihertz = 50000;
	reading->sag = board.sag;
}

static int64_t
read_energy(void *state, unsigned channel, uint64_t time_us)
{
	(void)state;
	board.energy_nj[channel] += board.power_uw[channel] *
	    (int64_t)(time_us - board.energy_us[channel]) / 1000;
	board.energy_us[channel] = time_us;
	return board.energy_nj[channel];
}

static const struct model_source source = { NULL, read_load, read_energy };

void
board_power(unsigned channel, int64_t uw)
{
	read_energy(NULL, channel, board.now_us);
	board.power_uw[channel] = uw;
}

void
board_start(const struct meter_config *config)
{
	void (*transfer)(unsigned, const uint8_t *, uint8_t *, size_t) =
	    board.transfer;

	memset(&board, 0, sizeof board);
	board.transfer = transfer;
	for (unsigned c = 0; c < FRAME_CHANNELS; c++) {
		model_start(&board.models[c], &source, c, 100);
		board.power_uw[c] = 5000000 + 1000000 * (int)c;
	}
	meter_start(&meter, config);
}

void
board_run(uint64_t us)
{
	uint64_t until = board.now_us + us;

	while (board.now_us < until)
		meter_turn(&meter);
}

void
board_type(const char *text)
{
	size_t length = strlen(text);

	if (board.input_at == board.input_end)
		board.input_at = board.input_end = 0;
	memcpy(board.input + board.input_end, text, length);
	board.input_end += length;
}

bool
board_frame(struct frame *frame)
{
	char *line = board.output + board.read_at;
	char *end = memchr(line, '\n', board.output_end - board.read_at);

	if (!end)
		return false;
	frame_parse(line, (size_t)(end - line), frame);
	board.read_at = (size_t)(end + 1 - board.output);
	return true;
}

bool
board_wait(enum frame_kind kind, struct frame *frame)
{
	uint64_t until = board.now_us + 2000000;

	for (;;) {
		while (board_frame(frame))
			if (frame->kind == kind)
				return true;
		if (board.now_us >= until)
			return false;
		meter_turn(&meter);
	}
}

void
board_forget(void)
{
	board.read_at = board.output_end = 0;
}

void
check(bool holds, const char *what)
{
	failures += !holds;
	printf("%sok %d - %s\n", holds ? "" : "not ", ++checks, what);
}

int
checks_done(void)
{
	printf("1..%d\n", checks);
	return failures != 0;
}

/* The HAL.  A turn costs 3 us, so that time always passes. */

uint64_t
hal_time_us(void)
{
	return board.now_us;
}

void
hal_sleep_until(uint64_t time_us)
{
	board.now_us += 3;
	if (board.input_at < board.input_end)
		return;
	if (time_us > board.now_us)
		board.now_us = time_us;
}

void
hal_spi_setup(unsigned mode, uint32_t hz)
{
	board.spi_mode = mode;
	board.spi_hz = hz;
}

void
hal_spi_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	if (board.transfer)
		board.transfer(channel, out, in, count);
	else
		model_transfer(&board.models[channel], out, in, count,
		    board.now_us);
	board.now_us += 10 + count * 8000000 / board.spi_hz;
}

size_t
hal_uart_pending(void)
{
	if (board.wire_us <= board.now_us)
		return 0;
	return (size_t)((board.wire_us - board.now_us) * 115200 / 10000000 + 1);
}

size_t
hal_uart_room(void)
{
	size_t pending = hal_uart_pending();

	return pending < 1024 ? 1024 - pending : 0;
}

void
hal_uart_write(const char *bytes, size_t count)
{
	uint64_t from = board.now_us;

	if (board.stuck_until_us > from)
		from = board.stuck_until_us;
	if (board.wire_us > from)
		from = board.wire_us;
	board.wire_us = from + count * 10000000 / 115200;
	memcpy(board.output + board.output_end, bytes, count);
	board.output_end += count;
}

int
hal_uart_read(uint64_t *time_us)
{
	if (board.input_at == board.input_end)
		return -1;
	*time_us = board.now_us;
	return (unsigned char)board.input[board.input_at++];
}

void
hal_watchdog_feed(void)
{
	if (board.feeds++ && board.now_us - board.fed_us > board.feed_gap_us)
		board.feed_gap_us = (unsigned)(board.now_us - board.fed_us);
	board.fed_us = board.now_us;
}

void
hal_reset(void)
{
	board.resets++;
}

const char *
hal_reset_cause(void)
{
	return "power";
}

const char *
hal_chip(void)
{
	return "a chip with a long name";
}

uint64_t
hal_unique_id(void)
{
	return UINT64_C(0x0123456789ABCDEF);
}
