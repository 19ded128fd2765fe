#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "json.h"
#include "option.h"
#include "report.h"

#ifndef EPI_VERSION
#define EPI_VERSION "unknown"
#endif

enum {
	LONG_HELP = 'h',
	LONG_VERSION = OPTION_LONG - 1,
	OPTIONS_MAX = 48
};

/* The user's options with help and version added. */
static void
fill_table(struct option *table, const struct option *options)
{
	int n = 0;

	for (; options && options[n].name; n++) {
		if (n + 3 > OPTIONS_MAX)
			report_fatal("more than %d options", OPTIONS_MAX - 3);
		table[n] = options[n];
	}
	table[n++] = (struct option){ "help", no_argument, NULL, LONG_HELP };
	table[n++] = (struct option){ "version", no_argument, NULL,
		LONG_VERSION };
	table[n] = (struct option){ 0 };
}

_Noreturn static void
answer(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
		report_fatal("standard output: cannot be written");
	exit(STATUS_DONE);
}

/* getopt's own messages take two forms and leave control bytes as they are.  Within
 * a word of letters the word before it is the last one that getopt is done with. */
_Noreturn static void
refuse(int letter, const char *letters, char **argv)
{
	const char *word = argv[optind - 1];

	if (letter == ':')
		report_usage("%s wants an argument", word);
	if (optopt > 0 && optopt < OPTION_LONG - 1 &&
	    (word[1] != '-' || !strchr(letters, optopt)))
		report_usage("no option -%c", optopt);
	if (optopt != 0)
		report_usage("%s takes no argument", word);
	report_usage("no option %s", word);
}

/*
 * A standard descriptor that is closed would be the next one that is opened: a
 * meter, a pipe of our own, a file that is kept.  It is held by one that can
 * only be used the other way round, so that its use still fails.
 */
static void
hold_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY
			    : O_RDONLY);
}

char **
option_start(int argc, char **argv, const struct option_program *program)
{
	struct option table[OPTIONS_MAX];
	char letters[128], version[128];
	bool command = *program->letters == '+';
	int letter;

	hold_standard();
	report_start(program->name);
	fill_table(table, program->options);
	snprintf(letters, sizeof letters, "%s:h%s", command ? "+" : "",
	    program->letters + command);
	opterr = 0;
	while ((letter = getopt_long(argc, argv, letters, table, NULL)) != -1) {
		if (letter == LONG_HELP)
			answer(program->help);
		if (letter == LONG_VERSION) {
			snprintf(version, sizeof version, "%s %s\n",
			    program->name, EPI_VERSION);
			answer(version);
		}
		if (letter == '?' || letter == ':')
			refuse(letter, letters, argv);
		program->take(program->state, letter, optarg);
	}
	return argv + optind;
}

int64_t
option_decimal(const char *name, const char *text, int scale, int64_t low,
    int64_t high)
{
	int64_t value;

	if (!json_decimal_text(text, strlen(text), scale, &value))
		report_usage("%s: not a number: %s", name, text);
	if (value < low || value > high)
		report_usage("%s: out of range: %s", name, text);
	return value;
}

int64_t
option_integer(const char *name, const char *text, int64_t low, int64_t high)
{
	for (const char *at = text + (*text == '-'); *at; at++)
		if (*at < '0' || *at > '9')
			report_usage("%s: not a whole number: %s", name, text);
	return option_decimal(name, text, 0, low, high);
}

double
option_double(const char *name, const char *text, double low, double high)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !isfinite(value))
		report_usage("%s: not a number: %s", name, text);
	if (value < low || value > high)
		report_usage("%s: out of range: %s", name, text);
	return value;
}

int64_t
option_duration(const char *name, const char *text)
{
	static const struct {
		const char *name;
		int scale;     /* ns: times 10^scale, */
		int64_t times; /* times this */
	} units[] = {
		{ "", 9, 1 }, { "s", 9, 1 }, { "ns", 0, 1 }, { "us", 3, 1 },
		{ "ms", 6, 1 }, { "min", 9, 60 }, { "m", 9, 60 },
		{ "h", 9, 3600 }, { "d", 9, 86400 }
	};
	size_t digits = strspn(text, "0123456789.");
	int64_t value;
	size_t i;

	for (i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(text + digits, units[i].name) == 0)
			break;
	if (i == sizeof units / sizeof *units ||
	    !json_decimal_text(text, digits, units[i].scale, &value))
		report_usage("%s: not a duration (90s, 1.5m, 250ms): %s", name,
		    text);
	if (value > INT64_MAX / units[i].times)
		report_usage("%s: out of range: %s", name, text);
	value *= units[i].times;
	if (value <= 0)
		report_usage("%s: must be longer than 0: %s", name, text);
	return value;
}

int64_t
option_time(const char *name, const char *text)
{
	int64_t ns;

	if (!clock_parse(text, strlen(text), &ns))
		report_usage("%s: not a time (Unix seconds or RFC 3339): %s",
		    name, text);
	return ns;
}

int
option_word(const char *name, const char *text, const char *const *words)
{
	char list[256] = "";

	for (int i = 0; words[i]; i++)
		if (strcmp(text, words[i]) == 0)
			return i;
	for (int i = 0; words[i]; i++) {
		size_t n = strlen(list);

		snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "",
		    words[i]);
	}
	report_usage("%s: not one of %s: %s", name, list, text);
}

char **
option_list(const char *name, const char *text)
{
	size_t length = strlen(text), count = 1, n = 0;
	char **list, *words;

	for (const char *at = text; *at; at++)
		count += *at == ',';
	list = report_resize(NULL, 1,
	    (count + 1) * sizeof *list + length + 1);
	words = (char *)(list + count + 1);
	memcpy(words, text, length + 1);
	for (;;) {
		size_t word = strcspn(words, ",");
		bool last = words[word] == '\0';

		if (word == 0)
			report_usage("%s: an empty name: %s", name, text);
		words[word] = '\0';
		list[n++] = words;
		words += word + 1;
		if (last)
			break;
	}
	list[n] = NULL;
	return list;
}

bool
option_listed(char *const *list, const char *word)
{
	if (!list)
		return true;
	for (; *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}
