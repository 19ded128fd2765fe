#include <math.h>
#include <stdlib.h>

#include "epi-run/run.h"
#include "report.h"

static struct figures *figures;
static size_t count;

void
repeat_take(const struct figures *of)
{
	figures = report_resize(figures, count + 1, sizeof *figures);
	figures[count++] = *of;
}

/* What several values come to. */
struct spread {
	double median, deviation, least, most; /* of two or more */
};

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The values in rising order; the deviation is that of a sample. */
static struct spread
spread_of(const double *values, size_t n)
{
	struct spread spread;
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	for (size_t i = 0; i < n; i++)
		squares += pow(values[i] - sum / (double)n, 2);
	spread.median = (values[(n - 1) / 2] + values[n / 2]) / 2;
	spread.deviation = sqrt(squares / ((double)n - 1));
	spread.least = values[0];
	spread.most = values[n - 1];
	return spread;
}

static double
joules(const struct figures *of)
{
	return of->joules;
}

static double
joules_per_token(const struct figures *of)
{
	return of->joules / of->tokens;
}

static double
seconds(const struct figures *of)
{
	return of->seconds;
}

/* As many as show two digits of the deviation. */
static int
decimals(double deviation)
{
	if (!(deviation > 1e-12))
		return 3;
	return deviation >= 10 ? 0 : 1 - (int)floor(log10(deviation));
}

/* Of the runs that count. */
static void
tell(double (*value)(const struct figures *of), const char *unit)
{
	double *values = report_resize(NULL, count, sizeof *values);
	struct spread spread;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (isfinite(figures[i].joules) && isfinite(value(&figures[i])))
			values[n++] = value(&figures[i]);
	if (n > 1) {
		int d;

		qsort(values, n, sizeof *values, by_value);
		spread = spread_of(values, n);
		d = decimals(spread.deviation);
		say("median %.*f %s, standard deviation %.*f (%.2f %%), %.*f "
		    "to %.*f", d, spread.median, unit, d, spread.deviation,
		    100 * spread.deviation / fabs(spread.median), d,
		    spread.least, d, spread.most);
	}
	free(values);
}

void
repeat_tell(void)
{
	size_t held = 0;

	for (size_t i = 0; i < count; i++)
		held += isfinite(figures[i].joules);
	say("%zu of %lld runs count", held, (long long)run.repetitions);
	tell(joules, "J");
	tell(joules_per_token, "J/token");
	tell(seconds, "s");
}
