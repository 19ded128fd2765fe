#define _XOPEN_SOURCE 700 /* pseudo-terminals */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "clock.h"
#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum {
	READ = 64 * 1024,
	/* What a pipe that poll(2) calls writable takes without a wait. */
	WRITE = 4096,
	LINE_MOST = 64 << 20 /* a longer one is cut, in the log alone */
};

/* What is still on its way through a pseudo-terminal comes within this. */
static const int64_t terminal_ns = 100000000;
/* Who still writes after the command's end is not it. */
static const int64_t others_ns = CLOCK_SECOND;

struct flow {
	int from, to;      /* -1: closed */
	int end;           /* the command's, until it has it */
	bool terminal;
	const char *name;
	char *buffer;      /* read, and to be written from `at` on */
	size_t at, filled;
	char *line;        /* the log's, as far as it came */
	size_t length, room;
};

static struct flow flows[PASS_POLLS] = {
	{ -1, -1, -1, .name = "standard output" },
	{ -1, STDERR_FILENO, -1, .name = "standard error" }
};
static bool joined;  /* both go one way: so they stay in order */
static FILE *log_file;
static const char *log_name;
static int log_error; /* errno of its first failure, or 0 */

/* Both lead to the same file, pipe or terminal. */
static bool
same(void)
{
	struct stat a, b;

	return fstat(flows[0].to, &a) == 0 &&
	    fstat(STDERR_FILENO, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

/* As the terminal behind it is, but bytes pass as they are: that one does with
 * them what it does. */
static bool
like(int slave, int outer)
{
	struct termios mode;
	struct winsize size;

	if (tcgetattr(outer, &mode) < 0 && tcgetattr(slave, &mode) < 0)
		return false;
	mode.c_oflag &= ~(tcflag_t)OPOST;
	mode.c_lflag &= ~(tcflag_t)ECHO;
	if (ioctl(outer, TIOCGWINSZ, &size) == 0)
		ioctl(slave, TIOCSWINSZ, &size);
	return tcsetattr(slave, TCSANOW, &mode) == 0;
}

static void
open_terminal(struct flow *flow)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	const char *name = NULL;

	if (fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0)
		name = ptsname(fd);
	if (!name)
		report_fatal("no pseudo-terminal: %s", strerror(errno));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	flow->from = fd;
	flow->end = run_open(name, O_RDWR | O_NOCTTY);
	flow->terminal = true;
	if (!like(flow->end, flow->to))
		report_fatal("%s: %s", name, strerror(errno));
}

static void
close_flow(struct flow *flow)
{
	if (flow->from >= 0)
		close(flow->from);
	flow->from = -1;
}

/* Ours of the command's end. */
static void
close_end(struct flow *flow)
{
	if (flow->end >= 0)
		close(flow->end);
	flow->end = -1;
}

static void
open_flow(struct flow *flow, int terminal)
{
	int ends[2];

	close_flow(flow);
	close_end(flow);
	flow->buffer = report_resize(flow->buffer, READ, 1);
	flow->at = flow->filled = flow->length = 0;
	flow->terminal = false;
	if (terminal == TERMINAL_ALWAYS ||
	    (terminal == TERMINAL_AUTO && isatty(flow->to))) {
		open_terminal(flow);
		return;
	}
	run_pipe(ends);
	flow->from = ends[0];
	flow->end = ends[1];
}

void
pass_start(void)
{
	flows[0].to = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC,
	    STDERR_FILENO + 1);
	if (flows[0].to < 0)
		report_fatal("standard output: %s", strerror(errno));
	joined = same();
}

void
pass_open(int terminal, const char *log)
{
	for (int i = 0; i < (joined ? 1 : PASS_POLLS); i++)
		open_flow(&flows[i], terminal);
	if (log_file)
		fclose(log_file); /* of a command that was not started */
	log_file = NULL;
	if (!log)
		return;
	log_name = log;
	log_error = 0;
	log_file = fdopen(run_open(log, O_WRONLY | O_CREAT | O_TRUNC), "w");
	if (!log_file)
		report_fatal("%s: %s", log, strerror(errno));
}

int
pass_end(int fd)
{
	return flows[fd == STDERR_FILENO && !joined].end;
}

void
pass_started(void)
{
	for (int i = 0; i < PASS_POLLS; i++)
		close_end(&flows[i]);
}

void
pass_resize(void)
{
	struct winsize size;

	for (int i = 0; i < PASS_POLLS; i++)
		if (flows[i].terminal && flows[i].from >= 0 &&
		    ioctl(flows[i].to, TIOCGWINSZ, &size) == 0)
			ioctl(flows[i].from, TIOCSWINSZ, &size);
}

void
pass_poll(struct pollfd polls[PASS_POLLS])
{
	for (int i = 0; i < PASS_POLLS; i++) {
		const struct flow *flow = &flows[i];
		bool full = flow->at < flow->filled;

		polls[i] = (struct pollfd){
			.fd = full ? flow->to : flow->end < 0 ? flow->from : -1,
			.events = full ? POLLOUT : POLLIN
		};
	}
}

/* A line ended: it came when its last byte came, which is before the command's
 * end, whenever it is read. */
static void
log_line(struct flow *flow, int64_t arrival_ns)
{
	char stamp[WRITE_DECIMAL + 1], *at;

	if (run.end_ns && arrival_ns > run.end_ns)
		arrival_ns = run.end_ns;
	at = write_decimal(stamp, arrival_ns, 9, 6);
	*at++ = ' ';
	fwrite(stamp, 1, (size_t)(at - stamp), log_file);
	fwrite(flow->line, 1, flow->length, log_file);
	if (putc('\n', log_file) == EOF || ferror(log_file))
		log_error = log_error ? log_error : errno;
	flow->length = 0;
}

static void
log_bytes(struct flow *flow, const char *bytes, size_t length,
    int64_t arrival_ns)
{
	const char *end = bytes + length;

	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t part = (size_t)((newline ? newline : end) - bytes);

		if (flow->room - flow->length < part) {
			flow->room = 2 * (flow->length + part);
			flow->line = report_resize(flow->line, flow->room, 1);
		}
		memcpy(flow->line + flow->length, bytes, part);
		flow->length += part;
		if (newline || flow->length >= LINE_MOST)
			log_line(flow, arrival_ns);
		bytes += part + (newline != NULL);
	}
}

/* The last slave of a pseudo-terminal that closes makes reading an error. */
static void
read_flow(struct flow *flow)
{
	ssize_t n = read(flow->from, flow->buffer, READ);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0 && !(flow->terminal && errno == EIO))
		report_error("%s of the command: %s", flow->name,
		    strerror(errno));
	if (n <= 0) {
		close_flow(flow);
		return;
	}
	flow->at = 0;
	flow->filled = (size_t)n;
	if (log_file)
		log_bytes(flow, flow->buffer, (size_t)n, time_now());
	if (flow->to < 0)
		flow->filled = 0;
}

/* Without a reader the command sees what it would see without us: its own pipe
 * closed.  A full disk is told, and the measurement goes on. */
static void
write_flow(struct flow *flow)
{
	size_t left = flow->filled - flow->at;
	ssize_t n = write(flow->to, flow->buffer + flow->at,
	    left < WRITE ? left : WRITE);

	if (n >= 0) {
		flow->at += (size_t)n;
		return;
	}
	if (errno == EINTR || errno == EAGAIN)
		return;
	if (errno == EPIPE)
		close_flow(flow);
	else
		report_error("%s: %s", flow->name, strerror(errno));
	flow->to = -1;
	flow->at = flow->filled = 0;
}

void
pass_turn(const struct pollfd polls[PASS_POLLS])
{
	for (int i = 0; i < PASS_POLLS; i++) {
		struct flow *flow = &flows[i];

		if (!polls[i].revents)
			continue;
		if (flow->at < flow->filled)
			write_flow(flow);
		else
			read_flow(flow);
	}
}

static bool
pending(void)
{
	bool any = false;

	for (int i = 0; i < PASS_POLLS; i++)
		any |= flows[i].at < flows[i].filled;
	return any;
}

static bool
reading(void)
{
	return flows[0].from >= 0 || flows[1].from >= 0;
}

static void
close_log(void)
{
	for (int i = 0; i < PASS_POLLS; i++)
		if (flows[i].length > 0)
			log_line(&flows[i], time_now());
	if (fclose(log_file) == EOF && !log_error)
		log_error = errno;
	if (log_error)
		report_error("%s: %s", log_name, strerror(log_error));
	log_file = NULL;
}

void
pass_finish(void)
{
	int64_t last_ns = clock_steady() + others_ns;

	while (pending() || reading()) {
		int64_t now_ns = clock_steady();
		bool terminal = flows[0].terminal || flows[1].terminal;

		if (now_ns > last_ns)
			for (int i = 0; i < PASS_POLLS; i++)
				close_flow(&flows[i]);
		if (!turn(pending() ? TURN_LONG
		    : now_ns + (terminal ? terminal_ns : 0)))
			for (int i = 0; i < PASS_POLLS; i++)
				close_flow(&flows[i]);
	}
	if (log_file)
		close_log();
}
