/* meta: what the command line tells of a run that its records do not know. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "epi-score/score.h"
#include "report.h"
#include "stream.h"
#include "write.h"

enum meta_kind { TEXT, NUMBER, WHOLE, POINT, WORKLOAD, TIME };

struct meta {
	const char *name;
	enum meta_kind kind;
	char *json; /* NULL: unknown */
};

static struct meta metas[] = {
	{ "model", TEXT, NULL },
	{ "quantization", TEXT, NULL },
	{ "surgery", TEXT, NULL },
	{ "hardware", TEXT, NULL },
	{ "instrument", TEXT, NULL },
	{ "measurement_point", POINT, NULL },
	{ "workload", WORKLOAD, NULL },
	{ "tokenizer", TEXT, NULL },
	{ "psu", TEXT, NULL },
	{ "environment.ambient_temp_c", NUMBER, NULL },
	{ "environment.frequency_governor", TEXT, NULL },
	{ "environment.background_load", TEXT, NULL },
	{ "run_metadata.run_id", TEXT, NULL },
	{ "run_metadata.timestamp_utc", TIME, NULL },
	{ "run_metadata.repetition", WHOLE, NULL },
	{ "run_metadata.epi_meter_firmware", TEXT, NULL },
	{ "run_metadata.distributed_llama_version", TEXT, NULL }
};

enum { METAS = sizeof metas / sizeof *metas };

static struct meta *
find(const char *name)
{
	for (int i = 0; i < METAS; i++)
		if (strcmp(metas[i].name, name) == 0)
			return &metas[i];
	return NULL;
}

const char *
meta_json(const char *name)
{
	return find(name)->json;
}

bool
meta_is(const char *name, const char *json)
{
	const char *is = meta_json(name);

	return is && strcmp(is, json) == 0;
}

static bool
fits(enum meta_kind kind, const struct json_value *value)
{
	static const char *const points[] = {
		"per_node_ac", "shared_ac", "dc", "on_chip"
	};
	char text[NAME];
	int64_t whole;

	if (value->kind == JSON_NULL)
		return true;
	switch (kind) {
	case NUMBER:
		return isfinite(value_number(value));
	case WHOLE:
		return json_integer(value, &whole);
	case POINT:
		for (int i = 0; i < 4; i++)
			if (json_is(value, points[i]))
				return true;
		return false;
	case WORKLOAD:
		return json_is(value, "benchmark") || json_is(value, "decode");
	case TIME:
		return json_string(value, text, sizeof text) > 0 &&
		    clock_rfc3339(text, strlen(text), &whole);
	case TEXT:
		return true;
	}
	return false;
}

/* NULL, or what is wrong. */
static const char *
set(const char *name, const struct json_value *value)
{
	struct meta *meta = find(name);
	bool quoted = value->kind == JSON_STRING;

	if (!meta)
		return "no such key";
	if (!fits(meta->kind, value))
		return "not a value of this key";
	free(meta->json);
	meta->json = NULL;
	if (value->kind == JSON_NULL)
		return NULL;
	meta->json = report_copy(value->at - quoted, value->length + 2 * quoted);
	/* A record is one line; inside a string a line break is an escape. */
	for (char *at = meta->json; *at; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return NULL;
}

/* The members of a JSON object; those of an inner group by "group.name". */
static const char *
set_group(const char *group, const struct json_value *object, char *name)
{
	struct json_value key, value;
	const char *cursor = NULL, *wrong;
	char text[NAME];

	while (json_member(object, &cursor, &key, &value)) {
		if (json_string(&key, text, sizeof text) < 0)
			return "a key too long";
		snprintf(name, 2 * NAME + 2, "%s%s%s", group, *group ? "." : "",
		    text);
		if (!*group && value.kind == JSON_OBJECT && !find(name))
			wrong = set_group(text, &value, name);
		else
			wrong = set(name, &value);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static char *
read_whole(const char *file, size_t *length)
{
	struct stream in;
	struct block block;
	char *text = NULL;

	*length = 0;
	if (!stream_open(&in, file))
		exit(report_status());
	while (stream_next(&in, &block)) {
		size_t more = (size_t)(block.end - block.at);

		text = report_resize(text, *length + more + 1, 1);
		memcpy(text + *length, block.at, more);
		*length += more;
	}
	stream_close(&in);
	if (report_status() != STATUS_DONE)
		exit(report_status());
	return text;
}

void
meta_set_file(const char *file)
{
	struct json_value object = { .kind = JSON_OBJECT };
	struct json_error error;
	size_t length;
	char *text = read_whole(file, &length), name[2 * NAME + 2] = "";
	const char *wrong;

	if (!text || !json_members(text, length, NULL, 0, NULL, &error))
		report_fatal("%s: not a JSON object: %s", file,
		    text ? error.what : "empty");
	object.at = memchr(text, '{', length);
	object.length = length - (size_t)(object.at - text);
	while (object.at[object.length - 1] != '}')
		object.length--;
	wrong = set_group("", &object, name);
	if (wrong)
		report_fatal("%s: %s: %s", file, name, wrong);
	free(text);
}

/* A key's text becomes JSON: a number where the key is one, else a string. */
void
meta_set_text(const char *argument, size_t name_length)
{
	char *name = report_copy(argument, name_length);
	const char *text = argument + name_length + 1, *wrong;
	const struct meta *meta = find(name);
	char *json = report_resize(NULL, 6 * strlen(text) + 2, 1);
	char *end = write_string(json, text, strlen(text));
	struct json_value value = {
		json + 1, (size_t)(end - json) - 2, JSON_STRING, false
	};
	int64_t ignored;

	if (meta && (meta->kind == NUMBER || meta->kind == WHOLE) &&
	    json_decimal_text(text, strlen(text), 0, &ignored))
		value.kind = JSON_NUMBER;
	wrong = set(name, &value);
	if (wrong)
		report_usage("--meta: %s: %s", wrong, argument);
	free(json);
	free(name);
}
