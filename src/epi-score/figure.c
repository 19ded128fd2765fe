/* figure: accuracies, alone and together. */
#include <math.h>
#include <string.h>

#include "epi-score/score.h"

/* All answers of a four-way test have the chance of one in four; epi-score(1)
 * tells of the seven ARC questions that have three or five choices. */
static const struct official officials[] = {
	{ "mmlu", 0.25, 5, 14042 },
	{ "arc_challenge", 0.25, 25, 1172 },
	{ "hellaswag", 0.25, 10, 10042 }
};

const struct official *
benchmark_official(const struct benchmark *mark)
{
	for (size_t i = 0; i < sizeof officials / sizeof *officials; i++)
		if (strcmp(officials[i].name, mark->name) == 0)
			return &officials[i];
	return NULL;
}

double
benchmark_chance(const struct benchmark *mark)
{
	const struct official *official = benchmark_official(mark);

	return official ? official->chance : NAN;
}

double
benchmark_accuracy(const struct benchmark *mark)
{
	return mark->records == 1 ? mark->accuracy : NAN;
}

double
benchmark_above_chance(const struct benchmark *mark)
{
	return stats_above_chance(benchmark_accuracy(mark),
	    benchmark_chance(mark));
}

/* The weighted mean; NAN where one is unknown. */
double
score_composite(const struct score *score,
    double (*figure)(const struct benchmark *))
{
	double sum = 0, weights = 0;

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		sum += mark->weight * figure(mark);
		weights += mark->weight;
	}
	return score->no_accuracy ? NAN : sum / weights;
}

/* Questions, or correct answers, of all benchmarks of the composite. */
double
score_answers(const struct score *score, bool correct)
{
	double sum = 0;

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];
		int64_t count = correct ? mark->correct : mark->questions;

		if (mark->records != 1 || count == UNKNOWN)
			return NAN;
		sum += (double)count;
	}
	return score->no_accuracy ? NAN : sum;
}
