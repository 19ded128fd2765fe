/* The expected limits are those of the statistics vectors, which were worked
 * out with another program. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include "stats.h"
#include "unit.h"

static const struct {
	int64_t correct, questions;
	double low, high;
} wilson[] = {
	{ 0, 10, 0.0, 0.27753279986288926 },
	{ 10, 10, 0.7224672001371107, 1.0 },
	{ 27, 100, 0.1926958414957634, 0.36432116767945 },
	{ 650, 1172, 0.5260207186602722, 0.5828374943579838 },
	{ 7000, 14042, 0.49023609965680903, 0.506773691453027 },
	{ 1, 1, 0.2065493143772374, 1.0 }
};

static bool
near(double found, double expected)
{
	return fabs(found - expected) <= 1e-12 * fabs(expected);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static const struct {
	int64_t correct, questions;
	double low, high;
} clopper_pearson[] = {
	{ 0, 10, 0.0, 0.30849710781876083 },
	{ 10, 10, 0.6915028921812392, 1.0 },
	{ 27, 100, 0.18606642229074064, 0.3680162729089749 },
	{ 650, 1172, 0.5256194228449311, 0.5833208993524431 }
};

/* The t table of JCGM 100, G.2 (two decimals), and values whose closed form is
 * known: nu = 1 is Cauchy's, tan(pi (p - 1/2)); nu = 2 is
 * (2p - 1) sqrt(2 / (4p (1 - p))). */
static void
distributions(void)
{
	static const struct {
		double nu, t;
	} table[] = {
		{ 1, 12.71 }, { 2, 4.30 }, { 3, 3.18 }, { 5, 2.57 },
		{ 10, 2.23 }, { 20, 2.09 }, { 50, 2.01 }, { 100, 1.984 },
		{ INFINITY, 1.960 }
	};
	const double pi = acos(-1);

	for (size_t i = 0; i < sizeof clopper_pearson /
	    sizeof *clopper_pearson; i++) {
		int64_t k = clopper_pearson[i].correct;
		int64_t n = clopper_pearson[i].questions;
		struct stats_interval found = stats_clopper_pearson(k, n);

		is(near(found.low, clopper_pearson[i].low) &&
		    near(found.high, clopper_pearson[i].high),
		    "Clopper and Pearson's interval of %d of %d", (int)k,
		    (int)n);
	}
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		is(fabs(stats_student_quantile(0.975, table[i].nu) -
		    table[i].t) < 0.006, "t of %g degrees of freedom",
		    table[i].nu);
	is(near(stats_student_quantile(0.975, 1), tan(pi * 0.475)),
	    "t of one degree in closed form");
	is(near(stats_student_quantile(0.9, 2), 0.8 * sqrt(2 / 0.36)),
	    "t of two degrees in closed form");
	is(near(stats_student_quantile(0.025, 2),
	    -stats_student_quantile(0.975, 2)), "t is symmetric");
	is(fabs(stats_student_quantile(0.975, 999999) -
	    stats_student_quantile(0.975, 1000001)) < 1e-10,
	    "both ways to t meet");
	is(near(stats_student_tails(stats_student_quantile(0.975, 7.5), 7.5),
	    0.05), "tails are the quantile's inverse");
	is(near(stats_normal_quantile(0.975), STATS_Z95),
	    "the normal quantile of 0.975");
	is(near(stats_normal_quantile(1e-9), -5.9978070150076865),
	    "the normal quantile of 1e-9"); /* Wichura 1988, AS 241 */
	is(stats_normal_quantile(0.5) == 0, "the normal median is 0");
	/* I_x(2, 3) = 6x^2 - 8x^3 + 3x^4: at 0.25, 67/256 */
	is(near(stats_beta(0.25, 2, 3), 67.0 / 256), "I of (2, 3) at a quarter");
	is(near(stats_beta_quantile(67.0 / 256, 2, 3), 0.25), "and back");
}

static void
pairs(void)
{
	static double p[] = { 0.01, 0.02, 0.03, 0.5 };
	const double w[] = { 0.5, 0.5 }, e[] = { 0.5, 0.7 };
	const struct stats_interval both[] = { { 0.4, 0.6 }, { 0.5, 0.8 } };
	const double u[] = { 3, 4 }, nu[] = { 10, INFINITY };
	struct stats_interval sum = stats_mover(w, e, both, 2);

	is(near(stats_mcnemar_exact(37, 21), 0.04794032407166697),
	    "McNemar's exact test of 37 to 21");
	is(near(stats_mcnemar_mid(37, 21), 0.036343179957053884),
	    "its mid-p");
	is(near(stats_mcnemar_exact(21, 37), stats_mcnemar_exact(37, 21)),
	    "either way round");
	is(stats_mcnemar_exact(5, 5) == 1 && stats_mcnemar_exact(0, 0) == 1,
	    "no difference is no difference");
	/* 2 to 2: 6 of 16 outcomes are like it; half of them count half */
	is(near(stats_mcnemar_mid(2, 2), 1 - 3.0 / 16), "mid-p of 2 to 2");
	/* 34 heads or more of 67 and 33 or fewer: every outcome */
	is(stats_mcnemar_exact(33, 34) <= 1 &&
	    near(stats_mcnemar_exact(33, 34), 1), "no chance is over 1");
	/* 0.6 - sqrt(0.05^2 + 0.1^2), 0.6 + sqrt(0.05^2 + 0.05^2) */
	is(near(sum.low, 0.6 - sqrt(0.0125)) &&
	    near(sum.high, 0.6 + sqrt(0.005)), "MOVER by hand");
	/* 5^4 / (3^4 / 10) = 6250 / 81 */
	is(near(stats_effective_freedom(u, nu, 2), 6250.0 / 81),
	    "Welch and Satterthwaite by hand");
	is(isinf(stats_effective_freedom(u, &nu[1], 1)), "or infinite");
	stats_holm(p, 4);
	is(near(p[0], 0.04) && near(p[1], 0.06) && near(p[2], 0.06) &&
	    near(p[3], 0.5), "Holm's levels rise");
}

/* The vectors' replicates, bit for bit: for each, n times the pair at
 * stats_random_below(n). */
static void
resampling(void)
{
	static const int x[] = { 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 1 };
	static const int y[] = { 1, 0, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1 };
	static double means[1000];
	uint64_t state = 42;
	double sum = 0;

	is(stats_random(&state) == UINT64_C(13679457532755275413),
	    "splitmix64 from 42");
	is(stats_random(&state) == UINT64_C(2949826092126892291), "its second");
	is(stats_random(&state) == UINT64_C(5139283748462763858), "its third");
	state = 42;
	for (int r = 0; r < 1000; r++) {
		double difference = 0;

		for (int j = 0; j < 12; j++) {
			uint64_t i = stats_random_below(&state, 12);

			difference += x[i] - y[i];
		}
		means[r] = difference / 12;
		sum += means[r];
	}
	qsort(means, 1000, sizeof *means, by_size);
	is(near(sum / 1000, 0.15908333333333335), "the bootstrap's mean");
	is(near(stats_quantile(means, 1000, 0.025), -0.16666666666666666) &&
	    stats_quantile(means, 1000, 0.975) == 0.5, "its interval");
	is(stats_quantile(means, 1, 0.3) == means[0] &&
	    stats_quantile(means, 1000, 1) == means[999], "quantiles' ends");
	/* the mean of two: 1/sqrt 2; of three, JCGM 101 or any table of order
	 * statistics: 0.6698 */
	is(stats_median_spread(1) == 1 &&
	    fabs(stats_median_spread(2) - sqrt(0.5)) < 1e-6 &&
	    fabs(stats_median_spread(3) - 0.6698) < 1e-4,
	    "spread of a median");
	/* Of four, Sarhan and Greenberg: the middle two have the variance
	 * 0.3604553 and the covariance 0.2359439.  Of 16 and 17 by integration of
	 * their densities with another program. */
	is(fabs(stats_median_spread(4) - sqrt((0.3604553 + 0.2359439) / 2)) <
	    1e-6, "spread of the mean of two in the middle");
	is(fabs(stats_median_spread(16) / 0.3006247 - 1) < 0.01 &&
	    fabs(stats_median_spread(17) / 0.3000776 - 1) < 0.01,
	    "close beyond the table");
}

int
main(void)
{
	for (size_t i = 0; i < sizeof wilson / sizeof *wilson; i++) {
		struct stats_interval found =
		    stats_wilson(wilson[i].correct, wilson[i].questions);

		is(near(found.low, wilson[i].low) &&
		    near(found.high, wilson[i].high),
		    "Wilson's interval of %d of %d", (int)wilson[i].correct,
		    (int)wilson[i].questions);
	}
	distributions();
	pairs();
	resampling();
	is(near(stats_above_chance(0.27, 0.25), 0.02666666666666667),
	    "0.27 of four choices is 0.0267 above chance");
	is(stats_above_chance(0.25, 0.25) == 0, "guessing is 0");
	is(stats_above_chance(1, 0.25) == 1, "knowing all is 1");
	is(stats_above_chance(0.1, 0.25) < 0, "worse than guessing is negative");
	return unit_finish();
}
