/*
 * report: one way to complain, one way out.
 *
 * Every message is one line on standard error, "epi-name: text"; bytes that a
 * terminal would act on are shown as \xNN, so hostile input stays text.
 * Floor: ground.  One of the four modules that may print or exit.
 */
#ifndef EPI_REPORT_H
#define EPI_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses, the same in every program (epi(7)). */
enum {
	STATUS_DONE = 0,   /* all of it was done */
	STATUS_FAILED = 1, /* something failed, was refused or was malformed */
	STATUS_USAGE = 2,  /* the command line was wrong; nothing was read */
	STATUS_NO = 3      /* done, and the answer is no */
};

#define REPORT_NEVER_NULL __attribute__((returns_nonnull))
#define REPORT_FORMAT(f, a) __attribute__((format(printf, f, a)))

/* Names the program in messages; `name` is kept, not copied. */
void report_start(const char *name);
const char *report_program(void);

/* A failure: the message, and the status becomes 1; the work goes on. */
void report_error(const char *format, ...) REPORT_FORMAT(1, 2);

/* Worth knowing, status unchanged. */
void report_warning(const char *format, ...) REPORT_FORMAT(1, 2);

/*
 * A malformed record: "epi-name: file:line: text", status 1.  The first ten
 * are shown, the rest counted; report_status tells the count once.
 */
void report_malformed(const char *file, uint64_t line, const char *format, ...)
    REPORT_FORMAT(3, 4);
uint64_t report_malformed_count(void);

/* The command line is wrong: the message, a hint at --help, exit 2. */
_Noreturn void report_usage(const char *format, ...) REPORT_FORMAT(1, 2);

/* No way on: the message, exit 1 at once, output not flushed. */
_Noreturn void report_fatal(const char *format, ...) REPORT_FORMAT(1, 2);

/* From now on each message is also shown to `see`, without the program's name
 * and its newline. */
void report_watch(void (*see)(const char *text));

/* What report_fatal does last of all but to end.  What is fatal within it calls
 * it again. */
void report_before_end(void (*last)(void));

/* The status becomes 1 without a word (the word was said elsewhere). */
void report_failed(void);

/* STATUS_DONE or STATUS_FAILED; says how many malformed records went unshown. */
int report_status(void);

/*
 * realloc(old, count * size) that never returns NULL: on overflow or lack of
 * memory the program ends with a message.  The caller frees.
 */
void *report_resize(void *old, size_t count, size_t size) REPORT_NEVER_NULL;

/* A copy of length bytes with a NUL behind; the caller frees. */
char *report_copy(const char *text, size_t length) REPORT_NEVER_NULL;

#endif
