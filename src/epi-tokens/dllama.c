/*
 * dllama: the console logs of distributed-llama.
 *
 * Step lines, by release (the letters are those of epi-tokens(1)):
 *   pre  before v0.1.0         one line per forward pass
 *   a    v0.1.0 to v0.11.2     one line per forward pass, the prompt included
 *   b    v0.12.0 to v0.12.7    one line per prompt batch, one per sampled token
 *   c    v0.12.8 and later     the same, times from the executor's timers
 *
 * The prompt is echoed raw before the first step, so whatever a log line can
 * say, a prompt can say.  What tells them apart is order: a real summary ends
 * its run, and a real batch of the prompt comes before the first sampled token.
 */
#include <math.h>
#include <string.h>

#include "tally.h"

#define MILLISECOND INT64_C(1000000)
/* v0.12.8 and later sum a phase in 32-bit microseconds. */
#define TIMER_WRAP_NS (INT64_C(4294967296) * 1000)

enum step_kind { STEP_NONE, STEP_EVAL, STEP_PRED, STEP_PASS, STEP_WORKER };

enum mode {
	MODE_UNKNOWN, MODE_INFERENCE, MODE_PERPLEXITY, MODE_CHAT, MODE_API,
	MODE_WORKER
};

/* Milliseconds of a step are the sum of the numbers at `ms` to `ms_end`. */
static const struct step_line {
	const char *pattern, *format;
	enum step_kind kind;
	int ms, ms_end, tokens;
} step_lines[] = {
	{ "🔶 Pred# ms Sync# ms | Sent# kB Recv# kB |", "inference-c",
	    STEP_PRED, 0, 1, -1 },
	{ "🔷️ Eval# ms Sync# ms | Sent# kB Recv# kB | (# tokens)",
	    "inference-c", STEP_EVAL, 0, 1, 4 },
	{ "🔶 P# ms S# kB R# kB", "inference-b", STEP_PRED, 0, 0, -1 },
	{ "🔷️ E# ms S# kB R# kB (# tokens)", "inference-b",
	    STEP_EVAL, 0, 0, 3 },
	{ "🔶 G# ms I# ms T# ms S# kB R# kB", "inference-a1",
	    STEP_PASS, 0, 0, -1 },
	{ "🔶# G# ms I# ms T# ms S# kB R# kB", "inference-a2",
	    STEP_PASS, 1, 1, -1 },
	{ "🔶# ms I# ms T# ms S# kB R# kB", "inference-pre",
	    STEP_PASS, 0, 0, -1 },
	{ "🔶#ms#ms ", "inference-pre", STEP_PASS, 0, 1, -1 },
	{ "🔶#ms ", "inference-pre", STEP_PASS, 0, 0, -1 },
	{ "🔶 I# ms T# ms", "worker", STEP_WORKER, 0, 0, -1 },
};

/* The summaries' lines, in their order. */
static const char *const summary_lines[] = {
	"Evaluation", "   nBatches:#", "    nTokens:#",
	"   tokens/s:@ (@ ms/tok)", "Prediction", "    nTokens:#",
	"   tokens/s:@ (@ ms/tok)"
};
static const char *const old_summary_lines[] = {
	"Generated tokens:#", "Avg generation time:@ ms",
	"Avg inference time:@ ms", "Avg transfer time:@ ms"
};
enum { SUMMARY_LINES = 7, OLD_SUMMARY_LINES = 4 };

struct phase {
	int64_t tokens;       /* as the summary says */
	int64_t rate;         /* tokens per second, times 10^6 */
	int64_t per_token_ns;
};

struct summary {
	int64_t batch;
	struct phase eval, pred;
	int64_t passes, pass_ns; /* of releases a */
};

struct run {
	const char *format;
	enum mode mode;
	bool started;         /* start-up lines were seen */
	bool loaded;          /* the weights are: the prompt's echo may follow */
	bool failed;          /* the engine said a critical error */
	bool every_token_prints;
	bool done;            /* a last line without counts was seen */

	/* steps */
	int64_t evals, eval_tokens, eval_ms;
	int64_t last_batch;               /* tokens of the last batch line */
	int64_t streak_batch, streak;     /* equal ones right before it */
	bool evals_ended;     /* text stood behind the last of them */
	int64_t preds, pred_ms;           /* sampled tokens, or passes */
	bool are_passes;
	int64_t prompt_ms;    /* of the first --prompt-tokens - 1 passes */
	int64_t loaded_ns, before_ns, begin_ns, end_ns; /* arrivals */

	/* summary */
	int at, old_at;       /* the line that comes next */
	struct summary next, summary;
	bool summarized, old_summarized, text_after;

	/* nodes */
	int64_t slices, other_workers;
	uint64_t sockets[4];  /* bit per worker that was connected to */
	bool sockets_known;
	int64_t perplexity_tokens, perplexity_passes;
};

static struct run run;
static struct tally sum;
static bool echo_in_later_run;

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
static const char echoed[] = "echo: log lines before the steps that were "
    "counted are the echo of a prompt";
static const char cut_prompt[] = "prompt-cut: fewer forward passes than "
    "prompt tokens; the limit on steps ended the run inside the prompt";
static const char no_summary[] = "no-summary: this release prints no summary; "
    "if BOS ended the run, one more token was generated";
static const char other_nodes[] = "nodes-differ: the runs of this log had "
    "different numbers of nodes";

static void
start_run(void)
{
	run = (struct run){
		.slices = TALLY_UNKNOWN,
		.other_workers = TALLY_UNKNOWN,
		.loaded_ns = TALLY_UNKNOWN,
		.before_ns = TALLY_UNKNOWN,
		.begin_ns = TALLY_UNKNOWN,
		.end_ns = TALLY_UNKNOWN,
	};
}

static int64_t
nodes(void)
{
	int64_t count = 1;

	if (run.slices != TALLY_UNKNOWN)
		return run.slices;
	if (run.other_workers != TALLY_UNKNOWN)
		return run.other_workers + 2; /* the root, and the log's own */
	if (!run.sockets_known)
		return TALLY_UNKNOWN;
	for (int i = 0; i < 256; i++)
		count += run.sockets[i / 64] >> (i % 64) & 1;
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
batches_agree(void)
{
	int64_t tokens = run.summary.eval.tokens, whole;

	if (tokens == run.eval_tokens)
		return true;
	if (run.summary.batch < 1 || tokens < 1 || run.evals == 0)
		return false;
	whole = (tokens - 1) / run.summary.batch;
	if (run.last_batch != tokens - whole * run.summary.batch)
		return false;
	return whole == 0 || (run.streak >= whole &&
	    run.streak_batch == run.summary.batch);
}

static void
check_steps(struct tally *tally)
{
	if (run.evals + run.preds == 0) {
		if (run.started)
			tally_raise(tally, TALLY_MISMATCH,
			    "a summary, but no step lines");
		else
			tally_warn(tally, unchecked);
		return;
	}
	if (!batches_agree())
		tally_raise(tally, TALLY_MISMATCH, "the summary's prompt "
		    "tokens are not those of the batch lines");
	if (run.preds == run.summary.pred.tokens)
		return;
	if (run.preds < run.summary.pred.tokens && !run.every_token_prints &&
	    strcmp(run.format, "inference-b") == 0)
		tally_warn(tally, hidden);
	else
		tally_raise(tally, TALLY_MISMATCH, "the summary's generated "
		    "tokens are not those of the token lines");
}

/* Releases b and c, with a summary. */
static void
count_summary(struct tally *tally)
{
	bool timers = run.format && strcmp(run.format, "inference-c") == 0;
	int64_t grain = timers ? 1000 : MILLISECOND;

	check_steps(tally);
	if (!run.format)
		run.format = "inference-summary";
	tally->method = "summary: nTokens + 1 prompt tokens, nTokens "
	    "generated; step lines as the check";
	tally->prompt_tokens = run.summary.eval.tokens + 1;
	tally->generated_tokens = run.summary.pred.tokens;
	tally->prefill_ns = settle(tally, phase_ns(&run.summary.eval, grain),
	    run.eval_ms, timers ? 2 * run.evals : run.evals, timers);
	tally->decode_ns = settle(tally, phase_ns(&run.summary.pred, grain),
	    run.pred_ms, timers ? 2 * run.preds : run.preds, timers);
	if (run.text_after)
		tally_warn(tally, after);
}

/* Releases b and c that end before their summary. */
static void
count_steps(struct tally *tally)
{
	tally->method = "step lines";
	tally->generated_tokens = run.preds;
	tally->decode_ns = run.pred_ms * MILLISECOND;
	if (run.preds > 0) {
		tally->prompt_tokens = run.eval_tokens + 1;
		tally->prefill_ns = run.eval_ms * MILLISECOND;
	}
	tally_raise(tally, TALLY_TRUNCATED, "the log ends before the "
	    "summary; the counts are what was printed");
}

static void
split_passes(struct tally *tally, int64_t passes)
{
	int64_t prompt = tally_prompt_tokens;

	tally->prompt_tokens = prompt;
	tally->generated_tokens = passes >= prompt ? passes - (prompt - 1) : 0;
	if (passes < prompt - 1)
		tally_warn(tally, cut_prompt);
	if (run.preds == 0)
		return;
	tally->prefill_ns = run.prompt_ms * MILLISECOND;
	tally->decode_ns = (run.pred_ms - run.prompt_ms) * MILLISECOND;
	if (passes > run.preds && run.summary.pass_ns != TALLY_UNKNOWN) {
		/* the pass that BOS ended has no line */
		int64_t total = llround((double)run.summary.pass_ns * (double)passes /
		    1e6) * MILLISECOND;
		int64_t last = total - run.pred_ms * MILLISECOND;

		tally->decode_ns += last > 0 ? last : 0;
	}
}

/* Releases pre and a: passes over prompt and generated tokens alike. */
static void
count_passes(struct tally *tally)
{
	int64_t passes = run.old_summarized ? run.summary.passes : run.preds;

	tally->method = "forward passes - (prompt tokens - 1)";
	if (run.old_summarized && run.preds != 0 && passes != run.preds &&
	    passes != run.preds + 1)
		tally_raise(tally, TALLY_MISMATCH, "the summary's passes are "
		    "not those of the step lines");
	if (!run.old_summarized && !run.done)
		tally_raise(tally, TALLY_TRUNCATED, "the log ends before the "
		    "summary; the counts are what was printed");
	if (run.done && !run.old_summarized)
		tally_warn(tally, no_summary);
	if (run.old_summarized && run.preds == 0)
		run.format = "generate-a";
	if (run.text_after)
		tally_warn(tally, after);
	if (tally_prompt_tokens == TALLY_UNKNOWN)
		tally_raise(tally, TALLY_UNCOUNTABLE, "this release counts "
		    "prompt and generated tokens together; give "
		    "--prompt-tokens");
	else
		split_passes(tally, passes);
}

static void
count_perplexity(struct tally *tally)
{
	run.format = "perplexity";
	tally->method = "\"Evaluating N tokens\"";
	tally->prompt_tokens = run.perplexity_tokens;
	tally->generated_tokens = 0;
	if (!run.done || run.perplexity_passes + 1 != run.perplexity_tokens)
		tally_raise(tally, TALLY_TRUNCATED,
		    "the log ends before its results");
}

static void
count_nothing(struct tally *tally)
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

	if (run.mode >= MODE_CHAT) {
		run.format = formats[run.mode];
		tally_raise(tally, TALLY_UNCOUNTABLE, why[run.mode]);
		return;
	}
	tally_raise(tally, TALLY_TRUNCATED, run.failed
	    ? "the run failed before its first step"
	    : "the log ends before the first step");
	if (run.failed)
		tally->generated_tokens = 0;
}

static const char *
basis(void)
{
	if (!run.format || run.evals + run.preds == 0)
		return NULL;
	return strcmp(run.format, "inference-c") == 0 ? "step_timers"
	    : "step_wall";
}

static void
count(struct tally *tally)
{
	if (run.mode == MODE_PERPLEXITY)
		count_perplexity(tally);
	else if (run.mode >= MODE_CHAT)
		count_nothing(tally);
	else if (run.summarized)
		count_summary(tally);
	else if (run.old_summarized || run.are_passes)
		count_passes(tally);
	else if (run.evals + run.preds > 0)
		count_steps(tally);
	else
		count_nothing(tally);
}

static void
join_span(void)
{
	if (run.begin_ns == TALLY_UNKNOWN)
		return;
	if (sum.begin_ns == TALLY_UNKNOWN || run.begin_ns < sum.begin_ns)
		sum.begin_ns = run.begin_ns;
	if (run.end_ns > sum.end_ns)
		sum.end_ns = run.end_ns;
}

/* The run is over: into the sum with it. */
static void
end_run(void)
{
	struct tally tally;
	int64_t count_of_nodes = nodes();

	tally_start(&tally, sum.file);
	count(&tally);
	tally.eos_counted = tally.generated_tokens == TALLY_UNKNOWN ||
	    run.mode == MODE_PERPLEXITY ? TALLY_UNKNOWN : 1;
	tally.time_basis = tally.decode_ns == TALLY_UNKNOWN ? NULL : basis();
	if (tally_prompt_tokens != TALLY_UNKNOWN &&
	    tally.prompt_tokens != TALLY_UNKNOWN &&
	    tally.prompt_tokens != tally_prompt_tokens)
		tally_raise(&tally, TALLY_MISMATCH, "the log's prompt tokens "
		    "are not those of --prompt-tokens");
	if (sum.requests == 0) {
		sum.node_count = count_of_nodes;
	} else if (sum.node_count != count_of_nodes) {
		sum.node_count = TALLY_UNKNOWN;
		tally_warn(&sum, other_nodes);
	}
	if (run.format)
		sum.format = run.format;
	join_span();
	tally_add(&sum, &tally);
	start_run();
}

/* The steps and summaries so far were the echo of a prompt. */
static void
drop_echo(void)
{
	run.evals = run.eval_tokens = run.eval_ms = 0;
	run.last_batch = run.streak_batch = run.streak = 0;
	run.are_passes = false;
	run.preds = run.pred_ms = run.prompt_ms = 0;
	run.evals_ended = run.text_after = false;
	run.summarized = run.old_summarized = false;
	run.begin_ns = run.end_ns = TALLY_UNKNOWN;
	tally_warn(&sum, echoed);
	if (sum.requests > 0)
		echo_in_later_run = true;
}

/*
 * Output may arrive late, never early, and the step times leave things out,
 * so the work began no later than any arrival minus the steps up to it.
 */
static void
take_arrival(const struct log_line *line, int64_t ms)
{
	int64_t begin = line->arrival_ns - ms * MILLISECOND;

	if (line->arrival_ns == TALLY_UNKNOWN)
		return;
	if (run.begin_ns == TALLY_UNKNOWN)
		run.begin_ns = run.before_ns != TALLY_UNKNOWN
		    ? run.before_ns : begin;
	if (begin < run.begin_ns)
		run.begin_ns = begin;
	run.end_ns = line->arrival_ns;
}

static void
take_eval(int64_t ms, int64_t tokens)
{
	if (run.summarized || run.old_summarized || run.preds > 0 ||
	    run.evals_ended)
		drop_echo();
	if (run.last_batch != run.streak_batch) {
		run.streak_batch = run.last_batch;
		run.streak = 0;
	}
	run.streak++;
	run.last_batch = tokens;
	run.evals++;
	run.eval_ms += ms;
	run.eval_tokens += tokens;
}

static void
take_token(int64_t ms, bool pass)
{
	if (run.summarized || run.old_summarized)
		drop_echo();
	if (pass && run.preds < tally_prompt_tokens - 1)
		run.prompt_ms += ms;
	run.are_passes = pass;
	run.preds++;
	run.pred_ms += ms;
}

static bool
take_step(const struct log_line *line)
{
	int64_t values[8], ms = 0;
	const struct step_line *step = step_lines;
	size_t left = sizeof step_lines / sizeof *step_lines;

	if (!line_starts(line, "\xf0\x9f\x94"))
		return false;
	while (left && !line_match(line->text, line->length, step->pattern,
	    values))
		left--, step++;
	if (left == 0)
		return false;
	if (step->kind == STEP_WORKER) {
		if (run.mode == MODE_UNKNOWN && run.preds == 0)
			run.mode = MODE_WORKER;
		return true;
	}
	for (int i = step->ms; i <= step->ms_end; i++)
		ms += values[i];
	if (step->kind == STEP_EVAL)
		take_eval(ms, values[step->tokens]);
	else
		take_token(ms, step->kind == STEP_PASS);
	run.format = step->format;
	take_arrival(line, ms);
	return true;
}

/* The line against the next one of a summary; true when it is one of it. */
static bool
match_next(const struct log_line *line, const char *const *lines, int *at,
    int64_t *values)
{
	if (!line_match(line->text, line->length, lines[*at], values)) {
		*at = 0;
		if (!line_match(line->text, line->length, lines[0], values))
			return false;
	}
	++*at;
	return true;
}

static bool
take_summary(const struct log_line *line)
{
	int64_t values[2];
	struct summary *next = &run.next;

	if (!match_next(line, summary_lines, &run.at, values))
		return false;
	if (run.at == 2) {
		next->batch = values[0];
	} else if (run.at == 3 || run.at == 6) {
		(run.at == 3 ? &next->eval : &next->pred)->tokens = values[0];
	} else if (run.at == 4 || run.at == 7) {
		struct phase *phase = run.at == 4 ? &next->eval : &next->pred;

		phase->rate = values[0];
		phase->per_token_ns = values[1];
	}
	if (run.at == SUMMARY_LINES) {
		run.at = 0;
		run.summary = *next;
		run.summarized = true;
		run.text_after = false;
	}
	return true;
}

/* Without step lines (generate), the work lies between load and summary. */
static void
end_passes(const struct log_line *line)
{
	run.old_at = 0;
	run.summary = run.next;
	run.old_summarized = true;
	run.text_after = false;
	if (run.preds > 0 || line->arrival_ns == TALLY_UNKNOWN ||
	    run.loaded_ns == TALLY_UNKNOWN)
		return;
	run.begin_ns = run.loaded_ns;
	run.end_ns = line->arrival_ns;
}

static bool
take_old_summary(const struct log_line *line)
{
	int64_t value;

	if (run.old_at == 1 && line_starts(line, "Avg tokens / second:"))
		return true; /* since v0.5.0 */
	if (!match_next(line, old_summary_lines, &run.old_at, &value))
		return false;
	if (run.old_at == 1)
		run.next.passes = value;
	else if (run.old_at == 2)
		run.next.pass_ns = value;
	else if (run.old_at == OLD_SUMMARY_LINES)
		end_passes(line);
	return true;
}

static void
take_socket(const struct log_line *line)
{
	int64_t index;

	if (!line_match(line->text, line->length, "⭕ Socket[#]: connecting to",
	    &index) && !line_match(line->text, line->length,
	    "⭕ socket[#]: connecting to", &index))
		return;
	if (index < 256)
		run.sockets[index / 64] |= UINT64_C(1) << (index % 64);
}

/* What the engine says before the weights are loaded: no prompt stands there. */
static void
take_start(const struct log_line *line)
{
	int64_t value;

	if (line_match(line->text, line->length, "💡 nSlices:#", &value))
		run.slices = value;
	else if (line_match(line->text, line->length, "⭕ nNodes:#", &value))
		run.mode = MODE_WORKER, run.other_workers = value;
	else if (line_starts(line, "⏩ Received"))
		run.mode = MODE_WORKER;
	else if (line_starts(line, "📄 EosId: "))
		/* v0.12.1 and later end this line with a space */
		run.every_token_prints = line->text[line->length - 1] == ' ';
	else if (line_starts(line, "🧠 ") || line_starts(line, "💿 "))
		run.sockets_known = true;
	else
		take_socket(line);
	if (line_starts(line, "💿 Weights loaded") ||
	    line_starts(line, "⏩ Loaded ")) {
		run.loaded = true;
		run.loaded_ns = line->arrival_ns;
	}
}

/* The first line after the load tells what the program was asked to do. */
static void
take_mode(const struct log_line *line)
{
	if (run.mode == MODE_CHAT && line_starts(line, "Server URL:"))
		run.mode = MODE_API; /* which tells its chat template first */
	if (run.mode != MODE_UNKNOWN || line_starts(line, "🚁 ") ||
	    line_starts(line, "⭕ ") || line_starts(line, "💿 ") ||
	    line_starts(line, "🚨 "))
		return;
	if (line_match(line->text, line->length, "Evaluating# tokens...",
	    &run.perplexity_tokens))
		run.mode = MODE_PERPLEXITY;
	else if (line_starts(line, "Server URL:") ||
	    (run.loaded && line_starts(line, "Listening on ")) ||
	    line_starts(line, "🔷 POST ") || line_starts(line, "🔷 GET "))
		run.mode = MODE_API;
	else if (line_starts(line, "⭐ ") || line_starts(line, "💻 ") ||
	    line_starts(line, "👱 "))
		run.mode = MODE_CHAT;
	else if (run.loaded)
		run.mode = MODE_INFERENCE;
}

static void
take_perplexity(const struct log_line *line)
{
	int64_t values[2];

	if (line_match(line->text, line->length, "# /#, prob=", values))
		run.perplexity_passes = values[0];
	else if (line_starts(line, "   bitPerToken: "))
		run.done = true;
}

static void
take_text(const struct log_line *line)
{
	if (line_starts(line, "🚨 ")) {
		run.failed = true;
	} else if (line_starts(line, "Done.")) {
		run.done = true;
	} else if (line->length > 0 && !line_starts(line, "⭕ ")) {
		if (run.summarized || run.old_summarized)
			run.text_after = true;
		if (run.evals > 0 && run.preds == 0)
			run.evals_ended = true;
	}
}

static void
take_line(const struct log_line *line)
{
	bool counts = run.mode <= MODE_INFERENCE;

	if (counts && take_step(line))
		return;
	if (line_starts(line, "📄 ") || line_starts(line, "💡 ")) {
		if (run.summarized || run.old_summarized ||
		    (counts && run.evals + run.preds > 0))
			end_run();
		run.started = true;
	}
	if (!run.loaded)
		take_start(line);
	take_mode(line);
	if (run.mode == MODE_PERPLEXITY)
		take_perplexity(line);
	else if (counts && !take_summary(line) && !take_old_summary(line))
		take_text(line);
}

static void
take(const struct log_line *line)
{
	take_line(line);
	run.before_ns = line->arrival_ns;
}

static bool
knows(const struct log_line *line)
{
	static const char *const starts[] = {
		"📄 ", "💡 ", "🕒 ", "⏩ ", "🔶", "🔷", "⭕ ", "🚨 ", "🧠 ",
		"💿 ", "📀 ", "🚁 ", "⭐ ", "💻 ", "👱 ", "Listening on ",
		"Generated tokens:    "
	};

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (line_starts(line, starts[i]))
			return true;
	return false;
}

static void
start(void)
{
	tally_start(&sum, NULL);
	echo_in_later_run = false;
	start_run();
}

static bool
finish(struct tally *tally, bool cut)
{
	const char *file = tally->file;
	bool counts = sum.requests > 0 || run.mode < MODE_CHAT;

	(void)cut; /* a summary is whole or it is none */
	end_run();
	if (echo_in_later_run)
		tally_raise(&sum, TALLY_MISMATCH, "echoed log lines cannot be "
		    "told from the several runs of this log");
	*tally = sum;
	if (!counts)
		tally->requests = 0; /* not told */
	tally->file = file;
	tally->engine = "distributed-llama";
	return true;
}

const struct tally_reader dllama_reader = { knows, start, take, finish };
