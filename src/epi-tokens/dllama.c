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
#include "dllama.h"

/* Beyond these a line is no step; a sum of times stays where it is. */
static const int64_t longest_step_ms = INT64_C(1000000000);
static const int64_t largest_batch = INT64_C(1000000000);
static const int64_t longest_sum_ms = INT64_C(4000000000000);

enum step_kind { STEP_NONE, STEP_EVAL, STEP_PRED, STEP_PASS, STEP_WORKER };

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

static struct run run;
static struct tally sum;
static bool echo_in_later_run;

static const char echoed[] = "echo: log lines before the steps that were "
    "counted are the echo of a prompt";
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
	int64_t nodes = dllama_nodes(&run);

	tally_start(&tally, NULL);
	dllama_count(&run, &tally);
	if (sum.requests == 0) {
		sum.node_count = nodes;
	} else if (sum.node_count != nodes) {
		sum.node_count = TALLY_UNKNOWN;
		tally_warn(&sum, other_nodes);
	}
	if (tally.format)
		sum.format = tally.format;
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
	run.begun_again = run.loaded_again = run.failed_behind = false;
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
take_arrival(const struct log_line *line)
{
	int64_t begin;

	if (line->arrival_ns == TALLY_UNKNOWN)
		return;
	begin = line->arrival_ns - (run.eval_ms + run.pred_ms) * MILLISECOND;
	if (run.begin_ns == TALLY_UNKNOWN)
		run.begin_ns = run.before_ns != TALLY_UNKNOWN
		    ? run.before_ns : begin;
	if (begin < run.begin_ns)
		run.begin_ns = begin;
	run.end_ns = line->arrival_ns;
}

static void
add_ms(int64_t *sum_ms, int64_t ms)
{
	if (*sum_ms < longest_sum_ms)
		*sum_ms += ms;
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
	add_ms(&run.eval_ms, ms);
	run.eval_tokens += tokens;
}

static void
take_token(int64_t ms, bool pass)
{
	if (run.summarized || run.old_summarized)
		drop_echo();
	if (pass && run.preds < tally_prompt_tokens - 1)
		add_ms(&run.prompt_ms, ms);
	run.are_passes = pass;
	run.preds++;
	add_ms(&run.pred_ms, ms);
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
	if (ms > longest_step_ms ||
	    (step->kind == STEP_EVAL && values[step->tokens] > largest_batch))
		return false;
	if (step->kind == STEP_EVAL)
		take_eval(ms, values[step->tokens]);
	else
		take_token(ms, step->kind == STEP_PASS);
	run.format = step->format;
	take_arrival(line);
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

static bool
is_load(const struct log_line *line)
{
	return line_starts(line, "💿 Weights loaded") ||
	    line_starts(line, "⏩ Loaded ");
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
	if (is_load(line)) {
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
		run.failed_behind |= run.summarized || run.old_summarized;
	} else if (line_starts(line, "Done.")) {
		run.done = true;
	} else if (line->length > 0 && !line_starts(line, "⭕ ")) {
		if (run.summarized || run.old_summarized)
			run.text_after = true;
		if (run.evals > 0 && run.preds == 0)
			run.evals_ended = true;
	}
}

/* Whether the name, up to its colon, is that of the run's first line. */
static bool
is_first(const struct log_line *line)
{
	const char *colon = memchr(line->text, ':', line->length);
	size_t length = strlen(run.first);

	return colon && length > 0 && (size_t)(colon - line->text) == length &&
	    memcmp(line->text, run.first, length) == 0;
}

/*
 * Whether the run so far, without a step, failed or was ended before this line
 * of a start.  Behind the load this may also be the echo of a prompt.
 */
static bool
never_stepped(const struct log_line *line)
{
	if (run.failed && !run.started)
		return true;
	if (!is_first(line))
		return false;
	if (!run.loaded || run.failed)
		return true;
	run.begun_again = true;
	return false;
}

/* A line of a start: perhaps of another one. */
static void
take_header(const struct log_line *line, bool counts)
{
	const char *colon = memchr(line->text, ':', line->length);
	size_t length = colon ? (size_t)(colon - line->text) : 0;

	if (run.summarized || run.old_summarized ||
	    run.mode == MODE_PERPLEXITY ||
	    (counts && (run.evals + run.preds > 0 || never_stepped(line))))
		end_run();
	if (!run.started && length < sizeof run.first)
		memcpy(run.first, line->text, length);
	run.started = true;
}

static void
take_line(const struct log_line *line)
{
	bool counts = run.mode <= MODE_INFERENCE;

	if (counts && take_step(line))
		return;
	if (line_starts(line, "📄 ") || line_starts(line, "💡 "))
		take_header(line, counts);
	if (!run.loaded)
		take_start(line);
	else if (run.begun_again && is_load(line))
		run.loaded_again = true;
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
finish(struct tally *tally)
{
	const char *file = tally->file;
	bool counts = sum.requests > 0 || run.mode < MODE_CHAT;

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
