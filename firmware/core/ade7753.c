/*
 * The ADE7753 over SPI: mode 1, a command byte (bit 7 set: write), then one to
 * three bytes.  Power is the energy of LINECYC half-cycles of the mains
 * (LAENERGY) over their time (PERIOD): aligned to the line, no ripple.
 * Source: Analog Devices, ADE7753 data sheet.
 */
#include "frame.h"
#include "hal.h"
#include "ic.h"

enum {
	LAENERGY = 0x04, RAENERGY = 0x03, MODE = 0x09, STATUS = 0x0B,
	RSTSTATUS = 0x0C, GAIN = 0x0F, PHCAL = 0x10, APOS = 0x11, WGAIN = 0x12,
	WDIV = 0x13, IRMS = 0x16, VRMS = 0x17, IRMSOS = 0x18, VRMSOS = 0x19,
	LINECYC = 0x1C, PERIOD = 0x27, CHKSUM = 0x3E,

	WRITE = 0x80,
	MODE_RESET = 0x0040,   /* SWRST */
	MODE_LINE = 0x008C,    /* CYCMODE, DISSAG, DISCF */
	STATUS_CYCEND = 0x0004, STATUS_RESET = 0x0040,
	SAG = 0x0002
};

/*
 * What start-up writes, in this order; `words` holds the values.  The last
 * four are ours, not the IC's: nA and uV of one count of IRMS and VRMS.
 */
static const struct {
	uint8_t address, bytes;
	uint16_t mask, initial;
} registers[] = {
	{ GAIN, 1, 0x00FF, 0x0000 }, { PHCAL, 1, 0x003F, 0x000D },
	{ APOS, 2, 0xFFFF, 0x0000 }, { WGAIN, 2, 0x0FFF, 0x0000 },
	{ WDIV, 1, 0x00FF, 0x0000 }, { IRMSOS, 2, 0x0FFF, 0x0000 },
	{ VRMSOS, 2, 0x0FFF, 0x0000 }, { LINECYC, 2, 0xFFFF, 10 },
	{ 0x40, 0, 0xFFFF, 0 }, { 0x41, 0, 0xFFFF, 5000 },
	{ 0x42, 0, 0xFFFF, 0 }, { 0x43, 0, 0xFFFF, 200 }
};

enum {
	WRITTEN = 8, COUNT = sizeof registers / sizeof *registers,
	LINECYC_WORD = 7, NANOAMPERES = 8, MICROVOLTS = 10
};

static uint32_t
load(const struct ic *ic, unsigned address, size_t bytes)
{
	const uint8_t out[4] = { (uint8_t)address, 0, 0, 0 };
	uint8_t in[4] = { 0, 0, 0, 0 };
	uint32_t value = 0;

	hal_spi_transfer(ic->channel, out, in, bytes + 1);
	for (size_t i = 1; i <= bytes; i++)
		value = value << 8 | in[i];
	return value;
}

static void
store(const struct ic *ic, unsigned address, size_t bytes,
    uint32_t value)
{
	uint8_t out[3] = { (uint8_t)(WRITE | address), 0, 0 };
	uint8_t in[3];

	for (size_t i = 0; i < bytes; i++)
		out[1 + i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	hal_spi_transfer(ic->channel, out, in, bytes + 1);
}

/* CHKSUM is the count of ones in the register read before. */
static uint32_t
load_checked(struct ic *ic, unsigned address, size_t bytes)
{
	uint32_t value = load(ic, address, bytes);
	uint32_t sum = load(ic, CHKSUM, 1), ones = 0;

	for (uint32_t rest = value; rest; rest &= rest - 1)
		ones++;
	if (sum == 0xFF)
		ic->errors |= FRAME_MISSING;
	else if (sum != ones)
		ic->errors |= FRAME_VERIFY;
	return value;
}

static int32_t
signed_24(uint32_t value)
{
	return (int32_t)value - (value & 0x800000 ? 0x1000000 : 0);
}

static uint32_t
pair(const struct ic *ic, unsigned at)
{
	return (uint32_t)ic->used.words[at] << 16 | ic->used.words[at + 1];
}

static void
defaults(struct ic_setting *setting)
{
	for (unsigned i = 0; i < COUNT; i++)
		setting->words[i] = registers[i].initial;
	setting->gain_k = 1;
	setting->energy_nj = 100000;
}

/* Half of the 24 bits at 250 W. */
static uint64_t
guard_us(const struct ic *ic)
{
	return (uint64_t)ic->used.energy_nj * 33;
}

static uint16_t *
word(struct ic_setting *setting, unsigned address, uint16_t *mask)
{
	for (unsigned i = 0; i < COUNT; i++)
		if (registers[i].address == address) {
			*mask = registers[i].mask;
			return &setting->words[i];
		}
	return NULL;
}

static uint32_t
checksum(const struct ic *ic)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < COUNT; i++)
		sum = sum * 31 + ic->used.words[i];
	return sum;
}

static bool
write_step(struct ic *ic, unsigned i, uint64_t now_us)
{
	unsigned bytes = registers[i].bytes;

	store(ic, registers[i].address, bytes, ic->used.words[i]);
	uint32_t back = load(ic, registers[i].address, bytes);
	if (back == ic->used.words[i]) {
		ic->step++;
		ic->tries = 0;
		return true;
	}
	if (++ic->tries < 3)
		return true;
	ic_fail(ic, back == (bytes == 1 ? 0xFFU : 0xFFFFU) ? FRAME_MISSING :
	    FRAME_VERIFY, now_us);
	return false;
}

enum { RESET, WRITES, LINE_MODE = WRITES + WRITTEN, FIRST_CYCLE };

/* Ready when the first LINECYC is over: before, there is no power to tell. */
static void
first_cycle(struct ic *ic, uint64_t now_us)
{
	if (load(ic, STATUS, 2) & STATUS_CYCEND) {
		if (!ic->soft) {
			load(ic, RAENERGY, 3);
			ic_energy(ic, 0, now_us);
		}
		ic->wait_us = now_us + IC_RETRY_US;
		ic->state = IC_READY;
	} else if (++ic->tries > 200) {
		ic_fail(ic, FRAME_MISSING, now_us); /* no mains to count */
	} else {
		ic->wait_us = now_us + 10000;
	}
}

static bool
work(struct ic *ic, uint64_t now_us)
{
	if (ic->state == IC_READY || now_us < ic->wait_us)
		return false;
	if (ic->state == IC_FAILED)
		ic_restart(ic, false, now_us);
	if (ic->step == RESET) {
		ic->step = WRITES;
		if (ic->soft)
			return true;
		store(ic, MODE, 2, MODE_RESET);
		ic->wait_us = now_us + 1000; /* at least 18 us */
		return false;
	}
	if (ic->step < LINE_MODE)
		return write_step(ic, ic->step - WRITES, now_us);
	if (ic->step == LINE_MODE) {
		store(ic, MODE, 2, MODE_LINE);
		load(ic, RSTSTATUS, 2);
		ic->step = FIRST_CYCLE;
		return true;
	}
	first_cycle(ic, now_us);
	return false;
}

/* The power is that of the last LINECYC until the next one is over: where that
 * does not come, after so many times its length, there is none. */
enum { CYCLES = 3 };

/* PERIOD counts CLKIN/8 = 447443.125 Hz. */
static void
cycle_power(struct ic *ic)
{
	int64_t energy = signed_24(load_checked(ic, LAENERGY, 3));
	uint32_t period = load_checked(ic, PERIOD, 2);

	if (!period || ic->errors & IC_FATAL)
		return;
	int64_t time_us = (int64_t)ic->used.words[LINECYC_WORD] * period *
	    1000000 / (2 * 447443);
	if (time_us)
		ic->power_uw = energy * ic->used.energy_nj * 1000 / time_us;
	ic->power_raw = (int32_t)energy;
	ic->frequency_millihertz = (int32_t)(447443125 / period);
	ic->changed = true;
	ic->wait_us = hal_time_us() + CYCLES * (uint64_t)time_us;
}

static void
power(struct ic *ic)
{
	ic->errors = 0;
	ic->changed = false;
	uint32_t status = load_checked(ic, RSTSTATUS, 2);
	if (ic->errors & IC_FATAL)
		return;
	if (status & STATUS_RESET)
		ic->errors |= FRAME_CALERR; /* brown-out: calibration is lost */
	if (status & SAG)
		ic->errors |= FRAME_SAG;
	if (status & STATUS_CYCEND)
		cycle_power(ic);
	/* No mains to count by; or a line stuck low, whose checksum of 0 fits. */
	if (hal_time_us() > ic->wait_us)
		ic->errors |= FRAME_MISSING;
}

static void
rest(struct ic *ic, unsigned what)
{
	int64_t current = load_checked(ic, IRMS, 3);

	ic->current_raw = (int32_t)current;
	ic->current_ua = (int32_t)(current * pair(ic, NANOAMPERES) / 1000);
	if (what & (IC_LINE | IC_POWER_FACTOR)) {
		int64_t voltage = load_checked(ic, VRMS, 3);

		ic->voltage_mv = (int32_t)(voltage * pair(ic, MICROVOLTS) / 1000);
	}
	int64_t apparent = (int64_t)ic->voltage_mv * ic->current_ua / 1000;
	ic->power_factor_milli = apparent ?
	    (int32_t)(ic->power_uw * 1000 / apparent) : 0;
	int32_t counts = signed_24(load_checked(ic, RAENERGY, 3));
	if (!(ic->errors & IC_FATAL))
		ic_energy(ic, counts, hal_time_us());
}

const struct ic_driver ade7753_driver = {
	.name = "ade7753",
	.spi_mode = 1,
	.spi_hz = 100000, /* 5 us from the command's last bit to the first read */
	.defaults = defaults,
	.guard_us = guard_us,
	.work = work,
	.power = power,
	.rest = rest,
	.word = word,
	.checksum = checksum
};
