/* The expected limits are those of the statistics vectors, which were worked
 * out with another program. */
#include <math.h>
#include <stddef.h>

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
	is(near(stats_above_chance(0.27, 0.25), 0.02666666666666667),
	    "0.27 of four choices is 0.0267 above chance");
	is(stats_above_chance(0.25, 0.25) == 0, "guessing is 0");
	is(stats_above_chance(1, 0.25) == 1, "knowing all is 1");
	is(stats_above_chance(0.1, 0.25) < 0, "worse than guessing is negative");
	return unit_finish();
}
