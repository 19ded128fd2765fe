#include "epi-calibrate/readings.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "feed.h"
#include "report.h"
#include "stream.h"

/* Reading a trace. */

static struct digest digest; /* of the file that is being read */

static void
watch(const char *bytes, size_t length)
{
	digest_add(&digest, bytes, length);
}

struct taking {
	struct readings *readings;
	bool failed;
};

static void
fail(struct taking *taking, const char *what)
{
	if (!taking->failed)
		report_error("%s: %s", taking->readings->file, what);
	taking->failed = true;
}

static double
number(const struct json_value *value)
{
	double out;

	return json_double(value, &out) ? out : NAN;
}

static char *
text(const struct json_value *value)
{
	char *out = report_resize(NULL, value->length + 1, 1);

	if (json_string(value, out, value->length + 1) >= 0)
		return out;
	free(out);
	return NULL;
}

static void
average(double value, double *mean, size_t *count)
{
	if (!isfinite(value))
		return;
	if (++*count == 1)
		*mean = value;
	else
		*mean += (value - *mean) / (double)*count;
}

static void
keep(struct readings *readings, const struct reading *reading)
{
	if (readings->count == readings->room) {
		readings->room = readings->room ? 2 * readings->room : 1024;
		readings->list = report_resize(readings->list, readings->room,
		    sizeof *readings->list);
	}
	readings->list[readings->count++] = *reading;
}

static void
take_sample(struct taking *taking, const struct feed_record *record)
{
	static const char *const keys[] = { "vars", "volts", "hertz" };
	struct readings *readings = taking->readings;
	const char *node = readings->nodes.names[record->sample.node];
	struct json_value values[3];
	struct json_error error;

	if (readings->wanted && strcmp(readings->wanted, node) != 0)
		return;
	if (!readings->node)
		readings->node = report_copy(node, strlen(node));
	if (strcmp(readings->node, node) != 0) {
		fail(taking, "several nodes: give --node, or "
		    "a reference's one by epi-window --nodes");
		return;
	}
	if (!json_members(record->line, record->length, keys, 3, values,
	    &error))
		return; /* said by feed */
	struct reading reading = {
		.ns = record->sample.timestamp_ns,
		.watts = (double)record->sample.watts_nw / 1e9,
		.vars = number(&values[0]),
		.joules = record->sample.has_joules ?
		    (double)record->sample.joules_uj / 1e6 : NAN
	};
	if (readings->count &&
	    reading.ns < readings->list[readings->count - 1].ns)
		fail(taking, "time goes backwards");
	else if (!readings->count ||
	    reading.ns > readings->list[readings->count - 1].ns)
		keep(readings, &reading);
	average(number(&values[1]), &readings->volts, &readings->volts_count);
	average(number(&values[2]), &readings->hertz, &readings->hertz_count);
}

/* Which of the start event's nodes is ours, and its channel. */
static void
take_channel(struct readings *readings, const struct json_value *nodes,
    const struct json_value *channels)
{
	struct json_value node, channel;
	const char *at = NULL, *beside = NULL;
	unsigned place = 0;
	int64_t value;

	while (nodes->kind == JSON_ARRAY && json_element(nodes, &at, &node)) {
		bool told = channels->kind == JSON_ARRAY &&
		    json_element(channels, &beside, &channel);

		place++;
		if (readings->wanted && !json_is(&node, readings->wanted))
			continue;
		readings->channel = place;
		if (told && json_integer(&channel, &value) && value >= 1 &&
		    value <= CALIBRATION_CHANNELS)
			readings->channel = (unsigned)value;
		return;
	}
}

static void
take_calibration(struct readings *readings, const struct json_value *object)
{
	static const char *const keys[] = { "hash", "corrected", "id" };
	struct json_value values[3];
	struct json_error error;

	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, keys, 3, values, &error))
		return;
	json_string(&values[0], readings->hash, sizeof readings->hash);
	readings->corrected = values[1].kind == JSON_TRUE;
	json_string(&values[2], readings->corrected_by,
	    sizeof readings->corrected_by);
}

static double
figure(const struct json_value *value)
{
	double out = number(value);

	return out > 0 ? out : 0;
}

static void
take_start(struct taking *taking, const struct feed_record *record)
{
	static const char *const keys[] = {
		"nodes", "channels", "calibration", "instrument",
		"instrument_id", "firmware", "joules_resolution",
		"watts_resolution", "joules_wrap", "simulated"
	};
	struct readings *readings = taking->readings;
	struct json_value values[10];
	struct json_error error;

	if (readings->started)
		fail(taking, "two starts: one trace a load");
	readings->started = true;
	if (!json_members(record->line, record->length, keys, 10, values,
	    &error))
		return;
	take_channel(readings, &values[0], &values[1]);
	take_calibration(readings, &values[2]);
	readings->instrument = text(&values[3]);
	readings->instrument_id = text(&values[4]);
	readings->firmware = text(&values[5]);
	readings->joules_resolution = figure(&values[6]);
	readings->watts_resolution = figure(&values[7]);
	readings->joules_wrap = figure(&values[8]);
	readings->simulated = values[9].kind == JSON_TRUE;
}

static void
take_typed(struct taking *taking, const struct feed_record *record)
{
	struct readings *readings = taking->readings;
	struct event event;
	const char *why;

	if (!event_read(record->line, record->length, &event, &why)) {
		report_malformed(record->file, record->line_number, "%s", why);
		return;
	}
	readings->simulated |= event.simulated;
	if (event.kind == EVENT_START)
		take_start(taking, record);
	else if (event.kind == EVENT_STOP)
		readings->stopped = true;
	else if (event.kind == EVENT_RESET)
		fail(taking, "the meter was reset while the load was measured");
	else if (json_is(&event.type, "calibration") &&
	    !readings->calibration) {
		readings->calibration = report_copy(record->line,
		    record->length);
		readings->calibration_length = record->length;
	}
}

static void
take(void *state, const struct feed_record *record)
{
	struct taking *taking = state;

	if (record->kind == SAMPLE_POWER)
		take_sample(taking, record);
	else
		take_typed(taking, record);
}

bool
readings_take(struct readings *readings, const char *file)
{
	struct taking taking = { .readings = readings };
	char *operands[] = { (char *)(uintptr_t)file, NULL };
	uint64_t malformed = report_malformed_count();

	readings->file = file;
	readings->volts = readings->hertz = NAN;
	digest_start(&digest);
	stream_watch(watch);
	if (!feed_records(operands, &readings->nodes, take, &taking))
		return false;
	digest_end(&digest, readings->sha256);
	if (report_malformed_count() > malformed)
		fail(&taking, "malformed records");
	else if (readings->wanted && !readings->node)
		fail(&taking, "no such node as --node says");
	else if (readings->count < READINGS_LEAST)
		fail(&taking, "fewer than 40 readings: measure a minute");
	else if (readings->started && !readings->stopped)
		fail(&taking, "no stop after the start: the trace is cut");
	return !taking.failed;
}

/* Means. */

struct batch {
	double sum[MEANS_COLUMNS];
	size_t count[MEANS_COLUMNS];
	int64_t ns;      /* of the first reading with joules */
	double joules;
};

struct batches {
	struct batch of[READINGS_BATCHES + 1]; /* the last: the end */
	double square[MEANS_COLUMNS];          /* sums for the deviation */
	double offset[MEANS_COLUMNS];
};

static void
add(struct batches *batches, size_t k, enum means_column column, double value)
{
	struct batch *batch = &batches->of[k];

	if (!isfinite(value))
		return;
	if (!isfinite(batches->offset[column]))
		batches->offset[column] = value;
	batch->sum[column] += value;
	batch->count[column]++;
	batches->square[column] += (value - batches->offset[column]) *
	    (value - batches->offset[column]);
}

/* The counter at the batch's first reading, and at the end of all. */
static void
add_joules(struct batches *batches, size_t k, const struct reading *reading)
{
	struct batch *batch = &batches->of[k];
	struct batch *end = &batches->of[READINGS_BATCHES];

	if (!isfinite(reading->joules))
		return;
	if (!batch->count[MEANS_COUNTER]++) {
		batch->ns = reading->ns;
		batch->joules = reading->joules;
	}
	end->ns = reading->ns;
	end->joules = reading->joules;
	end->count[MEANS_COUNTER] = 1;
}

static void
sort_in(const struct readings *readings, struct means *means,
    struct batches *batches, bool reference)
{
	int64_t length = means->end_ns - means->begin_ns + 1;

	for (size_t i = 0; i < readings->count; i++) {
		const struct reading *reading = &readings->list[i];

		if (reading->ns < means->begin_ns || reading->ns > means->end_ns)
			continue;
		size_t k = (size_t)((reading->ns - means->begin_ns) /
		    (length / READINGS_BATCHES + 1));
		if (reference) {
			add(batches, k, MEANS_REFERENCE, reading->watts);
			continue;
		}
		means->count++;
		add(batches, k, MEANS_WATTS, reading->watts);
		add(batches, k, MEANS_VARS, reading->vars);
		add_joules(batches, k, reading);
	}
}

/* The counter's slope from a batch's first reading to another's. */
static double
slope(const struct batches *batches, size_t from, size_t to, double wrap)
{
	const struct batch *a = &batches->of[from], *b = &batches->of[to];
	double joules = b->joules - a->joules;

	if (wrap > 0 && fabs(joules) > wrap / 2)
		joules += joules < 0 ? wrap : -wrap;
	return joules / ((double)(b->ns - a->ns) / 1e9);
}

static double
value_of(const struct batches *batches, size_t k, enum means_column column,
    double wrap)
{
	const struct batch *batch = &batches->of[k];

	if (column == MEANS_COUNTER)
		return slope(batches, k, k + 1, wrap);
	return batch->sum[column] / (double)batch->count[column];
}

/* Every batch has one at least. */
static bool
has(const struct batches *batches, enum means_column column)
{
	for (size_t k = 0; k < READINGS_BATCHES; k++)
		if (!batches->of[k].count[column])
			return false;
	return true;
}

/* A counter that was read once in the last batch has no slope there. */
static bool
ends_alone(const struct batches *batches)
{
	return has(batches, MEANS_COUNTER) &&
	    batches->of[READINGS_BATCHES - 1].ns ==
	    batches->of[READINGS_BATCHES].ns;
}

static void
take_deviation(struct means *means, const struct batches *batches,
    enum means_column column)
{
	double sum = 0;
	size_t count = 0;

	for (size_t k = 0; k < READINGS_BATCHES; k++) {
		sum += batches->of[k].sum[column];
		count += batches->of[k].count[column];
	}
	double off = sum / (double)count - batches->offset[column];
	means->deviation[column] = count < 2 ? 0 :
	    sqrt(fmax(0, (batches->square[column] - (double)count * off * off) /
	    (double)(count - 1)));
}

static void
take_covariance(struct means *means, const double *a, const double *b,
    int column, int other)
{
	double sum = 0, n = READINGS_BATCHES;

	for (int k = 0; k < READINGS_BATCHES; k++)
		sum += (a[k] - means->value[column]) *
		    (b[k] - means->value[other]);
	means->covariance[column][other] =
	    means->covariance[other][column] = sum / (n - 1) / n;
}

/* A straight line through the batches: does the load still warm up? */
static void
take_rise(struct means *means, const double *watts)
{
	double n = READINGS_BATCHES, across = 0, along = 0, rest = 0;

	for (int k = 0; k < READINGS_BATCHES; k++) {
		double x = k - (n - 1) / 2;

		across += x * (watts[k] - means->value[MEANS_WATTS]);
		along += x * x;
	}
	double per_batch = across / along;
	for (int k = 0; k < READINGS_BATCHES; k++) {
		double off = watts[k] - means->value[MEANS_WATTS] -
		    per_batch * (k - (n - 1) / 2);

		rest += off * off;
	}
	means->rise_watts = per_batch * n;
	means->rise_t = rest > 0 ?
	    per_batch / sqrt(rest / (n - 2) / along) : 0;
}

/*
 * A counter moves in whole steps: each slope errs by the rounding at its two
 * ends, which neighbours share, so that in the whole mean only the first and
 * the last are left.  That part of the scatter is known, taken out, and
 * counted as what it is.
 */
static void
take_resolution(struct means *means, double resolution)
{
	double *variance = &means->covariance[MEANS_COUNTER][MEANS_COUNTER];
	double seconds = (double)(means->end_ns - means->begin_ns) / 1e9;
	double rounding = resolution * resolution / 12;
	double each = seconds / READINGS_BATCHES;

	*variance = fmax(0, *variance -
	    2 * rounding / (each * each) / READINGS_BATCHES);
	means->counter_u = sqrt(2 * rounding) / seconds;
}

static void
take_means(struct means *means, const struct batches *batches,
    const struct readings *readings)
{
	double batch[MEANS_COLUMNS][READINGS_BATCHES] = { { 0 } };
	bool on[MEANS_COLUMNS];

	for (int c = 0; c < MEANS_COLUMNS; c++) {
		on[c] = has(batches, c);
		for (size_t k = 0; on[c] && k < READINGS_BATCHES; k++) {
			batch[c][k] = value_of(batches, k, c,
			    readings->joules_wrap);
			means->value[c] += batch[c][k] / READINGS_BATCHES;
		}
		if (on[c] && c != MEANS_COUNTER)
			take_deviation(means, batches, c);
	}
	for (int a = 0; a < MEANS_COLUMNS; a++)
		for (int b = 0; b <= a; b++)
			if (on[a] && on[b])
				take_covariance(means, batch[a], batch[b], a, b);
	means->has_vars = on[MEANS_VARS];
	means->has_counter = on[MEANS_COUNTER];
	take_rise(means, batch[MEANS_WATTS]);
	if (on[MEANS_COUNTER])
		take_resolution(means, readings->joules_resolution);
	means->nu = READINGS_BATCHES - 1;
}

bool
readings_means(const struct readings *readings,
    const struct readings *reference, struct means *means)
{
	struct batches batches = { .offset = { NAN, NAN, NAN, NAN } };

	memset(means, 0, sizeof *means);
	means->begin_ns = readings->list[0].ns;
	means->end_ns = readings->list[readings->count - 1].ns;
	if (reference) {
		const struct reading *list = reference->list;

		if (list[0].ns > means->begin_ns)
			means->begin_ns = list[0].ns;
		if (list[reference->count - 1].ns < means->end_ns)
			means->end_ns = list[reference->count - 1].ns;
	}
	if (means->begin_ns < means->end_ns) {
		sort_in(readings, means, &batches, false);
		if (reference)
			sort_in(reference, means, &batches, true);
	}
	if (!has(&batches, MEANS_WATTS) || ends_alone(&batches) ||
	    (reference && !has(&batches, MEANS_REFERENCE))) {
		report_error("%s: a gap of a twentieth of the time, or no "
		    "time in common with the reference", readings->file);
		return false;
	}
	take_means(means, &batches, readings);
	return true;
}
