/*
 * pty: a pseudo-terminal that stands for the meter's serial port.
 */
#ifndef PTY_H
#define PTY_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Opens one in raw mode, not blocking, and puts a symbolic link to it at
 * `link` (an older link is replaced, anything else is not).  Returns its
 * descriptor, or -1 with errno.
 */
int pty_open(const char *link);

/* Closes it and takes its link away, unless that is another one's by now.
 * False: an error, errno. */
bool pty_close(int fd, const char *link);

/* Whether somebody has the other end open. */
bool pty_connected(int fd);

/* As a wire does: what nobody takes is gone.  False: an error, errno. */
bool pty_write(int fd, const char *bytes, size_t count);

#endif
