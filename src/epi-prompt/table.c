/* table: MMLU's questions, from CSV: a question, four choices, the answer; the
 * first row may be a header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "epi-prompt/prompt.h"
#include "report.h"

enum { CELLS = 6, TABLE_CHOICES = 4 };

/* Six cells; NULL, or what is wrong. */
static const char *
cut(const char *record, size_t length, char *cells[CELLS])
{
	const char *at = record, *end = record + length, *wrong = NULL;
	struct csv_cell cell;
	enum csv_kind kind;
	int count = 0;

	while ((kind = csv_next_exact(&at, end, &cell)) == CSV_CELL &&
	    count < CELLS) {
		char *text = report_resize(NULL, cell.length + 1, 1);

		cells[count] = text_copy(text, csv_text(&cell, text), &wrong);
		free(text);
		if (wrong)
			return wrong;
		count++;
	}
	if (kind == CSV_BAD)
		return "a quoted cell is cut, or text stands behind it";
	return kind == CSV_END && count == CELLS ? NULL
	    : "not six cells: a question, four choices, the answer";
}

/* A letter, or its place from 0; -1: neither. */
static int
gold_of(const char *text)
{
	if (strlen(text) != 1)
		return -1;
	if (*text >= 'A' && *text < 'A' + TABLE_CHOICES)
		return *text - 'A';
	return *text >= '0' && *text < '0' + TABLE_CHOICES ? *text - '0' : -1;
}

static char *
row_id(const struct reader *reader, size_t row)
{
	char number[24];

	snprintf(number, sizeof number, "%zu", row);
	return find_join(reader->stratum, number);
}

static void
free_cells(char *cells[CELLS])
{
	for (int i = 0; i < CELLS; i++)
		free(cells[i]);
}

static void
take_record(struct reader *reader, const char *record, size_t length,
    const char *file, uint64_t line)
{
	char *cells[CELLS] = { NULL };
	const char *wrong = cut(record, length, cells);
	struct question *question;
	bool first = !reader->header_seen;

	reader->header_seen = true;
	if (!wrong && first && strcmp(cells[5], "answer") == 0) {
		free_cells(cells);
		return;
	}
	if (!wrong && gold_of(cells[5]) < 0)
		wrong = "the answer is not one of A to D or 0 to 3";
	if (wrong) {
		reader->rows++;
		report_malformed(file, line, "%s", wrong);
		free_cells(cells);
		return;
	}
	question = question_add(reader->into);
	question->id = row_id(reader, reader->rows++);
	question->stratum = reader->stratum;
	question->text = text_strip(cells[0]);
	question->choice_count = TABLE_CHOICES;
	question->choices = report_resize(NULL, TABLE_CHOICES, sizeof *cells);
	memcpy(question->choices, cells + 1, TABLE_CHOICES * sizeof *cells);
	question->gold = gold_of(cells[5]);
	free(cells[5]);
}

/* A line of a record that goes on, with a newline before it but for the
 * first. */
static void
keep(struct reader *reader, const struct feed_line *line)
{
	size_t need = reader->pending_length + line->length + 1;

	if (need > reader->pending_room) {
		reader->pending_room = 2 * need;
		reader->pending = report_resize(reader->pending, 2 * need, 1);
	}
	if (reader->pending_length > 0)
		reader->pending[reader->pending_length++] = '\n';
	else
		reader->pending_line = line->line_number;
	memcpy(reader->pending + reader->pending_length, line->text,
	    line->length);
	reader->pending_length += line->length;
}

/* A byte order mark before the first cell is none of its text. */
static struct feed_line
without_mark(struct feed_line line)
{
	static const char mark[] = "\xef\xbb\xbf";

	if (line.line_number == 1 && line.length >= sizeof mark - 1 &&
	    memcmp(line.text, mark, sizeof mark - 1) == 0) {
		line.text += sizeof mark - 1;
		line.length -= sizeof mark - 1;
	}
	return line;
}

void
table_take(void *state, const struct feed_line *line)
{
	struct reader *reader = state;
	struct feed_line plain = without_mark(*line);
	bool was_open = reader->open;

	line = &plain;
	if (reader->into->count == reader->most ||
	    (line->length == 0 && !was_open))
		return;
	reader->open = csv_open(was_open, line->text, line->length);
	if (!was_open && !reader->open) {
		take_record(reader, line->text, line->length, line->file,
		    line->line_number);
		return;
	}
	keep(reader, line);
	if (reader->open)
		return;
	take_record(reader, reader->pending, reader->pending_length,
	    line->file, reader->pending_line);
	reader->pending_length = 0;
}

void
table_end(struct reader *reader, const char *file)
{
	if (reader->open)
		report_malformed(file, reader->pending_line,
		    "a quoted cell never ends");
	free(reader->pending);
}
