/*
 * epi-score - join energy, tokens and accuracy into energy per intelligence
 */
/* link: -lnettle */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "epi-score/score.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-score [--weights LIST] [--accuracy TEXT] [--meta KEY=VALUE | FILE]\n"
"                 [--label LABEL] [--idle WATTS | FILE] [--decode FILE]\n"
"                 [--no-accuracy] [--force] [file ...]\n"
"       epi-score --repetitions [--pool FILE] [file ...]\n"
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
"  --idle WATTS        what the nodes draw without work; net beside gross\n"
"  --idle FILE         the same from the energy record of idle nodes\n"
"  --decode FILE       energy and tokens of the decode workload, beside it\n"
"  --no-accuracy       joules per token alone\n"
"  --force             write the score in spite of what speaks against it,\n"
"                      and that into its warnings\n"
"  --repetitions       score records in: the median, with the spread of all\n"
"  --pool FILE         scores of other repetitions, whose spread counts too\n"
"  -h, --help          show this and exit\n"
"      --version       show the version and exit\n";

static const struct option options[] = {
	{ "weights", required_argument, NULL, 'w' },
	{ "accuracy", required_argument, NULL, 'a' },
	{ "meta", required_argument, NULL, 'm' },
	{ "label", required_argument, NULL, 'l' },
	{ "no-accuracy", no_argument, NULL, 'n' },
	{ "force", no_argument, NULL, 'f' },
	{ "idle", required_argument, NULL, 'i' },
	{ "decode", required_argument, NULL, 'd' },
	{ "repetitions", no_argument, NULL, 'r' },
	{ "pool", required_argument, NULL, 'p' },
	{ 0 }
};

/* What --accuracy told, kept until all weights are known. */
static const char **accuracies;
static size_t accuracy_count;

static char *idle;   /* --idle's file */
static char *decode; /* --decode's file */
static bool repeats;
static char *pool;

static struct digest hash; /* of the input that is being read */

static void
watch(const char *bytes, size_t length)
{
	digest_add(&hash, bytes, length);
}

static void
take_input(struct score *score, char *name, struct sample_nodes *nodes)
{
	struct input *input;

	score->inputs = report_resize(score->inputs, score->input_count + 1,
	    sizeof *score->inputs);
	input = &score->inputs[score->input_count++];
	input->name = name;
	*input->digest = '\0';
	digest_start(&hash);
	if (!feed_records((char *[]){ name, NULL }, nodes, record_take,
	    score)) {
		note_add(&score->refusals,
		    "input-unread: %s was not read to its end",
		    name);
		return;
	}
	digest_end(&hash, input->digest);
}

/* Another score beside this one, with one list of inputs for both. */
static void
take_beside(struct score *score, struct score *other, char *name)
{
	static struct sample_nodes nodes;

	other->inputs = score->inputs;
	other->input_count = score->input_count;
	take_input(other, name, &nodes);
	score->inputs = other->inputs;
	score->input_count = other->input_count;
}

static void
take_inputs(struct score *score, char **operands)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	static struct sample_nodes nodes;
	static struct score of_decode = {
		.tokens = { .nodes = UNKNOWN }, .idle_watts = NAN,
		.no_accuracy = true
	}, of_idle = { .no_accuracy = true };

	stream_watch(watch);
	for (char **name = *operands ? operands : standard_input; *name; name++)
		take_input(score, *name, &nodes);
	if (decode) {
		take_beside(score, &of_decode, decode);
		score->decode = &of_decode;
	}
	if (idle) {
		take_beside(score, &of_idle, idle);
		idle_take(score, &of_idle);
	}
	if (report_malformed_count() > 0)
		note_add(&score->refusals,
		    "input-malformed: %llu malformed records",
		    (unsigned long long)report_malformed_count());
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
add_benchmark(struct score *score, const char *name, double weight)
{
	struct benchmark *mark = &score->benchmarks[score->benchmark_count];

	if (score->benchmark_count == BENCHMARKS)
		report_usage("--weights: more than %d benchmarks", BENCHMARKS);
	if (strlen(name) >= sizeof mark->name || benchmark_find(score, name))
		report_usage("--weights: too long, or twice: %s", name);
	score->benchmark_count++;
	snprintf(mark->name, sizeof mark->name, "%s", name);
	mark->weight = weight;
	mark->shots = mark->questions = mark->correct = UNKNOWN;
	mark->sample = UNKNOWN;
	mark->limit = NAN;
	mark->accuracy = mark->u_accuracy = NAN;
	mark->interval = (struct stats_interval){ NAN, NAN };
}

static void
set_weights(struct score *score, const char *text)
{
	char **words = option_list("--weights", text);

	score->benchmark_count = 0;
	memset(score->benchmarks, 0, sizeof score->benchmarks);
	for (char **word = words; *word; word++) {
		const char *value = cut("--weights", *word);

		add_benchmark(score, *word,
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
set_accuracy(struct score *score, const char *text)
{
	char **words = option_list("--accuracy", text);
	char *value = cut("--accuracy", words[0]);
	struct benchmark *mark = benchmark_find(score, words[0]);

	if (!mark)
		report_usage("--accuracy: no weight for %s", words[0]);
	set_fraction(mark, value);
	for (char **word = words + 1; *word; word++) {
		value = cut("--accuracy", *word);
		if (strcmp(*word, "shots") == 0)
			mark->shots =
			    option_integer("--accuracy", value, 0, 1000);
		else if (strcmp(*word, "protocol") == 0 &&
		    strlen(value) < sizeof mark->protocol)
			strcpy(mark->protocol, value);
		else
			report_usage("--accuracy: not shots or protocol: %s",
			    *word);
	}
	mark->records++;
	digest_bytes(text, strlen(text), mark->digest);
	benchmark_settle(mark, mark->accuracy);
	free(words);
}

static void
take_option(void *state, int letter, const char *argument)
{
	struct score *score = state;
	size_t name;

	switch (letter) {
	case 'w':
		set_weights(score, argument);
		break;
	case 'a':
		accuracies = report_resize(accuracies,
		    accuracy_count + 1, sizeof *accuracies);
		accuracies[accuracy_count++] = argument;
		break;
	case 'm':
		name = strcspn(argument, "=/");
		if (argument[name] == '=')
			meta_set_text(argument, name);
		else
			meta_set_file(argument);
		break;
	case 'l':
		score->label = argument;
		break;
	case 'n':
		score->no_accuracy = true;
		break;
	case 'f':
		score->force = true;
		break;
	case 'i':
		idle = idle_told(score, argument) ? NULL
		    : report_copy(argument, strlen(argument));
		break;
	case 'd':
		decode = report_copy(argument, strlen(argument));
		break;
	case 'r':
		repeats = true;
		break;
	case 'p':
		pool = report_copy(argument, strlen(argument));
		break;
	}
}

static void
join(struct score *score)
{
	const struct energy *energy = judge_choose(score);
	bool has_answers;

	judge_join(score, energy);
	has_answers = judge_workload(score);
	if (energy)
		uncertainty_settle(score, energy);
	if (score->decode)
		decode_settle(score);
	if (score->refusals.count == 0 || score->force) {
		score_compose(score, energy, has_answers);
		return;
	}
	for (size_t i = 0; i < score->refusals.count; i++)
		report_error("refused: %s", score->refusals.text[i]);
}

int
main(int argc, char **argv)
{
	static struct score score = {
		.tokens = { .nodes = UNKNOWN }, .idle_watts = NAN
	};
	char **operands;

	set_weights(&score, "mmlu=1,arc_challenge=1,hellaswag=1");
	operands = option_start(argc, argv, &(struct option_program){
		.name = "epi-score", .help = help, .letters = "",
		.options = options, .take = take_option, .state = &score });
	if (score.no_accuracy && accuracy_count > 0)
		report_usage("--no-accuracy and --accuracy");
	if (decode && repeats)
		report_usage("--decode goes with a single run");
	if (pool && !repeats)
		report_usage("--pool goes with --repetitions");
	if (repeats) {
		repeat_scores(operands, pool);
		return stream_finish();
	}
	for (size_t i = 0; i < accuracy_count; i++)
		set_accuracy(&score, accuracies[i]);
	take_inputs(&score, operands);
	if (!idle && isnan(score.idle_watts))
		idle_settle(&score);
	join(&score);
	return stream_finish();
}
