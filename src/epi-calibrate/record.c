/* record: the calibration record of epi-calibration-file(5). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-calibrate/calibrate.h"
#include "report.h"
#include "stats.h"

enum { ALL = CALIBRATION_PARAMETERS };

static void
put_string(const char *key, const char *value)
{
	compose_key(key);
	compose_string(value);
}

static void
put_double(const char *key, double value)
{
	compose_key(key);
	compose_double(value);
}

static void
put_time(const char *key, int64_t ns)
{
	compose_key(key);
	compose_time(ns);
}

static void
put_bool(const char *key, bool value)
{
	compose_key(key);
	compose_bool(value);
}

static void
put_array(const char *key, const double *values, size_t count)
{
	compose_key(key);
	compose_begin('[');
	for (size_t i = 0; i < count; i++)
		compose_double(values[i]);
	compose_end(']');
}

/* Of the first load; all others agree. */
static void
put_meter(const struct calibrate *calibrate)
{
	const struct readings *readings =
	    &calibrate->channels[0].loads[0].readings;

	compose_key("meter");
	compose_begin('{');
	put_string("instrument", readings->instrument);
	put_string("id", readings->instrument_id);
	put_string("hash", *readings->hash ? readings->hash : NULL);
	put_string("firmware", readings->firmware);
	compose_end('}');
}

static void
put_hex(const char *key, unsigned value, int digits)
{
	char text[12];

	snprintf(text, sizeof text, "%0*X", digits, value);
	put_string(key, text);
}

/* As the file before had them: a fit changes none. */
static void
put_registers(const struct calibrate *calibrate)
{
	compose_key("registers");
	compose_begin('[');
	for (size_t i = 0; i < calibrate->previous.register_count; i++) {
		const struct calibration_register *one =
		    &calibrate->previous.registers[i];

		compose_begin('{');
		put_string("channel", one->channel);
		put_hex("address", one->address, 2);
		put_hex("value", one->value, 4);
		compose_end('}');
	}
	compose_end(']');
}

/* The mean of the means of all loads' traces. */
static double
mean_of(const struct calibrate *calibrate, bool hertz)
{
	double sum = 0, count = 0;

	for (size_t i = 0; i < calibrate->count; i++)
		for (size_t j = 0; j < calibrate->channels[i].count; j++) {
			const struct readings *readings =
			    &calibrate->channels[i].loads[j].readings;
			double value = hertz ? readings->hertz :
			    readings->volts;

			sum += isfinite(value) ? value : 0;
			count += isfinite(value);
		}
	return count > 0 ? sum / count : NAN;
}

static void
put_reference(const struct meta_values *meta)
{
	compose_key("reference");
	compose_begin('{');
	meta_compose_all(meta, META_MAKE, META_DATE);
	compose_end('}');
}

static void
put_paths(const struct channel *channel)
{
	const double *value = channel->fit.value;

	compose_key("power");
	compose_begin('{');
	for (int k = 0; k < CALIBRATION_ENERGY_OFFSET_WATTS; k++)
		put_double(calibration_names[k], value[k]);
	compose_end('}');
	compose_key("energy");
	if (!channel->options.has_counter) {
		compose_null();
		return;
	}
	compose_begin('{');
	put_double("offset_watts", value[CALIBRATION_ENERGY_OFFSET_WATTS]);
	put_double("gain", value[CALIBRATION_ENERGY_GAIN]);
	compose_end('}');
}

static void
put_covariance(const struct fit *fit)
{
	double half[ALL];

	compose_key("parameters");
	compose_begin('[');
	for (int k = 0; k < ALL; k++)
		compose_string(calibration_names[k]);
	compose_end(']');
	compose_key("covariance");
	compose_begin('[');
	for (int k = 0; k < ALL; k++) {
		compose_begin('[');
		for (int j = 0; j < ALL; j++)
			compose_double(fit->covariance[k][j]);
		compose_end(']');
	}
	compose_end(']');
	for (int k = 0; k < ALL; k++)
		half[k] = fit->u[k] *
		    stats_student_quantile(0.975, fit->nu[k]);
	put_array("u", fit->u, ALL);
	put_array("nu", fit->nu, ALL);
	put_array("U95", half, ALL);
}

static const struct {
	const char *name, *distribution, *scope;
} sources[FIT_SOURCES] = {
	[FIT_READINGS] = { "fit", "normal", "channel" },
	[FIT_RESOLUTION] = { "resolution", "rectangular", "channel" },
	[FIT_REFERENCES] = { "reference", "normal", "reference" },
	[FIT_ANGLE] = { "load-angle", "rectangular", "reference" },
	[FIT_LINEARITY] = { "linearity", "rectangular", "channel" },
	[FIT_PHASE] = { "phase-unknown", "rectangular", "channel" }
};

char *
reference_key(const struct meta_values *meta, const char *otherwise)
{
	const char *certificate = meta->of[META_CERTIFICATE];
	const char *serial = meta->of[META_SERIAL];
	const char *kind = certificate ? "" : serial ? "serial:" :
	    "uncertified:";
	const char *name = certificate ? certificate : serial ? serial :
	    otherwise;
	size_t length = strlen("reference:") + strlen(kind) + strlen(name) + 1;
	char *key = report_resize(NULL, length, 1);

	snprintf(key, length, "reference:%s%s", kind, name);
	return key;
}

/*
 * The reference's common error is that of its certificate, or of its serial
 * number, in whatever calibration; all else is this calibration's, of the loads or the channel.
 */
static void
put_key(const struct calibrate *calibrate, const struct channel *channel,
    const struct fit_line *line)
{
	bool of_loads = line->source == FIT_REFERENCES ||
	    line->source == FIT_ANGLE;
	const char *name = sources[line->source].name;
	char text[96];

	compose_key("key");
	if (line->source == FIT_REFERENCES && line->number == 0) {
		char *key = reference_key(&calibrate->meta, calibrate->id);

		compose_string(key);
		free(key);
		return;
	}
	if (of_loads)
		snprintf(text, sizeof text, "%s:%s:%zu", name, calibrate->id,
		    line->number);
	else
		snprintf(text, sizeof text, "%s:%s:%td:%zu", name,
		    calibrate->id, channel - calibrate->channels + 1,
		    line->number);
	compose_string(text);
}

static void
put_sources(const struct calibrate *calibrate, const struct channel *channel)
{
	const struct fit *fit = &channel->fit;

	compose_key("sources");
	compose_begin('[');
	for (size_t i = 0; i < fit->line_count; i++) {
		const struct fit_line *line = &fit->lines[i];

		compose_begin('{');
		put_string("source", sources[line->source].name);
		put_key(calibrate, channel, line);
		put_string("type", line->source == FIT_READINGS ? "A" : "B");
		put_string("distribution", sources[line->source].distribution);
		put_double("nu", line->nu);
		put_string("scope", sources[line->source].scope);
		put_array("coefficients", line->c, ALL);
		compose_end('}');
	}
	compose_end(']');
}

static void
put_test(const char *key, const struct fit_test *test)
{
	compose_key(key);
	if (!test->freedom) {
		compose_null();
		return;
	}
	compose_begin('{');
	compose_key("freedom");
	compose_integer(test->freedom);
	put_double("ratio", test->ratio);
	put_double("limit", test->limit);
	compose_end('}');
}

static void
put_load(const struct load *load)
{
	const struct means *means = &load->means;

	put_double("reference_watts", load_watts(load));
	put_double("U_watts", load_uncertainty(load) * load->k);
	put_double("k", load->kind == FIT_TARE ? NAN : load->k);
	put_double("watts", means->value[MEANS_WATTS]);
	put_double("vars", means->has_vars ? means->value[MEANS_VARS] : NAN);
	put_double("counter_watts", means->has_counter ?
	    means->value[MEANS_COUNTER] : NAN);
	put_double("as_found_watts", load->as_found);
	put_double("as_left_watts", load->as_left);
	put_double("u_watts", load->u_left);
}

static void
put_file(const char *key, const struct readings *readings)
{
	compose_key(key);
	compose_begin('{');
	put_string("name", readings->file);
	put_string("sha256", readings->sha256);
	compose_end('}');
}

static void
put_points(const struct channel *channel)
{
	static const char *const roles[] = { "tare", "resistive", "capacitor" };

	compose_key("points");
	compose_begin('[');
	for (size_t i = 0; i < channel->count; i++) {
		const struct load *load = &channel->loads[i];

		compose_begin('{');
		put_string("role", roles[load->kind]);
		put_string("load", load->text);
		put_file("file", &load->readings);
		if (load->reference_file)
			put_file("reference_file", &load->reference);
		put_time("begin", load->means.begin_ns);
		put_time("end", load->means.end_ns);
		compose_key("samples");
		compose_integer((int64_t)load->means.count);
		put_load(load);
		compose_end('}');
	}
	compose_end(']');
}

static void
put_valid(const struct channel *channel)
{
	const double range[] = { channel->lowest, channel->highest };
	double most = channel->options.has_vars ? 2 : 0.1;
	const double angles[] = { -most, most };

	compose_key("valid");
	compose_begin('{');
	put_array("watts", range, 2);
	put_array("q_over_p", angles, 2);
	compose_end('}');
}

static void
put_channel(const struct calibrate *calibrate, const struct channel *channel)
{
	const struct readings *readings = &channel->loads[0].readings;

	compose_begin('{');
	compose_key("channel");
	if (readings->channel)
		compose_integer(readings->channel);
	else
		compose_null();
	put_string("node", readings->node);
	compose_key("clamp");
	compose_begin('{');
	meta_compose_all(&channel->meta, META_CLAMP_ID, META_CLAMP_BURDEN);
	compose_end('}');
	put_paths(channel);
	put_covariance(&channel->fit);
	put_sources(calibrate, channel);
	put_valid(channel);
	put_bool("linearity_tested", channel->linearity_tested);
	compose_key("tests");
	compose_begin('{');
	put_test("power", &channel->fit.power);
	put_test("energy", &channel->fit.energy);
	compose_end('}');
	put_points(channel);
	compose_end('}');
}

static void
put_warnings(const struct calibrate *calibrate)
{
	compose_key("warnings");
	compose_begin('[');
	for (size_t i = 0; i < calibrate->warning_count; i++)
		compose_string(calibrate->warnings[i]);
	compose_end(']');
}

void
record_write(const struct calibrate *calibrate)
{
	compose_open();
	put_string("type", "calibration");
	compose_key("format");
	compose_integer(CALIBRATION_FORMAT);
	put_string("id", calibrate->id);
	put_time("date", calibrate->date_ns);
	put_time("valid_until", calibrate->date_ns + calibrate->valid_ns);
	put_bool("traceable", calibrate->traceable);
	if (calibrate->simulated)
		put_bool("simulated", true);
	put_meter(calibrate);
	put_registers(calibrate);
	put_reference(&calibrate->meta);
	put_double("volts", mean_of(calibrate, false));
	put_double("hertz", mean_of(calibrate, true));
	meta_compose_all(&calibrate->meta, META_TEMPERATURE, META_NOTE);
	compose_key("channels");
	compose_begin('[');
	for (size_t i = 0; i < calibrate->count; i++)
		put_channel(calibrate, &calibrate->channels[i]);
	compose_end(']');
	put_warnings(calibrate);
	compose_close();
}
