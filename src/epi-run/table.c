#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "epi-run/result.h"
#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum { LINE = 2048, CELL = 64, COMMAND_MOST = 1024 };

static char line[LINE];
static size_t length;

static int64_t nodes; /* of the last run */
static bool simulated; /* one of them was */

static void put(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* What does not fit is cut. */
static void
put(const char *format, ...)
{
	va_list arguments;
	int n;

	va_start(arguments, format);
	n = vsnprintf(line + length, sizeof line - length, format, arguments);
	va_end(arguments);
	length += n < 0 ? 0 : (size_t)n;
	if (length >= sizeof line)
		length = sizeof line - 1;
}

static void
end_line(void)
{
	say_line(line);
	length = 0;
	line[0] = '\0';
}

/* The columns, those left out where no run has a figure for them. */

struct column {
	const char *title;
	size_t place, u_place; /* in struct figures */
	int decimals; /* below 0: four digits */
};

#define AT(member) offsetof(struct figures, member)
#define NO_U AT(none)

static const struct column columns[] = {
	{ "s", AT(seconds), NO_U, 3 },
	{ "J", AT(joules), AT(u_joules), 3 },
	{ "W", AT(watts), NO_U, 3 },
	{ "peak W", AT(peak_watts), NO_U, 3 },
	{ "tokens", AT(tokens), NO_U, 0 },
	{ "J/token", AT(joules_per_token), AT(u_joules_per_token), -1 },
	{ "tokens/s", AT(tokens_per_second), NO_U, 3 },
	{ "EPI, J/(token accuracy)", AT(epi), NO_U, -1 },
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static double
figure(const struct figures *of, size_t place)
{
	double value;

	memcpy(&value, (const char *)of + place, sizeof value);
	return value;
}

static bool
is_used(const struct column *column)
{
	size_t count;
	const struct figures *figures = repeat_figures(&count);

	for (size_t i = 0; i < count; i++)
		if (isfinite(figure(&figures[i], column->place)))
			return true;
	return false;
}

static void
put_cell(const struct figures *of, const struct column *column)
{
	double value = figure(of, column->place);
	double u = figure(of, column->u_place);
	char text[WRITE_UNCERTAIN + 1], *sign;

	if (!isfinite(value)) {
		put(" |");
	} else if (isfinite(u) && u > 0) {
		*write_uncertain(text, value, u) = '\0';
		sign = strstr(text, "+-");
		put(" %.*s\302\261%s |", (int)(sign - text), text, sign + 2);
	} else if (column->decimals < 0) {
		put(" %.4g |", value);
	} else {
		put(" %.*f |", column->decimals, value);
	}
}

static void
put_row(const char *head, const struct figures *of)
{
	put("| %s |", head);
	for (size_t i = 0; i < COLUMNS; i++)
		if (is_used(&columns[i]))
			put_cell(of, &columns[i]);
	end_line();
}

static void
put_head(void)
{
	put("| run |");
	for (size_t i = 0; i < COLUMNS; i++)
		if (is_used(&columns[i]))
			put(" %s |", columns[i].title);
	end_line();
	put("|:---|");
	for (size_t i = 0; i < COLUMNS; i++)
		if (is_used(&columns[i]))
			put("---:|");
	end_line();
}

/* In backticks, of which there may be none within. */
static void
put_command(void)
{
	put("`");
	for (char **word = run.command; *word; word++)
		put("%s%s", word == run.command ? "" : " ", *word);
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < ' ' || *at == '\177' ||
		    (*at == '`' && at > line))
			*at = ' ';
	if (length > COMMAND_MOST) /* at the begin of a character */
		for (length = COMMAND_MOST; (line[length] & 0xC0) == 0x80; )
			length--;
	put("`");
}

static void
put_title(void)
{
	put_command();
	put(": %lld node%s, epi-run %s%s", (long long)nodes,
	    nodes == 1 ? "" : "s", EPI_VERSION,
	    simulated ? ", **simulated**" : "");
	end_line();
	end_line();
}

/* llama-bench's tests. */

struct test {
	int64_t number; /* of the run */
	char *label;
	double tokens, seconds, joules;
};

static struct test *tests;
static size_t test_count;

void
table_take(void)
{
	nodes = result_nodes();
	simulated |= record_is(&result.energy, SIMULATED, JSON_TRUE);
	for (size_t i = 0; i < result.phase_count; i++) {
		const struct phase *phase = &result.phases[i];

		if (!phase->test || phase->count == 0)
			continue;
		tests = report_resize(tests, test_count + 1, sizeof *tests);
		tests[test_count++] = (struct test){ run.number,
			run_word(phase->label), phase->tokens, phase->seconds,
			phase->joules };
	}
}

static void
put_tests(void)
{
	if (!test_count)
		return;
	end_line();
	put("| run | test | tokens | s | tokens/s | J | J/token |");
	end_line();
	put("|:---|:---|---:|---:|---:|---:|---:|");
	end_line();
	for (size_t i = 0; i < test_count; i++) {
		const struct test *test = &tests[i];

		put("| %lld | %s | %.0f | %.3f | %.3f |",
		    (long long)test->number, test->label, test->tokens,
		    test->seconds, test->tokens / test->seconds);
		if (isfinite(test->joules))
			put(" %.3f | %.4g |", test->joules,
			    test->joules / test->tokens);
		else
			put(" | |");
		end_line();
	}
}

void
table_tell(void)
{
	size_t count;
	const struct figures *figures = repeat_figures(&count);
	struct figures spread;
	char number[CELL];

	if (!run.markdown || !count)
		return;
	put_title();
	put_head();
	for (size_t i = 0; i < count; i++) {
		snprintf(number, sizeof number, "%lld",
		    (long long)figures[i].number);
		put_row(number, &figures[i]);
	}
	if (repeat_count() > 1) {
		spread = repeat_median();
		put_row("median", &spread);
		spread = repeat_deviation();
		put_row("standard deviation", &spread);
	}
	put_tests();
}
