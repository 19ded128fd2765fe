#include <string.h>

#include "clock.h"
#include "epi-tap/device.h"
#include "report.h"

#define RETRY_NS (CLOCK_SECOND / 4)

static const struct instrument *const instruments[] = {
	&meter_instrument, &pzem_instrument, NULL
};

const struct instrument *
device_instrument(const char *name)
{
	for (size_t i = 0; instruments[i]; i++)
		if (strcmp(instruments[i]->name, name) == 0)
			return instruments[i];
	return NULL;
}

const char *
device_instruments(void)
{
	static char names[256];

	*names = '\0';
	for (size_t i = 0; instruments[i]; i++) {
		if (*names)
			strcat(names, ", ");
		strcat(names, instruments[i]->name);
	}
	return names;
}

static int
baud(const struct device *device)
{
	return tap_options.baud ? tap_options.baud : device->instrument->baud;
}

bool
device_open(struct device *device)
{
	char why[PORT_WHY];

	if (!port_open(&device->port, device->operand, baud(device), why)) {
		report_error("%s: %s", device->port.name, why);
		return false;
	}
	device->is = DEVICE_OPEN;
	return true;
}

void
device_begin(struct device *device, struct moment now)
{
	device->instrument->open(device, now);
	if (device->refused)
		device_end(device, "refused", now);
}

void
device_end(struct device *device, const char *reason, struct moment now)
{
	if (device->is == DEVICE_CLOSED)
		return;
	device->instrument->end(device, reason, now);
	if (device->is == DEVICE_OPEN)
		port_close(&device->port);
	device->is = DEVICE_CLOSED;
}

static bool
reconnects(const struct device *device)
{
	if (tap_options.reconnect >= 0)
		return tap_options.reconnect && port_reopens(&device->port);
	return port_talks(&device->port) && port_reopens(&device->port);
}

static void
leave(struct device *device, struct moment now)
{
	device->instrument->away(device, now);
	port_close(&device->port);
	device->is = DEVICE_AWAY;
	device->away_ns = now.steady_ns;
	device->retry_ns = now.steady_ns + RETRY_NS;
	report_warning("%s: unplugged; waiting for it", device->port.name);
}

/* How a line ended, and what comes of it. */
static void
finish(struct device *device, long how, struct moment now)
{
	if (device->done || (how == PORT_END && !reconnects(device))) {
		device_end(device, "end", now);
	} else if (how == PORT_FAILED) {
		device_end(device, "failure", now);
	} else if (reconnects(device)) {
		leave(device, now);
	} else {
		report_error("%s: hung up", device->port.name);
		device->instrument->away(device, now);
		device_end(device, "hangup", now);
	}
}

void
device_read(struct device *device, bool hung, struct moment now)
{
	long how = device->instrument->read(device, hung, now);

	if (device->refused || device->stop)
		device_end(device, device->refused ? "refused" : "end", now);
	else if (how != PORT_NOTHING)
		finish(device, how, now);
}

/* What hinders it may pass too, as the rights of a node just made: only the
 * time that it may take ends the waiting. */
static void
come_back(struct device *device, struct moment now)
{
	char why[PORT_WHY];

	device->retry_ns = now.steady_ns + RETRY_NS;
	if (port_open(&device->port, device->operand, baud(device), why)) {
		device->is = DEVICE_OPEN;
		device_begin(device, now);
	} else if (tap_options.give_up_ns &&
	    now.steady_ns - device->away_ns >= tap_options.give_up_ns) {
		report_error("%s: given up: %s", device->port.name, why);
		device_end(device, "hangup", now);
	}
}

int64_t
device_turn(struct device *device, struct moment now)
{
	int64_t next_ns = INT64_MAX;

	if (device->is == DEVICE_AWAY && now.steady_ns >= device->retry_ns)
		come_back(device, now);
	if (device->is == DEVICE_AWAY)
		return device->retry_ns;
	if (device->is == DEVICE_OPEN)
		next_ns = device->instrument->turn(device, now);
	if (device->refused || device->stop)
		device_end(device, device->refused ? "refused" : "end", now);
	return device->is == DEVICE_OPEN ? next_ns : INT64_MAX;
}

void
device_forget(struct device *device)
{
	if (device->is == DEVICE_OPEN)
		port_close(&device->port);
	device->is = DEVICE_CLOSED;
	if (device->instrument)
		device->instrument->destroy(device);
}
