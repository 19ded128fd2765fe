#include <string.h>

#include "clock.h"
#include "epi-watch/trace.h"
#include "report.h"

static const int spans[TRACE_LEVELS] = { 60, 300, 900, 3600, 21600 };

int
trace_seconds(int level)
{
	return spans[level];
}

static int64_t
width_ns(int level)
{
	return spans[level] * CLOCK_SECOND / TRACE_BUCKETS;
}

struct trace *
trace_new(int64_t t)
{
	struct trace *trace = report_resize(NULL, 1, sizeof *trace);

	memset(trace, 0, sizeof *trace);
	for (int i = 0; i < TRACE_LEVELS; i++)
		trace->latest[i] = t / width_ns(i);
	return trace;
}

/* Empties the buckets behind the newest one up to `to`. */
static void
move_on(struct trace *trace, int level, int64_t to)
{
	int64_t at = trace->latest[level];

	if (to - at > TRACE_BUCKETS)
		at = to - TRACE_BUCKETS;
	while (at < to)
		trace->ring[level][++at % TRACE_BUCKETS] =
		    (struct bucket){ 0 };
	trace->latest[level] = to;
}

static void
add_piece(struct bucket *bucket, double from, double to, double seconds)
{
	double low = from < to ? from : to, high = from < to ? to : from;

	if (bucket->seconds <= 0 || low < bucket->low)
		bucket->low = (float)low;
	if (bucket->seconds <= 0 || high > bucket->high)
		bucket->high = (float)high;
	bucket->joules += (float)((from + to) / 2 * seconds);
	bucket->seconds += (float)seconds;
}

static void
add_line(struct trace *trace, int level, struct energy_point a,
    struct energy_point b)
{
	int64_t width = width_ns(level), last = b.time_ns / width;
	int64_t first = a.time_ns / width;
	double slope = (double)(b.watts_nw - a.watts_nw) /
	    (double)(b.time_ns - a.time_ns);

	if (last - first >= TRACE_BUCKETS)
		first = last - TRACE_BUCKETS + 1;
	for (int64_t i = first; i <= last; i++) {
		int64_t from = i * width, to = from + width;

		if (from < a.time_ns)
			from = a.time_ns;
		if (to > b.time_ns)
			to = b.time_ns;
		if (to > from)
			add_piece(&trace->ring[level][i % TRACE_BUCKETS],
			    ((double)a.watts_nw +
			    slope * (double)(from - a.time_ns)) / 1e9,
			    ((double)a.watts_nw +
			    slope * (double)(to - a.time_ns)) / 1e9,
			    (double)(to - from) / 1e9);
	}
}

void
trace_add(struct trace *trace, struct energy_point a, struct energy_point b,
    bool is_gap)
{
	for (int level = 0; level < TRACE_LEVELS; level++) {
		move_on(trace, level, b.time_ns / width_ns(level));
		if (!is_gap)
			add_line(trace, level, a, b);
	}
}

void
trace_copy(const struct trace *trace, int level, int64_t t,
    struct bucket buckets[TRACE_BUCKETS])
{
	int64_t end = t / width_ns(level);

	for (int i = 0; i < TRACE_BUCKETS; i++) {
		int64_t at = end - TRACE_BUCKETS + 1 + i;
		bool known = at >= 0 && at <= trace->latest[level] &&
		    at > trace->latest[level] - TRACE_BUCKETS;

		buckets[i] = known ? trace->ring[level][at % TRACE_BUCKETS]
		    : (struct bucket){ 0 };
	}
}
