/*
 * epi-score - join energy, tokens and accuracy into energy per intelligence
 */
/* link: -lnettle */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include "clock.h"
#include "compose.h"
#include "feed.h"
#include "json.h"
#include "option.h"
#include "report.h"
#include "stats.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-score [options] [file ...]\n"
"Join energy, tokens and accuracy records into one score: the joules per\n"
"token, divided by the accuracy.\n"
"\n"
"  --weights LIST      weights of the benchmarks in the composite\n"
"                      (mmlu=1,arc_challenge=1,hellaswag=1)\n"
"  --accuracy TEXT     an accuracy from elsewhere: mmlu=701/1769,shots=5\n"
"  --meta KEY=VALUE    what the records do not know: model=..., hardware=...,\n"
"                      environment.ambient_temp_c=21.8; see epi-score(1)\n"
"  --meta FILE         the same from a JSON file\n"
"  --label LABEL       the energy records with this label\n"
"  --no-accuracy       joules per token alone\n"
"  --force             write the score in spite of what speaks against it,\n"
"                      and that into its warnings\n"
"  -h, --help          show this and exit\n"
"      --version       show the version and exit\n";

enum {
	NAME = 64,
	SENTENCE = 640,
	BENCHMARKS = 16,
	NOTES = 100
};

#define COUNT_MAX INT64_C(1000000000000)
#define UNKNOWN (-1)
#define COVERAGE_LEAST 0.99

/* Sentences of the form "slug: what is so", each once. */
struct notes {
	char *text[NOTES];
	size_t count;
	size_t left_out;
};

struct input {
	const char *name;
	struct sha256_ctx hash;
	char digest[2 * SHA256_DIGEST_SIZE + 1]; /* "": not read to its end */
};

enum {
	LABEL, SCOPE, NODES, BEGIN, END, SECONDS, JOULES, MEAN_WATTS, PEAK_WATTS,
	COVERAGE, COMPLETE, MALFORMED, CALIBRATION, INSTRUMENT, WARNINGS,
	ENERGY_KEYS
};

static const char *const energy_keys[ENERGY_KEYS] = {
	[LABEL] = "label", [SCOPE] = "scope", [NODES] = "nodes",
	[BEGIN] = "begin", [END] = "end", [SECONDS] = "seconds",
	[JOULES] = "joules", [MEAN_WATTS] = "mean_watts",
	[PEAK_WATTS] = "peak_watts", [COVERAGE] = "coverage",
	[COMPLETE] = "complete", [MALFORMED] = "malformed",
	[CALIBRATION] = "calibration", [INSTRUMENT] = "instrument",
	[WARNINGS] = "warnings"
};

/* The first energy record of a scope, and how many there were. */
struct energy {
	char *line; /* a copy; the values are spans of it */
	struct json_value at[ENERGY_KEYS];
	const char *file;
	uint64_t line_number;
	int64_t records;
	char labels[2][NAME]; /* of the first and the last record */
	int64_t begin_ns, end_ns; /* UNKNOWN */
};

enum {
	PROMPT, GENERATED, EOS, NODE_COUNT, STATUS, T_BEGIN, T_END, T_WARNINGS,
	TOKENS_KEYS
};

static const char *const tokens_keys[TOKENS_KEYS] = {
	[PROMPT] = "prompt_tokens", [GENERATED] = "generated_tokens",
	[EOS] = "eos_counted", [NODE_COUNT] = "node_count",
	[STATUS] = "status", [T_BEGIN] = "begin", [T_END] = "end",
	[T_WARNINGS] = "warnings"
};

struct tokens {
	int64_t records;
	int64_t prompt, generated; /* UNKNOWN once one record does not know */
	int64_t nodes;             /* the most of any record, or UNKNOWN */
	int64_t begin_ns, end_ns;
	int64_t spanless;          /* records without begin or end */
	int64_t incomplete;
	int64_t eos_counted, eos_left; /* records that say so */
	char status[NAME];         /* of the first incomplete record */
	const char *file;
	uint64_t line_number;
};

enum {
	BENCHMARK, SHOTS, PROTOCOL, QUESTIONS, CORRECT, FAILURES, ACCURACY,
	INTERVAL, A_WARNINGS, ACCURACY_KEYS
};

static const char *const accuracy_keys[ACCURACY_KEYS] = {
	[BENCHMARK] = "benchmark", [SHOTS] = "shots",
	[PROTOCOL] = "protocol", [QUESTIONS] = "questions",
	[CORRECT] = "correct", [FAILURES] = "failures",
	[ACCURACY] = "accuracy", [INTERVAL] = "ci95",
	[A_WARNINGS] = "warnings"
};

struct benchmark {
	char name[NAME];
	char protocol[NAME]; /* "": unknown */
	double weight;
	int64_t records;
	int64_t shots, questions, correct; /* UNKNOWN */
	int64_t transport;                 /* questions never answered */
	double accuracy;                   /* NAN: unknown */
	struct stats_interval interval;    /* NAN: unknown */
};

/* All answers of a four-way test have the chance of one in four; epi-score(1)
 * tells of the seven ARC questions that have three or five choices. */
static const struct {
	const char *name;
	double chance;
} chances[] = {
	{ "mmlu", 0.25 }, { "arc_challenge", 0.25 }, { "hellaswag", 0.25 }
};

enum meta_kind { TEXT, NUMBER, WHOLE, POINT, WORKLOAD, TIME };

struct meta {
	const char *name;
	enum meta_kind kind;
	char *json; /* NULL: unknown */
};

static struct meta metas[] = {
	{ "model", TEXT, NULL },
	{ "quantization", TEXT, NULL },
	{ "surgery", TEXT, NULL },
	{ "hardware", TEXT, NULL },
	{ "instrument", TEXT, NULL },
	{ "measurement_point", POINT, NULL },
	{ "workload", WORKLOAD, NULL },
	{ "environment.ambient_temp_c", NUMBER, NULL },
	{ "environment.frequency_governor", TEXT, NULL },
	{ "environment.background_load", TEXT, NULL },
	{ "run_metadata.run_id", TEXT, NULL },
	{ "run_metadata.timestamp_utc", TIME, NULL },
	{ "run_metadata.repetition", WHOLE, NULL },
	{ "run_metadata.epi_meter_firmware", TEXT, NULL },
	{ "run_metadata.distributed_llama_version", TEXT, NULL }
};

enum { METAS = sizeof metas / sizeof *metas };

static struct {
	const char *label;
	bool no_accuracy, force;
	const char **accuracies; /* of --accuracy, read when all weights are known */
	size_t accuracy_count;

	struct benchmark benchmarks[BENCHMARKS];
	int benchmark_count;
	struct energy cluster, node;
	struct tokens tokens;
	bool simulated, runs_differ;
	char *run; /* JSON */
	int64_t unweighted;
	struct input *inputs;
	size_t input_count;
	struct notes refusals, warnings;
} score = { .tokens = { .nodes = UNKNOWN } };

__attribute__((format(printf, 2, 3))) static void
note(struct notes *notes, const char *format, ...)
{
	char text[SENTENCE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < notes->count; i++)
		if (strcmp(notes->text[i], text) == 0)
			return;
	if (notes->count == NOTES)
		notes->left_out++;
	else
		notes->text[notes->count++] = report_copy(text, strlen(text));
}

/* The strings of a record's warnings go with the score. */
static void
carry(const struct json_value *warnings)
{
	struct json_value warning;
	const char *cursor = NULL;
	char text[SENTENCE];

	if (warnings->kind != JSON_ARRAY)
		return;
	while (json_element(warnings, &cursor, &warning))
		if (json_string(&warning, text, sizeof text) > 0)
			note(&score.warnings, "%s", text);
}

static bool
is_unknown(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

static bool
read_count(const struct json_value *value, int64_t *count)
{
	*count = UNKNOWN;
	return is_unknown(value) || (json_integer(value, count) && *count >= 0 &&
	    *count <= COUNT_MAX);
}

static bool
read_time(const struct json_value *value, int64_t *ns)
{
	char text[NAME];

	*ns = UNKNOWN;
	if (is_unknown(value))
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
	return is_unknown(value) || json_string(value, name, NAME) >= 0;
}

static double
number(const struct json_value *value)
{
	double number;

	return json_double(value, &number) ? number : NAN;
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

static struct benchmark *
find_benchmark(const char *name)
{
	for (int i = 0; i < score.benchmark_count; i++)
		if (strcmp(score.benchmarks[i].name, name) == 0)
			return &score.benchmarks[i];
	return NULL;
}

/* NULL, or what is wrong. */
static const char *
check_energy(const struct json_value *at, int64_t *begin, int64_t *end)
{
	static const int numbers[] = {
		SECONDS, MEAN_WATTS, PEAK_WATTS, COVERAGE, MALFORMED
	};

	if (!json_is(&at[SCOPE], "node") && !json_is(&at[SCOPE], "cluster"))
		return "\"scope\" is not \"node\" or \"cluster\"";
	if (isnan(number(&at[JOULES])))
		return "\"joules\" is not a number";
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (!is_unknown(&at[numbers[i]]) &&
		    isnan(number(&at[numbers[i]])))
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

static void
take_energy(const struct feed_record *record)
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
	if (score.label && strcmp(score.label, label) != 0)
		return;
	energy = json_is(&at[SCOPE], "cluster") ? &score.cluster : &score.node;
	memcpy(energy->labels[energy->records > 0], label, sizeof label);
	if (energy->records++ > 0)
		return;
	keep_energy(energy, record, at);
	energy->begin_ns = begin;
	energy->end_ns = end;
}

static int64_t
add(int64_t sum, int64_t count)
{
	return sum == UNKNOWN || count == UNKNOWN ? UNKNOWN : sum + count;
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

static void
take_tokens(const struct feed_record *record)
{
	struct tokens *tokens = &score.tokens;
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
	tokens->prompt = add(tokens->prompt, prompt);
	tokens->generated = add(tokens->generated, generated);
	tokens->nodes = nodes > tokens->nodes ? nodes : tokens->nodes;
	tokens->eos_counted += at[EOS].kind == JSON_TRUE;
	tokens->eos_left += at[EOS].kind == JSON_FALSE;
	note_span(tokens, begin, end);
	tokens->records++;
	if (strcmp(status, "complete") != 0 && tokens->incomplete++ == 0) {
		memcpy(tokens->status, status, sizeof status);
		tokens->file = record->file;
		tokens->line_number = record->line_number;
	}
	carry(&at[T_WARNINGS]);
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

/* Counts win over a figure; a figure that they contradict is an error. */
static const char *
settle(struct benchmark *mark, double accuracy)
{
	bool counted = mark->questions > 0 && mark->correct >= 0;
	double share;

	if (!counted && !(accuracy >= 0 && accuracy <= 1))
		return "neither correct and questions nor an accuracy within 0 and 1";
	if (mark->questions != UNKNOWN && mark->correct > mark->questions)
		return "more correct than questions";
	mark->accuracy = accuracy;
	if (!counted)
		return NULL;
	share = (double)mark->correct / (double)mark->questions;
	if (isfinite(accuracy) &&
	    fabs(accuracy - share) > 0.5 / (double)mark->questions + 1e-9)
		return "accuracy is not correct / questions";
	mark->accuracy = share;
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
		interval->low = number(&limit);
	if (json_element(value, &cursor, &limit))
		interval->high = number(&limit);
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
	return settle(mark, number(&at[ACCURACY]));
}

static void
take_accuracy(const struct feed_record *record)
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
	mark = find_benchmark(name);
	if (!mark) {
		score.unweighted++;
		return;
	}
	read = *mark;
	wrong = read_accuracy(at, &read);
	if (wrong) {
		complain(record, wrong);
		return;
	}
	read.records++;
	*mark = read;
	carry(&at[A_WARNINGS]);
}

static void
note_run(const struct json_value *run)
{
	size_t length = run->length + 2;

	if (!score.run)
		score.run = report_copy(run->at - 1, length);
	else if (strlen(score.run) != length ||
	    memcmp(score.run, run->at - 1, length) != 0)
		score.runs_differ = true;
}

static void
take(void *state, const struct feed_record *record)
{
	static const char *const keys[] = { "type", "simulated", "run" };
	struct json_value at[3];

	(void)state;
	if (record->kind != SAMPLE_TYPED || !read_members(record, keys, 3, at))
		return;
	score.simulated |= at[1].kind == JSON_TRUE;
	if (at[2].kind == JSON_STRING)
		note_run(&at[2]);
	if (json_is(&at[0], "energy"))
		take_energy(record);
	else if (json_is(&at[0], "tokens"))
		take_tokens(record);
	else if (json_is(&at[0], "accuracy") && !score.no_accuracy)
		take_accuracy(record);
}

static void
watch(const char *bytes, size_t length)
{
	sha256_update(&score.inputs[score.input_count - 1].hash, length,
	    (const uint8_t *)bytes);
}

static void
take_input(char *name, struct sample_nodes *nodes)
{
	struct input *input;
	uint8_t digest[SHA256_DIGEST_SIZE];

	score.inputs = report_resize(score.inputs, score.input_count + 1,
	    sizeof *score.inputs);
	input = &score.inputs[score.input_count++];
	input->name = name;
	*input->digest = '\0';
	sha256_init(&input->hash);
	if (!feed_records((char *[]){ name, NULL }, nodes, take, NULL)) {
		note(&score.refusals, "input-unread: %s was not read to its end",
		    name);
		return;
	}
	sha256_digest(&input->hash, sizeof digest, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(input->digest + 2 * i, 3, "%02x", digest[i]);
}

static void
take_inputs(char **operands)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	struct sample_nodes nodes = { 0 };

	stream_watch(watch);
	for (char **name = *operands ? operands : standard_input; *name; name++)
		take_input(*name, &nodes);
	if (report_malformed_count() > 0)
		note(&score.refusals, "input-malformed: %llu malformed records",
		    (unsigned long long)report_malformed_count());
}

/* The one energy record, or NULL and a refusal. */
static const struct energy *
choose_energy(void)
{
	const struct energy *energy = &score.cluster;
	const char *scope = "cluster";

	if (energy->records == 0) {
		energy = &score.node;
		scope = "node";
	}
	if (energy->records == 1)
		return energy;
	if (energy->records == 0 && score.label)
		note(&score.refusals,
		    "energy-missing: no energy record has the label %s",
		    score.label);
	else if (energy->records == 0)
		note(&score.refusals, "energy-missing: no energy record");
	else
		note(&score.refusals, "energy-ambiguous: %lld %s energy records, "
		    "from label \"%s\" to \"%s\": choose one with --label",
		    (long long)energy->records, scope, energy->labels[0],
		    energy->labels[1]);
	return NULL;
}

static void
judge_energy(const struct energy *energy)
{
	double coverage = number(&energy->at[COVERAGE]);
	double malformed = number(&energy->at[MALFORMED]);

	carry(&energy->at[WARNINGS]);
	if (energy->at[COMPLETE].kind != JSON_TRUE)
		note(&score.refusals, "energy-incomplete: %s:%llu: the energy "
		    "is not complete: its stream has no stop", energy->file,
		    (unsigned long long)energy->line_number);
	if (!(number(&energy->at[JOULES]) > 0))
		note(&score.refusals, "energy-not-positive: %.*s J",
		    (int)energy->at[JOULES].length, energy->at[JOULES].at);
	if (isnan(coverage))
		note(&score.warnings, "coverage-unknown: the energy record "
		    "does not say what share of its span was measured");
	else if (coverage < COVERAGE_LEAST)
		note(&score.refusals, "coverage-low: %.*s of the span was "
		    "measured, %g is needed", (int)energy->at[COVERAGE].length,
		    energy->at[COVERAGE].at, COVERAGE_LEAST);
	if (malformed > 0)
		note(&score.warnings, "samples-malformed: %g records of the "
		    "power trace were malformed", malformed);
}

static void
judge_tokens(void)
{
	const struct tokens *tokens = &score.tokens;

	if (tokens->records == 0) {
		note(&score.refusals, "tokens-missing: no tokens record");
		return;
	}
	if (tokens->incomplete > 0)
		note(&score.refusals, "tokens-incomplete: %s:%llu: status is "
		    "%s, not complete (%lld of %lld tokens records)",
		    tokens->file, (unsigned long long)tokens->line_number,
		    *tokens->status ? tokens->status : "unknown",
		    (long long)tokens->incomplete, (long long)tokens->records);
	if (tokens->generated == UNKNOWN)
		note(&score.refusals,
		    "tokens-unknown: generated_tokens is not known");
	if (tokens->generated == 0)
		note(&score.warnings, "tokens-none: no token was generated, "
		    "so there are no joules per token");
	if (tokens->eos_counted + tokens->eos_left < tokens->records ||
	    (tokens->eos_counted > 0 && tokens->eos_left > 0))
		note(&score.warnings, "eos-unclear: it is not known of all "
		    "tokens records whether the end token is counted");
}

/* Nodes that the energy is of. */
static int64_t
measured_nodes(const struct energy *energy)
{
	struct json_value node;
	const char *cursor = NULL;
	int64_t count = 0;

	if (energy == &score.node)
		return 1;
	if (energy->at[NODES].kind != JSON_ARRAY)
		return UNKNOWN;
	while (json_element(&energy->at[NODES], &cursor, &node))
		count++;
	return count;
}

static struct meta *
find_meta(const char *name)
{
	for (int i = 0; i < METAS; i++)
		if (strcmp(metas[i].name, name) == 0)
			return &metas[i];
	return NULL;
}

static bool
meta_is(const char *name, const char *json)
{
	const struct meta *meta = find_meta(name);

	return meta->json && strcmp(meta->json, json) == 0;
}

static void
judge_nodes(const struct energy *energy)
{
	int64_t measured = measured_nodes(energy);

	if (meta_is("measurement_point", "\"shared_ac\""))
		return;
	if (measured == UNKNOWN || score.tokens.nodes == UNKNOWN)
		note(&score.warnings, "nodes-unknown: it is not known whether "
		    "every node of the run was measured");
	else if (score.tokens.nodes > measured)
		note(&score.refusals, "nodes-unmeasured: the run had %lld "
		    "nodes, the energy is of %lld; one meter for all of them "
		    "is --meta measurement_point=shared_ac",
		    (long long)score.tokens.nodes, (long long)measured);
}

static void
judge_spans(const struct energy *energy)
{
	const struct tokens *tokens = &score.tokens;
	char begin[CLOCK_TEXT], end[CLOCK_TEXT];

	if (tokens->spanless > 0 || energy->begin_ns == UNKNOWN ||
	    energy->end_ns == UNKNOWN)
		note(&score.warnings, "span-unknown: it is not known whether "
		    "the tokens were generated within the energy's span");
	if (tokens->spanless == tokens->records ||
	    energy->begin_ns == UNKNOWN || energy->end_ns == UNKNOWN)
		return;
	if (tokens->begin_ns >= energy->begin_ns &&
	    tokens->end_ns <= energy->end_ns)
		return;
	clock_format(begin, tokens->begin_ns);
	clock_format(end, tokens->end_ns);
	note(&score.refusals, "span-outside: the tokens' span, %s to %s, is "
	    "not within the energy's", begin, end);
}

static double
chance_of(const struct benchmark *mark)
{
	for (size_t i = 0; i < sizeof chances / sizeof *chances; i++)
		if (strcmp(chances[i].name, mark->name) == 0)
			return chances[i].chance;
	return NAN;
}

static void
judge_benchmark(const struct benchmark *mark)
{
	double chance = chance_of(mark);

	if (mark->records == 0)
		note(&score.refusals, "benchmark-missing: no accuracy of %s; "
		    "--weights names what the composite is made of", mark->name);
	if (mark->records > 1)
		note(&score.refusals, "benchmark-twice: %lld accuracies of %s",
		    (long long)mark->records, mark->name);
	if (mark->records != 1)
		return;
	if (mark->transport > 0)
		note(&score.refusals, "transport-failures: %lld questions of "
		    "%s never reached the model or lost their answer",
		    (long long)mark->transport, mark->name);
	if (mark->shots == UNKNOWN)
		note(&score.warnings, "shots-unknown: of %s", mark->name);
	if (mark->interval.low <= chance && chance <= mark->interval.high)
		note(&score.warnings, "at-chance: the 95 %% interval of %s, "
		    "%.4f to %.4f, includes guessing, %g", mark->name,
		    mark->interval.low, mark->interval.high, chance);
}

static void
judge_protocols(void)
{
	const char *protocol = NULL;
	int unknown = 0;

	for (int i = 0; i < score.benchmark_count; i++) {
		const struct benchmark *mark = &score.benchmarks[i];

		if (mark->records == 0)
			continue;
		if (!*mark->protocol)
			unknown++;
		else if (!protocol)
			protocol = mark->protocol;
		else if (strcmp(protocol, mark->protocol) != 0)
			note(&score.refusals, "protocols-mixed: %s and %s "
			    "must not be mixed", protocol, mark->protocol);
	}
	if (unknown)
		note(&score.warnings, "protocol-unknown: it is not known how "
		    "%d of the benchmarks were scored", unknown);
}

static double
accuracy_of(const struct benchmark *mark)
{
	return mark->records == 1 ? mark->accuracy : NAN;
}

static double
above_chance(const struct benchmark *mark)
{
	return stats_above_chance(accuracy_of(mark), chance_of(mark));
}

/* The weighted mean; NAN where one is unknown. */
static double
composite(double (*value)(const struct benchmark *))
{
	double sum = 0, weights = 0;

	for (int i = 0; i < score.benchmark_count; i++) {
		sum += score.benchmarks[i].weight * value(&score.benchmarks[i]);
		weights += score.benchmarks[i].weight;
	}
	return score.no_accuracy ? NAN : sum / weights;
}

static void
judge_accuracy(void)
{
	for (int i = 0; i < score.benchmark_count; i++)
		judge_benchmark(&score.benchmarks[i]);
	judge_protocols();
	if (score.unweighted > 0)
		note(&score.warnings, "benchmark-unweighted: %lld accuracy "
		    "records are of benchmarks without a weight",
		    (long long)score.unweighted);
	if (composite(accuracy_of) == 0)
		note(&score.refusals, "accuracy-zero: nothing was answered "
		    "correctly, so there is no energy per intelligence");
}

/* Questions, or correct answers, of all benchmarks of the composite. */
static double
count_answers(bool correct)
{
	double sum = 0;

	for (int i = 0; i < score.benchmark_count; i++) {
		const struct benchmark *mark = &score.benchmarks[i];
		int64_t count = correct ? mark->correct : mark->questions;

		if (mark->records != 1 || count == UNKNOWN)
			return NAN;
		sum += (double)count;
	}
	return score.no_accuracy ? NAN : sum;
}

/* Whether the energy is that of answering the questions. */
static bool
is_benchmark(void)
{
	double questions = count_answers(false);

	if (isnan(questions) || meta_is("workload", "\"decode\""))
		return false;
	if ((double)score.tokens.generated < questions) {
		note(&score.warnings, "questions-elsewhere: %.0f questions and "
		    "%lld tokens: the accuracy is of another run, so there are "
		    "no joules per question", questions,
		    (long long)score.tokens.generated);
		return false;
	}
	if (!find_meta("workload")->json)
		note(&score.warnings, "workload-unknown: joules per question "
		    "take the energy for that of answering the questions; "
		    "--meta workload=benchmark says so");
	return true;
}

static void
compose_value(const char *key, const struct json_value *value)
{
	compose_key(key);
	if (is_unknown(value))
		compose_null();
	else if (value->kind == JSON_STRING)
		compose_raw(value->at - 1, value->length + 2);
	else
		compose_raw(value->at, value->length);
}

static void
compose_figure(const char *key, double figure)
{
	compose_key(key);
	compose_double(figure);
}

static void
compose_count(const char *key, int64_t count)
{
	compose_key(key);
	if (count == UNKNOWN)
		compose_null();
	else
		compose_integer(count);
}

/* What --meta said, else what the records know (JSON or NULL). */
static void
compose_meta(const char *name, const char *known)
{
	const char *dot = strchr(name, '.');
	const char *json = find_meta(name)->json;

	if (!json)
		json = known ? known : "null";
	compose_key(dot ? dot + 1 : name);
	compose_raw(json, strlen(json));
}

static void
compose_nulls(const char *const *keys)
{
	for (; *keys; keys++) {
		compose_key(*keys);
		compose_null();
	}
}

static void
compose_identity(const struct energy *energy)
{
	const struct json_value *instrument = &energy->at[INSTRUMENT];
	char known[2 * SENTENCE] = "null";

	if (instrument->kind == JSON_STRING &&
	    instrument->length + 3 < sizeof known)
		snprintf(known, sizeof known, "%.*s",
		    (int)instrument->length + 2, instrument->at - 1);
	compose_meta("model", NULL);
	compose_meta("quantization", NULL);
	compose_meta("surgery", NULL);
	compose_meta("hardware", NULL);
	compose_meta("instrument", known);
	compose_meta("measurement_point", NULL);
	compose_key("environment");
	compose_begin('{');
	compose_meta("environment.ambient_temp_c", NULL);
	compose_meta("environment.frequency_governor", NULL);
	compose_meta("environment.background_load", NULL);
	compose_end('}');
}

static void
compose_energy(const struct energy *energy, double per_token)
{
	compose_key("energy");
	compose_begin('{');
	compose_value("total_joules", &energy->at[JOULES]);
	compose_count("total_tokens", score.tokens.records
	    ? score.tokens.generated : UNKNOWN);
	compose_figure("joules_per_token", per_token);
	compose_value("avg_watts_cluster", &energy->at[MEAN_WATTS]);
	compose_value("peak_watts_cluster", &energy->at[PEAK_WATTS]);
	compose_value("duration_seconds", &energy->at[SECONDS]);
	compose_figure("kwh_total", number(&energy->at[JOULES]) / 3.6e6);
	compose_end('}');
}

/* The three of the paper always stand there; others behind them. */
static void
compose_accuracies(const char *group,
    double (*value)(const struct benchmark *))
{
	static const char *const fixed[] = {
		"mmlu_5shot", "arc_challenge_25shot", "hellaswag_10shot"
	};
	char keys[BENCHMARKS][NAME + 32];
	double values[3] = { NAN, NAN, NAN };
	bool placed[BENCHMARKS] = { false };

	for (int i = 0; i < score.benchmark_count; i++) {
		const struct benchmark *mark = &score.benchmarks[i];

		snprintf(keys[i], sizeof keys[i], mark->shots == UNKNOWN
		    ? "%s" : "%s_%lldshot", mark->name, (long long)mark->shots);
		for (int j = 0; j < 3; j++)
			if (strcmp(keys[i], fixed[j]) == 0) {
				values[j] = value(mark);
				placed[i] = true;
			}
	}
	compose_key(group);
	compose_begin('{');
	for (int j = 0; j < 3; j++)
		compose_figure(fixed[j], values[j]);
	for (int i = 0; i < score.benchmark_count; i++)
		if (!placed[i] && score.benchmarks[i].records == 1)
			compose_figure(keys[i], value(&score.benchmarks[i]));
	compose_figure("composite", composite(value));
	compose_end('}');
}

static void
compose_run(const struct energy *energy)
{
	char text[CLOCK_TEXT], begin[CLOCK_TEXT + 2] = "null";

	if (energy->line && energy->begin_ns != UNKNOWN) {
		clock_format(text, energy->begin_ns);
		snprintf(begin, sizeof begin, "\"%s\"", text);
	}
	compose_key("run_metadata");
	compose_begin('{');
	compose_meta("run_metadata.run_id", score.runs_differ ? NULL : score.run);
	compose_meta("run_metadata.timestamp_utc", begin);
	compose_meta("run_metadata.repetition", NULL);
	compose_meta("run_metadata.epi_meter_firmware", NULL);
	compose_meta("run_metadata.distributed_llama_version", NULL);
	compose_end('}');
}

static void
compose_unit_costs(const struct energy *energy, bool benchmark)
{
	double joules = number(&energy->at[JOULES]);
	int64_t total = add(score.tokens.prompt, score.tokens.generated);

	compose_value("gross_joules", &energy->at[JOULES]);
	compose_nulls((const char *const []){
		"net_of_idle_joules", "joules_per_prompt_token", NULL });
	compose_figure("joules_per_total_token",
	    total == UNKNOWN ? NAN : joules / (double)total);
	compose_figure("joules_per_question",
	    benchmark ? joules / count_answers(false) : NAN);
	compose_figure("joules_per_correct_answer",
	    benchmark ? joules / count_answers(true) : NAN);
}

static void
compose_tokens(void)
{
	const struct tokens *tokens = &score.tokens;

	compose_count("prompt_tokens", tokens->records ? tokens->prompt : UNKNOWN);
	compose_key("eos_counted");
	if (tokens->records > 0 && tokens->eos_counted == tokens->records)
		compose_bool(true);
	else if (tokens->records > 0 && tokens->eos_left == tokens->records)
		compose_bool(false);
	else
		compose_null();
}

static void
compose_inputs(void)
{
	compose_key("inputs");
	compose_begin('[');
	for (size_t i = 0; i < score.input_count; i++) {
		const struct input *input = &score.inputs[i];

		compose_begin('{');
		compose_key("name");
		compose_string(input->name);
		compose_key("sha256");
		compose_string(*input->digest ? input->digest : NULL);
		compose_end('}');
	}
	compose_end(']');
}

static void
compose_warnings(void)
{
	const struct notes *both[] = { &score.refusals, &score.warnings };
	char text[SENTENCE];

	compose_key("warnings");
	compose_begin('[');
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < both[i]->count; j++)
			compose_string(both[i]->text[j]);
		if (both[i]->left_out == 0)
			continue;
		snprintf(text, sizeof text, "warnings-more: %zu more",
		    both[i]->left_out);
		compose_string(text);
	}
	compose_end(']');
}

static void
compose_score(const struct energy *energy, bool benchmark)
{
	int64_t generated = score.tokens.records ? score.tokens.generated : 0;
	double per_token = generated > 0
	    ? number(&energy->at[JOULES]) / (double)generated : NAN;
	double accuracy = composite(accuracy_of);
	bool calibrated = !is_unknown(&energy->at[CALIBRATION]);

	compose_open();
	compose_key("type");
	compose_string("score");
	if (score.simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_identity(energy);
	compose_energy(energy, per_token);
	compose_accuracies("accuracy", accuracy_of);
	compose_key("epi");
	compose_begin('{');
	compose_figure("value", per_token / accuracy);
	compose_figure("joules_per_token", per_token);
	compose_figure("accuracy_composite", accuracy);
	compose_end('}');
	compose_run(energy);
	compose_nulls((const char *const []){
		"u", "ci95", "k", "nu_eff", "budget", NULL });
	compose_unit_costs(energy, benchmark);
	compose_accuracies("accuracy_above_chance", above_chance);
	compose_tokens();
	compose_meta("workload", NULL);
	compose_nulls((const char *const []){ "decode", NULL });
	compose_value("coverage", &energy->at[COVERAGE]);
	compose_key("evidence");
	compose_string(score.simulated ? "simulated"
	    : calibrated ? "calibrated" : "uncalibrated");
	compose_inputs();
	compose_warnings();
	compose_close();
}

static void
judge_and_compose(void)
{
	static const struct energy none;
	const struct energy *energy = choose_energy();
	bool benchmark;

	judge_tokens();
	if (energy) {
		judge_energy(energy);
		if (score.tokens.records > 0) {
			judge_nodes(energy);
			judge_spans(energy);
		}
	}
	if (!score.no_accuracy)
		judge_accuracy();
	benchmark = is_benchmark();
	if (score.runs_differ)
		note(&score.warnings,
		    "runs-differ: the records are not all of one run");
	if (score.refusals.count == 0 || score.force) {
		compose_score(energy ? energy : &none, benchmark);
		return;
	}
	for (size_t i = 0; i < score.refusals.count; i++)
		report_error("refused: %s", score.refusals.text[i]);
}

/* "name=value" cut at its equals sign; the value. */
static char *
cut(const char *option, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1])
		report_usage("%s: not NAME=VALUE: %s", option, text);
	*equals = '\0';
	return equals + 1;
}

static void
add_benchmark(const char *name, double weight)
{
	struct benchmark *mark = &score.benchmarks[score.benchmark_count];

	if (score.benchmark_count == BENCHMARKS)
		report_usage("--weights: more than %d benchmarks", BENCHMARKS);
	if (strlen(name) >= sizeof mark->name || find_benchmark(name))
		report_usage("--weights: too long, or twice: %s", name);
	score.benchmark_count++;
	snprintf(mark->name, sizeof mark->name, "%s", name);
	mark->weight = weight;
	mark->shots = mark->questions = mark->correct = UNKNOWN;
	mark->accuracy = NAN;
	mark->interval = (struct stats_interval){ NAN, NAN };
}

static void
set_weights(const char *text)
{
	char **words = option_list("--weights", text);

	score.benchmark_count = 0;
	memset(score.benchmarks, 0, sizeof score.benchmarks);
	for (char **word = words; *word; word++) {
		const char *value = cut("--weights", *word);

		add_benchmark(*word,
		    option_double("--weights", value, 1e-9, 1e9));
	}
	free(words);
}

/* "701/1769" or "0.396" */
static void
set_fraction(struct benchmark *mark, char *text)
{
	char *slash = strchr(text, '/');

	mark->accuracy = NAN;
	if (!slash) {
		mark->accuracy = option_double("--accuracy", text, 0, 1);
		return;
	}
	*slash = '\0';
	mark->questions = option_integer("--accuracy", slash + 1, 1, COUNT_MAX);
	mark->correct = option_integer("--accuracy", text, 0, mark->questions);
}

static void
set_accuracy(const char *text)
{
	char **words = option_list("--accuracy", text);
	char *value = cut("--accuracy", words[0]);
	struct benchmark *mark = find_benchmark(words[0]);

	if (!mark)
		report_usage("--accuracy: no weight for %s", words[0]);
	set_fraction(mark, value);
	for (char **word = words + 1; *word; word++) {
		value = cut("--accuracy", *word);
		if (strcmp(*word, "shots") == 0)
			mark->shots = option_integer("--accuracy", value, 0, 1000);
		else if (strcmp(*word, "protocol") == 0 &&
		    strlen(value) < sizeof mark->protocol)
			strcpy(mark->protocol, value);
		else
			report_usage("--accuracy: not shots or protocol: %s",
			    *word);
	}
	mark->records++;
	settle(mark, mark->accuracy);
	free(words);
}

static bool
meta_fits(enum meta_kind kind, const struct json_value *value)
{
	static const char *const points[] = {
		"per_node_ac", "shared_ac", "dc", "on_chip"
	};
	char text[NAME];
	int64_t whole;

	if (value->kind == JSON_NULL)
		return true;
	switch (kind) {
	case NUMBER:
		return isfinite(number(value));
	case WHOLE:
		return json_integer(value, &whole);
	case POINT:
		for (int i = 0; i < 4; i++)
			if (json_is(value, points[i]))
				return true;
		return false;
	case WORKLOAD:
		return json_is(value, "benchmark") || json_is(value, "decode");
	case TIME:
		return json_string(value, text, sizeof text) > 0 &&
		    clock_rfc3339(text, strlen(text), &whole);
	case TEXT:
		return true;
	}
	return false;
}

/* NULL, or what is wrong. */
static const char *
set_meta(const char *name, const struct json_value *value)
{
	struct meta *meta = find_meta(name);
	bool quoted = value->kind == JSON_STRING;

	if (!meta)
		return "no such key";
	if (!meta_fits(meta->kind, value))
		return "not a value of this key";
	free(meta->json);
	meta->json = value->kind == JSON_NULL ? NULL
	    : report_copy(value->at - quoted, value->length + 2 * quoted);
	return NULL;
}

/* The members of a JSON object; those of an inner group by "group.name". */
static const char *
set_group(const char *group, const struct json_value *object, char *name)
{
	struct json_value key, value;
	const char *cursor = NULL, *wrong;
	char text[NAME];

	while (json_member(object, &cursor, &key, &value)) {
		if (json_string(&key, text, sizeof text) < 0)
			return "a key too long";
		snprintf(name, 2 * NAME + 2, "%s%s%s", group, *group ? "." : "",
		    text);
		if (!*group && value.kind == JSON_OBJECT && !find_meta(name))
			wrong = set_group(text, &value, name);
		else
			wrong = set_meta(name, &value);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static char *
read_whole(const char *file, size_t *length)
{
	struct stream in;
	struct block block;
	char *text = NULL;

	*length = 0;
	if (!stream_open(&in, file))
		exit(report_status());
	while (stream_next(&in, &block)) {
		size_t more = (size_t)(block.end - block.at);

		text = report_resize(text, *length + more + 1, 1);
		memcpy(text + *length, block.at, more);
		*length += more;
	}
	stream_close(&in);
	if (report_status() != STATUS_DONE)
		exit(report_status());
	return text;
}

static void
set_meta_file(const char *file)
{
	struct json_value object = { .kind = JSON_OBJECT };
	struct json_error error;
	size_t length;
	char *text = read_whole(file, &length), name[2 * NAME + 2] = "";
	const char *wrong;

	if (!text || !json_members(text, length, NULL, 0, NULL, &error))
		report_fatal("%s: not a JSON object: %s", file,
		    text ? error.what : "empty");
	object.at = memchr(text, '{', length);
	object.length = length - (size_t)(object.at - text);
	while (object.at[object.length - 1] != '}')
		object.length--;
	wrong = set_group("", &object, name);
	if (wrong)
		report_fatal("%s: %s: %s", file, name, wrong);
	free(text);
}

/* A key's text becomes JSON: a number where the key is one, else a string. */
static void
set_meta_text(const char *argument, size_t name_length)
{
	char *name = report_copy(argument, name_length);
	const char *text = argument + name_length + 1, *wrong;
	const struct meta *meta = find_meta(name);
	char *json = report_resize(NULL, 6 * strlen(text) + 2, 1);
	char *end = write_string(json, text, strlen(text));
	struct json_value value = {
		json + 1, (size_t)(end - json) - 2, JSON_STRING, false
	};
	int64_t ignored;

	if (meta && (meta->kind == NUMBER || meta->kind == WHOLE) &&
	    json_decimal_text(text, strlen(text), 0, &ignored))
		value.kind = JSON_NUMBER;
	wrong = set_meta(name, &value);
	if (wrong)
		report_usage("--meta: %s: %s", wrong, argument);
	free(json);
	free(name);
}

static void
take_option(void *state, int letter, const char *argument)
{
	size_t name;

	(void)state;
	switch (letter) {
	case 'w':
		set_weights(argument);
		break;
	case 'a':
		score.accuracies = report_resize(score.accuracies,
		    score.accuracy_count + 1, sizeof *score.accuracies);
		score.accuracies[score.accuracy_count++] = argument;
		break;
	case 'm':
		name = strcspn(argument, "=/");
		if (argument[name] == '=')
			set_meta_text(argument, name);
		else
			set_meta_file(argument);
		break;
	case 'l':
		score.label = argument;
		break;
	case 'n':
		score.no_accuracy = true;
		break;
	case 'f':
		score.force = true;
		break;
	}
}

static const struct option options[] = {
	{ "weights", required_argument, NULL, 'w' },
	{ "accuracy", required_argument, NULL, 'a' },
	{ "meta", required_argument, NULL, 'm' },
	{ "label", required_argument, NULL, 'l' },
	{ "no-accuracy", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ 0 }
};

int
main(int argc, char **argv)
{
	char **operands;

	set_weights("mmlu=1,arc_challenge=1,hellaswag=1");
	operands = option_start(argc, argv, &(struct option_program){
		.name = "epi-score", .help = help, .letters = "",
		.options = options, .take = take_option });
	for (size_t i = 0; i < score.accuracy_count; i++)
		set_accuracy(score.accuracies[i]);
	if (score.no_accuracy && score.accuracy_count > 0)
		report_usage("--no-accuracy and --accuracy");
	take_inputs(operands);
	judge_and_compose();
	return stream_finish();
}
