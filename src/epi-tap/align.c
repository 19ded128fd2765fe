#include <math.h>
#include <string.h>

#include "epi-tap/align.h"

/* A crystal is good for 50 ppm; 200 is none that works. */
#define SKEW_MOST 200e-6
#define SKEW_FIRST 100e-6
/* A crystal's rate wanders with its temperature, about 0.1 ppm in a minute. */
#define SKEW_WANDERS 0.2e-6
/* How close to the least delay the earliest of a bucket comes; about a byte on
 * the wire. */
#define CLOSE_S 100e-6
/* The skew is that of a hull at least so long. */
#define SPAN_LEAST_S 15.0
/* Pings older than this say nothing of the offset that later ones do not. */
#define PING_AGE_S 300.0
/* What is given out moves to the estimate within about this, and by no more
 * than that share of the time that passes. */
#define FOLLOW_S 2.0
#define FOLLOW_MOST 0.01

static double
device_s(const struct align *align, uint64_t time_us)
{
	return (double)(int64_t)(time_us - align->base_us) / 1e6;
}

static double
offset_s(const struct align *align, uint64_t time_us, int64_t host_ns)
{
	return (double)(host_ns + align->slept_ns - align->base_ns -
	    (int64_t)(time_us - align->base_us) * 1000) / 1e9;
}

static double
estimate(const struct align *align, double x)
{
	return align->offset + align->skew * (x - align->x);
}

static void
base(struct align *align, uint64_t time_us, int64_t host_ns)
{
	if (align->based)
		return;
	align->based = true;
	align->base_us = time_us;
	align->base_ns = host_ns;
}

void
align_start(struct align *align)
{
	memset(align, 0, sizeof *align);
	align->skew_u = SKEW_FIRST;
}

void
align_restart(struct align *align)
{
	double skew = align->skew, skew_u = align->skew_u;

	align_start(align);
	align->skew = skew;
	align->skew_u = skew_u;
}

/* Lower hull. */

static const struct align_point *
bucket(const struct align *align, unsigned i)
{
	unsigned first = align->bucket_next + ALIGN_BUCKETS -
	    align->bucket_count;

	return &align->buckets[(first + i) % ALIGN_BUCKETS];
}

/* Whether b lies on or above the straight line from a to c. */
static bool
above(const struct align_point *a, const struct align_point *b,
    const struct align_point *c)
{
	return (b->y - a->y) * (c->x - a->x) >= (c->y - a->y) * (b->x - a->x);
}

/* The lower hull of the buckets, left to right; returns its size. */
static unsigned
hull(const struct align *align, struct align_point points[ALIGN_BUCKETS])
{
	unsigned n = 0;

	for (unsigned i = 0; i < align->bucket_count; i++) {
		const struct align_point *point = bucket(align, i);

		while (n > 1 && above(&points[n - 2], &points[n - 1], point))
			n--;
		points[n++] = *point;
	}
	return n;
}

/* The edge below the middle is the line below all points that comes closest
 * to them on the whole.  The last bucket is still being filled. */
static void
find_skew(struct align *align)
{
	struct align_point points[ALIGN_BUCKETS];
	unsigned n = hull(align, points), edge = 0;
	double middle = 0, skew, span;

	for (unsigned i = 0; i < align->bucket_count; i++)
		middle += bucket(align, i)->x / align->bucket_count;
	if (n < 2 || points[n - 1].x - points[0].x < SPAN_LEAST_S)
		return;
	while (edge + 2 < n && points[edge + 1].x < middle)
		edge++;
	span = points[edge + 1].x - points[edge].x;
	skew = (points[edge + 1].y - points[edge].y) / span;
	if (fabs(skew) > SKEW_MOST)
		return;
	align->skew = skew;
	align->skew_u = SKEW_WANDERS + 2 * CLOSE_S / span;
}

/* Offset. */

/* The least that the arrivals allow at x, an upper bound of the offset; the
 * older one is, by `wide` the less it allows. */
static double
envelope(const struct align *align, double x, double wide)
{
	double least = INFINITY;

	for (unsigned i = 0; i < align->bucket_count; i++) {
		const struct align_point *point = bucket(align, i);
		double age = x - point->x;

		least = fmin(least, point->y + align->skew * age +
		    wide * fabs(age));
	}
	return least;
}

/* What the pings leave between their bounds at x; the older, the wider. */
static bool
ping_bounds(const struct align *align, double x, double *low, double *high)
{
	unsigned latest = (align->ping_next + ALIGN_PINGS - 1) % ALIGN_PINGS;
	bool any = false;

	*low = -INFINITY;
	*high = INFINITY;
	for (unsigned i = 0; i < align->ping_count; i++) {
		double age = x - align->pings[i].x;
		double moved = align->skew * age;
		double wide = align->skew_u * fabs(age);

		if (age > PING_AGE_S && i != latest)
			continue;
		*low = fmax(*low, align->pings[i].low + moved - wide);
		*high = fmin(*high, align->pings[i].high + moved + wide);
		any = true;
	}
	return any;
}

/* Without pings the delay of the reading is a guess, and so the bound.  A ping
 * whose answer lay about while this machine stalled leaves seconds open above,
 * of which the arrivals allow next to nothing. */
static void
find_offset(struct align *align, double x)
{
	double low, high;

	align->x = x;
	if (ping_bounds(align, x, &low, &high)) {
		high = fmin(high, envelope(align, x, align->skew_u));
		align->offset = (low + high) / 2;
		align->bound = fabs(high - low) / 2;
	} else {
		align->offset = envelope(align, x, 0) - align->reading_s;
		align->bound = align->reading_s + 0.001;
	}
}

/* Arrivals. */

static void
keep(struct align *align, double x, double y)
{
	struct align_point *last = align->bucket_count
	    ? &align->buckets[(align->bucket_next + ALIGN_BUCKETS - 1) %
	    ALIGN_BUCKETS] : NULL;

	if (last && floor(last->x / ALIGN_BUCKET_S) ==
	    floor(x / ALIGN_BUCKET_S)) {
		if (y - align->skew * x >= last->y - align->skew * last->x)
			return;
		*last = (struct align_point){ x, y };
	} else {
		find_skew(align);
		align->buckets[align->bucket_next] =
		    (struct align_point){ x, y };
		align->bucket_next = (align->bucket_next + 1) % ALIGN_BUCKETS;
		if (align->bucket_count < ALIGN_BUCKETS)
			align->bucket_count++;
	}
	find_offset(align, x);
}

void
align_arrival(struct align *align, uint64_t time_us, int64_t arrival_ns,
    double reading_s)
{
	double x, y, late;

	base(align, time_us, arrival_ns);
	x = device_s(align, time_us);
	y = offset_s(align, time_us, arrival_ns);
	late = y - estimate(align, x);
	align->reading_s = reading_s;
	align->latest_s = fmax(align->latest_s, late);
	keep(align, x, y);
}

void
align_word(struct align *align, uint64_t time_us, int64_t arrival_ns,
    double reading_s)
{
	if (align->bucket_count > 0)
		return;
	base(align, time_us, arrival_ns);
	align->reading_s = reading_s;
	keep(align, device_s(align, time_us),
	    offset_s(align, time_us, arrival_ns) + reading_s);
}

void
align_ping(struct align *align, int64_t sent_ns, uint64_t received_us,
    uint64_t answered_us, int64_t arrival_ns)
{
	unsigned i = align->ping_next;

	base(align, received_us, sent_ns);
	align->pings[i].x = device_s(align, answered_us);
	align->pings[i].low = offset_s(align, received_us, sent_ns);
	align->pings[i].high = offset_s(align, answered_us, arrival_ns);
	align->ping_next = (i + 1) % ALIGN_PINGS;
	if (align->ping_count < ALIGN_PINGS)
		align->ping_count++;
	find_offset(align, align->pings[i].x);
}

/* Times. */

static int64_t
host_ns(const struct align *align, uint64_t time_us, double y)
{
	return align->base_ns + (int64_t)(time_us - align->base_us) * 1000 +
	    (int64_t)(y * 1e9 + (y < 0 ? -0.5 : 0.5));
}

int64_t
align_guess(const struct align *align, uint64_t time_us)
{
	return host_ns(align, time_us, estimate(align,
	    device_s(align, time_us)));
}

int64_t
align_time(struct align *align, uint64_t time_us)
{
	double x = device_s(align, time_us), y = estimate(align, x);
	double passed = x - align->given_x, error;

	if (align->given) {
		double straight = align->given_y + align->skew * passed;

		error = align->doubtful ? 0
		    : (y - straight) * fmin(1, passed / FOLLOW_S);
		y = straight + fmax(-FOLLOW_MOST * passed,
		    fmin(error, FOLLOW_MOST * passed));
	}
	align->given = true;
	align->given_x = x;
	align->given_y = y;
	return host_ns(align, time_us, y);
}

int64_t
align_ahead_ns(const struct align *align, uint64_t time_us,
    int64_t arrival_ns)
{
	double x;

	if (!align->given)
		return 0;
	x = device_s(align, time_us);
	return (int64_t)((align->given_y + align->skew * (x - align->given_x) -
	    offset_s(align, time_us, arrival_ns)) * 1e9);
}

double
align_error(const struct align *align)
{
	return estimate(align, align->given_x) - align->given_y;
}

double
align_bound(const struct align *align)
{
	return align->bound + CLOSE_S + align->skew_u * fabs(align->given_x - align->x) +
	    fabs(align_error(align));
}

double
align_latest(struct align *align)
{
	double latest_s = align->latest_s;

	align->latest_s = 0;
	return latest_s;
}
