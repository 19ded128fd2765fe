/*
 * load: computers on the mains, and what clamps and ICs make of their power.
 *
 * Power changes in steps of 1 ms of true time; the energy of a node is an
 * exact sum of them, so the truth is known to the nanojoule.  The same seed
 * gives the same watts on every machine: integers only.
 */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

enum {
	LOAD_NODES = 4,
	LOAD_HISTORY_MS = 8192,
	LOAD_BEFORE_US = 4000000 /* the nodes idled so long before time 0 */
};

enum load_state { LOAD_IDLE, LOAD_PREFILL, LOAD_DECODE, LOAD_OFF, LOAD_FIXED };

enum load_sampling { LOAD_MEAN, LOAD_POINT, LOAD_WINDOW };

/* A clamp and its front end: w = gain (P cos phase + Q sin phase) + pickup,
 * var = gain (Q cos phase - P sin phase) + pickup_uvar. */
struct load_front {
	int32_t gain_ppm;                   /* error of the ratio */
	int32_t phase_millidegrees;         /* error, at most 30 degrees */
	int32_t pickup_uw, pickup_uvar;     /* mains picked up, a constant */
};

struct load_config {
	uint64_t seed;
	unsigned nodes;
	int32_t mains_mv, mains_millihertz; /* 120 V 60 Hz, 230 V 50 Hz */
	enum load_sampling sampling;
	uint64_t window_us;                 /* of LOAD_WINDOW, up to 2 s */
	int32_t noise_uw;                   /* rms, with a memory of 32 ms */

	struct load_front front;            /* of all channels at the begin */
	int32_t crosstalk_ppm;              /* of the sum of the other nodes */
	int32_t clip_peak_ua;               /* full scale of the ADC; 0: none */
	int32_t reading_noise_uw;           /* rms, the meter's, of a reading */
};

struct load_node {
	enum load_state state;
	int32_t fixed_uw;
	bool resistive;            /* LOAD_FIXED, and its current is the voltage's */
	struct load_front front;
	int64_t cosine_ppb, sine_ppb; /* of the front's phase */
	bool reversed;         /* the clamp is on the wrong way round */
	bool computing;        /* of a token: else it waits for the others */
	uint32_t burst_ms;     /* left of this part of the token */
	int32_t noise_uw, smooth_uw, power_uw;
	int64_t energy_nj;     /* up to the begin of the running millisecond */
	int64_t history_nj[LOAD_HISTORY_MS];

	/* Of the instrument. */
	int64_t read_us;       /* the mean's begin, and the energy then */
	int64_t read_nj;
	int64_t counted_us;
	int64_t counted_true_nj, measured_nj;
	int64_t noise_nj;      /* that the readings' noise has come to */
};

struct load {
	struct load_config config;
	uint64_t random;
	uint64_t noise;        /* random numbers of the readings' noise */
	uint64_t ms;           /* the running millisecond, LOAD_BEFORE_US at 0 */
	int32_t line_mv, line_millihertz;
	struct load_node nodes[LOAD_NODES];
};

void load_start(struct load *load, const struct load_config *config);
/* Power up to then is as it was set before: to be called before anything of the
 * nodes is changed. */
void load_until(struct load *load, uint64_t time_us);
void load_set(struct load *load, unsigned node, enum load_state state);
void load_fix(struct load *load, unsigned node, int32_t uw, bool resistive);
void load_set_front(struct load *load, unsigned node,
    const struct load_front *front);

/* Energy of a node at a time at most 4 s back and 4 s before 0; only its
 * differences mean something. */
int64_t load_energy_nj(struct load *load, unsigned node, int64_t time_us);

/* LOAD_MEAN: the next reading of the node averages from that time on. */
void load_mean_from(struct load *load, unsigned node, uint64_t time_us);

/* The analogue side of an IC; state is a struct load, time true time from 0. */
void load_read(void *state, unsigned channel, uint64_t time_us,
    struct model_reading *reading);
int64_t load_measured_nj(void *state, unsigned channel, uint64_t time_us);

#endif
