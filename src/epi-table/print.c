#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "epi-table/table.h"
#include "report.h"
#include "write.h"

static const char *const headers[FIGURES] = {
	"J/Token", "MMLU", "ARC-C", "HSwag", "Accuracy", "EPI", "Token/J",
	"" /* the currency's */
};

/* How a format writes. */
struct style {
	void (*text)(FILE *out, const char *text);
	const char *plus_minus, *unknown;
	const char *number[2]; /* around a number */
};

/* ---- texts, so that nothing in them is markup */

static void
put_escaped(FILE *out, const char *text, const char *const from[],
    const char *const to[])
{
	for (; *text; text++) {
		size_t i = 0;

		while (from[i] && *from[i] != *text)
			i++;
		if (from[i])
			fputs(to[i], out);
		else
			putc(*text, out);
	}
}

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

static void
text_html(FILE *out, const char *text)
{
	static const char *const from[] = { "&", "<", ">", "\"", "'", NULL };
	static const char *const to[] = {
		"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"
	};

	put_escaped(out, text, from, to);
}

/* Entities for < > &, so that no mark of --into can stand in a cell; an
 * underscore within a word is none of Markdown's. */
static void
text_markdown(FILE *out, const char *text)
{
	static const char *const from[] = { "&", "<", ">", "\\", "`", "*",
		"_", "[", "]", "|", "~", "$", NULL };
	static const char *const to[] = { "&amp;", "&lt;", "&gt;", "\\\\",
		"\\`", "\\*", "\\_", "\\[", "\\]", "\\|", "\\~", "\\$" };
	char before = ' ';

	for (; *text; before = *text++) {
		char one[] = { *text, '\0' };

		if (*text == '_' && is_word(before) && is_word(text[1]))
			putc('_', out);
		else
			put_escaped(out, one, from, to);
	}
}

static void
text_latex(FILE *out, const char *text)
{
	static const char *const from[] = { "\\", "{", "}", "$", "&", "#",
		"%", "_", "^", "~", "<", ">", "|", "\"", "-", NULL };
	static const char *const to[] = { "\\textbackslash{}", "\\{", "\\}",
		"\\$", "\\&", "\\#", "\\%", "\\_", "\\textasciicircum{}",
		"\\textasciitilde{}", "\\textless{}", "\\textgreater{}",
		"\\textbar{}", "\\textquotedbl{}", "-{}" };

	for (; *text; text++) {
		char one[] = { *text, '\0' };

		if (strncmp(text, "\u00b1", 2) == 0) {
			fputs("$\\pm$", out);
			text++;
		} else if (*text == '-' && text[1] != '-') {
			putc('-', out);
		} else {
			put_escaped(out, one, from, to);
		}
	}
}

static void
text_csv(FILE *out, const char *text)
{
	size_t length = strlen(text);
	char *cell = report_resize(NULL, 2 * length + 2, 1);

	fwrite(cell, 1, (size_t)(csv_write(cell, text, length) - cell), out);
	free(cell);
}

static const struct style styles[] = {
	[MARKDOWN] = { text_markdown, " \u00b1 ", "\u2013", { "", "" } },
	[CSV] = { text_csv, ",", "", { "", "" } },
	[LATEX] = { text_latex, " \\pm ", "--", { "$", "$" } },
	[HTML] = { text_html, " \u00b1 ", "\u2013", { "", "" } }
};

/* ---- figures */

/* A value as far as the two digits of an uncertainty go, and these; or the
 * value alone. */
static void
split_uncertain(double value, double u, char text[WRITE_UNCERTAIN + 1],
    char **uncertainty)
{
	static const char between[] = " +- ";
	char *at;

	*write_uncertain(text, value, u) = '\0';
	at = strstr(text, between);
	*at = '\0';
	*uncertainty = at + strlen(between);
}

static void
put_value(FILE *out, double value, double u)
{
	char text[WRITE_UNCERTAIN + 1], *uncertainty;

	split_uncertain(value, u, text, &uncertainty);
	fputs(text, out);
}

static void
put_interval(FILE *out, const struct cell *cell)
{
	double half = (cell->high - cell->low) / 2;

	put_value(out, cell->value, half);
	fputs(" [", out);
	put_value(out, cell->low, half);
	fputs(", ", out);
	put_value(out, cell->high, half);
	putc(']', out);
}

/* Unknown is a dash, of unknown uncertainty four digits. */
static void
put_cell(FILE *out, const struct cell *cell, const struct style *style)
{
	char text[WRITE_UNCERTAIN + 1], *uncertainty;

	if (isnan(cell->value)) {
		fputs(style->unknown, out);
		return;
	}
	fputs(style->number[0], out);
	if (!isnan(cell->low)) {
		put_interval(out, cell);
	} else if (!isfinite(cell->expanded) || cell->expanded < 0) {
		fprintf(out, "%.4g", cell->value);
	} else if (cell->expanded == 0) {
		fprintf(out, "%.6g%s0", cell->value, style->plus_minus);
	} else {
		split_uncertain(cell->value, cell->expanded, text,
		    &uncertainty);
		fprintf(out, "%s%s%s", text, style->plus_minus, uncertainty);
	}
	fputs(style->number[1], out);
}

static void
put_header(FILE *out, const struct table *table, enum figure figure,
    const struct style *style)
{
	char text[160];

	snprintf(text, sizeof text, "%s/Mtoken", table->currency);
	style->text(out, figure == PRICE ? text : headers[figure]);
}

static void
put_model(FILE *out, const struct row *row, const struct style *style)
{
	style->text(out, row->model);
	if (row->simulated)
		fputs(" (SIMULATED)", out);
}

static bool
starts_group(const struct table *table, size_t i)
{
	return i == 0 || strcmp(table->rows[i].group,
	    table->rows[i - 1].group) != 0;
}

static int
count_columns(const struct table *table)
{
	int count = 2;

	for (int f = 0; f < FIGURES; f++)
		count += table->shown[f];
	return count;
}

/* ---- Markdown (GitHub's tables) */

static void
start_markdown(FILE *out, const struct table *table, size_t i)
{
	const struct style *style = &styles[MARKDOWN];

	if (i > 0)
		putc('\n', out);
	if (*table->rows[i].group) {
		fputs("**", out);
		style->text(out, table->rows[i].group);
		fputs("**\n\n", out);
	}
	fputs("| Model | Quant |", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f]) {
			putc(' ', out);
			put_header(out, table, f, style);
			fputs(" |", out);
		}
	fputs("\n| :--- | :--- |", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f])
			fputs(" ---: |", out);
	putc('\n', out);
}

static void
print_markdown(FILE *out, const struct table *table,
    const struct sentences *notes)
{
	const struct style *style = &styles[MARKDOWN];

	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (starts_group(table, i))
			start_markdown(out, table, i);
		fputs("| ", out);
		put_model(out, row, style);
		fputs(" | ", out);
		style->text(out, row->quant);
		fputs(" |", out);
		for (int f = 0; f < FIGURES; f++)
			if (table->shown[f]) {
				putc(' ', out);
				put_cell(out, &row->cells[f], style);
				fputs(" |", out);
			}
		putc('\n', out);
	}
	putc('\n', out);
	for (size_t i = 0; i < notes->count; i++) {
		fputs("- ", out);
		style->text(out, notes->text[i]);
		putc('\n', out);
	}
}

/* ---- CSV (RFC 4180, its line ends too), for machines: value and uncertainty
 * have columns of their own, and so has everything that a note says of a row */

static void
print_csv_header(FILE *out, const struct table *table)
{
	const struct style *style = &styles[CSV];

	for (char *const *key = table->by; key && *key; key++) {
		text_csv(out, *key);
		putc(',', out);
	}
	fputs("Model,Quant", out);
	for (int f = 0; f < FIGURES; f++)
		for (int u = 0; u < 2; u++)
			if (table->shown[f]) {
				fputs(u ? ",U " : ",", out);
				put_header(out, table, f, style);
			}
	fputs(",EPI low,EPI high,k,Runs,Spread,Evidence,Run\r\n", out);
}

/* ",value,uncertainty"; nothing between the commas where it is unknown. */
static void
put_csv_cell(FILE *out, const struct cell *cell)
{
	putc(',', out);
	if (isnan(cell->value)) {
		putc(',', out);
		return;
	}
	if (!isnan(cell->low)) {
		put_value(out, cell->value, (cell->high - cell->low) / 2);
		putc(',', out);
		return;
	}
	put_cell(out, cell, &styles[CSV]);
	if (!isfinite(cell->expanded) || cell->expanded < 0)
		putc(',', out);
}

static void
put_csv_ends(FILE *out, const struct row *row)
{
	struct json_value ends = result_at(&row->result, "ci95"), end;
	const char *cursor = NULL;
	double number;

	for (int i = 0; i < 2; i++) {
		putc(',', out);
		if (json_element(&ends, &cursor, &end) &&
		    json_double(&end, &number))
			fprintf(out, "%.6g", number);
	}
	if (isnan(row->cells[EPI].k))
		putc(',', out);
	else
		fprintf(out, ",%.2f", row->cells[EPI].k);
}

static void
put_csv_member(FILE *out, const struct result *result, const char *path)
{
	struct json_value value = result_at(result, path);
	char *text = row_text(result, path);

	if (value.kind == JSON_NUMBER)
		fprintf(out, "%.*s", (int)value.length, value.at);
	else if (text)
		text_csv(out, text);
	free(text);
}

static void
print_csv(FILE *out, const struct table *table)
{
	print_csv_header(out, table);
	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];
		char *evidence = row_text(&row->result, "evidence");

		for (char *const *key = table->by; key && *key; key++) {
			put_csv_member(out, &row->result, *key);
			putc(',', out);
		}
		text_csv(out, row->model);
		putc(',', out);
		text_csv(out, row->quant);
		for (int f = 0; f < FIGURES; f++)
			if (table->shown[f])
				put_csv_cell(out, &row->cells[f]);
		put_csv_ends(out, row);
		fprintf(out, ",%zu,%s,", row->runs, row->runs == 1 ? ""
		    : row->joined ? "joined" : "left out");
		text_csv(out, row->simulated ? "SIMULATED"
		    : evidence ? evidence : "");
		putc(',', out);
		put_csv_member(out, &row->result, "run_metadata.run_id");
		fputs("\r\n", out);
		free(evidence);
	}
}

/* ---- LaTeX */

static void
start_latex(FILE *out, const struct table *table)
{
	const struct style *style = &styles[LATEX];

	fputs("% wants \\usepackage{booktabs} and \\usepackage[T1]{fontenc}\n"
	    "\\begin{tabular}{ll", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f])
			putc('r', out);
	fputs("}\n\\toprule\nModel & Quant", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f]) {
			fputs(" & ", out);
			put_header(out, table, f, style);
		}
	fputs(" \\\\\n", out);
}

static void
print_latex(FILE *out, const struct table *table,
    const struct sentences *notes)
{
	const struct style *style = &styles[LATEX];

	start_latex(out, table);
	for (size_t i = 0; i < table->count; i++) {
		const struct row *row = &table->rows[i];

		if (starts_group(table, i))
			fputs("\\midrule\n", out);
		if (starts_group(table, i) && *row->group) {
			fprintf(out, "\\multicolumn{%d}{l}{\\textit{",
			    count_columns(table));
			style->text(out, row->group);
			fputs("}} \\\\\n", out);
		}
		put_model(out, row, style);
		fputs(" & ", out);
		style->text(out, row->quant);
		for (int f = 0; f < FIGURES; f++)
			if (table->shown[f]) {
				fputs(" & ", out);
				put_cell(out, &row->cells[f], style);
			}
		fputs(" \\\\\n", out);
	}
	fputs("\\bottomrule\n\\end{tabular}\n\n{\\par\\footnotesize\n", out);
	for (size_t i = 0; i < notes->count; i++) {
		style->text(out, notes->text[i]);
		putc('\n', out);
	}
	fputs("\\par}\n", out);
}

/* ---- HTML, a part of a page */

static void
start_html(FILE *out, const struct table *table)
{
	const struct style *style = &styles[HTML];

	fputs("<div class=\"epi-table\">\n<table>\n"
	    "<caption>Energy per intelligence</caption>\n"
	    "<thead>\n<tr><th scope=\"col\">Model</th>"
	    "<th scope=\"col\">Quant</th>", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f]) {
			fputs("<th scope=\"col\">", out);
			put_header(out, table, f, style);
			fputs("</th>", out);
		}
	fputs("</tr>\n</thead>\n", out);
}

static void
start_html_group(FILE *out, const struct table *table, size_t i)
{
	fprintf(out, "%s<tbody>\n", i > 0 ? "</tbody>\n" : "");
	if (!*table->rows[i].group)
		return;
	fprintf(out, "<tr class=\"group\"><th scope=\"rowgroup\" "
	    "colspan=\"%d\">", count_columns(table));
	text_html(out, table->rows[i].group);
	fputs("</th></tr>\n", out);
}

/* The value itself goes along, to sort by. */
static void
put_html_row(FILE *out, const struct table *table, const struct row *row)
{
	const struct style *style = &styles[HTML];
	char value[WRITE_DOUBLE + 1];

	fprintf(out, "<tr%s><th scope=\"row\">", row->simulated
	    ? " class=\"simulated\"" : "");
	put_model(out, row, style);
	fputs("</th><td>", out);
	style->text(out, row->quant);
	fputs("</td>", out);
	for (int f = 0; f < FIGURES; f++)
		if (table->shown[f]) {
			*write_double(value, row->cells[f].value) = '\0';
			fprintf(out, "<td data-value=\"%s\">",
			    isnan(row->cells[f].value) ? "" : value);
			put_cell(out, &row->cells[f], style);
			fputs("</td>", out);
		}
	fputs("</tr>\n", out);
}

static void
print_html(FILE *out, const struct table *table,
    const struct sentences *notes)
{
	start_html(out, table);
	for (size_t i = 0; i < table->count; i++) {
		if (starts_group(table, i))
			start_html_group(out, table, i);
		put_html_row(out, table, &table->rows[i]);
	}
	fputs("</tbody>\n</table>\n<ul>\n", out);
	for (size_t i = 0; i < notes->count; i++) {
		fputs("<li>", out);
		text_html(out, notes->text[i]);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n</div>\n", out);
}

void
print_table(FILE *out, const struct table *table, enum format format)
{
	struct sentences notes = notes_of(table);

	if (format == MARKDOWN)
		print_markdown(out, table, &notes);
	else if (format == CSV)
		print_csv(out, table);
	else if (format == LATEX)
		print_latex(out, table, &notes);
	else
		print_html(out, table, &notes);
	notes_clear(&notes);
}
