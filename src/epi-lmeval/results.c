/*
 * results: a results file of lm-evaluation-harness, from v0.2 to now.
 *
 * v0.2 and v0.3 have results.TASK.acc, acc_stderr, one config.num_fewshot, and
 * no counts; MMLU is 57 tasks hendrycksTest-SUBJECT.  From v0.4 on a metric's
 * name has its filter behind a comma, there are groups, n-shot, and soon
 * n-samples.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-lmeval/lmeval.h"
#include "report.h"
#include "stats.h"

/* Groups in groups, and the steps through one: a file may go in circles. */
enum { DEPTH = 8, STEPS = 10000 };

static const char old_mmlu[] = "hendrycksTest-";
enum { OLD_MMLU = 57 };

enum {
	RESULTS, CONFIG, CONFIGS, VERSIONS, SHOTS, SAMPLES, SUBTASKS, GROUPS,
	MODEL, HARNESS, HASH, TABLES
};

static const char *const tables[TABLES] = {
	[RESULTS] = "results", [CONFIG] = "config", [CONFIGS] = "configs",
	[VERSIONS] = "versions", [SHOTS] = "n-shot", [SAMPLES] = "n-samples",
	[SUBTASKS] = "group_subtasks", [GROUPS] = "groups",
	[MODEL] = "model_name", [HARNESS] = "lm_eval_version",
	[HASH] = "git_hash"
};

/* The file that is being read. */
static struct {
	struct json_value in[TABLES];
	const char *file;
	struct wanted wanted;
	int64_t records;
	int64_t parts; /* of groups that were taken apart */
} f;

static struct json_value
of_task(int table, const char *task)
{
	return member(&f.in[table], task);
}

static size_t
elements(const struct json_value *array)
{
	struct json_value element;
	const char *cursor = NULL;
	size_t count = 0;

	if (array->kind != JSON_ARRAY)
		return 0;
	while (json_element(array, &cursor, &element))
		count++;
	return count;
}

static bool
starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Whether a key, behind the name of a metric, is of it, by a filter that is
 * wanted. */
static bool
fits(const char *metric, const char *behind)
{
	const char *filter = f.wanted.filter;

	if (*behind != '\0' && *behind != ',')
		return false;
	return !filter || strcmp(metric, f.wanted.metric) != 0 ||
	    (*behind && strcmp(behind + 1, filter) == 0);
}

/* Whether a task has a metric, and under which key, with its filter. */
static bool
find_key(const struct json_value *result, const char *metric, char key[NAME])
{
	struct json_value name, value;
	const char *cursor = NULL;
	size_t length = strlen(metric);

	if (result->kind != JSON_OBJECT)
		return false;
	while (json_member(result, &cursor, &name, &value)) {
		text(&name, key);
		if (starts(key, metric) && fits(metric, key + length))
			return true;
	}
	return false;
}

/* By how many filters there is a metric. */
static int
filters(const struct json_value *result, const char *metric)
{
	struct json_value name, value;
	const char *cursor = NULL;
	char key[NAME];
	int count = 0;

	while (json_member(result, &cursor, &name, &value)) {
		text(&name, key);
		count += starts(key, metric) && key[strlen(metric)] == ',';
	}
	return count;
}

static bool
has(const struct json_value *result, const char *metric)
{
	char key[NAME];

	return find_key(result, metric, key);
}

/* A metric's figure; NAN: there is none. */
static double
figure(const struct json_value *result, const char *metric)
{
	struct json_value value;
	char key[NAME];

	if (!find_key(result, metric, key))
		return NAN;
	value = member(result, key);
	return number(&value);
}

/* Its standard error, of the same filter. */
static double
error_of(const struct json_value *result, const char *metric)
{
	char key[NAME], name[2 * NAME];
	struct json_value value;

	if (!find_key(result, metric, key))
		return NAN;
	snprintf(name, sizeof name, "%s_stderr%s", metric,
	    key + strlen(metric));
	value = member(result, name);
	return number(&value);
}

static int64_t
count_of(const struct json_value *value)
{
	int64_t count;

	return json_integer(value, &count) && count >= 0 &&
	    count <= 1000000000 ? count : UNKNOWN;
}

static int64_t
shots_of(const char *task)
{
	struct json_value config = of_task(CONFIGS, task);
	struct json_value places[] = {
		of_task(SHOTS, task), member(&config, "num_fewshot"),
		of_task(CONFIG, "num_fewshot")
	};

	for (int i = 0; i < 3; i++)
		if (count_of(&places[i]) != UNKNOWN)
			return count_of(&places[i]);
	return UNKNOWN;
}

/* From the counts, or by any metric of the task that has a standard error. */
static int64_t
questions_of(const char *task)
{
	static const char *const metrics[] = {
		"acc", "acc_norm", "exact_match"
	};
	struct json_value result = of_task(RESULTS, task);
	struct json_value counts = of_task(SAMPLES, task);
	struct json_value count = member(&counts, "effective");
	int64_t n = count_of(&count);

	for (size_t i = 0; i < 3 && n == UNKNOWN; i++)
		if (error_of(&result, metrics[i]) > 0)
			n = outcome_recover(figure(&result, metrics[i]),
			    error_of(&result, metrics[i]));
	return n;
}

/* A whole number of right answers; UNKNOWN: the value is no share. */
static int64_t
correct_of(double value, int64_t questions)
{
	double correct = value * (double)questions;

	return questions != UNKNOWN && value >= 0 && value <= 1 &&
	    fabs(correct - round(correct)) < 1e-6 * (double)questions
	    ? (int64_t)round(correct) : UNKNOWN;
}

static bool
is_mmlu(const char *task)
{
	return starts(task, old_mmlu) || strcmp(task, "mmlu") == 0 ||
	    starts(task, "mmlu_");
}

/* What the task is mostly told by. */
static const char *
metric_of(const char *task, const struct json_value *result)
{
	static const char *const custom[] = {
		"acc_norm", "exact_match", "acc"
	};

	if (f.wanted.metric)
		return has(result, f.wanted.metric) ? f.wanted.metric : NULL;
	if (is_mmlu(task) && has(result, "acc"))
		return "acc";
	for (size_t i = 0; i < 3; i++)
		if (has(result, custom[i]))
			return custom[i];
	return NULL;
}

/* Letters, if the first choice is A. */
static bool
chooses_letters(const struct json_value *choices)
{
	struct json_value first;
	const char *cursor = NULL;

	return choices->kind == JSON_ARRAY &&
	    json_element(choices, &cursor, &first) && json_is(&first, "A");
}

/*
 * How a task was scored.  Where the file does not say what its choices are:
 * with single letters, acc and acc_norm are the same figure.
 */
static const char *
protocol_of(const char *task)
{
	struct json_value result = of_task(RESULTS, task);
	struct json_value config = of_task(CONFIGS, task);
	struct json_value type = member(&config, "output_type");
	struct json_value choices = member(&config, "doc_to_choice");

	if (json_is(&type, "generate_until") ||
	    (!has(&result, "acc") && has(&result, "exact_match")))
		return "gen-text";
	if (choices.kind != JSON_ABSENT && choices.kind != JSON_NULL)
		return chooses_letters(&choices) ? "loglik-letter"
		    : "loglik-cloze";
	if (has(&result, "acc_norm"))
		return figure(&result, "acc") == figure(&result, "acc_norm")
		    ? "loglik-letter" : "loglik-cloze";
	return is_mmlu(task) ? "loglik-letter" : NULL;
}

static void
set_model(char model[NAME])
{
	static const char key[] = "pretrained=";
	struct json_value arguments = of_task(CONFIG, "model_args");
	struct json_value name = of_task(CONFIG, "model");
	struct json_value pretrained = member(&arguments, "pretrained");
	char list[NAME], *at;

	text(&f.in[MODEL], model);
	if (!*model)
		text(&pretrained, model); /* newer files have an object */
	if (*model)
		return;
	text(&arguments, list);
	at = strstr(list, key);
	if (!at) {
		text(&name, model);
		return;
	}
	at += strlen(key);
	at[strcspn(at, ",")] = '\0';
	memcpy(model, at, strlen(at) + 1);
}

/* What holds for all of a file. */
static void
set_common(struct outcome *outcome, const char *task)
{
	struct json_value limit = of_task(CONFIG, "limit");

	text(&f.in[HARNESS], outcome->harness);
	if (!*outcome->harness)
		text(&f.in[HASH], outcome->harness);
	outcome->limit = number(&limit);
	outcome->version = of_task(VERSIONS, task);
	set_model(outcome->model);
	snprintf(outcome->benchmark, NAME, "%s", task);
	outcome->shots = shots_of(task);
}

/* The filter of the metric's figure, "" for none. */
static bool
filter_of(const struct json_value *result, const char *metric,
    char filter[NAME])
{
	char key[NAME];
	const char *behind;

	if (!find_key(result, metric, key))
		return false;
	behind = key + strlen(metric);
	snprintf(filter, NAME, "%s", *behind && strcmp(behind, ",none") != 0
	    ? behind + 1 : "");
	return true;
}

static void
set_metric(struct outcome *outcome, const struct json_value *result,
    const char *metric)
{
	if (!filter_of(result, metric, outcome->filter))
		return;
	snprintf(outcome->metric, NAME, "%s", metric);
	if (!f.wanted.filter && *outcome->filter &&
	    filters(result, metric) > 1)
		outcome_note(outcome, "filter-first: %s is the first of %d by "
		    "which the file has %s", outcome->filter,
		    filters(result, metric), metric);
	outcome->value = figure(result, metric);
	outcome->u = error_of(result, metric);
}

/* A perplexity is a quality of its own kind. */
static void
take_perplexity(const char *task, const struct json_value *result)
{
	static const char *const metrics[] = {
		"perplexity", "ppl", "word_perplexity", "byte_perplexity",
		"bits_per_byte"
	};

	for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
		struct outcome outcome;

		if (!has(result, metrics[i]))
			continue;
		outcome_start(&outcome, f.file);
		set_common(&outcome, task);
		set_metric(&outcome, result, metrics[i]);
		outcome.questions = questions_of(task);
		if (isfinite(outcome.value)) {
			emit_quality(&outcome);
			f.records++;
		} else
			report_warning("%s: %s: %s is no number", f.file, task,
			    metrics[i]);
	}
}

static void
finish(struct outcome *outcome)
{
	if (isnan(outcome->u) && outcome->questions != UNKNOWN) {
		outcome_note(outcome, "u-computed: the file has no standard "
		    "error of %s", outcome->metric);
		outcome->u = stats_share_error(outcome->value,
		    (double)outcome->questions);
	}
	/* Where all was right, 0 is what so many questions tell, not certainty. */
	if (outcome->questions == UNKNOWN && outcome->u == 0)
		outcome->u = NAN;
	if (outcome->questions == UNKNOWN)
		outcome_note(outcome, "questions-unknown: the file does not "
		    "tell, nor does the standard error");
	if (!(outcome->value >= 0 && outcome->value <= 1))
		report_warning("%s: %s: %s is no share of one", f.file,
		    outcome->benchmark, outcome->metric);
	else {
		emit_accuracy(outcome);
		f.records++;
	}
	outcome_clear(outcome);
}

static void
take_task(const char *task, const struct json_value *result)
{
	const char *metric = metric_of(task, result);
	struct outcome outcome;
	int64_t before = f.records;

	take_perplexity(task, result);
	if (!metric && f.records == before)
		report_warning("%s: %s: no accuracy%s%s%s%s among its metrics",
		    f.file, task, f.wanted.metric ? " called " : "",
		    f.wanted.metric ? f.wanted.metric : "",
		    f.wanted.filter ? " by " : "",
		    f.wanted.filter ? f.wanted.filter : "");
	if (!metric)
		return;
	outcome_start(&outcome, f.file);
	set_common(&outcome, task);
	set_metric(&outcome, result, metric);
	outcome.protocol = protocol_of(task);
	outcome.questions = questions_of(task);
	outcome.correct = correct_of(outcome.value, outcome.questions);
	finish(&outcome);
}

/* What the tasks of a group add up to. */
struct sum {
	struct outcome *outcome;
	int64_t tasks, questions, correct, steps;
	double values, weighted, variance;
	bool shots_differ, metrics_differ, filters_differ;
};

static void
add_task(struct sum *sum, const char *task)
{
	struct json_value result = of_task(RESULTS, task);
	const char *metric = metric_of(task, &result), *protocol;
	char filter[NAME] = "";
	int64_t n = questions_of(task), correct;
	double value = metric ? figure(&result, metric) : NAN;
	double u = stats_share_error(value, (double)n);

	if (isnan(value)) {
		outcome_note(sum->outcome, "task-missing: %s has no accuracy",
		    task);
		return;
	}
	correct = correct_of(value, n);
	protocol = protocol_of(task);
	if (sum->tasks++ == 0) {
		set_metric(sum->outcome, &result, metric);
		sum->outcome->shots = shots_of(task);
		sum->outcome->protocol = protocol;
		sum->outcome->version = of_task(VERSIONS, task);
	}
	sum->metrics_differ |= strcmp(sum->outcome->metric, metric) != 0;
	sum->filters_differ |= filter_of(&result, metric, filter) &&
	    strcmp(sum->outcome->filter, filter) != 0;
	sum->shots_differ |= sum->outcome->shots != shots_of(task);
	/* One subject's figures may be equal by chance. */
	if (protocol && (!sum->outcome->protocol ||
	    strcmp(protocol, "loglik-cloze") == 0))
		sum->outcome->protocol = protocol;
	sum->values += value;
	sum->weighted += value * (double)n;
	sum->variance += (double)n * (double)n * u * u;
	sum->questions = n == UNKNOWN || sum->questions == UNKNOWN ? UNKNOWN
	    : sum->questions + n;
	sum->correct = correct == UNKNOWN || sum->correct == UNKNOWN ? UNKNOWN
	    : sum->correct + correct;
}

/* A group without a figure of its own is that of its tasks, weighted by their
 * size; its error that of strata. */
static void
take_sum(struct sum *sum, const struct json_value *own)
{
	struct outcome *outcome = sum->outcome;
	double n = (double)sum->questions, mean = sum->weighted / n;

	outcome->tasks = sum->tasks;
	outcome->macro = sum->values / (double)sum->tasks;
	outcome->questions = sum->questions;
	outcome->correct = sum->correct;
	if (sum->shots_differ) {
		outcome_note(outcome, "shots-differ: of the group's tasks");
		outcome->shots = UNKNOWN;
	}
	if (sum->filters_differ) {
		outcome_note(outcome, "filters-differ: of the group's tasks");
		outcome->filter[0] = '\0';
	}
	outcome->value = sum->questions == UNKNOWN ? NAN : mean;
	outcome->u = sum->questions == UNKNOWN ? NAN
	    : sqrt(sum->variance) / n;
	if (isnan(figure(own, outcome->metric)))
		return;
	outcome->value = figure(own, outcome->metric);
	outcome->u = error_of(own, outcome->metric);
	if (sum->questions != UNKNOWN && fabs(outcome->value - mean) > 1e-6) {
		outcome_note(outcome, "group-unweighted: the mean of the tasks "
		    "weighted by their size is %.6f", mean);
		outcome->correct = UNKNOWN;
	}
}

/* The tasks under a group, at any depth. */
static void
add_subtasks(struct sum *sum, const char *group, int depth)
{
	struct json_value subtasks = of_task(SUBTASKS, group), name;
	struct json_value result = of_task(RESULTS, group);
	const char *cursor = NULL;
	char task[NAME];

	if (elements(&subtasks) == 0 || depth > DEPTH) {
		if (result.kind == JSON_OBJECT)
			add_task(sum, group);
		return;
	}
	while (sum->steps++ < STEPS &&
	    json_element(&subtasks, &cursor, &name)) {
		text(&name, task);
		add_subtasks(sum, task, depth + 1);
	}
}

static void take_group(const char *group, const struct json_value *own,
    int depth);

/* A mean of different metrics is none: what is under the group is told by
 * itself. */
static void
take_apart(const char *group, int depth)
{
	struct json_value subtasks = of_task(SUBTASKS, group), name;
	const char *cursor = NULL;
	char task[NAME];

	report_warning("%s: %s: its tasks have different metrics, and are told "
	    "one by one", f.file, group);
	while (depth < DEPTH && f.parts++ < STEPS &&
	    json_element(&subtasks, &cursor, &name)) {
		struct json_value result, under;

		text(&name, task);
		result = of_task(RESULTS, task);
		under = of_task(SUBTASKS, task);
		if (elements(&under) > 0)
			take_group(task, &result, depth + 1);
		else if (result.kind == JSON_OBJECT)
			take_task(task, &result);
	}
}

static void
take_group(const char *group, const struct json_value *own, int depth)
{
	struct outcome outcome;
	struct sum sum = { .outcome = &outcome };

	outcome_start(&outcome, f.file);
	set_common(&outcome, group);
	add_subtasks(&sum, group, 0);
	if (sum.tasks > 0 && !(sum.metrics_differ &&
	    isnan(figure(own, outcome.metric)))) {
		take_sum(&sum, own);
		finish(&outcome);
		return;
	}
	outcome_clear(&outcome);
	if (sum.tasks > 0)
		take_apart(group, depth);
	else
		report_warning("%s: %s: no accuracy among its tasks", f.file,
		    group);
}

/* MMLU as v0.2 and v0.3 have it, in 57 tasks without a group. */
static void
take_old_mmlu(void)
{
	static const struct json_value none = { .kind = JSON_ABSENT };
	struct json_value name, result;
	struct outcome outcome;
	struct sum sum = { .outcome = &outcome };
	const char *cursor = NULL;
	char task[NAME];

	outcome_start(&outcome, f.file);
	while (json_member(&f.in[RESULTS], &cursor, &name, &result)) {
		text(&name, task);
		if (!starts(task, old_mmlu))
			continue;
		if (sum.tasks == 0)
			set_common(&outcome, task);
		add_task(&sum, task);
	}
	snprintf(outcome.benchmark, NAME, "mmlu");
	if (sum.tasks < OLD_MMLU)
		outcome_note(&outcome, "tasks-missing: of MMLU's %d subjects "
		    "the file has %lld", OLD_MMLU, (long long)sum.tasks);
	if (sum.tasks > 0) {
		take_sum(&sum, &none);
		finish(&outcome);
	} else
		outcome_clear(&outcome);
}

static bool
is_subtask(const char *task)
{
	struct json_value group, subtasks, name;
	const char *groups = NULL;

	if (f.in[SUBTASKS].kind != JSON_OBJECT)
		return false;
	while (json_member(&f.in[SUBTASKS], &groups, &group, &subtasks)) {
		const char *cursor = NULL;

		while (subtasks.kind == JSON_ARRAY && !json_is(&group, task) &&
		    json_element(&subtasks, &cursor, &name))
			if (json_is(&name, task))
				return true;
	}
	return false;
}

static void
take_entry(const char *task, const struct json_value *result)
{
	struct json_value subtasks = of_task(SUBTASKS, task);

	if (result->kind != JSON_OBJECT)
		report_warning("%s: %s: not an object", f.file, task);
	else if (is_subtask(task))
		return;
	else if (elements(&subtasks) > 0)
		take_group(task, result, 0);
	else
		take_task(task, result);
}

/* Groups of which only their tasks are among the results. */
static void
take_other_groups(void)
{
	struct json_value group, subtasks;
	const char *cursor = NULL;
	char name[NAME];

	while (f.in[SUBTASKS].kind == JSON_OBJECT &&
	    json_member(&f.in[SUBTASKS], &cursor, &group, &subtasks)) {
		struct json_value own;

		text(&group, name);
		own = of_task(GROUPS, name);
		if (elements(&subtasks) > 0 && !is_subtask(name) &&
		    of_task(RESULTS, name).kind == JSON_ABSENT)
			take_group(name, &own, 0);
	}
}

void
results_take(const struct json_value *document, const char *file,
    const struct wanted *wanted)
{
	struct json_value name, result;
	const char *cursor = NULL;
	bool had_old_mmlu = false;
	char task[NAME];

	for (int i = 0; i < TABLES; i++)
		f.in[i] = member(document, tables[i]);
	f.file = file;
	f.wanted = *wanted;
	f.records = f.parts = 0;
	while (f.in[RESULTS].kind == JSON_OBJECT &&
	    json_member(&f.in[RESULTS], &cursor, &name, &result)) {
		text(&name, task);
		if (!starts(task, old_mmlu))
			take_entry(task, &result);
		else if (!had_old_mmlu)
			take_old_mmlu();
		had_old_mmlu |= starts(task, old_mmlu);
	}
	if (f.in[RESULTS].kind == JSON_OBJECT)
		take_other_groups();
	if (f.in[RESULTS].kind != JSON_OBJECT)
		report_error("%s: no results of lm-evaluation-harness", file);
	else if (f.records == 0)
		report_error("%s: no accuracy in it", file);
}
