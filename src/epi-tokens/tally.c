#include <string.h>

#include "clock.h"
#include "compose.h"
#include "report.h"
#include "tally.h"

/* Far over any count of tokens, and sums of it stay within int64. */
static const int64_t largest = INT64_C(1000000000000000);

int64_t tally_prompt_tokens = TALLY_UNKNOWN;

static const char *const status_words[] = {
	"complete", "mismatch", "truncated", "uncountable"
};

void
tally_start(struct tally *tally, const char *file)
{
	*tally = (struct tally){
		.file = file,
		.prompt_tokens = TALLY_UNKNOWN,
		.cached_tokens = TALLY_UNKNOWN,
		.generated_tokens = TALLY_UNKNOWN,
		.node_count = TALLY_UNKNOWN,
		.prefill_ns = TALLY_UNKNOWN,
		.decode_ns = TALLY_UNKNOWN,
		.begin_ns = TALLY_UNKNOWN,
		.end_ns = TALLY_UNKNOWN,
		.eos_counted = TALLY_UNKNOWN,
	};
}

void
tally_raise(struct tally *tally, enum tally_status status, const char *why)
{
	if (status <= tally->status)
		return;
	tally->status = status;
	tally->why = why;
}

void
tally_warn(struct tally *tally, const char *warning)
{
	for (size_t i = 0; i < tally->warning_count; i++)
		if (tally->warnings[i] == warning)
			return;
	if (tally->warning_count < TALLY_WARNINGS)
		tally->warnings[tally->warning_count++] = warning;
}

static void
add_count(int64_t *sum, int64_t value, bool first)
{
	if (first)
		*sum = value;
	else if (*sum == TALLY_UNKNOWN || value == TALLY_UNKNOWN ||
	    *sum > INT64_MAX - value)
		*sum = TALLY_UNKNOWN;
	else
		*sum += value;
}

void
tally_add(struct tally *sum, const struct tally *request)
{
	bool first = sum->requests == 0;

	add_count(&sum->prompt_tokens, request->prompt_tokens, first);
	add_count(&sum->cached_tokens, request->cached_tokens, first);
	add_count(&sum->generated_tokens, request->generated_tokens, first);
	add_count(&sum->prefill_ns, request->prefill_ns, first);
	add_count(&sum->decode_ns, request->decode_ns, first);
	if (first || sum->eos_counted == request->eos_counted)
		sum->eos_counted = request->eos_counted;
	else
		sum->eos_counted = TALLY_UNKNOWN;
	if (!sum->method)
		sum->method = request->method;
	if (!sum->time_basis)
		sum->time_basis = request->time_basis;
	tally_raise(sum, request->status, request->why);
	for (size_t i = 0; i < request->warning_count; i++)
		tally_warn(sum, request->warnings[i]);
	sum->requests++;
}

static void
put_count(const char *key, int64_t value)
{
	compose_key(key);
	if (value == TALLY_UNKNOWN)
		compose_null();
	else
		compose_integer(value);
}

static void
put_seconds(const char *key, int64_t ns)
{
	compose_key(key);
	if (ns == TALLY_UNKNOWN)
		compose_null();
	else
		compose_seconds(ns);
}

static void
put_text(const char *key, const char *text)
{
	compose_key(key);
	compose_string(text);
}

static void
put_span(const struct tally *tally)
{
	bool known = tally->begin_ns != TALLY_UNKNOWN &&
	    tally->end_ns >= tally->begin_ns;

	put_seconds("wall_seconds",
	    known ? tally->end_ns - tally->begin_ns : TALLY_UNKNOWN);
	compose_key("begin");
	known ? compose_time(tally->begin_ns) : compose_null();
	compose_key("end");
	known ? compose_time(tally->end_ns) : compose_null();
}

static void
put_record(const struct tally *tally)
{
	compose_open();
	put_text("type", "tokens");
	put_text("engine", tally->engine);
	put_text("format", tally->format);
	put_text("file", tally->file);
	if (tally->test[0])
		put_text("test", tally->test);
	put_count("prompt_tokens", tally->prompt_tokens);
	if (tally->cached_tokens != TALLY_UNKNOWN)
		put_count("cached_tokens", tally->cached_tokens);
	put_count("generated_tokens", tally->generated_tokens);
	compose_key("eos_counted");
	if (tally->eos_counted == TALLY_UNKNOWN ||
	    tally->generated_tokens == TALLY_UNKNOWN)
		compose_null();
	else
		compose_bool(tally->eos_counted);
	put_seconds("prefill_seconds", tally->prefill_ns);
	put_seconds("decode_seconds", tally->decode_ns);
	put_text("time_basis", tally->time_basis);
	put_count("node_count", tally->node_count);
	put_count("requests", tally->requests ? tally->requests
	    : TALLY_UNKNOWN);
	put_text("status", status_words[tally->status]);
	put_text("method", tally->method);
	put_span(tally);
	compose_key("warnings");
	compose_begin('[');
	for (size_t i = 0; i < tally->warning_count; i++)
		compose_string(tally->warnings[i]);
	compose_end(']');
	compose_close();
}

void
tally_write(const struct tally *tally)
{
	put_record(tally);
	if (tally->status != TALLY_COMPLETE)
		report_error("%s: %s: %s", tally->file,
		    status_words[tally->status], tally->why);
}

/* Digits after any spaces; more than fifteen of them are no count. */
static const char *
match_whole(const char *at, const char *end, int64_t *out)
{
	const char *digits;
	int64_t value = 0;

	while (at < end && *at == ' ')
		at++;
	for (digits = at; at < end && *at >= '0' && *at <= '9'; at++) {
		value = value * 10 + (*at - '0');
		if (value > largest)
			return NULL;
	}
	if (at == digits)
		return NULL;
	*out = value;
	return at;
}

/* A comma is the point of a program that follows its locale. */
static bool
decimal_text(const char *word, size_t length, int64_t *out)
{
	char text[32];
	char *comma;

	if (length > sizeof text)
		return false;
	memcpy(text, word, length);
	comma = memchr(text, ',', length);
	if (comma)
		*comma = '.';
	return json_decimal_text(text, length, 6, out);
}

static const char *
match_decimal(const char *at, const char *end, int64_t *out)
{
	const char *word;

	while (at < end && *at == ' ')
		at++;
	for (word = at; at < end && *at != ' '; at++)
		;
	if (at == word)
		return NULL;
	if (!decimal_text(word, (size_t)(at - word), out) ||
	    *out < 0 || *out > largest * 1000)
		*out = TALLY_UNKNOWN;
	return at;
}

static bool
is_literal(char c)
{
	return c != '#' && c != '@' && c != '\0';
}

const char *
line_match(const char *text, size_t length, const char *pattern,
    int64_t *values)
{
	const char *at = text, *end = text + length;

	for (;;) {
		for (; is_literal(*pattern); at++, pattern++)
			if (at == end || *at != *pattern)
				return NULL;
		if (!*pattern)
			return at;
		at = *pattern++ == '#' ? match_whole(at, end, values++)
		    : match_decimal(at, end, values++);
		if (!at)
			return NULL;
	}
}

size_t
line_clean(const struct log_line *line, char *out, size_t room)
{
	const char *at = line->text, *end = at + line->length;
	size_t n = 0;

	while (at < end) {
		if (*at == '\033' && at + 1 < end && at[1] == '[') {
			for (at += 2; at < end && (*at < '@' || *at > '~'); at++)
				;
			at += at < end;
		} else if (*at == '\r') {
			n = 0;
			at++;
		} else if (n < room) {
			out[n++] = *at++;
		} else {
			at++;
		}
	}
	return n;
}
