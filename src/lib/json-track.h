/*
 * json-track: the members of lines that were checked, for json alone.
 *
 * A line whose shape is new may still be made of members that are known.  A
 * piece is the template of one: from behind a comma through the next one, or
 * from the opening brace, or through the newline.  Pieces that follow each
 * other from the brace to the newline are a record as json_members takes it.
 * Floor: ground.
 */
#ifndef EPI_JSON_TRACK_H
#define EPI_JSON_TRACK_H

#include "json-template.h"

enum {
	TRACK_PIECES = 256,
	TRACK_SLOTS = 64,                /* a power of two */
	TRACK_PIECE_BYTES = 64, /* a longer member has no piece */
	TRACK_PAIR = 2 * KERNEL_BYTES
};

struct track_piece {
	struct kernel_bounds bounds[TRACK_PIECE_BYTES / KERNEL_BYTES];
	unsigned length;
	unsigned bits;   /* of what must not stand twice: a wanted key, the
	                    opening brace */
	unsigned lacks;  /* of these, what is no number: null */
	int next;        /* the piece that came after it */
	int other;       /* the next one in its slot, or -1 */
	unsigned closing; /* bytes of the line's end; 0: it goes on */
	struct number number; /* where it has one that is wanted */
	unsigned text_at, text_length;
};

struct json_track {
	struct track_piece pieces[TRACK_PIECES];
	int count;
	int first;       /* the piece that began the last line */
	int slots[TRACK_SLOTS];
	int doubts;      /* times that what is expected has to be right before
	                    it is looked at */
	struct json_form form;   /* of the line that track_match took */
};

void track_start(struct json_track *track);

/* As json_match; fills form. */
bool track_match(struct json_track *track, unsigned needed, const char *line,
    void *row);

/* Learns the members of a line that json_learn gets. */
void track_learn(struct json_track *track, const struct json_wanted *wanted,
    const char *line, size_t length);

#endif
