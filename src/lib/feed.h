/*
 * feed: every record of the operands, or of standard input, to a callback.
 *
 * Malformed records are reported with file and line and skipped; an operand
 * that cannot be opened or read is reported, and the next one goes on.
 * Floor: third.  One of the four modules that may print or exit.
 */
#ifndef EPI_FEED_H
#define EPI_FEED_H

#include "sample.h"

struct feed_record {
	enum sample_kind kind;  /* SAMPLE_POWER or SAMPLE_TYPED */
	struct sample sample;   /* of a SAMPLE_POWER */
	const char *line;       /* the record's bytes, without the newline; the
	                           newline follows them */
	size_t length;
	const char *file;
	uint64_t line_number;
};

typedef void feed_take(void *state, const struct feed_record *record);

/*
 * From now on samples that are like others before them are first given to
 * `quickly`, many at once: it takes them from the first on and tells how many
 * it took.  The next one is then given to feed_take.
 */
void feed_quickly(size_t (*quickly)(void *state,
    const struct sample_line *lines, size_t count));

/* From the next record on these samples have their reactive power told. */
void feed_vars(void);

/* Operands as option_start returns them: none is standard input.  False: not
 * all of them could be opened and read to their end (said, status 1). */
bool feed_records(char **operands, struct sample_nodes *nodes,
    feed_take *take, void *state);

/* The lines in bytes [from, to) of a regular file, as feed_records does; `name`
 * is what messages call it. */
bool feed_range(const char *file, const char *name, int64_t from, int64_t to,
    struct sample_nodes *nodes, feed_take *take, void *state);

struct feed_line {
	const char *text; /* without "\n" or "\r\n" */
	size_t length;
	const char *file;
	uint64_t line_number;
};

typedef void feed_take_line(void *state, const struct feed_line *line);

/*
 * Plain lines.  `between`, where not NULL, is called after each operand's last
 * line with its name, and whether it was read to its end.  False as above.
 */
bool feed_lines(char **operands, feed_take_line *take,
    void (*between)(void *state, const char *file, bool whole), void *state);

#endif
