#define _XOPEN_SOURCE 700 /* wide characters of ncurses */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epi-watch/screen.h"
#include "epi-watch/terminal.h"

enum { FRAME_MS = 200 };

static struct {
	FILE *in; /* the keyboard */
	SCREEN *screen;
} s;

static volatile sig_atomic_t signalled;

bool
screen_signalled(void)
{
	return signalled;
}

enum glyphs
screen_glyphs(void)
{
	const char *name = getenv("TERM");

	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return ASCII;
	return name && strncmp(name, "linux", 5) == 0 ? BLOCKS : BRAILLE;
}

static void
leave(void)
{
	endwin();
	delscreen(s.screen);
	terminal_release();
}

/* ---- entering */

static void
on_signal(int number)
{
	(void)number;
	signalled = 1;
}

static void
catch_signals(void)
{
	static const int caught[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = (int)SA_RESETHAND }, old;

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		if (sigaction(caught[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(caught[i], &action, NULL);
}

static void
start_colours(void)
{
	const char *none = getenv("NO_COLOR");

	if ((none && *none) || start_color() != OK)
		return;
	use_default_colors();
	init_pair(1, COLOR_RED, -1);
	init_pair(2, COLOR_GREEN, -1);
	init_pair(3, COLOR_CYAN, -1);
	init_pair(4, COLOR_YELLOW, -1);
}

bool
screen_open(const char **why)
{
	*why = NULL;
	if (!isatty(STDOUT_FILENO))
		return false;
	*why = terminal_hold(&s.in);
	if (*why)
		return false;
	catch_signals();
	s.screen = newterm(NULL, stdout, s.in);
	if (!s.screen) {
		terminal_release();
		*why = "the terminal cannot be set up";
		return false;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	start_colours();
	return true;
}

/* ---- drawing */

static attr_t
attributes(int face, short *pair)
{
	attr_t attr = A_NORMAL;

	if (face & BOLD)
		attr |= A_BOLD;
	if (face & REVERSE)
		attr |= A_REVERSE;
	*pair = face & RED ? 1 : face & GREEN ? 2 : face & CYAN ? 3
	    : face & YELLOW ? 4 : 0;
	return attr;
}

static void
paint(const struct canvas *canvas)
{
	erase();
	for (int row = 0; row < canvas->rows; row++)
		for (int i = 0; i < canvas->columns; i++) {
			const struct cell *cell = &canvas->cells[row *
			    canvas->columns + i];
			wchar_t text[2] = { cell->letter, L'\0' };
			cchar_t letter;
			short pair;
			attr_t attr = attributes(cell->face, &pair);

			if (!cell->letter ||
			    (cell->letter == L' ' && !cell->face))
				continue;
			setcchar(&letter, text, attr, pair, NULL);
			mvadd_wch(row, i, &letter);
		}
	refresh();
}

static void
show(struct watch *watch, struct view *view, const struct page *page,
    int level, struct canvas *canvas)
{
	if (!page->paused)
		watch_view(watch, view, level);
	canvas_clear(canvas, LINES, COLS);
	draw_page(canvas, view, page);
	paint(canvas);
}

/* ---- keys */

static void
turn_focus(struct page *page, const struct view *view, int step)
{
	int places = (int)view->count + 1; /* all, then each */

	page->focus = (page->focus + 1 + step + places) % places - 1;
}

/* False: it ends the page. */
static bool
press(struct page *page, const struct view *view, int *level, int key)
{
	if (page->help) {
		page->help = key == KEY_RESIZE;
		return key != 'q';
	}
	if (key == 'q' || key == 'Q')
		return false;
	if (key == 'p' || key == ' ')
		page->paused = !page->paused;
	else if (key == 's' || key == 'S')
		*level = (*level + (key == 's' ? 1 : TRACE_LEVELS - 1)) %
		    TRACE_LEVELS;
	else if (key == 'n' || key == '\t' || key == KEY_RIGHT)
		turn_focus(page, view, 1);
	else if (key == 'N' || key == KEY_BTAB || key == KEY_LEFT)
		turn_focus(page, view, -1);
	else if (key >= '1' && key <= '9' && key - '1' < (int)view->count)
		page->focus = key - '1';
	else if (key == 'a' || key == '0')
		page->focus = -1;
	else if (key == 'h' || key == '?')
		page->help = true;
	else if (key == '\f')
		clearok(stdscr, TRUE);
	return true;
}

/* Whether the keyboard is still there; waits for a key or the next frame. */
static bool
wait_for_key(void)
{
	struct pollfd ask = { fileno(s.in), POLLIN, 0 };

	if (poll(&ask, 1, FRAME_MS) < 0)
		return errno == EINTR;
	return !(ask.revents & (POLLHUP | POLLERR | POLLNVAL));
}

enum screen_end
screen_run(struct watch *watch, struct view *view,
    const struct screen_options *options)
{
	struct canvas canvas = { .glyphs = options->glyphs };
	struct page page = { .focus = -1 };
	enum screen_end end = SCREEN_QUIT;
	int level = options->level, key;
	bool on = true;

	while (on) {
		show(watch, view, &page, level, &canvas);
		if (signalled ||
		    (options->exits && view->account.ended))
			break;
		if (!wait_for_key()) {
			end = SCREEN_GONE;
			break;
		}
		while (on && (key = getch()) != ERR)
			on = press(&page, view, &level, key);
	}
	if (signalled)
		end = SCREEN_SIGNAL;
	free(canvas.cells);
	leave();
	return end;
}
