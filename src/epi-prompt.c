/* epi-prompt - questions of a benchmark, as prompts for a model */
/* link: -lnettle */

#include <stdlib.h>
#include <string.h>

#include "epi-prompt/prompt.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-prompt --benchmark mmlu|arc_challenge|hellaswag|FILE\n"
"                  [--shots K] [--shots-from PATH] [--protocol NAME]\n"
"                  [--sample N] [--seed S] [FOLDER | FILE ...]\n"
"       epi-prompt --workload decode\n"
"Questions of a benchmark, as prompts for a model.\n"
"\n"
"  --benchmark NAME    whose official files the operands are; or a FILE of an\n"
"                      own benchmark, in the form of epi-benchmark(5)\n"
"  --shots K           examples before each question; default 5, 25, 10, or\n"
"                      what the own benchmark says\n"
"  --shots-from PATH   where they are, if not beside the questions\n"
"  --protocol NAME     how it will be scored: gen-letter (default),\n"
"                      loglik-letter, loglik-cloze\n"
"  --sample N          N of the questions, of each stratum its share\n"
"  --seed S            which ones (1)\n"
"  --workload decode   prompts for a long answer each, and no questions\n"
"  -h, --help          this text\n"
"      --version       the version\n";

enum { BENCHMARK = OPTION_LONG, SHOTS, SHOTS_FROM, PROTOCOL, SAMPLE, SEED,
	WORKLOAD };

enum { COUNT_MOST = 100 * 1000 * 1000 };

/* As lm-evaluation-harness puts them, but for the letters of ARC and
 * HellaSwag, which it has not. */
static struct form forms[] = {
	{ "mmlu", 5, true,
	    "The following are multiple choice questions (with answers) about "
	    "%s.\n\n",
	    "The following are questions (with answers) about %s.\n\n",
	    "", "Question: ", "\nAnswer:" },
	{ "arc_challenge", 25, false,
	    "The following are multiple choice questions (with answers) about "
	    "science.\n\n",
	    "", "Question: ", "Question: ", "\nAnswer:" },
	{ "hellaswag", 10, false,
	    "The following are beginnings of texts, each with four ways to go "
	    "on and the letter of the right one.\n\n",
	    "", "", "", "" },
	{ NULL, 0, false,
	    "The following are multiple choice questions (with answers).\n\n",
	    "The following are questions (with answers).\n\n",
	    "", "Question: ", "\nAnswer:" }
};

enum { MMLU, ARC, HELLASWAG, OWN };

static struct {
	const char *benchmark;
	int kind;
	int64_t shots;            /* -1: the form's */
	const char *shots_from;
	struct setting setting;
	bool decode, seeded;
	struct questions questions, examples;
	size_t rows;              /* of all files of lines so far */
	bool failed;              /* an input is missing */
} s = { .shots = -1, .setting.seed = 1 };

/* The lines of a file, or of standard input. */
static void
read_file(char *file, feed_take_line *take, struct reader *reader)
{
	if (!feed_lines((char *[]){ file, NULL }, take, NULL, reader))
		s.failed = true;
}

static void
read_table(char *file, char *subject, struct questions *into, size_t most)
{
	struct reader reader = {
		.into = into, .most = most, .stratum = subject
	};

	read_file(file, table_take, &reader);
	table_end(&reader, file);
}

/* The examples of a subject: SUBJECT_dev.csv in --shots-from or in the folder
 * dev beside that of the questions. */
static void
read_table_examples(const char *file, char *subject)
{
	char *name = report_resize(NULL, strlen(subject) + 9, 1), *path;

	strcat(strcpy(name, subject), "_dev.csv");
	if (s.shots_from && !find_is_folder(s.shots_from)) {
		path = report_copy(s.shots_from, strlen(s.shots_from));
	} else if (s.shots_from) {
		path = find_join(s.shots_from, name);
	} else {
		char *folder = find_parent(file);
		char *dev = find_join(folder, "../dev");

		path = find_join(dev, name);
		free(dev);
		free(folder);
	}
	read_table(path, subject, &s.examples,
	    s.examples.count + (size_t)s.shots + 1);
	free(path);
	free(name);
}

/* The subject is the file's name, and stands in the prompt. */
static bool
names_subject(const char *file)
{
	if (strcmp(file, "-") != 0)
		return true;
	report_error("standard input names no subject of MMLU: give a file or "
	    "a folder");
	return false;
}

static void
read_tables(char **files)
{
	for (; *files; files++) {
		size_t before = s.questions.count + s.examples.count;
		char *subject = find_subject(*files);

		read_table(*files, subject, &s.questions, SIZE_MAX);
		if (s.shots > 0)
			read_table_examples(*files, subject);
		if (s.questions.count + s.examples.count == before)
			free(subject); /* else it is theirs */
	}
}

/* One more than the shots: one of them may be the question itself. */
static void
read_line_examples(const char *file, feed_take_line *take)
{
	struct reader reader = {
		.into = &s.examples, .most = (size_t)s.shots + 1
	};
	char *folder = find_parent(file), *path;

	path = s.shots_from ? report_copy(s.shots_from, strlen(s.shots_from))
	    : find_lines(folder, "train");
	if (path)
		read_file(path, take, &reader);
	else
		s.failed = true;
	free(path);
	free(folder);
}

static void
read_lines(char **files, feed_take_line *take)
{
	struct reader reader = {
		.into = &s.questions, .most = SIZE_MAX, .rows = s.rows
	};

	for (char **file = files; *file; file++)
		read_file(*file, take, &reader);
	s.rows = reader.rows;
	if (s.shots > 0 && !s.failed)
		read_line_examples(*files, take);
}

/* An operand that is a folder becomes the files in it. */
static char **
expand(char *operand)
{
	char **files;

	if (!find_is_folder(operand)) {
		files = report_resize(NULL, 2, sizeof *files);
		files[0] = operand;
	} else if (s.kind == MMLU) {
		return find_tables(operand);
	} else {
		files = report_resize(NULL, 2, sizeof *files);
		files[0] = find_lines(operand, s.kind == ARC ? "test" : "val");
	}
	files[1] = NULL;
	if (files[0])
		return files;
	free(files);
	return NULL;
}

static void
read_operand(char *operand)
{
	char **files = expand(operand);

	if (!files || (s.kind == MMLU && !names_subject(operand)))
		s.failed = true;
	else if (s.kind == MMLU)
		read_tables(files);
	else
		read_lines(files, s.kind == ARC ? arc_take : hellaswag_take);
	for (char **file = files; file && *file; file++)
		if (*file != operand)
			free(*file);
	free(files);
}

static void
read_own(char *file)
{
	struct form *form = &forms[OWN];
	struct reader reader = {
		.into = &s.questions, .most = SIZE_MAX, .shots = &s.examples,
		.form = form
	};

	read_file(file, own_take, &reader);
	if (!s.failed && !form->name) {
		report_error("%s: no record of type benchmark", file);
		s.failed = true;
	}
	if (s.shots < 0)
		s.shots = form->shots;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* An id stands for one question. */
static bool
check_ids(void)
{
	size_t count = s.questions.count;
	char **ids = report_resize(NULL, count, sizeof *ids);
	bool good = true;

	for (size_t i = 0; i < count; i++)
		ids[i] = s.questions.at[i].id;
	qsort(ids, count, sizeof *ids, by_id);
	for (size_t i = 0; i < count && good; i++)
		if (!*ids[i] || (i > 0 && strcmp(ids[i - 1], ids[i]) == 0)) {
			report_error(*ids[i] ? "two questions have the id %s"
			    : "a question has no id%s", ids[i]);
			good = false;
		}
	free(ids);
	return good;
}

static void
put_items(void)
{
	struct questions *list = &s.questions;
	bool drawn = s.setting.sample > 0;

	if (list->count == 0) {
		report_error("no questions");
		return;
	}
	if (!check_ids())
		return;
	if (s.setting.sample > (int64_t)list->count) {
		report_error("--sample %lld: there are %zu questions",
		    (long long)s.setting.sample, list->count);
		return;
	}
	if (drawn)
		draw(list, (uint64_t)s.setting.sample,
		    (uint64_t)s.setting.seed);
	s.setting.form = &forms[s.kind];
	s.setting.shots = s.shots;
	s.setting.all = list;
	s.setting.examples = &s.examples;
	for (size_t i = 0; i < list->count; i++)
		if ((!drawn || list->at[i].drawn) &&
		    !render(&s.setting, &list->at[i]))
			return;
}

static void
take_option(void *state, int letter, const char *argument)
{
	static const char *const protocols[] = {
		"gen-letter", "loglik-letter", "loglik-cloze", NULL
	};
	static const char *const workloads[] = { "decode", NULL };

	(void)state;
	switch (letter) {
	case BENCHMARK:
		s.benchmark = argument;
		for (s.kind = 0; s.kind < OWN; s.kind++)
			if (strcmp(argument, forms[s.kind].name) == 0)
				break;
		break;
	case SHOTS:
		s.shots = option_integer("--shots", argument, 0, 1000);
		break;
	case SHOTS_FROM:
		s.shots_from = argument;
		break;
	case PROTOCOL:
		s.setting.protocol = (enum protocol)option_word("--protocol",
		    argument, protocols);
		break;
	case SAMPLE:
		s.setting.sample = option_integer("--sample", argument, 1,
		    COUNT_MOST);
		break;
	case SEED:
		s.setting.seed = option_integer("--seed", argument, 0,
		    INT64_MAX);
		s.seeded = true;
		break;
	case WORKLOAD:
		option_word("--workload", argument, workloads);
		s.decode = true;
		break;
	}
}

static void
check_options(char **operands)
{
	if (s.decode && (s.benchmark || *operands || s.shots >= 0 ||
	    s.shots_from || s.setting.sample > 0))
		report_usage("--workload decode stands alone");
	if (!s.decode && !s.benchmark)
		report_usage("give --benchmark or --workload");
	if (s.benchmark && s.kind == OWN && (*operands || s.shots_from))
		report_usage("an own benchmark is all in its one file, %s",
		    s.benchmark);
	if (s.seeded && s.setting.sample == 0)
		report_usage("--seed without --sample");
}

static void
read_all(char **operands)
{
	static char dash[] = "-", *standard_input[] = { dash, NULL };

	if (s.kind == OWN) {
		read_own((char *)(uintptr_t)s.benchmark);
		return;
	}
	if (s.shots < 0)
		s.shots = forms[s.kind].shots;
	for (char **at = *operands ? operands : standard_input; *at; at++)
		read_operand(*at);
}

static const struct option options[] = {
	{ "benchmark", required_argument, NULL, BENCHMARK },
	{ "shots", required_argument, NULL, SHOTS },
	{ "shots-from", required_argument, NULL, SHOTS_FROM },
	{ "protocol", required_argument, NULL, PROTOCOL },
	{ "sample", required_argument, NULL, SAMPLE },
	{ "seed", required_argument, NULL, SEED },
	{ "workload", required_argument, NULL, WORKLOAD },
	{ 0 }
};

int
main(int argc, char **argv)
{
	static const struct option_program program = {
		"epi-prompt", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	check_options(operands);
	if (s.decode) {
		decode();
		return stream_finish();
	}
	read_all(operands);
	if (!s.failed)
		put_items();
	return stream_finish();
}
