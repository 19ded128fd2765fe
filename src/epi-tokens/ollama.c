/*
 * ollama: what `ollama run --verbose` prints after an answer.
 *
 * Lines whose value is zero are left out: a prompt that was cached whole has
 * no prompt lines.  A block ends with its "eval rate:"; blocks are summed.
 */
#include <string.h>

#include "tally.h"

enum { CLEAN_MAX = 256 };

struct block {
	bool open;
	int64_t prompt_tokens, prompt_ns, eval_tokens, eval_ns;
};

static struct block block;
static struct tally sum;

static const char no_prompt[] = "prompt-unknown: a prompt that was cached "
    "whole has no lines";
static const char several[] = "several-summaries: the summaries of several "
    "answers are summed; an answer's own text can hold such lines";

static void
start_block(bool open)
{
	block = (struct block){ open, TALLY_UNKNOWN, TALLY_UNKNOWN,
		TALLY_UNKNOWN, TALLY_UNKNOWN };
}

static void
end_block(bool whole)
{
	struct tally tally;

	tally_start(&tally, NULL);
	tally.prompt_tokens = block.prompt_tokens;
	tally.prefill_ns = block.prompt_ns;
	tally.generated_tokens = block.eval_tokens;
	tally.decode_ns = block.eval_ns;
	tally.eos_counted = 1;
	tally.time_basis = "engine_timers";
	tally.method = "eval count";
	if (!whole || block.eval_tokens == TALLY_UNKNOWN)
		tally_raise(&tally, TALLY_TRUNCATED,
		    "a summary ends before its eval rate");
	else if (block.prompt_tokens == TALLY_UNKNOWN)
		tally_warn(&tally, no_prompt);
	if (sum.requests > 0)
		tally_warn(&tally, several);
	tally_add(&sum, &tally);
	start_block(false);
}

struct unit {
	const char *name;
	int scale;        /* of the number, to ns */
	int64_t factor;
};

/* Two-letter units first: "m" is also the start of "ms". */
static const struct unit units[] = {
	{ "ns", 0, 1 }, { "us", 3, 1 }, { "µs", 3, 1 }, { "μs", 3, 1 },
	{ "ms", 6, 1 }, { "s", 9, 1 }, { "m", 9, 60 }, { "h", 9, 3600 },
};

static const char *
take_unit(const char *at, const char *end, int64_t *ns)
{
	const char *number = at;
	int64_t value;

	while (at < end && ((*at >= '0' && *at <= '9') || *at == '.'))
		at++;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		size_t length = strlen(units[i].name);

		if ((size_t)(end - at) < length ||
		    memcmp(at, units[i].name, length) != 0)
			continue;
		if (!json_decimal_text(number, (size_t)(at - number),
		    units[i].scale, &value) ||
		    value > INT64_MAX / 2 / units[i].factor)
			return NULL;
		*ns += value * units[i].factor;
		return at + length;
	}
	return NULL;
}

/* Go's time.Duration: "1h2m3.5s", "567.1ms", "12.3µs". */
static int64_t
duration(const char *at, const char *end)
{
	int64_t ns = 0;

	while (at < end && *at == ' ')
		at++;
	if (at == end)
		return TALLY_UNKNOWN;
	while (at && at < end && *at != ' ') {
		at = take_unit(at, end, &ns);
		if (ns > INT64_MAX / 2)
			return TALLY_UNKNOWN;
	}
	return at ? ns : TALLY_UNKNOWN;
}

static const char *
behind(const char *at, const char *end, const char *word)
{
	return line_match(at, (size_t)(end - at), word, NULL);
}

static void
take_text(const char *at, const char *end)
{
	const char *value;
	size_t length = (size_t)(end - at);

	if (behind(at, end, "total duration:")) {
		if (block.open)
			end_block(false);
		start_block(true);
	}
	if (!block.open)
		return;
	line_match(at, length, "prompt eval count:# token", &block.prompt_tokens);
	line_match(at, length, "eval count:# token", &block.eval_tokens);
	if ((value = behind(at, end, "prompt eval duration:")))
		block.prompt_ns = duration(value, end);
	if ((value = behind(at, end, "eval duration:")))
		block.eval_ns = duration(value, end);
	if (behind(at, end, "eval rate:"))
		end_block(true);
}

static void
take(const struct log_line *line)
{
	char text[CLEAN_MAX];

	if (line->arrival_ns != TALLY_UNKNOWN) {
		if (sum.begin_ns == TALLY_UNKNOWN)
			sum.begin_ns = line->arrival_ns;
		sum.end_ns = line->arrival_ns;
	}
	take_text(text, text + line_clean(line, text, sizeof text));
}

static bool
knows(const struct log_line *line)
{
	char text[CLEAN_MAX];
	const char *end = text + line_clean(line, text, sizeof text);

	return behind(text, end, "total duration: ") != NULL;
}

static void
start(void)
{
	tally_start(&sum, NULL);
	start_block(false);
}

static bool
finish(struct tally *tally)
{
	const char *file = tally->file;

	if (block.open)
		end_block(false);
	if (sum.requests == 0)
		tally_raise(&sum, TALLY_TRUNCATED,
		    "the log ends before a summary");
	*tally = sum;
	tally->file = file;
	tally->engine = "ollama";
	tally->format = "ollama-verbose";
	return true;
}

const struct tally_reader ollama_reader = { knows, start, take, finish };
