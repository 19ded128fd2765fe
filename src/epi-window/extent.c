/* The first and the last sample. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-window/window.h"
#include "option.h"
#include "report.h"
#include "stream.h"

void
extent_note(int64_t t)
{
	if (!s.any || t < s.first_ns)
		s.first_ns = t;
	if (!s.any || t > s.last_ns)
		s.last_ns = t;
	s.any = true;
}
/* Standard input that is no file is copied into one that has no name, so that
 * it can be read again. */
static void
spool(void)
{
	struct stream in;
	struct block block;
	FILE *file = tmpfile();

	if (!file)
		report_fatal("temporary file: %s", strerror(errno));
	stream_attach(&in, STDIN_FILENO, "standard input");
	while (stream_next(&in, &block))
		if (fwrite(block.at, 1, (size_t)(block.end - block.at),
		    file) != (size_t)(block.end - block.at))
			break;
	if (fflush(file) == EOF || ferror(file) ||
	    dup2(fileno(file), STDIN_FILENO) < 0)
		report_fatal("temporary file: %s", strerror(errno));
	fclose(file);
	free(in.buffer);
}

/* What is malformed is left for the second reading to tell. */
static void
read_extent(int fd, const char *name)
{
	struct sample_reader reader = { .nodes = &s.names };
	struct sample sample;
	enum sample_kind kind;
	struct stream in;
	struct block block;

	stream_attach(&in, fd, name);
	while (stream_next(&in, &block))
		while ((kind = sample_next(&reader, &block, &sample)) !=
		    SAMPLE_END)
			if (kind == SAMPLE_POWER &&
			    option_listed(s.only_nodes, s.names.names[sample.node]))
				extent_note(sample.timestamp_ns);
	sample_forget(&reader);
	free(in.buffer);
}

static void
extent_of_standard_input(void)
{
	struct stat status;
	off_t at;

	if (fstat(STDIN_FILENO, &status) == 0 && !S_ISREG(status.st_mode)) {
		spool();
		at = lseek(STDIN_FILENO, 0, SEEK_SET);
	} else {
		at = lseek(STDIN_FILENO, 0, SEEK_CUR);
	}
	if (at >= 0)
		read_extent(STDIN_FILENO, "standard input");
	if (at < 0 || lseek(STDIN_FILENO, at, SEEK_SET) < 0)
		report_fatal("standard input: %s", strerror(errno));
}

static void
extent_of_file(const char *name)
{
	struct stat status;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &status) < 0 || S_ISDIR(status.st_mode))
		goto out; /* the second reading complains */
	if (!S_ISREG(status.st_mode))
		report_fatal("%s: -D wants to read it twice; give it on "
		    "standard input", name);
	read_extent(fd, name);
out:
	if (fd >= 0)
		close(fd);
}

/* -D counts from the last sample: the input is read twice. */
void
extent_find(char **operands)
{
	stream_signals();
	if (!*operands)
		extent_of_standard_input();
	for (; *operands; operands++)
		if (strcmp(*operands, "-") == 0)
			extent_of_standard_input();
		else
			extent_of_file(*operands);
}
