/*
 * record: what a meter has to say, as records on standard output.  Under
 * --check and --identify the stream is silent.
 */
#ifndef EPI_TAP_RECORD_H
#define EPI_TAP_RECORD_H

#include <stdint.h>

#include "epi-tap/meter.h"

/* An event is begun: timestamp, type and event are there; compose.h goes on,
 * and compose_close ends it. */
void record_event(int64_t timestamp_ns, const char *event);

/* Events at the meter's last time; what it did not say is absent.  The start
 * is followed by the calibration that is used. */
void record_start(const struct meter *meter);
void record_stop(const struct meter *meter, const char *reason);
void record_disconnect(const struct meter *meter);
void record_reconnect(const struct meter *meter);

/* The alignment of both clocks. */
void record_clock(const struct meter *meter, double latest_s);

void record_lost(const char *node, const struct meter_run *run);

/* Nothing is known of what was in between. */
void record_gap(const struct meter *meter, int64_t begin_ns, int64_t end_ns);

/* `reason` may be NULL. */
void record_reset(const char *node, int64_t timestamp_ns, const char *reason);

/* What was measured, put right; NAN is not known. */
struct record_values {
	double watts, vars, joules;
};

/* The sample of channel c; `values`: instead of what it indicates, or NULL. */
void record_sample(const struct meter *meter, const struct frame_sample *sample,
    uint32_t c, int64_t timestamp_ns, const struct record_values *values);

/* Who the meter is. */
void record_identity(const struct meter *meter);

/* The verdicts of a channel. */
void record_check(const struct meter *meter, uint32_t c, unsigned verdict);

#endif
