/*
 * talk: what an epi-meter is told and asked (the commands of
 * firmware/PROTOCOL.md), at the connection and from time to time.
 *
 * Asked three times, a second apart, who it is, with pings before; then set up
 * with --calibration and --rate, and asked again; then pinged every ten
 * seconds.  After a reset it is set up again.
 */
#ifndef EPI_TAP_TALK_H
#define EPI_TAP_TALK_H

#include "epi-tap/meter.h"

enum { TALK_PINGS = 8, TALK_TEXT = 48 };

enum talk_step { TALK_ASKING, TALK_SETTING, TALK_ON };

struct talk {
	enum talk_step step;
	unsigned asks, tries, pings_sent;
	bool set;            /* set up since its last reset */
	bool heard;          /* a header, since it was asked */
	bool spared;         /* a channel that is not used has no IC */
	size_t command;      /* of the setting: its number, */
	char token[FRAME_TOKEN]; /* and its token while it is not answered */
	uint64_t number;     /* for the tokens */
	int64_t ask_ns, ping_ns, answer_ns; /* steady: when each is due */
	struct {
		char token[FRAME_TOKEN];
		int64_t sent_ns; /* when its last byte was there, the wire alone */
	} pings[TALK_PINGS];
	unsigned next_ping;
};

/* The port is open, for the first time or again. */
void talk_open(struct talk *talk, const struct meter *meter);

/* Says what is due.  `noise`: bytes came, and no sound line among them.
 * Returns the steady_ns of the next time. */
int64_t talk_turn(struct talk *talk, struct meter *meter,
    const struct port *port, bool noise);

/* A sound line came. */
void talk_heard(struct talk *talk, struct meter *meter,
    const struct frame *frame, size_t length);

/* A command left now, its newline not counted. */
void talk_sent(struct talk *talk, const struct meter *meter, const char *text,
    size_t length);

#endif
