#include <stdio.h>
#include <unistd.h>

#include "clock.h"
#include "epi-ask/progress.h"
#include "report.h"

enum { LINE = 160 };

void
progress_start(struct progress *progress, bool wanted)
{
	progress->terminal = isatty(STDERR_FILENO) == 1;
	progress->on = wanted || progress->terminal;
	progress->begin_ns = progress->told_ns = clock_steady();
}

/* The rest takes as long for a byte of question as what was asked so far. */
static double
left_seconds(const struct progress *progress, double passed)
{
	double share;

	if (progress->total_bytes <= 0 || progress->done_bytes <= 0)
		return -1;
	share = (double)progress->done_bytes / (double)progress->total_bytes;
	return share >= 1 ? 0 : passed * (1 - share) / share;
}

void
progress_tell(struct progress *progress, bool last)
{
	int64_t now_ns = clock_steady();
	double passed = (double)(now_ns - progress->begin_ns) / 1e9;
	double left = left_seconds(progress, passed);
	char line[LINE];
	int length;

	if (!progress->on || (!last && now_ns - progress->told_ns <
	    (progress->terminal ? 1 : 10) * CLOCK_SECOND))
		return;
	progress->told_ns = now_ns;
	length = snprintf(line, sizeof line,
	    "%s: %llu done, %llu failed, %.3g/s", report_program(),
	    (unsigned long long)progress->done,
	    (unsigned long long)progress->failed,
	    passed > 0 ? (double)progress->asked / passed : 0);
	if (left >= 0 && !last)
		length += snprintf(line + length, sizeof line - (size_t)length,
		    ", %.0f s left", left);
	length += snprintf(line + length, sizeof line - (size_t)length, "%s",
	    !progress->terminal ? "\n" : last ? "\x1b[K\n" : "\x1b[K\r");
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		progress->on = false; /* nobody to tell */
}
