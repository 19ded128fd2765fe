/*
 * channel: what a sample has of one channel: put right by its calibration, looked
 * at for what cannot be, and written, or told as lost.
 */
#ifndef EPI_TAP_CHANNEL_H
#define EPI_TAP_CHANNEL_H

#include "epi-tap/meter.h"

/* That of channel c, which has the time `ns`. */
void channel_put(struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t ns);

/* Its energy counter begins at 0 again. */
void channel_restart(struct meter_channel *channel);

#endif
