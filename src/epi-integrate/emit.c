/* The energy records. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-integrate/integrate.h"
#include "report.h"

static void
compose_raw_key(const char *key, const char *json)
{
	if (!json)
		return;
	compose_key(key);
	compose_raw(json, strlen(json));
}

void
emit_origin(void)
{
	compose_raw_key("instrument", s.instrument);
	compose_raw_key("firmware", s.firmware);
	compose_raw_key("calibration", s.calibration);
}

static void
compose_counts(const struct figure *figure)
{
	compose_key("samples");
	compose_integer(figure->tally.samples);
	compose_key("lost_samples");
	compose_integer(figure->lost);
	compose_key("negative_samples");
	compose_integer(figure->tally.negative);
	compose_key("duplicate_samples");
	compose_integer(figure->duplicates);
	compose_key("malformed");
	compose_integer((int64_t)(report_malformed_count() + s.malformed));
	compose_key("gap_seconds");
	compose_seconds(figure->tally.gap_ns);
	compose_key("coverage");
	compose_double(figure->coverage);
}

static void
compose_energy(const struct figure *figure, const struct span *span)
{
	compose_key("begin");
	compose_time(span->begin_ns);
	compose_key("end");
	compose_time(span->end_ns);
	compose_key("seconds");
	compose_seconds(span->end_ns - span->begin_ns);
	compose_key("joules");
	if (figure->known)
		compose_joules(figure->joules);
	else
		compose_null();
	compose_key("mean_watts");
	compose_double(figure->known ? figure->mean_watts : NAN);
	compose_key("peak_watts");
	if (figure->has_peak)
		compose_decimal(figure->peak_nw, 9, 3);
	else
		compose_null();
}

static void
compose_origin(const struct figure *figure, bool complete)
{
	compose_key("complete");
	compose_bool(complete);
	compose_key("method");
	compose_string(figure->method == AUTO ? "mixed"
	    : methods[figure->method]);
	if (figure->u_gap_joules > 0) {
		compose_key("u_gap_joules");
		compose_double(figure->u_gap_joules);
	}
	compose_key("u_joules");
	compose_double(figure->known && figure->budgeted
	    ? budget_uncertainty(&figure->budget) : NAN);
	compose_key("budget");
	if (figure->known && figure->budgeted)
		budget_compose(&figure->budget, "c_joules");
	else
		compose_null();
	emit_origin();
	if (s.simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	if (figure->warning_count > 0) {
		compose_key("warnings");
		compose_begin('[');
		for (int i = 0; i < figure->warning_count; i++)
			compose_string(figure->warnings[i]);
		compose_end(']');
	}
	compose_close();
}

static void
open_record(const struct span *span, const char *scope)
{
	compose_open();
	compose_key("type");
	compose_string("energy");
	compose_key("label");
	compose_string(span->label);
	compose_key("scope");
	compose_string(scope);
}

static void
emit_node(const struct figure *figure, const struct span *span,
    unsigned index, bool complete)
{
	open_record(span, "node");
	compose_key("node");
	compose_string(s.names.names[index]);
	compose_energy(figure, span);
	compose_key("nominal_seconds");
	if (s.nodes[index].period_ns > 0)
		compose_seconds(s.nodes[index].period_ns);
	else
		compose_null();
	compose_counts(figure);
	compose_origin(figure, complete);
}

static void
emit_cluster(const struct figure *figure, const struct span *span,
    bool complete)
{
	open_record(span, "cluster");
	compose_key("nodes");
	compose_begin('[');
	for (unsigned i = 0; i < s.names.count; i++)
		if (node_at(i)->wanted)
			compose_string(s.names.names[i]);
	compose_end(']');
	compose_energy(figure, span);
	compose_counts(figure);
	compose_origin(figure, complete);
}

static void
say_human(const struct figure *figure, const struct span *span,
    unsigned nodes, bool complete)
{
	char peak[48] = "unknown";

	if (figure->has_peak)
		snprintf(peak, sizeof peak, "%.3f W",
		    (double)figure->peak_nw / 1e9);
	if (!figure->known)
		report_warning("%s%senergy unknown over %.3f s, %u node%s",
		    span->label ? span->label : "", span->label ? ": " : "",
		    (double)(span->end_ns - span->begin_ns) / 1e9, nodes,
		    nodes == 1 ? "" : "s");
	else
		report_warning("%s%s%.3f J in %.3f s, mean %.3f W, peak %s, "
		    "%u node%s, coverage %.2f %%%s%s",
		    span->label ? span->label : "", span->label ? ": " : "",
		    energy_joules(figure->joules),
		    (double)(span->end_ns - span->begin_ns) / 1e9,
		    figure->mean_watts, peak, nodes, nodes == 1 ? "" : "s",
		    figure->coverage * 100, complete ? "" : ", INCOMPLETE",
		    s.simulated ? ", simulated" : "");
}

/* Once for each node: with --every there are many. */
static void
say_refused(struct node *node, unsigned index, const struct span *span)
{
	if (!node->refused)
		report_error("%s%snode %s: %.6g s is shorter than five response "
		    "times of its instrument, %.6g s: no energy",
		    span->label ? span->label : "", span->label ? ": " : "",
		    s.names.names[index],
		    (double)(span->end_ns - span->begin_ns) / 1e9,
		    (double)instrument_shortest(node->instrument) / 1e9);
	node->refused = true;
}

static double
joules_of_all(struct span *span)
{
	struct figure figure;
	double sum = 0;

	for (unsigned i = 0; i < s.names.count; i++) {
		if (!node_known(i)->wanted)
			continue;
		figure_of_node(&figure, &s.nodes[i], span, i);
		sum += energy_joules(figure.joules);
		budget_clear(&figure.budget);
	}
	return sum;
}

void
emit_span(struct span *span, bool complete)
{
	struct figure cluster = { 0 }, figure;
	double all = joules_of_all(span);
	unsigned nodes = 0;

	for (unsigned i = 0; i < s.names.count; i++) {
		if (!node_known(i)->wanted)
			continue;
		figure_of_node(&figure, &s.nodes[i], span, i);
		budget_add_crosstalk(&figure, &s.nodes[i], i,
		    all - energy_joules(figure.joules));
		emit_node(&figure, span, i, complete);
		if (figure.refused)
			say_refused(&s.nodes[i], i, span);
		figure_add(&cluster, &figure, nodes++ == 0,
		    s.names.names[i]);
		budget_clear(&figure.budget);
	}
	cluster.has_peak = span->tick_nodes == nodes && nodes > 0;
	cluster.peak_nw = span->tick_nw;
	emit_cluster(&cluster, span, complete);
	budget_clear(&cluster.budget);
	if (!complete)
		s.incomplete = true;
	if (s.human)
		say_human(&cluster, span, nodes, complete);
	free(span->label);
	free(span->parts);
}

bool
emit_all_ended(const struct span *span)
{
	bool any = false;

	for (unsigned i = 0; i < s.names.count; i++) {
		if (!node_at(i)->wanted)
			continue;
		if (i >= span->room || !span->parts[i].ended)
			return false;
		any = true;
	}
	return any; /* of none the samples are to come */
}

/* Spans that every node has left behind, oldest first. */
void
emit_passed(void)
{
	size_t n = 0;

	s.passed = false;
	tick_fold();
	while (n < s.span_count && s.spans[n].closed && emit_all_ended(&s.spans[n]))
		emit_span(&s.spans[n++], true);
	if (n == 0)
		return;
	span_forget(n);
	s.emitted = true;
}
