/*
 * seek: where a span lies in a sorted trace, found by bisection.
 *
 * A regular file whose samples are in the order of time is probed at some
 * sixty places.  Probes that contradict that order show that it is not sorted;
 * that they agree proves nothing about what lies between them.
 */
#ifndef EPI_WINDOW_SEEK_H
#define EPI_WINDOW_SEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "sample.h"

struct seek {
	int fd;
	int64_t size;
	struct sample_nodes *nodes;
	struct sample_reader *reader; /* one for all: what it learns costs */
	bool unsorted;             /* a probe contradicted the order */
	int64_t first_at, last_at; /* offsets of the first and last sample, */
	int64_t first_ns, last_ns; /* and their times */
};

/* Opens a file; false: it is none, or has no sample. */
bool seek_open(struct seek *seek, const char *file,
    struct sample_nodes *nodes);
void seek_close(struct seek *seek);

/* The offset of the first line of a sample at or after t; the size, if there
 * is none. */
int64_t seek_time(struct seek *seek, int64_t t);

/*
 * From `at` backwards (forwards), an offset between which and `at` every node
 * of the list `only` (NULL: every node) has a sample; the first sample's (the size),
 * and not *all, if one has none.
 */
int64_t seek_back(const struct seek *seek, int64_t at,
    char *const *only, bool *all);
int64_t seek_forward(const struct seek *seek, int64_t at,
    char *const *only, bool *all);

/* Adds the names of the nodes in some `length` bytes at or after `at`. */
void seek_look(const struct seek *seek, int64_t at, int64_t length);

/* The start and stop events in the lines of [from, to). */
struct seek_taps {
	unsigned starts, stops;
};
struct seek_taps seek_taps(const struct seek *seek, int64_t from, int64_t to);

/* Bytes [from, to) to standard output, by the kernel where it can; false: a
 * read failed (errno). */
bool seek_copy(const struct seek *seek, int64_t from, int64_t to);

#endif
