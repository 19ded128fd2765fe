#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "epi-ask/token.h"
#include "report.h"

enum {
	TOKEN_MOST = 8192,
	TOKEN_TELLS = 4 /* fewer letters of it give nothing away */
};

static char token[TOKEN_MOST + 1];

static void
read_file(const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = 0;
	ssize_t n = 1;

	if (fd < 0)
		report_usage("--token-file: %s: %s", file, strerror(errno));
	while (length < TOKEN_MOST && n > 0) {
		n = read(fd, token + length, TOKEN_MOST - length);
		if (n < 0 && errno != EINTR)
			report_usage("--token-file: %s: %s", file,
			    strerror(errno));
		length += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	close(fd);
	token[length] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
}

/* What a header can carry: no byte that would begin another one. */
static void
check(const char *name)
{
	if (!*token)
		report_usage("%s: no token there", name);
	for (const char *at = token; *at; at++)
		if (*at < '!' || *at > '~')
			report_usage("%s: a token has no such bytes", name);
}

const char *
token_read(const char *variable, const char *file)
{
	const char *value;

	if (file) {
		read_file(file);
		check("--token-file");
	} else if (variable) {
		value = getenv(variable);
		if (value && strlen(value) <= TOKEN_MOST)
			strcpy(token, value);
		check("--token-env");
	}
	return file || variable ? token : NULL;
}

void
token_redact(const char *secret, char *words)
{
	size_t length = secret ? strlen(secret) : 0, tail;
	char *at = words;

	if (length == 0)
		return;
	while ((at = strstr(at, secret)))
		memset(at, '*', length);
	tail = strlen(words) < length ? strlen(words) : length - 1;
	while (tail >= TOKEN_TELLS && memcmp(words + strlen(words) - tail,
	    secret, tail) != 0)
		tail--;
	if (tail >= TOKEN_TELLS)
		memset(words + strlen(words) - tail, '*', tail);
}
