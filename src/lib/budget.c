#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "compose.h"
#include "report.h"
#include "stats.h"

static const char *const scopes[] = { "run", "channel", "meter", "reference",
	NULL };
static const char *const shapes[] = { "normal", "rectangular", "triangular",
	"arcsine", "student", NULL };

void
budget_add(struct budget *budget, const struct budget_line *line)
{
	struct budget_line *own;

	for (size_t i = 0; i < budget->count; i++) {
		own = &budget->lines[i];
		if (strcmp(own->key, line->key) != 0 ||
		    strcmp(own->source, line->source) != 0)
			continue;
		own->c += line->c;
		own->nu = fmin(own->nu, line->nu);
		return;
	}
	if (budget->count == budget->room) {
		budget->room = budget->room ? budget->room * 2 : 16;
		budget->lines = report_resize(budget->lines, budget->room,
		    sizeof *budget->lines);
	}
	own = &budget->lines[budget->count++];
	*own = *line;
	own->source = report_copy(line->source, strlen(line->source));
	own->key = report_copy(line->key, strlen(line->key));
}

void
budget_join(struct budget *into, const struct budget *from, double factor)
{
	for (size_t i = 0; i < from->count; i++) {
		struct budget_line line = from->lines[i];

		line.c *= factor;
		budget_add(into, &line);
	}
}

/* The coefficient of a line's variate, over all lines of its key. */
static double
of_key(const struct budget *budget, size_t line, double *nu)
{
	double c = 0;

	*nu = INFINITY;
	for (size_t i = 0; i < budget->count; i++)
		if (strcmp(budget->lines[i].key,
		    budget->lines[line].key) == 0) {
			c += budget->lines[i].c;
			*nu = fmin(*nu, budget->lines[i].nu);
		}
	return c;
}

static bool
is_first_of_key(const struct budget *budget, size_t line)
{
	for (size_t i = 0; i < line; i++)
		if (strcmp(budget->lines[i].key,
		    budget->lines[line].key) == 0)
			return false;
	return true;
}

double
budget_uncertainty(const struct budget *budget)
{
	double square = 0, nu;

	for (size_t i = 0; i < budget->count; i++)
		if (is_first_of_key(budget, i)) {
			double c = of_key(budget, i, &nu);

			square += c * c;
		}
	return sqrt(square);
}

double
budget_freedom(const struct budget *budget)
{
	double *u = report_resize(NULL, budget->count + 1, 2 * sizeof *u);
	double *nu = u + budget->count, freedom;
	size_t count = 0;

	for (size_t i = 0; i < budget->count; i++)
		if (is_first_of_key(budget, i)) {
			u[count] = of_key(budget, i, &nu[count]);
			count++;
		}
	freedom = stats_effective_freedom(u, nu, count);
	free(u);
	return freedom;
}

double
budget_share(const struct budget *budget, size_t line)
{
	double u = budget_uncertainty(budget), nu;

	return u > 0 ? budget->lines[line].c * of_key(budget, line, &nu) /
	    (u * u) : 0;
}

/* The members of a line; `c` is the last. */
enum { SOURCE, KEY, SCOPE, SHAPE, TYPE, NU, C, KEYS };

static bool
read_word(const struct json_value *value, const char *const *words,
    unsigned *index)
{
	for (*index = 0; words[*index]; ++*index)
		if (json_is(value, words[*index]))
			return true;
	return false;
}

static char *
read_string(const struct json_value *value)
{
	char *text;

	if (value->kind != JSON_STRING)
		return NULL;
	text = report_resize(NULL, value->length + 1, 1);
	json_string(value, text, value->length + 1);
	return text;
}

static const char *
read_line(const struct json_value *values, bool weighted,
    struct budget_line *line)
{
	unsigned scope, shape;

	if (values[SOURCE].kind != JSON_STRING)
		return "a line of \"budget\" has no \"source\"";
	if (values[KEY].kind != JSON_STRING)
		return "a line of \"budget\" has no \"key\"";
	line->c = 1;
	if (weighted && !json_double(&values[C], &line->c))
		return "a line of \"budget\" has no coefficient";
	line->nu = INFINITY;
	if (values[NU].kind != JSON_ABSENT && values[NU].kind != JSON_NULL &&
	    (!json_double(&values[NU], &line->nu) || !(line->nu > 0)))
		return "\"nu\" is neither null nor above 0";
	if (!read_word(&values[SCOPE], scopes, &scope))
		return "\"scope\" is not run, channel, meter or reference";
	if (!read_word(&values[SHAPE], shapes, &shape))
		return "\"distribution\" is none that is known";
	line->scope = scope;
	line->shape = shape;
	line->evaluated = json_is(&values[TYPE], "A");
	return NULL;
}

bool
budget_read_line(struct budget *budget, const struct json_value *object,
    const char *c, const char **why)
{
	const char *keys[KEYS] = {
		[SOURCE] = "source", [KEY] = "key", [SCOPE] = "scope",
		[SHAPE] = "distribution", [TYPE] = "type", [NU] = "nu", [C] = c
	};
	struct json_value values[KEYS];
	struct json_error error;
	struct budget_line line = { 0 };
	char *source, *key;

	*why = "a line of \"budget\" is not an object";
	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, keys, c ? KEYS : C, values, &error))
		return false;
	*why = read_line(values, c, &line);
	if (*why)
		return false;
	line.source = source = read_string(&values[SOURCE]);
	line.key = key = read_string(&values[KEY]);
	budget_add(budget, &line);
	free(source);
	free(key);
	return true;
}

bool
budget_read(struct budget *budget, const struct json_value *array,
    const char *c, const char **why)
{
	struct json_value element;
	const char *cursor = NULL;

	*why = "\"budget\" is not an array";
	if (array->kind != JSON_ARRAY)
		return false;
	while (json_element(array, &cursor, &element))
		if (!budget_read_line(budget, &element, c, why))
			return false;
	*why = NULL;
	return true;
}

static void
put_string(const char *key, const char *text)
{
	compose_key(key);
	compose_string(text);
}

void
budget_compose(const struct budget *budget, const char *c)
{
	compose_begin('[');
	for (size_t i = 0; i < budget->count; i++) {
		const struct budget_line *line = &budget->lines[i];

		compose_begin('{');
		put_string("source", line->source);
		compose_key(c);
		compose_double(line->c);
		compose_key("share");
		compose_double(budget_share(budget, i));
		put_string("type", line->evaluated ? "A" : "B");
		put_string("distribution", shapes[line->shape]);
		compose_key("nu");
		compose_double(line->nu); /* infinite: null */
		put_string("scope", scopes[line->scope]);
		put_string("key", line->key);
		compose_end('}');
	}
	compose_end(']');
}

void
budget_clear(struct budget *budget)
{
	for (size_t i = 0; i < budget->count; i++) {
		/* budget_add copied them */
		free((char *)(size_t)budget->lines[i].source);
		free((char *)(size_t)budget->lines[i].key);
	}
	free(budget->lines);
	*budget = (struct budget){ 0 };
}
