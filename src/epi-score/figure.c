/* figure: accuracies, alone and together. */
#include <math.h>
#include <string.h>

#include "epi-score/score.h"

/* All answers of a four-way test have the chance of one in four; epi-score(1)
 * tells of the seven ARC questions that have three or five choices. */
static const struct {
	const char *name;
	double chance;
} chances[] = {
	{ "mmlu", 0.25 }, { "arc_challenge", 0.25 }, { "hellaswag", 0.25 }
};

double
benchmark_chance(const struct benchmark *mark)
{
	for (size_t i = 0; i < sizeof chances / sizeof *chances; i++)
		if (strcmp(chances[i].name, mark->name) == 0)
			return chances[i].chance;
	return NAN;
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
