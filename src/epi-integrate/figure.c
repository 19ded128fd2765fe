/* What is told of a node, or of the cluster, in a span. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "epi-integrate/integrate.h"
#include "report.h"

static void REPORT_FORMAT(2, 3)
warn(struct figure *figure, const char *format, ...)
{
	va_list arguments;

	if (figure->warning_count == WARNINGS)
		return;
	va_start(arguments, format);
	vsnprintf(figure->warnings[figure->warning_count++], WARNING_TEXT,
	    format, arguments);
	va_end(arguments);
}

/* The last reading of the input counts as a sample of every span that holds
 * it; nothing is said about the time after it. */
void
figure_end_part(const struct node *node, struct part *part, const struct span *span)
{
	const struct energy_reading *last = &node->energy.last;
	struct energy_tally at_end;

	if (part->ended || !node->seen ||
	    span->begin_ns > last->point.time_ns ||
	    span->end_ns <= node->first_ns)
		return;
	if (part->begun) {
		span_stretch(part, node->peak_nw, node->low_nw);
	} else if (span->begin_ns < node->first_ns) {
		part->from_ns = node->first_ns;
		part->begin_nw = node->first.point.watts_nw;
		span_stretch(part, node->peak_nw, node->low_nw);
		span_stretch(part, node->first_peak_nw, node->first_low_nw);
	} else {
		part->from_ns = last->point.time_ns;
		part->begin_nw = last->point.watts_nw;
		part->tally = energy_at_last(&node->energy);
	}
	part->begun = true;
	part->to_ns = last->point.time_ns;
	part->step_uj = node->energy.step_uj;
	node_look_behind(node, part, part->to_ns);
	at_end = energy_at_last(&node->energy);
	at_end.samples++;
	at_end.negative += last->point.watts_nw < 0;
	at_end.watts_sum += last->point.watts_nw;
	energy_tally_subtract(&at_end, &part->tally);
	part->tally = at_end;
	part->end_nw = last->point.watts_nw;
	span_stretch(part, last->point.watts_nw, last->point.watts_nw);
}

static bool
counter_possible(const struct figure *figure, const struct part *part)
{
	return figure->tally.uncounted == 0 && figure->tally.resets == 0 &&
	    figure->measured_ns > 0 && !part->uncounted;
}

static int64_t
resolution_of(const struct node *node, const struct part *part)
{
	return energy_step(part->step_uj, node->resolution_uj);
}

double
figure_resolution(const struct node *node, const struct part *part)
{
	return (double)resolution_of(node, part) / 1e6;
}

static enum method
choose_method(struct figure *figure, const struct node *node,
    const struct part *part)
{
	int64_t resolution_uj = resolution_of(node, part);

	if (s.method == COUNTER && part->behind) {
		warn(figure, "counter_late: its delay is longer than an interval "
		    "at an edge; the trapezoid was used");
		return TRAPEZOID;
	}
	if (s.method == COUNTER && !counter_possible(figure, part))
		warn(figure, "counter_interrupted: the counter was absent or "
		    "reset; the trapezoid stands in for those intervals");
	if (s.method != AUTO)
		return s.method;
	if (figure->tally.resets > 0)
		warn(figure, "counter_reset: the instrument's counter was "
		    "reset %lld times; the trapezoid was used",
		    (long long)figure->tally.resets);
	if (!counter_possible(figure, part))
		return TRAPEZOID;
	if (resolution_uj == 0 && figure->tally.trapezoid > 0) {
		warn(figure, "counter_coarse: the counter has not risen; the "
		    "trapezoid was used");
		return TRAPEZOID;
	}
	if (energy_is_coarse(figure->tally.trapezoid, resolution_uj)) {
		warn(figure, "counter_coarse: the counter's step of %.6g J is "
		    "over 0.05 %% of the energy; the trapezoid was used",
		    (double)resolution_uj / 1e6);
		return TRAPEZOID;
	}
	return COUNTER;
}

/* Counter and trapezoid share the meter's scale, but not the sampling, the
 * counter's steps and what a gap leaves open: twice their uncertainty is
 * granted, and 0.1 %, the class of the ICs; 1 % where that is not known. */
static void
compare_methods(struct figure *figure, const struct node *node,
    const struct part *part, unsigned index)
{
	double counter = energy_joules(energy_counter(&figure->tally));
	double trapezoid = energy_joules(figure->tally.trapezoid);
	double granted = (instrument_is_known(node->instrument) ? 0.001 : 0.01) *
	    fabs(trapezoid) + 2 * budget_unshared(figure, node, part, index);
	int64_t step_uj = resolution_of(node, part);

	if (counter_possible(figure, part) &&
	    ((step_uj == 0 && figure->method == COUNTER) ||
	    !energy_is_coarse(figure->tally.trapezoid, step_uj)) &&
	    fabs(counter - trapezoid) > granted)
		warn(figure, "methods_disagree: counter %.9g J, trapezoid "
		    "%.9g J", counter, trapezoid);
}

static energy_units
by_method(const struct figure *figure, const struct span *span)
{
	const struct energy_tally *t = &figure->tally;
	energy_units ns = span->end_ns - span->begin_ns;

	switch (figure->method) {
	case COUNTER:
		return energy_counter(t);
	case HOLD:
		return t->hold;
	case MEAN:
		return energy_share(2 * t->watts_sum, (int64_t)ns, t->samples);
	default:
		return t->trapezoid;
	}
}

/* A gap of g seconds between extremes of the span: u = g (max-min)/(2 sqrt 3),
 * the rectangular distribution of JCGM 100, 4.3.7. */
static double
gap_uncertainty(const struct part *part, int64_t gap_ns)
{
	double max = fmax((double)part->peak_nw, (double)part->gap_peak_nw);
	double min = fmin((double)part->low_nw, (double)part->gap_low_nw);

	if (gap_ns == 0)
		return 0;
	return (double)gap_ns / 1e9 * (max - min) / 1e9 / (2 * sqrt(3));
}

static void
warn_of_samples(struct figure *figure)
{
	if (figure->lost > 0)
		warn(figure, "lost_samples: %lld samples were lost",
		    (long long)figure->lost);
	if (figure->tally.negative * 10 > figure->tally.samples)
		warn(figure, "negative_watts: %lld of %lld samples are "
		    "negative; is a clamp reversed?",
		    (long long)figure->tally.negative,
		    (long long)figure->tally.samples);
	if (figure->tally.gap_ns > 0)
		warn(figure, "gap: %.6g s of the span were not sampled",
		    (double)figure->tally.gap_ns / 1e9);
}

/* Of a span in which the instrument has hardly followed, the figure is that of
 * what went on before it. */
static void
refuse_short(struct figure *figure, const struct node *node,
    const struct span *span)
{
	int64_t shortest_ns = instrument_shortest(node->instrument);

	if (span->end_ns - span->begin_ns >= shortest_ns)
		return;
	figure->known = false;
	figure->refused = true;
	warn(figure, "span_too_short: shorter than five response times of the "
	    "instrument, %.6g s; the energy is not known",
	    (double)shortest_ns / 1e9);
}

void
figure_of_node(struct figure *figure, const struct node *node,
    struct span *span, unsigned index)
{
	const struct part *part = span_part(span, index);

	memset(figure, 0, sizeof *figure);
	figure->begin_ns = span->begin_ns;
	figure->lost = part->lost + span->lost;
	figure->duplicates = node->duplicates;
	figure->method = s.method == AUTO ? TRAPEZOID : s.method;
	if (!part->begun) {
		warn(figure, "unmeasured: no sample in the span");
		return;
	}
	figure->tally = part->tally;
	figure->measured_ns = part->to_ns - part->from_ns;
	figure->known = s.method == MEAN ? figure->tally.samples > 0
	    : figure->measured_ns > 0;
	figure->peak_nw = part->peak_nw;
	figure->has_peak = part->peak_nw != INT64_MIN;
	if (span->end_ns > span->begin_ns)
		figure->coverage =
		    (double)(figure->measured_ns - figure->tally.gap_ns) /
		    (double)(span->end_ns - span->begin_ns);
	if (part->late)
		warn(figure, "late_span: the span came after its samples");
	if (!figure->known) {
		warn(figure, figure->tally.samples > 0
		    ? "unmeasured: one sample makes no span of time"
		    : "unmeasured: no sample in the span");
		return;
	}
	figure->u_gap_joules = gap_uncertainty(part, figure->tally.gap_ns);
	figure->method = choose_method(figure, node, part);
	figure->told_ns = figure->method == MEAN
	    ? span->end_ns - span->begin_ns : figure->measured_ns;
	figure->joules = by_method(figure, span);
	figure->mean_watts = figure->method == MEAN
	    ? (double)figure->tally.watts_sum / (double)figure->tally.samples /
	    1e9 : energy_mean_watts(figure->joules, figure->measured_ns);
	compare_methods(figure, node, part, index);
	warn_of_samples(figure);
	budget_of_node(figure, node, part, index);
	refuse_short(figure, node, span);
}

void
figure_add(struct figure *cluster, const struct figure *node, bool is_first,
    const char *name)
{
	cluster->known = (is_first || cluster->known) && node->known;
	cluster->budgeted = (is_first || cluster->budgeted) && node->budgeted;
	budget_join(&cluster->budget, &node->budget, 1);
	cluster->joules += node->joules;
	cluster->mean_watts += node->mean_watts;
	cluster->u_gap_joules = hypot(cluster->u_gap_joules,
	    node->u_gap_joules);
	cluster->lost += node->lost;
	cluster->duplicates += node->duplicates;
	energy_tally_add(&cluster->tally, &node->tally);
	if (is_first || node->measured_ns < cluster->measured_ns)
		cluster->measured_ns = node->measured_ns;
	if (is_first || node->coverage < cluster->coverage)
		cluster->coverage = node->coverage;
	if (is_first)
		cluster->method = node->method;
	else if (cluster->method != node->method)
		cluster->method = AUTO; /* shown as "mixed" */
	for (int i = 0; i < node->warning_count; i++) {
		const char *sentence = strchr(node->warnings[i], ':');

		if (sentence)
			warn(cluster, "%.*s: %s%s",
			    (int)(sentence - node->warnings[i]),
			    node->warnings[i], name, sentence);
	}
}
