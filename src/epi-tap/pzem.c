/* The instrument pzem: PZEM-004T v3 on one line, each asked in turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "epi-tap/record.h"
#include "epi-tap/registers.h"
#include "option.h"
#include "report.h"

/*
 * Registers are set anew about once a second (mandulaj/PZEM-004T-v30 on GitHub,
 * issues 37 and 44; the maker says nothing), and average over no more than
 * that: what is read is 0 to 1 s old, and its centre up to 0.5 s older, so 0.75 s
 * +-0.75 s.  A step is in them whole after 2 s.
 */
#define AGE_NS (CLOCK_SECOND * 3 / 4)
#define RESPONSE_SECONDS 2

/* Standard uncertainties, from limits over sqrt 3: the maker's accuracy of the
 * power, 0.5 % (1.3.5 of its manual); half of the 0.1 W that it is told in, which
 * no repeating averages out; and the age's. */
#define U_GAIN 0.0029
#define U_WATTS 0.029
#define U_AGE_SECONDS 0.43

/* An answer takes 34 ms of the line, the adapter's 16 ms, and the pzem's own
 * time, for which 100 ms in all proved too short (enesbcs/rpieasy on GitHub,
 * issue 278).  Who is silent is asked once a second: the others have their turn. */
#define TIMEOUT_NS (CLOCK_SECOND * 3 / 10)
#define SILENT_NS CLOCK_SECOND
#define STEP_NS (CLOCK_SECOND / 10) /* a step that is told of */
#define FIRST_NS (3 * CLOCK_SECOND) /* an answer has to come within */

enum {
	MOST = 24,     /* 9600 baud carry no more once a second */
	BITS = 10,     /* of a byte on the line */
	SILENCE = 7,   /* bytes: 3.5 before a question and before an answer */
	SHOWN = 10,    /* of what is wrong on the line */
	STRAY = 256, DRAINS = 16,
	WATT_HOUR = 3600
};

struct unit {
	const char *node;
	char name[8];    /* of a node that was given none */
	int address;
	bool silent;     /* it did not answer when it was asked last */
	int64_t again_ns; /* steady: then it is asked again */
	bool has_energy;
	uint32_t watt_hours;
	const char *failed; /* in this round, before the start */
};

struct pzem {
	struct device *device;
	modbus_t *modbus;
	struct unit units[MOST];
	size_t count;
	int64_t byte_ns, period_ns, delay_ns;

	bool started;    /* the start event is written */
	bool away;
	int64_t opened_ns; /* steady */
	int64_t round_ns;  /* steady: when this round was due */
	uint64_t round;
	size_t next;       /* to be asked; count: the round is done */
	bool asked;
	int64_t ready_ns, deadline_ns; /* steady: to ask, to have answered */
	int64_t last_ns;   /* the latest time written */
	int64_t stepped_ns; /* the step that the last clock event told */

	uint64_t samples, lost, timeouts, malformed, crc_errors, exceptions,
	    strangers, resets, disconnects, wrong;
};

/* The command line. */

static void
refuse_options(void)
{
	const char *none = tap_options.calibration ? "--calibration"
	    : tap_options.uncalibrated ? "--uncalibrated"
	    : tap_options.mode == TAP_CHECK ? "--check"
	    : tap_options.mode == TAP_IDENTIFY ? "--identify"
	    : tap_options.replay ? "--replay"
	    : tap_options.has_begin ? "--begin" : NULL;

	if (none)
		report_usage("%s is for an epi-meter, not for a pzem", none);
}

static void
add_unit(struct pzem *pzem, const char *node, int address)
{
	struct unit *unit = &pzem->units[pzem->count++];

	for (size_t i = 0; i + 1 < pzem->count; i++)
		if (pzem->units[i].address == address)
			report_usage("--address: %d is there twice", address);
	unit->address = address;
	snprintf(unit->name, sizeof unit->name, "ch%d", address);
	unit->node = node ? node : unit->name;
	if (tap_inverted(unit->node))
		report_usage("--invert: a pzem's watts have no sign: %s",
		    unit->node);
}

static size_t
length_of(char **list)
{
	size_t length = 0;

	while (list && list[length])
		length++;
	return length;
}

/* Without addresses they are 1, 2, ... in the order of the names. */
static void
take_addresses(struct pzem *pzem, char **addresses, char **names)
{
	size_t given = length_of(addresses), named = length_of(names);
	size_t count = given ? given : named ? named : 1;

	if (given && named && given != named)
		report_usage("--address and --node: %zu addresses and %zu "
		    "names", given, named);
	if (count > MOST)
		report_usage("--address: over %d addresses", MOST);
	for (size_t i = 0; i < count; i++) {
		int address = given ? (int)option_integer("--address",
		    addresses[i], REGISTERS_LOW, REGISTERS_HIGH) : (int)i + 1;

		if (!named || strcmp(names[i], "-") != 0)
			add_unit(pzem, named ? names[i] : NULL, address);
	}
}

/* A question, an answer and the silence before each: what the line needs. */
static void
take_rate(struct pzem *pzem, int baud)
{
	int64_t exchange_ns, most;
	uint32_t rate = tap_options.rate_hz ? tap_options.rate_hz : 1;

	pzem->byte_ns = BITS * CLOCK_SECOND / baud;
	exchange_ns = (REGISTERS_QUESTION + REGISTERS_ANSWER + SILENCE) *
	    pzem->byte_ns;
	most = CLOCK_SECOND / (exchange_ns * (int64_t)pzem->count);
	if (most == 0)
		report_usage("--address: %d baud carry at most %lld addresses "
		    "once a second", baud,
		    (long long)(CLOCK_SECOND / exchange_ns));
	if (rate > most)
		report_usage("--rate: at most %lld, at %d baud with "
		    "addresses to the number of %zu", (long long)most, baud,
		    pzem->count);
	pzem->period_ns = CLOCK_SECOND / rate;
	pzem->delay_ns = AGE_NS + REGISTERS_ANSWER * pzem->byte_ns;
}

static void *
create(struct device *device)
{
	struct pzem *pzem = report_resize(NULL, 1, sizeof *pzem);

	memset(pzem, 0, sizeof *pzem);
	pzem->device = device;
	device->state = pzem; /* what ends the program here leaves it held */
	refuse_options();
	take_addresses(pzem, device->addresses, device->names);
	take_rate(pzem, tap_options.baud ? tap_options.baud
	    : device->instrument->baud);
	return pzem;
}

static void
destroy(struct device *device)
{
	struct pzem *pzem = device->state;

	if (pzem->modbus)
		registers_close(pzem->modbus);
	free(pzem);
}

/* The centre of what is read now, in whole microseconds. */
static int64_t
stamp(const struct pzem *pzem, struct moment now)
{
	int64_t ns = now.ns - pzem->delay_ns;

	return ns - ns % 1000;
}

/* Records. */

static void
put_decimal(const char *key, energy_units value, int scale, int least)
{
	compose_key(key);
	compose_decimal(value, scale, least);
}

static void
put_nodes(const struct pzem *pzem)
{
	compose_key("nodes");
	compose_begin('[');
	for (size_t i = 0; i < pzem->count; i++)
		compose_string(pzem->units[i].node);
	compose_end(']');
}

static void
record_simply(struct pzem *pzem, const char *event)
{
	record_event(pzem->last_ns, event);
	put_nodes(pzem);
	compose_close();
}

/* This machine's clock was set: the samples keep to what it was. */
static void
watch_step(struct pzem *pzem, struct moment now)
{
	int64_t moved_ns = now.stepped_ns - pzem->stepped_ns;

	if (!pzem->started || (moved_ns < STEP_NS && moved_ns > -STEP_NS))
		return;
	pzem->stepped_ns = now.stepped_ns;
	record_event(pzem->last_ns, "clock");
	put_nodes(pzem);
	put_decimal("step_seconds", now.stepped_ns / 1000, 6, 3);
	compose_close();
}

static void
put_class(void)
{
	compose_key("uncertainty");
	compose_begin('{');
	compose_figure("gain_relative", U_GAIN);
	compose_figure("offset_watts", U_WATTS);
	compose_figure("delay_seconds", U_AGE_SECONDS);
	compose_end('}');
}

static void
start(struct pzem *pzem, int64_t ns)
{
	pzem->started = true;
	pzem->last_ns = ns;
	record_event(ns, "start");
	compose_text("instrument", "pzem-004t");
	put_nodes(pzem);
	compose_key("channels");
	compose_begin('[');
	for (size_t i = 0; i < pzem->count; i++)
		compose_integer(pzem->units[i].address);
	compose_end(']');
	compose_count("rate_hz", CLOCK_SECOND / pzem->period_ns);
	compose_key("delay_seconds");
	compose_seconds(pzem->delay_ns);
	compose_count("response_seconds", RESPONSE_SECONDS);
	put_decimal("watts_resolution", 1, 1, 1);
	put_decimal("joules_resolution", WATT_HOUR, 0, 3);
	put_class();
	compose_close();
}

static void
stop(struct pzem *pzem, const char *reason)
{
	record_event(pzem->last_ns, "stop");
	put_nodes(pzem);
	compose_text("reason", reason);
	compose_count("samples", (int64_t)pzem->samples);
	compose_count("lost", (int64_t)pzem->lost);
	compose_count("timeouts", (int64_t)pzem->timeouts);
	compose_count("malformed", (int64_t)pzem->malformed);
	compose_count("crc_errors", (int64_t)pzem->crc_errors);
	compose_count("exceptions", (int64_t)pzem->exceptions);
	compose_count("strangers", (int64_t)pzem->strangers);
	compose_count("resets", (int64_t)pzem->resets);
	compose_count("disconnects", (int64_t)pzem->disconnects);
	compose_close();
}

static void
record_reading(struct pzem *pzem, const struct unit *unit, int64_t ns,
    const struct registers *read)
{
	compose_open();
	compose_key("timestamp");
	compose_time(ns);
	compose_text("node", unit->node);
	put_decimal("watts", read->deciwatts, 1, 3);
	put_decimal("volts", read->decivolts, 1, 2);
	put_decimal("amps", read->milliamps, 3, 4);
	put_decimal("power_factor", read->power_factor_percent, 2, 3);
	put_decimal("hertz", read->decihertz, 1, 2);
	put_decimal("joules", (energy_units)read->watt_hours * WATT_HOUR, 0, 3);
	compose_count("seq", (int64_t)pzem->round);
	compose_close();
}

/* Loss. */

static void
lose(struct pzem *pzem, const struct unit *unit, struct meter_run run)
{
	pzem->lost += run.count;
	if (pzem->last_ns < run.end_ns)
		pzem->last_ns = run.end_ns;
	record_lost(unit->node, &run);
}

/* The unit that was to be asked has no sample in this round. */
static void
miss(struct pzem *pzem, const char *reason, struct moment now)
{
	struct unit *unit = &pzem->units[pzem->next++];
	int64_t ns = stamp(pzem, now);

	pzem->asked = false;
	unit->failed = reason;
	if (pzem->started)
		lose(pzem, unit, (struct meter_run){ .count = 1, .begin_ns = ns,
		    .end_ns = ns, .reason = reason });
}

/* Rounds that were due since this one and not begun. */
static void
skip_rounds(struct pzem *pzem, uint64_t count, const char *reason,
    struct moment now)
{
	struct moment due = { .ns = now.ns - now.steady_ns + pzem->round_ns +
		pzem->period_ns };
	int64_t begin_ns = stamp(pzem, due), end_ns;

	due.ns += (int64_t)(count - 1) * pzem->period_ns;
	end_ns = stamp(pzem, due);

	for (size_t i = 0; i < pzem->count && pzem->started && count; i++)
		lose(pzem, &pzem->units[i], (struct meter_run){ .count = count,
		    .begin_ns = begin_ns, .end_ns = end_ns,
		    .reason = reason });
	pzem->round += count;
	pzem->round_ns += (int64_t)count * pzem->period_ns;
}

/* What is wrong on the line is told of, ten times. */
static void
complain(struct pzem *pzem, const struct unit *unit, const char *why)
{
	if (++pzem->wrong <= SHOWN)
		report_warning("%s: %s, address %d: %s",
		    pzem->device->port.name, unit->node, unit->address, why);
}

/* An answer that is too late, or noise. */
static void
count_stray(struct pzem *pzem)
{
	pzem->strangers++;
	if (++pzem->wrong <= SHOWN)
		report_warning("%s: bytes that were not asked for",
		    pzem->device->port.name);
}

/* The talk. */

static void
refuse(struct pzem *pzem, const char *why)
{
	report_error("%s: %s", pzem->device->port.name, why);
	pzem->device->refused = true;
}

static void
set_address(struct pzem *pzem)
{
	char why[REGISTERS_WHY];
	int before;

	if (!registers_set_address(pzem->modbus, tap_options.set_address,
	    &before, why)) {
		refuse(pzem, why);
		return;
	}
	compose_open();
	compose_text("type", "identity");
	compose_text("device", pzem->device->port.name);
	compose_text("instrument", "pzem-004t");
	compose_count("address", tap_options.set_address);
	compose_count("address_before", before);
	compose_close();
	pzem->device->stop = true;
}

static void
open_line(struct device *device, struct moment now)
{
	struct pzem *pzem = device->state;
	const struct port *port = &device->port;

	if (port->kind != PORT_SERIAL && port->kind != PORT_TERMINAL) {
		refuse(pzem, "a pzem has to be asked, on a serial port");
		return;
	}
	if (pzem->modbus)
		registers_close(pzem->modbus);
	pzem->modbus = registers_open(port->name, port->fd, port->baud,
	    (uint32_t)(3 * REGISTERS_ANSWER * pzem->byte_ns / 1000));
	pzem->ready_ns = now.steady_ns;
	if (tap_options.mode == TAP_ADDRESS) {
		set_address(pzem);
	} else if (pzem->away) {
		pzem->last_ns = stamp(pzem, now);
		record_simply(pzem, "reconnect");
	} else {
		pzem->opened_ns = now.steady_ns;
		pzem->round_ns = now.steady_ns;
	}
}

/* What came unasked would be taken for an answer.  Bounded, for a line may
 * never be silent. */
static void
drain(struct pzem *pzem)
{
	char stray[STRAY];
	int i = 0;

	while (i < DRAINS && port_read(&pzem->device->port, stray, sizeof stray,
	    false) > 0)
		i++;
	if (i > 0)
		count_stray(pzem);
}

static void
ask(struct pzem *pzem, struct moment now)
{
	struct unit *unit = &pzem->units[pzem->next];

	if (unit->silent && now.steady_ns < unit->again_ns) {
		miss(pzem, answer_word(ANSWER_SILENT), now);
		return;
	}
	drain(pzem);
	if (!registers_ask(pzem->modbus, unit->address)) {
		complain(pzem, unit, "the question did not go out");
		miss(pzem, answer_word(ANSWER_BROKEN), now);
		return;
	}
	pzem->asked = true;
	pzem->deadline_ns = now.steady_ns + TIMEOUT_NS;
}

static void
give_up(struct pzem *pzem, struct moment now)
{
	struct unit *unit = &pzem->units[pzem->next];

	pzem->timeouts++;
	if (!unit->silent)
		complain(pzem, unit, "does not answer");
	unit->silent = true;
	unit->again_ns = pzem->deadline_ns - TIMEOUT_NS + SILENT_NS;
	miss(pzem, answer_word(ANSWER_SILENT), now);
}

static void
begin_round(struct pzem *pzem, struct moment now)
{
	int64_t due = (now.steady_ns - pzem->round_ns) / pzem->period_ns;

	skip_rounds(pzem, (uint64_t)due - 1,
	    pzem->away ? "disconnect" : "late", now);
	pzem->away = false;
	pzem->round++;
	pzem->round_ns += pzem->period_ns;
	pzem->next = 0;
	for (size_t i = 0; i < pzem->count; i++)
		pzem->units[i].failed = NULL;
}

static void
take_first_silence(struct pzem *pzem)
{
	char why[160];

	if (pzem->malformed + pzem->strangers > 0)
		snprintf(why, sizeof why, "nothing but noise: is the speed "
		    "another than %d (--baud), or this another device?",
		    pzem->device->port.baud);
	else if (pzem->exceptions > 0)
		snprintf(why, sizeof why, "what answers is no pzem");
	else
		snprintf(why, sizeof why, "no pzem answers: is it on the "
		    "mains, and has it its address (--address, "
		    "--set-address)?");
	refuse(pzem, why);
}

static int64_t
turn(struct device *device, struct moment now)
{
	struct pzem *pzem = device->state;
	int64_t next_round_ns = pzem->round_ns + pzem->period_ns;

	if (device->stop)
		return INT64_MAX;
	watch_step(pzem, now);
	if (pzem->asked && now.steady_ns >= pzem->deadline_ns)
		give_up(pzem, now);
	if (!pzem->started && now.steady_ns - pzem->opened_ns >= FIRST_NS) {
		take_first_silence(pzem);
		return INT64_MAX;
	}
	if (pzem->asked)
		return pzem->deadline_ns;
	if (pzem->next == pzem->count && now.steady_ns < next_round_ns)
		return next_round_ns;
	if (now.steady_ns < pzem->ready_ns)
		return pzem->ready_ns;
	if (pzem->next == pzem->count)
		begin_round(pzem, now);
	ask(pzem, now);
	return pzem->asked ? pzem->deadline_ns : now.steady_ns;
}

/* Those of this round that failed before anyone had answered are lost too. */
static void
start_late(struct pzem *pzem, int64_t ns)
{
	start(pzem, ns);
	for (size_t i = 0; i < pzem->next; i++)
		lose(pzem, &pzem->units[i], (struct meter_run){ .count = 1,
		    .begin_ns = ns, .end_ns = ns,
		    .reason = pzem->units[i].failed });
}

static void
take_reading(struct pzem *pzem, const struct registers *read, int64_t ns)
{
	struct unit *unit = &pzem->units[pzem->next];

	if (!pzem->started)
		start_late(pzem, ns);
	if (unit->has_energy && read->watt_hours < unit->watt_hours) {
		pzem->resets++;
		record_reset(unit->node, ns, "energy");
	}
	unit->has_energy = true;
	unit->watt_hours = read->watt_hours;
	unit->silent = false;
	record_reading(pzem, unit, ns, read);
	pzem->samples++;
	pzem->last_ns = ns;
	pzem->asked = false;
	pzem->next++;
}

static void
take_failure(struct pzem *pzem, enum answer answer, const char *why,
    struct moment now)
{
	complain(pzem, &pzem->units[pzem->next], why);
	if (answer == ANSWER_OTHER) {
		pzem->strangers++;
		return;
	}
	pzem->exceptions += answer == ANSWER_EXCEPTION;
	pzem->crc_errors += answer == ANSWER_CRC;
	pzem->malformed += answer != ANSWER_EXCEPTION &&
	    answer != ANSWER_CLIPPED;
	miss(pzem, answer_word(answer), now);
}

/* An answer that is begun is waited for, three times as long as it can take. */
static void
take_answer(struct pzem *pzem, struct moment now)
{
	struct unit *unit = &pzem->units[pzem->next];
	struct registers read;
	char why[REGISTERS_WHY];
	enum answer answer = registers_take(pzem->modbus, unit->address, &read,
	    why);
	int64_t steady_ns = clock_steady();

	now.ns += steady_ns - now.steady_ns;
	now.steady_ns = steady_ns;
	pzem->ready_ns = steady_ns + SILENCE * pzem->byte_ns / 2;
	if (answer == ANSWER_SOUND)
		take_reading(pzem, &read, stamp(pzem, now));
	else if (answer != ANSWER_BROKEN)
		take_failure(pzem, answer, why, now);
}

static long
read_line(struct device *device, bool hung, struct moment now)
{
	struct pzem *pzem = device->state;
	char stray[STRAY];
	long n;

	if (pzem->asked && !hung) {
		take_answer(pzem, now);
		return PORT_NOTHING;
	}
	n = port_read(&device->port, stray, sizeof stray, hung);
	if (n <= 0)
		return n;
	count_stray(pzem);
	return PORT_NOTHING;
}

static void
away(struct device *device, struct moment now)
{
	struct pzem *pzem = device->state;

	while (pzem->next < pzem->count)
		miss(pzem, "disconnect", now);
	pzem->asked = false;
	if (!pzem->started)
		return;
	pzem->away = true;
	pzem->disconnects++;
	pzem->last_ns = stamp(pzem, now);
	record_simply(pzem, "disconnect");
}

/* What was not asked for yet is not lost; what was due while it was unplugged
 * is. */
static void
end(struct device *device, const char *reason, struct moment now)
{
	struct pzem *pzem = device->state;

	if (!pzem->started)
		return;
	if (pzem->away && now.steady_ns > pzem->round_ns)
		skip_rounds(pzem, (uint64_t)((now.steady_ns - pzem->round_ns) /
		    pzem->period_ns), "disconnect", now);
	stop(pzem, reason);
}

const struct instrument pzem_instrument = {
	.name = "pzem", .baud = 9600, .channels = MOST, .addressed = true,
	.create = create, .open = open_line, .read = read_line, .turn = turn,
	.away = away, .end = end, .destroy = destroy
};
