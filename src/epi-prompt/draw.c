/*
 * draw: a sample in which each stratum has its share, the same for a seed on
 * every machine.
 *
 * Strata stand in the order of their names' bytes.  Each gets the whole part of
 * its share; what is left goes to the largest remainders, the first of equal
 * ones.  The seed's generator gives each stratum, in that order, the seed of
 * its own one, by which its questions are shuffled; the first ones are taken.
 */
#include <stdlib.h>
#include <string.h>

#include "epi-prompt/prompt.h"
#include "report.h"
#include "stats.h"

struct stratum {
	const char *name;
	struct question **questions;
	uint64_t count, share, remainder;
	uint64_t seed;
};

static const char *
name_of(const struct question *question)
{
	return question->stratum ? question->stratum : "";
}

static int
by_stratum(const void *a, const void *b)
{
	const struct question *x = *(struct question *const *)a;
	const struct question *y = *(struct question *const *)b;
	int order = strcmp(name_of(x), name_of(y));

	return order ? order : (x > y) - (x < y); /* then as in the file */
}

static int
by_remainder(const void *a, const void *b)
{
	const struct stratum *x = a, *y = b;

	if (x->remainder != y->remainder)
		return x->remainder < y->remainder ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* The strata of questions sorted by stratum. */
static size_t
split(struct question **sorted, size_t count, struct stratum *strata)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (n == 0 || strcmp(strata[n - 1].name,
		    name_of(sorted[i])) != 0)
			strata[n++] = (struct stratum){
				.name = name_of(sorted[i]),
				.questions = sorted + i
			};
		strata[n - 1].count++;
	}
	return n;
}

/* count and sample are far below 2^32, so that products fit. */
static void
share(struct stratum *strata, size_t n, uint64_t count, uint64_t sample)
{
	uint64_t left = sample;

	for (size_t i = 0; i < n; i++) {
		strata[i].share = strata[i].count * sample / count;
		strata[i].remainder = strata[i].count * sample % count;
		left -= strata[i].share;
	}
	qsort(strata, n, sizeof *strata, by_remainder);
	for (size_t i = 0; i < left; i++)
		strata[i].share++;
}

static void
take(struct stratum *stratum)
{
	for (uint64_t i = 0; i < stratum->share; i++) {
		uint64_t j = i + stats_random_below(&stratum->seed,
		    stratum->count - i);
		struct question *chosen = stratum->questions[j];

		stratum->questions[j] = stratum->questions[i];
		stratum->questions[i] = chosen;
		chosen->drawn = true;
	}
}

void
draw(struct questions *list, uint64_t sample, uint64_t seed)
{
	struct question **sorted = report_resize(NULL, list->count,
	    sizeof(struct question *));
	struct stratum *strata = report_resize(NULL, list->count,
	    sizeof *strata);
	size_t n;

	for (size_t i = 0; i < list->count; i++)
		sorted[i] = &list->at[i];
	qsort(sorted, list->count, sizeof(struct question *), by_stratum);
	n = split(sorted, list->count, strata);
	for (size_t i = 0; i < n; i++)
		strata[i].seed = stats_random(&seed);
	share(strata, n, list->count, sample);
	for (size_t i = 0; i < n; i++)
		take(&strata[i]);
	free(strata);
	free(sorted);
}
