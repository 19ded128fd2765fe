/*
 * Like records, read again without being scanned.
 *
 * For each byte of a line a shape holds the lowest value and the range above
 * it: a constant has range 0, a digit '0' and 9, the first digit of a whole
 * part of several '1' and 8, a byte of the wanted string anything.  One
 * subtraction and one saturating comparison of all bytes, the newline among
 * them, prove the grammar; the numbers then stand at known places.  A line is
 * tried on the shape that its reader expects, then on the one that has the
 * same text with its digits made equal, found by a hash of that text.  Where
 * shapes keep missing (another order of keys on every line) trying pauses,
 * longer each time.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "kernel.h"
#include "report.h"

enum {
	EIGHT_DIGITS = 100000000,
	CHUNKS = 3,        /* of 8 digits: the 19 of an int64 */
	BLOCKS_BYTES = KERNEL_BYTES * KERNEL_UNROLLED,
	TABLE = 256,       /* hashes kept; a power of two */
	CREDIT = 64,
	MISS_COST = 4,
	PAUSE_FIRST = 256, /* lines */
	PAUSE_LAST = 65536
};

/*
 * Up to eight digits of a number, the last of them at end[-1].  Where the point
 * lies among them, those before it are read from one byte further down; masks
 * leave out all that is no digit of the chunk.
 */
struct chunk {
	uint64_t behind, before; /* masks: digits behind the point, before it */
	unsigned end;
};

struct number {
	int wanted;      /* its index in json_wanted */
	int chunks;
	int64_t unit;    /* of the last digit; below 0 with a minus sign */
	struct chunk chunk[CHUNKS]; /* the last digits first */
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
	struct {
		uint64_t hash;
		int shape; /* -1: free */
	} table[TABLE];
	int credit;
	uint64_t matches, matches_before; /* before the last miss */
	unsigned paused, pause;

	/* The digits of a number in the line before: the nodes of a tick have
	 * their time in common, and its upper digits seldom change at all. */
	struct last {
		uint64_t lower_text, lower, upper_text, upper;
	} last[JSON_NUMBERS];
};

static uint64_t
load(const char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value = __builtin_bswap64(value);
#endif
	return value;
}

/* Eight digits, the first in the lowest byte; a zero byte is a zero.  Pairs,
 * then fours, then all eight are joined by one multiplication each. */
static uint64_t
eight_digits(uint64_t value)
{
	value = (value & 0x0F0F0F0F0F0F0F0F) * (10 * 256 + 1) >> 8;
	value = (value & 0x00FF00FF00FF00FF) * (100 * 65536 + 1) >> 16;
	return (value & 0x0000FFFF0000FFFF) *
	    (10000 * (UINT64_C(1) << 32) + 1) >> 32;
}

static inline uint64_t
gather(const struct chunk *chunk, const char *line)
{
	return (load(line + chunk->end - 8) & chunk->behind) |
	    (load(line + chunk->end - 9) & chunk->before);
}

/* More than eight digits. */
static inline uint64_t
convert_long(struct last *last, const struct number *number, const char *line)
{
	uint64_t lower = gather(&number->chunk[0], line);
	uint64_t upper = gather(&number->chunk[1], line), top = 0;

	if (lower != last->lower_text) {
		last->lower_text = lower;
		last->lower = eight_digits(lower);
	}
	if (upper != last->upper_text) {
		last->upper_text = upper;
		last->upper = eight_digits(upper) * EIGHT_DIGITS;
	}
	if (number->chunks > 2)
		top = eight_digits(gather(&number->chunk[2], line)) *
		    EIGHT_DIGITS * EIGHT_DIGITS;
	return top + last->upper + last->lower;
}

static inline int64_t
convert(struct json_shapes *shapes, const struct number *number,
    const char *line)
{
	uint64_t value = number->chunks > 1
	    ? convert_long(&shapes->last[number->wanted], number, line)
	    : eight_digits(gather(&number->chunk[0], line));

	return (int64_t)value * number->unit;
}

static bool
fits(const struct shape *shape, const char *line)
{
	return kernel_within(line, shape->bounds, shape->blocks);
}

/* Of the line's text with every digit made '0'. */
static uint64_t
hash_line(const char *line)
{
	uint64_t hash = 0, newlines, half;
	char level[KERNEL_BYTES];

	do {
		newlines = kernel_newlines(line);
		kernel_level(line, level);
		if (newlines) {
			int end = kernel_first(newlines);

			memset(level + end, 0, (size_t)(KERNEL_BYTES - end));
		}
		memcpy(&half, level, sizeof half);
		hash = (hash ^ half) * UINT64_C(0x9E3779B97F4A7C15);
		hash ^= hash >> 29;
		memcpy(&half, level + 8, sizeof half);
		hash = (hash ^ half) * UINT64_C(0xBF58476D1CE4E5B9);
		hash ^= hash >> 32;
		line += KERNEL_BYTES;
	} while (!newlines);
	return hash;
}

static void
charge(struct json_shapes *shapes)
{
	uint64_t earned = shapes->matches - shapes->matches_before;

	shapes->matches_before = shapes->matches;
	shapes->credit += earned < CREDIT ? (int)earned : CREDIT;
	if (shapes->credit > CREDIT)
		shapes->credit = CREDIT;
	shapes->credit -= MISS_COST;
	if (shapes->credit >= 0)
		return;
	shapes->pause = shapes->pause == 0 ? PAUSE_FIRST
	    : shapes->pause < PAUSE_LAST ? shapes->pause * 2 : PAUSE_LAST;
	shapes->paused = shapes->pause;
	shapes->credit = CREDIT / 2;
}

static const struct shape *
find_shape(struct json_shapes *shapes, const char *line)
{
	uint64_t hash;
	int shape;

	if (shapes->paused > 0) {
		shapes->paused--;
		return NULL;
	}
	hash = hash_line(line);
	shape = shapes->table[hash % TABLE].shape;
	if (shape >= 0 && shapes->table[hash % TABLE].hash == hash &&
	    fits(&shapes->shapes[shape], line))
		return &shapes->shapes[shape];
	charge(shapes);
	return NULL;
}

const struct json_form *
json_match(struct json_shapes *shapes, const char *line,
    const struct json_form *hint, int64_t numbers[JSON_NUMBERS])
{
	const struct shape *shape = (const struct shape *)(const void *)hint;
	const struct number *number, *end;

	if (!shape || !fits(shape, line)) {
		shape = find_shape(shapes, line);
		if (!shape)
			return NULL;
	}
	shapes->matches++;
	number = shape->numbers;
	end = number + shape->number_count;
	for (; number < end; number++)
		numbers[number->wanted] = convert(shapes, number, line);
	return &shape->form;
}

/* The digits of a number in a line; false: it has an exponent. */
struct digits {
	size_t at;       /* of the first digit */
	int whole, part;
};

static bool
find_digits(const struct json_value *value, const char *line,
    struct digits *digits)
{
	const char *point = memchr(value->at, '.', value->length);
	size_t sign = *value->at == '-';

	if (memchr(value->at, 'e', value->length) ||
	    memchr(value->at, 'E', value->length))
		return false;
	digits->at = (size_t)(value->at - line) + sign;
	digits->whole = (int)(value->length - sign);
	digits->part = 0;
	if (point) {
		digits->part = (int)(value->at + value->length - point) - 1;
		digits->whole = (int)(point - value->at) - (int)sign;
	}
	return true;
}

static void
set_bounds(struct shape *shape, size_t at, int low, int range)
{
	shape->bounds[at / KERNEL_BYTES].low[at % KERNEL_BYTES] = (uint8_t)low;
	shape->bounds[at / KERNEL_BYTES].range[at % KERNEL_BYTES] =
	    (uint8_t)range;
}

/* Leaves the digits open, but not the grammar: no leading zero. */
static void
open_digits(struct shape *shape, const struct digits *digits)
{
	size_t n = (size_t)(digits->whole + digits->part +
	    (digits->part > 0));

	for (size_t i = 0; i < n; i++)
		if (i != (size_t)digits->whole)
			set_bounds(shape, digits->at + i, '0', 9);
	if (digits->whole > 1)
		set_bounds(shape, digits->at, '1', 8);
}

/* The upper `count` bytes of eight. */
static uint64_t
upper_bytes(int count)
{
	return count <= 0 ? 0 : UINT64_MAX << (8 - count) * 8;
}

/* The chunk of the digits first to last - 1 (at most eight). */
static struct chunk
cut_chunk(const struct digits *digits, int first, int last)
{
	struct chunk chunk;
	int behind = last - digits->whole; /* digits behind the point */

	chunk.end = (unsigned)digits->at + (unsigned)last + (behind > 0);
	if (behind <= 0 || behind > last - first)
		behind = last - first;
	chunk.behind = upper_bytes(behind);
	chunk.before = upper_bytes(last - first) & ~chunk.behind;
	return chunk;
}

/*
 * False: not every number of these digits fits, or more digits than the scale
 * holds.  At 19 digits the first is held under 9, for 8999... fits in int64.
 */
static bool
want_number(struct shape *shape, int wanted, const struct digits *digits,
    int scale, bool negative)
{
	struct number *number = &shape->numbers[shape->number_count++];
	int last = digits->whole + digits->part;

	if (digits->part > scale || digits->whole + scale > 19 ||
	    digits->at < 8)
		return false;
	if (digits->whole + scale == 19) {
		if (digits->whole == 1)
			return false;
		set_bounds(shape, digits->at, '1', 7);
	}
	number->wanted = wanted;
	number->unit = negative ? -1 : 1;
	for (int i = digits->part; i < scale; i++)
		number->unit *= 10;
	for (; last > 0; last -= 8)
		number->chunk[number->chunks++] = cut_chunk(digits,
		    last > 8 ? last - 8 : 0, last);
	return true;
}

static int
wanted_number(const struct json_wanted *wanted, const struct json_value *key)
{
	for (int i = 0; i < JSON_NUMBERS; i++)
		if (wanted->numbers[i] && json_is(key, wanted->numbers[i]))
			return i;
	return -1;
}

/* Takes one member into the shape; false: the record has no shape. */
static bool
take_member(const struct json_wanted *wanted, struct shape *shape,
    const char *line, const struct json_value *key,
    const struct json_value *value)
{
	int i = wanted_number(wanted, key);
	struct digits digits;

	if (json_is(key, wanted->refused))
		return false;
	if (json_is(key, wanted->text)) {
		if (value->kind != JSON_STRING || value->escaped)
			return false;
		shape->form.text_at = (unsigned)(value->at - line);
		shape->form.text_length = (unsigned)value->length;
		for (size_t n = 0; n < value->length; n++)
			set_bounds(shape, shape->form.text_at + n, 0, 255);
	}
	if (value->kind != JSON_NUMBER)
		return i < 0 || value->kind == JSON_NULL;
	if (!find_digits(value, line, &digits))
		return false;
	open_digits(shape, &digits);
	if (i < 0)
		return true;
	shape->form.have |= 1u << i;
	return want_number(shape, i, &digits, wanted->scales[i],
	    *value->at == '-');
}

static bool
make_shape(const struct json_wanted *wanted, struct shape *shape,
    const char *line, size_t length)
{
	struct json_value record = { line, length, JSON_OBJECT, false };
	struct json_value key, value;
	const char *cursor = NULL;
	size_t bytes = length + 1 + (line[length] == '\r');

	if (bytes > JSON_SHAPE_BYTES || line[0] != '{')
		return false;
	memset(shape, 0, sizeof *shape);
	for (size_t i = 0; i < JSON_SHAPE_BYTES; i++)
		set_bounds(shape, i, i < bytes ? (uint8_t)line[i] : 0,
		    i < bytes ? 0 : 255);
	shape->blocks = (int)(bytes + BLOCKS_BYTES - 1) / BLOCKS_BYTES *
	    KERNEL_UNROLLED;
	shape->form.length = (unsigned)length;
	shape->form.bytes = (unsigned)bytes;
	while (json_member(&record, &cursor, &key, &value))
		if (!take_member(wanted, shape, line, &key, &value))
			return false;
	return shape->form.text_length > 0;
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

void
json_learn(struct json_shapes *shapes, const char *line, size_t length)
{
	struct shape shape;
	uint64_t hash;
	int i;

	if (shapes->paused > 0 ||
	    !make_shape(shapes->wanted, &shape, line, length))
		return;
	i = known_shape(shapes, line);
	if (i < 0)
		i = replace_shape(shapes, &shape);
	hash = hash_line(line);
	shapes->table[hash % TABLE].hash = hash;
	shapes->table[hash % TABLE].shape = i;
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
	shapes->credit = CREDIT;
	for (int i = 0; i < TABLE; i++)
		shapes->table[i].shape = -1;
	return shapes;
}
