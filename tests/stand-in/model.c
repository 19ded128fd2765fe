/* The model, and what each server says around its answers. */
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stand-in.h"

struct entry {
	char sha256[65];
	int64_t gold, choices;  /* gold -1: there is none */
	int64_t draw;           /* of the prompt alone, 0 to 999 */
	/* Of a prompt with its continuation: */
	int64_t behind;         /* bytes of the prompt alone; 0: it is alone */
	int64_t continuation;
	struct entry *next;
};

enum { BUCKETS = 1 << 14 };
static struct entry *entries[BUCKETS];

static void
hash(const char *text, char hex[65])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, strlen(text), (const uint8_t *)text);
	sha256_digest(&context, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

static unsigned long
head(const char *sha256)
{
	char digits[9] = "";

	memcpy(digits, sha256, 8);
	return strtoul(digits, NULL, 16);
}

static struct entry *
find(const char *sha256)
{
	struct entry *entry = entries[head(sha256) % BUCKETS];

	while (entry && strcmp(entry->sha256, sha256) != 0)
		entry = entry->next;
	return entry;
}

static struct entry *
add(const char *prompt)
{
	struct entry *entry = calloc(1, sizeof *entry), **list;

	if (!entry)
		die("out of memory");
	hash(prompt, entry->sha256);
	list = &entries[head(entry->sha256) % BUCKETS];
	entry->next = *list;
	return *list = entry;
}

static void
add_item(const json_t *item)
{
	const json_t *gold = json_object_get(item, "gold");
	const json_t *choices = json_object_get(item, "choices");
	const json_t *behind = json_object_get(item, "continuations");
	const char *prompt = json_string_value(json_object_get(item, "prompt"));
	struct entry *entry;

	if (!prompt)
		return;
	entry = add(prompt);
	entry->gold = json_is_integer(gold) ? json_integer_value(gold) : -1;
	entry->choices = choices ? (int64_t)json_array_size(choices) : 4;
	entry->draw = (int64_t)(head(entry->sha256) % 1000);
	for (size_t i = 0; i < json_array_size(behind); i++) {
		const char *text = json_string_value(json_array_get(behind, i));
		char *whole = malloc(strlen(prompt) + strlen(text) + 1);
		struct entry *one;

		if (!whole)
			die("out of memory");
		strcpy(whole, prompt);
		strcat(whole, text);
		one = add(whole);
		free(whole);
		one->gold = entry->gold;
		one->choices = (int64_t)json_array_size(behind);
		one->draw = entry->draw;
		one->behind = (int64_t)strlen(prompt);
		one->continuation = (int64_t)i;
	}
}

void
model_load(const char *file)
{
	FILE *in = fopen(file, "r");
	json_t *item;

	if (!in)
		die(file);
	while ((item = json_loadf(in, JSON_DISABLE_EOF_CHECK, NULL))) {
		add_item(item);
		json_decref(item);
	}
	fclose(in);
}

/* The choice it takes. */
static int64_t
chosen(const struct entry *entry)
{
	return entry->draw < stand_in.right ? entry->gold
	    : (entry->gold + 1) % (entry->choices ? entry->choices : 4);
}

static int64_t
tokens_of(size_t bytes)
{
	return 1 + (int64_t)bytes / 4;
}

/* One request. */

struct asked {
	json_t *request;
	const char *prompt, *path;
	char sha256[65];
	const struct entry *entry; /* NULL: a prompt of no item */
	int64_t most;              /* max_tokens */
	bool chat;
	char *said;
	int64_t prompt_tokens, generated, cached;
};

static void
refuse(struct answer *answer, int status, const char *format, const char *what)
{
	size_t room = strlen(format) + strlen(what) + 1;

	answer->status = status;
	answer->body = malloc(room);
	if (!answer->body)
		die("out of memory");
	snprintf(answer->body, room, format, what);
}

static json_t *
usage(const struct asked *asked)
{
	json_t *cached = stand_in.kind == LLAMA ? json_pack("{s:I}",
	    "cached_tokens", (json_int_t)asked->cached) : NULL;
	json_t *object = json_pack("{s:I,s:I,s:I,s:o*}",
	    "prompt_tokens", (json_int_t)asked->prompt_tokens,
	    "completion_tokens", (json_int_t)asked->generated,
	    "total_tokens", (json_int_t)(asked->prompt_tokens +
	    asked->generated), "prompt_tokens_details", cached);

	if (stand_in.kind == VLLM)
		json_object_set_new(object, "prompt_tokens_details",
		    json_null());
	return object;
}

/* Its words: a letter and an end, or as many words as it may say. */
static void
speak(struct asked *asked)
{
	const struct entry *entry = asked->entry;
	bool letter = entry && entry->gold >= 0;
	const char *blank = stand_in.kind == DLLAMA ? " " : "";

	asked->generated = letter && asked->most != 1 ? 2
	    : asked->most ? asked->most : 16;
	asked->said = calloc(1, (size_t)asked->generated * 4 + 8);
	if (!asked->said)
		die("out of memory");
	if (letter)
		sprintf(asked->said, "%s%c", blank,
		    (char)('A' + chosen(entry)));
	for (int64_t i = 0; !letter && i < asked->generated; i++)
		strcpy(asked->said + 3 * i, " la");
}

/* The whole of dllama-api's cache is a conversation; llama-server's a prefix,
 * unless it was told not to. */
static int64_t
cached_tokens(const struct asked *asked)
{
	if (stand_in.kind != LLAMA ||
	    json_is_false(json_object_get(asked->request, "cache_prompt")))
		return 0;
	return asked->prompt_tokens / 2;
}

static json_t *
echo_logprobs(const struct asked *asked)
{
	const struct entry *entry = asked->entry;
	int64_t all = asked->prompt_tokens, before = all;
	json_t *list = json_array();
	double aim;

	if (entry && entry->behind)
		before = tokens_of((size_t)entry->behind);
	aim = !entry || entry->continuation != chosen(entry)
	    ? -3.0 - (double)(entry ? entry->continuation : 0) : -1.5;
	for (int64_t i = 0; i < all; i++)
		json_array_append_new(list, i == 0 ? json_null()
		    : json_real(i < before ? -9.0 : i < all - 1 ? -0.25
		    : aim + 0.25 * (double)(all - 1 - before)));
	json_array_append_new(list, json_real(-0.5)); /* the generated one */
	return json_pack("{s:o}", "token_logprobs", list);
}

static json_t *
top_logprobs(const struct asked *asked)
{
	const struct entry *entry = asked->entry;
	json_t *list = json_array();

	for (int64_t i = 0; entry && i < entry->choices; i++) {
		char token[3] = { ' ', (char)('A' + i), '\0' };

		json_array_append_new(list, json_pack("{s:s,s:f}", "token",
		    token, "logprob", i == chosen(entry) ? -0.5 : -2.0 -
		    (double)i));
	}
	return json_pack("{s:[{s:o}]}", "content", "top_logprobs", list);
}

static json_t *
choice_of(const struct asked *asked)
{
	const char *finish = stand_in.kind == DLLAMA ? "" : "stop";
	bool wants = json_object_get(asked->request, "logprobs") != NULL;
	json_t *choice;

	if (asked->chat)
		return json_pack("{s:s,s:{s:s,s:s}}", "finish_reason", finish,
		    "message", "content", asked->said, "role", "assistant");
	choice = json_pack("{s:s,s:s}", "text", asked->said,
	    "finish_reason", finish);
	if (wants && stand_in.kind == VLLM)
		json_object_set_new(choice, "logprobs", echo_logprobs(asked));
	if (wants && stand_in.kind == LLAMA)
		json_object_set_new(choice, "logprobs", top_logprobs(asked));
	return choice;
}

static char *
whole(const struct asked *asked)
{
	json_t *body = json_pack("{s:[o],s:s,s:o}", "choices",
	    choice_of(asked), "model", stand_in.kind == DLLAMA
	    ? "Distributed Model" : stand_in.model, "usage", usage(asked));
	char *text;

	if (stand_in.kind == LLAMA)
		json_object_set_new(body, "timings", json_pack("{s:I,s:I,s:I}",
		    "cache_n", (json_int_t)asked->cached,
		    "prompt_n", (json_int_t)(asked->prompt_tokens -
		    asked->cached), "predicted_n", (json_int_t)asked->generated));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	return text;
}

/* Two halves of what was said, the end, and what the server says of usage. */
static char *
events(const struct asked *asked)
{
	static const char delta[] = "data: {\"choices\":[{\"delta\":{\"content\""
	    ":\"%.*s\"},\"finish_reason\":%s,\"index\":0}]}\r\n\r\n";
	bool dllama = stand_in.kind == DLLAMA;
	const char *open = dllama ? "\"\"" : "null";
	size_t half = strlen(asked->said) / 2, room = 1024 +
	    strlen(asked->said);
	char *text = malloc(room), *at = text;

	if (!text)
		die("out of memory");
	at += sprintf(at, delta, (int)half, asked->said, open);
	at += sprintf(at, delta, 9999, asked->said + half, open);
	at += sprintf(at, "data: {\"choices\":[{\"finish_reason\":\"stop\","
	    "\"index\":0}]}\r\n\r\n");
	if (!dllama && json_object_get(asked->request, "stream_options")) {
		char *counts = json_dumps(usage(asked), JSON_COMPACT);

		at += sprintf(at, "data: {\"choices\":[],\"usage\":%s}\r\n\r\n",
		    counts);
		free(counts);
	}
	strcpy(at, dllama ? "data: [DONE]" : "data: [DONE]\n\n");
	return text;
}

/* What a server says to a prompt over its context: true if it said it. */
static bool
overlong(struct asked *asked, struct answer *answer)
{
	if (!stand_in.context || asked->prompt_tokens <= stand_in.context)
		return false;
	switch (stand_in.kind) {
	case DLLAMA:
		asked->said = calloc(1, 1);
		asked->generated = 0;
		return false;
	case LLAMA:
		refuse(answer, 400, "{\"error\":{\"code\":400,\"message\":\"the "
		    "request exceeds the available context size%s\",\"type\":"
		    "\"exceed_context_size_error\"}}", "");
		return true;
	case OLLAMA: /* cuts it, without a word */
		asked->prompt_tokens = stand_in.context;
		return false;
	case VLLM:
		refuse(answer, 400, "{\"error\":{\"message\":\"This model's "
		    "maximum context length is less%s\",\"type\":"
		    "\"BadRequestError\",\"code\":400}}", "");
		return true;
	}
	return false;
}

static bool
refused(const struct asked *asked, struct answer *answer)
{
	const char *model = json_string_value(
	    json_object_get(asked->request, "model"));

	if ((stand_in.kind == VLLM || stand_in.kind == OLLAMA) &&
	    (!model || strcmp(model, stand_in.model) != 0)) {
		refuse(answer, 404, "{\"error\":{\"message\":\"The model `%s` "
		    "does not exist.\",\"code\":404}}", model ? model : "");
		return true;
	}
	if (stand_in.kind == LLAMA &&
	    json_is_true(json_object_get(asked->request, "echo"))) {
		refuse(answer, 400, "{\"error\":{\"code\":400,\"message\":\"Only "
		    "no echo is supported%s\"}}", "");
		return true;
	}
	return false;
}

static const char *
content_of(const json_t *request)
{
	const json_t *messages = json_object_get(request, "messages");
	const json_t *last = json_array_get(messages,
	    json_array_size(messages) - 1);

	return json_string_value(json_object_get(last, "content"));
}

static void
complete(struct asked *asked, struct answer *answer)
{
	const json_t *stream = json_object_get(asked->request, "stream");

	hash(asked->prompt, asked->sha256);
	asked->entry = find(asked->sha256);
	asked->most = json_integer_value(
	    json_object_get(asked->request, "max_tokens"));
	asked->prompt_tokens = tokens_of(strlen(asked->prompt));
	if (asked->entry && asked->entry->behind)
		asked->prompt_tokens = tokens_of((size_t)asked->entry->behind) +
		    tokens_of(strlen(asked->prompt) -
		    (size_t)asked->entry->behind);
	asked->cached = cached_tokens(asked);
	if (refused(asked, answer) || overlong(asked, answer)) {
		tally_note(asked->sha256, "refused");
		return;
	}
	if (!asked->said)
		speak(asked);
	answer->events = json_is_true(stream);
	answer->body = answer->events ? events(asked) : whole(asked);
	if (answer->fault) {
		tally_note(asked->sha256, answer->fault);
	} else {
		tally_note(asked->sha256, "answered");
		tally_count(asked->prompt_tokens, asked->generated);
	}
}

static void
post(const char *path, const char *text, size_t length, struct answer *answer)
{
	struct asked asked = { .path = path };

	asked.chat = strcmp(path, "/v1/chat/completions") == 0;
	asked.request = json_loadb(text, length, 0, NULL);
	asked.prompt = asked.chat ? content_of(asked.request)
	    : json_string_value(json_object_get(asked.request, "prompt"));
	answer->fault = fault_next(&answer->retry_after);
	if (!asked.prompt)
		refuse(answer, 400, "{\"error\":{\"message\":\"no prompt%s\"}}",
		    "");
	else
		complete(&asked, answer);
	free(asked.said);
	json_decref(asked.request);
}

static void
get(const char *path, struct answer *answer)
{
	static const char *const owners[] = {
		"user", "llamacpp", "library", "vllm"
	};
	bool llama = stand_in.kind == LLAMA;
	char owner[128];

	snprintf(owner, sizeof owner, "\",\"object\":\"model\",\"owned_by\":"
	    "\"%s\"}],\"object\":\"list\"}", owners[stand_in.kind]);
	if (strcmp(path, "/v1/models") == 0) {
		size_t room = strlen(owner) + strlen(stand_in.model) + 64;

		answer->body = malloc(room);
		if (!answer->body)
			die("out of memory");
		snprintf(answer->body, room, "{\"data\":[{\"created\":0,\"id\":"
		    "\"%s%s", stand_in.model, owner);
	} else if (strcmp(path, "/health") == 0 && (llama ||
	    stand_in.kind == VLLM)) {
		answer->body = strdup(llama ? "{\"status\":\"ok\"}" : "");
	} else if (strcmp(path, "/props") == 0 && llama) {
		answer->body = strdup("{\"build_info\":\"b6000-stand-in\"}");
	} else if (strcmp(path, "/api/version") == 0 &&
	    stand_in.kind == OLLAMA) {
		answer->body = strdup("{\"version\":\"0.9.0\"}");
	} else if (strcmp(path, "/version") == 0 && stand_in.kind == VLLM) {
		answer->body = strdup("{\"version\":\"0.10.0\"}");
	} else {
		refuse(answer, 404, "Not Found%s", "");
	}
}

void
model_answer(const char *method, const char *path, const char *body,
    size_t length, const char *token, struct answer *answer)
{
	bool chat = strcmp(path, "/v1/chat/completions") == 0;

	*answer = (struct answer){ .status = 200, .retry_after = -1 };
	if (stand_in.token && (!token || strncmp(token, "Bearer ", 7) != 0 ||
	    strcmp(token + 7, stand_in.token) != 0))
		refuse(answer, 401, "{\"error\":{\"message\":\"wrong key: %s\"}}",
		    token ? token : "none");
	else if (stand_in.loading > 0 && stand_in.loading--)
		refuse(answer, 503, "{\"error\":{\"code\":503,\"message\":"
		    "\"Loading model%s\",\"type\":\"unavailable_error\"}}", "");
	else if (strcmp(method, "POST") == 0 && (chat ||
	    (stand_in.kind != DLLAMA && strcmp(path, "/v1/completions") == 0)))
		post(path, body, length, answer);
	else
		get(path, answer);
}

const char *
model_deadly(const char *body, size_t length)
{
	json_t *request = json_loadb(body, length, 0, NULL);
	const json_t *messages = json_object_get(request, "messages");
	const json_t *most = json_object_get(request, "max_tokens");
	const char *why = NULL;
	const json_t *message;
	size_t i;

	if (!request)
		why = "invalid JSON";
	else if (!json_is_array(messages))
		why = "no messages";
	else if (most && !json_is_integer(most))
		why = "max_tokens is no number";
	else if (json_is_string(json_object_get(request, "stop")))
		why = "stop is a string";
	json_array_foreach(messages, i, message)
		if (!json_is_string(json_object_get(message, "content")))
			why = "content is no string";
	json_decref(request);
	return why;
}
