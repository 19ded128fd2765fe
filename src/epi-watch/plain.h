/*
 * plain: what is watched as text, where there is no terminal to draw on.
 */
#ifndef EPI_WATCH_PLAIN_H
#define EPI_WATCH_PLAIN_H

#include "epi-watch/draw.h"

/* Before a sample of time ns is taken: writes the line of the second before,
 * where it is time for one. */
void plain_pass(struct watch *watch, struct view *view, int64_t ns);

/* The line of the end. */
void plain_end(struct watch *watch, struct view *view);

/* The whole page. */
void plain_page(struct watch *watch, struct view *view, int rows, int columns,
    enum glyphs glyphs, int level);

#endif
