/* render: a question's prompt, and its item record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "digest.h"
#include "epi-prompt/prompt.h"
#include "report.h"

enum { LETTER_TOKENS = 4, DECODE_TOKENS = 128 };

/* The prompt under way, kept from one question to the next. */
static struct {
	char *at;
	size_t length, room;
} prompt;

static void
add(const char *text)
{
	size_t length = strlen(text);

	if (prompt.length + length + 1 > prompt.room) {
		prompt.room = 2 * (prompt.length + length + 1);
		prompt.at = report_resize(prompt.at, prompt.room, 1);
	}
	memcpy(prompt.at + prompt.length, text, length + 1);
	prompt.length += length;
}

/* An intro; its %s is the stratum, in words, where there is one. */
static void
add_intro(const char *intro, const char *stratum)
{
	const char *hole = strstr(intro, "%s");
	size_t from;
	char *head;

	if (!hole || !stratum) {
		add(intro);
		return;
	}
	head = report_copy(intro, (size_t)(hole - intro));
	add(head);
	free(head);
	from = prompt.length;
	add(stratum);
	for (size_t i = from; i < prompt.length; i++)
		if (prompt.at[i] == '_')
			prompt.at[i] = ' ';
	add(hole + 2);
}

static void
add_letter(char lead, int place, const char *tail)
{
	char text[] = { lead, (char)('A' + place), '\0' };

	add(lead ? text : text + 1);
	add(tail);
}

static void
add_question(const struct setting *setting, const struct question *question)
{
	const struct form *form = setting->form;

	if (setting->protocol == LOGLIK_CLOZE) {
		add(form->cloze_lead);
		add(question->text);
		add(form->cloze_tail);
		return;
	}
	add(form->letter_lead);
	add(question->text);
	for (int i = 0; i < question->choice_count; i++) {
		add_letter('\n', i, ". ");
		add(question->choices[i]);
	}
	add("\nAnswer:");
}

static void
add_example(const struct setting *setting, const struct question *example)
{
	add_question(setting, example);
	if (setting->protocol == LOGLIK_CLOZE) {
		add(" ");
		add(example->choices[example->gold]);
		add("\n\n");
	} else
		add_letter(' ', example->gold, "\n\n");
}

/* Whether an example would give the answer away, or is of another subject. */
static bool
suits(const struct question *example, const struct question *question)
{
	if (example->stratum && question->stratum &&
	    strcmp(example->stratum, question->stratum) != 0)
		return false;
	return strcmp(example->text, question->text) != 0 ||
	    strcmp(example->choices[example->gold],
	    question->choices[question->gold]) != 0;
}

static bool
add_examples(const struct setting *setting, const struct question *question)
{
	const struct questions *examples = setting->examples;
	int64_t left = setting->shots;

	for (size_t i = 0; i < examples->count && left > 0; i++)
		if (suits(&examples->at[i], question)) {
			add_example(setting, &examples->at[i]);
			left--;
		}
	if (left > 0)
		report_error("%s: %lld examples more are needed for %lld shots",
		    question->id, (long long)left, (long long)setting->shots);
	return left == 0;
}

/* Questions of the stratum, of all that there are. */
static int64_t
stratum_size(const struct setting *setting, const struct question *question)
{
	static const char *last;
	static int64_t size;

	if (!question->stratum)
		return (int64_t)setting->all->count;
	if (last && strcmp(last, question->stratum) == 0)
		return size;
	last = question->stratum;
	size = 0;
	for (size_t i = 0; i < setting->all->count; i++)
		size += setting->all->at[i].stratum &&
		    strcmp(setting->all->at[i].stratum, last) == 0;
	return size;
}

/* The choices, or what is to be scored of each behind the prompt. */
static void
put_continuations(enum protocol protocol, const struct question *question)
{
	char letter[] = " A";

	compose_key("continuations");
	if (protocol == GEN_LETTER) {
		compose_null();
		return;
	}
	compose_begin('[');
	for (int i = 0; i < question->choice_count; i++) {
		prompt.length = 0; /* it is written already */
		add(" ");
		add(question->choices[i]);
		letter[1] = (char)('A' + i);
		compose_string(protocol == LOGLIK_LETTER ? letter : prompt.at);
	}
	compose_end(']');
}

static void
put_choices(const struct question *question)
{
	compose_key("choices");
	compose_begin('[');
	for (int i = 0; i < question->choice_count; i++)
		compose_string(question->choices[i]);
	compose_end(']');
}

static void
put_prompt(void)
{
	char hex[DIGEST_HEX];

	compose_key("prompt");
	compose_span(prompt.at, prompt.length);
	digest_bytes(prompt.at, prompt.length, hex);
	compose_text("prompt_sha256", hex);
}

static void
put_sample(int64_t sample, int64_t seed)
{
	compose_key("sample");
	if (sample > 0)
		compose_integer(sample);
	else
		compose_null();
	compose_key("seed");
	if (sample > 0)
		compose_integer(seed);
	else
		compose_null();
}

static void
put_item(const struct setting *setting, const struct question *question)
{
	static const char *const protocols[] = {
		"gen-letter", "loglik-letter", "loglik-cloze"
	};

	compose_open();
	compose_text("type", "item");
	compose_text("benchmark", setting->form->name);
	compose_text("id", question->id);
	compose_text("stratum", question->stratum);
	compose_count("stratum_questions", stratum_size(setting, question));
	compose_count("benchmark_questions", (int64_t)setting->all->count);
	compose_text("cluster", question->cluster);
	compose_text("workload", "benchmark");
	compose_count("shots", setting->shots);
	compose_text("protocol", protocols[setting->protocol]);
	compose_count("max_tokens",
	    setting->protocol == GEN_LETTER ? LETTER_TOKENS : 0);
	put_sample(setting->sample, setting->seed);
	put_prompt();
	put_choices(question);
	put_continuations(setting->protocol, question);
	compose_count("gold", question->gold);
	compose_close();
}

bool
render(const struct setting *setting, const struct question *question)
{
	const struct form *form = setting->form;

	prompt.length = 0;
	add_intro(setting->protocol == LOGLIK_CLOZE ? form->cloze_intro
	    : form->letter_intro, form->tells_stratum ? question->stratum
	    : NULL);
	if (!add_examples(setting, question))
		return false;
	add_question(setting, question);
	put_item(setting, question);
	return true;
}

static void
put_decode(const char *text, int number, int count)
{
	char id[24];

	snprintf(id, sizeof id, "decode/%02d", number);
	prompt.length = 0;
	add(text);
	compose_open();
	compose_text("type", "item");
	compose_text("benchmark", "decode");
	compose_text("id", id);
	compose_text("stratum", NULL);
	compose_count("stratum_questions", count);
	compose_count("benchmark_questions", count);
	compose_text("cluster", NULL);
	compose_text("workload", "decode");
	compose_count("shots", 0);
	compose_text("protocol", "decode");
	compose_count("max_tokens", DECODE_TOKENS);
	put_sample(0, 0);
	put_prompt();
	compose_text("choices", NULL);
	compose_text("continuations", NULL);
	compose_text("gold", NULL);
	compose_close();
}

void
decode(void)
{
	for (int i = 0; i < decode_count; i++)
		put_decode(decode_prompts[i], i + 1, decode_count);
}
