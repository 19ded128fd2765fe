/* live SECONDS [FILE LINES OUT COMMAND]... - what commands cost live
 *
 * A COMMAND is programs joined by " | ".  Each gets LINES lines of its FILE at
 * once, 50 times a second, and answers with OUT lines (0: at the end alone).
 * The ticks of the commands are spread over the 20 ms, in another order each
 * time, so that they stand little in each other's way and none has the warmer
 * caches.  For each command one line of JSON tells the processor time of a tick
 * (mean and median) and its writes, and how long its lines took to come out,
 * this program's own waking included.
 *
 * Linux: a pipe that was opened with O_DIRECT gives one write to each read. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HOPS = 8, WORDS = 32, COMMANDS = 32, RATE_HZ = 50 };

static const int64_t second_ns = 1000000000;

struct command {
	const char *text;
	FILE *file;
	long lines_in, lines_out;
	int in, out;
	pid_t hops[HOPS];
	int hop_count;
	long lines, writes; /* that came out */
	int64_t cpu_ns, begin_cpu_ns;
	int64_t *sent_ns, *took_ns, *tick_cpu_ns;
	long sent, took; /* ticks */
};

static struct command commands[COMMANDS];
static int count;

static void
die(const char *what)
{
	fprintf(stderr, "live: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		die("clock_gettime");
	return now.tv_sec * second_ns + now.tv_nsec;
}

static int64_t
cpu_ns(const struct command *command)
{
	clockid_t clock;
	int64_t sum = 0;

	for (int i = 0; i < command->hop_count; i++) {
		errno = clock_getcpuclockid(command->hops[i], &clock);
		if (errno)
			die(command->text);
		sum += clock_ns(clock);
	}
	return sum;
}

/* One program of a command, its words cut in place. */
static pid_t
start(char *words, int in, int out)
{
	char *argv[WORDS] = { 0 };
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	argv[0] = strtok(words, " ");
	for (int i = 1; i < WORDS - 1 && argv[i - 1]; i++)
		argv[i] = strtok(NULL, " ");
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execvp(argv[0], argv);
	die(argv[0]);
	return -1;
}

static void
start_all(struct command *command)
{
	char *words = strdup(command->text), *next;
	int ends[2], in;

	if (!words || pipe2(ends, O_CLOEXEC) != 0)
		die("pipe");
	command->in = ends[1];
	in = ends[0];
	for (char *at = words; at; at = next) {
		next = strstr(at, " | ");
		if (next) {
			*next = '\0';
			next += 3;
		}
		if (command->hop_count == HOPS ||
		    pipe2(ends, O_CLOEXEC | (next ? 0 : O_DIRECT)) != 0)
			die(command->text);
		command->hops[command->hop_count++] = start(at, in, ends[1]);
		close(in);
		close(ends[1]);
		in = ends[0];
	}
	command->out = in;
	free(words);
}

static void
send_tick(struct command *command)
{
	static char *line;
	static size_t room;
	char tick[PIPE_BUF];
	size_t length = 0;

	for (long i = 0; i < command->lines_in; i++) {
		ssize_t got = getline(&line, &room, command->file);

		if (got <= 0 || length + (size_t)got > sizeof tick) {
			errno = got <= 0 ? ENODATA : EMSGSIZE;
			die(command->text);
		}
		memcpy(tick + length, line, (size_t)got);
		length += (size_t)got;
	}
	command->sent_ns[command->sent++] = clock_ns(CLOCK_MONOTONIC);
	if (write(command->in, tick, length) != (ssize_t)length)
		die(command->text);
}

/* False at the end of its output. */
static int
receive(struct command *command)
{
	static char block[PIPE_BUF];
	ssize_t got = read(command->out, block, sizeof block);
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (got < 0)
		die(command->text);
	command->writes += got > 0;
	for (ssize_t i = 0; i < got; i++)
		command->lines += block[i] == '\n';
	while (command->lines_out > 0 && command->took < command->sent &&
	    command->lines >= (command->took + 1) * command->lines_out) {
		command->took_ns[command->took] =
		    now_ns - command->sent_ns[command->took];
		command->took++;
	}
	return got > 0;
}

/* What the programs used since it was last noted is a tick's. */
static void
note_cpu(struct command *command)
{
	int64_t now_ns = cpu_ns(command);

	if (command->sent > 0)
		command->tick_cpu_ns[command->sent - 1] =
		    now_ns - command->cpu_ns;
	else
		command->begin_cpu_ns = now_ns;
	command->cpu_ns = now_ns;
}

static void
receive_until(int64_t deadline_ns)
{
	struct pollfd outputs[COMMANDS];

	for (;;) {
		int64_t left_ns = deadline_ns - clock_ns(CLOCK_MONOTONIC);
		struct timespec left = {
			left_ns / second_ns, left_ns % second_ns
		};

		if (left_ns <= 0)
			return;
		for (int i = 0; i < count; i++)
			outputs[i] = (struct pollfd){
				commands[i].out, POLLIN, 0
			};
		if (ppoll(outputs, (nfds_t)count, &left, NULL) < 0)
			die("ppoll");
		for (int i = 0; i < count; i++)
			if (outputs[i].revents && !receive(&commands[i])) {
				errno = EPIPE;
				die(commands[i].text);
			}
	}
}

/* The first tick, with the programs' start and whatever stands before the
 * first sample, counts for nothing. */
static void
warm_up(void)
{
	for (int i = 0; i < count; i++)
		send_tick(&commands[i]);
	receive_until(clock_ns(CLOCK_MONOTONIC) + second_ns);
	for (int i = 0; i < count; i++) {
		struct command *command = &commands[i];

		command->sent = command->took = 0;
		command->lines = command->writes = 0;
	}
}

static int
ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Nearest rank; of nothing, null. */
static void
print_percentile(const char *key, const int64_t *values_ns, long values,
    int percent, double unit_ns)
{
	long rank = (values * percent + 99) / 100;

	printf(",\"%s\":", key);
	if (rank > 0)
		printf("%.3f", (double)values_ns[rank - 1] / unit_ns);
	else
		printf("null");
}

static void
sort(int64_t *values, long count_of_values)
{
	qsort(values, (size_t)count_of_values, sizeof *values, ascending);
}

static void
print(struct command *command)
{
	sort(command->took_ns, command->took);
	sort(command->tick_cpu_ns, command->sent);
	printf("{\"command\":\"%s\",\"ticks\":%ld,\"cpu_us_mean\":%.3f",
	    command->text, command->sent,
	    (double)(command->cpu_ns - command->begin_cpu_ns) / 1e3 /
	    (double)command->sent);
	print_percentile("cpu_us_median", command->tick_cpu_ns, command->sent,
	    50, 1e3);
	printf(",\"writes_per_tick\":%.3f",
	    (double)command->writes / (double)command->sent);
	print_percentile("p50_ms", command->took_ns, command->took, 50, 1e6);
	print_percentile("p99_ms", command->took_ns, command->took, 99, 1e6);
	print_percentile("max_ms", command->took_ns, command->took, 100, 1e6);
	printf(",\"missing\":%ld}\n", command->lines_out > 0
	    ? command->sent - command->took : 0);
}

/* xorshift64 and Fisher-Yates */
static void
shuffle(int *order)
{
	static uint64_t state = 88172645463325252u;

	for (int i = count - 1; i > 0; i--) {
		int k, swap = order[i];

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		k = (int)(state % ((uint64_t)i + 1));
		order[i] = order[k];
		order[k] = swap;
	}
}

static void
run(long ticks)
{
	int64_t begin_ns = clock_ns(CLOCK_MONOTONIC);
	int order[COMMANDS];

	for (int i = 0; i < count; i++)
		order[i] = i;
	for (long i = 0; i < ticks * count; i++) {
		if (i % count == 0)
			shuffle(order);
		receive_until(begin_ns + i * second_ns / RATE_HZ / count);
		note_cpu(&commands[order[i % count]]);
		send_tick(&commands[order[i % count]]);
	}
	receive_until(clock_ns(CLOCK_MONOTONIC) + second_ns / 2);
	for (int i = 0; i < count; i++)
		note_cpu(&commands[i]);
}

static int
finish(struct command *command)
{
	int status, failed = 0;

	close(command->in);
	while (receive(command))
		;
	for (int i = 0; i < command->hop_count; i++)
		if (waitpid(command->hops[i], &status, 0) < 0 || status != 0)
			failed = 1;
	if (failed)
		fprintf(stderr, "live: failed: %s\n", command->text);
	return failed;
}

static void
add(char **arguments, long ticks)
{
	struct command *command = &commands[count++];

	command->file = fopen(arguments[0], "r");
	command->lines_in = atol(arguments[1]);
	command->lines_out = atol(arguments[2]);
	command->text = arguments[3];
	command->sent_ns = calloc((size_t)ticks, sizeof(int64_t));
	command->took_ns = calloc((size_t)ticks, sizeof(int64_t));
	command->tick_cpu_ns = calloc((size_t)ticks, sizeof(int64_t));
	if (!command->file || !command->sent_ns || !command->took_ns ||
	    !command->tick_cpu_ns)
		die(arguments[0]);
	start_all(command);
}

int
main(int argc, char **argv)
{
	long ticks = argc > 1 ? atol(argv[1]) * RATE_HZ : 0;
	int failed = 0;

	if (ticks <= 0 || argc < 6 || argc % 4 != 2 ||
	    argc / 4 > COMMANDS) {
		fputs("usage: live SECONDS [FILE LINES OUT COMMAND]...\n",
		    stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	for (int i = 2; i < argc; i += 4)
		add(argv + i, ticks);
	warm_up();
	run(ticks);
	for (int i = 0; i < count; i++) {
		print(&commands[i]);
		failed |= finish(&commands[i]);
	}
	return failed;
}
