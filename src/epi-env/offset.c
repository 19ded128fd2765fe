/*
 * offset: the far end reads a number and answers with it and its time t.  Sent
 * at t0 and back after the delay d, the far clock was at t somewhere between
 * t0 and t0 + d here: it is ahead by t - t0 - d/2, within d/2, however the
 * delay is shared between the two ways.  The quickest round is the best.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "compose.h"
#include "epi-env/env.h"
#include "report.h"
#include "stream.h"
#include "write.h"

extern char **environ;

enum { LIMIT_SECONDS = 20, LINE = 64, WORDS = 64 };

/* Both ways to the far end, and what came from there. */
struct line {
	int to, from;
	pid_t pid;
	char text[LINE];
	void (*pipes)(int); /* what SIGPIPE did before */
	size_t length;
};

struct round {
	int64_t offset_ns, delay_ns;
};

/* ---- the far end */

static void
answer(const char *text, size_t length)
{
	int64_t now_ns = clock_now();
	char *at;

	if (length > WRITE_INTEGER)
		return;
	at = stream_room(WRITE_INTEGER + WRITE_DECIMAL + 2);
	memcpy(at, text, length);
	at += length;
	*at++ = ' ';
	at = write_decimal(at, now_ns, 9, 9);
	*at++ = '\n';
	stream_wrote(at);
	stream_record();
}

void
offset_answer(void)
{
	struct stream in;
	struct block block;
	const char *text;
	size_t length;

	if (!stream_open(&in, NULL))
		return;
	while (stream_next(&in, &block))
		while (block_line(&block, &text, &length))
			answer(text, length);
	stream_close(&in);
}

/* ---- this end */

static void
start(struct line *line, char **words)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t pipes;
	int there[2], back[2], error;

	if (pipe(there) < 0 || pipe(back) < 0)
		report_fatal("no pipe: %s", strerror(errno));
	line->pipes = signal(SIGPIPE, SIG_IGN);
	sigemptyset(&pipes);
	sigaddset(&pipes, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigdefault(&attributes, &pipes);
	posix_spawn_file_actions_adddup2(&files, there[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, back[1], STDOUT_FILENO);
	for (int i = 0; i < 2; i++) {
		posix_spawn_file_actions_addclose(&files, there[i]);
		posix_spawn_file_actions_addclose(&files, back[i]);
	}
	error = posix_spawnp(&line->pid, words[0], &files, &attributes, words,
	    environ);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	if (error)
		report_fatal("%s: %s", words[0], strerror(error));
	close(there[0]);
	close(back[1]);
	line->to = there[1];
	line->from = back[0];
	line->length = 0;
}

/* More bytes of the line.  False: there are none, or not in time. */
static bool
receive(struct line *line, int64_t until_ns)
{
	struct pollfd poll_fd = { .fd = line->from, .events = POLLIN };
	int64_t left_ns = until_ns - clock_steady();
	ssize_t n;

	if (left_ns <= 0 || poll(&poll_fd, 1,
	    (int)(left_ns / 1000000) + 1) == 0)
		return false;
	n = read(line->from, line->text + line->length, LINE - line->length);
	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	line->length += (size_t)n;
	return true;
}

/* The first whole line goes; one too long does as well. */
static void
drop(struct line *line)
{
	const char *newline = memchr(line->text, '\n', line->length);
	size_t taken = newline ? (size_t)(newline - line->text) + 1
	    : line->length == LINE ? LINE : 0;

	line->length -= taken;
	memmove(line->text, line->text + taken, line->length);
}

/* The far time, if the first line is the answer to this number; other lines
 * are those of a login's greeting. */
static bool
is_answer(const struct line *line, int number, int64_t *far_ns)
{
	const char *newline = memchr(line->text, '\n', line->length);
	char wanted[LINE];
	int n = snprintf(wanted, sizeof wanted, "%d ", number);
	size_t length = newline ? (size_t)(newline - line->text) : 0;

	return length > (size_t)n && memcmp(line->text, wanted, (size_t)n) == 0
	    && clock_parse(line->text + n, length - (size_t)n, far_ns);
}

static bool
go_round(struct line *line, int number, struct round *round)
{
	char text[LINE];
	int n = snprintf(text, sizeof text, "%d\n", number);
	/* in this order: what comes between the two is in the delay */
	int64_t steady_ns = clock_steady(), begin_ns = clock_now(), far_ns;

	if (write(line->to, text, (size_t)n) != n)
		return false;
	while (!is_answer(line, number, &far_ns)) {
		if (memchr(line->text, '\n', line->length) ||
		    line->length == LINE)
			drop(line);
		else if (!receive(line, steady_ns + LIMIT_SECONDS *
		    CLOCK_SECOND))
			return false;
	}
	round->delay_ns = clock_steady() - steady_ns;
	round->offset_ns = far_ns - begin_ns - round->delay_ns / 2;
	drop(line);
	return true;
}

static void
tell(const char *host, const struct round *best, int rounds)
{
	int64_t bound_ns = llabs(best->offset_ns) + (best->delay_ns + 1) / 2;

	compose_open();
	compose_key("timestamp");
	compose_time(clock_now());
	compose_text("type", "event");
	compose_text("event", "clock");
	compose_text("host", host);
	compose_key("offset_seconds");
	compose_seconds(best->offset_ns);
	compose_key("delay_seconds");
	compose_seconds(best->delay_ns);
	compose_count("rounds", rounds);
	compose_key("bound");
	compose_seconds(bound_ns);
	compose_close();
}

/* The words of `ssh`, the host, and what runs there. */
static void
split(char *ssh, char *host, char *words[WORDS])
{
	static char program[] = "epi-env", option[] = "--clock";
	int count = 0;

	for (char *word = strtok(ssh, " "); word; word = strtok(NULL, " ")) {
		if (count == WORDS - 4)
			report_usage("--ssh: too many words");
		words[count++] = word;
	}
	if (!count)
		report_usage("--ssh: no command");
	words[count++] = host;
	words[count++] = program;
	words[count++] = option;
	words[count] = NULL;
}

void
offset_tell(const char *ssh, const char *host, int rounds)
{
	char *copy, *far, *words[WORDS];
	struct round best = { 0, INT64_MAX }, round;
	struct line line;
	int done = 0;

	if (*host == '-' || !*host)
		report_usage("--offset: no host: %s", host);
	copy = report_copy(ssh, strlen(ssh));
	far = report_copy(host, strlen(host));
	split(copy, far, words);
	start(&line, words);
	while (done < rounds && go_round(&line, done + 1, &round)) {
		if (round.delay_ns < best.delay_ns)
			best = round;
		done++;
	}
	close(line.to);
	if (done < rounds)
		kill(line.pid, SIGTERM);
	close(line.from);
	while (waitpid(line.pid, NULL, 0) < 0 && errno == EINTR)
		;
	signal(SIGPIPE, line.pipes);
	free(copy);
	free(far);
	if (done == rounds)
		tell(host, &best, rounds);
	else
		report_error("%s: no answer from epi-env --clock", host);
}
