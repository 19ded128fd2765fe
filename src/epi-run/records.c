#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compose.h"
#include "epi-run/result.h"
#include "epi-run/run.h"
#include "report.h"
#include "stream.h"

enum { HOST_NAME = 256 };

static int first = -1;    /* of run 1, opened before anything is run */

/* Since the last time. */
static double
own_seconds(void)
{
	static double told;
	double before = told;
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	told = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	return told - before;
}

static void
compose_words(const char *const *words)
{
	compose_begin('[');
	while (*words)
		compose_string(*words++);
	compose_end(']');
}

static void
compose_times(void)
{
	compose_key("begin");
	compose_time(run.begin_ns);
	compose_key("end");
	compose_time(run.end_ns);
	compose_key("seconds");
	compose_seconds(run.end_ns - run.begin_ns);
	compose_key("status");
	compose_integer(child_status(run.status));
	compose_key("signal");
	if (WIFSIGNALED(run.status))
		compose_integer(WTERMSIG(run.status));
	else
		compose_null();
}

static void
compose_where(void)
{
	char host[HOST_NAME] = "";

	gethostname(host, sizeof host - 1);
	compose_key("source");
	if (run.tap)
		compose_words((const char *const *)run.tap);
	else
		compose_string(run.trace ? run.trace : run.source);
	compose_key("host");
	compose_string(*host ? host : NULL);
	compose_key("version");
	compose_string(EPI_VERSION);
}

static void
compose_warnings(void)
{
	if (!run.silent && !run.step_ns)
		return;
	compose_key("warnings");
	compose_begin('[');
	if (run.silent)
		compose_string("silent: no samples came, and the command was "
		    "told to end");
	if (run.step_ns)
		compose_string("clock-step: the host's clock was set "
		    "meanwhile; the times are by it as it was before");
	compose_end(']');
}

static void
compose_run(void)
{
	compose_open();
	compose_key("timestamp");
	compose_time(run.begin_ns);
	compose_key("type");
	compose_string("run");
	compose_key("command");
	compose_words((const char *const *)run.command);
	compose_times();
	compose_where();
	compose_figure("own_cpu_seconds", own_seconds());
	if (run.repetitions > 1) {
		compose_key("run");
		compose_integer(run.number);
	}
	compose_warnings();
	if (record_is(&result.energy, SIMULATED, JSON_TRUE)) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_close();
}

static void
copy(void *state, const struct feed_record *record)
{
	(void)state;
	stream_pass(record->line, record->length);
}

static void
copy_accuracy(void *state, const struct feed_record *record)
{
	static const char *const key = "type";
	struct json_value type;
	struct json_error error;

	if (json_members(record->line, record->length, &key, 1, &type,
	    &error) && json_is(&type, "accuracy"))
		copy(state, record);
}

static void
forget(const char *name)
{
	struct stat status;

	if (stat(name, &status) == 0 && S_ISREG(status.st_mode))
		unlink(name);
}

/* What a pattern of these names would find too. */
static void
warn_of_more(void)
{
	run.number = run.repetitions + 1;
	if (run.repetitions > 1 &&
	    access(run_numbered(run.records), F_OK) == 0)
		report_warning("%s: is there, of more runs at another time, "
		    "and stays", run_numbered(run.records));
}

static void
check_written(const char *name)
{
	struct stat ours, theirs;

	if (!name || stat(name, &ours) < 0)
		return;
	for (char **file = run.accuracy; file && *file; file++)
		if (stat(*file, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
		    ours.st_ino == theirs.st_ino)
			report_usage("--accuracy: %s: is to be written "
			    "to, as %s", *file, name);
}

void
records_check(void)
{
	if (!run.accuracy)
		return;
	check_written(run.records);
	check_written(run.marks);
	if (run.detached)
		check_written(detach_log());
	for (run.number = 1; run.number <= run.repetitions; run.number++) {
		if (run.records)
			check_written(run_numbered(run.records));
		if (run.saved)
			check_written(run_numbered(run.saved));
	}
}

/* The name without a number is that of the score of all. */
void
records_open(void)
{
	if (!run.records)
		return;
	if (run.accuracy && run.repetitions > 1)
		forget(run.records);
	for (run.number = run.repetitions; run.number > 1; run.number--)
		forget(run_numbered(run.records));
	warn_of_more();
	run.number = 1;
	first = run_open(run_numbered(run.records), O_WRONLY | O_CREAT |
	    O_TRUNC);
}

/* Standard output is these files, one after the other; the command's is a
 * descriptor of pass. */
static void
direct(char *name)
{
	int fd = run.number == 1 ? first : run_open(name, O_WRONLY |
	    O_CREAT | O_TRUNC);

	stream_output(fd, name);
	close(fd);
}

static void
end(const char *name)
{
	stream_flush();
	if (close(STDOUT_FILENO) < 0)
		report_error("%s: %s", name, strerror(errno));
	if (open("/dev/null", O_WRONLY) != STDOUT_FILENO)
		report_fatal("/dev/null: %s", strerror(errno));
}

void
records_write(void)
{
	char *name;

	if (!run.records)
		return;
	name = run_numbered(run.records);
	direct(name);
	compose_run();
	records_read(run_file("marks"), copy);
	records_read(result.energy_file, copy);
	records_read(result.tokens_file, copy);
	for (char **file = run.accuracy; file && *file; file++)
		records_read(*file, copy_accuracy);
	records_read(result.score_file, copy);
	end(name);
}

void
records_write_score(char *name)
{
	if (!run.records)
		return;
	direct(run_word(run.records));
	records_read(name, copy);
	end(run.records);
}
