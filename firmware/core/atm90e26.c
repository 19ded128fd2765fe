/* The ATM90E26 over SPI: mode 3, exactly 24 clocks, at most 136 kHz. */
#include "atm90e26.h"

#include "frame.h"
#include "hal.h"
#include "ic.h"

static uint16_t
transfer(const struct ic *ic, unsigned first, uint16_t word)
{
	const uint8_t out[3] = { (uint8_t)first, (uint8_t)(word >> 8),
		(uint8_t)word };
	uint8_t in[3] = { 0, 0, 0 };

	hal_spi_transfer(ic->channel, out, in, sizeof out);
	return (uint16_t)(in[1] << 8 | in[2]);
}

static uint16_t
load(const struct ic *ic, unsigned address)
{
	return transfer(ic, ATM_READ | address, 0);
}

/* 24 bits: the register, and the 8 more that reading it has latched.  An
 * absent IC reads FFFF, and the low byte of LSB is never that. */
static int32_t
load_long(struct ic *ic, unsigned address)
{
	uint32_t high = load(ic, address);
	uint32_t low = load(ic, ATM_LSB);

	if (low & 0xFF)
		ic->errors |= FRAME_MISSING;
	return (int32_t)(high << 8 | low >> 8);
}

static int32_t
signed_24(int32_t value)
{
	return value >= 0x800000 ? value - 0x1000000 : value;
}

/* Low byte: sum of all bytes; high byte: all bytes XORed. */
static uint16_t
checksum(const uint16_t *words, unsigned count)
{
	uint8_t sum = 0, mixed = 0;

	for (unsigned i = 0; i < count; i++) {
		uint8_t high = (uint8_t)(words[i] >> 8), low = (uint8_t)words[i];

		sum = (uint8_t)(sum + high + low);
		mixed = (uint8_t)(mixed ^ high ^ low);
	}
	return (uint16_t)(mixed << 8 | sum);
}

static uint16_t
cs1(const struct ic *ic)
{
	return checksum(ic->used.words, ATM_CAL_WORDS);
}

static uint16_t
cs2(const struct ic *ic)
{
	return checksum(ic->used.words + ATM_CAL_WORDS, ATM_ADJ_WORDS);
}

static uint32_t
both_checksums(const struct ic *ic)
{
	return (uint32_t)cs1(ic) << 16 | cs2(ic);
}

/*
 * The SCT-013-030 with one turn: gain 16, and 100 times reality so that 1 W of
 * Pmean is 10 mW.  PLconst = 838860800 GL VL VU / (MC Un Ib) gives 13495 for
 * 10 mJ in 0.1 pulse.  The start-up thresholds are 0: a computer at idle is far
 * below what a household meter ignores.
 */
static void
defaults(struct ic_setting *setting)
{
	static const uint16_t words[IC_WORDS] = {
		0x0000, 13495, 0x0000, 0x0000, 0x0000, 0x0000,
		0x0000, 0x0000, 0x0000, 0x0000, 0x5422,
		0x6720, 0x7A13, 0x7530, 0x0000, 0x0000,
		0x0000, 0x0000, 0x0000, 0x0000, 0x0000
	};

	for (unsigned i = 0; i < IC_WORDS; i++)
		setting->words[i] = words[i];
	setting->gain_k = 100;
	setting->energy_nj = 10000000;
}

/* 65536 counts at 32767 W / K: 65536e-9 nj / (32767 / K) seconds. */
static uint64_t
guard_us(const struct ic *ic)
{
	return (uint64_t)ic->used.energy_nj * ic->used.gain_k / 500;
}

static uint16_t *
word(struct ic_setting *setting, unsigned address, uint16_t *mask)
{
	*mask = address == ATM_U_GAIN ? 0x7FFF : 0xFFFF;
	if (address >= ATM_CAL_FIRST && address <= ATM_CAL_LAST)
		return &setting->words[address - ATM_CAL_FIRST];
	if (address >= ATM_ADJ_FIRST && address <= ATM_ADJ_LAST)
		return &setting->words[address - ATM_ADJ_FIRST + ATM_CAL_WORDS];
	return NULL;
}

/* Steps of start-up.  A write step is one register. */
enum {
	RESET, ENABLE, OPEN_CAL, CAL, CAL_SUM = CAL + ATM_CAL_WORDS, OPEN_ADJ,
	ADJ, ADJ_SUM = ADJ + ATM_ADJ_WORDS, CLOSE_CAL, CLOSE_ADJ, STATUS
};

static unsigned
step_address(unsigned step)
{
	if (step >= CAL && step < CAL_SUM)
		return ATM_CAL_FIRST + step - CAL;
	if (step >= ADJ && step < ADJ_SUM)
		return ATM_ADJ_FIRST + step - ADJ;
	switch (step) {
	case ENABLE: return ATM_FUNC_EN;
	case OPEN_CAL: case CLOSE_CAL: return ATM_CAL_START;
	case CAL_SUM: return ATM_CS1;
	case ADJ_SUM: return ATM_CS2;
	default: return ATM_ADJ_START;
	}
}

static uint16_t
step_word(const struct ic *ic, unsigned step)
{
	if (step >= CAL && step < CAL_SUM)
		return ic->used.words[step - CAL];
	if (step >= ADJ && step < ADJ_SUM)
		return ic->used.words[step - ADJ + ATM_CAL_WORDS];
	switch (step) {
	case ENABLE: return 0x000C; /* the power-on value */
	case OPEN_CAL: case OPEN_ADJ: return ATM_OPEN_KEY;
	case CAL_SUM: return cs1(ic);
	case ADJ_SUM: return cs2(ic);
	default: return ATM_CHECK_KEY;
	}
}

static bool
write_step(struct ic *ic, uint64_t now_us)
{
	uint16_t value = step_word(ic, ic->step);

	transfer(ic, step_address(ic->step), value);
	uint16_t last = load(ic, ATM_LAST_DATA);
	if (last == value) {
		ic->step++;
		ic->tries = 0;
		return true;
	}
	if (++ic->tries < 3)
		return true;
	ic_fail(ic, last == 0xFFFF || last == 0 ? FRAME_MISSING : FRAME_VERIFY,
	    now_us);
	return false;
}

static uint32_t
status_errors(uint16_t status)
{
	return (status & ATM_CAL_ERROR ? FRAME_CALERR : 0U) |
	    (status & ATM_ADJ_ERROR ? FRAME_ADJERR : 0U) |
	    (status & ATM_SAG_WARN ? FRAME_SAG : 0U);
}

/* CS1 read back is what the IC computed: never 0000 or FFFF by a stuck line,
 * because the words that we write do not sum to those. */
static uint32_t
check(const struct ic *ic)
{
	uint16_t sum = load(ic, ATM_CS1);

	if (sum == cs1(ic))
		return 0;
	return sum == 0xFFFF || sum == 0 ? FRAME_MISSING : FRAME_VERIFY;
}

static void
last_step(struct ic *ic, uint64_t now_us)
{
	uint32_t errors = check(ic);

	if (!errors)
		errors = status_errors(load(ic, ATM_SYS_STATUS)) & IC_FATAL;
	if (errors) {
		ic_fail(ic, errors, now_us);
		return;
	}
	/* What was counted before calibration is no energy. */
	if (!ic->soft) {
		load(ic, ATM_ENERGY_FORWARD);
		load(ic, ATM_ENERGY_REVERSE);
		ic_energy(ic, 0, now_us);
	}
	ic->state = IC_READY;
}

static bool
work(struct ic *ic, uint64_t now_us)
{
	if (ic->state == IC_READY || now_us < ic->wait_us)
		return false;
	if (ic->state == IC_FAILED)
		ic_restart(ic, false, now_us);
	if (ic->step == RESET) {
		ic->step = ENABLE;
		if (ic->soft)
			return true;
		transfer(ic, ATM_SOFT_RESET, ATM_RESET_KEY);
		ic->wait_us = now_us + 10000; /* at least 5 ms */
		return false;
	}
	if (ic->step != STATUS)
		return write_step(ic, now_us);
	last_step(ic, now_us);
	return false;
}

/* Registers of 1/256 of `unit` per count, divided by K, rounded. */
static int64_t
scale(int64_t raw, int32_t unit, uint32_t k)
{
	int64_t divisor = 256 * (int64_t)k;
	int64_t value = raw * unit;

	return (value + (value < 0 ? -divisor : divisor) / 2) / divisor;
}

static void
power(struct ic *ic)
{
	ic->errors = 0;
	int32_t raw = signed_24(load_long(ic, ATM_P_MEAN));
	ic->changed = raw != ic->power_raw;
	ic->power_raw = raw;
	ic->power_uw = scale(raw, 1000000, ic->used.gain_k);
	if (raw >= 0x7FFF00 || raw < -0x7FFF00)
		ic->errors |= FRAME_CLIPPED;
}

/*
 * Full scale of the current ADC at gain 16 is 37.5 mV rms of a sine, 53 mV
 * peak; the crest factor of a small rectifier is up to 5, so from a fifth of
 * the peak on (0.32 A with 33.3 mV/A) the ADC may clip, long before the
 * register does.  Of a clamp with other mV/A nothing is known here.
 */
static bool
may_clip(const struct ic *ic, int32_t raw)
{
	static const uint8_t gains[8] = { 4, 8, 16, 24, 1, 1, 1, 1 };
	unsigned mode = ic->used.words[ATM_M_MODE - ATM_CAL_FIRST];
	uint32_t gain = gains[mode >> 13 & 7];

	return raw >= 0xFFFF00 || (uint32_t)ic->current_ua > 5100000 / gain;
}

static void
current(struct ic *ic)
{
	int32_t raw = load_long(ic, ATM_I_RMS);

	ic->changed |= raw != ic->current_raw;
	ic->current_raw = raw;
	ic->current_ua = (int32_t)scale(raw, 1000, ic->used.gain_k);
	if (may_clip(ic, raw))
		ic->errors |= FRAME_CLIPPED;
}

static void
line(struct ic *ic)
{
	ic->voltage_mv = (int32_t)scale(load_long(ic, ATM_U_RMS), 10, 1);
	ic->frequency_millihertz = load(ic, ATM_FREQUENCY) * 10;
}

static void
rest(struct ic *ic, unsigned what)
{
	current(ic);
	uint32_t forward = load(ic, ATM_ENERGY_FORWARD);
	uint32_t reverse = load(ic, ATM_ENERGY_REVERSE);
	uint16_t status = load(ic, ATM_SYS_STATUS);
	if (what & IC_REACTIVE)
		ic->reactive_mvar = (int32_t)scale(
		    signed_24(load_long(ic, ATM_Q_MEAN)), 1000, ic->used.gain_k);
	if (what & IC_POWER_FACTOR) {
		uint16_t raw = load(ic, ATM_POWER_FACTOR);

		ic->power_factor_milli = raw & 0x8000 ? -(raw & 0x7FFF) : raw;
	}
	if (what & IC_LINE)
		line(ic);
	if (status != 0xFFFF)
		ic->errors |= status_errors(status);
	/* A line stuck low reads 0 everywhere, and 0 is a fair LSB. */
	if (!(ic->errors & IC_FATAL) &&
	    (what & IC_CHECK || (!ic->power_raw && !ic->current_raw)))
		ic->errors |= check(ic);
	if (!(ic->errors & IC_FATAL))
		ic_energy(ic, (int32_t)(forward - reverse), hal_time_us());
}

const struct ic_driver atm90e26_driver = {
	.name = "atm90e26",
	.has_reactive = true,
	.spi_mode = 3,
	.spi_hz = 125000,
	.defaults = defaults,
	.guard_us = guard_us,
	.work = work,
	.power = power,
	.rest = rest,
	.word = word,
	.checksum = both_checksums
};
