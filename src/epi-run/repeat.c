#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-run/run.h"
#include "report.h"
#include "stats.h"

static struct figures *figures;
static size_t count;

void
repeat_take(const struct figures *of)
{
	figures = report_resize(figures, count + 1, sizeof *figures);
	figures[count++] = *of;
}

void
repeat_score(double epi)
{
	figures[count - 1].epi = epi;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* That of a sample. */
static double
deviation_of(const double *values, size_t n)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < n; i++)
		sum += values[i];
	for (size_t i = 0; i < n; i++)
		squares += pow(values[i] - sum / (double)n, 2);
	return sqrt(squares / ((double)n - 1));
}

/* The figure at this place of the runs that count, in rising order, and how
 * many they are; the caller frees them. */
static double *
values_of(size_t place, size_t *n)
{
	double *values = report_resize(NULL, count, sizeof *values);

	*n = 0;
	for (size_t i = 0; i < count; i++) {
		double value;

		memcpy(&value, (const char *)&figures[i] + place, sizeof value);
		if (isfinite(figures[i].joules) && isfinite(value))
			values[(*n)++] = value;
	}
	qsort(values, *n, sizeof *values, by_value);
	return values;
}

static double
middle(const double *values, size_t n)
{
	return n > 0 ? stats_quantile(values, n, 0.5) : NAN;
}

static double
median_of(size_t place)
{
	size_t n;
	double *values = values_of(place, &n);
	double median = middle(values, n);

	free(values);
	return median;
}

/* What is less of the median is of our arithmetic. */
static const double least_share = 1e-12;

/* As many as show two digits of the deviation, or, where there is none, four of
 * the median. */
static int
decimals(double deviation, double median)
{
	bool alike = deviation <= least_share * fabs(median);
	double shown = alike ? fabs(median) : deviation;
	int places = (alike ? 3 : 1) - (shown > 0 ? (int)floor(log10(shown))
	    : 0);

	return places > 0 ? places : 0;
}

static void
tell(size_t place, const char *unit)
{
	size_t n;
	double *values = values_of(place, &n);
	double median = middle(values, n);

	if (n > 1) {
		double deviation = deviation_of(values, n);
		double percent = 100 * deviation / fabs(median);
		char share[DBL_MAX_10_EXP + 16] = "";
		int d = decimals(deviation, median);

		if (isfinite(percent)) /* the median is not 0 */
			snprintf(share, sizeof share, " (%.2f %%)", percent);
		report_warning("median %.*f %s, standard deviation %.*f%s, "
		    "%.*f to %.*f", d, median, unit, d, deviation, share, d,
		    values[0], d, values[n - 1]);
	}
	free(values);
}

size_t
repeat_count(void)
{
	size_t n;

	free(values_of(offsetof(struct figures, joules), &n));
	return n;
}

static double
spread_of(size_t place)
{
	size_t n;
	double *values = values_of(place, &n);
	double deviation = n > 1 ? deviation_of(values, n) : NAN;

	free(values);
	return deviation;
}

/* Of each figure, but for the uncertainties. */
static struct figures
each(double (*of)(size_t place))
{
	return (struct figures){
		.seconds = of(offsetof(struct figures, seconds)),
		.tokens = of(offsetof(struct figures, tokens)),
		.joules_per_token = of(offsetof(struct figures,
		    joules_per_token)),
		.tokens_per_second = of(offsetof(struct figures,
		    tokens_per_second)),
		.watts = of(offsetof(struct figures, watts)),
		.peak_watts = of(offsetof(struct figures, peak_watts)),
		.joules = of(offsetof(struct figures, joules)),
		.epi = of(offsetof(struct figures, epi)),
		.u_joules = NAN, .u_joules_per_token = NAN, .none = NAN
	};
}

struct figures
repeat_median(void)
{
	return each(median_of);
}

struct figures
repeat_deviation(void)
{
	return each(spread_of);
}

const struct figures *
repeat_figures(size_t *number)
{
	*number = count;
	return figures;
}

void
repeat_tell(void)
{
	if (run.repetitions == 1)
		return;
	report_warning("%zu of %lld runs count", repeat_count(),
	    (long long)run.repetitions);
	tell(offsetof(struct figures, joules), "J");
	tell(offsetof(struct figures, joules_per_token), "J/token");
	tell(offsetof(struct figures, seconds), "s");
}
