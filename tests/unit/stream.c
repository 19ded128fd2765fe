/* Input comes through pipes that the test fills as it likes; a child writes
 * where the reader must wait. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"
#include "stream.h"
#include "unit.h"

static int ends[2];
static struct stream in;
static struct block block;

static void
begin(void)
{
	must(pipe(ends) == 0);
	stream_attach(&in, ends[0], "pipe");
}

static void
put(const char *text, size_t length)
{
	must(write(ends[1], text, length) == (ssize_t)length);
}

static void
finish(void)
{
	stream_close(&in);
	close(ends[1]);
}

/* The next block is these whole lines; its padding is readable. */
static bool
gives(const char *want, uint64_t line)
{
	volatile char sum = 0;
	size_t length = strlen(want);

	if (!stream_next(&in, &block))
		return false;
	for (int i = 0; i < STREAM_PADDING; i++)
		sum = (char)(sum + block.end[i]);
	return (size_t)(block.end - block.at) == length &&
	    memcmp(block.at, want, length) == 0 && block.line == line;
}

/* The next line of the block. */
static bool
line_is(const char *want, size_t length)
{
	const char *text;
	size_t found;

	return block_line(&block, &text, &found) && found == length &&
	    memcmp(text, want, length) == 0;
}

static bool
used_up(void)
{
	const char *text;
	size_t length;

	return !block_line(&block, &text, &length);
}

static void
cuts(void)
{
	begin();
	put("one\ntw", 6);
	is(gives("one\n", 1) && line_is("one", 3) && used_up(),
	    "whole lines are given out");
	put("o", 1);
	is(gives("", 2) && used_up(), "a cut line waits");
	put("\nthree\nfour\nfi", 14);
	is(gives("two\nthree\nfour\n", 2) && line_is("two", 3) &&
	    line_is("three", 5) && line_is("four", 4) && used_up(),
	    "and is given out whole");
	close(ends[1]);
	is(gives("fi\n", 5) && in.cut && line_is("fi", 2),
	    "a last line is given the newline that it lacks");
	is(!stream_next(&in, &block) && !in.failed, "then it ends");
	is(!stream_next(&in, &block) && !in.failed, "and stays ended");
	stream_close(&in);
}

static void
ends_and_empties(void)
{
	begin();
	close(ends[1]);
	is(!stream_next(&in, &block) && !in.cut && !in.failed, "nothing");
	stream_close(&in);
	begin();
	put("\n\r\nx\r\n\r\r\n", 9);
	is(stream_next(&in, &block) && line_is("", 0) && line_is("", 0) &&
	    line_is("x", 1) && line_is("\r", 1) && used_up(),
	    "blank lines, and a CR before the newline");
	close(ends[1]);
	is(!stream_next(&in, &block) && !in.cut, "a newline at the end");
	stream_close(&in);
}

static void
nuls(void)
{
	begin();
	put("a\0b\n\0\nc\n", 8);
	is(stream_next(&in, &block) && line_is("a\0b", 3) &&
	    line_is("\0", 1) && line_is("c", 1), "NUL is a byte as any other");
	finish();
}

/* The rest of the block's lines, of which the first is want[n]. */
static bool
lines_are(const char *const *want, size_t *n)
{
	for (; block.at < block.end; ++*n)
		if (block.line != *n + 1 || !want[*n] ||
		    !line_is(want[*n], strlen(want[*n])))
			return false;
	return true;
}

/* Every cut of a text in two: the same lines, with the same numbers. */
static void
all_cuts(void)
{
	static const char text[] = "alpha\n\nbeta\r\ngamma\n";
	static const char *const want[] = { "alpha", "", "beta", "gamma",
		NULL };
	bool all = true;

	for (size_t cut = 1; cut < sizeof text - 1; cut++) {
		size_t n = 0;

		begin();
		put(text, cut);
		all = all && stream_next(&in, &block) && lines_are(want, &n);
		put(text + cut, sizeof text - 1 - cut);
		all = all && stream_next(&in, &block) && lines_are(want, &n) &&
		    n == 4;
		finish();
	}
	is(all, "wherever the reads cut a text, its lines are the same");
}

/* A child that writes `count` lines of `length` bytes, 4 KiB a time, after
 * some milliseconds. */
static pid_t
writer(size_t count, size_t length, int milliseconds)
{
	struct timespec wait = { 0, milliseconds * 1000000L };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	must(pid >= 0);
	if (pid > 0) {
		close(ends[1]);
		return pid;
	}
	nanosleep(&wait, NULL);
	for (size_t i = 0; i < count; i++) {
		char *line = malloc(length + 1);

		memset(line, 'a' + (int)(i % 26), length);
		line[length] = '\n';
		for (size_t done = 0; done <= length;) {
			size_t part = length + 1 - done;
			ssize_t n = write(ends[1], line + done,
			    part < 4096 ? part : 4096);

			if (n < 0)
				_exit(1);
			done += (size_t)n;
		}
		free(line);
	}
	_exit(0);
}

static bool
reads_all(size_t count, size_t length)
{
	size_t found = 0;
	const char *text;
	size_t n;

	while (stream_next(&in, &block))
		while (block.at < block.end) {
			if (block.line != found + 1 ||
			    !block_line(&block, &text, &n) || n != length ||
			    text[0] != 'a' + (char)(found % 26) ||
			    text[n / 2] != text[0] || text[n - 1] != text[0])
				return false;
			found++;
		}
	return found == count && !in.failed;
}

static void
lengths(void)
{
	static const size_t counts[][2] = {
		{ 1, 10000000 }, { 7, STREAM_READ - 1 }, { 7, STREAM_READ },
		{ 7, STREAM_READ + 1 }, { 5, 2 * STREAM_READ }, { 100000, 9 },
		{ 3000, 1021 }
	};

	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		pid_t pid;

		begin();
		pid = writer(counts[i][0], counts[i][1], 0);
		is(reads_all(counts[i][0], counts[i][1]),
		    "%zu lines of %zu bytes", counts[i][0], counts[i][1]);
		stream_close(&in);
		waitpid(pid, NULL, 0);
	}
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void
interruptions(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct timespec wait = { 0, 20000000 };
	pid_t parent = getpid(), pid, knocker;

	begin();
	sigemptyset(&action.sa_mask);
	must(sigaction(SIGUSR1, &action, NULL) == 0);
	fflush(stdout);
	knocker = fork();
	must(knocker >= 0);
	if (knocker == 0) {
		for (int i = 0; i < 3; i++) {
			nanosleep(&wait, NULL);
			kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	pid = writer(1, 5, 150);
	is(gives("aaaaa\n", 1) && alarms > 0,
	    "a signal that interrupts the read is no end");
	stream_close(&in);
	waitpid(pid, NULL, 0);
	waitpid(knocker, NULL, 0);
	begin();
	must(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	pid = writer(2, 5, 50);
	is(gives("aaaaa\nbbbbb\n", 1) || (block.end - block.at == 6 &&
	    gives("bbbbb\n", 1)), "a descriptor that does not block is waited for");
	stream_close(&in);
	waitpid(pid, NULL, 0);
}

static char seen[64];

static void
see(const char *bytes, size_t length)
{
	strncat(seen, bytes, length);
}

static void
opening(void)
{
	begin();
	stream_watch(see);
	put("ab\nc", 4);
	is(gives("ab\n", 1) && !strcmp(seen, "ab\nc"),
	    "a watcher sees every byte");
	stream_watch(NULL);
	finish();
	must(freopen("/dev/null", "w", stderr) != NULL);
	is(!stream_open(&in, "no/such/file") && !stream_open(&in, ".") &&
	    report_status() == STATUS_FAILED, "what cannot be opened is told");
	stream_attach(&in, open("/dev/null", O_WRONLY), "sink");
	is(!stream_next(&in, &block) && in.failed, "nor read");
	stream_close(&in);
}

/* A child; what it writes to standard output is to be read from ends[0]. */
static pid_t
child(void)
{
	pid_t pid;

	must(pipe(ends) == 0);
	fflush(stdout);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
	}
	close(ends[1]);
	return pid;
}

/* What the child writes through the stream's output, in two buffers. */
static bool
comes_out(size_t count, int flags)
{
	char buffer[4096];
	size_t total = 0;
	bool all = true;
	ssize_t n;
	pid_t pid = child();

	if (pid == 0) {
		fcntl(STDOUT_FILENO, F_SETFL, flags);
		for (size_t i = 0; i < count; i++)
			if (i % 2)
				stream_copy("012345678\n", 10);
			else
				stream_line("012345678", 9);
		_exit(stream_finish());
	}
	while ((n = read(ends[0], buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < n; i++, total++)
			all = all && buffer[i] == "012345678\n"[total % 10];
	close(ends[0]);
	waitpid(pid, &flags, 0);
	return all && total == 10 * count && flags == 0;
}

enum { PASSED = 3000 }; /* lines, more than one read's */

static char passed_text[PASSED * 400];

/* Lines of random lengths, some that end with a CR, the last with nothing. */
static int
lines_to_pass(void)
{
	FILE *file = tmpfile();
	char *at = passed_text;

	must(file != NULL);
	for (int i = 0; i < PASSED; i++) {
		int length = rand() % 390;

		memset(at, 'a' + i % 26, (size_t)length);
		at += length;
		if (rand() % 16 == 0)
			*at++ = '\r';
		*at++ = '\n';
	}
	must(fwrite(passed_text, 1, (size_t)(at - 1 - passed_text), file) ==
	    (size_t)(at - 1 - passed_text));
	must(fflush(file) == 0 && lseek(fileno(file), 0, SEEK_SET) == 0);
	return fileno(file);
}

/* A filter that passes most lines, drops some, and adds some. */
static void
pass_lines(int fd, unsigned seed)
{
	const char *text;
	size_t length;

	srand(seed);
	stream_attach(&in, fd, "file");
	while (stream_next(&in, &block))
		while (block_line(&block, &text, &length)) {
			int what = rand() % 64;

			if (what == 0)
				stream_copy("added\n", 6);
			if (what == 1)
				stream_line(text, length);
			else if (what != 2)
				stream_pass(text, length);
		}
	stream_close(&in);
	_exit(stream_finish());
}

/* What it should write: the length. */
static size_t
passed_lines(char *out, unsigned seed)
{
	const char *at = passed_text;
	char *begin = out;

	srand(seed);
	for (int i = 0; i < PASSED; i++) {
		size_t length = strcspn(at, "\r\n");
		int what = rand() % 64;

		if (what == 0)
			out += sprintf(out, "added\n");
		if (what != 2) {
			memcpy(out, at, length);
			out[length] = '\n';
			out += length + 1;
		}
		at += length + strspn(at + length, "\r") + 1;
	}
	return (size_t)(out - begin);
}

static void
passing(void)
{
	static char want[2 * sizeof passed_text], got[2 * sizeof passed_text];
	int fd = lines_to_pass(), result;
	size_t length = 0;
	ssize_t n;
	pid_t pid = child();

	if (pid == 0)
		pass_lines(fd, 7);
	while ((n = read(ends[0], got + length, sizeof got - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	waitpid(pid, &result, 0);
	is(result == 0 && length == passed_lines(want, 7) &&
	    memcmp(want, got, length) == 0,
	    "lines are passed on in their places, among others");
}

/* What is passed on is written, though its block is gone. */
static void
passing_and_closing(void)
{
	char got[16] = "";
	const char *text;
	size_t length;
	pid_t pid = child();

	if (pid == 0) {
		begin();
		put("one\ntwo\n", 8);
		must(stream_next(&in, &block));
		while (block_line(&block, &text, &length))
			stream_pass(text, length);
		stream_close(&in);
		stream_line("three", 5);
		_exit(stream_finish());
	}
	waitpid(pid, NULL, 0);
	is(read(ends[0], got, sizeof got) == 14 &&
	    memcmp(got, "one\ntwo\nthree\n", 14) == 0,
	    "and are not lost with their block");
	close(ends[0]);
}

static void
output(void)
{
	passing();
	passing_and_closing();
	is(comes_out(0, 0), "nothing written");
	is(comes_out(1, 0) && comes_out(100000, 0), "records, all of them");
	is(comes_out(100000, O_NONBLOCK),
	    "an output that does not block is waited for");
}

int
main(void)
{
	cuts();
	ends_and_empties();
	nuls();
	all_cuts();
	lengths();
	interruptions();
	output();
	opening();
	return unit_finish();
}
