/*
 * meter: one meter's lines become records, and what is missing is accounted
 * for: samples + lost = what the meter's own sequence says, per channel.
 *
 * Time: the first sample is given a host time (`begin_ns`, or its arrival less
 * the delay that the header tells: the centre of what it averages), later ones
 * keep the device's spacing from it; a reboot anchors anew.  The
 * live alignment of both clocks has its place in anchor().
 */
#ifndef EPI_TAP_METER_H
#define EPI_TAP_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum { METER_RECENT = 16 };

/* Samples in a row that a channel lacks; told in one event. */
struct meter_run {
	uint64_t count; /* 0: no run */
	int64_t begin_ns, end_ns;
	const char *reason;
};

struct meter_channel {
	const char *node; /* NULL: unused */
	bool inverted;
	bool restarted;   /* its IC failed since the last sample */
	bool has_counts;
	int64_t counts;   /* the energy counter of the last sample */
	struct meter_run run;
};

struct meter {
	/* Set by the user, the rest 0. */
	const char *name;
	bool recorded;     /* a file: lines do not arrive at their time */
	bool waits;        /* no start before a header (it was asked for) */
	bool has_begin;
	int64_t begin_ns;  /* host time of the first sample */
	bool named;        /* channels[].node are set, else named here */
	struct meter_channel channels[FRAME_CHANNELS];

	bool started;      /* the start event is written */
	bool introduced;   /* header is what the meter said of itself */
	bool finished;     /* the meter said that no more will come */
	bool refused;      /* not to be read on; said, status 1 */
	uint32_t count;    /* of channels */
	struct frame_header header;

	bool fresh;        /* no sample yet since start or reset */
	bool expects;      /* next_sequence is known */
	uint64_t next_sequence;
	uint64_t time_us;  /* device time of the last sample */
	struct { uint64_t sequence, time_us; bool set; } recent[METER_RECENT];

	bool anchored;
	int64_t anchor_ns;
	uint64_t anchor_us;
	int64_t last_ns;   /* the latest time written */
	int64_t last_arrival_ns;

	uint64_t samples, lost, duplicates, malformed, crc_errors, resets;
	uint64_t strangers; /* lines before the start that were no frames */
	uint64_t drops, drops_base; /* lines that the meter dropped */
	bool whole;        /* read from the first sample since boot on */
	bool has_truth;
	int64_t truth_uj[FRAME_CHANNELS];
};

/* One line, without its newline and a CR before it. */
void meter_line(struct meter *meter, const char *text, size_t length,
    uint64_t line, int64_t arrival_ns);

/* A line that was too long to be kept. */
void meter_overlong(struct meter *meter, uint64_t line);

/*
 * The end: what is pending, a disconnect event if the line broke, the stop
 * event.  `reason` goes into the stop event.
 */
void meter_end(struct meter *meter, const char *reason, bool broke,
    int64_t now_ns);

#endif
