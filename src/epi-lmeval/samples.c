/* samples: what --log_samples wrote, an answer a line, of one task. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-lmeval/lmeval.h"
#include "report.h"
#include "stats.h"

static const char *const known[] = { "acc_norm", "acc", "exact_match" };

/* The documents whose samples count, to see that each does once. */
static struct {
	int64_t *at;
	size_t count, room;
} documents;

static void
note_document(const struct json_value *line)
{
	struct json_value id = member(line, "doc_id");

	if (documents.count == documents.room) {
		documents.room = documents.room ? 2 * documents.room : 1024;
		documents.at = report_resize(documents.at, documents.room,
		    sizeof *documents.at);
	}
	if (json_integer(&id, &documents.at[documents.count]))
		documents.count++;
}

static int
by_number(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* False: one stands twice (said). */
static bool
count_once(const char *file)
{
	const int64_t *at = documents.at;

	if (documents.count > 0)
		qsort(documents.at, documents.count, sizeof *at, by_number);
	for (size_t i = 1; i < documents.count; i++)
		if (at[i] == at[i - 1]) {
			report_error("%s: doc_id %lld counts twice: these are "
			    "not the samples of one run", file,
			    (long long)at[i]);
			return false;
		}
	return true;
}

/* The object that a line is; JSON_ABSENT: it is none, *why says so. */
static struct json_value
line_value(const char *line, size_t length, const char **why)
{
	struct json_value value = { line, length, JSON_OBJECT, false };
	struct json_error error;

	if (json_members(line, length, NULL, 0, NULL, &error))
		return value;
	*why = error.what;
	return (struct json_value){ .kind = JSON_ABSENT };
}

bool
samples_are(const char *whole, size_t length)
{
	const char *newline = memchr(whole, '\n', length), *why;
	struct json_value line = line_value(whole, newline
	    ? (size_t)(newline - whole) : length, &why);

	return member(&line, "doc_id").kind != JSON_ABSENT;
}

/* "samples_TASK_2024-11-19T...jsonl", or what stands there in its place. */
static void
set_task(char task[NAME], const char *file)
{
	static const char lead[] = "samples_";
	const char *slash = strrchr(file, '/');
	const char *name = slash ? slash + 1 : file;
	const char *at = strstr(name, lead);
	char *end = NULL;

	snprintf(task, NAME, "%s", at ? at + strlen(lead) : name);
	for (char *next = task; (next = strstr(next, "_20")); next++)
		if (strcspn(next, "-") == strlen("_2024"))
			end = next; /* of the date, not "aime_2024" */
	if (!end)
		end = strstr(task, ".jsonl");
	if (end)
		*end = '\0';
}

/* The metric of a line: the wanted one, else MMLU's acc, else a usual one. */
static const char *
metric_of(const struct json_value *line, const char *task, const char *wanted)
{
	if (wanted)
		return member(line, wanted).kind == JSON_ABSENT ? NULL : wanted;
	if (strncmp(task, "mmlu", 4) == 0 &&
	    member(line, "acc").kind != JSON_ABSENT)
		return "acc";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (member(line, known[i]).kind != JSON_ABSENT)
			return known[i];
	return NULL;
}

static bool
is_unmatched(const struct json_value *line)
{
	struct json_value given = member(line, "filtered_resps"), first;
	const char *cursor = NULL;

	return given.kind == JSON_ARRAY &&
	    json_element(&given, &cursor, &first) &&
	    json_is(&first, "[invalid]");
}

/* A share of one; NAN: it is none. */
static double
value_of(const struct json_value *line, const char *metric)
{
	struct json_value value = member(line, metric);

	if (value.kind == JSON_TRUE || value.kind == JSON_FALSE)
		return value.kind == JSON_TRUE;
	return number(&value);
}

/* Whether a line is by the filter that is wanted, or that of the lines before;
 * the harness writes a line for each of its filters. */
static bool
is_by(struct outcome *outcome, const struct wanted *wanted,
    const char *filter)
{
	const char *right = wanted->filter ? wanted->filter
	    : outcome->questions > 0 ? outcome->filter : filter;

	if (strcmp(filter, right) == 0)
		return true;
	if (outcome->left_out++ == 0)
		snprintf(outcome->other, NAME, "%s", filter);
	return false;
}

/* NULL, or why the line does not count. */
static const char *
add(struct outcome *outcome, const struct json_value *line,
    const struct wanted *wanted)
{
	const char *metric = metric_of(line, outcome->benchmark,
	    wanted->metric);
	struct json_value filter_value = member(line, "filter");
	double value;
	char filter[NAME];

	if (member(line, "doc_id").kind == JSON_ABSENT)
		return "no logged sample";
	text(&filter_value, filter);
	if (!is_by(outcome, wanted, filter))
		return NULL;
	if (!metric)
		return "none of the metrics that tell right from wrong";
	value = value_of(line, metric);
	if (value != 0 && value != 1)
		return "the metric is neither 0 nor 1";
	if (outcome->questions == 0) {
		snprintf(outcome->metric, NAME, "%s", metric);
		memcpy(outcome->filter, filter, NAME);
	}
	if (strcmp(outcome->metric, metric) != 0)
		return "another metric than the lines before";
	note_document(line);
	outcome->questions++;
	outcome->correct += value == 1;
	outcome->unmatched += is_unmatched(line);
	return NULL;
}

static void
take_line(struct outcome *outcome, const char *at, size_t length,
    uint64_t line_number, const struct wanted *wanted)
{
	struct json_value line;
	const char *wrong = NULL;

	while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\r'))
		length--;
	if (length == 0)
		return;
	line = line_value(at, length, &wrong);
	if (!wrong)
		wrong = add(outcome, &line, wanted);
	if (wrong)
		report_malformed(outcome->file, line_number, "%s", wrong);
}

void
samples_take(const char *at, size_t length, const char *file,
    const struct wanted *wanted)
{
	const char *end = at + length;
	struct outcome outcome;

	outcome_start(&outcome, file);
	set_task(outcome.benchmark, file);
	outcome.questions = outcome.correct = 0;
	documents.count = 0;
	for (uint64_t line = 1; at < end; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *to = newline ? newline : end;

		take_line(&outcome, at, (size_t)(to - at), line, wanted);
		at = to + 1;
	}
	if (outcome.questions == 0) {
		report_error("%s: no samples%s%s in it", file,
		    wanted->filter ? " by " : "",
		    wanted->filter ? wanted->filter : "");
		return;
	}
	if (!count_once(file))
		return;
	outcome.value = (double)outcome.correct / (double)outcome.questions;
	outcome.u = stats_share_error(outcome.value,
	    (double)outcome.questions);
	if (outcome.left_out > 0 && !wanted->filter)
		outcome_note(&outcome, "filters-left: %lld samples by other "
		    "filters, as %s, do not count",
		    (long long)outcome.left_out, outcome.other);
	if (strcmp(outcome.filter, "none") == 0)
		*outcome.filter = '\0';
	if (strcmp(outcome.metric, "exact_match") == 0)
		outcome.protocol = "gen-text";
	outcome_note(&outcome, "task-by-name: logged samples do not name their "
	    "task, nor shots or model; the file's name does");
	emit_accuracy(&outcome);
	outcome_clear(&outcome);
}
