#include "epi-calibrate/meta.h"

#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "json.h"
#include "report.h"
#include "write.h"

enum kind { TEXT, NUMBER, TIME };

static const struct {
	const char *name;
	enum kind kind;
} keys[META_KEYS] = {
	[META_MAKE] = { "reference.make", TEXT },
	[META_MODEL] = { "reference.model", TEXT },
	[META_SERIAL] = { "reference.serial", TEXT },
	[META_CERTIFICATE] = { "reference.certificate", TEXT },
	[META_LABORATORY] = { "reference.laboratory", TEXT },
	[META_DATE] = { "reference.date", TIME },
	[META_TEMPERATURE] = { "temperature_celsius", NUMBER },
	[META_OPERATOR] = { "operator", TEXT },
	[META_NOTE] = { "note", TEXT },
	[META_CLAMP_ID] = { "clamp.id", TEXT },
	[META_CLAMP_TURNS] = { "clamp.turns", NUMBER },
	[META_CLAMP_ORIENTATION] = { "clamp.orientation", TEXT },
	[META_CLAMP_BURDEN] = { "clamp.burden_ohms", NUMBER }
};

static bool
fits(enum kind kind, const char *text)
{
	size_t length = strlen(text);
	int64_t whole;

	switch (kind) {
	case NUMBER: return json_decimal_text(text, length, 6, &whole);
	case TIME: return clock_parse(text, length, &whole);
	default: return length > 0 && write_is_utf8(text, length);
	}
}

void
meta_take(struct meta_values *values, const char *text)
{
	size_t length = strcspn(text, "=");

	if (!text[length])
		report_usage("--meta: not KEY=VALUE: %s", text);
	for (int k = 0; k < META_KEYS; k++) {
		if (strlen(keys[k].name) != length ||
		    memcmp(keys[k].name, text, length) != 0)
			continue;
		values->of[k] = text + length + 1;
		if (!fits(keys[k].kind, values->of[k]))
			report_usage("--meta: not such a value: %s", text);
		return;
	}
	report_usage("--meta: no such key: %s", text);
}

void
meta_compose(const struct meta_values *values, enum meta_key key)
{
	const char *dot = strchr(keys[key].name, '.');
	const char *value = values->of[key];
	int64_t ns;

	compose_key(dot ? dot + 1 : keys[key].name);
	if (!value)
		compose_null();
	else if (keys[key].kind == NUMBER)
		compose_raw(value, strlen(value));
	else if (keys[key].kind == TIME &&
	    clock_parse(value, strlen(value), &ns))
		compose_time(ns);
	else
		compose_string(value);
}

void
meta_compose_all(const struct meta_values *values, enum meta_key from,
    enum meta_key to)
{
	for (int key = from; key <= (int)to; key++)
		meta_compose(values, (enum meta_key)key);
}

void
meta_fill(struct meta_values *values, const struct meta_values *others)
{
	for (int key = 0; key < META_KEYS; key++)
		if (!values->of[key])
			values->of[key] = others->of[key];
}
