/*
 * energy: the exact energy E(t) of one node, and what is counted beside it.
 *
 * Time is int64 ns, power int64 nW, energy a 128-bit count of 0.5e-18 J, so
 * that a trapezoid (t1-t0)(w0+w1)/2 is a whole number of units.  Between two
 * samples (t0,w0), (t1,w1), with x = b-t0, d = t1-t0, p = (w1-w0)x:
 *
 *     E(b) = E(t0) + 2 w0 x + x floor(p/d) + rhe(x (p mod d) / d)
 *
 * rhe: round half to even.  E is a function of b, so the energies of adjoining
 * spans add up to the last digit.  Everything else that is told of a span is a
 * function of time too: a span's figure is its value at the end minus that at
 * the begin.  Bounds: |w| <= 1e18 nW (1e9 W).
 * Floor: ground.  Pure arithmetic: no allocation, no printing.
 */
#ifndef EPI_ENERGY_H
#define EPI_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 energy_units; /* 0.5e-18 J */
__extension__ typedef unsigned __int128 energy_bits; /* of them */

#define ENERGY_WATTS_MAX INT64_C(1000000000000000000) /* nW */

/* Under this power, 9e6 W, and this count of microjoules, 9e9 J,
 * energy_is_plain holds. */
#define ENERGY_PLAIN (UINT64_C(1) << 53)

/* Units in one microjoule, the resolution of an instrument's counter. */
#define ENERGY_PER_MICROJOULE INT64_C(2000000000000)

/* Differences of power are rounded down to 1024 nW: so the sum of their squares
 * stays under 127 bits, and each of billions takes a shift, not a division. */
enum { ENERGY_VARIATION_BITS = 10 };

struct energy_point {
	int64_t time_ns;
	int64_t watts_nw;
};

/* Energy from a to b by the trapezoid; a.time_ns <= b.time_ns. */
energy_units energy_between(struct energy_point a, struct energy_point b);

/* Energy from a to the time t inside a..b (a.time_ns <= t <= b.time_ns,
 * a.time_ns < b.time_ns), on the line from a to b. */
energy_units energy_until(struct energy_point a, struct energy_point b,
    int64_t t);

/* value * numerator / denominator, rounded half to even; 0 <= numerator,
 * 0 < denominator, both under 2^63; the result must fit. */
energy_units energy_share(energy_units value, int64_t numerator,
    int64_t denominator);

/* Joules as a double, within one unit in its last place. */
double energy_joules(energy_units units);

/* units / ns in watts, as a double; ns > 0. */
double energy_mean_watts(energy_units units, int64_t ns);

/* What has come together before a time b, of samples and of intervals. */
struct energy_tally {
	energy_units trapezoid;
	energy_units hold;      /* the last value holds until the next */
	energy_units counter;   /* beside the counter: resets, edges */
	int64_t counter_uj;     /* by the instrument's counter */
	energy_units watts_sum; /* nW, of samples with t < b */
	int64_t samples;        /* with t < b */
	int64_t negative;       /* of these, watts < 0 */
	int64_t uncounted;      /* intervals without the counter at both ends */
	int64_t resets;         /* intervals in which the counter was reset */
	int64_t gap_ns;         /* of intervals over the gap limit */
	energy_units variation; /* differences of neighbours, rounded down to
	                           2^ENERGY_VARIATION_BITS nW, squared, */
	int64_t differences;    /* and how many */
	energy_units reactive;  /* 0.5e-15 var s, where vars are known */
	int64_t reactive_ns;    /* for so long */
};

/* counter and counter_uj together. */
energy_units energy_counter(const struct energy_tally *tally);

void energy_tally_add(struct energy_tally *sum, const struct energy_tally *t);
void energy_tally_subtract(struct energy_tally *from,
    const struct energy_tally *t);

/* One reading of a node. */
struct energy_reading {
	struct energy_point point;
	int64_t joules_uj;
	int64_t vars_uvar;
	bool has_joules, has_vars;
	bool after_gap; /* the interval before it is a gap at any length */
	bool before_reset; /* the counter does not tell the one behind it; looked
	                      at by its user, who waits with it */
};

/* A node between two samples. */
struct energy_node {
	struct energy_reading last;
	struct energy_tally at_last; /* the tally at last.point.time_ns */
	int64_t gap_limit_ns;        /* a longer interval is a gap */
	int64_t delay_ns;            /* a sample's counter is of so much later */
	struct energy_reading before; /* the reading before the last one, */
	bool has_before;             /* with a delay alone */
	bool last_had_joules;        /* also where it was reset behind it */
	energy_units lead;           /* by the trapezoid, from the first sample
	                                to the time of its counter, */
	bool lead_is_short;          /* which is beyond the second sample */
	int64_t wrap_uj;             /* where the counter wraps; 0: unknown */
	int64_t step_uj;             /* smallest step of the counter; set
	                                INT64_MAX at the start */
	bool holds;                  /* tally.hold is wanted */
	bool has_more;               /* a delay, or vars that are wanted */
};

/*
 * The tally at b, between the last reading and the next one `to`
 * (last.time_ns <= b <= to->time_ns, last.time_ns < to->time_ns).
 *
 * The counter between two readings is spread evenly; where it falls without
 * joules_wrap explaining it, it was reset: the interval counts by the
 * trapezoid, and in `resets`.
 */
struct energy_tally energy_at(const struct energy_node *node,
    const struct energy_reading *to, int64_t b);

/*
 * The same where the node's readings end, at the last one.
 *
 * With a delay d the counter's part of a tally at b is that of sample time b - d,
 * in the interval that holds it: the last one or the one before.  Up to the time
 * of the first counter reading it is the trapezoid; `lead` is all of that.
 */
struct energy_tally energy_at_last(const struct energy_node *node);

/* Adds variation and reactive of the interval to the next reading, which count at
 * its end, as a whole, to a tally that is of a time in it: energy_at leaves them
 * out. */
void energy_add_whole(const struct energy_node *node,
    const struct energy_reading *to, struct energy_tally *tally);

/* Whether its delay has the counter of a time b, of the last reading or after it,
 * lie before the readings that are kept, or in an interval that the counter does
 * not tell: energy_at does not know it then. */
bool energy_is_behind(const struct energy_node *node, int64_t b);

/* The former of the two: what energy_at has of the counter is wrong then. */
bool energy_is_beyond(const struct energy_node *node, int64_t b);

/* The lead of a node whose first interval ends at `to`. */
energy_units energy_lead(const struct energy_node *node,
    const struct energy_reading *to);

/* Keeps the last reading, and the lead after the first. */
static inline void
energy_remember(struct energy_node *node, const struct energy_reading *to)
{
	if (!node->has_before) {
		node->lead = energy_lead(node, to);
		node->lead_is_short = to->point.time_ns -
		    node->last.point.time_ns < node->delay_ns;
	}
	node->before = node->last;
	node->has_before = true;
	node->last_had_joules = to->has_joules;
}

/* What the counter rose by between two readings that have it; below 0: it was
 * reset. */
static inline int64_t
energy_counter_step(const struct energy_node *node,
    const struct energy_reading *to)
{
	int64_t step;

	if (__builtin_sub_overflow(to->joules_uj, node->last.joules_uj, &step))
		return -1;
	if (step < 0 && step + node->wrap_uj >= 0 &&
	    step + node->wrap_uj < node->wrap_uj / 2)
		step += node->wrap_uj;
	return step;
}

/* One step of a node's counter, uJ: as its instrument told, or else the smallest
 * that was seen (step_uj); 0: not known. */
int64_t energy_step(int64_t smallest_uj, int64_t resolution_uj);

/* Whether a counter of such steps says too little of an energy: one step at each
 * edge is 0.1 % of 2000.  One whose step is not known has not risen yet. */
bool energy_is_coarse(energy_units energy, int64_t step_uj);

/* Whether the interval from the last reading to the next one is a gap. */
static inline bool
energy_is_gap(const struct energy_node *node, const struct energy_reading *to)
{
	return to->after_gap ||
	    to->point.time_ns - node->last.point.time_ns > node->gap_limit_ns;
}

/* How the power varies, by the next reading.  Across a gap neighbours are none. */
static inline void
energy_vary(struct energy_tally *tally, int64_t from_nw, int64_t to_nw)
{
	int64_t step = (to_nw - from_nw) >> ENERGY_VARIATION_BITS;

	tally->variation += (energy_units)step * step;
	tally->differences++;
}

/* Vars are taken as straight between two readings that have them. */
static inline void
energy_react(struct energy_tally *tally, const struct energy_reading *from,
    const struct energy_reading *to)
{
	int64_t x = to->point.time_ns - from->point.time_ns;

	if (!from->has_vars || !to->has_vars)
		return;
	tally->reactive += (energy_units)x *
	    ((energy_units)from->vars_uvar + to->vars_uvar);
	tally->reactive_ns += x;
}

/* What only some nodes want of the interval to the next reading. */
static inline void
energy_advance_more(struct energy_node *node, const struct energy_reading *to)
{
	if (node->delay_ns)
		energy_remember(node, to);
	energy_react(&node->at_last, &node->last, to);
	node->last.vars_uvar = to->vars_uvar;
	node->last.has_vars = to->has_vars;
}

/* The node moves on to the next reading (later than the last): energy_at at
 * the end of the interval, where nothing is left to divide.  Here in the
 * header, for it is what is done for each of billions of samples. */
static inline void
energy_advance(struct energy_node *node, const struct energy_reading *to)
{
	struct energy_tally *tally = &node->at_last;
	const struct energy_point *last = &node->last.point;
	int64_t x = to->point.time_ns - last->time_ns;
	energy_units trapezoid = (energy_units)x *
	    (last->watts_nw + to->point.watts_nw); /* within +-2e18 */

	if (!energy_is_gap(node, to))
		energy_vary(tally, last->watts_nw, to->point.watts_nw);
	energy_advance_more(node, to);
	tally->trapezoid += trapezoid;
	if (node->holds)
		tally->hold += 2 * (energy_units)last->watts_nw * x;
	tally->watts_sum += last->watts_nw;
	tally->samples++;
	tally->negative += last->watts_nw < 0;
	if (energy_is_gap(node, to))
		tally->gap_ns += x;
	if (node->last.has_joules && to->has_joules) {
		int64_t step = energy_counter_step(node, to);

		if (step < 0) {
			tally->counter += trapezoid;
			tally->resets++;
		} else {
			tally->counter_uj += step;
			if (step > 0 && step < node->step_uj)
				node->step_uj = step;
		}
	} else {
		tally->counter += trapezoid;
		tally->uncounted++;
	}
	node->last.point.time_ns = to->point.time_ns;
	node->last.point.watts_nw = to->point.watts_nw;
	node->last.joules_uj = to->joules_uj;
	node->last.has_joules = to->has_joules;
}

/* *sum += more, as two words: compilers spill a 128-bit number here. */
static inline void
energy_add(energy_units *sum, uint64_t more)
{
	uint64_t low = (uint64_t)*sum, high = (uint64_t)(*sum >> 64);

	low += more;
	high += low < more;
	*sum = (energy_units)((energy_bits)high << 64 | low);
}

/* Whether the next reading is like most: both have a counter, no gap is between
 * them, and nothing is negative, nor beyond ENERGY_PLAIN.  Of the next one it is
 * known that it has a counter and is after no gap that was told. */
static inline bool
energy_is_plain(const struct energy_node *node, struct energy_point to,
    int64_t joules_uj)
{
	const struct energy_reading *last = &node->last;
	int64_t x = to.time_ns - last->point.time_ns;

	return (uint64_t)x - 1 < (uint64_t)node->gap_limit_ns &&
	    (uint64_t)(last->point.watts_nw | to.watts_nw | last->joules_uj |
	    joules_uj) < ENERGY_PLAIN &&
	    joules_uj >= last->joules_uj && last->has_joules;
}

/* energy_advance to a plain reading, in half of its instructions.  Where the node
 * has more to do, energy_advance_more comes first. */
static inline void
energy_advance_plainly(struct energy_node *node, struct energy_point to,
    int64_t joules_uj)
{
	struct energy_tally *tally = &node->at_last;
	struct energy_reading *last = &node->last;
	int64_t from_nw = last->point.watts_nw;
	int64_t x = to.time_ns - last->point.time_ns;
	int64_t step_uj = joules_uj - last->joules_uj;

	tally->trapezoid += (energy_units)x * (from_nw + to.watts_nw);
	if (node->holds)
		tally->hold += (energy_units)x * (2 * from_nw);
	energy_vary(tally, from_nw, to.watts_nw);
	energy_add(&tally->watts_sum, (uint64_t)from_nw);
	tally->samples++;
	tally->counter_uj += step_uj;
	if ((uint64_t)step_uj - 1 < (uint64_t)node->step_uj - 1)
		node->step_uj = step_uj;
	last->joules_uj = joules_uj;
	last->point = to;
}

#endif
