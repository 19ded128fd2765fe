/* epi-cost - the energy of each question, and of a token */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-cost/cost.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-cost [--each] [FILE ...]\n"
"The energy of each question, of a right answer, and of prompt and generated\n"
"tokens, from answers, the energy of their spans, and graded records.\n"
"\n"
"  --each         also a record for each question\n"
"  -h, --help     this text\n"
"      --version  the version\n"
"\n"
"Example: epi-window --span answers.ndjson trace.ndjson | epi-integrate |\n"
"         cat - answers.ndjson graded.ndjson | epi-cost\n";

static struct {
	bool each;
	struct input input;
	struct sample_nodes nodes;
} s;

/* What questions come to: those that were measured to their end. */
struct total {
	int64_t questions, right, graded, unmeasured;
	double joules, squares; /* squares: of joules */
	int64_t ns, unmeasured_ns;
	bool simulated;
};

/* What attempts before the one that counts come to. */
struct retried {
	int64_t attempts, ns;
	bool set_back; /* the clock was, in one of them: ns is not known */
	double joules;
};

static void
put_seconds(int64_t ns)
{
	compose_key("seconds");
	compose_seconds(ns);
}

static void
open_record(const char *type, bool simulated)
{
	compose_open();
	compose_text("type", type);
	if (simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
}

static void
add_retried(struct retried *retried, const struct question *question)
{
	for (size_t i = 0; i < question->retried_count; i++) {
		const struct ask *ask = &question->retried[i];

		retried->attempts++;
		retried->joules += ask->joules; /* of one not known, none is */
		retried->ns += ask->end_ns - ask->begin_ns;
		retried->set_back |= ask->end_ns < ask->begin_ns;
	}
}

static void
put_retried(const struct retried *retried)
{
	compose_key("retried");
	compose_begin('{');
	compose_count("attempts", retried->attempts);
	compose_figure("joules", retried->joules);
	if (retried->set_back) {
		compose_key("seconds");
		compose_null();
	} else {
		put_seconds(retried->ns);
	}
	compose_end('}');
}

static void
put_question(const struct question *question)
{
	open_record("question_cost", question->simulated);
	compose_text("benchmark", question->benchmark);
	compose_text("id", question->id);
	compose_figure("joules", question->ask.joules);
	put_seconds(question->ask.end_ns - question->ask.begin_ns);
	compose_count("prompt_tokens", question->prompt_tokens);
	compose_count("generated_tokens", question->generated_tokens);
	compose_key("answered");
	compose_bool(!question->failed);
	compose_key("correct");
	if (question->verdict == UNGRADED)
		compose_null();
	else
		compose_bool(question->verdict == RIGHT);
	if (question->retried_count > 0) {
		struct retried retried = { 0 };

		add_retried(&retried, question);
		put_retried(&retried);
	}
	compose_close();
}

static void
add(struct total *total, const struct question *question)
{
	total->simulated |= question->simulated;
	if (isnan(question->ask.joules)) {
		total->unmeasured++;
		total->unmeasured_ns += question->ask.end_ns -
		    question->ask.begin_ns;
		return;
	}
	total->questions++;
	total->graded += question->verdict != UNGRADED;
	total->right += question->verdict == RIGHT;
	total->joules += question->ask.joules;
	total->squares += question->ask.joules * question->ask.joules;
	total->ns += question->ask.end_ns - question->ask.begin_ns;
}

/* Asks that came to nothing, and what they took. */
static void
put_failed(const struct total *failed)
{
	compose_key("failed");
	compose_begin('{');
	compose_count("answers", failed->questions + failed->unmeasured);
	compose_figure("joules", failed->unmeasured ? NAN : failed->joules);
	put_seconds(failed->ns + failed->unmeasured_ns);
	compose_end('}');
}

static void
put_total(const char *benchmark, const struct total *total,
    const struct total *failed, const struct retried *retried)
{
	double n = (double)total->questions, mean = total->joules / n;
	bool graded = total->graded == total->questions;

	open_record("cost", total->simulated || failed->simulated);
	compose_text("benchmark", benchmark);
	compose_count("questions", total->questions);
	compose_count("correct", graded ? total->right : UNKNOWN);
	compose_count("unmeasured", total->unmeasured);
	compose_figure("joules", total->joules);
	put_seconds(total->ns);
	compose_figure("joules_per_question", mean);
	compose_figure("u_joules_per_question", n < 2 ? NAN : sqrt(fmax(0,
	    total->squares - n * mean * mean) / (n - 1) / n));
	compose_figure("joules_per_correct_answer", graded && total->right > 0
	    ? total->joules / (double)total->right : NAN);
	put_failed(failed);
	put_retried(retried);
	compose_close();
}

static void
put_benchmark(const char *benchmark)
{
	struct total total = { 0 }, failed = { 0 };
	struct retried retried = { 0 };

	for (size_t i = 0; i < s.input.question_count; i++) {
		const struct question *question = &s.input.questions[i];

		if (strcmp(question->benchmark, benchmark) != 0)
			continue;
		add(question->failed ? &failed : &total, question);
		add_retried(&retried, question);
	}
	put_total(benchmark, &total, &failed, &retried);
}

/* Each benchmark, in the order of its first question. */
static void
put_benchmarks(void)
{
	const char **seen = NULL;
	size_t count = 0, j;

	for (size_t i = 0; i < s.input.question_count; i++) {
		const char *benchmark = s.input.questions[i].benchmark;

		for (j = 0; j < count; j++)
			if (strcmp(seen[j], benchmark) == 0)
				break;
		if (j < count)
			continue;
		seen = report_resize(seen, count + 1, sizeof *seen);
		seen[count++] = benchmark;
		put_benchmark(benchmark);
	}
	free(seen);
}

/* The answers by which tokens can be told apart; whether any of them is
 * simulated, and whether it is not known what was cached. */
static size_t
observe(struct observation *rows, bool *simulated, bool *cached_unknown)
{
	size_t count = 0;

	*simulated = *cached_unknown = false;
	for (size_t i = 0; i < s.input.question_count; i++) {
		const struct question *question = &s.input.questions[i];
		int64_t cached = question->cached_tokens;

		if (question->failed || isnan(question->ask.joules) ||
		    question->prompt_tokens == UNKNOWN ||
		    question->generated_tokens == UNKNOWN)
			continue;
		*simulated |= question->simulated;
		*cached_unknown |= cached == UNKNOWN;
		if (cached == UNKNOWN || cached > question->prompt_tokens)
			cached = 0;
		rows[count].prompt = (double)(question->prompt_tokens - cached);
		rows[count].generated = (double)question->generated_tokens;
		rows[count++].joules = question->ask.joules;
	}
	return count;
}

static void
put_fit(const struct fit *fit)
{
	static const char *const names[COEFFICIENTS][2] = {
		[FIXED] = { "joules_fixed", "u_joules_fixed" },
		[PROMPT] = { "joules_per_prompt_token",
		    "u_joules_per_prompt_token" },
		[PROMPT_SQUARED] = { "joules_per_prompt_token_squared",
		    "u_joules_per_prompt_token_squared" },
		[GENERATED] = { "joules_per_generated_token",
		    "u_joules_per_generated_token" }
	};

	compose_count("questions", fit->questions);
	for (int i = 0; i < COEFFICIENTS; i++) {
		compose_figure(names[i][0], fit->value[i]);
		compose_figure(names[i][1], fit->u[i]);
	}
	compose_figure("residual_joules", fit->residual);
}

static void
put_tokens(void)
{
	struct observation *rows = report_resize(NULL,
	    s.input.question_count, sizeof *rows);
	bool simulated, cached_unknown;
	size_t count = observe(rows, &simulated, &cached_unknown);
	struct fit fit;
	const char *why = fit_tokens(&fit, rows, count);

	if (why)
		report_warning("no joules per token: %s", why);
	else {
		open_record("token_cost", simulated);
		put_fit(&fit);
		if (cached_unknown) {
			compose_key("warnings");
			compose_begin('[');
			compose_string("cached-unknown: of some answers it is "
			    "not known how much of the prompt was cached; "
			    "nothing, it is supposed");
			compose_end(']');
		}
		compose_close();
	}
	free(rows);
}

struct interval {
	const struct ask *ask;
	const char *id;
};

static int
by_time(const void *a, const void *b)
{
	const struct ask *x = ((const struct interval *)a)->ask;
	const struct ask *y = ((const struct interval *)b)->ask;

	if (x->begin_ns != y->begin_ns)
		return x->begin_ns < y->begin_ns ? -1 : 1;
	return (x->end_ns > y->end_ns) - (x->end_ns < y->end_ns);
}

/* All that was asked, by time, but for what ends before it begins; the caller
 * frees it. */
static struct interval *
intervals(size_t *count)
{
	struct interval *all;
	size_t n = 0;

	*count = 0;
	for (size_t i = 0; i < s.input.question_count; i++)
		*count += 1 + s.input.questions[i].retried_count;
	all = report_resize(NULL, *count, sizeof *all);
	for (size_t i = 0; i < s.input.question_count; i++) {
		const struct question *question = &s.input.questions[i];

		all[n++] = (struct interval){ &question->ask, question->id };
		for (size_t j = 0; j < question->retried_count; j++) {
			const struct ask *ask = &question->retried[j];

			if (ask->end_ns >= ask->begin_ns)
				all[n++] = (struct interval){ ask, question->id };
		}
	}
	*count = n;
	qsort(all, n, sizeof *all, by_time);
	return all;
}

/* What was asked at the same time shares the power. */
static bool
overlap(void)
{
	size_t count;
	struct interval *all = intervals(&count);
	bool any = false;

	for (size_t i = 1; i < count && !any; i++)
		if (all[i].ask->begin_ns < all[i - 1].ask->end_ns) {
			report_error("refused: %s and %s were answered at the "
			    "same time; ask with --jobs 1", all[i - 1].id,
			    all[i].id);
			any = true;
		}
	free(all);
	return any;
}

static void
put_all(void)
{
	struct missing missing;

	if (!read_join(&s.input, &missing))
		return;
	if (s.input.question_count == 0) {
		report_error("no answers");
		return;
	}
	if (overlap())
		return;
	if (missing.questions == s.input.question_count) {
		report_error("refused: no answer has an energy record of its "
		    "span; epi-window --span makes them");
		return;
	}
	if (missing.questions > 0)
		report_error("%zu of %zu answers were not measured from begin "
		    "to end", missing.questions, s.input.question_count);
	if (missing.attempts > 0)
		report_error("%zu attempts that were repeated were not "
		    "measured from begin to end", missing.attempts);
	for (size_t i = 0; s.each && i < s.input.question_count; i++)
		put_question(&s.input.questions[i]);
	put_benchmarks();
	put_tokens();
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	(void)letter;
	(void)argument;
	s.each = true;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "each", no_argument, NULL, OPTION_LONG },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-cost", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	if (feed_records(operands, &s.nodes, read_take, &s.input))
		put_all();
	return stream_finish();
}
