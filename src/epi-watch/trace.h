/*
 * trace: a node's power over the last minutes, at several spans at once.
 *
 * Each span is a ring of buckets of time; a bucket holds the exact shape of what
 * lies in it as lowest, highest and mean power, on straight lines between
 * samples.  What was not measured has no seconds.
 */
#ifndef EPI_WATCH_TRACE_H
#define EPI_WATCH_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "energy.h"

enum { TRACE_LEVELS = 5, TRACE_BUCKETS = 600 };

struct bucket {
	float low, high;      /* W */
	float joules, seconds;
};

struct trace {
	int64_t latest[TRACE_LEVELS]; /* number of the newest bucket */
	struct bucket ring[TRACE_LEVELS][TRACE_BUCKETS];
};

/* Span of a level in seconds. */
int trace_seconds(int level);

/* All that came before t is unknown. */
struct trace *trace_new(int64_t t);

/* The line from a to b (a.time_ns < b.time_ns), or a gap between them. */
void trace_add(struct trace *trace, struct energy_point a,
    struct energy_point b, bool is_gap);

/* The buckets up to time t, oldest first. */
void trace_copy(const struct trace *trace, int level, int64_t t,
    struct bucket buckets[TRACE_BUCKETS]);

#endif
