#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-window/seek.h"
#include "event.h"
#include "option.h"
#include "report.h"
#include "stream.h"

enum {
	CHUNK = 64 * 1024, /* bytes looked at first; doubled as needed, */
	CHUNK_MOST = 8 << 20, /* up to this */
	COPY = 1 << 20
};

/* Whole lines of [from, to), at most `to - from` bytes, as a block in memory
 * that is returned, and that the caller frees; NULL: they cannot be read. */
static char *
read_lines(const struct seek *seek, int64_t from, int64_t to,
    struct block *block)
{
	size_t wanted = (size_t)(to - from), got = 0;
	char *room = report_resize(NULL, STREAM_MARGIN + wanted + 1 +
	    STREAM_PADDING, 1);
	char *bytes = room + STREAM_MARGIN;

	while (got < wanted) {
		ssize_t n = pread(seek->fd, bytes + got, wanted - got,
		    (off_t)from + (off_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (got < wanted) {
		free(room);
		return NULL;
	}
	if (got > 0 && bytes[got - 1] != '\n' && to == seek->size)
		bytes[got++] = '\n';
	while (got > 0 && bytes[got - 1] != '\n')
		got--;
	memset(room, 0, STREAM_MARGIN);
	memset(bytes + got, 0, STREAM_PADDING);
	*block = (struct block){ bytes, bytes + got, 1 };
	return room;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * The first sample whose line begins at or after `from`; its offset, the size
 * if there is none.  *ns is its time.
 */
static int64_t
first_sample(const struct seek *seek, int64_t from, int64_t *ns)
{
	struct sample sample;
	struct block block;
	int64_t chunk = 4096, found = -1;

	from = stream_line_at(seek->fd, from);
	while (found < 0 && from >= 0 && from < seek->size) {
		int64_t to = least(from + chunk, seek->size);
		char *memory = read_lines(seek, from, to, &block);
		enum sample_kind kind;
		const char *begin;

		if (!memory)
			break;
		begin = block.at;
		while ((kind = sample_next(seek->reader, &block, &sample)) !=
		    SAMPLE_END && kind != SAMPLE_POWER)
			;
		if (kind == SAMPLE_POWER) {
			found = from + (seek->reader->line - begin);
			*ns = sample.timestamp_ns;
		} else if (block.end > begin) {
			from += block.end - begin;
		}
		chunk *= 2;
		free(memory);
	}
	return found < 0 ? seek->size : found;
}

/* The last sample: of the tail, doubled until it has one. */
static bool
find_last(struct seek *seek)
{
	for (int64_t chunk = 4096;; chunk *= 2) {
		int64_t from = chunk < seek->size ? seek->size - chunk : 0;
		int64_t at = first_sample(seek, from, &seek->last_ns), ns;

		while (at < seek->size) {
			seek->last_at = at;
			at = first_sample(seek, at + 1, &ns);
			if (at < seek->size)
				seek->last_ns = ns;
			else
				return true;
		}
		if (from == 0)
			return false;
	}
}

/* The size without a last line that is cut: somebody is writing it, perhaps. */
static int64_t
whole_lines(const struct seek *seek)
{
	static const char *const key = "type";
	int64_t from = seek->size > CHUNK ? seek->size - CHUNK : 0;
	size_t length = (size_t)(seek->size - from), end = length;
	char *bytes = report_resize(NULL, length + 1, 1);
	int64_t size = seek->size;
	struct json_value value;
	struct json_error error;

	if (pread(seek->fd, bytes, length, (off_t)from) == (ssize_t)length) {
		while (end > 0 && bytes[end - 1] != '\n')
			end--;
		if (end > 0 && end < length && !json_members(bytes + end,
		    length - end, &key, 1, &value, &error))
			size = from + (int64_t)end;
	}
	free(bytes);
	return size;
}

bool
seek_open(struct seek *seek, const char *file, struct sample_nodes *nodes)
{
	struct stat status;

	memset(seek, 0, sizeof *seek);
	seek->nodes = nodes;
	seek->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (seek->fd < 0)
		return false;
	if (fstat(seek->fd, &status) < 0 || !S_ISREG(status.st_mode)) {
		close(seek->fd);
		return false;
	}
	seek->size = status.st_size;
	seek->size = whole_lines(seek);
	seek->reader = report_resize(NULL, 1, sizeof *seek->reader);
	*seek->reader = (struct sample_reader){ .nodes = nodes };
	seek->first_at = first_sample(seek, 0, &seek->first_ns);
	if (seek->first_at == seek->size || !find_last(seek)) {
		seek_close(seek);
		return false;
	}
	return true;
}

void
seek_close(struct seek *seek)
{
	sample_forget(seek->reader);
	free(seek->reader);
	close(seek->fd);
}

/* Between low_at (time before t) and high_at (time t or later) lies the edge;
 * a probe's time must lie between theirs. */
int64_t
seek_time(struct seek *seek, int64_t t)
{
	int64_t low_at = seek->first_at, low_ns = seek->first_ns;
	int64_t high_at = seek->last_at, high_ns = seek->last_ns;

	if (high_ns < low_ns)
		seek->unsorted = true;
	if (t <= low_ns)
		return low_at;
	if (t > high_ns)
		return seek->size;
	for (;;) {
		int64_t middle = low_at + (high_at - low_at) / 2;
		int64_t ns = 0, at = first_sample(seek, middle + 1, &ns);

		if (at >= high_at) { /* what is left is one line or two */
			at = first_sample(seek, low_at + 1, &ns);
			if (at >= high_at)
				return high_at;
		}
		if (ns < low_ns || ns > high_ns) {
			seek->unsorted = true;
			return seek->size;
		}
		if (ns < t) {
			low_at = at;
			low_ns = ns;
		} else {
			high_at = at;
			high_ns = ns;
		}
	}
}

/* What some lines tell. */
struct look {
	bool *have; /* by node, whether it has a sample there */
	unsigned room;
	struct seek_taps taps;
};

/* A node that a start names may have a sample anywhere. */
static void
note_names(const struct seek *seek, const struct json_value *names)
{
	const char *cursor = NULL;
	char name[SAMPLE_NODE_MAX + 1];
	struct json_value value;

	while (names->kind == JSON_ARRAY &&
	    json_element(names, &cursor, &value)) {
		long length = json_string(&value, name, sizeof name);

		if (length > 0)
			sample_node(seek->nodes, name, (size_t)length);
	}
}

static void
note_event(const struct seek *seek, struct look *look)
{
	struct event event;
	const char *why;

	if (!event_read(seek->reader->line, seek->reader->length, &event,
	    &why))
		return;
	if (event.kind == EVENT_START) {
		look->taps.starts++;
		note_names(seek, &event.nodes);
	} else if (event.kind == EVENT_STOP) {
		look->taps.stops++;
	}
}

static void
look_at(const struct seek *seek, int64_t from, int64_t to, struct look *look)
{
	struct sample sample;
	struct block block;
	enum sample_kind kind;
	char *memory = from < to ? read_lines(seek, from, to, &block) : NULL;

	while (memory && (kind = sample_next(seek->reader, &block, &sample)) !=
	    SAMPLE_END) {
		if (kind == SAMPLE_TYPED)
			note_event(seek, look);
		if (kind != SAMPLE_POWER)
			continue;
		while (look->room < seek->nodes->count) {
			look->have = report_resize(look->have, look->room + 1,
			    sizeof *look->have);
			look->have[look->room++] = false;
		}
		if (sample.node < look->room)
			look->have[sample.node] = true;
	}
	free(memory);
}

static bool
have_all(const struct seek *seek, const struct look *look, char *const *only)
{
	for (unsigned i = 0; i < seek->nodes->count; i++)
		if (option_listed(only, seek->nodes->names[i]) &&
		    (i >= look->room || !look->have[i]))
			return false;
	return true;
}

/* Where the first line begins that begins at or after `at`, within [from, to]. */
static int64_t
line_at(const struct seek *seek, int64_t at, int64_t from, int64_t to)
{
	if (at <= from)
		return from;
	at = stream_line_at(seek->fd, at);
	return at < 0 || at > to ? to : at;
}

int64_t
seek_back(const struct seek *seek, int64_t at,
    char *const *only, bool *all)
{
	struct look look = { 0 };
	int64_t from = at;

	*all = false;
	for (int64_t chunk = CHUNK; from > seek->first_at && !*all;
	    chunk = least(chunk * 2, CHUNK_MOST)) {
		int64_t to = from;

		from = line_at(seek, to - chunk, seek->first_at, to);
		if (from == to && chunk == CHUNK_MOST) /* a longer line */
			from = seek->first_at;
		look_at(seek, from, to, &look);
		*all = have_all(seek, &look, only);
	}
	free(look.have);
	return from;
}

int64_t
seek_forward(const struct seek *seek, int64_t at,
    char *const *only, bool *all)
{
	struct look look = { 0 };
	int64_t to = at;

	*all = false;
	for (int64_t chunk = CHUNK; to < seek->size && !*all;
	    chunk = least(chunk * 2, CHUNK_MOST)) {
		int64_t from = to;

		to = line_at(seek, from + chunk, from, seek->size);
		look_at(seek, from, to, &look);
		*all = have_all(seek, &look, only);
	}
	free(look.have);
	return to;
}

void
seek_look(const struct seek *seek, int64_t at, int64_t length)
{
	struct look look = { 0 };
	int64_t from = line_at(seek, at, 0, seek->size);

	look_at(seek, from, line_at(seek, from + length, from, seek->size),
	    &look);
	free(look.have);
}

struct seek_taps
seek_taps(const struct seek *seek, int64_t from, int64_t to)
{
	struct look look = { 0 };

	while (from < to) {
		int64_t next = line_at(seek, from + CHUNK_MOST, from, to);

		look_at(seek, from, next, &look);
		from = next;
	}
	free(look.have);
	return look.taps;
}

/* Where the kernel cannot copy to this kind of output. */
static bool
copy_by_hand(const struct seek *seek, int64_t from, int64_t to)
{
	while (from < to) {
		ssize_t n = pread(seek->fd, stream_room(COPY),
		    (size_t)least(COPY, to - from), (off_t)from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		stream_wrote(stream_room(0) + n);
		stream_flush();
		from += n;
	}
	return true;
}

bool
seek_copy(const struct seek *seek, int64_t from, int64_t to)
{
	off_t at = (off_t)from;

	stream_flush();
	while (at < to) {
		ssize_t n = sendfile(STDOUT_FILENO, seek->fd, &at,
		    (size_t)(to - at));

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0 && (errno == EINVAL || errno == ENOSYS))
			return copy_by_hand(seek, at, to);
		if (n < 0)
			report_fatal("standard output: %s", strerror(errno));
		if (n == 0)
			return false; /* the file became shorter */
	}
	return true;
}
