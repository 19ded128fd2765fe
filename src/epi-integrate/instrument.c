/* instrument: classes, calibrations and clocks of the meters of a stream. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-integrate/instrument.h"
#include "epi-integrate/integrate.h"
#include "json.h"
#include "option.h"
#include "report.h"

static const char *const terms[CLASS_TERMS] = {
	[CLASS_GAIN] = "gain_relative", [CLASS_OFFSET] = "offset_watts",
	[CLASS_PHASE] = "phase_radians",
	[CLASS_LINEARITY] = "linearity_relative",
	[CLASS_TRANSFER] = "transfer_relative",
	[CLASS_CLAMP] = "clamp_relative",
	[CLASS_VOLTAGE] = "voltage_relative",
	[CLASS_CROSSTALK] = "crosstalk_relative",
	[CLASS_NOISE] = "noise_watts", [CLASS_DELAY] = "delay_seconds",
	[CLASS_CLOCK] = "clock_seconds", [CLASS_TIME] = "time_relative",
	[CLASS_HOSTS] = "hosts_seconds"
};

static struct instrument *instruments;
static double told[CLASS_TERMS]; /* by --uncertainty, where is_told */
static bool is_told[CLASS_TERMS];
static double hosts_seconds = NAN; /* the widest bound of their clocks */

/* The records that told anything, for --merge. */
static char **records;
static size_t record_count, record_room;

static void
keep(const char *line, size_t length)
{
	if (s.looks)
		return;
	if (record_count > 0 && strlen(records[record_count - 1]) == length &&
	    memcmp(records[record_count - 1], line, length) == 0)
		return;
	if (record_count == record_room) {
		record_room = record_room ? record_room * 2 : 8;
		records = report_resize(records, record_room,
		    sizeof *records);
	}
	records[record_count++] = report_copy(line, length);
}

void
instrument_compose(void)
{
	for (size_t i = 0; i < record_count; i++)
		compose_raw(records[i], strlen(records[i]));
}

static char *
copy_string(const struct json_value *value)
{
	char *text = report_resize(NULL, value->length + 1, 1);

	if (json_string(value, text, value->length + 1) < 0)
		*text = '\0';
	return text;
}

/* A member of a record that was read before. */
static struct json_value
member(const char *line, size_t length, const char *key)
{
	struct json_value value;
	struct json_error error;

	if (!json_members(line, length, &key, 1, &value, &error))
		value.kind = JSON_ABSENT;
	return value;
}

static struct instrument *
find(const char *id, const char *name)
{
	for (struct instrument *at = instruments; at; at = at->next)
		if (strcmp(at->id, id) == 0 && strcmp(at->name, name) == 0)
			return at;
	return NULL;
}

static void
read_terms(struct instrument *instrument, const struct json_value *object)
{
	struct json_value values[CLASS_TERMS];
	struct json_error error;

	if (object->kind != JSON_OBJECT || !json_members(object->at,
	    object->length, terms, CLASS_TERMS, values, &error))
		return;
	for (int i = 0; i < CLASS_TERMS; i++)
		if (!json_double(&values[i], &instrument->terms[i]))
			instrument->terms[i] = NAN;
}

struct instrument *
instrument_announce(const char *line, size_t length,
    const struct event *event)
{
	char *id = copy_string(&event->instrument_id);
	char *name = copy_string(&event->instrument);
	struct json_value class = member(line, length, "uncertainty");
	struct json_value averaging = member(line, length,
	    "averaging_seconds");
	struct json_value response = member(line, length,
	    "response_seconds");
	struct json_value state = member(line, length, "calibration");
	struct instrument *instrument = find(id, name);

	keep(line, length);
	if (instrument) {
		free(id);
		free(name);
	} else {
		instrument = report_resize(NULL, 1, sizeof *instrument);
		*instrument = (struct instrument){
			.id = id, .name = name, .bound_seconds = NAN,
			.next = instruments
		};
		for (int i = 0; i < CLASS_TERMS; i++)
			instrument->terms[i] = NAN;
		instruments = instrument;
	}
	read_terms(instrument, &class);
	if (!json_double(&averaging, &instrument->averaging_seconds))
		instrument->averaging_seconds = NAN;
	if (!json_double(&response, &instrument->response_seconds) ||
	    instrument->response_seconds < 0)
		instrument->response_seconds = 0;
	if (state.kind == JSON_OBJECT)
		instrument->corrected = member(state.at, state.length,
		    "corrected").kind == JSON_TRUE;
	return instrument;
}

/* The last one read holds; it says whose it is. */
void
instrument_calibrate(const char *line, size_t length)
{
	char *copy = report_copy(line, length);
	struct calibration calibration;
	struct instrument *at = instruments;
	const char *why;

	if (!calibration_read(copy, length, &calibration, &why)) {
		if (!s.looks)
			report_malformed(s.file, s.line, "%s", why);
		free(copy);
		return;
	}
	while (at && *calibration.meter_id &&
	    strcmp(at->id, calibration.meter_id) != 0)
		at = at->next;
	if (!at) {
		free(copy);
		return;
	}
	keep(line, length);
	free(at->line);
	at->line = copy;
	at->calibration = calibration;
	at->calibrated = true;
}

static bool
is_widest(double seconds, const struct json_value *id)
{
	for (struct instrument *at = instruments; at; at = at->next)
		if ((id->kind != JSON_STRING || json_is(id, at->id)) &&
		    !(at->bound_seconds >= seconds))
			return true;
	return false;
}

/* The widest bound of the stream holds for every edge in it. */
void
instrument_clock(const char *line, size_t length)
{
	struct json_value bound = member(line, length, "bound");
	struct json_value id = member(line, length, "instrument_id");
	double seconds;

	if (!json_double(&bound, &seconds))
		return;
	if (member(line, length, "host").kind == JSON_STRING) {
		hosts_seconds = fmax(hosts_seconds, seconds);
		keep(line, length);
		return;
	}
	if (!is_widest(seconds, &id))
		return;
	keep(line, length);
	for (struct instrument *at = instruments; at; at = at->next)
		if ((id.kind != JSON_STRING || json_is(&id, at->id)) &&
		    !(at->bound_seconds >= seconds))
			at->bound_seconds = seconds;
}

void
instrument_option(const char *text)
{
	char **words = option_list("--uncertainty", text);

	for (char **word = words; *word; word++) {
		size_t length = strcspn(*word, "=");
		int i = 0;

		while (i < CLASS_TERMS && (strlen(terms[i]) != length ||
		    memcmp(terms[i], *word, length) != 0))
			i++;
		if (i == CLASS_TERMS || (*word)[length] != '=')
			report_usage("--uncertainty: no such term: %s", *word);
		told[i] = option_double("--uncertainty", *word + length + 1,
		    0, 1e9);
		is_told[i] = true;
	}
	free(words);
}

double
instrument_term(const struct instrument *instrument, enum class_term term)
{
	if (is_told[term])
		return told[term];
	if (term == CLASS_HOSTS)
		return hosts_seconds;
	if (!instrument)
		return NAN;
	return term == CLASS_CLOCK
	    ? fmax(instrument->terms[term], instrument->bound_seconds)
	    : instrument->terms[term];
}

static bool
is_corrected(const struct instrument *instrument)
{
	return instrument && instrument->calibrated && instrument->corrected;
}

bool
instrument_wants_vars(const struct instrument *instrument)
{
	return is_corrected(instrument) ||
	    instrument_term(instrument, CLASS_PHASE) > 0;
}

int64_t
instrument_shortest(const struct instrument *instrument)
{
	double ns = instrument ? 5 * instrument->response_seconds * 1e9 : 0;

	return ns < (double)INT64_MAX ? (int64_t)(ns + 0.5) : INT64_MAX;
}

/* A class says at least how well the ratio or the zero is known. */
bool
instrument_is_known(const struct instrument *instrument)
{
	return is_corrected(instrument) ||
	    !isnan(instrument_term(instrument, CLASS_GAIN)) ||
	    !isnan(instrument_term(instrument, CLASS_OFFSET));
}
