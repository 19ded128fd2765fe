#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum { LINE = 256 };

static int own = -1, spans = -1, others = -1;

static void
open_anew(int *fd, const char *name)
{
	if (*fd >= 0)
		close(*fd);
	*fd = run_open(run_file(name), O_WRONLY | O_CREAT | O_TRUNC |
	    O_APPEND);
}

/* A FIFO is opened for both ways: so nobody waits for its other end, and its
 * reader, the source perhaps, sees no end before ours. */
void
mark_open(void)
{
	struct stat status;
	bool fifo;

	open_anew(&own, "marks");
	open_anew(&spans, "spans");
	if (!run.marks || others >= 0)
		return;
	fifo = stat(run.marks, &status) == 0 && S_ISFIFO(status.st_mode);
	others = run_open(run.marks, fifo ? O_RDWR | O_NONBLOCK
	    : O_WRONLY | O_CREAT | O_APPEND);
}

static void
put(int fd, const char *name, const char *line, size_t length)
{
	ssize_t n;

	while ((n = write(fd, line, length)) < 0 && errno == EINTR)
		;
	if (n != (ssize_t)length)
		report_error("%s: %s", name, n < 0 ? strerror(errno)
		    : "written in part");
}

static void
put_all(const char *line, size_t length, unsigned use)
{
	if (use & MARK_SPAN)
		put(spans, "spans", line, length);
	if (!(use & MARK_EVENT))
		return;
	put(own, "marks", line, length);
	if (others >= 0)
		put(others, run.marks, line, length);
}

void
mark_copy(const char *line, size_t length)
{
	char *whole = report_copy(line, length);

	whole[length] = '\n';
	put_all(whole, length + 1, MARK_SPAN | MARK_EVENT);
	free(whole);
}

void
mark_put(const char *label, bool end, int64_t ns, unsigned use)
{
	char line[LINE], *at = line;

	at = write_text(at, "{\"timestamp\":");
	at = write_decimal(at, ns, 9, 6);
	at = write_text(at, ",\"type\":\"event\",\"event\":\"mark\",\"label\":\"");
	at = write_text(at, label);
	at = write_text(at, end ? "\",\"edge\":\"end\"}\n"
	    : "\",\"edge\":\"begin\"}\n");
	put_all(line, (size_t)(at - line), use);
}
