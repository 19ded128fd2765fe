#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "report.h"
#include "result.h"

enum { KEY_MAX = 64 };

/* The member of an object whose key is the next word of a path; the path moves
 * on, to NULL behind its last word. */
static struct json_value
step(const struct json_value *object, const char **path)
{
	size_t length = strcspn(*path, ".");
	char word[KEY_MAX];
	const char *key = word;
	struct json_value value = { 0 };
	struct json_error error;

	if (object->kind == JSON_OBJECT && length < sizeof word) {
		memcpy(word, *path, length);
		word[length] = '\0';
		if (!json_members(object->at, object->length, &key, 1, &value,
		    &error))
			value.kind = JSON_ABSENT;
	}
	*path = (*path)[length] ? *path + length + 1 : NULL;
	return value;
}

struct json_value
result_at(const struct result *result, const char *path)
{
	struct json_value value = {
		result->line, result->length, JSON_OBJECT, false
	};

	while (path)
		value = step(&value, &path);
	return value;
}

double
result_number(const struct result *result, const char *path)
{
	struct json_value value = result_at(result, path);
	double number;

	return json_double(&value, &number) ? number : NAN;
}

static bool
is_nothing(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

bool
result_alike(const struct result *a, const struct result *b, const char *path)
{
	struct json_value x = result_at(a, path), y = result_at(b, path);

	if (is_nothing(&x) || is_nothing(&y))
		return is_nothing(&x) && is_nothing(&y);
	if (x.kind == JSON_NUMBER && y.kind == JSON_NUMBER)
		return result_number(a, path) == result_number(b, path);
	return x.kind == y.kind && x.length == y.length &&
	    memcmp(x.at, y.at, x.length) == 0;
}

/* A budget's lines belong to the energy or, by their source, to the accuracy.
 * One without a line of the accuracy takes it as exact, if its uncertainty is
 * not said to be unknown. */
static const char *
read_budget(struct result *result)
{
	struct json_value value = result_at(result, "budget");
	struct budget whole = { 0 };
	const char *why = NULL;

	result->budgeted = !is_nothing(&value);
	result->accuracy_budgeted = result->budgeted &&
	    result_at(result, "u_accuracy").kind != JSON_NULL;
	if (!result->budgeted)
		return NULL;
	budget_read(&whole, &value, "c_relative", &why);
	for (size_t i = 0; i < whole.count; i++)
		budget_add(strcmp(whole.lines[i].source, "accuracy") == 0
		    ? &result->accuracy : &result->energy, &whole.lines[i]);
	budget_clear(&whole);
	return why;
}

bool
result_read(struct result *result, const char *line, size_t length,
    const char **why)
{
	struct json_value type;

	*result = (struct result){
		.line = report_copy(line, length), .length = length
	};
	*why = NULL;
	type = result_at(result, "type");
	if (!json_is(&type, "score")) {
		result_clear(result);
		return false;
	}
	result->simulated = result_at(result, "simulated").kind == JSON_TRUE;
	*why = read_budget(result);
	if (*why)
		result_clear(result);
	return true;
}

static bool
is_spread(const struct budget_line *line)
{
	return strcmp(line->source, "repeatability") == 0;
}

/* Welch and Satterthwaite's term of one estimate is (sum c^2)^2 / nu, where two
 * would have sum c^4 / nu. */
void
result_pool_freedom(struct budget *difference, const struct result *a,
    const struct result *b)
{
	static const char *const paths[] = {
		"repeatability.s", "repeatability.nu"
	};
	double squares = 0, fourths = 0;

	for (size_t i = 0; i < 2; i++) {
		double x = result_number(a, paths[i]);

		/* Summed in another order, one estimate differs by rounding. */
		if (!(fabs(x - result_number(b, paths[i])) <= 1e-9 * x))
			return;
	}
	for (size_t i = 0; i < difference->count; i++)
		if (is_spread(&difference->lines[i])) {
			squares += pow(difference->lines[i].c, 2);
			fourths += pow(difference->lines[i].c, 4);
		}
	for (size_t i = 0; i < difference->count && squares > 0; i++)
		if (is_spread(&difference->lines[i]))
			difference->lines[i].nu *= fourths /
			    (squares * squares);
}

void
result_clear(struct result *result)
{
	budget_clear(&result->energy);
	budget_clear(&result->accuracy);
	free(result->line);
	result->line = NULL;
}

void
result_compose(const struct result *result, const char *path)
{
	struct json_value value = result_at(result, path);

	compose_value(&value);
}

void
result_compose_name(const struct result *result)
{
	static const char *const keys[] = { "model", "quantization", "surgery" };

	compose_begin('{');
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		compose_key(keys[i]);
		result_compose(result, keys[i]);
	}
	compose_end('}');
}
