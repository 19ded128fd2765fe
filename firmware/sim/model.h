/*
 * model: an ATM90E26 as its data sheet tells of it, register by register, for
 * the simulator and for tests.  What the driver does against the sheet is
 * counted in `violations`.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the analogue side gives, K times reality not yet applied. */
struct model_reading {
	int64_t power_uw, reactive_uvar;
	int64_t current_ua;
	int32_t power_factor_milli;
	int32_t voltage_mv, frequency_millihertz;
	bool sag;
};

struct model_source {
	void *state;
	/* The measurement registers, refreshed when power is read. */
	void (*read)(void *state, unsigned channel, uint64_t time_us,
	    struct model_reading *reading);
	/* Measured energy since the source's begin, signed. */
	int64_t (*energy_nj)(void *state, unsigned channel, uint64_t time_us);
};

struct model {
	const struct model_source *source;
	unsigned channel;
	uint32_t gain_k;

	bool missing;      /* MISO pulled up */
	bool stuck_low;    /* MISO shorted to ground */
	bool refuse_sum;   /* CS1 never fits */
	bool frozen;       /* the registers are not refreshed any more */

	uint16_t registers[128];
	uint16_t last_data, low_bits;
	bool cal_checked, adj_checked, browned_out;
	uint64_t reset_us;
	int64_t energy_taken_nj;
	uint64_t energy_read_us; /* when the reverse energy was read last */
	struct model_reading reading;
	unsigned violations;
};

/* Power-on state. */
void model_start(struct model *model, const struct model_source *source,
    unsigned channel, uint32_t gain_k);

/* The supply dips: the calibration is lost, CalErr stands. */
void model_brown_out(struct model *model);

/* One transaction, select low to select high. */
void model_transfer(struct model *model, const uint8_t *out, uint8_t *in,
    size_t count, uint64_t time_us);

#endif
