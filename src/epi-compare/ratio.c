/*
 * ratio: the logs of ratios, and how well they are known.
 *
 * ln EPI = ln(J/token) - ln(accuracy).  The energy's part is the difference of
 * two budgets, in which common variates cancel.  The accuracy's part has the
 * variance of each, less twice the covariance over common questions.
 */
#include <math.h>
#include <string.h>

#include "epi-compare/compare.h"

/* Fewer right or wrong answers than this: the normal law of the log fails. */
enum { FEW = 10 };

struct accuracy {
	double log, variance;
	double below, above; /* squared, of the MOVER interval's sides over z */
	bool known, few;
};

/* The weight of a baseline's mark: in the composite, or by its questions. */
static double
share_of(const struct model *model, int mark, bool by_questions)
{
	double sum = 0;

	for (int i = 0; i < model->mark_count; i++)
		sum += by_questions ? model->marks[i].questions
		    : model->marks[i].weight;
	return (by_questions ? model->marks[mark].questions
	    : model->marks[mark].weight) / sum;
}

static bool
has_few(const struct mark *mark)
{
	return mark->correct < FEW || mark->questions - mark->correct < FEW;
}

/* The weighted accuracy of one model, its variance, and its sides by MOVER from
 * the intervals of its marks. */
static void
accuracy_of(struct accuracy *sum, const struct model *model,
    bool by_questions)
{
	double accuracy = 0, low = 0, high = 0;

	*sum = (struct accuracy){ .known = model->mark_count > 0 };
	for (int i = 0; i < model->mark_count; i++) {
		const struct mark *mark = &model->marks[i];
		double w = share_of(model, i, by_questions);
		double down = w * (mark->accuracy - mark->interval.low);
		double up = w * (mark->interval.high - mark->accuracy);

		accuracy += w * mark->accuracy;
		sum->variance += w * w * mark->u_accuracy * mark->u_accuracy;
		low += down * down;
		high += up * up;
		sum->few |= has_few(mark);
	}
	if (accuracy <= 0) {
		*sum = (struct accuracy){ .log = -INFINITY };
		return;
	}
	sum->log = log(accuracy);
	sum->variance /= accuracy * accuracy;
	low = log(accuracy / (accuracy - sqrt(low))) / STATS_Z95;
	high = log((accuracy + sqrt(high)) / accuracy) / STATS_Z95;
	sum->below = low * low;
	sum->above = high * high;
	sum->known &= isfinite(sum->log) && isfinite(sum->variance);
	sum->few &= isfinite(sum->below) && isfinite(sum->above);
}

/* Of both accuracies' logs; common questions are those of both. */
static double
covariance(const struct pair *pair, const struct accuracy *a,
    const struct accuracy *b, bool by_questions)
{
	double sum = 0;

	for (int i = 0; pair->is_paired && i < pair->baseline->mark_count; i++) {
		int j = pair->other[i];

		if (isnan(pair->correlation[i]))
			continue; /* independent, as was warned of */
		sum += share_of(pair->baseline, i, by_questions) *
		    share_of(pair->candidate, j, by_questions) *
		    pair->correlation[i] * pair->baseline->marks[i].u_accuracy *
		    pair->candidate->marks[j].u_accuracy;
	}
	return sum / exp(a->log + b->log);
}

/* The variance of a - b, below 0 but by rounding, NAN if either is; where few
 * answers are right or wrong, each side's from the sides of both that it depends
 * on, correlated as their estimates are (Zou and Donner 2008). */
static double
side(double a, double b, double correlation)
{
	double variance = a + b - 2 * correlation * sqrt(a * b);

	return variance < 0 ? 0 : variance; /* fmax would make 0 of NAN */
}

static struct accuracy
accuracy_ratio(const struct pair *pair, bool by_questions)
{
	struct accuracy a, b, ratio;
	double common, correlation;

	accuracy_of(&a, pair->baseline, by_questions);
	accuracy_of(&b, pair->candidate, by_questions);
	common = covariance(pair, &a, &b, by_questions);
	correlation = a.variance > 0 && b.variance > 0
	    ? common / sqrt(a.variance * b.variance) : 0;
	ratio = (struct accuracy){
		.log = b.log - a.log,
		.variance = side(a.variance, b.variance, correlation),
		.known = a.known && b.known,
		.few = (a.few || b.few) && isfinite(a.below + a.above +
		    b.below + b.above)
	};
	ratio.below = ratio.few ? side(b.below, a.above, correlation)
	    : ratio.variance;
	ratio.above = ratio.few ? side(b.above, a.below, correlation)
	    : ratio.variance;
	return ratio;
}

static bool
is_budgeted(const struct pair *pair)
{
	return pair->baseline->result.budgeted &&
	    pair->candidate->result.budgeted;
}

/* The difference of the energies' budgets. */
static void
energy_difference(struct budget *both, const struct pair *pair)
{
	budget_join(both, &pair->candidate->result.energy, 1);
	budget_join(both, &pair->baseline->result.energy, -1);
	result_pool_freedom(both, &pair->baseline->result,
	    &pair->candidate->result);
}

/* energy is of u and nu, the accuracy's is the rest. */
static void
finish(struct ratio *ratio, double energy, double freedom,
    const struct accuracy *accuracy)
{
	double u[] = { energy, sqrt(accuracy->variance) };
	double nu[] = { freedom, INFINITY };

	ratio->u = hypot(u[0], u[1]);
	ratio->u_low = hypot(energy, sqrt(accuracy->below));
	ratio->u_high = hypot(energy, sqrt(accuracy->above));
	ratio->nu = stats_effective_freedom(u, nu, 2);
	ratio->k = stats_student_quantile(0.975, ratio->nu);
	ratio->method = accuracy->few ? MOVER : DELTA;
	if (!isfinite(ratio->log) || !isfinite(ratio->u))
		ratio->method = UNKNOWN_METHOD;
}

double
ratio_factor(const struct ratio *ratio, double level)
{
	return stats_student_quantile((1 + level) / 2, ratio->nu);
}

static double
log_ratio(const struct pair *pair, const char *path)
{
	return log(result_number(&pair->candidate->result, path) /
	    result_number(&pair->baseline->result, path));
}

/* EPI divides by the accuracy: its sides change places. */
static struct accuracy
inverted(struct accuracy accuracy)
{
	double below = accuracy.below;

	accuracy.below = accuracy.above;
	accuracy.above = below;
	return accuracy;
}

/* Variance by what would make it smaller. */
static void
find_shares(struct comparison *comparison, const struct budget *both,
    double questions)
{
	struct shares *shares = &comparison->shares;

	shares->questions = questions;
	for (size_t i = 0; i < both->count; i++) {
		double u = budget_uncertainty(both);
		double part = budget_share(both, i) * u * u;

		*(both->lines[i].scope == BUDGET_RUN ? &shares->repetitions
		    : &shares->meter) += part;
	}
}

/* Joules per token saved, and how many tokens pay for what was invested. */
static void
find_payback(struct comparison *comparison, double invested_kwh)
{
	const struct pair *pair = &comparison->pair;
	const char path[] = "energy.joules_per_token";
	double a = result_number(&pair->baseline->result, path);
	double b = result_number(&pair->candidate->result, path);
	double joules = invested_kwh * 3.6e6, half;
	struct budget both = { 0 };

	budget_join(&both, &pair->baseline->result.energy, a);
	budget_join(&both, &pair->candidate->result.energy, -b);
	result_pool_freedom(&both, &pair->baseline->result,
	    &pair->candidate->result);
	half = is_budgeted(pair) ? budget_uncertainty(&both) *
	    stats_student_quantile(0.975, budget_freedom(&both)) : NAN;
	comparison->payback = (struct payback){
		.tokens = a > b ? joules / (a - b) : NAN,
		.low = a - b + half > 0 ? joules / (a - b + half) : NAN,
		.high = a - b - half > 0 ? joules / (a - b - half) : NAN
	};
	budget_clear(&both);
}

/* The chance of a ratio as far from 1, or farther, where there is none. */
static double
chance(const struct ratio *ratio)
{
	double u = ratio->log > 0 ? ratio->u_low : ratio->u_high;

	if (ratio->method == UNKNOWN_METHOD)
		return NAN;
	if (u == 0)
		return ratio->log == 0;
	return stats_student_tails(ratio->log / u, ratio->nu);
}

/* Tokens per question apart by over 5 %: the verdict is on correct answers. */
static bool
talks_more(const struct pair *pair)
{
	double questions[2] = { 0, 0 };
	const struct model *models[] = { pair->baseline, pair->candidate };

	for (int m = 0; m < 2; m++)
		for (int i = 0; i < models[m]->mark_count; i++)
			questions[m] += models[m]->marks[i].questions;
	return fabs(log_ratio(pair, "energy.total_tokens") -
	    log(questions[1] / questions[0])) > log(1.05);
}

static void
choose_judged(struct comparison *comparison)
{
	comparison->judged = &comparison->epi;
	if (!isfinite(comparison->per_correct.log) ||
	    !talks_more(&comparison->pair))
		return;
	comparison->judged = &comparison->per_correct;
	comparison_warn(comparison, "verbosity: the generated tokens per "
	    "question differ by over 5 %%, so the verdict is on joules per "
	    "correct answer");
}

void
ratio_work_out(struct comparison *comparison, const struct settings *settings)
{
	const struct pair *pair = &comparison->pair;
	struct accuracy composite = accuracy_ratio(pair, false);
	struct accuracy answers = accuracy_ratio(pair, true);
	const struct accuracy none = { .known = true };
	struct accuracy turned;
	struct budget both = { 0 };
	double u, nu;

	energy_difference(&both, pair);
	u = is_budgeted(pair) ? budget_uncertainty(&both) : NAN;
	nu = budget_freedom(&both);
	comparison->per_token.log = log_ratio(pair, "energy.joules_per_token");
	finish(&comparison->per_token, u, nu, &none);
	comparison->accuracy.log = composite.log;
	finish(&comparison->accuracy, 0, INFINITY, &composite);
	comparison->epi.log = log_ratio(pair, "epi.value");
	turned = inverted(composite);
	finish(&comparison->epi, u, nu, &turned);
	comparison->per_correct.log = log_ratio(pair,
	    "joules_per_correct_answer");
	turned = inverted(answers);
	finish(&comparison->per_correct, u, nu, &turned);
	choose_judged(comparison);
	find_shares(comparison, &both, comparison->judged == &comparison->epi
	    ? composite.variance : answers.variance);
	if (!isnan(settings->invested_kwh))
		find_payback(comparison, settings->invested_kwh);
	comparison->p = chance(comparison->judged);
	comparison->bootstrap = pair->is_weighed && isfinite(u)
	    ? resample_epi(comparison, settings)
	    : (struct stats_interval){ NAN, NAN };
	budget_clear(&both);
}
