/*
 * instrument: what is known of how well a meter measures.
 *
 * A start event names it and may tell its class, a calibration record behind it
 * its calibration, clock events the bound of its clock; --uncertainty tells
 * the class where the stream does not.  All are standard uncertainties.
 */
#ifndef EPI_INTEGRATE_INSTRUMENT_H
#define EPI_INTEGRATE_INSTRUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "calibration.h"
#include "event.h"

/* The members of "uncertainty", in their order. */
enum class_term {
	CLASS_GAIN,       /* of the ratio, the same for all of a class */
	CLASS_OFFSET,     /* watts, likewise */
	CLASS_PHASE,      /* radians, likewise */
	CLASS_LINEARITY,  /* of a channel, over the range that it is used in */
	CLASS_TRANSFER,   /* from resistive loads to rectifiers */
	CLASS_CLAMP,      /* of a channel: position, temperature, ageing */
	CLASS_VOLTAGE,    /* of the ratio that all channels share */
	CLASS_CROSSTALK,  /* share of the other nodes' power */
	CLASS_NOISE,      /* watts, of a sample */
	CLASS_DELAY,      /* seconds, of the centre of averaging */
	CLASS_CLOCK,      /* seconds, of an edge's place in the trace */
	CLASS_TIME,       /* of the time base */
	CLASS_HOSTS,      /* seconds, between the meter's host and the one that
	                     told the edges */
	CLASS_TERMS
};

struct instrument {
	char *id, *name;        /* "" where not told */
	double terms[CLASS_TERMS]; /* NAN: not told */
	double bound_seconds;      /* the widest of its clock events; NAN: none */
	double averaging_seconds;  /* NAN: not told */
	double response_seconds;   /* to follow a change; 0: not told */
	bool corrected;         /* samples are, by the calibration */
	bool calibrated;        /* and this is it */
	char *line;             /* the calibration's record, that it lives in */
	struct calibration calibration;
	struct instrument *next;
};

/* The instrument of a start event, new or known. */
struct instrument *instrument_announce(const char *line, size_t length,
    const struct event *event);

/* A calibration record: kept with the instrument of its meter's id. */
void instrument_calibrate(const char *line, size_t length);

/* A clock event: its bound holds for the instrument that it names, or all; one
 * of a host is of no instrument, and holds for all. */
void instrument_clock(const char *line, size_t length);

/* "gain_relative=0.01,offset_watts=0.1" for all instruments; a wrong one ends
 * the program. */
void instrument_option(const char *text);

/* A term of an instrument (NULL: of none that is named); NAN: not told. */
double instrument_term(const struct instrument *instrument,
    enum class_term term);

/* The shortest span that the instrument can tell the energy of, in ns: it has to
 * have followed what went on in it.  0: not told. */
int64_t instrument_shortest(const struct instrument *instrument);

/* Whether anything is told from which a budget follows. */
bool instrument_is_known(const struct instrument *instrument);

/* Whether reactive power matters to the budget. */
bool instrument_wants_vars(const struct instrument *instrument);

/* The records that told it, as they stood, as elements of an array. */
void instrument_compose(void);

#endif
