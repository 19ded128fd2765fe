#include "model.h"

#include <string.h>

#include "atm90e26.h"

static void
power_on(struct model *model)
{
	memset(model->registers, 0, sizeof model->registers);
	model->registers[ATM_FUNC_EN] = 0x000C;
	model->registers[ATM_CAL_START] = 0x6886;
	model->registers[ATM_ADJ_START] = 0x6886;
	model->registers[ATM_PLCONST_H] = 0x0015;
	model->registers[ATM_PLCONST_L] = 0xD174;
	model->registers[ATM_M_MODE] = 0x9422;
	model->registers[ATM_U_GAIN] = 0x6720;
	model->registers[ATM_I_GAIN_L] = 0x7A13;
	model->registers[ATM_I_GAIN_N] = 0x7530;
	model->last_data = 0;
	model->cal_checked = model->adj_checked = false;
}

void
model_start(struct model *model, const struct model_source *source,
    unsigned channel, uint32_t gain_k)
{
	memset(model, 0, sizeof *model);
	model->source = source;
	model->channel = channel;
	model->gain_k = gain_k;
	power_on(model);
}

void
model_brown_out(struct model *model)
{
	power_on(model);
	model->browned_out = true;
}

static uint16_t
sum(const uint16_t *words, unsigned count)
{
	unsigned total = 0, mixed = 0;

	for (unsigned i = 0; i < count; i++) {
		total += (words[i] >> 8) + (words[i] & 0xFFU);
		mixed ^= (words[i] >> 8) ^ (words[i] & 0xFFU);
	}
	return (uint16_t)(mixed << 8 | (total & 0xFF));
}

static uint16_t
cal_sum(const struct model *model)
{
	uint16_t value = sum(&model->registers[ATM_CAL_FIRST], ATM_CAL_WORDS);

	return model->refuse_sum ? value ^ 0x5A5A : value;
}

static uint16_t
adj_sum(const struct model *model)
{
	return sum(&model->registers[ATM_ADJ_FIRST], ATM_ADJ_WORDS);
}

static uint16_t
status(struct model *model)
{
	const uint16_t *registers = model->registers;
	unsigned value = model->reading.sag ? ATM_SAG_WARN : 0;

	if (model->browned_out ||
	    (registers[ATM_CAL_START] == ATM_CHECK_KEY &&
	    registers[ATM_CS1] != cal_sum(model)))
		value |= ATM_CAL_ERROR;
	if (registers[ATM_ADJ_START] == ATM_CHECK_KEY &&
	    registers[ATM_CS2] != adj_sum(model))
		value |= ATM_ADJ_ERROR;
	return (uint16_t)value;
}

static bool
measuring(const struct model *model)
{
	return model->registers[ATM_CAL_START] == ATM_CHECK_KEY &&
	    model->registers[ATM_ADJ_START] == ATM_CHECK_KEY;
}

/* A value in micro-units as 24 bits: 1 unit is 256, times K. */
static uint16_t
long_register(struct model *model, int64_t value,
    int64_t unit, int64_t least, int64_t most)
{
	int64_t raw = measuring(model) ? value * 256 / unit : 0;

	if (raw > most)
		raw = most;
	if (raw < least)
		raw = least;
	model->low_bits = (uint16_t)((uint64_t)raw << 8);
	return (uint16_t)((uint64_t)raw >> 8);
}

/*
 * Counts of 0.1 pulse.  PLconst 13495 with K 100 is 10 mJ; a greater PLconst
 * is a greater count.  What is not yet a whole count stays in the IC.
 */
static void
count_energy(struct model *model, uint64_t time_us)
{
	uint64_t plconst = (uint64_t)model->registers[ATM_PLCONST_H] << 16 |
	    model->registers[ATM_PLCONST_L];
	int64_t count_nj = (int64_t)(plconst * 1000000000 / 13495 /
	    model->gain_k);
	int64_t now_nj = model->source->energy_nj(model->source->state,
	    model->channel, time_us);
	int64_t counts = measuring(model) && count_nj ?
	    (now_nj - model->energy_taken_nj) / count_nj : 0;

	if (measuring(model))
		model->energy_taken_nj += counts * count_nj;
	else
		model->energy_taken_nj = now_nj;
	/* 16 bits that wrap, as an unread register does. */
	if (counts > 0)
		model->registers[ATM_ENERGY_FORWARD] = (uint16_t)(
		    model->registers[ATM_ENERGY_FORWARD] + counts);
	else
		model->registers[ATM_ENERGY_REVERSE] = (uint16_t)(
		    model->registers[ATM_ENERGY_REVERSE] - counts);
}

static uint16_t
energy(struct model *model, unsigned address, uint64_t time_us)
{
	count_energy(model, time_us);
	uint16_t value = model->registers[address];
	model->registers[address] = 0;
	if (address == ATM_ENERGY_REVERSE)
		model->energy_read_us = time_us;
	return value;
}

static uint16_t
power(struct model *model, uint64_t time_us)
{
	if (!model->frozen)
		model->source->read(model->source->state, model->channel,
		    time_us, &model->reading);
	return long_register(model, model->reading.power_uw * model->gain_k,
	    1000000, -0x7FFFFF, 0x7FFFFF);
}

static uint16_t
power_factor(const struct model *model)
{
	int32_t value = model->reading.power_factor_milli;

	return (uint16_t)(value < 0 ? 0x8000 | -value : value);
}

static uint16_t
load(struct model *model, unsigned address, uint64_t time_us)
{
	const struct model_reading *now = &model->reading;

	switch (address) {
	case ATM_SYS_STATUS: return status(model);
	case ATM_LAST_DATA: return model->last_data;
	case ATM_LSB: return model->low_bits & 0xFF00;
	case ATM_CS1: return cal_sum(model);
	case ATM_CS2: return adj_sum(model);
	case ATM_ENERGY_FORWARD:
	case ATM_ENERGY_REVERSE: return energy(model, address, time_us);
	case ATM_P_MEAN: return power(model, time_us);
	case ATM_I_RMS:
		return long_register(model, now->current_ua * model->gain_k,
		    1000, 0, 0xFFFFFF);
	case ATM_U_RMS: return long_register(model, now->voltage_mv, 10, 0,
		    0xFFFFFF);
	case ATM_Q_MEAN:
		return long_register(model, now->reactive_uvar * model->gain_k,
		    1000000, -0x7FFFFF, 0x7FFFFF);
	case ATM_FREQUENCY:
		return (uint16_t)((now->frequency_millihertz + 5) / 10);
	case ATM_POWER_FACTOR: return power_factor(model);
	default: return model->registers[address];
	}
}

static void
soft_reset(struct model *model, uint64_t time_us)
{
	power_on(model);
	model->browned_out = false;
	model->reset_us = time_us;
}

static bool
writable(const struct model *model, unsigned address)
{
	if (address > ATM_CAL_START && address <= ATM_CS1)
		return model->registers[ATM_CAL_START] == ATM_OPEN_KEY;
	if (address > ATM_ADJ_START && address <= ATM_CS2)
		return model->registers[ATM_ADJ_START] == ATM_OPEN_KEY;
	return address == ATM_FUNC_EN || address == ATM_SAG_TH ||
	    address == ATM_SMALL_P_MODE || address == ATM_CAL_START ||
	    address == ATM_ADJ_START;
}

static void
store(struct model *model, unsigned address, uint16_t value,
    uint64_t time_us)
{
	if (address == ATM_SOFT_RESET && value == ATM_RESET_KEY)
		soft_reset(model, time_us);
	else if (!writable(model, address) ||
	    (address == ATM_U_GAIN && value & 0x8000))
		model->violations++;
	else
		model->registers[address] = value;
}

void
model_transfer(struct model *model, const uint8_t *out, uint8_t *in,
    size_t count, uint64_t time_us)
{
	memset(in, model->stuck_low ? 0 : 0xFF, count);
	if (model->missing)
		return;
	if (count != 3) {
		model->violations++;
		return;
	}
	if (model->reset_us && time_us < model->reset_us + 5000)
		model->violations++;
	unsigned address = out[0] & 0x7F;
	uint16_t word = (uint16_t)(out[1] << 8 | out[2]);
	if (out[0] & ATM_READ)
		word = load(model, address, time_us);
	else
		store(model, address, word, time_us);
	if (address != ATM_LAST_DATA)
		model->last_data = word;
	if (out[0] & ATM_READ && !model->stuck_low) {
		in[1] = (uint8_t)(word >> 8);
		in[2] = (uint8_t)word;
	}
}
