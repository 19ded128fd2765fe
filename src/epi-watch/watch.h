/*
 * watch: what epi-watch knows of a stream, shared by its parts.
 *
 * model: records become nodes, sources and counts; trace: power over time;
 * token: the engine's log; alarm: what somebody should look at; canvas: a page
 * of cells; draw: the page of a view; screen: the page on a terminal; plain:
 * the page, or a line a second, as text.
 *
 * A reader changes `struct watch` under its lock; whoever draws takes a view,
 * a copy, so that a slow terminal never holds up the reader.
 */
#ifndef EPI_WATCH_WATCH_H
#define EPI_WATCH_WATCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "clock.h"
#include "energy.h"
#include "epi-watch/trace.h"
#include "sample.h"

enum {
	INTERVALS = 63,       /* tell the period where nothing does */
	LOOK_SHARE = 20,      /* at the log: of the time, one part of so many */
	SOURCES = 16,         /* instruments that are told apart */
	WORD = 64
};

/* Of an instrument, from its start and clock events. */
struct source {
	char name[WORD], id[WORD];
	double rate_hz;       /* 0: not told */
	double bound_seconds; /* of its clock; below 0: not told */
	enum { CALIBRATION_UNKNOWN, CALIBRATION_NONE, CALIBRATED } calibration;
	int64_t valid_until_ns; /* 0: not told */
	bool traceable, away;
};

/* A quantity that an instrument tells with some samples alone. */
struct quantity {
	double value;
	int64_t ns;           /* INT64_MIN: never told */
};

struct node {
	struct energy_node energy;
	bool seen, uncalibrated;
	int64_t first_ns;
	int64_t period_ns;    /* nominal; 0: not known yet */
	int64_t intervals[INTERVALS];
	int interval_count;
	int64_t resolution_uj;
	int64_t lost, lost_ns;    /* lost_ns: of the last such event */
	int64_t peak_nw;
	int64_t over_nw, over_ns; /* the last sample over --max-watts */
	struct quantity volts, power_factor, hertz;

	/* The whole second that the samples are in. */
	int64_t second_ns;
	energy_units second_units; /* by the trapezoid, at its begin */
	bool second_whole;         /* measured from its begin on, no gap */
	int second_samples;
	double mean_watts;         /* of the last whole second */
	int64_t mean_ns;           /* its end; INT64_MIN: there is none */
	struct trace *trace;
};

struct tokens {
	const char *file;     /* NULL: not wanted */
	char problem[WORD];   /* "": the counts stand */
	bool known;
	int64_t generated, base; /* base: before the watching began */
	double decode_seconds;   /* NAN: not told */
	bool running;            /* the log is not complete */
};

/* All that a view copies as it is. */
struct account {
	int64_t start_ns, earliest_ns, latest_ns; /* INT64_MIN: none yet */
	int64_t stop_ns;
	uint64_t starts, stops, samples, malformed;
	int64_t lost, lost_ns; /* of every node, also of those to come */
	bool simulated;
	bool ended, unread;    /* the input: at its end; not all could be read */
	int64_t arrived_ns;    /* when it last came (clock_steady) */
	int64_t max_nw;        /* --max-watts; INT64_MAX: none */
	struct source sources[SOURCES];
	int source_count;
	struct tokens tokens;
	char label[WORD];      /* of the mark that is open, or "" */
};

struct watch {
	pthread_mutex_t lock;
	struct account account;
	struct sample_nodes names;
	struct node *nodes;
	unsigned room;
};

/* A copy at one moment.  The names stay the watch's. */
struct view {
	struct account account;
	char **names;
	struct node *nodes;
	unsigned count, room;
	struct bucket *buckets; /* TRACE_BUCKETS of each node, at `level` */
	int level;
	int64_t steady_ns;      /* when it was taken */
};

struct feed_record;

/* model: takes a record; what is wrong with it is said, and counted. */
void watch_start(struct watch *watch);
void watch_sample(struct watch *watch, const struct feed_record *record);
void watch_record(struct watch *watch, const struct feed_record *record);
void watch_view(struct watch *watch, struct view *view, int level);
void watch_forget(struct watch *watch, struct view *view);

/* The nominal period as far as it is known, ns; 0: it is not. */
int64_t node_period(const struct node *node);
/* Joules so far, by epi-integrate's choice of method. */
energy_units node_joules(const struct node *node);
/* Samples that it lost, by itself and with all others. */
int64_t node_lost(const struct view *view, unsigned index);
/* Power to be shown: the mean of the last whole second, of instruments that are
 * slower than twice a second the last sample; NAN: none. */
double node_watts(const struct node *node);
/* Longest time without a sample that is no silence. */
int64_t node_patience(const struct node *node);
/* For how long a node has been silent, ns; 0: it is not. */
int64_t node_silence(const struct view *view, unsigned index);

/* A quantity that was told a short time ago; NAN: it was not. */
double quantity_fresh(const struct view *view,
    const struct quantity *quantity);

/* Of a span from the stream's begin, the share that was measured; NAN: no span
 * yet. */
double view_coverage(const struct view *view, unsigned index);

struct total {
	double watts;          /* NAN: a node is silent, or none there */
	double mean_watts;     /* of the times measured; NAN: of a node, none */
	energy_units joules;
	int64_t lost;
	double coverage, seconds;
};
void view_total(const struct view *view, struct total *total);

/* token: looks at the file again, where it has changed; may take long.  `begun`:
 * what is there already was generated before. */
void token_look(struct watch *watch, bool begun);

/* alarm: the alarms of a view, most urgent first, at most `room`; their count,
 * which may be more. */
enum { ALARM_TEXT = 96 };
struct alarm {
	char text[ALARM_TEXT];
	char word[12];         /* for a node's panel */
	int node;              /* -1: of none */
};
int alarm_list(const struct view *view, struct alarm *alarms, int room);

#endif
