/* epi-import - other people's power traces to samples and events */

#include <string.h>

#include "clock.h"
#include "epi-import/import.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-import [--format csv|mlperf|nvidia-smi|ndjson|shelly|tasmota]\n"
"                  [--map KEY=PATH ...] [--node NAME] [--now]\n"
"                  [--utc-offset +HH:MM] [--channels] [--instrument NAME]\n"
"                  [FILE...]\n"
"Other people's power traces to samples and events.\n"
"\n"
"  --format NAME         what the input is; default csv\n"
"  --map KEY=PATH*NUMBER KEY (watts, joules, ...) is the column or the JSON\n"
"                        member PATH (.a.b[0]), times NUMBER where that is\n"
"                        given; an empty PATH leaves the key out\n"
"  --node NAME           the node's name, or what stands before the names that\n"
"                        the source gives\n"
"  --now                 a record without a time has the time of its arrival\n"
"  --utc-offset +HH:MM   the zone of times that name none; default UTC\n"
"  --channels            mlperf: a node for each channel, not the total\n"
"  --instrument NAME     what measured, for the start event\n"
"  -h, --help            this text\n"
"      --version         the version\n";

/* A row of `formats`, and a function that takes a line, make a format. */

static const char *const plain[] = {
	"timestamp=.timestamp", "node=.node", "watts=.watts", "volts=.volts",
	"amps=.amps", "power_factor=.power_factor", "vars=.vars",
	"hertz=.hertz", "joules=.joules", "seq=.seq", NULL
};

/* The columns of nvidia-smi --query-gpu; where several name a GPU or its
 * power, the first one here. */
static const char *const nvidia_smi[] = {
	"timestamp=timestamp", "node=index", "node=uuid", "node=gpu_uuid",
	"node=pci.bus_id", "node=gpu_bus_id", "node=name", "node=gpu_name",
	"watts=power.draw", "watts=power.draw.instant",
	"watts=power.draw.average", NULL
};

/* Switch.GetStatus and PM1.GetStatus of the second generation, /status of the
 * first.  aenergy.minute_ts is no time of a reading: it is where the minute
 * of by_minute begins. */
static const char *const shelly[] = {
	"timestamp=.timestamp", "node=.node", "watts=.apower",
	"watts=.meters[0].power", "volts=.voltage", "amps=.current",
	"power_factor=.pf", "hertz=.freq", "joules=.aenergy.total*3600", NULL
};

/* SENSOR, and the same inside the answer to Status 8 or Status 10. */
static const char *const tasmota[] = {
	"timestamp=.Time", "watts=.ENERGY.Power", "volts=.ENERGY.Voltage",
	"amps=.ENERGY.Current", "power_factor=.ENERGY.Factor",
	"vars=.ENERGY.ReactivePower", "hertz=.ENERGY.Frequency",
	"joules=.ENERGY.Total*3600000",
	"timestamp=.StatusSNS.Time", "watts=.StatusSNS.ENERGY.Power",
	"volts=.StatusSNS.ENERGY.Voltage", "amps=.StatusSNS.ENERGY.Current",
	"power_factor=.StatusSNS.ENERGY.Factor",
	"vars=.StatusSNS.ENERGY.ReactivePower",
	"hertz=.StatusSNS.ENERGY.Frequency",
	"joules=.StatusSNS.ENERGY.Total*3600000", NULL
};

static const struct format formats[] = {
	{ .name = "csv", .node = "csv", .preset = plain, .take = table_take },
	{ .name = "mlperf", .instrument = "SPEC PTDaemon", .node = "mlperf",
	  .month_first = true, .negative_is_error = true,
	  .take = mlperf_take },
	{ .name = "nvidia-smi", .instrument = "nvidia-smi", .node = "gpu",
	  .preset = nvidia_smi, .numbers = "gpu", .take = table_take },
	{ .name = "ndjson", .node = "ndjson", .preset = plain,
	  .begin = ndjson_begin, .take = ndjson_take },
	/* Total has three decimals, of Wh and of kWh (EnergyRes 3). */
	{ .name = "shelly", .instrument = "Shelly", .node = "shelly",
	  .preset = shelly, .joules_resolution = "3.6",
	  .begin = ndjson_begin, .take = ndjson_take },
	{ .name = "tasmota", .instrument = "Tasmota", .node = "tasmota",
	  .preset = tasmota, .joules_resolution = "3600",
	  .begin = ndjson_begin, .take = ndjson_take },
};

enum { FORMATS = sizeof formats / sizeof *formats };

static void
take_line(void *state, const struct feed_line *line)
{
	struct import *im = state;
	size_t i = 0;

	while (i < line->length && (line->text[i] == ' ' ||
	    line->text[i] == '\t'))
		i++;
	if (i == line->length)
		return;
	im->line = line;
	im->format->take(im);
}

enum {
	FORMAT = OPTION_LONG, MAP, NODE_NAME, NOW, UTC_OFFSET, CHANNEL_NODES,
	INSTRUMENT
};

static const struct option options[] = {
	{ "format", required_argument, NULL, FORMAT },
	{ "map", required_argument, NULL, MAP },
	{ "node", required_argument, NULL, NODE_NAME },
	{ "now", no_argument, NULL, NOW },
	{ "utc-offset", required_argument, NULL, UTC_OFFSET },
	{ "channels", no_argument, NULL, CHANNEL_NODES },
	{ "instrument", required_argument, NULL, INSTRUMENT },
	{ 0 }
};

static const struct format *
find_format(const char *name)
{
	const char *words[FORMATS + 1] = { NULL };

	for (size_t i = 0; i < FORMATS; i++)
		words[i] = formats[i].name;
	return &formats[option_word("--format", name, words)];
}

static void
set_zone(struct import *im, const char *text)
{
	char time[] = "2000-01-01T00:00:00+00:00";
	int64_t ns;

	if (strlen(text) == 6)
		memcpy(strchr(time, '+'), text, 6);
	if (strlen(text) != 6 || !clock_rfc3339(time, strlen(time), &ns))
		report_usage("--utc-offset: not like +01:00: %s", text);
	memcpy(im->zone, text, 7);
}

static void
take_option(void *state, int letter, const char *argument)
{
	struct import *im = state;

	switch (letter) {
	case FORMAT:
		im->format = find_format(argument);
		break;
	case MAP:
		rule_add(im, argument);
		break;
	case NODE_NAME:
		if (!*argument || strlen(argument) > 100)
			report_usage("--node: not 1 to 100 bytes: %s",
			    argument);
		im->node = argument;
		break;
	case NOW:
		im->now = true;
		break;
	case UTC_OFFSET:
		set_zone(im, argument);
		break;
	case CHANNEL_NODES:
		im->channels = true;
		break;
	case INSTRUMENT:
		im->instrument = argument;
		break;
	}
}

static void
prepare(struct import *im)
{
	if (im->channels && im->format->take != mlperf_take)
		report_usage("--channels goes with --format mlperf");
	if (im->rule_count && !im->format->preset)
		report_usage("--map does not go with --format %s",
		    im->format->name);
	if (im->format->preset)
		rule_add_preset(im);
	if (im->format->begin)
		im->format->begin(im);
}

int
main(int argc, char **argv)
{
	static struct import im = { .format = formats, .zone = "Z" };
	const struct option_program program = {
		"epi-import", help, "", options, take_option, &im
	};
	char **operands = option_start(argc, argv, &program);

	prepare(&im);
	im.whole = true;
	if (!feed_lines(operands, take_line, table_forget, &im))
		im.whole = false;
	if (im.whole)
		record_stop(&im);
	return stream_finish();
}
