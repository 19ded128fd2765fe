/* epi-run - run a command and tell what energy it took */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-run --trace TRACE [OPTION...] [--] COMMAND [ARGUMENT...]\n"
"       epi-run --tap DEVICE [--node LIST] [OPTION...] [--] COMMAND\n"
"               [ARGUMENT...]\n"
"       epi-run --source SOURCE [OPTION...] [--] COMMAND [ARGUMENT...]\n"
"Run a command and tell, on standard error, what energy it took: joules,\n"
"joules per token of an inference engine, watts.\n"
"\n"
"  -t, --trace TRACE        a file that power records are being written to\n"
"  -d, --tap DEVICE         a meter, by epi-tap\n"
"  -n, --node LIST          names for the DEVICE's channels\n"
"  -s, --source SOURCE      a shell command that writes power records:\n"
"                           epi-sense\n"
"  -r, --repetitions N      run it N times, and tell the median\n"
"      --warmup D           first run it for so long, unmeasured\n"
"  -i, --idle D             measure so long before, without the command\n"
"      --idle-after D       the same afterwards\n"
"  -o, --records RECORDS    write the records there\n"
"      --save-trace FILE    keep the samples there\n"
"      --marks FILE         write the marks there as they come\n"
"  -f, --format FORMAT      of the command's output; see epi-tokens(1)\n"
"  -p, --prompt-tokens N    the same\n"
"      --no-tokens          the command is no inference engine\n"
"      --span WHAT          run: all of the command (default); tokens: from\n"
"                           the prompt to the last token\n"
"      --terminal WHEN      auto (default), always or never: what the command\n"
"                           writes to is a terminal\n"
"      --wait D             for samples, at the begin and at the end (10s)\n"
"      --silence D          end the run after so long without a sample (60s)\n"
"      --keep-going         go on without samples, and after a run that failed\n"
"  -a, --accuracy FILE      accuracy records: tell the EPI too\n"
"      --weights LIST, --meta KEY=VALUE\n"
"                           the same as of epi-score(1)\n"
"      --markdown           a table to paste, too\n"
"      --notify COMMAND     for a shell at the end; reads what was told\n"
"      --notify-time D      how long that may take (1m)\n"
"      --detach             in the background, apart from the terminal\n"
"  -h, --help               show this and exit\n"
"      --version            show the version and exit\n";

enum { REPETITIONS_MOST = 10000 };

struct run run = { .wait_ns = 10 * CLOCK_SECOND,
	.silence_ns = 60 * CLOCK_SECOND, .notify_ns = 60 * CLOCK_SECOND,
	.repetitions = 1 };

/* A word behind the one before. */
struct word {
	struct word *before;
	char text[];
};

static struct word *words;

static char *
keep_word(size_t room)
{
	struct word *word = report_resize(NULL, sizeof *word + room, 1);

	word->before = words;
	words = word;
	return word->text;
}

char *
run_word(const char *text)
{
	size_t room = strlen(text) + 1;

	return memcpy(keep_word(room), text, room);
}

char *
run_file(const char *name)
{
	size_t room = strlen(run.folder) + strlen(name) + 2;
	char *path = keep_word(room);

	snprintf(path, room, "%s/%s", run.folder, name);
	return path;
}

/* Before the last suffix, and as wide as the last one's, for the order. */
char *
run_numbered(const char *name)
{
	const char *base = strrchr(name, '/'), *dot;
	size_t room = strlen(name) + 24;
	int width = snprintf(NULL, 0, "%lld", (long long)run.repetitions);
	char *numbered;

	if (run.repetitions == 1)
		return run_word(name);
	base = base ? base + 1 : name;
	dot = strrchr(base, '.');
	if (!dot || dot == base)
		dot = base + strlen(base);
	numbered = keep_word(room);
	snprintf(numbered, room, "%.*s-%0*lld%s", (int)(dot - name), name,
	    width, (long long)run.number, dot);
	return numbered;
}

int
run_open(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd < 0)
		report_fatal("%s: %s", name, strerror(errno));
	return fd;
}

void
run_pipe(int ends[2])
{
	if (pipe(ends) < 0 || fcntl(ends[0], F_SETFD, FD_CLOEXEC) < 0 ||
	    fcntl(ends[1], F_SETFD, FD_CLOEXEC) < 0)
		report_fatal("no pipe: %s", strerror(errno));
}

/* Options. */

static const char **taps, **nodes;
static size_t tap_count, node_count;

static void
add(const char ***list, size_t *count, const char *word)
{
	*list = report_resize(*list, *count + 1, sizeof **list);
	(*list)[(*count)++] = word;
}

/* The same of words that others end; a NULL behind it. */
static void
add_ended(char ***list, size_t *count, const char *word)
{
	*list = report_resize(*list, *count + 2, sizeof **list);
	(*list)[(*count)++] = run_word(word);
	(*list)[*count] = NULL;
}

enum {
	SAVE_TRACE = OPTION_LONG, MARKS, NO_TOKENS, SPAN, TERMINAL, WAIT,
	WARMUP, IDLE_AFTER, SILENCE, KEEP_GOING,
	NOTIFY, NOTIFY_TIME, DETACH, WEIGHTS, META, MARKDOWN
};

/* Those of epi-score, and the files that it reads. */
static void
take_score(int letter, const char *argument)
{
	static size_t files, options;

	if (letter == 'a') {
		add_ended(&run.accuracy, &files, argument);
		return;
	}
	add_ended(&run.score_options, &options,
	    letter == META ? "--meta" : "--weights");
	add_ended(&run.score_options, &options, argument);
}

static void
take_time(int letter, const char *argument)
{
	switch (letter) {
	case WARMUP:
		run.warmup_ns = option_duration("--warmup", argument);
		break;
	case IDLE_AFTER:
		run.idle_after_ns = option_duration("--idle-after", argument);
		break;
	case SILENCE:
		run.silence_ns = option_duration("--silence", argument);
		break;
	case NOTIFY_TIME:
		run.notify_ns = option_duration("--notify-time", argument);
		break;
	default: run.wait_ns = option_duration("--wait", argument);
	}
}

static void
take_rare(int letter, const char *argument)
{
	static const char *const spans[] = { "run", "tokens", NULL };
	static const char *const whens[] = { [TERMINAL_AUTO] = "auto",
		[TERMINAL_ALWAYS] = "always", [TERMINAL_NEVER] = "never",
		NULL };

	switch (letter) {
	case SAVE_TRACE: run.saved = argument; break;
	case MARKS: run.marks = argument; break;
	case NO_TOKENS: run.no_tokens = true; break;
	case KEEP_GOING: run.keep_going = true; break;
	case NOTIFY: run.notify = argument; break;
	case DETACH: run.detached = true; break;
	case MARKDOWN: run.markdown = true; break;
	case WEIGHTS: case META:
		take_score(letter, argument);
		break;
	case SPAN:
		run.of_tokens = option_word("--span", argument, spans) == 1;
		break;
	case TERMINAL:
		run.terminal = option_word("--terminal", argument, whens);
		break;
	default: take_time(letter, argument);
	}
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 's': run.source = argument; break;
	case 'd': add(&taps, &tap_count, argument); break;
	case 'n': add(&nodes, &node_count, argument); break;
	case 't': run.trace = argument; break;
	case 'i': run.idle_ns = option_duration("--idle", argument); break;
	case 'r':
		run.repetitions = option_integer("--repetitions", argument, 1,
		    REPETITIONS_MOST);
		break;
	case 'o': run.records = argument; break;
	case 'a': take_score(letter, argument); break;
	case 'f': run.format = argument; break;
	case 'p': run.prompt_tokens = argument; break;
	default: take_rare(letter, argument);
	}
}

/* The words of epi-tap: its options, its devices. */
static void
make_tap(void)
{
	size_t count = 0;

	add(&run.tap, &count, "epi-tap");
	for (size_t i = 0; i < node_count; i++) {
		add(&run.tap, &count, "--node");
		add(&run.tap, &count, nodes[i]);
	}
	add(&run.tap, &count, "--");
	for (size_t i = 0; i < tap_count; i++)
		add(&run.tap, &count, taps[i]);
	add(&run.tap, &count, NULL);
}

static void
check(void)
{
	if (!run.source && !run.trace && !tap_count)
		report_usage("no samples: give --source, --tap or --trace");
	if ((run.source != NULL) + (run.trace != NULL) + (tap_count > 0) > 1)
		report_usage("--source, --tap and --trace: choose one");
	if (node_count && !tap_count)
		report_usage("--node goes with --tap");
	if (run.saved && run.trace)
		report_usage("--save-trace: %s is kept already", run.trace);
	if (run.no_tokens && (run.format || run.prompt_tokens ||
	    run.of_tokens))
		report_usage("--no-tokens and --format, --prompt-tokens or "
		    "--span tokens: choose one");
	if (run.score_options && !run.accuracy)
		report_usage("--weights and --meta go with --accuracy");
	if (run.no_tokens && run.accuracy)
		report_usage("--no-tokens and --accuracy: choose one");
	if (run.detached && !run.records)
		report_usage("--detach goes with --records");
	if (!run.command[0])
		report_usage("no command");
	if (tap_count)
		make_tap();
}

/* What we open must not become the command's standard output.  A closed input
 * stays one that cannot be read. */
static void
check_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		if (fd == STDOUT_FILENO)
			report_fatal("standard output: %s", strerror(errno));
		if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY
		    : O_RDONLY) != fd)
			report_fatal("/dev/null: %s", strerror(errno));
	}
}

/* Called as bin/epi-run, our filters are in bin. */
static void
find_filters(const char *called)
{
	const char *slash = strrchr(called, '/'), *path = getenv("PATH");
	size_t own = slash ? (size_t)(slash - called) : 0, room;

	if (!path)
		path = "/usr/local/bin:/usr/bin:/bin";
	room = own + strlen(path) + 3;
	run.path = keep_word(room);
	if (slash)
		snprintf(run.path, room, "%.*s/:%s", (int)own, called, path);
	else
		snprintf(run.path, room, "%s", path);
}

static void
make_folder(void)
{
	static const char name[] = "/epi-run.XXXXXX";
	const char *in = getenv("TMPDIR");
	size_t length;
	char *path;

	if (!in || !*in)
		in = "/tmp";
	length = strlen(in) + sizeof name;
	path = keep_word(length);
	snprintf(path, length, "%s%s", in, name);
	run.folder = mkdtemp(path);
	if (!run.folder)
		report_fatal("%s: %s", path, strerror(errno));
}

/* That of all of it: the first that is not 0, and of a signal that left runs
 * out. */
static int status;

static void
repeat(void)
{
	once_start();
	for (run.number = 1; run.number <= run.repetitions; run.number++) {
		int of_run = once();

		if (!status)
			status = of_run;
		if ((of_run && !run.keep_going) || run.interrupted ||
		    run.silent)
			break;
	}
	if (!status && run.interrupted && run.number < run.repetitions)
		status = 128 + run.interrupted;
}

/* What the runs came to, and who hears of it. */

static void
end_output(void)
{
	int own = stream_finish();

	if (!status)
		status = own;
}

static void
notify_all(void)
{
	notify(status);
}

/* Each part once, also if there was no way on in the one before it.  What still
 * runs then is not measured, nor is anybody told while it does. */
static void
finish(void)
{
	static void (*const parts[])(void) = { once_end, source_stop,
		repeat_tell, score_all, table_tell, end_output, notify_all,
		keeper_end };
	static size_t next;

	while (next < sizeof parts / sizeof *parts)
		parts[next++]();
}

static void
finish_early(void)
{
	status = STATUS_FAILED;
	finish();
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "source", required_argument, NULL, 's' },
		{ "tap", required_argument, NULL, 'd' },
		{ "node", required_argument, NULL, 'n' },
		{ "trace", required_argument, NULL, 't' },
		{ "idle", required_argument, NULL, 'i' },
		{ "records", required_argument, NULL, 'o' },
		{ "format", required_argument, NULL, 'f' },
		{ "prompt-tokens", required_argument, NULL, 'p' },
		{ "save-trace", required_argument, NULL, SAVE_TRACE },
		{ "marks", required_argument, NULL, MARKS },
		{ "no-tokens", no_argument, NULL, NO_TOKENS },
		{ "span", required_argument, NULL, SPAN },
		{ "terminal", required_argument, NULL, TERMINAL },
		{ "repetitions", required_argument, NULL, 'r' },
		{ "warmup", required_argument, NULL, WARMUP },
		{ "idle-after", required_argument, NULL, IDLE_AFTER },
		{ "wait", required_argument, NULL, WAIT },
		{ "silence", required_argument, NULL, SILENCE },
		{ "keep-going", no_argument, NULL, KEEP_GOING },
		{ "notify", required_argument, NULL, NOTIFY },
		{ "notify-time", required_argument, NULL, NOTIFY_TIME },
		{ "detach", no_argument, NULL, DETACH },
		{ "accuracy", required_argument, NULL, 'a' },
		{ "weights", required_argument, NULL, WEIGHTS },
		{ "meta", required_argument, NULL, META },
		{ "markdown", no_argument, NULL, MARKDOWN },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-run", help, "+s:d:n:t:r:i:o:f:p:a:", options, take_option, NULL
	};

	signal(SIGCHLD, SIG_DFL); /* ignored, no status would come */
	run.command = option_start(argc, argv, &program);
	check();
	records_check();
	check_standard();
	find_filters(argv[0]);
	result_check();
	score_check();
	records_open();
	if (run.detached)
		detach();
	say_start();
	signals_catch();
	report_before_end(finish_early);
	make_folder();
	keeper_start(run.folder);
	pass_start();
	repeat();
	finish();
	return status;
}
