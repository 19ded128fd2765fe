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
 *	scanned, byte by byte                    4936     4844      5046
 *	scanned, sixteen bytes at a time         4408     4349      4507
 *	a template for each member               1018     1194      1400
 *	a template for a line of its layout       477      543      1412
 *	a template for the line expected          329      593      1429
 *
 * What gains time where it gains few instructions, or none, is what spares
 * mispredicted branches and long chains: sixteen digits converted at once
 * (fixed: an eighth of the time); frequent members first in their slot, and
 * shapes left alone while they pause (shuffled: a tenth); no look at the member
 * expected where it was wrong (shuffled: a twentieth); members taken without
 * branches (shuffled: a tenth).
 */
#include <stdlib.h>
#include <string.h>

#include "json-track.h"
#include "json.h"
#include "kernel.h"
#include "report.h"

enum {
	BLOCKS_BYTES = KERNEL_BYTES * KERNEL_UNROLLED,
	TABLE_BITS = 12,
	TABLE = 1 << TABLE_BITS,
	DOUBTS = 2,
	MET = 2,
	CREDIT = 512,
	SHAPE_COST = 1,    /* of a miss, in matches */
	TRACK_COST = 4,
	PAUSE_FIRST = 256, /* lines */
	PAUSE_LAST = 65536
};

struct shape {
	struct json_form form; /* first, for json_match turns one into a shape */
	int blocks;            /* of bounds */
	int met;               /* above 0: by a line, lately */
	int instead;           /* came when this one was expected; from 1 */
	int number_count;
	struct kernel_bounds bounds[JSON_SHAPE_BYTES / KERNEL_BYTES];
	struct number numbers[JSON_NUMBERS];
};

struct json_shapes {
	const struct json_wanted *wanted;
	struct json_track track;
	int count, next; /* next: to be replaced when all are used */
	unsigned shortest; /* bytes of a line that the track took; 0: none */
	struct entry {
		uint16_t check;  /* of the hash */
		uint16_t shape;  /* from 1; 0: none */
	} table[TABLE];          /* by the hash of a line's layout */
	struct trust {
		int credit;
		unsigned earned; /* matches since the last miss */
		unsigned paused, pause;
	} shape_trust, track_trust;
	int doubts; /* times that a hint has to be right before it is used */
	struct shape shapes[JSON_SHAPES]; /* last: only `count` are touched */
};

static bool
fits(const struct shape *shape, const char *line)
{
	return kernel_within(line, shape->bounds, shape->blocks);
}

static bool
make_shape(const struct json_wanted *wanted, struct shape *shape,
    const char *line, size_t length)
{
	struct json_value record = { line, length, JSON_OBJECT, false };
	struct json_template made = {
		.wanted = wanted, .text = line, .bounds = shape->bounds,
		.numbers = shape->numbers
	};
	struct json_value key, value;
	const char *cursor = NULL;
	size_t bytes = length + 1 + (line[length] == '\r');

	if (bytes > JSON_SHAPE_BYTES || line[0] != '{')
		return false;
	memset(shape, 0, sizeof *shape);
	template_start(&made, bytes, JSON_SHAPE_BYTES);
	while (json_member(&record, &cursor, &key, &value))
		if (!template_take(&made, &key, &value))
			return false;
	shape->blocks = (int)(bytes + BLOCKS_BYTES - 1) / BLOCKS_BYTES *
	    KERNEL_UNROLLED;
	shape->number_count = made.number_count;
	shape->form = (struct json_form){
		.have = made.have, .text_at = made.text_at,
		.text_length = made.text_length,
		.length = (unsigned)length, .bytes = (unsigned)bytes
	};
	return made.text_length > 0;
}

/*
 * A hash of where the line has digits.  Its newline is not looked for before
 * the shortest line known would end.  False: it is too long.
 */
static bool
hash_layout(const struct json_shapes *shapes, const char *line, uint64_t *hash)
{
	unsigned first = shapes->shortest;
	uint64_t sum = 0;

	for (unsigned at = 0; at < JSON_SHAPE_BYTES;
	    at += KERNEL_LAYOUT_BYTES) {
		uint64_t layout = kernel_layout(line + at), newlines = 0;

		if (at + KERNEL_LAYOUT_BYTES >= first)
			newlines = kernel_newlines(line + at);
		if (newlines)
			layout &= newlines ^ (newlines - 1);
		sum = (sum ^ sum >> 32 ^ layout) *
		    UINT64_C(0x9E3779B97F4A7C15);
		if (newlines) {
			*hash = sum;
			return true;
		}
	}
	return false;
}

/* A shape that fits the line already, though its hash is another one: the
 * string differs in more than digits. */
static struct shape *
known_shape(struct json_shapes *shapes, const char *line, unsigned bytes)
{
	for (int i = 0; i < shapes->count; i++)
		if (shapes->shapes[i].form.bytes == bytes &&
		    fits(&shapes->shapes[i], line))
			return &shapes->shapes[i];
	return NULL;
}

/* Room for one more: of a shape that was not met for a while. */
static struct shape *
free_shape(struct json_shapes *shapes)
{
	struct shape *shape;

	if (shapes->count < JSON_SHAPES)
		return &shapes->shapes[shapes->count++];
	do {
		shape = &shapes->shapes[shapes->next];
		shapes->next = (shapes->next + 1) % JSON_SHAPES;
	} while (shape->met-- > 0);
	return shape;
}

/* A line that the track took.  Most shapes that are met once are not met again
 * soon: it is learned the second time. */
static void
learn_shape(struct json_shapes *shapes, const char *line, uint64_t hash)
{
	const struct json_form *form = &shapes->track.form;
	struct entry *entry = &shapes->table[hash >> (64 - TABLE_BITS)];
	bool again = entry->check == (uint16_t)hash;
	struct shape made, *shape;

	*entry = (struct entry){ .check = (uint16_t)hash };
	if (form->bytes < shapes->shortest || shapes->shortest == 0)
		shapes->shortest = form->bytes;
	else if (again) {
		shape = known_shape(shapes, line, form->bytes);
		if (!shape && make_shape(shapes->wanted, &made, line,
		    form->length)) {
			shape = free_shape(shapes);
			*shape = made;
		}
		if (shape)
			entry->shape = (uint16_t)(shape - shapes->shapes + 1);
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
static struct shape *
look_up(struct json_shapes *shapes, const char *line, uint64_t hash)
{
	struct entry entry = shapes->table[hash >> (64 - TABLE_BITS)];
	struct shape *shape;

	if (entry.shape == 0 || entry.check != (uint16_t)hash)
		return NULL;
	shape = &shapes->shapes[entry.shape - 1];
	return fits(shape, line) ? shape : NULL;
}

/* What came the last time that this shape was expected and did not fit, where
 * it fits this line; or NULL. */
static struct shape *
second_guess(struct json_shapes *shapes, const struct shape *expected,
    const char *line)
{
	struct shape *shape;

	if (shapes->doubts > 0 || expected->instead == 0)
		return NULL;
	shape = &shapes->shapes[expected->instead - 1];
	return fits(shape, line) ? shape : NULL;
}

static const struct json_form *
match_members(struct json_shapes *shapes, const char *line, void *row)
{
	if (!may_try(&shapes->track_trust))
		return NULL;
	if (!track_match(&shapes->track, shapes->wanted->needed, line, row)) {
		charge(&shapes->track_trust, TRACK_COST);
		return NULL;
	}
	shapes->track_trust.earned++;
	return &shapes->track.form;
}

static inline const struct json_form *
take(const struct shape *shape, const char *line, void *row)
{
	const struct number *number = shape->numbers;
	const struct number *end = number + shape->number_count;

	for (; number < end; number++)
		template_convert(number, line, row);
	return &shape->form;
}

/* The hint did not help.  Kept out of json_match, so that the way past it saves
 * no registers. */
__attribute__((noinline)) static const struct json_form *
match_unexpected(struct json_shapes *shapes, const char *line,
    struct shape *expected, void *row)
{
	const struct json_form *form;
	struct shape *shape;
	uint64_t hash;

	if (expected && (shape = second_guess(shapes, expected, line))) {
		shape->met = MET;
		return take(shape, line, row);
	}
	if (!may_try(&shapes->shape_trust) ||
	    !hash_layout(shapes, line, &hash))
		return match_members(shapes, line, row);
	shape = look_up(shapes, line, hash);
	if (shape) {
		shapes->shape_trust.earned++;
		shape->met = MET;
		if (shape == expected)
			shapes->doubts -= shapes->doubts > 0;
		else {
			shapes->doubts = DOUBTS;
			if (expected)
				expected->instead =
				    (int)(shape - shapes->shapes) + 1;
		}
		return take(shape, line, row);
	}
	form = match_members(shapes, line, row);
	if (form) {
		charge(&shapes->shape_trust, SHAPE_COST);
		learn_shape(shapes, line, hash);
	}
	return form;
}

const struct json_form *
json_match(struct json_shapes *shapes, const char *line,
    const struct json_form *hint, void *row)
{
	/* a shape's own form, that was never const here */
	struct shape *shape = hint == &shapes->track.form ? NULL
	    : (struct shape *)(uintptr_t)hint;

	if (!shape || shapes->doubts > 0 || !fits(shape, line))
		return match_unexpected(shapes, line, shape, row);
	return take(shape, line, row);
}

void
json_learn(struct json_shapes *shapes, const char *line, size_t length)
{
	if (shapes->track_trust.paused == 0)
		track_learn(&shapes->track, shapes->wanted, line, length);
}

struct json_shapes *
json_shapes_new(const struct json_wanted *wanted)
{
	struct json_shapes *shapes = aligned_alloc(KERNEL_BYTES,
	    (sizeof *shapes + KERNEL_BYTES - 1) / KERNEL_BYTES * KERNEL_BYTES);

	if (!shapes)
		report_fatal("out of memory: %zu bytes", sizeof *shapes);
	memset(shapes, 0, offsetof(struct json_shapes, shapes));
	shapes->wanted = wanted;
	shapes->shape_trust.credit = shapes->track_trust.credit = CREDIT;
	track_start(&shapes->track);
	return shapes;
}
