#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibration.h"
#include "clock.h"

const char *const calibration_names[CALIBRATION_PARAMETERS] = {
	[CALIBRATION_OFFSET_WATTS] = "offset_watts",
	[CALIBRATION_GAIN] = "gain",
	[CALIBRATION_PHASE_RADIANS] = "phase_radians",
	[CALIBRATION_OFFSET_VARS] = "offset_vars",
	[CALIBRATION_ENERGY_OFFSET_WATTS] = "energy_offset_watts",
	[CALIBRATION_ENERGY_GAIN] = "energy_gain"
};

enum { ALL = CALIBRATION_PARAMETERS };

static bool
nothing(const struct json_value *value)
{
	return value->kind == JSON_ABSENT || value->kind == JSON_NULL;
}

/* The members of an object. */
static bool
members(const struct json_value *object, const char *const *keys,
    size_t count, struct json_value *values)
{
	struct json_error error;

	return object->kind == JSON_OBJECT &&
	    json_members(object->at, object->length, keys, count, values,
	    &error);
}

/* Null and absent are "". */
static bool
take_word(const struct json_value *value, char word[CALIBRATION_WORD])
{
	*word = '\0';
	return nothing(value) || json_string(value, word, CALIBRATION_WORD) >= 0;
}

/* Upper-case hexadecimal digits, as the meter's lines have them. */
static bool
take_hex(const struct json_value *value, unsigned most, unsigned *out)
{
	char text[8];
	long length = json_string(value, text, sizeof text);

	if (length < 1 || strspn(text, "0123456789ABCDEF") != (size_t)length)
		return false;
	*out = (unsigned)strtoul(text, NULL, 16);
	return *out <= most;
}

static bool
take_register(const struct json_value *entry,
    struct calibration_register *out)
{
	static const char *const keys[] = { "channel", "address", "value" };
	struct json_value values[3];

	return members(entry, keys, 3, values) &&
	    json_string(&values[0], out->channel, sizeof out->channel) == 1 &&
	    strchr("*0123", out->channel[0]) &&
	    take_hex(&values[1], 0xFF, &out->address) &&
	    take_hex(&values[2], 0xFFFF, &out->value);
}

static bool
take_registers(const struct json_value *array, struct calibration *out)
{
	struct json_value entry;
	const char *cursor = NULL;

	if (nothing(array))
		return true;
	if (array->kind != JSON_ARRAY)
		return false;
	while (json_element(array, &cursor, &entry))
		if (out->register_count == CALIBRATION_REGISTERS ||
		    !take_register(&entry,
		    &out->registers[out->register_count++]))
			return false;
	return true;
}

/* An array of exactly `count` numbers. */
static bool
take_numbers(const struct json_value *array, size_t count, double *out)
{
	struct json_value entry;
	const char *cursor = NULL;
	size_t n = 0;

	if (array->kind != JSON_ARRAY)
		return false;
	while (json_element(array, &cursor, &entry))
		if (n == count || !json_double(&entry, &out[n++]))
			return false;
	return n == count;
}

/* Symmetric, and no variance below 0. */
static bool
take_covariance(const struct json_value *array,
    double covariance[ALL][ALL])
{
	struct json_value row;
	const char *cursor = NULL;
	int n = 0;

	if (array->kind != JSON_ARRAY)
		return false;
	while (json_element(array, &cursor, &row))
		if (n == ALL || !take_numbers(&row, ALL, covariance[n++]))
			return false;
	for (int i = 0; n == ALL && i < ALL; i++)
		for (int j = 0; j <= i; j++)
			if (covariance[i][i] < 0 ||
			    covariance[i][j] != covariance[j][i])
				return false;
	return n == ALL;
}

/* The meter's sign is turned by epi-tap's --invert, not by a gain. */
static bool
take_paths(const struct json_value *power, const struct json_value *energy,
    struct calibration_channel *out)
{
	static const char *const keys[] = {
		"offset_watts", "gain", "phase_radians", "offset_vars"
	};
	struct json_value values[4];
	double *value = out->value;

	if (!members(power, keys, 4, values))
		return false;
	for (int i = 0; i < 4; i++)
		if (!json_double(&values[i], &value[i]))
			return false;
	out->has_energy = !nothing(energy);
	if (value[CALIBRATION_GAIN] <= 0 ||
	    fabs(value[CALIBRATION_PHASE_RADIANS]) > 1.5)
		return false;
	return !out->has_energy || (members(energy, keys, 2, values) &&
	    json_double(&values[0], &value[CALIBRATION_ENERGY_OFFSET_WATTS]) &&
	    json_double(&values[1], &value[CALIBRATION_ENERGY_GAIN]) &&
	    value[CALIBRATION_ENERGY_GAIN] > 0);
}

static bool
take_valid(const struct json_value *valid, struct calibration_channel *out)
{
	static const char *const keys[] = { "watts" };
	struct json_value watts;
	double range[2];

	if (!members(valid, keys, 1, &watts) || !take_numbers(&watts, 2, range))
		return false;
	out->lowest_watts = range[0];
	out->highest_watts = range[1];
	return range[0] <= range[1];
}

/* NULL, or what is wrong. */
static const char *
take_channel(const struct json_value *entry, struct calibration_channel *out)
{
	static const char *const keys[] = {
		"channel", "node", "power", "energy", "covariance", "valid",
		"sources", "points"
	};
	struct json_value values[8];
	int64_t number = 0;

	if (!members(entry, keys, 8, values))
		return "a channel is no object";
	if (!nothing(&values[0]) && (!json_integer(&values[0], &number) ||
	    number < 1 || number > CALIBRATION_CHANNELS))
		return "\"channel\" is not 1 to 4";
	out->number = (unsigned)number;
	out->node = values[1];
	if (!take_paths(&values[2], &values[3], out))
		return "\"power\" or \"energy\" is not a correction";
	if (!take_covariance(&values[4], out->covariance))
		return "\"covariance\" is not a covariance";
	if (!take_valid(&values[5], out))
		return "\"valid\" has no range of watts";
	out->sources = values[6];
	out->points = values[7];
	return NULL;
}

static const char *
take_channels(const struct json_value *array, struct calibration *out)
{
	struct json_value entry;
	const char *cursor = NULL, *why = NULL;

	if (nothing(array))
		return NULL;
	if (array->kind != JSON_ARRAY)
		return "\"channels\" is not an array";
	while (!why && json_element(array, &cursor, &entry)) {
		if (out->channel_count == CALIBRATION_CHANNELS)
			return "more than 4 channels";
		struct calibration_channel *channel =
		    &out->channels[out->channel_count];
		why = take_channel(&entry, channel);
		if (!why && channel->number &&
		    calibration_find(out, channel->number, NULL))
			return "a channel stands twice";
		out->channel_count++;
	}
	return why;
}

static bool
take_meter(const struct json_value *meter, struct calibration *out)
{
	static const char *const keys[] = { "id", "hash" };
	struct json_value values[2];

	return nothing(meter) || (members(meter, keys, 2, values) &&
	    take_word(&values[0], out->meter_id) &&
	    take_word(&values[1], out->meter_hash));
}

static bool
take_time(const struct json_value *value, int64_t *ns)
{
	return nothing(value) || clock_value(value, ns);
}

enum {
	TYPE, FORMAT, ID, DATE, VALID_UNTIL, TRACEABLE, SIMULATED, METER,
	REGISTERS, VOLTS, CHANNELS, REFERENCE, WARNINGS, KEYS
};

static const char *
take_values(const struct json_value *values, struct calibration *out)
{
	int64_t format;

	if (!json_is(&values[TYPE], "calibration"))
		return "not a calibration: no \"type\":\"calibration\"";
	if (!json_integer(&values[FORMAT], &format) ||
	    format != CALIBRATION_FORMAT)
		return "a calibration of another \"format\" than 1";
	if (!take_word(&values[ID], out->id))
		return "\"id\" is not a word";
	if (!take_time(&values[DATE], &out->date_ns) ||
	    !take_time(&values[VALID_UNTIL], &out->valid_until_ns))
		return "\"date\" or \"valid_until\" is not a time";
	if (!take_meter(&values[METER], out))
		return "\"meter\" has no id and hash";
	if (!take_registers(&values[REGISTERS], out))
		return "\"registers\" are not what a meter can be told";
	if (!nothing(&values[VOLTS]) && !json_double(&values[VOLTS],
	    &out->volts))
		return "\"volts\" is not a number";
	out->traceable = values[TRACEABLE].kind == JSON_TRUE;
	out->simulated = values[SIMULATED].kind == JSON_TRUE;
	out->reference = values[REFERENCE];
	out->warnings = values[WARNINGS];
	return take_channels(&values[CHANNELS], out);
}

bool
calibration_read(const char *text, size_t length,
    struct calibration *calibration, const char **why)
{
	static const char *const keys[KEYS] = {
		[TYPE] = "type", [FORMAT] = "format", [ID] = "id",
		[DATE] = "date", [VALID_UNTIL] = "valid_until",
		[TRACEABLE] = "traceable", [SIMULATED] = "simulated",
		[METER] = "meter", [REGISTERS] = "registers",
		[VOLTS] = "volts", [CHANNELS] = "channels",
		[REFERENCE] = "reference", [WARNINGS] = "warnings"
	};
	struct json_value values[KEYS];
	struct json_error error;

	memset(calibration, 0, sizeof *calibration);
	calibration->volts = NAN;
	calibration->valid_until_ns = INT64_MAX;
	if (!json_members(text, length, keys, KEYS, values, &error)) {
		*why = error.what;
		return false;
	}
	*why = take_values(values, calibration);
	return !*why;
}

const struct calibration_channel *
calibration_find(const struct calibration *calibration, unsigned number,
    const char *node)
{
	for (size_t i = 0; i < calibration->channel_count; i++) {
		const struct calibration_channel *channel =
		    &calibration->channels[i];

		if (number && channel->number ? channel->number == number :
		    node && json_is(&channel->node, node))
			return channel;
	}
	return NULL;
}

void
calibration_correct(const struct calibration_channel *channel,
    double *watts, double *vars)
{
	const double *value = channel->value;
	double gain = value[CALIBRATION_GAIN];
	double f = value[CALIBRATION_PHASE_RADIANS];
	double w = (*watts - value[CALIBRATION_OFFSET_WATTS]) / gain;

	if (!vars) {
		*watts = w / cos(f);
		return;
	}
	double q = (*vars - value[CALIBRATION_OFFSET_VARS]) / gain;
	*watts = w * cos(f) - q * sin(f);
	*vars = q * cos(f) + w * sin(f);
}

void
calibration_slopes(const double value[CALIBRATION_PARAMETERS],
    bool counter, double watts, double vars,
    double slopes[CALIBRATION_PARAMETERS])
{
	int offset = counter ? CALIBRATION_ENERGY_OFFSET_WATTS :
	    CALIBRATION_OFFSET_WATTS;
	int gain = counter ? CALIBRATION_ENERGY_GAIN : CALIBRATION_GAIN;
	double c = cos(value[CALIBRATION_PHASE_RADIANS]);
	double s = sin(value[CALIBRATION_PHASE_RADIANS]);

	memset(slopes, 0, CALIBRATION_PARAMETERS * sizeof *slopes);
	slopes[offset] = -c / value[gain];
	slopes[gain] = -(watts * c + vars * s) * c / value[gain];
	slopes[CALIBRATION_GAIN] += (vars * c - watts * s) * s /
	    value[CALIBRATION_GAIN];
	slopes[CALIBRATION_PHASE_RADIANS] = -vars;
	slopes[CALIBRATION_OFFSET_VARS] = s / value[CALIBRATION_GAIN];
}

double
calibration_joules(const struct calibration_channel *channel,
    struct calibration_counter *counter, int64_t ns, double joules,
    const double *vars)
{
	const double *value = channel->value;
	double f = value[CALIBRATION_PHASE_RADIANS];
	double q = vars ? (*vars - value[CALIBRATION_OFFSET_VARS]) /
	    value[CALIBRATION_GAIN] : 0;

	if (!counter->begun) {
		counter->begun = true;
		counter->joules = joules;
	} else {
		double seconds = (double)(ns - counter->ns) / 1e9;
		double e = (joules - counter->indicated -
		    value[CALIBRATION_ENERGY_OFFSET_WATTS] * seconds) /
		    value[CALIBRATION_ENERGY_GAIN];

		/* Without vars those of a resistor: as calibration_correct. */
		counter->joules += vars ? e * cos(f) -
		    (q + counter->vars) / 2 * seconds * sin(f) : e / cos(f);
	}
	counter->ns = ns;
	counter->indicated = joules;
	counter->vars = q;
	return counter->joules;
}
