#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "import.h"
#include "json.h"
#include "report.h"

struct column {
	char *name;  /* "power.draw [W]" */
	char *stem;  /* "power.draw" */
	char *unit;  /* "W", inside stem; NULL: none */
	enum key key;
	bool is_ruled;
	char *label; /* of an EXTRA: ,"name": */
	struct factor factor;
	bool as_it_stands; /* a sample's value, in its unit */
};

/* The file's header. */
static struct {
	struct column *columns;
	size_t count;
	char *header; /* its line; NULL before it is read */
	size_t header_length;
	bool refused; /* it was of no use */
} table;

void
table_forget(void *state, const char *file, bool cut)
{
	struct import *im = state;

	(void)file;
	(void)cut;
	if (!table.header)
		return;
	for (size_t i = 0; i < table.count; i++) {
		free(table.columns[i].name);
		free(table.columns[i].stem);
		free(table.columns[i].label);
	}
	free(table.columns);
	free(table.header);
	table.columns = NULL;
	table.header = NULL;
	table.count = table.header_length = im->labels_length = 0;
	table.refused = false;
}

static bool
refuse_header(struct import *im, const char *what, const char *name)
{
	report_error("%s:%llu: %s \"%s\"", im->line->file,
	    (unsigned long long)im->line->line_number, what, name);
	table.refused = true;
	im->whole = false;
	return false;
}

/* "power.draw [W]": the unit inside the brackets, cut off; NULL: none. */
static char *
cut_unit(char *name)
{
	char *open = strrchr(name, '['), *close = strrchr(name, ']');

	if (!open || open == name || open[-1] != ' ' || !close ||
	    close < open || close[1])
		return NULL;
	open[-1] = *close = '\0';
	return open + 1;
}

static struct column *
find_column(const char *name)
{
	for (size_t i = 0; i < table.count; i++)
		if (strcmp(table.columns[i].name, name) == 0 ||
		    strcmp(table.columns[i].stem, name) == 0)
			return &table.columns[i];
	return NULL;
}

static bool
read_columns(struct import *im)
{
	const char *at = table.header, *end = at + table.header_length;
	struct csv_cell cell;
	enum csv_kind kind;

	if (table.header_length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
		at += 3;
	while ((kind = csv_next(&at, end, &cell)) == CSV_CELL) {
		char *name = report_copy(cell.at, cell.length), *stem;

		name[csv_text(&cell, name)] = '\0';
		stem = report_copy(name, strlen(name));
		table.columns = report_resize(table.columns, table.count + 1,
		    sizeof *table.columns);
		table.columns[table.count++] = (struct column){
			.name = name, .stem = stem, .unit = cut_unit(stem),
			.key = *name ? EXTRA : IGNORED, .factor = factor_one
		};
	}
	return kind == CSV_END ||
	    refuse_header(im, "a quote stands wrong in the header", "");
}

/* The unit of a column's name; one that is not known has to have a factor. */
static bool
apply_unit(struct import *im, struct column *column,
    const struct factor *factor)
{
	const struct factor *unit = quantity_unit(column->key, column->unit,
	    strlen(column->unit));
	bool one = factor->digits == 1 && factor->places == 0;

	if (!unit && one)
		return refuse_header(im, "unknown unit", column->unit);
	if (!unit)
		return true;
	factor = quantity_beside(factor, unit);
	if (!factor)
		return refuse_header(im, "a factor beside another unit",
		    column->unit);
	column->factor = *factor;
	return true;
}

/* A column that a rule names gets its key, unless that has one; a second key
 * would be lost. */
static bool
apply_rule(struct import *im, const struct rule *rule, unsigned *taken)
{
	struct column *column = find_column(
	    rule->path + (*rule->path == '.'));

	if (!column || (rule->key < KEYS && (*taken & 1u << rule->key)))
		return true;
	if (column->is_ruled)
		return refuse_header(im, "two keys want one column",
		    column->name);
	column->is_ruled = true;
	column->key = rule->key;
	column->factor = rule->factor;
	*taken |= 1u << rule->key;
	if (rule->key == EXTRA)
		column->label = rule_label(im, rule->name);
	return rule->key == EXTRA || !column->unit ||
	    apply_unit(im, column, &rule->factor);
}

/* A column under its own name, unless that would spoil the record. */
static void
keep_column(struct import *im, struct column *column)
{
	if (column->key != EXTRA || column->label)
		return;
	if (strcmp(column->name, "type") == 0)
		report_warning("%s: the column \"type\" is left out (--map "
		    "kind=type keeps it)", im->line->file);
	if (rule_key(column->name) == EXTRA &&
	    strcmp(column->name, "type") != 0)
		column->label = rule_label(im, column->name);
	else
		column->key = IGNORED;
}

/* The name under which the watts were looked for. */
static const char *
wanted_watts(const struct import *im)
{
	const struct rule *rule = im->rules;

	while (rule->key != WATTS)
		rule++;
	return rule->path + (*rule->path == '.');
}

/* Two columns that would be one member of the record, or of one name, of which
 * one is taken and nobody said which. */
static bool
is_one_key(const struct column *a, const struct column *b)
{
	if (a->label && b->label)
		return strcmp(a->label, b->label) == 0;
	return (a->key < KEYS || b->key < KEYS) &&
	    strcmp(a->name, b->name) == 0;
}

static bool
check_columns(struct import *im, unsigned taken)
{
	for (size_t i = 0; i < table.count; i++) {
		struct column *column = &table.columns[i];

		keep_column(im, column);
		column->as_it_stands = column->key < KEYS &&
		    column->factor.digits == 1 && column->factor.places == 0;
		for (size_t k = 0; k < i; k++)
			if (is_one_key(&table.columns[k], column))
				return refuse_header(im, "two columns",
				    column->name);
	}
	if (!(taken & 1u << WATTS))
		return refuse_header(im, "the header has no column",
		    wanted_watts(im));
	if (!(taken & 1u << TIMESTAMP) && !im->now)
		return refuse_header(im, "without --now the header wants a "
		    "column", "timestamp");
	return true;
}

static bool
read_header(struct import *im)
{
	unsigned taken = 0;

	table.header_length = im->line->length;
	table.header = report_copy(im->line->text, im->line->length);
	if (!read_columns(im))
		return false;
	for (size_t i = 0; i < im->rule_count; i++)
		if (!apply_rule(im, &im->rules[i], &taken))
			return false;
	im->extras = report_resize(im->extras, table.count,
	    sizeof *im->extras);
	return check_columns(im, taken);
}

/* A cell of a column that is no sample's: a number where it is one. */
static void
take_extra(struct import *im, const struct column *column,
    const struct csv_cell *cell)
{
	size_t length = cell->length;
	size_t unit = column->unit ? strlen(column->unit) : 0;
	struct extra *extra;
	int64_t ignored;

	if (reading_missing(cell->at, cell->length))
		return;
	if (unit && length > unit + 1 && cell->at[length - unit - 1] == ' ' &&
	    memcmp(cell->at + length - unit, column->unit, unit) == 0)
		length -= unit + 1;
	extra = reading_extra(im, column->label, cell->at, length);
	if (!cell->quoted &&
	    json_decimal_text(cell->at, length, 0, &ignored))
		return;
	extra->is_text = true;
	extra->text = im->scratch + im->scratch_filled;
	extra->length = csv_text(cell, im->scratch + im->scratch_filled);
	im->scratch_filled += extra->length;
}

static bool
take_cell(struct import *im, struct reading *r, const struct column *column,
    const struct csv_cell *cell)
{
	char name[SAMPLE_NODE_MAX + 1];
	size_t length;

	if (column->key == IGNORED)
		return true;
	if (column->key == EXTRA) {
		take_extra(im, column, cell);
		return true;
	}
	if (!cell->doubled || cell->length > SAMPLE_NODE_MAX)
		return reading_fill(im, r, column->key, &column->factor,
		    cell->at, cell->length);
	length = csv_text(cell, name); /* with a quote: no plain value */
	name[length] = '\0';
	return reading_fill(im, r, column->key, &column->factor, name, length);
}

/* A cell that is written as it stands, which is found out on the way to its
 * end; false: it has to be taken apart. */
static bool
pass_cell(struct import *im, struct reading *r, const struct column *column,
    const char **at, const char *end)
{
	const char *to;

	if (!*at || !column->as_it_stands)
		return false;
	to = plain_take(im, r, column->key, *at, end);
	if (!to || (to < end && *to != ',')) {
		plain_drop(r, column->key);
		return false;
	}
	*at = to < end ? to + 1 : NULL;
	return true;
}

static bool
take_row(struct import *im, struct reading *r)
{
	const char *at = im->line->text, *end = at + im->line->length;
	struct csv_cell cell;
	enum csv_kind kind;
	size_t i = 0;

	reading_clear(im, r);
	while (i < table.count &&
	    pass_cell(im, r, &table.columns[i], &at, end))
		i++;
	while ((kind = csv_next(&at, end, &cell)) == CSV_CELL) {
		if (i == table.count)
			return reading_malformed(im,
			    "more cells than the header has");
		if (!take_cell(im, r, &table.columns[i++], &cell))
			return false;
	}
	if (kind == CSV_BAD)
		return reading_malformed(im, "a quote stands wrong");
	if (i < table.count)
		return reading_malformed(im, "fewer cells than the header has");
	return reading_complete(im, r);
}

static bool
is_decimal(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether it is the name of a column of watts, its unit behind it or not. */
static bool
is_watts(const struct import *im, const struct csv_cell *cell)
{
	if (cell->length == 0 || is_decimal(*cell->at))
		return false;
	for (size_t i = 0; i < im->rule_count; i++) {
		const char *name = im->rules[i].path;
		size_t length;

		if (im->rules[i].key != WATTS)
			continue;
		name += *name == '.';
		length = strlen(name);
		if (length && cell->length >= length &&
		    memcmp(cell->at, name, length) == 0 &&
		    (cell->length == length || cell->at[length] == ' '))
			return true;
	}
	return false;
}

/* Whether a cell of the column of watts is of a row: a reading, or none. */
static bool
is_reading(const struct column *column, const struct csv_cell *cell)
{
	int64_t ignored;

	return column->key == WATTS && (reading_missing(cell->at,
	    cell->length) || quantity_read(WATTS, &column->factor, cell->at,
	    cell->length, &ignored));
}

/* Whether the line is a header: it names the watts, and has none, as the row of a
 * node has that is called as they are.  Most rows start with the digit of their
 * time. */
static bool
is_header(const struct import *im)
{
	const char *at = im->line->text, *end = at + im->line->length;
	struct csv_cell cell;
	bool names = false;

	if (is_decimal(*at))
		return false;
	for (size_t i = 0; csv_next(&at, end, &cell) == CSV_CELL; i++) {
		if (i < table.count && is_reading(&table.columns[i], &cell))
			return false;
		names = names || is_watts(im, &cell);
	}
	return names;
}

/* A header stands again where files were put together, and where it is another one
 * the columns behind it are its own. */
void
table_take(struct import *im)
{
	bool again = table.header &&
	    im->line->length == table.header_length && memcmp(
	    im->line->text, table.header, table.header_length) == 0;

	if (table.refused || again)
		return;
	if (table.header && is_header(im))
		table_forget(im, NULL, false);
	if (!table.header)
		read_header(im);
	else if (take_row(im, im->group))
		record_put(im, im->group, 1);
}
