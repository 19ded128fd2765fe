/* The count of epi-tokens(1), which reads the log again where it has grown: a
 * log that goes on is truncated to it, with the tokens so far. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epi-watch/watch.h"
#include "json.h"
#include "stream.h"

extern char **environ;

/* What was seen at the last look. */
static struct {
	off_t size;
	struct timespec changed;
	bool looked;
} seen;

static bool
is_news(const struct stat *status)
{
	bool same = seen.looked && seen.size == status->st_size &&
	    seen.changed.tv_sec == status->st_mtim.tv_sec &&
	    seen.changed.tv_nsec == status->st_mtim.tv_nsec;

	seen.size = status->st_size;
	seen.changed = status->st_mtim;
	seen.looked = true;
	return !same;
}

/* Adds a tokens record; false: it is none. */
static bool
add_record(struct tokens *tokens, const char *line, size_t length)
{
	enum { TYPE, GENERATED, DECODE, STATUS, KEYS };
	static const char *const keys[KEYS] = { "type", "generated_tokens",
		"decode_seconds", "status" };
	struct json_value values[KEYS];
	struct json_error error;
	int64_t generated;
	double seconds = NAN;

	if (!json_members(line, length, keys, KEYS, values, &error) ||
	    !json_is(&values[TYPE], "tokens"))
		return false;
	json_double(&values[DECODE], &seconds);
	if (json_integer(&values[GENERATED], &generated) && generated >= 0) {
		tokens->decode_seconds = seconds + (tokens->known
		    ? tokens->decode_seconds : 0);
		tokens->generated += generated;
		tokens->known = true;
	}
	tokens->running = json_is(&values[STATUS], "truncated");
	return true;
}

/* Adds the records of a stream; false: there are none.  `strictly`: the first
 * line that is none ends it. */
static bool
add_records(struct tokens *tokens, int fd, bool strictly)
{
	struct stream in;
	struct block block;
	const char *line;
	size_t length;
	bool any = false, stop = false;

	stream_attach(&in, fd, tokens->file);
	while (!stop && stream_next(&in, &block))
		while (!stop && block_line(&block, &line, &length))
			if (add_record(tokens, line, length))
				any = true;
			else
				stop = strictly;
	stream_close(&in);
	return any;
}

/* The output of epi-tokens on the file; below 0: it cannot be run. */
static int
spawn_counter(const char *file, pid_t *process)
{
	char name[] = "epi-tokens", dashes[] = "--";
	char *words[] = { name, dashes, (char *)(uintptr_t)file, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], failed;

	if (pipe(ends) < 0)
		return -1;
	fcntl(ends[0], F_SETFD, FD_CLOEXEC);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
	    O_WRONLY, 0);
	failed = posix_spawnp(process, name, &actions, NULL, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (!failed)
		return ends[0];
	close(ends[0]);
	return -1;
}

static void
count_log(struct tokens *tokens)
{
	pid_t process;
	int fd = spawn_counter(tokens->file, &process), status;

	if (fd < 0) {
		snprintf(tokens->problem, WORD, "epi-tokens cannot be run");
		return;
	}
	add_records(tokens, fd, false);
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	if (!tokens->known)
		snprintf(tokens->problem, WORD, "no tokens counted yet");
}

static void
count(struct tokens *tokens)
{
	int fd = open(tokens->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	tokens->generated = 0;
	tokens->decode_seconds = NAN;
	tokens->known = tokens->running = false;
	*tokens->problem = '\0';
	if (fd < 0) {
		snprintf(tokens->problem, WORD, "waiting for the log: %s",
		    strerror(errno));
		return;
	}
	if (!add_records(tokens, fd, true))
		count_log(tokens);
}

void
token_look(struct watch *watch, bool begun)
{
	struct tokens tokens;
	struct stat status = { 0 };

	pthread_mutex_lock(&watch->lock);
	tokens = watch->account.tokens;
	pthread_mutex_unlock(&watch->lock);
	if (!tokens.file || (stat(tokens.file, &status) == 0 &&
	    (!S_ISREG(status.st_mode) || !is_news(&status))))
		return;
	count(&tokens);
	if (begun)
		tokens.base = tokens.generated;
	if (tokens.generated < tokens.base) /* a new log */
		tokens.base = 0;
	pthread_mutex_lock(&watch->lock);
	watch->account.tokens = tokens;
	pthread_mutex_unlock(&watch->lock);
}
