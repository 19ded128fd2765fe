#include <stdlib.h>
#include <string.h>

#include "epi-pull/session.h"
#include "json.h"
#include "report.h"
#include "stream.h"
#include "write.h"

static bool
same_text(const struct json_value *one, const struct json_value *other)
{
	return one->kind == other->kind && one->length == other->length &&
	    (one->length == 0 ||
	    memcmp(one->at, other->at, one->length) == 0);
}

bool
session_shares(const struct event *one, const struct event *other)
{
	struct json_value a, b;
	const char *at_a = NULL, *at_b;

	if (one->nodes.kind != JSON_ARRAY || other->nodes.kind != JSON_ARRAY)
		return true;
	while (json_element(&one->nodes, &at_a, &a))
		for (at_b = NULL; json_element(&other->nodes, &at_b, &b);)
			if (same_text(&a, &b))
				return true;
	return false;
}

/* The member of a record that was read. */
static struct json_value
member(const char *line, size_t length, const char *key)
{
	struct json_value value = { 0 };
	struct json_error error;

	json_members(line, length, &key, 1, &value, &error);
	return value;
}

static bool
same_clock(const struct session *session, const char *line, size_t length)
{
	struct json_value old = member(session->line, session->length, "host");
	struct json_value new = member(line, length, "host");

	return same_text(&old, &new);
}

void
session_drop(struct sessions *sessions, size_t i)
{
	free(sessions->at[i].line);
	sessions->count--;
	memmove(sessions->at + i, sessions->at + i + 1,
	    (sessions->count - i) * sizeof *sessions->at);
}

void
session_end(struct sessions *sessions, int64_t source, const char *line,
    size_t length)
{
	struct event event;
	const char *why;

	if (!event_read(line, length, &event, &why))
		return;
	for (size_t i = sessions->count; i-- > 0;) {
		const struct session *session = &sessions->at[i];

		if (session->source != source)
			continue;
		if (session->event.kind == EVENT_CLOCK
		    ? event.kind != EVENT_CLOCK ||
		    !same_clock(session, line, length)
		    : session->event.kind != EVENT_START ||
		    (event.kind != EVENT_START && event.kind != EVENT_STOP) ||
		    !session_shares(&session->event, &event))
			continue;
		session_drop(sessions, i);
		if (event.kind == EVENT_STOP)
			return;
	}
}

void
session_add(struct sessions *sessions, int64_t source, const char *line,
    size_t length)
{
	struct session *session;
	const char *why;

	if (sessions->count == sessions->room) {
		sessions->room = sessions->room * 2 + 8;
		sessions->at = report_resize(sessions->at, sessions->room,
		    sizeof *sessions->at);
	}
	session = &sessions->at[sessions->count++];
	session->source = source;
	session->line = report_copy(line, length);
	session->length = length;
	if (!event_read(session->line, length, &session->event, &why))
		session->event.kind = EVENT_OTHER; /* as it came */
}

void
session_keep_starts(struct sessions *sessions)
{
	for (size_t i = sessions->count; i-- > 0;)
		if (sessions->at[i].event.kind != EVENT_START)
			session_drop(sessions, i);
}

void
session_forget(struct sessions *sessions)
{
	while (sessions->count > 0)
		session_drop(sessions, sessions->count - 1);
	free(sessions->at);
	*sessions = (struct sessions){ 0 };
}

static char *
write_bytes(char *at, const char *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

void
session_put_at(const char *line, size_t length, int64_t ns)
{
	struct json_value was = member(line, length, "timestamp");
	size_t quotes = was.kind == JSON_STRING;
	const char *behind = was.at + was.length + quotes;
	char *at = stream_room(length + WRITE_DECIMAL + 1);

	at = write_bytes(at, line, (size_t)(was.at - quotes - line));
	at = write_decimal(at, ns, 9, 6);
	at = write_bytes(at, behind, (size_t)(line + length - behind));
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

static char *
write_member(char *at, const char *name, const struct json_value *value)
{
	size_t quotes = value->kind == JSON_STRING;

	if (value->kind != JSON_STRING && value->kind != JSON_ARRAY)
		return at;
	at = write_text(at, name);
	return write_bytes(at, value->at - quotes, value->length + 2 * quotes);
}

void
session_put_stop(const struct session *session, int64_t ns)
{
	char *at = stream_room(session->length + WRITE_DECIMAL + 100);

	at = write_text(at, "{\"timestamp\":");
	at = write_decimal(at, ns, 9, 6);
	at = write_text(at, ",\"type\":\"event\",\"event\":\"stop\"");
	at = write_member(at, ",\"instrument_id\":",
	    &session->event.instrument_id);
	at = write_member(at, ",\"nodes\":", &session->event.nodes);
	at = write_text(at, "}\n");
	stream_wrote(at);
	stream_record();
}
