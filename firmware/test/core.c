/* The core on a board of the test.  TAP on standard output. */
#include <string.h>

#include "atm90e26.h"
#include "board.h"

static const struct meter_config ten_hz = {
	.firmware = "1.2.3", .driver = &atm90e26_driver, .channels = 4,
	.rate_hz = 10
};
static struct frame frame;
static const struct frame_sample *const sample = &frame.as.sample;
static const struct frame_ack *const ack = &frame.as.ack;

static bool
next_sample(void)
{
	return board_wait(FRAME_SAMPLE, &frame);
}

static bool
answer(const char *command)
{
	board_type(command);
	return board_wait(FRAME_ACK, &frame);
}

static bool
refused(const char *command, const char *reason)
{
	return answer(command) && !ack->done && !strcmp(ack->reason, reason);
}

static bool
done(const char *command)
{
	return answer(command) && ack->done;
}

static unsigned
violations(void)
{
	unsigned sum = 0;

	for (unsigned c = 0; c < FRAME_CHANNELS; c++)
		sum += board.models[c].violations;
	return sum;
}

static void
boots(void)
{
	board_start(&ten_hz);
	check(board_frame(&frame) && frame.kind == FRAME_HEADER,
	    "the first line is the header");
	check(frame.as.header.channels == 4 && frame.as.header.rate_hz == 10 &&
	    frame.as.header.gain_k == 100 &&
	    frame.as.header.energy_nj == 10000000 &&
	    !strcmp(frame.as.header.firmware, "1.2.3") &&
	    !strcmp(frame.as.header.ic, "atm90e26") &&
	    !strcmp(frame.as.header.id, "0123456789ABCDEF") &&
	    !strcmp(frame.as.header.units, FRAME_UNITS_TEXT), "it tells who speaks");
	check(!(frame.as.header.has & (FRAME_HEAD_DELAY | FRAME_HEAD_AVERAGING)),
	    "what the ICs average over is not known, and not told");
	check(strlen(frame.as.header.chip) == FRAME_WORD - 1,
	    "a name that is too long is cut");
	check(board.spi_mode == 3 && board.spi_hz <= 136000,
	    "SPI mode 3, at most 136 kHz");
	check(violations() == 0, "start-up keeps to the data sheet");
	check(board.now_us < 200000, "start-up takes under 0.2 s");
}

static void
measures(void)
{
	board_start(&ten_hz);
	check(next_sample() && sample->sequence == 0 && sample->channels == 4 &&
	    sample->absent == 0, "the first sample");
	check(sample->power_mw[0] == 5000 && sample->power_mw[3] == 8000 &&
	    sample->reactive_mvar[0] == -1000 && sample->voltage_mv == 230000 &&
	    sample->frequency_millihertz == 50000 &&
	    sample->power_factor_milli[2] == 500, "values of the four ICs");
	check(sample->current_ua[0] >= 43477 && sample->current_ua[0] <= 43479,
	    "5 W at 115 V effective are 43478 uA");
	check(sample->changed == 15, "all channels changed");
	next_sample();
	check(sample->changed == 0, "a register that stands still is told");
	board_power(1, -2500000);
	next_sample();
	next_sample();
	check(sample->power_mw[1] == -2500 && sample->power_factor_milli[1] == -500,
	    "a reversed clamp reads negative");
	board_power(2, 400000000);
	next_sample();
	next_sample();
	check(sample->errors[2] == FRAME_CLIPPED && !(sample->absent & 4),
	    "beyond full scale is flagged clipped");
	board.sag = true;
	next_sample();
	next_sample();
	check(sample->errors[0] == FRAME_SAG && !(sample->absent & 1),
	    "a sag is flagged and measured");
}

static void
counts_energy(void)
{
	board_start(&ten_hz);
	next_sample();
	int64_t first = sample->energy_counts[0];
	for (int i = 0; i < 600; i++)
		next_sample();
	/* 5 W for 60 s are 300 J, 30000 counts of 10 mJ. */
	check(sample->energy_counts[0] - first >= 29999 &&
	    sample->energy_counts[0] - first <= 30001, "60 s at 5 W are 300 J");
	board_power(0, -5000000);
	for (int i = 0; i < 600; i++)
		next_sample();
	check(sample->energy_counts[0] <= first + 60 &&
	    sample->energy_counts[0] >= first - 60,
	    "60 s of reverse take them off again");
	check(done("E e1\n") && ack->values_count == 4 &&
	    ack->values[1] >= sample->energy_counts[1], "E tells the counts");
	board_run(100000);
	board.now_us += 30000000;
	board_forget();
	next_sample();
	next_sample();
	check(sample->energy_counts[3] < 100,
	    "after a stall in which the register may wrap, the count starts again");
}

/* 65536 counts of 1 mJ at 327.67 W are 0.2 s: over a period of 10 Hz, under one
 * of 1 Hz.  PLconst 1349 for 1 mJ; 5 W for 10 s are 50000 of them. */
static void
counts_in_time(void)
{
	board_start(&ten_hz);
	check(done("C c * 7E 000F\n") && done("C c * 7F 4240\n") &&
	    done("C c * 22 0545\n") && done("A a\n"), "1 mJ a count");
	next_sample();
	int64_t first = sample->energy_counts[0];
	for (int i = 0; i < 100; i++)
		next_sample();
	check(sample->energy_counts[0] - first >= 49900 &&
	    sample->energy_counts[0] - first <= 50100, "10 s at 5 W are 50 J");
	check(done("R r 1\n") && next_sample() && sample->absent == 0 &&
	    !(sample->has & FRAME_HAS_ENERGY) && refused("E e\n", "range"),
	    "registers that may wrap between samples count nothing");
}

/* Of 60 s at a rate: gaps, and how far dt is from nominal. */
static void
keeps_time(uint32_t rate_hz, const char *what)
{
	struct meter_config config = ten_hz;
	uint64_t last = 0, nominal = 1000000 / rate_hz, worst = 0;
	bool whole = true;
	unsigned count = 0;

	config.rate_hz = rate_hz;
	board_start(&config);
	board_run(60000000);
	while (board_frame(&frame)) {
		if (frame.kind == FRAME_HEADER)
			continue;
		whole = whole && frame.kind == FRAME_SAMPLE &&
		    sample->sequence == count;
		uint64_t dt = sample->time_us - last;
		uint64_t off = dt > nominal ? dt - nominal : nominal - dt;
		if (count++ && off > worst)
			worst = off;
		last = sample->time_us;
	}
	check(whole && count >= 60 * rate_hz - rate_hz / 5 - 1 &&
	    worst * 100 <= nominal, what);
	check(board.output_end * 10 < 60ULL * METER_BAUD * 95 / 100 &&
	    meter.dropped == 0, "and the UART is busy under 95 %");
}

static void
survives_dead_ics(void)
{
	board_start(&ten_hz);
	next_sample();
	board.models[1].missing = true;
	next_sample();
	next_sample();
	check(sample->absent == 2 && sample->errors[1] == FRAME_MISSING &&
	    sample->power_mw[0] == 5000, "an IC that goes is missing, others stay");
	uint64_t before = sample->time_us;
	next_sample();
	check(sample->time_us - before >= 99000 && sample->time_us - before <=
	    101000, "and costs the others no time");
	board.models[1].missing = false;
	board_run(1500000);
	board_forget();
	next_sample();
	check(sample->absent == 0 && sample->energy_counts[1] < 1000,
	    "it comes back, its energy from 0");
	board.models[2].stuck_low = true;
	next_sample();
	next_sample();
	check(sample->absent == 4 && sample->errors[2] & FRAME_MISSING,
	    "a MISO stuck low is no 0 W");
	board.models[2].stuck_low = false;
	board_run(1500000);
	model_brown_out(&board.models[3]);
	board_forget();
	next_sample();
	next_sample();
	check(sample->absent == 8 && sample->errors[3] & FRAME_CALERR,
	    "a brown-out is CalErr, without values");
	board_run(1500000);
	board_forget();
	next_sample();
	check(sample->absent == 0, "and mended after a second");
	board.models[0].registers[ATM_L_GAIN] = 7;
	board_run(500000);
	board_forget();
	check(meter.ics[0].state != IC_READY &&
	    meter.ics[0].errors & (FRAME_VERIFY | FRAME_CALERR),
	    "a calibration register that flips is seen within a round");
}

static void
survives_bad_starts(void)
{
	board_start(&ten_hz);
	board.models[0].refuse_sum = true;
	board_type("A x\n");
	check(board_wait(FRAME_ACK, &frame) && !ack->done &&
	    !strcmp(ack->reason, "verify"), "a refused checksum refuses A");
	next_sample();
	check(sample->absent == 1 && sample->errors[0] & FRAME_VERIFY,
	    "and leaves the channel without values");
	board.models[0].refuse_sum = false;
	board.models[1].missing = true;
	board_type("A y\n");
	board_wait(FRAME_ACK, &frame);
	check(!ack->done && !strcmp(ack->reason, "missing"),
	    "A with an absent IC says missing");
}

static void
bit_error(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	model_transfer(&board.models[channel], out, in, count, board.now_us);
	if (out[0] == (ATM_READ | ATM_LAST_DATA) && channel == 1)
		in[2] ^= 1;
}

static void
sees_bit_errors(void)
{
	board.transfer = bit_error;
	board_start(&ten_hz);
	next_sample();
	check(sample->absent == 2 && sample->errors[1] == FRAME_VERIFY,
	    "a write that does not verify is refused after three tries");
	board.transfer = NULL;
}

static void
floods_uart(void)
{
	board_start(&ten_hz);
	next_sample();
	uint64_t before = sample->sequence;
	board.stuck_until_us = board.now_us + 3000000;
	board_run(5000000);
	unsigned lost = 0, wrong = 0;
	while (board_frame(&frame)) {
		if (frame.kind != FRAME_SAMPLE) {
			wrong++;
			continue;
		}
		lost += (unsigned)(sample->sequence - before - 1);
		before = sample->sequence;
	}
	check(wrong == 0, "a full UART never cuts a line");
	check(lost > 10 && lost == meter.dropped,
	    "lines that do not fit are dropped, counted, and leave a gap");
	board_type("I i\n");
	board_wait(FRAME_HEADER, &frame);
	check(frame.as.header.dropped == lost, "and the header tells their count");
}

static void
stalls(void)
{
	board_start(&ten_hz);
	next_sample();
	uint64_t before = sample->sequence;
	board.now_us += 450000;
	next_sample();
	next_sample();
	check(sample->sequence == before + 5,
	    "samples missed in a stall leave their numbers out");
}

static void
obeys(void)
{
	board_start(&ten_hz);
	check(done("I one\n") && ack->command[0] == 'I' &&
	    !strcmp(ack->token, "one"), "I is acknowledged with its token");
	board_forget();
	board_type("P 7\r\n");
	uint64_t now = board.now_us;
	check(board_wait(FRAME_ACK, &frame) && ack->done &&
	    ack->received_us >= now && ack->sent_us >= ack->received_us &&
	    ack->sent_us < now + 200000, "P tells when it came and when it goes");
	check(done("R r 50\n") && meter.rate_hz == 50, "R sets the rate");
	check(board_wait(FRAME_HEADER, &frame) && frame.as.header.rate_hz == 50,
	    "and a header follows");
	check(done("S s 0\n"), "S 0 ends the samples");
	uint64_t sequence = meter.sequence;
	board_run(500000);
	board_forget();
	board_run(500000);
	check(board.output_end == 0 && meter.sequence == sequence,
	    "none comes, none is counted");
	check(done("S s 1\n") && next_sample() && sample->sequence == sequence,
	    "S 1 goes on with the next number");
	check(done("X bye\n"), "X is acknowledged");
	board_run(100000);
	check(board.resets > 0, "and resets when the wire is empty");
}

static void
calibrates(void)
{
	board_start(&ten_hz);
	board_wait(FRAME_HEADER, &frame);
	uint32_t before = frame.as.header.calibration;
	check(done("C c 2 23 1A2B\n") && meter.ics[2].kept.words[2] == 0x1A2B,
	    "C keeps a word of one channel");
	check(board.models[2].registers[ATM_L_GAIN] == 0, "not yet in the IC");
	next_sample();
	int64_t energy = sample->energy_counts[0];
	check(done("A a\n") && ack->values_count == 4 &&
	    ack->values[2] != ack->values[1], "A tells the checksums");
	check(board_wait(FRAME_HEADER, &frame) &&
	    frame.as.header.calibration != before, "the hash tells another one");
	check(board.models[2].registers[ATM_L_GAIN] == 0x1A2B &&
	    violations() == 0, "now it is in the IC");
	next_sample();
	check(sample->absent == 0 && sample->energy_counts[0] >= energy,
	    "energy goes on");
	check(done("C c * 7D 00C8\n") && done("C c * 7E 0000\n") &&
	    done("C c * 7F 1388\n") && meter.ics[3].kept.gain_k == 200 &&
	    meter.ics[0].kept.energy_nj == 5000, "K and the energy of a count");
	check(done("C c * 31 7FFF\n") && refused("C c 0 31 8000\n", "range"),
	    "Ugain bit 15 stays 0");
	board_type("A b\nC c 0 23 0001\nA d\n");
	check(board_wait(FRAME_ACK, &frame) && !strcmp(ack->reason, "busy") &&
	    board_wait(FRAME_ACK, &frame) && !strcmp(ack->reason, "busy") &&
	    board_wait(FRAME_ACK, &frame) && ack->done && ack->command[0] == 'A',
	    "while A is at work, C and A are refused");
}

/* A round of four samples checks every IC's words; 300 samples are 30 s, of 5 W
 * 15000 counts. */
static void
keeps_until_apply(void)
{
	board_start(&ten_hz);
	board_wait(FRAME_HEADER, &frame);
	uint32_t hash = frame.as.header.calibration;
	bool whole = done("C c 2 23 1A2B\n") && done("C c * 7D 00C8\n") &&
	    done("C c * 7E 004C\n") && done("C c * 7F 4B40\n");
	for (int i = 0; i < 300; i++)
		whole = whole && next_sample() && sample->absent == 0 &&
		    sample->power_mw[0] == 5000;
	check(whole && sample->energy_counts[0] >= 14990,
	    "what C keeps leaves the samples alone");
	board_type("I i\n");
	board_wait(FRAME_HEADER, &frame);
	check(frame.as.header.calibration == hash && frame.as.header.gain_k ==
	    100 && frame.as.header.energy_nj == 10000000, "and the header");
	model_brown_out(&board.models[2]);
	board_run(1500000);
	board_forget();
	next_sample();
	check(sample->absent == 0 && board.models[2].registers[ATM_L_GAIN] == 0,
	    "an IC that starts again has what was in use");
	check(done("A a\n") && next_sample() && sample->absent == 0 &&
	    sample->power_mw[0] == 2500 &&
	    board.models[2].registers[ATM_L_GAIN] == 0x1A2B, "A takes all of it");
	check(sample->energy_counts[0] < 100,
	    "counts of another energy begin at 0");
}

static void
tares(void)
{
	board_start(&ten_hz);
	board_power(0, 69000);
	check(done("T t 0 10\n") && ack->values[0] >= 68900 &&
	    ack->values[0] <= 69100, "an empty clamp's 69 mW are the tare");
	board_forget();
	next_sample();
	check(sample->power_mw[0] == 0, "and no longer in the power");
	int64_t before = sample->energy_counts[0];
	for (int i = 0; i < 300; i++)
		next_sample();
	check(sample->energy_counts[0] - before >= -1 &&
	    sample->energy_counts[0] - before <= 1, "nor in the energy");
	model_brown_out(&board.models[0]);
	board_run(1500000);
	board_forget();
	next_sample();
	check(sample->absent == 0 && sample->energy_counts[0] >= -1 &&
	    sample->energy_counts[0] <= 1,
	    "an IC that starts again counts from 0, the tare too");
	board_type("T u 1\nT v 1\n");
	check(board_wait(FRAME_ACK, &frame) && !strcmp(ack->reason, "busy"),
	    "one tare of a channel at a time");
	check(done("T w 0 0\n") && ack->values[0] == 0, "0 samples: no tare");
	board_type("T x 3 20\n");
	board_run(300000);
	board.models[3].missing = true;
	check(board_wait(FRAME_ACK, &frame) && !ack->done &&
	    !strcmp(ack->token, "x") && !strcmp(ack->reason, "missing"),
	    "an IC that goes ends its tare");
	check(refused("T x 3\n", "missing"), "no tare of an absent IC");
}

static void
refuses(void)
{
	board_start(&ten_hz);
	check(refused("Z a\n", "command"), "an unknown letter");
	check(refused("I\n", "token") && refused("I  a\n", "token") &&
	    refused("I aaaaaaaaaaaaaaaaa\n", "token") &&
	    refused("I a\"b\n", "token"), "no token, a long one, a strange one");
	check(refused("I a b\n", "range"), "an argument too many");
	check(refused("R a\n", "range") && refused("R a 0\n", "range") &&
	    refused("R a 51\n", "range") && refused("R a 5x\n", "range") &&
	    refused("R a 10 1\n", "range") && refused("R a 4294967306\n", "range"),
	    "a rate out of range");
	check(refused("S a 2\n", "range"), "neither on nor off");
	check(refused("C a 4 23 0000\n", "range") &&
	    refused("C a 0 2C 0000\n", "range") &&
	    refused("C a 0 23 g000\n", "range") &&
	    refused("C a 0 23 10000\n", "range") &&
	    refused("C a 0 7D 0001\n", "range") &&
	    refused("C a * 7D 0000\n", "range"), "a calibration that is none");
	check(refused("T a 9\n", "range") && refused("T a *\n", "range") &&
	    refused("T a 0 9999\n", "range"), "a tare that is none");
	check(refused("I \001\n", "command"), "control bytes");
	check(refused("I aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
	    "long"), "a line too long");
	board_type("\n\r\n");
	check(done("P z\n"), "empty lines are nothing");
}

/* Whatever comes in: every line out is a frame, and sampling goes on. */
static void
bears_garbage(void)
{
	uint32_t random = 12345;
	bool whole = true;
	uint64_t last = 0;
	unsigned gaps = 0;

	board_start(&ten_hz);
	for (int i = 0; i < 3000; i++) {
		char text[9] = "";

		for (int k = 0; k < 8; k++) {
			random = random * 1664525 + 1013904223;
			text[k] = (char)(random >> 24);
			if (text[k] == '\0' || text[k] == 'X' || text[k] == 'S')
				text[k] = '\n';
		}
		board_type(text);
		board_run(2000);
	}
	while (board_frame(&frame)) {
		whole = whole && frame.kind < FRAME_ALIEN;
		if (frame.kind != FRAME_SAMPLE)
			continue;
		gaps += last && sample->time_us - last > 110000;
		last = sample->time_us;
	}
	check(whole, "garbage in, frames out");
	check(last > 5000000 && gaps <= meter.dropped, "and sampling goes on");
}

static void
feeds_watchdog(void)
{
	struct meter_config config = ten_hz;

	config.rate_hz = 1;
	board_start(&config);
	board_run(10000000);
	check(board.feed_gap_us < 1000000, "the watchdog is fed in time at 1 Hz");
}

static void
tells_averaging(void)
{
	struct meter_config config = ten_hz;

	config.simulated = config.averaging_known = true;
	board_start(&config);
	board_wait(FRAME_HEADER, &frame);
	check(frame.as.header.delay_us == 50000 &&
	    frame.as.header.averaging_us == 100000 && frame.as.header.simulated,
	    "a mean over the period has its centre half a period back");
	config.averaging_us = 300000;
	config.delay_us = 150000;
	board_start(&config);
	board_wait(FRAME_HEADER, &frame);
	check(frame.as.header.delay_us == 150000 &&
	    frame.as.header.averaging_us == 300000, "a window is told as it is");
}

/* The ADE7753, as far as its driver uses it. */
static struct ade {
	uint32_t registers[64];
	uint32_t last;
	bool missing, stuck, stuck_low;
} ade[FRAME_CHANNELS];

static bool ade_cycles; /* LINECYC by LINECYC, one at least a sample */

static const uint8_t ade_bytes[64] = {
	[0x03] = 3, [0x04] = 3, [0x09] = 2, [0x0B] = 2, [0x0C] = 2, [0x0F] = 1,
	[0x10] = 1, [0x11] = 2, [0x12] = 2, [0x13] = 1, [0x16] = 3, [0x17] = 3,
	[0x18] = 2, [0x19] = 2, [0x1C] = 2, [0x27] = 2, [0x3E] = 1
};

static uint32_t
ade_load(struct ade *at, unsigned address)
{
	uint32_t ones = 0, value = at->registers[address];

	for (uint32_t rest = at->last; rest; rest &= rest - 1)
		ones++;
	if (address == 0x3E)
		return ones;
	at->last = value;
	if (address == 0x0C || address == 0x03)
		at->registers[address] = address == 0x0C && ade_cycles ? 4 : 0;
	return value;
}

static void
ade_transfer(unsigned channel, const uint8_t *out, uint8_t *in,
    size_t count)
{
	struct ade *at = &ade[channel];
	unsigned address = out[0] & 0x3F;
	uint32_t value = 0;

	memset(in, at->stuck_low ? 0 : 0xFF, count);
	if (at->missing || at->stuck_low)
		return;
	if (count != ade_bytes[address] + 1U)
		board.models[channel].violations++;
	for (size_t i = 1; i < count; i++)
		value = value << 8 | out[i];
	if (out[0] & 0x80) {
		at->registers[address] = at->stuck ? 0 : value;
		return;
	}
	value = ade_load(at, address);
	for (size_t i = 1; i < count; i++)
		in[i] = (uint8_t)(value >> 8 * (count - 1 - i));
}

static void
ade_fill(uint32_t status)
{
	for (unsigned c = 0; c < FRAME_CHANNELS; c++) {
		ade[c].registers[0x0B] = ade[c].registers[0x0C] = status;
		/* 5 W over 10 half-cycles of 50 Hz: 0.5 J, 5000 of 100 uJ;
		 * PERIOD 8949 is 49.999 Hz. */
		ade[c].registers[0x04] = c == 3 ? 0xFFFFFF & -5000 : 5000;
		ade[c].registers[0x03] = c == 3 ? 0xFFFFFF & -5000 : 5000;
		ade[c].registers[0x27] = 8949;
		ade[c].registers[0x16] = 8000;    /* of 5 uA: 40 mA */
		ade[c].registers[0x17] = 1150000; /* of 200 uV: 230 V */
	}
}

/* 10 half-cycles are 0.1 s; a second is ten of them. */
static void
ade_goes_silent(void)
{
	ade[0].stuck_low = true;
	board_run(1000000);
	board_forget();
	next_sample();
	check(sample->absent & 1 && sample->errors[0] == FRAME_MISSING &&
	    !(sample->absent & 8), "ADE7753: a MISO stuck low is no power");
	ade[0].stuck_low = false;
	board_run(2000000);
	ade_cycles = false;
	board_run(1000000);
	board_forget();
	next_sample();
	check(sample->absent & 8, "ADE7753: nor is the last one, without mains");
}

static void
other_ic(void)
{
	struct meter_config config = ten_hz;

	config.driver = &ade7753_driver;
	board.transfer = ade_transfer;
	ade[1].missing = true;
	ade[2].stuck = true;
	ade_cycles = true;
	ade_fill(4);
	board_start(&config);
	check(board.spi_mode == 1, "an ADE7753 is SPI mode 1");
	ade_fill(4);
	next_sample();
	check(sample->power_mw[0] >= 4999 && sample->power_mw[0] <= 5001 &&
	    sample->power_mw[3] <= -4999 && sample->power_mw[3] >= -5001,
	    "ADE7753: line-cycle energy over its time");
	check(sample->current_ua[0] == 40000 && sample->voltage_mv == 230000 &&
	    sample->frequency_millihertz >= 49990 &&
	    sample->frequency_millihertz <= 50000 &&
	    sample->power_factor_milli[0] >= 543 &&
	    sample->power_factor_milli[0] <= 544, "ADE7753: the other values");
	check(sample->absent == 6 && sample->errors[1] == FRAME_MISSING &&
	    sample->errors[2] == FRAME_VERIFY, "ADE7753: absent and refusing");
	check(sample->energy_counts[0] == 5000 &&
	    sample->energy_counts[3] == -5000, "ADE7753: energy");
	check(!(sample->has & FRAME_HAS_REACTIVE), "ADE7753: no reactive power");
	check(violations() == 0, "ADE7753: register widths");
	ade_cycles = false;
	next_sample();
	next_sample();
	check((sample->changed & 1) == 0 && sample->power_mw[0] >= 4999,
	    "ADE7753: no new line cycle, no change");
	ade_cycles = true;
	ade_fill(2);
	next_sample();
	next_sample();
	ade_fill(0x40);
	next_sample();
	next_sample();
	check(sample->errors[0] == FRAME_CALERR, "ADE7753: a reset is CalErr");
	ade_fill(4);
	check(done("C c 0 1C 0014\n") && done("C c 0 41 0001\n") &&
	    refused("C c 0 10 0040\n", "range") &&
	    refused("C c 0 05 0000\n", "range"), "ADE7753: calibration registers");
	board_run(2000000);
	next_sample();
	int64_t energy = sample->energy_counts[0];
	ade[0].registers[0x03] = 700;
	board_type("A a\n");
	board_wait(FRAME_ACK, &frame);
	check(ack->values_count == 4, "ADE7753: A");
	next_sample();
	check((sample->absent & 1) == 0 &&
	    sample->energy_counts[0] == energy + 700,
	    "ADE7753: energy goes on at A");
	ade_goes_silent();
	ade_cycles = false;
	ade_fill(0);
	board_run(5000000);
	board_start(&config);
	board_run(4000000);
	check(meter.ics[0].errors == FRAME_MISSING,
	    "ADE7753: without mains there is no line cycle to wait for");
	board.transfer = NULL;
}

int
main(void)
{
	boots();
	measures();
	counts_energy();
	counts_in_time();
	keeps_time(10, "60 s at 10 Hz: no gap, dt within 1 %");
	keeps_time(20, "60 s at 20 Hz: no gap, dt within 1 %");
	keeps_time(50, "60 s at 50 Hz: no gap, dt within 1 %");
	survives_dead_ics();
	survives_bad_starts();
	sees_bit_errors();
	floods_uart();
	stalls();
	obeys();
	calibrates();
	keeps_until_apply();
	tares();
	refuses();
	bears_garbage();
	feeds_watchdog();
	tells_averaging();
	other_ic();
	return checks_done();
}
