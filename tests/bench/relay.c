/* relay - standard input to standard output, as little as a filter can do */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static char block[64 * 1024];

int
main(void)
{
	ssize_t got, put;

	for (;;) {
		got = read(STDIN_FILENO, block, sizeof block);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		for (ssize_t at = 0; at < got; at += put) {
			put = write(STDOUT_FILENO, block + at,
			    (size_t)(got - at));
			if (put < 0 && errno == EINTR)
				put = 0;
			if (put < 0)
				break;
		}
		if (put < 0)
			break;
	}
	if (got != 0)
		perror("relay");
	return got != 0;
}
