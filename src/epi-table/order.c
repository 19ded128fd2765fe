#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "epi-table/table.h"
#include "report.h"

static bool
are_repetitions(const struct row *a, const struct row *b)
{
	return !a->joined && !b->joined &&
	    strcmp(a->configuration, b->configuration) == 0;
}

/* qsort's comparison has no state of its own. */
static const struct table *sorted;

static int
by_cost(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	double cost = sorted->rows[x].cells[PER_TOKEN].value -
	    sorted->rows[y].cells[PER_TOKEN].value;

	if (cost != 0)
		return cost > 0 ? 1 : -1;
	return (x > y) - (x < y);
}

/* Of the rows of one configuration, from `first` on, the median stays; the
 * others have no runs any more. */
static void
keep_median(struct table *table, size_t first, size_t *same)
{
	size_t count = 0;

	for (size_t i = first; i < table->count; i++)
		if (are_repetitions(&table->rows[first], &table->rows[i]))
			same[count++] = i;
	qsort(same, count, sizeof *same, by_cost);
	for (size_t i = 0; i < count; i++)
		table->rows[same[i]].runs = i == (count - 1) / 2 ? count : 0;
}

static void
choose_medians(struct table *table)
{
	size_t *same = report_resize(NULL, table->count, sizeof *same);
	bool *seen = report_resize(NULL, table->count, sizeof *seen);
	size_t left = 0;

	memset(seen, 0, table->count * sizeof *seen);
	for (size_t i = 0; i < table->count; i++) {
		for (size_t j = 0; j < i; j++)
			seen[i] = seen[i] || are_repetitions(&table->rows[j],
			    &table->rows[i]);
		if (!seen[i] && !table->rows[i].joined)
			keep_median(table, i, same);
	}
	for (size_t i = 0; i < table->count; i++) {
		if (table->rows[i].runs > 0)
			table->rows[left++] = table->rows[i];
		else
			row_clear(&table->rows[i]);
	}
	table->count = left;
	free(same);
	free(seen);
}

static int
by_number(double a, double b)
{
	if (isnan(a) || isnan(b))
		return isnan(a) - isnan(b);
	return sorted->falling ? (a < b) - (a > b) : (a > b) - (a < b);
}

/* The columns of benchmarks, whatever their shots: no key has them. */
static const struct {
	const char *word;
	enum figure figure;
} benchmarks[] = {
	{ "mmlu", MMLU }, { "arc-c", ARC_CHALLENGE }, { "hswag", HELLASWAG }
};

enum { BENCHMARKS = sizeof benchmarks / sizeof *benchmarks };

static double
number_of(const struct row *row)
{
	for (int i = 0; i < BENCHMARKS; i++)
		if (strcmp(sorted->sort, benchmarks[i].word) == 0)
			return row->cells[benchmarks[i].figure].value;
	return result_number(&row->result, sorted->sort);
}

static int
by_key(const struct row *a, const struct row *b)
{
	char *x = row_text(&a->result, sorted->sort);
	char *y = row_text(&b->result, sorted->sort);
	int order = !x || !y ? !x - !y
	    : sorted->falling ? strcmp(y, x) : strcmp(x, y);

	free(x);
	free(y);
	return order != 0 ? order : by_number(number_of(a), number_of(b));
}

static int
by_group_and_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	if (order == 0)
		order = by_key(x, y);
	if (order == 0)
		order = strcmp(x->model, y->model);
	if (order == 0)
		order = strcmp(x->quant, y->quant);
	return order != 0 ? order : (x->input > y->input) -
	    (x->input < y->input);
}

void
order_rows(struct table *table)
{
	if (table->count == 0)
		return;
	sorted = table;
	choose_medians(table);
	qsort(table->rows, table->count, sizeof *table->rows,
	    by_group_and_key);
}

const char *
order_key(const char *word)
{
	static const struct {
		const char *word, *path;
	} columns[] = {
		{ "quant", "quantization" },
		{ "j/token", "energy.joules_per_token" },
		{ "accuracy", "accuracy.composite" },
		{ "epi", "epi.value" },
		{ "model", "model" }
	};

	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		if (strcasecmp(word, columns[i].word) == 0)
			return columns[i].path;
	for (int i = 0; i < BENCHMARKS; i++)
		if (strcasecmp(word, benchmarks[i].word) == 0)
			return benchmarks[i].word;
	return word;
}
