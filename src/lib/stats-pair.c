/* stats: two models on the same questions, and many comparisons. */
#include <math.h>

#include "stats.h"

/* The chance of m heads of n. */
static double
heads(double m, double n)
{
	return exp(lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1) -
	    n * log(2));
}

/* Twice the chance of at most m heads of n, 2 m <= n. */
static double
both_tails(int64_t m, int64_t n)
{
	return 2 * stats_beta(0.5, (double)(n - m), (double)m + 1);
}

double
stats_mcnemar_exact(int64_t only_a, int64_t only_b)
{
	int64_t least = only_a < only_b ? only_a : only_b;

	/* Where both are the same, every outcome is as likely or less; where
	 * they are nearly so, rounding may exceed 1. */
	return only_a == only_b ? 1
	    : fmin(1, both_tails(least, only_a + only_b));
}

double
stats_mcnemar_mid(int64_t only_a, int64_t only_b)
{
	int64_t least = only_a < only_b ? only_a : only_b;
	int64_t n = only_a + only_b;
	double seen = heads((double)least, (double)n);

	if (only_a == only_b)
		return 1 - seen / 2;
	return both_tails(least, n) - seen;
}

void
stats_holm(double *p, size_t count)
{
	double least = 0;

	for (size_t i = 0; i < count; i++) {
		double level = p[i] * (double)(count - i);

		if (level > least)
			least = level;
		p[i] = least < 1 ? least : 1;
	}
}
