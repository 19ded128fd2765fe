/*
 * host: the port to a Linux process.  Its clock is virtual (as fast as it
 * goes) or real, its wire is standard output or a pseudo-terminal, its ICs are
 * models on modelled loads.
 */
#ifndef HOST_H
#define HOST_H

#include "load.h"
#include "meter.h"
#include "wire.h"

struct host_config {
	bool board_given; /* else its number is the seed */
	uint32_t board;   /* of the unique id */
	struct load_config load;
	struct meter_config meter;
	struct wire_config wire;
	bool fast;          /* virtual time alone; else it keeps to real time */
	int32_t drift_ppm;  /* the crystal runs fast by this */
	int input;          /* descriptor that commands come from, or -1 */
	int waker;          /* another one that ends a sleep, or -1 */
	/* Takes one line when its last byte has left the wire. */
	void (*write)(const char *bytes, size_t count);
	/* Everything written must be out: a sleep follows. */
	void (*flush)(void);
	/* The plug goes out, or in again. */
	void (*plug)(bool in);
	/* A sample was taken; the true time of the centre of its averages. */
	void (*sampled)(int64_t centre_us);
};

struct host {
	struct host_config config;
	struct load load;
	struct model models[FRAME_CHANNELS];
	struct meter meter;

	uint64_t true_us;       /* since the begin */
	uint64_t boot_us;       /* true time of the last boot */
	uint64_t wake_us;       /* no sleep goes on past this */
	uint64_t input_us;      /* the input's next byte has come then */
	int64_t begin_ns;       /* CLOCK_MONOTONIC at the begin */
	struct wire wire;
	unsigned boots;
	const char *cause;
	bool reset_asked;

	/* For the truth: the first sample and the last one taken. */
	uint64_t samples;
	int64_t first_nj[FRAME_CHANNELS], last_nj[FRAME_CHANNELS];
	int64_t first_counted_nj[FRAME_CHANNELS];
	int64_t last_counted_nj[FRAME_CHANNELS];
};

extern struct host host;

/* The nodes and ICs under power; then the board's first boot, or another. */
void host_start(const struct host_config *config);
void host_boot(const char *cause);

/* Whether a read would not block. */
bool host_readable(int fd);

/* The plug is out for so long. */
void host_unplug(uint64_t us);

/* One turn of the meter, and the books kept. */
void host_turn(void);

/* The last frame, with the truth; everything on the wire goes out. */
void host_end(const char *reason);

#endif
