/*
 * input: lines of the operands, without ever sleeping on one of them while
 * there is somebody else to wait for.
 */
#ifndef EPI_ASK_INPUT_H
#define EPI_ASK_INPUT_H

#include "stream.h"

struct input {
	char **operands;     /* those not opened yet */
	struct stream in;
	struct block block;
	bool open;
	const char *file;
	uint64_t line;       /* number of the line given out last */
	int64_t total_bytes; /* of all operands; 0: not known */
};

enum input_state {
	INPUT_LINE,
	INPUT_WAIT, /* nothing yet: poll in.fd */
	INPUT_END
};

void input_start(struct input *input, char **operands);

/* The line is valid until the next call.  An operand that cannot be opened or
 * read is reported, and the next one goes on. */
enum input_state input_next(struct input *input, const char **text,
    size_t *length);

void input_close(struct input *input);

#endif
