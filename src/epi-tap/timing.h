/*
 * timing: which time a sample has, aligned or spaced (meter.h).
 */
#ifndef EPI_TAP_TIMING_H
#define EPI_TAP_TIMING_H

#include "epi-tap/meter.h"

/* The time at which a header was written, or now where that is not known. */
int64_t timing_word(struct meter *meter, const struct frame_header *header,
    size_t length);

/* What a sample's line says of both clocks, before it is given its time. */
void timing_learn(struct meter *meter, const struct frame_sample *sample,
    size_t length);

/* The centre of what a sample averages.  False: beyond what a record holds. */
bool timing_sample(struct meter *meter, const struct frame_sample *sample,
    int64_t *ns);

/* The meter's clock began anew; the next line is the first to tell of it. */
void timing_restart(struct meter *meter);

/* When it showed 0, after that line, which has time_us: no earlier than the last
 * sample, no later than the next. */
int64_t timing_boot(const struct meter *meter, uint64_t time_us);

/* Now, as the latest time written. */
void timing_now(struct meter *meter);

/* How long a line of so many bytes, newline not counted, is on the wire. */
int64_t timing_wire_ns(const struct meter *meter, size_t length);

/* What the meter's clock should show now; false: nobody knows. */
bool timing_device_us(const struct meter *meter, uint64_t *time_us);

#endif
