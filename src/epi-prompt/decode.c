/* decode: the prompts of the decode workload.  Each asks for far more than 128
 * tokens, so that generation ends at the limit and not at an end of text; they
 * differ in kind, as the tokens of code are not those of a tale.  A changed
 * prompt is another workload: the items' digests tell. */
#include "epi-prompt/prompt.h"

const char *const decode_prompts[] = {
	"Explain in detail how a four-stroke petrol engine works, one stroke "
	"after the other.",
	"Write a story about a lighthouse keeper who finds a letter in a "
	"bottle.  Tell it slowly.",
	"Describe, step by step, how to repair a puncture in a bicycle tyre, "
	"and say at each step what can go wrong.",
	"Write a C program that reads lines of text and prints them in reverse "
	"order, and comment on each part of it.",
	"What led to the invention of the printing press, and how did it change "
	"Europe in the hundred years that followed?",
	"Compare three ways of storing electrical energy: batteries, pumped "
	"water and flywheels.  Give the strengths and weaknesses of each.",
	"Tell everything that happens to a drop of water from the sea to a "
	"mountain spring and back again.",
	"Write a letter to a friend who moves to a big city for the first time, "
	"with advice about housing, money and making friends.",
	"Explain to a pupil of twelve why the sky is blue at noon and red in "
	"the evening.",
	"Draw up a plan for a vegetable garden of twenty square metres, month by "
	"month from February to October.",
	"Describe the rules of chess to somebody who has never seen the game.",
	"Explain how a computer turns a program's source text into something "
	"that its processor can execute.",
	"Write a dialogue between a baker and an apprentice about how good bread "
	"is made.",
	"Discuss the arguments for and against daylight saving time.",
	"Explain how vaccines teach the immune system to recognise a disease.",
	"List twenty animals that live in or near rivers and write a sentence "
	"about each of them.",
	"Explain what a Fourier transform does, first in words, then with an "
	"example of a sum of two tones.",
	"Describe a day in the life of a sailor on a merchant ship in the year "
	"1750.",
	"Write a recipe for vegetable soup for six people, with quantities and "
	"times, and explain the reason for each step.",
	"Explain how a transformer changes the voltage of alternating current, "
	"and why it cannot do so with direct current.",
};

const int decode_count = sizeof decode_prompts / sizeof *decode_prompts;
