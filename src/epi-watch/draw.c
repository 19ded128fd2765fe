#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "epi-watch/draw.h"
#include "report.h"
#include "write.h"

enum { ALARMS = 16, PANEL = 18, GOOD_COVERAGE = 99 };

/* What is drawn, and what it is drawn from. */
struct sheet {
	struct canvas *canvas;
	const struct view *view;
	const struct page *page;
	struct alarm alarms[ALARMS];
	int alarm_count, alarm_known;
	struct total total;
};

/* ---- figures */

void
draw_time(char text[CLOCK_TEXT], int64_t ns)
{
	size_t length = clock_format(text, ns / CLOCK_SECOND * CLOCK_SECOND);

	text[length - 1] = '\0'; /* its Z */
	if (length > 10)
		text[10] = ' ';
}

void
draw_joules(char text[WORD], energy_units units)
{
	const energy_units millijoule = (energy_units)2000000000000000;
	char *end;

	units += units < 0 ? -millijoule / 2 : millijoule / 2;
	end = write_decimal(text, units / millijoule, 3, 3);
	*end = '\0';
}

static REPORT_FORMAT(3, 0) char *
figure(char text[WORD], double value, const char *format)
{
	if (isfinite(value))
		snprintf(text, WORD, format, value);
	else
		snprintf(text, WORD, "-");
	return text;
}

const char *
draw_watts_text(char text[WORD], double watts)
{
	static const char *const formats[] = { "%.2f", "%.1f", "%.0f" };
	double size = fabs(watts);

	return figure(text, watts, formats[size >= 999.95 ? 2
	    : size >= 99.995]);
}

/* Never rounded up to 100. */
static const char *
coverage_text(char text[WORD], double coverage)
{
	if (!isfinite(coverage))
		return figure(text, coverage, "%f");
	if (coverage >= 1)
		snprintf(text, WORD, "100 %%");
	else
		snprintf(text, WORD, "%.1f %%", floor(coverage * 1000) / 10);
	return text;
}

static int
coverage_face(double coverage)
{
	return coverage * 100 < GOOD_COVERAGE ? YELLOW : PLAIN;
}

static const char *
plus_minus(const struct sheet *sheet)
{
	return sheet->canvas->glyphs == ASCII ? "+-" : "\u00B1";
}

/* Of all instruments: none is calibrated unless all are, nor traceable, and the
 * first one to expire is told. */
static int
join_calibrations(const struct view *view, int64_t *until_ns, bool *traceable)
{
	int worst = view->account.source_count > 0 ? CALIBRATED
	    : CALIBRATION_UNKNOWN;

	*until_ns = 0;
	*traceable = true;
	for (unsigned i = 0; i < view->count; i++)
		if (view->nodes[i].uncalibrated)
			worst = CALIBRATION_NONE;
	for (int i = 0; i < view->account.source_count; i++) {
		const struct source *source = &view->account.sources[i];

		if (worst != CALIBRATION_NONE &&
		    source->calibration != CALIBRATED)
			worst = source->calibration;
		*traceable &= source->traceable;
		if (source->valid_until_ns > 0 && (*until_ns == 0 ||
		    source->valid_until_ns < *until_ns))
			*until_ns = source->valid_until_ns;
	}
	return worst;
}

void
draw_calibration(char text[WORD * 2], const struct view *view)
{
	char until[CLOCK_TEXT] = "";
	int64_t until_ns;
	bool traceable;
	int worst = join_calibrations(view, &until_ns, &traceable);

	if (worst != CALIBRATED) {
		snprintf(text, WORD * 2, worst == CALIBRATION_NONE
		    ? "not calibrated" : "calibration not told");
		return;
	}
	if (until_ns > 0)
		draw_time(until, until_ns);
	snprintf(text, WORD * 2, "calibrated%s%.10s%s",
	    *until ? " until " : "", until,
	    traceable ? ", traceable" : ", not traceable");
}

/* ---- the bars */

static const char *
state_text(const struct sheet *sheet)
{
	const struct account *account = &sheet->view->account;

	if (sheet->page->paused)
		return "PAUSED";
	if (!account->ended)
		return "LIVE";
	return account->stops < account->starts ? "BROKEN OFF" : "ENDED";
}

static void
draw_header(struct sheet *sheet)
{
	const struct account *account = &sheet->view->account;
	int columns = sheet->canvas->columns;
	char left[WORD * 4] = " epi-watch", right[WORD * 2] = "", time[CLOCK_TEXT];
	const struct source *source = &account->sources[0];

	for (int i = 0; i < columns; i++)
		canvas_put(sheet->canvas, 0, i, L' ', REVERSE);
	if (account->source_count == 1)
		snprintf(left, sizeof left, " %s%s%s",
		    *source->name ? source->name : "epi-watch",
		    *source->id ? " " : "", source->id);
	else if (account->source_count > 1)
		snprintf(left, sizeof left, " %d instruments",
		    account->source_count);
	if (account->source_count == 1 && source->rate_hz > 0)
		snprintf(left + strlen(left), sizeof left - strlen(left),
		    "  %.6g Hz", source->rate_hz);
	if (account->latest_ns != INT64_MIN) {
		draw_time(time, account->latest_ns);
		snprintf(right, sizeof right, "%s UTC  ",
		    columns < 70 ? time + 11 : time);
	}
	snprintf(right + strlen(right), sizeof right - strlen(right), "%s%s ",
	    account->simulated ? "SIMULATED  " : "", state_text(sheet));
	canvas_right(sheet->canvas, 0, 0, columns, REVERSE | BOLD, right);
	canvas_text(sheet->canvas, 0, 0, columns - canvas_width(right) - 1,
	    REVERSE, left);
}

/* As many as fit, and how many more there are. */
static void
draw_alarms(struct sheet *sheet, int row)
{
	int columns = sheet->canvas->columns, at = 1;
	char text[ALARM_TEXT + WORD];

	if (sheet->alarm_count == 0) {
		canvas_text(sheet->canvas, row, 1, columns, GREEN, "no alarms");
		return;
	}
	for (int i = 0; i < sheet->alarm_known; i++) {
		int left = sheet->alarm_count - i - 1, keep = left ? 9 : 0;

		snprintf(text, sizeof text, " ! %s ", sheet->alarms[i].text);
		if (i > 0 && at + canvas_width(text) + keep > columns) {
			snprintf(text, sizeof text, "+%d more", left + 1);
			canvas_text(sheet->canvas, row, at, columns,
			    BOLD | RED, text);
			return;
		}
		at = canvas_text(sheet->canvas, row, at, columns - keep,
		    BOLD | REVERSE | RED, text) + 1;
	}
}

static void
draw_keys(struct sheet *sheet, int row)
{
	static const char keys[] =
	    " q quit   p pause   s span   n node   a all   h help";

	if (!sheet->page->still)
		canvas_text(sheet->canvas, row, 0, sheet->canvas->columns,
		    PLAIN, sheet->page->paused
		    ? " p go on   q quit   s span   n node   a all   h help"
		    : keys);
}

/* ---- nodes */

/* The alarm of a node that its panel tells; NULL: none. */
static const struct alarm *
alarm_of(const struct sheet *sheet, unsigned node)
{
	for (int i = 0; i < sheet->alarm_known; i++)
		if (sheet->alarms[i].node == (int)node)
			return &sheet->alarms[i];
	return NULL;
}

/* A place on the page: rows from `row` on, columns [left, right). */
struct place {
	int row, left, right;
};

static REPORT_FORMAT(4, 5) void
line(struct sheet *sheet, struct place *place, int face, const char *format, ...)
{
	char text[WORD * 4];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	canvas_text(sheet->canvas, place->row++, place->left, place->right,
	    face, text);
}

/* Watts as large as `rows` and the place allow, the unit behind them. */
static void
draw_watts(struct sheet *sheet, struct place *place, int rows, int face,
    double watts)
{
	static const char *const formats[] = { "%.1f", "%.0f" };
	struct canvas *canvas = sheet->canvas;
	char text[WORD];
	int room = place->right - place->left - 2;
	bool large = rows > 1;

	draw_watts_text(text, watts);
	for (int i = 0; i < 2 && isfinite(watts) &&
	    canvas_digits_width(text, 1) > room; i++)
		if (large && strlen(text) > 3)
			figure(text, watts, formats[i]);
	large = large && canvas_digits_width(text, 1) <= room;
	if (large) {
		int scale = rows == 5 && canvas_digits_width(text, 2) <= room
		    ? 2 : 1;

		canvas_digits(canvas, place->row, place->left, rows, scale,
		    face, text);
		canvas_text(canvas, place->row + rows - 1, place->left +
		    canvas_digits_width(text, scale) + 1, place->right, face,
		    "W");
	} else {
		strcat(text, " W");
		canvas_text(canvas, place->row + rows / 2, place->left,
		    place->right, face | BOLD, text);
	}
	place->row += rows;
}

static void
draw_name(struct sheet *sheet, struct place *place, const char *name,
    const struct alarm *alarm)
{
	int end = place->right;
	char word[WORD];

	if (alarm && *alarm->word) {
		snprintf(word, sizeof word, "!%s", alarm->word);
		end -= canvas_width(word);
		canvas_text(sheet->canvas, place->row, end, place->right,
		    BOLD | REVERSE | RED, word);
		end--;
	}
	canvas_text(sheet->canvas, place->row++, place->left, end, BOLD, name);
}

/* Quantities of a node, in five rows or three. */
static void
draw_details(struct sheet *sheet, struct place *place, unsigned i, int rows)
{
	const struct view *view = sheet->view;
	const struct node *node = &view->nodes[i];
	char a[WORD], b[WORD], joules[WORD], peak[WORD], covered[WORD];
	double coverage = view_coverage(view, i);
	double factor = quantity_fresh(view, &node->power_factor);

	figure(a, quantity_fresh(view, &node->volts), "%.1f");
	figure(b, quantity_fresh(view, &node->hertz), "%.2f");
	draw_joules(joules, node->seen ? node_joules(node) : 0);
	draw_watts_text(peak, node->seen ? (double)node->peak_nw / 1e9 : NAN);
	coverage_text(covered, coverage);
	line(sheet, place, PLAIN, "%s V  %s Hz", a, b);
	figure(a, factor, "%.3f");
	if (rows < 5) {
		line(sheet, place, PLAIN, "%s J", joules);
		if (rows > 2)
			line(sheet, place, PLAIN, "PF %s  %s", a, covered);
		return;
	}
	line(sheet, place, PLAIN, "PF %s", a);
	line(sheet, place, BOLD, "%s J", joules);
	line(sheet, place, PLAIN, "peak %s W", peak);
	line(sheet, place, coverage_face(coverage), node_lost(view, i)
	    ? "cov. %s  lost %lld" : "coverage %s", covered,
	    (long long)node_lost(view, i));
}

static void
draw_panel(struct sheet *sheet, struct place place, unsigned i, int digits,
    int details)
{
	const struct node *node = &sheet->view->nodes[i];
	const struct alarm *alarm = alarm_of(sheet, i);
	bool silent = node_silence(sheet->view, i) > 0;
	int face = alarm && *alarm->word ? RED | BOLD : BOLD;

	draw_name(sheet, &place, sheet->view->names[i], alarm);
	draw_watts(sheet, &place, digits, face, silent ? NAN
	    : node_watts(node));
	if (details > 0)
		draw_details(sheet, &place, i, details);
}

/* One node that has the page for itself: digits twice as wide, and what is told
 * of it beside them. */
static void
draw_wide(struct sheet *sheet, int row, unsigned i)
{
	enum { BESIDE = 48, DIGITS = 5 };
	const struct node *node = &sheet->view->nodes[i];
	const struct alarm *alarm = alarm_of(sheet, i);
	int columns = sheet->canvas->columns;
	struct place place = { row, 1, columns - 1 };
	struct place beside = { row + 1, BESIDE, columns - 1 };
	bool silent = node_silence(sheet->view, i) > 0;

	draw_name(sheet, &place, sheet->view->names[i], alarm);
	place.right = BESIDE - 2;
	draw_watts(sheet, &place, DIGITS, alarm && *alarm->word ? RED | BOLD
	    : BOLD, silent ? NAN : node_watts(node));
	draw_details(sheet, &beside, i, DIGITS);
}

static void
draw_total_panel(struct sheet *sheet, struct place place, int digits,
    int details)
{
	const struct total *total = &sheet->total;
	char text[WORD];

	draw_name(sheet, &place, "total", NULL);
	draw_watts(sheet, &place, digits, BOLD, total->watts);
	if (details < 5)
		return;
	line(sheet, &place, PLAIN, "mean %s W", draw_watts_text(text,
	    total->mean_watts));
	line(sheet, &place, PLAIN, "in %.1f s", total->seconds);
	draw_joules(text, total->joules);
	line(sheet, &place, BOLD, "%s J", text);
	line(sheet, &place, PLAIN, "%.6g Wh", energy_joules(total->joules) /
	    3600);
	line(sheet, &place, coverage_face(total->coverage), "coverage %s",
	    coverage_text(text, total->coverage));
}

/* A line a node, where there are too many for panels. */
static void
draw_table(struct sheet *sheet, int row, int bottom)
{
	const struct view *view = sheet->view;
	struct place place = { row, 1, sheet->canvas->columns };
	char a[WORD], b[WORD], c[WORD], d[WORD], joules[WORD], covered[WORD];

	if (bottom - row > 2)
		line(sheet, &place, REVERSE, "%-14s %10s %16s %7s %6s %6s %8s "
		    "%6s ", "node", "W", "J", "V", "Hz", "PF", "coverage",
		    "lost");
	for (unsigned i = 0; i < view->count; i++) {
		const struct node *node = &view->nodes[i];
		const struct alarm *alarm = alarm_of(sheet, i);
		struct place behind;

		if (place.row == bottom - 1 && i + 1 < view->count) {
			line(sheet, &place, BOLD, "and %u more",
			    view->count - i);
			return;
		}
		if (place.row >= bottom)
			return;
		draw_joules(joules, node->seen ? node_joules(node) : 0);
		behind = place;
		behind.left += 15;
		place.right = 15;
		line(sheet, &place, alarm && *alarm->word ? BOLD | RED : BOLD,
		    "%s%s", alarm && *alarm->word ? "!" : "", view->names[i]);
		place.right = sheet->canvas->columns;
		line(sheet, &behind, PLAIN, "%10s %16s %7s %6s %6s %8s %6lld",
		    draw_watts_text(a, node_silence(view, i) > 0 ? NAN
		    : node_watts(node)), joules,
		    figure(b, quantity_fresh(view, &node->volts), "%.1f"),
		    figure(c, quantity_fresh(view, &node->hertz), "%.2f"),
		    figure(d, quantity_fresh(view, &node->power_factor), "%.3f"),
		    coverage_text(covered, view_coverage(view, i)),
		    (long long)node_lost(view, i));
	}
}

/* ---- the lines of all */

/* What still fits of a line whole; returns the column behind it. */
static REPORT_FORMAT(4, 5) int
part(struct sheet *sheet, int row, int column, const char *format, ...)
{
	char text[WORD * 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (column > 1 && column + canvas_width(text) > sheet->canvas->columns)
		return sheet->canvas->columns; /* nor does what comes behind */
	return canvas_text(sheet->canvas, row, column, sheet->canvas->columns,
	    BOLD, text) + 3;
}

static void
draw_summary(struct sheet *sheet, int row)
{
	const struct total *total = &sheet->total;
	char text[WORD];
	int column = part(sheet, row, 1, "total %s W",
	    draw_watts_text(text, total->watts));

	draw_joules(text, total->joules);
	column = part(sheet, row, column, "%s J", text);
	column = part(sheet, row, column, "mean %s W in %.1f s",
	    draw_watts_text(text, total->mean_watts), total->seconds);
	column = part(sheet, row, column, "coverage %s",
	    coverage_text(text, total->coverage));
	part(sheet, row, column, "lost %lld", (long long)total->lost);
}

/* Tokens, and what one costs of all that was measured so far. */
static void
draw_tokens(struct sheet *sheet, int row)
{
	const struct tokens *tokens = &sheet->view->account.tokens;
	struct place place = { row, 1, sheet->canvas->columns };
	int64_t count = tokens->generated - tokens->base;
	char rate[WORD], cost[WORD];

	if (*tokens->problem || !tokens->known) {
		line(sheet, &place, YELLOW, "tokens: %s", *tokens->problem
		    ? tokens->problem : "none yet");
		return;
	}
	figure(rate, (double)tokens->generated / tokens->decode_seconds,
	    "%.4g");
	figure(cost, count > 0 ? energy_joules(sheet->total.joules) /
	    (double)count : NAN, "%.4g");
	line(sheet, &place, BOLD, "%lld tokens   %s tokens/s   %s J/token%s",
	    (long long)count, rate, cost, tokens->running ? "" :
	    "   log complete");
}

static void
draw_instrument(struct sheet *sheet, int row)
{
	const struct account *account = &sheet->view->account;
	struct place place = { row, 1, sheet->canvas->columns };
	char calibration[WORD * 2], bound[WORD] = "clock not told";
	double widest = -1;

	for (int i = 0; i < account->source_count; i++)
		widest = fmax(widest, account->sources[i].bound_seconds);
	if (widest >= 0)
		snprintf(bound, sizeof bound, "clock %s%.3g ms",
		    plus_minus(sheet), widest * 1000);
	draw_calibration(calibration, sheet->view);
	line(sheet, &place, PLAIN, "%s   %s%s%s%s", calibration, bound,
	    account->simulated ? "   simulated" : "",
	    *account->label ? "   in mark: " : "", account->label);
}

/* ---- the page */

static const char *const help_lines[] = {
	"q        leave; what comes in a pipe is read on to its end",
	"p space  pause the page, not the reading",
	"s S      a longer or shorter span of the trace",
	"n N      the next or previous node alone",
	"1 to 9   that node alone",
	"a        all nodes",
	"^L       draw all anew",
	"h ?      this; any key goes back",
	"",
	"Watts are the mean of the last whole second, of instruments slower",
	"than twice a second the last sample.  Joules are exact, from the first",
	"sample on.  A blank in the trace was not measured.  ! is an alarm."
};

static void
draw_help(struct sheet *sheet, int row)
{
	struct place place = { row, 2, sheet->canvas->columns };

	for (size_t i = 0; i < sizeof help_lines / sizeof *help_lines; i++)
		line(sheet, &place, PLAIN, "%s", help_lines[i]);
}

/* The nodes in panels, if they fit; returns the row behind them. */
static int
draw_nodes(struct sheet *sheet, int row, int digits, int details)
{
	const struct view *view = sheet->view;
	int columns = sheet->canvas->columns - 1, focus = sheet->page->focus;
	int count = (int)view->count;
	bool total = focus < 0 && count > 1 && columns / (count + 1) >= PANEL;
	int width = columns / (count + total > 0 ? count + total : 1);

	if ((focus >= 0 || count == 1) && digits > 1 && columns >= 70) {
		draw_wide(sheet, row, focus >= 0 ? (unsigned)focus : 0);
		return row + 6;
	}
	if (focus >= 0) {
		draw_panel(sheet, (struct place){ row, 1, columns },
		    (unsigned)focus, digits, details);
		return row + 1 + digits + details;
	}
	for (int i = 0; i < count + total; i++) {
		struct place place = { row, 1 + i * width, (i + 1) * width };

		if (i < count)
			draw_panel(sheet, place, (unsigned)i, digits, details);
		else
			draw_total_panel(sheet, place, digits, details);
	}
	return row + 1 + digits + details;
}

static void
draw_trace(struct sheet *sheet, int top, int bottom)
{
	const struct page *page = sheet->page;
	struct place place = { top, 1, sheet->canvas->columns };

	if (bottom - top < 5)
		return;
	line(sheet, &place, BOLD, "trace of %s, last %s%s", page->focus >= 0
	    ? sheet->view->names[page->focus]
	    : sheet->view->count > 1 ? "all nodes together"
	    : sheet->view->count == 1 ? sheet->view->names[0] : "no node",
	    chart_span(sheet->view->level),
	    sheet->canvas->glyphs == BRAILLE ||
	    (page->focus < 0 && sheet->view->count > 1) ? ""
	    : sheet->canvas->glyphs == ASCII ? "  (# mean, : highest)"
	    : "  (full: mean, light: highest)");
	chart_draw(sheet->canvas, sheet->view, page->focus >= 0 ? page->focus
	    : sheet->view->count == 1 ? 0 : -1, top + 1, bottom - 1);
}

/* One row: the power, the energy, and how many alarms. */
static void
draw_row(struct sheet *sheet)
{
	struct place place = { 0, 0, sheet->canvas->columns };
	char watts[WORD], joules[WORD], alarms[WORD] = "";

	if (sheet->alarm_count > 0)
		snprintf(alarms, sizeof alarms, "!%d ", sheet->alarm_count);
	draw_watts_text(watts, sheet->total.watts);
	draw_joules(joules, sheet->total.joules);
	line(sheet, &place, BOLD, "%s%s W  %s J%s", alarms, watts, joules,
	    sheet->view->account.simulated ? "  SIMULATED" : "");
}

static void
draw_body(struct sheet *sheet, int row, int bottom)
{
	int rows = sheet->canvas->rows, columns = sheet->canvas->columns;
	int count = (int)sheet->view->count;
	bool tokens = sheet->view->account.tokens.file != NULL;
	int digits = rows >= 28 ? 5 : rows >= 18 ? 3 : 1;
	int details = rows >= 28 ? 5 : rows >= 18 ? 3 : rows >= 10 ? 2 : 0;
	int space = rows >= 28;

	if (count == 0)
		canvas_text(sheet->canvas, row++, 1, columns, BOLD,
		    "no samples yet");
	else if (sheet->page->focus >= 0 || columns / count >= PANEL)
		row = draw_nodes(sheet, row + space, digits, details) + space;
	else {
		int room = (bottom - row) * (rows >= 18 ? 1 : 2) / 2;
		int end = row + (count + 1 < room ? count + 1 : room);

		draw_table(sheet, row, end);
		row = end + space;
	}
	if (row < bottom)
		draw_summary(sheet, row++);
	if (tokens && row < bottom)
		draw_tokens(sheet, row++);
	if (row < bottom)
		draw_instrument(sheet, row++);
	draw_trace(sheet, row + space, bottom);
}

void
draw_page(struct canvas *canvas, const struct view *view,
    const struct page *page)
{
	struct page shown = *page;
	struct sheet sheet = { .canvas = canvas, .view = view, .page = &shown };
	int rows = canvas->rows;

	if (shown.focus >= (int)view->count)
		shown.focus = -1;
	sheet.alarm_count = alarm_list(view, sheet.alarms, ALARMS);
	sheet.alarm_known = sheet.alarm_count < ALARMS ? sheet.alarm_count
	    : ALARMS;
	view_total(view, &sheet.total);
	if (rows < 3) {
		draw_row(&sheet);
		if (rows > 1)
			draw_alarms(&sheet, 1);
		return;
	}
	draw_header(&sheet);
	draw_alarms(&sheet, 1);
	if (page->help)
		draw_help(&sheet, 3);
	else
		draw_body(&sheet, 2, rows - (rows >= 10 && !page->still));
	if (rows >= 10)
		draw_keys(&sheet, rows - 1);
}
