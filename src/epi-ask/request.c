#include "epi-ask/request.h"

/* Used again for each question. */
static struct text whole, all, one;

const char *
request_refuses(const struct request *request, const struct item *item)
{
	if (item->protocol == ITEM_GENERATE)
		return NULL;
	if (request->engine == ENGINE_DLLAMA || request->engine == ENGINE_OLLAMA)
		return "gives no log-probabilities: ask with a gen- protocol";
	if (request->engine == ENGINE_LLAMA && item->protocol != ITEM_LETTER)
		return "gives log-probabilities of generated tokens alone: "
		    "ask with loglik-letter or a gen- protocol";
	return NULL;
}

/* A letter is one token, and the likeliest ones are told at once. */
static bool
by_top(const struct request *request, const struct item *item)
{
	return item->protocol == ITEM_LETTER && request->engine == ENGINE_LLAMA;
}

size_t
request_steps(const struct request *request, const struct item *item)
{
	return item->protocol == ITEM_GENERATE || by_top(request, item) ? 1
	    : 1 + item->count;
}

enum reply_kind
request_kind(const struct request *request, const struct item *item,
    size_t step)
{
	if (item->protocol == ITEM_GENERATE)
		return REPLY_CHAT;
	if (by_top(request, item))
		return REPLY_TOP;
	return step == 0 ? REPLY_COUNT : REPLY_ECHO;
}

const char *
request_path(enum reply_kind kind)
{
	return kind == REPLY_CHAT ? "/v1/chat/completions" : "/v1/completions";
}

static int64_t
max_tokens(const struct request *request, const struct item *item)
{
	if (request->max_tokens > 0)
		return request->max_tokens;
	if (item->max_tokens > 0)
		return item->max_tokens;
	return item->one_letter ? REQUEST_MAX_TOKENS_LETTER
	    : REQUEST_MAX_TOKENS;
}

static void
say_chat(const struct request *request, const struct item *item,
    struct text *body)
{
	text_key(body, "messages");
	text_say(body, "[{\"role\":\"user\",\"content\":");
	text_quote(body, item->prompt.at, item->prompt.length);
	text_say(body, "}]");
	text_key(body, "max_tokens");
	text_integer(body, max_tokens(request, item));
	if (request->stream) {
		text_key(body, "stream");
		text_say(body, "true");
		text_key(body, "stream_options");
		text_say(body, "{\"include_usage\":true}");
	}
}

/* The token generated beside an echo is the price of being asked: servers
 * refuse max_tokens 0. */
static void
say_completion(const struct item *item, enum reply_kind kind, size_t step,
    struct text *body)
{
	whole.length = 0;
	text_add(&whole, item->prompt.at, item->prompt.length);
	if (kind == REPLY_ECHO) {
		const char *at;
		size_t length = item_continuation(item, step - 1, &at);

		text_add(&whole, at, length);
	}
	text_key(body, "prompt");
	text_quote(body, whole.at, whole.length);
	text_key(body, "max_tokens");
	text_integer(body, 1);
	if (kind == REPLY_ECHO) {
		text_key(body, "echo");
		text_say(body, "true");
	}
	if (kind != REPLY_COUNT) {
		text_key(body, "logprobs");
		text_integer(body, kind == REPLY_ECHO ? 1 : REQUEST_TOP);
	}
}

void
request_body(const struct request *request, const struct item *item,
    size_t step, struct text *body)
{
	enum reply_kind kind = request_kind(request, item, step);

	body->length = 0;
	text_say(body, "{");
	if (request->model) {
		text_key(body, "model");
		text_string(body, request->model);
	}
	if (kind == REPLY_CHAT)
		say_chat(request, item, body);
	else
		say_completion(item, kind, step, body);
	text_key(body, "temperature");
	text_double(body, request->temperature);
	text_key(body, "seed");
	text_integer(body, request->seed);
	if (request->engine == ENGINE_LLAMA) {
		text_key(body, "cache_prompt");
		text_say(body, "false");
	}
	text_say(body, "}");
}

void
request_sha256(const struct request *request, const struct item *item,
    char hex[TEXT_SHA256])
{
	all.length = 0;
	for (size_t i = 0; i < request_steps(request, item); i++) {
		request_body(request, item, i, &one);
		text_say(&all, request_path(request_kind(request, item, i)));
		text_say(&all, "\n");
		text_add(&all, one.at, one.length);
		text_say(&all, "\n");
	}
	text_sha256(&all, hex);
}

void
request_forget(void)
{
	text_free(&whole);
	text_free(&all);
	text_free(&one);
}
