#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	[BEGIN] = "begin", [END] = "end",
	[TEST] = "test"
};

enum { NUMBER = 16 }; /* " (2)" */

struct result result;

/* The filters. */

/* llama-bench's rows stand between lines of llama.cpp's other logs. */
static const char *
usual_format(void)
{
	const char *base = strrchr(run.command[0], '/');

	base = base ? base + 1 : run.command[0];
	return strcmp(base, "llama-bench") == 0 ? "llama-bench" : NULL;
}

enum { TOKENS_WORDS = 8 };

/* One more after the options, or NULL. */
static void
tokens_words(char *words[TOKENS_WORDS], const char *last)
{
	const char *format = run.format ? run.format : usual_format();
	size_t n = 0;

	words[n++] = run_word("epi-tokens");
	if (format) {
		words[n++] = run_word("--format");
		words[n++] = run_word(format);
	}
	if (run.prompt_tokens) {
		words[n++] = run_word("--prompt-tokens");
		words[n++] = run_word(run.prompt_tokens);
	}
	words[n++] = last ? run_word(last) : NULL;
	words[n] = NULL;
}

/* It looks at its options before it helps. */
void
result_check(void)
{
	char *words[TOKENS_WORDS];
	int nowhere;

	if (run.no_tokens)
		return;
	nowhere = run_open("/dev/null", O_RDWR);
	tokens_words(words, "--help");
	if (!filter_end(words[0], filter_start(words, nowhere, nowhere)))
		exit(STATUS_USAGE);
	close(nowhere);
}

static void
count_tokens(void)
{
	char *words[TOKENS_WORDS];
	int in = run_open(run_file("log"), O_RDONLY), out;

	result.tokens_file = run_file("tokens");
	out = run_open(result.tokens_file, O_WRONLY | O_CREAT | O_TRUNC);
	tokens_words(words, NULL);
	filter_end(words[0], filter_start(words, in, out));
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
	pids[0] = filter_start(run.trace ? sorted : window, -1, ends[1]);
	close(ends[1]);
	pids[1] = filter_start(sum, ends[0], out);
	close(ends[0]);
	sound = filter_end(window[0], pids[0]);
	sound = filter_end(sum[0], pids[1]) && sound;
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
find_phase(const char *label)
{
	for (size_t i = 0; i < result.phase_count; i++)
		if (strcmp(result.phases[i].label, label) == 0)
			return &result.phases[i];
	return NULL;
}

/* The label is the phase's from now on. */
static struct phase *
new_phase(char *label)
{
	struct phase *phase;

	result.phases = report_resize(result.phases, result.phase_count + 1,
	    sizeof *result.phases);
	phase = &result.phases[result.phase_count++];
	*phase = (struct phase){ .label = label };
	return phase;
}

/* Room for a number behind it. */
static char *
label_of(const struct json_value *value)
{
	char *label = report_resize(NULL, value->length + NUMBER, 1);

	if (json_string(value, label, value->length + 1) < 0)
		*label = '\0';
	return label;
}

static void
add_phase(const struct feed_record *from, const struct json_value at[KEYS])
{
	struct record record = { .line = (char *)(uintptr_t)from->line };
	char *label = label_of(&at[LABEL]);
	struct phase *phase = find_phase(label);

	memcpy(record.at, at, sizeof record.at);
	if (phase)
		free(label);
	else
		phase = new_phase(label);
	phase->count++;
	phase->seconds += record_number(&record, SECONDS);
	phase->joules += result_holds(&record) ? record_number(&record, JOULES)
	    : NAN;
}

/* A row of llama-bench; tests of one name are numbered. */
static void
add_test(const struct json_value at[KEYS])
{
	char *label = label_of(&at[TEST]);
	size_t length = strlen(label);
	struct phase *phase;
	double prompt = 0, generated = 0;

	for (int n = 2; find_phase(label); n++)
		snprintf(label + length, NUMBER, " (%d)", n);
	phase = new_phase(label);
	phase->test = true;
	json_double(&at[PROMPT], &prompt);
	json_double(&at[GENERATED], &generated);
	phase->tokens = prompt + generated;
	phase->timed = clock_value(&at[BEGIN], &phase->begin_ns) &&
	    clock_value(&at[END], &phase->end_ns);
	result.tests++;
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
	if (json_is(&at[TYPE], "tokens") && at[TEST].kind == JSON_STRING)
		add_test(at);
	else if (json_is(&at[TYPE], "tokens"))
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
records_read(char *name, feed_take *what)
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
	result = (struct result){ .epi = NAN };
}

static bool
span_of_tests(int64_t *begin_ns, int64_t *end_ns)
{
	const struct phase *last = result.phases + result.phase_count - 1;

	*begin_ns = result.phases[0].begin_ns;
	*end_ns = last->end_ns;
	return !result.phases_unknown && result.phases[0].timed && last->timed;
}

/* The span of the log is what is told of. */
static void
mark_tokens(void)
{
	int64_t begin_ns, end_ns;
	bool known = result.tests > 0 ? span_of_tests(&begin_ns, &end_ns)
	    : result.tokens.line &&
	    clock_value(&result.tokens.at[BEGIN], &begin_ns) &&
	    clock_value(&result.tokens.at[END], &end_ns);

	if (!known || end_ns <= begin_ns)
		return;
	mark_put("run", false, begin_ns, MARK_SPAN);
	mark_put("run", true, end_ns, MARK_SPAN);
}

static void
take_figures(void)
{
	const struct record *energy = &result.energy;
	bool held = !run.status && result_holds_run();
	double joules = held ? record_number(energy, JOULES) : NAN;
	double u = record_number(energy, U_JOULES);
	double seconds = record_number(energy, SECONDS);
	double tokens = result_has_tokens()
	    ? record_number(&result.tokens, GENERATED) : NAN;

	repeat_take(&(struct figures){
		.seconds = seconds, .tokens = tokens, .none = NAN,
		.joules = joules, .u_joules = u,
		.joules_per_token = joules / tokens,
		.u_joules_per_token = u / tokens,
		.tokens_per_second = tokens / seconds,
		.watts = held ? record_number(energy, MEAN_WATTS) : NAN,
		.peak_watts = held ? record_number(energy, PEAK_WATTS) : NAN,
		.epi = NAN, .number = run.number
	});
	table_take();
}

void
result_tell(void)
{
	forget();
	if (!run.no_tokens) {
		count_tokens();
		records_read(result.tokens_file, take);
	}
	result.phases_unknown = phase_marks(&result.tokens);
	if (run.of_tokens)
		mark_tokens();
	integrate();
	records_read(result.energy_file, take);
	tell_run();
	score_run();
	take_figures();
	records_write();
	score_keep();
}
