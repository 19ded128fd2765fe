/* budget: correlation by common keys; all expected values by hand. */
#include <math.h>
#include <string.h>

#include "budget.h"
#include "unit.h"

static bool
near(double found, double expected)
{
	return fabs(found - expected) <= 1e-14 * fabs(expected);
}

static struct budget_line
line(const char *source, const char *key, double c, double nu)
{
	return (struct budget_line){
		.source = source, .key = key, .c = c, .nu = nu
	};
}

static void
add(struct budget *budget, const char *source, const char *key, double c,
    double nu)
{
	struct budget_line one = line(source, key, c, nu);

	budget_add(budget, &one);
}

static void
sums(void)
{
	struct budget a = { 0 }, b = { 0 }, both = { 0 };

	is(budget_uncertainty(&a) == 0, "nothing is certain");
	add(&a, "gain", "meter:1", 3, INFINITY);
	add(&a, "noise", "run:1", 4, 9);
	is(near(budget_uncertainty(&a), 5), "3 and 4 are 5");
	/* 5^4 / (4^4 / 9) */
	is(near(budget_freedom(&a), 625.0 * 9 / 256), "freedom of the noise");
	is(near(budget_share(&a, 0), 0.36) && near(budget_share(&a, 1), 0.64),
	    "shares of u squared");
	add(&a, "gain", "meter:1", 2, INFINITY);
	is(a.count == 2 && a.lines[0].c == 5, "the same line adds");
	add(&a, "linearity", "meter:1", -5, INFINITY);
	is(a.count == 3 && near(budget_uncertainty(&a), 4),
	    "another source of the same key moves with it");
	budget_clear(&a);

	/* The same meter's gain, 1 % of 100 J and of 50 J: of the sum 1.5 J,
	 * of the log ratio nothing. */
	add(&a, "gain", "meter:1", 1, INFINITY);
	add(&b, "gain", "meter:1", 0.5, INFINITY);
	add(&b, "noise", "run:2", 0.1, 4);
	budget_join(&both, &a, 1);
	budget_join(&both, &b, 1);
	is(near(budget_uncertainty(&both), sqrt(1.5 * 1.5 + 0.01)),
	    "a common gain adds in a sum");
	budget_clear(&both);
	budget_join(&both, &a, 1.0 / 100);
	budget_join(&both, &b, -1.0 / 50);
	is(near(budget_uncertainty(&both), 0.1 / 50),
	    "and cancels in a ratio");
	is(near(budget_freedom(&both), 4), "what is left has its freedom");
	budget_clear(&both);
	budget_clear(&a);
	budget_clear(&b);
}

static bool
read(struct budget *budget, const char *text, const char **why)
{
	struct json_value array = {
		text, strlen(text), *text == '[' ? JSON_ARRAY : JSON_NULL, false
	};

	return budget_read(budget, &array, "c_joules", why);
}

static void
records(void)
{
	static const char good[] =
	    "[{\"source\":\"gap\",\"c_joules\":-1.5,\"nu\":null,\"type\":\"B\","
	    "\"distribution\":\"rectangular\",\"scope\":\"run\","
	    "\"key\":\"gap:1\"},{\"source\":\"noise\",\"c_joules\":2,"
	    "\"nu\":7.5,\"type\":\"A\",\"distribution\":\"normal\","
	    "\"scope\":\"channel\",\"key\":\"x\\u0041\"}]";
	static const char no_shape[] =
	    "[{\"source\":\"a\",\"key\":\"b\",\"c_joules\":1,"
	    "\"scope\":\"run\"}]";
	static const char *const wrong[] = {
		"null", "[1]", "[{}]", "[{\"source\":\"a\"}]",
		"[{\"source\":\"a\",\"key\":\"b\"}]",
		"[{\"source\":\"a\",\"key\":\"b\",\"c_joules\":1,\"nu\":0}]",
		"[{\"source\":\"a\",\"key\":\"b\",\"c_joules\":1}]", no_shape
	};
	struct budget budget = { 0 };
	const char *why;

	is(read(&budget, good, &why), "a budget is read");
	is(budget.count == 2 && budget.lines[0].c == -1.5 &&
	    isinf(budget.lines[0].nu) && !budget.lines[0].evaluated &&
	    budget.lines[0].shape == BUDGET_RECTANGULAR &&
	    budget.lines[0].scope == BUDGET_RUN, "its first line");
	is(strcmp(budget.lines[1].key, "xA") == 0 &&
	    budget.lines[1].nu == 7.5 && budget.lines[1].evaluated &&
	    budget.lines[1].scope == BUDGET_CHANNEL, "its second line");
	budget_clear(&budget);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		is(!read(&budget, wrong[i], &why) && why, "refused: %s",
		    wrong[i]);
		budget_clear(&budget);
	}
	is(read(&budget, "[]", &why) && budget.count == 0,
	    "an empty one has no lines");
}

int
main(void)
{
	sums();
	records();
	return unit_finish();
}
