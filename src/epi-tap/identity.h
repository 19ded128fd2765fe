/*
 * identity: which meter speaks, what its channels measure, and whether the
 * calibration is its own.  What does not fit is said, and the meter is refused.
 */
#ifndef EPI_TAP_IDENTITY_H
#define EPI_TAP_IDENTITY_H

#include "epi-tap/meter.h"

/* Names for the channels, as --node has them. */
void identity_name(struct meter *meter, char **names);

/* A meter of `count` channels.  False: a channel that was named it has not, and
 * would be silent for ever. */
bool identity_fit(struct meter *meter, uint32_t count);

/* Whether its samples are to be corrected. */
bool identity_calibrated(const struct meter *meter);

/* Every channel that is measured has a calibration of its own. */
void identity_find(struct meter *meter);

/* The file is this meter's, and what the meter has set is what the file
 * corrects. */
void identity_check(struct meter *meter);

/* A word of warning where it is too old. */
void identity_date(const struct meter *meter);

#endif
