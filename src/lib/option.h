/*
 * option: what stands on a command line, checked.
 *
 * Each reader takes the option's name as the user typed it ("--rate") and its
 * text; a wrong text ends the program with one line and status 2.
 * Floor: first.  One of the four modules that may print or exit.
 */
#ifndef EPI_OPTION_H
#define EPI_OPTION_H

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A program's face.  `help` is the whole help text; it starts with "usage: "
 * and is what -h prints on standard output.
 */
struct option_program {
	const char *name;             /* "epi-window" */
	const char *help;
	const char *letters;          /* getopt letters beside h, "" if none; a +
	                                 before them: the first operand ends the
	                                 options, which are its own from there */
	const struct option *options; /* long options, ended by an empty one;
	                                 help and version are added */
	void (*take)(void *state, int letter, const char *argument);
	void *state;
};

/* Values for long options that have no letter start here. */
enum { OPTION_LONG = 256 };

/*
 * Starts the program: holds standard descriptors that are closed (using one
 * fails, and no file can take its place), names the program for messages,
 * answers --help and --version (these exit), hands every other option to
 * `take`, and returns the operands, a NULL behind them.
 */
char **option_start(int argc, char **argv, const struct option_program *program);

/* A decimal number within [low, high], times 10^scale as json_decimal. */
int64_t option_decimal(const char *name, const char *text, int scale,
    int64_t low, int64_t high);

/* A whole number within [low, high]. */
int64_t option_integer(const char *name, const char *text, int64_t low,
    int64_t high);

/* A finite number within [low, high]. */
double option_double(const char *name, const char *text, double low,
    double high);

/* A duration in ns, > 0: "90", "90s", "1.5m", "250ms", "20us", "2h", "7d". */
int64_t option_duration(const char *name, const char *text);

/* A point in time in ns: Unix seconds or RFC 3339. */
int64_t option_time(const char *name, const char *text);

/* One of the words of a NULL-ended list; returns its index. */
int option_word(const char *name, const char *text, const char *const *words);

/*
 * "a,b,c" cut into its words; an empty word is an error.  The caller frees
 * the list alone (the words live in the same memory); NULL-ended.
 */
char **option_list(const char *name, const char *text);

/* Whether a word is in such a list; every word is in the list NULL. */
bool option_listed(char *const *list, const char *word);

#endif
