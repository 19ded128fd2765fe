#include "wire.h"

#include <stdio.h>
#include <string.h>

#include "meter.h"

enum {
	US_PER_BYTE_TENTHS = 100000000 / METER_BAUD, /* ten bits a byte */
	JITTER_LEAST_US = 50, JITTER_MOST_US = 1000,
	HICCUP_US = 20000, HICCUP_ONE_OF = 200,
	MONO_BEGIN_S = 1000
};

/* splitmix64, as in stats; the firmware's folders stand alone. */
static uint64_t
draw(struct wire *wire)
{
	uint64_t z = wire->random += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static uint64_t
below(struct wire *wire, uint64_t n)
{
	return (draw(wire) >> 32) * n >> 32;
}

void
wire_start(struct wire *wire, const struct wire_config *config)
{
	memset(wire, 0, sizeof *wire);
	wire->config = *config;
	wire->random = config->seed;
	wire->next_ping_us = config->record && config->ping_us
	    ? config->ping_us : UINT64_MAX;
}

int64_t
wire_mono_ns(uint64_t true_us)
{
	return MONO_BEGIN_S * INT64_C(1000000000) + (int64_t)true_us * 1000;
}

int64_t
wire_real_ns(const struct wire *wire, uint64_t true_us)
{
	return wire->config.begin_ns + wire->step_ns + (int64_t)true_us * 1000;
}

/* A line of the host's; `text` is more of it, or "". */
static void
host_says(struct wire *wire, const char *what, const char *text,
    uint64_t true_us, void (*write)(const char *, size_t))
{
	char line[160];
	int length;

	if (!wire->config.record)
		return;
	length = snprintf(line, sizeof line,
	    "%s{\"host\":\"%s\",\"real\":%lld,\"mono\":%lld%s}\n",
	    wire->open_line ? "\n" : "", what,
	    (long long)wire_real_ns(wire, true_us),
	    (long long)wire_mono_ns(true_us), text);
	wire->open_line = false;
	wire->said_us = true_us;
	write(line, (size_t)length);
}

/* The UART. */

size_t
wire_pending(const struct wire *wire, uint64_t now_us)
{
	if (wire->busy_us <= now_us)
		return 0;
	return (size_t)((wire->busy_us - now_us) * METER_BAUD / 10000000 + 1);
}

size_t
wire_room(const struct wire *wire, uint64_t now_us)
{
	size_t pending = wire_pending(wire, now_us);

	return pending > WIRE_QUEUE ? 0 : WIRE_QUEUE - pending;
}

static uint64_t
arrival_us(struct wire *wire, uint64_t end_us)
{
	uint64_t us = end_us;

	if (!wire->config.record)
		return us;
	us += JITTER_LEAST_US + below(wire, JITTER_MOST_US - JITTER_LEAST_US);
	if (below(wire, HICCUP_ONE_OF) == 0)
		us += below(wire, HICCUP_US);
	if (us < wire->stalled_us)
		us = wire->stalled_us;
	if (us < wire->last_due_us)
		us = wire->last_due_us;
	return us;
}

/* One thing at most goes wrong with a line; false: it is lost. */
static bool
spoil(struct wire *wire, struct wire_line *line)
{
	bool faulty = wire->config.faults_ppm > 0 &&
	    below(wire, 1000000) < (uint64_t)wire->config.faults_ppm;
	uint64_t kind = faulty ? below(wire, 3) : 3;

	if (wire->lose || kind == 0) {
		wire->lose -= wire->lose > 0;
		wire->lost++;
		return false;
	}
	if (wire->damage || kind == 1) {
		line->text[wire->damage ? line->length / 2
		    : below(wire, line->length)] ^= 4;
		wire->damage -= wire->damage > 0;
		wire->damaged++;
	} else if (wire->cut || kind == 2) {
		wire->cut -= wire->cut > 0;
		line->length = 1 + below(wire, line->length - 1);
		wire->cuts++;
	}
	return true;
}

/* It ends before the plug is in again, or the host's buffer is full: nobody
 * tells the meter. */
static bool
unseen(const struct wire *wire, const struct wire_line *line)
{
	return wire->count == WIRE_LINES ||
	    (wire->unplugged && line->end_us <= wire->plugged_us);
}

void
wire_write(struct wire *wire, const char *bytes, size_t count,
    uint64_t now_us)
{
	struct wire_line line = { .length = count };

	line.begin_us = wire->busy_us > now_us ? wire->busy_us : now_us;
	line.end_us = wire->busy_us = line.begin_us +
	    count * 10000000 / METER_BAUD;
	memcpy(line.text, bytes, count);
	wire->sent++;
	if (unseen(wire, &line)) {
		wire->lost++;
		return;
	}
	if (!spoil(wire, &line))
		return;
	line.due_us = arrival_us(wire, line.end_us);
	wire->last_due_us = line.due_us;
	wire->lines[(wire->first + wire->count++) % WIRE_LINES] = line;
}

/* The host. */

/* What of a line left the UART after the plug went in. */
static size_t
missed(const struct wire *wire, const struct wire_line *line)
{
	uint64_t bytes = (wire->plugged_us - line->begin_us) * 10 /
	    US_PER_BYTE_TENTHS;

	return bytes < line->length ? (size_t)bytes : line->length;
}

static void
give(struct wire *wire, const char *bytes, size_t count, uint64_t us,
    void (*write)(const char *, size_t))
{
	if (count == 0)
		return;
	host_says(wire, "at", "", us, write);
	write(bytes, count);
	wire->open_line = bytes[count - 1] != '\n';
}

static void
send_ping(struct wire *wire, uint64_t now_us,
    void (*write)(const char *, size_t))
{
	char text[WIRE_COMMAND + 16];

	wire->next_ping_us += wire->config.ping_us;
	if (wire->unplugged)
		return;
	wire->command_length = (size_t)snprintf(wire->command, WIRE_COMMAND,
	    "P %u\n", ++wire->pings);
	wire->command_read = 0;
	wire->command_us = now_us + below(wire, JITTER_MOST_US);
	snprintf(text, sizeof text, ",\"text\":\"P %u\"", wire->pings);
	host_says(wire, "sent", text, now_us, write);
}

void
wire_deliver(struct wire *wire, uint64_t now_us,
    void (*write)(const char *, size_t))
{
	while (wire->count && wire->lines[wire->first].due_us <= now_us) {
		struct wire_line *line = &wire->lines[wire->first];
		size_t skip = 0;

		if (wire->plugged_us > line->begin_us)
			skip = missed(wire, line);
		wire->lost += skip == line->length;
		give(wire, line->text + skip, line->length - skip,
		    line->due_us, write);
		wire->first = (wire->first + 1) % WIRE_LINES;
		wire->count--;
	}
	if (wire->next_ping_us <= now_us && wire->next_ping_us < UINT64_MAX)
		send_ping(wire, now_us, write);
}

void
wire_finish(struct wire *wire, void (*write)(const char *, size_t))
{
	wire->next_ping_us = UINT64_MAX;
	wire_deliver(wire, UINT64_MAX, write);
}

void
wire_last(struct wire *wire, const char *bytes, size_t count,
    void (*write)(const char *, size_t))
{
	if (wire->open_line && !wire->config.record)
		write("\n", 1);
	give(wire, bytes, count, wire->last_due_us > wire->said_us
	    ? wire->last_due_us : wire->said_us, write);
}

static uint64_t
command_due_us(const struct wire *wire)
{
	return wire->command_us + (wire->command_read + 1) *
	    US_PER_BYTE_TENTHS / 10;
}

uint64_t
wire_next_us(const struct wire *wire, uint64_t now_us)
{
	uint64_t next = wire->next_ping_us;

	if (wire->count && wire->lines[wire->first].due_us < next)
		next = wire->lines[wire->first].due_us;
	if (wire->command_read < wire->command_length &&
	    command_due_us(wire) > now_us && command_due_us(wire) < next)
		next = command_due_us(wire);
	if (wire->unplugged && wire->plugged_us < next)
		next = wire->plugged_us;
	return next;
}

int
wire_read(struct wire *wire, uint64_t now_us, uint64_t *came_us)
{
	if (wire->command_read == wire->command_length ||
	    command_due_us(wire) > now_us)
		return -1;
	*came_us = command_due_us(wire);
	return (unsigned char)wire->command[wire->command_read++];
}

void
wire_reset(struct wire *wire)
{
	wire->command_read = wire->command_length;
}

/* The plug. */

void
wire_unplug(struct wire *wire, uint64_t now_us, uint64_t us,
    void (*write)(const char *, size_t))
{
	bool out = wire->unplugged;

	for (; wire->count; wire->count--) {
		struct wire_line *line = &wire->lines[wire->first];
		uint64_t bytes = !out && now_us > line->begin_us
		    ? (now_us - line->begin_us) * 10 / US_PER_BYTE_TENTHS : 0;

		if (bytes > line->length)
			bytes = line->length;
		wire->lost += bytes < line->length;
		give(wire, line->text, (size_t)bytes, now_us, write);
		wire->first = (wire->first + 1) % WIRE_LINES;
	}
	wire->plugged_us = now_us + us;
	wire->unplugged = true;
	wire->last_due_us = wire->plugged_us;
	wire->command_length = wire->command_read = 0;
	if (!out)
		host_says(wire, "unplugged", "", now_us, write);
	wire->open_line = false;
}

bool
wire_replugged(struct wire *wire, uint64_t now_us,
    void (*write)(const char *, size_t))
{
	if (!wire->unplugged || now_us < wire->plugged_us)
		return false;
	wire->unplugged = false;
	host_says(wire, "plugged", "", wire->plugged_us, write);
	return true;
}

void
wire_stall(struct wire *wire, uint64_t now_us, uint64_t us)
{
	wire->stalled_us = now_us + us;
	for (unsigned i = 0; i < wire->count; i++) {
		struct wire_line *line =
		    &wire->lines[(wire->first + i) % WIRE_LINES];

		if (line->due_us < wire->stalled_us)
			line->due_us = wire->stalled_us;
	}
	if (wire->last_due_us < wire->stalled_us)
		wire->last_due_us = wire->stalled_us;
}
