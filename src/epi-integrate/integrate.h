/*
 * integrate: the state of epi-integrate, shared by its parts.
 *
 * node: the nodes, that pass the edges of spans; span: the spans; tick: the
 * cluster's power at one time; figure: what is told of a node or the cluster in a
 * span; budget: its uncertainty; instrument: what is known of the meters; emit: the
 * energy records; event: the records that are no samples; partial: a part of a
 * stream; merge: all of its parts.
 */
#ifndef EPI_INTEGRATE_INTEGRATE_H
#define EPI_INTEGRATE_INTEGRATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"
#include "energy.h"
#include "epi-integrate/instrument.h"
#include "event.h"
#include "feed.h"
#include "sample.h"

enum method { AUTO, TRAPEZOID, COUNTER, MEAN, HOLD };
extern const char *const methods[];
enum negative { KEEP, ERROR, GAP };

enum {
	INTERVALS = 63,       /* tell the nominal period where nothing does */
	WARNINGS = 12,
	WARNING_TEXT = 160

};

/* A node's part of a span.  The tally is that at its begin, and from its end on
 * what came together between the two. */
struct part {
	struct energy_tally tally;
	int64_t from_ns, to_ns; /* covered, valid with begun and ended */
	bool begun, ended, late; /* late: the span came after its samples */
	bool uncounted;          /* an edge is where the counter was not */
	bool behind;             /* or where its delay leaves it unknown */
	int64_t step_uj;         /* the counter's smallest, up to the end */
	int64_t lost;
	int64_t peak_nw, low_nw;
	int64_t gap_peak_nw, gap_low_nw; /* at both ends of the gaps that its
	                                    edges are in */
	int64_t begin_nw, end_nw; /* the power at from_ns and to_ns */
};

struct span {
	char *label;             /* NULL: none */
	int64_t begin_ns, end_ns;
	bool whole;              /* the whole stream: closed at both ends */
	bool closed;             /* its end edge came, or it needs none */
	struct part *parts;      /* by node, from when it is needed */
	unsigned room;
	int64_t lost;            /* of every node */
	unsigned tick_nodes;     /* the most nodes at one timestamp, */
	energy_units tick_nw;    /* and their greatest sum */
};

struct node {
	struct energy_node energy;
	struct energy_reading first;
	int64_t first_ns;
	int64_t period_ns;       /* nominal; 0: not known yet */
	int64_t next_edge_ns;    /* of any span, not yet passed */
	size_t begins;           /* of the spans by begin, how many have begun */
	size_t *open;            /* ids of spans that have begun, and not ended */
	size_t open_count, open_room;
	int64_t quick_ns;        /* samples before it need nothing special */
	int64_t peak_nw, low_nw; /* since the last edge, */
	int64_t first_peak_nw, first_low_nw; /* and from the first sample to it */
	int64_t wrap_uj, resolution_uj;
	int64_t duplicates;
	bool seen, wanted;
	bool wants_vars;         /* of its samples */
	bool gap_next;           /* a reading was left out of here */
	bool reset_first;        /* the counter was reset before the first
	                            reading: of a part, behind another */
	bool refused;            /* of a span; said */
	bool settled;            /* its delay is: by what is before the part */
	bool restarted, rerated; /* by a start event of the part itself, that
	                            told a rate */
	int64_t begin_period_ns, begin_wrap_uj; /* where the part begins */
	int64_t first_period_ns, first_wrap_uj; /* told by it before its first
	                                           reading; 0, -1: not */
	char *instrument_id;     /* that announced it */
	struct instrument *instrument;
	unsigned channel;        /* of the instrument, from 1; 0: not told */
	struct energy_reading waiting[INTERVALS + 1];
	int waits;
};

/* A span in the order of their begins; its id is its index in `spans` and how
 * many were told before. */
struct begin {
	int64_t ns;
	size_t id;
};

/* The samples of one time that stand together. */
struct tick {
	int64_t time_ns;
	energy_units sum_nw;
	unsigned nodes;
};

struct state {
	enum method method;
	enum negative negative;
	int64_t every_ns, rate_period_ns;
	char **only;             /* --nodes */
	bool human;
	bool partial;            /* a partial record is wanted */
	bool head_is_whole;      /* the head read for --part was all */
	bool looks;              /* around a part, at what is not its own */

	struct sample_nodes names;
	struct node *nodes;
	unsigned room;

	struct span *spans;      /* not told yet, in the order of their events; */
	struct span *span_store; /* the room that they lie in */
	size_t span_count, span_room;
	size_t span_told;        /* spans that stood before spans[0] */
	struct begin *begins;    /* by time; of spans that were told, too */
	size_t begin_count, begin_room;
	bool has_spans;          /* the stream has span events */
	int64_t series_next_ns;  /* begin of the next --every span */
	int64_t series_end_ns;
	char *series_label;
	bool series;
	bool series_open;        /* of a span whose end edge has not come */
	bool opened;             /* a sample came */
	bool passed;             /* an end edge was passed since the last look */

	struct tick first_tick;
	uint64_t tick_count;
	struct {
		int64_t time_ns;
		energy_units sum_nw;
		unsigned nodes;
		int64_t from_ns, to_ns;  /* for which `active` holds */
		unsigned top_nodes;      /* the lowest of their spans' greatest */
		energy_units top_nw;     /* sums; nodes 0: not known */
		int64_t active_ns;       /* a time for which it was found */
		size_t begins;           /* as a node's */
		size_t *active;          /* ids of spans; room span_room */
		size_t active_count;
	} tick;
	int64_t start_ns, stop_ns;  /* of the stream's events */
	int64_t from_ns;         /* of the first record; INT64_MAX: none */
	uint64_t starts, stops;
	int64_t away;            /* instruments unplugged, and not back */
	unsigned reset_known;    /* nodes, when all counters were first reset */
	char **resets;           /* of a part: nodes not known then; NULL-ended */
	uint64_t malformed;      /* in the parts that were merged */
	bool simulated, incomplete, emitted;
	bool unread;             /* not all of the input could be read */
	char *instrument, *firmware, *calibration; /* JSON, as written */
	const char *file;
	uint64_t line;
};

extern struct state s;

/* What is told of a node, or of the cluster, in a span. */
struct figure {
	bool known;              /* anything was measured */
	bool refused;            /* too short for the instrument */
	energy_units joules;
	energy_units peak_nw;
	bool has_peak;
	double mean_watts;
	double u_gap_joules;
	struct budget budget;    /* in joules, if budgeted */
	bool budgeted;
	enum method method;
	int64_t begin_ns;        /* of the span */
	int64_t measured_ns;
	int64_t told_ns;         /* that the joules are of: what was measured; by
	                            the mean all of the span */
	struct energy_tally tally;
	int64_t lost, duplicates;
	double coverage;
	char warnings[WARNINGS][WARNING_TEXT];
	int warning_count;
};

/* node: that of an index; NODE_KNOWN also looks whether it is wanted. */
struct node *node_at(unsigned index);
struct node *node_known(unsigned index);

/* What is known of the node's instrument has changed. */
void node_heed(struct node *node);

/* The reading that comes next in time, once the node's period is known. */
void node_integrate(struct node *node, unsigned index,
    const struct energy_reading *to);

/* Ends the waiting for a period: the median of what waits, and integrates it. */
void node_settle(struct node *node, unsigned index);

/* The median of the intervals that wait, ns; 0: there is none. */
int64_t node_median(const struct node *node);
/* Notes what the delay of its counter does to a part that ends there. */
void node_look_behind(const struct node *node, struct part *part,
    int64_t end_ns);
/* The longest interval that is no gap: 2.5 nominal periods. */
int64_t node_gap_limit(const struct node *node);

/* span: that of a number; NULL: it was told. */
struct span *span_of(size_t id);
struct part *span_part(struct span *span, unsigned node);
struct span *span_add(const char *label, size_t length, int64_t begin_ns,
    int64_t end_ns);
/* An end that was open is known, or when the next --every span begins. */
void span_changed(void);
/* The first `count` spans are no longer needed, their memory is freed. */
void span_forget(size_t count);
void span_open_whole(int64_t t);
/* Those of --every that begin before t are made, which is before a sample of that
 * time is taken. */
void span_extend_series(int64_t t);
/* The span that --every divides ends at t. */
void span_end_series(int64_t t);
void span_stretch(struct part *part, int64_t peak_nw, int64_t low_nw);

/* tick: that which is over, or is looked at, counts in every span it is in. */
void tick_fold(void);

/* The cluster's power, where samples of one time stand together. */
static inline void
tick_begin(int64_t time_ns)
{
	if (s.tick.nodes == s.tick.top_nodes &&
	    s.tick.sum_nw <= s.tick.top_nw &&
	    s.tick.time_ns >= s.tick.from_ns && s.tick.time_ns < s.tick.to_ns)
		s.tick_count++; /* most ticks are no span's greatest */
	else
		tick_fold();
	s.tick.time_ns = time_ns;
	s.tick.sum_nw = 0;
	s.tick.nodes = 0;
}

static inline void
tick_add(int64_t watts_nw, unsigned nodes)
{
	s.tick.sum_nw += watts_nw;
	s.tick.nodes += nodes;
}

static inline void
tick_note(int64_t time_ns, int64_t watts_nw)
{
	if (time_ns != s.tick.time_ns)
		tick_begin(time_ns);
	tick_add(watts_nw, 1);
}

/* figure: after figure_end_part no more samples come for the node. */
void figure_end_part(const struct node *node, struct part *part,
    const struct span *span);
void figure_of_node(struct figure *figure, const struct node *node,
    struct span *span, unsigned index);
void figure_add(struct figure *cluster, const struct figure *node,
    bool is_first, const char *name);

/* Joules of one step of the node's counter; 0: not known. */
double figure_resolution(const struct node *node, const struct part *part);

/* budget: fills figure->budget; the caller clears it. */
void budget_of_node(struct figure *figure, const struct node *node,
    const struct part *part, unsigned index);
void budget_add_crosstalk(struct figure *figure, const struct node *node,
    unsigned index, double others_joules);
/* The standard uncertainty that counter and trapezoid do not share. */
double budget_unshared(const struct figure *figure, const struct node *node,
    const struct part *part, unsigned index);

/* emit: the records of a span; emit_passed: of those that every node has left
 * behind, oldest first. */
void emit_span(struct span *span, bool complete);
/* Members of a record: what the start events said of the instrument. */
void emit_origin(void);
bool emit_all_ended(const struct span *span);
void emit_passed(void);

void event_take(const struct feed_record *record);
/* A new set of --every counts what was lost in it before it was made; later ones
 * begin later. */
void event_lose_again(struct span *span);
/* What an event or a calibration says of nodes and instruments; a start event
 * is not counted. */
void event_learn(const char *line, size_t length, const struct event *event);
/* Of a start event behind a part that tells its first readings' period. */
void event_foresee(const struct event *event);
/* Only what instrument the nodes are of that are known already. */
void event_attach(const char *line, size_t length, const struct event *event);

/* The node that a lost event names, known from then on; false: it names none. */
bool event_loser(const struct event *event, unsigned *node);

/* Keeps a record's members instrument, firmware and calibration. */
void event_keep_origin(const char *line, size_t length);

/* partial: which part of how many; part 0: all of the input. */
struct cut {
	int64_t part, parts;
};
/* False: the part cannot be told (said). */
bool partial_read(const struct cut *cut, const char *file, feed_take *take);
/* Writes what was read as one partial record. */
void partial_write(const struct cut *cut);
/* merge: reads partial records; the state is then as after reading it all.  False:
 * they are no whole (said). */
bool merge_parts(char **operands);

#endif
