#include <math.h>
#include <string.h>

#include "epi-ask/reply.h"

enum { TOKEN_ROOM = 256, COUNT_MOST = 1000000000 };

void
reply_start(struct reply *reply)
{
	reply->error = NULL;
	reply->detail[0] = reply->finish[0] = '\0';
	reply->no_logprobs = reply->events = reply->ended = false;
	reply->text.length = reply->scanned = 0;
	reply->prompt_tokens = reply->generated_tokens =
	    reply->cached_tokens = -1;
	reply->logprob = NAN;
	for (size_t i = 0; i < ITEM_CONTINUATIONS; i++)
		reply->logprobs[i] = NAN;
}

void
reply_free(struct reply *reply)
{
	text_free(&reply->text);
}

void
reply_fail(struct reply *reply, const char *error, const char *words)
{
	size_t length = strlen(words);

	if (length >= sizeof reply->detail)
		length = sizeof reply->detail - 1;
	memcpy(reply->detail, words, length);
	reply->detail[length] = '\0';
	reply->error = error;
}

static bool
members(const struct json_value *object, const char *const *keys, size_t count,
    struct json_value *values)
{
	struct json_error error;

	memset(values, 0, count * sizeof *values);
	return object->kind == JSON_OBJECT && json_members(object->at,
	    object->length, keys, count, values, &error);
}

static bool
member(const struct json_value *object, const char *key,
    struct json_value *value)
{
	return members(object, &key, 1, value) && value->kind != JSON_ABSENT;
}

static int64_t
count_of(const struct json_value *value)
{
	int64_t count;

	return json_integer(value, &count) && count >= 0 &&
	    count <= COUNT_MOST ? count : -1;
}

static void
read_usage(struct reply *reply, const struct json_value *usage)
{
	static const char *const keys[] = {
		"prompt_tokens", "completion_tokens", "prompt_tokens_details"
	};
	struct json_value values[3], cached;

	if (!members(usage, keys, 3, values))
		return;
	reply->prompt_tokens = count_of(&values[0]);
	reply->generated_tokens = count_of(&values[1]);
	if (member(&values[2], "cached_tokens", &cached))
		reply->cached_tokens = count_of(&cached);
}

/* llama-server: what its cache held is cache_n, the rest prompt_n. */
static void
read_timings(struct reply *reply, const struct json_value *timings)
{
	static const char *const keys[] = {
		"cache_n", "prompt_n", "predicted_n"
	};
	struct json_value values[3];
	int64_t cached, prompt;

	if (!members(timings, keys, 3, values))
		return;
	cached = count_of(&values[0]);
	prompt = count_of(&values[1]);
	if (reply->cached_tokens < 0)
		reply->cached_tokens = cached;
	if (reply->prompt_tokens < 0 && cached >= 0 && prompt >= 0)
		reply->prompt_tokens = cached + prompt;
	if (reply->generated_tokens < 0)
		reply->generated_tokens = count_of(&values[2]);
}

static bool
add_content(struct reply *reply, const struct json_value *content)
{
	char *at;
	long length;

	if (content->kind == JSON_NULL)
		return true; /* nothing was said */
	if (content->kind != JSON_STRING)
		return false;
	at = text_room(&reply->text, content->length + 1);
	length = json_string(content, at, content->length + 1);
	if (length < 0)
		return false;
	reply->text.length += (size_t)length;
	return true;
}

static void
read_finish(struct reply *reply, const struct json_value *finish)
{
	if (finish->kind == JSON_STRING && json_string(finish, reply->finish,
	    sizeof reply->finish) < 0)
		reply->finish[0] = '\0';
}

static bool
first_choice(const struct json_value *choices, struct json_value *choice)
{
	const char *cursor = NULL;

	return json_element(choices, &cursor, choice) &&
	    choice->kind == JSON_OBJECT;
}

static void
read_chat(struct reply *reply, const struct json_value *choice)
{
	static const char *const keys[] = { "message", "finish_reason" };
	struct json_value values[2], content;

	members(choice, keys, 2, values);
	read_finish(reply, &values[1]);
	if (!member(&values[0], "content", &content) ||
	    !add_content(reply, &content))
		reply_fail(reply, "shape", "no message.content");
	else if (reply->text.length == 0 && reply->generated_tokens == 0)
		reply_fail(reply, "too_long", "no token was generated: the "
		    "prompt may not fit the context");
}

/* The sum over the tokens behind the prompt's own; those generated follow. */
static void
read_echo(struct reply *reply, const struct json_value *logprobs,
    int64_t before)
{
	struct json_value array, element;
	const char *cursor = NULL;
	int64_t at = 0;
	double sum = 0, one;

	reply->no_logprobs = !member(logprobs, "token_logprobs", &array) ||
	    array.kind != JSON_ARRAY;
	if (reply->no_logprobs || reply->prompt_tokens <= before) {
		reply_fail(reply, "shape", reply->no_logprobs
		    ? "no token_logprobs" : "no token behind the prompt's");
		return;
	}
	for (; at < reply->prompt_tokens &&
	    json_element(&array, &cursor, &element); at++) {
		if (at < before)
			continue;
		sum += json_double(&element, &one) ? one : NAN;
	}
	if (at < reply->prompt_tokens)
		reply_fail(reply, "shape", "fewer logprobs than tokens");
	reply->logprob = sum;
}

static void
take_top(struct reply *reply, const struct item *item,
    const struct json_value *token, const struct json_value *logprob)
{
	char text[TOKEN_ROOM];
	long length = json_string(token, text, sizeof text);

	for (size_t i = 0; length > 0 && i < item->count; i++) {
		const char *at;
		double value;

		if (item_continuation(item, i, &at) == (size_t)length &&
		    memcmp(at, text, (size_t)length) == 0 &&
		    json_double(logprob, &value))
			reply->logprobs[i] = value;
	}
}

/* llama-server: content[0].top_logprobs is an array of objects. */
static bool
read_content(struct reply *reply, const struct item *item,
    const struct json_value *content)
{
	static const char *const keys[] = { "token", "logprob" };
	struct json_value first, top, entry, values[2];
	const char *cursor = NULL;

	if (!first_choice(content, &first) ||
	    !member(&first, "top_logprobs", &top) || top.kind != JSON_ARRAY)
		return false;
	while (json_element(&top, &cursor, &entry))
		if (members(&entry, keys, 2, values))
			take_top(reply, item, &values[0], &values[1]);
	return true;
}

/* vLLM and the old API: top_logprobs[0] is an object of token: logprob. */
static bool
read_tops(struct reply *reply, const struct item *item,
    const struct json_value *tops)
{
	struct json_value first, token, logprob;
	const char *cursor = NULL;

	if (!first_choice(tops, &first))
		return false;
	while (json_member(&first, &cursor, &token, &logprob))
		take_top(reply, item, &token, &logprob);
	return true;
}

static void
read_top(struct reply *reply, const struct item *item,
    const struct json_value *logprobs)
{
	static const char *const keys[] = { "content", "top_logprobs" };
	struct json_value values[2];

	members(logprobs, keys, 2, values);
	reply->no_logprobs = !read_content(reply, item, &values[0]) &&
	    !read_tops(reply, item, &values[1]);
	if (reply->no_logprobs)
		reply_fail(reply, "shape", "no top_logprobs");
}

static void
read_choice(struct reply *reply, enum reply_kind kind,
    const struct json_value *choice, const struct item *item, int64_t before)
{
	struct json_value logprobs = { 0 };

	if (kind == REPLY_CHAT) {
		read_chat(reply, choice);
		return;
	}
	if (kind == REPLY_COUNT) {
		if (reply->prompt_tokens < 0)
			reply_fail(reply, "shape", "no usage.prompt_tokens");
		return;
	}
	reply->no_logprobs = !member(choice, "logprobs", &logprobs) ||
	    logprobs.kind != JSON_OBJECT;
	if (reply->no_logprobs)
		reply_fail(reply, "shape", "no logprobs");
	else if (kind == REPLY_ECHO)
		read_echo(reply, &logprobs, before);
	else
		read_top(reply, item, &logprobs);
}

static void
say_error(struct reply *reply, const char *class,
    const struct json_value *error)
{
	struct json_value message = *error;
	char words[REPLY_DETAIL * 4];

	if (error->kind == JSON_OBJECT)
		member(error, "message", &message);
	if (json_string(&message, words, sizeof words) < 0)
		strcpy(words, message.kind == JSON_STRING
		    ? "an error with a long message" : "an error");
	reply_fail(reply, class, words);
}

void
reply_read(struct reply *reply, enum reply_kind kind, const struct text *body,
    const struct item *item, int64_t before)
{
	static const char *const keys[] = {
		"choices", "usage", "timings", "error"
	};
	struct json_value values[4], choice;
	struct json_error error;

	if (!json_members(body->at, body->length, keys, 4, values, &error)) {
		reply_fail(reply, "not_json", error.what);
		return;
	}
	read_usage(reply, &values[1]);
	read_timings(reply, &values[2]);
	if (values[3].kind == JSON_OBJECT || values[3].kind == JSON_STRING)
		say_error(reply, "shape", &values[3]);
	else if (!first_choice(&values[0], &choice))
		reply_fail(reply, "shape", "no choices");
	else
		read_choice(reply, kind, &choice, item, before);
}

/* Streams. */

static void
take_delta(struct reply *reply, const struct json_value *choice)
{
	static const char *const keys[] = { "delta", "finish_reason" };
	struct json_value values[2], content;

	members(choice, keys, 2, values);
	read_finish(reply, &values[1]);
	if (member(&values[0], "content", &content) &&
	    !add_content(reply, &content))
		reply_fail(reply, "shape", "a delta.content that is no text");
}

static void
take_event(struct reply *reply, const char *at, size_t length)
{
	static const char *const keys[] = {
		"choices", "usage", "timings", "error"
	};
	struct json_value values[4], choice;
	struct json_error error;

	reply->events = true;
	while (length && (*at == ' ' || at[length - 1] == '\r')) {
		at += *at == ' ';
		length--;
	}
	if (length == 6 && memcmp(at, "[DONE]", 6) == 0) {
		reply->ended = true;
		return;
	}
	if (!json_members(at, length, keys, 4, values, &error)) {
		reply_fail(reply, "not_json", error.what);
		return;
	}
	read_usage(reply, &values[1]);
	read_timings(reply, &values[2]);
	if (values[3].kind == JSON_OBJECT || values[3].kind == JSON_STRING)
		say_error(reply, "shape", &values[3]);
	else if (first_choice(&values[0], &choice))
		take_delta(reply, &choice);
}

void
reply_events(struct reply *reply, const struct text *body, bool last)
{
	const char *at = body->at + reply->scanned;
	const char *end = body->at + body->length, *newline;

	for (; at < end && !reply->error; at = newline + (newline < end)) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline && !last)
			break;
		if (!newline)
			newline = end; /* "data: [DONE]" may have none */
		if (newline - at > 5 && memcmp(at, "data:", 5) == 0)
			take_event(reply, at + 5, (size_t)(newline - at) - 5);
	}
	reply->scanned = (size_t)(at - body->at);
	if (last && reply->events && !reply->error && !reply->ended &&
	    !*reply->finish)
		reply_fail(reply, "cut", "the stream ends before its [DONE]");
	if (last && reply->events && !reply->error &&
	    reply->text.length == 0 && reply->generated_tokens == 0)
		reply_fail(reply, "too_long", "no token was generated: the "
		    "prompt may not fit the context");
}

/* Refusals. */

/* llama-server, OpenAI, vLLM old and new. */
static bool
is_too_long(const char *body)
{
	static const char *const signs[] = {
		"exceed_context_size", "context_length_exceeded",
		"exceeds the available context size",
		"maximum context length", "maximum model length"
	};

	for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
		if (strstr(body, signs[i]))
			return true;
	return false;
}

void
reply_refusal(struct reply *reply, const struct text *body)
{
	static const char *const keys[] = { "error", "message", "detail" };
	struct json_value values[3];
	struct json_error error;
	const char *class = is_too_long(body->at) ? "too_long" : NULL;

	reply_fail(reply, class, "");
	if (!json_members(body->at, body->length, keys, 3, values, &error))
		return;
	for (size_t i = 0; i < 3; i++)
		if (values[i].kind == JSON_OBJECT ||
		    values[i].kind == JSON_STRING) {
			say_error(reply, class, &values[i]);
			return;
		}
}
