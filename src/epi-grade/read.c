/* read: answer records, each graded as it comes, so that texts need not be
 * kept. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-grade/grade.h"
#include "report.h"

const char *const class_names[CLASSES] = {
	[EMPTY] = "empty", [NO_MATCH] = "no_match",
	[OUT_OF_RANGE] = "out_of_range", [UNCLOSED_THINK] = "unclosed_think",
	[TOO_LONG] = "too_long", [TRANSPORT] = "transport"
};

enum {
	BENCHMARK, ID, STRATUM, STRATUM_QUESTIONS, BENCHMARK_QUESTIONS, CLUSTER,
	SHOTS, PROTOCOL, SAMPLE, SEED, SHA256, CHOICES, GOLD, TEXT, ERROR,
	LOGPROBS, PROMPT, GENERATED, CACHED, BEGIN, END, SPENT_SECONDS, MODEL,
	ENGINE, SIMULATED, TYPE, KEYS
};

static const char *const keys[KEYS] = {
	[BENCHMARK] = "benchmark", [ID] = "id", [STRATUM] = "stratum",
	[STRATUM_QUESTIONS] = "stratum_questions",
	[BENCHMARK_QUESTIONS] = "benchmark_questions", [CLUSTER] = "cluster",
	[SHOTS] = "shots", [PROTOCOL] = "protocol", [SAMPLE] = "sample",
	[SEED] = "seed", [SHA256] = "prompt_sha256", [CHOICES] = "choices",
	[GOLD] = "gold", [TEXT] = "text", [ERROR] = "error",
	[LOGPROBS] = "logprobs", [PROMPT] = "prompt_tokens",
	[GENERATED] = "generated_tokens", [CACHED] = "cached_tokens",
	[BEGIN] = "begin", [END] = "end", [SPENT_SECONDS] = "seconds",
	[MODEL] = "model", [ENGINE] = "engine", [SIMULATED] = "simulated",
	[TYPE] = "type"
};

#define COUNT_MOST INT64_C(1000000000000)

static bool
unknown(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

static bool
read_count(const struct json_value *value, int64_t *count)
{
	*count = UNKNOWN;
	return unknown(value) || (json_integer(value, count) && *count >= 0 &&
	    *count <= COUNT_MOST);
}

/* A name, "" where it is unknown. */
static bool
read_name(const struct json_value *value, char name[NAME])
{
	*name = '\0';
	return unknown(value) || json_string(value, name, NAME) >= 0;
}

static char *
read_text(const struct json_value *value)
{
	char *text;

	if (value->kind != JSON_STRING)
		return NULL;
	text = report_resize(NULL, value->length + 1, 1);
	json_string(value, text, value->length + 1);
	return text;
}

/* Characters of a choice: bytes that continue none. */
static double
characters(const struct json_value *choice)
{
	char *text = read_text(choice);
	double count = 0;

	for (const char *at = text; at && *at; at++)
		count += ((unsigned char)*at & 0xc0) != 0x80;
	free(text);
	return count;
}

/*
 * The most probable choice, in all and by the character, the first of equal
 * ones; of `letters` both are one, as each is as long as the others.  A null of
 * llama-server's is a letter less probable than all that it told.  False: there
 * is not one number for each choice, or no number.
 */
static bool
take_logprobs(struct answer *answer, const struct json_value *at, bool letters)
{
	bool likeliest = letters && json_is(&at[ENGINE], "llama-server");
	struct json_value choice, number;
	const char *in_choices = NULL, *in_numbers = NULL;
	double best = -INFINITY, best_other = -INFINITY, value;
	bool any = false;

	if (at[LOGPROBS].kind != JSON_ARRAY)
		return false;
	answer->letter = answer->other = 0;
	for (signed char i = 0; json_element(&at[CHOICES], &in_choices,
	    &choice); i++) {
		double per;

		if (!json_element(&at[LOGPROBS], &in_numbers, &number))
			return false;
		if (likeliest && number.kind == JSON_NULL)
			continue;
		if (!json_double(&number, &value))
			return false;
		any = true;
		per = letters ? value : value / characters(&choice);
		if (value > best) {
			best = value;
			answer->letter = i;
		}
		if (per > best_other) {
			best_other = per;
			answer->other = i;
		}
	}
	return any && !json_element(&at[LOGPROBS], &in_numbers, &number);
}

static bool
take_letter(struct answer *answer, const struct json_value *text,
    const struct json_value *choices)
{
	char *plain;
	long length;

	if (text->kind != JSON_STRING)
		return false;
	plain = report_resize(NULL, text->length + 1, 1);
	length = json_string(text, plain, text->length + 1);
	answer->letter = (signed char)extract_letter(plain, (size_t)length,
	    choices, &answer->class);
	free(plain);
	return true;
}

/* NULL, or what is wrong. */
static const char *
grade(struct answer *answer, struct benchmark *mark,
    const struct json_value *at)
{
	answer->letter = answer->other = -1;
	if (at[ERROR].kind == JSON_STRING) {
		answer->class = json_is(&at[ERROR], "too_long") ? TOO_LONG
		    : TRANSPORT;
		return NULL;
	}
	if (!unknown(&at[ERROR]))
		return "\"error\" is not a class";
	if (mark->loglik)
		return take_logprobs(answer, at,
		    strcmp(mark->protocol, "loglik-letter") == 0) ? NULL
		    : "\"logprobs\" has not one number for each choice";
	return take_letter(answer, &at[TEXT], &at[CHOICES]) ? NULL
	    : "\"text\" is not a string";
}

static const char *
check(const struct json_value *at)
{
	struct json_value choice;
	const char *cursor = NULL;
	int64_t gold;
	int count = 0;

	if (at[BENCHMARK].kind != JSON_STRING || at[ID].kind != JSON_STRING ||
	    at[PROTOCOL].kind != JSON_STRING)
		return "benchmark, id and protocol are not all strings";
	if (at[CHOICES].kind != JSON_ARRAY)
		return "\"choices\" is not an array";
	while (json_element(&at[CHOICES], &cursor, &choice))
		if (choice.kind != JSON_STRING || ++count > 26)
			return "\"choices\" are not up to 26 strings";
	if (!json_integer(&at[GOLD], &gold) || gold < 0 || gold >= count)
		return "\"gold\" is not the place of a choice";
	return NULL;
}

static struct benchmark *
find_benchmark(struct graded *graded, const struct json_value *name)
{
	struct benchmark *mark;

	for (size_t i = 0; i < graded->benchmark_count; i++)
		if (json_is(name, graded->benchmarks[i].name))
			return &graded->benchmarks[i];
	graded->benchmarks = report_resize(graded->benchmarks,
	    graded->benchmark_count + 1, sizeof *graded->benchmarks);
	mark = &graded->benchmarks[graded->benchmark_count++];
	memset(mark, 0, sizeof *mark);
	read_name(name, mark->name);
	return mark;
}

/* What all answers of a benchmark must have in common; NULL, or what is
 * malformed. */
static const char *
take_setting(struct benchmark *mark, const struct json_value *at)
{
	char protocol[NAME], model[NAME], engine[NAME];
	int64_t shots, sample, seed, questions;

	if (!read_name(&at[PROTOCOL], protocol) ||
	    !read_name(&at[MODEL], model) || !read_name(&at[ENGINE], engine))
		return "a name is too long, or none";
	if (!read_count(&at[SHOTS], &shots) ||
	    !read_count(&at[SAMPLE], &sample) ||
	    !read_count(&at[BENCHMARK_QUESTIONS], &questions))
		return "one of shots, sample and benchmark_questions is not a "
		    "count";
	if (!json_integer(&at[SEED], &seed))
		seed = UNKNOWN;
	if (mark->spent.answers == 0) {
		memcpy(mark->protocol, protocol, NAME);
		memcpy(mark->engine, engine, NAME);
		mark->shots = shots;
		mark->sample = sample;
		mark->seed = seed;
		mark->questions = questions;
		mark->loglik = strncmp(protocol, "loglik-", 7) == 0;
	}
	if (!*mark->model)
		memcpy(mark->model, model, NAME);
	mark->unnamed |= !*model;
	mark->engines_differ |= strcmp(mark->engine, engine) != 0;
	mark->simulated |= at[SIMULATED].kind == JSON_TRUE;
	if (strcmp(mark->protocol, protocol) != 0)
		mark->mixed = "protocol";
	else if (mark->shots != shots)
		mark->mixed = "shots";
	else if (mark->sample != sample || mark->seed != seed ||
	    mark->questions != questions)
		mark->mixed = "sample";
	else if (*model && strcmp(mark->model, model) != 0)
		mark->mixed = "model";
	return NULL;
}

static void
add(int64_t *sum, int64_t count)
{
	*sum = *sum == UNKNOWN || count == UNKNOWN ? UNKNOWN : *sum + count;
}

static bool
read_span(const struct json_value *at, int64_t *begin, int64_t *end,
    int64_t *ns)
{
	*begin = *end = *ns = UNKNOWN;
	if ((!unknown(&at[BEGIN]) && !clock_value(&at[BEGIN], begin)) ||
	    (!unknown(&at[END]) && !clock_value(&at[END], end)))
		return false;
	if (!unknown(&at[SPENT_SECONDS]))
		return json_decimal(&at[SPENT_SECONDS], 9, ns) && *ns >= 0;
	if (*begin != UNKNOWN && *end >= *begin)
		*ns = *end - *begin;
	return true;
}

static const char *
take_spent(struct spent *spent, const struct json_value *at)
{
	int64_t prompt, generated, cached, begin, end, ns;

	if (!read_count(&at[PROMPT], &prompt) ||
	    !read_count(&at[GENERATED], &generated) ||
	    !read_count(&at[CACHED], &cached))
		return "one of prompt_tokens, generated_tokens and "
		    "cached_tokens is not a count";
	if (!read_span(at, &begin, &end, &ns))
		return "one of begin, end and seconds is not a time";
	if (at[ERROR].kind != JSON_STRING) {
		add(&spent->prompt_tokens, prompt);
		add(&spent->generated_tokens, generated);
		add(&spent->cached_tokens, cached);
	}
	add(&spent->ns, ns);
	if (begin == UNKNOWN || end == UNKNOWN)
		spent->begin_ns = spent->end_ns = UNKNOWN;
	if (spent->answers == 0 || (spent->begin_ns != UNKNOWN &&
	    begin < spent->begin_ns))
		spent->begin_ns = begin;
	if (spent->answers == 0 || (spent->end_ns != UNKNOWN &&
	    end > spent->end_ns))
		spent->end_ns = end;
	spent->answers++;
	return NULL;
}

static const char *
take_answer(struct graded *graded, const struct json_value *at)
{
	struct answer answer = { .order = (uint32_t)graded->count };
	struct benchmark *mark;
	const char *wrong = check(at);
	int64_t gold;

	if (wrong)
		return wrong;
	mark = find_benchmark(graded, &at[BENCHMARK]);
	wrong = take_setting(mark, at);
	if (!wrong)
		wrong = grade(&answer, mark, at);
	if (!wrong && !read_count(&at[STRATUM_QUESTIONS],
	    &answer.stratum_questions))
		wrong = "\"stratum_questions\" is not a count";
	if (!wrong)
		wrong = take_spent(&mark->spent, at);
	if (wrong)
		return wrong;
	answer.benchmark = (uint32_t)(mark - graded->benchmarks);
	json_integer(&at[GOLD], &gold);
	answer.gold = (signed char)gold;
	json_string(&at[SHA256], answer.sha256, sizeof answer.sha256);
	answer.id = read_text(&at[ID]);
	answer.stratum = read_text(&at[STRATUM]);
	answer.cluster = read_text(&at[CLUSTER]);
	if (graded->count == graded->room) {
		graded->room = graded->room ? 2 * graded->room : 1024;
		graded->answers = report_resize(graded->answers, graded->room,
		    sizeof *graded->answers);
	}
	graded->answers[graded->count++] = answer;
	return NULL;
}

void
read_take(void *state, const struct feed_record *record)
{
	struct graded *graded = state;
	struct json_value at[KEYS];
	struct json_error error;
	const char *wrong;

	if (record->kind != SAMPLE_TYPED)
		return;
	if (!json_members(record->line, record->length, keys, KEYS, at,
	    &error)) {
		report_malformed(record->file, record->line_number, "%s",
		    error.what);
		return;
	}
	if (!json_is(&at[TYPE], "answer"))
		return;
	if (unknown(&at[GOLD]) && unknown(&at[CHOICES])) {
		graded->undecidable++;
		return;
	}
	wrong = take_answer(graded, at);
	if (wrong)
		report_malformed(record->file, record->line_number, "%s",
		    wrong);
}
