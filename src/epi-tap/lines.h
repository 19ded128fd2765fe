/*
 * lines: bytes as they come, cut into lines, in bounded memory.
 */
#ifndef EPI_TAP_LINES_H
#define EPI_TAP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINES_ROOM = 64 * 1024, /* what one read may bring */
	LINES_MOST = 4096       /* no meter sends a longer line */
};

struct lines {
	char *buffer;   /* LINES_MOST + LINES_ROOM bytes, the user's */
	size_t filled;  /* a line so far */
	uint64_t line;  /* its number, from 1 */
	bool skipping;  /* inside a line over LINES_MOST */
};

/* Where the next LINES_ROOM bytes go. */
char *lines_room(struct lines *lines);

/* A whole line, without its newline and a CR before it; NULL: one that is too
 * long. */
typedef void lines_take(void *user, const char *text, size_t length,
    uint64_t line);

/* `count` bytes came there. */
void lines_came(struct lines *lines, size_t count, lines_take *take,
    void *user);

/* The end: a last line without its newline is a line too. */
void lines_end(struct lines *lines, lines_take *take, void *user);

#endif
