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
	int64_t ns;
	bool simulated;
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
put_question(const struct question *question)
{
	open_record("question_cost", question->simulated);
	compose_text("benchmark", question->benchmark);
	compose_text("id", question->id);
	compose_figure("joules", question->joules);
	put_seconds(question->end_ns - question->begin_ns);
	compose_count("prompt_tokens", question->prompt_tokens);
	compose_count("generated_tokens", question->generated_tokens);
	compose_key("answered");
	compose_bool(!question->failed);
	compose_key("correct");
	if (question->verdict == UNGRADED)
		compose_null();
	else
		compose_bool(question->verdict == RIGHT);
	compose_close();
}

static void
add(struct total *total, const struct question *question)
{
	total->simulated |= question->simulated;
	if (isnan(question->joules)) {
		total->unmeasured++;
		return;
	}
	total->questions++;
	total->graded += question->verdict != UNGRADED;
	total->right += question->verdict == RIGHT;
	total->joules += question->joules;
	total->squares += question->joules * question->joules;
	total->ns += question->end_ns - question->begin_ns;
}

/* Asks that came to nothing, and what they took. */
static void
put_failed(const struct total *failed)
{
	compose_key("failed");
	compose_begin('{');
	compose_count("answers", failed->questions + failed->unmeasured);
	compose_figure("joules", failed->questions || !failed->unmeasured
	    ? failed->joules : NAN);
	put_seconds(failed->ns);
	compose_end('}');
}

static void
put_total(const char *benchmark, const struct total *total,
    const struct total *failed)
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
	compose_close();
}

static void
put_benchmark(const char *benchmark)
{
	struct total total = { 0 }, failed = { 0 };

	for (size_t i = 0; i < s.input.question_count; i++) {
		const struct question *question = &s.input.questions[i];

		if (strcmp(question->benchmark, benchmark) == 0)
			add(question->failed ? &failed : &total, question);
	}
	put_total(benchmark, &total, &failed);
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

		if (question->failed || isnan(question->joules) ||
		    question->prompt_tokens == UNKNOWN ||
		    question->generated_tokens == UNKNOWN)
			continue;
		*simulated |= question->simulated;
		*cached_unknown |= cached == UNKNOWN;
		if (cached == UNKNOWN || cached > question->prompt_tokens)
			cached = 0;
		rows[count].prompt = (double)(question->prompt_tokens - cached);
		rows[count].generated = (double)question->generated_tokens;
		rows[count++].joules = question->joules;
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

/* Answers that came at the same time share the power. */
static bool
overlap(void)
{
	for (size_t i = 1; i < s.input.question_count; i++)
		if (s.input.questions[i].begin_ns <
		    s.input.questions[i - 1].end_ns) {
			report_error("refused: %s and %s were answered at the "
			    "same time; ask with --jobs 1",
			    s.input.questions[i - 1].id,
			    s.input.questions[i].id);
			return true;
		}
	return false;
}

static void
put_all(void)
{
	size_t missing = read_join(&s.input);

	if (s.input.question_count == 0) {
		report_error("no answers");
		return;
	}
	if (overlap())
		return;
	if (missing == s.input.question_count) {
		report_error("refused: no answer has an energy record of its "
		    "span; epi-window --span makes them");
		return;
	}
	if (missing > 0)
		report_error("%zu of %zu answers were not measured from begin "
		    "to end", missing, s.input.question_count);
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
