/*
 * Lines that are like a line that was checked: known, with their numbers, or
 * not known.  The numbers are the digits of the line, moved by hand.
 */
#include <stdlib.h>

#include "json-shape.h"
#include "unit.h"

static const struct json_wanted wanted = {
	.numbers = {
		{ "timestamp", 9, 0 },
		{ "watts", 9, sizeof(int64_t) },
		{ "joules", 6, 2 * sizeof(int64_t) }
	},
	.needed = 3,
	.text = "node",
	.refused = "type"
};

static struct json_shapes *shapes;
static const struct json_form *form; /* of the last line known */
static int64_t numbers[JSON_NUMBERS];

static void
learn(const char *line)
{
	static char room[1024 + JSON_BEHIND];
	size_t length = (size_t)snprintf(room, 1024, "%s\n", line) - 1;

	length -= length > 0 && room[length - 1] == '\r';
	json_learn(shapes, room, length);
}

/* Whether a line is known: by its shape, where one was given out before, and by
 * its members. */
static bool
known(const char *line)
{
	static char room[JSON_BEFORE + 1024 + JSON_BEHIND];
	char *text = room + JSON_BEFORE;
	const struct json_form *members;
	int64_t first;

	snprintf(text, 1024, "%s\n", line);
	members = json_match(shapes, text, NULL, numbers);
	if (!members)
		return json_match(shapes, text, form, numbers) != NULL;
	first = numbers[0];
	form = json_match(shapes, text, members, numbers);
	form = json_match(shapes, text, form, numbers);
	return form && numbers[0] == first;
}

static void
start(const char *line)
{
	free(shapes);
	shapes = json_shapes_new(&wanted);
	form = NULL;
	learn(line);
	known(line);
}

static void
numbers_told(void)
{
	start("{\"timestamp\":1795340400.25,\"node\":\"pi1\",\"watts\":5.712,"
	    "\"volts\":120.65,\"joules\":0.114}");
	is(known("{\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.001,"
	    "\"volts\":119.99,\"joules\":9.999}"), "other digits are known");
	is(numbers[0] == INT64_C(1795340401500000000) &&
	    numbers[1] == 7001000000 && numbers[2] == 9999000 &&
	    form->have == 7, "and all three numbers told");
	is(form->text_at == 35 && form->text_length == 3,
	    "and where the string is");
	is(!known("{\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.01,"
	    "\"volts\":119.99,\"joules\":9.999}"), "another width is not");
	is(!known("{\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.001,"
	    "\"volts\":019.99,\"joules\":9.999}"), "a leading zero is not");
	is(!known("{\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.001,"
	    "\"volts\":119.99,\"joules\":9.999"), "a cut line is not");
	is(!known("{\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.001,"
	    "\"volts\":119.99,\"joules\":9e999}"), "an exponent is not");
	is(!known("\"timestamp\":1795340401.50,\"node\":\"pi2\",\"watts\":7.001,"
	    "\"volts\":119.99,\"joules\":9.999}"), "no brace is not");
	is(!known(""), "a blank line is not");
}

/* Numbers of up to eight digits are converted two and two. */
static void
in_twos(void)
{
	start("{\"timestamp\":12345678,\"node\":\"a\",\"watts\":-1234.5678,"
	    "\"joules\":1.5}");
	is(known("{\"timestamp\":90817263,\"node\":\"a\",\"watts\":-8765.4321,"
	    "\"joules\":7.9}") && numbers[0] == INT64_C(90817263000000000) &&
	    numbers[1] == INT64_C(-8765432100000) && numbers[2] == 7900000,
	    "two and one");
	start("{\"watts\":1.5,\"node\":\"a\",\"timestamp\":1795340400.123456789,"
	    "\"joules\":99999.999}");
	is(known("{\"watts\":7.2,\"node\":\"a\","
	    "\"timestamp\":1812345678.987654321,\"joules\":12345.678}") &&
	    numbers[0] == INT64_C(1812345678987654321) &&
	    numbers[1] == 7200000000 && numbers[2] == INT64_C(12345678000),
	    "two with one of nineteen digits between them");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":12345678.5,"
	    "\"joules\":-0.000001}");
	is(known("{\"timestamp\":4,\"node\":\"a\",\"watts\":98765432.1,"
	    "\"joules\":-0.123456}") && numbers[0] == 4000000000 &&
	    numbers[1] == INT64_C(98765432100000000) && numbers[2] == -123456,
	    "nine digits are no short number");
}

static void
members_moved(void)
{
	start("{\"timestamp\":1.5,\"node\":\"a\",\"watts\":5.5}");
	learn("{\"timestamp\":1.25,\"watts\":-5.25,\"node\":\"bcdefghij\"}");
	is(known("{\"timestamp\":2.25,\"node\":\"z\",\"watts\":-1.75,"
	    "\"node\":\"a\",\"watts\":5.5}") == false, "keys that stand twice "
	    "are not known");
	is(!known("{\"timestamp\":2.25,\"watts\":1.5,\"node\":\"b\"}"),
	    "a member with another sign is not");
	is(known("{\"timestamp\":2.5,\"watts\":-0.25,\"node\":\"jihgfedcb\"}") &&
	    numbers[0] == 2500000000 && numbers[1] == -250000000 &&
	    form->have == 3, "members of two lines make a third");
	is(!known("{\"timestamp\":2.5,{\"timestamp\":2.5,\"node\":\"a\","
	    "\"watts\":5.5}"), "two braces are not");
	is(!known("{\"timestamp\":2.5,\"watts\":-0.25}"),
	    "no end of a line is made of a middle");
}

static void
digits(void)
{
	start("{\"timestamp\":8999999999.1,\"node\":\"a1\",\"v1\":10,\"watts\":0}");
	is(!known("{\"timestamp\":8999999999.1,\"node\":\"a1\",\"v2\":10,"
	    "\"watts\":0}"), "a digit in a key is constant");
	is(known("{\"timestamp\":8999999999.9,\"node\":\"a2\",\"v1\":99,"
	    "\"watts\":9}") && numbers[0] == INT64_C(8999999999900000000),
	    "19 digits fit under 9");
	is(!known("{\"timestamp\":9300000000.1,\"node\":\"a1\",\"v1\":10,"
	    "\"watts\":0}"), "19 digits from 9 on may not fit");
	is(!known("{\"timestamp\":8999999999.1,\"node\":\"a1\",\"v1\":01,"
	    "\"watts\":0}"), "a leading zero is not known");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":-0}");
	is(known("{\"timestamp\":0,\"node\":\"a\",\"watts\":-9}") &&
	    numbers[1] == INT64_C(-9000000000) && numbers[0] == 0,
	    "-0 has the shape of -9");
	start("{\"timestamp\":1.0000000001,\"node\":\"a\",\"watts\":1}");
	is(!known("{\"timestamp\":1.0000000001,\"node\":\"a\",\"watts\":1}"),
	    "what would be rounded is not known");
}

static void
line_ends(void)
{
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1}\r");
	is(known("{\"timestamp\":3,\"node\":\"b\",\"watts\":2}\r") &&
	    form->length + 2 == form->bytes && form->length == 36,
	    "CRLF is no part of the record");
	is(!known("{\"timestamp\":3,\"node\":\"b\",\"watts\":2}"),
	    "without the CR it is another shape");
	start("{ \"timestamp\" : 1 , \"node\" : \"a\" , \"watts\" : 1 } ");
	is(known("{ \"timestamp\" : 2 , \"node\" : \"b\" , \"watts\" : 3 } ") &&
	    numbers[0] == 2000000000 && numbers[1] == 3000000000,
	    "white space is constant");
	is(!known("{\"timestamp\" : 2 , \"node\" : \"b\" , \"watts\" : 3 } "),
	    "and no longer known where it lacks");
}

/* Its string is not looked at, and seen by its caller to be no name; but its
 * pieces are no members, and no shape may be made of them. */
static void
broken_string(void)
{
	bool whole = true;

	start("{\"timestamp\":10,\"node\":\"aXb\",\"watts\":1}");
	learn("{\"timestamp\":1,\"node\":\"abcdefghi\",\"watts\":1}");
	known("{\"timestamp\":1,\"node\":\"abcdefghi\",\"watts\":1}");
	for (int i = 0; i < 4; i++)
		whole = whole && known("{\"timestamp\":30,\"node\":\"aXb\",fghi\","
		    "\"watts\":1}") && form->text_length == 9;
	is(whole, "a quote in the string makes no other string of it");
}

static void
kinds(void)
{
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"joules\":null}");
	is(known("{\"timestamp\":2,\"node\":\"a\",\"watts\":2,\"joules\":null}") &&
	    form->have == 3, "null is known, and no number");
	learn("{\"timestamp\":1,\"node\":\"a\",\"joules\":2,\"watts\":1}");
	is(!known("{\"timestamp\":2,\"node\":\"a\",\"joules\":2,\"watts\":2,"
	    "\"joules\":null}"), "null and a number are the same key twice");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"type\":\"event\"}");
	is(!known("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,"
	    "\"type\":\"event\"}"), "a record with a type is never known");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"t\\u0079pe\":1}");
	is(!known("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"t\\u0079pe\":1}"),
	    "nor where its key is escaped");
	start("{\"timestamp\":1,\"node\":\"a\\\"b\",\"watts\":1}");
	is(!known("{\"timestamp\":1,\"node\":\"a\\\"b\",\"watts\":1}"),
	    "nor a string with an escape");
	start("{\"timestamp\":1,\"watts\":1}");
	is(!known("{\"timestamp\":1,\"watts\":1}"),
	    "nor a record without the string");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"on\":[true,{}],"
	    "\"note\":\"x,y\"}");
	is(known("{\"timestamp\":2,\"node\":\"b\",\"watts\":1,\"on\":[true,{}],"
	    "\"note\":\"x,y\"}"), "other values are constants");
	is(!known("{\"timestamp\":2,\"node\":\"b\",\"watts\":1,\"on\":[true,[]],"
	    "\"note\":\"x,y\"}"), "all of their bytes");
}

/* Whether line i is known with its numbers: a layout of its own for each i
 * below 16 * 9 * 24, for the widths of three members vary. */
static bool
laid_out(int i)
{
	int name = i % 16 + 1, part = i / 16 % 9 + 1, digits = i / 144 % 24 + 1;
	int64_t watts = 2000000000, last = 5;
	char line[256];

	for (int width = part; width < 9; width++)
		last *= 10;
	snprintf(line, sizeof line, "{\"timestamp\":%d,\"node\":\"%0*d\","
	    "\"watts\":2.%0*d,\"volts\":1%0*d}", i, name, 7, part, 5, digits,
	    i % 10);
	if (!known(line)) {
		learn(line);
		if (!known(line))
			return false;
	}
	return numbers[0] == i * INT64_C(1000000000) &&
	    numbers[1] == watts + last &&
	    form->text_length == (unsigned)name;
}

/* More shapes than there is room for, some of them again and again; lines that
 * are never known. */
static void
many(void)
{
	char line[1024];
	int right = 0, again = 0, after = 0;

	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1}");
	for (int i = 0; i < 16 * 9 * 24; i++) {
		right += laid_out(i);
		again += laid_out(i % 100);
	}
	is(16 * 9 * 24 > 3 * JSON_SHAPES && right == 16 * 9 * 24,
	    "more shapes than there is room for");
	is(again == 16 * 9 * 24, "and those that are met stay known");
	is(laid_out(16 * 9 * 23) && laid_out(0) && laid_out(16 * 9 * 23) &&
	    laid_out(16 * 9 * 12), "long lines and short in turn");
	start("{\"timestamp\":1,\"node\":\"a\",\"watts\":1}");
	for (int i = 0; i < 100000; i++)
		known("{\"timestamp\":1e0,\"node\":\"a\",\"watts\":1}");
	for (int i = 0; i < 200000; i++)
		after += known("{\"timestamp\":7,\"node\":\"a\",\"watts\":1}");
	is(after > 0, "after many misses trying goes on");
	snprintf(line, sizeof line, "{\"timestamp\":1,\"node\":\"a\",\"watts\":1,"
	    "\"note\":\"%0*d\"}", JSON_SHAPE_BYTES, 0);
	start(line);
	is(!known(line), "a long line has no shape");
}

int
main(void)
{
	numbers_told();
	in_twos();
	members_moved();
	digits();
	line_ends();
	broken_string();
	kinds();
	many();
	free(shapes);
	return unit_finish();
}
