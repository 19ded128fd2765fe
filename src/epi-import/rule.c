#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "json.h"
#include "option.h"
#include "report.h"
#include "write.h"

#define LABELLED(key) key, ",\"" key "\":", sizeof ",\"" key "\":" - 1
const struct import_key import_keys[KEYS] = {
	{ LABELLED("timestamp"), 9, 6 }, { LABELLED("node"), 0, 0 },
	{ LABELLED("watts"), 9, 3 }, { LABELLED("volts"), 9, 2 },
	{ LABELLED("amps"), 9, 4 }, { LABELLED("power_factor"), 9, 3 },
	{ LABELLED("vars"), 9, 2 }, { LABELLED("hertz"), 9, 2 },
	{ LABELLED("joules"), 6, 3 }, { LABELLED("seq"), 0, 0 },
};

enum key
rule_key(const char *name)
{
	enum key key = TIMESTAMP;

	while (key < KEYS && strcmp(import_keys[key].name, name) != 0)
		key++;
	return key;
}

/* Cuts "*NUMBER" off the path. */
static struct factor
cut_factor(char *path, const char *rule)
{
	struct factor factor = factor_one;
	char *star = strrchr(path, '*');
	int64_t ignored;

	if (!star || !json_decimal_text(star + 1, strlen(star + 1), 0,
	    &ignored))
		return factor_one;
	if (!quantity_factor(star + 1, &factor))
		report_usage("--map: a factor has up to 9 digits and is not "
		    "0: %s", rule);
	*star = '\0';
	return factor;
}

void
rule_add(struct import *im, const char *text)
{
	struct rule *rule = &im->rules[im->rule_count];
	const char *equals = strchr(text, '=');

	if (im->rule_count == IMPORT_RULES)
		report_usage("--map: more than %d", IMPORT_RULES);
	if (!equals || equals == text)
		report_usage("--map: not KEY=PATH: %s", text);
	rule->name = report_copy(text, (size_t)(equals - text));
	rule->path = report_copy(equals + 1, strlen(equals + 1));
	rule->factor = cut_factor(rule->path, text);
	rule->key = rule_key(rule->name);
	if (strcmp(rule->name, "type") == 0)
		report_usage("--map: a sample has no \"type\"");
	if ((rule->key == NODE || rule->key == EXTRA) &&
	    (rule->factor.digits != 1 || rule->factor.places))
		report_usage("--map: no factor for \"%s\"", rule->name);
	for (size_t i = 0; rule->key == EXTRA && i < im->rule_count; i++)
		if (strcmp(im->rules[i].name, rule->name) == 0)
			report_usage("--map: \"%s\" twice", rule->name);
	im->rule_count++;
}

void
rule_add_preset(struct import *im)
{
	unsigned mapped = 0;

	for (size_t i = 0; i < im->rule_count; i++)
		mapped |= 1u << im->rules[i].key;
	if (!(mapped & 1u << JOULES))
		im->joules_resolution = im->format->joules_resolution;
	for (const char *const *text = im->format->preset; *text; text++) {
		char *name = report_copy(*text, strcspn(*text, "="));

		if (!(mapped & 1u << rule_key(name))) {
			rule_add(im, *text);
			im->rules[im->rule_count - 1].factor.of_unit = true;
		}
		free(name);
	}
}

char *
rule_label(struct import *im, const char *name)
{
	size_t length = strlen(name);
	char *label = report_resize(NULL, 6 * length + 5, 1), *at = label;

	*at++ = ',';
	at = write_text(write_string(at, name, length), ":");
	*at = '\0';
	im->labels_length += (size_t)(at - label);
	return label;
}
