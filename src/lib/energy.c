#include "energy.h"

/* base + value / denominator, rounded half to even; floor division first,
 * since C truncates toward zero. */
static energy_units
divide(energy_units base, energy_units value, energy_units denominator)
{
	energy_units quotient = value / denominator;
	energy_units rest = value % denominator;

	if (rest < 0) {
		rest += denominator;
		quotient--;
	}
	quotient += base;
	if (rest > denominator - rest ||
	    (rest == denominator - rest && (quotient & 1)))
		quotient++;
	return quotient;
}

energy_units
energy_between(struct energy_point a, struct energy_point b)
{
	return (energy_units)(b.time_ns - a.time_ns) *
	    ((energy_units)a.watts_nw + b.watts_nw);
}

energy_units
energy_until(struct energy_point a, struct energy_point b, int64_t t)
{
	energy_units x = t - a.time_ns;
	energy_units d = b.time_ns - a.time_ns;
	energy_units p = ((energy_units)b.watts_nw - a.watts_nw) * x;
	energy_units slope = p / d, rest = p % d;

	if (rest < 0) {
		rest += d;
		slope--;
	}
	return 2 * (energy_units)a.watts_nw * x + x * slope +
	    divide(0, x * rest, d);
}

energy_units
energy_share(energy_units value, int64_t numerator, int64_t denominator)
{
	energy_units whole = value / denominator, rest = value % denominator;

	return divide(whole * numerator, rest * numerator, denominator);
}

/* Split at a whole joule, so that the sum of two doubles is rounded once from
 * parts that are exact or far below the last place. */
double
energy_joules(energy_units units)
{
	const energy_units joule = (energy_units)2000000000000000000;

	return (double)(units / joule) + (double)(units % joule) / 2e18;
}

double
energy_mean_watts(energy_units units, int64_t ns)
{
	energy_units whole = units / ns, rest = units % ns;

	return ((double)whole + (double)rest / (double)ns) / 2e9;
}

energy_units
energy_counter(const struct energy_tally *tally)
{
	return tally->counter +
	    (energy_units)tally->counter_uj * ENERGY_PER_MICROJOULE;
}

void
energy_tally_add(struct energy_tally *sum, const struct energy_tally *t)
{
	sum->trapezoid += t->trapezoid;
	sum->hold += t->hold;
	sum->counter += t->counter;
	sum->counter_uj += t->counter_uj;
	sum->watts_sum += t->watts_sum;
	sum->samples += t->samples;
	sum->negative += t->negative;
	sum->uncounted += t->uncounted;
	sum->resets += t->resets;
	sum->gap_ns += t->gap_ns;
	sum->variation += t->variation;
	sum->differences += t->differences;
	sum->reactive += t->reactive;
	sum->reactive_ns += t->reactive_ns;
}

void
energy_tally_subtract(struct energy_tally *from, const struct energy_tally *t)
{
	from->trapezoid -= t->trapezoid;
	from->hold -= t->hold;
	from->counter -= t->counter;
	from->counter_uj -= t->counter_uj;
	from->watts_sum -= t->watts_sum;
	from->samples -= t->samples;
	from->negative -= t->negative;
	from->uncounted -= t->uncounted;
	from->resets -= t->resets;
	from->gap_ns -= t->gap_ns;
	from->variation -= t->variation;
	from->differences -= t->differences;
	from->reactive -= t->reactive;
	from->reactive_ns -= t->reactive_ns;
}

int64_t
energy_step(int64_t smallest_uj, int64_t resolution_uj)
{
	return resolution_uj > 0 ? resolution_uj
	    : smallest_uj < INT64_MAX ? smallest_uj : 0;
}

bool
energy_is_coarse(energy_units energy, int64_t step_uj)
{
	const int steps = 2000;

	return step_uj == 0 ? energy > 0
	    : (energy_units)step_uj * ENERGY_PER_MICROJOULE * steps > energy;
}

/* What the counter rose by from one reading to the next; below 0: it does not
 * tell. */
static int64_t
step_of(const struct energy_node *node, const struct energy_reading *from,
    const struct energy_reading *to)
{
	struct energy_node interval = { .last = *from,
		.wrap_uj = node->wrap_uj };

	return from->has_joules && to->has_joules
	    ? energy_counter_step(&interval, to) : -1;
}

/* What the counter, or the trapezoid in its stead, has of the interval from one
 * reading to the next, up to b in it. */
static energy_units
counted_until(const struct energy_node *node,
    const struct energy_reading *from, const struct energy_reading *to,
    int64_t b)
{
	int64_t start = from->point.time_ns, step;

	if (b <= start)
		return 0;
	step = step_of(node, from, to);
	return step < 0 ? energy_until(from->point, to->point, b)
	    : energy_share((energy_units)step * ENERGY_PER_MICROJOULE,
	    b - start, to->point.time_ns - start);
}

/* The last reading as the interval before it had it. */
static struct energy_reading
last_of(const struct energy_node *node)
{
	struct energy_reading last = node->last;

	last.has_joules = node->last_had_joules;
	return last;
}

/* The counter at a time before the last reading, but not before the one before
 * it, or before any that is known. */
static void
count_back(const struct energy_node *node, int64_t t,
    struct energy_tally *tally)
{
	struct energy_reading last = last_of(node);

	if (t >= last.point.time_ns || !node->has_before)
		return;
	tally->counter += counted_until(node, &node->before, &last, t) -
	    counted_until(node, &node->before, &last, last.point.time_ns);
}

/* By the trapezoid, from the first reading to where its counter is of, up to
 * b. */
static energy_units
lead_until(const struct energy_node *node, const struct energy_reading *to,
    int64_t b)
{
	int64_t t = node->last.point.time_ns + node->delay_ns;

	if (b < t)
		t = b;
	return energy_until(node->last.point, to->point,
	    t < to->point.time_ns ? t : to->point.time_ns);
}

/* The counter's part of an interval, up to b. */
static void
count_until(const struct energy_node *node, const struct energy_reading *to,
    int64_t b, struct energy_tally *tally)
{
	bool counted = node->last.has_joules && to->has_joules;
	int64_t t = b - node->delay_ns;

	tally->uncounted += !counted;
	tally->resets += counted && energy_counter_step(node, to) < 0;
	tally->counter += counted_until(node, &node->last, to, t);
	count_back(node, t, tally);
	if (node->delay_ns)
		tally->counter += node->has_before ? node->lead
		    : lead_until(node, to, b);
}

bool
energy_is_beyond(const struct energy_node *node, int64_t b)
{
	return node->delay_ns > 0 && node->has_before &&
	    b - node->delay_ns < node->before.point.time_ns;
}

bool
energy_is_behind(const struct energy_node *node, int64_t b)
{
	struct energy_reading last = last_of(node);
	int64_t t = b - node->delay_ns;

	if (node->delay_ns == 0 || !node->has_before)
		return false;
	return energy_is_beyond(node, b) ||
	    (t < last.point.time_ns && step_of(node, &node->before, &last) < 0);
}

/* The first counter reading is of a delay after the first sample. */
energy_units
energy_lead(const struct energy_node *node, const struct energy_reading *to)
{
	return lead_until(node, to, to->point.time_ns);
}

struct energy_tally
energy_at_last(const struct energy_node *node)
{
	struct energy_tally tally = node->at_last;

	tally.counter += node->lead;
	count_back(node, node->last.point.time_ns - node->delay_ns, &tally);
	return tally;
}

struct energy_tally
energy_at(const struct energy_node *node, const struct energy_reading *to,
    int64_t b)
{
	struct energy_tally tally = node->at_last;
	const struct energy_point *last = &node->last.point;
	int64_t x = b - last->time_ns;

	if (x == 0)
		return energy_at_last(node);
	tally.trapezoid += energy_until(*last, to->point, b);
	tally.hold += 2 * (energy_units)last->watts_nw * x;
	count_until(node, to, b, &tally);
	tally.watts_sum += last->watts_nw;
	tally.samples++;
	tally.negative += last->watts_nw < 0;
	tally.gap_ns += energy_is_gap(node, to) ? x : 0;
	return tally;
}

void
energy_add_whole(const struct energy_node *node,
    const struct energy_reading *to, struct energy_tally *tally)
{
	if (!energy_is_gap(node, to))
		energy_vary(tally, node->last.point.watts_nw,
		    to->point.watts_nw);
	energy_react(tally, &node->last, to);
}
