#include <string.h>

#include "import.h"
#include "json.h"
#include "option.h"
#include "report.h"

enum { PATH_STEPS = 16 };

/* What no sample lacks. */
enum { NEEDED = 1 << TIMESTAMP | 1 << NODE | 1 << WATTS };

/* A member or an element on the way to a JSON value. */
struct step {
	char *name; /* NULL: an element */
	int64_t index;
};

struct path {
	const struct rule *rule;
	struct step steps[PATH_STEPS];
	size_t count;
	size_t top; /* of lines.tops: where the first step leads */
};

/* Where the values of the rules stand. */
static struct {
	struct path paths[IMPORT_RULES];
	size_t path_count;
	const char *tops[IMPORT_RULES]; /* members of the record itself */
	size_t top_count;
	bool of_samples; /* each key is its own path, and there are no others */
} lines;

static size_t
add_top(const char *name)
{
	size_t i = 0;

	while (i < lines.top_count && strcmp(lines.tops[i], name) != 0)
		i++;
	lines.tops[i] = name;
	lines.top_count += i == lines.top_count;
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
add_path(const struct rule *rule)
{
	struct path *path = &lines.paths[lines.path_count];
	const char *at = rule->path;

	if (!*at)
		return;
	path->rule = rule;
	while (*at) {
		if (path->count == PATH_STEPS ||
		    !read_step(&at, &path->steps[path->count++]))
			report_usage("--map: not a path like .a.b[0]: %s",
			    rule->path);
	}
	if (!path->steps[0].name)
		report_usage("--map: a record is no array: %s", rule->path);
	path->top = add_top(path->steps[0].name);
	lines.path_count++;
}

static bool
are_samples(const struct import *im)
{
	unsigned keys = 0;

	for (size_t i = 0; i < im->rule_count; i++) {
		const struct rule *rule = &im->rules[i];

		if (rule->key == EXTRA || rule->path[0] != '.' ||
		    strcmp(rule->path + 1, rule->name) != 0 ||
		    rule->factor.digits != 1 || rule->factor.places)
			return false;
		keys |= 1u << rule->key;
	}
	return keys == (1u << KEYS) - 1;
}

void
ndjson_begin(struct import *im)
{
	for (size_t i = 0; i < im->rule_count; i++)
		add_path(&im->rules[i]);
	for (size_t i = 0; i < im->rule_count; i++)
		if (im->rules[i].key == EXTRA)
			im->rules[i].label = rule_label(im, im->rules[i].name);
	lines.of_samples = are_samples(im);
	im->extras = report_resize(NULL, IMPORT_RULES, sizeof *im->extras);
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
    struct json_value *text)
{
	long length;

	text->at = value->at;
	text->length = value->kind == JSON_NULL ? 0 : value->length;
	if (value->kind != JSON_STRING || !value->escaped)
		return;
	length = json_string(value, im->scratch + im->scratch_filled,
	    im->scratch_room - im->scratch_filled);
	text->at = im->scratch + im->scratch_filled;
	text->length = length < 0 ? 0 : (size_t)length;
	im->scratch_filled += text->length + 1;
}

static bool
take_value(struct import *im, struct reading *r, const struct rule *rule,
    const struct json_value *value)
{
	bool text = value->kind == JSON_STRING;
	struct json_value cell;

	if (rule->key == EXTRA) {
		if (value->kind != JSON_NULL)
			reading_extra(im, rule->label, value->at - text,
			    value->length + 2 * text);
		return true;
	}
	if (!text && value->kind != JSON_NUMBER && value->kind != JSON_NULL)
		return reading_refuse(im, rule->name, "a number or a string",
		    value->at, value->length);
	read_text(im, value, &cell);
	return reading_fill(im, r, rule->key, &rule->factor, cell.at,
	    cell.length);
}

static bool
read_record(struct import *im, struct reading *r)
{
	struct json_value tops[IMPORT_RULES], value;
	struct json_error error;

	reading_clear(im, r);
	if (!json_members(im->line->text, im->line->length, lines.tops,
	    lines.top_count, tops, &error)) {
		report_malformed(im->line->file, im->line->line_number,
		    "not a JSON record: %s at byte %zu", error.what,
		    error.at + 1);
		return false;
	}
	for (size_t i = 0; i < lines.path_count; i++) {
		const struct path *path = &lines.paths[i];
		bool taken = r->has & 1u << path->rule->key ||
		    (r->lost && path->rule->key == WATTS);

		if (!taken && follow(path, &tops[path->top], &value) &&
		    !take_value(im, r, path->rule, &value))
			return false;
	}
	return reading_complete(im, r);
}

/* The key of a sample that stands at `at` with its quotes and colon; KEYS:
 * none.  `expected` is looked at first. */
static enum key
find_key(const char *at, enum key expected)
{
	for (int n = 0; n < KEYS; n++, expected++) {
		const struct import_key *key;

		if (expected == KEYS)
			expected = TIMESTAMP;
		key = &import_keys[expected];
		if (at[1] == key->label[2] &&
		    memcmp(at, key->label + 1, (size_t)key->length - 1) == 0)
			return expected;
	}
	return KEYS;
}

/* Behind a member's value, of which `at` is the first byte; NULL: it is not
 * written as it stands. */
static const char *
pass_value(struct import *im, struct reading *r, enum key key, const char *at,
    const char *end)
{
	bool quoted = key == NODE;

	if (quoted && *at++ != '"')
		return NULL;
	at = plain_take(im, r, key, at, end);
	if (quoted && at && *at++ != '"')
		return NULL;
	return at;
}

/* What a member takes where it is written out. */
static long
written(const struct reading *r, enum key key)
{
	return import_keys[key].length + (long)r->texts[key].length +
	    r->texts[key].zeros + (key == NODE ? 2 : 0);
}

/*
 * A record of nothing but a sample's keys, with values that are written as they
 * stand: read without json_members and to the same end.  False: it is another
 * one.  *same: it is, to the byte, what would be written for it.
 */
static bool
pass_record(struct import *im, struct reading *r, bool *same)
{
	const char *at = im->line->text, *end = at + im->line->length;
	enum key key, expected = TIMESTAMP;

	if (*at != '{')
		return false;
	*same = true;
	do {
		const char *from = at;

		at += 1 + (at[1] == ' ');
		key = find_key(at, expected);
		if (key == KEYS || (r->has & 1u << key))
			return false;
		at += import_keys[key].length - 1;
		at = pass_value(im, r, key, at + (*at == ' '), end);
		if (!at)
			return false;
		*same = *same && key >= expected && !r->texts[key].zeros &&
		    at - from == written(r, key);
		expected = key + 1;
	} while (*at == ',');
	*same = *same && (r->has & NEEDED) == NEEDED;
	return at + 1 == end && *at == '}';
}

void
ndjson_take(struct import *im)
{
	struct reading *r = im->group;
	bool same;

	reading_clear(im, r);
	if (lines.of_samples && pass_record(im, r, &same)) {
		if (same && im->started)
			record_pass(im, r->value[TIMESTAMP]);
		else if (reading_complete(im, r))
			record_put(im, r, 1);
	} else if (read_record(im, r)) {
		record_put(im, r, 1);
	}
}
