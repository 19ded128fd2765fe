/*
 * readings: what a trace says of one node while a load was on, and its means
 * with their covariance.
 *
 * The time is cut into BATCHES of equal length.  Their means scatter by all
 * that the readings do, and by what holds readings together for less than a
 * batch too: so their variance over their count is that of the whole mean,
 * autocorrelation counted in (Law and Kelton, Simulation Modeling and Analysis,
 * on batch means).
 */
#ifndef EPI_CALIBRATE_READINGS_H
#define EPI_CALIBRATE_READINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calibration.h"
#include "digest.h"
#include "sample.h"

enum { READINGS_BATCHES = 20, READINGS_LEAST = 2 * READINGS_BATCHES };

struct reading {
	int64_t ns;
	double watts, vars, joules; /* NAN: not told */
};

struct readings {
	const char *file;
	char *node;              /* whose they are; NULL until the first one */
	const char *wanted;      /* the node to take; NULL: the only one */
	struct sample_nodes nodes;
	struct reading *list;
	size_t count, room;
	char sha256[DIGEST_HEX]; /* of the file */

	double volts, hertz;     /* means, NAN: not told */
	size_t volts_count, hertz_count;

	/* By the start event. */
	char *instrument, *instrument_id, *firmware; /* NULL: not told */
	char hash[CALIBRATION_WORD];
	char corrected_by[CALIBRATION_WORD];
	unsigned channel;        /* 0: not known */
	bool started, stopped, simulated, corrected;
	double joules_resolution, watts_resolution, joules_wrap; /* 0: not told */

	/* The calibration record that went by, if one did. */
	char *calibration;
	size_t calibration_length;
};

/* False: not read to its end, or not fit for a calibration; said, status 1. */
bool readings_take(struct readings *readings, const char *file);

enum means_column { MEANS_WATTS, MEANS_VARS, MEANS_COUNTER, MEANS_REFERENCE,
	MEANS_COLUMNS };

struct means {
	int64_t begin_ns, end_ns;
	size_t count;            /* of readings */
	double value[MEANS_COLUMNS];
	double covariance[MEANS_COLUMNS][MEANS_COLUMNS]; /* of the means */
	double nu;
	double deviation[MEANS_COLUMNS]; /* of a single reading */
	double rise_watts;       /* over the whole time, by a straight line */
	double rise_t;           /* that over its standard deviation */
	double counter_u;        /* by the counter's resolution at both ends */
	bool has_vars, has_counter;
};

/*
 * The means over the time of all readings, or with `reference` (another
 * meter's) over the time of both.  False: said, status 1.
 */
bool readings_means(const struct readings *readings,
    const struct readings *reference, struct means *means);

#endif
