/*
 * marks: mark events, as they come, set what the simulated nodes do.
 */
#ifndef EPI_SIM_MARKS_H
#define EPI_SIM_MARKS_H

#include <stdbool.h>

#include "event.h"
#include "stream.h"

struct marks {
	const char *name; /* NULL: none are read */
	struct stream stream;
	bool open;
	bool came;        /* one at least */
	/* Sees each mark before it is obeyed; or NULL. */
	void (*see)(const struct event *mark);
};

/* False if they cannot be read, which is told. */
bool marks_open(struct marks *marks, const char *name);

/*
 * Does to `host` what the marks say that can be read without a wait.  False
 * at their end, once.
 */
bool marks_follow(struct marks *marks);

#endif
