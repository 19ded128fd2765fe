/*
 * spread: how two accuracies vary over the questions that both models answered.
 *
 * With e and f the right answers of both to a cluster, less what each has right
 * of as many questions on the average, G clusters and n questions, the
 * covariance of the accuracies is
 *
 *     G / (G - 1) sum e f / n^2
 *
 * within each stratum, weighted by the square of its weight, or over all strata
 * as one: that of epi-grade(1), whose u_accuracy is the square root where e is
 * f.  Which of the two a score has it does not say, so it is the one by which
 * its u_accuracy comes out.  One kind of covariance beside variances of the
 * other kind would count the spread between strata on one side alone.
 */
#include <math.h>

#include "epi-compare/compare.h"

/* To how much scores may have been rounded: an accuracy, and a share of u. */
#define ACCURACY_ROUNDED 1e-4
#define U_ROUNDED 1e-3

struct moments {
	double square[2], product;
};

/* Sums of the clusters of a stratum; NAN if there is but one. */
static void
add_moments(struct moments *sum, const struct pair *pair,
    const struct stratum *stratum, double weight)
{
	const struct cluster *cluster = &pair->clusters[stratum->first];
	double groups = (double)stratum->count;
	double scale = weight * weight * groups / (groups - 1) /
	    (stratum->questions * stratum->questions);

	for (size_t i = 0; i < stratum->count; i++, cluster++) {
		double e[2];

		for (int m = 0; m < 2; m++)
			e[m] = cluster->right[m] - cluster->questions *
			    (stratum->right[m] / stratum->questions);
		sum->square[0] += scale * e[0] * e[0];
		sum->square[1] += scale * e[1] * e[1];
		sum->product += scale * e[0] * e[1];
	}
}

static struct moments
by_strata(const struct pair *pair, int mark)
{
	struct moments sum = { 0 };

	for (size_t i = 0; i < pair->stratum_count; i++)
		if (pair->strata[i].mark == mark)
			add_moments(&sum, pair, &pair->strata[i],
			    pair->strata[i].weight);
	return sum;
}

/* All strata of a mark, which follow one another, as one. */
static struct moments
as_one(const struct pair *pair, int mark)
{
	struct stratum all = { 0 };
	struct moments sum = { 0 };

	for (size_t i = 0; i < pair->stratum_count; i++) {
		const struct stratum *stratum = &pair->strata[i];

		if (stratum->mark != mark)
			continue;
		if (all.count == 0)
			all.first = stratum->first;
		all.count += stratum->count;
		all.questions += stratum->questions;
		all.right[0] += stratum->right[0];
		all.right[1] += stratum->right[1];
	}
	add_moments(&sum, pair, &all, 1);
	return sum;
}

static const struct mark *
mark_of(const struct pair *pair, int mark, int model)
{
	return model == 0 ? &pair->baseline->marks[mark]
	    : &pair->candidate->marks[pair->other[mark]];
}

/* Whether both scores have these variances. */
static bool
has_variances(const struct pair *pair, int mark, const struct moments *moments)
{
	for (int m = 0; m < 2; m++) {
		double u = mark_of(pair, mark, m)->u_accuracy;

		if (!(fabs(sqrt(moments->square[m]) - u) <= U_ROUNDED * u))
			return false;
	}
	return true;
}

static double
correlation(const struct pair *pair, int mark)
{
	struct moments moments = by_strata(pair, mark);
	double both;

	if (!has_variances(pair, mark, &moments))
		moments = as_one(pair, mark);
	if (!has_variances(pair, mark, &moments))
		return NAN;
	both = sqrt(moments.square[0] * moments.square[1]);
	return both > 0 ? fmax(-1, fmin(1, moments.product / both)) : 0;
}

/* Weighs by the size of strata, or by what was asked of them.  False: these are
 * not the weights by which the accuracies of both scores come out. */
static bool
weigh(struct pair *pair, int mark, bool by_size)
{
	double sum = 0, right[2] = { 0, 0 };

	for (size_t i = 0; i < pair->stratum_count; i++) {
		struct stratum *stratum = &pair->strata[i];
		double size = by_size ? stratum->whole : stratum->questions;

		if (stratum->mark != mark)
			continue;
		sum += size;
		for (int m = 0; m < 2; m++)
			right[m] += size * stratum->right[m] /
			    stratum->questions;
	}
	for (int m = 0; m < 2; m++)
		if (!(fabs(right[m] / sum - mark_of(pair, mark, m)->accuracy) <=
		    ACCURACY_ROUNDED))
			return false;
	for (size_t i = 0; i < pair->stratum_count; i++)
		if (pair->strata[i].mark == mark)
			pair->strata[i].weight = (by_size
			    ? pair->strata[i].whole
			    : pair->strata[i].questions) / sum;
	return true;
}

void
spread_find(struct pair *pair)
{
	pair->is_weighed = true;
	for (int i = 0; i < pair->baseline->mark_count; i++) {
		if (!weigh(pair, i, true) && !weigh(pair, i, false))
			pair->is_weighed = false;
		pair->correlation[i] = correlation(pair, i);
	}
}
