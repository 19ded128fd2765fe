/* What an option's reader refuses ends the program: that is tried in a child,
 * whose message is looked at. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "option.h"
#include "report.h"
#include "unit.h"

static const char *const words[] = { "auto", "mean", "hold", NULL };

static char message[1024];

static void duration(const char *text) { option_duration("-x", text); }
static void point(const char *text) { option_time("-x", text); }
static void word(const char *text) { option_word("-x", text, words); }
static void list(const char *text) { free(option_list("-x", text)); }

static void
integer(const char *text)
{
	option_integer("-x", text, -5, 100);
}

static void
decimal(const char *text)
{
	option_decimal("-x", text, 3, 1, 5000);
}

static void
number(const char *text)
{
	option_double("-x", text, 0, 10);
}

/* The exit status of a child that reads this; its standard error in message. */
static int
status_of(void (*read_text)(const char *), const char *text)
{
	int ends[2], status = 0;
	ssize_t n, length = 0;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		report_start("epi-unit");
		read_text(text);
		_exit(0);
	}
	close(ends[1]);
	while ((n = read(ends[0], message + length,
	    sizeof message - 1 - (size_t)length)) > 0)
		length += n;
	message[length] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Status 2, with the option's name and the text that was wrong. */
static void
refuses(void (*read_text)(const char *), const char *text, const char *why)
{
	char want[128];

	snprintf(want, sizeof want, "epi-unit: -x: %s: %s\n", why, text);
	is(status_of(read_text, text) == STATUS_USAGE &&
	    strncmp(message, want, strlen(want)) == 0, "%s: \"%s\"", why, text);
}

static const struct {
	const char *text;
	int64_t ns;
} durations[] = {
	{ "90", 90 * CLOCK_SECOND }, { "90s", 90 * CLOCK_SECOND },
	{ "1.5m", 90 * CLOCK_SECOND }, { "2min", 120 * CLOCK_SECOND },
	{ "250ms", 250000000 }, { "20us", 20000 }, { "1ns", 1 },
	{ "2h", 7200 * CLOCK_SECOND }, { "7d", 604800 * CLOCK_SECOND },
	{ "0.5", 500000000 }, { "0.000000001s", 1 }, { "1.0005us", 1000 },
	{ "1.5us", 1500 }, { "0.0015ms", 1500 },
	{ "10000000000ns", 10 * CLOCK_SECOND },
	{ "9223372036.854775807", INT64_MAX },
	{ "9223372036854775807ns", INT64_MAX }
};

static void
lengths(void)
{
	static const char why[] = "not a duration (90s, 1.5m, 250ms)";

	for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
		is(option_duration("-x", durations[i].text) ==
		    durations[i].ns, "%s", durations[i].text);
	for (const char *const *text = (const char *const []){ "", "s", "5x",
	    "-5", "+5", "1e3", "5 s", " 5", "5s ", "1.2.3", ".5", "5.", "05",
	    "nan", "5S", "9223372036.854775808s", NULL }; *text; text++)
		refuses(duration, *text, why);
	refuses(duration, "0", "must be longer than 0");
	refuses(duration, "0.1ns", "must be longer than 0");
	refuses(duration, "0.0000000005s", "must be longer than 0");
	refuses(duration, "200000d", "out of range");
}

static void
ranges(void)
{
	is(option_integer("-x", "-5", -5, 100) == -5 &&
	    option_integer("-x", "100", -5, 100) == 100, "both ends");
	refuses(integer, "-6", "out of range");
	refuses(integer, "101", "out of range");
	refuses(integer, "", "not a number");
	for (const char *const *text = (const char *const []){ "1.0", "1e1", "0x1",
	    " 1", "1 ", "+1", "--1", "ten", NULL }; *text; text++)
		refuses(integer, *text, "not a whole number");
	is(option_decimal("-x", "1.2345", 3, 1, 5000) == 1234,
	    "a decimal is rounded to even");
	refuses(decimal, "0.0005", "out of range");
	refuses(decimal, "5.001", "out of range");
	refuses(decimal, "five", "not a number");
	is(option_double("-x", "2.5", 0, 10) == 2.5, "a double");
	refuses(number, "10.1", "out of range");
	refuses(number, "-0.1", "out of range");
	for (const char *const *text = (const char *const []){ "", "x", "1x",
	    "nan", "inf", "1e999", "1,5", NULL }; *text; text++)
		refuses(number, *text, "not a number");
}

static void
times(void)
{
	is(option_time("-x", "1.5") == 1500000000 &&
	    option_time("-x", "1970-01-01T00:00:01Z") == CLOCK_SECOND, "times");
	refuses(point, "noon", "not a time (Unix seconds or RFC 3339)");
	refuses(point, "-1", "not a time (Unix seconds or RFC 3339)");
}

static void
lists(void)
{
	char **names = option_list("-x", "pi1,b,\xC3\xA9");

	is(!strcmp(names[0], "pi1") && !strcmp(names[1], "b") &&
	    !strcmp(names[2], "\xC3\xA9") && !names[3], "three names");
	free(names);
	names = option_list("-x", "one");
	is(!strcmp(names[0], "one") && !names[1], "one name");
	free(names);
	for (const char *const *text = (const char *const []){ "", ",", "a,",
	    ",a", "a,,b", NULL }; *text; text++)
		refuses(list, *text, "an empty name");
	is(option_word("-x", "auto", words) == 0 &&
	    option_word("-x", "hold", words) == 2, "words");
	refuses(word, "Auto", "not one of auto, mean, hold");
	refuses(word, "", "not one of auto, mean, hold");
	refuses(word, "aut", "not one of auto, mean, hold");
}

/* ---- the whole command line */

static char taken[256];

static void
take(void *state, int letter, const char *argument)
{
	(void)state;
	snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%d=%s ",
	    letter, argument ? argument : "-");
}

/* `line` is cut at its spaces. */
static void
start(const char *line)
{
	static const struct option options[] = {
		{ "long", required_argument, NULL, OPTION_LONG },
		{ "flag", no_argument, NULL, OPTION_LONG + 1 }, { 0 }
	};
	static const struct option_program program = { "epi-unit",
		"usage: epi-unit\n", "H", options, take, NULL };
	char text[256], *argv[16], **operands;
	int argc = 0;

	strcpy(text, line);
	for (char *at = strtok(text, " "); at; at = strtok(NULL, " "))
		argv[argc++] = at;
	argv[argc] = NULL;
	taken[0] = '\0';
	operands = option_start(argc, argv, &program);
	for (; *operands; operands++)
		take(NULL, 0, *operands);
	if (write(STDERR_FILENO, taken, strlen(taken)) < 0)
		_exit(9);
}

static void
takes(const char *line, int status, const char *want)
{
	is(status_of(start, line) == status &&
	    strncmp(message, want, strlen(want)) == 0, "%s", line);
}

static void
quiet_start(const char *line)
{
	close(STDOUT_FILENO);
	start(line);
}

static void
command_lines(void)
{
	takes("x", 0, "");
	takes("x --long 1 -H --flag a b", 0, "256=1 72=- 257=- 0=a 0=b ");
	takes("x a --long=2 b", 0, "256=2 0=a 0=b ");
	takes("x -- --long", 0, "0=--long ");
	takes("x --lon 3 -", 0, "256=3 0=- ");
	takes("x --nope", 2, "epi-unit: no option --nope\n");
	takes("x -H -q", 2, "epi-unit: no option -q\n");
	takes("x --long", 2, "epi-unit: --long wants an argument\n");
	takes("x --flag=1", 2, "epi-unit: --flag=1 takes no argument\n");
	is(status_of(quiet_start, "x --help") == 1, "help that cannot be told");
}

int
main(void)
{
	lengths();
	ranges();
	times();
	lists();
	command_lines();
	return unit_finish();
}
