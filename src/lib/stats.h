/*
 * stats: the arithmetic of proportions and their intervals.
 * Floor: ground.  Pure arithmetic: no allocation, no printing.
 */
#ifndef EPI_STATS_H
#define EPI_STATS_H

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

/*
 * Accuracy on a scale where guessing scores 0 and knowing all scores 1:
 * (accuracy - chance) / (1 - chance), chance < 1.  Negative below chance.
 */
double stats_above_chance(double accuracy, double chance);

#endif
