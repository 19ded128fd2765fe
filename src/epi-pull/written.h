/*
 * written: which samples of a meter epi-pull --follow has written, so that
 * nothing is left out, and nothing is twice.
 *
 * Each time a meter is read, from what written_begin says on, in the order of time
 * and node, each sample is asked about once.  What is known are the samples of
 * the last minute of the meter, as far as it is not ahead of the clock, and those
 * beyond.  A meter without a new one for a minute is at rest: nothing before its
 * latest is new any more, and nothing is known of it but that time.
 */
#ifndef EPI_PULL_WRITTEN_H
#define EPI_PULL_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>

struct written;

/* Of a meter of which nothing was written; the caller frees with written_free. */
struct written *written_new(void);
void written_free(struct written *written);

/* From when on, but not before `from_ns`, it can have new samples. */
int64_t written_begin(struct written *written, int64_t from_ns);

/* Whether the next sample is new; it is noted. */
bool written_is_new(struct written *written, int64_t time_ns, int64_t node);

/* All its samples were asked about. */
void written_end(struct written *written);

#endif
