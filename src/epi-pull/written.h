/*
 * written: what epi-pull --follow has written of each meter, so that nothing is
 * left out, and nothing is twice.
 */
#ifndef EPI_PULL_WRITTEN_H
#define EPI_PULL_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>

struct written;

/* Of the meter of that id in runs. */
struct written *written_of(int64_t id);

/* Whether a node's sample is later than all of it before; then it is noted. */
bool written_is_new(struct written *written, int64_t node, int64_t time_ns);

/* From when on, but not before `from_ns`, a meter can have samples that are new:
 * one of its nodes may come a minute later than the others. */
int64_t written_from(const struct written *written, int64_t from_ns);

#endif
