/* read: answers, grades and energies, and which belong together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-cost/cost.h"
#include "report.h"

#define COVERAGE_LEAST 0.99
#define COUNT_MOST INT64_C(1000000000000)

enum {
	TYPE, BENCHMARK, ID, BEGIN, END, PROMPT_TOKENS, GENERATED_TOKENS,
	CACHED_TOKENS, ERROR, SIMULATED, CORRECT, LABEL, SCOPE, JOULES,
	COVERAGE, COMPLETE, RETRIED, KEYS
};

static const char *const keys[KEYS] = {
	[TYPE] = "type", [BENCHMARK] = "benchmark", [ID] = "id",
	[BEGIN] = "begin", [END] = "end", [PROMPT_TOKENS] = "prompt_tokens",
	[GENERATED_TOKENS] = "generated_tokens",
	[CACHED_TOKENS] = "cached_tokens", [ERROR] = "error",
	[SIMULATED] = "simulated", [CORRECT] = "correct", [LABEL] = "label",
	[SCOPE] = "scope", [JOULES] = "joules", [COVERAGE] = "coverage",
	[COMPLETE] = "complete", [RETRIED] = "retried"
};

static bool
unknown(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

static char *
read_text(const struct json_value *value)
{
	char *text = report_resize(NULL, value->length + 1, 1);

	if (json_string(value, text, value->length + 1) < 0)
		*text = '\0';
	return text;
}

static bool
read_count(const struct json_value *value, int64_t *count)
{
	*count = UNKNOWN;
	return unknown(value) || (json_integer(value, count) && *count >= 0 &&
	    *count <= COUNT_MOST);
}

static void *
grow(void *list, size_t *count, size_t *room, size_t size)
{
	if (*count == *room) {
		*room = *room ? *room * 2 : 256;
		list = report_resize(list, *room, size);
	}
	++*count;
	return list;
}

static bool
read_ask(struct ask *ask, const struct json_value *begin,
    const struct json_value *end)
{
	ask->joules = NAN;
	return clock_value(begin, &ask->begin_ns) &&
	    clock_value(end, &ask->end_ns);
}

/* Whether an attempt is in the answer's own span and energy: log-probabilities
 * take several exchanges, of which a later one may have been repeated. */
static bool
is_within(const struct ask *attempt, const struct ask *answer)
{
	return attempt->begin_ns > answer->begin_ns &&
	    attempt->begin_ns <= attempt->end_ns &&
	    attempt->end_ns <= answer->end_ns;
}

/* False: these are not attempts.  One that ends before it begins, for the clock
 * was set back in it, cannot be measured. */
static bool
read_retried(struct question *question, const struct json_value *list)
{
	static const char *const edges[] = { "begin", "end" };
	struct json_value attempt, at[2];
	struct json_error error;
	const char *cursor = NULL;
	struct ask *ask;
	size_t room = 0;

	if (unknown(list))
		return true;
	if (list->kind != JSON_ARRAY)
		return false;
	while (json_element(list, &cursor, &attempt)) {
		question->retried = grow(question->retried,
		    &question->retried_count, &room, sizeof *question->retried);
		ask = &question->retried[question->retried_count - 1];
		if (attempt.kind != JSON_OBJECT || !json_members(attempt.at,
		    attempt.length, edges, 2, at, &error) ||
		    !read_ask(ask, &at[0], &at[1]))
			return false;
		if (ask->end_ns == ask->begin_ns)
			ask->joules = 0; /* no span to be measured */
		question->retried_count -= is_within(ask, &question->ask);
	}
	return true;
}

/* NULL, or what is wrong; as the next two. */
static const char *
take_answer(struct input *input, const struct json_value *at)
{
	struct question question = {
		.failed = at[ERROR].kind == JSON_STRING &&
		    !json_is(&at[ERROR], "too_long"),
		.simulated = at[SIMULATED].kind == JSON_TRUE
	};

	if (at[BENCHMARK].kind != JSON_STRING || at[ID].kind != JSON_STRING)
		return "benchmark and id are not strings";
	if (!read_ask(&question.ask, &at[BEGIN], &at[END]) ||
	    question.ask.end_ns < question.ask.begin_ns)
		return "begin and end are not two times";
	if (!read_count(&at[PROMPT_TOKENS], &question.prompt_tokens) ||
	    !read_count(&at[GENERATED_TOKENS], &question.generated_tokens) ||
	    !read_count(&at[CACHED_TOKENS], &question.cached_tokens))
		return "one of prompt_tokens, generated_tokens and "
		    "cached_tokens is not a count";
	if (!read_retried(&question, &at[RETRIED])) {
		free(question.retried);
		return "retried is not attempts with begin and end";
	}
	question.benchmark = read_text(&at[BENCHMARK]);
	question.id = read_text(&at[ID]);
	input->questions = grow(input->questions, &input->question_count,
	    &input->question_room, sizeof question);
	input->questions[input->question_count - 1] = question;
	return NULL;
}

static const char *
take_grade(struct input *input, const struct json_value *at)
{
	struct grade grade = {
		.verdict = at[CORRECT].kind == JSON_TRUE ? RIGHT
		    : at[CORRECT].kind == JSON_FALSE ? WRONG : UNGRADED,
		.simulated = at[SIMULATED].kind == JSON_TRUE
	};

	if (at[BENCHMARK].kind != JSON_STRING || at[ID].kind != JSON_STRING)
		return "benchmark and id are not strings";
	grade.benchmark = read_text(&at[BENCHMARK]);
	grade.id = read_text(&at[ID]);
	input->grades = grow(input->grades, &input->grade_count,
	    &input->grade_room, sizeof grade);
	input->grades[input->grade_count - 1] = grade;
	return NULL;
}

static const char *
take_energy(struct input *input, const struct json_value *at)
{
	struct spell spell = { .simulated = at[SIMULATED].kind == JSON_TRUE };
	double coverage;

	if (!json_is(&at[SCOPE], "cluster") || at[LABEL].kind != JSON_STRING ||
	    unknown(&at[BEGIN]) || unknown(&at[END]))
		return NULL; /* not the energy of an answer */
	if (!clock_value(&at[BEGIN], &spell.begin_ns) ||
	    !clock_value(&at[END], &spell.end_ns))
		return "begin and end are not two times";
	if (!json_double(&at[JOULES], &spell.joules))
		spell.joules = NAN;
	if (at[COMPLETE].kind != JSON_TRUE ||
	    !json_double(&at[COVERAGE], &coverage) ||
	    coverage < COVERAGE_LEAST)
		spell.joules = NAN;
	spell.label = read_text(&at[LABEL]);
	input->spells = grow(input->spells, &input->spell_count,
	    &input->spell_room, sizeof spell);
	input->spells[input->spell_count - 1] = spell;
	return NULL;
}

void
read_take(void *state, const struct feed_record *record)
{
	struct input *input = state;
	struct json_value at[KEYS];
	struct json_error error;
	const char *wrong = NULL;

	if (record->kind != SAMPLE_TYPED)
		return;
	if (!json_members(record->line, record->length, keys, KEYS, at,
	    &error))
		wrong = error.what;
	else if (json_is(&at[TYPE], "answer"))
		wrong = take_answer(input, at);
	else if (json_is(&at[TYPE], "graded"))
		wrong = take_grade(input, at);
	else if (json_is(&at[TYPE], "energy"))
		wrong = take_energy(input, at);
	if (wrong)
		report_malformed(record->file, record->line_number, "%s",
		    wrong);
}

static int
order(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int
by_time(const void *a, const void *b)
{
	const struct question *x = a, *y = b;
	int first = order(x->ask.begin_ns, y->ask.begin_ns);

	return first ? first : order(x->ask.end_ns, y->ask.end_ns);
}

static int
by_span(const void *a, const void *b)
{
	const struct spell *x = a, *y = b;
	int first = order(x->begin_ns, y->begin_ns);

	if (first == 0)
		first = order(x->end_ns, y->end_ns);
	return first ? first : strcmp(x->label, y->label);
}

static int
by_name(const void *a, const void *b)
{
	const struct grade *x = a, *y = b;
	int first = strcmp(x->benchmark, y->benchmark);

	return first ? first : strcmp(x->id, y->id);
}

static bool
same_energy(const struct spell *a, const struct spell *b)
{
	return a->simulated == b->simulated && (a->joules == b->joules ||
	    (isnan(a->joules) && isnan(b->joules)));
}

/* Sorts them, and leaves one of each span. */
static void
sort_spells(struct input *input)
{
	struct spell *spells = input->spells;
	size_t n = 0;

	if (input->spell_count > 0)
		qsort(spells, input->spell_count, sizeof *spells, by_span);
	for (size_t i = 0; i < input->spell_count; i++) {
		if (n == 0 || by_span(&spells[n - 1], &spells[i]) != 0) {
			spells[n++] = spells[i];
			continue;
		}
		spells[n - 1].disputed |= !same_energy(&spells[n - 1],
		    &spells[i]);
		free(spells[i].label);
	}
	input->spell_count = n;
}

/* Sorts them, and leaves one of each question. */
static void
sort_grades(struct input *input)
{
	struct grade *grades = input->grades;
	size_t n = 0;

	if (input->grade_count > 0)
		qsort(grades, input->grade_count, sizeof *grades, by_name);
	for (size_t i = 0; i < input->grade_count; i++) {
		if (n == 0 || by_name(&grades[n - 1], &grades[i]) != 0) {
			grades[n++] = grades[i];
			continue;
		}
		grades[n - 1].disputed |= grades[n - 1].verdict !=
		    grades[i].verdict;
		grades[n - 1].simulated |= grades[i].simulated;
		free(grades[i].benchmark);
		free(grades[i].id);
	}
	input->grade_count = n;
}

/* Whether what energy records say of it is one thing; `missing` counts what
 * none of them tells. */
static bool
measure(const struct input *input, struct question *question, struct ask *ask,
    size_t *missing)
{
	struct spell span = {
		.label = question->id,
		.begin_ns = ask->begin_ns, .end_ns = ask->end_ns
	}, *spell = input->spell_count ? bsearch(&span, input->spells,
	    input->spell_count, sizeof span, by_span) : NULL;

	if (spell) {
		ask->joules = spell->joules;
		question->simulated |= spell->simulated;
	}
	*missing += isnan(ask->joules);
	if (!spell || !spell->disputed)
		return true;
	report_error("refused: two energy records of the span of %s differ",
	    question->id);
	return false;
}

/* Whether it was graded one way only. */
static bool
grade(const struct input *input, struct question *question)
{
	struct grade name = {
		.benchmark = question->benchmark, .id = question->id
	}, *found = input->grade_count ? bsearch(&name, input->grades,
	    input->grade_count, sizeof name, by_name) : NULL;

	if (!found)
		return true;
	if (!question->failed) /* the grade is of another ask, of later */
		question->verdict = found->verdict;
	question->simulated |= found->simulated;
	if (found->disputed)
		report_error("refused: graded twice, and not alike: %s of %s",
		    question->id, question->benchmark);
	return !found->disputed;
}

bool
read_join(struct input *input, struct missing *missing)
{
	*missing = (struct missing){ 0 };
	if (input->question_count > 0)
		qsort(input->questions, input->question_count,
		    sizeof *input->questions, by_time);
	sort_spells(input);
	sort_grades(input);
	for (size_t i = 0; i < input->question_count; i++) {
		struct question *question = &input->questions[i];

		if (!grade(input, question) || !measure(input, question,
		    &question->ask, &missing->questions))
			return false;
		for (size_t j = 0; j < question->retried_count; j++)
			if (!measure(input, question, &question->retried[j],
			    &missing->attempts))
				return false;
	}
	return true;
}
