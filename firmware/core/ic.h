/*
 * ic: one metering IC of one channel, whatever its kind.
 *
 * A driver starts an IC up in small steps (under 0.5 ms each), so that a dead
 * IC never holds up the sampling of the others, and reads it in two parts:
 * power first, for all channels at one time, then the rest.
 */
#ifndef IC_H
#define IC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	IC_WORDS = 21, /* calibration words, the most of any kind */
	IC_RETRY_US = 1000000
};

enum ic_state { IC_STARTING, IC_READY, IC_FAILED };

/* What may be set of an IC. */
struct ic_setting {
	uint16_t words[IC_WORDS];
	uint32_t gain_k;       /* registers read this many times reality */
	uint32_t energy_nj;    /* of one count in energy_counts */
};

/* What ic_driver.rest shall read beside current, energy and status. */
enum { IC_REACTIVE = 1, IC_POWER_FACTOR = 2, IC_LINE = 4, IC_CHECK = 8 };

struct ic {
	const struct ic_driver *driver;
	unsigned channel;
	enum ic_state state;
	bool soft;             /* start-up without the reset: energy goes on */
	unsigned step, tries;
	uint64_t wait_us;      /* starting: nothing is done before this time */
	struct ic_setting used; /* of which the values are */
	struct ic_setting kept; /* what the command C has set so far */

	uint32_t errors;       /* FRAME_ error bits of the last reading */
	bool changed;          /* a register differs from the reading before */
	int32_t power_raw, current_raw;
	int64_t power_uw;
	int32_t current_ua, reactive_mvar, power_factor_milli;
	int32_t voltage_mv, frequency_millihertz;
	int64_t tare_uw;       /* taken off power by the meter, off energy here */
	int64_t tare_pj;       /* of it, what is no whole count yet */
	int64_t energy_counts; /* forward less reverse less tare, since start-up */
	uint64_t energy_us;    /* when the energy registers were read, 0: never */
};

struct ic_driver {
	const char *name;
	bool has_reactive;
	unsigned spi_mode;
	uint32_t spi_hz;
	void (*defaults)(struct ic_setting *setting);
	/* Longer between two readings than this, and the energy registers may
	 * have wrapped. */
	uint64_t (*guard_us)(const struct ic *ic);
	/* One step of start-up; true while there is more to do at once. */
	bool (*work)(struct ic *ic, uint64_t now_us);
	/* Both leave `errors`; a fatal one makes the values undefined. */
	void (*power)(struct ic *ic);
	void (*rest)(struct ic *ic, unsigned what);
	/* The word of a register's address; NULL: no calibration register. */
	uint16_t *(*word)(struct ic_setting *setting, unsigned address,
	    uint16_t *mask);
	uint32_t (*checksum)(const struct ic *ic);
};

extern const struct ic_driver atm90e26_driver;
extern const struct ic_driver ade7753_driver;

/* Errors after which a channel has no values and is started again. */
#define IC_FATAL (FRAME_MISSING | FRAME_VERIFY | FRAME_CALERR | FRAME_ADJERR)

/* Starts the IC again; soft: calibration alone, without reset. */
void ic_restart(struct ic *ic, bool soft, uint64_t now_us);

/* A failed start-up or reading: `errors`, and the next try after a second. */
void ic_fail(struct ic *ic, uint32_t errors, uint64_t now_us);

/* Energy counts read out at now_us, less the tare since the reading before.
 * They are lost when a wrap is possible: the counter starts again at 0. */
void ic_energy(struct ic *ic, int32_t counts, uint64_t now_us);

#endif
