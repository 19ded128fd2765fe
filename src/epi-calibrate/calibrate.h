/*
 * calibrate: what the parts of epi-calibrate know of one calibration.
 */
#ifndef EPI_CALIBRATE_CALIBRATE_H
#define EPI_CALIBRATE_CALIBRATE_H

#include "budget.h"
#include "epi-calibrate/fit.h"
#include "epi-calibrate/meta.h"
#include "epi-calibrate/readings.h"

/* A known load, as --load or --verify tells of it. */
struct load {
	const char *text;        /* as given */
	char **words;            /* the same, cut at its commas */
	enum fit_kind kind;
	double watts;            /* NAN: by a reference meter's trace */
	double expanded;         /* U of the watts, or of the loss */
	bool relative;           /* U is a part of the watts */
	double k;
	double angle;            /* +- Q/P of a resistive load */
	double loss;             /* P/|Q| of a capacitor */
	const char *reference_file;

	struct readings readings, reference;
	struct means means;
	double as_found, as_left; /* errors in W; as_left after the correction */
	double u_left;            /* standard uncertainty of that */
};

/* Reads a load's text, or ends the program with status 2. */
void load_parse(struct load *load, const char *option, const char *text);

/* The load's watts, and their standard uncertainty, once it is measured. */
double load_watts(const struct load *load);
double load_uncertainty(const struct load *load);

/* What the rounding of a figure adds: a figure that never moved is known to its
 * last digit only, and a counter to its steps at both ends. */
double load_rounding(const struct load *load, enum means_column column);

/* Its trace, and its reference's; false: said, status 1. */
bool load_measure(struct load *load, const char *node, const char *file);

/* One channel: a --node and the loads behind it. */
struct channel {
	const char *node;        /* NULL: the traces' only one */
	struct load loads[FIT_POINTS];
	size_t count;
	struct meta_values meta; /* of the clamp */

	struct fit_options options;
	struct fit fit;
	bool linearity_tested;
	double lowest, highest;  /* watts of the loads */
};

struct calibrate {
	struct channel channels[CALIBRATION_CHANNELS];
	size_t count;
	struct meta_values meta; /* of all */
	double correlation, linearity, phase_bound; /* linearity: NAN, not told */
	int64_t valid_ns;        /* for so long after the date */

	const char *previous_file, *calibration_file;
	struct calibration previous;
	bool has_previous;
	char *record;            /* what was read of either; it has the spans */

	char id[17];
	int64_t date_ns;
	bool simulated, traceable;
	char **warnings;
	size_t warning_count;
};

/* "slug: sentence", for the record and for the person. */
void warn(struct calibrate *calibration, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The key of the reference's own error: of its certificate, or serial number,
 * where it has one.  The caller frees. */
char *reference_key(const struct meta_values *meta, const char *otherwise);

/* The record of the fit, on standard output. */
void record_write(const struct calibrate *calibrate);

/* A record for a person, on standard output.  False: not a calibration. */
bool report_write(const char *text, size_t length, const char **why);

/* Compares one measured load with the calibration: a verification record on
 * standard output.  True: |E_n| is 1 at most. */
bool verify_write(const struct load *load,
    const struct calibration *calibration,
    const struct calibration_channel *channel, const struct meta_values *meta);

#endif
