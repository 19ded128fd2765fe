#include <string.h>

#include "compose.h"
#include "import.h"
#include "report.h"
#include "stream.h"
#include "write.h"

enum { LABELS_ROOM = 1024 }; /* a sample's keys and values */

static void
open_event(const struct import *im, const char *event, int64_t ns)
{
	compose_open();
	if (im->started) {
		compose_key("timestamp");
		compose_time(ns);
	}
	compose_key("type");
	compose_string("event");
	compose_key("event");
	compose_string(event);
}

static void
put_start(struct import *im, const struct reading *group, size_t count)
{
	const char *instrument = im->instrument ? im->instrument
	    : im->format->instrument;

	open_event(im, "start", count ? group->value[TIMESTAMP] : 0);
	if (instrument) {
		compose_key("instrument");
		compose_string(instrument);
	}
	compose_key("format");
	compose_string(im->format->name);
	if (count && (im->channels || !(group->has & 1u << NODE))) {
		compose_key("nodes");
		compose_begin('[');
		for (size_t i = 0; i < count; i++)
			compose_span(group[i].node, group[i].node_length);
		compose_end(']');
	}
	if (im->joules_resolution) {
		compose_key("joules_resolution");
		compose_raw(im->joules_resolution,
		    strlen(im->joules_resolution));
	}
	compose_close();
}

static void
put_lost(struct import *im, const struct reading *r)
{
	int64_t ns = r->value[TIMESTAMP];

	open_event(im, "lost", ns);
	compose_key("begin");
	compose_time(ns);
	compose_key("end");
	compose_time(ns);
	compose_key("count");
	compose_integer(1);
	compose_key("node");
	compose_span(r->node, r->node_length);
	compose_close();
	im->lost++;
}

/* Copied at a fixed length: twice as fast as at its own. */
static char *
write_label(char *at, enum key key)
{
	memcpy(at, import_keys[key].label, IMPORT_LABEL);
	return at + import_keys[key].length;
}

static char *
write_extra(char *at, const struct extra *extra)
{
	at = write_text(at, extra->label);
	if (extra->is_text)
		return write_string(at, extra->text, extra->length);
	memcpy(at, extra->text, extra->length);
	return at + extra->length;
}

static char *
write_plain(char *at, const struct plain *plain)
{
	static const char zeros[IMPORT_COPY] = ".000000000";

	memcpy(at, plain->text, IMPORT_COPY);
	if (plain->length > IMPORT_COPY)
		memcpy(at, plain->text, plain->length);
	at += plain->length;
	if (plain->zeros == 0)
		return at;
	memcpy(at, zeros + !plain->point, IMPORT_COPY / 2);
	return at + plain->zeros + plain->point;
}

static char *
put_value(char *at, const struct reading *r, enum key key)
{
	if (r->plain & 1u << key)
		return write_plain(at, &r->texts[key]);
	return write_decimal(at, r->value[key], import_keys[key].scale,
	    import_keys[key].least);
}

static char *
put_node(char *at, const struct reading *r)
{
	if (!(r->plain & 1u << NODE))
		return write_string(at, r->node, r->node_length);
	*at++ = '"';
	at = write_plain(at, &r->texts[NODE]);
	*at++ = '"';
	return at;
}

/* Their labels and texts; several may carry on the same part of the line. */
static size_t
extras_room(const struct import *im)
{
	size_t room = im->labels_length;

	for (size_t i = 0; i < im->extra_count; i++)
		room += 6 * im->extras[i].length + 2;
	return room;
}

static void
put_sample(struct import *im, const struct reading *r)
{
	char *at = stream_room(LABELS_ROOM + 6 * r->node_length +
	    extras_room(im));

	at = write_label(at, TIMESTAMP);
	at[-import_keys[TIMESTAMP].length] = '{';
	at = put_value(at, r, TIMESTAMP);
	at = write_label(at, NODE);
	at = put_node(at, r);
	for (enum key key = WATTS; r->has >> key; key++) {
		if (!(r->has & 1u << key))
			continue;
		at = write_label(at, key);
		at = put_value(at, r, key);
	}
	for (size_t i = 0; i < im->extra_count; i++)
		at = write_extra(at, &im->extras[i]);
	*at++ = '}';
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
	im->samples++;
}

void
record_pass(struct import *im, int64_t ns)
{
	stream_pass(im->line->text, im->line->length);
	im->samples++;
	if (ns > im->last_ns)
		im->last_ns = ns;
}

void
record_put(struct import *im, const struct reading *group, size_t count)
{
	if (!im->started) {
		im->started = true;
		im->last_ns = group->value[TIMESTAMP];
		put_start(im, group, count);
	}
	for (size_t i = 0; i < count; i++) {
		if (group[i].lost)
			put_lost(im, &group[i]);
		else
			put_sample(im, &group[i]);
		if (group[i].value[TIMESTAMP] > im->last_ns)
			im->last_ns = group[i].value[TIMESTAMP];
	}
}

void
record_stop(struct import *im)
{
	if (!im->started)
		put_start(im, NULL, 0);
	open_event(im, "stop", im->last_ns);
	compose_key("samples");
	compose_integer((int64_t)im->samples);
	compose_key("lost");
	compose_integer((int64_t)im->lost);
	compose_key("malformed");
	compose_integer((int64_t)report_malformed_count());
	compose_close();
}
