/*
 * fit: offset, gain and phase of a channel from what it indicated at known
 * loads, with everything that is uncertain carried through.
 *
 * The model is calibration.h's.  Its parameters are those of the least sum of
 * squares, each row weighted by its own uncertainty.  Each independent cause of
 * uncertainty is a shift of the inputs by one standard uncertainty; what the
 * whole estimate makes of the shift is the cause's coefficients (JCGM 100,
 * 5.1.3 note 2), and the covariance is the sum of their products.  So a
 * reference's error that all points share is one cause.
 */
#ifndef EPI_CALIBRATE_FIT_H
#define EPI_CALIBRATE_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "calibration.h"

enum { FIT_POINTS = 8, FIT_COLUMNS = CALIBRATION_PARAMETERS };

enum fit_kind { FIT_TARE, FIT_RESISTIVE, FIT_CAPACITOR };

/* What the meter indicated at a point, W, var and W of the energy counter; the
 * load's true watts; its tangent: Q/P of a resistive load, P/|Q| (the loss) of
 * a capacitor. */
enum fit_input {
	FIT_WATTS, FIT_VARS, FIT_COUNTER, FIT_REFERENCE, FIT_TANGENT, FIT_INPUTS
};

struct fit_point {
	enum fit_kind kind;
	double in[FIT_INPUTS];

	/* By the readings: the covariance of the first four, of their means. */
	double covariance[FIT_REFERENCE + 1][FIT_REFERENCE + 1];
	double nu;

	/* Otherwise: standard uncertainties. */
	double u[FIT_INPUTS];      /* of this point alone: resolution */
	double u_reference;        /* of the reference, W */
	double u_tangent;
	double linearity;          /* as a part of what is indicated */
};

struct fit_options {
	bool has_vars, has_counter;
	double correlation;    /* of the reference's errors at two points, 0 to 1 */
	double phase_bound;    /* radians, +-: of a phase that nobody measured */
	double linearity_bound; /* +-, of the gain between and beyond points */
};

enum fit_source {
	FIT_READINGS, FIT_RESOLUTION, FIT_REFERENCES, FIT_ANGLE, FIT_LINEARITY,
	FIT_PHASE, FIT_SOURCES
};

/* Coefficients of one independent variate. */
struct fit_line {
	enum fit_source source;
	size_t number;     /* of its point from 1, or of the factor's column; 0:
	                      common to all points */
	double nu;
	double c[CALIBRATION_PARAMETERS];
};

struct fit_test {      /* of the residuals */
	int freedom;       /* 0: there was nothing left to test */
	double ratio;      /* chi squared over its degrees of freedom, and what */
	double limit;      /* only one of a thousand exceeds by chance */
};

enum { FIT_LINES = CALIBRATION_PARAMETERS + 9 * FIT_POINTS };

struct fit {
	double value[CALIBRATION_PARAMETERS];
	double covariance[CALIBRATION_PARAMETERS][CALIBRATION_PARAMETERS];
	double u[CALIBRATION_PARAMETERS], nu[CALIBRATION_PARAMETERS];
	struct fit_line lines[FIT_LINES];
	size_t line_count;
	struct fit_test power, energy;
};

/*
 * False: *why (static text) says why there is no answer.  A fit whose residuals
 * exceed its claim is an answer: see its tests.
 */
bool fit_points(const struct fit_point *points, size_t count,
    const struct fit_options *options, struct fit *fit, const char **why);

#endif
