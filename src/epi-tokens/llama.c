/*
 * llama: the text logs of llama.cpp.
 *
 * llama-cli ends in one block of timings, and the last block decides; a new
 * start of the engine before it makes it a second run, without one it may be that
 * of another run or the first one an answer's text.  A run without a whole block
 * broke off.  llama-server prints a block for each request, and they
 * are summed: a start without any is no loss.
 *
 * A program tells its build once, first.  Then it may open several models, or
 * one of them several times (a draft, a projector, a trial of what fits), and
 * llama-cli tells of the system when all are loaded.
 *
 * "runs" are decodes of one token: the first token is sampled from the prompt,
 * so there is one token more.  The engine writes 1 where it counted 0, so a
 * count of 1 in 0.00 ms may be either.  Where tokens are decoded several at once
 * (speculation, a context that is shifted, the turns of a dialogue) there are more
 * tokens than that; the samplers count them, with the prompt or, those of 2023 and
 * of the small examples, without.
 */
#include <string.h>

#include "tally.h"

enum {
	CLEAN_MAX = 512, /* longer than any line of timings */
	TASKS = 256      /* of a server at once */
};

struct block {
	int64_t prompt_tokens, prompt_ns; /* unknown: not seen */
	int64_t eval_tokens, eval_ns, samplers_tokens;
	int64_t sampled_tokens; /* the prompt's among them, or not */
	int64_t total_tokens;
	bool are_runs, totalled; /* with tokens or, in 2023, without */
};

/* What was seen of the run that `block` is of. */
struct run {
	bool started, loaded, ready;
};

static struct block block;
static struct run run;
static int64_t cut_runs; /* without their timings */
static bool build_before; /* the line before was that of a build */
static struct tally sum;
static bool server, rates_only;
/* Of the server, those that were begun and have no timings. */
static struct task {
	int64_t id;
	bool cancelled;
} tasks[TASKS];
static size_t task_count;
static int old_lines; /* left of the three after an old server's header */

static const char cached[] = "prompt-cache: prompt tokens are those that were "
    "processed; cached ones are not in the log";
static const char several[] = "several-summaries: no start of the engine "
    "between two summaries; the last one is counted";
static const char two_blocks[] = "two summaries and no start of the engine "
    "between them: several runs, or a text that looks like one";
static const char unfinished[] = "a block of timings is not whole";
static const char cut_run[] = "a run ends before its timings";
static const char cut_task[] = "a request has no timings: the server ended "
    "before it, or it was cancelled";
static const char no_prompt[] = "prompt-unknown: one prompt token in 0.00 ms "
    "may also mean none";

/* "0.00.060.463 I ", the log's own time and level. */
static const char *
skip_prefix(const char *at, const char *end)
{
	const char *from = at;

	while (at < end && ((*at >= '0' && *at <= '9') || *at == '.'))
		at++;
	if (at == from || end - at < 3 || at[0] != ' ' ||
	    !strchr("IWEDNT", at[1]) || at[2] != ' ')
		return from;
	return at + 3;
}

static const char *
skip_spaces(const char *at, const char *end)
{
	while (at < end && *at == ' ')
		at++;
	return at;
}

static void
start_block(void)
{
	block = (struct block){ TALLY_UNKNOWN, TALLY_UNKNOWN, TALLY_UNKNOWN,
		TALLY_UNKNOWN, TALLY_UNKNOWN, TALLY_UNKNOWN, TALLY_UNKNOWN,
		false, false };
}

static bool
is_open(void)
{
	return block.prompt_tokens != TALLY_UNKNOWN ||
	    block.eval_tokens != TALLY_UNKNOWN;
}

static bool
whole(void)
{
	return block.prompt_tokens != TALLY_UNKNOWN &&
	    block.eval_tokens != TALLY_UNKNOWN && block.totalled;
}

/* Whether the samplers of before "samplers time" agree, where they tell. */
static bool
sampled_agree(int64_t generated)
{
	return block.sampled_tokens == TALLY_UNKNOWN ||
	    block.sampled_tokens == generated ||
	    block.sampled_tokens == block.prompt_tokens + generated;
}

static void
count_runs(struct tally *tally)
{
	tally->method = "runs + 1: the first token comes from the prompt";
	if (block.eval_tokens == 1 && block.eval_ns == 0) {
		if (block.samplers_tokens == TALLY_UNKNOWN) {
			tally->generated_tokens = TALLY_UNKNOWN;
			tally_raise(tally, TALLY_UNCOUNTABLE, "one run in "
			    "0.00 ms may also mean none");
			return;
		}
		tally->generated_tokens = block.samplers_tokens -
		    block.prompt_tokens;
	} else {
		tally->generated_tokens = block.eval_tokens + 1;
	}
	if ((block.samplers_tokens != TALLY_UNKNOWN && block.samplers_tokens -
	    block.prompt_tokens != tally->generated_tokens) ||
	    !sampled_agree(tally->generated_tokens))
		tally_raise(tally, TALLY_MISMATCH, "the samplers' tokens are "
		    "not prompt and generated tokens");
	if (tally->generated_tokens < 0)
		tally->generated_tokens = TALLY_UNKNOWN;
}

/* Many tokens in 0.00 ms: a program that does not measure. */
static int64_t
measured(int64_t ns, int64_t tokens)
{
	return ns == 0 && tokens > 1 ? TALLY_UNKNOWN : ns;
}

static void
count(struct tally *tally)
{
	tally->prompt_tokens = block.prompt_tokens;
	tally->generated_tokens = block.eval_tokens;
	tally->prefill_ns = measured(block.prompt_ns, block.prompt_tokens);
	tally->decode_ns = measured(block.eval_ns, block.eval_tokens);
	tally->time_basis = "engine_timers";
	tally->eos_counted = 1;
	if (block.total_tokens != TALLY_UNKNOWN &&
	    block.prompt_tokens + block.eval_tokens != block.total_tokens)
		tally_raise(tally, TALLY_MISMATCH,
		    "the total is not prompt and generated tokens");
	if (block.are_runs)
		count_runs(tally);
	else
		tally->method = "eval tokens of each request";
	if (server)
		tally_warn(tally, cached);
	if (block.prompt_tokens == 1 && block.prompt_ns == 0) {
		tally->prompt_tokens = TALLY_UNKNOWN;
		tally_warn(tally, no_prompt);
	}
}

static void
end_block(void)
{
	struct tally tally;

	if (!whole())
		return;
	tally_start(&tally, NULL);
	count(&tally);
	tally_add(&sum, &tally);
	start_block();
}

/* The run of llama-cli is over, with timings or without. */
static void
end_run(void)
{
	if (whole())
		end_block();
	else
		cut_runs += run.started || is_open();
	start_block();
	run = (struct run){ 0 };
}

/* What these generated is not told, so that of all together is not known. */
static void
add_cut_runs(void)
{
	struct tally tally;

	tally_start(&tally, NULL);
	tally_raise(&tally, TALLY_TRUNCATED, cut_run);
	for (; cut_runs > 0; cut_runs--)
		tally_add(&sum, &tally);
}

static bool
take_timing(const char *at, const char *end)
{
	size_t length = (size_t)(end - at);
	int64_t values[2];

	if (line_match(at, length, "prompt eval time =@ ms /# tokens", values)) {
		block.prompt_ns = values[0];
		block.prompt_tokens = values[1];
	} else if (line_match(at, length, "eval time =@ ms /# tokens", values) ||
	    line_match(at, length, "eval time =@ ms /# runs", values)) {
		block.eval_ns = values[0];
		block.eval_tokens = values[1];
		block.are_runs = !line_match(at, length,
		    "eval time =@ ms /# tokens", values);
	} else if (line_match(at, length, "samplers time =@ ms /# tokens",
	    values)) {
		block.samplers_tokens = values[1];
	} else if (line_match(at, length, "sampling time =@ ms /# runs",
	    values) || line_match(at, length, "sample time =@ ms /# runs",
	    values)) {
		block.sampled_tokens = values[1];
	} else if (line_match(at, length, "total time =@ ms /# tokens",
	    values)) {
		block.total_tokens = values[1];
		block.totalled = true;
	} else if (line_match(at, length, "total time =@ ms", values) == end) {
		block.totalled = true;
	} else {
		return false;
	}
	return true;
}

/* A block of llama-cli stays open for a later one: the last decides. */
static void
take_cli(const char *at, const char *end)
{
	int64_t ignored;

	if (server)
		return; /* the context's total, after all requests */
	if (whole() && (line_match(at, (size_t)(end - at), "load time =@ ms",
	    &ignored) || line_match(at, (size_t)(end - at),
	    "sampling time =@ ms", &ignored) || line_match(at,
	    (size_t)(end - at), "prompt eval time =@ ms", &ignored))) {
		tally_warn(&sum, several);
		tally_raise(&sum, TALLY_MISMATCH, two_blocks);
		start_block();
	}
	take_timing(at, end);
}

static void
take_server(const char *at, const char *end)
{
	int64_t ignored[2];

	if (!server) {
		server = true;
		start_block();
	}
	if (block.prompt_tokens != TALLY_UNKNOWN && line_match(at,
	    (size_t)(end - at), "prompt eval time =@ ms /# tokens", ignored)) {
		tally_raise(&sum, TALLY_TRUNCATED, unfinished);
		start_block();
	}
	if (take_timing(at, end))
		end_block();
}

static struct task *
find_task(int64_t id)
{
	for (size_t i = 0; i < task_count; i++)
		if (tasks[i].id == id)
			return &tasks[i];
	return NULL;
}

static void
end_task(int64_t id)
{
	struct task *task = find_task(id);

	if (task)
		*task = tasks[--task_count];
}

/* A number that is there already is that of another start of the server. */
static void
begin_task(int64_t id)
{
	if (find_task(id) || task_count == TASKS)
		tally_raise(&sum, TALLY_TRUNCATED, cut_task);
	else
		tasks[task_count++] = (struct task){ id, false };
}

/* What a request of the server comes to: one that is let go without timings and
 * was not cancelled is of embeddings, and generates nothing. */
static bool
take_task(const char *at, const char *end)
{
	size_t length = (size_t)(end - at);
	int64_t values[2];
	struct task *task;

	if (line_match(at, length, "slot launch_slot_: id# | task# | processing",
	    values)) {
		begin_task(values[1]);
	} else if (line_match(at, length, "slot      release: id# | task# |",
	    values)) {
		task = find_task(values[1]);
		if (task && !task->cancelled)
			end_task(values[1]);
	} else if (line_match(at, length, "srv          stop: cancel task, "
	    "id_task =#", values) || line_match(at, length,
	    "srv  cancel_tasks: cancel task, id_task =#", values)) {
		task = find_task(values[0]);
		if (task)
			task->cancelled = true;
	} else {
		return false;
	}
	return true;
}

/* Behind "slot print_timing: id  0 | task 7 | ". */
static const char *
skip_slot(const char *at, const char *end)
{
	for (int bars = 0; bars < 2 && at < end; at++)
		bars += *at == '|';
	return skip_spaces(at, end);
}

static void
take_slot(const char *at, const char *end)
{
	const char *timing = skip_slot(at, end);
	int64_t values[2];

	old_lines = timing == end ? 3 : 0;
	if ((old_lines > 0 || line_match(timing, (size_t)(end - timing),
	    "prompt eval time =", values)) && line_match(at,
	    (size_t)(end - at), "id# | task# |", values))
		end_task(values[1]);
	take_server(timing, end);
}

static const char *
skip_word(const char *at, const char *end, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(end - at) < length || memcmp(at, word, length) != 0)
		return NULL;
	return at + length;
}

static const char *
skip_any(const char *at, const char *end, const char *const *words)
{
	for (; *words; words++) {
		const char *behind = skip_word(at, end, *words);

		if (behind)
			return skip_spaces(behind, end);
	}
	return NULL;
}

static const char *const cli_words[] = {
	"llama_print_timings:", "llama_perf_sampler_print:",
	"llama_perf_context_print:", "common_perf_print:", NULL
};
static const char *const slot_words[] = {
	"slot print_timing:", "slot print_timings:", NULL
};
static const char *const model_words[] = {
	"llama_model_loader: loaded meta data", NULL
};
static const char *const ready_words[] = { "system_info:", NULL };
static const char *const quantized_words[] = { "main: quantize time =", NULL };

/* No text of a model, as "build: ." of a file for docker. */
static bool
is_build(const char *at, const char *end)
{
	size_t length = (size_t)(end - at);
	int64_t number;

	return line_match(at, length, "build:# (", &number) ||
	    line_match(at, length, "main: build =# (", &number);
}

/* A second line of one build right behind it is the same start, told twice. */
static void
take_build(void)
{
	if (!build_before)
		end_run();
	run.started = build_before = true;
}

static void
take_model(void)
{
	if (whole() || run.ready)
		end_run();
	run.started = run.loaded = true;
}

/* The lines of llama-cli that are no timings. */
static void
take_progress(const char *at, const char *end)
{
	if (skip_any(at, end, model_words))
		take_model();
	else if (skip_any(at, end, ready_words))
		run.ready = run.loaded; /* llama-server tells it first */
	else if (skip_any(at, end, quantized_words))
		run.started = false; /* which has no timings */
}

static void
join_span(const struct log_line *line)
{
	if (line->arrival_ns == TALLY_UNKNOWN)
		return;
	if (sum.begin_ns == TALLY_UNKNOWN)
		sum.begin_ns = line->arrival_ns;
	sum.end_ns = line->arrival_ns;
}

static void
take(const struct log_line *line)
{
	char text[CLEAN_MAX];
	const char *end = text + line_clean(line, text, sizeof text), *behind;
	const char *at = skip_spaces(skip_prefix(text, end), end);

	join_span(line);
	if (!server && is_build(at, end)) {
		take_build();
		return;
	}
	build_before = false;
	if ((behind = skip_any(at, end, cli_words))) {
		take_cli(behind, end);
	} else if ((behind = skip_any(at, end, slot_words))) {
		take_slot(behind, end);
	} else if (old_lines > 0) {
		old_lines--;
		take_server(at, end);
	} else if (take_task(at, end)) {
		;
	} else if (skip_word(at, end, "[ Prompt: ")) {
		rates_only = true;
	} else if (!server) {
		take_progress(at, end);
	}
}

static bool
knows(const struct log_line *line)
{
	static const char *const words[] = {
		"llama_", "common_", "ggml_", "slot ", "srv ", "main: ",
		"build: ", "[ Prompt: ", "load_backend: ", "system_info: ", NULL
	};
	char text[CLEAN_MAX];
	const char *end = text + line_clean(line, text, sizeof text);
	const char *at = skip_prefix(text, end);

	return skip_any(at, end, words) || skip_any(skip_spaces(at, end), end,
	    cli_words);
}

static void
start(void)
{
	tally_start(&sum, NULL);
	start_block();
	run = (struct run){ 0 };
	cut_runs = 0;
	task_count = 0;
	server = rates_only = build_before = false;
	old_lines = 0;
}

static bool
finish(struct tally *tally)
{
	const char *file = tally->file;

	if (is_open() && !whole())
		tally_raise(&sum, TALLY_TRUNCATED, unfinished);
	end_run();
	if (task_count > 0)
		tally_raise(&sum, TALLY_TRUNCATED, cut_task);
	if (sum.requests == 0 && rates_only)
		tally_raise(&sum, TALLY_UNCOUNTABLE,
		    "the log tells rates, no counts");
	else if (sum.requests == 0)
		tally_raise(&sum, TALLY_TRUNCATED,
		    "the log ends before any timings");
	else if (!server)
		add_cut_runs();
	*tally = sum;
	tally->file = file;
	tally->engine = "llama.cpp";
	tally->format = server ? "llama-server" : "llama-cli";
	return true;
}

const struct tally_reader llama_reader = { knows, start, take, finish };
