/*
 * progress: how far it is, on standard error.
 */
#ifndef EPI_ASK_PROGRESS_H
#define EPI_ASK_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on, terminal;
	int64_t begin_ns, told_ns; /* of the steady clock */
	uint64_t done, failed;
	uint64_t asked;            /* of the done: not taken from before */
	int64_t done_bytes, total_bytes; /* of the items; total 0: unknown */
};

/* On by itself where standard error is a terminal. */
void progress_start(struct progress *progress, bool wanted);

/* Once a second at most on a terminal, every ten elsewhere; `last`: now. */
void progress_tell(struct progress *progress, bool last);

#endif
