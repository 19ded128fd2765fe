/* idle: what the nodes draw without work, to be taken off. */
#include <math.h>
#include <string.h>

#include "epi-score/score.h"
#include "json.h"
#include "option.h"
#include "report.h"

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

/* A number is watts; a file whose name is one is given with its folder. */
void
idle_read(struct score *score, const char *argument)
{
	static struct score other;
	static struct sample_nodes nodes;
	const struct energy *one;
	int64_t ignored;
	char *name;

	if (json_decimal_text(argument, strlen(argument), 9, &ignored)) {
		score->idle_watts = option_double("--idle", argument, 0, 1e9);
		return;
	}
	other.label = NULL;
	other.no_accuracy = true;
	name = report_copy(argument, strlen(argument));
	if (!feed_records((char *[]){ name, NULL }, &nodes, record_take,
	    &other))
		report_fatal("%s: not read to its end", argument);
	one = only(&other.idle_cluster, &other.idle_node);
	if (!one && !labelled(&other))
		one = only(&other.cluster, &other.node);
	if (!one)
		report_fatal("--idle: %s: not one energy record of scope "
		    "cluster, or of one node", argument);
	score->idle = *one;
	score->simulated |= other.simulated;
}

void
idle_settle(struct score *score)
{
	const struct energy *one = only(&score->idle_cluster,
	    &score->idle_node);

	if (one)
		score->idle = *one;
	else if (labelled(score))
		note_add(&score->warnings, "idle-ambiguous: there are several "
		    "energies of idle nodes, and none is taken off");
}

static bool
same_nodes(const struct energy *a, const struct energy *b)
{
	const struct json_value *x = &a->at[NODES], *y = &b->at[NODES];

	return x->kind == y->kind && x->length == y->length &&
	    (x->length == 0 || memcmp(x->at, y->at, x->length) == 0);
}

bool
idle_joules(struct score *score, const struct energy *energy, double *joules,
    struct budget *budget)
{
	double seconds = value_number(&energy->at[SECONDS]);
	double idle_seconds = value_number(&score->idle.at[SECONDS]);
	struct budget own = { 0 };

	if (isfinite(score->idle_watts)) {
		*joules = score->idle_watts * seconds;
		note_add(&score->warnings, "idle-exact: --idle %g is taken as "
		    "exact", score->idle_watts);
		return true;
	}
	if (!score->idle.line)
		return false;
	if (!same_nodes(&score->idle, energy) || !(idle_seconds > 0)) {
		note_add(&score->refusals, "idle-other: the idle energy is not "
		    "of the nodes of the run");
		return false;
	}
	*joules = value_number(&score->idle.at[JOULES]) / idle_seconds *
	    seconds;
	if (uncertainty_joules(score, &score->idle, &own))
		budget_join(budget, &own, seconds / idle_seconds);
	budget_clear(&own);
	return true;
}
