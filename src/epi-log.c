/* epi-log - records into an SQLite database */
/* link: -lsqlite3 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db.h"
#include "epi-log/log.h"
#include "option.h"
#include "report.h"
#include "sample.h"
#include "stream.h"

static const char help[] =
"usage: epi-log [--run ID] [--tee] DB [FILE ...]\n"
"Keep all records of the input in the SQLite database DB (see epi-db(5)); one\n"
"that is there already is kept once.\n"
"\n"
"      --run ID   the run of records that name none\n"
"      --tee      pass the records on, too\n"
"  -h, --help     show this and exit\n"
"      --version  show the version and exit\n"
"\n"
"Example: epi-tap /dev/ttyACM0 | epi-log --tee power.db | epi-watch\n";

enum { RUN = OPTION_LONG, TEE };

#define COMMIT_NS CLOCK_SECOND /* what is at stake when the power fails */

static struct {
	struct log log;
	const char *run;
	bool tee;
} s = { .run = "" };

static void
take(struct sample_reader *reader, enum sample_kind kind,
    const struct sample *sample, const char *file)
{
	if (kind == SAMPLE_BAD)
		report_malformed(file, reader->line_number, "%s",
		    reader->error);
	else
		log_add(&s.log, &(struct log_entry){
			.line = reader->line, .length = reader->length,
			.sample = kind == SAMPLE_POWER ? sample : NULL,
			.file = file, .line_number = reader->line_number
		});
	if (s.tee)
		stream_pass(reader->line, reader->length);
}

/* Waits for input no longer than the records that are not yet safe may wait. */
static void
wait_for_input(const struct stream *in)
{
	struct pollfd ask = { in->fd, POLLIN, 0 };
	int64_t left_ns;

	if (s.log.waiting_count == 0)
		return;
	if (poll(&ask, 1, 0) > 0)
		return;
	stream_flush();
	left_ns = s.log.waits_ns + COMMIT_NS - clock_steady();
	if (left_ns > 0 && poll(&ask, 1, (int)(left_ns / 1000000) + 1) != 0)
		return;
	log_commit(&s.log);
}

static void
read_file(const char *operand, struct sample_reader *reader)
{
	struct stream in;
	struct block block;
	struct sample sample;
	enum sample_kind kind;

	if (!stream_open(&in, operand))
		return;
	for (;;) {
		wait_for_input(&in);
		if (!stream_next(&in, &block))
			break;
		while ((kind = sample_next(reader, &block, &sample)) !=
		    SAMPLE_END)
			take(reader, kind, &sample, in.name);
		if (s.log.waiting_count > 0 &&
		    clock_steady() - s.log.waits_ns >= COMMIT_NS)
			log_commit(&s.log);
	}
	stream_close(&in);
}

/* SQLite puts /dev/null where a standard descriptor is closed: looked at
 * before, or nothing would be read without a word. */
static bool
is_readable(char **files)
{
	for (; *files; files++)
		if (strcmp(*files, "-") == 0 &&
		    fcntl(STDIN_FILENO, F_GETFD) < 0) {
			report_error("standard input: %s", strerror(errno));
			return false;
		}
	return true;
}

static void
take_option(void *state, int letter, const char *argument)
{
	(void)state;
	if (letter == RUN)
		s.run = argument;
	else
		s.tee = true;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "run", required_argument, NULL, RUN },
		{ "tee", no_argument, NULL, TEE },
		{ 0 }
	};
	static const struct option_program program = {
		"epi-log", help, "", options, take_option, NULL
	};
	static char dash[] = "-", *standard_input[] = { dash, NULL };
	char **operands = option_start(argc, argv, &program), **files;
	static struct sample_nodes nodes;
	struct sample_reader reader = { .nodes = &nodes };

	if (!operands[0])
		report_usage("wants a database: DB");
	files = operands[1] ? operands + 1 : standard_input;
	stream_signals();
	if (!is_readable(files))
		return stream_finish();
	if (!log_open(&s.log, operands[0], s.run, &nodes) && !s.tee)
		return stream_finish();
	for (; *files; files++)
		read_file(*files, &reader);
	log_close(&s.log);
	sample_forget(&reader);
	return stream_finish();
}
