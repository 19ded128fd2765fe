/*
 * env: the state of one host, found out and told in one record.
 *
 * What cannot be found out is null in the record, NAN or -1 here, and no
 * demand that asks for it is met.
 */
#ifndef EPI_ENV_ENV_H
#define EPI_ENV_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ENV_TEXT = 256 }; /* a line of /proc or /sys; the rest is left */

struct env {
	const char *proc, *sysfs;        /* where they are mounted */
	const char *engine, *ambient;    /* commands, or NULL */

	char core[ENV_TEXT];             /* of the device tree, "": none */
	char firmware[ENV_TEXT];         /* its throttling word, "": none */
	int64_t throttles;               /* of x86, since boot; -1: not known */

	bool is_hertz_missing;           /* of an online cpu: none is the slowest */

	char host[ENV_TEXT];             /* "": not known */

	/* What demands are about. */
	char governor[ENV_TEXT];         /* "": not known; "mixed" */
	double celsius;                  /* the hottest sensor */
	double load;                     /* over a minute */
	double available_bytes;
	double least_hertz;              /* the slowest cpu's clock now, if all are
	                                    known */
	double ambient_celsius;
	double bound_seconds;            /* of the host's clock */
	int synchronized, throttled;     /* -1: not known */
};

/* ---- place: files of /proc and /sys */

/* The first line of a file below `root`, without white space and NULs at its
 * end.  False: there is none that can be read. */
bool place_line(char text[ENV_TEXT], const char *root, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Its whole number.  False: none. */
bool place_number(int64_t *number, const char *root, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What stands behind "name : " in a file of such lines.  False: nothing. */
bool place_named(char text[ENV_TEXT], const char *root, const char *file,
    const char *name);

/* All names in a folder below `root` that begin so, shorter ones first, which
 * for numbered ones is their order. */
void place_each(const char *root, const char *folder, const char *prefix,
    void (*see)(struct env *env, const char *folder, const char *name),
    struct env *env);

/* ---- what is found is told as members of the open record */

void state_tell(struct env *env);

/* The kernel's clock, which whoever corrects it keeps. */
void clock_tell(struct env *env);

/* ---- command: the first line of what a shell command writes */

/* False: it failed or took over ten seconds; said, with status 1, where `what`
 * is not NULL. */
bool command_line(char text[ENV_TEXT], const char *what, const char *command);

/* ---- demand */

/* "max_load=0.5,governor=performance"; a wrong one ends the program. */
void demand_option(const char *text);

/* Tells "unmet" and says so.  False: there are some. */
bool demand_tell(const struct env *env);

/* ---- offset: another host's clock against this one's */

/* Tells a clock event.  `ssh`: a command's words, to which the host and
 * what is to be run there are added. */
void offset_tell(const char *ssh, const char *host, int rounds);

/* The other end: answers each number on standard input with the time. */
void offset_answer(void);

#endif
