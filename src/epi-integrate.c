/* epi-integrate - energy of a stream of power samples */
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "energy.h"
#include "event.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-integrate [-H] [--every D] [--method M] [--negative WHAT]\n"
"                     [--nodes LIST] [--rate HZ] [FILE...]\n"
"Samples on standard input or in FILE become energy records: one per node and\n"
"one for the cluster, per span of the stream or for all of it.\n"
"\n"
"      --every D         an energy set for every D (1s, 250ms, 5m)\n"
"  -H, --human           one line for people on standard error\n"
"      --method M        auto, trapezoid, counter, mean or hold (auto)\n"
"      --negative WHAT   negative watts: keep and count, error, or gap (keep)\n"
"      --nodes LIST      only these nodes, all of which must be there\n"
"      --rate HZ         the nominal sample rate, where the stream has none\n"
"  -h, --help            this text\n"
"      --version         the version\n";

enum method { AUTO, TRAPEZOID, COUNTER, MEAN, HOLD };
static const char *const methods[] = { "auto", "trapezoid", "counter", "mean",
	"hold", NULL };
enum negative { KEEP, ERROR, GAP };
static const char *const negatives[] = { "keep", "error", "gap", NULL };

enum { OPTION_EVERY = OPTION_LONG, OPTION_METHOD, OPTION_NEGATIVE,
	OPTION_NODES, OPTION_RATE };

enum {
	INTERVALS = 63,       /* tell the nominal period where nothing does */
	WARNINGS = 12,
	WARNING_TEXT = 160,
	SERIES_JUMP = 1000000
};

/* A node's part of a span: tallies at its edges, extremes between them. */
struct part {
	struct energy_tally at_begin, at_end;
	int64_t from_ns, to_ns; /* covered, valid with begun and ended */
	bool begun, ended, late; /* late: the span came after its samples */
	int64_t lost;
	int64_t peak_nw, low_nw;
};

struct span {
	char *label;             /* NULL: none */
	int64_t begin_ns, end_ns;
	bool whole;              /* the whole stream: closed at both ends */
	bool closed;             /* its end edge came, or it needs none */
	struct part *parts;      /* by node; room is that of the node table */
	unsigned room;
	unsigned tick_nodes;     /* the most nodes at one timestamp, */
	energy_units tick_nw;    /* and their greatest sum */
};

struct node {
	struct energy_node energy;
	int64_t first_ns;
	int64_t period_ns;       /* nominal; 0: not known yet */
	int64_t next_edge_ns;    /* of any span, not yet passed */
	int64_t quick_ns;        /* samples before it need nothing special */
	int64_t peak_nw, low_nw; /* since the last edge */
	int64_t wrap_uj, resolution_uj;
	int64_t duplicates;
	bool seen, wanted;
	bool gap_next;           /* a reading was left out of here */
	char *instrument_id;     /* that announced it */
	struct energy_reading waiting[INTERVALS + 1];
	int waits;
};

static struct {
	enum method method;
	enum negative negative;
	int64_t every_ns, rate_period_ns;
	char **only;             /* --nodes */
	bool human;

	struct sample_nodes names;
	struct node *nodes;
	unsigned room;

	struct span *spans;      /* in the order of their begin events */
	size_t span_count, span_room;
	bool has_spans;          /* the stream has span events */
	int64_t series_next_ns;  /* begin of the next --every span */
	int64_t series_end_ns;
	char *series_label;
	bool series;
	bool opened;             /* a sample came */
	bool passed;             /* an end edge was passed since the last look */

	struct {
		int64_t time_ns;
		energy_units sum_nw;
		unsigned nodes;
		int64_t from_ns, to_ns;  /* for which `active` holds */
		size_t *active;          /* indices of spans; room span_room */
		size_t active_count;
	} tick;
	int64_t start_ns, stop_ns;  /* of the stream's events */
	unsigned starts, stops;
	bool simulated, incomplete, emitted;
	bool unread;             /* not all of the input could be read */
	char *instrument, *firmware, *calibration; /* JSON, as written */
	const char *file;
	uint64_t line;
} s = { .start_ns = -1, .stop_ns = -1, .series_next_ns = INT64_MAX };

static bool
is_wanted(const char *name)
{
	for (char **only = s.only; only && *only; only++)
		if (strcmp(*only, name) == 0)
			return true;
	return !s.only;
}

static struct node *
node_at(unsigned index)
{
	while (s.room <= index) {
		unsigned room = s.room ? s.room * 2 : 8;

		s.nodes = report_resize(s.nodes, room, sizeof *s.nodes);
		memset(s.nodes + s.room, 0,
		    (room - s.room) * sizeof *s.nodes);
		for (unsigned i = s.room; i < room; i++) {
			s.nodes[i].period_ns = s.rate_period_ns;
			s.nodes[i].next_edge_ns = INT64_MIN;
			s.nodes[i].quick_ns = INT64_MIN;
			s.nodes[i].peak_nw = INT64_MIN;
			s.nodes[i].low_nw = INT64_MAX;
		}
		s.room = room;
	}
	return &s.nodes[index];
}

static struct node *
known_node(unsigned index)
{
	struct node *node = node_at(index);

	if (!node->wanted)
		node->wanted = is_wanted(s.names.names[index]);
	return node;
}

static struct part *
part_at(struct span *span, unsigned node)
{
	while (span->room <= node) {
		unsigned room = span->room ? span->room * 2 : 4;

		span->parts = report_resize(span->parts, room,
		    sizeof *span->parts);
		memset(span->parts + span->room, 0,
		    (room - span->room) * sizeof *span->parts);
		for (; span->room < room; span->room++) {
			span->parts[span->room].peak_nw = INT64_MIN;
			span->parts[span->room].low_nw = INT64_MAX;
		}
	}
	return &span->parts[node];
}

/* The spans changed: what was remembered of their edges no longer holds. */
static void
look_again(void)
{
	for (unsigned i = 0; i < s.room; i++)
		s.nodes[i].next_edge_ns = s.nodes[i].quick_ns = INT64_MIN;
	s.tick.from_ns = s.tick.to_ns = 0;
	s.tick.active_count = 0;
}

static struct span *
add_span(const char *label, size_t length, int64_t begin_ns, int64_t end_ns)
{
	struct span *span;

	if (s.span_count == s.span_room) {
		s.span_room = s.span_room ? s.span_room * 2 : 8;
		s.spans = report_resize(s.spans, s.span_room, sizeof *s.spans);
		s.tick.active = report_resize(s.tick.active, s.span_room,
		    sizeof *s.tick.active);
	}
	span = &s.spans[s.span_count++];
	memset(span, 0, sizeof *span);
	span->label = label ? report_copy(label, length) : NULL;
	span->begin_ns = begin_ns;
	span->end_ns = end_ns;
	look_again();
	return span;
}

static void
stretch(struct part *part, int64_t peak_nw, int64_t low_nw)
{
	if (peak_nw > part->peak_nw)
		part->peak_nw = peak_nw;
	if (low_nw < part->low_nw)
		part->low_nw = low_nw;
}

/* The begin edge, if it lies at or before `to`.  Where the node's samples
 * started inside the span, it is covered from the first of them. */
static void
pass_begin(const struct node *node, struct part *part,
    const struct span *span, const struct energy_reading *to)
{
	int64_t last_ns = node->energy.last.point.time_ns;

	if (part->begun || span->begin_ns > to->point.time_ns)
		return;
	part->begun = true;
	if (span->begin_ns <= node->first_ns) {
		part->from_ns = node->first_ns;
		stretch(part, node->peak_nw, node->low_nw);
	} else if (span->begin_ns >= last_ns) {
		part->from_ns = span->begin_ns;
		part->at_begin = energy_at(&node->energy, to, span->begin_ns);
		if (span->begin_ns == last_ns)
			stretch(part, node->energy.last.point.watts_nw,
			    node->energy.last.point.watts_nw);
	} else {
		part->from_ns = last_ns;
		part->at_begin = node->energy.at_last;
		part->late = true;
	}
}

static void
pass_end(const struct node *node, struct part *part, const struct span *span,
    const struct energy_reading *to)
{
	if (!part->begun || part->ended || span->end_ns > to->point.time_ns)
		return;
	part->ended = s.passed = true;
	part->to_ns = span->end_ns;
	if (span->end_ns <= part->from_ns)
		part->to_ns = part->from_ns; /* all before the node's samples */
	else
		part->at_end = energy_at(&node->energy, to, span->end_ns);
	if (part->to_ns == part->from_ns)
		part->at_end = part->at_begin;
}

/* Every edge between the node's last reading and `to`. */
static void
pass_edges(struct node *node, unsigned index, const struct energy_reading *to)
{
	node->next_edge_ns = INT64_MAX;
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];
		struct part *part = part_at(span, index);
		int64_t edge;

		if (part->ended)
			continue;
		if (part->begun)
			stretch(part, node->peak_nw, node->low_nw);
		pass_begin(node, part, span, to);
		pass_end(node, part, span, to);
		edge = part->begun ? span->end_ns : span->begin_ns;
		if (!part->ended && edge < node->next_edge_ns)
			node->next_edge_ns = edge;
	}
	node->peak_nw = INT64_MIN;
	node->low_nw = INT64_MAX;
}

/* The spans that hold time t, and the stretch of time for which they do. */
static void
find_active(int64_t t)
{
	s.tick.from_ns = INT64_MIN;
	s.tick.to_ns = INT64_MAX;
	s.tick.active_count = 0;
	for (size_t i = 0; i < s.span_count; i++) {
		const struct span *span = &s.spans[i];
		const int64_t edges[] = { span->begin_ns, span->end_ns };

		for (int e = 0; e < 2; e++) {
			if (edges[e] <= t && edges[e] > s.tick.from_ns)
				s.tick.from_ns = edges[e];
			if (edges[e] > t && edges[e] < s.tick.to_ns)
				s.tick.to_ns = edges[e];
		}
		if (t >= span->begin_ns && t < span->end_ns)
			s.tick.active[s.tick.active_count++] = i;
	}
}

/* The tick is over, or is looked at: its sum counts in every span it is in. */
static void
fold_tick(void)
{
	if (s.tick.nodes == 0)
		return;
	if (s.tick.time_ns < s.tick.from_ns || s.tick.time_ns >= s.tick.to_ns)
		find_active(s.tick.time_ns);
	for (size_t i = 0; i < s.tick.active_count; i++) {
		struct span *span = &s.spans[s.tick.active[i]];

		if (s.tick.nodes > span->tick_nodes ||
		    (s.tick.nodes == span->tick_nodes &&
		    s.tick.sum_nw > span->tick_nw)) {
			span->tick_nodes = s.tick.nodes;
			span->tick_nw = s.tick.sum_nw;
		}
	}
}

/* The cluster's power, where samples of one time stand together. */
static inline void
note_tick(const struct sample *sample)
{
	if (sample->timestamp_ns != s.tick.time_ns) {
		fold_tick();
		s.tick.time_ns = sample->timestamp_ns;
		s.tick.sum_nw = 0;
		s.tick.nodes = 0;
	}
	s.tick.sum_nw += sample->watts_nw;
	s.tick.nodes++;
}

/* The --every spans that begin at or before t. */
static void
extend_series(int64_t t)
{
	int64_t end_ns;

	if (s.series && t >= s.series_next_ns && t < s.series_end_ns &&
	    (t - s.series_next_ns) / s.every_ns > SERIES_JUMP)
		report_fatal("%s:%llu: over %d empty spans of --every at once",
		    s.file, (unsigned long long)s.line, SERIES_JUMP);
	while (s.series && t > s.series_next_ns &&
	    s.series_next_ns < s.series_end_ns) {
		end_ns = s.series_end_ns - s.series_next_ns > s.every_ns
		    ? s.series_next_ns + s.every_ns : s.series_end_ns;
		add_span(s.series_label, s.series_label
		    ? strlen(s.series_label) : 0, s.series_next_ns,
		    end_ns)->closed = true;
		s.series_next_ns = end_ns;
	}
}

/* The first sample opens the span of the whole stream; it is taken back when
 * the stream turns out to have spans of its own. */
static void
open_whole(int64_t t)
{
	s.opened = true;
	if (s.every_ns > 0) {
		s.series = true;
		s.series_next_ns = t;
		s.series_end_ns = INT64_MAX;
		return;
	}
	add_span(NULL, 0, INT64_MIN, INT64_MAX)->whole = true;
}

/* A reading in its place: later than the node's last, period known. */
static void
integrate(struct node *node, unsigned index, const struct energy_reading *to)
{
	if (to->point.time_ns > s.series_next_ns)
		extend_series(to->point.time_ns);
	if (!node->seen) {
		node->seen = true;
		node->first_ns = to->point.time_ns;
		node->energy.last = *to;
		node->energy.gap_limit_ns = node->period_ns / 2 * 5;
		node->energy.wrap_uj = node->wrap_uj;
		node->energy.step_uj = INT64_MAX;
		node->energy.holds = s.method == HOLD;
	} else {
		if (to->point.time_ns >= node->next_edge_ns)
			pass_edges(node, index, to);
		energy_advance(&node->energy, to);
	}
	if (to->point.watts_nw > node->peak_nw)
		node->peak_nw = to->point.watts_nw;
	if (to->point.watts_nw < node->low_nw)
		node->low_nw = to->point.watts_nw;
}

static int
by_length(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The median of the intervals that wait, and then the readings themselves. */
static void
settle_period(struct node *node, unsigned index)
{
	int64_t lengths[INTERVALS];
	int n = node->waits - 1;

	for (int i = 0; i < n; i++)
		lengths[i] = node->waiting[i + 1].point.time_ns -
		    node->waiting[i].point.time_ns;
	if (n > 0 && node->period_ns == 0) {
		qsort(lengths, (size_t)n, sizeof *lengths, by_length);
		node->period_ns = lengths[n / 2];
	}
	for (int i = 0; i < node->waits; i++)
		integrate(node, index, &node->waiting[i]);
	node->waits = 0;
}

/* What is told of a node, or of the cluster, in a span. */
struct figure {
	bool known;              /* anything was measured */
	energy_units joules;
	energy_units peak_nw;
	bool has_peak;
	double mean_watts;
	double u_gap_joules;
	enum method method;
	int64_t measured_ns;
	struct energy_tally tally;
	int64_t lost, duplicates;
	double coverage;
	char warnings[WARNINGS][WARNING_TEXT];
	int warning_count;
};

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
static void
end_part(const struct node *node, struct part *part, const struct span *span)
{
	const struct energy_reading *last = &node->energy.last;

	if (part->ended || !node->seen ||
	    span->begin_ns > last->point.time_ns ||
	    span->end_ns <= node->first_ns)
		return;
	if (!part->begun) {
		part->begun = true;
		part->from_ns = span->begin_ns < node->first_ns
		    ? node->first_ns : last->point.time_ns;
		if (span->begin_ns >= node->first_ns)
			part->at_begin = node->energy.at_last;
	}
	part->to_ns = last->point.time_ns;
	part->at_end = node->energy.at_last;
	part->at_end.samples++;
	part->at_end.negative += last->point.watts_nw < 0;
	part->at_end.watts_sum += last->point.watts_nw;
	stretch(part, node->peak_nw, node->low_nw);
	stretch(part, last->point.watts_nw, last->point.watts_nw);
}

static bool
counter_possible(const struct figure *figure, const struct node *node)
{
	return figure->tally.uncounted == 0 && figure->tally.resets == 0 &&
	    figure->measured_ns > 0 && node->energy.last.has_joules;
}

/* A counter that takes few steps in a span says little about it. */
static bool
counter_coarse(const struct figure *figure, int64_t resolution_uj)
{
	const int steps = 2000; /* one step at each edge: 0.1 % */

	return (energy_units)resolution_uj * ENERGY_PER_MICROJOULE * steps >
	    figure->tally.trapezoid;
}

static int64_t
resolution_of(const struct node *node)
{
	return node->resolution_uj > 0 ? node->resolution_uj
	    : node->energy.step_uj < INT64_MAX ? node->energy.step_uj : 0;
}

static enum method
choose_method(struct figure *figure, const struct node *node)
{
	if (s.method == COUNTER && !counter_possible(figure, node))
		warn(figure, "counter_interrupted: the counter was absent or "
		    "reset; the trapezoid stands in for those intervals");
	if (s.method != AUTO)
		return s.method;
	if (figure->tally.resets > 0)
		warn(figure, "counter_reset: the instrument's counter was "
		    "reset %lld times; the trapezoid was used",
		    (long long)figure->tally.resets);
	if (!counter_possible(figure, node))
		return TRAPEZOID;
	if (counter_coarse(figure, resolution_of(node))) {
		warn(figure, "counter_coarse: the counter's step of %.6g J is "
		    "over 0.05 %% of the energy; the trapezoid was used",
		    (double)resolution_of(node) / 1e6);
		return TRAPEZOID;
	}
	return COUNTER;
}

/* Counter and trapezoid share the meter, but not the sampling between two
 * samples: 1 %, their resolution and what a gap leaves open is granted. */
static void
compare_methods(struct figure *figure, const struct node *node)
{
	double counter = energy_joules(energy_counter(&figure->tally));
	double trapezoid = energy_joules(figure->tally.trapezoid);
	double step = (double)node->resolution_uj / 1e6;
	double granted = 0.01 * fabs(trapezoid) + 2 * step +
	    2 * figure->u_gap_joules;

	if (counter_possible(figure, node) &&
	    !counter_coarse(figure, resolution_of(node)) &&
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
	return (double)gap_ns / 1e9 *
	    ((double)part->peak_nw - (double)part->low_nw) / 1e9 /
	    (2 * sqrt(3));
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

static void
figure_node(struct figure *figure, const struct node *node,
    const struct span *span, unsigned index)
{
	const struct part *part = part_at((struct span *)(uintptr_t)span, index);

	memset(figure, 0, sizeof *figure);
	figure->lost = part->lost;
	figure->duplicates = node->duplicates;
	figure->method = s.method == AUTO ? TRAPEZOID : s.method;
	if (!part->begun) {
		warn(figure, "unmeasured: no sample in the span");
		return;
	}
	figure->tally = part->at_end;
	energy_tally_subtract(&figure->tally, &part->at_begin);
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
	figure->method = choose_method(figure, node);
	figure->joules = by_method(figure, span);
	figure->mean_watts = figure->method == MEAN
	    ? (double)figure->tally.watts_sum / (double)figure->tally.samples /
	    1e9 : energy_mean_watts(figure->joules, figure->measured_ns);
	compare_methods(figure, node);
	warn_of_samples(figure);
}

static void
add_figure(struct figure *cluster, const struct figure *node, bool is_first,
    const char *name)
{
	cluster->known = (is_first || cluster->known) && node->known;
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

static void
compose_raw_key(const char *key, const char *json)
{
	if (!json)
		return;
	compose_key(key);
	compose_raw(json, strlen(json));
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
	compose_integer((int64_t)report_malformed_count());
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
	compose_raw_key("instrument", s.instrument);
	compose_raw_key("firmware", s.firmware);
	compose_raw_key("calibration", s.calibration);
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

static void
emit_span(struct span *span, bool complete)
{
	struct figure cluster = { 0 }, figure;
	unsigned nodes = 0;

	for (unsigned i = 0; i < s.names.count; i++) {
		if (!known_node(i)->wanted)
			continue;
		figure_node(&figure, &s.nodes[i], span, i);
		emit_node(&figure, span, i, complete);
		add_figure(&cluster, &figure, nodes++ == 0,
		    s.names.names[i]);
	}
	cluster.has_peak = span->tick_nodes == nodes && nodes > 0;
	cluster.peak_nw = span->tick_nw;
	emit_cluster(&cluster, span, complete);
	if (!complete)
		s.incomplete = true;
	if (s.human)
		say_human(&cluster, span, nodes, complete);
	free(span->label);
	free(span->parts);
}

static bool
all_ended(const struct span *span)
{
	for (unsigned i = 0; i < s.names.count; i++)
		if (node_at(i)->wanted &&
		    (i >= span->room || !span->parts[i].ended))
			return false;
	return true;
}

/* Spans that every node has left behind, oldest first. */
static void
emit_passed(void)
{
	size_t n = 0;

	s.passed = false;
	fold_tick();
	while (n < s.span_count && s.spans[n].closed && all_ended(&s.spans[n]))
		emit_span(&s.spans[n++], true);
	if (n == 0)
		return;
	s.span_count -= n;
	memmove(s.spans, s.spans + n, s.span_count * sizeof *s.spans);
	s.emitted = true;
	look_again();
}

/* Whether a reading is news; says so where it is wrong. */
static bool
in_order(struct node *node, const struct energy_reading *last,
    const struct energy_reading *to)
{
	if (to->point.time_ns > last->point.time_ns)
		return true;
	if (to->point.time_ns == last->point.time_ns &&
	    to->point.watts_nw == last->point.watts_nw &&
	    to->joules_uj == last->joules_uj)
		node->duplicates++;
	else if (to->point.time_ns == last->point.time_ns)
		report_malformed(s.file, s.line,
		    "two different samples of one node at one time");
	else
		report_malformed(s.file, s.line,
		    "time goes backwards for its node; merge files with "
		    "LC_ALL=C sort -sm");
	return false;
}

/* False: it was left out. */
static bool
take_reading(struct node *node, unsigned index,
    const struct energy_reading *to)
{
	const struct energy_reading *last = node->waits
	    ? &node->waiting[node->waits - 1] : &node->energy.last;

	if ((node->waits || node->seen) && !in_order(node, last, to))
		return false;
	if (node->period_ns > 0 && !node->waits) {
		integrate(node, index, to);
		return true;
	}
	node->waiting[node->waits++] = *to;
	if (node->waits == INTERVALS + 1 || node->period_ns > 0)
		settle_period(node, index);
	return true;
}

/* The sample of a node that is under way, with no edge in reach; false: it
 * wants the long way. */
static inline bool
take_quickly(const struct sample *sample)
{
	struct node *node = &s.nodes[sample->node];
	struct energy_reading to = {
		.point = { sample->timestamp_ns, sample->watts_nw },
		.joules_uj = sample->joules_uj,
		.has_joules = sample->has_joules
	};

	if (sample->node >= s.room || sample->timestamp_ns >= node->quick_ns ||
	    sample->timestamp_ns <= node->energy.last.point.time_ns ||
	    node->gap_next || (sample->watts_nw < 0 && s.negative != KEEP))
		return false;
	energy_advance(&node->energy, &to);
	if (sample->watts_nw > node->peak_nw)
		node->peak_nw = sample->watts_nw;
	if (sample->watts_nw < node->low_nw)
		node->low_nw = sample->watts_nw;
	note_tick(sample);
	return true;
}

static void
take_sample(const struct feed_record *record)
{
	const struct sample *sample = &record->sample;
	struct node *node = known_node(sample->node);
	struct energy_reading reading = {
		.point = { sample->timestamp_ns, sample->watts_nw },
		.joules_uj = sample->joules_uj,
		.has_joules = sample->has_joules,
		.after_gap = node->gap_next
	};

	if (!node->wanted)
		return;
	if (sample->watts_nw < 0 && s.negative != KEEP) {
		if (s.negative == ERROR)
			report_malformed(record->file, record->line_number,
			    "negative watts");
		else
			node->gap_next = true;
		return;
	}
	if (!s.opened)
		open_whole(sample->timestamp_ns);
	node->gap_next = false;
	if (take_reading(node, sample->node, &reading))
		note_tick(sample);
	if (node->seen && !node->waits)
		node->quick_ns = node->next_edge_ns < s.series_next_ns
		    ? node->next_edge_ns : s.series_next_ns;
	if (s.passed)
		emit_passed();
}

/* Names that a start event announces; each belongs to one instrument. */
static void
announce_nodes(const struct event *event)
{
	const char *cursor = NULL;
	struct json_value element;
	char name[SAMPLE_NODE_MAX + 1], id[SAMPLE_NODE_MAX + 1] = "";
	double rate_hz = 0;
	long length;

	json_string(&event->instrument_id, id, sizeof id);
	json_double(&event->rate_hz, &rate_hz);
	while (json_element(&event->nodes, &cursor, &element)) {
		struct node *node;

		length = json_string(&element, name, sizeof name);
		if (length <= 0)
			continue;
		node = known_node(sample_node(&s.names, name, (size_t)length));
		if (node->instrument_id && *id &&
		    strcmp(node->instrument_id, id) != 0)
			report_malformed(s.file, s.line, "node %s comes from "
			    "two instruments, %s and %s", name,
			    node->instrument_id, id);
		if (!node->instrument_id && *id)
			node->instrument_id = report_copy(id, strlen(id));
		if (rate_hz > 0 && rate_hz < 1e6)
			node->period_ns = (int64_t)(1e9 / rate_hz + 0.5);
		json_decimal(&event->joules_wrap, 6, &node->wrap_uj);
		json_decimal(&event->joules_resolution, 6,
		    &node->resolution_uj);
		node->energy.gap_limit_ns = node->period_ns / 2 * 5;
		node->energy.wrap_uj = node->wrap_uj;
	}
}

/* JSON kept as it is; where two instruments differ, none is named. */
static void
keep_raw(char **kept, const char *line, size_t length, const char *key)
{
	struct json_value value;
	struct json_error error;
	size_t quotes;
	char *text;

	if (!json_members(line, length, &key, 1, &value, &error) ||
	    value.kind == JSON_ABSENT)
		return;
	quotes = value.kind == JSON_STRING;
	text = report_copy(value.at - quotes, value.length + 2 * quotes);
	if (*kept && strcmp(*kept, text) != 0) {
		free(text);
		text = report_copy("null", 4);
	}
	free(*kept);
	*kept = text;
}

static void
take_start(const struct feed_record *record, const struct event *event)
{
	s.starts++;
	s.simulated |= event->simulated;
	if (event->has_timestamp &&
	    (s.start_ns < 0 || event->timestamp_ns < s.start_ns))
		s.start_ns = event->timestamp_ns;
	keep_raw(&s.instrument, record->line, record->length, "instrument");
	keep_raw(&s.firmware, record->line, record->length, "firmware");
	keep_raw(&s.calibration, record->line, record->length, "calibration");
	announce_nodes(event);
}

static bool
same_label(const struct span *span, const struct json_value *label)
{
	if (!span->label)
		return label->kind != JSON_STRING;
	return json_is(label, span->label);
}

static void
drop_spans(void)
{
	while (s.span_count > 0) {
		s.span_count--;
		free(s.spans[s.span_count].label);
		free(s.spans[s.span_count].parts);
	}
}

static void
begin_span(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	int64_t end_ns = event->has_end ? event->end_ns : INT64_MAX;
	char *label = NULL;
	long length = -1;

	if (!s.has_spans) {
		s.has_spans = s.opened = true;
		s.series = false;
		s.series_next_ns = INT64_MAX;
		drop_spans();
	}
	if (event->label.kind == JSON_STRING) {
		label = report_resize(NULL, event->label.length + 1, 1);
		length = json_string(&event->label, label,
		    event->label.length + 1);
	}
	if (s.every_ns == 0) {
		add_span(length >= 0 ? label : NULL, (size_t)length, begin_ns,
		    end_ns);
		free(label);
		return;
	}
	if (s.series && begin_ns < s.series_end_ns)
		report_malformed(s.file, s.line,
		    "--every cannot divide spans that overlap");
	free(s.series_label);
	s.series = true;
	s.series_label = label;
	s.series_next_ns = begin_ns;
	s.series_end_ns = end_ns;
}

static void
end_span(const struct event *event)
{
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];

		if (span->closed || !same_label(span, &event->label) ||
		    (event->has_begin && event->begin_ns != span->begin_ns))
			continue;
		if (span->end_ns == INT64_MAX)
			span->end_ns = event->timestamp_ns;
		span->closed = true;
		look_again();
		emit_passed();
		return;
	}
}

/* Lost samples count in every span that their time touches. */
static void
take_lost(const struct event *event)
{
	int64_t begin_ns = event->has_begin ? event->begin_ns
	    : event->timestamp_ns;
	int64_t end_ns = event->has_end ? event->end_ns : begin_ns;
	char name[SAMPLE_NODE_MAX + 1];
	long length = json_string(&event->node, name, sizeof name);
	unsigned from = 0, to = s.names.count;

	if (length > 0) {
		from = sample_node(&s.names, name, (size_t)length);
		to = from + 1;
		known_node(from);
	}
	if (!s.opened && event->has_timestamp)
		open_whole(event->timestamp_ns);
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];

		if (begin_ns >= span->end_ns || end_ns < span->begin_ns)
			continue;
		for (unsigned n = from; n < to; n++)
			part_at(span, n)->lost +=
			    event->count > 0 ? event->count : 0;
	}
}

/* After a reset the counter starts anew, even where it reads higher. */
static void
take_reset(const struct event *event)
{
	for (unsigned i = 0; i < s.names.count; i++) {
		struct node *node = node_at(i);

		if (event->node.kind == JSON_STRING &&
		    !json_is(&event->node, s.names.names[i]))
			continue;
		if (node->waits)
			node->waiting[node->waits - 1].has_joules = false;
		node->energy.last.has_joules = false;
	}
}

static void
take_event(const struct feed_record *record)
{
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	switch (event.kind) {
	case EVENT_START:
		take_start(record, &event);
		break;
	case EVENT_STOP:
		s.stops++;
		if (event.has_timestamp && event.timestamp_ns > s.stop_ns)
			s.stop_ns = event.timestamp_ns;
		break;
	case EVENT_LOST:
		take_lost(&event);
		break;
	case EVENT_RESET:
		take_reset(&event);
		break;
	case EVENT_SPAN:
		if (event.edge_is_end)
			end_span(&event);
		else
			begin_span(&event);
		break;
	default:
		break;
	}
}

static void
take_record(void *state, const struct feed_record *record)
{
	(void)state;
	if (record->kind == SAMPLE_POWER && take_quickly(&record->sample))
		return;
	s.file = record->file;
	s.line = record->line_number;
	if (record->kind == SAMPLE_POWER)
		take_sample(record);
	else
		take_event(record);
}

/* First to last sample; from the start event and to the stop event where
 * silence of more than 2.5 periods lies between. */
static void
bound_whole(struct span *span)
{
	int64_t first_ns = INT64_MAX, last_ns = INT64_MIN, period_ns = 0;

	for (unsigned i = 0; i < s.names.count; i++) {
		const struct node *node = &s.nodes[i];

		if (!node->seen || !node->wanted)
			continue;
		if (node->first_ns < first_ns)
			first_ns = node->first_ns;
		if (node->energy.last.point.time_ns > last_ns)
			last_ns = node->energy.last.point.time_ns;
		if (node->period_ns > period_ns)
			period_ns = node->period_ns;
	}
	if (first_ns == INT64_MAX)
		first_ns = last_ns = s.start_ns > 0 ? s.start_ns : 0;
	if (s.start_ns >= 0 && first_ns - s.start_ns > period_ns / 2 * 5)
		first_ns = s.start_ns;
	if (s.stop_ns - last_ns > period_ns / 2 * 5)
		last_ns = s.stop_ns;
	span->begin_ns = first_ns;
	span->end_ns = last_ns;
}

/* The last span of --every ends where the samples do. */
static void
cut_series(struct span *span)
{
	int64_t last_ns = span->begin_ns;

	for (unsigned i = 0; i < s.names.count; i++)
		if (s.nodes[i].seen && s.nodes[i].wanted &&
		    s.nodes[i].energy.last.point.time_ns > last_ns)
			last_ns = s.nodes[i].energy.last.point.time_ns;
	if (last_ns < span->end_ns)
		span->end_ns = last_ns;
}

static void
finish(void)
{
	bool stopped = s.stops >= s.starts && !s.unread;

	for (unsigned i = 0; i < s.names.count; i++)
		settle_period(known_node(i), i);
	fold_tick();
	emit_passed();
	if (s.span_count == 0 && !s.emitted) {
		if (s.names.count == 0) {
			report_error("no samples");
			return;
		}
		open_whole(s.start_ns > 0 ? s.start_ns : 0);
		if (s.span_count == 0)
			report_error("no samples");
	}
	for (size_t i = 0; i < s.span_count; i++) {
		struct span *span = &s.spans[i];

		for (unsigned n = 0; n < s.names.count; n++)
			end_part(&s.nodes[n], part_at(span, n), span);
		if (span->whole)
			bound_whole(span);
		else if (s.every_ns > 0)
			cut_series(span);
		emit_span(span, stopped || (s.has_spans && span->closed &&
		    s.every_ns == 0) || (all_ended(span) && span->closed));
	}
	if (s.incomplete)
		report_error(s.unread ? "incomplete: not all of the input "
		    "was read" : "incomplete: the stream ended without stop");
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	switch (letter) {
	case 'H':
		s.human = true;
		break;
	case OPTION_METHOD:
		s.method = (enum method)option_word("--method", argument,
		    methods);
		break;
	case OPTION_EVERY:
		s.every_ns = option_duration("--every", argument);
		break;
	case OPTION_NODES:
		s.only = option_list("--nodes", argument);
		break;
	case OPTION_RATE:
		s.rate_period_ns = (int64_t)(1e9 /
		    option_double("--rate", argument, 1e-6, 1e6) + 0.5);
		break;
	case OPTION_NEGATIVE:
		s.negative = (enum negative)option_word("--negative", argument,
		    negatives);
		break;
	}
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "every", required_argument, NULL, OPTION_EVERY },
		{ "human", no_argument, NULL, 'H' },
		{ "method", required_argument, NULL, OPTION_METHOD },
		{ "negative", required_argument, NULL, OPTION_NEGATIVE },
		{ "nodes", required_argument, NULL, OPTION_NODES },
		{ "rate", required_argument, NULL, OPTION_RATE },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-integrate", help, "H", options, take_option, NULL
	};
	char **operands = option_start(argc, argv, &program);

	for (char **only = s.only; only && *only; only++)
		known_node(sample_node(&s.names, *only, strlen(*only)));
	s.unread = !feed_records(operands, &s.names, take_record, NULL);
	finish();
	return stream_finish();
}
