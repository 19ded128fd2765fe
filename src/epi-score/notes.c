/* notes: what speaks against a score, or should be known of it. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "epi-score/score.h"
#include "report.h"

void
note_add(struct notes *notes, const char *format, ...)
{
	char text[SENTENCE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	for (size_t i = 0; i < notes->count; i++)
		if (strcmp(notes->text[i], text) == 0)
			return;
	if (notes->count == NOTES)
		notes->left_out++;
	else
		notes->text[notes->count++] = report_copy(text, strlen(text));
}

void
note_carry(struct notes *notes, const struct json_value *warnings)
{
	struct json_value warning;
	const char *cursor = NULL;
	char text[SENTENCE];

	if (warnings->kind != JSON_ARRAY)
		return;
	while (json_element(warnings, &cursor, &warning))
		if (json_string(&warning, text, sizeof text) > 0)
			note_add(notes, "%s", text);
}

void
note_hand_on(struct notes *to, const struct notes *from, const char *prefix)
{
	for (size_t i = 0; i < from->count; i++)
		note_add(to, "%s%s", prefix, from->text[i]);
	to->left_out += from->left_out;
}
