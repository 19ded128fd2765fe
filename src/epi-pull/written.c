#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-pull/written.h"
#include "report.h"

#define LATE_NS (60 * CLOCK_SECOND)

struct row {
	int64_t time_ns, node;
};

struct rows {
	struct row *at;
	size_t count, room;
};

struct written {
	struct rows before, now; /* of the last reading, and of this one */
	size_t next;             /* in `before` */
	int64_t floor_ns;        /* nothing earlier is new */
	int64_t news_ns;         /* of clock_steady(): when the last one was */
};

struct written *
written_new(void)
{
	struct written *written = report_resize(NULL, 1, sizeof *written);

	*written = (struct written){
		.floor_ns = INT64_MIN, .news_ns = clock_steady()
	};
	return written;
}

void
written_free(struct written *written)
{
	free(written->before.at);
	free(written->now.at);
	free(written);
}

int64_t
written_begin(struct written *written, int64_t from_ns)
{
	written->next = 0;
	written->now.count = 0;
	return written->floor_ns > from_ns ? written->floor_ns : from_ns;
}

static void
forget_before(struct rows *rows, int64_t time_ns)
{
	size_t first = 0;

	while (first < rows->count && rows->at[first].time_ns < time_ns)
		first++;
	rows->count -= first;
	memmove(rows->at, rows->at + first, rows->count * sizeof *rows->at);
}

static void
raise_floor(struct written *written, int64_t time_ns)
{
	if (time_ns > written->floor_ns)
		written->floor_ns = time_ns;
	forget_before(&written->now, written->floor_ns);
}

/* The latest of these that is not ahead of the clock; INT64_MIN: none is. */
static int64_t
latest(const struct rows *rows)
{
	int64_t now_ns = clock_now();
	size_t left = rows->count;

	while (left > 0 && rows->at[left - 1].time_ns > now_ns)
		left--;
	return left > 0 ? rows->at[left - 1].time_ns : INT64_MIN;
}

/* Nothing before it is new. */
static int64_t
minute_before(int64_t latest_ns)
{
	return latest_ns < INT64_MIN + LATE_NS ? INT64_MIN
	    : latest_ns - LATE_NS;
}

/* Room for one more: by forgetting, where that is enough for a while. */
static void
make_room(struct written *written)
{
	struct rows *rows = &written->now;

	if (rows->count < rows->room)
		return;
	if (rows->count > 0)
		raise_floor(written, minute_before(latest(rows)));
	if (rows->count < rows->room - rows->room / 4)
		return;
	rows->room = rows->room ? rows->room * 2 : 64;
	rows->at = report_resize(rows->at, rows->room, sizeof *rows->at);
}

static void
note(struct written *written, struct row row)
{
	make_room(written);
	written->now.at[written->now.count++] = row;
}

bool
written_is_new(struct written *written, int64_t time_ns, int64_t node)
{
	const struct rows *before = &written->before;
	size_t next = written->next;

	while (next < before->count && (before->at[next].time_ns < time_ns ||
	    (before->at[next].time_ns == time_ns &&
	    before->at[next].node < node)))
		next++;
	written->next = next;
	note(written, (struct row){ time_ns, node });
	if (next < before->count && before->at[next].time_ns == time_ns &&
	    before->at[next].node == node)
		return false;
	written->news_ns = clock_steady();
	return true;
}

void
written_end(struct written *written)
{
	struct rows before = written->before;
	int64_t latest_ns = latest(&written->now);
	bool rests = clock_steady() - written->news_ns > LATE_NS;

	if (latest_ns != INT64_MIN)
		raise_floor(written, rests ? latest_ns + 1
		    : minute_before(latest_ns));
	written->before = written->now;
	written->now = before;
}
