#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "compose.h"
#include "epi-run/run.h"
#include "feed.h"
#include "json.h"
#include "report.h"
#include "stream.h"
#include "write.h"

/* epi-score refuses what was measured less, too. */
static const double least_coverage = 0.99;

enum { HOST_NAME = 256, TEXT = WRITE_UNCERTAIN + 1 };

/* The members that are told of an energy or a tokens record. */
enum {
	TYPE, LABEL, SCOPE, NODES, SECONDS, JOULES, U_JOULES, MEAN_WATTS,
	PEAK_WATTS, COVERAGE, COMPLETE, SIMULATED, WARNINGS, GENERATED, PROMPT,
	DECODE_SECONDS, NODE_COUNT, STATUS, BEGIN, KEYS
};

static const char *const keys[KEYS] = {
	[TYPE] = "type", [LABEL] = "label", [SCOPE] = "scope",
	[NODES] = "nodes", [SECONDS] = "seconds", [JOULES] = "joules",
	[U_JOULES] = "u_joules", [MEAN_WATTS] = "mean_watts",
	[PEAK_WATTS] = "peak_watts", [COVERAGE] = "coverage",
	[COMPLETE] = "complete", [SIMULATED] = "simulated",
	[WARNINGS] = "warnings", [GENERATED] = "generated_tokens",
	[PROMPT] = "prompt_tokens", [DECODE_SECONDS] = "decode_seconds",
	[NODE_COUNT] = "node_count", [STATUS] = "status", [BEGIN] = "begin"
};

/* Values are spans of the line. */
struct record {
	char *line; /* with its newline; NULL: there is none */
	size_t length;
	struct json_value at[KEYS];
};

static struct {
	struct record energy, idle, tokens;
	char *energy_file, *tokens_file;
} result;

/* The filters. */

static pid_t
start(char *const *words, int in, int out)
{
	const struct child child = { .words = words, .in = in, .out = out,
		.err = -1, .leash = -1, .ours = true };
	pid_t pid = child_start(&child);

	if (pid < 0)
		report_fatal("%s: %s", words[0], strerror(errno));
	return pid;
}

/* What a filter has to say it says itself. */
static bool
end(const char *name, pid_t pid)
{
	int status = child_wait(pid, false);

	if (WIFSIGNALED(status))
		report_fatal("%s: ended by signal %d", name, WTERMSIG(status));
	return child_status(status) == STATUS_DONE;
}

static void
count_tokens(void)
{
	char *words[8];
	size_t n = 0;
	int in = run_open(run_file("log"), O_RDONLY), out;

	result.tokens_file = run_file("tokens");
	out = run_open(result.tokens_file, O_WRONLY | O_CREAT | O_TRUNC);
	words[n++] = run_word("epi-tokens");
	if (run.format) {
		words[n++] = run_word("--format");
		words[n++] = run_word(run.format);
	}
	if (run.prompt_tokens) {
		words[n++] = run_word("--prompt-tokens");
		words[n++] = run_word(run.prompt_tokens);
	}
	words[n] = NULL;
	end(words[0], start(words, in, out));
	close(in);
	close(out);
}

/* A trace that goes on for weeks is not read as a whole: epi-window finds its
 * place in it by bisection. */
static void
integrate(void)
{
	char *spans = run_file("spans");
	char *window[] = { run_word("epi-window"), run_word("--span"), spans,
		run_word("--"), run_word(source_trace()), NULL };
	char *sorted[] = { window[0], run_word("--sorted"), window[1], window[2],
		window[3], window[4], NULL };
	char *sum[] = { run_word("epi-integrate"), NULL };
	int ends[2], out;
	pid_t pids[2];
	bool sound;

	result.energy_file = run_file("energy");
	out = run_open(result.energy_file, O_WRONLY | O_CREAT | O_TRUNC);
	run_pipe(ends);
	pids[0] = start(run.trace ? sorted : window, -1, ends[1]);
	close(ends[1]);
	pids[1] = start(sum, ends[0], out);
	close(ends[0]);
	sound = end(window[0], pids[0]);
	sound = end(sum[0], pids[1]) && sound;
	if (!sound)
		report_failed();
	close(out);
}

/* What they have written. */

static double
number(const struct record *record, int key)
{
	double value;

	return record->line && json_double(&record->at[key], &value) ? value
	    : NAN;
}

static bool
is(const struct record *record, int key, enum json_kind kind)
{
	return record->line && record->at[key].kind == kind;
}

static int64_t
length_of(const struct json_value *array)
{
	struct json_value value;
	const char *cursor = NULL;
	int64_t count = 0;

	while (array->kind == JSON_ARRAY &&
	    json_element(array, &cursor, &value))
		count++;
	return count;
}

static void
keep(struct record *record, const struct feed_record *from,
    const struct json_value at[KEYS])
{
	free(record->line);
	record->length = from->length + 1;
	record->line = report_copy(from->line, record->length);
	memcpy(record->at, at, sizeof record->at);
	for (int i = 0; i < KEYS; i++)
		if (at[i].at)
			record->at[i].at = record->line + (at[i].at -
			    from->line);
}

static void
take(void *state, const struct feed_record *record)
{
	struct json_value at[KEYS];
	struct json_error error;

	(void)state;
	if (record->kind != SAMPLE_TYPED || !json_members(record->line,
	    record->length, keys, KEYS, at, &error))
		return;
	if (json_is(&at[TYPE], "tokens"))
		keep(&result.tokens, record, at);
	else if (json_is(&at[SCOPE], "cluster"))
		keep(json_is(&at[LABEL], "idle") ? &result.idle
		    : &result.energy, record, at);
}

static void
read_file(char *name, feed_take *what)
{
	static struct sample_nodes nodes;

	if (name)
		feed_records((char *[]){ name, NULL }, &nodes, what, NULL);
}

/* What speaks against the figures. */

static void
refuse(const char *what, const char *why)
{
	report_error("%s: refused: %s", what, why);
}

static bool
holds(const struct record *energy)
{
	return is(energy, COMPLETE, JSON_TRUE) &&
	    isfinite(number(energy, JOULES)) &&
	    number(energy, COVERAGE) >= least_coverage;
}

static bool
has_tokens(void)
{
	return number(&result.tokens, GENERATED) > 0 &&
	    json_is(&result.tokens.at[STATUS], "complete");
}

static void
judge_energy(void)
{
	char why[TEXT];

	if (holds(&result.energy))
		return;
	if (!result.energy.line)
		refuse("the energy", "there is none");
	else if (run.uncovered)
		refuse("the energy", "no samples up to the end");
	else if (!is(&result.energy, COMPLETE, JSON_TRUE))
		refuse("the energy", "the samples broke off");
	else if (number(&result.energy, COVERAGE) < least_coverage) {
		snprintf(why, sizeof why, "%.2f %% of the time was measured",
		    100 * number(&result.energy, COVERAGE));
		refuse("the energy", why);
	} else {
		refuse("the energy", "it is not known");
	}
}

/* That a command is no engine is no fault; epi-tokens has said it. */
static void
judge_tokens(void)
{
	const struct record *tokens = &result.tokens;

	if (tokens->line && !json_is(&tokens->at[STATUS], "complete") &&
	    !json_is(&tokens->at[STATUS], "uncountable"))
		refuse("joules per token", "the log is not complete");
	if (number(tokens, NODE_COUNT) >
	    (double)length_of(&result.energy.at[NODES]))
		report_warning("the log tells of %.0f nodes, and %lld were "
		    "measured", number(tokens, NODE_COUNT),
		    (long long)length_of(&result.energy.at[NODES]));
}

/* The summary. */

/* "175.23 +- 0.52", or without what is not known. */
static const char *
measured(char text[TEXT], double value, double u)
{
	if (u > 0 && isfinite(u))
		*write_uncertain(text, value, u) = '\0';
	else
		snprintf(text, TEXT, "%.3f", value);
	return text;
}

static void
tell_warnings(const struct record *record, const char *of)
{
	struct json_value value;
	const char *cursor = NULL;
	char text[1024];

	while (is(record, WARNINGS, JSON_ARRAY) &&
	    json_element(&record->at[WARNINGS], &cursor, &value))
		if (json_string(&value, text, sizeof text) > 0)
			report_warning("%s: %s", of, text);
}

static void
tell_tokens(double joules, double u)
{
	double generated = number(&result.tokens, GENERATED);
	double seconds = number(&result.energy, SECONDS);
	double decode = number(&result.tokens, DECODE_SECONDS);
	char text[TEXT];

	if (!has_tokens())
		return;
	report_warning("%s J/token, %.0f generated", measured(text,
	    joules / generated, u / generated), generated);
	if (decode > 0)
		report_warning("%.3f tokens/s, %.3f while generating",
		    generated / seconds, generated / decode);
	else
		report_warning("%.3f tokens/s", generated / seconds);
}

static void
tell_idle(double joules)
{
	double watts = number(&result.idle, MEAN_WATTS);
	double net = joules - watts * number(&result.energy, SECONDS);
	double generated = number(&result.tokens, GENERATED);

	if (!run.idle_done)
		return;
	if (!holds(&result.idle))
		refuse("the idle power", "it was not measured throughout");
	else if (has_tokens())
		report_warning("%.3f W idle; net of it %.3f J, %.3f J/token",
		    watts, net, net / generated);
	else
		report_warning("%.3f W idle; net of it %.3f J", watts, net);
}

static void
tell_energy(void)
{
	const struct record *energy = &result.energy;
	double joules = number(energy, JOULES), u = number(energy, U_JOULES);
	double peak = number(energy, PEAK_WATTS);
	long long nodes = length_of(&energy->at[NODES]);
	char text[TEXT];

	report_warning("%s J in %.3f s%s, %lld node%s, coverage %.2f %%%s",
	    measured(text, joules, u), number(energy, SECONDS),
	    run.of_tokens ? " from the prompt to the last token" : "", nodes,
	    nodes == 1 ? "" : "s", 100 * number(energy, COVERAGE),
	    is(energy, SIMULATED, JSON_TRUE) ? ", SIMULATED" : "");
	tell_tokens(joules, u);
	if (isfinite(peak))
		report_warning("%.3f W mean, %.3f W peak",
		    number(energy, MEAN_WATTS), peak);
	else
		report_warning("%.3f W mean", number(energy, MEAN_WATTS));
	tell_idle(joules);
}

static void
tell(void)
{
	report_warning("%s: status %d", run.command[0],
	    child_status(run.status));
	judge_energy();
	if (holds(&result.energy))
		tell_energy();
	judge_tokens();
	tell_warnings(&result.energy, "energy");
	tell_warnings(&result.tokens, "tokens");
}

/* The records. */

static double
own_seconds(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void
compose_words(const char *const *words)
{
	compose_begin('[');
	while (*words)
		compose_string(*words++);
	compose_end(']');
}

static void
compose_run(void)
{
	char host[HOST_NAME] = "";

	gethostname(host, sizeof host - 1);
	compose_open();
	compose_key("timestamp");
	compose_time(run.begin_ns);
	compose_key("type");
	compose_string("run");
	compose_key("command");
	compose_words((const char *const *)run.command);
	compose_key("begin");
	compose_time(run.begin_ns);
	compose_key("end");
	compose_time(run.end_ns);
	compose_key("seconds");
	compose_seconds(run.end_ns - run.begin_ns);
	compose_key("status");
	compose_integer(child_status(run.status));
	compose_key("signal");
	if (WIFSIGNALED(run.status))
		compose_integer(WTERMSIG(run.status));
	else
		compose_null();
	compose_key("source");
	if (run.tap)
		compose_words((const char *const *)run.tap);
	else
		compose_string(run.trace ? run.trace : run.source);
	compose_key("host");
	compose_string(*host ? host : NULL);
	compose_key("version");
	compose_string(EPI_VERSION);
	compose_figure("own_cpu_seconds", own_seconds());
	if (is(&result.energy, SIMULATED, JSON_TRUE)) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_close();
}

static void
copy(void *state, const struct feed_record *record)
{
	(void)state;
	stream_line(record->line, record->length);
}

/* Standard output was the command's; now it is this file. */
static void
write_records(void)
{
	if (!run.records)
		return;
	stream_output(run.records_fd, run.records);
	compose_run();
	read_file(run_file("marks"), copy);
	read_file(result.energy_file, copy);
	read_file(result.tokens_file, copy);
}

void
result_tell(void)
{
	if (!run.no_tokens) {
		count_tokens();
		read_file(result.tokens_file, take);
	}
	if (run.of_tokens && result.tokens.line)
		mark_span(result.tokens.line, result.tokens.length);
	integrate();
	read_file(result.energy_file, take);
	tell();
	write_records();
}
