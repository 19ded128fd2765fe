/* sample, event, compose and feed: records in and out.  What they write goes
 * through standard output into a file, which is then looked at. */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compose.h"
#include "event.h"
#include "feed.h"
#include "report.h"
#include "unit.h"

static char text[1 << 16]; /* what a test wrote */

static int
scratch(void)
{
	char name[] = "/tmp/epi-unit-XXXXXX";
	int fd = mkstemp(name);

	must(fd >= 0 && unlink(name) == 0);
	return fd;
}

/* What write_it() gives to this descriptor, in text. */
static const char *
captured(int descriptor, void (*write_it)(void))
{
	int kept = dup(descriptor), file = scratch();
	ssize_t n;

	fflush(stdout);
	must(kept >= 0 && dup2(file, descriptor) >= 0);
	write_it();
	stream_flush();
	must(dup2(kept, descriptor) >= 0 && lseek(file, 0, SEEK_SET) == 0);
	n = read(file, text, sizeof text - 1);
	must(n >= 0);
	text[n] = '\0';
	close(kept);
	close(file);
	return text;
}

/* ---- compose */

static void
one_record(void)
{
	compose_open();
	compose_key("a\"b");
	compose_string("x\ny");
	compose_key("n");
	compose_string(NULL);
	compose_key("list");
	compose_begin('[');
	compose_integer(-1);
	compose_bool(true);
	compose_bool(false);
	compose_begin('{');
	compose_end('}');
	compose_begin('[');
	compose_end(']');
	compose_null();
	compose_end(']');
	compose_key("object");
	compose_begin('{');
	compose_key("t");
	compose_time(1500000000);
	compose_key("s");
	compose_seconds(1500000001);
	compose_end('}');
	compose_key("d");
	compose_double(0.1);
	compose_key("inf");
	compose_double((double)INFINITY);
	compose_key("j");
	compose_joules(-1);
	compose_key("raw");
	compose_raw("[1, 2]", 6);
	compose_key("span");
	compose_span("abc", 2);
	compose_close();
	compose_open();
	compose_close();
}

static void
composing(void)
{
	is(!strcmp(captured(STDOUT_FILENO, one_record),
	    "{\"a\\\"b\":\"x\\ny\",\"n\":null,\"list\":[-1,true,false,{},[],"
	    "null],\"object\":{\"t\":1.500000,\"s\":1.500000001},\"d\":0.1,"
	    "\"inf\":null,\"j\":-0.0000000000000000005,\"raw\":[1, 2],"
	    "\"span\":\"ab\"}\n{}\n"), "a record of every kind of value");
}

/* ---- sample */

static struct sample_nodes nodes;
static struct sample_reader reader = { .nodes = &nodes };
static struct sample sample;
static struct block block;
static char room[STREAM_MARGIN + 4096];
static char *const lines = room + STREAM_MARGIN;

/* The first record of these lines. */
static enum sample_kind
read_sample(const char *record)
{
	size_t length = strlen(record);

	memset(room, 0, sizeof room);
	memcpy(lines, record, length);
	lines[length] = '\n';
	block = (struct block){ lines, lines + length + 1, 7 };
	return sample_next(&reader, &block, &sample);
}

static bool
is_bad(const char *record, const char *why)
{
	if (read_sample(record) == SAMPLE_BAD && !strcmp(reader.error, why))
		return true;
	printf("# %s: %s\n", record, reader.error);
	return false;
}

static void
samples(void)
{
	is(read_sample("{\"timestamp\":1795340400.123456,\"node\":\"pi1\","
	    "\"watts\":7.412,\"volts\":121.03,\"joules\":1234.567,\"seq\":1}")
	    == SAMPLE_POWER && sample.timestamp_ns == 1795340400123456000 &&
	    sample.watts_nw == 7412000000 && sample.has_joules &&
	    sample.joules_uj == 1234567000 &&
	    !strcmp(nodes.names[sample.node], "pi1"), "a sample");
	is(read_sample(" { \"watts\" : -1e-9 , \"x\":{\"watts\":2}, \"node\""
	    ":\"\\u0070i1\",\"timestamp\":\"1970-01-01T00:00:01Z\", \"joules\""
	    ":null }\r") == SAMPLE_POWER && sample.timestamp_ns == 1000000000 &&
	    sample.watts_nw == -1 && !sample.has_joules && sample.node == 0 &&
	    nodes.count == 1, "another, in other words");
	is(read_sample("{\"timestamp\":1,\"node\":\"pi\",\"watts\":1e9}") ==
	    SAMPLE_POWER && sample.node == 1 && sample.watts_nw ==
	    ENERGY_WATTS_MAX, "a name that begins as another is another");
	is(read_sample("{\"watts\":\"no\",\"type\":\"event\"}") == SAMPLE_TYPED &&
	    reader.line == lines && reader.length == 29,
	    "a record with type is no sample, whatever else it has");
	is(read_sample("\n \t\r\n\r\n{\"type\":1}") == SAMPLE_TYPED &&
	    reader.line_number == 10, "blank lines are passed over, and counted");
	is(read_sample("") == SAMPLE_END && read_sample("  ") == SAMPLE_END,
	    "nothing but blanks");
}

static void
bad_samples(void)
{
	char name[400] = "{\"timestamp\":1,\"watts\":1,\"node\":\"";
	size_t head = strlen(name);

	is(is_bad("{\"node\":\"a\",\"watts\":1}", "no \"timestamp\"") &&
	    is_bad("{\"timestamp\":1,\"watts\":1}", "no \"node\"") &&
	    is_bad("{\"timestamp\":1,\"node\":\"a\"}", "no \"watts\""),
	    "what is missing is named");
	is(is_bad("{\"timestamp\":-1,\"node\":\"a\",\"watts\":1}",
	    "\"timestamp\" is not a time (Unix seconds or RFC 3339): -1") &&
	    is_bad("{\"timestamp\":1,\"node\":5,\"watts\":1}",
	    "\"node\" is not a string: 5") &&
	    is_bad("{\"timestamp\":1,\"node\":\"a\",\"watts\":\"7\"}",
	    "\"watts\" is not a number: 7") &&
	    is_bad("{\"timestamp\":1,\"node\":\"a\",\"watts\":null}",
	    "\"watts\" is not a number: null") &&
	    is_bad("{\"timestamp\":1,\"node\":\"a\",\"watts\":1000000000.000000001}",
	    "\"watts\" is beyond 1e9 W: 1000000000.000000001") &&
	    is_bad("{\"timestamp\":1,\"node\":\"a\",\"watts\":1,\"joules\":1e13}",
	    "\"joules\" is not a number within 9e12: 1e13"),
	    "what is wrong is told");
	is(is_bad("nonsense", "not a JSON record: expected { at byte 1") &&
	    is_bad("{\"timestamp\":1,}",
	    "not a JSON record: expected a key in quotes at byte 16") &&
	    is_bad("{\"watts\":1,\"watts\":1}",
	    "not a JSON record: the same key twice at byte 13"),
	    "no record, with the place");
	is(read_sample("{\"timestamp\":1,\"node\":\"\",\"watts\":1}") ==
	    SAMPLE_BAD && read_sample("{\"timestamp\":1,\"node\":\"a\\u0000b\","
	    "\"watts\":1}") == SAMPLE_BAD, "no name without bytes or with NUL");
	memset(name + head, 'n', SAMPLE_NODE_MAX);
	strcpy(name + head + SAMPLE_NODE_MAX, "\"}");
	is(read_sample(name) == SAMPLE_POWER, "a name of 255 bytes");
	strcpy(name + head + SAMPLE_NODE_MAX, "n\"}");
	is(read_sample(name) == SAMPLE_BAD, "none of 256");
}

/* What is said of the last of these lines, after those before it. */
static enum sample_kind
read_last(const char *records)
{
	enum sample_kind kind, last = SAMPLE_END;

	sample_forget(&reader);
	kind = read_sample(records);
	for (; kind != SAMPLE_END; kind = sample_next(&reader, &block, &sample))
		last = kind;
	return last;
}

#define XYZ "{\"timestamp\":1,\"node\":\"xyz\",\"watts\":1}\n"

/* Lines like those that were read before, but not in all. */
static void
alike(void)
{
	is(read_last("{\"timestamp\":1.50,\"node\":\"pi1\",\"watts\":-07.5}\n"
	    "{\"timestamp\":1.50,\"node\":\"pi1\",\"watts\":-17.5}\n"
	    "{\"timestamp\":9.25,\"node\":\"pi1\",\"watts\":-20.9}") ==
	    SAMPLE_POWER && sample.timestamp_ns == 9250000000 &&
	    sample.watts_nw == -20900000000, "other digits are another sample");
	is(read_last("{\"timestamp\":1.50,\"node\":\"pi1\",\"watts\":17.5}\n"
	    "{\"timestamp\":1.50,\"node\":\"pi1\",\"watts\":07.5}") ==
	    SAMPLE_BAD, "a leading zero is malformed");
	is(read_last("{\"timestamp\":-0,\"node\":\"pi1\",\"watts\":1}\n"
	    "{\"timestamp\":-5,\"node\":\"pi1\",\"watts\":1}") == SAMPLE_BAD,
	    "a time before 1970, after one with a minus sign");
	is(read_last("{\"timestamp\":1,\"node\":\"pi1\",\"watts\":1000000000}\n"
	    "{\"timestamp\":2,\"node\":\"pi1\",\"watts\":2000000000}") ==
	    SAMPLE_BAD, "watts beyond 1e9, after just as many");
	is(read_last("{\"timestamp\":1,\"node\":\"a\\\"b\",\"watts\":1}\n"
	    XYZ XYZ XYZ XYZ
	    "{\"timestamp\":1,\"node\":\"a\"b\",\"watts\":1}") == SAMPLE_BAD,
	    "a quote in a name, after it stood there escaped");
	is(read_last("{\"timestamp\":1,\"node\":\"a\\\\b\",\"watts\":1}\n"
	    XYZ XYZ XYZ XYZ
	    "{\"timestamp\":1,\"node\":\"a\\b\",\"watts\":1}") ==
	    SAMPLE_POWER && !strcmp(nodes.names[sample.node], "a\b"),
	    "an escape in a name is no name of its letters");
}

/* ---- event */

static struct event event;
static const char *why;

static bool
event_of(const char *record)
{
	why = NULL;
	return event_read(record, strlen(record), &event, &why);
}

static void
events(void)
{
	static const char *const names[] = { "start", "stop", "lost", "gap",
		"disconnect", "reconnect", "reset", "clock", "mark", "span" };
	char record[128];
	bool all = true;

	for (int i = 0; i < 10; i++) {
		sprintf(record, "{\"type\":\"event\",\"event\":\"%s\"}", names[i]);
		all = all && event_of(record) &&
		    event.kind == (enum event_kind)(EVENT_START + i) &&
		    !event.has_timestamp && event.count == -1;
	}
	is(all, "every kind of event");
	is(event_of("{\"type\":\"event\",\"event\":\"party\"}") &&
	    event.kind == EVENT_OTHER && event_of("{\"type\":\"energy\","
	    "\"event\":\"start\"}") && event.kind == EVENT_OTHER,
	    "another event, another type");
	is(event_of("{\"timestamp\":1.5,\"type\":\"event\",\"event\":\"lost\","
	    "\"begin\":\"1970-01-01T00:00:01Z\",\"end\":2,\"count\":3,"
	    "\"node\":\"a\",\"simulated\":true}") && event.has_timestamp &&
	    event.timestamp_ns == 1500000000 && event.has_begin &&
	    event.begin_ns == 1000000000 && event.has_end &&
	    event.end_ns == 2000000000 && event.count == 3 &&
	    json_is(&event.node, "a") && event.simulated, "what an event says");
	is(event_of("{\"type\":\"event\",\"event\":\"mark\",\"label\":\"x\","
	    "\"edge\":\"end\",\"timestamp\":null,\"begin\":null,\"count\":null,"
	    "\"simulated\":false}") && event.edge_is_end &&
	    json_is(&event.label, "x") && !event.has_timestamp &&
	    !event.has_begin && event.count == -1 && !event.simulated,
	    "null is unknown");
	is(!event_of("{\"timestamp\":\"now\",\"type\":\"event\"}") &&
	    !strcmp(why, "\"timestamp\" is not a time") &&
	    !event_of("{\"begin\":-1,\"type\":\"event\"}") &&
	    !strcmp(why, "\"begin\" or \"end\" is not a time") &&
	    !event_of("{\"end\":[],\"type\":\"event\"}") &&
	    !event_of("{\"count\":1.5,\"type\":\"event\"}") &&
	    !strcmp(why, "\"count\" is not a whole number up to 1e12") &&
	    !event_of("{\"count\":-1,\"type\":\"event\"}") &&
	    event_of("{\"count\":1000000000000,\"type\":\"event\"}") &&
	    !event_of("{\"count\":1000000000001,\"type\":\"event\"}") &&
	    !event_of("{\"type\":\"event\""), "what is malformed is told");
}

/* ---- feed */

static char taken[512], path[64];

static void
take(void *state, const struct feed_record *record)
{
	must(state == taken && record->line[record->length] == '\n');
	sprintf(taken + strlen(taken), "%llu%c%zu ",
	    (unsigned long long)record->line_number,
	    record->kind == SAMPLE_POWER ? 's' : 't', record->length);
}

static void
take_line(void *state, const struct feed_line *line)
{
	must(state == taken);
	sprintf(taken + strlen(taken), "%llu:%.*s ",
	    (unsigned long long)line->line_number, (int)line->length,
	    line->text);
}

static void
between(void *state, const char *file, bool cut)
{
	must(state == taken);
	sprintf(taken + strlen(taken), "%s%s ", strcmp(file, path) ? file
	    : "file", cut ? " cut" : "");
}

static bool whole;

static void
feed(void)
{
	char none[] = "/no/such/file", *operands[] = { path, none, path, NULL };

	whole = feed_records(operands, &nodes, take, taken);
}

static void
feed_text(void)
{
	char *operands[] = { path, path, NULL };

	whole = feed_lines(operands, take_line, between, taken);
}

static void
feeding(void)
{
	static const char records[] = "{\"timestamp\":1,\"node\":\"a\",\"watts\":1}"
	    "\n\nbad\n{\"type\":\"x\"}";
	char want[512];
	int fd;

	strcpy(path, "/tmp/epi-unit-XXXXXX");
	fd = mkstemp(path);
	must(fd >= 0 && write(fd, records, sizeof records - 1) > 0);
	close(fd);
	captured(STDERR_FILENO, feed);
	is(!strcmp(taken, "1s36 4t12 1s36 4t12 "),
	    "records of two operands, with their lines");
	snprintf(want, sizeof want, "epi-unit: %s:3: not a JSON record: expected"
	    " { at byte 1\nepi-unit: /no/such/file: No such file or directory\n"
	    "epi-unit: %s:3: not a JSON record: expected { at byte 1\n", path,
	    path);
	is(!strcmp(text, want) && !whole && report_status() == STATUS_FAILED,
	    "what is malformed or missing is told, and the next one goes on");
	taken[0] = '\0';
	feed_text();
	is(whole && !strcmp(taken, "1:{\"timestamp\":1,\"node\":\"a\",\"watts\":1}"
	    " 2: 3:bad 4:{\"type\":\"x\"} file cut 1:{\"timestamp\":1,\"node\":"
	    "\"a\",\"watts\":1} 2: 3:bad 4:{\"type\":\"x\"} file cut "),
	    "lines, their ends, and that the last was cut");
	unlink(path);
}

int
main(void)
{
	report_start("epi-unit");
	composing();
	samples();
	bad_samples();
	alike();
	events();
	feeding();
	for (unsigned i = 0; i < nodes.count; i++)
		free(nodes.names[i]);
	free(nodes.names);
	sample_forget(&reader);
	return unit_finish();
}
