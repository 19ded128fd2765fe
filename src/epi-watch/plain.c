#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-watch/plain.h"

enum { COLUMNS = 4096, ALARMS = 16 };

static struct canvas canvas = { .glyphs = ASCII };
static int64_t due_ns = INT64_MIN;

static int
add(int column, const char *text)
{
	return canvas_text(&canvas, 0, column, COLUMNS, PLAIN, text);
}

static int
add_tokens(int column, const struct view *view, const struct total *total)
{
	const struct tokens *tokens = &view->account.tokens;
	int64_t count = tokens->generated - tokens->base;
	char text[WORD];

	if (!tokens->known || count <= 0)
		return column;
	snprintf(text, sizeof text, "  %lld tokens %.4g J/token",
	    (long long)count, energy_joules(total->joules) / (double)count);
	return add(column, text);
}

static void
write_line(const struct view *view, int64_t ns)
{
	struct alarm alarms[ALARMS];
	struct total total;
	int count = alarm_list(view, alarms, ALARMS), column;
	char text[WORD * 4], time[CLOCK_TEXT], joules[WORD], watts[WORD];

	view_total(view, &total);
	draw_time(time, ns);
	draw_joules(joules, total.joules);
	canvas_clear(&canvas, 1, COLUMNS);
	snprintf(text, sizeof text, "%s UTC%s  %s W  %s J", time,
	    view->account.simulated ? " SIMULATED" : "",
	    draw_watts_text(watts, total.watts), joules);
	column = add(0, text);
	for (unsigned i = 0; i < view->count; i++) {
		column = add(add(add(column, "  "), view->names[i]), " ");
		column = add(add(column, draw_watts_text(watts,
		    node_silence(view, i) > 0 ? NAN
		    : node_watts(&view->nodes[i]))), " W");
	}
	column = add_tokens(column, view, &total);
	for (int i = 0; i < count && i < ALARMS; i++)
		column = add(add(column, "  ! "), alarms[i].text);
	canvas_print(&canvas);
}

/* Once a second, and a log that is long to count less often. */
static void
look(struct watch *watch)
{
	static int64_t next_ns;
	int64_t from_ns = clock_steady(), took_ns;

	if (from_ns < next_ns)
		return;
	token_look(watch, next_ns == 0);
	took_ns = clock_steady() - from_ns;
	next_ns = from_ns + took_ns + (took_ns > CLOCK_SECOND / LOOK_SHARE
	    ? took_ns * LOOK_SHARE : CLOCK_SECOND);
}

/* Half a second late, when every node has told of it. */
void
plain_pass(struct watch *watch, struct view *view, int64_t ns)
{
	if (due_ns != INT64_MIN && ns > due_ns) {
		look(watch);
		watch_view(watch, view, 0);
		write_line(view, due_ns);
	}
	if (due_ns == INT64_MIN || ns > due_ns)
		due_ns = ns / CLOCK_SECOND * CLOCK_SECOND + CLOCK_SECOND / 2 +
		    (ns % CLOCK_SECOND > CLOCK_SECOND / 2 ? CLOCK_SECOND : 0);
}

void
plain_end(struct watch *watch, struct view *view)
{
	token_look(watch, false);
	watch_view(watch, view, 0);
	if (view->account.samples > 0)
		write_line(view, view->account.latest_ns);
	free(canvas.cells);
	canvas.cells = NULL;
}

void
plain_page(struct watch *watch, struct view *view, int rows, int columns,
    enum glyphs glyphs, int level)
{
	struct page page = { .focus = -1, .still = true };

	canvas.glyphs = glyphs;
	token_look(watch, false);
	watch_view(watch, view, level);
	canvas_clear(&canvas, rows, columns);
	draw_page(&canvas, view, &page);
	canvas_print(&canvas);
	free(canvas.cells);
	canvas.cells = NULL;
}
