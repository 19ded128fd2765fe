/*
 * account: which answers count, and what a benchmark's figures are.
 *
 * The questions of a benchmark are taken for a sample of such questions,
 * stratum by stratum, of clusters that are right or wrong together.  With p the
 * accuracy of a stratum, n its questions in G clusters, e the correct ones of a
 * cluster less p times its size:
 *
 *     u^2 = G / (G - 1) sum e^2 / n^2
 *
 * which is p (1 - p) / (n - 1) where each question stands alone (W. G. Cochran,
 * Sampling Techniques, 3rd ed., 1977, 3.3 and 9A.4).  Strata are weighted by
 * their size in the whole benchmark (ibid., 5.3).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-grade/grade.h"
#include "report.h"

static const struct benchmark *benchmarks; /* for qsort */

static int
by_question(const void *a, const void *b)
{
	const struct answer *x = a, *y = b;
	int order;

	if (x->benchmark != y->benchmark)
		return x->benchmark < y->benchmark ? -1 : 1;
	order = strcmp(x->id, y->id);
	return order ? order : x->order < y->order ? -1 : 1;
}

void
settle(struct graded *graded)
{
	struct answer *answers = graded->answers;

	if (graded->count == 0)
		return;
	qsort(answers, graded->count, sizeof *answers, by_question);
	for (size_t i = 0, best; i < graded->count; i++) {
		for (best = i; i + 1 < graded->count &&
		    answers[i + 1].benchmark == answers[best].benchmark &&
		    strcmp(answers[i + 1].id, answers[best].id) == 0; i++) {
			if (strcmp(answers[i + 1].sha256,
			    answers[best].sha256) != 0)
				graded->benchmarks[answers[best].benchmark].
				    prompts_differ = answers[best].id;
			if (answers[i + 1].class != TRANSPORT ||
			    answers[best].class == TRANSPORT)
				best = i + 1;
		}
		answers[best].chosen = true;
	}
}

static const char *
text(const char *name)
{
	return name ? name : "";
}

static int
by_stratum(const void *a, const void *b)
{
	const struct answer *x = *(struct answer *const *)a;
	const struct answer *y = *(struct answer *const *)b;
	int order = strcmp(text(x->stratum), text(y->stratum));

	if (order == 0)
		order = strcmp(text(x->cluster), text(y->cluster));
	return order ? order : strcmp(x->id, y->id);
}

/* The letter that counts. */
static int
letter_of(const struct benchmark *mark, const struct answer *answer)
{
	return mark->normalised ? answer->other : answer->letter;
}

static bool
is_correct(const struct answer *answer)
{
	return letter_of(&benchmarks[answer->benchmark], answer) ==
	    answer->gold;
}

static void
count(struct account *account, const struct answer *answer)
{
	const struct benchmark *mark = &benchmarks[answer->benchmark];
	int other = mark->normalised ? answer->letter : answer->other;

	account->failures[answer->class]++;
	if (answer->class == TRANSPORT)
		return; /* it says nothing about the model */
	account->questions++;
	account->correct += is_correct(answer);
	account->other_correct += other == answer->gold;
}

/* Sums over the clusters of answers sorted by cluster. */
static void
add_clusters(struct account *account, struct answer *const *answers,
    size_t n, double p)
{
	for (size_t i = 0; i < n;) {
		const char *cluster = answers[i]->cluster;
		double excess = 0;
		bool any = false;

		do {
			if (answers[i]->class != TRANSPORT) {
				excess += is_correct(answers[i]) - p;
				any = true;
			}
			i++;
		} while (i < n && cluster && answers[i]->cluster &&
		    strcmp(cluster, answers[i]->cluster) == 0);
		account->clusters += any;
		account->squares += excess * excess;
	}
}

static void
work_out(struct account *account, struct answer *const *answers, size_t n)
{
	double questions, clusters;

	for (size_t i = 0; i < n; i++)
		count(account, answers[i]);
	questions = (double)account->questions;
	account->accuracy = (double)account->correct / questions;
	add_clusters(account, answers, n, account->accuracy);
	clusters = (double)account->clusters;
	account->u = account->clusters < 2 ? NAN : sqrt(clusters /
	    (clusters - 1) * account->squares) / questions;
}

static void
add_stratum(struct summary *summary, struct answer *const *answers, size_t n)
{
	struct account *stratum;

	summary->strata = report_resize(summary->strata,
	    summary->stratum_count + 1, sizeof *summary->strata);
	stratum = &summary->strata[summary->stratum_count++];
	*stratum = (struct account){
		.stratum = answers[0]->stratum,
		.whole = answers[0]->stratum_questions
	};
	work_out(stratum, answers, n);
}

static void
split(struct summary *summary, struct answer *const *answers, size_t n)
{
	for (size_t i = 0, from = 0; i < n; i++)
		if (i + 1 == n || strcmp(text(answers[i]->stratum),
		    text(answers[i + 1]->stratum)) != 0) {
			add_stratum(summary, answers + from, i + 1 - from);
			from = i + 1;
		}
}

/* Whether every stratum of the benchmark is there, its size known. */
static bool
has_all_strata(const struct summary *summary)
{
	int64_t whole = 0;

	for (size_t i = 0; i < summary->stratum_count; i++) {
		if (summary->strata[i].whole < summary->strata[i].questions ||
		    summary->strata[i].questions == 0)
			return false;
		whole += summary->strata[i].whole;
	}
	return whole > 0 && whole == summary->all.whole;
}

/* What of a variance is left for the whole from which a part was drawn. */
static double
left(const struct account *account)
{
	return account->whole == UNKNOWN ? NAN
	    : 1 - (double)account->questions / (double)account->whole;
}

/* Without strata, or with one that has but one question. */
static void
take_plain(struct summary *summary)
{
	summary->u = summary->all.u;
	summary->u_subset = summary->u * sqrt(left(&summary->all));
}

static void
take_strata(struct summary *summary)
{
	double square = 0, square_subset = 0, macro = 0, n;

	for (size_t i = 0; i < summary->stratum_count; i++) {
		const struct account *stratum = &summary->strata[i];
		double weight = (double)stratum->whole /
		    (double)summary->all.whole;
		double part = weight * weight * stratum->u * stratum->u;

		square += part;
		square_subset += part * left(stratum);
		macro += stratum->u * stratum->u;
	}
	n = (double)summary->stratum_count;
	summary->u_macro = sqrt(macro) / n;
	take_plain(summary);
	if (!summary->weighted || isnan(square))
		return;
	summary->u = sqrt(square);
	summary->u_subset = sqrt(square_subset);
}

static int64_t
correct(const struct account *account)
{
	return account->correct;
}

static int64_t
other_correct(const struct account *account)
{
	return account->other_correct;
}

/* Were all right that had no letter. */
static int64_t
at_most_correct(const struct account *account)
{
	int64_t failures = 0;

	for (int i = CLASS_NONE + 1; i < TRANSPORT; i++)
		failures += account->failures[i];
	return account->correct + failures;
}

/* The share that these are of the questions, weighted where strata are. */
static double
share(const struct summary *summary, int64_t (*of)(const struct account *))
{
	const struct account *all = &summary->all;
	const struct account *strata = summary->weighted ? summary->strata
	    : NULL;
	double weighted = 0;

	if (!strata || all->whole == all->questions)
		return (double)of(all) / (double)all->questions;
	for (size_t i = 0; i < summary->stratum_count; i++)
		weighted += (double)of(&strata[i]) /
		    (double)strata[i].questions * (double)strata[i].whole;
	return weighted / (double)all->whole;
}

static double
macro(const struct summary *summary)
{
	double sum = 0;

	for (size_t i = 0; i < summary->stratum_count; i++)
		sum += summary->strata[i].accuracy;
	return sum / (double)summary->stratum_count;
}

static void
add_line(struct digest *digest, const char *first, const char *second)
{
	digest_add(digest, first, strlen(first));
	digest_add(digest, " ", 1);
	digest_add(digest, second, strlen(second));
	digest_add(digest, "\n", 1);
}

/* Which questions, and which answers; by id, as they are sorted. */
static void
take_digests(struct summary *summary, const struct answer *answers, size_t n)
{
	struct digest items, given;

	digest_start(&items);
	digest_start(&given);
	for (size_t i = 0; i < n; i++) {
		int letter = letter_of(&benchmarks[answers[i].benchmark],
		    &answers[i]);
		char name[] = { (char)('A' + letter), '\0' };

		if (!answers[i].chosen)
			continue;
		add_line(&items, answers[i].id, answers[i].sha256);
		add_line(&given, answers[i].id, letter >= 0 ? name
		    : class_names[answers[i].class]);
	}
	digest_end(&items, summary->items);
	digest_end(&given, summary->answers);
}

/*
 * Wilson's interval, of as many questions as say as much: fewer than there are
 * where clusters or weights make u greater than that of as many that stand
 * alone.
 */
static void
take_interval(struct summary *summary)
{
	double n = (double)summary->all.questions;
	double alone = stats_share_error(summary->accuracy, n);

	if (summary->u > alone && alone > 0)
		n *= alone / summary->u * (alone / summary->u);
	summary->interval = stats_wilson_share(summary->accuracy, n);
}

static void
take_figures(struct summary *summary)
{
	summary->clustered = summary->all.clusters < summary->all.questions;
	if (summary->strata) {
		summary->weighted = has_all_strata(summary);
		summary->macro = macro(summary);
		take_strata(summary);
	} else
		take_plain(summary);
	summary->accuracy = share(summary, correct);
	summary->other = share(summary, other_correct);
	summary->upper = share(summary, at_most_correct);
	take_interval(summary);
}

void
account(struct summary *summary, const struct graded *graded, size_t first,
    size_t end)
{
	struct answer **chosen = report_resize(NULL, end - first + 1,
	    sizeof(struct answer *));
	size_t n = 0;
	bool strata = true;

	memset(summary, 0, sizeof *summary);
	benchmarks = graded->benchmarks;
	for (size_t i = first; i < end; i++)
		if (graded->answers[i].chosen)
			chosen[n++] = &graded->answers[i];
	qsort(chosen, n, sizeof(struct answer *), by_stratum);
	summary->all.whole =
	    benchmarks[graded->answers[first].benchmark].questions;
	work_out(&summary->all, chosen, n);
	for (size_t i = 0; i < n; i++)
		strata = strata && chosen[i]->stratum;
	if (strata)
		split(summary, chosen, n);
	take_figures(summary);
	take_digests(summary, graded->answers + first, end - first);
	free(chosen);
}

void
account_clear(struct summary *summary)
{
	free(summary->strata);
}
