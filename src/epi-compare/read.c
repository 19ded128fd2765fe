/* read: an operand's score, and its graded answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-compare/compare.h"
#include "feed.h"
#include "report.h"

static const char *
read_mark(struct mark *mark, const struct json_value *object)
{
	enum { BENCHMARK, WEIGHT, QUESTIONS, CORRECT, ACCURACY, U, CI, KEYS };
	static const char *const keys[KEYS] = {
		[BENCHMARK] = "benchmark", [WEIGHT] = "weight",
		[QUESTIONS] = "questions", [CORRECT] = "correct",
		[ACCURACY] = "accuracy", [U] = "u_accuracy", [CI] = "ci95"
	};
	struct json_value values[KEYS], limit;
	struct json_error error;
	const char *cursor = NULL;
	double *const numbers[] = { &mark->weight, &mark->questions,
		&mark->correct, &mark->accuracy, &mark->u_accuracy };

	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, keys, KEYS, values, &error) ||
	    json_string(&values[BENCHMARK], mark->name, NAME) < 0)
		return "an entry of \"benchmarks\" has no name";
	for (int i = 0; i < 5; i++)
		if (!json_double(&values[WEIGHT + i], numbers[i]))
			*numbers[i] = NAN;
	mark->interval = (struct stats_interval){ NAN, NAN };
	if (values[CI].kind == JSON_ARRAY &&
	    json_element(&values[CI], &cursor, &limit) &&
	    json_double(&limit, &mark->interval.low) &&
	    json_element(&values[CI], &cursor, &limit))
		json_double(&limit, &mark->interval.high);
	if (isnan(mark->weight) || isnan(mark->accuracy))
		return "an entry of \"benchmarks\" has no weight or accuracy";
	return NULL;
}

static const char *
read_marks(struct model *model)
{
	struct json_value array = result_at(&model->result, "benchmarks");
	struct json_value element;
	const char *cursor = NULL, *why = NULL;

	while (!why && json_element(&array, &cursor, &element)) {
		if (model->mark_count == BENCHMARKS)
			return "over 16 benchmarks";
		why = read_mark(&model->marks[model->mark_count++], &element);
	}
	return why;
}

static char *
copy_string(const struct json_value *value)
{
	char *text = report_resize(NULL, value->length + 1, 1);

	if (json_string(value, text, value->length + 1) < 0)
		*text = '\0';
	return text;
}

static const char *
take_graded(struct model *model, const struct feed_record *record)
{
	enum { BENCHMARK, ID, STRATUM, CLUSTER, WHOLE, CORRECT, PROMPT, KEYS };
	static const char *const keys[KEYS] = {
		[BENCHMARK] = "benchmark", [ID] = "id", [STRATUM] = "stratum",
		[CLUSTER] = "cluster", [WHOLE] = "stratum_questions",
		[CORRECT] = "correct", [PROMPT] = "prompt_sha256"
	};
	struct json_value values[KEYS];
	struct json_error error;
	double whole;

	if (!json_members(record->line, record->length, keys, KEYS, values,
	    &error) || values[BENCHMARK].kind != JSON_STRING ||
	    values[ID].kind != JSON_STRING)
		return "a graded answer without benchmark or id";
	if (!json_double(&values[WHOLE], &whole))
		whole = NAN;
	if (model->graded_count == model->graded_room) {
		model->graded_room = model->graded_room
		    ? model->graded_room * 2 : 256;
		model->graded = report_resize(model->graded,
		    model->graded_room, sizeof *model->graded);
	}
	model->graded[model->graded_count++] = (struct graded){
		.benchmark = copy_string(&values[BENCHMARK]),
		.id = copy_string(&values[ID]),
		.stratum = copy_string(&values[STRATUM]),
		.cluster = copy_string(&values[CLUSTER]),
		.prompt = copy_string(&values[PROMPT]),
		.whole = whole,
		.known = values[CORRECT].kind == JSON_TRUE ||
		    values[CORRECT].kind == JSON_FALSE,
		.correct = values[CORRECT].kind == JSON_TRUE
	};
	return NULL;
}

static bool
is_graded(const struct feed_record *record)
{
	static const char *const keys[] = { "type" };
	struct json_value type;
	struct json_error error;

	return json_members(record->line, record->length, keys, 1, &type,
	    &error) && json_is(&type, "graded");
}

static void
take(void *state, const struct feed_record *record)
{
	struct model *model = state;
	struct result result;
	const char *why = NULL;

	if (record->kind != SAMPLE_TYPED)
		return;
	if (is_graded(record)) {
		why = take_graded(model, record);
	} else if (result_read(&result, record->line, record->length, &why) &&
	    !why) {
		if (model->scores++ > 0) {
			result_clear(&result);
			return;
		}
		model->result = result;
		why = read_marks(model);
	}
	if (why)
		report_malformed(record->file, record->line_number, "%s", why);
}

static int
by_id(const void *a, const void *b)
{
	const struct graded *x = a, *y = b;
	int order = strcmp(x->benchmark, y->benchmark);

	return order ? order : strcmp(x->id, y->id);
}

static const char *
find_twice(const struct model *model)
{
	for (size_t i = 1; i < model->graded_count; i++)
		if (by_id(&model->graded[i - 1], &model->graded[i]) == 0)
			return model->graded[i].id;
	return NULL;
}

bool
model_read(struct model *model, char *file)
{
	struct sample_nodes nodes = { 0 };
	char *operands[] = { file, NULL };
	uint64_t malformed = report_malformed_count();
	const char *twice;

	*model = (struct model){ .file = file };
	if (!feed_records(operands, &nodes, take, model) ||
	    report_malformed_count() > malformed)
		return false;
	if (model->scores != 1) {
		report_error(model->scores ? "%s: %zu scores; epi-score "
		    "--repetitions makes one of repetitions" :
		    "%s: no score record", file, model->scores);
		return false;
	}
	if (model->graded_count > 1)
		qsort(model->graded, model->graded_count,
		    sizeof *model->graded, by_id);
	twice = find_twice(model);
	if (twice)
		report_error("%s: graded twice: %s", file, twice);
	return !twice;
}

void
model_clear(struct model *model)
{
	for (size_t i = 0; i < model->graded_count; i++) {
		free(model->graded[i].benchmark);
		free(model->graded[i].id);
		free(model->graded[i].stratum);
		free(model->graded[i].cluster);
		free(model->graded[i].prompt);
	}
	free(model->graded);
	if (model->scores > 0)
		result_clear(&model->result);
}
