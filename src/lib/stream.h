/*
 * stream: blocks of whole lines in, records out, nothing lost between.
 *
 * In: read(2) into one reused buffer; a line that does not fit doubles it, up
 * to STREAM_LINE_MAX.  A large regular file is mapped instead (stream-map.h).
 * Out: one buffer for standard output.  Before any read that may sleep, what was
 * written so far goes out: flush before you may sleep.  A record never
 * straddles two flushes.
 * Floor: first.  One of the four modules that may print or exit.
 */
#ifndef EPI_STREAM_H
#define EPI_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_PADDING = 384,        /* bytes readable behind a block's end */
	STREAM_MARGIN = 16,          /* and before its begin */
	STREAM_READ = 128 * 1024,    /* what one read asks for */
	STREAM_LINE_MAX = 256 << 20  /* a longer line is malformed, and skipped */
};

/*
 * Whole lines: [at, end), each with its '\n' (a last line without one is given
 * one).  May be empty.  STREAM_PADDING bytes from `end` on, and
 * STREAM_MARGIN before `at`, are readable and mean nothing.  Valid until the
 * next call on the same stream.
 */
struct block {
	const char *at;
	const char *end;
	uint64_t line; /* number of the line at `at`, from 1 */
};

struct stream {
	const char *name; /* operand as given, "standard input" for "-" */
	int fd;
	char *buffer;
	size_t room;    /* of buffer, without margin and padding */
	size_t start;   /* first byte of the cut line kept from before */
	size_t filled;
	uint64_t line;
	int64_t left;   /* bytes still to be read; below 0: to the end */
	bool handed;    /* a block was given out; its count of lines goes on */
	bool ended;
	bool skipping;  /* inside a line over STREAM_LINE_MAX */
	bool cut;       /* the last line had no newline */
	bool failed;    /* ended by a failed read, not by the end of input */
	bool mapped;    /* stream-map's from here on: bytes come from chunks */
	int64_t size;   /* of the file when that began; 0: it did not */
	int64_t next_chunk;            /* the next one's offset in the file */
	const char *chunk, *chunk_end; /* not yet given out */
};

/*
 * Opens an operand ("-" or NULL: standard input) for reading.  False: said,
 * status 1.  The stream owns its buffer and fd; stream_close releases them.
 */
bool stream_open(struct stream *in, const char *operand);

/* The same on a descriptor that is open already; `name` is kept. */
void stream_attach(struct stream *in, int fd, const char *name);

/*
 * Wants the same block again, used up by block_line or sample_next: its count
 * of lines goes on from there.
 *
 * One read, after a flush of the output: true with the whole lines that are
 * there (perhaps none yet), false at the end of input or after a failed read
 * (said, status 1).  Blocks as the descriptor does.
 */
bool stream_next(struct stream *in, struct block *block);

void stream_close(struct stream *in);

/* stream's own: the last newline in [from, to), or NULL. */
const char *stream_last_newline(const char *from, const char *to);

/*
 * The place in a regular file at which the first line begins that begins at or
 * after `offset`; its size, if there is none.  Below 0: it cannot be read
 * (errno).
 */
int64_t stream_line_at(int fd, int64_t offset);

/* Of a regular file just opened, only bytes [from, to) are read.  False: it
 * cannot be positioned (said, status 1). */
bool stream_range(struct stream *in, int64_t from, int64_t to);

/* From now on every byte that any stream reads is also shown to `see`, before
 * its lines are given out. */
void stream_watch(void (*see)(const char *bytes, size_t length));

/* The next line of a block without its "\n" or "\r\n"; false at the end. */
bool block_line(struct block *block, const char **text, size_t *length);

/*
 * Signals of a filter: on the first SIGINT, SIGTERM or SIGHUP reading goes on
 * to the end of input, at most two seconds; a second one kills.  Ignored
 * signals stay ignored.  stream_interrupted: input ended by that time-out.
 */
void stream_signals(void);
bool stream_interrupted(void);

/* The program has handlers of its own: stream_signals leaves them as they are. */
void stream_leave_signals(void);

/*
 * Signals of a program that decides itself when to end: a descriptor that has a
 * byte to read from the first SIGINT, SIGTERM or SIGHUP on, without blocking
 * where there is none; a second one kills.  Ignored signals stay ignored.
 */
int stream_wake(void);

/* stream's own: what was written and not yet flushed, and the room behind it; none
 * while lines are lent. */
extern struct stream_output {
	char *begin, *at, *end;
} stream_out;

/* Of stream_room, when there is too little. */
char *stream_more_room(size_t length);

/* Room for `length` more bytes of output; write there, then stream_wrote. */
static inline char *
stream_room(size_t length)
{
	struct stream_output *out = &stream_out;

	return (size_t)(out->end - out->at) >= length ? out->at
	    : stream_more_room(length);
}

/* `end`: behind the last byte written into the room. */
static inline void
stream_wrote(char *end)
{
	stream_out.at = end;
}

/* A record is whole: flushes if the buffer is nearly full. */
void stream_record(void);
/* From now on it is that when it holds so many bytes: for one who must not wait for
 * his reader while he writes, and flushes himself. */
void stream_hold(size_t bytes);
/* `length` bytes as one record (they end with '\n'). */
void stream_copy(const char *bytes, size_t length);

/* `length` bytes and a newline as one record. */
void stream_line(const char *text, size_t length);

/*
 * The same of a line of the block given out last, as block_line gave it: a record
 * passed on.  Lines that follow one another go out from where they were read,
 * and are not copied before something else is written.
 */
void stream_pass(const char *text, size_t length);

/* Everything written goes to standard output now. */
void stream_flush(void);

/* What is written from now on goes to this descriptor, which becomes standard
 * output; `name` is what messages call it, and kept. */
void stream_output(int fd, const char *name);

/*
 * The end of a program: flush, close standard output, look at every error.
 * Returns report_status, for main to return.
 */
int stream_finish(void);

#endif
