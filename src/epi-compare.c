/* epi-compare - whether one score is better than another, and how surely */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-compare/compare.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-compare [-H] [--across] [--check VERDICT,...] [--invested-kwh X]\n"
"                   [--margin X%] [--replicates N] [--seed N]\n"
"                   BASELINE CANDIDATE ...\n"
"Compare the score in each CANDIDATE with the one in BASELINE.  A file holds one\n"
"score record and, for paired questions, the graded answers of epi-grade --each.\n"
"\n"
"      --across           compare in spite of another instrument, place of\n"
"                         measurement, firmware, workload, tokenizer or supply\n"
"      --check VERDICT,...  status 3 unless every verdict is one of these\n"
"  -H, --human            a sentence for people on standard error, too\n"
"      --invested-kwh X   after how many tokens X kWh are saved\n"
"      --margin X%        what is equivalent (default 2%)\n"
"      --replicates N     of the bootstrap (default 10000)\n"
"      --seed N           of the bootstrap (default 1)\n"
"  -h, --help             show this and exit\n"
"      --version          show the version and exit\n"
"\n"
"Example: epi-compare -H baseline.ndjson pruned.ndjson >comparison.ndjson\n";

enum { ACROSS = OPTION_LONG, CHECK, INVESTED, MARGIN, REPLICATES, SEED };

static const char *const verdicts[] = { "better", "worse", "equivalent",
	"indistinguishable", NULL };

static struct {
	struct settings settings;
	char **check;
	bool human;
} s = { .settings = { .margin = 0.02, .invested_kwh = NAN,
	.replicates = 10000, .seed = 1 } };

/* What makes two figures figures of different things. */
static const struct {
	const char *path, *name;
} alike[] = {
	{ "measurement_point", "measurement point" },
	{ "instrument", "instrument" },
	{ "run_metadata.epi_meter_firmware", "firmware" },
	{ "workload", "workload" },
	{ "tokenizer", "tokenizer" },
	{ "psu", "power supply" }
};

static bool
is_known(const struct model *model, const char *path)
{
	enum json_kind kind = result_at(&model->result, path).kind;

	return kind != JSON_ABSENT && kind != JSON_NULL;
}

/* False: it was said what differs. */
static bool
check_alike(struct comparison *comparison)
{
	const struct model *a = comparison->pair.baseline;
	const struct model *b = comparison->pair.candidate;
	bool may = true;

	for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
		const char *path = alike[i].path;

		if (result_alike(&a->result, &b->result, path))
			continue;
		if (!is_known(a, path) || !is_known(b, path)) {
			comparison_warn(comparison, "alike-unknown: it is not "
			    "known of both what their %s is", alike[i].name);
		} else if (s.settings.across) {
			comparison_warn(comparison, "across: not of the same "
			    "%s", alike[i].name);
		} else {
			report_error("%s: not of the same %s as %s; --across "
			    "compares them all the same", b->file,
			    alike[i].name, a->file);
			may = false;
		}
	}
	return may;
}

/* Whether of some benchmark it is not known how well its accuracy is known. */
static bool
is_vague(const struct model *model)
{
	for (int i = 0; i < model->mark_count; i++)
		if (isnan(model->marks[i].u_accuracy))
			return true;
	return false;
}

/* What makes it unknown how well a ratio is known. */
static void
warn_of_unknown(struct comparison *comparison)
{
	const struct model *a = comparison->pair.baseline;
	const struct model *b = comparison->pair.candidate;

	if (!a->result.budgeted || !b->result.budgeted)
		comparison_warn(comparison, "uncertainty-unknown: a score "
		    "without a budget has no interval, so no difference can "
		    "be shown");
	if (is_vague(a) || is_vague(b))
		comparison_warn(comparison, "accuracy-vague: a score does not "
		    "tell how well its accuracy is known, so no difference "
		    "that it has a part in can be shown");
}

/* What the graded answers do not tell. */
static void
warn_of_answers(struct comparison *comparison)
{
	const struct pair *pair = &comparison->pair;

	if (pair->prompts_differ)
		comparison_warn(comparison, "prompts-differ: not all common "
		    "questions were asked in the same words");
	if (!pair->is_paired) {
		comparison_warn(comparison, "unpaired: without the graded "
		    "answers of both to all questions the accuracies are "
		    "taken as independent");
		return;
	}
	for (int i = 0; i < pair->baseline->mark_count; i++)
		if (isnan(pair->correlation[i]))
			comparison_warn(comparison, "covariance-unknown: the "
			    "graded answers to %s do not give the u_accuracy "
			    "of both scores, so these are taken as independent",
			    pair->baseline->marks[i].name);
	if (!pair->is_weighed)
		comparison_warn(comparison, "weights-unknown: the graded "
		    "answers do not give the accuracies of both scores, so "
		    "there is no bootstrap");
}

/* False: they cannot be compared, as was said. */
static bool
compare(struct comparison *comparison, const struct model *baseline,
    const struct model *candidate)
{
	struct pair *pair = &comparison->pair;

	pair->baseline = baseline;
	pair->candidate = candidate;
	if (!check_alike(comparison))
		return false;
	if (!pair_find(pair)) {
		report_error("%s: not the benchmarks or the weights of %s",
		    candidate->file, baseline->file);
		return false;
	}
	warn_of_unknown(comparison);
	warn_of_answers(comparison);
	ratio_work_out(comparison, &s.settings);
	return true;
}

struct level {
	struct comparison *comparison;
	double p;
};

static int
by_p(const void *a, const void *b)
{
	const struct level *x = a, *y = b;

	return (x->p > y->p) - (x->p < y->p);
}

/* Levels of all comparisons together; what has none stays out. */
static void
adjust(struct comparison *comparisons, size_t count)
{
	struct level *levels = report_resize(NULL, count + 1, sizeof *levels);
	double *p = report_resize(NULL, count + 1, sizeof *p);
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		comparisons[i].p_holm = NAN;
		if (!isnan(comparisons[i].p))
			levels[known++] = (struct level){ &comparisons[i],
				comparisons[i].p };
	}
	qsort(levels, known, sizeof *levels, by_p);
	for (size_t i = 0; i < known; i++)
		p[i] = levels[i].p;
	stats_holm(p, known);
	for (size_t i = 0; i < known; i++)
		levels[i].comparison->p_holm = p[i];
	free(levels);
	free(p);
}

/* All candidates; false: one of them is not as --check wants it. */
static bool
compare_all(const struct model *baseline, struct model *models, size_t count)
{
	struct comparison *comparisons = report_resize(NULL, count,
	    sizeof *comparisons);
	size_t done = 0;
	bool good = true;

	for (size_t i = 0; i < count; i++) {
		memset(&comparisons[done], 0, sizeof *comparisons);
		if (compare(&comparisons[done], baseline, &models[i]))
			done++;
	}
	adjust(comparisons, done);
	for (size_t i = 0; i < done; i++) {
		settle_verdict(&comparisons[i], &s.settings);
		emit_comparison(&comparisons[i], &s.settings);
		if (s.human)
			emit_sentence(&comparisons[i]);
		good = good && (!s.check ||
		    option_listed(s.check, comparisons[i].verdict));
		pair_clear(&comparisons[i].pair);
	}
	free(comparisons);
	return good;
}

static double
read_margin(const char *text)
{
	char number[32];
	size_t length = strlen(text);
	bool percent = length > 0 && text[length - 1] == '%';

	if (length >= sizeof number)
		report_usage("--margin: not a share: %s", text);
	memcpy(number, text, length + 1);
	if (percent)
		number[length - 1] = '\0';
	return option_double("--margin", number, 0, percent ? 100 : 1) /
	    (percent ? 100 : 1);
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'H':
		s.human = true;
		break;
	case ACROSS:
		s.settings.across = true;
		break;
	case CHECK:
		s.check = option_list("--check", argument);
		for (char **word = s.check; *word; word++)
			option_word("--check", *word, verdicts);
		break;
	case INVESTED:
		s.settings.invested_kwh = option_double("--invested-kwh",
		    argument, 0, 1e12);
		break;
	case MARGIN:
		s.settings.margin = read_margin(argument);
		break;
	case REPLICATES:
		s.settings.replicates = option_integer("--replicates",
		    argument, 100, 10000000);
		break;
	case SEED:
		s.settings.seed = (uint64_t)option_integer("--seed", argument,
		    0, INT64_MAX);
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "across", no_argument, NULL, ACROSS },
		{ "check", required_argument, NULL, CHECK },
		{ "human", no_argument, NULL, 'H' },
		{ "invested-kwh", required_argument, NULL, INVESTED },
		{ "margin", required_argument, NULL, MARGIN },
		{ "replicates", required_argument, NULL, REPLICATES },
		{ "seed", required_argument, NULL, SEED },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-compare", help, "H", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);
	struct model baseline, *candidates;
	size_t count = 0, named = 0;
	bool good;
	int status;

	if (!operands[0] || !operands[1])
		report_usage("wants BASELINE and CANDIDATE");
	while (operands[named + 1])
		named++;
	candidates = report_resize(NULL, named, sizeof *candidates);
	good = model_read(&baseline, operands[0]);
	for (; good && count < named; count++)
		good = model_read(&candidates[count], operands[count + 1]);
	good = good && compare_all(&baseline, candidates, count);
	while (count-- > 0)
		model_clear(&candidates[count]);
	model_clear(&baseline);
	free(candidates);
	status = stream_finish();
	return status == STATUS_DONE && !good ? STATUS_NO : status;
}
