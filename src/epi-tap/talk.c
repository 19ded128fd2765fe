#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "epi-tap/talk.h"
#include "epi-tap/timing.h"
#include "report.h"

enum { ASKS = 3, TRIES = 3, FIRST_PINGS = 3 };

#define HURRY_NS (CLOCK_SECOND / 20) /* between the first pings */
#define PING_NS (10 * CLOCK_SECOND)
#define ASK_NS CLOCK_SECOND
#define AGAIN_NS (60 * CLOCK_SECOND) /* its drops are asked for */
#define ANSWER_NS (CLOCK_SECOND * 3 / 2)

static bool
wants_setting(const struct meter *meter)
{
	return (meter->calibration || tap_options.rate_hz) &&
	    tap_options.mode != TAP_IDENTIFY;
}

/* Sending. */

void
talk_sent(struct talk *talk, const struct meter *meter, const char *text,
    size_t length)
{
	unsigned i = talk->next_ping;

	if (length < 3 || length - 2 >= FRAME_TOKEN ||
	    memcmp(text, "P ", 2) != 0)
		return;
	memcpy(talk->pings[i].token, text + 2, length - 2);
	talk->pings[i].token[length - 2] = '\0';
	talk->pings[i].sent_ns = meter->now.steady_ns +
	    timing_wire_ns(meter, length);
	talk->next_ping = (i + 1) % TALK_PINGS;
}

/* What does not go out is asked again later. */
static void
say(struct talk *talk, const struct meter *meter, const struct port *port,
    const char *text)
{
	char line[TALK_TEXT + 1];
	size_t length = strlen(text);

	memcpy(line, text, length);
	line[length] = '\n';
	if (port_send(port, line, length + 1))
		talk_sent(talk, meter, text, length);
}

static void
ping(struct talk *talk, const struct meter *meter, const struct port *port)
{
	int64_t wait_ns = PING_NS;
	char text[TALK_TEXT];

	snprintf(text, sizeof text, "P p%llu",
	    (unsigned long long)talk->number++);
	say(talk, meter, port, text);
	if (++talk->pings_sent < FIRST_PINGS)
		wait_ns = HURRY_NS;
	else if (talk->pings_sent < FIRST_PINGS + 4)
		wait_ns = CLOCK_SECOND << (talk->pings_sent - FIRST_PINGS);
	talk->ping_ns = meter->now.steady_ns + wait_ns;
}

static void
ask(struct talk *talk, const struct meter *meter, const struct port *port)
{
	say(talk, meter, port, "I tap");
	talk->asks++;
	talk->ask_ns = meter->now.steady_ns + (talk->step == TALK_ON
	    ? AGAIN_NS : ASK_NS);
}

/* Setting. */

/* Command number `command`; false behind the last one.  No tare in the meter:
 * the calibration has its own. */
static bool
setting(const struct talk *talk, const struct meter *meter,
    char text[TALK_TEXT])
{
	const struct calibration *with = meter->calibration;
	size_t i = talk->command, channels = with ? meter->header.channels : 0;
	size_t registers = with ? with->register_count : 0;

	if (i < channels) {
		snprintf(text, TALK_TEXT, "T %s %u 0", talk->token,
		    (unsigned)i);
	} else if ((i -= channels) < registers) {
		snprintf(text, TALK_TEXT, "C %s %s %02X %04X", talk->token,
		    with->registers[i].channel, with->registers[i].address,
		    with->registers[i].value);
	} else if ((i -= registers) < (registers > 0)) {
		snprintf(text, TALK_TEXT, "A %s", talk->token);
	} else if (i - (registers > 0) < (tap_options.rate_hz > 0)) {
		snprintf(text, TALK_TEXT, "R %s %u", talk->token,
		    (unsigned)tap_options.rate_hz);
	} else {
		return false;
	}
	return true;
}

static void
begin_asking(struct talk *talk, const struct meter *meter)
{
	talk->step = TALK_ASKING;
	talk->heard = false;
	talk->asks = 0;
	talk->ask_ns = meter->now.steady_ns;
}

/* A header follows the last command by itself, unless that was a tare.  Asking
 * for another one right then costs a sample its place in the meter's queue. */
static void
end_setting(struct talk *talk, struct meter *meter)
{
	bool comes = tap_options.rate_hz || (meter->calibration &&
	    meter->calibration->register_count);

	talk->set = true;
	meter_ready(meter);
	begin_asking(talk, meter);
	if (comes)
		talk->ask_ns += ASK_NS;
}

static void
send_setting(struct talk *talk, struct meter *meter, const struct port *port)
{
	char text[TALK_TEXT];

	snprintf(talk->token, sizeof talk->token, "s%llu",
	    (unsigned long long)talk->number++);
	if (!setting(talk, meter, text)) {
		end_setting(talk, meter);
		return;
	}
	say(talk, meter, port, text);
	talk->tries++;
	talk->answer_ns = meter->now.steady_ns + ANSWER_NS;
}

static void
refuse_setting(struct talk *talk, struct meter *meter, const char *why)
{
	char text[TALK_TEXT], whole[2 * TALK_TEXT + 64];

	setting(talk, meter, text);
	snprintf(whole, sizeof whole, "the meter %s%s the command \"%s\"",
	    *why ? "refuses, for its " : "does not answer", why, text);
	meter_refuse(meter, whole);
}

static void
begin_setting(struct talk *talk)
{
	talk->step = TALK_SETTING;
	talk->spared = false;
	talk->command = 0;
	talk->tries = 0;
	talk->answer_ns = INT64_MIN;
}

/* A meter with fewer ICs than channels: what it cannot set of one that is not
 * used is no matter.  The tares, which come first, tell of each. */
static bool
does_without(struct talk *talk, const struct meter *meter,
    const struct frame_ack *ack)
{
	if (!(ack->has & FRAME_ACK_REASON) ||
	    strcmp(ack->reason, "missing") != 0)
		return false;
	if (ack->command[0] == 'A')
		return talk->spared;
	if (ack->command[0] != 'T' || !meter->named ||
	    meter->channels[talk->command].node)
		return false;
	talk->spared = true;
	return true;
}

static void
take_ack(struct talk *talk, struct meter *meter, const struct frame_ack *ack)
{
	char text[TALK_TEXT];

	if (talk->step != TALK_SETTING || strcmp(ack->token, talk->token) != 0)
		return;
	if (!ack->done && !does_without(talk, meter, ack)) {
		refuse_setting(talk, meter, ack->has & FRAME_ACK_REASON
		    ? ack->reason : "reason");
		return;
	}
	talk->command++;
	talk->tries = 0;
	talk->answer_ns = INT64_MIN;
	if (!setting(talk, meter, text))
		end_setting(talk, meter);
}

static void
take_pong(struct talk *talk, struct meter *meter, const struct frame_ack *ack,
    size_t length)
{
	for (unsigned i = 0; i < TALK_PINGS; i++) {
		if (!ack->done || !*ack->token ||
		    strcmp(talk->pings[i].token, ack->token) != 0)
			continue;
		talk->pings[i].token[0] = '\0';
		meter_ping(meter, talk->pings[i].sent_ns, ack, length);
		return;
	}
}

void
talk_heard(struct talk *talk, struct meter *meter, const struct frame *frame,
    size_t length)
{
	if (frame->kind == FRAME_HEADER)
		talk->heard = true;
	if (frame->kind != FRAME_ACK)
		return;
	if (frame->as.ack.command[0] == 'P')
		take_pong(talk, meter, &frame->as.ack, length);
	else
		take_ack(talk, meter, &frame->as.ack);
}

/* Turns. */

void
talk_open(struct talk *talk, const struct meter *meter)
{
	memset(talk->pings, 0, sizeof talk->pings);
	begin_asking(talk, meter);
	talk->ask_ns = meter->now.steady_ns + FIRST_PINGS * HURRY_NS;
	talk->ping_ns = meter->now.steady_ns;
	talk->pings_sent = 0;
}

/* Three times was it asked, and a second more has passed. */
static void
take_silence(struct talk *talk, struct meter *meter, bool noise)
{
	char why[160];

	if (noise) {
		snprintf(why, sizeof why, "nothing but noise: is the speed "
		    "another than %u (--baud), or this another device?",
		    (unsigned)meter->baud);
		meter_refuse(meter, why);
	} else if (wants_setting(meter) || tap_options.mode != TAP_MEASURE) {
		meter_refuse(meter, "no meter answers");
	} else {
		report_warning("%s: does not say who it is: rate, energy "
		    "counter and calibration are unknown", meter->name);
		meter_start_unasked(meter);
		talk->step = TALK_ON;
		talk->ask_ns = meter->now.steady_ns + AGAIN_NS;
	}
}

static void
go_on_asking(struct talk *talk, struct meter *meter, const struct port *port,
    bool noise)
{
	if (talk->heard) {
		if (wants_setting(meter) && !talk->set) {
			begin_setting(talk);
		} else {
			talk->step = TALK_ON;
			talk->ask_ns = meter->now.steady_ns + AGAIN_NS;
		}
	} else if (meter->now.steady_ns < talk->ask_ns) {
		return;
	} else if (talk->asks >= ASKS && !meter->started) {
		take_silence(talk, meter, noise);
	} else {
		ask(talk, meter, port);
	}
}

static void
go_on_setting(struct talk *talk, struct meter *meter, const struct port *port)
{
	if (meter->now.steady_ns < talk->answer_ns)
		return;
	if (talk->tries == TRIES)
		refuse_setting(talk, meter, "");
	else
		send_setting(talk, meter, port);
}

static void
take_reset(struct talk *talk, struct meter *meter)
{
	meter->reset_seen = false;
	talk->pings_sent = 0;
	talk->ping_ns = meter->now.steady_ns;
	talk->set = false;
	if (wants_setting(meter))
		begin_setting(talk);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t
talk_turn(struct talk *talk, struct meter *meter, const struct port *port,
    bool noise)
{
	if (meter->reset_seen)
		take_reset(talk, meter);
	if (meter->now.steady_ns >= talk->ping_ns)
		ping(talk, meter, port);
	if (talk->step == TALK_ASKING)
		go_on_asking(talk, meter, port, noise);
	if (talk->step == TALK_SETTING)
		go_on_setting(talk, meter, port);
	if (talk->step == TALK_ON && meter->now.steady_ns >= talk->ask_ns)
		ask(talk, meter, port);
	return earlier(talk->ping_ns, talk->step == TALK_SETTING
	    ? talk->answer_ns : talk->ask_ns);
}
