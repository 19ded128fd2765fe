/*
 * Like records, read again without being scanned.
 *
 * A line is tried in four ways, each slower and knowing more lines.  The shape
 * that its reader expects, the template of a whole line, is compared in one go,
 * and then the one that came the last time that this one did not.
 * Else a hash of where the line has digits leads to the shape of one that was
 * laid out like it.  Then its members are taken one by one, each by the
 * template of one member, expected after the one before or found by its first
 * bytes; a layout met so for the second time gets a shape.  Else json_members
 * scans it, and its members are learned.  Where a way keeps missing, trying it
 * pauses, longer each time.
 *
 * What each way gains over those before it, in instructions a line (callgrind,
 * 40,000 lines of 170 bytes and ten members, after 80,000: fixed decimals,
 * trimmed zeros, shuffled keys; all of epi-integrate):
 *
 *	                                        fixed  trimmed  shuffled
 *	scanned, byte by byte                    4951     4859     5062
 *	scanned, sixteen bytes at a time         4430     4372     4529
 *	a template for each member                992     1174     1394
 *	a template for a line of its layout       439      534     1418
 *	a template for the line expected          271      543     1424
 *	short numbers converted two at a time     250      521     1425
 *
 * What gains time where it gains few instructions, or none, is what spares
 * mispredicted branches and long chains: sixteen digits converted at once
 * (fixed: an eighth of the time); frequent members first in their slot, and
 * shapes left alone while they pause (shuffled: a tenth); no look at the member
 * expected where it was wrong (shuffled: a twentieth); members taken without
 * branches (shuffled: a tenth); room for a thousand shapes, not for half of
 * them, and their lengths side by side (trimmed: an eighth).
 */
#include <stdlib.h>
#include <string.h>

#include "json-shape.h"
#include "json-track.h"
#include "report.h"

enum {
	TABLE_BITS = 12,
	TABLE = 1 << TABLE_BITS,
	DOUBTS = 2,
	MET = 2,
	CREDIT = 512,
	SHAPE_COST = 1,    /* of a miss, in matches */
	TRACK_COST = 4,
	PAUSE_FIRST = 256, /* lines */
	PAUSE_LAST = 65536,
	ALL_NUMBERS = (1 << JSON_NUMBERS) - 1
};

const struct json_form json_no_form = { 0 };

struct known {
	struct json_shapes shared; /* first, for it is what others know */
	const struct json_wanted *wanted;
	struct json_track track;
	int count, next; /* next: to be replaced when all are used */
	unsigned shortest; /* bytes of a line that the track took, without
	                      its newline; 0: none */
	struct entry {
		uint16_t check;  /* of the hash */
		uint16_t shape;  /* from 1; 0: none */
	} table[TABLE];          /* by the hash of a line's layout */
	struct trust {
		int credit;
		unsigned earned; /* matches since the last miss */
		unsigned paused, pause;
	} shape_trust, track_trust;
	uint16_t bytes[JSON_SHAPES]; /* of the shapes, to be gone through */
	struct json_shape shapes[JSON_SHAPES]; /* last: only `count` are touched */
};

static bool
fits(const struct json_shape *shape, const char *line)
{
	return kernel_within(line, shape->bounds, shape->form.blocks);
}

static bool
is_short(const struct number *number)
{
	static const uint8_t none[KERNEL_BYTES / 2];
	const struct kernel_digits *digits = &number->groups[0].digits;

	return number->count == 1 &&
	    memcmp(digits->behind, none, sizeof none) == 0 &&
	    memcmp(digits->before, none, sizeof none) == 0;
}

static struct json_numbers
make_one(const struct number *number, int group)
{
	struct json_numbers made = {
		.digits = number->groups[group].digits,
		.kind = group > 0 ? JSON_FIRST_DIGITS : JSON_ONE,
		.from = { (int16_t)number->groups[group].from },
		.at = { (uint16_t)number->at },
		.unit = { number->unit }
	};

	for (; group > 0; group--)
		made.unit[0] *= (int64_t)EIGHT_DIGITS * EIGHT_DIGITS;
	return made;
}

/* Two short numbers, of which the first was made already. */
static struct json_numbers
make_two(const struct json_numbers *first, const struct number *number)
{
	enum { HALF = KERNEL_BYTES / 2 };
	struct json_numbers made = make_one(number, 0);

	memcpy(made.digits.behind, first->digits.behind + HALF, HALF);
	memcpy(made.digits.before, first->digits.before + HALF, HALF);
	made.kind = JSON_TWO;
	made.from[1] = (int16_t)(made.from[0] + HALF);
	made.at[1] = made.at[0];
	made.unit[1] = made.unit[0];
	made.from[0] = (int16_t)(first->from[0] + HALF);
	made.at[0] = first->at[0];
	made.unit[0] = first->unit[0];
	return made;
}

/* How the numbers of a shape are converted.  False: it has none. */
static bool
take_numbers(struct json_shape *shape, const struct number *numbers, int count)
{
	struct json_numbers *next = shape->numbers, *waits = NULL;

	for (int i = 0; i < count; i++) {
		bool short_one = is_short(&numbers[i]);

		if (short_one && waits) {
			*waits = make_two(waits, &numbers[i]);
			waits = NULL;
			continue;
		}
		if (short_one)
			waits = next;
		for (int group = 0; group < numbers[i].count; group++)
			*next++ = make_one(&numbers[i], group);
	}
	if (count == 0)
		return false;
	next[-1].last = true;
	return true;
}

/* Of a line of this form, whose string was not looked at: where a quote or what
 * is no UTF-8 stands in it, its members are others, and it has no shape. */
static bool
make_shape(const struct json_wanted *wanted, struct json_shape *shape,
    const char *line, const struct json_form *form)
{
	struct json_value record = { line, form->length, JSON_OBJECT, false };
	struct number numbers[JSON_NUMBERS] = { 0 };
	struct json_template made = {
		.wanted = wanted, .text = line, .bounds = shape->bounds,
		.numbers = numbers
	};
	struct json_value key, value;
	const char *cursor = NULL;

	if (form->bytes > JSON_SHAPE_BYTES)
		return false;
	memset(shape, 0, sizeof *shape);
	template_start(&made, form->bytes, JSON_SHAPE_BYTES);
	while (json_member(&record, &cursor, &key, &value))
		if (!template_take(&made, &key, &value))
			return false;
	shape->form = *form;
	shape->form.have = made.have;
	shape->form.blocks =
	    (int)(form->bytes + KERNEL_BYTES - 1) / KERNEL_BYTES;
	return made.have == (form->have & ALL_NUMBERS) &&
	    made.text_at == form->text_at && made.text_length > 0 &&
	    made.text_length == form->text_length &&
	    take_numbers(shape, numbers, made.number_count);
}

/*
 * A hash of where a line has digits, and the next one behind its newline in the
 * same sixteen bytes, for that mostly begins alike.  The newline is not looked for
 * before the shortest line known would end.  False: the line is too long.
 */
static bool
hash_layout(const struct known *known, const char *line, uint64_t *hash)
{
	unsigned block = known->shortest / KERNEL_BYTES;
	uint64_t layout[2];

	while (!kernel_newlines(line + (size_t)KERNEL_BYTES * block))
		if (++block >= KERNEL_BLOCKS)
			return false;
	kernel_layout(line, block + 1, layout);
	*hash = layout[0] * UINT64_C(0x9E3779B97F4A7C15) +
	    layout[1] * UINT64_C(0xC2B2AE3D27D4EB4F);
	return true;
}

/* The upper bits of a hash, which all others have gone into. */
static struct entry *
entry_of(struct known *known, uint64_t hash)
{
	return &known->table[hash >> (64 - TABLE_BITS)];
}

static uint16_t
check_of(uint64_t hash)
{
	return (uint16_t)(hash >> (64 - TABLE_BITS - 16));
}

/* A shape that fits the line already, though its hash is another one: the
 * string differs in more than digits. */
static struct json_shape *
known_shape(struct known *known, const char *line, unsigned bytes)
{
	for (int i = 0; i < known->count; i++)
		if (known->bytes[i] == bytes &&
		    fits(&known->shapes[i], line))
			return &known->shapes[i];
	return NULL;
}

/* Room for one more: of a shape that was not met for a while. */
static struct json_shape *
free_shape(struct known *known)
{
	struct json_shape *shape;

	if (known->count < JSON_SHAPES)
		return &known->shapes[known->count++];
	do {
		shape = &known->shapes[known->next];
		known->next = (known->next + 1) % JSON_SHAPES;
	} while (shape->met-- > 0);
	return shape;
}

/* A line that the track took.  Most shapes that are met once are not met again
 * soon: it is learned the second time. */
static void
learn_shape(struct known *known, const char *line, uint64_t hash)
{
	const struct json_form *form = &known->track.form;
	struct entry *entry = entry_of(known, hash);
	bool again = entry->check == check_of(hash);
	struct json_shape made, *shape;

	*entry = (struct entry){ .check = check_of(hash) };
	if (form->bytes <= known->shortest || known->shortest == 0)
		known->shortest = form->bytes - 1;
	else if (again) {
		shape = known_shape(known, line, form->bytes);
		if (!shape && make_shape(known->wanted, &made, line, form)) {
			shape = free_shape(known);
			*shape = made;
			known->bytes[shape - known->shapes] =
			    (uint16_t)form->bytes;
		}
		if (shape)
			entry->shape = (uint16_t)(shape - known->shapes + 1);
	}
}

/* Whether to try, after the pauses that misses brought. */
static bool
may_try(struct trust *trust)
{
	if (trust->paused == 0)
		return true;
	trust->paused--;
	return false;
}

static void
charge(struct trust *trust, int cost)
{
	trust->credit += trust->earned < CREDIT ? (int)trust->earned : CREDIT;
	trust->earned = 0;
	if (trust->credit > CREDIT)
		trust->credit = CREDIT;
	trust->credit -= cost;
	if (trust->credit >= 0)
		return;
	trust->pause = trust->pause == 0 ? PAUSE_FIRST
	    : trust->pause < PAUSE_LAST ? trust->pause * 2 : PAUSE_LAST;
	trust->paused = trust->pause;
	trust->credit = CREDIT / 2;
}

/* The shape of a line by its hash; NULL: there is none. */
static struct json_shape *
look_up(struct known *known, const char *line, uint64_t hash)
{
	struct entry entry = *entry_of(known, hash);
	struct json_shape *shape;

	if (entry.shape == 0 || entry.check != check_of(hash))
		return NULL;
	shape = &known->shapes[entry.shape - 1];
	return fits(shape, line) ? shape : NULL;
}

/* What came the last time that this shape was expected and did not fit, where
 * it fits this line; or NULL. */
static struct json_shape *
second_guess(struct known *known, const struct json_shape *expected,
    const char *line)
{
	struct json_shape *shape;

	if (known->shared.doubts > 0 || expected->instead == 0)
		return NULL;
	shape = &known->shapes[expected->instead - 1];
	return fits(shape, line) ? shape : NULL;
}

static const struct json_form *
match_members(struct known *known, const char *line, void *row)
{
	if (!may_try(&known->track_trust))
		return NULL;
	if (!track_match(&known->track, known->wanted->needed, line, row)) {
		charge(&known->track_trust, TRACK_COST);
		return NULL;
	}
	known->track_trust.earned++;
	return &known->track.form;
}

static const struct json_form *
take(struct json_shape *shape, const char *line, void *row)
{
	shape->met = MET;
	json_convert(&shape->form, line, row);
	return &shape->form;
}

/* The shape of a form that was given out; NULL: it is of none. */
static struct json_shape *
shape_of(const struct json_form *form)
{
	/* its first member, that was never const here */
	return form && form->blocks > 0
	    ? (struct json_shape *)(uintptr_t)form : NULL;
}

/* The hash of the line led to its shape. */
static void
learn_order(struct known *known, const struct json_shape *shape,
    struct json_shape *expected)
{
	known->shape_trust.earned++;
	if (shape == expected) {
		known->shared.doubts -= known->shared.doubts > 0;
		return;
	}
	if (expected && known->shared.doubts == 0)
		expected->instead = (int)(shape - known->shapes) + 1;
	known->shared.doubts = DOUBTS;
}

const struct json_form *
json_match_unexpected(struct json_shapes *shapes, const char *line,
    const struct json_form *hint, void *row)
{
	struct known *known = (struct known *)shapes;
	struct json_shape *expected = shape_of(hint), *shape;
	const struct json_form *form;
	uint64_t hash;

	if (expected && (shape = second_guess(known, expected, line)))
		return take(shape, line, row);
	if (!may_try(&known->shape_trust) || !hash_layout(known, line, &hash))
		return match_members(known, line, row);
	shape = look_up(known, line, hash);
	if (shape) {
		learn_order(known, shape, expected);
		return take(shape, line, row);
	}
	form = match_members(known, line, row);
	if (form) {
		charge(&known->shape_trust, SHAPE_COST);
		learn_shape(known, line, hash);
	}
	return form;
}

const struct json_form *
json_match(struct json_shapes *shapes, const char *line,
    const struct json_form *hint, void *row)
{
	if (!hint || !json_expected(shapes, line, hint))
		return json_match_unexpected(shapes, line, hint, row);
	json_convert(hint, line, row);
	return hint;
}

void
json_learn(struct json_shapes *shapes, const char *line, size_t length)
{
	struct known *known = (struct known *)shapes;

	if (known->track_trust.paused == 0)
		track_learn(&known->track, known->wanted, line, length);
}

struct json_shapes *
json_shapes_new(const struct json_wanted *wanted)
{
	struct known *known = aligned_alloc(_Alignof(struct known),
	    sizeof *known);

	if (!known)
		report_fatal("out of memory: %zu bytes", sizeof *known);
	memset(known, 0, offsetof(struct known, shapes));
	known->wanted = wanted;
	known->shape_trust.credit = known->track_trust.credit = CREDIT;
	track_start(&known->track);
	return &known->shared;
}
