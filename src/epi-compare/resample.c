/*
 * resample: the paired bootstrap of the ratio of EPI.
 *
 * Each replicate draws, within every stratum, as many of its clusters of common
 * questions as there are, with both answers to each, weights the strata as the
 * accuracies do, and adds one normal deviate for the energies.  The interval is that of percentiles.
 */
#include <math.h>
#include <stdlib.h>

#include "epi-compare/compare.h"
#include "report.h"

/* The log of the ratio of the composite accuracies of one replicate. */
static double
replicate(const struct pair *pair, uint64_t *state)
{
	double right[2] = { 0, 0 };

	for (size_t i = 0; i < pair->stratum_count; i++) {
		const struct stratum *stratum = &pair->strata[i];
		double weight = stratum->weight *
		    pair->baseline->marks[stratum->mark].weight;
		struct cluster sum = { 0 };

		for (size_t j = 0; j < stratum->count; j++) {
			const struct cluster *drawn =
			    &pair->clusters[stratum->first +
			    stats_random_below(state, stratum->count)];

			sum.questions += drawn->questions;
			sum.right[0] += drawn->right[0];
			sum.right[1] += drawn->right[1];
		}
		right[0] += weight * sum.right[0] / sum.questions;
		right[1] += weight * sum.right[1] / sum.questions;
	}
	return log(right[1] / right[0]);
}

static double
normal(uint64_t *state)
{
	double uniform = ((double)(stats_random(state) >> 11) + 0.5) / 0x1p53;

	return stats_normal_quantile(uniform);
}

static int
by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct stats_interval
resample_epi(const struct comparison *comparison,
    const struct settings *settings)
{
	size_t n = (size_t)settings->replicates;
	double *logs = report_resize(NULL, n, sizeof *logs);
	uint64_t state = settings->seed;
	struct stats_interval interval;

	for (size_t i = 0; i < n; i++) {
		logs[i] = comparison->per_token.log -
		    replicate(&comparison->pair, &state) +
		    comparison->per_token.u * normal(&state);
		if (isnan(logs[i]))
			logs[i] = 0; /* neither had a right answer */
	}
	qsort(logs, n, sizeof *logs, by_size);
	interval.low = stats_quantile(logs, n, 0.025);
	interval.high = stats_quantile(logs, n, 0.975);
	free(logs);
	return interval;
}
