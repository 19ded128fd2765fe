/*
 * csv: the cells of one record of CSV (RFC 4180), and a cell back.
 *
 * A record is a line; where csv_open says that a quoted cell goes on, the next
 * line belongs to it too, and the caller hands both in as one text.
 * Floor: ground.  No allocation, no printing.
 */
#ifndef EPI_CSV_H
#define EPI_CSV_H

#include <stdbool.h>
#include <stddef.h>

/* A span of the line, without its quotes. */
struct csv_cell {
	const char *at;
	size_t length;
	bool quoted;
	bool doubled; /* holds "" where the text has " */
};

enum csv_kind {
	CSV_END,  /* the line is used up */
	CSV_CELL,
	CSV_BAD   /* a quote without its partner, or text behind a quoted cell */
};

/* The next cell of the line that ends at `end`; *at starts as its first byte
 * and is NULL after its last cell.  An empty line has one empty cell.  Blanks
 * around a cell are no part of it unless they are quoted. */
enum csv_kind csv_next(const char **at, const char *end, struct csv_cell *cell);

/* The same to the letter of RFC 4180, for texts: blanks are part of a cell. */
enum csv_kind csv_next_exact(const char **at, const char *end,
    struct csv_cell *cell);

/* Whether a quoted cell is open at the end of a line; `open`: one was at its
 * start.  Cells as csv_next_exact. */
bool csv_open(bool open, const char *line, size_t length);

/* The text of a cell into out[0..cell->length); returns its length. */
size_t csv_text(const struct csv_cell *cell, char *out);

/* A cell, in quotes where it needs them; at most 2 + 2 * length bytes.
 * Returns the position behind it. */
char *csv_write(char *at, const char *text, size_t length);

#endif
