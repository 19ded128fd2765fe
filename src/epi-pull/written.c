#include <stddef.h>

#include "clock.h"
#include "epi-pull/written.h"
#include "report.h"

#define LATE_NS (60 * CLOCK_SECOND)

struct written {
	struct written *next;
	int64_t id, latest_ns;
	int64_t *node_ns;      /* the latest of each; INT64_MIN: none */
	int64_t node_count;
};

static struct written *meters;

struct written *
written_of(int64_t id)
{
	struct written *at = meters;

	while (at && at->id != id)
		at = at->next;
	if (!at) {
		at = report_resize(NULL, 1, sizeof *at);
		*at = (struct written){ meters, id, INT64_MIN, NULL, 0 };
		meters = at;
	}
	return at;
}

bool
written_is_new(struct written *written, int64_t node, int64_t time_ns)
{
	if (node >= written->node_count) {
		written->node_ns = report_resize(written->node_ns,
		    (size_t)node + 1, sizeof *written->node_ns);
		while (written->node_count <= node)
			written->node_ns[written->node_count++] = INT64_MIN;
	}
	if (time_ns <= written->node_ns[node])
		return false;
	written->node_ns[node] = time_ns;
	if (time_ns > written->latest_ns)
		written->latest_ns = time_ns;
	return true;
}

int64_t
written_from(const struct written *written, int64_t from_ns)
{
	if (written->latest_ns < INT64_MIN + LATE_NS ||
	    written->latest_ns - LATE_NS < from_ns)
		return from_ns;
	return written->latest_ns - LATE_NS;
}
