/*
 * Any bytes as records of CSV: csv_open and csv_next_exact agree on whether a
 * quoted cell is cut, a cell's text is no longer than the cell, and a cell that
 * is written reads back as it was.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_cells(const char *text, size_t size, char *scratch)
{
	const char *at = text, *end = text + size;
	struct csv_cell cell;
	enum csv_kind kind;

	while ((kind = csv_next_exact(&at, end, &cell)) == CSV_CELL)
		must(csv_text(&cell, scratch) <= cell.length);
	if (csv_open(false, text, size))
		must(kind == CSV_BAD);
	at = text;
	while (csv_next(&at, end, &cell) == CSV_CELL)
		must(csv_text(&cell, scratch) <= cell.length);
}

static void
check_written(const char *text, size_t size, char *scratch)
{
	char *written = malloc(2 * size + 2), *end;
	const char *at = written;
	struct csv_cell cell;

	must(written);
	end = csv_write(written, text, size);
	must(csv_next_exact(&at, end, &cell) == CSV_CELL && !at &&
	    csv_text(&cell, scratch) == size &&
	    (size == 0 || memcmp(scratch, text, size) == 0));
	must(!csv_open(false, written, (size_t)(end - written)));
	free(written);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *scratch = malloc(size + 1);

	must(text && scratch);
	memcpy(text, data, size);
	check_cells(text, size, scratch);
	check_written(text, size, scratch);
	free(text);
	free(scratch);
	return 0;
}
