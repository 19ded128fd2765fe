#include "load.h"

#include <string.h>

/* Watts of a single-board computer with 8 GB: at its outlet, and what one
 * token's computing adds and its waiting for the network takes away. */
static const struct {
	int32_t level_uw, computing_uw, waiting_uw;
} states[] = {
	[LOAD_IDLE] = { 3200000, 250000, 0 },
	[LOAD_PREFILL] = { 8600000, 300000, -600000 },
	[LOAD_DECODE] = { 7200000, 500000, -1900000 },
	[LOAD_OFF] = { 0, 0, 0 },
	[LOAD_FIXED] = { 0, 0, 0 }
};

/* xorshift64*, Vigna 2016. */
static uint64_t
draw_from(uint64_t *random)
{
	*random ^= *random >> 12;
	*random ^= *random << 25;
	*random ^= *random >> 27;
	return *random * UINT64_C(2685821657736338717);
}

static uint64_t
draw(struct load *load)
{
	return draw_from(&load->random);
}

/* Near enough to a normal deviate, in 1/37838 of its deviation: four uniform
 * numbers of 16 bits added have a deviation of 2 * 65536 / sqrt(12). */
static int32_t
deviate_from(uint64_t *random)
{
	uint64_t r = draw_from(random);

	return (int32_t)((r & 0xFFFF) + (r >> 16 & 0xFFFF) +
	    (r >> 32 & 0xFFFF) + (r >> 48)) - 131070;
}

static int32_t
deviate(struct load *load)
{
	return deviate_from(&load->random);
}

static uint32_t
between(struct load *load, uint32_t low, uint32_t high)
{
	return low + (uint32_t)((draw(load) >> 32) * (high - low + 1) >> 32);
}

static void
next_burst(struct load *load, struct load_node *node)
{
	node->computing = !node->computing;
	if (node->state == LOAD_IDLE)
		node->burst_ms = node->computing ? between(load, 2, 30) :
		    between(load, 20, 400);
	else
		node->burst_ms = node->computing ? between(load, 60, 140) :
		    between(load, 5, 45);
}

static int32_t
target(const struct load_node *node)
{
	if (node->state == LOAD_OFF)
		return 0;
	if (node->state == LOAD_FIXED)
		return node->fixed_uw;
	return states[node->state].level_uw + node->noise_uw +
	    (node->computing ? states[node->state].computing_uw :
	    states[node->state].waiting_uw);
}

/* One millisecond.  The noise keeps 31/32 of itself, so that a step of
 * sqrt(1 - (31/32)^2) = 0.248 deviations holds the rms; the supply's bulk
 * capacitor smooths over about 16 ms. */
static void
step(struct load *load, struct load_node *node)
{
	node->energy_nj += node->power_uw;
	node->history_nj[(load->ms + 1) % LOAD_HISTORY_MS] = node->energy_nj;
	if (node->state < LOAD_OFF) {
		if (node->burst_ms-- == 0)
			next_burst(load, node);
		node->noise_uw += -node->noise_uw / 32 + (int32_t)(
		    (int64_t)deviate(load) * load->config.noise_uw / 152573);
	}
	node->smooth_uw += (target(node) - node->smooth_uw) / 16;
	if (node->state == LOAD_FIXED)
		node->smooth_uw = node->fixed_uw;
	node->power_uw = node->smooth_uw > 0 ? node->smooth_uw : 0;
}

/* Ten times a second the mains wander: up to about 1 % in voltage, 20 mHz. */
static void
wander(struct load *load)
{
	int32_t mv = load->config.mains_mv, mhz = load->config.mains_millihertz;

	load->line_mv += (mv - load->line_mv) / 64 +
	    (int32_t)((int64_t)deviate(load) * mv / 37838 / 1500);
	load->line_millihertz += (mhz - load->line_millihertz) / 64 +
	    (int32_t)((int64_t)deviate(load) * 2 / 37838);
}

static void
advance(struct load *load, uint64_t time_us)
{
	while (load->ms < time_us / 1000) {
		if (load->ms % 100 == 0)
			wander(load);
		for (unsigned n = 0; n < load->config.nodes; n++)
			step(load, &load->nodes[n]);
		load->ms++;
	}
}

void
load_start(struct load *load, const struct load_config *config)
{
	memset(load, 0, sizeof *load);
	load->config = *config;
	load->random = config->seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
	load->noise = ~load->random;
	for (int i = 0; i < 8; i++)
		draw(load);
	load->line_mv = config->mains_mv;
	load->line_millihertz = config->mains_millihertz;
	for (unsigned n = 0; n < config->nodes; n++) {
		load->nodes[n].smooth_uw = states[LOAD_IDLE].level_uw;
		load->nodes[n].power_uw = states[LOAD_IDLE].level_uw;
		load_set_front(load, n, &config->front);
	}
	for (unsigned n = 0; n < config->nodes; n++) {
		load_mean_from(load, n, 0);
		load->nodes[n].counted_true_nj = load->nodes[n].read_nj;
	}
}

void
load_until(struct load *load, uint64_t time_us)
{
	advance(load, time_us + LOAD_BEFORE_US);
}

void
load_set(struct load *load, unsigned node, enum load_state state)
{
	load->nodes[node].state = state;
	load->nodes[node].burst_ms = 0;
}

void
load_fix(struct load *load, unsigned node, int32_t uw, bool resistive)
{
	load->nodes[node].fixed_uw = uw;
	load->nodes[node].resistive = resistive;
	load_set(load, node, LOAD_FIXED);
}

int64_t
load_energy_nj(struct load *load, unsigned node, int64_t time_us)
{
	struct load_node *at = &load->nodes[node];
	uint64_t age_us = (uint64_t)(time_us + LOAD_BEFORE_US);

	advance(load, age_us);
	uint64_t ms = age_us / 1000, us = age_us % 1000;
	if (ms == load->ms)
		return at->energy_nj + (int64_t)us * at->power_uw / 1000;
	int64_t from = at->history_nj[ms % LOAD_HISTORY_MS];
	int64_t to = at->history_nj[(ms + 1) % LOAD_HISTORY_MS];
	return from + (to - from) * (int64_t)us / 1000;
}

/*
 * A small rectifier supply draws its current in a spike at the crest.  Its
 * power factor rises with load from 0.30 to 0.60, most of it distortion; the
 * fundamental leads by a Q of a fifth to a tenth of P; the crest factor falls
 * from 5.0 to 3.5.
 */
static int32_t
share_ppm(int64_t uw)
{
	return (int32_t)(uw <= 0 ? 0 : uw * 1000000 / (uw + 9000000));
}

static int32_t
power_factor_milli(const struct load_node *node, int64_t uw)
{
	return node->resistive ? 1000 : 300 + share_ppm(uw) * 3 / 10000;
}

static int64_t
true_reactive_uvar(const struct load_node *node, int64_t uw)
{
	return node->resistive ? 0 : -uw * (200 - share_ppm(uw) / 10000) / 1000;
}

static int64_t
current_ua(const struct load *load, const struct load_node *node, int64_t uw)
{
	if (uw <= 0)
		return 0;
	return uw * 1000000 / power_factor_milli(node, uw) / load->line_mv;
}

/* A share of a value, exact and cut off, that may be the energy of a day. */
static int64_t
share(int64_t value, int64_t part, int64_t whole)
{
	return value / whole * part + value % whole * part / whole;
}

static int64_t
share_ppb(int64_t value, int64_t ppb)
{
	return share(value, ppb, 1000000000);
}

/* The share of the power that an ADC keeps which clips the current's peak:
 * the spike loses its top, and power in the same measure. */
static int64_t
clip(const struct load *load, const struct load_node *node, int64_t uw,
    int64_t value)
{
	int64_t crest_milli = node->resistive ? 1414
	    : 5000 - share_ppm(uw) * 15 / 10000;
	int64_t peak_ua = current_ua(load, node, uw) * crest_milli / 1000;

	if (load->config.clip_peak_ua <= 0 || peak_ua <= load->config.clip_peak_ua)
		return value;
	return share(value, load->config.clip_peak_ua, peak_ua);
}

void
load_set_front(struct load *load, unsigned node,
    const struct load_front *front)
{
	struct load_node *at = &load->nodes[node];
	int64_t x = (int64_t)front->phase_millidegrees * 17453293 / 1000;
	int64_t sine = x, cosine = 1000000000, term = 1000000000;

	/* The series of sine and cosine in 1e-9; at 30 degrees the tenth term
	 * is under it. */
	for (int i = 1; i <= 10; i++) {
		term = term * x / 1000000000 / i;
		if (i % 2 == 0)
			cosine += i % 4 == 0 ? term : -term;
		else if (i > 1)
			sine += i % 4 == 1 ? term : -term;
	}
	at->front = *front;
	at->cosine_ppb = cosine;
	at->sine_ppb = sine;
}

/*
 * What the channel makes of a true quantity and of its reactive twin (uW, or nJ
 * over a time): phase error, ratio error, pickup, crosstalk, clipping,
 * direction.
 */
static int64_t
measured(const struct load *load, unsigned n, int64_t value, int64_t reactive,
    int64_t mean_uw, int64_t others, int64_t pickup)
{
	const struct load_node *node = &load->nodes[n];

	value = clip(load, node, mean_uw, value);
	value = share_ppb(value, node->cosine_ppb) +
	    share_ppb(reactive, node->sine_ppb);
	value += share(value, node->front.gain_ppm, 1000000);
	value += share(others, load->config.crosstalk_ppm, 1000000) + pickup;
	return node->reversed ? -value : value;
}

/* Reactive power goes with the real one as it does at their mean. */
static int64_t
reactive_of(const struct load_node *node, int64_t value, int64_t mean_uw)
{
	return mean_uw > 0 ? share(value, true_reactive_uvar(node, mean_uw) *
	    1000 / mean_uw, 1000) : 0;
}

static int64_t
measured_reactive(const struct load *load, unsigned n, int64_t uw)
{
	const struct load_node *node = &load->nodes[n];
	int64_t value = share_ppb(true_reactive_uvar(node, uw),
	    node->cosine_ppb) - share_ppb(uw, node->sine_ppb);

	value += share(value, node->front.gain_ppm, 1000000) +
	    node->front.pickup_uvar;
	return node->reversed ? -value : value;
}

/* The meter's own noise; of the power also in the energy that it counts. */
static int64_t
reading_noise(struct load *load)
{
	if (load->config.reading_noise_uw == 0)
		return 0;
	return (int64_t)deviate_from(&load->noise) *
	    load->config.reading_noise_uw / 37838;
}

static int64_t
span_power_uw(struct load *load, unsigned n, int64_t from_us,
    int64_t from_nj, int64_t to_us)
{
	if (to_us <= from_us)
		return load->nodes[n].power_uw;
	return share(load_energy_nj(load, n, to_us) - from_nj, 1000,
	    to_us - from_us);
}

static int64_t
averaged_uw(struct load *load, unsigned n, int64_t time_us)
{
	struct load_node *node = &load->nodes[n];
	int64_t begin = time_us - (int64_t)load->config.window_us;

	switch (load->config.sampling) {
	case LOAD_POINT:
		return node->power_uw;
	case LOAD_WINDOW:
		return span_power_uw(load, n, begin,
		    load_energy_nj(load, n, begin), time_us);
	default:
		return span_power_uw(load, n, node->read_us, node->read_nj,
		    time_us);
	}
}

static int64_t
others_uw(const struct load *load, unsigned n)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < load->config.nodes; i++)
		sum += i == n ? 0 : load->nodes[i].power_uw;
	return sum;
}

void
load_mean_from(struct load *load, unsigned node, uint64_t time_us)
{
	load->nodes[node].read_us = (int64_t)time_us;
	load->nodes[node].read_nj = load_energy_nj(load, node,
	    (int64_t)time_us);
}

void
load_read(void *state, unsigned channel, uint64_t time_us,
    struct model_reading *reading)
{
	struct load *load = state;
	struct load_node *node = &load->nodes[channel];

	advance(load, time_us + LOAD_BEFORE_US);
	int64_t uw = averaged_uw(load, channel, (int64_t)time_us);
	int64_t noise_uw = reading_noise(load);
	node->noise_nj += noise_uw * ((int64_t)time_us - node->read_us) / 1000;
	load_mean_from(load, channel, time_us);
	reading->power_uw = measured(load, channel, uw,
	    reactive_of(node, uw, uw), uw,
	    load->config.crosstalk_ppm ? others_uw(load, channel) : 0,
	    node->front.pickup_uw) + noise_uw;
	reading->reactive_uvar = measured_reactive(load, channel, uw) +
	    reading_noise(load);
	reading->current_ua = clip(load, node, uw, current_ua(load, node, uw));
	reading->power_factor_milli = uw > 0 ? power_factor_milli(node, uw) : 0;
	if (node->reversed)
		reading->power_factor_milli = -reading->power_factor_milli;
	reading->voltage_mv = load->line_mv;
	reading->frequency_millihertz = load->line_millihertz;
	reading->sag = load->line_mv < load->config.mains_mv * 7 / 10;
}

int64_t
load_measured_nj(void *state, unsigned channel, uint64_t time_us)
{
	struct load *load = state;
	struct load_node *node = &load->nodes[channel];
	int64_t now_nj = load_energy_nj(load, channel, (int64_t)time_us);
	int64_t us = (int64_t)time_us - node->counted_us;

	if (us <= 0)
		return node->measured_nj + node->noise_nj;
	int64_t nj = now_nj - node->counted_true_nj;
	int64_t mean_uw = share(nj, 1000, us);
	node->measured_nj += measured(load, channel, nj,
	    reactive_of(node, nj, mean_uw), mean_uw,
	    load->config.crosstalk_ppm ?
	    share(others_uw(load, channel), us, 1000) : 0,
	    share(node->front.pickup_uw, us, 1000));
	node->counted_us = (int64_t)time_us;
	node->counted_true_nj = now_nj;
	return node->measured_nj + node->noise_nj;
}
