/* lines: questions from NDJSON: ARC's two forms, HellaSwag, own benchmarks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-prompt/prompt.h"
#include "report.h"

struct question *
question_add(struct questions *list)
{
	if (list->count == list->room) {
		list->room = list->room ? list->room * 2 : 64;
		list->at = report_resize(list->at, list->room,
		    sizeof *list->at);
	}
	list->at[list->count] = (struct question){ .gold = -1 };
	return &list->at[list->count++];
}

void
question_drop(struct questions *list)
{
	struct question *question = &list->at[--list->count];

	free(question->id);
	free(question->stratum);
	free(question->cluster);
	free(question->text);
	for (int i = 0; i < question->choice_count; i++)
		free(question->choices[i]);
	free(question->choices);
}

/* What is wrong with the first of the values that is not of its kind. */
static const char *
members(const struct json_value *object, const char *const *keys, size_t count,
    struct json_value *values)
{
	struct json_error error;

	if (object->kind != JSON_OBJECT)
		return "not an object where one should be";
	return json_members(object->at, object->length, keys, count, values,
	    &error) ? NULL : error.what;
}

static const char *
add_choice(struct question *question, const struct json_value *text)
{
	const char *wrong = NULL;

	if (question->choice_count == CHOICES_MAX)
		return "more choices than letters";
	if (!question->choices)
		question->choices = report_resize(NULL, CHOICES_MAX,
		    sizeof *question->choices);
	question->choices[question->choice_count++] = text_of(text, &wrong);
	return wrong;
}

static const char *
take_choices(struct question *question, const struct json_value *texts)
{
	struct json_value text;
	const char *cursor = NULL, *wrong = NULL;

	if (texts->kind != JSON_ARRAY)
		return "the choices are no array";
	while (!wrong && json_element(texts, &cursor, &text))
		wrong = add_choice(question, &text);
	return wrong ? wrong : question->choice_count < 2
	    ? "fewer than two choices" : NULL;
}

static bool
same_text(const struct json_value *a, const struct json_value *b)
{
	return a->kind == JSON_STRING && b->kind == JSON_STRING &&
	    a->length == b->length && memcmp(a->at, b->at, a->length) == 0;
}

static const char *
take_gold(struct question *question, int place)
{
	if (question->gold >= 0)
		return "two choices have the label of the answer";
	question->gold = place;
	return NULL;
}

/* HF's form: texts and labels beside each other. */
static const char *
arc_columns(struct question *question, const struct json_value *choices,
    const struct json_value *answer)
{
	static const char *const keys[] = { "text", "label" };
	struct json_value at[2], label;
	const char *cursor = NULL, *wrong = members(choices, keys, 2, at);

	if (!wrong)
		wrong = take_choices(question, &at[0]);
	if (!wrong && at[1].kind != JSON_ARRAY)
		wrong = "the labels are no array";
	if (wrong)
		return wrong;
	for (int i = 0; !wrong && i < question->choice_count &&
	    json_element(&at[1], &cursor, &label); i++)
		if (same_text(&label, answer))
			wrong = take_gold(question, i);
	return wrong;
}

/* ARC's own form: an array of objects. */
static const char *
arc_objects(struct question *question, const struct json_value *choices,
    const struct json_value *answer)
{
	static const char *const keys[] = { "text", "label" };
	struct json_value choice, at[2];
	const char *cursor = NULL, *wrong = NULL;

	if (choices->kind != JSON_ARRAY)
		return "the choices are no array";
	while (!wrong && json_element(choices, &cursor, &choice)) {
		wrong = members(&choice, keys, 2, at);
		if (!wrong && same_text(&at[1], answer))
			wrong = take_gold(question, question->choice_count);
		if (!wrong)
			wrong = add_choice(question, &at[0]);
	}
	return wrong ? wrong : question->choice_count < 2
	    ? "fewer than two choices" : NULL;
}

static const char *
arc_read(struct question *question, const struct json_value *record)
{
	static const char *const keys[] = {
		"id", "question", "choices", "answerKey"
	};
	static const char *const inner[] = { "stem", "choices" };
	struct json_value at[4], in[2];
	const char *wrong = members(record, keys, 4, at);

	if (wrong)
		return wrong;
	question->id = at[0].kind == JSON_STRING ? text_of(&at[0], &wrong)
	    : report_copy("", 0); /* an example needs none */
	if (at[1].kind == JSON_OBJECT) {
		wrong = members(&at[1], inner, 2, in);
		if (wrong)
			return wrong;
		question->text = text_of(&in[0], &wrong);
		if (!wrong)
			wrong = arc_objects(question, &in[1], &at[3]);
	} else {
		question->text = text_of(&at[1], &wrong);
		if (!wrong)
			wrong = arc_columns(question, &at[2], &at[3]);
	}
	return wrong ? wrong : question->gold < 0
	    ? "\"answerKey\" is none of the labels" : NULL;
}

/* ctx_a and ctx_b under their activity, cleaned. */
static char *
hellaswag_text(const struct json_value *activity, const struct json_value *a,
    const struct json_value *b, const char **wrong)
{
	char *parts[] = {
		text_of(activity, wrong), text_of(a, wrong), text_of(b, wrong)
	};
	char *text = report_resize(NULL, strlen(parts[0]) + strlen(parts[1]) +
	    strlen(parts[2]) + 4, 1);

	text_capitalize(parts[2]);
	sprintf(text, "%s: %s %s", parts[0], parts[1], parts[2]);
	for (int i = 0; i < 3; i++)
		free(parts[i]);
	return text_clean(text);
}

/* A place from 0, as a number or in digits. */
static int
place(const struct json_value *value, int count)
{
	char text[24];
	int64_t number;

	if (value->kind == JSON_STRING && json_string(value, text,
	    sizeof text) > 0 && !text[strspn(text, "0123456789")] &&
	    json_decimal_text(text, strlen(text), 0, &number))
		return number >= 0 && number < count ? (int)number : -1;
	return json_integer(value, &number) && number >= 0 && number < count
	    ? (int)number : -1;
}

static const char *
hellaswag_read(struct question *question, const struct json_value *record)
{
	static const char *const keys[] = {
		"activity_label", "ctx_a", "ctx_b", "endings", "label",
		"source_id"
	};
	struct json_value at[6];
	const char *wrong = members(record, keys, 6, at);

	if (wrong)
		return wrong;
	question->text = hellaswag_text(&at[0], &at[1], &at[2], &wrong);
	if (!wrong && at[5].kind == JSON_STRING)
		question->cluster = text_of(&at[5], &wrong);
	if (!wrong)
		wrong = take_choices(question, &at[3]);
	if (wrong)
		return wrong;
	for (int i = 0; i < question->choice_count; i++)
		question->choices[i] = text_clean(question->choices[i]);
	question->gold = place(&at[4], question->choice_count);
	return question->gold < 0 ? "\"label\" is none of the endings" : NULL;
}

static bool
is_blank(const struct feed_line *line)
{
	return line->length == strspn(line->text, " \t\r");
}

/* One question into a list, unless it is malformed. */
static void
take(struct questions *into, const struct feed_line *line, const char *(*read)(
    struct question *question, const struct json_value *record))
{
	struct json_value record = {
		line->text, line->length, JSON_OBJECT, false
	};
	const char *wrong = read(question_add(into), &record);

	if (!wrong)
		return;
	question_drop(into);
	report_malformed(line->file, line->line_number, "%s", wrong);
}

void
arc_take(void *state, const struct feed_line *line)
{
	struct reader *reader = state;

	if (reader->into->count < reader->most && !is_blank(line))
		take(reader->into, line, arc_read);
}

void
hellaswag_take(void *state, const struct feed_line *line)
{
	struct reader *reader = state;
	size_t before = reader->into->count;
	char id[24];

	if (before == reader->most || is_blank(line))
		return;
	snprintf(id, sizeof id, "%zu", reader->rows++);
	take(reader->into, line, hellaswag_read);
	if (reader->into->count > before)
		reader->into->at[before].id = report_copy(id, strlen(id));
}

static const char *
own_read(struct question *question, const struct json_value *record)
{
	static const char *const keys[] = {
		"id", "stratum", "cluster", "question", "choices", "answer"
	};
	struct json_value at[6];
	const char *wrong = members(record, keys, 6, at);
	char letter[4];

	if (wrong)
		return wrong;
	question->id = at[0].kind == JSON_STRING ? text_of(&at[0], &wrong)
	    : report_copy("", 0);
	if (at[1].kind == JSON_STRING)
		question->stratum = text_of(&at[1], &wrong);
	if (at[2].kind == JSON_STRING)
		question->cluster = text_of(&at[2], &wrong);
	question->text = text_of(&at[3], &wrong);
	if (!wrong)
		wrong = take_choices(question, &at[4]);
	if (wrong)
		return wrong;
	if (json_string(&at[5], letter, sizeof letter) == 1 &&
	    *letter >= 'A' && *letter < 'A' + question->choice_count)
		question->gold = *letter - 'A';
	else if (at[5].kind == JSON_NUMBER)
		question->gold = place(&at[5], question->choice_count);
	return question->gold < 0
	    ? "\"answer\" is no letter or place of a choice" : NULL;
}

/* What the record `benchmark` says; NULL, or what is wrong. */
static const char *
own_head(struct form *form, const struct json_value *record)
{
	static const char *const keys[] = { "benchmark", "shots", "intro" };
	struct json_value at[3];
	const char *wrong = members(record, keys, 3, at);
	char *intro;

	if (wrong)
		return wrong;
	if (form->name)
		return "a second record of type benchmark";
	form->name = text_of(&at[0], &wrong);
	if (!wrong && !*form->name)
		wrong = "\"benchmark\" is empty";
	if (!wrong && at[1].kind != JSON_ABSENT &&
	    !(json_integer(&at[1], &form->shots) && form->shots >= 0))
		wrong = "\"shots\" is not a count";
	if (wrong || at[2].kind == JSON_ABSENT)
		return wrong;
	intro = text_of(&at[2], &wrong);
	intro = report_resize(intro, strlen(intro) + 3, 1);
	form->letter_intro = form->cloze_intro = strcat(intro, "\n\n");
	return wrong;
}

void
own_take(void *state, const struct feed_line *line)
{
	static const char *const keys[] = { "type" };
	struct reader *reader = state;
	struct json_value record = {
		line->text, line->length, JSON_OBJECT, false
	}, type;
	const char *wrong;

	if (is_blank(line))
		return;
	wrong = members(&record, keys, 1, &type);
	if (!wrong && json_is(&type, "benchmark"))
		wrong = own_head(reader->form, &record);
	else if (!wrong && json_is(&type, "shot"))
		take(reader->shots, line, own_read);
	else if (!wrong && json_is(&type, "question"))
		take(reader->into, line, own_read);
	else if (!wrong)
		wrong = "\"type\" is not benchmark, shot or question";
	if (wrong)
		report_malformed(line->file, line->line_number, "%s", wrong);
}
