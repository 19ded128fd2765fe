/* The alignment of clocks against a simulated meter: its crystal is known, and
 * so is the true time of every sample. */
#include <math.h>
#include <stdlib.h>

#include "epi-tap/align.c"
#include "unit.h"

struct world {
	uint64_t random;
	double skew;        /* the meter's clock runs fast by this */
	double rate_hz;
	double reading_s;
	bool pings;
	double first_ping_s; /* 0: three right away */
	int64_t arrived_ns; /* lines do not overtake each other */
	double stall_from_s, stall_to_s; /* nothing arrives in between */
};

struct errors {
	double most_s, settled_s; /* of all, and from the 30th second on */
	bool rises, bounded;
	double bound_s, skew;
};

static double
uniform(struct world *world)
{
	world->random ^= world->random >> 12;
	world->random ^= world->random << 25;
	world->random ^= world->random >> 27;
	return (double)(world->random * UINT64_C(2685821657736338717) >> 11) /
	    9007199254740992.0;
}

static uint64_t
device_us(const struct world *world, double true_s)
{
	return (uint64_t)(true_s * (1 + world->skew) * 1e6);
}

/* 0.05 to 1 ms late, and one in 200 up to 20 ms. */
static int64_t
arrival_ns(struct world *world, double sent_s)
{
	double late_s = 50e-6 + 950e-6 * uniform(world);
	int64_t ns;

	if (uniform(world) < 0.005)
		late_s += 20e-3 * uniform(world);
	if (sent_s > world->stall_from_s && sent_s < world->stall_to_s)
		sent_s = world->stall_to_s;
	ns = (int64_t)((sent_s + late_s) * 1e9);
	if (ns > world->arrived_ns)
		world->arrived_ns = ns;
	return world->arrived_ns;
}

static void
ping(struct align *align, struct world *world, double true_s)
{
	double there_s = true_s + 100e-6 * uniform(world);

	align_ping(align, (int64_t)(true_s * 1e9), device_us(world, there_s),
	    device_us(world, there_s + 1e-3), arrival_ns(world, there_s + 1e-3));
}

/* Sample n is at n / rate_hz. */
static struct errors
run(struct world world, double seconds)
{
	struct align align;
	struct errors errors = { .rises = true, .bounded = true };
	int64_t before_ns = INT64_MIN;
	double next_ping_s = world.first_ping_s;

	align_start(&align);
	if (world.pings && next_ping_s <= 0)
		for (int i = 0; i < 3; i++)
			ping(&align, &world, 0.05 * i);
	for (double s = 0.2; s < seconds; s += 1 / world.rate_hz) {
		uint64_t us = device_us(&world, s);
		int64_t ns;
		double error_s;

		align_arrival(&align, us, arrival_ns(&world,
		    s + world.reading_s), 0.008);
		ns = align_time(&align, us);
		error_s = fabs((double)ns / 1e9 - s);
		errors.rises = errors.rises && ns > before_ns;
		before_ns = ns;
		errors.bounded = errors.bounded && error_s <= align_bound(&align);
		errors.most_s = fmax(errors.most_s, error_s);
		if (s > 30)
			errors.settled_s = fmax(errors.settled_s, error_s);
		if (world.pings && s > next_ping_s) {
			ping(&align, &world, s + 0.01);
			next_ping_s = s + 10; /* behind the line */
		}
	}
	errors.bound_s = align.bound;
	errors.skew = align.skew;
	return errors;
}

static void
drifts(void)
{
	for (int ppm = -100; ppm <= 100; ppm += 50)
		for (int rate_hz = 1; rate_hz <= 50; rate_hz *= 7) {
			struct world world = { .random = 1, .skew = ppm * 1e-6,
				.rate_hz = rate_hz, .reading_s = 0.008,
				.pings = true };
			struct errors e = run(world, 3600);

			is(e.most_s < 0.002 && e.rises, "%d ppm, %d Hz: an hour "
			    "within 2 ms: %.3f, %.3f", ppm, rate_hz,
			    e.most_s * 1e3, e.settled_s * 1e3);
			is(fabs(-e.skew - world.skew) < 1e-6,
			    "%d ppm, %d Hz: the skew within 1 ppm: %g", ppm,
			    rate_hz, e.skew);
			is(e.bounded, "%d ppm, %d Hz: the bound is one", ppm, rate_hz);
			is(e.bound_s < 0.001 && e.settled_s < 0.001,
			    "%d ppm, %d Hz: within 1 ms once it is known: %g",
			    ppm, rate_hz, e.bound_s);
		}
}

static void
seeds(void)
{
	double most_s = 0;

	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct world world = { .random = seed << 20 | 1, .skew = 50e-6,
			.rate_hz = 50, .reading_s = 0.004, .pings = true };

		most_s = fmax(most_s, run(world, 60).most_s);
	}
	is(most_s < 0.002, "200 starts within 2 ms: %.3f", most_s * 1e3);
}

static void
one_way(void)
{
	struct world world = { .random = 7, .skew = 50e-6, .rate_hz = 50,
		.reading_s = 0.008 };
	struct errors e = run(world, 3600);

	is(e.rises && e.settled_s < 0.002 && fabs(e.skew + 50e-6) < 1e-6,
	    "without pings, the reading known: within 2 ms: %.3f",
	    e.settled_s * 1e3);
	is(e.bound_s >= 0.008, "and no bound is claimed that nobody knows");
}

static void
stalls(void)
{
	struct world world = { .random = 3, .skew = 50e-6, .rate_hz = 50,
		.reading_s = 0.004, .pings = true, .stall_from_s = 100,
		.stall_to_s = 110 };
	struct errors e = run(world, 300);

	is(e.rises && e.most_s < 0.002,
	    "nothing for ten seconds, then all at once: within 2 ms: %.3f",
	    e.most_s * 1e3);
}

/* What is known is the arrivals' bound above, 4 ms of reading and 1 ms late, and
 * the ping's below, 0.1 ms: the answer, three seconds late, takes nothing away. */
static void
stalls_at_the_first_ping(void)
{
	struct world world = { .random = 3, .rate_hz = 10, .reading_s = 0.004,
		.pings = true, .first_ping_s = 10, .stall_from_s = 8,
		.stall_to_s = 13 };
	struct errors e = run(world, 19);

	is(e.rises && e.bounded && e.most_s < 0.005,
	    "the one ping answered in a stall: within 5 ms: %.3f",
	    e.most_s * 1e3);
	is(e.bound_s < 0.005, "and known to be: %g", e.bound_s);
}

/* The meter goes on through an hour in which this machine slept. */
static void
sleeps(void)
{
	struct align align;
	int64_t a_ns, b_ns, ahead_ns;

	align_start(&align);
	for (uint64_t us = 0; us < 20000000; us += 20000)
		align_arrival(&align, us, (int64_t)us * 1000, 0);
	a_ns = align_time(&align, 20000000);
	ahead_ns = align_ahead_ns(&align, UINT64_C(3620000000),
	    INT64_C(20001000000));
	is(llabs(ahead_ns - INT64_C(3599999000000)) < 10000000,
	    "a line is an hour ahead: %lld", (long long)ahead_ns);
	align.slept_ns += ahead_ns;
	align_arrival(&align, UINT64_C(3620000000), INT64_C(20001000000), 0);
	b_ns = align_time(&align, UINT64_C(3620000000));
	is(llabs(b_ns - a_ns - INT64_C(3600000000000)) < 10000000,
	    "an hour of sleep has passed: %lld", (long long)(b_ns - a_ns));
}

/* After a reboot the meter's clock is at 0, and its header says so. */
static void
reboots(void)
{
	struct align align;
	double skew;

	align_start(&align);
	for (uint64_t us = 0; us < 60000000; us += 20000)
		align_arrival(&align, us, (int64_t)(us * 1000 + us / 20), 0);
	skew = align.skew;
	align_restart(&align);
	align_word(&align, 1000, INT64_C(70000000000), 0);
	is(align.skew == skew && skew != 0, "the crystal is the same");
	is(llabs(align_time(&align, 21000) - INT64_C(70020000000)) < 10000,
	    "the header's time begins the new clock");
}

int
main(void)
{
	drifts();
	seeds();
	one_way();
	stalls();
	stalls_at_the_first_ping();
	sleeps();
	reboots();
	return unit_finish();
}
