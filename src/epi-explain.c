/* epi-explain - a score from the clamp to the number, on one screen */
/* link: -lnettle */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "result.h"
#include "stream.h"
#include "write.h"

static const char help[] =
"usage: epi-explain [--folder DIR] SCORE.json [KEY]\n"
"Say where a score comes from: each step, its inputs and whether they are still\n"
"the same, the command that makes it, and what the uncertainty is made of.\n"
"With KEY (epi.value, energy.joules_per_token) only how that is worked out.\n"
"\n"
"      --folder DIR  where the inputs are (default: here)\n"
"  -h, --help        show this and exit\n"
"      --version     show the version and exit\n"
"\n"
"Example: epi-explain data/baseline/qwen3_q40/epi_001.json\n";

enum { FOLDER = OPTION_LONG };

enum { TEXT = 512, LINES = 8 };

static struct {
	const char *folder;
	struct result result;
	bool found;
} s;

/* ---- lines of text */

/* Bytes that a terminal would act on become question marks; U+0080 to U+009F,
 * which begin with C2, are such too. */
static void
tame(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++)
		if (*at < 0x20 || *at == 0x7F)
			*at = '?';
		else if (*at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0)
			at[0] = at[1] = '?';
}

static void __attribute__((format(printf, 1, 2)))
say(const char *format, ...)
{
	char text[4 * TEXT];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	tame(text);
	stream_line(text, strlen(text));
}

/* A string of the score, "unknown" where there is none. */
static const char *
text_at(const struct result *result, const char *path, char text[TEXT])
{
	struct json_value value = result_at(result, path);

	return json_string(&value, text, TEXT) < 0 ? "unknown" : text;
}

static const char *
number_at(const char *path, char text[TEXT])
{
	double number = result_number(&s.result, path);

	if (isnan(number))
		return "unknown";
	snprintf(text, TEXT, "%.6g", number);
	return text;
}

static const char *
count_text(double count, char text[TEXT])
{
	if (isnan(count))
		return "unknown";
	snprintf(text, TEXT, "%.0f", count);
	return text;
}

/* "(2.50 +- 0.10)", or the value alone where u is not known. */
static const char *
with_u(double value, double u, char text[TEXT])
{
	char *end;

	if (isnan(value))
		return "unknown";
	if (isnan(u) || u <= 0) {
		snprintf(text, TEXT, "%.6g (uncertainty unknown)", value);
		return text;
	}
	*text = '(';
	end = write_uncertain(text + 1, value, u);
	memcpy(end, ")", 2);
	return text;
}

/* ---- inputs */

static void
watch_input(struct digest *digest, const char *path, bool *read)
{
	char bytes[1 << 16];
	FILE *file = fopen(path, "r");
	size_t n;

	*read = file != NULL;
	digest_start(digest);
	while (file && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
		digest_add(digest, bytes, n);
	if (file)
		*read = !ferror(file);
	if (file)
		fclose(file);
}

/* Whether an input is still what it was. */
static void
say_input(const struct json_value *input)
{
	static const char *const keys[] = { "name", "sha256" };
	struct json_value values[2];
	struct json_error error;
	struct digest digest;
	char name[TEXT] = "?", hash[TEXT] = "", path[2 * TEXT];
	char found[DIGEST_HEX];
	bool read;

	if (input->kind != JSON_OBJECT || !json_members(input->at,
	    input->length, keys, 2, values, &error))
		return;
	json_string(&values[0], name, sizeof name);
	json_string(&values[1], hash, sizeof hash);
	if (strcmp(name, "-") == 0) {
		say("            %.12s  standard input, gone", hash);
		return;
	}
	snprintf(path, sizeof path, "%s%s%s", s.folder ? s.folder : "",
	    s.folder ? "/" : "", name);
	watch_input(&digest, path, &read);
	digest_end(&digest, found);
	say("            %.12s  %s: %s", hash, name, !read ? "not here"
	    : strcmp(found, hash) == 0 ? "the same" : "CHANGED since");
}

static void
say_inputs(void)
{
	struct json_value inputs = result_at(&s.result, "inputs"), input;
	const char *cursor = NULL;

	while (json_element(&inputs, &cursor, &input))
		say_input(&input);
}

/* ---- the steps */

static void
say_headline(void)
{
	double epi = result_number(&s.result, "epi.value");
	double u = result_number(&s.result, "u");
	double k = result_number(&s.result, "k");
	struct json_value ci = result_at(&s.result, "ci95"), low, high;
	const char *cursor = NULL;
	char text[TEXT];

	if (isnan(u) || isnan(k))
		say("EPI = %s J/(token accuracy), lower is better",
		    with_u(epi, NAN, text));
	else
		say("EPI = %s J/(token accuracy), k = %.1f, about 95 %%; "
		    "lower is better", with_u(epi, k * u, text), k);
	if (json_element(&ci, &cursor, &low) &&
	    json_element(&ci, &cursor, &high))
		say("      %#.4g to %#.4g; below, +- is one standard "
		    "uncertainty", strtod(low.at, NULL),
		    strtod(high.at, NULL));
	if (s.result.simulated)
		say("      SIMULATED: no meter or no model stands behind it");
}

static void
say_power(void)
{
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT];

	say("model       %s, %s, surgery: %s; on %s",
	    text_at(&s.result, "model", a),
	    text_at(&s.result, "quantization", b),
	    text_at(&s.result, "surgery", c),
	    text_at(&s.result, "hardware", d));
	say("power       %s at %s, firmware %s, %s",
	    text_at(&s.result, "instrument", a),
	    text_at(&s.result, "measurement_point", b),
	    text_at(&s.result, "run_metadata.epi_meter_firmware", c),
	    text_at(&s.result, "evidence", d));
	say("            $ epi-tap DEVICE >TRACE");
}

static void
say_energy(void)
{
	char a[TEXT], b[TEXT], c[TEXT], d[TEXT], e[TEXT];

	say("energy      %s J in %s s, mean %s W, peak %s W, coverage %s",
	    number_at("energy.total_joules", a),
	    number_at("energy.duration_seconds", b),
	    number_at("energy.avg_watts_cluster", c),
	    number_at("energy.peak_watts_cluster", d),
	    number_at("coverage", e));
	say("            $ epi-window --span TOKENS TRACE | epi-integrate "
	    ">ENERGY");
}

static void
say_tokens(void)
{
	double u = result_number(&s.result, "u_joules_per_token");
	char a[TEXT], b[TEXT], c[TEXT];

	say("tokens      %s generated, %s prompt; %s J/token",
	    count_text(result_number(&s.result, "energy.total_tokens"), c),
	    count_text(result_number(&s.result, "prompt_tokens"), a), with_u(result_number(&s.result,
	    "energy.joules_per_token"), u, b));
	say("            $ epi-tokens LOG >TOKENS");
}

static void
say_benchmark(const struct json_value *object)
{
	static const char *const keys[] = {
		"benchmark", "protocol", "accuracy", "u_accuracy", "correct",
		"questions", "shots", "weight"
	};
	struct json_value values[8];
	struct json_error error;
	double numbers[8];
	char name[TEXT] = "?", protocol[TEXT] = "unknown", text[TEXT];
	char counts[3][TEXT];

	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, keys, 8, values, &error))
		return;
	json_string(&values[0], name, sizeof name);
	json_string(&values[1], protocol, sizeof protocol);
	for (int i = 2; i < 8; i++)
		if (!json_double(&values[i], &numbers[i]))
			numbers[i] = NAN;
	say("            %s %s: %s of %s, %s shots, %s, weight %.3g", name,
	    with_u(numbers[2], numbers[3], text),
	    count_text(numbers[4], counts[0]),
	    count_text(numbers[5], counts[1]),
	    count_text(numbers[6], counts[2]), protocol, numbers[7]);
}

static void
say_accuracy(void)
{
	struct json_value marks = result_at(&s.result, "benchmarks"), mark;
	const char *cursor = NULL;
	char text[TEXT];

	say("accuracy    %s of 1, the weighted mean of",
	    with_u(result_number(&s.result, "accuracy.composite"),
	    result_number(&s.result, "u_accuracy"), text));
	while (json_element(&marks, &cursor, &mark))
		say_benchmark(&mark);
	say("            $ epi-prompt ... | epi-ask ... | epi-grade >ACCURACY");
}

/* ---- what the uncertainty is made of */

struct part {
	const char *source;
	double share;
};

static int
by_share(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return (x->share < y->share) - (x->share > y->share);
}

/* Shares of u squared, by source, the greatest first. */
static void
say_parts(void)
{
	struct budget whole = { 0 };
	struct part parts[64] = { { NULL, 0 } };
	size_t count = 0;

	budget_join(&whole, &s.result.energy, 1);
	budget_join(&whole, &s.result.accuracy, 1);
	for (size_t i = 0; i < whole.count; i++) {
		size_t at = 0;

		while (at < count && strcmp(parts[at].source,
		    whole.lines[i].source) != 0)
			at++;
		if (at == 64)
			continue;
		if (at == count)
			parts[count++] = (struct part){
				whole.lines[i].source, 0 };
		parts[at].share += budget_share(&whole, i);
	}
	qsort(parts, count, sizeof *parts, by_share);
	say("uncertainty %s", s.result.budgeted ? "u squared is made of"
	    : "of the energy is unknown: no calibration, no class");
	for (size_t i = 0; i < count && i < LINES && s.result.budgeted; i++)
		say("            %5.1f %%  %s", 100 * parts[i].share,
		    parts[i].source);
	budget_clear(&whole);
}

static void
say_warnings(void)
{
	struct json_value warnings = result_at(&s.result, "warnings"), warning;
	const char *cursor = NULL;
	char text[TEXT];

	while (json_element(&warnings, &cursor, &warning))
		if (json_string(&warning, text, sizeof text) >= 0)
			say("warning     %s", text);
}

static void
explain_all(void)
{
	say_headline();
	say_power();
	say_energy();
	say_tokens();
	say_accuracy();
	say("score       $ epi-score ENERGY TOKENS ACCURACY, from");
	say_inputs();
	say_parts();
	say_warnings();
}

/* ---- one key */

/* How a member follows from others. */
static const struct {
	const char *key, *formula;
	const char *operands[2];
} rules[] = {
	{ "epi.value", "energy per token over accuracy",
	    { "energy.joules_per_token", "accuracy.composite" } },
	{ "epi.joules_per_token", "joules over generated tokens",
	    { "energy.total_joules", "energy.total_tokens" } },
	{ "energy.joules_per_token", "joules over generated tokens",
	    { "energy.total_joules", "energy.total_tokens" } },
	{ "energy.total_joules", "the energy record's joules (epi-integrate)",
	    { NULL, NULL } },
	{ "energy.total_tokens",
	    "generated tokens of all tokens records (epi-tokens)",
	    { NULL, NULL } },
	{ "energy.avg_watts_cluster", "joules over the time measured",
	    { "energy.total_joules", "energy.duration_seconds" } },
	{ "energy.kwh_total", "joules over 3.6e6",
	    { "energy.total_joules", NULL } },
	{ "accuracy.composite",
	    "weighted mean of the benchmarks' accuracies (epi-grade)",
	    { NULL, NULL } },
	{ "epi.accuracy_composite", "accuracy.composite",
	    { "accuracy.composite", NULL } },
	{ "net_of_idle_joules", "joules less idle watts times the duration",
	    { "net_of_idle.idle_watts", "energy.duration_seconds" } },
	{ "joules_per_total_token",
	    "joules over prompt and generated tokens",
	    { "energy.total_joules", "prompt_tokens" } },
	{ "joules_per_question", "joules over the benchmarks' questions",
	    { "energy.total_joules", NULL } },
	{ "joules_per_correct_answer",
	    "joules over the benchmarks' correct answers",
	    { "energy.total_joules", NULL } },
	{ "u", "EPI times the square root of the budget's squares by key",
	    { "epi.value", NULL } }
};

static void
explain_key(const char *key)
{
	struct json_value value = result_at(&s.result, key);
	char text[TEXT];

	if (value.kind == JSON_ABSENT) {
		report_error("no such key in the score: %s", key);
		return;
	}
	say("%s = %.*s", key, value.length > 300 ? 300 : (int)value.length,
	    value.at);
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
		if (strcmp(rules[i].key, key) != 0)
			continue;
		say("    %s", rules[i].formula);
		for (int j = 0; j < 2 && rules[i].operands[j]; j++)
			say("    %s = %s", rules[i].operands[j],
			    number_at(rules[i].operands[j], text));
	}
	say("from");
	say_inputs();
}

static void
take(void *state, const struct feed_record *record)
{
	struct result result;
	const char *why;

	(void)state;
	if (record->kind != SAMPLE_TYPED ||
	    !result_read(&result, record->line, record->length, &why))
		return;
	if (why) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (s.found)
		result_clear(&s.result);
	s.found = true;
	s.result = result;
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	if (letter == FOLDER)
		s.folder = argument;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "folder", required_argument, NULL, FOLDER },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-explain", help, "", options, take_option, NULL
	};
	static struct sample_nodes nodes;
	char **operands = option_start(argc, argv, &program);
	char *file[] = { operands[0], NULL };

	if (operands[0] && operands[1] && operands[2])
		report_usage("more than a score and a key: %s", operands[2]);
	if (feed_records(file, &nodes, take, NULL) && !s.found)
		report_error("no score record");
	if (s.found && operands[0] && operands[1])
		explain_key(operands[1]);
	else if (s.found)
		explain_all();
	if (s.found)
		result_clear(&s.result);
	return stream_finish();
}
