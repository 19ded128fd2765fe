/*
 * session: which sources run, from their start events to their stop events, so
 * that a span of a database is a stream of its own.
 *
 * A start ends the session before it of the same meter that has a node of it, for
 * that one broke off.  A stop ends one.  Clocks and calibrations that hold are
 * kept with them.
 */
#ifndef EPI_PULL_SESSION_H
#define EPI_PULL_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct session {
	int64_t source;
	char *line;         /* owned */
	size_t length;
	struct event event; /* of the line: its start, a clock or another record */
};

struct sessions {
	struct session *at; /* in the order of their coming */
	size_t count, room;
};

/* What a record of a source, a start, a stop or a clock, puts an end to. */
void session_end(struct sessions *sessions, int64_t source, const char *line,
    size_t length);

/* Copies the line, which is no stop. */
void session_add(struct sessions *sessions, int64_t source, const char *line,
    size_t length);

/* Forgets one, the others stay in their order. */
void session_drop(struct sessions *sessions, size_t i);

/* Forgets all but the starts, or all. */
void session_keep_starts(struct sessions *sessions);
void session_forget(struct sessions *sessions);

/* Whether two start or stop events can be of one session: they have a node in
 * common, or one of them names none. */
bool session_shares(const struct event *one, const struct event *other);

/* Writes the record as of another time. */
void session_put_at(const char *line, size_t length, int64_t ns);

/* Writes a stop event of the session. */
void session_put_stop(const struct session *session, int64_t ns);

#endif
