/*
 * canvas: a page of cells, which a terminal or plain text can show.
 *
 * Whatever is put outside is cut off.  Text is UTF-8 from anywhere: control
 * characters, what is not UTF-8 and what the locale cannot show become '?', so
 * nothing in it acts on a terminal.
 */
#ifndef EPI_WATCH_CANVAS_H
#define EPI_WATCH_CANVAS_H

#include <stddef.h>
#include <wchar.h>

enum glyphs { BRAILLE, BLOCKS, ASCII };

enum face {
	PLAIN = 0, BOLD = 1, REVERSE = 2,
	RED = 4, GREEN = 8, CYAN = 16, YELLOW = 32 /* one of them */
};

struct cell {
	wchar_t letter; /* 0: the right half of a wide one */
	unsigned char face;
};

struct canvas {
	int rows, columns;
	enum glyphs glyphs;
	struct cell *cells;
	size_t room;
};

/* Empty, of that size. */
void canvas_clear(struct canvas *canvas, int rows, int columns);

void canvas_put(struct canvas *canvas, int row, int column, wchar_t letter,
    int face);

/* Returns the column behind the text, which ends before `limit`. */
int canvas_text(struct canvas *canvas, int row, int column, int limit,
    int face, const char *text);

/* The text ends before `limit`, and begins at or after `column`. */
void canvas_right(struct canvas *canvas, int row, int column, int limit,
    int face, const char *text);

/* Columns that a text takes. */
int canvas_width(const char *text);

/* A number in large digits, "-12.3", of 3 rows or of 5, which may be twice as
 * wide (scale 2); and the columns that they take. */
void canvas_digits(struct canvas *canvas, int row, int column, int rows,
    int scale, int face, const char *number);
int canvas_digits_width(const char *number, int scale);

/* Writes it on standard output, spaces at ends of lines left out. */
void canvas_print(const struct canvas *canvas);

#endif
