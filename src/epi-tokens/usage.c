/*
 * usage: answers and results in JSON.
 *
 * OpenAI-style bodies and streams ("usage"; llama-server adds "timings"),
 * ollama's /api answers, llama-server's /completion, rows of llama-bench.
 * A record per line, events of a stream ("data: {...}"), or one document over
 * many lines, which is kept whole (DOCUMENT_MAX).  Lines that hold no JSON
 * (headers of HTTP, comments of a stream) are passed over.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "report.h"
#include "tally.h"
#include "write.h"

enum {
	DOCUMENT_MAX = 64 << 20,
	SAMPLES_MAX = 1000000, /* of a row; times any count they stay in int64 */
	TRIES = 64 /* to read a document at a bracket in the first column */
};

enum key {
	KEY_USAGE, KEY_TIMINGS, KEY_OBJECT, KEY_ID, KEY_MODEL, KEY_ERROR,
	KEY_DONE, KEY_DONE_REASON, KEY_PROMPT_EVAL_COUNT, KEY_PROMPT_EVAL_DURATION,
	KEY_EVAL_COUNT, KEY_EVAL_DURATION,
	KEY_STOP, KEY_TOKENS_PREDICTED, KEY_TOKENS_EVALUATED,
	KEY_N_PROMPT, KEY_N_GEN, KEY_N_DEPTH, KEY_TEST_TIME, KEY_SAMPLES_NS,
	KEYS
};
static const char *const keys[KEYS] = {
	"usage", "timings", "object", "id", "model", "error",
	"done", "done_reason", "prompt_eval_count", "prompt_eval_duration",
	"eval_count", "eval_duration",
	"stop", "tokens_predicted", "tokens_evaluated",
	"n_prompt", "n_gen", "n_depth", "test_time", "samples_ns"
};

struct timings {
	bool known;
	int64_t cache, prompt, prompt_ns, predicted, predicted_ns;
};

/* An answer under way: the last usage that a stream tells decides. */
struct answer {
	bool open, events, counted;
	char id[64];
	int64_t total;
	struct tally tally;
	struct timings timings;
};

static struct tally sum;
static struct answer answer;
static const char *file;
/* The most that llama-bench does before its samples, beside one more of them. */
#define WARM_UP_NS (60 * CLOCK_SECOND)

static uint64_t rows, records;
static int64_t arrival_ns; /* of a record that is a line, if known */
static bool malformed, parts_open, parts_cut;
static int64_t last_part; /* the tokens so far of the stream under way */
static bool documents; /* not a record per line */
static struct {
	char *text;
	size_t length, room;
	uint64_t line; /* of its first byte; 0: there is no document */
	int tries;
	bool too_long;
} document;

static const char failures[] = "errors: answers that are errors hold no "
    "counts and are left out";
static const char warm_up[] = "warm-up: llama-bench's warm-up runs are not in "
    "its samples";
static const char held_back[] = "held-back: the row's time of arrival is not "
    "that of its test";
static const char depth[] = "depth: the tokens that filled the context before "
    "the test are in no count";
static const char no_prompt[] = "prompt-unknown: a prompt that was cached "
    "whole has no count";
static const char engines[] = "engines-differ: answers of different engines";

static int64_t
count_of(const struct json_value *value)
{
	int64_t count;

	if (!json_integer(value, &count) || count < 0 ||
	    count > INT64_C(1000000000000))
		return TALLY_UNKNOWN;
	return count;
}

static int64_t
scaled(const struct json_value *value, int scale)
{
	int64_t ns;

	return json_decimal(value, scale, &ns) && ns >= 0 ? ns : TALLY_UNKNOWN;
}

static bool
members(const struct json_value *object, const char *const *names,
    size_t count, struct json_value *values)
{
	struct json_error error;

	return object->kind == JSON_OBJECT && json_members(object->at,
	    object->length, names, count, values, &error);
}

/* The request into the sum. */
static void
add(const struct tally *request)
{
	if (sum.requests == 0) {
		sum.engine = request->engine;
		sum.format = request->format;
	} else if (sum.engine != request->engine ||
	    sum.format != request->format) {
		sum.engine = NULL;
		tally_warn(&sum, engines);
	}
	tally_add(&sum, request);
}

static bool
read_timings(struct timings *timings, const struct json_value *object)
{
	static const char *const names[] = {
		"cache_n", "prompt_n", "prompt_ms", "predicted_n",
		"predicted_ms"
	};
	struct json_value values[5];

	if (!members(object, names, 5, values))
		return false;
	timings->known = true;
	timings->cache = count_of(&values[0]);
	timings->prompt = count_of(&values[1]);
	timings->prompt_ns = scaled(&values[2], 6);
	timings->predicted = count_of(&values[3]);
	timings->predicted_ns = scaled(&values[4], 6);
	return true;
}

/* prompt_n leaves out what the cache held, cache_n. */
static void
add_timings(struct tally *tally, const struct timings *timings)
{
	int64_t prompt = TALLY_UNKNOWN;

	if (!timings->known)
		return;
	if (timings->cache != TALLY_UNKNOWN &&
	    timings->prompt != TALLY_UNKNOWN)
		prompt = timings->cache + timings->prompt;
	if (timings->cache != TALLY_UNKNOWN)
		tally->cached_tokens = timings->cache;
	tally->prefill_ns = timings->prompt_ns;
	tally->decode_ns = timings->predicted_ns;
	tally->time_basis = "engine_timers";
	tally->engine = "llama.cpp";
	tally->eos_counted = 1;
	if (tally->prompt_tokens == TALLY_UNKNOWN)
		tally->prompt_tokens = prompt;
	if (tally->generated_tokens == TALLY_UNKNOWN)
		tally->generated_tokens = timings->predicted;
	if ((timings->predicted != TALLY_UNKNOWN &&
	    timings->predicted != tally->generated_tokens) ||
	    (prompt != TALLY_UNKNOWN && prompt != tally->prompt_tokens))
		tally_raise(tally, TALLY_MISMATCH,
		    "an answer's counts and its timings disagree");
}

static void
read_usage(struct tally *tally, const struct json_value *usage)
{
	static const char *const names[] = {
		"prompt_tokens", "completion_tokens", "total_tokens",
		"prompt_tokens_details"
	};
	static const char *const details[] = { "cached_tokens" };
	struct json_value values[4], cached;

	if (!members(usage, names, 4, values))
		return;
	answer.counted = true;
	answer.total = count_of(&values[2]);
	tally->prompt_tokens = count_of(&values[0]);
	tally->generated_tokens = count_of(&values[1]);
	if (members(&values[3], details, 1, &cached))
		tally->cached_tokens = count_of(&cached);
}

static void
check_answer(struct tally *tally, bool whole)
{
	if (!whole)
		tally_raise(tally, TALLY_TRUNCATED,
		    "a stream ends before its [DONE]");
	else if (!answer.counted)
		tally_raise(tally, TALLY_UNCOUNTABLE, "an answer without "
		    "usage; a stream has it with stream_options.include_usage");
	else if (tally->generated_tokens == TALLY_UNKNOWN)
		tally_raise(tally, TALLY_UNCOUNTABLE,
		    "an answer without completion_tokens");
	if (answer.total != TALLY_UNKNOWN &&
	    tally->prompt_tokens != TALLY_UNKNOWN &&
	    tally->generated_tokens != TALLY_UNKNOWN &&
	    answer.total != tally->prompt_tokens + tally->generated_tokens)
		tally_raise(tally, TALLY_MISMATCH, "total_tokens is not "
		    "prompt and completion tokens");
}

static void
end_answer(bool whole)
{
	struct tally *tally = &answer.tally;

	if (!answer.open)
		return;
	answer.open = false;
	tally->method = "usage of each answer";
	add_timings(tally, &answer.timings);
	check_answer(tally, whole);
	add(tally);
}

/* Whether a text of the record is that of the stream under way. */
static bool
same_id(const struct json_value *id)
{
	return id->kind != JSON_STRING || json_is(id, answer.id);
}

static void
start_answer(const struct json_value *id, bool events)
{
	answer = (struct answer){ .open = true, .events = events,
		.total = TALLY_UNKNOWN };
	if (json_string(id, answer.id, sizeof answer.id) < 0)
		answer.id[0] = '\0';
	tally_start(&answer.tally, NULL);
	answer.tally.format = events ? "openai-stream" : "openai-usage";
}

static void
take_openai(const struct json_value *values, bool events)
{
	char object[64];
	bool part = events || (json_string(&values[KEY_OBJECT], object,
	    sizeof object) > 0 && strstr(object, ".chunk"));

	if (!part || !answer.open || !same_id(&values[KEY_ID])) {
		end_answer(!answer.events);
		start_answer(&values[KEY_ID], events);
	}
	if (json_is(&values[KEY_MODEL], "Distributed Model")) {
		answer.tally.engine = "distributed-llama";
		answer.tally.eos_counted = 1;
	}
	read_usage(&answer.tally, &values[KEY_USAGE]);
	if (read_timings(&answer.timings, &values[KEY_TIMINGS]))
		answer.counted = true;
	if (!part)
		end_answer(true);
}

/* llama-server's own /completion; parts of a stream say "stop":false, and their
 * tokens rise: where they fall another stream has begun. */
static void
take_completion(const struct json_value *values)
{
	int64_t generated = count_of(&values[KEY_TOKENS_PREDICTED]);
	struct timings timings = { .known = false };
	struct tally tally;

	if (parts_open && generated < last_part)
		parts_cut = true;
	last_part = generated;
	parts_open = values[KEY_STOP].kind == JSON_FALSE;
	if (parts_open)
		return;
	tally_start(&tally, NULL);
	tally.engine = "llama.cpp";
	tally.format = "llama-server-json";
	tally.method = "tokens_evaluated and tokens_predicted";
	tally.prompt_tokens = count_of(&values[KEY_TOKENS_EVALUATED]);
	tally.generated_tokens = generated;
	read_timings(&timings, &values[KEY_TIMINGS]);
	add_timings(&tally, &timings);
	if (tally.generated_tokens == TALLY_UNKNOWN)
		tally_raise(&tally, TALLY_UNCOUNTABLE,
		    "an answer without tokens_predicted");
	add(&tally);
}

/* A request without a prompt: the model was loaded, or let go. */
static bool
asks_nothing(const struct json_value *values)
{
	return values[KEY_EVAL_COUNT].kind == JSON_ABSENT &&
	    (json_is(&values[KEY_DONE_REASON], "load") ||
	    json_is(&values[KEY_DONE_REASON], "unload"));
}

/* A part of such a stream as llama-server wrote it first, without a count. */
static void
take_uncounted_part(void)
{
	parts_open = true;
	last_part = 0;
}

static void
take_ollama(const struct json_value *values)
{
	struct tally tally;

	parts_open = values[KEY_DONE].kind != JSON_TRUE;
	if (parts_open || asks_nothing(values))
		return;
	tally_start(&tally, NULL);
	tally.engine = "ollama";
	tally.format = "ollama-json";
	tally.method = "eval_count";
	tally.eos_counted = 1;
	tally.time_basis = "engine_timers";
	tally.prompt_tokens = count_of(&values[KEY_PROMPT_EVAL_COUNT]);
	tally.generated_tokens = count_of(&values[KEY_EVAL_COUNT]);
	tally.prefill_ns = scaled(&values[KEY_PROMPT_EVAL_DURATION], 0);
	tally.decode_ns = scaled(&values[KEY_EVAL_DURATION], 0);
	if (tally.generated_tokens == TALLY_UNKNOWN)
		tally_raise(&tally, TALLY_UNCOUNTABLE,
		    "an answer without eval_count");
	else if (tally.prompt_tokens == TALLY_UNKNOWN)
		tally_warn(&tally, no_prompt);
	add(&tally);
}

/* "pp512", "tg128" or "pp512+tg128", as llama-bench's table says. */
static void
name_test(struct tally *tally, int64_t prompt, int64_t generated)
{
	char *at = tally->test;

	if (prompt > 0 || generated == 0)
		at = write_integer(write_text(at, "pp"), prompt);
	if (prompt > 0 && generated > 0)
		at = write_text(at, "+");
	if (generated > 0)
		at = write_integer(write_text(at, "tg"), generated);
	*at = '\0';
}

/* The samples' count, and the sum of their times. */
static bool
add_samples(const struct json_value *samples, int64_t *count, int64_t *total_ns)
{
	const char *cursor = NULL;
	struct json_value sample;
	int64_t ns;

	*count = *total_ns = 0;
	while (json_element(samples, &cursor, &sample)) {
		if (!json_integer(&sample, &ns) || ns < 0 ||
		    *total_ns > INT64_MAX - ns)
			return false;
		*total_ns += ns;
		++*count;
	}
	return *count > 0;
}

/* The row is written when its last sample is over.  One sample follows the
 * other, if the context need not be filled between them; none began before the
 * test itself, nor long after it, for only a warm-up is between the two: else the
 * line was held back. */
static void
place_samples(struct tally *tally, const struct json_value *values,
    int64_t total_ns)
{
	const struct json_value *time = &values[KEY_TEST_TIME];
	int64_t test_ns;

	if (arrival_ns == TALLY_UNKNOWN || total_ns > arrival_ns ||
	    (count_of(&values[KEY_N_DEPTH]) > 0 && tally->requests > 1))
		return;
	if (time->kind == JSON_STRING && clock_value(time, &test_ns) &&
	    (arrival_ns - total_ns < test_ns ||
	    arrival_ns - total_ns - test_ns > total_ns + WARM_UP_NS)) {
		tally_warn(tally, held_back);
		return;
	}
	tally->begin_ns = arrival_ns - total_ns;
	tally->end_ns = arrival_ns;
}

/* A row is one test, and one record. */
static void
take_row(const struct json_value *values, uint64_t line)
{
	struct tally tally;
	int64_t prompt = count_of(&values[KEY_N_PROMPT]);
	int64_t generated = count_of(&values[KEY_N_GEN]), samples, total_ns;

	if (prompt == TALLY_UNKNOWN || generated == TALLY_UNKNOWN ||
	    !add_samples(&values[KEY_SAMPLES_NS], &samples, &total_ns) ||
	    samples > SAMPLES_MAX) {
		report_malformed(file, line, "a row of llama-bench without "
		    "n_prompt, n_gen and samples_ns");
		return;
	}
	tally_start(&tally, file);
	tally.engine = "llama.cpp";
	tally.format = "llama-bench";
	tally.method = "(n_prompt, n_gen) x samples";
	tally.time_basis = "engine_timers";
	tally.requests = samples;
	tally.prompt_tokens = prompt * samples;
	tally.generated_tokens = generated * samples;
	if (prompt == 0 || generated == 0) {
		tally.prefill_ns = generated == 0 ? total_ns : 0;
		tally.decode_ns = generated == 0 ? 0 : total_ns;
	}
	name_test(&tally, prompt, generated);
	place_samples(&tally, values, total_ns);
	tally_warn(&tally, warm_up);
	if (count_of(&values[KEY_N_DEPTH]) > 0)
		tally_warn(&tally, depth);
	rows++;
	tally_write(&tally);
}

static bool
is_openai(const struct json_value *values)
{
	char object[64];

	if (values[KEY_USAGE].kind != JSON_ABSENT ||
	    values[KEY_TIMINGS].kind != JSON_ABSENT)
		return true;
	return json_string(&values[KEY_OBJECT], object, sizeof object) > 0 &&
	    (strstr(object, "chat.completion") ||
	    strstr(object, "text_completion"));
}

static bool
is_known(const struct json_value *values)
{
	return is_openai(values) ||
	    values[KEY_SAMPLES_NS].kind == JSON_ARRAY ||
	    values[KEY_TOKENS_PREDICTED].kind != JSON_ABSENT ||
	    values[KEY_DONE].kind != JSON_ABSENT ||
	    values[KEY_ERROR].kind != JSON_ABSENT;
}

static void
take_values(const struct json_value *values, bool events, uint64_t line)
{
	if (values[KEY_SAMPLES_NS].kind == JSON_ARRAY)
		take_row(values, line);
	else if (values[KEY_TOKENS_PREDICTED].kind != JSON_ABSENT)
		take_completion(values);
	else if (is_openai(values))
		take_openai(values, events);
	else if (values[KEY_DONE].kind != JSON_ABSENT)
		take_ollama(values);
	else if (values[KEY_ERROR].kind != JSON_ABSENT)
		tally_warn(&sum, failures);
	else if (values[KEY_STOP].kind == JSON_FALSE)
		take_uncounted_part();
	records++;
}

static bool
take_object(const char *text, size_t length, bool events, uint64_t line)
{
	struct json_value values[KEYS];
	struct json_error error;

	if (json_members(text, length, keys, KEYS, values, &error)) {
		take_values(values, events, line);
		return true;
	}
	if ((records > 0 && !documents) || events) {
		malformed = true;
		report_malformed(file, line, "%s at byte %zu", error.what,
		    error.at + 1);
	}
	return false;
}

static void
append(const char *text, size_t length)
{
	if (document.length + length > document.room) {
		document.room = 2 * (document.length + length);
		document.text = report_resize(document.text, document.room, 1);
	}
	memcpy(document.text + document.length, text, length);
	document.length += length;
}

static uint64_t
newlines(size_t length)
{
	uint64_t count = 0;

	for (size_t i = 0; i < length && i < document.length; i++)
		count += document.text[i] == '\n';
	return count;
}

static const char wrap[] = "{\"document\":";

static void
start_document(uint64_t line)
{
	documents = true;
	document.line = line;
	document.length = 0;
	document.tries = 0;
	append(wrap, sizeof wrap - 1);
}

/* The document in an object of our own, so that an array can be one too. */
static bool
read_document(struct json_value *root, struct json_error *error)
{
	static const char *const names[] = { "document" };
	bool read;

	append("}", 1);
	read = json_members(document.text, document.length, names, 1, root,
	    error);
	document.length--;
	return read;
}

static void
take_element(const struct json_value *element)
{
	struct json_value values[KEYS];

	if (members(element, keys, KEYS, values))
		take_values(values, false, document.line);
}

static void
take_document(const struct json_value *root)
{
	const char *cursor = NULL;
	struct json_value element;

	arrival_ns = TALLY_UNKNOWN;
	if (root->kind != JSON_ARRAY)
		take_element(root);
	else
		while (json_element(root, &cursor, &element))
			take_element(&element);
	document.line = 0;
}

/* A document ends at its bracket in the first column, if it is whole then. */
static void
take_part(const struct log_line *line)
{
	struct json_value root;
	struct json_error error;

	if (line->length + document.length > DOCUMENT_MAX)
		document.too_long = true;
	if (document.too_long)
		return;
	append(line->text, line->length);
	append("\n", 1);
	if (line->length != 1 || !memchr("]}", *line->text, 2) ||
	    document.tries == TRIES)
		return;
	document.tries++;
	if (read_document(&root, &error))
		take_document(&root);
}

/* What was left open at the end of the log. */
static void
end_document(void)
{
	struct json_value root;
	struct json_error error = { 0, NULL };

	if (document.line == 0)
		return;
	if (document.too_long) {
		malformed = true;
		report_malformed(file, document.line,
		    "a JSON document over %d MiB", DOCUMENT_MAX >> 20);
	} else if (read_document(&root, &error)) {
		take_document(&root);
	} else {
		malformed = true;
		report_malformed(file, document.line + newlines(error.at),
		    "%s, in a document that starts in line %" PRIu64,
		    error.what, document.line);
	}
}

static void
take_event(const struct log_line *line)
{
	const char *at = line->text + 5, *end = line->text + line->length;

	while (at < end && *at == ' ')
		at++;
	if (end - at >= 6 && memcmp(at, "[DONE]", 6) == 0)
		end_answer(true);
	else if (at < end && *at == '{')
		take_object(at, (size_t)(end - at), true, line->number);
}

static bool
starts_document(const struct log_line *line)
{
	return line->length > 0 && (*line->text == '{' ||
	    (*line->text == '[' && (line->length == 1 ||
	    line->text[1] == '{' || line->text[1] == ' ')));
}

static void
take(const struct log_line *line)
{
	file = line->file;
	arrival_ns = line->arrival_ns;
	if (line->arrival_ns != TALLY_UNKNOWN) {
		if (sum.begin_ns == TALLY_UNKNOWN)
			sum.begin_ns = line->arrival_ns;
		sum.end_ns = line->arrival_ns;
	}
	if (document.line != 0) {
		take_part(line);
	} else if (line_starts(line, "data:")) {
		take_event(line);
	} else if (starts_document(line)) {
		if (*line->text == '{' && take_object(line->text, line->length,
		    false, line->number))
			return;
		if (records > 0 && !documents)
			return;
		start_document(line->number);
		take_part(line);
	}
}

static bool
knows(const struct log_line *line)
{
	struct json_value values[KEYS];
	struct json_error error;

	if (line_starts(line, "data: {") || line_starts(line, "data: [DONE]"))
		return true;
	if (!starts_document(line))
		return false;
	if (*line->text == '{' && json_members(line->text, line->length, keys,
	    KEYS, values, &error))
		return is_known(values);
	return line->length == 1 || line->number == 1 || *line->text == '[';
}

static void
start(void)
{
	tally_start(&sum, NULL);
	answer.open = answer.events = false;
	rows = records = 0;
	malformed = parts_open = parts_cut = documents = false;
	document.line = 0;
	document.too_long = false;
}

static bool
finish(struct tally *tally)
{
	const char *name = tally->file;

	file = name;
	end_document();
	end_answer(!answer.events);
	if (rows > 0 && sum.requests == 0)
		return false;
	if (malformed)
		tally_raise(&sum, TALLY_TRUNCATED, "a record is malformed");
	if (parts_open || parts_cut)
		tally_raise(&sum, TALLY_TRUNCATED,
		    "a stream ends before its last record");
	if (sum.requests == 0 && sum.status == TALLY_COMPLETE)
		tally_raise(&sum, TALLY_UNCOUNTABLE,
		    "no answer with token counts");
	*tally = sum;
	tally->file = name;
	return true;
}

const struct tally_reader usage_reader = { knows, start, take, finish };
