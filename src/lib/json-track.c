#include <string.h>

#include "json-track.h"

enum {
	TEXT_BIT = 1 << JSON_NUMBERS, BRACE_BIT = TEXT_BIT << 1,
	DOUBTS = 2
};

static inline bool
fits(const struct track_piece *piece, const char *text)
{
	return kernel_within_pair(text, piece->bounds) &&
	    (piece->length <= TRACK_PAIR ||
	    kernel_within_pair(text + TRACK_PAIR, piece->bounds + 2));
}

/* By its first bytes, which are of its key. */
static unsigned
slot_of(const char *text)
{
	uint32_t start;

	memcpy(&start, text, sizeof start);
	return (start * UINT32_C(0x9E3779B1)) >> 26;
}

/* The piece that a text begins with, or -1; it moves up in its slot, so that
 * the frequent ones come first. */
static int
find(struct json_track *track, const char *text)
{
	int *link = &track->slots[slot_of(text)], *before = NULL;
	int found;

	while ((found = *link) >= 0 && !fits(&track->pieces[found], text)) {
		before = link;
		link = &track->pieces[found].other;
	}
	if (found >= 0 && before) {
		*link = track->pieces[found].other;
		track->pieces[found].other = *before;
		*before = found;
	}
	return found;
}

/* What a piece tells of the line.  No branches: whether a piece is wanted
 * cannot be foreseen where the members are shuffled, and what has no number is
 * cheaper converted in vain. */
static inline void
take(struct json_form *form, const struct track_piece *piece,
    const char *line, const char *text, void *row)
{
	bool is_text = piece->bits & TEXT_BIT;
	int64_t nowhere;

	form->have |= piece->bits;
	form->text_at = is_text ? (unsigned)(text - line) + piece->text_at
	    : form->text_at;
	form->text_length = is_text ? piece->text_length : form->text_length;
	template_convert(&piece->number, text,
	    piece->number.count > 0 ? row : &nowhere);
}

bool
track_match(struct json_track *track, unsigned needed, const char *line,
    void *row)
{
	struct json_form form = { 0 };
	const char *text = line;
	int *expected = &track->first;
	const struct track_piece *piece;
	unsigned twice = 0, lacking = 0;

	if (track->count == 0 || *line != '{')
		return false;
	do {
		int i = *expected;

		if (track->doubts > 0 || !fits(&track->pieces[i], text)) {
			i = find(track, text);
			if (i < 0)
				return false;
			track->doubts = i == *expected ? track->doubts - 1
			    : DOUBTS;
			*expected = i;
		}
		piece = &track->pieces[i];
		expected = &track->pieces[i].next;
		twice |= form.have & piece->bits;
		lacking |= piece->lacks;
		take(&form, piece, line, text, row);
		text += piece->length;
	} while (piece->closing == 0);
	needed |= TEXT_BIT;
	form.have &= ~lacking;
	if (twice || (form.have & needed) != needed)
		return false;
	form.bytes = (unsigned)(text - line);
	form.length = form.bytes - piece->closing;
	track->form = form;
	return true;
}

/* The piece of one member, text[0..length); false: it has none. */
static bool
make_piece(struct track_piece *piece, const struct json_wanted *wanted,
    const char *text, size_t length, const struct json_value *key,
    const struct json_value *value)
{
	struct json_template made = {
		.wanted = wanted, .text = text, .bounds = piece->bounds,
		.numbers = &piece->number
	};

	if (length > TRACK_PIECE_BYTES || key->escaped)
		return false;
	memset(piece, 0, sizeof *piece);
	template_start(&made, length, TRACK_PIECE_BYTES);
	if (!template_take(&made, key, value))
		return false;
	piece->length = (unsigned)length;
	piece->text_at = made.text_at;
	piece->text_length = made.text_length;
	piece->bits = *text == '{' ? BRACE_BIT : 0;
	if (json_is(key, wanted->text))
		piece->bits |= TEXT_BIT;
	for (int i = 0; i < JSON_NUMBERS; i++)
		if (wanted->numbers[i].key &&
		    json_is(key, wanted->numbers[i].key))
			piece->bits |= 1u << i;
	piece->lacks = piece->bits & (TEXT_BIT - 1) & ~made.have;
	return true;
}

/* A full table starts anew. */
static void
add(struct json_track *track, const struct track_piece *piece,
    const char *text)
{
	int *slot = &track->slots[slot_of(text)];

	if (track->count == TRACK_PIECES)
		track_start(track);
	track->pieces[track->count] = *piece;
	track->pieces[track->count].other = *slot;
	*slot = track->count++;
}

void
track_learn(struct json_track *track, const struct json_wanted *wanted,
    const char *line, size_t length)
{
	struct json_value record = { line, length, JSON_OBJECT, false };
	struct json_value key, value;
	struct track_piece piece;
	const char *cursor = NULL, *from = line, *to;

	if (*line != '{')
		return;
	while (json_member(&record, &cursor, &key, &value)) {
		bool last;

		to = memchr(cursor, ',', (size_t)(line + length - cursor));
		last = !to;
		to = last ? line + length + 1 + (line[length] == '\r') : to + 1;
		if (!make_piece(&piece, wanted, from, (size_t)(to - from), &key,
		    &value))
			return;
		piece.closing = last ? (unsigned)(to - line - (long)length) : 0;
		if (find(track, from) < 0)
			add(track, &piece, from);
		from = to;
	}
}

void
track_start(struct json_track *track)
{
	track->count = 0;
	track->first = 0;
	for (int i = 0; i < TRACK_SLOTS; i++)
		track->slots[i] = -1;
}
