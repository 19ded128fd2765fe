#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "stream-map.h"
#include "stream.h"

enum {
	OUTPUT_ROOM = 256 * 1024,
	OUTPUT_FULL = 128 * 1024, /* flush a buffer that holds this much */
	GRACE_SECONDS = 2         /* to read on after the first signal */
};

static const char *output_name = "standard output";
static size_t output_full = OUTPUT_FULL;
struct stream_output stream_out;
static size_t output_room;

/* Lines of a block that go out as they are, while the buffer is empty. */
static struct { const char *at, *end; } lent;

static void (*watcher)(const char *bytes, size_t length);

static volatile sig_atomic_t signalled, expired;
static bool left_alone;

bool
stream_open(struct stream *in, const char *operand)
{
	struct stat status;
	int fd;

	if (!operand || strcmp(operand, "-") == 0) {
		stream_attach(in, STDIN_FILENO, "standard input");
		fd = STDIN_FILENO;
	} else {
		fd = open(operand, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0) {
			report_error("%s: %s", operand, strerror(errno));
			return false;
		}
		stream_attach(in, fd, operand);
	}
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
		report_error("%s: is a directory", in->name);
		stream_close(in);
		return false;
	}
	return true;
}

void
stream_attach(struct stream *in, int fd, const char *name)
{
	memset(in, 0, sizeof *in);
	in->fd = fd;
	in->name = name;
	in->line = 1;
	in->left = -1;
}

/* Room for one more read behind the cut line, which moves to the front. */
static void
make_room(struct stream *in)
{
	size_t kept = in->filled - in->start;

	if (in->start > STREAM_MARGIN && kept > 0)
		memmove(in->buffer + STREAM_MARGIN, in->buffer + in->start,
		    kept);
	in->start = STREAM_MARGIN;
	in->filled = STREAM_MARGIN + kept;
	if (in->room - kept >= STREAM_READ)
		return;
	in->room = in->room ? in->room * 2 : STREAM_READ;
	if (in->room - kept < STREAM_READ)
		in->room = kept + STREAM_READ;
	in->buffer = report_resize(in->buffer,
	    STREAM_MARGIN + in->room + STREAM_PADDING, 1);
	memset(in->buffer, 0, STREAM_MARGIN);
	memset(in->buffer + in->filled, 0,
	    in->room - kept + STREAM_PADDING);
}

/* Somebody else may have made the descriptor non-blocking. */
static void
wait_for(int fd, short events)
{
	struct pollfd wait = { .fd = fd, .events = events };

	poll(&wait, 1, -1);
	errno = EAGAIN;
}

/* Bytes read into the buffer; 0 at the end, also after a failure. */
static size_t
fill(struct stream *in)
{
	size_t most = STREAM_READ, copied;
	ssize_t n;

	if (in->mapped && !expired && (copied = map_copy(in)) > 0)
		return copied;
	if (in->left >= 0 && (uint64_t)in->left < most)
		most = (size_t)in->left;
	do {
		in->failed = expired;
		if (expired)
			return 0;
		n = read(in->fd, in->buffer + in->filled, most);
		if (n < 0 && errno == EAGAIN)
			wait_for(in->fd, POLLIN);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n < 0) {
		report_error("%s: %s", in->name, strerror(errno));
		in->failed = true;
		return 0;
	}
	if (n == 0)
		map_look_back(in);
	if (in->left >= 0)
		in->left -= n;
	if (watcher && n > 0)
		watcher(in->buffer + in->filled, (size_t)n);
	return (size_t)n;
}

void
stream_watch(void (*see)(const char *bytes, size_t length))
{
	watcher = see;
}

const char *
stream_last_newline(const char *from, const char *to)
{
	while (to > from)
		if (*--to == '\n')
			return to;
	return NULL;
}

static void
skip_line(struct stream *in)
{
	if (!in->skipping)
		report_malformed(in->name, in->line, "line over %d MiB",
		    STREAM_LINE_MAX >> 20);
	in->skipping = true;
	in->start = in->filled;
}

/* The last line, given the newline that it lacks. */
static bool
finish_input(struct stream *in, struct block *block)
{
	in->ended = true;
	in->cut = in->filled > in->start && !in->skipping;
	if (!in->cut)
		return false;
	in->buffer[in->filled] = '\n'; /* the padding has room for it */
	block->at = in->buffer + in->start;
	block->end = in->buffer + in->filled + 1;
	block->line = in->line;
	in->start = in->filled;
	return true;
}

/* The rest of a line that is being skipped ends at the first newline. */
static void
leave_skipped(struct stream *in)
{
	char *newline = memchr(in->buffer + in->start, '\n',
	    in->filled - in->start);

	if (!newline) {
		in->start = in->filled;
		return;
	}
	in->start = (size_t)(newline + 1 - in->buffer);
	in->line++;
	in->skipping = false;
}

bool
stream_next(struct stream *in, struct block *block)
{
	const char *newline;
	size_t n, before;

	if (in->ended)
		return false;
	if (in->handed)
		in->line = block->line;
	else if (!watcher)
		map_begin(in);
	in->handed = true;
	stream_flush();
	if (map_lend(in, block))
		return true;
	make_room(in);
	n = fill(in);
	if (n == 0)
		return finish_input(in, block);
	before = in->filled;
	in->filled += n;
	if (in->skipping) {
		leave_skipped(in);
		before = in->start;
	}
	newline = stream_last_newline(in->buffer + before, in->buffer + in->filled);
	block->at = block->end = in->buffer + in->start;
	block->line = in->line;
	if (newline) {
		block->end = newline + 1;
		in->start = (size_t)(newline + 1 - in->buffer);
	} else if (in->filled - in->start > STREAM_LINE_MAX) {
		skip_line(in);
	}
	return true;
}

int64_t
stream_line_at(int fd, int64_t offset)
{
	char bytes[4096];
	int64_t at = offset - 1;

	if (offset <= 0)
		return 0;
	for (;;) {
		ssize_t n = pread(fd, bytes, sizeof bytes, (off_t)at);
		const char *newline;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : at;
		newline = memchr(bytes, '\n', (size_t)n);
		if (newline)
			return at + (newline - bytes) + 1;
		at += n;
	}
}

bool
stream_range(struct stream *in, int64_t from, int64_t to)
{
	if (lseek(in->fd, (off_t)from, SEEK_SET) < 0) {
		report_error("%s: %s", in->name, strerror(errno));
		return false;
	}
	in->left = to > from ? to - from : 0;
	return true;
}

void
stream_close(struct stream *in)
{
	if (in->fd >= 0 && close(in->fd) < 0 && errno != EINTR)
		report_error("%s: %s", in->name, strerror(errno));
	if (lent.at)
		stream_more_room(0);
	map_end(in);
	free(in->buffer);
	in->buffer = NULL;
	in->fd = -1;
}

bool
block_line(struct block *block, const char **text, size_t *length)
{
	const char *newline;

	if (block->at >= block->end)
		return false;
	newline = memchr(block->at, '\n', (size_t)(block->end - block->at));
	if (!newline)
		map_lost();
	*text = block->at;
	*length = (size_t)(newline - block->at);
	if (*length && newline[-1] == '\r')
		--*length;
	block->at = newline + 1;
	block->line++;
	return true;
}

/* alarm(2) may go off between the look at `expired` and read(2), so it is set
 * again until the program ends. */
static void
on_alarm(int number)
{
	(void)number;
	expired = 1;
	alarm(1);
}

static void
on_signal(int number)
{
	(void)number;
	signalled = 1;
	alarm(GRACE_SECONDS);
}

static void
catch(int number, void (*handler)(int), int flags)
{
	struct sigaction action = { 0 }, old;

	if (sigaction(number, NULL, &old) == 0 && old.sa_handler == SIG_IGN)
		return;
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

void
stream_leave_signals(void)
{
	left_alone = true;
}

void
stream_signals(void)
{
	if (left_alone)
		return;
	catch(SIGINT, on_signal, SA_RESTART | (int)SA_RESETHAND);
	catch(SIGTERM, on_signal, SA_RESTART | (int)SA_RESETHAND);
	catch(SIGHUP, on_signal, SA_RESTART | (int)SA_RESETHAND);
	catch(SIGALRM, on_alarm, 0);
}

static int wake[2];

static void
on_wake(int number)
{
	int saved = errno;
	ssize_t n = write(wake[1], "", 1);

	(void)number;
	(void)n; /* a full pipe wakes too */
	errno = saved;
}

int
stream_wake(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };

	if (pipe(wake) < 0)
		report_fatal("no pipe: %s", strerror(errno));
	for (int end = 0; end < 2; end++) {
		fcntl(wake[end], F_SETFL, O_NONBLOCK);
		fcntl(wake[end], F_SETFD, FD_CLOEXEC);
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		catch(numbers[i], on_wake, (int)SA_RESETHAND);
	return wake[0];
}

bool
stream_interrupted(void)
{
	return signalled && expired;
}

static void
grow_output(size_t filled, size_t length)
{
	if (output_room == 0)
		output_room = OUTPUT_ROOM;
	while (output_room - filled < length)
		output_room *= 2;
	stream_out.begin = report_resize(stream_out.begin, output_room, 1);
	stream_out.at = stream_out.begin + filled;
}

/* What is lent is taken back: from now on it is the buffer's. */
char *
stream_more_room(size_t length)
{
	size_t filled = (size_t)(stream_out.at - stream_out.begin);
	size_t back = (size_t)(lent.end - lent.at);

	if (output_room - filled < back + length)
		grow_output(filled, back + length);
	stream_out.end = stream_out.begin + output_room;
	if (back > 0)
		memcpy(stream_out.at, lent.at, back);
	stream_out.at += back;
	lent.at = lent.end = NULL;
	return stream_out.at;
}

void
stream_record(void)
{
	if ((size_t)(stream_out.at - stream_out.begin) >= output_full)
		stream_flush();
}

void
stream_hold(size_t bytes)
{
	output_full = bytes;
}

void
stream_copy(const char *bytes, size_t length)
{
	char *at = stream_room(length);

	memcpy(at, bytes, length);
	stream_wrote(at + length);
	stream_record();
}

void
stream_line(const char *text, size_t length)
{
	char *at = stream_room(length + 1);

	memcpy(at, text, length);
	at[length] = '\n';
	stream_wrote(at + length + 1);
	stream_record();
}

void
stream_pass(const char *text, size_t length)
{
	bool first = !lent.at && stream_out.at == stream_out.begin;

	if (text[length] != '\n' || (!first && text != lent.end)) {
		stream_line(text, length);
		return;
	}
	if (first) {
		lent.at = text;
		stream_out.end = stream_out.at;
	}
	lent.end = text + length + 1;
}

/* All of it is out, or given up. */
static void
forget_output(void)
{
	lent.at = lent.end = NULL;
	stream_out.at = stream_out.begin;
	if (stream_out.begin)
		stream_out.end = stream_out.begin + output_room;
}

void
stream_flush(void)
{
	const char *at = lent.at ? lent.at : stream_out.begin;
	const char *end = lent.at ? lent.end : stream_out.at;

	while (at < end) {
		ssize_t n = write(STDOUT_FILENO, at, (size_t)(end - at));

		if (n < 0 && errno == EAGAIN)
			wait_for(STDOUT_FILENO, POLLOUT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			if (errno == EFAULT)
				map_lost();
			forget_output(); /* nor is it tried again at the end */
			report_fatal("%s: %s", output_name, strerror(errno));
		}
		at += n;
	}
	forget_output();
}

void
stream_output(int fd, const char *name)
{
	stream_flush();
	if (dup2(fd, STDOUT_FILENO) < 0)
		report_fatal("%s: %s", name, strerror(errno));
	output_name = name;
}

int
stream_finish(void)
{
	stream_flush();
	if (close(STDOUT_FILENO) < 0)
		report_error("%s: %s", output_name, strerror(errno));
	if (stream_interrupted())
		report_error("interrupted before the end of input");
	return report_status();
}
