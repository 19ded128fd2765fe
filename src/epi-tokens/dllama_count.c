/* dllama_count: what a run of distributed-llama comes to. */
#include <math.h>
#include <string.h>

#include "dllama.h"

/* v0.12.8 and later sum a phase in 32-bit microseconds. */
#define TIMER_WRAP_NS (INT64_C(4294967296) * 1000)

static const char wrapped[] = "timer-wrap: the engine's 32-bit microsecond "
    "timer wrapped; whole wraps were added back by the step lines";
static const char times_differ[] = "time-mismatch: the summary's times are "
    "not the sum of the step lines' times";
static const char hidden[] = "hidden-tokens: v0.12.0 prints no line for a "
    "token that is no safe text; the summary counts them";
static const char unchecked[] = "no-steps: no step lines to check the "
    "summary against";
static const char after[] = "text-after-summary: text stands behind the "
    "summary that was counted";
static const char cut_prompt[] = "prompt-cut: fewer forward passes than "
    "prompt tokens; the limit on steps ended the run inside the prompt";
static const char no_summary[] = "no-summary: this release prints no summary; "
    "if BOS ended the run, one more token was generated";

int64_t
dllama_nodes(const struct run *run)
{
	int64_t count = 1;

	if (run->slices != TALLY_UNKNOWN)
		return run->slices;
	if (run->other_workers != TALLY_UNKNOWN)
		return run->other_workers + 2; /* the root, and the log's own */
	if (!run->sockets_known)
		return TALLY_UNKNOWN;
	for (int i = 0; i < 256; i++)
		count += run->sockets[i / 64] >> (i % 64) & 1;
	return count;
}

/*
 * A phase's time by its summary.  Of the two figures with two decimals, the
 * larger one tells more; `grain` is what the engine's timer counts in.
 */
static int64_t
phase_ns(const struct phase *phase, int64_t grain)
{
	double ns;

	if (phase->tokens == 0)
		return 0;
	if (phase->rate > 0 && phase->rate > phase->per_token_ns)
		ns = (double)phase->tokens * 1e15 / (double)phase->rate;
	else if (phase->per_token_ns >= 0)
		ns = (double)phase->tokens * (double)phase->per_token_ns;
	else
		return TALLY_UNKNOWN;
	return ns < 1e18 ? llround(ns / (double)grain) * grain : TALLY_UNKNOWN;
}

/*
 * The step lines round each of their figures down to a millisecond, so a
 * phase takes from their sum to that sum plus `floors` milliseconds.
 */
static int64_t
settle(struct tally *tally, int64_t ns, int64_t lines_ms, int64_t floors,
    bool wraps)
{
	int64_t low = lines_ms * MILLISECOND, slack;

	if (ns == TALLY_UNKNOWN)
		return floors ? low : ns;
	if (floors == 0)
		return ns;
	slack = ns / 5000 + 2 * MILLISECOND;
	if (wraps && ns + slack < low) {
		ns += (low - slack - ns + TIMER_WRAP_NS - 1) / TIMER_WRAP_NS *
		    TIMER_WRAP_NS;
		tally_warn(tally, wrapped);
		slack = ns / 5000 + 2 * MILLISECOND;
	}
	if (ns + slack < low ||
	    (wraps && ns - slack > low + floors * MILLISECOND))
		tally_warn(tally, times_differ);
	return ns;
}

/*
 * Whether the batch lines before the first token are the summary's.  Lines of
 * an echo may stand right before them, so only the last ones are looked at.
 */
static bool
batches_agree(const struct run *run)
{
	int64_t tokens = run->summary.eval.tokens, whole;

	if (tokens == run->eval_tokens)
		return true;
	if (run->summary.batch < 1 || tokens < 1 || run->evals == 0)
		return false;
	whole = (tokens - 1) / run->summary.batch;
	if (run->last_batch != tokens - whole * run->summary.batch)
		return false;
	return whole == 0 || (run->streak >= whole &&
	    run->streak_batch == run->summary.batch);
}

static bool
is_format(const struct run *run, const char *format)
{
	return run->format && strcmp(run->format, format) == 0;
}

static void
check_steps(const struct run *run, struct tally *tally)
{
	if (run->evals + run->preds == 0) {
		if (run->started)
			tally_raise(tally, TALLY_MISMATCH,
			    "a summary, but no step lines");
		else
			tally_warn(tally, unchecked);
		return;
	}
	if (!batches_agree(run))
		tally_raise(tally, TALLY_MISMATCH, "the summary's prompt "
		    "tokens are not those of the batch lines");
	if (run->preds == run->summary.pred.tokens)
		return;
	if (run->preds < run->summary.pred.tokens && !run->every_token_prints &&
	    is_format(run, "inference-b"))
		tally_warn(tally, hidden);
	else
		tally_raise(tally, TALLY_MISMATCH, "the summary's generated "
		    "tokens are not those of the token lines");
}

/* Releases b and c, with a summary. */
static void
count_summary(const struct run *run, struct tally *tally)
{
	bool timers = is_format(run, "inference-c");
	int64_t grain = timers ? 1000 : MILLISECOND;

	check_steps(run, tally);
	if (!run->format)
		tally->format = "inference-summary";
	tally->method = "summary: nTokens + 1 prompt tokens, nTokens "
	    "generated; step lines as the check";
	tally->prompt_tokens = run->summary.eval.tokens + 1;
	tally->generated_tokens = run->summary.pred.tokens;
	tally->prefill_ns = settle(tally, phase_ns(&run->summary.eval, grain),
	    run->eval_ms, timers ? 2 * run->evals : run->evals, timers);
	tally->decode_ns = settle(tally, phase_ns(&run->summary.pred, grain),
	    run->pred_ms, timers ? 2 * run->preds : run->preds, timers);
	if (run->text_after)
		tally_warn(tally, after);
}

/* Releases b and c that end before their summary. */
static void
count_steps(const struct run *run, struct tally *tally)
{
	tally->method = "step lines";
	tally->generated_tokens = run->preds;
	tally->decode_ns = run->pred_ms * MILLISECOND;
	if (run->preds > 0 && (run->evals > 0 || run->started)) {
		tally->prompt_tokens = run->eval_tokens + 1;
		tally->prefill_ns = run->eval_ms * MILLISECOND;
	}
	tally_raise(tally, TALLY_TRUNCATED, "the log ends before the "
	    "summary; the counts are what was printed");
}

static void
split_passes(const struct run *run, struct tally *tally, int64_t passes)
{
	int64_t prompt = tally_prompt_tokens;

	tally->prompt_tokens = prompt;
	tally->generated_tokens = passes >= prompt ? passes - (prompt - 1) : 0;
	if (passes < prompt - 1)
		tally_warn(tally, cut_prompt);
	if (run->preds == 0)
		return;
	tally->prefill_ns = run->prompt_ms * MILLISECOND;
	tally->decode_ns = (run->pred_ms - run->prompt_ms) * MILLISECOND;
	if (passes > run->preds) {
		/* the pass that BOS ended has no line */
		double total = (double)run->summary.pass_ns * (double)passes;
		double last = total - (double)(run->pred_ms * MILLISECOND);

		if (last > 0 && last < 1e18)
			tally->decode_ns += llround(last / 1e6) * MILLISECOND;
	}
}

/* Releases pre and a: passes over prompt and generated tokens alike. */
static void
count_passes(const struct run *run, struct tally *tally)
{
	int64_t passes = run->old_summarized ? run->summary.passes : run->preds;
	bool done = run->done && is_format(run, "inference-pre");

	tally->method = "forward passes - (prompt tokens - 1)";
	if (run->old_summarized && run->preds != 0 && passes != run->preds &&
	    passes != run->preds + 1)
		tally_raise(tally, TALLY_MISMATCH, "the summary's passes are "
		    "not those of the step lines");
	if (!run->old_summarized && !done)
		tally_raise(tally, TALLY_TRUNCATED, "the log ends before the "
		    "summary; the counts are what was printed");
	if (!run->old_summarized && done)
		tally_warn(tally, no_summary);
	if (run->old_summarized && run->preds == 0)
		tally->format = "generate-a";
	if (run->text_after)
		tally_warn(tally, after);
	if (tally_prompt_tokens == TALLY_UNKNOWN)
		tally_raise(tally, TALLY_UNCOUNTABLE, "this release counts "
		    "prompt and generated tokens together; give "
		    "--prompt-tokens");
	else
		split_passes(run, tally, passes);
}

static void
count_perplexity(const struct run *run, struct tally *tally)
{
	tally->format = "perplexity";
	tally->method = "\"Evaluating N tokens\"";
	tally->prompt_tokens = run->perplexity_tokens;
	tally->generated_tokens = 0;
	if (!run->done || run->perplexity_passes + 1 != run->perplexity_tokens)
		tally_raise(tally, TALLY_TRUNCATED,
		    "the log ends before its results");
}

static void
count_nothing(const struct run *run, struct tally *tally)
{
	static const char *const formats[] = {
		[MODE_CHAT] = "chat", [MODE_API] = "api",
		[MODE_WORKER] = "worker"
	};
	static const char *const why[] = {
		[MODE_CHAT] = "chat prints no token counts",
		[MODE_API] = "the API server prints no token counts; "
		    "keep the usage of its answers",
		[MODE_WORKER] = "a worker prints no token counts; "
		    "the root node's log has them"
	};

	if (run->mode >= MODE_CHAT) {
		tally->format = formats[run->mode];
		tally_raise(tally, TALLY_UNCOUNTABLE, why[run->mode]);
		return;
	}
	tally_raise(tally, TALLY_TRUNCATED, run->failed
	    ? "the run failed before its first step"
	    : "the log ends before the first step");
	if (run->failed)
		tally->generated_tokens = 0;
}

static void
count(const struct run *run, struct tally *tally)
{
	bool steps = run->mode <= MODE_INFERENCE;

	if (run->mode == MODE_PERPLEXITY)
		count_perplexity(run, tally);
	else if (steps && run->summarized)
		count_summary(run, tally);
	else if (steps && (run->old_summarized || run->are_passes))
		count_passes(run, tally);
	else if (steps && run->evals + run->preds > 0)
		count_steps(run, tally);
	else
		count_nothing(run, tally);
}

void
dllama_count(const struct run *run, struct tally *tally)
{
	tally->format = run->format;
	count(run, tally);
	if (run->failed_behind)
		tally_raise(tally, TALLY_MISMATCH, "an error behind the "
		    "summary: a later start that failed, or an echo of one");
	if (run->loaded_again && run->mode <= MODE_INFERENCE)
		tally_raise(tally, TALLY_MISMATCH, "a second start before the "
		    "first step: a run that broke off, or an echo of one");
	if (tally->generated_tokens != TALLY_UNKNOWN &&
	    run->mode != MODE_PERPLEXITY)
		tally->eos_counted = 1;
	if (tally->decode_ns != TALLY_UNKNOWN && run->format)
		tally->time_basis = is_format(run, "inference-c")
		    ? "step_timers" : "step_wall";
	if (tally_prompt_tokens != TALLY_UNKNOWN &&
	    tally->prompt_tokens != TALLY_UNKNOWN &&
	    tally->prompt_tokens != tally_prompt_tokens)
		tally_raise(tally, TALLY_MISMATCH, "the log's prompt tokens "
		    "are not those of --prompt-tokens");
}
