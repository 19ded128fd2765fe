#include <string.h>

#include "epi-ask/item.h"

enum {
	KEY_TYPE, KEY_ID, KEY_BENCHMARK, KEY_PROTOCOL, KEY_PROMPT,
	KEY_CONTINUATIONS, KEY_MAX_TOKENS, KEY_PROMPT_SHA256, KEYS
};
static const char *const keys[KEYS] = {
	"type", "id", "benchmark", "protocol", "prompt", "continuations",
	"max_tokens", "prompt_sha256"
};

enum { PROTOCOL_ROOM = 64 };

static bool
known(const struct json_value *value)
{
	return value->kind != JSON_ABSENT && value->kind != JSON_NULL;
}

/* A NUL would end the text early inside an engine written in C. */
static bool
add_string(struct text *text, const struct json_value *value)
{
	char *at = text_room(text, value->length + 1);
	long length = json_string(value, at, value->length + 1);

	if (length < 0 || memchr(at, '\0', (size_t)length))
		return false;
	text->length += (size_t)length;
	return true;
}

static const char *
read_continuations(struct item *item, const struct json_value *array)
{
	const char *cursor = NULL;
	struct json_value element;

	item->continuations.length = item->count = 0;
	if (item->protocol == ITEM_GENERATE)
		return NULL;
	if (array->kind != JSON_ARRAY)
		return "loglik without \"continuations\"";
	while (json_element(array, &cursor, &element)) {
		size_t before = item->continuations.length;

		if (item->count == ITEM_CONTINUATIONS)
			return "over 64 \"continuations\"";
		if (!add_string(&item->continuations, &element) ||
		    item->continuations.length == before)
			return "a continuation that is no text";
		item->ends[item->count++] = item->continuations.length;
	}
	return item->count ? NULL : "no \"continuations\"";
}

static const char *
read_protocol(struct item *item, const struct json_value *value)
{
	char name[PROTOCOL_ROOM] = "gen-letter";

	if (known(value) && json_string(value, name, sizeof name) < 0)
		return "\"protocol\" is no name";
	item->one_letter = strcmp(name, "gen-letter") == 0;
	item->protocol = strncmp(name, "loglik", 6) != 0 ? ITEM_GENERATE
	    : strcmp(name, "loglik-letter") == 0 ? ITEM_LETTER : ITEM_LIKELY;
	return NULL;
}

static const char *
read_prompt(struct item *item, const struct json_value *prompt,
    const struct json_value *sha256)
{
	if (prompt->kind != JSON_STRING)
		return "no \"prompt\"";
	item->prompt.length = 0;
	if (!add_string(&item->prompt, prompt))
		return "the prompt holds a NUL";
	if (item->prompt.length == 0)
		return "the prompt is empty";
	text_sha256(&item->prompt, item->sha256);
	item->has_sha256 = known(sha256);
	if (item->has_sha256 && !json_is(sha256, item->sha256))
		return "\"prompt_sha256\" is not that of the prompt";
	return NULL;
}

/* 0 would be unlimited for some engines, and says so only for loglik. */
static const char *
read_max_tokens(struct item *item, const struct json_value *value)
{
	item->max_tokens = -1;
	if (!known(value))
		return NULL;
	if (!json_integer(value, &item->max_tokens) ||
	    item->max_tokens < (item->protocol == ITEM_GENERATE) ||
	    item->max_tokens > 1 << 24)
		return "\"max_tokens\" is no count of tokens";
	return NULL;
}

static const char *
read_values(struct item *item, const struct json_value *values)
{
	const char *why;

	item->id = values[KEY_ID];
	item->benchmark = values[KEY_BENCHMARK];
	if (item->id.kind != JSON_STRING || item->id.length == 0)
		return "no \"id\"";
	if (known(&item->benchmark) && item->benchmark.kind != JSON_STRING)
		return "\"benchmark\" is no name";
	if ((why = read_protocol(item, &values[KEY_PROTOCOL])) ||
	    (why = read_prompt(item, &values[KEY_PROMPT],
	    &values[KEY_PROMPT_SHA256])) ||
	    (why = read_max_tokens(item, &values[KEY_MAX_TOKENS])))
		return why;
	return read_continuations(item, &values[KEY_CONTINUATIONS]);
}

enum item_kind
item_read(struct item *item, const char *line, size_t length, const char **why)
{
	struct json_value values[KEYS];
	struct json_error error;

	item->line.length = 0;
	text_add(&item->line, line, length);
	if (!json_members(item->line.at, length, keys, KEYS, values, &error)) {
		*why = error.what;
		return ITEM_BAD;
	}
	if (values[KEY_TYPE].kind != JSON_STRING) {
		*why = "no item: it has no \"type\"";
		return ITEM_BAD;
	}
	if (!json_is(&values[KEY_TYPE], "item"))
		return ITEM_OTHER;
	*why = read_values(item, values);
	return *why ? ITEM_BAD : ITEM_WANTED;
}

void
item_free(struct item *item)
{
	text_free(&item->line);
	text_free(&item->prompt);
	text_free(&item->continuations);
}

size_t
item_continuation(const struct item *item, size_t i, const char **at)
{
	size_t from = i ? item->ends[i - 1] : 0;

	*at = item->continuations.at + from;
	return item->ends[i] - from;
}
