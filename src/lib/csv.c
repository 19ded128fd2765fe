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

/* The cell behind its opening quote, up to the closing one; where that is, or
 * `end`. */
static const char *
quoted_end(const char *from, const char *end, struct csv_cell *cell)
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
	return from;
}

static enum csv_kind
quoted(const char **at, const char *from, const char *end,
    struct csv_cell *cell)
{
	from = quoted_end(from, end, cell);
	return from < end && leave(at, from + 1, end) ? CSV_CELL : CSV_BAD;
}

/* An unquoted cell, and where it ends. */
static const char *
bare(const char **at, const char *from, const char *end, struct csv_cell *cell)
{
	const char *to = memchr(from, ',', (size_t)(end - from));

	*at = to ? to + 1 : NULL;
	if (!to)
		to = end;
	cell->at = from;
	cell->length = (size_t)(to - from);
	return to;
}

enum csv_kind
csv_next_exact(const char **at, const char *end, struct csv_cell *cell)
{
	const char *from = *at;

	if (!from)
		return CSV_END;
	cell->doubled = false;
	cell->quoted = from < end && *from == '"';
	if (!cell->quoted) {
		bare(at, from, end, cell);
		return CSV_CELL;
	}
	from = quoted_end(from + 1, end, cell);
	if (from == end || (from + 1 < end && from[1] != ','))
		return CSV_BAD;
	*at = from + 1 < end ? from + 2 : NULL;
	return CSV_CELL;
}

bool
csv_open(bool open, const char *line, size_t length)
{
	enum { START, BARE, OPEN, CLOSED } cell = open ? OPEN : START;

	for (size_t i = 0; i < length; i++)
		if (line[i] == '"' && cell != BARE)
			cell = cell == OPEN ? CLOSED : OPEN;
		else if (line[i] == ',' && cell != OPEN)
			cell = START;
		else if (cell != OPEN)
			cell = BARE;
	return cell == OPEN;
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
	to = bare(at, from, end, cell);
	while (to > from && blank(to[-1]))
		to--;
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
