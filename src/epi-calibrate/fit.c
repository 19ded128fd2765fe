#include "epi-calibrate/fit.h"

#include <math.h>
#include <string.h>

#include "epi-calibrate/matrix.h"
#include "stats.h"

enum {
	ALL = CALIBRATION_PARAMETERS,
	UNKNOWNS = ALL + FIT_POINTS, /* and the vars of each capacitor */
	ROWS = FIT_COUNTER + 1,      /* a point's: watts, vars, counter */
	STEPS = 60
};

/* (1 nW)^2: what is called exact is known that well. */
#define EXACT 1e-18

/* The rows of one path, their covariance, and the unknowns in them. */
struct path {
	struct { size_t point, row; } rows[ROWS * FIT_POINTS];
	size_t count;
	bool on[UNKNOWNS];
	double v[MATRIX_MAX][MATRIX_MAX];
};

struct work {
	const struct fit_point *points;
	size_t count;
	const struct fit_options *options;
	double in[FIT_POINTS][FIT_INPUTS];
	double weight[FIT_POINTS][ROWS];
	double x[UNKNOWNS];
	bool on[UNKNOWNS];
	double spread[FIT_SOURCES][ALL][ALL];   /* covariance of merged causes */
	double by_point[FIT_POINTS][ALL];       /* variance by the readings */
	struct fit *fit;
	struct path *path;                      /* that is being tested */
};

/* A shift of all inputs by one standard uncertainty of a cause. */
struct shift {
	double of[FIT_POINTS][FIT_INPUTS];
};

static bool
used(const struct work *work, size_t row)
{
	return row == FIT_WATTS ||
	    (row == FIT_VARS && work->options->has_vars) ||
	    (row == FIT_COUNTER && work->options->has_counter);
}

/* P and Q of a point, and what P gains with Q where that is unknown. */
static void
truth(const struct work *work, const double *x, size_t i, double *p,
    double *q, double *slope)
{
	const double *in = work->in[i];

	*p = *q = *slope = 0;
	if (work->points[i].kind == FIT_RESISTIVE) {
		*p = in[FIT_REFERENCE];
		*q = *p * in[FIT_TANGENT];
	} else if (work->points[i].kind == FIT_CAPACITOR) {
		*q = x[ALL + i];
		*slope = *q < 0 ? -in[FIT_TANGENT] : in[FIT_TANGENT];
		*p = *q * *slope;
	}
}

/* What a row should indicate, and its derivatives. */
static double
model(const struct work *work, const double *x, size_t i, size_t row,
    double d[UNKNOWNS])
{
	bool vars = row == FIT_VARS, counter = row == FIT_COUNTER;
	int offset = vars ? CALIBRATION_OFFSET_VARS : counter ?
	    CALIBRATION_ENERGY_OFFSET_WATTS : CALIBRATION_OFFSET_WATTS;
	int gain = counter ? CALIBRATION_ENERGY_GAIN : CALIBRATION_GAIN;
	double c = cos(x[CALIBRATION_PHASE_RADIANS]);
	double s = sin(x[CALIBRATION_PHASE_RADIANS]);
	double p, q, slope;

	truth(work, x, i, &p, &q, &slope);
	double with = p * c + q * s, across = q * c - p * s;
	memset(d, 0, UNKNOWNS * sizeof *d);
	d[offset] = 1;
	d[gain] = vars ? across : with;
	d[CALIBRATION_PHASE_RADIANS] = x[gain] * (vars ? -with : across);
	if (work->points[i].kind == FIT_CAPACITOR)
		d[ALL + i] = x[gain] * (vars ? c - slope * s : slope * c + s);
	return x[offset] + x[gain] * d[gain];
}

/* Variance, by the readings, of what a row indicates less what it should. */
static double
scatter(const struct fit_point *point, size_t row)
{
	double own = point->covariance[row][row];

	if (point->kind == FIT_RESISTIVE && row != FIT_VARS)
		own += point->covariance[FIT_REFERENCE][FIT_REFERENCE] -
		    2 * point->covariance[row][FIT_REFERENCE];
	return own;
}

/* The same of all else that is this point's. */
static double
known_variance(const struct fit_point *point, size_t row)
{
	const double *in = point->in;
	bool vars = row == FIT_VARS;
	double own = point->u[row] * point->u[row] + EXACT;

	if (point->kind == FIT_RESISTIVE)
		return own + (vars ? pow(in[FIT_REFERENCE] * point->u_tangent, 2)
		    : point->u_reference * point->u_reference +
		    pow(point->linearity * in[row], 2));
	return own + (vars ? 0 : pow(in[FIT_VARS] * point->u_tangent, 2));
}

/* The ratio that a thousandth of good ones exceed (F distribution). */
static double
ratio_limit(double freedom, double nu)
{
	double x = stats_beta_quantile(0.999, freedom / 2, nu / 2);

	return nu * x / (freedom * (1 - x));
}

/*
 * Weights by variances that are themselves estimates make the result look
 * surer than it is.  So where chance alone explains why points scatter
 * differently, they are taken to scatter alike.  The mean, or below 0.
 */
static double
common_scatter(const struct work *work, size_t row)
{
	double sum = 0, least = INFINITY, most = 0, nu = 1e6;

	for (size_t i = 0; i < work->count; i++) {
		double own = scatter(&work->points[i], row);

		sum += own;
		least = fmin(least, own);
		most = fmax(most, own);
		nu = fmin(nu, work->points[i].nu);
	}
	return most <= least * ratio_limit(nu, nu) ?
	    sum / (double)work->count : -1;
}

static void
weigh(struct work *work)
{
	for (size_t row = 0; row < ROWS; row++) {
		double common = common_scatter(work, row);

		for (size_t i = 0; i < work->count; i++) {
			const struct fit_point *point = &work->points[i];

			work->weight[i][row] = 1 / (known_variance(point, row) +
			    (common < 0 ? scatter(point, row) : common));
		}
	}
}

/* Which unknowns there are. */
static size_t
choose(struct work *work)
{
	size_t on = 0;

	for (size_t i = 0; i < work->count; i++)
		work->on[ALL + i] = work->points[i].kind == FIT_CAPACITOR;
	work->on[CALIBRATION_OFFSET_WATTS] = work->on[CALIBRATION_GAIN] = true;
	work->on[CALIBRATION_PHASE_RADIANS] =
	    work->on[CALIBRATION_OFFSET_VARS] = work->options->has_vars;
	work->on[CALIBRATION_ENERGY_OFFSET_WATTS] =
	    work->on[CALIBRATION_ENERGY_GAIN] = work->options->has_counter;
	for (size_t k = 0; k < UNKNOWNS; k++)
		on += work->on[k];
	return on;
}

static void
begin(const struct work *work, double *x)
{
	memset(x, 0, UNKNOWNS * sizeof *x);
	x[CALIBRATION_GAIN] = 1;
	x[CALIBRATION_ENERGY_GAIN] = work->on[CALIBRATION_ENERGY_GAIN];
	for (size_t i = 0; i < work->count; i++)
		if (work->on[ALL + i])
			x[ALL + i] = work->in[i][FIT_VARS];
}

/* Adds a row to the normal equations. */
static void
add_row(const struct work *work, const double *d, double residual,
    double weight, double normal[MATRIX_MAX][MATRIX_MAX], double *right)
{
	size_t k = 0;

	for (size_t a = 0; a < UNKNOWNS; a++) {
		size_t m = 0;

		if (!work->on[a])
			continue;
		for (size_t b = 0; b < UNKNOWNS; b++)
			if (work->on[b])
				normal[k][m++] += weight * d[a] * d[b];
		right[k++] += weight * d[a] * residual;
	}
}

/* One step of Gauss and Newton; its greatest part, or below 0: no solution. */
static double
step(const struct work *work, double *x, size_t on)
{
	double normal[MATRIX_MAX][MATRIX_MAX] = { { 0 } };
	double l[MATRIX_MAX][MATRIX_MAX], right[MATRIX_MAX] = { 0 };
	double d[UNKNOWNS], most = 0;

	for (size_t i = 0; i < work->count; i++)
		for (size_t row = 0; row < ROWS; row++) {
			if (!used(work, row))
				continue;
			double is = model(work, x, i, row, d);
			add_row(work, d, work->in[i][row] - is,
			    work->weight[i][row], normal, right);
		}
	if (matrix_factor(normal[0], on, MATRIX_MAX, l) < on)
		return -1;
	matrix_forward(l, on, right);
	matrix_backward(l, on, right);
	for (size_t k = 0, m = 0; k < UNKNOWNS; k++)
		if (work->on[k]) {
			double by = right[m++];

			x[k] += by;
			most = fmax(most, fabs(by) / (1 + fabs(x[k])));
		}
	return isfinite(most) ? most : -1;
}

static bool
solve(const struct work *work, double *x)
{
	size_t on = 0;

	for (size_t k = 0; k < UNKNOWNS; k++)
		on += work->on[k];
	for (int i = 0; i < STEPS; i++) {
		double most = step(work, x, on);

		if (most < 0)
			return false;
		if (most < 1e-13)
			return true;
	}
	return false;
}

/* Causes. */

static void
move(struct work *work, const struct shift *by, double times)
{
	for (size_t i = 0; i < work->count; i++)
		for (size_t j = 0; j < FIT_INPUTS; j++)
			work->in[i][j] = work->points[i].in[j] +
			    times * by->of[i][j];
}

/* What the estimate makes of a shift. */
static void
respond(struct work *work, const struct shift *by, double c[ALL])
{
	static const struct shift none;
	double up[UNKNOWNS], down[UNKNOWNS];

	memcpy(up, work->x, sizeof up);
	memcpy(down, work->x, sizeof down);
	move(work, by, 1);
	solve(work, up);
	move(work, by, -1);
	solve(work, down);
	move(work, &none, 0);
	for (int k = 0; k < ALL; k++)
		c[k] = (up[k] - down[k]) / 2;
}

typedef void each_cause(struct work *work, enum fit_source source, size_t point,
    const struct shift *by);

static bool
merged(enum fit_source source)
{
	return source == FIT_READINGS || source == FIT_RESOLUTION ||
	    source == FIT_LINEARITY;
}

static void
add_line(struct fit *fit, enum fit_source source, size_t number, double nu,
    const double *c)
{
	struct fit_line *line = &fit->lines[fit->line_count++];

	line->source = source;
	line->number = number;
	line->nu = nu;
	memcpy(line->c, c, ALL * sizeof *c);
}

static void
add_product(double matrix[ALL][ALL], const double *c)
{
	for (int a = 0; a < ALL; a++)
		for (int b = 0; b < ALL; b++)
			matrix[a][b] += c[a] * c[b];
}

static void
add_cause(struct work *work, enum fit_source source, size_t point,
    const struct shift *by)
{
	double c[ALL];

	respond(work, by, c);
	for (int k = 0; source == FIT_READINGS && k < ALL; k++)
		work->by_point[point][k] += c[k] * c[k];
	add_product(work->fit->covariance, c);
	if (merged(source))
		add_product(work->spread[source], c);
	else
		add_line(work->fit, source,
		    point < work->count ? point + 1 : 0, INFINITY, c);
}

/* The readings' covariance as independent shifts. */
static void
each_of_readings(struct work *work, size_t i, each_cause *take)
{
	double l[MATRIX_MAX][MATRIX_MAX] = { { 0 } };

	matrix_factor(work->points[i].covariance[0], FIT_REFERENCE + 1,
	    FIT_REFERENCE + 1, l);
	for (size_t k = 0; k <= FIT_REFERENCE; k++) {
		struct shift by = { { { 0 } } };

		for (size_t j = k; j <= FIT_REFERENCE; j++)
			by.of[i][j] = l[j][k];
		if (l[k][k] > 0)
			take(work, FIT_READINGS, i, &by);
	}
}

/* What is this point's alone. */
static void
each_of_point(struct work *work, size_t i, each_cause *take)
{
	const struct fit_point *point = &work->points[i];
	double alone = sqrt(1 - work->options->correlation);

	each_of_readings(work, i, take);
	for (size_t j = 0; j < FIT_INPUTS; j++) {
		struct shift by = { { { 0 } } };

		by.of[i][j] = point->u[j];
		if (point->u[j] > 0)
			take(work, FIT_RESOLUTION, i, &by);
	}
	if (point->u_reference > 0 && alone > 0) {
		struct shift by = { { { 0 } } };

		by.of[i][FIT_REFERENCE] = alone * point->u_reference;
		take(work, FIT_REFERENCES, i, &by);
	}
	if (point->linearity > 0) {
		struct shift by = { { { 0 } } };

		by.of[i][FIT_WATTS] = point->linearity * point->in[FIT_WATTS];
		by.of[i][FIT_COUNTER] = point->linearity * point->in[FIT_COUNTER];
		take(work, FIT_LINEARITY, i, &by);
	}
}

static bool
any(const struct work *work, const struct shift *by)
{
	for (size_t i = 0; i < work->count; i++)
		for (size_t j = 0; j < FIT_INPUTS; j++)
			if (by->of[i][j] != 0)
				return true;
	return false;
}

/* What points have in common: the reference's error, and the resistive loads'
 * angle.  A capacitor's loss is its own. */
static void
each_common(struct work *work, each_cause *take)
{
	double together = sqrt(work->options->correlation);
	struct shift reference = { { { 0 } } }, angle = { { { 0 } } };

	for (size_t i = 0; i < work->count; i++) {
		const struct fit_point *point = &work->points[i];
		struct shift loss = { { { 0 } } };

		reference.of[i][FIT_REFERENCE] = together * point->u_reference;
		if (point->kind == FIT_RESISTIVE)
			angle.of[i][FIT_TANGENT] = point->u_tangent;
		else
			loss.of[i][FIT_TANGENT] = point->u_tangent;
		if (any(work, &loss))
			take(work, FIT_ANGLE, i, &loss);
	}
	if (any(work, &reference))
		take(work, FIT_REFERENCES, work->count, &reference);
	if (any(work, &angle))
		take(work, FIT_ANGLE, work->count, &angle);
}

static void
each(struct work *work, each_cause *take)
{
	for (size_t i = 0; i < work->count; i++)
		each_of_point(work, i, take);
	each_common(work, take);
}

/* What no point can tell: a phase that nobody measured, and a gain where there
 * was no point.  Both within a bound, rectangular. */
static void
add_bounds(struct work *work)
{
	const struct fit_options *options = work->options;
	double part = options->linearity_bound / sqrt(3);
	double c[ALL] = { 0 };

	c[CALIBRATION_GAIN] = part * work->x[CALIBRATION_GAIN];
	c[CALIBRATION_ENERGY_GAIN] = part * work->x[CALIBRATION_ENERGY_GAIN];
	add_product(work->fit->covariance, c);
	add_product(work->spread[FIT_LINEARITY], c);
	if (options->has_vars || options->phase_bound == 0)
		return;
	memset(c, 0, sizeof c);
	c[CALIBRATION_PHASE_RADIANS] = options->phase_bound / sqrt(3);
	add_product(work->fit->covariance, c);
	add_line(work->fit, FIT_PHASE, 1, INFINITY, c);
}

/* Effective degrees of freedom of each parameter; the least, of the readings'
 * part alone, for its lines. */
static double
count_freedom(struct work *work)
{
	struct fit *fit = work->fit;
	double least = INFINITY;

	for (int k = 0; k < ALL; k++) {
		double variance = fit->covariance[k][k], part = 0, below = 0;

		for (size_t i = 0; i < work->count; i++) {
			double v = work->by_point[i][k];

			part += v;
			below += v * v / work->points[i].nu;
		}
		fit->u[k] = sqrt(variance);
		fit->nu[k] = below > 0 ? variance * variance / below : INFINITY;
		if (below > 0)
			least = fmin(least, part * part / below);
	}
	return least;
}

/* Merged causes as the columns of a triangular factor. */
static void
add_merged(struct work *work, double nu)
{
	for (int source = 0; source < FIT_SOURCES; source++) {
		double l[MATRIX_MAX][MATRIX_MAX] = { { 0 } };

		if (!merged(source))
			continue;
		matrix_factor(work->spread[source][0], ALL, ALL, l);
		for (int k = 0; k < ALL; k++) {
			double c[ALL] = { 0 };

			for (int j = k; j < ALL; j++)
				c[j] = l[j][k];
			if (c[k] > 0)
				add_line(work->fit, source, (size_t)k + 1,
				    source == FIT_READINGS ? nu : INFINITY, c);
		}
	}
}

/* Residuals. */

static double
residual(const struct work *work, size_t n)
{
	double d[UNKNOWNS];
	size_t i = work->path->rows[n].point, row = work->path->rows[n].row;

	return work->in[i][row] - model(work, work->x, i, row, d);
}

static void
spread_rows(struct work *work, enum fit_source source, size_t point,
    const struct shift *by)
{
	static const struct shift none;
	double up[MATRIX_MAX] = { 0 }, delta[MATRIX_MAX] = { 0 };

	(void)source;
	(void)point;
	move(work, by, 1);
	for (size_t n = 0; n < work->path->count; n++)
		up[n] = residual(work, n);
	move(work, by, -1);
	for (size_t n = 0; n < work->path->count; n++)
		delta[n] = (up[n] - residual(work, n)) / 2;
	move(work, &none, 0);
	for (size_t n = 0; n < work->path->count; n++)
		for (size_t m = 0; m < work->path->count; m++)
			work->path->v[n][m] += delta[n] * delta[m];
}

/* A capacitor says nothing of the counter's own two parameters. */
static void
lay_path(struct work *work, bool energy)
{
	for (size_t k = 0; k < UNKNOWNS; k++)
		work->path->on[k] = work->on[k] && energy ==
		    (k == CALIBRATION_ENERGY_OFFSET_WATTS ||
		    k == CALIBRATION_ENERGY_GAIN);
	for (size_t i = 0; i < work->count; i++)
		for (size_t row = 0; row < ROWS; row++)
			if (used(work, row) && energy == (row == FIT_COUNTER) &&
			    !(energy && work->points[i].kind == FIT_CAPACITOR)) {
				work->path->rows[work->path->count].point = i;
				work->path->rows[work->path->count++].row = row;
			}
}

/* The columns of the unknowns and, behind them, the residuals, by the factor
 * of the rows' covariance made independent and of unit variance. */
static size_t
whiten(const struct work *work, double columns[MATRIX_MAX][MATRIX_MAX])
{
	double l[MATRIX_MAX][MATRIX_MAX] = { { 0 } }, d[UNKNOWNS];
	size_t width = 0;

	for (size_t n = 0; n < work->path->count; n++) {
		size_t k = 0;

		work->path->v[n][n] += EXACT;
		model(work, work->x, work->path->rows[n].point, work->path->rows[n].row, d);
		for (size_t a = 0; a < UNKNOWNS; a++)
			if (work->path->on[a])
				columns[k++][n] = d[a];
		columns[k][n] = residual(work, n);
		width = k;
	}
	matrix_factor(work->path->v[0], work->path->count, MATRIX_MAX, l);
	for (size_t k = 0; k <= width; k++)
		matrix_forward(l, work->path->count, columns[k]);
	return width;
}

static double
product(const double *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Chi squared of the best fit by generalised least squares: what no choice of
 * the unknowns could make smaller. */
static double
least_chi(const struct work *work)
{
	double columns[MATRIX_MAX][MATRIX_MAX] = { { 0 } };
	double normal[MATRIX_MAX][MATRIX_MAX] = { { 0 } };
	double l[MATRIX_MAX][MATRIX_MAX] = { { 0 } }, right[MATRIX_MAX] = { 0 };
	size_t width = whiten(work, columns), n = work->path->count;

	for (size_t a = 0; a < width; a++) {
		right[a] = product(columns[a], columns[width], n);
		for (size_t b = 0; b < width; b++)
			normal[a][b] = product(columns[a], columns[b], n);
	}
	matrix_factor(normal[0], width, MATRIX_MAX, l);
	matrix_forward(l, width, right);
	return fmax(0, product(columns[width], columns[width], n) -
	    product(right, right, width));
}

static void
test_path(struct work *work, bool energy, struct fit_test *test)
{
	double nu = 1e6; /* as good as known */

	memset(work->path, 0, sizeof *work->path);
	lay_path(work, energy);
	test->freedom = (int)work->path->count;
	for (size_t k = 0; k < UNKNOWNS; k++)
		test->freedom -= work->path->on[k];
	if (test->freedom <= 0) {
		test->freedom = 0;
		return;
	}
	each(work, spread_rows);
	for (size_t i = 0; i < work->count; i++)
		nu = fmin(nu, work->points[i].nu);
	test->ratio = least_chi(work) / test->freedom;
	test->limit = ratio_limit(test->freedom, nu);
}

static const char *
examine(const struct work *work)
{
	const double *x = work->x;

	if (x[CALIBRATION_GAIN] <= 0 ||
	    (work->on[CALIBRATION_ENERGY_GAIN] &&
	    x[CALIBRATION_ENERGY_GAIN] <= 0))
		return "the watts fall as the load rises: the clamp is reversed "
		    "(epi-tap --invert)";
	if (fabs(x[CALIBRATION_PHASE_RADIANS]) > 0.5)
		return "the phase is more than 28 degrees off: the clamp is on "
		    "another conductor, or its burden is missing";
	return NULL;
}

bool
fit_points(const struct fit_point *points, size_t count,
    const struct fit_options *options, struct fit *fit, const char **why)
{
	static const struct shift none;
	struct path path;
	struct work work = { .points = points, .count = count,
		.options = options, .fit = fit, .path = &path };

	memset(fit, 0, sizeof *fit);
	choose(&work);
	weigh(&work);
	move(&work, &none, 0);
	begin(&work, work.x);
	*why = "the loads do not determine offset, gain and phase";
	if (!solve(&work, work.x))
		return false;
	*why = examine(&work);
	if (*why)
		return false;
	memcpy(fit->value, work.x, sizeof fit->value);
	each(&work, add_cause);
	add_bounds(&work);
	add_merged(&work, count_freedom(&work));
	test_path(&work, false, &fit->power);
	if (options->has_counter)
		test_path(&work, true, &fit->energy);
	return true;
}
