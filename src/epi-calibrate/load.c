/* load: a known load, from its text to its means. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-calibrate/calibrate.h"
#include "option.h"
#include "report.h"

/* A heating element at mains frequency is a resistor to well within this Q/P:
 * half a millihenry in 960 ohm at 60 Hz is 0.0002. */
#define ANGLE 0.0005

/* A number that is told once; a decimal comma would make two of it. */
static void
take_once(double *number, const struct load *load, const char *option,
    const char *text, double least, double most)
{
	if (isfinite(*number))
		report_usage("%s: told twice, or with a decimal comma: %s",
		    option, load->text);
	*number = option_double(option, text, least, most);
}

static void
take_expanded(struct load *load, const char *option, char *text)
{
	size_t length = strlen(text);

	load->relative = length > 1 && text[length - 1] == '%';
	if (load->relative)
		text[length - 1] = '\0';
	take_once(&load->expanded, load, option, text, 0, 1e6);
	load->expanded /= load->relative ? 100 : 1;
}

static void
take_word(struct load *load, const char *option, char *word)
{
	if (strncmp(word, "U=", 2) == 0) {
		take_expanded(load, option, word + 2);
	} else if (strncmp(word, "k=", 2) == 0) {
		take_once(&load->k, load, option, word + 2, 0.1, 10);
	} else if (strncmp(word, "angle=", 6) == 0) {
		take_once(&load->angle, load, option, word + 6, 0, 1);
	} else if (strncmp(word, "loss=", 5) == 0) {
		take_once(&load->loss, load, option, word + 5, 0, 1);
		load->kind = FIT_CAPACITOR;
	} else if (strncmp(word, "reference=", 10) == 0) {
		if (load->reference_file)
			report_usage("%s: two references: %s", option,
			    load->text);
		load->reference_file = word + 10;
	} else {
		take_once(&load->watts, load, option, word, 0, 1e6);
	}
}

static void
check(const struct load *load, const char *option)
{
	int told = isfinite(load->watts) + (load->reference_file != NULL) +
	    isfinite(load->loss);

	if (told != 1)
		report_usage("%s: wants either watts, reference=FILE or "
		    "loss=TANGENT: %s", option, load->text);
	if (load->kind == FIT_CAPACITOR && load->relative)
		report_usage("%s: U of a loss is not relative: %s", option,
		    load->text);
	if (load->kind == FIT_TARE && (isfinite(load->expanded) ||
	    isfinite(load->k) || isfinite(load->angle)))
		report_usage("%s: nothing plugged in is 0 alone: %s", option,
		    load->text);
	if (load->kind == FIT_CAPACITOR && isfinite(load->angle))
		report_usage("%s: a capacitor has no angle but its loss: %s",
		    option, load->text);
	if (load->kind != FIT_TARE && !isfinite(load->expanded))
		report_usage("%s: wants U=, how well the load is known: %s",
		    option, load->text);
}

void
load_parse(struct load *load, const char *option, const char *text)
{
	*load = (struct load){ .text = text, .kind = FIT_RESISTIVE,
		.watts = NAN, .loss = NAN, .expanded = NAN, .k = NAN,
		.angle = NAN, .words = option_list(option, text) };
	for (char **word = load->words; *word; word++)
		take_word(load, option, *word);
	if (load->watts == 0)
		load->kind = FIT_TARE;
	check(load, option);
	if (!isfinite(load->k))
		load->k = 2;
	if (!isfinite(load->angle))
		load->angle = ANGLE;
}

double
load_watts(const struct load *load)
{
	switch (load->kind) {
	case FIT_TARE: return 0;
	case FIT_CAPACITOR: return load->loss * fabs(
	    load->means.value[MEANS_VARS]);
	default: return load->reference_file ?
	    load->means.value[MEANS_REFERENCE] : load->watts;
	}
}

double
load_uncertainty(const struct load *load)
{
	switch (load->kind) {
	case FIT_TARE: return 0;
	case FIT_CAPACITOR: return load->expanded / load->k * fabs(
	    load->means.value[MEANS_VARS]);
	default: return load->expanded / load->k *
	    (load->relative ? load_watts(load) : 1);
	}
}

double
load_rounding(const struct load *load, enum means_column column)
{
	double step = load->readings.watts_resolution > 0 ?
	    load->readings.watts_resolution : 0.001;

	if (column == MEANS_COUNTER)
		return load->means.counter_u;
	return load->means.deviation[column] < step ? step / sqrt(12) : 0;
}

bool
load_measure(struct load *load, const char *node, const char *file)
{
	load->readings.wanted = node;
	if (!readings_take(&load->readings, file))
		return false;
	if (load->reference_file &&
	    !readings_take(&load->reference, load->reference_file))
		return false;
	if (load->reference_file && strcmp(load->readings.sha256,
	    load->reference.sha256) == 0) {
		report_error("%s: is its own reference", file);
		return false;
	}
	return readings_means(&load->readings,
	    load->reference_file ? &load->reference : NULL, &load->means);
}
