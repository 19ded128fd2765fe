/*
 * meter: samples the ICs at a rate, writes frames, obeys commands.
 *
 * Commands are lines "LETTER TOKEN [ARGUMENT...]", at most 47 bytes, one space
 * between words; a token is 1 to 16 of [A-Za-z0-9_.-].  Each is acknowledged
 * with its token (frame_ack of frame.h):
 *
 *     I token                  the header line, then the acknowledgement
 *     R token HZ               rate, 1 to 50; a header follows
 *     S token 0|1              samples off, on; sampling and energy go on
 *     P token                  rx, tx
 *     C token CHANNEL AA VVVV  calibration register AA (hex) := VVVV (hex) of
 *                              channel 0 to 3 or *; waits for A.  For * alone:
 *                              7D the gain K, 7E and 7F nJ a count, high, low
 *     A token                  writes the calibration into the ICs; val: their
 *                              checksums.  A header follows; energy goes on,
 *                              from 0 where a count is another one now
 *     T token CHANNEL [N]      tare: the mean power of N samples (default two
 *                              seconds; at most 3000) is taken off from now
 *                              on; val: microwatts.  0: no tare.  Refused
 *                              (missing) at the first one without a value
 *     E token                  val: energy counts; refused where the rate is
 *                              too low for them
 *     X token                  reset
 */
#ifndef METER_H
#define METER_H

#include "frame.h"
#include "ic.h"

struct meter_config {
	const char *firmware;
	const struct ic_driver *driver;
	uint32_t channels;     /* 1 to 4 */
	uint32_t rate_hz;      /* at boot, 1 to 50 */
	bool simulated;
	bool averaging_known;  /* what the ICs average over, and from its centre */
	uint64_t averaging_us; /* to the reading; 0 averaging: of the rate's */
	uint64_t delay_us;     /* period, and half of it */
};

enum { METER_COMMAND = 48, METER_BAUD = 115200 };

struct meter_tare {
	uint32_t wanted, taken;
	int64_t sum_uw;
	char token[FRAME_TOKEN];
	uint64_t received_us;
};

struct meter {
	const struct meter_config *config;
	struct ic ics[FRAME_CHANNELS];
	uint32_t rate_hz;
	bool streaming;
	uint64_t origin_us, ticks; /* tick n is at origin_us + n s / rate_hz */
	uint64_t sequence, dropped;

	struct meter_tare taring[FRAME_CHANNELS];

	bool applying;
	char apply_token[FRAME_TOKEN];
	uint64_t apply_received_us;

	char command[METER_COMMAND];
	size_t command_length;
	bool command_spoilt, command_long;
	bool resetting;

	struct frame_sample sample;
	char line[FRAME_LINE_MAX];
};

/* Starts the ICs (at most 0.2 s) and sends the header. */
void meter_start(struct meter *meter, const struct meter_config *config);

/* One turn: commands, a sample if it is time, repairs, then sleep. */
void meter_turn(struct meter *meter);

/* Used by command.c: the line in meter->command, its newline came then. */
void command_obey(struct meter *meter, uint64_t received_us);
void command_refuse(struct meter *meter, const char *reason,
    uint64_t received_us);
void command_finish_apply(struct meter *meter);
void command_finish_tare(struct meter *meter, uint32_t channel,
    const char *reason);

void meter_send_header(struct meter *meter);
void meter_send(struct meter *meter, size_t length);
void meter_set_rate(struct meter *meter, uint32_t rate_hz);
bool meter_counts(const struct meter *meter);

#endif
