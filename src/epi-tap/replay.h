/*
 * replay: the host's lines in a recording of a wire, which tell when what came.
 *
 *     {"host":"at","real":NS,"mono":NS}            the lines up to the next
 *                                                  such one arrived then
 *     {"host":"sent","real":NS,"mono":NS,"text":"P 7"}   this was sent
 *     {"host":"unplugged","real":NS,"mono":NS}     and "plugged"
 */
#ifndef EPI_TAP_REPLAY_H
#define EPI_TAP_REPLAY_H

#include "epi-tap/tap.h"

enum replay_what {
	REPLAY_WIRE, /* no line of the host's */
	REPLAY_BAD,  /* one that cannot be read */
	REPLAY_AT, REPLAY_SENT, REPLAY_UNPLUGGED, REPLAY_PLUGGED
};

struct replay {
	bool begun;
	int64_t ahead_ns; /* the tap's Unix time less the monotonic one */
};

enum { REPLAY_TEXT = 64 };

/* What a line is; its time, and what was sent. */
enum replay_what replay_line(struct replay *replay, const char *line,
    size_t length, struct moment *at, char text[REPLAY_TEXT]);

#endif
