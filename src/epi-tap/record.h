/*
 * record: what a meter has to say, as records on standard output.
 */
#ifndef EPI_TAP_RECORD_H
#define EPI_TAP_RECORD_H

#include <stdint.h>

#include "epi-tap/meter.h"

/* Events at the meter's last time; what it did not say is absent. */
void record_start(const struct meter *meter);
void record_stop(const struct meter *meter, const char *reason);
void record_disconnect(const struct meter *meter);

void record_lost(const char *node, const struct meter_run *run);

/* `reason` may be NULL. */
void record_reset(const char *node, int64_t timestamp_ns, const char *reason);

/* The sample of channel c. */
void record_sample(const struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t timestamp_ns);

#endif
