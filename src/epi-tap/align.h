/*
 * align: a meter's clock against this machine's monotonic one.
 *
 * A line cannot arrive before it was sent: the arrivals, less what is known of
 * their delay, lie on or above the true relation of both clocks, and some lie
 * close to it.  The edge of their lower convex hull below the window's middle
 * gives the skew (Zhang, Liu and Xia, Clock synchronization algorithms for
 * network measurements, INFOCOM 2002); pings, of which both directions are
 * known, hold the offset between two bounds.
 *
 * The estimate uses the past alone, and jumps as it learns.  What align_time
 * gives out does not: it follows the estimate by at most a hundredth of the
 * time that passes.
 *
 * Pure arithmetic: differences of whole nanoseconds, taken as doubles of a few
 * seconds or less; bounded memory; nothing printed.
 */
#ifndef EPI_TAP_ALIGN_H
#define EPI_TAP_ALIGN_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ALIGN_BUCKETS = 64, /* of the earliest arrivals, */
	ALIGN_BUCKET_S = 5, /* so many seconds each */
	ALIGN_PINGS = 32
};

struct align_point {
	double x; /* the meter's clock, s since base_us */
	double y; /* this machine's since base_ns, less x */
};

struct align {
	bool based;
	uint64_t base_us;
	int64_t base_ns;
	int64_t slept_ns; /* this machine's clock stood while the meter's went */

	struct align_point buckets[ALIGN_BUCKETS];
	unsigned bucket_count, bucket_next; /* a ring */
	struct { double x, low, high; } pings[ALIGN_PINGS];
	unsigned ping_count, ping_next; /* a ring */

	double reading_s;   /* from a sample's time to its line, as far as known */
	double skew;        /* dy/dx: below 0 where the meter's clock runs fast */
	double skew_u;      /* how far it may be off */
	double x, offset, bound; /* the estimate: y at x, and how far it may err */

	bool doubtful;      /* what is given out does not follow the estimate yet */
	bool given;         /* a time was given out: */
	double given_x, given_y;
	double latest_s;    /* the latest arrival, against the estimate, since
	                       align_latest() */
};

/* All zero is no knowledge at all. */
void align_start(struct align *align);

/* The meter's clock began anew; its crystal is the same. */
void align_restart(struct align *align);

/*
 * A line of the sample of time_us was there at arrival_ns at the latest, the
 * time of its bytes on the wire taken off; `reading_s` is what the meter takes
 * from that time to the line's first byte, at a guess.
 */
void align_arrival(struct align *align, uint64_t time_us, int64_t arrival_ns,
    double reading_s);

/* The same of a line that was sent right at that time, a header; samples' lines
 * would take `reading_s`.  Heeded where nothing is known yet. */
void align_word(struct align *align, uint64_t time_us, int64_t arrival_ns,
    double reading_s);

/*
 * A ping: what left at sent_ns was there at received_us, what was sent at
 * answered_us was here at arrival_ns; the wire's time is added and taken off.
 */
void align_ping(struct align *align, int64_t sent_ns, uint64_t received_us,
    uint64_t answered_us, int64_t arrival_ns);

/*
 * This machine's monotonic time of a time of the meter's, on a line without
 * steps; times_us must not fall.  Something must have arrived before.
 */
int64_t align_time(struct align *align, uint64_t time_us);

/* How far ahead of what was given out a line arrives, in ns; 0 if nothing was. */
int64_t align_ahead_ns(const struct align *align, uint64_t time_us,
    int64_t arrival_ns);

/* align_time without slewing and without a trace: what is thought now. */
int64_t align_guess(const struct align *align, uint64_t time_us);

/* How far the time last given out may be off, in s: what the pings leave, and
 * what is not followed yet. */
double align_bound(const struct align *align);

/* The part of it that is not followed yet. */
double align_error(const struct align *align);

/* How late the latest arrival was, in s, and begins again. */
double align_latest(struct align *align);

#endif
