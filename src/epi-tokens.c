/* epi-tokens - count the tokens in an inference engine's log */
#include <string.h>

#include "clock.h"
#include "epi-tokens/tally.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
    "usage: epi-tokens [-f FORMAT] [-p N] [FILE...]\n"
    "Write a tokens record for each log: prompt and generated tokens, times,\n"
    "node count, and whether the log is complete.\n"
    "\n"
    "  -f, --format FORMAT    auto (default), distributed-llama, llama.cpp,\n"
    "                         llama-bench, ollama, openai\n"
    "  -p, --prompt-tokens N  encoded tokens of the prompt, BOS included;\n"
    "                         distributed-llama before v0.12.0 needs it\n"
    "  -h, --help             show this help\n"
    "      --version          show the version\n";

/* The readers that each --format allows, the surest first. */
static const struct tally_reader *const readers[][5] = {
	{ &dllama_reader, &llama_reader, &ollama_reader, &usage_reader, NULL },
	{ &dllama_reader, NULL },
	{ &llama_reader, &usage_reader, NULL },
	{ &usage_reader, NULL },
	{ &ollama_reader, &usage_reader, NULL },
	{ &usage_reader, NULL },
};
static const char *const formats[] = {
	"auto", "distributed-llama", "llama.cpp", "llama-bench", "ollama",
	"openai", NULL
};

static const char unused[] = "prompt-tokens: --prompt-tokens is for the logs "
    "of distributed-llama; it was not used";

struct state {
	const struct tally_reader *const *readers;
	const struct tally_reader *reader; /* of this operand, once known */
	bool begun;   /* a line that is not blank was seen */
	bool arrivals; /* lines start with an arrival time */
};

/* "1795334030.571345 text", also RFC 3339; no text of a log starts so. */
static bool
take_arrival(struct log_line *line)
{
	const char *space = memchr(line->text, ' ', line->length);
	size_t length = space ? (size_t)(space - line->text) : line->length;
	int64_t ns;

	if (length < 11 || length >= CLOCK_TEXT ||
	    (!memchr(line->text, '.', length) &&
	    !memchr(line->text, ':', length)) ||
	    !clock_parse(line->text, length, &ns) || ns < 1000000000 * CLOCK_SECOND)
		return false;
	line->arrival_ns = ns;
	length += space != NULL;
	line->text += length;
	line->length -= length;
	return true;
}

static void
recognize(struct state *state, const struct log_line *line)
{
	const struct tally_reader *const *reader = state->readers;

	if (reader[1])
		while (*reader && !(*reader)->knows(line))
			reader++;
	state->reader = *reader;
	if (state->reader)
		state->reader->start();
}

static void
take_line(void *context, const struct feed_line *from)
{
	struct state *state = context;
	struct log_line line = { from->text, from->length, TALLY_UNKNOWN,
		from->file, from->line_number };

	if (!state->begun && line.length > 0) {
		state->begun = true;
		state->arrivals = take_arrival(&line);
	} else if (state->arrivals) {
		take_arrival(&line);
	}
	if (!state->reader)
		recognize(state, &line);
	if (state->reader)
		state->reader->take(&line);
}

static void
end_operand(void *context, const char *file, bool whole)
{
	struct state *state = context;
	struct tally tally;

	tally_start(&tally, file);
	if (!state->reader)
		tally_raise(&tally, TALLY_UNCOUNTABLE, state->begun
		    ? "no line of a log that epi-tokens knows"
		    : "the log is empty");
	if (!state->reader || state->reader->finish(&tally)) {
		if (!whole)
			tally_raise(&tally, TALLY_TRUNCATED,
			    "it was not read to its end");
		if (tally_prompt_tokens != TALLY_UNKNOWN && state->reader &&
		    state->reader != &dllama_reader)
			tally_warn(&tally, unused);
		tally_write(&tally);
	}
	state->reader = NULL;
	state->begun = state->arrivals = false;
}

static void
take_option(void *context, int letter, const char *argument)
{
	struct state *state = context;

	if (letter == 'f')
		state->readers = readers[option_word("--format", argument,
		    formats)];
	else
		tally_prompt_tokens = option_integer("--prompt-tokens",
		    argument, 1, 1000000000);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "format", required_argument, NULL, 'f' },
		{ "prompt-tokens", required_argument, NULL, 'p' },
		{ NULL, 0, NULL, 0 }
	};
	struct state state = { .readers = readers[0] };
	struct option_program program = { "epi-tokens", help, "f:p:", options,
		take_option, &state };
	char **operands = option_start(argc, argv, &program);

	feed_lines(operands, take_line, end_operand, &state);
	return stream_finish();
}
