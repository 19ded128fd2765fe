/*
 * Expected values are worked out by hand from the definition in energy.h; in
 * 0.5e-18 J, and where a slope begins at 0 W, E(x) = x * x * w / d.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "energy.h"
#include "unit.h"

static const int64_t most = ENERGY_WATTS_MAX;

/* A whole number of any length. */
static energy_units
number(const char *text)
{
	energy_units value = 0;
	bool negative = *text == '-';

	for (text += negative; *text; text++)
		value = value * 10 + (*text - '0');
	return negative ? -value : value;
}

static struct energy_point
at(int64_t time_ns, int64_t watts_nw)
{
	return (struct energy_point){ time_ns, watts_nw };
}

static energy_units
slope(int64_t d, int64_t w, int64_t x)
{
	return energy_until(at(0, 0), at(d, w), x);
}

static void
whole_intervals(void)
{
	is(energy_between(at(5, 3), at(7, 4)) == 14, "2 ns of 3 and 4 nW");
	is(energy_between(at(7, 3), at(7, -4)) == 0, "no time, no energy");
	is(energy_between(at(0, most), at(INT64_MAX, most)) ==
	    number("18446744073709551614000000000000000000"),
	    "1e9 W for 292 years");
	is(energy_between(at(0, -most), at(INT64_MAX, -most)) ==
	    number("-18446744073709551614000000000000000000"),
	    "-1e9 W for 292 years");
}

static void
roundings(void)
{
	is(slope(4, 1, 2) == 1 && slope(4, 3, 2) == 3, "whole units");
	is(slope(8, 1, 2) == 0, "1/2 is rounded to 0");
	is(slope(8, 3, 2) == 2, "3/2 is rounded to 2");
	is(slope(8, 5, 2) == 2, "5/2 is rounded to 2");
	is(slope(3, 1, 1) == 0 && slope(3, 2, 1) == 1, "1/3 and 2/3");
	is(slope(8, 1, 6) == 4, "36/8 is rounded to 4");
	/* x floor(p/d) is -2 of p/d = -3/4, and x (p mod d)/d 1/2. */
	is(slope(8, -3, 2) == -2, "-3/2 is -2 and 1/2");
	is(slope(2, -1, 1) == -1, "-1/2 is -1 and 1/2");
	is(slope(2, -3, 1) == -2, "-3/2 is -2 and 1/2");
	is(slope(3, -1, 1) == 0 && slope(3, -2, 1) == -1, "-1/3 and -2/3");
}

static void
extremes(void)
{
	struct energy_point up = at(INT64_MAX, most), down = at(INT64_MAX, -most);

	is(energy_until(at(0, -most), up, INT64_MAX) == 0 &&
	    energy_until(at(0, most), down, INT64_MAX) == 0,
	    "up and down over 292 years");
	/* E(x) = 2e18 (x - x * x / d), at x = (d-1)/2: 5e17 (d - 1/d). */
	is(energy_until(at(0, most), down, INT64_MAX / 2) ==
	    number("4611686018427387903500000000000000000"), "half of it");
	is(energy_until(at(0, -most), up, 1) == -2 * (energy_units)most,
	    "its first nanosecond: -2e18 and 2e18/9.2e18");
	is(energy_until(at(0, most), up, INT64_MAX) ==
	    energy_between(at(0, most), up), "a level line, whole");
}

static int64_t
pick(int64_t below)
{
	static uint64_t x = 42; /* Knuth's MMIX generator */

	x = x * 6364136223846793005U + 1442695040888963407U;
	return (int64_t)((x >> 1) % (uint64_t)below);
}

/* The definition itself, of cuts of one line. */
static bool
cuts_add_up(struct energy_point a, struct energy_point b)
{
	int64_t d = b.time_ns - a.time_ns;
	int64_t c1 = a.time_ns + pick(d + 1), c2 = a.time_ns + pick(d + 1);
	energy_units e1 = energy_until(a, b, c1), e2 = energy_until(a, b, c2);
	energy_units all = energy_between(a, b);

	return e1 + (e2 - e1) + (all - e2) == all &&
	    energy_until(a, b, a.time_ns) == 0 &&
	    energy_until(a, b, b.time_ns) == all;
}

/* Against arithmetic without rounding, small enough for 64 bits: twice the
 * distance from x (2 w0 d + (w1-w0) x) / d is at most 1. */
static bool
is_nearest(void)
{
	int64_t d = 1 + pick(1000), w0 = pick(2001) - 1000;
	int64_t w1 = pick(2001) - 1000, x = pick(d + 1);
	int64_t e = (int64_t)energy_until(at(7, w0), at(7 + d, w1), 7 + x);
	int64_t twice = 2 * (x * (2 * w0 * d + (w1 - w0) * x) - e * d);

	return llabs(twice) <= d;
}

static void
many(void)
{
	bool all = true;

	for (int i = 0; i < 10000; i++) {
		struct energy_point a = at(pick(INT64_MAX / 2), pick(most) - most / 2);

		all = all && cuts_add_up(a, at(a.time_ns + 1 +
		    pick(INT64_MAX / 2), pick(most) - most / 2));
	}
	is(all, "10,000 random lines end where the trapezoid does");
	for (int i = 0; i < 10000; i++)
		all = all && is_nearest();
	is(all, "10,000 random cuts are the nearest unit");
}

static void
shares(void)
{
	is(energy_share(10, 3, 5) == 6, "3/5 of 10");
	is(energy_share(1, 1, 2) == 0 && energy_share(3, 1, 2) == 2 &&
	    energy_share(5, 1, 2) == 2 && energy_share(7, 1, 2) == 4,
	    "halves go to even");
	is(energy_share(-1, 1, 2) == 0 && energy_share(-3, 1, 2) == -2 &&
	    energy_share(-5, 1, 2) == -2, "negative halves too");
	is(energy_share(2, 1, 3) == 1 && energy_share(-2, 1, 3) == -1 &&
	    energy_share(1, 1, 3) == 0, "thirds");
	is(energy_share(number("100000000000000000000000000000000000001"),
	    INT64_MAX, INT64_MAX) ==
	    number("100000000000000000000000000000000000001"),
	    "all of 1e38 and 1");
	/* (2^63-1) 10 (2^63-3) / (2^63-1) */
	is(energy_share(number("92233720368547758070"), INT64_MAX - 2,
	    INT64_MAX) == number("92233720368547758050"), "all but a little");
}

static struct energy_reading
reading(int64_t time_ns, int64_t watts_nw, int64_t joules_uj)
{
	return (struct energy_reading){ .point = at(time_ns, watts_nw),
		.joules_uj = joules_uj, .has_joules = joules_uj >= 0 };
}

static void
counters(void)
{
	struct energy_node node = { .last = reading(0, 10, 90), .wrap_uj = 100,
		.step_uj = INT64_MAX };
	struct energy_reading to = reading(4, 10, 10);
	struct energy_tally half = energy_at(&node, &to, 2);

	is(energy_counter(&half) == 10 * ENERGY_PER_MICROJOULE && half.resets == 0,
	    "a counter that wraps is spread evenly");
	energy_advance(&node, &to);
	is(energy_counter(&node.at_last) == 20 * ENERGY_PER_MICROJOULE &&
	    node.step_uj == 20, "and counted whole");
	node.wrap_uj = 0;
	to = reading(8, 10, 3);
	energy_advance(&node, &to);
	is(node.at_last.resets == 1 && energy_counter(&node.at_last) ==
	    20 * ENERGY_PER_MICROJOULE + 80, "a fall is a reset: the trapezoid");
	to = reading(12, 10, -1);
	energy_advance(&node, &to);
	is(node.at_last.uncounted == 1 && node.at_last.resets == 1 &&
	    energy_counter(&node.at_last) == 20 * ENERGY_PER_MICROJOULE + 160,
	    "no counter at one end: the trapezoid");
	node.wrap_uj = 100;
	node.last = reading(12, 10, 60);
	to = reading(16, 10, 30);
	is(energy_at(&node, &to, 16).resets == 2,
	    "a wrap of more than half its size is taken for a reset");
	node.last.joules_uj = INT64_MIN;
	node.last.has_joules = true;
	to = reading(16, 10, INT64_MAX);
	is(energy_at(&node, &to, 16).resets == 2, "a step no int64 holds");
}

static bool
same(const struct energy_tally *a, const struct energy_tally *b)
{
	return a->trapezoid == b->trapezoid && a->hold == b->hold &&
	    energy_counter(a) == energy_counter(b) && a->watts_sum == b->watts_sum &&
	    a->samples == b->samples && a->negative == b->negative &&
	    a->uncounted == b->uncounted && a->resets == b->resets &&
	    a->gap_ns == b->gap_ns;
}

static void
tallies(void)
{
	struct energy_node node = { .last = reading(0, -5, -1),
		.gap_limit_ns = 10 };
	struct energy_reading to = reading(10, 15, -1);
	struct energy_tally sum = { 0 };

	sum = energy_at(&node, &to, 4);
	/* -10*4 + 4*4*20/10 */
	is(sum.trapezoid == -8 && sum.hold == -40 && sum.watts_sum == -5 &&
	    sum.samples == 1 && sum.negative == 1 && sum.gap_ns == 0,
	    "between two samples");
	is(energy_at(&node, &to, 0).samples == 0, "at the first one");
	to.after_gap = true;
	is(energy_at(&node, &to, 4).gap_ns == 4, "a gap that was told");
	to = reading(11, 15, -1);
	is(energy_at(&node, &to, 4).gap_ns == 4, "a gap by its length");
	energy_tally_add(&sum, &sum);
	is(sum.trapezoid == -16 && sum.samples == 2, "tallies add");
	energy_tally_subtract(&sum, &sum);
	is(same(&sum, &(struct energy_tally){ 0 }), "and subtract");
}

static void
advance_is_at_the_end(void)
{
	struct energy_node node = { .last = reading(0, 0, 0),
		.gap_limit_ns = 900, .wrap_uj = 1000, .step_uj = INT64_MAX,
		.holds = true };
	bool all = true;

	for (int i = 0; i < 10000; i++) {
		struct energy_reading to = reading(node.last.point.time_ns + 1 +
		    pick(1000), pick(2001) - 1000, pick(1200) - 200);
		struct energy_tally end = energy_at(&node, &to,
		    to.point.time_ns);

		energy_advance(&node, &to);
		all = all && same(&end, &node.at_last);
	}
	is(all, "the tally at an interval's end is that of the next sample");
}

/* Up by 10240 nW, down by 5240, which are 10 and, rounded down, -6 of 1024 nW; none
 * over a gap. */
static void
variations(void)
{
	struct energy_node node = { .last = reading(0, 0, 0),
		.gap_limit_ns = 5 };
	static const int64_t nw[] = { 10240, 5000, 9000 };

	for (int i = 0; i < 3; i++) {
		struct energy_reading to = reading(5 * (i + 1) + i / 2, nw[i],
		    0);

		energy_advance(&node, &to);
	}
	is(node.at_last.variation == 136, "differences squared are summed");
	is(node.at_last.differences == 2, "and counted");
}

/* A random walk, taken plainly by one node where that is possible and by the
 * other always in full; a third of the steps must have been plain ones. */
static void
plainly_is_in_full(bool has_vars)
{
	struct energy_node full = { .last = reading(0, 0, 0),
		.gap_limit_ns = 900, .wrap_uj = 1000, .step_uj = INT64_MAX,
		.holds = true };
	struct energy_node plain = full;
	bool all = true;
	int plainly = 0;

	for (int i = 0; i < 10000; i++) {
		struct energy_reading to = reading(full.last.point.time_ns + 1 +
		    pick(1000), pick(2001) - 300, pick(1200) - 100);

		to.has_vars = has_vars;
		to.vars_uvar = pick(2001) - 1000;
		if (i % 2 == 0) /* two readings with a counter that rises */
			to.joules_uj = full.last.joules_uj + pick(50);
		if (i % 16 == 0)
			to.point.watts_nw = (int64_t)ENERGY_PLAIN - 1 + pick(2);
		if (i % 64 < 2) /* and the counter rises on there */
			to.joules_uj = (int64_t)ENERGY_PLAIN - 2 + pick(4);
		if (to.has_joules && energy_is_plain(&plain, to.point,
		    to.joules_uj)) {
			if (has_vars)
				energy_advance_more(&plain, &to);
			energy_advance_plainly(&plain, to.point,
			    to.joules_uj);
			plainly++;
		} else
			energy_advance(&plain, &to);
		energy_advance(&full, &to);
		all = all && same(&full.at_last, &plain.at_last) &&
		    full.at_last.variation == plain.at_last.variation &&
		    full.at_last.differences == plain.at_last.differences &&
		    full.at_last.reactive == plain.at_last.reactive &&
		    full.step_uj == plain.step_uj &&
		    memcmp(&full.last.point, &plain.last.point,
		    sizeof full.last.point) == 0 &&
		    full.last.joules_uj == plain.last.joules_uj &&
		    full.last.has_joules == plain.last.has_joules;
	}
	is(all, "a plain advance is the full one");
	is(plainly > 3000 && plainly < 10000, "where it is one");
	is((full.at_last.reactive != 0) == has_vars, "with vars, too");
}

static void
doubles(void)
{
	is(energy_joules(number("2000000000000000000")) == 1, "a joule");
	is(energy_joules(-number("3000000000000000000")) == -1.5, "-1.5 J");
	is(energy_joules(1) == 0.5e-18, "a unit");
	is(fabs(energy_joules(number("18446744073709551614000000000000000000"))
	    / 9223372036854775807e0 - 1) < 1e-15, "9.2e18 J");
	is(energy_mean_watts(number("2000000000000000000"), 1000000000) == 1,
	    "a joule a second");
	is(energy_mean_watts(-1, 1) == -0.5e-9, "half a nanowatt, negative");
}

/* Samples at 0, 10, 20 and 30 s of 1, 1, 3 and 3 W, each with the counter of 5 s
 * later: 5, 20, 50, 80 J (the power changes at once at 15 s).  By the counter the
 * energy up to 5 s is the trapezoid's, 1 W x 5 s. */
static void
late_counter(void)
{
	static const struct energy_reading readings[] = {
		{ .point = { 0, 1000000000 }, .joules_uj = 5000000,
		    .has_joules = true },
		{ .point = { 10000000000, 1000000000 }, .joules_uj = 15000000,
		    .has_joules = true },
		{ .point = { 20000000000, 3000000000 }, .joules_uj = 45000000,
		    .has_joules = true },
		{ .point = { 30000000000, 3000000000 }, .joules_uj = 75000000,
		    .has_joules = true }
	};
	const energy_units joule = (energy_units)2000000000000000000;
	struct energy_node node = {
		.last = readings[0], .gap_limit_ns = INT64_MAX,
		.step_uj = INT64_MAX, .delay_ns = 5000000000
	};
	struct energy_tally a, b, c;

	a = energy_at(&node, &readings[1], 4000000000);
	is(energy_counter(&a) == 4 * joule, "4 J by 4 s, before it was read");
	a = energy_at(&node, &readings[1], 8000000000);
	is(energy_counter(&a) == 8 * joule, "8 J by 8 s");
	energy_advance(&node, &readings[1]);
	a = energy_at(&node, &readings[2], 13000000000);
	is(energy_counter(&a) == 13 * joule,
	    "13 J by 13 s, in the interval before");
	b = energy_at(&node, &readings[2], 15000000000);
	is(energy_counter(&b) == 15 * joule, "15 J by the step at 15 s");
	c = energy_at(&node, &readings[2], 20000000000);
	is(energy_counter(&c) == 30 * joule, "30 J by 20 s");
	energy_advance(&node, &readings[2]);
	b = energy_at_last(&node);
	is(energy_counter(&b) == 30 * joule, "from the other side, too");
	energy_advance(&node, &readings[3]);
	b = energy_at_last(&node);
	is(energy_counter(&b) == 60 * joule, "60 J by 30 s");
}

int
main(void)
{
	whole_intervals();
	roundings();
	extremes();
	many();
	shares();
	counters();
	tallies();
	advance_is_at_the_end();
	variations();
	plainly_is_in_full(false);
	plainly_is_in_full(true);
	doubles();
	late_counter();
	return unit_finish();
}
