/*
 * Any bytes as the body of an endpoint, as a document of each kind, as a
 * stream that arrives in pieces, and as a refusal: a reply is an error of a
 * known class, or has what its kind promises.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-ask/item.c"
#include "epi-ask/text.c"
#define keys reply_keys
#include "epi-ask/reply.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct item item;
static struct reply reply;
static struct text body;

static void
check(bool may_be_none)
{
	static const char *const classes[] = {
		"not_json", "shape", "too_long", "cut"
	};
	bool known = !reply.error;

	for (size_t i = 0; i < 4 && !known; i++)
		known = strcmp(reply.error, classes[i]) == 0;
	if (!known || strlen(reply.detail) >= REPLY_DETAIL ||
	    (!may_be_none && reply.no_logprobs && !reply.error) ||
	    reply.prompt_tokens < -1 || reply.generated_tokens < -1 ||
	    reply.cached_tokens < -1)
		abort();
}

static void
as_stream(const uint8_t *data, size_t size)
{
	size_t piece = 1 + data[0] % 31;

	reply_start(&reply);
	body.length = 0;
	for (size_t at = 0; at < size; at += piece) {
		text_add(&body, (const char *)data + at,
		    piece < size - at ? piece : size - at);
		reply_events(&reply, &body, false);
	}
	text_end(&body);
	reply_events(&reply, &body, true);
	check(true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char line[] = "{\"type\":\"item\",\"id\":\"1\",\"prompt\":"
	    "\"p\",\"protocol\":\"loglik-letter\",\"continuations\":[\" A\","
	    "\" B\"]}";
	const char *why;

	if (size == 0)
		return 0;
	if (item_read(&item, line, sizeof line - 1, &why) != ITEM_WANTED)
		abort();
	body.length = 0;
	text_add(&body, (const char *)data, size);
	text_end(&body);
	for (int kind = REPLY_CHAT; kind <= REPLY_TOP; kind++) {
		reply_start(&reply);
		reply_read(&reply, (enum reply_kind)kind, &body, &item, 2);
		check(false);
	}
	reply_start(&reply);
	reply_refusal(&reply, &body);
	check(true);
	as_stream(data, size);
	item_read(&item, (const char *)data, size, &why);
	return 0;
}
