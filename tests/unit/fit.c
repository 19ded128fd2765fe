/* Fits that can be done by hand: the formulas stand beside them. */
#include "epi-calibrate/fit.c"
#include "epi-calibrate/matrix.c"
#include "unit.h"

enum { O = CALIBRATION_OFFSET_WATTS, G = CALIBRATION_GAIN,
	F = CALIBRATION_PHASE_RADIANS, Q = CALIBRATION_OFFSET_VARS,
	OE = CALIBRATION_ENERGY_OFFSET_WATTS, GE = CALIBRATION_ENERGY_GAIN };

static struct fit done;
static const char *why;

static bool
near(double found, double expected, double within)
{
	return fabs(found - expected) <= within * fmax(1e-9, fabs(expected));
}

static struct fit_point
point(double reference, double watts, double u)
{
	struct fit_point made = { .kind = reference == 0 ? FIT_TARE :
	    FIT_RESISTIVE, .nu = 19 };

	made.in[FIT_REFERENCE] = reference;
	made.in[FIT_WATTS] = watts;
	made.covariance[FIT_WATTS][FIT_WATTS] = u * u;
	return made;
}

static double
spread(int a, int b)
{
	return done.covariance[a][b];
}

/*
 * 0, 5, 10 W, each +-0.01 W: the gain is sum (p - 5) w / 50, the offset mean w
 * less 5 gains; variances 1e-4 / 50 and 1e-4 (1/3 + 25/50), covariance
 * -5 1e-4 / 50.  Residuals -0.01, 0.02, -0.01: chi squared is 6.
 */
static void
three_points(void)
{
	const struct fit_point points[] = { point(0, 0.1, 0.01),
		point(5, 5.13, 0.01), point(10, 10.1, 0.01) };
	const struct fit_options options = { .correlation = 1 };

	is(fit_points(points, 3, &options, &done, &why), "three points");
	is(near(done.value[G], 1, 1e-12) && near(done.value[O], 0.11, 1e-12),
	    "gain 1 and offset 0.11 W");
	is(near(spread(G, G), 2e-6, 1e-6) &&
	    near(spread(O, O), 1e-4 * 5 / 6, 1e-6) &&
	    near(spread(O, G), -1e-5, 1e-6), "their covariance");
	is(done.power.freedom == 1 && near(done.power.ratio, 6, 1e-6),
	    "chi squared 6 of one degree of freedom");
	/* Table of F, 0.1 %, 1 and 19: 15.08. */
	is(fabs(done.power.limit - 15.08) < 0.005, "its limit is 15.08");
	is(done.energy.freedom == 0 && done.value[GE] == 0 &&
	    spread(GE, GE) == 0, "nothing of a counter that was not there");
}

/*
 * Nothing, and 10 W +-0.02 W of a reference: G = 10.2 / 10; by the readings
 * u(G)^2 = 2 (0.01 / 10)^2 with 38 degrees of freedom, as both have 19 and the
 * same share; by the reference -G 0.02 / 10.
 */
static void
two_points(void)
{
	struct fit_point points[] = { point(0, 0.1, 0.01),
		point(10, 10.3, 0.01) };
	const struct fit_options options = { .correlation = 1 };

	fit_points(points, 2, &options, &done, &why);
	is(near(done.value[G], 1.02, 1e-12) && done.power.freedom == 0,
	    "two points, nothing left over");
	is(near(spread(G, G), 2e-6, 1e-6) && near(done.nu[G], 38, 1e-6),
	    "two readings' scatter: 38 degrees of freedom");
	points[1].u_reference = 0.02;
	fit_points(points, 2, &options, &done, &why);
	is(near(spread(G, G), 2e-6 + 0.00204 * 0.00204, 1e-4),
	    "the reference's error on top");
	is(done.lines[0].source == FIT_REFERENCES &&
	    near(done.lines[0].c[G], -0.00204, 1e-4) &&
	    near(done.lines[0].c[O], 0, 0), "as a line of its own");
	is(near(done.nu[G], 38 * pow(1 + 0.00204 * 0.00204 / 2e-6, 2), 1e-3),
	    "and is as good as infinitely many readings");
}

/* An error of 0.01 W that two loads share moves the offset alone, by -G 0.01;
 * one that they do not share moves the gain by 0.01 sqrt 2 / 10. */
static void
shared_error(void)
{
	struct fit_point points[] = { point(5, 5, 1e-4), point(15, 15, 1e-4) };
	struct fit_options options = { .correlation = 1 };

	points[0].u_reference = points[1].u_reference = 0.01;
	fit_points(points, 2, &options, &done, &why);
	is(near(done.u[O], 0.01, 1e-3) && done.u[G] < 1e-4,
	    "what two loads share is an offset");
	options.correlation = 0;
	fit_points(points, 2, &options, &done, &why);
	is(near(done.u[G], 0.01 * sqrt(2) / 10, 1e-3),
	    "what they do not share is in the gain");
}

/* tan f = 0.02, G cos f = 1: 10 W resistive show 10 W and -0.2 var, and a
 * capacitor of -20 var and no loss -0.4 W and -20 var. */
static void
phase(void)
{
	struct fit_point points[] = { point(0, 0, 0.001), point(10, 10, 0.001),
		{ .kind = FIT_CAPACITOR, .in = { -0.4, -20 }, .nu = 19 } };
	const struct fit_options options = { .has_vars = true,
		.correlation = 1 };

	points[1].in[FIT_VARS] = -0.2;
	for (int i = 0; i < 3; i++)
		points[i].covariance[FIT_VARS][FIT_VARS] =
		    points[i].covariance[FIT_WATTS][FIT_WATTS] = 1e-6;
	for (size_t count = 2; count <= 3; count++) {
		is(fit_points(points, count, &options, &done, &why) &&
		    near(done.value[F], atan(0.02), 1e-9) &&
		    near(done.value[G], sqrt(1.0004), 1e-9),
		    "phase and gain from %zu points", count);
		is(done.power.ratio < 1e-9, "which agree");
	}
	/* Of the two: the resistor's angle alone is 0.001 sqrt 2 / 10, the
	 * capacitor's 0.001 sqrt 2 / 20 but for the gain. */
	is(done.u[F] < 0.0001, "the capacitor makes it surer");
	points[1].u_tangent = 0.001;
	fit_points(points, 2, &options, &done, &why);
	is(near(spread(F, F), 2e-8 + 1e-6, 0.01),
	    "a load's own angle is the phase's");
}

/* The counter has an offset and a gain of its own: 0.2 + 1.1 P. */
static void
counter(void)
{
	struct fit_point points[] = { point(0, 0, 0.001), point(10, 10, 0.001) };
	const struct fit_options options = { .has_counter = true,
		.correlation = 1, .phase_bound = 0.03 };

	points[0].in[FIT_COUNTER] = 0.2;
	points[1].in[FIT_COUNTER] = 11.2;
	points[0].u[FIT_COUNTER] = points[1].u[FIT_COUNTER] = 0.001;
	fit_points(points, 2, &options, &done, &why);
	is(near(done.value[OE], 0.2, 1e-9) && near(done.value[GE], 1.1, 1e-9),
	    "offset and gain of the counter");
	is(near(done.u[OE], 0.001, 1e-3) &&
	    near(done.u[GE], 0.001 * sqrt(2) / 10, 1e-3) &&
	    isinf(done.nu[GE]), "by its resolution");
	is(done.value[F] == 0 && near(done.u[F], 0.03 / sqrt(3), 1e-9),
	    "a phase that nobody saw is within its bound");
}

static void
linearity(void)
{
	const struct fit_point points[] = { point(0, 0, 1e-6),
		point(10, 20, 1e-6) };
	const struct fit_options options = { .correlation = 1,
		.linearity_bound = 0.01 };

	fit_points(points, 2, &options, &done, &why);
	is(near(done.u[G], 2 * 0.01 / sqrt(3), 1e-3),
	    "an untested line: a per cent, rectangular, of the gain");
}

static void
refusals(void)
{
	const struct fit_point same[] = { point(10, 10, 0.01),
		point(10, 10, 0.01) };
	const struct fit_point falling[] = { point(0, 0, 0.01),
		point(10, -10, 0.01) };
	const struct fit_options options = { .correlation = 1 };

	is(!fit_points(same, 2, &options, &done, &why) && *why,
	    "one load twice is not two");
	is(!fit_points(falling, 2, &options, &done, &why) && *why,
	    "a reversed clamp is no gain");
}

/* The lines add up to the covariance. */
static void
lines(void)
{
	struct fit_point points[] = { point(0, 0.1, 0.02), point(5, 5.13, 0.01),
		point(10, 10.1, 0.03) };
	const struct fit_options options = { .has_vars = true,
		.has_counter = true, .correlation = 0.5,
		.linearity_bound = 0.01 };
	double most = 0;

	for (int i = 0; i < 3; i++) {
		points[i].in[FIT_VARS] = -0.02 * points[i].in[FIT_WATTS];
		points[i].in[FIT_COUNTER] = 1.1 * points[i].in[FIT_WATTS];
		points[i].covariance[FIT_VARS][FIT_VARS] = 1e-4;
		points[i].covariance[FIT_COUNTER][FIT_COUNTER] = 4e-4;
		points[i].covariance[FIT_COUNTER][FIT_WATTS] =
		    points[i].covariance[FIT_WATTS][FIT_COUNTER] = 5e-5;
		points[i].u[FIT_COUNTER] = 1e-3;
		points[i].u_reference = i * 0.01;
		points[i].u_tangent = i > 0 ? 3e-4 : 0;
		points[i].linearity = i > 0 ? 0.006 : 0;
	}
	is(fit_points(points, 3, &options, &done, &why), "all causes at once");
	for (int a = 0; a < ALL; a++)
		for (int b = 0; b < ALL; b++) {
			double sum = 0;

			for (size_t i = 0; i < done.line_count; i++)
				sum += done.lines[i].c[a] * done.lines[i].c[b];
			most = fmax(most, fabs(sum - spread(a, b)) /
			    (done.u[a] * done.u[b]));
		}
	is(most < 1e-9, "lines' products add up to the covariance");
}

int
main(void)
{
	three_points();
	two_points();
	shared_error();
	phase();
	counter();
	linearity();
	refusals();
	lines();
	return unit_finish();
}
