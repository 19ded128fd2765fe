/*
 * run: a command, and everything around it that has to begin and end in order.
 *
 * keeper outlives the program and ends what it leaves behind; child starts
 * processes, filter those of ours; turn waits for whatever comes next, signals
 * among it; source begins and ends the power samples, trace reads them as they
 * come, listen whether they come; pass hands on what the command writes; mark
 * notes times; once is one run, from its first sample on, phase the times
 * within it; result makes figures of it, tell says them, score makes the EPI of
 * them, records writes them; repeat is what several runs come to, table all of
 * that in Markdown; say keeps what is told, for notify; detach leaves the
 * terminal.
 * Times are those of the host's clock in ns where they go into records, by time,
 * which steps do not move; and CLOCK_MONOTONIC, called steady, where something is
 * waited for.
 */
#ifndef EPI_RUN_RUN_H
#define EPI_RUN_RUN_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TERMINAL_AUTO, TERMINAL_ALWAYS, TERMINAL_NEVER };

struct run {
	/* As the command line has it; NULL: not given. */
	char **command;
	const char *source;        /* for a shell, or */
	const char **tap;          /* the words of epi-tap, NULL-ended, or */
	const char *trace;         /* a trace that somebody else writes */
	const char *saved, *records, *marks;
	const char *format, *prompt_tokens;
	const char *notify;        /* for a shell */
	int64_t notify_ns;
	bool detached, markdown;
	char **accuracy, **score_options; /* NULL-ended, or NULL */
	bool no_tokens, of_tokens; /* of_tokens: the span is that of the log */
	int terminal;
	int64_t warmup_ns, idle_ns, idle_after_ns, wait_ns, silence_ns;
	bool keep_going;
	int64_t repetitions;

	char *path;                /* for our own filters: $PATH, and before
	                              it the folder that we were called in */
	char *folder;              /* of our own files, keeper's to remove;
	                              NULL: there is none */
	int interrupted;           /* the last signal that would end a program */
	volatile pid_t pid;        /* of the command, while it runs; below 0:
	                              a group of its own */

	/* Of the run under way. */
	int64_t number;            /* from 1 */
	int64_t begin_ns, end_ns;  /* of the command; end 0: it runs */
	int status;                /* as wait(2) has it */
	bool source_left;          /* the source ended before it was told to */
	bool silent;               /* no sample came for --silence: it ends */
	bool uncovered;            /* samples did not reach the end in time */
	int64_t step_ns;           /* the host's clock was set by so much */
};

extern struct run run;

/* Words that last as long as we do: a copy, and a file in the folder. */
char *run_word(const char *text);
char *run_file(const char *name);
/* A name given by the user, of this one of several runs: run-2.ndjson. */
char *run_numbered(const char *name);
/* A descriptor that no child inherits; a failure ends the program. */
int run_open(const char *name, int flags);
/* Two such ends of a pipe. */
void run_pipe(int ends[2]);

/*
 * time: the host's clock as it stood at the start, from where on it is that of the
 * samples: these do not follow when it is set, and no more do our times.
 */
void time_start(void);
int64_t time_now(void);
int64_t time_step(void); /* by how much it was set since; 0: it was not */

/*
 * keeper: a process that waits for our end, however that comes, kill -9
 * included; then it ends what it still holds, by SIGTERM and, two seconds
 * later, SIGKILL, and removes the folder with the files in it.
 */
void keeper_start(const char *folder);
/* In a child, before it becomes another program; a group is below 0. */
void keeper_hold(pid_t pid);
/* It was waited for. */
void keeper_release(pid_t pid);
/* Our own end: returns when the keeper has done its part. */
void keeper_end(void);

struct child {
	char *const *words;
	int in, out, err;   /* -1: ours */
	int leash;          /* left open in it, or -1 */
	bool group;         /* of its own: a terminal's signals pass it by */
	bool ours;          /* a filter of ours, found beside us */
	bool steady;        /* no signal but SIGKILL ends it before its end */
};

/* -1: it could not be started (errno). */
pid_t child_start(const struct child *child);
/* Waits; the status as wait(2) has it. */
int child_wait(pid_t pid, bool group);
/* A filter of ours, that a signal does not cut short; a failure to start it ends
 * the program.  What it has to say it says itself; false: it said so. */
pid_t filter_start(char *const *words, int in, int out);
bool filter_end(const char *name, pid_t pid);
/* As a shell tells it: 128 and the signal, or the exit status. */
int child_status(int status);

/* signals: those that end programs, USR1 and USR2, go on to the command unless
 * the terminal sent them to both of us; a second one within two seconds kills
 * the command and us.  What was ignored stays ignored. */
void signals_catch(void);
/* None comes, up to where `before` is set again. */
void signals_hold(sigset_t *before);
/* In a child: everything as we found it, or, steady, what ends programs unless
 * they expect it ignored. */
void signals_restore(bool steady);
int signals_fd(void);
void signals_take(void);

/* turn: one wait for signals, the source's end and the command's output, and
 * what follows from them.  `until`: steady time, or TURN_LONG.  False: nothing
 * came until then. */
#define TURN_LONG INT64_MAX
bool turn(int64_t until_ns);
/* The steady time in so long, at most TURN_LONG. */
int64_t turn_in(int64_t ns);

/* source */
void source_start(void);
/* A descriptor that becomes readable when all of the source's processes ended,
 * or -1: there is none. */
int source_fd(void);
void source_unleashed(void); /* it is readable */
void source_reap(void);      /* some child ended */
/* SIGTERM, and for three seconds time to write what is pending. */
void source_stop(void);
/* The file that the samples are in. */
const char *source_trace(void);

/* trace: what the source has written so far; opened anew for each run. */
void trace_open(const char *name, bool from_end);
void trace_read(void);
void trace_skip(void);    /* all but the last 64 KiB */
/* Each node that was announced has a sample, and one has two. */
bool trace_ready(void);
/* NULL, or a node that was announced and did not come yet. */
const char *trace_missing(void);
/* How far behind this time the latest sample is, and how far apart the last two of
 * its node are. */
int64_t trace_lag(int64_t ns, int64_t *interval_ns);
/* Every node has a sample at that time or later. */
bool trace_covers(int64_t ns);
/* How many there were. */
uint64_t trace_samples(void);

/* listen: turn, and all the while an ear for the samples: without any for
 * --silence the run is silent, and the command told to end. */
void listen_start(void);
void listen_turn(int64_t until_ns);

/* pass: the command's standard output and error to ours, and to the log; opened
 * anew for each run.  Standard output is left to others. */
enum { PASS_POLLS = 2 };
void pass_start(void);        /* once, before all */
void pass_open(int terminal, const char *log);
int pass_end(int fd);         /* the command's end for 1 or 2 */
void pass_started(void);      /* it has them: ours of those are closed */
void pass_poll(struct pollfd polls[PASS_POLLS]);
void pass_turn(const struct pollfd polls[PASS_POLLS]);
void pass_resize(void);       /* our terminal has another size */
/* The command ended: what it has written still comes, and nothing else. */
void pass_finish(void);

/* mark: what happened when, in the file "marks" and for --marks, and what the
 * windows are, in "spans"; both begin anew for each run. */
void mark_open(void);
enum mark_use {
	MARK_SPAN = 1,  /* a window too */
	MARK_EVENT = 2  /* a mark in the records too */
};
void mark_put(const char *label, bool end, int64_t ns, unsigned use);
/* A mark that the command made itself; without its newline. */
void mark_copy(const char *line, size_t length);

/* once: one run.  Its status, as that of epi-run; run.end_ns is 0 where the
 * command was not run. */
void once_start(void);        /* before the first one */
int once(void);
/* A command that runs still, where there is no way on: SIGTERM, and SIGKILL two
 * seconds later. */
void once_end(void);

/* phase: the times within a run.  The command makes marks of its own in the
 * file that EPI_MARKS names; where it makes none, those of prefill and decode
 * follow from the engine's log, where that lets them be told. */
void phase_start(void);       /* there are none so far */
/* NULL, or why the log does not let them be told. */
struct record;
const char *phase_marks(const struct record *tokens);

/* result: windows, integrates, counts, tells, and writes the records.  A figure
 * that is refused is an error that is said. */
void result_check(void); /* before any run: ends where the options are none of
                            epi-tokens */
void result_tell(void);

/* say: what is told by report, from now on, is kept. */
void say_start(void);
void say_line(const char *line); /* as it is: a table's */
const char *say_told(size_t *bytes);

/* notify: the command of --notify, and so much time for it. */
void notify(int status);

/* detach: goes on as another process, of a session of its own, that says so;
 * then the one that was called ends. */
void detach(void);
const char *detach_log(void); /* where all goes that is told from then on */

/* records: to --records, each run to a file of its own. */
void records_check(void);  /* no file that we write is one of --accuracy */
void records_open(void);   /* those of an earlier time are gone */
void records_write(void);
void records_write_score(char *name); /* of all runs, from this file */

/* score: of each run and of all, where there is an accuracy. */
void score_check(void);  /* before any run: ends where that is none */
void score_run(void);
void score_keep(void);   /* its records are written: it counts */
void score_all(void);

/* table: for --markdown. */
void table_take(void);   /* this run's */
void table_tell(void);

/* repeat: the figures of each run, and what they come to; what is not known is
 * NAN. */
struct figures {
	double joules; /* NAN: the run does not count */
	double seconds, watts, peak_watts, tokens, joules_per_token,
	    tokens_per_second, epi, u_joules, u_joules_per_token;
	double none;   /* NAN */
	int64_t number; /* of the run */
};
void repeat_take(const struct figures *of);
void repeat_score(double epi);       /* of the run last taken, too */
void repeat_tell(void);
size_t repeat_count(void);           /* of the runs that count */
struct figures repeat_median(void);  /* of each figure, of those */
struct figures repeat_deviation(void);
const struct figures *repeat_figures(size_t *number); /* of all */

#endif
