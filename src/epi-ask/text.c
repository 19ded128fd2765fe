#include <nettle/sha2.h>
#include <stdlib.h>
#include <string.h>

#include "epi-ask/text.h"
#include "report.h"
#include "write.h"

char *
text_room(struct text *text, size_t length)
{
	size_t room = text->room ? text->room : 1024;

	while (room - text->length < length)
		room *= 2;
	if (room != text->room) {
		text->at = report_resize(text->at, room + TEXT_BEHIND, 1);
		memset(text->at + text->length, 0,
		    room + TEXT_BEHIND - text->length);
		text->room = room;
	}
	return text->at + text->length;
}

void
text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ 0 };
}

void
text_add(struct text *text, const char *bytes, size_t length)
{
	char *at = text_room(text, length);

	if (length)
		memcpy(at, bytes, length);
	text->length += length;
}

void
text_say(struct text *text, const char *words)
{
	text_add(text, words, strlen(words));
}

const char *
text_end(struct text *text)
{
	*text_room(text, 1) = '\0';
	return text->at;
}

static void
wrote(struct text *text, const char *end)
{
	text->length = (size_t)(end - text->at);
}

void
text_quote(struct text *text, const char *bytes, size_t length)
{
	wrote(text, write_string(text_room(text, 6 * length + 2), bytes,
	    length));
}

void
text_string(struct text *text, const char *words)
{
	if (words)
		text_quote(text, words, strlen(words));
	else
		text_say(text, "null");
}

void
text_key(struct text *text, const char *key)
{
	if (text->length && text->at[text->length - 1] != '{')
		text_say(text, ",");
	text_string(text, key);
	text_say(text, ":");
}

void
text_integer(struct text *text, int64_t value)
{
	wrote(text, write_integer(text_room(text, WRITE_INTEGER), value));
}

void
text_double(struct text *text, double value)
{
	wrote(text, write_double(text_room(text, WRITE_DOUBLE), value));
}

void
text_time(struct text *text, int64_t ns)
{
	wrote(text, write_decimal(text_room(text, WRITE_DECIMAL), ns, 9, 6));
}

void
text_count(struct text *text, int64_t count)
{
	if (count < 0)
		text_say(text, "null");
	else
		text_integer(text, count);
}

void
text_sha256(const struct text *text, char hex[TEXT_SHA256])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx context;

	sha256_init(&context);
	sha256_update(&context, text->length, (const uint8_t *)text->at);
	sha256_digest(&context, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++) {
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	hex[2 * sizeof digest] = '\0';
}
