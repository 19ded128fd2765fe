/* text: what is done to the text of a question. */
#include <stdlib.h>
#include <string.h>

#include "epi-prompt/prompt.h"
#include "report.h"
#include "write.h"

char *
text_copy(const char *text, size_t length, const char **wrong)
{
	if (memchr(text, '\0', length))
		*wrong = "a text has a NUL in it";
	else if (!write_is_utf8(text, length))
		*wrong = "a text is not UTF-8";
	return report_copy(text, length);
}

char *
text_of(const struct json_value *value, const char **wrong)
{
	char *text;
	long length;

	if (value->kind != JSON_STRING) {
		*wrong = "a text is not a string";
		return report_copy("", 0);
	}
	text = report_resize(NULL, value->length + 1, 1);
	length = json_string(value, text, value->length + 1);
	if (length < 0 || memchr(text, '\0', (size_t)length))
		*wrong = "a text has a NUL in it";
	else if (!write_is_utf8(text, (size_t)length))
		*wrong = "a text is not UTF-8";
	return text;
}

/* White space is what Python's str.strip takes for it, as that is what cuts
 * the texts of lm-evaluation-harness.  Bytes of such a character at `at`, or
 * 0. */
static size_t
space_at(const char *at)
{
	static const char *const wide[] = {
		"\xc2\x85", "\xc2\xa0", "\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
		"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
		"\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"
	};

	if (*at == ' ' || (*at >= '\t' && *at <= '\r') ||
	    (*at >= 0x1c && *at <= 0x1f))
		return 1;
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (strncmp(at, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	return 0;
}

static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

char *
text_strip(char *text)
{
	char *from = text, *end;
	size_t n;

	while ((n = space_at(from)) > 0)
		from += n;
	end = from + strlen(from);
	while (end > from) {
		char *last = end - 1;

		while (last > from && continues(*last))
			last--;
		if (space_at(last) == 0)
			break;
		end = last;
	}
	memmove(text, from, (size_t)(end - from));
	text[end - from] = '\0';
	return text;
}

/* Every `what` becomes `with`, from left to right, once. */
static char *
replace(char *text, const char *what, const char *with)
{
	size_t length = strlen(text), cut = strlen(what), put = strlen(with);
	char *out = report_resize(NULL, length / cut + 1, cut + put + 1);
	char *to = out, *at = text, *next;

	while ((next = strstr(at, what))) {
		memcpy(to, at, (size_t)(next - at));
		to += next - at;
		memcpy(to, with, put);
		to += put;
		at = next + cut;
	}
	strcpy(to, at);
	free(text);
	return out;
}

/* As the expression \[.*?\] matches: up to the next bracket of the line. */
static void
delete_brackets(char *text)
{
	char *to = text;

	while (*text) {
		size_t n = *text == '[' ? strcspn(text, "]\n") : 0;

		if (n > 0 && text[n] == ']')
			text += n + 1;
		else
			*to++ = *text++;
	}
	*to = '\0';
}

char *
text_clean(char *text)
{
	text = replace(text_strip(text), " [title]", ". ");
	delete_brackets(text);
	return replace(text, "  ", " ");
}

/* U+00C0 to U+00DE are upper case, 0x20 below their lower case, but for the
 * sign of multiplication and its lower neighbour, that of division. */
static void
set_case(char *at, bool upper)
{
	unsigned char *c = (unsigned char *)at;

	if (upper && *c >= 'a' && *c <= 'z')
		*c -= 'a' - 'A';
	else if (!upper && *c >= 'A' && *c <= 'Z')
		*c += 'a' - 'A';
	else if (*c == 0xc3 && upper && c[1] >= 0xa0 && c[1] <= 0xbe &&
	    c[1] != 0xb7)
		c[1] -= 0x20;
	else if (*c == 0xc3 && !upper && c[1] >= 0x80 && c[1] <= 0x9e &&
	    c[1] != 0x97)
		c[1] += 0x20;
}

void
text_capitalize(char *text)
{
	for (char *at = text; *at; at++)
		if (!continues(*at))
			set_case(at, at == text);
}
