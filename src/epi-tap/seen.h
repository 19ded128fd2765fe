/*
 * seen: whether a sample's line was there before, comes late, or is of another
 * boot; by the last METER_RECENT of them.
 */
#ifndef EPI_TAP_SEEN_H
#define EPI_TAP_SEEN_H

#include "epi-tap/meter.h"

/* It was taken: remembered. */
void seen_note(struct meter *meter, const struct frame_sample *sample);

/* The same line again. */
bool seen_repeated(const struct meter *meter,
    const struct frame_sample *sample);

/*
 * A line that comes after later ones: its place, between a line before and one
 * behind in number and in time, is told as lost already.  Where that place is
 * taken the line is of another boot; so it is after a silence of all its
 * uptime, which a line that was overtaken did not wait for.
 */
bool seen_overtaken(const struct meter *meter,
    const struct frame_sample *sample);

/* Whether the sample cannot follow on the one before. */
bool seen_broken_off(const struct meter *meter,
    const struct frame_sample *sample);

#endif
