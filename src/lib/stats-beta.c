/* stats: distributions, and the intervals made of them. */
#include <float.h>
#include <math.h>

#include "stats.h"

enum { FRACTION_TERMS = 100000, HALVINGS = 2200 };

/* Lentz's product may not pass through 0. */
static double
away_from_zero(double value)
{
	return fabs(value) < DBL_MIN / DBL_EPSILON ? DBL_MIN / DBL_EPSILON
	    : value;
}

/* The continued fraction of I_x(a, b), which converges fast for
 * x < (a + 1) / (a + b + 2). */
static double
fraction(double x, double a, double b)
{
	double c = 1, d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
	double product = d;

	for (int m = 1; m < FRACTION_TERMS; m++) {
		double even = m * (b - m) * x /
		    ((a + 2 * m - 1) * (a + 2 * m));
		double odd = -(a + m) * (a + b + m) * x /
		    ((a + 2 * m) * (a + 2 * m + 1));
		double step;

		d = 1 / away_from_zero(1 + even * d);
		c = away_from_zero(1 + even / c);
		product *= c * d;
		d = 1 / away_from_zero(1 + odd * d);
		c = away_from_zero(1 + odd / c);
		step = c * d;
		product *= step;
		if (fabs(step - 1) < DBL_EPSILON)
			break;
	}
	return product;
}

static double
log_beta(double a, double b)
{
	return lgamma(a) + lgamma(b) - lgamma(a + b);
}

double
stats_beta(double x, double a, double b)
{
	double scale;

	if (x <= 0)
		return 0;
	if (x >= 1)
		return 1;
	scale = exp(a * log(x) + b * log1p(-x) - log_beta(a, b));
	return x < (a + 1) / (a + b + 2) ? scale * fraction(x, a, b) / a
	    : 1 - scale * fraction(1 - x, b, a) / b;
}

/* Newton's step where it stays inside the bracket, else its middle. */
double
stats_beta_quantile(double p, double a, double b)
{
	double low = 0, high = 1, x = a / (a + b);

	if (p <= 0 || p >= 1)
		return p <= 0 ? 0 : 1;
	for (int i = 0; i < HALVINGS && low < high; i++) {
		double beyond = stats_beta(x, a, b) - p;
		double density = exp((a - 1) * log(x) + (b - 1) * log1p(-x) -
		    log_beta(a, b));
		double next = x - beyond / density;

		if (beyond > 0)
			high = x;
		else
			low = x;
		if (!(next > low && next < high))
			next = low + (high - low) / 2;
		if (fabs(next - x) <= DBL_EPSILON * x)
			return next;
		x = next;
	}
	return x;
}

double
stats_normal_quantile(double p)
{
	double z = 0;

	if (p > 0.5)
		return -stats_normal_quantile(1 - p);
	for (int i = 0; i < 100; i++) {
		double density = exp(-z * z / 2) / sqrt(2 * acos(-1));
		double step = (erfc(-z / sqrt(2)) / 2 - p) / density;

		if (step > 1)
			step = 1; /* far out Newton's step overshoots */
		z -= step;
		if (fabs(step) <= 2 * DBL_EPSILON * fabs(z))
			break;
	}
	return z;
}

/* Beyond this many degrees, two terms of the expansion in 1/nu are exact
 * (Abramowitz and Stegun 26.7.5). */
#define NEARLY_NORMAL 1e6

double
stats_student_quantile(double p, double nu)
{
	double y, z;

	if (p < 0.5)
		return -stats_student_quantile(1 - p, nu);
	if (nu > NEARLY_NORMAL) {
		z = stats_normal_quantile(p);
		return z + (z * z * z + z) / (4 * nu);
	}
	y = stats_beta_quantile(2 * p - 1, 0.5, nu / 2);
	return sqrt(nu * y / (1 - y));
}

double
stats_student_tails(double t, double nu)
{
	if (nu > NEARLY_NORMAL)
		return erfc(fabs(t) / sqrt(2));
	return stats_beta(nu / (nu + t * t), nu / 2, 0.5);
}

struct stats_interval
stats_clopper_pearson(int64_t correct, int64_t questions)
{
	double k = (double)correct, n = (double)questions;

	return (struct stats_interval){
		.low = correct == 0 ? 0
		    : stats_beta_quantile(0.025, k, n - k + 1),
		.high = correct == questions ? 1
		    : stats_beta_quantile(0.975, k + 1, n - k),
	};
}
