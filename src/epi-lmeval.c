/* epi-lmeval - accuracies from lm-evaluation-harness */

#include <stdlib.h>
#include <string.h>

#include "epi-lmeval/lmeval.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-lmeval [--metric NAME[,FILTER]] [FILE ...]\n"
"Accuracies from lm-evaluation-harness: its results files, from v0.2 to now,\n"
"and what --log_samples wrote.\n"
"\n"
"  --metric NAME   this metric of each task, as acc, acc_norm or exact_match;\n"
"                  default: acc of MMLU, acc_norm where there is one\n"
"  --metric NAME,FILTER  by this filter of the harness, else by the first one\n"
"  -h, --help      this text\n"
"      --version   the version\n";

static struct wanted wanted;

/* The line of a byte of a text, from 1. */
static uint64_t
line_of(const char *at, size_t byte)
{
	uint64_t line = 1;

	for (size_t i = 0; i < byte; i++)
		line += at[i] == '\n';
	return line;
}

static void
take_document(const char *whole, size_t length, const char *file)
{
	char *clean = load_clean(whole, &length);
	struct json_value document = { clean, length, JSON_OBJECT, false };
	struct json_error error;

	if (json_members(clean, length, NULL, 0, NULL, &error))
		results_take(&document, file, &wanted);
	else
		report_malformed(file, line_of(clean, error.at), "%s",
		    error.what);
	free(clean);
}

static void
take_file(char *operand)
{
	const char *name = operand[0] == '-' && !operand[1] ? "standard input"
	    : operand;
	size_t length;
	char *whole = load(operand, &length);

	if (!whole)
		report_failed();
	else if (samples_are(whole, length))
		samples_take(whole, length, name, &wanted);
	else
		take_document(whole, length, name);
	free(whole);
}

static void
take_option(void *state, int letter, const char *argument)
{
	size_t length = strcspn(argument, ",");

	(void)state;
	(void)letter;
	wanted.metric = report_copy(argument, length);
	wanted.filter = argument[length] ? argument + length + 1 : NULL;
}

int
main(int argc, char **argv)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	static const struct option options[] = {
		{ "metric", required_argument, NULL, OPTION_LONG },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-lmeval", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	stream_signals();
	if (!*operands)
		operands = standard_input;
	for (; *operands; operands++)
		take_file(*operands);
	return stream_finish();
}
