/* What --follow has written: nothing twice, nothing left out, on clocks of ours. */
#include "epi-pull/written.c"
#include "unit.h"

static int64_t wall_s = 5000, steady_s = 5000;

int64_t
clock_now(void)
{
	return wall_s * CLOCK_SECOND;
}

int64_t
clock_steady(void)
{
	return steady_s * CLOCK_SECOND;
}

static struct row kept[40000]; /* the meter's samples, in order */
static size_t kept_count;

static void
keep(int64_t time_s, int64_t node)
{
	struct row row = { time_s * CLOCK_SECOND, node };
	size_t i = kept_count++;

	for (; i > 0 && (kept[i - 1].time_ns > row.time_ns ||
	    (kept[i - 1].time_ns == row.time_ns && kept[i - 1].node > node));
	    i--)
		kept[i] = kept[i - 1];
	kept[i] = row;
}

/* How many of the meter's samples are new. */
static size_t
follow(struct written *written)
{
	int64_t from_ns = written_begin(written, INT64_MIN);
	size_t new = 0;

	for (size_t i = 0; i < kept_count; i++)
		if (kept[i].time_ns >= from_ns)
			new += written_is_new(written, kept[i].time_ns,
			    kept[i].node);
	written_end(written);
	return new;
}

static void
late(void)
{
	struct written *written = written_new();

	kept_count = 0;
	for (int64_t time_s = 1000; time_s < 1100; time_s += 2)
		keep(time_s, 1);
	is(follow(written) == 50, "all of a meter is new");
	is(follow(written) == 0, "and not again");
	keep(1097, 1);
	keep(1098, 2);
	keep(1098, 0);
	is(follow(written) == 3, "nodes that are late, and the same one");
	keep(1099, 1);
	keep(1038, 2);
	keep(1037, 2);
	is(follow(written) == 2, "a minute late, and no more");
	is(follow(written) == 0, "once");
	written_free(written);
}

static void
ahead(void)
{
	struct written *written = written_new();

	kept_count = 0;
	keep(1000, 1);
	keep(9000, 1);
	is(follow(written) == 2, "a sample ahead of the clock");
	keep(4990, 1);
	is(follow(written) == 1, "holds up none behind it");
	steady_s += 100;
	is(follow(written) == 0, "nor is it twice, also at rest");
	wall_s += 100;
	keep(5050, 1);
	is(follow(written) == 1, "nor holds up one after");
	written_free(written);
}

static void
rests(void)
{
	struct written *written = written_new();

	kept_count = 0;
	keep(1000, 1);
	keep(1001, 1);
	is(follow(written) == 2, "a meter speaks");
	steady_s += 61;
	is(follow(written) == 0, "is silent for a minute");
	is(written->before.count == 0, "of which nothing is kept");
	keep(1001, 0);
	is(follow(written) == 0, "what comes then for before is late");
	keep(1002, 1);
	is(follow(written) == 1, "what comes after is new");
	keep(1003, 1);
	is(follow(written) == 1, "and goes on");
	written_free(written);
}

/* 300 s of 100 samples a second, of which 61 are no more than 60 s from the last. */
static void
long_pull(void)
{
	struct written *written = written_new();

	kept_count = 0;
	for (int64_t time_s = 1000; time_s < 1300; time_s++)
		for (int64_t node = 1; node <= 100; node++)
			keep(time_s, node);
	is(follow(written) == 30000, "a long pull");
	is(written->before.count == 6100 && written->before.room <= 16384,
	    "of which a minute is noted, in little room");
	is(follow(written) == 0, "and nothing is twice");
	written_free(written);
}

int
main(void)
{
	late();
	ahead();
	rests();
	long_pull();
	return unit_finish();
}
