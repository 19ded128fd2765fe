#define _XOPEN_SOURCE 700 /* wcwidth(3) */
#include <string.h>
#include <wctype.h>

#include "epi-watch/canvas.h"
#include "report.h"
#include "stream.h"
#include "write.h"

enum { LETTER_BYTES = 4 };

void
canvas_clear(struct canvas *canvas, int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;

	if (canvas->room < count) {
		canvas->cells = report_resize(canvas->cells, count,
		    sizeof *canvas->cells);
		canvas->room = count;
	}
	canvas->rows = rows;
	canvas->columns = columns;
	for (size_t i = 0; i < count; i++)
		canvas->cells[i] = (struct cell){ L' ', PLAIN };
}

void
canvas_put(struct canvas *canvas, int row, int column, wchar_t letter,
    int face)
{
	if (row < 0 || row >= canvas->rows || column < 0 ||
	    column >= canvas->columns)
		return;
	canvas->cells[row * canvas->columns + column] =
	    (struct cell){ letter, (unsigned char)face };
}

/* The code point at text, with its length; 0xFFFD where there is none. */
static wchar_t
decode(const char *text, size_t *length)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t n = *at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
	wchar_t letter = n == 1 ? *at : *at & (0xFF >> (n + 1));

	*length = 1;
	if (strnlen(text, n) < n || !write_is_utf8(text, n))
		return 0xFFFD;
	for (size_t i = 1; i < n; i++)
		letter = letter << 6 | (at[i] & 0x3F);
	*length = n;
	return letter;
}

/* Marks that turn the direction of a text, and others that have no width. */
static bool
is_shown(wchar_t letter)
{
	return iswprint((wint_t)letter) && wcwidth(letter) > 0 &&
	    !(letter >= 0x200B && letter <= 0x200F) &&
	    !(letter >= 0x2028 && letter <= 0x202E) &&
	    !(letter >= 0x2060 && letter <= 0x206F) && letter != 0xFFFD;
}

/* The next letter of a text as it is shown, with its width. */
static wchar_t
next_letter(const char **text, int *width)
{
	size_t length;
	wchar_t letter = decode(*text, &length);

	*text += length;
	if (!is_shown(letter))
		letter = L'?';
	*width = letter < 0x80 ? 1 : wcwidth(letter);
	return letter;
}

int
canvas_text(struct canvas *canvas, int row, int column, int limit, int face,
    const char *text)
{
	while (*text) {
		int width;
		wchar_t letter = next_letter(&text, &width);

		if (column + width > limit)
			break;
		canvas_put(canvas, row, column, letter, face);
		if (width == 2)
			canvas_put(canvas, row, column + 1, 0, face);
		column += width;
	}
	return column;
}

int
canvas_width(const char *text)
{
	int width, sum = 0;

	while (*text) {
		next_letter(&text, &width);
		sum += width;
	}
	return sum;
}

void
canvas_right(struct canvas *canvas, int row, int column, int limit, int face,
    const char *text)
{
	int at = limit - canvas_width(text);

	canvas_text(canvas, row, at < column ? column : at, limit, face, text);
}

/* ---- large digits */

/* Five rows of three bits. */
static const char *const pixels[] = {
	"###" "# #" "# #" "# #" "###", " # " "## " " # " " # " "###",
	"###" "  #" "###" "#  " "###", "###" "  #" "###" "  #" "###",
	"# #" "# #" "###" "  #" "  #", "###" "#  " "###" "  #" "###",
	"###" "#  " "###" "# #" "###", "###" "  #" "  #" "  #" "  #",
	"###" "# #" "###" "# #" "###", "###" "# #" "###" "  #" "###",
	"   " "   " "###" "   " "   "
};

/* Three rows of strokes, where there are no half blocks. */
static const char *const strokes[] = {
	" _ " "| |" "|_|", "   " "  |" "  |", " _ " " _|" "|_ ",
	" _ " " _|" " _|", "   " "|_|" "  |", " _ " "|_ " " _|",
	" _ " "|_ " "|_|", " _ " "  |" "  |", " _ " "|_|" "|_|",
	" _ " "|_|" " _|", "   " " _ " "   "
};

static int
digit_of(char letter)
{
	return letter == '-' ? 10 : letter - '0';
}

static void
put_pixel(struct canvas *canvas, int row, int column, int scale, int face)
{
	for (int i = 0; i < scale; i++)
		canvas_put(canvas, row, column + i,
		    canvas->glyphs == ASCII ? L'#' : 0x2588, face);
}

static void
put_pixels(struct canvas *canvas, int row, int column, int scale, int face,
    const char *digit)
{
	for (int i = 0; i < 15; i++)
		if (digit[i] == '#')
			put_pixel(canvas, row + i / 3, column + i % 3 * scale,
			    scale, face);
}

/* Two rows of pixels in one of cells. */
static void
put_halves(struct canvas *canvas, int row, int column, int face,
    const char *digit)
{
	static const wchar_t halves[] = { L' ', 0x2580, 0x2584, 0x2588 };

	for (int i = 0; i < 9; i++) {
		int upper = i / 3 * 6 + i % 3, lower = upper + 3;
		int which = (digit[upper] == '#') +
		    (lower < 15 && digit[lower] == '#' ? 2 : 0);

		if (which)
			canvas_put(canvas, row + i / 3, column + i % 3,
			    halves[which], face);
	}
}

static void
put_digit(struct canvas *canvas, int row, int column, int face, char letter)
{
	const char *stroke = strokes[digit_of(letter)];

	if (canvas->glyphs != ASCII) {
		put_halves(canvas, row, column, face, pixels[digit_of(letter)]);
		return;
	}
	for (int i = 0; i < 9; i++)
		if (stroke[i] != ' ')
			canvas_put(canvas, row + i / 3, column + i % 3,
			    (unsigned char)stroke[i], face);
}

static void
put_point(struct canvas *canvas, int row, int column, int rows, int scale,
    int face)
{
	if (rows == 5)
		put_pixel(canvas, row + 4, column, scale, face);
	else
		canvas_put(canvas, row + 2, column,
		    canvas->glyphs == ASCII ? L'.' : 0x2580, face);
}

void
canvas_digits(struct canvas *canvas, int row, int column, int rows, int scale,
    int face, const char *number)
{
	for (; *number; number++) {
		if (*number == '.')
			put_point(canvas, row, column, rows, scale, face);
		else if (rows == 5)
			put_pixels(canvas, row, column, scale, face,
			    pixels[digit_of(*number)]);
		else
			put_digit(canvas, row, column, face, *number);
		column += (*number == '.' ? 2 : 4) * scale;
	}
}

int
canvas_digits_width(const char *number, int scale)
{
	int width = 0;

	for (; *number; number++)
		width += (*number == '.' ? 2 : 4) * scale;
	return width - scale;
}

/* ---- as text */

static char *
put_letter(char *at, wchar_t letter)
{
	uint32_t c = (uint32_t)letter;

	if (c < 0x80) {
		*at++ = (char)c;
	} else if (c < 0x800) {
		*at++ = (char)(0xC0 | c >> 6);
		*at++ = (char)(0x80 | (c & 0x3F));
	} else {
		if (c >= 0x10000)
			*at++ = (char)(0xF0 | c >> 18);
		*at++ = (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3F)
		    : 0xE0 | c >> 12);
		*at++ = (char)(0x80 | (c >> 6 & 0x3F));
		*at++ = (char)(0x80 | (c & 0x3F));
	}
	return at;
}

void
canvas_print(const struct canvas *canvas)
{
	for (int row = 0; row < canvas->rows; row++) {
		const struct cell *cells = canvas->cells + row * canvas->columns;
		char *at = stream_room((size_t)canvas->columns * LETTER_BYTES +
		    1);
		int end = canvas->columns;

		while (end > 0 && cells[end - 1].letter == L' ')
			end--;
		for (int i = 0; i < end; i++)
			if (cells[i].letter)
				at = put_letter(at, cells[i].letter);
		*at++ = '\n';
		stream_wrote(at);
		stream_record();
	}
}
