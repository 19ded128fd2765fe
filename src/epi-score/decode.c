/* decode: the decode workload, beside the benchmarks. */
#include <string.h>

#include "epi-score/score.h"

static void
hand_on(struct notes *to, const struct notes *from)
{
	for (size_t i = 0; i < from->count; i++)
		note_add(to, "decode-%s", from->text[i]);
	to->left_out += from->left_out;
}

void
decode_settle(struct score *score)
{
	struct score *decode = score->decode;
	const struct energy *energy = judge_choose(decode);

	judge_join(decode, energy);
	/* The same accuracy, judged once. */
	decode->no_accuracy = score->no_accuracy;
	decode->benchmark_count = score->benchmark_count;
	memcpy(decode->benchmarks, score->benchmarks,
	    sizeof decode->benchmarks);
	if (energy)
		uncertainty_settle(decode, energy);
	score->decode_energy = energy;
	score->simulated |= decode->simulated;
	hand_on(&score->refusals, &decode->refusals);
	hand_on(&score->warnings, &decode->warnings);
}
