/*
 * stats: the arithmetic of proportions, pairs and intervals.
 *
 * Its parts: stats.c proportions, stats-beta.c distributions, stats-pair.c two
 * models on the same questions, stats-random.c resampling.
 * Floor: ground.  Pure arithmetic: no allocation, no printing.
 */
#ifndef EPI_STATS_H
#define EPI_STATS_H

#include <stddef.h>
#include <stdint.h>

/* The normal deviate of a two-sided 95 % interval. */
#define STATS_Z95 1.9599639845400543

struct stats_interval {
	double low;
	double high;
};

/*
 * Wilson's score interval of correct out of questions, 95 %
 * (0 <= correct <= questions, questions > 0).  E. B. Wilson, Journal of the
 * American Statistical Association 22 (1927) 209.
 */
struct stats_interval stats_wilson(int64_t correct, int64_t questions);

/* The same of a share 0 <= p <= 1 of n > 0 questions, which need be no whole
 * number: as many as say as much. */
struct stats_interval stats_wilson_share(double p, double n);

/* Standard error of a share p of n questions, sqrt(p (1 - p) / (n - 1)); NAN
 * below two. */
double stats_share_error(double p, double n);

/*
 * Accuracy on a scale where guessing scores 0 and knowing all scores 1:
 * (accuracy - chance) / (1 - chance), chance < 1.  Negative below chance.
 */
double stats_above_chance(double accuracy, double chance);

/*
 * Distributions.
 *
 * The regularised incomplete beta function I_x(a, b), 0 <= x <= 1, a, b > 0
 * (Abramowitz and Stegun 26.5.8, by Lentz's continued fraction), and the x at
 * which it is p.
 */
double stats_beta(double x, double a, double b);
double stats_beta_quantile(double p, double a, double b);

/* The value below which a standard normal variate lies with probability p,
 * 0 < p < 1. */
double stats_normal_quantile(double p);

/* Student's t with nu > 0 degrees of freedom, INFINITY for the normal: its
 * quantile, and the probability of a value beyond +-|t|. */
double stats_student_quantile(double p, double nu);
double stats_student_tails(double t, double nu);

/* Clopper and Pearson's interval, 95 %: never covers less (Biometrika 26
 * (1934) 404). */
struct stats_interval stats_clopper_pearson(int64_t correct,
    int64_t questions);

/*
 * Intervals of sums.
 *
 * MOVER: from estimates e[i] with intervals [low, high] of their own, the
 * interval of sum w[i] e[i], w[i] >= 0, independent (Zou and Donner, Statistics
 * in Medicine 27 (2008) 1693).
 */
struct stats_interval stats_mover(const double *weights,
    const double *estimates, const struct stats_interval *intervals,
    size_t count);

/* Effective degrees of freedom of independent standard uncertainties u[i] with
 * nu[i] degrees each, INFINITY where known exactly (Welch and Satterthwaite;
 * JCGM 100, G.2b). */
double stats_effective_freedom(const double *u, const double *nu,
    size_t count);

/*
 * Two models on the same questions.  `only_a`: right by the first alone;
 * `only_b`: by the second alone.
 *
 * McNemar's test, two-sided: exact (binomial), and with half the probability of
 * what was seen (mid-p; Fagerland, Lydersen and Laake, BMC Medical Research
 * Methodology 13 (2013) 91).
 */
double stats_mcnemar_exact(int64_t only_a, int64_t only_b);
double stats_mcnemar_mid(int64_t only_a, int64_t only_b);

/* The smallest level at which Holm's procedure rejects, for each of count
 * p-values in rising order, in place (Scandinavian Journal of Statistics 6
 * (1979) 65). */
void stats_holm(double *p, size_t count);

/*
 * Resampling: splitmix64 (Steele, Lea and Flood, OOPSLA 2014), the same on
 * every machine.  `state` starts as the seed.
 */
uint64_t stats_random(uint64_t *state);
/* Below n > 0: the upper half of the product of n and a random number. */
uint64_t stats_random_below(uint64_t *state, uint64_t n);

/* The quantile p of count > 0 values in rising order (type 7 of Hyndman and
 * Fan, The American Statistician 50 (1996) 361). */
double stats_quantile(const double *sorted, size_t count, double p);

/* Standard deviation of the median of n normal values in units of theirs
 * (n > 0; the mean of the middle two where n is even). */
double stats_median_spread(int64_t n);

#endif
