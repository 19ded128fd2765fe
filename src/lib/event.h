/*
 * event: the event record, from its line (epi-record(5)).
 * Floor: second.  Nothing here prints.
 */
#ifndef EPI_EVENT_H
#define EPI_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

enum event_kind {
	EVENT_OTHER, /* a typed record that is no event of these */
	EVENT_START, EVENT_STOP, EVENT_LOST, EVENT_GAP, EVENT_DISCONNECT,
	EVENT_RECONNECT, EVENT_RESET, EVENT_CLOCK, EVENT_MARK, EVENT_SPAN
};

/* More samples than that are never lost at once, and sums of them stay whole. */
#define EVENT_COUNT_MAX INT64_C(1000000000000)

/* Values are spans of the line; what a record does not say is JSON_ABSENT. */
struct event {
	enum event_kind kind;
	bool has_timestamp;
	int64_t timestamp_ns;
	bool has_begin, has_end;
	int64_t begin_ns, end_ns;   /* of a lost, gap or span event */
	int64_t count;              /* of a lost event, to EVENT_COUNT_MAX;
	                               -1: unknown */
	bool edge_is_end;           /* of a mark or span: "edge" is "end" */
	bool simulated;
	struct json_value type, label, node, nodes, channels, instrument, instrument_id,
	    rate_hz, delay_seconds, joules_wrap, joules_resolution;
};

/*
 * Reads a typed record that sample_next told of.  False: it is an event, but
 * a malformed one; *why (static text) says so.
 */
bool event_read(const char *line, size_t length, struct event *event,
    const char **why);

#endif
