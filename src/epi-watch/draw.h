/*
 * draw: the page of a view, at any size.
 *
 * From 100 columns by 30 rows all is there; smaller pages leave out what
 * matters less, down to one row with the power of all.
 */
#ifndef EPI_WATCH_DRAW_H
#define EPI_WATCH_DRAW_H

#include "epi-watch/canvas.h"
#include "epi-watch/watch.h"

struct page {
	int focus;   /* the node that is shown alone; -1: all */
	bool paused;
	bool still;  /* no keys: the page of a stream that was read */
	bool help;
};

/* On a cleared canvas. */
void draw_page(struct canvas *canvas, const struct view *view,
    const struct page *page);

/* chart: power over the view's span, of a node or (-1) of all, in rows
 * [top, bottom) of the canvas; the row behind is for the times. */
void chart_draw(struct canvas *canvas, const struct view *view, int focus,
    int top, int bottom);

/* "5 min" */
const char *chart_span(int level);

/* The time of day or the date, UTC, to seconds. */
void draw_time(char text[CLOCK_TEXT], int64_t ns);

/* Writes so many joules with three decimals. */
void draw_joules(char text[WORD], energy_units units);

/* Watts with as many decimals as tell something, at most two. */
const char *draw_watts_text(char text[WORD], double watts);

/* What is known of the calibration of all sources. */
void draw_calibration(char text[WORD * 2], const struct view *view);

#endif
