#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epi-watch/draw.h"

enum {
	MARGIN = 8,     /* columns of the power's scale */
	POINTS = 1024   /* columns of dots, at most */
};

/* A column of dots: what lies in it of the trace. */
struct point {
	double mean, low, high; /* NAN: not measured */
};

struct chart {
	struct canvas *canvas;
	int top, rows, left, columns; /* in cells */
	double bottom, height;        /* W */
	struct point points[POINTS];
	int count;
};

const char *
chart_span(int level)
{
	static const char *const names[TRACE_LEVELS] = { "1 min", "5 min",
		"15 min", "1 h", "6 h" };

	return names[level];
}

/* A bucket of one node, or of all where each has it: a sum that lacks one is
 * none. */
static struct point
bucket_point(const struct view *view, int focus, int i)
{
	struct point point = { 0, 0, 0 };
	unsigned from = focus < 0 ? 0 : (unsigned)focus;
	unsigned to = focus < 0 ? view->count : from + 1;

	for (unsigned n = from; n < to; n++) {
		const struct bucket *bucket =
		    &view->buckets[n * TRACE_BUCKETS + (unsigned)i];

		if (bucket->seconds <= 0)
			return (struct point){ NAN, NAN, NAN };
		point.mean += (double)bucket->joules / (double)bucket->seconds;
		point.low += (double)bucket->low;
		point.high += (double)bucket->high;
	}
	if (focus < 0 && view->count > 1)
		point.low = point.high = point.mean;
	return point;
}

static struct point
column_point(const struct view *view, int focus, int from, int to)
{
	struct point sum = { 0, INFINITY, -INFINITY };
	int known = 0;

	for (int i = from; i < to; i++) {
		struct point point = bucket_point(view, focus, i);

		if (isnan(point.mean))
			continue;
		known++;
		sum.mean += point.mean;
		sum.low = fmin(sum.low, point.low);
		sum.high = fmax(sum.high, point.high);
	}
	sum.mean /= known;
	return known ? sum : (struct point){ NAN, NAN, NAN };
}

static void
collect(struct chart *chart, const struct view *view, int focus)
{
	for (int i = 0; i < chart->count; i++) {
		int from = i * TRACE_BUCKETS / chart->count;
		int to = (i + 1) * TRACE_BUCKETS / chart->count;

		chart->points[i] = column_point(view, focus, from,
		    to > from ? to : from + 1);
	}
}

/* The least of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten that is not
 * less. */
static double
round_up(double value)
{
	static const double steps[] = { 1, 1.5, 2, 3, 4, 5, 6, 8, 10 };
	double unit = pow(10, floor(log10(value)));
	size_t i = 0;

	while (i < sizeof steps / sizeof *steps - 1 &&
	    steps[i] * unit < value * (1 - 1e-9))
		i++;
	return steps[i] * unit;
}

/* From zero, so that a height is a power. */
static void
scale(struct chart *chart)
{
	double low = 0, high = 0;

	for (int i = 0; i < chart->count; i++)
		if (!isnan(chart->points[i].mean)) {
			low = fmin(low, chart->points[i].low);
			high = fmax(high, chart->points[i].high);
		}
	high = high > 1e-3 ? round_up(high) : low < 0 ? 0 : 1;
	low = low < 0 ? -round_up(-low) : 0;
	chart->bottom = low;
	chart->height = high - low;
}

/* ---- the three ways to draw */

/* The row of dots from below, of `rows`, that a power lies in. */
static int
level_of(const struct chart *chart, double watts, int rows)
{
	int level = (int)floor((watts - chart->bottom) / chart->height * rows);

	return level < 0 ? 0 : level >= rows ? rows - 1 : level;
}

static void
put(struct chart *chart, int row, int column, wchar_t letter, int face)
{
	canvas_put(chart->canvas, chart->top + row, chart->left + column,
	    letter, face);
}

/* U+2800 and a bit for each of two columns of four dots. */
static void
add_dot(struct chart *chart, int column, int level)
{
	static const int bits[4][2] = { { 0x01, 0x08 }, { 0x02, 0x10 },
		{ 0x04, 0x20 }, { 0x40, 0x80 } };
	int from_top = chart->rows * 4 - 1 - level;
	int row = from_top / 4, at = column / 2;
	const struct canvas *canvas = chart->canvas;
	const struct cell *cell = &canvas->cells[(chart->top + row) *
	    canvas->columns + chart->left + at];
	wchar_t now = cell->letter >= 0x2800 && cell->letter <= 0x28FF
	    ? cell->letter : 0x2800;

	put(chart, row, at, now | bits[from_top % 4][column % 2], CYAN);
}

static void
draw_braille(struct chart *chart)
{
	int rows = chart->rows * 4, before = -1;

	for (int i = 0; i < chart->count; i++) {
		const struct point *point = &chart->points[i];
		int low, high, mean;

		if (isnan(point->mean)) {
			before = -1;
			continue;
		}
		low = level_of(chart, point->low, rows);
		high = level_of(chart, point->high, rows);
		mean = level_of(chart, point->mean, rows);
		if (before >= 0 && before < low)
			low = before + 1;
		if (before >= 0 && before > high)
			high = before - 1;
		for (int level = low; level <= high; level++)
			add_dot(chart, i, level);
		before = mean;
	}
}

/* Areas: up to the mean full, from there to the highest light. */
static void
draw_area(struct chart *chart)
{
	bool halves = chart->canvas->glyphs == BLOCKS;
	int rows = chart->rows * (halves ? 2 : 1);
	int zero = level_of(chart, 0, rows);

	for (int i = 0; i < chart->count; i++) {
		const struct point *point = &chart->points[i];
		int mean = level_of(chart, point->mean, rows);
		int high = level_of(chart, point->high, rows);

		if (isnan(point->mean))
			continue;
		for (int row = 0; row < chart->rows; row++) {
			int level = chart->rows - 1 - row;
			int lower = halves ? level * 2 : level;
			bool full = halves ? mean > lower : mean >= lower;
			bool half = halves && mean == lower;

			if (mean < zero ? lower >= mean && lower < zero
			    : full && lower >= zero - halves)
				put(chart, row, i, halves ? 0x2588 : L'#',
				    CYAN);
			else if (half && lower >= zero - 1)
				put(chart, row, i, 0x2584, CYAN);
			else if (lower > mean && lower <= high)
				put(chart, row, i, halves ? 0x2591 : L':',
				    CYAN);
		}
	}
}

/* ---- scales */

static void
draw_scale(const struct chart *chart)
{
	bool plain = chart->canvas->glyphs == ASCII;

	for (int row = 0; row < chart->rows; row++) {
		bool marked = row == 0 || row == chart->rows - 1 ||
		    (chart->rows >= 7 && row == chart->rows / 2);
		double part = 1 - (double)row / (chart->rows - 1);
		char text[WORD];

		if (marked) {
			snprintf(text, sizeof text, "%.4g W",
			    chart->bottom + part * chart->height);
			canvas_right(chart->canvas, chart->top + row, 0,
			    chart->left - 2, PLAIN, text);
		}
		canvas_put(chart->canvas, chart->top + row, chart->left - 1,
		    marked ? plain ? L'+' : 0x2524 : plain ? L'|' : 0x2502,
		    PLAIN);
	}
}

static void
draw_times(const struct chart *chart, const struct view *view)
{
	char text[CLOCK_TEXT];
	int row = chart->top + chart->rows, end = chart->left + chart->columns;

	if (view->account.latest_ns == INT64_MIN)
		return;
	draw_time(text, view->account.latest_ns -
	    trace_seconds(view->level) * CLOCK_SECOND);
	canvas_text(chart->canvas, row, chart->left, end, PLAIN, text + 11);
	if (chart->columns < 60)
		return;
	draw_time(text, view->account.latest_ns -
	    trace_seconds(view->level) * CLOCK_SECOND / 2);
	canvas_text(chart->canvas, row, chart->left + chart->columns / 2 - 4,
	    end, PLAIN, text + 11);
	draw_time(text, view->account.latest_ns);
	canvas_right(chart->canvas, row, chart->left, end, PLAIN, text + 11);
}

void
chart_draw(struct canvas *canvas, const struct view *view, int focus, int top,
    int bottom)
{
	struct chart chart = {
		.canvas = canvas, .top = top, .rows = bottom - top,
		.left = MARGIN + 2, .columns = canvas->columns - MARGIN - 3
	};

	chart.rows -= chart.rows % 2 == 0; /* one is the middle */
	if (chart.rows < 3 || chart.columns < 10 || view->count == 0)
		return;
	if (chart.columns > POINTS / 2)
		chart.columns = POINTS / 2;
	chart.count = chart.columns * (canvas->glyphs == BRAILLE ? 2 : 1);
	collect(&chart, view, focus);
	scale(&chart);
	draw_scale(&chart);
	if (canvas->glyphs == BRAILLE)
		draw_braille(&chart);
	else
		draw_area(&chart);
	draw_times(&chart, view);
}
