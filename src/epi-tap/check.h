/*
 * check: is the meter connected as it should be?  A channel's samples over a
 * few seconds become verdicts.  Pure arithmetic.
 */
#ifndef EPI_TAP_CHECK_H
#define EPI_TAP_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Bits; what is in CHECK_WRONG is a no. */
enum check_verdict {
	CHECK_SILENT = 1 << 0,    /* no samples at all */
	CHECK_MISSING = 1 << 1,   /* of one in ten and more there is none */
	CHECK_CLIPPING = 1 << 2,  /* beyond full scale */
	CHECK_REVERSED = 1 << 3,  /* the clamp is the wrong way round */
	CHECK_NEAR_ZERO = 1 << 4, /* both conductors in the clamp, or nothing on */
	CHECK_VOLTS = 1 << 5,     /* no mains of 120 or 230 V +-10 % */
	CHECK_OTHER_VOLTS = 1 << 6, /* not those of the calibration */
	CHECK_UNUSED = 1 << 7,    /* near zero, and nobody gave it a name */
	CHECK_UNNAMED = 1 << 8,   /* a load, on a channel that is not used */
	CHECK_WRONG = CHECK_SILENT | CHECK_MISSING | CHECK_CLIPPING |
	    CHECK_REVERSED | CHECK_NEAR_ZERO | CHECK_VOLTS |
	    CHECK_OTHER_VOLTS | CHECK_UNNAMED
};

enum { CHECK_VERDICTS = 9 };

/* Under this a channel carries nothing: an empty clamp picks up 0.07 W, the
 * least of computers that one would measure takes over 1 W. */
#define CHECK_NOTHING_W 0.3

/* All zero at first. */
struct check {
	uint64_t samples, lacking, clipped;
	double watts, amps, volts; /* sums */
	uint64_t with_amps, with_volts;
};

enum check_use {
	CHECK_NAMED, CHECK_BY_DEFAULT,
	CHECK_NOT_USED /* its name is "-", or it has none while others do */
};

/* `calibrated_volts`: of the calibration, NAN if there is none. */
unsigned check_judge(const struct check *check, enum check_use use,
    double calibrated_volts);

/* The word of a verdict's bit number, and its sentence. */
const char *check_word(unsigned bit);
const char *check_sentence(unsigned bit);

/* Means; NAN where there is none. */
double check_watts(const struct check *check);
double check_amps(const struct check *check);
double check_volts(const struct check *check);

#endif
