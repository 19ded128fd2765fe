/* idle: what the nodes draw without work, to be taken off. */
#include <math.h>
#include <string.h>

#include "epi-score/score.h"
#include "json.h"
#include "option.h"

/* The one of the cluster or, without any, of the one node; or NULL. */
static const struct energy *
only(const struct energy *cluster, const struct energy *node)
{
	const struct energy *one = cluster->records ? cluster : node;

	return one->records == 1 ? one : NULL;
}

static bool
labelled(const struct score *score)
{
	return score->idle_cluster.records + score->idle_node.records > 0;
}

/* What speaks against an idle energy goes where it is wanted. */
static void
judge_idle(struct score *score, const struct energy *one, struct notes *to)
{
	static struct score alone;

	judge_energy(&alone, one);
	note_hand_on(to, &alone.refusals, "idle-");
	note_hand_on(&score->warnings, &alone.warnings, "idle-");
	if (to == &score->refusals || alone.refusals.count == 0)
		score->idle = *one;
}

/* A number is watts; a file whose name is one is given with its folder. */
bool
idle_told(struct score *score, const char *argument)
{
	int64_t ignored;

	score->idle_watts = NAN;
	if (!json_decimal_text(argument, strlen(argument), 9, &ignored))
		return false;
	score->idle_watts = option_double("--idle", argument, 0, 1e9);
	return true;
}

void
idle_take(struct score *score, const struct score *read)
{
	const struct energy *one = only(&read->idle_cluster,
	    &read->idle_node);

	note_hand_on(&score->refusals, &read->refusals, "idle-");
	if (!one && !labelled(read))
		one = only(&read->cluster, &read->node);
	if (one)
		judge_idle(score, one, &score->refusals);
	else
		note_add(&score->refusals, "idle-missing: --idle has not one "
		    "energy record of scope cluster, or of one node");
	score->simulated |= read->simulated;
}

/* Nobody asked for it, so where it is no good it is left on, aloud. */
void
idle_settle(struct score *score)
{
	const struct energy *one = only(&score->idle_cluster,
	    &score->idle_node);

	if (one)
		judge_idle(score, one, &score->warnings);
	else if (labelled(score))
		note_add(&score->warnings, "idle-ambiguous: there are several "
		    "energies of idle nodes, and none is taken off");
}

static bool
next_node(const struct energy *energy, const char **cursor,
    struct json_value *node)
{
	if (energy->at[NODES].kind == JSON_ARRAY)
		return json_element(&energy->at[NODES], cursor, node);
	*node = energy->at[NODE];
	if (*cursor || node->kind != JSON_STRING)
		return false;
	*cursor = node->at;
	return true;
}

static bool
has_node(const struct energy *energy, const char *name)
{
	const char *cursor = NULL;
	struct json_value node;

	while (next_node(energy, &cursor, &node))
		if (json_is(&node, name))
			return true;
	return false;
}

static bool
is_within(const struct energy *part, const struct energy *whole)
{
	const char *cursor = NULL;
	struct json_value node;
	char name[SENTENCE];

	while (next_node(part, &cursor, &node))
		if (json_string(&node, name, sizeof name) < 0 ||
		    !has_node(whole, name))
			return false;
	return true;
}

/* The mean is over the time that was measured, the seconds are the span's. */
static double
idle_power(const struct energy *idle)
{
	double watts = value_number(&idle->at[MEAN_WATTS]);

	return isfinite(watts) ? watts : value_number(&idle->at[JOULES]) /
	    value_number(&idle->at[SECONDS]);
}

/* The budget of the energy, of which a factor is taken off.  False: it has
 * none. */
static bool
idle_budget(struct score *score, double factor, struct budget *budget)
{
	struct budget own = { 0 };
	bool known;

	if (value_unknown(&score->idle.at[BUDGET])) {
		note_add(&score->warnings, "idle-uncertainty-unknown: the idle "
		    "energy record has no budget, so how well what is net of "
		    "it is known is not known either");
		return false;
	}
	known = uncertainty_joules(score, &score->idle, &own);
	if (known)
		budget_join(budget, &own, factor);
	budget_clear(&own);
	return known;
}

bool
idle_joules(struct score *score, const struct energy *energy, double *joules,
    struct budget *budget, bool *known)
{
	double seconds = value_number(&energy->at[SECONDS]);
	const struct energy *idle = &score->idle;
	double watts;

	*known = true;
	if (isfinite(score->idle_watts)) {
		*joules = score->idle_watts * seconds;
		note_add(&score->warnings, "idle-exact: --idle %g is taken as "
		    "exact", score->idle_watts);
		return true;
	}
	if (!idle->line)
		return false;
	if (!is_within(idle, energy) || !is_within(energy, idle)) {
		note_add(&score->refusals, "idle-other: the idle energy is not "
		    "of the nodes of the run");
		return false;
	}
	watts = idle_power(idle);
	if (!isfinite(watts)) {
		note_add(&score->refusals, "idle-unknown: the power of the "
		    "idle nodes is not known");
		return false;
	}
	*joules = watts * seconds;
	*known = idle_budget(score, *joules /
	    value_number(&idle->at[JOULES]), budget);
	return true;
}
