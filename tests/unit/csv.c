/* Texts in CSV: RFC 4180's own examples, and what is none of them. */
#include <string.h>

#include "csv.h"
#include "unit.h"

/* The cells of a record, each in brackets; what ends it early as "!". */
static const char *
cells(const char *record)
{
	static char out[256];
	const char *at = record, *end = record + strlen(record);
	struct csv_cell cell;
	enum csv_kind kind;
	size_t n = 0;

	while ((kind = csv_next_exact(&at, end, &cell)) == CSV_CELL) {
		out[n++] = '[';
		n += csv_text(&cell, out + n);
		out[n++] = ']';
	}
	strcpy(out + n, kind == CSV_BAD ? "!" : "");
	return out;
}

static const struct {
	const char *record, *cells;
} records[] = {
	{ "aaa,bbb,ccc", "[aaa][bbb][ccc]" },
	{ "\"aaa\",\"b\nbb\",\"ccc\"", "[aaa][b\nbb][ccc]" },
	{ "\"aaa\",\"b\"\"bb\",\"ccc\"", "[aaa][b\"bb][ccc]" },
	{ " a ,\" b \",", "[ a ][ b ][]" },
	{ "", "[]" },
	{ "a\"b\"\"c, \"d\"", "[a\"b\"\"c][ \"d\"]" },
	{ "\"\"\"\"", "[\"]" },
	{ "\"a\" ,b", "!" },
	{ "a,\"b", "[a]!" }
};

static const struct {
	const char *line;
	bool before, after;
} lines[] = {
	{ "a,\"b\",c", false, false },
	{ "a,\"b", false, true },
	{ "b", true, true },
	{ "", true, true },
	{ "b,\"\"c", true, true },
	{ "b\",c", true, false },
	{ "b\",\"c", true, true },
	{ "a\"b, \"c", false, false },
	{ "a\"\"b", false, false },
	{ "\"a\"\"\"", false, false },
	{ "\"\"\"", false, true }
};

int
main(void)
{
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		is(strcmp(cells(records[i].record), records[i].cells) == 0,
		    "record %zu has the cells that it should", i);
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		is(csv_open(lines[i].before, lines[i].line,
		    strlen(lines[i].line)) == lines[i].after,
		    "line %zu leaves a cell %s", i,
		    lines[i].after ? "open" : "closed");
	return unit_finish();
}
