/* report: a calibration record, for a person. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-calibrate/calibrate.h"
#include "stats.h"
#include "stream.h"

enum { ALL = CALIBRATION_PARAMETERS, TEXT = 256 };

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Bytes that a terminal would act on; those of U+0080 to U+009F too. */
static bool
controls(const unsigned char *at)
{
	return *at < ' ' || *at == 127 ||
	    (*at == 0xC2 && at[1] >= 0x80 && at[1] < 0xA0);
}

static void
say(const char *format, ...)
{
	va_list arguments;
	char text[1024];
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof text)
		length = sizeof text - 1;
	while (length > 0 && text[length - 1] == ' ')
		length--;
	for (int i = 0; i < length; i++)
		if (controls((const unsigned char *)text + i))
			text[i] = '?';
	stream_line(text, (size_t)length);
}

static struct json_value
member(const struct json_value *object, const char *key)
{
	struct json_value value = { .kind = JSON_ABSENT };
	struct json_error error;

	if (object->kind == JSON_OBJECT)
		json_members(object->at, object->length, &key, 1, &value,
		    &error);
	return value;
}

static double
number(const struct json_value *object, const char *key)
{
	struct json_value value = member(object, key);
	double out;

	return json_double(&value, &out) ? out : NAN;
}

/* "-" where there is none. */
static const char *
word(const struct json_value *object, const char *key, char *out)
{
	struct json_value value = member(object, key);

	if (value.kind == JSON_NUMBER && value.length < TEXT) {
		memcpy(out, value.at, value.length);
		out[value.length] = '\0';
	} else if (json_string(&value, out, TEXT) < 0) {
		strcpy(out, "-");
	}
	return out;
}

static const char *
date(int64_t ns, char text[CLOCK_TEXT])
{
	if (ns == INT64_MAX)
		return "-";
	clock_format(text, ns / CLOCK_SECOND * CLOCK_SECOND);
	return text;
}

static void
say_head(const struct calibration *calibration, const struct json_value *all)
{
	char from[CLOCK_TEXT], to[CLOCK_TEXT], one[TEXT], two[TEXT], three[TEXT];
	const struct json_value *reference = &calibration->reference;

	say("calibration %s of meter %s, registers %s", calibration->id,
	    *calibration->meter_id ? calibration->meter_id : "-",
	    *calibration->meter_hash ? calibration->meter_hash : "-");
	say("read until %s, valid until %s", date(calibration->date_ns, from),
	    date(calibration->valid_until_ns, to));
	say("at %.1f V, %.2f Hz, %s degrees Celsius", calibration->volts,
	    number(all, "hertz"), word(all, "temperature_celsius", one));
	say("reference: %s %s, serial number %s", word(reference, "make", one),
	    word(reference, "model", two), word(reference, "serial", three));
	struct json_value when = member(reference, "date");
	int64_t ns = INT64_MAX;
	clock_value(&when, &ns);
	say("certificate: %s of %s, %s", word(reference, "certificate", one),
	    word(reference, "laboratory", two), date(ns, from));
	say("%s%s", calibration->simulated ? "SIMULATED, " : "",
	    calibration->traceable ? "traceable through this certificate" :
	    "NOT TRACEABLE: the figures stand on what the user knows");
}

static double
half_width(const struct calibration_channel *channel,
    const struct json_value *entry, int parameter)
{
	struct json_value nus = member(entry, "nu"), value;
	const char *cursor = NULL;
	double nu = INFINITY;

	for (int k = 0; nus.kind == JSON_ARRAY &&
	    json_element(&nus, &cursor, &value); k++)
		if (k == parameter && !json_double(&value, &nu))
			nu = INFINITY;
	return sqrt(channel->covariance[parameter][parameter]) *
	    (nu >= 1 ? stats_student_quantile(0.975, nu) : STATS_Z95);
}

static void
say_parameters(const struct calibration_channel *channel,
    const struct json_value *entry)
{
	static const char *const units[ALL] = { "W", "", "rad", "var", "W", "" };
	const double degree = 180 / acos(-1);

	say("  %-20s %11s %11s", "parameter", "value", "+- (95 %)");
	for (int k = 0; k < ALL; k++) {
		double half = half_width(channel, entry, k);

		if (!channel->has_energy && k >= CALIBRATION_ENERGY_OFFSET_WATTS)
			continue;
		if (k == CALIBRATION_PHASE_RADIANS)
			say("  %-20s %11.3f %11.3f degrees", "phase",
			    channel->value[k] * degree, half * degree);
		else
			say("  %-20s %11.5f %11.5f %s", calibration_names[k],
			    channel->value[k], half, units[k]);
	}
}

/* What all that is worth at a power, Q being a fifth of it, leading, as a small
 * computer's is. */
static void
say_worth(const struct calibration_channel *channel, double watts, double ratio)
{
	double by[ALL], variance = 0;

	calibration_slopes(channel->value, false, watts, ratio * watts, by);
	for (int a = 0; a < ALL; a++)
		for (int b = 0; b < ALL; b++)
			variance += by[a] * by[b] * channel->covariance[a][b];
	say("  %6.2f W, Q/P %4.1f: +- %.4f W, %.2f %% (k = 2)", watts, ratio,
	    2 * sqrt(fmax(0, variance)),
	    200 * sqrt(fmax(0, variance)) / watts);
}

static void
say_points(const struct calibration_channel *channel)
{
	struct json_value point;
	const char *cursor = NULL;
	char role[TEXT];

	say("  %-10s %10s %9s %10s %10s %10s", "load", "watts", "U", "as found",
	    "as left", "+- (k=2)");
	while (channel->points.kind == JSON_ARRAY &&
	    json_element(&channel->points, &cursor, &point))
		say("  %-10s %10.4f %9.4f %+10.4f %+10.4f %10.4f",
		    word(&point, "role", role),
		    number(&point, "reference_watts"),
		    number(&point, "U_watts"),
		    number(&point, "as_found_watts"),
		    number(&point, "as_left_watts"),
		    2 * number(&point, "u_watts"));
}

static void
say_test(const struct json_value *tests, const char *key)
{
	struct json_value test = member(tests, key);

	if (test.kind == JSON_OBJECT)
		say("  residuals, %s: %.2f of what is claimed, limit %.2f (%.0f "
		    "left over)", key, sqrt(number(&test, "ratio")),
		    sqrt(number(&test, "limit")), number(&test, "freedom"));
	else
		say("  residuals, %s: nothing left over to test by", key);
}

static void
say_channel(const struct calibration_channel *channel,
    const struct json_value *entry)
{
	struct json_value clamp = member(entry, "clamp");
	struct json_value tests = member(entry, "tests");
	char node[TEXT], id[TEXT], turns[TEXT], way[TEXT], burden[TEXT];

	say("%s", "");
	say("channel %u, node %s: clamp %s, turns %s, orientation %s, burden %s "
	    "ohm", channel->number, word(entry, "node", node),
	    word(&clamp, "id", id), word(&clamp, "turns", turns),
	    word(&clamp, "orientation", way),
	    word(&clamp, "burden_ohms", burden));
	say("  valid from %.2f W to %.2f W", channel->lowest_watts,
	    channel->highest_watts);
	say_parameters(channel, entry);
	say_points(channel);
	say_test(&tests, "power");
	if (channel->has_energy)
		say_test(&tests, "energy");
	for (double watts = 5; watts <= 15; watts += 5)
		if (watts <= channel->highest_watts * 1.01)
			say_worth(channel, watts, -0.2);
}

static void
say_warnings(const struct calibration *calibration)
{
	struct json_value entry;
	const char *cursor = NULL;
	char text[TEXT];

	if (calibration->warnings.kind != JSON_ARRAY)
		return;
	while (json_element(&calibration->warnings, &cursor, &entry))
		if (json_string(&entry, text, sizeof text) >= 0)
			say("! %s", text);
}

bool
report_write(const char *text, size_t length, const char **why)
{
	struct json_value all = { .at = text, .length = length,
		.kind = JSON_OBJECT }, channels, entry;
	static struct calibration calibration;
	const char *cursor = NULL;

	if (!calibration_read(text, length, &calibration, why))
		return false;
	say_head(&calibration, &all);
	channels = member(&all, "channels");
	for (size_t i = 0; i < calibration.channel_count; i++)
		if (json_element(&channels, &cursor, &entry))
			say_channel(&calibration.channels[i], &entry);
	say_warnings(&calibration);
	return true;
}
