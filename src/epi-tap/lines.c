#include <string.h>

#include "epi-tap/lines.h"

char *
lines_room(struct lines *lines)
{
	return lines->buffer + lines->filled;
}

static void
give(struct lines *lines, const char *text, size_t length, lines_take *take,
    void *user)
{
	if (length && text[length - 1] == '\r')
		length--;
	if (!lines->skipping)
		take(user, text, length, lines->line);
	lines->skipping = false;
	lines->line++;
}

void
lines_came(struct lines *lines, size_t count, lines_take *take, void *user)
{
	char *from = lines->buffer, *end = from + lines->filled + count;
	char *newline;

	while ((newline = memchr(from, '\n', (size_t)(end - from)))) {
		give(lines, from, (size_t)(newline - from), take, user);
		from = newline + 1;
	}
	lines->filled = (size_t)(end - from);
	if (lines->filled > LINES_MOST && !lines->skipping) {
		take(user, NULL, 0, lines->line);
		lines->skipping = true;
	}
	if (lines->skipping)
		lines->filled = 0;
	memmove(lines->buffer, from, lines->filled);
}

void
lines_end(struct lines *lines, lines_take *take, void *user)
{
	if (lines->filled)
		give(lines, lines->buffer, lines->filled, take, user);
	lines->filled = 0;
}
