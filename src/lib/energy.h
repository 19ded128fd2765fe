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
 * spans add up to the last digit.  Bounds: |w| <= 1e18 nW (1e9 W).
 * Floor: ground.  Pure arithmetic: no allocation, no printing.
 */
#ifndef EPI_ENERGY_H
#define EPI_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 energy_units; /* 0.5e-18 J */

#define ENERGY_WATTS_MAX INT64_C(1000000000000000000) /* nW */

/* Units in one microjoule, the resolution of an instrument's counter. */
#define ENERGY_PER_MICROJOULE INT64_C(2000000000000)

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

/* value * numerator / denominator, rounded half to even; the caller keeps
 * |value * numerator| under 2^127; denominator > 0. */
energy_units energy_share(energy_units value, int64_t numerator,
    int64_t denominator);

/* Joules as a double, within one unit in its last place. */
double energy_joules(energy_units units);

#endif
