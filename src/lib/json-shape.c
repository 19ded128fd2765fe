/*
 * Like records, read again without being scanned.
 *
 * A line is tried in three ways, each slower and knowing more lines.  Its
 * shape, the template of a whole line, is compared in one go; its reader says
 * which one to expect.  Then its members are taken one by one, each by the
 * template of one member, expected after the one before or found by its first
 * bytes; the members that make a line also lead to its shape.  Else json_members
 * scans it, and its members are learned.  Where a way keeps missing, trying it
 * pauses, longer each time.
 *
 * What each trick gains, in instructions a line (callgrind, 5 MB of 170-byte
 * lines of ten members: fixed decimals, trimmed zeros, shuffled keys; all of
 * epi-integrate), without it and with it:
 *
 *	                                        fixed  trimmed  shuffled
 *	sixteen bytes of a string or number        -      5146      5835
 *	at a time, wanted keys by first byte       -      4206      4294
 *	a template for each member                 -      4206      4294
 *	                                           -      1090      1435
 *	a template for the whole line            895         -         -
 *	                                         508         -         -
 *
 * Frequent members first in their slot, and shapes left alone while they pause,
 * gain no instructions but mispredicted branches: of trimmed lines a fifth of
 * the time, of shuffled ones a tenth.
 */
#include <stdlib.h>
#include <string.h>

#include "json-track.h"
#include "json.h"
#include "kernel.h"
#include "report.h"

enum {
	BLOCKS_BYTES = KERNEL_BYTES * KERNEL_UNROLLED,
	TABLE = 256,       /* a power of two */
	CREDIT = 64,
	MISS_COST = 4,
	PAUSE_FIRST = 256, /* lines */
	PAUSE_LAST = 65536
};

struct shape {
	struct json_form form; /* first, for json_match turns one into a shape */
	int blocks;            /* of bounds */
	int number_count;
	struct kernel_bounds bounds[JSON_SHAPE_BYTES / KERNEL_BYTES];
	struct number numbers[JSON_NUMBERS];
};

struct json_shapes {
	const struct json_wanted *wanted;
	struct shape shapes[JSON_SHAPES];
	int count, next; /* next: to be replaced when all are used */
	const struct shape *table[TABLE]; /* by the hash of a line's pieces */
	struct json_track track;
	struct trust {
		int credit;
		unsigned earned; /* matches since the last miss */
		unsigned paused, pause;
	} shape_trust, track_trust;
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

/* A shape that fits the line already, though its hash is another one: the
 * string differs in more than digits. */
static int
known_shape(const struct json_shapes *shapes, const char *line)
{
	for (int i = 0; i < shapes->count; i++)
		if (fits(&shapes->shapes[i], line))
			return i;
	return -1;
}

static int
replace_shape(struct json_shapes *shapes, const struct shape *shape)
{
	int i = shapes->next;

	shapes->next = (i + 1) % JSON_SHAPES;
	if (shapes->count < JSON_SHAPES)
		shapes->count++;
	shapes->shapes[i] = *shape;
	return i;
}

static const struct shape *
learn_shape(struct json_shapes *shapes, const char *line, size_t length)
{
	struct shape shape = { .blocks = 0 };
	int i;

	if (!make_shape(shapes->wanted, &shape, line, length))
		return NULL;
	i = known_shape(shapes, line);
	if (i < 0)
		i = replace_shape(shapes, &shape);
	return &shapes->shapes[i];
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
charge(struct trust *trust)
{
	trust->credit += trust->earned < CREDIT ? (int)trust->earned : CREDIT;
	trust->earned = 0;
	if (trust->credit > CREDIT)
		trust->credit = CREDIT;
	trust->credit -= MISS_COST;
	if (trust->credit >= 0)
		return;
	trust->pause = trust->pause == 0 ? PAUSE_FIRST
	    : trust->pause < PAUSE_LAST ? trust->pause * 2 : PAUSE_LAST;
	trust->paused = trust->pause;
	trust->credit = CREDIT / 2;
}

/* The shape of a line that the track took; one that is new is learned. */
static const struct json_form *
find_shape(struct json_shapes *shapes, const char *line)
{
	const struct json_form *form = &shapes->track.form;
	uint64_t hash = shapes->track.hash;
	const struct shape **known = &shapes->table[hash % TABLE];

	if (!may_try(&shapes->shape_trust))
		return form;
	if (*known && fits(*known, line))
		return &(*known)->form;
	charge(&shapes->shape_trust);
	*known = learn_shape(shapes, line, form->length);
	return form;
}

/* Kept out of json_match, so that the way past it saves no registers. */
__attribute__((noinline)) static const struct json_form *
match_members(struct json_shapes *shapes, const char *line, void *row)
{
	if (!may_try(&shapes->track_trust))
		return NULL;
	if (!track_match(&shapes->track, shapes->wanted->needed, line, row)) {
		charge(&shapes->track_trust);
		return NULL;
	}
	shapes->track_trust.earned++;
	return find_shape(shapes, line);
}

const struct json_form *
json_match(struct json_shapes *shapes, const char *line,
    const struct json_form *hint, void *row)
{
	const struct shape *shape = (const struct shape *)(const void *)hint;
	const struct number *number, *end;

	if (!hint || hint == &shapes->track.form || !fits(shape, line))
		return match_members(shapes, line, row);
	shapes->shape_trust.earned++;
	number = shape->numbers;
	end = number + shape->number_count;
	for (; number < end; number++)
		template_convert(number, line, row);
	return &shape->form;
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
	memset(shapes, 0, sizeof *shapes);
	shapes->wanted = wanted;
	shapes->shape_trust.credit = shapes->track_trust.credit = CREDIT;
	track_start(&shapes->track);
	return shapes;
}
