/*
 * repeat: one score of repetitions.
 *
 * The run whose joules per token are the median is reported whole.  What differs
 * between the runs is seen in the spread of ln(joules per token), so the lines of
 * the median's budget that are of this run alone give way to it; what all runs
 * have in common, calibration, reference and answers, stays as it is.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-score/score.h"
#include "report.h"
#include "result.h"

struct run {
	struct result result;
	const char *file;
	double epi, log; /* of joules per token */
};

struct runs {
	struct run *run;
	size_t count, room;
	bool simulated; /* any of them */
};

/* A sum of squares about its mean, and its degrees of freedom. */
struct spread {
	double squares, freedom;
};

static void
take(void *state, const struct feed_record *record)
{
	struct runs *runs = state;
	struct run *run;
	struct result result;
	const char *why;

	if (record->kind != SAMPLE_TYPED ||
	    !result_read(&result, record->line, record->length, &why))
		return;
	if (why) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	if (runs->count == runs->room) {
		runs->room = runs->room ? runs->room * 2 : 8;
		runs->run = report_resize(runs->run, runs->room,
		    sizeof *runs->run);
	}
	runs->simulated |= result.simulated;
	run = &runs->run[runs->count++];
	*run = (struct run){
		.result = result, .file = record->file,
		.epi = result_number(&result, "epi.value"),
		.log = log(result_number(&result, "energy.joules_per_token"))
	};
	if (!isfinite(run->log))
		report_malformed(record->file, record->line_number,
		    "a score without joules per token");
}

static bool
same_configuration(const struct run *a, const struct run *b)
{
	static const char *const paths[] = { "model", "quantization",
		"surgery", "hardware", "instrument", "measurement_point",
		"workload" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (!result_alike(&a->result, &b->result, paths[i]))
			return false;
	return true;
}

/* The spread within each configuration, over all of them. */
static struct spread
spread_of(const struct runs *runs)
{
	struct spread spread = { 0, 0 };

	for (size_t i = 0; i < runs->count; i++) {
		double sum = 0, squares = 0;
		size_t n = 0;
		bool first = true;

		for (size_t j = 0; j < runs->count; j++) {
			if (!same_configuration(&runs->run[i], &runs->run[j]))
				continue;
			first = first && (n > 0 || j == i);
			sum += runs->run[j].log;
			n++;
		}
		for (size_t j = 0; first && j < runs->count; j++)
			if (same_configuration(&runs->run[i], &runs->run[j]))
				squares += pow(runs->run[j].log -
				    sum / (double)n, 2);
		if (first) {
			spread.squares += squares;
			spread.freedom += (double)n - 1;
		}
	}
	return spread;
}

static int
by_cost(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return (x->log > y->log) - (x->log < y->log);
}

/* The greatest distance from the mean that one of n normal values has in one of
 * twenty cases, in units of their spread (Grubbs, Technometrics 11 (1969) 1).
 */
static double
grubbs(double n)
{
	double t = stats_student_quantile(1 - 0.05 / (2 * n), n - 2);

	return (n - 1) / sqrt(n) * sqrt(t * t / (n - 2 + t * t));
}

/* The index of a run too far out, or the count. */
static size_t
find_outlier(const struct runs *runs)
{
	double sum = 0, squares = 0, n = (double)runs->count;
	size_t far = 0;

	for (size_t i = 0; i < runs->count; i++)
		sum += runs->run[i].log;
	for (size_t i = 0; i < runs->count; i++) {
		squares += pow(runs->run[i].log - sum / n, 2);
		if (fabs(runs->run[i].log - sum / n) >
		    fabs(runs->run[far].log - sum / n))
			far = i;
	}
	if (runs->count < 3 || squares == 0)
		return runs->count;
	return fabs(runs->run[far].log - sum / n) /
	    sqrt(squares / (n - 1)) > grubbs(n) ? far : runs->count;
}

/* The median's budget, with what is of one run alone replaced. */
static void
settle_budget(struct budget *budget, const struct runs *runs,
    const struct run *median, struct spread spread)
{
	const struct budget *own = &median->result.energy;
	struct budget_line line = {
		.source = "repeatability", .nu = spread.freedom,
		.scope = BUDGET_RUN, .evaluated = true
	};
	char key[NAME + DIGEST_HEX], digest[DIGEST_HEX];

	for (size_t i = 0; i < own->count; i++)
		if (own->lines[i].scope != BUDGET_RUN)
			budget_add(budget, &own->lines[i]);
	digest_bytes(median->result.line, median->result.length, digest);
	snprintf(key, sizeof key, "repeatability:%.16s", digest);
	line.key = key;
	/* The lower of two in the middle is one of an odd number. */
	line.c = stats_median_spread((int64_t)(runs->count % 2
	    ? runs->count : runs->count - 1)) *
	    sqrt(spread.squares / spread.freedom);
	budget_add(budget, &line);
	budget_join(budget, &median->result.accuracy, 1);
}

static void
put_pair(const char *key, double low, double high)
{
	compose_key(key);
	if (isnan(low) || isnan(high)) {
		compose_null();
		return;
	}
	compose_begin('[');
	compose_double(low);
	compose_double(high);
	compose_end(']');
}

/* Half widths of ln EPI's interval, below and above. */
struct sides {
	double low, high;
};

/* Where few answers made the sides, the accuracy's part is what the energy's
 * left of them in the median's own record. */
static double
side(const struct run *median, double k, double energy, double limit)
{
	double old = result_number(&median->result, "k") *
	    budget_uncertainty(&median->result.energy);
	double whole = fabs(log(limit / median->epi));

	return hypot(k * energy, sqrt(fmax(0, whole * whole - old * old)));
}

static struct sides
find_sides(const struct run *median, const struct budget *budget, double k,
    double energy)
{
	struct json_value ci = result_at(&median->result, "ci95"), limit;
	struct json_value interval = result_at(&median->result, "interval");
	double both = k * budget_uncertainty(budget);
	struct sides sides = { both, both };
	const char *cursor = NULL;

	if (!json_is(&interval, "mover"))
		return sides;
	if (json_element(&ci, &cursor, &limit))
		sides.low = side(median, k, energy, value_number(&limit));
	if (json_element(&ci, &cursor, &limit))
		sides.high = side(median, k, energy, value_number(&limit));
	return sides;
}

/* What the lines say that are not the accuracy's. */
static void
energy_part(struct budget *energy, const struct budget *budget)
{
	for (size_t i = 0; i < budget->count; i++)
		if (strcmp(budget->lines[i].source, "accuracy") != 0)
			budget_add(energy, &budget->lines[i]);
}

/* Where the accuracy's uncertainty is not known, EPI's is not either. */
static void
put_spread(const struct run *median, const struct budget *budget)
{
	bool known = median->result.accuracy_budgeted;
	double nu = known ? budget_freedom(budget) : NAN;
	double k = known ? stats_student_quantile(0.975, nu) : NAN;
	double per_token = exp(median->log), u, half;
	struct budget energy = { 0 };
	struct sides sides;

	energy_part(&energy, budget);
	u = budget_uncertainty(&energy);
	half = u * stats_student_quantile(0.975, budget_freedom(&energy));
	sides = find_sides(median, budget, k, u);
	compose_figure("u", known ? median->epi * budget_uncertainty(budget)
	    : NAN);
	put_pair("ci95", median->epi * exp(-sides.low),
	    median->epi * exp(sides.high));
	compose_figure("k", k);
	compose_figure("nu_eff", nu);
	compose_figure("u_joules_per_token", per_token * u);
	put_pair("ci95_joules_per_token", per_token * exp(-half),
	    per_token * exp(half));
	compose_key("budget");
	budget_compose(budget, "c_relative");
	budget_clear(&energy);
}

static void
put_repetitions(const struct runs *runs, struct spread spread)
{
	compose_key("repetitions");
	compose_begin('[');
	for (size_t i = 0; i < runs->count; i++) {
		const struct run *run = &runs->run[i];

		compose_begin('{');
		compose_key("file");
		compose_string(run->file);
		compose_key("run_id");
		result_compose(&run->result, "run_metadata.run_id");
		compose_key("timestamp_utc");
		result_compose(&run->result, "run_metadata.timestamp_utc");
		compose_key("epi");
		result_compose(&run->result, "epi.value");
		compose_key("joules_per_token");
		result_compose(&run->result, "energy.joules_per_token");
		compose_end('}');
	}
	compose_end(']');
	compose_key("repeatability");
	compose_begin('{');
	compose_figure("s", sqrt(spread.squares / spread.freedom));
	compose_figure("nu", spread.freedom);
	compose_end('}');
}

static void
put_warnings(const struct run *median, const struct runs *runs)
{
	struct json_value warnings = result_at(&median->result, "warnings");
	size_t outlier = find_outlier(runs);
	struct json_value warning;
	const char *cursor = NULL;
	char text[SENTENCE];

	compose_key("warnings");
	compose_begin('[');
	while (json_element(&warnings, &cursor, &warning))
		compose_value(&warning);
	if (outlier < runs->count) {
		snprintf(text, sizeof text, "outlier: %.17g J/token in %s lies "
		    "farther from the others than one of twenty would by "
		    "chance; it was not left out",
		    exp(runs->run[outlier].log), runs->run[outlier].file);
		compose_string(text);
	}
	compose_end(']');
}

static bool
is_replaced(const struct json_value *key, bool known)
{
	static const char *const spread[] = { "u", "ci95", "k", "nu_eff",
		"u_joules_per_token", "ci95_joules_per_token", "budget" };

	for (size_t i = 0; known && i < sizeof spread / sizeof *spread; i++)
		if (json_is(key, spread[i]))
			return true;
	return json_is(key, "simulated") || json_is(key, "warnings") ||
	    json_is(key, "repetitions") || json_is(key, "repeatability");
}

/* The evidence of all runs together; NULL: the member as it stands. */
static const char *
evidence_of(const struct runs *runs, const struct json_value *key,
    const struct json_value *value)
{
	if (!json_is(key, "evidence"))
		return NULL;
	if (runs->simulated)
		return "simulated";
	return runs->count > 2 && json_is(value, "calibrated") ? "replicated"
	    : NULL;
}

static void
put_member(const struct runs *runs, const struct json_value *key,
    const struct json_value *value)
{
	const char *evidence = evidence_of(runs, key, value);

	compose_key_value(key);
	if (evidence)
		compose_string(evidence);
	else
		compose_value(value);
	if (json_is(key, "type") && runs->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
}

/* The median's record, member by member. */
static void
put_score(const struct run *median, const struct runs *runs,
    const struct budget *budget, struct spread spread)
{
	struct json_value whole = {
		median->result.line, median->result.length, JSON_OBJECT, false
	};
	struct json_value key, value;
	const char *cursor = NULL;
	bool known = median->result.budgeted;

	compose_open();
	while (json_member(&whole, &cursor, &key, &value))
		if (!is_replaced(&key, known))
			put_member(runs, &key, &value);
	if (known)
		put_spread(median, budget);
	put_repetitions(runs, spread);
	put_warnings(median, runs);
	compose_close();
}

/* Whether one of the runs is this very one, told as it is. */
static bool
is_told_twice(const struct run *run, const struct run *others, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct result *other = &others[i].result;

		if (run->result.length != other->length || memcmp(
		    run->result.line, other->line, other->length) != 0)
			continue;
		report_error("%s: the score of %s once more, which is no "
		    "repetition", run->file, others[i].file);
		return true;
	}
	return false;
}

/* False: not repetitions of one configuration, as was said. */
static bool
check(const struct runs *runs)
{
	if (runs->count < 2)
		report_error("%zu scores: repetitions are two or more",
		    runs->count);
	for (size_t i = 1; i < runs->count; i++) {
		if (is_told_twice(&runs->run[i], runs->run, i))
			return false;
		if (same_configuration(&runs->run[0], &runs->run[i]))
			continue;
		report_error("%s: not of the configuration of %s",
		    runs->run[i].file, runs->run[0].file);
		return false;
	}
	return runs->count > 1 && report_malformed_count() == 0;
}

static void
forget(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		result_clear(&runs->run[i].result);
	free(runs->run);
}

static struct spread
pooled_spread(struct runs *runs, char *pool)
{
	static struct sample_nodes nodes;
	struct spread spread = spread_of(runs), others;
	struct runs more = { 0 };

	if (!pool)
		return spread;
	feed_records((char *[]){ pool, NULL }, &nodes, take, &more);
	for (size_t i = 0; i < more.count; i++)
		if (!is_told_twice(&more.run[i], runs->run, runs->count))
			is_told_twice(&more.run[i], more.run, i);
	others = spread_of(&more);
	spread.squares += others.squares;
	spread.freedom += others.freedom;
	runs->simulated |= more.simulated;
	forget(&more);
	return spread;
}

void
repeat_scores(char **operands, char *pool)
{
	static struct sample_nodes nodes;
	struct runs runs = { 0 };
	struct budget budget = { 0 };
	struct spread spread;
	const struct run *median;

	if (feed_records(operands, &nodes, take, &runs) && check(&runs)) {
		qsort(runs.run, runs.count, sizeof *runs.run, by_cost);
		median = &runs.run[(runs.count - 1) / 2];
		spread = pooled_spread(&runs, pool);
		settle_budget(&budget, &runs, median, spread);
		if (report_status() == STATUS_DONE)
			put_score(median, &runs, &budget, spread);
	}
	budget_clear(&budget);
	forget(&runs);
}
