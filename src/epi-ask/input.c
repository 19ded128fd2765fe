#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "epi-ask/input.h"

void
input_start(struct input *input, char **operands)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	struct stat status;

	input->operands = *operands ? operands : standard_input;
	for (char **name = input->operands; *name; name++) {
		if (strcmp(*name, "-") == 0 || stat(*name, &status) < 0 ||
		    !S_ISREG(status.st_mode)) {
			input->total_bytes = 0;
			return;
		}
		input->total_bytes += (int64_t)status.st_size;
	}
}

/* A descriptor that is wrong is ready too: reading says why. */
static bool
ready(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) > 0;
}

static bool
open_next(struct input *input)
{
	while (!input->open && *input->operands) {
		input->open = stream_open(&input->in, *input->operands++);
		input->file = input->in.name;
		input->block = (struct block){ .line = 1 };
	}
	return input->open;
}

enum input_state
input_next(struct input *input, const char **text, size_t *length)
{
	while (open_next(input)) {
		input->line = input->block.line;
		if (block_line(&input->block, text, length))
			return INPUT_LINE;
		if (!ready(input->in.fd))
			return INPUT_WAIT;
		if (!stream_next(&input->in, &input->block))
			input_close(input);
	}
	return INPUT_END;
}

void
input_close(struct input *input)
{
	if (input->open)
		stream_close(&input->in);
	input->open = false;
}
