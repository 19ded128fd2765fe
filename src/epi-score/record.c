/* record: energy, tokens and accuracy records, read into a struct score. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-score/score.h"
#include "report.h"

static const char *const energy_keys[ENERGY_KEYS] = {
	[LABEL] = "label", [SCOPE] = "scope", [NODE] = "node",
	[NODES] = "nodes", [BEGIN] = "begin", [END] = "end", [SECONDS] = "seconds",
	[JOULES] = "joules", [MEAN_WATTS] = "mean_watts",
	[PEAK_WATTS] = "peak_watts", [COVERAGE] = "coverage",
	[COMPLETE] = "complete", [MALFORMED] = "malformed",
	[CALIBRATION] = "calibration", [INSTRUMENT] = "instrument",
	[WARNINGS] = "warnings", [BUDGET] = "budget"
};

enum {
	PROMPT, GENERATED, EOS, NODE_COUNT, STATUS, T_BEGIN, T_END, T_WARNINGS,
	T_ENGINE, FORMAT, TOKENS_KEYS
};

static const char *const tokens_keys[TOKENS_KEYS] = {
	[PROMPT] = "prompt_tokens", [GENERATED] = "generated_tokens",
	[EOS] = "eos_counted", [NODE_COUNT] = "node_count",
	[STATUS] = "status", [T_BEGIN] = "begin", [T_END] = "end",
	[T_WARNINGS] = "warnings", [T_ENGINE] = "engine",
	[FORMAT] = "format"
};

enum {
	BENCHMARK, SHOTS, PROTOCOL, QUESTIONS, CORRECT, FAILURES, ACCURACY,
	U_ACCURACY, INTERVAL, ANSWERS, A_WARNINGS, WEIGHTED, LIMIT, SAMPLE,
	ENGINE, MODEL, ACCURACY_KEYS
};

static const char *const accuracy_keys[ACCURACY_KEYS] = {
	[BENCHMARK] = "benchmark", [SHOTS] = "shots",
	[PROTOCOL] = "protocol", [QUESTIONS] = "questions",
	[CORRECT] = "correct", [FAILURES] = "failures",
	[ACCURACY] = "accuracy", [U_ACCURACY] = "u_accuracy",
	[INTERVAL] = "ci95", [ANSWERS] = "answers_sha256",
	[A_WARNINGS] = "warnings", [WEIGHTED] = "weighted",
	[LIMIT] = "limit", [SAMPLE] = "sample", [ENGINE] = "engine",
	[MODEL] = "model"
};

bool
value_unknown(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

double
value_number(const struct json_value *value)
{
	double number;

	return json_double(value, &number) ? number : NAN;
}

static bool
read_count(const struct json_value *value, int64_t *count)
{
	*count = UNKNOWN;
	return value_unknown(value) || (json_integer(value, count) &&
	    *count >= 0 && *count <= COUNT_MAX);
}

static bool
read_time(const struct json_value *value, int64_t *ns)
{
	char text[NAME];

	*ns = UNKNOWN;
	if (value_unknown(value))
		return true;
	if (value->kind == JSON_NUMBER)
		return json_decimal(value, 9, ns) && *ns >= 0;
	return json_string(value, text, sizeof text) > 0 &&
	    clock_parse(text, strlen(text), ns);
}

static bool
read_name(const struct json_value *value, char name[NAME])
{
	*name = '\0';
	return value_unknown(value) || json_string(value, name, NAME) >= 0;
}

static void
complain(const struct feed_record *record, const char *wrong)
{
	report_malformed(record->file, record->line_number, "%s", wrong);
}

static bool
read_members(const struct feed_record *record, const char *const *keys,
    size_t count, struct json_value *at)
{
	struct json_error error;

	if (json_members(record->line, record->length, keys, count, at, &error))
		return true;
	complain(record, error.what);
	return false;
}

struct benchmark *
benchmark_find(struct score *score, const char *name)
{
	for (int i = 0; i < score->benchmark_count; i++)
		if (strcmp(score->benchmarks[i].name, name) == 0)
			return &score->benchmarks[i];
	return NULL;
}

/* NULL, or what is wrong.  Joules that are null are a measurement's that failed;
 * judge_energy refuses them, of the record that is taken. */
static const char *
check_energy(const struct json_value *at, int64_t *begin, int64_t *end)
{
	static const int numbers[] = {
		SECONDS, MEAN_WATTS, PEAK_WATTS, COVERAGE, MALFORMED
	};

	if (!json_is(&at[SCOPE], "node") && !json_is(&at[SCOPE], "cluster"))
		return "\"scope\" is not \"node\" or \"cluster\"";
	if (at[JOULES].kind != JSON_NULL && isnan(value_number(&at[JOULES])))
		return "\"joules\" is not a number";
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!value_unknown(&at[numbers[i]]) &&
		    isnan(value_number(&at[numbers[i]])))
			return "one of seconds, mean_watts, peak_watts, "
			    "coverage and malformed is not a number";
	if (!read_time(&at[BEGIN], begin) || !read_time(&at[END], end))
		return "\"begin\" or \"end\" is not a time";
	return NULL;
}

/* The first record is kept: the values are moved to a copy of its line. */
static void
keep_energy(struct energy *energy, const struct feed_record *record,
    const struct json_value *at)
{
	energy->line = report_copy(record->line, record->length);
	energy->file = record->file;
	energy->line_number = record->line_number;
	memcpy(energy->at, at, sizeof energy->at);
	for (int i = 0; i < ENERGY_KEYS; i++)
		if (at[i].at)
			energy->at[i].at = energy->line +
			    (at[i].at - record->line);
}

static struct energy *
energy_of(struct score *score, bool cluster, bool idle)
{
	if (idle)
		return cluster ? &score->idle_cluster : &score->idle_node;
	return cluster ? &score->cluster : &score->node;
}

/* Beside one labelled "run", as of epi-run, others are of parts of it. */
static bool
is_part(struct energy *energy, const char *label)
{
	bool whole = strcmp(label, "run") == 0;

	if (energy->records == 0 || whole == (strcmp(energy->labels[0],
	    "run") == 0))
		return false;
	if (whole) {
		free(energy->line);
		*energy = (struct energy){ 0 };
	}
	return !whole;
}

static void
take_energy(struct score *score, const struct feed_record *record)
{
	struct json_value at[ENERGY_KEYS];
	struct energy *energy;
	const char *wrong;
	int64_t begin, end;
	char label[NAME];

	if (!read_members(record, energy_keys, ENERGY_KEYS, at))
		return;
	wrong = check_energy(at, &begin, &end);
	if (!wrong && !read_name(&at[LABEL], label))
		wrong = "\"label\" is not a name";
	if (wrong) {
		complain(record, wrong);
		return;
	}
	if (score->label && strcmp(score->label, label) != 0)
		return;
	energy = energy_of(score, json_is(&at[SCOPE], "cluster"),
	    !score->label && strcmp(label, "idle") == 0);
	if (is_part(energy, label))
		return;
	memcpy(energy->labels[energy->records > 0], label, sizeof label);
	if (energy->records++ > 0)
		return;
	keep_energy(energy, record, at);
	energy->begin_ns = begin;
	energy->end_ns = end;
}

int64_t
count_add(int64_t sum, int64_t count)
{
	return sum == UNKNOWN || count == UNKNOWN ? UNKNOWN : sum + count;
}

static void
keep_count(struct tokens *tokens, const struct count *count)
{
	if (tokens->count == tokens->room) {
		tokens->room = tokens->room ? tokens->room * 2 : 16;
		tokens->counts = report_resize(tokens->counts, tokens->room,
		    sizeof *tokens->counts);
	}
	tokens->counts[tokens->count++] = *count;
}

static void
note_span(struct tokens *tokens, int64_t begin, int64_t end)
{
	if (begin == UNKNOWN || end == UNKNOWN) {
		tokens->spanless++;
		return;
	}
	if (tokens->records == tokens->spanless || begin < tokens->begin_ns)
		tokens->begin_ns = begin;
	if (tokens->records == tokens->spanless || end > tokens->end_ns)
		tokens->end_ns = end;
}

/* The log's format tells how old the engine is: of inference-b and -c, at least
 * version 0.12. */
static void
note_engine(struct engine *engine, const struct json_value *format)
{
	engine->distributed_llama = true;
	engine->recent |= json_is(format, "inference-b") ||
	    json_is(format, "inference-c");
	engine->old |= json_is(format, "inference-a1") ||
	    json_is(format, "inference-a2") || json_is(format, "generate-a");
}

static void
take_tokens(struct score *score, const struct feed_record *record)
{
	struct tokens *tokens = &score->tokens;
	struct json_value at[TOKENS_KEYS];
	int64_t prompt, generated, nodes, begin, end;
	char status[NAME];

	if (!read_members(record, tokens_keys, TOKENS_KEYS, at))
		return;
	if (!read_count(&at[PROMPT], &prompt) ||
	    !read_count(&at[GENERATED], &generated) ||
	    !read_count(&at[NODE_COUNT], &nodes) ||
	    !read_time(&at[T_BEGIN], &begin) || !read_time(&at[T_END], &end) ||
	    !read_name(&at[STATUS], status)) {
		complain(record, "a count, a time or the status is none");
		return;
	}
	if (json_is(&at[T_ENGINE], "distributed-llama"))
		note_engine(&score->engine, &at[FORMAT]);
	tokens->prompt = count_add(tokens->prompt, prompt);
	tokens->generated = count_add(tokens->generated, generated);
	tokens->nodes = nodes > tokens->nodes ? nodes : tokens->nodes;
	tokens->eos_counted += at[EOS].kind == JSON_TRUE;
	tokens->eos_left += at[EOS].kind == JSON_FALSE;
	if (begin != UNKNOWN && end != UNKNOWN)
		keep_count(tokens, &(struct count){
			begin, end, prompt, generated });
	note_span(tokens, begin, end);
	tokens->records++;
	if (strcmp(status, "complete") != 0 && tokens->incomplete++ == 0) {
		memcpy(tokens->status, status, sizeof status);
		tokens->file = record->file;
		tokens->line_number = record->line_number;
	}
	note_carry(&score->warnings, &at[T_WARNINGS]);
}

/* Questions that got no answer because the transport failed; -1: malformed. */
static int64_t
read_transport(const struct json_value *failures)
{
	struct json_value name, value;
	const char *cursor = NULL;
	int64_t count;

	if (failures->kind != JSON_OBJECT)
		return read_count(failures, &count) ? 0 : -1;
	while (json_member(failures, &cursor, &name, &value))
		if (json_is(&name, "transport"))
			return read_count(&value, &count) && count >= 0
			    ? count : -1;
	return 0;
}

/* Counts win over a figure; a figure that they contradict is an error, but for
 * that of strata weighted by their size. */
const char *
benchmark_settle(struct benchmark *mark, double accuracy)
{
	bool counted = mark->questions > 0 && mark->correct >= 0;
	double share;

	if (!counted && !(accuracy >= 0 && accuracy <= 1))
		return "neither correct and questions nor an accuracy within "
		    "0 and 1";
	if (mark->questions != UNKNOWN && mark->correct > mark->questions)
		return "more correct than questions";
	mark->accuracy = accuracy;
	if (!counted || (mark->weighted && accuracy >= 0 && accuracy <= 1))
		return NULL;
	share = (double)mark->correct / (double)mark->questions;
	if (isfinite(accuracy) &&
	    fabs(accuracy - share) > 0.5 / (double)mark->questions + 1e-9)
		return "accuracy is not correct / questions";
	mark->accuracy = share;
	if (isnan(mark->interval.low) || isnan(mark->interval.high))
		mark->interval = stats_wilson(mark->correct, mark->questions);
	return NULL;
}

static void
read_interval(const struct json_value *value, struct stats_interval *interval)
{
	struct json_value limit = { 0 };
	const char *cursor = NULL;

	*interval = (struct stats_interval){ NAN, NAN };
	if (value->kind != JSON_ARRAY)
		return;
	if (json_element(value, &cursor, &limit))
		interval->low = value_number(&limit);
	if (json_element(value, &cursor, &limit))
		interval->high = value_number(&limit);
}

static const char *
read_accuracy(const struct json_value *at, struct benchmark *mark)
{
	read_interval(&at[INTERVAL], &mark->interval);
	mark->transport = read_transport(&at[FAILURES]);
	if (mark->transport < 0)
		return "\"failures\" is not a count, nor counts by class";
	if (!read_name(&at[PROTOCOL], mark->protocol))
		return "\"protocol\" is not a name";
	if (!read_count(&at[SHOTS], &mark->shots) ||
	    !read_count(&at[QUESTIONS], &mark->questions) ||
	    !read_count(&at[CORRECT], &mark->correct))
		return "one of shots, questions and correct is not a count";
	if (!read_count(&at[SAMPLE], &mark->sample))
		return "\"sample\" is not a count";
	if (!read_name(&at[ENGINE], mark->engine))
		return "\"engine\" is not a name";
	mark->limit = value_number(&at[LIMIT]);
	mark->weighted = at[WEIGHTED].kind == JSON_TRUE;
	mark->u_accuracy = value_number(&at[U_ACCURACY]);
	return benchmark_settle(mark, value_number(&at[ACCURACY]));
}

static void
take_accuracy(struct score *score, const struct feed_record *record)
{
	struct json_value at[ACCURACY_KEYS];
	struct benchmark *mark, read;
	const char *wrong;
	char name[NAME];

	if (!read_members(record, accuracy_keys, ACCURACY_KEYS, at))
		return;
	if (json_string(&at[BENCHMARK], name, sizeof name) <= 0) {
		complain(record, "\"benchmark\" is not a name");
		return;
	}
	mark = benchmark_find(score, name);
	if (!mark) {
		score->unweighted++;
		return;
	}
	read = *mark;
	wrong = read_accuracy(at, &read);
	if (json_string(&at[ANSWERS], read.digest, DIGEST_HEX) <= 0)
		digest_bytes(record->line, record->length, read.digest);
	if (wrong) {
		complain(record, wrong);
		return;
	}
	if (at[MODEL].kind == JSON_STRING)
		read.model = report_copy(at[MODEL].at - 1, at[MODEL].length + 2);
	read.records++;
	*mark = read;
	note_carry(&score->warnings, &at[A_WARNINGS]);
}

static void
note_run(struct score *score, const struct json_value *run)
{
	size_t length = run->length + 2;

	if (!score->run)
		score->run = report_copy(run->at - 1, length);
	else if (strlen(score->run) != length ||
	    memcmp(score->run, run->at - 1, length) != 0)
		score->runs_differ = true;
}

void
record_take(void *state, const struct feed_record *record)
{
	static const char *const keys[] = { "type", "simulated", "run" };
	struct score *score = state;
	struct json_value at[3];

	if (record->kind != SAMPLE_TYPED || !read_members(record, keys, 3, at))
		return;
	score->simulated |= at[1].kind == JSON_TRUE;
	if (at[2].kind == JSON_STRING)
		note_run(score, &at[2]);
	if (json_is(&at[0], "energy"))
		take_energy(score, record);
	else if (json_is(&at[0], "tokens"))
		take_tokens(score, record);
	else if (json_is(&at[0], "accuracy") && !score->no_accuracy)
		take_accuracy(score, record);
}
