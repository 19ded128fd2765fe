/*
 * terminal: held for drawing, and given back as it was.
 *
 * However the program ends: a small process waits for that, for a program that
 * was killed cannot put anything back.  What is said on standard error
 * meanwhile would spoil the page, and is kept until then.
 */
#ifndef EPI_WATCH_TERMINAL_H
#define EPI_WATCH_TERMINAL_H

#include <stdio.h>

/* NULL: held, and *in its keyboard; else (static text) what it lacks. */
const char *terminal_hold(FILE **in);

/* The page is over, and the terminal's mode is the old one. */
void terminal_release(void);

#endif
