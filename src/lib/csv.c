#include <string.h>

#include "csv.h"

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Behind a cell: the start of the next one, NULL at the end of the line. */
static bool
leave(const char **at, const char *from, const char *end)
{
	while (from < end && blank(*from))
		from++;
	*at = from < end ? from + 1 : NULL;
	return from == end || *from == ',';
}

static enum csv_kind
quoted(const char **at, const char *from, const char *end,
    struct csv_cell *cell)
{
	cell->at = from;
	for (; from < end; from++) {
		if (*from != '"')
			continue;
		if (from + 1 == end || from[1] != '"')
			break;
		cell->doubled = true;
		from++;
	}
	cell->length = (size_t)(from - cell->at);
	return from < end && leave(at, from + 1, end) ? CSV_CELL : CSV_BAD;
}

enum csv_kind
csv_next(const char **at, const char *end, struct csv_cell *cell)
{
	const char *from = *at, *to;

	if (!from)
		return CSV_END;
	while (from < end && blank(*from))
		from++;
	cell->doubled = false;
	cell->quoted = from < end && *from == '"';
	if (cell->quoted)
		return quoted(at, from + 1, end, cell);
	to = memchr(from, ',', (size_t)(end - from));
	*at = to ? to + 1 : NULL;
	if (!to)
		to = end;
	while (to > from && blank(to[-1]))
		to--;
	cell->at = from;
	cell->length = (size_t)(to - from);
	return CSV_CELL;
}

size_t
csv_text(const struct csv_cell *cell, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < cell->length; i++) {
		out[n++] = cell->at[i];
		i += cell->doubled && cell->at[i] == '"';
	}
	return n;
}

static bool
plain(const char *text, size_t length)
{
	if (length && (blank(*text) || blank(text[length - 1])))
		return false;
	for (size_t i = 0; i < length; i++)
		if (text[i] == ',' || text[i] == '"' || text[i] == '\n' ||
		    text[i] == '\r')
			return false;
	return true;
}

char *
csv_write(char *at, const char *text, size_t length)
{
	if (plain(text, length)) {
		memcpy(at, text, length);
		return at + length;
	}
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"')
			*at++ = '"';
		*at++ = text[i];
	}
	*at++ = '"';
	return at;
}
