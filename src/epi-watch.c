/* epi-watch - a live dashboard of power */
/* link: -lncursesw -ltinfo -lpthread */
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "epi-watch/plain.h"
#include "epi-watch/screen.h"
#include "epi-watch/watch.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-watch [--exit] [--glyphs WHICH] [--max-watts W] [--once]\n"
"                 [--size CxR] [--span D] [--tokens FILE] [FILE ...]\n"
"Show the power of a stream of samples as it comes: watts, joules, a trace and\n"
"alarms, on the whole terminal; q leaves, h tells of the other keys.\n"
"\n"
"      --exit          leave at the end of the input\n"
"      --glyphs WHICH  draw with braille, blocks or ascii (what the terminal has)\n"
"      --max-watts W   a node's power over W is an alarm\n"
"      --once          read all, then write one page as text\n"
"      --size CxR      columns and rows of that page (100x30)\n"
"      --span D        of the trace: 1m, 5m, 15m, 1h or 6h (1m)\n"
"      --tokens FILE   an engine's log, or tokens records, that grows\n"
"  -h, --help          show this and exit\n"
"      --version       show the version and exit\n"
"\n"
"Example: epi-tap /dev/ttyACM0 | epi-log --tee power.db | epi-watch\n";

enum { EXIT = OPTION_LONG, GLYPHS, MAX_WATTS, ONCE, SIZE, SPAN, TOKENS };

enum {
	TICK_MS = 100,       /* how often a thread looks whether it shall end */
	GRACE_MS = 2000,     /* to read on after a signal */
	LOOK_MS = 1000       /* between two looks at the log */
};

static struct {
	struct watch watch;
	struct view view;
	char **files;
	bool from_input;     /* standard input is all that is read */
	struct screen_options screen;
	bool once, glyphs_told;
	int rows, columns;
	bool lines;          /* a line a second is written */
	bool threaded;       /* somebody else draws meanwhile */
	atomic_bool stop, done;
} s = { .rows = 30, .columns = 100 };

/* ---- reading */

static void
take(struct sample_reader *reader, struct feed_record *record)
{
	record->line = reader->line;
	record->length = reader->length;
	record->line_number = reader->line_number;
	if (record->kind == SAMPLE_BAD) {
		s.watch.account.malformed++;
		report_malformed(record->file, record->line_number, "%s",
		    reader->error);
	} else if (record->kind == SAMPLE_TYPED) {
		watch_record(&s.watch, record);
	} else {
		watch_sample(&s.watch, record);
	}
}

/* Waits for input; false: nobody wants it any more. */
static bool
wait_for_input(const struct stream *in)
{
	struct pollfd ask = { in->fd, POLLIN, 0 };

	if (!s.threaded)
		return true;
	while (!s.stop && poll(&ask, 1, TICK_MS) == 0)
		;
	return !s.stop;
}

static void
take_block(struct sample_reader *reader, struct block *block,
    struct feed_record *record)
{
	pthread_mutex_lock(&s.watch.lock);
	s.watch.account.arrived_ns = clock_steady();
	while ((record->kind = sample_next(reader, block, &record->sample)) !=
	    SAMPLE_END) {
		if (s.lines && record->kind == SAMPLE_POWER) {
			pthread_mutex_unlock(&s.watch.lock);
			plain_pass(&s.watch, &s.view,
			    record->sample.timestamp_ns);
			pthread_mutex_lock(&s.watch.lock);
		}
		take(reader, record);
	}
	pthread_mutex_unlock(&s.watch.lock);
}

static void
read_operand(const char *operand, struct sample_reader *reader)
{
	struct feed_record record;
	struct stream in;
	struct block block;
	bool failed = true;

	if (stream_open(&in, operand)) {
		record.file = in.name;
		while (wait_for_input(&in) && stream_next(&in, &block))
			take_block(reader, &block, &record);
		failed = in.failed;
		stream_close(&in);
	}
	pthread_mutex_lock(&s.watch.lock);
	s.watch.account.unread |= failed;
	pthread_mutex_unlock(&s.watch.lock);
}

static void
read_operands(void)
{
	struct sample_reader reader = { .nodes = &s.watch.names };

	for (char **name = s.files; !s.stop && name && *name; name++)
		read_operand(*name, &reader);
	sample_forget(&reader);
	pthread_mutex_lock(&s.watch.lock);
	s.watch.account.ended = !s.stop;
	pthread_mutex_unlock(&s.watch.lock);
	s.done = true;
}

/* ---- beside the screen */

static void
pause_ms(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static void *
reader_thread(void *state)
{
	(void)state;
	read_operands();
	return NULL;
}

static void *
token_thread(void *state)
{
	bool begun = true;

	(void)state;
	while (!s.stop) {
		int64_t from_ns = clock_steady();
		int64_t wait_ms;

		token_look(&s.watch, begun);
		begun = false;
		wait_ms = (clock_steady() - from_ns) / 1000000 * LOOK_SHARE;
		if (wait_ms < LOOK_MS)
			wait_ms = LOOK_MS;
		for (; wait_ms > 0 && !s.stop; wait_ms -= TICK_MS)
			pause_ms(TICK_MS);
	}
	return NULL;
}

/* Signals are for the thread that draws. */
static pthread_t
start_thread(void *(*run)(void *))
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, run, NULL) != 0)
		report_fatal("cannot start a thread");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return thread;
}

/* Whether somebody writes to us who would be killed if we did not read on. */
static bool
is_fed(void)
{
	struct stat status;

	return s.from_input && fstat(STDIN_FILENO, &status) == 0 &&
	    (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

/* Nothing is shown any more; what feeds us goes on to its end, or for two
 * seconds after a signal. */
static void
read_on(enum screen_end end)
{
	int left_ms = GRACE_MS;

	if (s.done)
		return;
	if (end == SCREEN_QUIT && is_fed())
		report_warning("reading on to the end of the pipe; "
		    "an interrupt ends it");
	else if (end == SCREEN_QUIT)
		return;
	while (!s.done && left_ms > 0) {
		pause_ms(TICK_MS / 4);
		if (screen_signalled())
			left_ms -= TICK_MS / 4;
	}
	if (!s.done)
		report_error("interrupted before the end of input");
}

static void
watch_on_screen(void)
{
	pthread_t threads[2];
	int count = 0;
	enum screen_end end;

	s.threaded = true;
	threads[count++] = start_thread(reader_thread);
	if (s.watch.account.tokens.file)
		threads[count++] = start_thread(token_thread);
	end = screen_run(&s.watch, &s.view, &s.screen);
	read_on(end);
	s.stop = true;
	while (count > 0)
		pthread_join(threads[--count], NULL);
}

/* ---- as text */

static void
watch_as_text(void)
{
	s.lines = !s.once;
	stream_signals();
	read_operands();
	if (s.once)
		plain_page(&s.watch, &s.view, s.rows, s.columns,
		    s.screen.glyphs, s.screen.level);
	else
		plain_end(&s.watch, &s.view);
}

static void
judge(void)
{
	const struct account *account = &s.watch.account;

	if (!account->ended)
		return;
	if (account->samples == 0 && !account->unread)
		report_error("no samples");
	else if (account->stops < account->starts)
		report_error("incomplete: the stream ended without stop");
}

/* ---- options */

static void
read_size(const char *text)
{
	char columns[16];
	size_t length = strcspn(text, "x");

	if (text[length] != 'x' || length >= sizeof columns)
		report_usage("--size: not CxR, as 100x30: %s", text);
	memcpy(columns, text, length);
	columns[length] = '\0';
	s.columns = (int)option_integer("--size", columns, 1, 1000);
	s.rows = (int)option_integer("--size", text + length + 1, 1, 1000);
}

static void
read_span(const char *text)
{
	int64_t span_ns = option_duration("--span", text);

	for (int i = 0; i < TRACE_LEVELS; i++)
		if (trace_seconds(i) * CLOCK_SECOND == span_ns) {
			s.screen.level = i;
			return;
		}
	report_usage("--span: none of 1m, 5m, 15m, 1h and 6h: %s", text);
}

static void
take_option(void *state, int letter, const char *argument)
{
	static const char *const glyphs[] = { "braille", "blocks", "ascii",
		NULL };

	(void)state;
	switch (letter) {
	case EXIT:
		s.screen.exits = true;
		break;
	case GLYPHS:
		s.screen.glyphs = (enum glyphs)option_word("--glyphs",
		    argument, glyphs);
		s.glyphs_told = true;
		break;
	case MAX_WATTS:
		s.watch.account.max_nw = option_decimal("--max-watts",
		    argument, 9, 0, ENERGY_WATTS_MAX);
		break;
	case ONCE:
		s.once = true;
		break;
	case SIZE:
		read_size(argument);
		break;
	case SPAN:
		read_span(argument);
		break;
	case TOKENS:
		s.watch.account.tokens.file = argument;
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "exit", no_argument, NULL, EXIT },
		{ "glyphs", required_argument, NULL, GLYPHS },
		{ "max-watts", required_argument, NULL, MAX_WATTS },
		{ "once", no_argument, NULL, ONCE },
		{ "size", required_argument, NULL, SIZE },
		{ "span", required_argument, NULL, SPAN },
		{ "tokens", required_argument, NULL, TOKENS },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-watch", help, "", options, take_option, NULL
	};
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	const char *why;
	char **operands;

	setlocale(LC_CTYPE, "");
	watch_start(&s.watch);
	operands = option_start(argc, argv, &program);
	s.from_input = !operands[0];
	s.files = operands[0] ? operands : standard_input;
	if (!s.glyphs_told)
		s.screen.glyphs = screen_glyphs();
	if (!s.once && screen_open(&why)) {
		watch_on_screen();
	} else {
		if (!s.once && why)
			report_warning("%s: a line a second instead", why);
		watch_as_text();
	}
	judge();
	watch_forget(&s.watch, &s.view);
	return stream_finish();
}
