#include <math.h>
#include <string.h>

#include "epi-ask/question.h"

void
question_start(struct question *question)
{
	question->state = QUESTION_WAITING;
	question->record.length = question->retried.length =
	    question->said.length = 0;
	question->step = 0;
	question->tries = question->attempts = question->not_before_ns = 0;
	question->error = NULL;
	question->detail[0] = question->finish[0] = '\0';
	question->http_status = 0;
	question->first_steady_ns = question->before = 0;
	question->prompt_tokens = question->generated_tokens =
	    question->cached_tokens = -1;
}

void
question_free(struct question *question)
{
	item_free(&question->item);
	text_free(&question->record);
	text_free(&question->retried);
	text_free(&question->said);
}

/* A sum of which one part is unknown is unknown. */
static void
add(int64_t *sum, int64_t count, bool first)
{
	if (first)
		*sum = count;
	else
		*sum = *sum < 0 || count < 0 ? -1 : *sum + count;
}

static void
take_times(struct question *question, const struct call *call)
{
	if (question->step == 0) {
		question->begin_ns = call->begin_ns;
		question->begin_steady_ns = call->begin_steady_ns;
	}
	question->attempt_begin_ns = call->begin_ns;
	question->end_ns = call->end_ns;
	question->end_steady_ns = call->end_steady_ns;
}

static void
take_reply(struct question *question, const struct reply *reply,
    enum reply_kind kind)
{
	bool first = question->step == 0;

	add(&question->prompt_tokens, reply->prompt_tokens, first);
	add(&question->generated_tokens, reply->generated_tokens, first);
	add(&question->cached_tokens, reply->cached_tokens, first);
	memcpy(question->finish, reply->finish, sizeof question->finish);
	if (kind == REPLY_COUNT)
		question->before = reply->prompt_tokens;
	else if (kind == REPLY_ECHO)
		question->logprobs[question->step - 1] = reply->logprob;
	else if (kind == REPLY_TOP)
		memcpy(question->logprobs, reply->logprobs,
		    sizeof question->logprobs);
	question->said.length = 0;
	text_add(&question->said, reply->text.at, reply->text.length);
}

void
question_take(struct question *question, const struct call *call,
    const struct reply *reply, enum reply_kind kind)
{
	take_times(question, call);
	question->http_status = call->http_status;
	question->error = reply->error;
	memcpy(question->detail, reply->detail, sizeof question->detail);
	if (!reply->error || strcmp(reply->error, "too_long") == 0)
		take_reply(question, reply, kind);
}

void
question_again(struct question *question)
{
	struct text *text = &question->retried;

	if (text->length)
		text_say(text, ",");
	text_say(text, "{");
	text_key(text, "error");
	text_string(text, question->error);
	text_key(text, "http_status");
	text_count(text, question->http_status ? question->http_status : -1);
	text_key(text, "begin");
	text_time(text, question->attempt_begin_ns);
	text_key(text, "end");
	text_time(text, question->end_ns);
	text_say(text, "}");
}

bool
question_unanswered(const struct question *question)
{
	return question->error && strcmp(question->error, "too_long") != 0;
}

/* The record. */

/* Of an item: what the answer says itself, and what is left behind. */
static bool
is_own(const struct json_value *key)
{
	static const char *const own[] = {
		"type", "prompt", "continuations", "prompt_sha256", "engine",
		"engine_version", "model", "text", "finish_reason", "logprobs",
		"prompt_tokens", "generated_tokens", "cached_tokens",
		"http_status", "error", "error_text", "begin", "end",
		"seconds", "begin_monotonic", "first_token_seconds",
		"attempts", "retried", "request_sha256"
	};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (json_is(key, own[i]))
			return true;
	return false;
}

static void
add_span(struct text *record, const struct json_value *key,
    const struct json_value *value)
{
	bool quoted = value->kind == JSON_STRING;

	text_say(record, ",\"");
	text_add(record, key->at, key->length);
	text_say(record, quoted ? "\":\"" : "\":");
	text_add(record, value->at, value->length);
	if (quoted)
		text_say(record, "\"");
}

static struct json_value
object_of(const char *line, size_t length)
{
	for (; *line != '{'; line++)
		length--;
	return (struct json_value){ .at = line, .length = length,
		.kind = JSON_OBJECT };
}

static bool
same(const struct json_value *a, const struct json_value *b)
{
	return a->kind == b->kind && a->length == b->length &&
	    memcmp(a->at, b->at, a->length) == 0;
}

/* Whether an object has another value of this key. */
static bool
differs(const struct json_value *object, const struct json_value *key,
    const struct json_value *value)
{
	struct json_value other, its_value;
	const char *cursor = NULL;

	while (json_member(object, &cursor, &other, &its_value))
		if (same(&other, key) && !same(&its_value, value))
			return true;
	return false;
}

bool
question_fits(const struct question *question, struct json_value *key)
{
	struct json_value item = object_of(question->item.line.at,
	    question->item.line.length);
	struct json_value record = object_of(question->record.at,
	    question->record.length);
	struct json_value value;
	const char *cursor = NULL;

	while (json_member(&item, &cursor, key, &value))
		if (!is_own(key) && differs(&record, key, &value))
			return false;
	return true;
}

/* What identifies a question is handed on as it stands. */
static void
add_item(struct text *record, const struct item *item)
{
	struct json_value whole = object_of(item->line.at, item->line.length);
	struct json_value key, value;
	const char *cursor = NULL;

	while (json_member(&whole, &cursor, &key, &value))
		if (!is_own(&key))
			add_span(record, &key, &value);
	text_key(record, "prompt_sha256");
	text_string(record, item->sha256);
}

static void
add_logprobs(struct text *record, const struct question *question)
{
	text_key(record, "logprobs");
	if (question->item.protocol == ITEM_GENERATE || question->error) {
		text_say(record, "null");
		return;
	}
	text_say(record, "[");
	for (size_t i = 0; i < question->item.count; i++) {
		if (i)
			text_say(record, ",");
		text_double(record, question->logprobs[i]);
	}
	text_say(record, "]");
}

static void
add_said(struct text *record, const struct question *question)
{
	text_key(record, "text");
	if (question_unanswered(question) ||
	    question->item.protocol != ITEM_GENERATE)
		text_say(record, "null");
	else
		text_quote(record, question->said.at, question->said.length);
	text_key(record, "finish_reason");
	text_string(record, *question->finish ? question->finish : NULL);
	add_logprobs(record, question);
	text_key(record, "prompt_tokens");
	text_count(record, question->prompt_tokens);
	text_key(record, "generated_tokens");
	text_count(record, question->generated_tokens);
	text_key(record, "cached_tokens");
	text_count(record, question->cached_tokens);
	text_key(record, "http_status");
	text_count(record, question->http_status ? question->http_status : -1);
	text_key(record, "error");
	text_string(record, question->error);
	if (question->error && *question->detail) {
		text_key(record, "error_text");
		text_string(record, question->detail);
	}
}

static void
add_times(struct text *record, const struct question *question)
{
	text_key(record, "begin");
	text_time(record, question->begin_ns);
	text_key(record, "end");
	text_time(record, question->end_ns);
	text_key(record, "begin_monotonic");
	text_time(record, question->begin_steady_ns);
	text_key(record, "seconds");
	text_time(record, question->end_steady_ns - question->begin_steady_ns);
	if (question->first_steady_ns) {
		text_key(record, "first_token_seconds");
		text_time(record, question->first_steady_ns -
		    question->begin_steady_ns);
	}
	text_key(record, "attempts");
	text_integer(record, question->attempts);
	if (question->retried.length) {
		text_key(record, "retried");
		text_say(record, "[");
		text_add(record, question->retried.at,
		    question->retried.length);
		text_say(record, "]");
	}
}

void
question_record(struct question *question, const struct request *request,
    const struct engine_facts *facts)
{
	struct text *record = &question->record;

	record->length = 0;
	text_say(record, "{\"type\":\"answer\"");
	add_item(record, &question->item);
	text_key(record, "engine");
	text_string(record, engine_names[facts->engine]);
	if (*facts->version) {
		text_key(record, "engine_version");
		text_string(record, facts->version);
	}
	text_key(record, "model");
	text_string(record, request->model);
	add_said(record, question);
	add_times(record, question);
	text_key(record, "request_sha256");
	text_string(record, question->request_sha256);
	text_say(record, "}\n");
}
