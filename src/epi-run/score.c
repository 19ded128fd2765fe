#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-run/result.h"
#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum { TYPE_KEY, EPI_KEY, U_KEY, CI_KEY, SCORE_KEYS };

static const char *const keys[SCORE_KEYS] = {
	[TYPE_KEY] = "type", [EPI_KEY] = "epi", [U_KEY] = "u", [CI_KEY] = "ci95"
};

struct words {
	char **at; /* NULL-ended */
	size_t count;
};

/* What a score says. */
static double epi, u, low, high;

/* Where the scores of all runs are. */
static struct words scores;

static void
push(struct words *words, const char *word)
{
	words->at = report_resize(words->at, words->count + 2,
	    sizeof *words->at);
	words->at[words->count++] = run_word(word);
	words->at[words->count] = NULL;
}

static void
push_all(struct words *words, char *const *more)
{
	while (more && *more)
		push(words, *more++);
}

static double
number(const struct json_value *value)
{
	double number_of;

	return json_double(value, &number_of) ? number_of : NAN;
}

static void
take(void *state, const struct feed_record *record)
{
	static const char *const value_key = "value";
	struct json_value at[SCORE_KEYS], value;
	struct json_error error;
	const char *cursor = NULL;

	(void)state;
	if (record->kind != SAMPLE_TYPED || !json_members(record->line,
	    record->length, keys, SCORE_KEYS, at, &error) ||
	    !json_is(&at[TYPE_KEY], "score"))
		return;
	if (at[EPI_KEY].kind == JSON_OBJECT && json_members(at[EPI_KEY].at,
	    at[EPI_KEY].length, &value_key, 1, &value, &error))
		epi = number(&value);
	u = number(&at[U_KEY]);
	if (at[CI_KEY].kind != JSON_ARRAY)
		return;
	low = json_element(&at[CI_KEY], &cursor, &value) ? number(&value)
	    : NAN;
	high = json_element(&at[CI_KEY], &cursor, &value) ? number(&value)
	    : NAN;
}

/* What epi-score makes of this; the words are used up. */
static bool
score(struct words *words, int in, char *name)
{
	int out = run_open(name, O_WRONLY | O_CREAT | O_TRUNC);
	pid_t pid = filter_start(words->at, in, out);
	bool sound;

	close(out);
	if (in >= 0)
		close(in);
	sound = filter_end(words->at[0], pid);
	free(words->at);
	epi = u = low = high = NAN;
	records_read(name, take);
	return sound;
}

static void
tell(const char *what)
{
	char text[WRITE_UNCERTAIN + 1];

	if (!isfinite(epi))
		return;
	if (u > 0 && isfinite(low) && isfinite(high)) {
		*write_uncertain(text, epi, u) = '\0';
		report_warning("%s %s J/(token accuracy), 95 %%: %.4g to %.4g",
		    what, text, low, high);
	} else {
		report_warning("%s %.4g J/(token accuracy)", what, epi);
	}
}

static void
begin(struct words *words)
{
	push(words, "epi-score");
	push_all(words, run.score_options);
}

/* The next line, its end cut off; NULL: there is none. */
static char *
next_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	if (!*line)
		return NULL;
	*rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static char *
read_all(int fd)
{
	size_t length = 0, room = 4096;
	char *text = report_resize(NULL, room, 1);
	ssize_t n;

	while ((n = read(fd, text + length, room - length - 1)) > 0 ||
	    (n < 0 && errno == EINTR)) {
		length += n > 0 ? (size_t)n : 0;
		if (room - length < 2)
			text = report_resize(text, room *= 2, 1);
	}
	close(fd);
	text[length] = '\0';
	return text;
}

/* That it wants energy and tokens is no news before the first run. */
static void
tell_wrong(char *said)
{
	char *line, *rest = said;

	while ((line = next_line(&rest)))
		if (!strstr(line, "energy-missing") &&
		    !strstr(line, "tokens-missing"))
			report_error("--accuracy: %s", line);
}

/* It is read before the runs and after each. */
static void
check_file(const char *name)
{
	struct stat status;

	if (stat(name, &status) == 0 && !S_ISREG(status.st_mode))
		report_fatal("--accuracy: %s: is no file, to be read more than "
		    "once", name);
}

/* Hours of runs are not to end in a word that was wrong from the first. */
void
score_check(void)
{
	struct words words = { 0 };
	struct child child = { .leash = -1, .ours = true };
	char *said;
	int ends[2];
	pid_t pid;

	if (!run.accuracy)
		return;
	for (char **name = run.accuracy; *name; name++)
		check_file(*name);
	child.in = child.out = run_open("/dev/null", O_RDWR);
	begin(&words);
	push(&words, "-");
	push_all(&words, run.accuracy);
	run_pipe(ends);
	child.words = words.at;
	child.err = ends[1];
	pid = child_start(&child);
	close(ends[1]);
	close(child.in);
	if (pid < 0)
		report_fatal("epi-score: %s", strerror(errno));
	said = read_all(ends[0]);
	child_wait(pid, false);
	tell_wrong(said);
	free(said);
	free(words.at);
	if (report_status() != STATUS_DONE)
		exit(STATUS_FAILED);
}

/* The records of this run are its standard input, for a score names what it
 * read, and these files are soon gone. */
static bool
score_records(char *name)
{
	char *cat[] = { run_word("cat"), run_word("--"), result.energy_file,
		result.tokens_file, NULL };
	char *joined = run_file("joined");
	int out = run_open(joined, O_WRONLY | O_CREAT | O_TRUNC);
	struct words words = { 0 };
	char repetition[64];
	pid_t pid = filter_start(cat, -1, out);

	close(out);
	if (!filter_end(cat[0], pid))
		return false;
	snprintf(repetition, sizeof repetition, "run_metadata.repetition=%lld",
	    (long long)run.number);
	begin(&words);
	push(&words, "--meta");
	push(&words, repetition);
	push(&words, "-");
	push_all(&words, run.accuracy);
	return score(&words, run_open(joined, O_RDONLY), name);
}

void
score_run(void)
{
	char name[32];

	if (!run.accuracy)
		return;
	snprintf(name, sizeof name, "score-%lld", (long long)run.number);
	result.score_file = run_file(name);
	if (!result_holds_run() || run.status) {
		result.score_file = NULL;
	} else if (score_records(result.score_file)) {
		tell("EPI");
	} else {
		tell_refused("the EPI", "epi-score says why");
		result.score_file = NULL;
	}
	result.epi = result.score_file ? epi : NAN;
}

void
score_keep(void)
{
	if (!result.score_file)
		return;
	push(&scores, run.records ? run_numbered(run.records)
	    : result.score_file);
	repeat_score(result.epi);
}

void
score_all(void)
{
	struct words words = { 0 };
	char *name;

	if (scores.count < 2)
		return;
	name = run_file("score");
	push(&words, "epi-score");
	push(&words, "--repetitions");
	push(&words, "--");
	push_all(&words, scores.at);
	if (!score(&words, -1, name)) {
		tell_refused("the EPI of all runs", "epi-score says why");
		return;
	}
	tell("median EPI");
	records_write_score(name);
}
