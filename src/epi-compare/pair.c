/* pair: the questions that two models were both asked. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-compare/compare.h"
#include "report.h"

static int
find_mark(const struct model *model, const char *name)
{
	for (int i = 0; i < model->mark_count; i++)
		if (strcmp(model->marks[i].name, name) == 0)
			return i;
	return -1;
}

static double
weight_sum(const struct model *model)
{
	double sum = 0;

	for (int i = 0; i < model->mark_count; i++)
		sum += model->marks[i].weight;
	return sum;
}

/* Whether both composites are made of the same. */
static bool
match_marks(struct pair *pair)
{
	const struct model *a = pair->baseline, *b = pair->candidate;

	if (a->mark_count != b->mark_count)
		return false;
	for (int i = 0; i < a->mark_count; i++) {
		int j = find_mark(b, a->marks[i].name);

		if (j < 0 || fabs(a->marks[i].weight / weight_sum(a) -
		    b->marks[j].weight / weight_sum(b)) > 1e-12)
			return false;
		pair->other[i] = j;
	}
	return true;
}

static int
in_order(const struct graded *a, const struct graded *b)
{
	int order = strcmp(a->benchmark, b->benchmark);

	return order ? order : strcmp(a->id, b->id);
}

static void
add_question(struct pair *pair, const struct graded *a, const struct graded *b)
{
	struct question *question = &pair->questions[pair->question_count];
	struct counts *counts;

	question->mark = find_mark(pair->baseline, a->benchmark);
	if (question->mark < 0 || !a->known || !b->known)
		return;
	pair->prompts_differ |= strcmp(a->prompt, b->prompt) != 0;
	question->stratum = a->stratum;
	question->cluster = a->cluster;
	question->id = a->id;
	question->whole = isnan(a->whole) ? b->whole : a->whole;
	question->right[0] = a->correct;
	question->right[1] = b->correct;
	pair->question_count++;
	counts = &pair->counts[question->mark];
	++*(a->correct ? b->correct ? &counts->both : &counts->baseline
	    : b->correct ? &counts->candidate : &counts->neither);
}

static int
by_stratum(const struct question *a, const struct question *b)
{
	return a->mark != b->mark ? a->mark - b->mark
	    : strcmp(a->stratum, b->stratum);
}

/* No two are the same: one order on every machine. */
static int
by_cluster(const void *a, const void *b)
{
	const struct question *x = a, *y = b;
	int order = by_stratum(x, y);

	if (order == 0)
		order = strcmp(x->cluster, y->cluster);
	return order ? order : strcmp(x->id, y->id);
}

static void
add_to_cluster(struct pair *pair, const struct question *question, bool is_new)
{
	struct cluster *cluster;

	if (is_new)
		pair->clusters[pair->cluster_count++] = (struct cluster){ 0 };
	cluster = &pair->clusters[pair->cluster_count - 1];
	cluster->questions++;
	cluster->right[0] += question->right[0];
	cluster->right[1] += question->right[1];
}

static void
find_strata(struct pair *pair)
{
	size_t room = pair->question_count + 1;

	pair->strata = report_resize(NULL, room, sizeof *pair->strata);
	pair->clusters = report_resize(NULL, room, sizeof *pair->clusters);
	for (size_t i = 0; i < pair->question_count; i++) {
		const struct question *question = &pair->questions[i];
		bool starts = i == 0 || by_stratum(question - 1, question) != 0;
		struct stratum *stratum;

		if (starts)
			pair->strata[pair->stratum_count++] = (struct stratum){
				.first = pair->cluster_count,
				.whole = question->whole, .weight = NAN,
				.mark = question->mark
			};
		add_to_cluster(pair, question, starts || !*question->cluster ||
		    strcmp(question[-1].cluster, question->cluster) != 0);
		stratum = &pair->strata[pair->stratum_count - 1];
		stratum->count = pair->cluster_count - stratum->first;
		stratum->questions++;
		stratum->right[0] += question->right[0];
		stratum->right[1] += question->right[1];
	}
}

static int64_t
common(const struct counts *counts)
{
	return counts->both + counts->baseline + counts->candidate +
	    counts->neither;
}

/* A figure of all questions may take its covariance from the common ones only
 * if these are all. */
static bool
covers_all(const struct pair *pair)
{
	for (int i = 0; i < pair->baseline->mark_count; i++) {
		double n = (double)common(&pair->counts[i]);

		if (n < 2 || n != pair->baseline->marks[i].questions ||
		    n != pair->candidate->marks[pair->other[i]].questions)
			return false;
	}
	return pair->baseline->mark_count > 0;
}

bool
pair_find(struct pair *pair)
{
	const struct model *a = pair->baseline, *b = pair->candidate;
	size_t i = 0, j = 0;

	if (!match_marks(pair))
		return false;
	pair->questions = report_resize(NULL, a->graded_count + 1,
	    sizeof *pair->questions);
	while (i < a->graded_count && j < b->graded_count) {
		int order = in_order(&a->graded[i], &b->graded[j]);

		if (order == 0)
			add_question(pair, &a->graded[i], &b->graded[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (pair->question_count > 1)
		qsort(pair->questions, pair->question_count,
		    sizeof *pair->questions, by_cluster);
	find_strata(pair);
	pair->is_paired = covers_all(pair);
	if (pair->is_paired)
		spread_find(pair);
	return true;
}

void
pair_clear(struct pair *pair)
{
	free(pair->questions);
	free(pair->clusters);
	free(pair->strata);
}
