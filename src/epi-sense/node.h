/*
 * node: a sensor that is measured: what it lacks, and its records.
 *
 * Its time is cut into slots of one period each, numbered from 1; each becomes
 * a sample or is told as lost.  Time is Unix time, as the program keeps it.
 */
#ifndef EPI_SENSE_NODE_H
#define EPI_SENSE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "epi-sense/sensor.h"

/* One look at a sensor. */
struct look {
	int error;           /* errno; 0: it was read */
	int64_t value;       /* uJ or uW */
	int64_t ns;          /* when */
	int64_t tick_ns;     /* when, for all that were looked at together */
};

struct node {
	const char *name;
	const struct sensor *sensor;
	int64_t every;       /* ticks in one slot */
	int64_t period_ns;
	int64_t delay_ns;    /* from a sample's timestamp to its reading */
	int64_t begin_ns;    /* of the first slot */
	int64_t slot;        /* the last one that was told */
	struct look look;    /* the one to be taken */
	struct look last;    /* of a counter, the last good one */
	int64_t joules_uj;   /* of a counter, its wraps undone */
	int64_t still_ns;    /* it did not move since; 0: it did */
	bool still_said;
	int64_t samples, lost, late, resets, wraps, negative;
	struct {             /* samples lost in a row, not told yet */
		const char *reason;
		int64_t from, count; /* slots */
	} run;
};

/* What all records of the program have in common. */
struct node_stream {
	const char *host;
	int64_t rate_hz;
	bool simulated;      /* no kernel's sysfs */
};
extern struct node_stream node_stream;

/* node->look is the first one, and good: the start event. */
void node_begin(struct node *node);

/* node->look is of a slot later than node->slot; those between were missed. */
void node_take(struct node *node, int64_t slot);

/* What is pending, and the stop event. */
void node_end(struct node *node, const char *reason, int64_t ns);

/* A clock event: this machine's clock was set. */
void node_clock(const struct node *nodes, size_t count, int64_t ns,
    int64_t step_ns);

#endif
