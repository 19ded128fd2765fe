#include "energy.h"

/* Rounds value / denominator half to even; floor division first, since C
 * truncates toward zero. */
static energy_units
divide(energy_units value, energy_units denominator)
{
	energy_units quotient = value / denominator;
	energy_units rest = value % denominator;

	if (rest < 0) {
		rest += denominator;
		quotient--;
	}
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
	    divide(x * rest, d);
}

energy_units
energy_share(energy_units value, int64_t numerator, int64_t denominator)
{
	return divide(value * numerator, denominator);
}

/* Split at a whole joule, so that the sum of two doubles is rounded once from
 * parts that are exact or far below the last place. */
double
energy_joules(energy_units units)
{
	const energy_units joule = (energy_units)2000000000000000000;

	return (double)(units / joule) + (double)(units % joule) / 2e18;
}
