/* Files large enough to be mapped, whose lines the test knows. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream.h"
#include "unit.h"

enum {
	CHUNK = 2 << 20,
	LONG = 3 * CHUNK / 2,
	ROOM = 12 * CHUNK,
	ROUNDS = 24
};

static char text[ROOM];
static struct stream in;
static struct block block;

/* Lines of random lengths up to `size`, one of them longer than a part of the
 * file that is mapped; where one part ends and the next begins, a newline is near
 * or on it. */
static void
fill_text(size_t size, bool one_long)
{
	size_t from = one_long ? size / 2 + (size_t)(rand() % CHUNK) : size;

	for (size_t at = 0; at < size;) {
		size_t length = rand() % 8 ? (size_t)rand() % 400
		    : rand() % 999 ? (size_t)rand() % 3
		    : (size_t)(rand() % (2 * STREAM_READ));

		if (at >= from) {
			length = LONG;
			from = size;
		}
		if (at + length >= size)
			length = size - at - 1;
		memset(text + at, 'a' + rand() % 26, length);
		text[at + length] = '\n';
		at += length + 1;
	}
	for (size_t edge = CHUNK; edge < size && !one_long; edge += CHUNK)
		text[edge - 8 + (size_t)(rand() % 16)] = '\n';
}

static int
file_of(size_t size)
{
	FILE *file = tmpfile();
	int fd;

	must(file != NULL);
	fd = dup(fileno(file));
	must(fd >= 0 && fwrite(text, 1, size, file) == size &&
	    fclose(file) == 0 && lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

/* Padding and margin may be looked at. */
static int
edges(void)
{
	volatile int sum = 0;

	for (int i = 0; i < STREAM_PADDING; i++)
		sum += block.end[i];
	for (int i = 1; i <= STREAM_MARGIN; i++)
		sum += block.at[-i];
	return sum;
}

/* The lines of the stream are those of text[from, to). */
static bool
reads(size_t from, size_t to)
{
	uint64_t line = 1;
	const char *found;
	size_t length;

	while (stream_next(&in, &block)) {
		if (block.at < block.end)
			edges();
		for (; block.at < block.end; line++) {
			const char *end = memchr(text + from, '\n', to - from);
			size_t want = (size_t)((end ? end : text + to) -
			    (text + from));

			if (block.line != line ||
			    !block_line(&block, &found, &length) ||
			    length != want ||
			    memcmp(found, text + from, length) != 0)
				return false;
			from += length + (end != NULL);
		}
	}
	return from == to && !in.failed;
}

static bool
reads_range(int fd, size_t from, size_t to)
{
	bool all;

	stream_attach(&in, dup(fd), "file");
	must(stream_range(&in, (int64_t)from, (int64_t)to));
	all = reads(from, to);
	stream_close(&in);
	return all;
}

static void
ranges(bool one_long)
{
	bool all = true;

	for (int round = 0; round < ROUNDS && all; round++) {
		size_t size = (size_t)(ROOM - rand() % CHUNK);
		size_t from = (size_t)rand() % (size / 2);
		size_t to = size - (size_t)rand() % (size / 3);
		int fd;

		fill_text(size, one_long);
		fd = file_of(size);
		stream_attach(&in, dup(fd), "file");
		all = reads(0, size);
		stream_close(&in);
		all = all && reads_range(fd, from, to) &&
		    reads_range(fd, CHUNK, (size_t)4 * CHUNK) &&
		    reads_range(fd, CHUNK - 3, (size_t)3 * CHUNK + 5);
		close(fd);
	}
	is(all, "every line of a large file%s, and of parts of it",
	    one_long ? " with a very long one" : "");
}

/* What is appended while the file is read is read, too. */
static void
growing(void)
{
	size_t size = 5 * CHUNK + 100, before = 4 * CHUNK + 7;
	uint64_t lines = 0;
	const char *line;
	size_t length;
	int fd;

	fill_text(size, false);
	fd = file_of(before);
	stream_attach(&in, dup(fd), "file");
	while (stream_next(&in, &block)) {
		must(pwrite(fd, text + before, size - before,
		    (off_t)before) == (ssize_t)(size - before));
		while (block_line(&block, &line, &length))
			lines++;
	}
	stream_close(&in);
	close(fd);
	for (size_t i = 0; i < size; i++)
		lines -= text[i] == '\n';
	is(lines == 0, "and of one that grows");
}

static void
pass_all(void)
{
	const char *line;
	size_t length;

	while (block_line(&block, &line, &length))
		stream_pass(line, length);
}

/* What a child said and wrote, which does `what` with a mapped file; its status. */
static int
child(void (*what)(int fd), int fd, char *said, char *wrote, size_t room)
{
	FILE *errors = tmpfile(), *output = tmpfile();
	int result;
	pid_t pid;

	must(errors && output);
	fflush(stdout);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		dup2(fileno(errors), STDERR_FILENO);
		dup2(fileno(output), STDOUT_FILENO);
		what(fd);
		_exit(stream_finish());
	}
	must(waitpid(pid, &result, 0) == pid);
	rewind(errors);
	rewind(output);
	memset(said, 0, 200);
	must(fread(said, 1, 199, errors) < 199);
	memset(wrote, 0, room);
	must(fread(wrote, 1, room, output) <= room);
	fclose(errors);
	fclose(output);
	return result;
}

static void
pass_file(int fd)
{
	stream_attach(&in, fd, "trace");
	while (stream_next(&in, &block))
		pass_all();
	stream_close(&in);
}

/* A block that is no copy. */
static void
begin(int fd)
{
	stream_attach(&in, fd, "trace");
	do
		must(stream_next(&in, &block));
	while (block.end - block.at <= STREAM_READ);
}

static void
cut_and_look(int fd)
{
	begin(fd);
	must(ftruncate(fd, 0) == 0);
	pass_all();
}

/* What is left is whole, and ends early. */
static void
cut_ahead(int fd)
{
	begin(fd);
	must(ftruncate(fd, (off_t)2 * CHUNK) == 0);
	while (stream_next(&in, &block))
		block.at = block.end;
}

/* Then the kernel looks at them, to write them. */
static void
pass_and_cut(int fd)
{
	begin(fd);
	pass_all();
	must(ftruncate(fd, 0) == 0);
	stream_flush();
}

static void
passing(void)
{
	static char wrote[ROOM];
	size_t size = 6 * CHUNK + 1234;
	char said[200];
	int fd, result;

	fill_text(size, false);
	fd = file_of(size);
	result = child(pass_file, fd, said, wrote, size);
	close(fd);
	is(result == 0 && !*said && memcmp(text, wrote, size) == 0,
	    "its lines are passed on as they are");
}

static void
losses(void)
{
	static const char want[] =
	    "epi: trace: changed while it was read, or its disk failed\n";
	void (*const ways[])(int) = { cut_and_look, cut_ahead,
		pass_and_cut };
	static char wrote[ROOM];
	size_t size = 6 * CHUNK;
	bool all = true;
	char said[200];

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		int fd, result;

		fill_text(size, false);
		fd = file_of(size);
		result = child(ways[i], fd, said, wrote, sizeof wrote);
		close(fd);
		all = all && WIFEXITED(result) && WEXITSTATUS(result) == 1 &&
		    strcmp(said, want) == 0;
	}
	is(all, "a file that is cut short while it is read ends the program");
}

/* By a descriptor for writing alone a file can neither be mapped nor read. */
static void
unmappable(void)
{
	size_t size = 5 * CHUNK + 100;
	char name[64];
	int fd, closed;
	bool told, all;

	must(freopen("/dev/null", "w", stderr) != NULL);
	fill_text(size, false);
	fd = file_of(size);
	snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
	closed = open(name, O_WRONLY);
	if (closed < 0)
		closed = open("/dev/null", O_WRONLY); /* where there is no /proc */
	stream_attach(&in, closed, "file");
	told = !stream_next(&in, &block) && in.failed;
	stream_close(&in);
	stream_attach(&in, fd, "file");
	all = reads(0, size);
	stream_close(&in);
	is(told && all, "one that cannot be mapped is in no other's way");
}

int
main(void)
{
	srand(20261126);
	ranges(false);
	ranges(true);
	growing();
	passing();
	losses();
	unmappable();
	return unit_finish();
}
