#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/result.h"
#include "epi-run/run.h"
#include "report.h"

/* epi-score refuses what was measured less, too. */
const double result_least_coverage = 0.99;

static const char *const keys[KEYS] = {
	[TYPE] = "type", [LABEL] = "label", [SCOPE] = "scope",
	[NODES] = "nodes", [SECONDS] = "seconds", [JOULES] = "joules",
	[U_JOULES] = "u_joules", [MEAN_WATTS] = "mean_watts",
	[PEAK_WATTS] = "peak_watts", [COVERAGE] = "coverage",
	[COMPLETE] = "complete", [SIMULATED] = "simulated",
	[WARNINGS] = "warnings", [GENERATED] = "generated_tokens",
	[PROMPT] = "prompt_tokens", [PREFILL_SECONDS] = "prefill_seconds",
	[DECODE_SECONDS] = "decode_seconds", [NODE_COUNT] = "node_count",
	[STATUS] = "status", [ENGINE] = "engine", [REQUESTS] = "requests",
	[BEGIN] = "begin", [END] = "end"
};

struct result result;

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

double
record_number(const struct record *record, int key)
{
	double value;

	return record->line && json_double(&record->at[key], &value) ? value
	    : NAN;
}

bool
record_is(const struct record *record, int key, enum json_kind kind)
{
	return record->line && record->at[key].kind == kind;
}

int64_t
result_nodes(void)
{
	const struct json_value *nodes = &result.energy.at[NODES];
	struct json_value value;
	const char *cursor = NULL;
	int64_t count = 0;

	while (nodes->kind == JSON_ARRAY &&
	    json_element(nodes, &cursor, &value))
		count++;
	return count;
}

bool
result_holds(const struct record *energy)
{
	return record_is(energy, COMPLETE, JSON_TRUE) &&
	    isfinite(record_number(energy, JOULES)) &&
	    record_number(energy, COVERAGE) >= result_least_coverage;
}

bool
result_holds_run(void)
{
	return !run.silent && result_holds(&result.energy);
}

bool
result_has_tokens(void)
{
	return record_number(&result.tokens, GENERATED) > 0 &&
	    json_is(&result.tokens.at[STATUS], "complete");
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

static struct phase *
phase_of(const struct json_value *label)
{
	struct phase *phase;

	for (size_t i = 0; i < result.phase_count; i++)
		if (json_is(label, result.phases[i].label))
			return &result.phases[i];
	result.phases = report_resize(result.phases, result.phase_count + 1,
	    sizeof *result.phases);
	phase = &result.phases[result.phase_count++];
	*phase = (struct phase){ .label = report_resize(NULL,
	    label->length + 1, 1) };
	json_string(label, phase->label, label->length + 1);
	return phase;
}

static void
add_phase(const struct feed_record *from, const struct json_value at[KEYS])
{
	struct record record = { .line = (char *)(uintptr_t)from->line };
	struct phase *phase = phase_of(&at[LABEL]);

	memcpy(record.at, at, sizeof record.at);
	phase->count++;
	phase->seconds += record_number(&record, SECONDS);
	phase->joules += result_holds(&record) ? record_number(&record, JOULES)
	    : NAN;
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
	else if (!json_is(&at[SCOPE], "cluster"))
		return;
	else if (json_is(&at[LABEL], "run"))
		keep(&result.energy, record, at);
	else if (json_is(&at[LABEL], "idle"))
		keep(&result.idle, record, at);
	else if (json_is(&at[LABEL], "idle_after"))
		keep(&result.idle_after, record, at);
	else
		add_phase(record, at);
}

void
result_read(char *name, feed_take *what)
{
	static struct sample_nodes nodes;

	if (name)
		feed_records((char *[]){ name, NULL }, &nodes, what, NULL);
}

/* The run before this one. */
static void
forget(void)
{
	for (size_t i = 0; i < result.phase_count; i++)
		free(result.phases[i].label);
	free(result.phases);
	free(result.energy.line);
	free(result.idle.line);
	free(result.idle_after.line);
	free(result.tokens.line);
	result = (struct result){ 0 };
}

/* The span of the log is what is told of. */
static void
mark_tokens(void)
{
	int64_t begin_ns, end_ns;

	if (!clock_value(&result.tokens.at[BEGIN], &begin_ns) ||
	    !clock_value(&result.tokens.at[END], &end_ns) ||
	    end_ns <= begin_ns)
		return;
	mark_put("run", false, begin_ns, MARK_SPAN);
	mark_put("run", true, end_ns, MARK_SPAN);
}

static void
take_figures(void)
{
	bool held = !run.status && result_holds_run();
	double tokens = result_has_tokens()
	    ? record_number(&result.tokens, GENERATED) : NAN;

	repeat_take(&(struct figures){
		.seconds = record_number(&result.energy, SECONDS),
		.joules = held ? record_number(&result.energy, JOULES) : NAN,
		.tokens = tokens,
		.joules_per_token = record_number(&result.energy, JOULES) /
		    tokens,
		.watts = record_number(&result.energy, MEAN_WATTS),
		.peak_watts = record_number(&result.energy, PEAK_WATTS)
	});
}

void
result_tell(void)
{
	forget();
	if (!run.no_tokens) {
		count_tokens();
		result_read(result.tokens_file, take);
	}
	if (run.of_tokens && result.tokens.line)
		mark_tokens();
	phase_marks(&result.tokens);
	integrate();
	result_read(result.energy_file, take);
	tell_run();
	records_write();
	take_figures();
}
