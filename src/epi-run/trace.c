#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-run/run.h"
#include "event.h"
#include "report.h"
#include "sample.h"
#include "stream.h"

enum {
	TAIL = 64 * 1024,
	LINE_MOST = 1 << 20 /* no sample or event is as long */
};

static struct sample_nodes nodes;
static struct sample_reader reader = { .nodes = &nodes };

static struct node {
	bool announced;
	uint64_t samples;
	int64_t last_ns, interval_ns;
} *seen;
static unsigned seen_count;
static uint64_t samples;

static const char *file;
static int fd = -1;
static char *memory, *buffer; /* the buffer is in it, STREAM_MARGIN bytes on */
static size_t room, filled;

/* What a trace before this one said. */
static void
forget(void)
{
	if (fd >= 0)
		close(fd);
	sample_forget(&reader);
	for (unsigned i = 0; i < nodes.count; i++)
		free(nodes.names[i]);
	nodes.count = seen_count = 0;
	filled = 0;
}

void
trace_open(const char *name, bool from_end)
{
	struct stat status;

	forget();
	file = name;
	fd = run_open(name, O_RDONLY);
	if (fstat(fd, &status) < 0)
		report_fatal("%s: %s", name, strerror(errno));
	if (!S_ISREG(status.st_mode))
		report_fatal("%s: not a regular file", name);
	if (from_end && lseek(fd, 0, SEEK_END) < 0)
		report_fatal("%s: %s", name, strerror(errno));
}

void
trace_skip(void)
{
	struct stat status;

	if (fstat(fd, &status) < 0 ||
	    status.st_size - lseek(fd, 0, SEEK_CUR) <= TAIL)
		return;
	if (lseek(fd, status.st_size - TAIL, SEEK_SET) < 0)
		report_fatal("%s: %s", file, strerror(errno));
	filled = 0;
}

static struct node *
node_at(unsigned i)
{
	if (i >= seen_count) {
		seen = report_resize(seen, i + 1, sizeof *seen);
		memset(seen + seen_count, 0,
		    (i + 1 - seen_count) * sizeof *seen);
		seen_count = i + 1;
	}
	return &seen[i];
}

static void
announce(const struct json_value *list)
{
	struct json_value value;
	const char *cursor = NULL;
	char name[SAMPLE_NODE_MAX + 1];
	long length;

	while (list->kind == JSON_ARRAY &&
	    json_element(list, &cursor, &value)) {
		length = json_string(&value, name, sizeof name);
		if (length > 0)
			node_at(sample_node(&nodes, name,
			    (size_t)length))->announced = true;
	}
}

/* What is malformed here is epi-window's to tell. */
static void
take(struct block *block)
{
	struct sample sample;
	enum sample_kind kind;
	struct event event;
	const char *why;

	while ((kind = sample_next(&reader, block, &sample)) != SAMPLE_END) {
		if (kind == SAMPLE_POWER) {
			struct node *node = node_at(sample.node);

			samples++;
			node->samples++;
			node->interval_ns = sample.timestamp_ns - node->last_ns;
			node->last_ns = sample.timestamp_ns;
		} else if (kind == SAMPLE_TYPED &&
		    event_read(reader.line, reader.length, &event, &why) &&
		    event.kind == EVENT_START) {
			announce(&event.nodes);
		}
	}
}

/* The whole lines of the buffer; a cut one stays. */
static void
take_lines(void)
{
	struct block block = { .at = buffer, .line = 1 };
	size_t end = filled;

	while (end > 0 && buffer[end - 1] != '\n')
		end--;
	block.end = buffer + end;
	take(&block);
	memmove(buffer, buffer + end, filled - end);
	filled -= end;
	if (filled > LINE_MOST)
		filled = 0;
}

void
trace_read(void)
{
	ssize_t n;

	for (;;) {
		if (room - filled < STREAM_READ) {
			room = room ? 2 * room : 2 * STREAM_READ;
			memory = report_resize(memory, STREAM_MARGIN + room +
			    STREAM_PADDING, 1);
			memset(memory, 0, STREAM_MARGIN);
			buffer = memory + STREAM_MARGIN;
			memset(buffer + filled, 0,
			    room + STREAM_PADDING - filled);
		}
		n = read(fd, buffer + filled, STREAM_READ);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			report_fatal("%s: %s", file, strerror(errno));
		if (n == 0)
			return;
		filled += (size_t)n;
		take_lines();
	}
}

bool
trace_ready(void)
{
	bool twice = false;

	for (unsigned i = 0; i < seen_count; i++)
		twice |= seen[i].samples > 1;
	return twice && !trace_missing();
}

const char *
trace_missing(void)
{
	for (unsigned i = 0; i < seen_count; i++)
		if (seen[i].announced && !seen[i].samples)
			return nodes.names[i];
	return NULL;
}

int64_t
trace_lag(int64_t ns, int64_t *interval_ns)
{
	const struct node *latest = &seen[0];

	for (unsigned i = 1; i < seen_count; i++)
		if (seen[i].last_ns > latest->last_ns)
			latest = &seen[i];
	*interval_ns = latest->interval_ns;
	return ns - latest->last_ns;
}

bool
trace_covers(int64_t ns)
{
	for (unsigned i = 0; i < seen_count; i++)
		if (seen[i].last_ns < ns)
			return false;
	return seen_count > 0;
}

uint64_t
trace_samples(void)
{
	return samples;
}
