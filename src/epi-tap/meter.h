/*
 * meter: the lines of one epi-meter become records, and what is missing is
 * accounted for: samples + lost = what the meter's own sequence says, for each
 * channel.  The sequence has 64 bits and does not wrap.
 *
 * Time, one of two ways:
 * aligned: by align.h, from arrivals and pings, live or replayed;
 * spaced: the first sample has a host time (--begin, or its arrival less the
 *     delay that the header tells), later ones keep the device's spacing from
 *     it; a reboot anchors anew.  So of a recording without arrival times, and
 *     of lines that come faster than anything can be measured.
 */
#ifndef EPI_TAP_METER_H
#define EPI_TAP_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calibration.h"
#include "epi-tap/align.h"
#include "epi-tap/check.h"
#include "epi-tap/tap.h"
#include "frame.h"

enum { METER_RECENT = 16 };

/* No gap has this size, in samples: it is another sequence. */
#define METER_LEAP (UINT64_C(1) << 31)

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

	/* What was indicated is put right by: */
	const struct calibration_channel *calibration; /* NULL: nothing */
	struct calibration_counter counter;
	double turned_joules;  /* what a counter that wraps has lost */
	bool has_vars;
	double vars;           /* the last ones; they come more seldom */

	unsigned negative_row; /* samples below zero in a row */
	bool told_negative, told_range;
	struct check check;
};

/* One of the last samples, remembered so far back that no line that comes again
 * is taken for a reboot. */
struct meter_recent {
	uint64_t sequence, time_us, gist;
	bool set;
};

struct meter {
	/* Set before the first line, the rest 0. */
	const char *name;
	bool recorded;     /* a file without arrival times */
	bool asked;        /* no start before a header: it was asked for */
	bool has_begin;
	int64_t begin_ns;  /* host time of the first sample */
	bool named;        /* channels[].node are set, else named here */
	uint32_t baud;     /* of the wire, 0: unknown */
	bool uncalibrated; /* every sample is marked so */
	bool settable;     /* a reset loses what the talk will set again */
	const struct calibration *calibration; /* NULL: none */
	const char *calibration_text;
	size_t calibration_length;
	struct meter_channel channels[FRAME_CHANNELS];

	bool waits;        /* no start, and samples are lost, until it is set up */
	bool started;      /* the start event is written */
	bool introduced;   /* header is what the meter said of itself */
	bool reset_seen;   /* a reset that the talk has not heard of yet */
	bool finished;     /* the meter said that no more will come */
	bool refused;      /* not to be read on; said, status 1 */
	bool away;         /* unplugged */
	bool unsure;       /* plugged in again, and not heard of who it is */
	bool was_away;     /* since the last sample */
	uint32_t count;    /* of channels */
	struct frame_header header;

	bool fresh;        /* no sample yet since start or reset */
	bool expects;      /* next_sequence is known */
	uint64_t next_sequence;
	uint64_t time_us;  /* device time of the last sample */
	struct meter_recent recent[METER_RECENT];

	struct align align;
	bool spaced;
	bool pinged;
	bool anchored;     /* of spaced: */
	int64_t anchor_ns;
	uint64_t anchor_us;
	int64_t last_ns;   /* the latest time written */
	bool sampled;      /* there was a sample, */
	int64_t sample_ns; /* the last one at that time */
	int64_t from_ns;   /* from here on none is accounted for */
	bool gap_open;     /* a reset since then */
	struct moment now; /* of the line that is worked on */
	struct moment before; /* of the last sample */

	int64_t stepped_ns; /* the step that the last clock event told */
	int64_t slept_ns;   /* steps that were this machine's sleep */
	bool clock_due;
	int64_t clock_told_ns; /* steady */

	uint64_t samples, lost, duplicates, late, malformed, crc_errors, cut,
	    resets, disconnects, negative;
	uint64_t strangers; /* lines before the start that were no frames */
	bool login;        /* one of them asked for a name */
	uint64_t drops, drops_base; /* lines that the meter dropped */
	bool whole;        /* read from the first sample since boot on */
	bool from_first;   /* so at the start, whatever was reset since */
	uint64_t accounted; /* samples of a channel, lost ones too, since the start */
	bool has_truth;
	int64_t truth_uj[FRAME_CHANNELS];
};

/* One line, without its newline and a CR before it, that was there at
 * meter->now.  Returns what it was, for the talk with the meter. */
struct frame;
void meter_line(struct meter *meter, const char *text, size_t length,
    uint64_t line, struct frame *frame);

/* A line that was too long to be kept. */
void meter_overlong(struct meter *meter, uint64_t line);

/* It was asked, and does not answer: its samples are taken all the same. */
void meter_start_unasked(struct meter *meter);

/* It is set up: samples count from its next header on. */
void meter_ready(struct meter *meter);

/* A command left, and was answered: a ping. */
void meter_ping(struct meter *meter, int64_t sent_ns,
    const struct frame_ack *ack, size_t length);

/* The wire broke, and is there again; `known`: with the same meter. */
void meter_away(struct meter *meter);
void meter_back(struct meter *meter, bool known);

/* The clock event that is due, if one is. */
void meter_tell_clock(struct meter *meter);

/* Not to be read on; `why` is said, status 1. */
void meter_refuse(struct meter *meter, const char *why);

/* The end: what is pending, and the stop event with that reason. */
void meter_end(struct meter *meter, const char *reason);

#endif
