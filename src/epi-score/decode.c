/* decode: the decode workload, beside the benchmarks. */
#include <string.h>

#include "epi-score/score.h"

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
	note_hand_on(&score->refusals, &decode->refusals, "decode-");
	note_hand_on(&score->warnings, &decode->warnings, "decode-");
}
