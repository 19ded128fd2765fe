#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-env/env.h"
#include "option.h"
#include "report.h"

enum kind { AT_LEAST, AT_MOST, YES_OR_NO, NAME };

struct demand {
	const char *name;
	enum kind kind;
	size_t of;            /* the member of struct env */
	const char *what;
	bool is_made;
	double limit;         /* of YES_OR_NO: 1 or 0 */
	char *wanted;         /* of NAME */
};

#define DEMAND(name, kind, member, what) \
	{ name, kind, offsetof(struct env, member), what, false, 0, NULL }

static struct demand demands[] = {
	DEMAND("governor", NAME, governor, "governor"),
	DEMAND("min_hertz", AT_LEAST, least_hertz, "slowest clock"),
	DEMAND("max_celsius", AT_MOST, celsius, "temperature"),
	DEMAND("throttled", YES_OR_NO, throttled, "throttled"),
	DEMAND("max_load", AT_MOST, load, "load"),
	DEMAND("min_available_bytes", AT_LEAST, available_bytes,
	    "available memory"),
	DEMAND("synchronized", YES_OR_NO, synchronized, "synchronized"),
	DEMAND("max_clock_seconds", AT_MOST, bound_seconds,
	    "clock's bound"),
	DEMAND("min_ambient_celsius", AT_LEAST, ambient_celsius,
	    "ambient temperature"),
	DEMAND("max_ambient_celsius", AT_MOST, ambient_celsius,
	    "ambient temperature")
};

enum { DEMANDS = sizeof demands / sizeof *demands, SAID = 3 * ENV_TEXT };

static struct demand *
find(const char *word, size_t length)
{
	for (int i = 0; i < DEMANDS; i++)
		if (strlen(demands[i].name) == length &&
		    memcmp(demands[i].name, word, length) == 0)
			return &demands[i];
	report_usage("--demand: no such demand: %s", word);
}

static void
make(const char *word)
{
	static const char *const answers[] = { "no", "yes", NULL };
	size_t length = strcspn(word, "=");
	struct demand *demand = find(word, length);
	const char *value = word + length + (word[length] == '=');

	demand->is_made = true;
	if (demand->kind == NAME) {
		if (!*value || strlen(value) >= ENV_TEXT)
			report_usage("--demand: no name: %s", word);
		free(demand->wanted);
		demand->wanted = report_copy(value, strlen(value));
	} else if (demand->kind == YES_OR_NO) {
		demand->limit = option_word("--demand", value, answers);
	} else {
		demand->limit = option_double("--demand", value, -1e18, 1e18);
	}
}

void
demand_option(const char *text)
{
	char **words = option_list("--demand", text);

	for (char **word = words; *word; word++)
		make(*word);
	free(words);
}

/* What is, instead of what is demanded; false: the demand is met. */
static bool
misses(char said[SAID], const struct env *env, const struct demand *demand)
{
	const void *of = (const char *)env + demand->of;
	double is;

	if (demand->kind == NAME) {
		const char *name = of;

		snprintf(said, SAID, "%s is %s, not %s", demand->what,
		    *name ? name : "not known", demand->wanted);
		return strcmp(name, demand->wanted) != 0;
	}
	if (demand->kind == YES_OR_NO) {
		int so = *(const int *)of;

		snprintf(said, SAID, "%s: %s", demand->what,
		    so < 0 ? "not known" : so ? "yes" : "no");
		return so != (int)demand->limit;
	}
	is = *(const double *)of;
	if (isnan(is))
		snprintf(said, SAID, "%s is not known", demand->what);
	else
		snprintf(said, SAID, "%s is %.10g, %s %.10g", demand->what, is,
		    demand->kind == AT_MOST ? "over" : "under", demand->limit);
	return !(demand->kind == AT_MOST ? is <= demand->limit
	    : is >= demand->limit);
}

bool
demand_tell(const struct env *env)
{
	char said[SAID];
	bool met = true;

	compose_key("unmet");
	compose_begin('[');
	for (int i = 0; i < DEMANDS; i++) {
		if (!demands[i].is_made ||
		    !misses(said, env, &demands[i]))
			continue;
		met = false;
		compose_string(said);
		report_warning("%s%s%s", env->host, *env->host ? ": " : "",
		    said);
	}
	compose_end(']');
	return met;
}
