/* verify: one known load against a calibration. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-calibrate/calibrate.h"
#include "report.h"

/* One path's figure: what was indicated, corrected. */
struct figure {
	double watts, error, expanded_difference, expanded, score;
};

/* The truth by a path, from what was indicated; without vars that of a resistor,
 * as calibration_correct has it. */
static void
correct(const double *value, bool counter, double *watts, double *vars)
{
	double f = value[CALIBRATION_PHASE_RADIANS];
	double w = counter ?
	    (*watts - value[CALIBRATION_ENERGY_OFFSET_WATTS]) /
	    value[CALIBRATION_ENERGY_GAIN] :
	    (*watts - value[CALIBRATION_OFFSET_WATTS]) /
	    value[CALIBRATION_GAIN];

	if (!vars) {
		*watts = w / cos(f);
		return;
	}
	double q = (*vars - value[CALIBRATION_OFFSET_VARS]) /
	    value[CALIBRATION_GAIN];
	*watts = w * cos(f) - q * sin(f);
	*vars = q * cos(f) + w * sin(f);
}

static bool
numbers(const struct json_value *array, double out[CALIBRATION_PARAMETERS])
{
	struct json_value entry;
	const char *cursor = NULL;
	size_t n = 0;

	while (array->kind == JSON_ARRAY && json_element(array, &cursor, &entry))
		if (n == CALIBRATION_PARAMETERS || !json_double(&entry, &out[n++]))
			return false;
	return n == CALIBRATION_PARAMETERS;
}

/* The calibration's own lines, as far as they move this figure. */
static void
add_sources(struct budget *budget, const struct calibration_channel *channel,
    const double *by)
{
	static const char *const keys[] = { "source", "key", "coefficients",
		"nu" };
	struct json_value entry, values[4];
	struct json_error error;
	const char *cursor = NULL;

	if (channel->sources.kind != JSON_ARRAY)
		report_fatal("a calibration without sources");
	while (json_element(&channel->sources, &cursor, &entry)) {
		double c[CALIBRATION_PARAMETERS], nu;
		char source[64], key[512];
		struct budget_line line = { .source = source, .key = key };

		if (entry.kind != JSON_OBJECT || !json_members(entry.at,
		    entry.length, keys, 4, values, &error) ||
		    json_string(&values[0], source, sizeof source) < 0 ||
		    json_string(&values[1], key, sizeof key) < 0 ||
		    !numbers(&values[2], c))
			report_fatal("a calibration whose sources are not read");
		for (int k = 0; k < CALIBRATION_PARAMETERS; k++)
			line.c += by[k] * c[k];
		line.nu = json_double(&values[3], &nu) ? nu : INFINITY;
		budget_add(budget, &line);
	}
}

/* What this measurement's own scatter and rounding are worth; a trace that is
 * corrected has them in true watts already. */
static double
scatter(const struct load *load, const double *by, int column)
{
	const struct means *means = &load->means;
	bool raw = !load->readings.corrected;
	double of_vars = raw ? -by[CALIBRATION_OFFSET_VARS] : 0;
	double of_watts = raw ? -by[column == MEANS_COUNTER ?
	    CALIBRATION_ENERGY_OFFSET_WATTS : CALIBRATION_OFFSET_WATTS] : 1;
	double variance = of_watts * of_watts *
	    means->covariance[column][column] +
	    2 * of_watts * of_vars * means->covariance[column][MEANS_VARS] +
	    of_vars * of_vars * means->covariance[MEANS_VARS][MEANS_VARS] -
	    2 * of_watts * means->covariance[column][MEANS_REFERENCE] -
	    2 * of_vars * means->covariance[MEANS_VARS][MEANS_REFERENCE] +
	    means->covariance[MEANS_REFERENCE][MEANS_REFERENCE];
	double rounding = of_watts * load_rounding(load, column);

	return sqrt(fmax(0, variance) + rounding * rounding);
}

static void
compare(struct figure *figure, const struct load *load,
    const struct calibration_channel *channel, const char *key, bool counter)
{
	int column = counter ? MEANS_COUNTER : MEANS_WATTS;
	const double *value = channel->value;
	double watts = load->means.value[column];
	double vars = load->means.has_vars ? load->means.value[MEANS_VARS] : 0;
	double by[CALIBRATION_PARAMETERS];
	struct budget budget = { 0 };

	if (!load->readings.corrected)
		correct(value, counter, &watts, load->means.has_vars ? &vars
		    : NULL);
	calibration_slopes(value, counter, watts, vars, by);
	figure->watts = watts;
	figure->error = figure->watts - load_watts(load);
	add_sources(&budget, channel, by);
	budget_add(&budget, &(struct budget_line){ .source = "readings",
	    .key = "readings", .nu = INFINITY,
	    .c = scatter(load, by, column) });
	figure->expanded = 2 * budget_uncertainty(&budget);
	budget_add(&budget, &(struct budget_line){ .source = "reference",
	    .key = key, .nu = INFINITY, .c = -load_uncertainty(load) });
	figure->expanded_difference = 2 * budget_uncertainty(&budget);
	figure->score = figure->error / figure->expanded_difference;
	budget_clear(&budget);
}

static void
put_double(const char *key, double value)
{
	compose_key(key);
	compose_double(value);
}

static void
put_figure(const char *key, const struct figure *figure)
{
	compose_key(key);
	if (!figure) {
		compose_null();
		return;
	}
	compose_begin('{');
	put_double("watts", figure->watts);
	put_double("U_watts", figure->expanded);
	put_double("error_watts", figure->error);
	put_double("U_error_watts", figure->expanded_difference);
	put_double("e_n", figure->score);
	compose_end('}');
}

static bool
passes(const struct figure *figure)
{
	return fabs(figure->score) <= 1;
}

static void
write(const struct load *load, const struct calibration *calibration,
    const struct figure *power, const struct figure *energy, bool passed)
{
	compose_open();
	compose_key("timestamp");
	compose_time(load->means.end_ns);
	compose_key("type");
	compose_string("verification");
	compose_key("node");
	compose_string(load->readings.node);
	compose_key("calibration");
	compose_string(calibration->id);
	compose_key("passed");
	compose_bool(passed);
	compose_key("load");
	compose_string(load->text);
	compose_key("begin");
	compose_time(load->means.begin_ns);
	compose_key("end");
	compose_time(load->means.end_ns);
	put_double("reference_watts", load_watts(load));
	put_double("U_reference_watts", 2 * load_uncertainty(load));
	compose_key("k");
	compose_integer(2);
	put_figure("power", power);
	put_figure("energy", energy);
	if (load->readings.simulated || load->reference.simulated ||
	    calibration->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_close();
}

bool
verify_write(const struct load *load, const struct calibration *calibration,
    const struct calibration_channel *channel, const struct meta_values *meta)
{
	struct figure power, energy;
	bool counter = channel->has_energy && load->means.has_counter;
	char *key = reference_key(meta, load->text);

	compare(&power, load, channel, key, false);
	if (counter)
		compare(&energy, load, channel, key, true);
	free(key);
	bool passed = passes(&power) && (!counter || passes(&energy));
	write(load, calibration, &power, counter ? &energy : NULL, passed);
	return passed;
}
