/*
 * uncertainty: how well a score is known.
 *
 * ln EPI = ln E - ln T - ln A: relative uncertainties of energy and accuracy add
 * in squares, each as a line of one budget.  The interval is that of the
 * logarithm, unless a benchmark has few right or few wrong answers: then the
 * accuracy's sides are MOVER's, from the benchmarks' own intervals.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epi-score/score.h"

enum { FEW = 10 };

bool
uncertainty_joules(struct score *score, const struct energy *energy,
    struct budget *joules)
{
	const char *why;

	if (value_unknown(&energy->at[BUDGET])) {
		note_add(&score->warnings, "uncertainty-unknown: the energy "
		    "record has no budget: neither a calibration nor a class "
		    "of its instrument is known");
		return false;
	}
	if (budget_read(joules, &energy->at[BUDGET], "c_joules", &why))
		return true;
	note_add(&score->refusals, "budget-malformed: %s:%llu: %s",
	    energy->file, (unsigned long long)energy->line_number, why);
	return false;
}

double
benchmark_uncertainty(const struct benchmark *mark)
{
	if (mark->records != 1)
		return NAN;
	if (isfinite(mark->u_accuracy))
		return mark->u_accuracy;
	return mark->correct == UNKNOWN ? NAN
	    : stats_share_error(mark->accuracy, (double)mark->questions);
}

static double
weight_of(const struct score *score, int mark)
{
	double weights = 0;

	for (int i = 0; i < score->benchmark_count; i++)
		weights += score->benchmarks[i].weight;
	return score->benchmarks[mark].weight / weights;
}

/* A line for each benchmark: EPI falls as its accuracy rises. */
static void
add_accuracy(struct uncertainty *u, const struct score *score)
{
	double composite = score_composite(score, benchmark_accuracy);
	char key[NAME + DIGEST_HEX + 16];

	u->accuracy = 0;
	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];
		double c = weight_of(score, i) * benchmark_uncertainty(mark) /
		    composite;

		snprintf(key, sizeof key, "accuracy:%s:%s", mark->name,
		    mark->digest);
		u->accuracy = hypot(u->accuracy, c);
		if (isfinite(c))
			budget_add(&u->budget, &(struct budget_line){
				.source = "accuracy", .key = key, .c = -c,
				.nu = INFINITY, .scope = BUDGET_RUN,
				.evaluated = true });
	}
}

static bool
has_few(const struct score *score)
{
	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		if (mark->correct != UNKNOWN && (mark->correct < FEW ||
		    mark->questions - mark->correct < FEW))
			return true;
	}
	return false;
}

/* The composite's interval over the composite, as logs. */
static struct stats_interval
mover(const struct score *score)
{
	double weights[BENCHMARKS], accuracies[BENCHMARKS];
	struct stats_interval intervals[BENCHMARKS], sum;
	double composite = score_composite(score, benchmark_accuracy);

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		weights[i] = weight_of(score, i);
		accuracies[i] = mark->accuracy;
		intervals[i] = mark->interval;
	}
	sum = stats_mover(weights, accuracies, intervals,
	    (size_t)score->benchmark_count);
	return (struct stats_interval){
		log(sum.low / composite), log(sum.high / composite)
	};
}

static void
set_intervals(struct uncertainty *u, const struct score *score)
{
	double half = u->k * hypot(u->energy, u->accuracy);
	double energy = u->k * u->energy;
	struct stats_interval a;

	u->per_token = (struct stats_interval){ -u->energy_k * u->energy,
		u->energy_k * u->energy };
	u->epi = (struct stats_interval){ -half, half };
	u->method = "log";
	if (!has_few(score))
		return;
	a = mover(score);
	if (isnan(a.low) || isnan(a.high))
		return;
	u->method = "mover";
	u->epi.low = -hypot(energy, a.high);
	u->epi.high = hypot(energy, a.low);
}

/* joules is NULL where the energy's budget is not known; what is not above 0
 * has no logarithm. */
static struct uncertainty
work_out(const struct score *score, const struct budget *joules,
    double total_joules)
{
	struct uncertainty u = { .energy = NAN, .accuracy = NAN, .nu = NAN };

	if (!(total_joules > 0))
		joules = NULL;
	if (joules) {
		budget_join(&u.budget, joules, 1 / total_joules);
		u.energy = budget_uncertainty(&u.budget);
		u.energy_k = stats_student_quantile(0.975,
		    budget_freedom(&u.budget));
	}
	if (!score->no_accuracy)
		add_accuracy(&u, score);
	if (joules && isfinite(u.accuracy)) {
		u.nu = budget_freedom(&u.budget);
		u.k = stats_student_quantile(0.975, u.nu);
	}
	set_intervals(&u, score);
	if (!isfinite(u.energy) || !isfinite(u.accuracy)) {
		u.epi = (struct stats_interval){ NAN, NAN };
		u.nu = u.k = NAN;
		u.method = NULL;
	}
	return u;
}

/* Nothing, but for rounding, or less is what a run at the idle power leaves: the
 * gross figures hold. */
static void
judge_net(struct score *score, double joules, double idle)
{
	if (joules - idle <= 1e-9 * fabs(joules))
		note_add(&score->warnings, "net-not-positive: %.9g J idle "
		    "leave %.9g J of %.9g J", idle, joules - idle, joules);
}

void
uncertainty_settle(struct score *score, const struct energy *energy)
{
	double joules = value_number(&energy->at[JOULES]), idle;
	struct budget gross = { 0 }, net = { 0 };
	bool known = uncertainty_joules(score, energy, &gross), idle_known;

	score->u = work_out(score, known ? &gross : NULL, joules);
	if (idle_joules(score, energy, &idle, &net, &idle_known)) {
		for (size_t i = 0; i < net.count; i++)
			net.lines[i].c *= -1;
		budget_join(&net, &gross, 1);
		judge_net(score, joules, idle);
		score->net = (struct net){
			.known = true, .joules = joules - idle,
			.idle_watts = idle /
			    value_number(&energy->at[SECONDS]),
			.u = work_out(score, known && idle_known ? &net : NULL,
			    joules - idle)
		};
	}
	budget_clear(&gross);
	budget_clear(&net);
}
