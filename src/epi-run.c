/* epi-run - run a command and tell what energy it took */
#include <errno.h>
#include <fcntl.h>
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
"  -i, --idle D             measure so long before, without the command\n"
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
"  -h, --help               show this and exit\n"
"      --version            show the version and exit\n";

struct run run = { .wait_ns = 10 * CLOCK_SECOND, .records_fd = -1 };

/* How often a file is looked at that grows. */
static const int64_t look_ns = 20000000;

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

enum { SAVE_TRACE = OPTION_LONG, MARKS, NO_TOKENS, SPAN, TERMINAL, WAIT };

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
	case SPAN:
		run.of_tokens = option_word("--span", argument, spans) == 1;
		break;
	case TERMINAL:
		run.terminal = option_word("--terminal", argument, whens);
		break;
	default: run.wait_ns = option_duration("--wait", argument);
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
	case 'o': run.records = argument; break;
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

	if (!in || !*in)
		in = "/tmp";
	length = strlen(in) + sizeof name;
	run.folder = keep_word(length);
	snprintf(run.folder, length, "%s%s", in, name);
	if (!mkdtemp(run.folder))
		report_fatal("%s: %s", run.folder, strerror(errno));
}

/* The phases. */

/* Whether it becomes so within --wait.  A source that has left and a signal
 * that wants an end leave no hope. */
static bool
await(bool (*so)(int64_t ns), int64_t ns)
{
	int64_t until_ns = clock_steady() + run.wait_ns;

	for (;;) {
		bool hope = !run.source_left && clock_steady() < until_ns;

		trace_read();
		if (so(ns) || !hope)
			return so(ns);
		if (run.interrupted && !run.end_ns)
			return false;
		turn(clock_steady() + look_ns);
	}
}

static bool
ready(int64_t ns)
{
	(void)ns;
	return trace_ready();
}

static bool
begin_samples(void)
{
	if (run.trace)
		trace_open(run.trace, true);
	else
		source_start();
	if (await(ready, 0))
		return true;
	if (!run.interrupted && !run.source_left)
		report_error("no sample%s%s within %g s",
		    trace_missing() ? " of " : "",
		    trace_missing() ? trace_missing() : "",
		    (double)run.wait_ns / 1e9);
	return false;
}

static bool
measure_idle(void)
{
	int64_t until_ns = clock_steady() + run.idle_ns;

	if (!run.idle_ns)
		return true;
	mark_put("idle", false, clock_now());
	while (!run.interrupted && !run.source_left &&
	    clock_steady() < until_ns)
		turn(until_ns);
	mark_put("idle", true, clock_now());
	run.idle_done = true;
	return !run.interrupted && !run.source_left;
}

/* The statuses of a shell. */
static int
run_command(void)
{
	const struct child child = { .words = run.command, .in = -1,
		.out = pass_end(STDOUT_FILENO), .err = pass_end(STDERR_FILENO),
		.leash = -1 };

	run.begin_ns = clock_now();
	mark_put("run", false, run.begin_ns);
	run.pid = child_start(&child);
	if (run.pid < 0) {
		int status = errno == ENOENT ? 127 : 126;

		report_error("%s: %s", run.command[0], strerror(errno));
		return status;
	}
	pass_started();
	while (!run.end_ns)
		turn(TURN_LONG);
	mark_put("run", true, run.end_ns);
	pass_finish();
	return 0;
}

static void
end_samples(void)
{
	trace_skip();
	if (!run.source_left)
		run.uncovered = !await(trace_covers, run.end_ns);
	source_stop();
}

/* The status of all of it, the command's own where it is not 0. */
static int
measure(void)
{
	int status;

	if (!begin_samples() || !measure_idle()) {
		source_stop();
		return run.interrupted ? 128 + run.interrupted : STATUS_FAILED;
	}
	status = run_command();
	if (status) {
		source_stop();
		return status;
	}
	end_samples();
	signals_release();
	result_tell();
	return child_status(run.status);
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
		{ "wait", required_argument, NULL, WAIT },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-run", help, "+s:d:n:t:i:o:f:p:", options, take_option, NULL
	};
	int status, own;

	run.command = option_start(argc, argv, &program);
	check();
	check_standard();
	find_filters(argv[0]);
	if (run.records)
		run.records_fd = run_open(run.records, O_WRONLY | O_CREAT |
		    O_TRUNC);
	make_folder();
	keeper_start(run.folder);
	signals_catch();
	mark_open();
	pass_open(run.terminal, run.no_tokens ? NULL : run_file("log"));
	status = measure();
	own = stream_finish();
	keeper_end();
	return status ? status : own;
}
