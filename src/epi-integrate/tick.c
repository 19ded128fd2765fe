/* The cluster's power at one time, and the spans whose peak it may be. */
#include "epi-integrate/integrate.h"

/* Of the spans that held the time before, those that hold t. */
static void
leave_active(int64_t t)
{
	size_t kept = 0;

	for (size_t i = 0; i < s.tick.active_count; i++) {
		const struct span *span = span_of(s.tick.active[i]);

		if (!span)
			continue;
		if (span->end_ns <= t) {
			if (span->end_ns > s.tick.from_ns)
				s.tick.from_ns = span->end_ns;
			continue;
		}
		if (span->end_ns < s.tick.to_ns)
			s.tick.to_ns = span->end_ns;
		s.tick.active[kept++] = s.tick.active[i];
	}
	s.tick.active_count = kept;
}

static void
enter_active(int64_t t)
{
	for (; s.tick.begins < s.begin_count &&
	    s.begins[s.tick.begins].ns <= t; s.tick.begins++) {
		size_t id = s.begins[s.tick.begins].id;
		const struct span *span = span_of(id);
		int64_t edge_ns;

		if (!span)
			continue;
		edge_ns = span->end_ns <= t ? span->end_ns : span->begin_ns;
		if (edge_ns > s.tick.from_ns)
			s.tick.from_ns = edge_ns;
		if (span->end_ns <= t)
			continue;
		if (span->end_ns < s.tick.to_ns)
			s.tick.to_ns = span->end_ns;
		s.tick.active[s.tick.active_count++] = id;
	}
}

/* The spans that hold time t, and the stretch of time for which they do: from
 * those of the stretch before, or from none where time went back. */
static void
find_active(int64_t t)
{
	if (t < s.tick.from_ns || s.tick.to_ns == INT64_MIN) {
		s.tick.from_ns = INT64_MIN;
		s.tick.active_count = s.tick.begins = 0;
	}
	s.tick.to_ns = INT64_MAX;
	s.tick.active_ns = t;
	leave_active(t);
	enter_active(t);
	if (s.tick.begins < s.begin_count &&
	    s.begins[s.tick.begins].ns < s.tick.to_ns)
		s.tick.to_ns = s.begins[s.tick.begins].ns;
}

/* Whether one sum is greater than the other: of more nodes, or of more power. */
static bool
is_greater(unsigned nodes, energy_units nw, unsigned than_nodes,
    energy_units than_nw)
{
	return nodes > than_nodes || (nodes == than_nodes && nw > than_nw);
}

/* The tick counts in a span that holds it. */
static void
raise_top(struct span *span)
{
	if (is_greater(s.tick.nodes, s.tick.sum_nw, span->tick_nodes,
	    span->tick_nw)) {
		span->tick_nodes = s.tick.nodes;
		span->tick_nw = s.tick.sum_nw;
	}
	if (s.tick.top_nodes == 0 || is_greater(s.tick.top_nodes,
	    s.tick.top_nw, span->tick_nodes, span->tick_nw)) {
		s.tick.top_nodes = span->tick_nodes;
		s.tick.top_nw = span->tick_nw;
	}
}

/* The tick is over, or is looked at: its sum counts in every span it is in. */
void
tick_fold(void)
{
	if (s.tick.nodes == 0)
		return;
	if (s.tick_count++ == 0) {
		s.first_tick = (struct tick){ s.tick.time_ns, s.tick.sum_nw,
			s.tick.nodes };
		if (s.partial)
			return; /* it may go on from the part before */
	}
	if (s.tick.time_ns < s.tick.from_ns || s.tick.time_ns >= s.tick.to_ns)
		find_active(s.tick.time_ns);
	s.tick.top_nodes = 0;
	for (size_t i = 0; i < s.tick.active_count; i++) {
		struct span *span = span_of(s.tick.active[i]);

		if (span)
			raise_top(span);
	}
}
