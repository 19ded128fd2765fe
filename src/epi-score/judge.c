/* judge: what speaks against joining these records, and what to know. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-score/score.h"

#define COVERAGE_LEAST 0.99

const struct energy *
judge_choose(struct score *score)
{
	const struct energy *energy = &score->cluster;
	const char *scope = "cluster";

	if (energy->records == 0) {
		energy = &score->node;
		scope = "node";
	}
	if (energy->records == 1)
		return energy;
	if (energy->records == 0 && score->label)
		note_add(&score->refusals,
		    "energy-missing: no energy record has the label %s",
		    score->label);
	else if (energy->records == 0)
		note_add(&score->refusals, "energy-missing: no energy record");
	else
		note_add(&score->refusals,
		    "energy-ambiguous: %lld %s energy records, "
		    "from label \"%s\" to \"%s\": choose one with --label",
		    (long long)energy->records, scope, energy->labels[0],
		    energy->labels[1]);
	return NULL;
}

void
judge_energy(struct score *score, const struct energy *energy)
{
	double coverage = value_number(&energy->at[COVERAGE]);
	double malformed = value_number(&energy->at[MALFORMED]);

	note_carry(&score->warnings, &energy->at[WARNINGS]);
	if (energy->at[COMPLETE].kind != JSON_TRUE)
		note_add(&score->refusals,
		    "energy-incomplete: %s:%llu: the energy "
		    "is not complete: its stream has no stop", energy->file,
		    (unsigned long long)energy->line_number);
	if (energy->at[JOULES].kind == JSON_NULL)
		note_add(&score->refusals, "energy-unknown: %s:%llu: the "
		    "joules are not known", energy->file,
		    (unsigned long long)energy->line_number);
	else if (!(value_number(&energy->at[JOULES]) > 0))
		note_add(&score->refusals, "energy-not-positive: %.*s J",
		    (int)energy->at[JOULES].length, energy->at[JOULES].at);
	if (isnan(coverage))
		note_add(&score->warnings,
		    "coverage-unknown: the energy record "
		    "does not say what share of its span was measured");
	else if (coverage < COVERAGE_LEAST)
		note_add(&score->refusals, "coverage-low: %.*s of the span was "
		    "measured, %g is needed", (int)energy->at[COVERAGE].length,
		    energy->at[COVERAGE].at, COVERAGE_LEAST);
	if (malformed > 0)
		note_add(&score->warnings,
		    "samples-malformed: %g records of the "
		    "power trace were malformed", malformed);
}

static int
by_all(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct count));
}

/* As where the output of epi-run and its tokens alone are both given. */
static void
judge_counts(struct score *score)
{
	struct tokens *tokens = &score->tokens;
	int64_t twice = 0;

	if (tokens->count > 1)
		qsort(tokens->counts, tokens->count, sizeof *tokens->counts,
		    by_all);
	for (size_t i = 1; i < tokens->count; i++)
		twice += by_all(&tokens->counts[i - 1],
		    &tokens->counts[i]) == 0;
	if (twice > 0)
		note_add(&score->refusals, "tokens-twice: %lld of %lld tokens "
		    "records have begin, end and counts of another one",
		    (long long)twice, (long long)tokens->records);
}

static void
judge_tokens(struct score *score)
{
	const struct tokens *tokens = &score->tokens;

	if (tokens->records == 0) {
		note_add(&score->refusals, "tokens-missing: no tokens record");
		return;
	}
	judge_counts(score);
	if (tokens->incomplete > 0)
		note_add(&score->refusals,
		    "tokens-incomplete: %s:%llu: status is "
		    "%s, not complete (%lld of %lld tokens records)",
		    tokens->file, (unsigned long long)tokens->line_number,
		    *tokens->status ? tokens->status : "unknown",
		    (long long)tokens->incomplete, (long long)tokens->records);
	if (tokens->generated == UNKNOWN)
		note_add(&score->refusals,
		    "tokens-unknown: generated_tokens is not known");
	if (tokens->generated == 0)
		note_add(&score->warnings,
		    "tokens-none: no token was generated, "
		    "so there are no joules per token");
	if (tokens->eos_counted + tokens->eos_left < tokens->records ||
	    (tokens->eos_counted > 0 && tokens->eos_left > 0))
		note_add(&score->warnings,
		    "eos-unclear: it is not known of all "
		    "tokens records whether the end token is counted");
}

/* Nodes that the energy is of. */
static int64_t
measured_nodes(const struct score *score, const struct energy *energy)
{
	struct json_value node;
	const char *cursor = NULL;
	int64_t count = 0;

	if (energy == &score->node)
		return 1;
	if (energy->at[NODES].kind != JSON_ARRAY)
		return UNKNOWN;
	while (json_element(&energy->at[NODES], &cursor, &node))
		count++;
	return count;
}

static void
judge_nodes(struct score *score, const struct energy *energy)
{
	int64_t measured = measured_nodes(score, energy);

	if (meta_is("measurement_point", "\"shared_ac\""))
		return;
	if (measured == UNKNOWN || score->tokens.nodes == UNKNOWN)
		note_add(&score->warnings,
		    "nodes-unknown: it is not known whether "
		    "every node of the run was measured");
	else if (score->tokens.nodes > measured)
		note_add(&score->refusals, "nodes-unmeasured: the run had %lld "
		    "nodes, the energy is of %lld; one meter for all of them "
		    "is --meta measurement_point=shared_ac",
		    (long long)score->tokens.nodes, (long long)measured);
}

static void
judge_spans(struct score *score, const struct energy *energy)
{
	const struct tokens *tokens = &score->tokens;
	char begin[CLOCK_TEXT], end[CLOCK_TEXT];

	if (tokens->spanless > 0 || energy->begin_ns == UNKNOWN ||
	    energy->end_ns == UNKNOWN)
		note_add(&score->warnings,
		    "span-unknown: it is not known whether "
		    "the tokens were generated within the energy's span");
	if (tokens->spanless == tokens->records ||
	    energy->begin_ns == UNKNOWN || energy->end_ns == UNKNOWN)
		return;
	if (tokens->begin_ns >= energy->begin_ns &&
	    tokens->end_ns <= energy->end_ns)
		return;
	clock_format(begin, tokens->begin_ns);
	clock_format(end, tokens->end_ns);
	note_add(&score->refusals,
	    "span-outside: the tokens' span, %s to %s, is "
	    "not within the energy's", begin, end);
}

static void
judge_benchmark(struct score *score, const struct benchmark *mark)
{
	double chance = benchmark_chance(mark);

	if (mark->records == 0)
		note_add(&score->refusals,
		    "benchmark-missing: no accuracy of %s; "
		    "--weights names what the composite is made of",
		    mark->name);
	if (mark->records > 1)
		note_add(&score->refusals,
		    "benchmark-twice: %lld accuracies of %s",
		    (long long)mark->records, mark->name);
	if (mark->records != 1)
		return;
	if (mark->transport > 0)
		note_add(&score->refusals,
		    "transport-failures: %lld questions of "
		    "%s never reached the model or lost their answer",
		    (long long)mark->transport, mark->name);
	doubt_benchmark(score, mark);
	if (mark->interval.low <= chance && chance <= mark->interval.high)
		note_add(&score->warnings,
		    "at-chance: the 95 %% interval of %s, "
		    "%.4f to %.4f, includes guessing, %g", mark->name,
		    mark->interval.low, mark->interval.high, chance);
}

static void
judge_accuracy(struct score *score)
{
	for (int i = 0; i < score->benchmark_count; i++)
		judge_benchmark(score, &score->benchmarks[i]);
	doubt_protocols(score);
	doubt_models(score);
	doubt_engine(score);
	if (score->unweighted > 0)
		note_add(&score->warnings,
		    "benchmark-unweighted: %lld accuracy "
		    "records are of benchmarks without a weight",
		    (long long)score->unweighted);
	if (score_composite(score, benchmark_accuracy) == 0)
		note_add(&score->refusals,
		    "accuracy-zero: nothing was answered "
		    "correctly, so there is no energy per intelligence");
}

bool
judge_workload(struct score *score)
{
	const struct tokens *tokens = &score->tokens;
	double questions = score_answers(score, false);

	if (isnan(questions) || meta_is("workload", "\"decode\""))
		return false;
	if (meta_is("workload", "\"benchmark\""))
		return true;
	if (tokens->records == 0 || tokens->generated == UNKNOWN)
		return false;
	if ((double)tokens->generated < questions) {
		note_add(&score->warnings,
		    "questions-elsewhere: %.0f questions "
		    "and %lld tokens: the accuracy is of another run, so there "
		    "are no joules per question", questions,
		    (long long)tokens->generated);
		return false;
	}
	note_add(&score->warnings, "workload-unknown: joules per question take "
	    "the energy for that of answering the questions; "
	    "--meta workload=benchmark says so");
	return true;
}

void
judge_join(struct score *score, const struct energy *energy)
{
	judge_tokens(score);
	if (energy)
		judge_energy(score, energy);
	if (energy && score->tokens.records > 0) {
		judge_nodes(score, energy);
		judge_spans(score, energy);
	}
	if (!score->no_accuracy)
		judge_accuracy(score);
	if (score->runs_differ)
		note_add(&score->warnings,
		    "runs-differ: the records are not all of one run");
}
