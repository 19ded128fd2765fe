/*
 * budget: what the energy of a node in a span is not known by.
 *
 * Every line is the change in joules for one standard uncertainty of one thing
 * (JCGM 100, 5.1).  With E the energy, T the time that it is of, R the integral
 * of the reactive power:
 *
 *	calibration   each of its own lines, through the correction's slopes:
 *	              dE = -T do - E dG/G - R df + T sin f doq  (power path)
 *	class         E gain + T offset + R phase, common to all of the class
 *	transfer, clamp, voltage, linearity, crosstalk     E times theirs
 *	sampling      of N samples a period P apart, whose differences have the
 *	              variance 2 v, and whose averaging covers the share a of P:
 *	              N P^2 v (1 - a); not by the counter
 *	edges         half a period at each edge: P^2 v / 2; of a span that is
 *	              shorter, half of it
 *	noise         P n sqrt(N)
 *	resolution    two readings of the counter, each within one step
 *	clock, hosts  a shift of both edges: the power at the end, less that at
 *	              the begin, times the shift
 *	time          E times the time base's
 *	gap           see figure.c
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "epi-integrate/instrument.h"
#include "epi-integrate/integrate.h"

enum { KEY = 600 };

/* A node's figures in a span, in SI units. */
struct terms {
	struct figure *figure;
	const struct node *node;
	const struct instrument *instrument;
	const char *meter, *class; /* ids for keys */
	const char *name;
	int64_t begin_ns;
	double joules, seconds, var_seconds;
	bool has_vars;
	double period, samples;
	double differences, deviation; /* of samples, W */
	double step_watts;         /* at the end, less at the begin */
	double resolution;         /* of the counter */
};

/* Scopes of the class's lines and where their keys end. */
enum extent { CLASS_WIDE, METER_WIDE, CHANNEL_WIDE, METER_RUN, CHANNEL_RUN };

static void
add(const struct terms *t, const char *source, double c, enum extent extent,
    enum budget_shape shape, bool evaluated, double nu)
{
	static const enum budget_scope scopes[] = {
		BUDGET_METER, BUDGET_METER, BUDGET_CHANNEL, BUDGET_RUN,
		BUDGET_RUN
	};
	struct budget_line line = {
		.source = source, .c = c, .nu = nu, .scope = scopes[extent],
		.shape = shape, .evaluated = evaluated
	};
	char key[KEY];
	int n;

	if (!isfinite(c) || c == 0)
		return;
	n = snprintf(key, sizeof key, "%s:%s", source,
	    extent == CLASS_WIDE ? t->class : t->meter);
	if (extent == CHANNEL_WIDE || extent == CHANNEL_RUN)
		n += snprintf(key + n, sizeof key - (size_t)n, ":%s", t->name);
	if (extent == METER_RUN || extent == CHANNEL_RUN)
		snprintf(key + n, sizeof key - (size_t)n, ":%lld",
		    (long long)t->begin_ns);
	line.key = key;
	budget_add(&t->figure->budget, &line);
}

/* A term of the class times a sensitivity; what is not told is no line. */
static void
add_class(const struct terms *t, enum class_term term, const char *source,
    double sensitivity, enum extent extent)
{
	add(t, source, instrument_term(t->instrument, term) * sensitivity,
	    extent, BUDGET_NORMAL, false, INFINITY);
}

/* The slopes of the corrected energy by each parameter. */
static void
find_slopes(const struct terms *t, const struct calibration_channel *channel,
    double slopes[CALIBRATION_PARAMETERS])
{
	bool counted = t->figure->method == COUNTER && channel->has_energy;

	calibration_slopes(channel->value, counted, t->joules / t->seconds,
	    t->var_seconds / t->seconds, slopes);
	for (int k = 0; k < CALIBRATION_PARAMETERS; k++)
		slopes[k] *= t->seconds;
}

/* One of the calibration's own lines, an object of "sources". */
static void
add_source(const struct terms *t, const struct json_value *object,
    const double slopes[CALIBRATION_PARAMETERS])
{
	enum { COEFFICIENTS, KEYS };
	static const char *const keys[KEYS] = {
		[COEFFICIENTS] = "coefficients"
	};
	struct json_value values[KEYS], element;
	struct json_error error;
	const char *cursor = NULL, *why;
	struct budget read = { 0 };
	double c = 0;
	int i = 0;

	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, keys, KEYS, values, &error) ||
	    !budget_read_line(&read, object, NULL, &why)) {
		budget_clear(&read);
		return;
	}
	while (i < CALIBRATION_PARAMETERS &&
	    json_element(&values[COEFFICIENTS], &cursor, &element)) {
		double coefficient;

		if (json_double(&element, &coefficient))
			c += slopes[i] * coefficient;
		i++;
	}
	read.lines[0].c = c;
	if (c != 0)
		budget_add(&t->figure->budget, &read.lines[0]);
	budget_clear(&read);
}

static const struct calibration_channel *
channel_of(const struct terms *t)
{
	const struct instrument *instrument = t->instrument;

	if (!instrument || !instrument->calibrated || !instrument->corrected)
		return NULL;
	return calibration_find(&instrument->calibration, t->node->channel,
	    t->name);
}

static void
add_calibration(const struct terms *t,
    const struct calibration_channel *channel)
{
	double slopes[CALIBRATION_PARAMETERS];
	struct json_value object;
	const char *cursor = NULL;

	find_slopes(t, channel, slopes);
	while (json_element(&channel->sources, &cursor, &object))
		add_source(t, &object, slopes);
}

/* Of the ratio, the zero and the phase: by calibration, or by the class. */
static void
add_scale(const struct terms *t)
{
	const struct calibration_channel *channel = channel_of(t);

	if (channel) {
		add_calibration(t, channel);
	} else {
		add_class(t, CLASS_GAIN, "gain", t->joules, CLASS_WIDE);
		add_class(t, CLASS_OFFSET, "offset", t->seconds, CLASS_WIDE);
		add_class(t, CLASS_PHASE, "phase", t->has_vars
		    ? t->var_seconds : t->joules, CLASS_WIDE);
	}
	add_class(t, CLASS_LINEARITY, "linearity", t->joules, CHANNEL_WIDE);
	add_class(t, CLASS_TRANSFER, "transfer", t->joules, METER_WIDE);
	add_class(t, CLASS_CLAMP, "clamp", t->joules, CHANNEL_WIDE);
	add_class(t, CLASS_VOLTAGE, "voltage", t->joules, METER_WIDE);
	add_class(t, CLASS_TIME, "time", t->joules, METER_WIDE);
}

/* Samples that average all of their period leave nothing between them. */
static double
uncovered(const struct terms *t)
{
	double averaging = t->instrument
	    ? t->instrument->averaging_seconds : NAN;

	if (isnan(averaging))
		return 1;
	return averaging < t->period ? 1 - averaging / t->period : 0;
}

static void
add_sampling(const struct terms *t)
{
	bool counted = t->figure->method == COUNTER;
	double period = t->period * t->deviation;
	double nu = t->differences > 2 ? t->differences - 1 : 1;

	if (!counted)
		add(t, "sampling", period *
		    sqrt(t->samples * uncovered(t)), CHANNEL_RUN,
		    BUDGET_NORMAL, true, nu);
	add(t, "edges", fmin(t->period, t->seconds) * t->deviation / sqrt(2),
	    CHANNEL_RUN, BUDGET_NORMAL, true, nu);
	if (!counted)
		add_class(t, CLASS_NOISE, "noise", t->period *
		    sqrt(t->samples), CHANNEL_RUN);
	if (counted)
		add(t, "resolution", t->resolution / sqrt(6),
		    CHANNEL_RUN, BUDGET_TRIANGULAR, false, INFINITY);
}

static void
add_edges(const struct terms *t)
{
	double delay = instrument_term(t->instrument, CLASS_DELAY);
	double clock = instrument_term(t->instrument, CLASS_CLOCK);

	add(t, "delay", t->step_watts * delay, METER_WIDE, BUDGET_NORMAL,
	    false, INFINITY);
	add(t, "clock", t->step_watts * clock, METER_RUN, BUDGET_NORMAL,
	    false, INFINITY);
	add(t, "hosts", t->step_watts * instrument_term(t->instrument,
	    CLASS_HOSTS), METER_RUN, BUDGET_NORMAL, false, INFINITY);
	add(t, "gap", t->figure->u_gap_joules, CHANNEL_RUN,
	    BUDGET_RECTANGULAR, false, INFINITY);
}

static struct terms
terms_of(struct figure *figure, const struct node *node,
    const struct part *part, unsigned index)
{
	const struct energy_tally *tally = &figure->tally;
	struct terms t = {
		.figure = figure, .node = node, .instrument = node->instrument,
		.name = s.names.names[index], .begin_ns = figure->begin_ns,
		.joules = energy_joules(figure->joules),
		.seconds = (double)figure->told_ns / 1e9,
		.period = (double)node->period_ns / 1e9,
		.samples = (double)tally->samples,
		.differences = (double)tally->differences,
		.step_watts = (double)(part->end_nw - part->begin_nw) / 1e9,
		.resolution = figure_resolution(node, part)
	};

	t.meter = t.instrument && *t.instrument->id ? t.instrument->id
	    : "unnamed";
	t.class = t.instrument && *t.instrument->name ? t.instrument->name
	    : "unnamed";
	t.has_vars = tally->reactive_ns > 0;
	if (t.has_vars) /* as it was where it was told */
		t.var_seconds = energy_joules(tally->reactive) * 1e3 *
		    (double)figure->told_ns / (double)tally->reactive_ns;
	if (tally->differences > 0)
		t.deviation = ldexp(sqrt((double)tally->variation / 2 /
		    t.differences), ENERGY_VARIATION_BITS) / 1e9;
	return t;
}

void
budget_of_node(struct figure *figure, const struct node *node,
    const struct part *part, unsigned index)
{
	struct terms t = terms_of(figure, node, part, index);

	figure->budgeted = instrument_is_known(node->instrument);
	if (!figure->budgeted)
		return;
	add_scale(&t);
	add_sampling(&t);
	add_edges(&t);
}

/* Each clamp sees some of what the other nodes draw. */
void
budget_add_crosstalk(struct figure *figure, const struct node *node,
    unsigned index, double others_joules)
{
	struct terms t = {
		.figure = figure, .node = node, .instrument = node->instrument,
		.name = s.names.names[index],
		.meter = node->instrument && *node->instrument->id
		    ? node->instrument->id : "unnamed"
	};

	if (figure->budgeted)
		add_class(&t, CLASS_CROSSTALK, "crosstalk", others_joules,
		    CHANNEL_WIDE);
}

double
budget_unshared(const struct figure *figure, const struct node *node,
    const struct part *part, unsigned index)
{
	struct figure copy = *figure;
	struct terms t = terms_of(&copy, node, part, index);
	double noise = instrument_term(node->instrument, CLASS_NOISE);
	double sampling = instrument_is_known(node->instrument)
	    ? t.period * t.deviation : 0; /* else 1 % is granted */

	if (isnan(noise))
		noise = 0;
	return sqrt(sampling * sampling * (t.samples * uncovered(&t) + 0.5) +
	    t.period * noise * t.period * noise * t.samples +
	    t.resolution * t.resolution / 6 +
	    figure->u_gap_joules * figure->u_gap_joules);
}
