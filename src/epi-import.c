/* epi-import - other people's power traces to samples and events */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "compose.h"
#include "csv.h"
#include "feed.h"
#include "option.h"
#include "report.h"
#include "stream.h"
#include "write.h"

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

enum key {
	TIMESTAMP, NODE, WATTS, VOLTS, AMPS, POWER_FACTOR, VARS, HERTZ, JOULES,
	SEQ, KEYS,
	EXTRA = KEYS, /* not a sample's: carried on under its own name */
	IGNORED
};

/* A value is a whole number of 10^-scale; `least` decimals are written.  Labels
 * are copied whole, all LABEL bytes: twice as fast as by their length. */
enum { LABEL = 24 };
#define LABELLED(key) key, ",\"" key "\":", sizeof ",\"" key "\":" - 1
static const struct {
	const char *name;
	char label[LABEL];
	int length, scale, least;
} keys[KEYS] = {
	{ LABELLED("timestamp"), 9, 6 }, { LABELLED("node"), 0, 0 },
	{ LABELLED("watts"), 9, 3 }, { LABELLED("volts"), 9, 2 },
	{ LABELLED("amps"), 9, 4 }, { LABELLED("power_factor"), 9, 3 },
	{ LABELLED("vars"), 9, 2 }, { LABELLED("hertz"), 9, 2 },
	{ LABELLED("joules"), 6, 3 }, { LABELLED("seq"), 0, 0 },
};

enum {
	LABELS_ROOM = 1024, /* the keys above and their values in one record */
	RULES = 64,
	STEPS = 16,      /* of one path */
	CHANNELS = 64,   /* of one mlperf line */
	WIDE_DIGITS = 27 /* times a factor of 9 digits: within 128 bits */
};

/* Exactly digits / 10^places. */
struct factor {
	int64_t digits;
	int places;
};

static const struct factor one = { 1, 0 };

/* KEY=PATH*FACTOR. */
struct rule {
	enum key key;
	char *name; /* the key as given */
	char *path; /* empty: matches nothing */
	char *label; /* of an EXTRA in JSON: ,"name": */
	struct factor factor;
};

/* A member or an element on the way to a JSON value. */
struct step {
	char *name; /* NULL: an element */
	int64_t index;
};

struct path {
	const struct rule *rule;
	struct step steps[STEPS];
	size_t count;
	size_t top; /* of import.tops: where the first step leads */
};

struct column {
	char *name;  /* "power.draw [W]" */
	char *stem;  /* "power.draw" */
	char *unit;  /* "W", inside stem; NULL: none */
	enum key key;
	char *label; /* of an EXTRA: ,"name": */
	struct factor factor;
};

struct extra {
	const char *label, *text;
	size_t length;
	bool is_text; /* else it is JSON already */
};

struct reading {
	int64_t value[KEYS];
	unsigned has; /* a bit for each key */
	bool lost;    /* the source says that it could not measure */
	char node[SAMPLE_NODE_MAX + 1];
	size_t node_length;
};

struct import {
	const struct format *format;
	const char *node, *instrument, *joules_resolution;
	char zone[8]; /* of times that name none */
	bool now, channels;
	struct rule rules[RULES];
	size_t rule_count;

	const struct feed_line *line;
	struct reading group[1 + CHANNELS]; /* of the line */
	struct extra *extras; /* room for one a rule and one a column */
	size_t extra_count;
	size_t labels_length; /* of all extras */
	char *scratch;        /* texts of the line whose escapes were undone */
	size_t scratch_room, scratch_filled;

	struct column *columns; /* of the file's header */
	size_t column_count;
	char *header;           /* NULL before it is read */
	size_t header_length;
	bool refused;           /* the file's header was of no use */

	struct path paths[RULES];
	size_t path_count;
	const char *tops[RULES];
	size_t top_count;

	bool started, whole;
	int64_t last_ns;
	uint64_t samples, lost;
};

/* What one kind of trace needs: a preset is a list of --map arguments. */
struct format {
	const char *name, *instrument, *node;
	const char *const *preset;
	const char *joules_resolution;   /* of the preset's counter */
	const char *numbers;             /* stands before a node that is a number */
	bool month_first;                /* MM-DD-YYYY */
	bool negative_is_error;          /* negative figures are error readings */
	void (*begin)(struct import *);  /* before the first line, or NULL */
	void (*take)(struct import *);   /* a line */
};

/* ---- exact numbers ---- */

/*
 * The digits of a number in JSON's grammar and how many of them are decimals;
 * false: more than can be held.
 */
static bool
take_apart(const char *text, size_t length, energy_units *digits, int *places)
{
	const char *end = text + length;
	bool negative = *text == '-', fraction = false;
	int kept = 0;
	long exponent = 0;

	*digits = 0;
	*places = 0;
	for (text += negative; text < end && (*text | 0x20) != 'e'; text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		*digits = *digits * 10 + (*text - '0');
		kept += *digits != 0;
		*places += fraction;
		if (kept > WIDE_DIGITS || *places > 1000)
			return false;
	}
	if (text < end)
		exponent = strtol(text + 1, NULL, 10);
	if (exponent < -1000 || exponent > 1000)
		return false;
	*places -= (int)exponent;
	*digits = negative ? -*digits : *digits;
	return true;
}

/* value / 10^places, half to even. */
static energy_units
shorten(energy_units value, int places)
{
	energy_units power = 1, rest, magnitude = value < 0 ? -value : value;

	if (places > 37) /* |value| < 10^36 */
		return 0;
	while (places-- > 0)
		power *= 10;
	rest = magnitude % power;
	magnitude /= power;
	if (rest * 2 > power || (rest * 2 == power && magnitude % 2))
		magnitude++;
	return value < 0 ? -magnitude : magnitude;
}

/* The number times a factor times 10^scale, rounded once. */
static bool
scale_number(const char *text, size_t length, const struct factor *factor,
    int scale, int64_t *out)
{
	int shift = scale - factor->places, places;
	energy_units value;

	if (factor->digits == 1 && shift >= 0 && shift <= 18)
		return json_decimal_text(text, length, shift, out);
	if (!json_decimal_text(text, length, 0, out) ||
	    !take_apart(text, length, &value, &places))
		return false;
	value *= factor->digits;
	for (shift -= places; shift > 0 && value; shift--) {
		value *= 10;
		if (value > INT64_MAX || value < INT64_MIN)
			return false;
	}
	value = shorten(value, -shift);
	*out = (int64_t)value;
	return value <= INT64_MAX && value >= INT64_MIN;
}

static const struct unit {
	const char *name;
	enum key key;
	struct factor factor;
} units[] = {
	{ "W", WATTS, { 1, 0 } }, { "mW", WATTS, { 1, 3 } },
	{ "uW", WATTS, { 1, 6 } }, { "kW", WATTS, { 1, -3 } },
	{ "V", VOLTS, { 1, 0 } }, { "mV", VOLTS, { 1, 3 } },
	{ "A", AMPS, { 1, 0 } }, { "mA", AMPS, { 1, 3 } },
	{ "var", VARS, { 1, 0 } }, { "Hz", HERTZ, { 1, 0 } },
	{ "J", JOULES, { 1, 0 } }, { "mJ", JOULES, { 1, 3 } },
	{ "kJ", JOULES, { 1, -3 } }, { "mWh", JOULES, { 36, 1 } },
	{ "Wh", JOULES, { 36, -2 } }, { "kWh", JOULES, { 36, -5 } },
};

static const struct factor *
find_unit(enum key key, const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].key == key && strlen(units[i].name) == length &&
		    memcmp(units[i].name, name, length) == 0)
			return &units[i].factor;
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "70.12 W" is a number of its own unit; without one, `factor` is it. */
static bool
read_number(enum key key, const struct factor *factor, const char *text,
    size_t length, int64_t *out)
{
	size_t digits = length;

	while (digits && !is_digit(text[digits - 1]))
		digits--;
	if (!digits)
		return false;
	if (digits < length) {
		size_t unit = digits + (text[digits] == ' ');

		factor = find_unit(key, text + unit, length - unit);
		if (!factor)
			return false;
	}
	if (*text == '+') {
		text++;
		digits--;
	}
	return scale_number(text, digits, factor, keys[key].scale, out) &&
	    (key != WATTS || (*out <= ENERGY_WATTS_MAX &&
	    *out >= -ENERGY_WATTS_MAX));
}

/* ---- a reading, from its texts ---- */

static bool
malformed(const struct import *im, const char *what)
{
	report_malformed(im->line->file, im->line->line_number, "%s", what);
	return false;
}

static bool
refuse(const struct import *im, const char *key, const char *what,
    const char *text, size_t length)
{
	report_malformed(im->line->file, im->line->line_number,
	    "\"%s\" is not %s: %.*s", key, what, length > 40 ? 40 : (int)length,
	    text);
	return false;
}

/* "MM-DD-YYYY hh:mm:ss", "YYYY/MM/DD hh:mm:ss", "YYYY-MM-DDThh:mm:ss": brought
 * into the form of RFC 3339, zone behind. */
static bool
read_local_time(const struct import *im, const char *text, size_t length,
    int64_t *ns)
{
	char rfc[64];

	if (length < 19 || length > 40)
		return false;
	memcpy(rfc, text, length);
	if (im->format->month_first) {
		if (text[2] != '-' || text[5] != '-')
			return false;
		memcpy(rfc, text + 6, 4);
		rfc[4] = '-';
		memcpy(rfc + 5, text, 5);
	} else if (text[4] == '/' && text[7] == '/') {
		rfc[4] = rfc[7] = '-';
	}
	memcpy(rfc + length, im->zone, strlen(im->zone));
	return clock_rfc3339(rfc, length + strlen(im->zone), ns);
}

static bool
read_time(const struct import *im, const struct factor *factor,
    const char *text, size_t length, int64_t *ns)
{
	if (factor->digits != 1 || factor->places != 0)
		return length &&
		    scale_number(text, length, factor, 9, ns) && *ns >= 0;
	return (!im->format->month_first && clock_parse(text, length, ns)) ||
	    read_local_time(im, text, length, ns);
}

static bool
read_node(const struct import *im, struct reading *r, const char *text,
    size_t length)
{
	const char *numbers = im->format->numbers;
	bool number = numbers && length;
	char *at = r->node;

	if (!length || memchr(text, '\0', length) || length + 16 +
	    (im->node ? strlen(im->node) : 0) > SAMPLE_NODE_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		number = number && is_digit(text[i]);
	if (im->node)
		at = write_text(write_text(at, im->node), "-");
	if (number)
		at = write_text(at, numbers);
	memcpy(at, text, length);
	r->node_length = (size_t)(at - r->node) + length;
	return true;
}

/* How sources write that they have no value. */
static bool
missing(const char *text, size_t length)
{
	static const char *const words[] = { "nan", "nan(ind)", "inf",
		"1.#QNAN", "1.#IND", "1.#INF", "null", "none", "n/a", "na",
		"err!", NULL };

	if (length && *text == '-') {
		text++;
		length--;
	}
	if (!length || (*text == '[' && text[length - 1] == ']'))
		return true;
	for (size_t i = 0; words[i]; i++)
		if (strlen(words[i]) == length &&
		    strncasecmp(words[i], text, length) == 0)
			return true;
	return false;
}

/* Takes the text of one key; false: malformed, and said. */
static bool
fill(struct import *im, struct reading *r, enum key key,
    const struct factor *factor, const char *text, size_t length)
{
	bool understood;

	if (key == NODE) {
		r->has |= 1u << NODE;
		return read_node(im, r, text, length) ||
		    refuse(im, "node", "a name of 1 to 200 bytes", text, length);
	}
	understood = key == TIMESTAMP
	    ? read_time(im, factor, text, length, &r->value[key])
	    : read_number(key, factor, text, length, &r->value[key]);
	if (understood &&
	    !(im->format->negative_is_error && r->value[key] < 0)) {
		r->has |= 1u << key;
		return true;
	}
	if (!understood && !missing(text, length))
		return refuse(im, keys[key].name, key == TIMESTAMP ? "a time"
		    : key == WATTS ? "a number of watts within 1e9"
		    : "a number that is known here", text, length);
	r->lost |= key == WATTS;
	return true;
}

static void
clear(struct import *im, struct reading *r)
{
	r->has = 0;
	r->lost = false;
	r->node_length = 0;
	im->extra_count = 0;
	im->scratch_filled = 0;
	if (im->line->length <= im->scratch_room)
		return;
	im->scratch_room = im->line->length * 2 + 1;
	im->scratch = report_resize(im->scratch, im->scratch_room, 1);
}

/* Puts in what the line need not say; false: malformed, and said. */
static bool
complete(struct import *im, struct reading *r)
{
	if (!(r->has & 1u << TIMESTAMP)) {
		if (!im->now)
			return malformed(im, "no timestamp (--now gives it "
			    "the time of its arrival)");
		r->value[TIMESTAMP] = clock_now();
	}
	if (!(r->has & 1u << NODE)) {
		const char *name = im->node ? im->node : im->format->node;

		r->node_length = strlen(name);
		memcpy(r->node, name, r->node_length);
	}
	return r->lost || (r->has & 1u << WATTS) ||
	    malformed(im, "no \"watts\"");
}

/* ---- records out ---- */

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

static char *
write_label(char *at, enum key key)
{
	memcpy(at, keys[key].label, LABEL);
	return at + keys[key].length;
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

static void
put_sample(struct import *im, const struct reading *r)
{
	char *at = stream_room(LABELS_ROOM + im->labels_length +
	    6 * (r->node_length + im->line->length));

	at = write_label(at, TIMESTAMP);
	at[-keys[TIMESTAMP].length] = '{';
	at = write_decimal(at, r->value[TIMESTAMP], 9, 6);
	at = write_label(at, NODE);
	at = write_string(at, r->node, r->node_length);
	for (enum key key = WATTS; key < KEYS; key++) {
		if (!(r->has & 1u << key))
			continue;
		at = write_label(at, key);
		at = write_decimal(at, r->value[key], keys[key].scale,
		    keys[key].least);
	}
	for (size_t i = 0; i < im->extra_count; i++)
		at = write_extra(at, &im->extras[i]);
	stream_wrote(write_text(at, "}\n"));
	stream_record();
	im->samples++;
}

static void
put(struct import *im, const struct reading *group, size_t count)
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

/* The mark that the trace is whole.  Where there was nothing, the two events
 * say so, without a time. */
static void
put_stop(struct import *im)
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

/* ---- rules ---- */

static enum key
find_key(const char *name)
{
	enum key key = TIMESTAMP;

	while (key < KEYS && strcmp(keys[key].name, name) != 0)
		key++;
	return key;
}

/* Cuts "*NUMBER" off the path. */
static struct factor
cut_factor(char *path, const char *rule)
{
	struct factor factor = one;
	char *star = strrchr(path, '*');
	energy_units digits;
	int64_t ignored;

	if (!star || !json_decimal_text(star + 1, strlen(star + 1), 0,
	    &ignored))
		return one;
	if (!take_apart(star + 1, strlen(star + 1), &digits, &factor.places) ||
	    digits == 0)
		report_usage("--map: no factor to count on: %s", rule);
	for (; digits % 10 == 0; digits /= 10)
		factor.places--;
	if (digits > 999999999 || digits < -999999999)
		report_usage("--map: factor of more than 9 digits: %s", rule);
	factor.digits = (int64_t)digits;
	*star = '\0';
	return factor;
}

static void
add_rule(struct import *im, const char *text)
{
	struct rule *rule = &im->rules[im->rule_count];
	const char *equals = strchr(text, '=');

	if (im->rule_count == RULES)
		report_usage("--map: more than %d", RULES);
	if (!equals || equals == text)
		report_usage("--map: not KEY=PATH: %s", text);
	rule->name = report_copy(text, (size_t)(equals - text));
	rule->path = report_copy(equals + 1, strlen(equals + 1));
	rule->factor = cut_factor(rule->path, text);
	rule->key = find_key(rule->name);
	if (strcmp(rule->name, "type") == 0)
		report_usage("--map: a sample has no \"type\"");
	if ((rule->key == NODE || rule->key == EXTRA) &&
	    (rule->factor.digits != 1 || rule->factor.places))
		report_usage("--map: no factor for \"%s\"", rule->name);
	im->rule_count++;
}

/* The preset's rules, for keys that the user did not map. */
static void
add_preset(struct import *im)
{
	unsigned mapped = 0;

	for (size_t i = 0; i < im->rule_count; i++)
		mapped |= 1u << im->rules[i].key;
	if (!(mapped & 1u << JOULES))
		im->joules_resolution = im->format->joules_resolution;
	for (const char *const *text = im->format->preset; *text; text++) {
		char *name = report_copy(*text, strcspn(*text, "="));

		if (!(mapped & 1u << find_key(name)))
			add_rule(im, *text);
		free(name);
	}
}

/* ,"name": */
static char *
make_label(struct import *im, const char *name)
{
	size_t length = strlen(name);
	char *label = report_resize(NULL, 6 * length + 5, 1), *at = label;

	*at++ = ',';
	at = write_text(write_string(at, name, length), ":");
	*at = '\0';
	im->labels_length += (size_t)(at - label);
	return label;
}

static struct extra *
add_extra(struct import *im, const char *label, const char *text,
    size_t length)
{
	struct extra *extra = &im->extras[im->extra_count++];

	extra->label = label;
	extra->text = text;
	extra->length = length;
	extra->is_text = false;
	return extra;
}

/* ---- csv and nvidia-smi ---- */

static void
forget_header(void *state, const char *file, bool cut)
{
	struct import *im = state;

	(void)file;
	(void)cut;
	if (!im->header)
		return;
	for (size_t i = 0; i < im->column_count; i++) {
		free(im->columns[i].name);
		free(im->columns[i].stem);
		free(im->columns[i].label);
	}
	free(im->columns);
	free(im->header);
	im->columns = NULL;
	im->header = NULL;
	im->column_count = im->header_length = im->labels_length = 0;
	im->refused = false;
}

static bool
refuse_header(struct import *im, const char *what, const char *name)
{
	report_error("%s:%llu: %s \"%s\"", im->line->file,
	    (unsigned long long)im->line->line_number, what, name);
	im->refused = true;
	im->whole = false;
	return false;
}

/* "power.draw [W]": the unit inside the brackets, cut off; NULL: none. */
static char *
cut_unit(char *name)
{
	char *open = strrchr(name, '['), *close = strrchr(name, ']');

	if (!open || open == name || open[-1] != ' ' || !close ||
	    close < open || close[1])
		return NULL;
	open[-1] = *close = '\0';
	return open + 1;
}

static struct column *
find_column(struct import *im, const char *name)
{
	for (size_t i = 0; i < im->column_count; i++)
		if (strcmp(im->columns[i].name, name) == 0 ||
		    strcmp(im->columns[i].stem, name) == 0)
			return &im->columns[i];
	return NULL;
}

static bool
read_columns(struct import *im)
{
	const char *at = im->header, *end = at + im->header_length;
	struct csv_cell cell;
	enum csv_kind kind;

	if (im->header_length >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0)
		at += 3;
	while ((kind = csv_next(&at, end, &cell)) == CSV_CELL) {
		char *name = report_copy(cell.at, cell.length), *stem;

		name[csv_text(&cell, name)] = '\0';
		stem = report_copy(name, strlen(name));
		im->columns = report_resize(im->columns, im->column_count + 1,
		    sizeof *im->columns);
		im->columns[im->column_count++] = (struct column){
			.name = name, .stem = stem, .unit = cut_unit(stem),
			.key = *name ? EXTRA : IGNORED, .factor = one
		};
	}
	return kind == CSV_END ||
	    refuse_header(im, "a quote stands wrong in the header", "");
}

/* A column that a rule names gets its key, unless a rule before did. */
static bool
apply_rule(struct import *im, const struct rule *rule, unsigned *taken)
{
	struct column *column = find_column(im,
	    rule->path + (*rule->path == '.'));
	const struct factor *factor;

	if (!column || (rule->key < KEYS && (*taken & 1u << rule->key)))
		return true;
	column->key = rule->key;
	column->factor = rule->factor;
	*taken |= 1u << rule->key;
	if (rule->key == EXTRA)
		column->label = make_label(im, rule->name);
	if (rule->key == EXTRA || !column->unit || rule->factor.digits != 1 ||
	    rule->factor.places)
		return true;
	factor = find_unit(rule->key, column->unit, strlen(column->unit));
	if (!factor)
		return refuse_header(im, "unknown unit", column->unit);
	column->factor = *factor;
	return true;
}

/* A column under its own name, unless that would spoil the record. */
static void
keep_column(struct import *im, struct column *column)
{
	if (column->key != EXTRA || column->label)
		return;
	if (strcmp(column->name, "type") == 0)
		report_warning("%s: the column \"type\" is left out (--map "
		    "kind=type keeps it)", im->line->file);
	if (find_key(column->name) == EXTRA &&
	    strcmp(column->name, "type") != 0)
		column->label = make_label(im, column->name);
	else
		column->key = IGNORED;
}

static bool
check_columns(struct import *im, unsigned taken)
{
	for (size_t i = 0; i < im->column_count; i++) {
		struct column *column = &im->columns[i];

		keep_column(im, column);
		for (size_t k = 0; column->label && k < i; k++)
			if (im->columns[k].label && strcmp(
			    im->columns[k].label, column->label) == 0)
				return refuse_header(im, "two columns",
				    column->name);
	}
	if (!(taken & 1u << WATTS))
		return refuse_header(im, "the header has no column", "watts");
	if (!(taken & 1u << TIMESTAMP) && !im->now)
		return refuse_header(im, "without --now the header wants a "
		    "column", "timestamp");
	return true;
}

static bool
read_header(struct import *im)
{
	unsigned taken = 0;

	im->header_length = im->line->length;
	im->header = report_copy(im->line->text, im->line->length);
	if (!read_columns(im))
		return false;
	for (size_t i = 0; i < im->rule_count; i++)
		if (!apply_rule(im, &im->rules[i], &taken))
			return false;
	im->extras = report_resize(im->extras, im->column_count,
	    sizeof *im->extras);
	return check_columns(im, taken);
}

/* A cell of a column that is no sample's: a number where it is one. */
static void
take_extra(struct import *im, const struct column *column,
    const struct csv_cell *cell)
{
	size_t length = cell->length;
	size_t unit = column->unit ? strlen(column->unit) : 0;
	struct extra *extra;
	int64_t ignored;

	if (missing(cell->at, cell->length))
		return;
	if (unit && length > unit + 1 && cell->at[length - unit - 1] == ' ' &&
	    memcmp(cell->at + length - unit, column->unit, unit) == 0)
		length -= unit + 1;
	extra = add_extra(im, column->label, cell->at, length);
	if (!cell->quoted &&
	    json_decimal_text(cell->at, length, 0, &ignored))
		return;
	extra->is_text = true;
	extra->text = im->scratch + im->scratch_filled;
	extra->length = csv_text(cell, im->scratch + im->scratch_filled);
	im->scratch_filled += extra->length;
}

static bool
take_cell(struct import *im, struct reading *r, const struct column *column,
    const struct csv_cell *cell)
{
	char name[SAMPLE_NODE_MAX + 1];

	if (column->key == IGNORED)
		return true;
	if (column->key == EXTRA) {
		take_extra(im, column, cell);
		return true;
	}
	if (cell->doubled && cell->length < sizeof name)
		return fill(im, r, column->key, &column->factor, name,
		    csv_text(cell, name));
	return fill(im, r, column->key, &column->factor, cell->at,
	    cell->length);
}

static bool
take_row(struct import *im, struct reading *r)
{
	const char *at = im->line->text, *end = at + im->line->length;
	struct csv_cell cell;
	enum csv_kind kind;
	size_t i = 0;

	clear(im, r);
	while ((kind = csv_next(&at, end, &cell)) == CSV_CELL) {
		if (i == im->column_count)
			return malformed(im, "more cells than the header has");
		if (!take_cell(im, r, &im->columns[i++], &cell))
			return false;
	}
	if (kind == CSV_BAD)
		return malformed(im, "a quote stands wrong");
	if (i < im->column_count)
		return malformed(im, "fewer cells than the header has");
	return complete(im, r);
}

/* The header stands again where files were put together. */
static void
take_csv(struct import *im)
{
	if (im->refused)
		return;
	if (!im->header)
		read_header(im);
	else if ((im->line->length != im->header_length || memcmp(
	    im->line->text, im->header, im->header_length) != 0) &&
	    take_row(im, im->group))
		put(im, im->group, 1);
}

/* ---- mlperf ---- */

/* The key of a label, EXTRA where it is none of ours. */
static enum key
find_label(const char *text, size_t length)
{
	static const struct {
		const char *name;
		enum key key;
	} labels[] = {
		{ "Time", TIMESTAMP }, { "Watts", WATTS }, { "Volts", VOLTS },
		{ "Amps", AMPS }, { "PF", POWER_FACTOR }, { "Hz", HERTZ },
	};

	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++)
		if (strlen(labels[i].name) == length &&
		    memcmp(labels[i].name, text, length) == 0)
			return labels[i].key;
	return EXTRA;
}

static bool
is_channel(const struct csv_cell *cell)
{
	return cell->length > 2 && memcmp(cell->at, "Ch", 2) == 0 &&
	    is_digit(cell->at[2]);
}

static bool
begin_channel(struct import *im, struct reading *r,
    const struct csv_cell *cell)
{
	clear(im, r);
	r->value[TIMESTAMP] = im->group->value[TIMESTAMP];
	r->has = im->group->has & 1u << TIMESTAMP;
	return fill(im, r, NODE, &one, cell->at, cell->length);
}

/*
 * Label,value pairs: those of the total up to Mark, then those of each
 * channel, a cell ChN before them.  Returns how many channels there are, -1
 * for a malformed line.  Mark, and PF of each channel, tell that nothing is
 * cut off before them.
 */
static int
read_pairs(struct import *im)
{
	const char *at = im->line->text, *end = at + im->line->length;
	struct csv_cell label, value;
	int n = 0, marks = 0, factors = 0;

	while (csv_next(&at, end, &label) == CSV_CELL) {
		enum key key = find_label(label.at, label.length);

		if (is_channel(&label)) {
			if (!im->channels)
				break;
			if (n == CHANNELS || !begin_channel(im,
			    &im->group[++n], &label))
				return -1;
			continue;
		}
		if (csv_next(&at, end, &value) != CSV_CELL)
			break;
		marks += label.length == 4 && memcmp(label.at, "Mark", 4) == 0;
		factors += key == POWER_FACTOR;
		if (key != EXTRA && !fill(im, &im->group[n], key, &one,
		    value.at, value.length))
			return -1;
	}
	if (marks != 1 || factors != n + 1) {
		malformed(im, "cut off, or no line of an spl.txt");
		return -1;
	}
	return n;
}

static void
take_mlperf(struct import *im)
{
	int n;

	clear(im, im->group);
	n = read_pairs(im);
	if (n < 0)
		return;
	if (!im->channels) {
		if (complete(im, im->group))
			put(im, im->group, 1);
		return;
	}
	if (n == 0)
		malformed(im, "no channels");
	for (int i = 1; i <= n; i++)
		if (!complete(im, &im->group[i]))
			return;
	if (n > 0)
		put(im, im->group + 1, (size_t)n);
}

/* ---- JSON lines ---- */

static size_t
add_top(struct import *im, const char *name)
{
	size_t i = 0;

	while (i < im->top_count && strcmp(im->tops[i], name) != 0)
		i++;
	im->tops[i] = name;
	im->top_count += i == im->top_count;
	return i;
}

/* The next step of a path, ".name" or "[3]"; false: no such thing. */
static bool
read_step(const char **at, struct step *step)
{
	const char *from = *at;
	size_t length;

	step->name = NULL;
	if (*from == '[') {
		length = strspn(from + 1, "0123456789");
		*at = from + length + 2;
		return json_decimal_text(from + 1, length, 0, &step->index) &&
		    from[1 + length] == ']';
	}
	from += *from == '.';
	length = strcspn(from, ".[");
	*at = from + length;
	step->name = report_copy(from, length);
	return length > 0;
}

static void
add_path(struct import *im, const struct rule *rule)
{
	struct path *path = &im->paths[im->path_count];
	const char *at = rule->path;

	if (!*at)
		return;
	path->rule = rule;
	while (*at) {
		if (path->count == STEPS ||
		    !read_step(&at, &path->steps[path->count++]))
			report_usage("--map: not a path like .a.b[0]: %s",
			    rule->path);
	}
	if (!path->steps[0].name)
		report_usage("--map: a record is no array: %s", rule->path);
	path->top = add_top(im, path->steps[0].name);
	im->path_count++;
}


static void
begin_json(struct import *im)
{
	for (size_t i = 0; i < im->rule_count; i++)
		add_path(im, &im->rules[i]);
	for (size_t i = 0; i < im->rule_count; i++)
		if (im->rules[i].key == EXTRA)
			im->rules[i].label = make_label(im, im->rules[i].name);
	im->extras = report_resize(NULL, RULES, sizeof *im->extras);
}

static bool
enter(const struct json_value *outer, const struct step *step,
    struct json_value *inner)
{
	const char *cursor = NULL;
	struct json_value key;
	int64_t left = step->index;

	if (!step->name) {
		while (json_element(outer, &cursor, inner))
			if (left-- == 0)
				return true;
		return false;
	}
	while (json_member(outer, &cursor, &key, inner))
		if (json_is(&key, step->name))
			return true;
	return false;
}

static bool
follow(const struct path *path, const struct json_value *top,
    struct json_value *value)
{
	*value = *top;
	for (size_t i = 1; i < path->count; i++) {
		struct json_value outer = *value;

		if (!enter(&outer, &path->steps[i], value))
			return false;
	}
	return value->kind != JSON_ABSENT;
}

/* A string's text, or the value as it stands; null has none. */
static void
read_text(struct import *im, const struct json_value *value,
    struct csv_cell *text)
{
	long length;

	text->at = value->at;
	text->length = value->kind == JSON_NULL ? 0 : value->length;
	if (value->kind != JSON_STRING || !value->escaped)
		return;
	length = json_string(value, im->scratch, im->scratch_room);
	text->at = im->scratch;
	text->length = length < 0 ? 0 : (size_t)length;
}

static bool
take_value(struct import *im, struct reading *r, const struct rule *rule,
    const struct json_value *value)
{
	bool text = value->kind == JSON_STRING;
	struct csv_cell cell;

	if (rule->key == EXTRA) {
		if (value->kind != JSON_NULL)
			add_extra(im, rule->label, value->at - text,
			    value->length + 2 * text);
		return true;
	}
	if (!text && value->kind != JSON_NUMBER && value->kind != JSON_NULL)
		return refuse(im, rule->name, "a number or a string",
		    value->at, value->length);
	read_text(im, value, &cell);
	return fill(im, r, rule->key, &rule->factor, cell.at, cell.length);
}

static bool
read_record(struct import *im, struct reading *r)
{
	struct json_value tops[RULES], value;
	struct json_error error;

	clear(im, r);
	if (!json_members(im->line->text, im->line->length, im->tops,
	    im->top_count, tops, &error)) {
		report_malformed(im->line->file, im->line->line_number,
		    "not a JSON record: %s at byte %zu", error.what,
		    error.at + 1);
		return false;
	}
	for (size_t i = 0; i < im->path_count; i++) {
		const struct path *path = &im->paths[i];
		bool taken = r->has & 1u << path->rule->key ||
		    (r->lost && path->rule->key == WATTS);

		if (!taken && follow(path, &tops[path->top], &value) &&
		    !take_value(im, r, path->rule, &value))
			return false;
	}
	return complete(im, r);
}

static void
take_json(struct import *im)
{
	if (read_record(im, im->group))
		put(im, im->group, 1);
}

/* ---- formats: one row each ---- */

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
	{ .name = "csv", .node = "csv", .preset = plain, .take = take_csv },
	{ .name = "mlperf", .instrument = "SPEC PTDaemon", .node = "mlperf",
	  .month_first = true, .negative_is_error = true,
	  .take = take_mlperf },
	{ .name = "nvidia-smi", .instrument = "nvidia-smi", .node = "gpu",
	  .preset = nvidia_smi, .numbers = "gpu", .take = take_csv },
	{ .name = "ndjson", .node = "ndjson", .preset = plain,
	  .begin = begin_json, .take = take_json },
	/* Total has three decimals, of Wh and of kWh (EnergyRes 3). */
	{ .name = "shelly", .instrument = "Shelly", .node = "shelly",
	  .preset = shelly, .joules_resolution = "3.6",
	  .begin = begin_json, .take = take_json },
	{ .name = "tasmota", .instrument = "Tasmota", .node = "tasmota",
	  .preset = tasmota, .joules_resolution = "3600",
	  .begin = begin_json, .take = take_json },
};

enum { FORMATS = sizeof formats / sizeof *formats };

/* ---- the program ---- */

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
		add_rule(im, argument);
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
	if (im->channels && im->format->take != take_mlperf)
		report_usage("--channels goes with --format mlperf");
	if (im->rule_count && !im->format->preset)
		report_usage("--map does not go with --format %s",
		    im->format->name);
	if (im->format->preset)
		add_preset(im);
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
	if (!feed_lines(operands, take_line, forget_header, &im))
		im.whole = false;
	if (im.whole)
		put_stop(&im);
	return stream_finish();
}
