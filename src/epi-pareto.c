/* epi-pareto - which scores are on the frontier of energy and accuracy */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "result.h"
#include "stats.h"
#include "stream.h"

static const char help[] =
"usage: epi-pareto [--benefit KEY] [--cost KEY] [--by KEY,...] [--together]\n"
"                  [FILE ...]\n"
"Tell of each score record whether another one has both less energy a token\n"
"and more accuracy.\n"
"\n"
"      --benefit KEY   what should be high (default accuracy.composite)\n"
"      --cost KEY      what should be low (default energy.joules_per_token)\n"
"      --by KEY,...    compare only scores that are alike in these\n"
"                      (default hardware,surgery)\n"
"      --together      compare all with all\n"
"  -h, --help          show this and exit\n"
"      --version       show the version and exit\n"
"\n"
"Example: cat data/*/*/epi_*.json | epi-pareto\n";

enum { BENEFIT = OPTION_LONG, BY, COST, TOGETHER };

static const char default_cost[] = "energy.joules_per_token";
static const char default_benefit[] = "accuracy.composite";

struct point {
	struct result result;
	double cost, benefit;
	size_t group;       /* the first point that it is compared with */
	bool beaten;        /* another one is as good in both, better in one */
	size_t by;          /* the one that beats it most surely */
	double p;           /* how likely chance alone shows that much */
};

static struct {
	const char *cost, *benefit;
	char **by;
	bool together;
	struct point *points;
	size_t count, room;
	size_t unbudgeted, vague; /* vague: of an unknown u_accuracy */
	struct sample_nodes nodes;
} s = { .cost = default_cost, .benefit = default_benefit };

static bool
has_default_axes(void)
{
	return strcmp(s.cost, default_cost) == 0 &&
	    strcmp(s.benefit, default_benefit) == 0;
}

static void
add_point(const struct feed_record *record, struct result *result)
{
	struct point *point;

	if (s.count == s.room) {
		s.room = s.room ? s.room * 2 : 64;
		s.points = report_resize(s.points, s.room, sizeof *s.points);
	}
	point = &s.points[s.count];
	*point = (struct point){
		.result = *result,
		.cost = result_number(result, s.cost),
		.benefit = result_number(result, s.benefit)
	};
	if (isnan(point->cost) || isnan(point->benefit)) {
		report_malformed(record->file, record->line_number,
		    "no number at %s", isnan(point->cost) ? s.cost : s.benefit);
		result_clear(result);
		return;
	}
	s.unbudgeted += !result->budgeted;
	s.vague += result->budgeted && !result->accuracy_budgeted;
	s.count++;
}

static void
take(void *state, const struct feed_record *record)
{
	struct result result;
	const char *why;

	(void)state;
	if (record->kind != SAMPLE_TYPED ||
	    !result_read(&result, record->line, record->length, &why))
		return;
	if (why)
		report_malformed(record->file, record->line_number, "%s", why);
	else
		add_point(record, &result);
}

static bool
is_comparable(const struct point *a, const struct point *b)
{
	for (char **key = s.by; key && *key && !s.together; key++)
		if (!result_alike(&a->result, &b->result, *key))
			return false;
	return true;
}

static void
group(void)
{
	for (size_t i = 0; i < s.count; i++) {
		size_t first = 0;

		while (first < i && (s.points[first].group != first ||
		    !is_comparable(&s.points[first], &s.points[i])))
			first++;
		s.points[i].group = first;
	}
}

/* The chance of a difference of logs as great as this, or greater, where there
 * is none; its budget is cleared. */
static double
chance(double difference, struct budget *budget)
{
	double u = budget_uncertainty(budget);
	double p = u > 0 ? stats_student_tails(difference / u,
	    budget_freedom(budget)) / 2 : 0;

	budget_clear(budget);
	return difference > 0 || u == 0 ? p : 1 - p;
}

/* Both have to be shown: the greater one counts (intersection-union test;
 * Berger, Technometrics 24 (1982) 295).  What has no budget has no line here,
 * and is exact. */
static double
chance_of_both(const struct point *worse, const struct point *better)
{
	const struct result *a = &worse->result, *b = &better->result;
	struct budget energy = { 0 }, accuracy = { 0 };

	if (!has_default_axes())
		return 0;
	/* Common variates cancel. */
	budget_join(&energy, &a->energy, 1);
	budget_join(&energy, &b->energy, -1);
	result_pool_freedom(&energy, a, b);
	budget_join(&accuracy, &b->accuracy, 1);
	budget_join(&accuracy, &a->accuracy, -1);
	return fmax(chance(log(worse->cost / better->cost), &energy),
	    chance(log(better->benefit / worse->benefit), &accuracy));
}

static bool
beats(const struct point *a, const struct point *b)
{
	return a->group == b->group && a->cost <= b->cost &&
	    a->benefit >= b->benefit &&
	    (a->cost < b->cost || a->benefit > b->benefit);
}

static void
judge(struct point *point)
{
	point->p = 1;
	for (size_t i = 0; i < s.count; i++) {
		double p;

		if (!beats(&s.points[i], point))
			continue;
		p = chance_of_both(point, &s.points[i]);
		if (!point->beaten || p < point->p) {
			point->by = i;
			point->p = p;
		}
		point->beaten = true;
		if (p == 0)
			break;
	}
}

static const char *
verdict(const struct point *point)
{
	const double level = 0.05;

	return !point->beaten ? "frontier"
	    : point->p < level ? "dominated" : "indistinguishable";
}

/* What follows from a simulation, be it another point's. */
static bool
is_simulated(const struct point *point)
{
	return point->result.simulated ||
	    (point->beaten && s.points[point->by].result.simulated);
}

static void
put_point(const struct point *point)
{
	static const char *const keys[] = { "model", "quantization", "surgery",
		"hardware" };

	compose_open();
	compose_key("type");
	compose_string("pareto");
	if (is_simulated(point)) {
		compose_key("simulated");
		compose_bool(true);
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		compose_key(keys[i]);
		result_compose(&point->result, keys[i]);
	}
	compose_key("run");
	result_compose(&point->result, "run_metadata.run_id");
	compose_key("group");
	compose_integer((int64_t)point->group + 1);
	if (strcmp(s.cost, default_cost) != 0) {
		compose_key("cost_key");
		compose_string(s.cost);
	}
	if (strcmp(s.benefit, default_benefit) != 0) {
		compose_key("benefit_key");
		compose_string(s.benefit);
	}
	compose_figure("cost", point->cost);
	compose_figure("benefit", point->benefit);
	if (has_default_axes() && point->result.budgeted) {
		compose_figure("u_cost", point->cost *
		    budget_uncertainty(&point->result.energy));
		compose_figure("u_benefit", point->result.accuracy_budgeted
		    ? point->benefit *
		    budget_uncertainty(&point->result.accuracy) : NAN);
	}
	compose_key("verdict");
	compose_string(verdict(point));
	compose_key("dominated_by");
	if (point->beaten)
		result_compose_name(&s.points[point->by].result);
	else
		compose_null();
	compose_figure("p", point->beaten ? point->p : NAN);
	compose_close();
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case BENEFIT:
		s.benefit = argument;
		break;
	case BY:
		s.by = option_list("--by", argument);
		break;
	case COST:
		s.cost = argument;
		break;
	case TOGETHER:
		s.together = true;
		break;
	}
}

static void
warn_of_exact(void)
{
	if (!has_default_axes())
		return;
	if (s.unbudgeted > 0)
		report_warning("%zu of %zu scores have no budget: they are "
		    "taken as exact", s.unbudgeted, s.count);
	if (s.vague > 0)
		report_warning("%zu of %zu scores do not know how well their "
		    "accuracy is known: it is taken as exact", s.vague,
		    s.count);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "benefit", required_argument, NULL, BENEFIT },
		{ "by", required_argument, NULL, BY },
		{ "cost", required_argument, NULL, COST },
		{ "together", no_argument, NULL, TOGETHER },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-pareto", help, "", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	if (!s.by)
		s.by = option_list("--by", "hardware,surgery");
	if (feed_records(operands, &s.nodes, take, NULL) && s.count == 0)
		report_error("no score records");
	warn_of_exact();
	group();
	for (size_t i = 0; i < s.count; i++)
		judge(&s.points[i]);
	for (size_t i = 0; i < s.count; i++)
		put_point(&s.points[i]);
	return stream_finish();
}
