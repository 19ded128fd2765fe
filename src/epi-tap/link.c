/* The instrument epi-meter: its lines, live or replayed, and the talk with
 * it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-tap/identity.h"
#include "epi-tap/lines.h"
#include "epi-tap/meter.h"
#include "epi-tap/record.h"
#include "epi-tap/replay.h"
#include "epi-tap/talk.h"
#include "report.h"
#include "stream.h"

#define CHECK_NS (10 * CLOCK_SECOND)

enum { NOISE = 64 }; /* bytes without a sound line that are no meter's */

struct link {
	struct device *device;
	struct meter meter;
	struct talk talk;
	struct lines lines;
	struct replay replay;
	bool told;      /* a line of the host's came: it is a recording of that
	                   kind */
	uint64_t bytes; /* since the port was opened */
	bool sound;     /* a sound line among them */
	bool checking;
	int64_t check_from_ns, check_steady_ns;
};

/* The calibration is one for all devices. */
static struct {
	bool loaded;
	char *text;
	size_t length;
	struct calibration calibration;
} file;

/* The first record of the file that is one; as it stands, on one line. */
static void
load_calibration(const char *name)
{
	struct stream in;
	struct block block;
	const char *line, *why = "no calibration record in it";
	size_t length;

	if (!stream_open(&in, name))
		report_fatal("without its calibration nothing is measured");
	while (!file.loaded && stream_next(&in, &block))
		while (!file.loaded && block_line(&block, &line, &length)) {
			file.text = report_copy(line, length);
			file.length = length;
			file.loaded = calibration_read(file.text, length,
			    &file.calibration, &why);
			if (!file.loaded)
				free(file.text);
		}
	stream_close(&in);
	if (!file.loaded)
		report_fatal("%s: %s", name, why);
}

static void *
create(struct device *device)
{
	struct link *link = report_resize(NULL, 1, sizeof *link);
	struct meter *meter = &link->meter;

	if (tap_options.calibration && !file.loaded)
		load_calibration(tap_options.calibration);
	memset(link, 0, sizeof *link);
	link->device = device;
	link->lines.buffer = report_resize(NULL, LINES_MOST + LINES_ROOM, 1);
	link->lines.line = 1;
	meter->name = device->operand;
	meter->has_begin = tap_options.has_begin;
	meter->begin_ns = meter->last_ns = tap_options.begin_ns;
	meter->calibration = file.loaded ? &file.calibration : NULL;
	meter->calibration_text = file.text;
	meter->calibration_length = file.length;
	meter->uncalibrated = tap_options.uncalibrated ||
	    (file.loaded && !*file.calibration.meter_hash);
	align_start(&meter->align);
	if (device->names)
		identity_name(meter, device->names);
	return link;
}

static void
destroy(struct device *device)
{
	struct link *link = device->state;

	free(link->lines.buffer);
	free(link);
	free(file.text);
	file.text = NULL;
}

/* A recording tells its own time, line by line. */
static void
set_now(struct link *link, struct moment now)
{
	if (!tap_options.replay)
		link->meter.now = now;
}

static void
open_first(struct link *link)
{
	const struct port *port = &link->device->port;
	struct meter *meter = &link->meter;

	meter->name = port->name;
	meter->baud = (uint32_t)port->baud;
	meter->recorded = port->kind == PORT_FILE && !tap_options.replay;
	meter->asked = port_talks(port);
	meter->waits = meter->asked && (meter->calibration ||
	    tap_options.rate_hz) && tap_options.mode != TAP_IDENTIFY;
	meter->settable = meter->waits && meter->calibration &&
	    meter->calibration->register_count > 0;
	if (!meter->asked && tap_options.rate_hz)
		report_warning("%s: no meter can be told a rate here",
		    meter->name);
	if (meter->recorded && !meter->has_begin &&
	    tap_options.mode == TAP_MEASURE)
		report_warning("%s: a recording, and no --begin: its time "
		    "starts at 0", meter->name);
}

static void
open_port(struct device *device, struct moment now)
{
	struct link *link = device->state;

	set_now(link, now);
	link->bytes = 0;
	link->sound = false;
	link->lines.filled = 0;
	link->lines.skipping = false;
	if (link->meter.away)
		meter_back(&link->meter, !port_talks(&device->port));
	else
		open_first(link);
	if (port_talks(&device->port))
		talk_open(&link->talk, &link->meter);
}

/* Lines. */

static void
tell_device(struct link *link)
{
	struct meter *meter = &link->meter;
	struct device *device = link->device;

	device->refused |= meter->refused;
	device->done |= meter->finished;
	device->stop |= tap_options.mode == TAP_IDENTIFY && meter->introduced;
	if (tap_options.mode != TAP_CHECK || !meter->started)
		return;
	if (!link->checking) {
		link->check_from_ns = meter->last_ns;
		link->check_steady_ns = meter->now.steady_ns;
	}
	link->checking = true;
	device->stop |= meter->last_ns - link->check_from_ns >= CHECK_NS;
}

static void
take_wire(struct link *link, const char *text, size_t length, uint64_t line)
{
	struct frame frame;

	meter_line(&link->meter, text, length, line, &frame);
	if (frame.kind < FRAME_ALIEN) {
		link->sound = true;
		talk_heard(&link->talk, &link->meter, &frame, length);
	}
	tell_device(link);
}

/* What the host's line says of the wire; the tap's clock is its time. */
static void
follow_host(struct link *link, enum replay_what what, const char *text,
    uint64_t line)
{
	struct meter *meter = &link->meter;

	link->told = true;
	switch (what) {
	case REPLAY_BAD:
		report_malformed(meter->name, line,
		    "not a line of the host's");
		break;
	case REPLAY_SENT:
		talk_sent(&link->talk, meter, text, strlen(text));
		break;
	case REPLAY_UNPLUGGED:
		if (!meter->away)
			meter_away(meter);
		break;
	case REPLAY_PLUGGED:
		if (meter->away)
			meter_back(meter, true);
		break;
	default:
		break;
	}
	meter_tell_clock(meter);
}

/* What came before any time was told has none, and 1970 is none of it. */
static void
refuse_untimed(struct link *link)
{
	meter_refuse(&link->meter, "a recording without the times of its "
	    "arrivals is read without --replay");
	link->device->refused = true;
}

static void
take_line(void *user, const char *text, size_t length, uint64_t line)
{
	struct link *link = user;
	char sent[REPLAY_TEXT];
	enum replay_what what = REPLAY_WIRE;

	if (!text) {
		meter_overlong(&link->meter, line);
		return;
	}
	if (link->device->refused || link->device->stop)
		return;
	if (tap_options.replay)
		what = replay_line(&link->replay, text, length,
		    &link->meter.now, sent);
	if (what != REPLAY_WIRE)
		follow_host(link, what, sent, line);
	else if (tap_options.replay && !link->told && length > 0)
		refuse_untimed(link);
	else
		take_wire(link, text, length, line);
}

static long
read_port(struct device *device, bool hung, struct moment now)
{
	struct link *link = device->state;
	long n = port_read(&device->port, lines_room(&link->lines),
	    LINES_ROOM, hung);

	set_now(link, now);
	if (n > 0) {
		link->bytes += (uint64_t)n;
		lines_came(&link->lines, (size_t)n, take_line, link);
		meter_tell_clock(&link->meter);
		return PORT_NOTHING;
	}
	if (n != PORT_NOTHING)
		lines_end(&link->lines, take_line, link);
	return n;
}

static int64_t
turn(struct device *device, struct moment now)
{
	struct link *link = device->state;
	struct meter *meter = &link->meter;
	int64_t next_ns = INT64_MAX;

	set_now(link, now);
	if (port_talks(&device->port) && !device->done)
		next_ns = talk_turn(&link->talk, meter, &device->port,
		    !link->sound && link->bytes >= NOISE);
	if (link->checking && !tap_options.replay) {
		device->stop |= now.steady_ns - link->check_steady_ns >=
		    CHECK_NS + CLOCK_SECOND;
		if (next_ns > now.steady_ns + CLOCK_SECOND)
			next_ns = now.steady_ns + CLOCK_SECOND;
	}
	meter_tell_clock(meter);
	device->refused |= meter->refused;
	return next_ns;
}

static void
away(struct device *device, struct moment now)
{
	struct link *link = device->state;

	set_now(link, now);
	lines_end(&link->lines, take_line, link);
	meter_away(&link->meter);
}

/* --check. */

static enum check_use
use(const struct meter *meter, uint32_t c)
{
	if (!meter->channels[c].node)
		return CHECK_NOT_USED;
	return meter->named ? CHECK_NAMED : CHECK_BY_DEFAULT;
}

static void
tell_check(const struct meter *meter, uint32_t c, unsigned verdict)
{
	const struct meter_channel *channel = &meter->channels[c];
	const char *name = channel->node ? channel->node : "-";

	for (unsigned bit = 0; bit < CHECK_VERDICTS; bit++)
		if (verdict >> bit & 1)
			report_warning("channel %u, %s: %s: %s",
			    (unsigned)c + 1, name, check_word(bit),
			    check_sentence(bit));
	if (verdict == 0)
		report_warning("channel %u, %s: good: %.3f W, %.2f V",
		    (unsigned)c + 1, name, check_watts(&channel->check),
		    check_volts(&channel->check));
}

static void
give_verdicts(struct link *link)
{
	struct meter *meter = &link->meter;
	double volts = meter->calibration ? meter->calibration->volts : NAN;

	for (uint32_t c = 0; c < meter->count; c++) {
		unsigned verdict = check_judge(&meter->channels[c].check,
		    use(meter, c), volts);

		record_check(meter, c, verdict);
		tell_check(meter, c, verdict);
		link->device->no |= (verdict & CHECK_WRONG) != 0;
	}
}

static void
end(struct device *device, const char *reason, struct moment now)
{
	struct link *link = device->state;
	struct meter *meter = &link->meter;

	set_now(link, now);
	if (!meter->started && !meter->introduced && !meter->refused &&
	    strcmp(reason, "signal") != 0)
		report_error("%s: ended before a meter spoke", meter->name);
	if (tap_options.mode == TAP_CHECK && meter->started)
		give_verdicts(link);
	meter_end(meter, reason);
}

const struct instrument meter_instrument = {
	.name = "epi-meter", .baud = 115200, .channels = FRAME_CHANNELS,
	.create = create, .open = open_port, .read = read_port, .turn = turn,
	.away = away, .end = end, .destroy = destroy
};
