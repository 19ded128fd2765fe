#include <string.h>

#include "clock.h"
#include "event.h"

enum { TYPE, EVENT, TIMESTAMP, BEGIN, END, COUNT, EDGE, SIMULATED, LABEL, NODE,
	NODES, CHANNELS, INSTRUMENT, INSTRUMENT_ID, RATE_HZ, DELAY, JOULES_WRAP,
	JOULES_RESOLUTION, KEYS };

static const char *const keys[KEYS] = {
	[TYPE] = "type", [EVENT] = "event", [TIMESTAMP] = "timestamp",
	[BEGIN] = "begin", [END] = "end", [COUNT] = "count", [EDGE] = "edge",
	[SIMULATED] = "simulated", [LABEL] = "label", [NODE] = "node",
	[NODES] = "nodes", [CHANNELS] = "channels", [INSTRUMENT] = "instrument",
	[INSTRUMENT_ID] = "instrument_id", [RATE_HZ] = "rate_hz",
	[DELAY] = "delay_seconds",
	[JOULES_WRAP] = "joules_wrap", [JOULES_RESOLUTION] = "joules_resolution"
};

static const char *const names[] = {
	[EVENT_START] = "start", [EVENT_STOP] = "stop", [EVENT_LOST] = "lost",
	[EVENT_GAP] = "gap", [EVENT_DISCONNECT] = "disconnect",
	[EVENT_RECONNECT] = "reconnect", [EVENT_RESET] = "reset",
	[EVENT_CLOCK] = "clock", [EVENT_MARK] = "mark", [EVENT_SPAN] = "span"
};

static enum event_kind
kind_of(const struct json_value *value)
{
	for (int i = EVENT_START; i <= EVENT_SPAN; i++)
		if (json_is(value, names[i]))
			return (enum event_kind)i;
	return EVENT_OTHER;
}

/* False: there, and not a time. */
static bool
take_time(const struct json_value *value, bool *has, int64_t *ns)
{
	*has = value->kind != JSON_ABSENT && value->kind != JSON_NULL;
	return !*has || clock_value(value, ns);
}

bool
event_read(const char *line, size_t length, struct event *event,
    const char **why)
{
	struct json_value values[KEYS];
	struct json_error error;

	memset(event, 0, sizeof *event);
	event->count = -1;
	*why = "not a JSON record";
	if (!json_members(line, length, keys, KEYS, values, &error))
		return false;
	event->type = values[TYPE];
	event->label = values[LABEL];
	event->node = values[NODE];
	event->nodes = values[NODES];
	event->channels = values[CHANNELS];
	event->instrument = values[INSTRUMENT];
	event->instrument_id = values[INSTRUMENT_ID];
	event->rate_hz = values[RATE_HZ];
	event->delay_seconds = values[DELAY];
	event->joules_wrap = values[JOULES_WRAP];
	event->joules_resolution = values[JOULES_RESOLUTION];
	event->simulated = values[SIMULATED].kind == JSON_TRUE;
	event->edge_is_end = json_is(&values[EDGE], "end");
	if (json_is(&values[TYPE], "event"))
		event->kind = kind_of(&values[EVENT]);
	*why = "\"timestamp\" is not a time";
	if (!take_time(&values[TIMESTAMP], &event->has_timestamp,
	    &event->timestamp_ns))
		return false;
	*why = "\"begin\" or \"end\" is not a time";
	if (!take_time(&values[BEGIN], &event->has_begin, &event->begin_ns) ||
	    !take_time(&values[END], &event->has_end, &event->end_ns))
		return false;
	*why = "\"count\" is not a whole number up to 1e12";
	return values[COUNT].kind == JSON_ABSENT ||
	    values[COUNT].kind == JSON_NULL ||
	    (json_integer(&values[COUNT], &event->count) &&
	    event->count >= 0 && event->count <= EVENT_COUNT_MAX);
}
