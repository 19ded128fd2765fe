/* extract: the letter in what a model wrote; epi-grade(1) states the rules. */
#include <stdlib.h>
#include <string.h>

#include "epi-grade/grade.h"
#include "report.h"

struct span {
	const char *at, *end;
};

static bool
blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool
letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool
wordy(char c)
{
	return letter(c) || (c >= '0' && c <= '9') || c == '_' ||
	    (unsigned char)c >= 0x80;
}

static struct span
strip(struct span span)
{
	while (span.at < span.end && blank(*span.at))
		span.at++;
	while (span.at < span.end && blank(span.end[-1]))
		span.end--;
	return span;
}

/* The last place of a text, or NULL. */
static const char *
find_last(struct span in, const char *text)
{
	size_t length = strlen(text), room = (size_t)(in.end - in.at);

	for (size_t i = room < length ? 0 : room - length + 1; i-- > 0;)
		if (memcmp(in.at + i, text, length) == 0)
			return in.at + i;
	return NULL;
}

static bool
skip_word(const char **at, const char *end, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(end - *at) < length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (lower((*at)[i]) != word[i])
			return false;
	if (wordy(word[length - 1]) && *at + length < end &&
	    wordy((*at)[length]))
		return false;
	*at += length;
	return true;
}

static void
skip_any(const char **at, const char *end, const char *of)
{
	while (*at < end && **at && strchr(of, **at))
		++*at;
}

/* Whether a choice is this text but for case and a full stop. */
static bool
same_text(struct span text, const char *choice)
{
	struct span other = strip((struct span){
		choice, choice + strlen(choice) });

	text = strip(text);
	if (text.at < text.end && text.end[-1] == '.')
		text.end--;
	if (other.at < other.end && other.end[-1] == '.')
		other.end--;
	if (text.at == text.end || text.end - text.at != other.end - other.at)
		return false;
	while (text.at < text.end)
		if (lower(*text.at++) != lower(*other.at++))
			return false;
	return true;
}

/* The places of the choices whose text this is: how many, and the first. */
static int
matches(struct span text, const struct json_value *choices, int *first)
{
	struct json_value choice;
	const char *cursor = NULL;
	int count = 0;

	for (int i = 0; json_element(choices, &cursor, &choice); i++) {
		char *own = report_resize(NULL, choice.length + 1, 1);

		json_string(&choice, own, choice.length + 1);
		if (same_text(text, own) && count++ == 0)
			*first = i;
		free(own);
	}
	return count;
}

/* How much may follow a letter: nothing but marks, after which anything; or a
 * blank and that choice's own text.  An article is followed by a word. */
static bool
stands_alone(const char *at, const char *end, int place,
    const struct json_value *choices, bool opened)
{
	struct span rest = { at, end };
	int first;

	if (at == end || strchr(".):]}*$\n\r", *at) ||
	    (opened && strchr("\"'`_", *at)))
		return at == end || *at != '\0';
	return blank(*at) && matches(rest, choices, &first) > 0 &&
	    first == place;
}

/* A letter at `at`, perhaps in brackets or quotes or \boxed{}: its place from
 * 0, -1: none.  `said`: it stands behind "is", where a capital is no
 * article. */
static int
letter_at(const char *at, const char *end, const struct json_value *choices,
    bool said)
{
	static const char openers[] = "([{*_`\"'$";
	const char *from = at;
	bool opened;

	skip_any(&at, end, openers);
	if (skip_word(&at, end, "\\boxed{") || skip_word(&at, end, "\\text{"))
		skip_any(&at, end, openers);
	opened = at > from;
	if (at == end || !letter(*at))
		return -1;
	if (stands_alone(at + 1, end, lower(*at) - 'a', choices, opened))
		return lower(*at) - 'a';
	return said && *at < 'a' && (at[1] == ',' || blank(at[1]))
	    ? lower(*at) - 'a' : -1;
}

/* "answer is (c)", "**Answer:** A": what stands behind such a word. */
static int
letter_behind(const char *at, const char *end,
    const struct json_value *choices)
{
	static const char marks[] = " \t\n\r*_";
	bool said;

	skip_any(&at, end, marks);
	said = skip_word(&at, end, "is");
	skip_any(&at, end, marks);
	if (at < end && *at == ':') {
		at++;
		said = false; /* a sentence may begin here */
		skip_any(&at, end, " \t\n\r*");
	}
	return letter_at(at, end, choices, said);
}

/* The last one that a pattern tells; -1: none. */
static int
by_pattern(struct span text, const struct json_value *choices)
{
	static const char *const words[] = { "answer", "option", "choice" };
	int found = -1;

	for (const char *at = text.at; at < text.end; at++)
		for (size_t i = 0; i < 3; i++) {
			const char *behind = at;
			int place;

			if ((at > text.at && wordy(at[-1]) && at[-1] != '_') ||
			    !skip_word(&behind, text.end, words[i]))
				continue;
			place = letter_behind(behind, text.end, choices);
			if (place >= 0)
				found = place;
		}
	return found;
}

/* What a model thought aloud is no answer. */
static bool
skip_thinking(struct span *text)
{
	static const char open[] = "<think>", close[] = "</think>";
	const char *last = find_last(*text, close);

	if (last)
		text->at = last + strlen(close);
	return !find_last(*text, open);
}

int
extract_letter(const char *text, size_t length,
    const struct json_value *choices, enum class *class)
{
	struct span span = { text, text + length };
	struct json_value choice;
	const char *cursor = NULL;
	int count = 0, place, first;

	*class = UNCLOSED_THINK;
	if (!skip_thinking(&span))
		return -1;
	span = strip(span);
	*class = EMPTY;
	if (span.at == span.end)
		return -1;
	while (json_element(choices, &cursor, &choice))
		count++;
	*class = CLASS_NONE;
	place = letter_at(span.at, span.end, choices, false);
	if (place >= 0 && place < count)
		return place;
	*class = place >= 0 ? OUT_OF_RANGE : NO_MATCH;
	place = by_pattern(span, choices);
	if (place < 0 && matches(span, choices, &first) == 1)
		place = first;
	if (place >= count)
		*class = OUT_OF_RANGE;
	if (place < 0 || place >= count)
		return -1;
	*class = CLASS_NONE;
	return place;
}
