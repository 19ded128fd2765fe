/*
 * stream-map: the bytes of a large regular file where the system keeps them, for
 * stream alone.
 *
 * To copy them out of the page cache takes longer than to count their lines.
 * Where the cache has a file in large pieces, as it has one that was read from
 * disk, looking at a mapping takes a third of what read(2) takes; in small pieces,
 * of a file just written, both take the same.
 *
 * Files are mapped chunk by chunk, and one at a time; most lines are given out
 * where they stand, those at a chunk's begin and end from the stream's buffer.
 * Where bytes that are looked at turn out to be gone, because the file was cut
 * short or its disk failed, the program ends: no figure comes of them.
 * Floor: first.
 */
#ifndef EPI_STREAM_MAP_H
#define EPI_STREAM_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "stream.h"

/* Before the first read: what follows is mapped, if it is worth it. */
void map_begin(struct stream *in);

/* The lines of a chunk where they stand, if no cut line is kept and there are
 * any between margin and padding. */
bool map_lend(struct stream *in, struct block *block);

/*
 * Bytes of a chunk go into the buffer, which has room for STREAM_READ; 0: there
 * are no more chunks, and the file is read from here on.
 */
size_t map_copy(struct stream *in);

/* At the end of input: a file that is shorter than when it was opened has lost
 * bytes. */
void map_look_back(const struct stream *in);

void map_end(const struct stream *in);

/* Bytes of a chunk are gone: tells it and ends the program. */
_Noreturn void map_lost(void);

#endif
