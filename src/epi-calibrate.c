/* epi-calibrate - a meter's errors from known loads, and their uncertainty */
/* link: -lnettle */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "digest.h"
#include "epi-calibrate/calibrate.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-calibrate [--node NAME] [--load LOAD ...] [--meta KEY=VALUE ...]\n"
"                     [--linearity PERCENT] [--correlation R]\n"
"                     [--phase-bound DEGREES] [--valid D] [--previous CAL]\n"
"                     [FILE ...]\n"
"       epi-calibrate --verify LOAD [--calibration CAL] [--node NAME]\n"
"                     [--meta KEY=VALUE ...] [FILE]\n"
"Fit offset, gain and phase of a meter's channels from traces of known loads,\n"
"one FILE for each --load, in their order.  With --verify, check a calibration\n"
"by one load; with neither, print a calibration for a person.\n"
"\n"
"  -n, --node NAME       the node that is calibrated; the loads after it are\n"
"                        its own\n"
"  -l, --load LOAD       watts,U=U[,k=2]: a resistive load and its expanded\n"
"                        uncertainty in W or per cent; 0: nothing plugged in;\n"
"                        reference=FILE,U=U: as another meter's trace says;\n"
"                        loss=TANGENT,U=U: a capacitor\n"
"  -m, --meta KEY=VALUE  reference.make, .model, .serial, .certificate,\n"
"                        .laboratory, .date; clamp.id, .turns, .orientation,\n"
"                        .burden_ohms; temperature_celsius, operator, note\n"
"      --linearity PERCENT\n"
"                        the meter keeps to a straight line within this\n"
"      --correlation R   of the reference's errors at two loads, 0 to 1 (1)\n"
"      --phase-bound DEGREES\n"
"                        of a phase that the traces do not show (2)\n"
"      --valid D         how long the calibration holds (365d)\n"
"      --previous CAL    the calibration before this one\n"
"      --verify LOAD     does the calibration hold at this load?\n"
"      --calibration CAL the calibration, where the trace has none\n"
"  -h, --help            show this and exit\n"
"      --version         show the version and exit\n"
"\n"
"Example: epi-calibrate --load 0 --load 5.012,U=0.2% --load 15.03,U=0.2% \\\n"
"    tare.ndjson load5.ndjson load15.ndjson >calibration.ndjson\n";

enum {
	LINEARITY = OPTION_LONG, CORRELATION, PHASE_BOUND, VALID, PREVIOUS,
	VERIFY, CALIBRATION
};

/* A straight line that two loads cannot show to be one: an instrument
 * transformer far below its rating bends by about as much. */
#define UNTESTED_LINEARITY 0.01

/* A load nearer to the lowest or the highest than this part of what lies between
 * them shows less than a fifth of a parabola's bend. */
#define LEVELS_APART 20

static struct calibrate calibrate = {
	.correlation = 1, .linearity = NAN, .phase_bound = 0.035,
	.valid_ns = 365 * 86400 * CLOCK_SECOND
};

static struct load verified;   /* its text is NULL: there is none */

void
warn(struct calibrate *calibration, const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	report_warning("%s", text);
	calibration->warnings = report_resize(calibration->warnings,
	    calibration->warning_count + 1, sizeof *calibration->warnings);
	calibration->warnings[calibration->warning_count++] =
	    report_copy(text, strlen(text));
}

/* Options. */

static struct channel *
current(void)
{
	if (calibrate.count == 0)
		calibrate.count = 1;
	return &calibrate.channels[calibrate.count - 1];
}

/* A --node begins a channel, but for the first one, before any load. */
static void
begin_channel(const char *node)
{
	if (calibrate.count == CALIBRATION_CHANNELS)
		report_usage("--node: more than %d", CALIBRATION_CHANNELS);
	if (calibrate.count && !calibrate.channels[0].node)
		report_usage("--node: loads before it: %s", node);
	for (size_t i = 0; i < calibrate.count; i++)
		if (strcmp(calibrate.channels[i].node, node) == 0)
			report_usage("--node: twice: %s", node);
	calibrate.channels[calibrate.count++].node = node;
}

static void
add_load(const char *text)
{
	struct channel *channel = current();

	if (channel->count == FIT_POINTS)
		report_usage("--load: more than %d of a node", FIT_POINTS);
	load_parse(&channel->loads[channel->count++], "--load", text);
}

/* What is told of the clamp behind a --node is that channel's. */
static void
add_meta(const char *text)
{
	meta_take(calibrate.count && strncmp(text, "clamp.", 6) == 0 ?
	    &calibrate.channels[calibrate.count - 1].meta : &calibrate.meta,
	    text);
}

static void
take(void *state, int letter, const char *text)
{
	(void)state;
	switch (letter) {
	case 'n': begin_channel(text); break;
	case 'l': add_load(text); break;
	case 'm': add_meta(text); break;
	case LINEARITY:
		calibrate.linearity =
		    option_double("--linearity", text, 0, 100) / 100;
		break;
	case CORRELATION:
		calibrate.correlation =
		    option_double("--correlation", text, 0, 1);
		break;
	case PHASE_BOUND:
		calibrate.phase_bound = option_double("--phase-bound", text, 0,
		    30) * acos(-1) / 180;
		break;
	case VALID: calibrate.valid_ns = option_duration("--valid", text); break;
	case PREVIOUS: calibrate.previous_file = text; break;
	case VERIFY: load_parse(&verified, "--verify", text); break;
	default: calibrate.calibration_file = text;
	}
}

/* A calibration from its file. */

struct found {
	struct calibration *calibration;
	const char *file;
	size_t count;
};

static void
take_record(void *state, const struct feed_record *record)
{
	struct found *found = state;
	const char *why;

	if (found->count++)
		return;
	calibrate.record = report_copy(record->line, record->length);
	if (!calibration_read(calibrate.record, record->length,
	    found->calibration, &why))
		report_fatal("%s:%llu: %s", record->file,
		    (unsigned long long)record->line_number, why);
}

/* The file's one record; its spans live as long as the program. */
static void
read_calibration(struct calibration *calibration, const char *file)
{
	char *operands[] = { (char *)(uintptr_t)file, NULL };
	static struct sample_nodes nodes;
	struct found found = { calibration, file, 0 };

	if (!feed_records(operands, &nodes, take_record, &found))
		exit(report_status());
	if (found.count != 1)
		report_fatal("%s: not one calibration record on one line", file);
}

/* The fit. */

static void
check_loads(const struct channel *channel)
{
	size_t resistive = 0, known = 0;

	for (size_t i = 0; i < channel->count; i++) {
		enum fit_kind kind = channel->loads[i].kind;

		resistive += kind == FIT_RESISTIVE;
		known += kind != FIT_CAPACITOR;
	}
	if (resistive == 0)
		report_usage("no load of known watts above 0 tells the gain");
	if (known < 2)
		report_usage("one load cannot tell offset from gain: "
		    "give --load 0 too, measured with nothing plugged in");
}

static void
check_command(char **operands)
{
	size_t loads = 0, files = 0;

	for (size_t i = 0; i < calibrate.count; i++) {
		loads += calibrate.channels[i].count;
		check_loads(&calibrate.channels[i]);
	}
	while (operands[files])
		files++;
	if (files != loads)
		report_usage("%zu loads, and %zu files", loads, files);
}

/* A text of the start event that all traces have to agree in. */
static void
agree(const char *what, const char *a, const char *b, const char *file)
{
	if ((a || b) && (!a || !b || strcmp(a, b) != 0))
		report_fatal("%s: another %s than in the first trace: %s", file,
		    what, b ? b : "none");
}

static void
check_trace(const struct load *load, const struct channel *channel)
{
	const struct readings *first = &calibrate.channels[0].loads[0].readings;
	const struct readings *readings = &load->readings;

	if (readings->corrected)
		report_fatal("%s: corrected by a calibration already: measure "
		    "with epi-tap --uncalibrated", readings->file);
	agree("meter", first->instrument_id, readings->instrument_id,
	    readings->file);
	agree("calibration hash", first->hash, readings->hash, readings->file);
	agree("node", channel->loads[0].readings.node, readings->node,
	    readings->file);
	if (channel->loads[0].readings.channel != readings->channel)
		report_fatal("%s: another channel than in the trace before",
		    readings->file);
}

static void
warn_of_drift(const struct load *load)
{
	const struct means *means = &load->means;
	double watts = fabs(means->value[MEANS_WATTS]);

	/* Student's t of 18 degrees of freedom, one in a thousand. */
	if (fabs(means->rise_t) > 3.92 &&
	    fabs(means->rise_watts) > 0.001 * watts)
		warn(&calibrate, "load-drifts: %s: by %+.4f W while it was "
		    "measured; let it warm up", load->readings.file,
		    means->rise_watts);
}

static void
measure(char **operands)
{
	for (size_t i = 0; i < calibrate.count; i++) {
		struct channel *channel = &calibrate.channels[i];

		for (size_t j = 0; j < channel->count; j++) {
			struct load *load = &channel->loads[j];

			if (!load_measure(load, channel->node, *operands++))
				exit(report_status());
			check_trace(load, channel);
			warn_of_drift(load);
			calibrate.simulated |= load->readings.simulated ||
			    load->reference.simulated;
			if (load->means.end_ns > calibrate.date_ns)
				calibrate.date_ns = load->means.end_ns;
		}
	}
}

static struct fit_point
point_of(const struct load *load)
{
	const struct means *means = &load->means;
	struct fit_point point = { .kind = load->kind, .nu = means->nu };

	memcpy(point.in, means->value, sizeof means->value);
	memcpy(point.covariance, means->covariance, sizeof point.covariance);
	point.in[FIT_REFERENCE] = load_watts(load);
	point.u_reference = load_uncertainty(load);
	if (load->kind == FIT_CAPACITOR) {
		point.u_reference = 0;
		point.in[FIT_TANGENT] = load->loss;
		point.u_tangent = load->expanded / load->k;
	} else if (load->kind == FIT_RESISTIVE) {
		point.u_tangent = load->angle / sqrt(3);
	}
	point.u[FIT_WATTS] = load_rounding(load, MEANS_WATTS);
	if (means->has_vars)
		point.u[FIT_VARS] = load_rounding(load, MEANS_VARS);
	point.u[FIT_COUNTER] = load_rounding(load, MEANS_COUNTER);
	return point;
}

/* Whether a load stands apart from both the lowest and the highest one: readings
 * of the same two again are on any straight line as well. */
static bool
tests_linearity(const struct channel *channel)
{
	double apart = (channel->highest - channel->lowest) / LEVELS_APART;

	for (size_t i = 0; i < channel->count; i++) {
		double watts = load_watts(&channel->loads[i]);

		if (channel->loads[i].kind != FIT_CAPACITOR &&
		    watts - channel->lowest >= apart &&
		    channel->highest - watts >= apart)
			return true;
	}
	return false;
}

static void
choose_options(struct channel *channel)
{
	struct fit_options *options = &channel->options;

	options->has_vars = options->has_counter = true;
	channel->lowest = INFINITY;
	for (size_t i = 0; i < channel->count; i++) {
		const struct load *load = &channel->loads[i];

		options->has_vars &= load->means.has_vars;
		options->has_counter &= load->means.has_counter;
		if (load->kind == FIT_CAPACITOR)
			continue;
		channel->lowest = fmin(channel->lowest, load_watts(load));
		channel->highest = fmax(channel->highest, load_watts(load));
	}
	channel->linearity_tested = tests_linearity(channel);
	options->correlation = calibrate.correlation;
	options->phase_bound = calibrate.phase_bound;
	options->linearity_bound = isfinite(calibrate.linearity) ?
	    calibrate.linearity : channel->linearity_tested ? 0 :
	    UNTESTED_LINEARITY;
}

static void
warn_of_gaps(const struct channel *channel)
{
	const char *node = channel->loads[0].readings.node;

	if (!channel->linearity_tested)
		warn(&calibrate, "linearity-untested: %s: loads of two levels are "
		    "on any straight line; the gain may be off by %g %% elsewhere",
		    node, 100 * channel->options.linearity_bound);
	if (!channel->options.has_vars)
		warn(&calibrate, "phase-unknown: %s: no vars in the traces; "
		    "taken as 0 within %.1f degrees", node,
		    channel->options.phase_bound * 180 / acos(-1));
	if (channel->lowest > 0)
		warn(&calibrate, "no-tare: %s: the offset is what a straight "
		    "line makes of the loads", node);
}

static void
leave(struct channel *channel, struct load *load)
{
	struct calibration_channel now = { .number = 0 };
	const struct calibration_channel *before = calibrate.has_previous ?
	    calibration_find(&calibrate.previous, load->readings.channel,
	    load->readings.node) : NULL;
	const double *means = load->means.value;
	double by[CALIBRATION_PARAMETERS], variance = 0;
	double found = means[MEANS_WATTS], left = found;
	double vars = means[MEANS_VARS], also = vars;
	bool known = load->means.has_vars;

	memcpy(now.value, channel->fit.value, sizeof now.value);
	if (before)
		calibration_correct(before, &found, known ? &also : NULL);
	calibration_correct(&now, &left, known ? &vars : NULL);
	calibration_slopes(now.value, false, left, known ? vars : 0, by);
	for (int a = 0; a < CALIBRATION_PARAMETERS; a++)
		for (int b = 0; b < CALIBRATION_PARAMETERS; b++)
			variance += by[a] * by[b] *
			    channel->fit.covariance[a][b];
	load->as_found = found - load_watts(load);
	load->as_left = left - load_watts(load);
	load->u_left = sqrt(fmax(0, variance));
}

static void
judge(const struct channel *channel, const char *path,
    const struct fit_test *test)
{
	char points[256] = "";

	if (!test->freedom || test->ratio <= test->limit)
		return;
	for (size_t i = 0; i < channel->count; i++) {
		size_t n = strlen(points);

		snprintf(points + n, sizeof points - n, "%s%+.4f W at %.4g W",
		    i ? ", " : "", channel->loads[i].as_left,
		    load_watts(&channel->loads[i]));
	}
	report_error("%s: refused: the residuals of its %s are %.1f times what "
	    "readings and references allow, at most %.1f: as left %s",
	    channel->loads[0].readings.node, path, sqrt(test->ratio),
	    sqrt(test->limit), points);
}

static void
fit_channel(struct channel *channel)
{
	struct fit_point points[FIT_POINTS];
	const char *why;

	choose_options(channel);
	for (size_t i = 0; i < channel->count; i++) {
		points[i] = point_of(&channel->loads[i]);
		if (channel->linearity_tested &&
		    points[i].kind == FIT_RESISTIVE)
			points[i].linearity =
			    channel->options.linearity_bound / sqrt(3);
		if (points[i].kind == FIT_CAPACITOR &&
		    !channel->options.has_vars)
			report_fatal("%s: a capacitor, and no vars in the "
			    "traces", channel->loads[i].readings.file);
	}
	if (!fit_points(points, channel->count, &channel->options,
	    &channel->fit, &why))
		report_fatal("%s: %s", channel->loads[0].readings.node, why);
	for (size_t i = 0; i < channel->count; i++)
		leave(channel, &channel->loads[i]);
	judge(channel, "power", &channel->fit.power);
	judge(channel, "energy counter", &channel->fit.energy);
	warn_of_gaps(channel);
	meta_fill(&channel->meta, &calibrate.meta);
}

static void
add_text(struct digest *digest, const char *text)
{
	if (text)
		digest_add(digest, text, strlen(text));
	digest_add(digest, "\n", 1);
}

/* A name for this calibration: of the channels, the readings, the loads, what was
 * told and what was before. */
static void
name(void)
{
	struct digest digest;
	char hex[DIGEST_HEX], options[128];

	digest_start(&digest);
	snprintf(options, sizeof options, "%.17g %.17g %.17g %lld",
	    calibrate.linearity, calibrate.correlation, calibrate.phase_bound,
	    (long long)calibrate.valid_ns);
	add_text(&digest, options);
	add_text(&digest, calibrate.record);
	for (size_t i = 0; i < calibrate.count; i++) {
		const struct channel *channel = &calibrate.channels[i];

		add_text(&digest, channel->loads[0].readings.node);
		for (size_t j = 0; j < channel->count; j++) {
			add_text(&digest, channel->loads[j].text);
			add_text(&digest, channel->loads[j].readings.sha256);
			add_text(&digest, channel->loads[j].reference.sha256);
		}
		for (int k = 0; k < META_KEYS; k++)
			add_text(&digest, channel->meta.of[k]);
	}
	digest_end(&digest, hex);
	memcpy(calibrate.id, hex, sizeof calibrate.id - 1);
}

static void
trace_back(void)
{
	const char *const *told = calibrate.meta.of;

	calibrate.traceable = told[META_SERIAL] && told[META_CERTIFICATE] &&
	    told[META_LABORATORY] && told[META_DATE] && !calibrate.simulated;
	if (!calibrate.traceable && !calibrate.simulated)
		warn(&calibrate, "untraceable: reference.serial, .certificate, "
		    ".laboratory and .date are not all told");
}

/* The registers that are taken over are to give the hash of these traces, and the
 * errors as found are those that epi-tap left with it. */
static void
check_previous(void)
{
	const struct calibration *before = &calibrate.previous;
	const struct readings *readings =
	    &calibrate.channels[0].loads[0].readings;

	if (*before->meter_id && readings->instrument_id &&
	    strcmp(before->meter_id, readings->instrument_id) != 0)
		report_fatal("%s: of the meter %s, and the traces are of %s",
		    calibrate.previous_file, before->meter_id,
		    readings->instrument_id);
	if (*before->meter_hash && *readings->hash &&
	    strcmp(before->meter_hash, readings->hash) != 0)
		report_fatal("%s: of registers %s, and the traces are of %s",
		    calibrate.previous_file, before->meter_hash,
		    readings->hash);
}

/* Times end in the year 2262. */
static void
check_valid(void)
{
	if (calibrate.valid_ns > INT64_MAX - calibrate.date_ns)
		report_fatal("--valid: ends after the year 2262");
}

static void
fit(char **operands)
{
	check_command(operands);
	if (calibrate.previous_file) {
		read_calibration(&calibrate.previous, calibrate.previous_file);
		calibrate.has_previous = true;
	}
	measure(operands);
	check_previous();
	check_valid();
	for (size_t i = 0; i < calibrate.count; i++)
		fit_channel(&calibrate.channels[i]);
	trace_back();
	name();
	if (report_status() == STATUS_DONE)
		record_write(&calibrate);
}

/* The check. */

static const struct calibration *
calibration_of(const struct readings *readings)
{
	static struct calibration calibration;
	const char *why;

	if (calibrate.calibration_file)
		read_calibration(&calibration, calibrate.calibration_file);
	else if (!readings->calibration)
		report_fatal("%s: no calibration in it: give --calibration",
		    readings->file);
	else if (!calibration_read(readings->calibration,
	    readings->calibration_length, &calibration, &why))
		report_fatal("%s: its calibration: %s", readings->file, why);
	if (readings->corrected &&
	    strcmp(readings->corrected_by, calibration.id) != 0)
		report_fatal("%s: corrected by another calibration: %s",
		    readings->file, readings->corrected_by);
	if (*calibration.meter_hash && *readings->hash &&
	    strcmp(calibration.meter_hash, readings->hash) != 0)
		report_fatal("%s: registers %s, calibrated were %s",
		    readings->file, readings->hash, calibration.meter_hash);
	if (*calibration.meter_id && readings->instrument_id &&
	    strcmp(calibration.meter_id, readings->instrument_id) != 0)
		report_fatal("%s: meter %s, calibrated was %s", readings->file,
		    readings->instrument_id, calibration.meter_id);
	return &calibration;
}

static bool
verify(char **operands)
{
	static char dash[] = "-";

	if (operands[0] && operands[1])
		report_usage("--verify: more than one trace: %s", operands[1]);
	if (verified.kind == FIT_CAPACITOR)
		report_usage("--verify: wants a load of known watts");
	if (!load_measure(&verified, calibrate.count ?
	    calibrate.channels[0].node : NULL, operands[0] ? operands[0] :
	    dash))
		return true;
	const struct calibration *calibration =
	    calibration_of(&verified.readings);
	const struct calibration_channel *channel = calibration_find(
	    calibration, verified.readings.channel, verified.readings.node);
	if (!channel)
		report_fatal("%s: its channel is not in the calibration",
		    verified.readings.node);
	return verify_write(&verified, calibration, channel, &calibrate.meta);
}

/* The report. */

static void
print(void *state, const struct feed_record *record)
{
	size_t *count = state;
	struct json_value type;
	struct json_error error;
	const char *key = "type", *why;

	if (record->kind != SAMPLE_TYPED || !json_members(record->line,
	    record->length, &key, 1, &type, &error) ||
	    !json_is(&type, "calibration"))
		return;
	if (++*count > 1)
		stream_line("", 0);
	if (!report_write(record->line, record->length, &why))
		report_malformed(record->file, record->line_number, "%s", why);
}

static void
report(char **operands)
{
	static struct sample_nodes nodes;
	size_t count = 0;

	if (feed_records(operands, &nodes, print, &count) && count == 0)
		report_error("no calibration in the input");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "node", required_argument, NULL, 'n' },
		{ "load", required_argument, NULL, 'l' },
		{ "meta", required_argument, NULL, 'm' },
		{ "linearity", required_argument, NULL, LINEARITY },
		{ "correlation", required_argument, NULL, CORRELATION },
		{ "phase-bound", required_argument, NULL, PHASE_BOUND },
		{ "valid", required_argument, NULL, VALID },
		{ "previous", required_argument, NULL, PREVIOUS },
		{ "verify", required_argument, NULL, VERIFY },
		{ "calibration", required_argument, NULL, CALIBRATION },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-calibrate", help, "n:l:m:", options, take, NULL
	};
	char **operands = option_start(argc, argv, &program);
	bool holds = true;

	if (verified.text)
		holds = verify(operands);
	else if (calibrate.count)
		fit(operands);
	else
		report(operands);
	int status = stream_finish();
	return status == STATUS_DONE && !holds ? STATUS_NO : status;
}
