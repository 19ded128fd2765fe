/* stats: resampling, and what order statistics need. */
#include <math.h>

#include "stats.h"

uint64_t
stats_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t
stats_random_below(uint64_t *state, uint64_t n)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)stats_random(state) * n >> 64);
}

double
stats_quantile(const double *sorted, size_t count, double p)
{
	double place = p * (double)(count - 1);
	size_t below = (size_t)place;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] +
	    (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

double
stats_median_spread(int64_t n)
{
	/* By numeric integration of the densities of order statistics. */
	static const double spreads[] = {
		1, 0.7071068, 0.6698292, 0.5460766, 0.5355685, 0.4634034,
		0.4587449, 0.4100986, 0.4075552, 0.3719227, 0.3703545,
		0.3428064, 0.3417587, 0.3196371, 0.3188960
	};

	if (n <= (int64_t)(sizeof spreads / sizeof *spreads))
		return spreads[n - 1];
	/* Within 1 % from there on; the mean of two is as good as one more. */
	return sqrt(acos(-1) / 2 / ((double)(n | 1) + acos(-1) / 2 - 1));
}
