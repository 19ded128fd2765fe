/*
 * device: one operand's life, whatever instrument is behind it.
 */
#ifndef EPI_TAP_DEVICE_H
#define EPI_TAP_DEVICE_H

#include "epi-tap/tap.h"

/* The instrument of that name; NULL: none. */
const struct instrument *device_instrument(const char *name);

/* The names of all, "epi-meter, ...". */
const char *device_instruments(void);

/* Opens the port.  False: said, status 1. */
bool device_open(struct device *device);

/* Once all are open. */
void device_begin(struct device *device, struct moment now);

/* poll(2) told of something. */
void device_read(struct device *device, bool hung, struct moment now);

/* What is due, a try to reopen among it; the steady_ns of the next time. */
int64_t device_turn(struct device *device, struct moment now);

void device_end(struct device *device, const char *reason, struct moment now);

/* Frees it; what is open still is closed without a word. */
void device_forget(struct device *device);

#endif
