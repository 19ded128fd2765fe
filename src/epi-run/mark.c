#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum { LINE = 160 };

static int own = -1, spans = -1, others = -1;

/* A FIFO is opened for both ways: so nobody waits for its other end, and its
 * reader, the source perhaps, sees no end before ours. */
void
mark_open(void)
{
	struct stat status;
	bool fifo;

	own = run_open(run_file("marks"), O_WRONLY | O_CREAT | O_APPEND);
	spans = run_open(run_file("spans"), O_WRONLY | O_CREAT | O_APPEND);
	if (!run.marks)
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

void
mark_span(const char *line, size_t length)
{
	put(spans, "spans", line, length);
}

void
mark_put(const char *label, bool end, int64_t ns)
{
	char line[LINE], *at = line;

	at = write_text(at, "{\"timestamp\":");
	at = write_decimal(at, ns, 9, 6);
	at = write_text(at, ",\"type\":\"event\",\"event\":\"mark\",\"label\":\"");
	at = write_text(at, label);
	at = write_text(at, end ? "\",\"edge\":\"end\"}\n"
	    : "\",\"edge\":\"begin\"}\n");
	put(own, "marks", line, (size_t)(at - line));
	if (!run.of_tokens || strcmp(label, "run") != 0)
		mark_span(line, (size_t)(at - line));
	if (others >= 0)
		put(others, run.marks, line, (size_t)(at - line));
}
