/* stats: the arithmetic of proportions and their intervals. */
#include "stats.h"

#include <math.h>

struct stats_interval
stats_wilson_share(double p, double n)
{
	double z2 = STATS_Z95 * STATS_Z95;
	double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
	double half = STATS_Z95 / (1 + z2 / n) *
	    sqrt(p * (1 - p) / n + z2 / (4 * n * n));

	/* At the ends the formula is exactly 0 and 1; its rounding is not. */
	return (struct stats_interval){
		.low = p == 0 ? 0 : middle - half,
		.high = p == 1 ? 1 : middle + half,
	};
}

struct stats_interval
stats_wilson(int64_t correct, int64_t questions)
{
	double n = (double)questions;

	return stats_wilson_share((double)correct / n, n);
}

double
stats_share_error(double p, double n)
{
	return n >= 2 ? sqrt(p * (1 - p) / (n - 1)) : NAN;
}

double
stats_above_chance(double accuracy, double chance)
{
	return (accuracy - chance) / (1 - chance);
}

struct stats_interval
stats_mover(const double *weights, const double *estimates,
    const struct stats_interval *intervals, size_t count)
{
	double sum = 0, below = 0, above = 0;

	for (size_t i = 0; i < count; i++) {
		double low = weights[i] * (estimates[i] - intervals[i].low);
		double high = weights[i] * (intervals[i].high - estimates[i]);

		sum += weights[i] * estimates[i];
		below += low * low;
		above += high * high;
	}
	return (struct stats_interval){ sum - sqrt(below), sum + sqrt(above) };
}

double
stats_effective_freedom(const double *u, const double *nu, size_t count)
{
	double square = 0, fourth = 0;

	for (size_t i = 0; i < count; i++) {
		square += u[i] * u[i];
		fourth += u[i] * u[i] * u[i] * u[i] / nu[i];
	}
	return fourth > 0 ? square * square / fourth : INFINITY;
}
