/*
 * loss: samples that a channel lacks, run up into events.
 */
#ifndef EPI_TAP_LOSS_H
#define EPI_TAP_LOSS_H

#include "epi-tap/meter.h"

/* `count` samples of channel c, from begin to end.  An unused channel lacks
 * nothing. */
void loss_take(struct meter *meter, uint32_t c, const char *reason,
    uint64_t count, int64_t begin_ns, int64_t end_ns);

/* `count` samples of every channel between meter->from_ns and `ns`,
 * taken as evenly spread. */
void loss_take_all(struct meter *meter, const char *reason, uint64_t count,
    int64_t ns);

/* The runs are over: their events are written. */
void loss_close(struct meter *meter, uint32_t c);
void loss_close_all(struct meter *meter);

/* Why a channel's values are none, or NULL.  A sag does not spoil them. */
const char *loss_fault(const struct frame_sample *sample, uint32_t c);

#endif
