/*
 * resample: the paired bootstrap of the ratio of EPI.
 *
 * Each replicate draws, within every stratum, as many of its common questions
 * as there are, with both answers to each, and adds one normal deviate for the
 * energies.  The interval is that of percentiles.
 */
#include <math.h>
#include <stdlib.h>

#include "epi-compare/compare.h"
#include "report.h"

static double
weight_of(const struct pair *pair, int mark)
{
	const struct counts *n = &pair->counts[mark];

	return pair->baseline->marks[mark].weight / (double)(n->both +
	    n->baseline + n->candidate + n->neither);
}

/* The log of the ratio of the composite accuracies of one replicate. */
static double
replicate(const struct pair *pair, uint64_t *state)
{
	double baseline = 0, candidate = 0;

	for (size_t i = 0; i < pair->stratum_count; i++) {
		const struct stratum *stratum = &pair->strata[i];
		int64_t right[2] = { 0, 0 };

		for (size_t j = 0; j < stratum->count; j++) {
			const struct question *drawn =
			    &pair->questions[stratum->first +
			    stats_random_below(state, stratum->count)];

			right[0] += drawn->baseline;
			right[1] += drawn->candidate;
		}
		baseline += weight_of(pair, stratum->mark) * (double)right[0];
		candidate += weight_of(pair, stratum->mark) * (double)right[1];
	}
	return log(candidate / baseline);
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
