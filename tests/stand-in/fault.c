/* What goes wrong, and the account of what was asked. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stand-in.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *script, *script_left;
static int log_fd = -1;
static uint64_t number;
static int64_t answered, prompt_tokens, generated_tokens, faults, expects;

void
fault_script(const char *words)
{
	script = script_left = strdup(words);
}

/* splitmix64's output function. */
static uint64_t
mixed(uint64_t z)
{
	z += UINT64_C(0x9E3779B97F4A7C15);
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static const char *
random_fault(void)
{
	static const char *const kinds[] = {
		"reset", "cut", "500", "503", "429", "not-json", "shape"
	};
	uint64_t z = mixed((uint64_t)stand_in.seed << 32 ^ number++);

	if ((int64_t)(z % 1000) >= stand_in.faults)
		return NULL;
	return kinds[(z >> 32) % (sizeof kinds / sizeof *kinds)];
}

const char *
fault_next(int64_t *argument)
{
	const char *word;
	char *colon;

	pthread_mutex_lock(&lock);
	word = script ? strsep(&script_left, ",") : random_fault();
	if (word && strcmp(word, "ok") == 0)
		word = NULL;
	*argument = word && strcmp(word, "429") == 0 ? 0 : -1;
	if (word && (colon = strchr(word, ':'))) {
		*colon = '\0';
		*argument = atoll(colon + 1);
	}
	faults += word != NULL;
	pthread_mutex_unlock(&lock);
	return word;
}

void
tally_open(const char *file)
{
	log_fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (log_fd < 0)
		die(file);
}

void
tally_note(const char *sha256, const char *outcome)
{
	char line[128];
	int length = snprintf(line, sizeof line, "%s %s\n", sha256, outcome);

	if (log_fd >= 0 && write(log_fd, line, (size_t)length) != length)
		die("the log cannot be written");
}

void
tally_count(int64_t prompt, int64_t generated)
{
	pthread_mutex_lock(&lock);
	answered++;
	prompt_tokens += prompt;
	generated_tokens += generated;
	pthread_mutex_unlock(&lock);
}

void
tally_expect(void)
{
	expects++;
}

void
tally_tell(void)
{
	printf("{\"answered\":%lld,\"prompt_tokens\":%lld,"
	    "\"generated_tokens\":%lld,\"faults\":%lld,\"expects\":%lld}\n",
	    (long long)answered, (long long)prompt_tokens,
	    (long long)generated_tokens, (long long)faults,
	    (long long)expects);
	fflush(stdout);
}
