/* settle: the verdict, and what would decide where there is none. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "epi-compare/compare.h"

#define LEVEL 0.05

/* Two one-sided tests at 5 %: the 90 % interval lies within the margin. */
static bool
is_equivalent(const struct ratio *ratio, double margin)
{
	double k = ratio_factor(ratio, 0.9), limit = log1p(margin);

	return ratio->log - k * ratio->u_low > -limit &&
	    ratio->log + k * ratio->u_high < limit;
}

void
settle_verdict(struct comparison *comparison, const struct settings *settings)
{
	const struct ratio *judged = comparison->judged;

	comparison->verdict = "indistinguishable";
	if (judged->method == UNKNOWN_METHOD)
		return;
	comparison->is_equivalent = is_equivalent(judged, settings->margin);
	if (comparison->p_holm < LEVEL)
		comparison->verdict = judged->log < 0 ? "better" : "worse";
	else if (comparison->is_equivalent)
		comparison->verdict = "equivalent";
}

/*
 * The standard uncertainty at which a verdict would come in four of five cases:
 * of a difference as great as it looks, or, if that lies within the margin, of
 * its absence.  1.96 and 1.64 for the level, 0.84 for the four of five.
 */
static double
wanted(const struct ratio *ratio, double margin)
{
	double size = fabs(ratio->log), limit = log1p(margin);

	return size > limit ? size / (1.960 + 0.842)
	    : limit / (1.645 + 0.842);
}

/* By how much a part of the variance has to shrink if the others stay; NAN: the
 * others alone are too much. */
static double
shrink(double part, double whole, double allowed)
{
	double left = allowed - (whole - part);

	return part > 0 && left > 0 ? part / left : NAN;
}

static double
questions_of(const struct model *model)
{
	double sum = 0;

	for (int i = 0; i < model->mark_count; i++)
		sum += model->marks[i].questions;
	return sum;
}

static void
put_times(const char *key, double value)
{
	compose_key(key);
	if (isfinite(value) && value < 1e15)
		compose_integer((int64_t)ceil(value));
	else
		compose_null();
}

/* What one more run of each costs. */
static void
put_repetitions(const struct comparison *comparison, double factor)
{
	const struct result *a = &comparison->pair.baseline->result;
	const struct result *b = &comparison->pair.candidate->result;
	const char seconds[] = "energy.duration_seconds";
	const char joules[] = "energy.total_joules";

	put_times("repetitions_times", factor);
	compose_figure("hours", factor * (result_number(a, seconds) +
	    result_number(b, seconds)) / 3600);
	compose_figure("kwh", factor * (result_number(a, joules) +
	    result_number(b, joules)) / 3.6e6);
}

static const char *
advice(double questions, double repetitions)
{
	if (isnan(questions) && isnan(repetitions))
		return "improve the meter: more questions or repetitions alone "
		    "do not decide";
	if (isnan(repetitions))
		return "ask more questions";
	if (isnan(questions))
		return "make more repetitions";
	return "ask more questions, or make more repetitions";
}

void
settle_compose(const struct comparison *comparison,
    const struct settings *settings)
{
	const struct ratio *judged = comparison->judged;
	const struct shares *shares = &comparison->shares;
	double u = wanted(judged, settings->margin);
	double whole = shares->questions + shares->repetitions + shares->meter;
	double questions = shrink(shares->questions, whole, u * u);
	double repetitions = shrink(shares->repetitions, whole, u * u);

	if (judged->method == UNKNOWN_METHOD ||
	    strcmp(comparison->verdict, "indistinguishable") != 0) {
		compose_null();
		return;
	}
	compose_begin('{');
	compose_figure("u_wanted", u);
	put_times("questions",
	    questions * questions_of(comparison->pair.baseline));
	put_repetitions(comparison, repetitions);
	compose_key("advice");
	compose_string(advice(questions, repetitions));
	compose_end('}');
}
