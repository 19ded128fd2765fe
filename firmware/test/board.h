/*
 * board: a board for tests of the core: virtual time, models as ICs, an UART
 * whose lines are kept, and everything that can go wrong on it.
 */
#ifndef BOARD_H
#define BOARD_H

#include "frame.h"
#include "meter.h"
#include "model.h"

struct board {
	uint64_t now_us;
	uint64_t stuck_until_us;  /* an UART that sends nothing till then */
	uint64_t wire_us;
	unsigned resets, feeds, feed_gap_us;
	uint64_t fed_us;
	unsigned spi_mode;
	uint32_t spi_hz;
	struct model models[FRAME_CHANNELS];
	/* Set: takes the place of the models. */
	void (*transfer)(unsigned channel, const uint8_t *out, uint8_t *in,
	    size_t count);

	int64_t power_uw[FRAME_CHANNELS];   /* of the loads, from now on */
	int64_t energy_nj[FRAME_CHANNELS];
	uint64_t energy_us[FRAME_CHANNELS];
	bool sag;

	char input[8192];
	size_t input_at, input_end;
	char output[4 << 20];
	size_t output_end;
	size_t read_at;
};

extern struct board board;
extern struct meter meter;

/* A fresh board and a meter started on it. */
void board_start(const struct meter_config *config);
void board_power(unsigned channel, int64_t uw);
void board_run(uint64_t us);
void board_type(const char *text);

/* The next line written, parsed; false: no more. */
bool board_frame(struct frame *frame);
/* Runs up to two seconds for the next line of that kind. */
bool board_wait(enum frame_kind kind, struct frame *frame);
/* Forgets what was written. */
void board_forget(void);

/* TAP. */
void check(bool holds, const char *what);
int checks_done(void);

#endif
