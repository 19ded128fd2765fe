/*
 * window: the state of epi-window, shared by its parts.
 *
 * span: which spans are wanted; pass: what of the stream is passed on; clock: the
 * clock events before a span; extent: the first and last sample; sorted: the short
 * way through a sorted file, on what seek finds.
 */
#ifndef EPI_WINDOW_WINDOW_H
#define EPI_WINDOW_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "feed.h"
#include "sample.h"

/* A point in time that may hang on the stream. */
struct moment {
	enum { UNSET, AT, AFTER_FIRST, BEFORE_LAST } from;
	int64_t ns;
};

struct span {
	char *label;           /* NULL: none */
	int64_t begin_ns;
	int64_t end_ns;        /* INT64_MAX: the last sample */
	bool ended;            /* its end edge is written */
	bool any;              /* samples were in it */
};

/* Indices of spans. */
struct list {
	size_t *at, count, room;
};

struct node {
	int64_t last_ns;
	int64_t next_edge_ns;  /* before it nothing changes */
	bool seen, wanted, inside;
	bool later;            /* so far, only a tap told of it that started behind all
	                          spans: not wanted */
	size_t begins;         /* how many spans have begun by last_ns; of these */
	struct list open;      /* have not ended */
	char *held;            /* the last sample, not written so far */
	size_t held_length, held_room;
};

struct state {
	struct moment from, to;
	int64_t for_ns;
	const char *label, *span_file;
	char **only_nodes;
	bool only, sorted;

	struct span *spans;    /* by begin */
	size_t count, room;
	size_t begun;          /* of these, the begin edges are written; of those */
	struct list open;      /* no sample has passed the end, of --sorted, or */
	struct list passed;    /* one has, and not every node */
	bool resolved;         /* the spans' times are known */
	struct span *marks;    /* open, while --span's file is read */
	size_t mark_count, mark_room;

	struct sample_nodes names;
	struct node *nodes;
	unsigned node_room;
	unsigned laggard;      /* the node that was last found behind an end */
	bool any;
	bool unread;           /* not all of the input could be read; it was said */
	int64_t first_ns, last_ns;
	enum { BY_COUNT,       /* stops make up for starts; of --sorted on a */
		BY_NODES,      /* file, only the nodes tell that a span ended, */
		IN_ORDER,      /* or every tap stopped in order, or */
		BROKEN         /* one broke off before the end, or was not read */
	} ending;
	unsigned starts, stops;
	char *stop_lines;
	size_t stop_length;
};

extern struct state s;

/* span: --from and --to become a span, once the first sample is there. */
void span_resolve(void);
/* The spans of --span's file. */
void span_load(void);

/* extent: the stream has a sample at t. */
void extent_note(int64_t t);
/* -D counts from the last sample: the input is read twice. */
void extent_find(char **operands);

/* pass: records one after another, and the end of input. */
void pass_record(void *state, const struct feed_record *record);
void pass_event(const struct feed_record *record);
/* What begins up to t; whether all samples before t were seen. */
void pass_begin(int64_t t, bool all_seen);
/* The samples held of nodes that have none from begin_ns on. */
void pass_neighbours(int64_t begin_ns);
void pass_finish(void);

/* clock: an event before the next span takes the place of one of the same clock
 * that is not later; what was held is written. */
void clock_hold(const struct feed_record *record, int64_t t);
void clock_release(void);
/* From now on one is wanted of each clock that is held; whether one still is. */
void clock_want(void);
bool clock_wanted(void);

/* sorted: --sorted on a file (NULL or "-": standard input), of which what lies
 * outside the spans is not read.  False: it must be. */
bool sorted_take(const char *operand);

#endif
