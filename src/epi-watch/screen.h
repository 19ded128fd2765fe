/*
 * screen: the page on a terminal, by ncurses; a program that uses it says
 * "link: -lncursesw -ltinfo".
 *
 * However the program ends, the terminal is left as it was: a small process
 * waits for that, for a program that was killed cannot.
 */
#ifndef EPI_WATCH_SCREEN_H
#define EPI_WATCH_SCREEN_H

#include <stdatomic.h>
#include <stdbool.h>

#include "epi-watch/draw.h"

enum screen_end {
	SCREEN_QUIT,   /* q was typed, or the input ended */
	SCREEN_SIGNAL, /* somebody sent one */
	SCREEN_GONE    /* the terminal is no longer there */
};

struct screen_options {
	enum glyphs glyphs;
	int level;
	bool exits; /* at the end of the input */
};

/* False: standard output is no terminal that can be drawn on; *why says what
 * it lacks, or is NULL where it is no terminal. */
bool screen_open(const char **why);

/* Shows the watch until somebody or something ends it.  The terminal is then as
 * it was, and what was said in between is on standard error. */
enum screen_end screen_run(struct watch *watch, struct view *view,
    const struct screen_options *options);

/* Whether SIGINT, SIGTERM or SIGHUP came; a second one kills. */
bool screen_signalled(void);

/* The way that suits standard output's terminal and the locale. */
enum glyphs screen_glyphs(void);

#endif
