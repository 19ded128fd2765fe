/*
 * guard: puts a terminal's mode back, even for a program that was killed: a
 * small process waits for its end.
 */
#ifndef EPI_TAP_GUARD_H
#define EPI_TAP_GUARD_H

#include <sys/types.h>
#include <termios.h>

struct guard {
	int pipe;  /* its end is the program's; -1: no guard */
	pid_t process;
};

/* Without a process to spare there is no guard, and no harm. */
void guard_start(struct guard *guard, int fd, const struct termios *mode);

/* The mode was put back. */
void guard_end(struct guard *guard);

#endif
