#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "stream-map.h"

enum {
	CHUNK = 2 << 20,   /* what a processor can map in one entry */
	LEAST = 4 * CHUNK  /* a smaller file is read */
};

/* What is mapped now, and where: the place begins at a multiple of CHUNK, or the
 * processor needs an entry for every page. */
static const struct stream *mapped;
static const char *name;
static char *place;

void
map_lost(void)
{
	report_fatal("%s: changed while it was read, or its disk failed", name);
}

static void
on_bus(int number, siginfo_t *information, void *context)
{
	struct sigaction as_before = { .sa_handler = SIG_DFL };
	const char *at = information->si_addr;

	(void)context;
	if (place && at >= place && at < place + CHUNK)
		map_lost();
	sigaction(number, &as_before, NULL); /* it comes again, and ends all */
}

void
map_begin(struct stream *in)
{
	struct sigaction action = { .sa_flags = SA_SIGINFO };
	struct stat status;
	off_t at;

	if (mapped || fstat(in->fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size < LEAST)
		return;
	at = lseek(in->fd, 0, SEEK_CUR);
	action.sa_sigaction = on_bus;
	sigemptyset(&action.sa_mask);
	if (at < 0 || sigaction(SIGBUS, &action, NULL) < 0)
		return;
	mapped = in;
	name = in->name;
	in->mapped = true;
	in->size = status.st_size;
	in->chunk = in->chunk_end = NULL;
	in->next_chunk = at;
}

/* In twice the room there is a place for a chunk, wherever it begins. */
static bool
find_place(int fd)
{
	char *room = mmap(NULL, (size_t)2 * CHUNK, PROT_NONE, MAP_SHARED, fd, 0);

	if (room == MAP_FAILED)
		return false;
	place = room + (-(uintptr_t)room & (CHUNK - 1));
	return true;
}

/* The chunk that the next byte is in, if the file has all of it and all of it is
 * to be read. */
static bool
next_chunk(struct stream *in)
{
	int64_t skipped = in->next_chunk % CHUNK, from = in->next_chunk - skipped;
	int64_t length = CHUNK - skipped;
	struct stat status;

	if (fstat(in->fd, &status) < 0 || status.st_size - from < CHUNK ||
	    (in->left >= 0 && in->left < length) ||
	    (!place && !find_place(in->fd)))
		return false;
	if (mmap(place, CHUNK, PROT_READ, MAP_SHARED | MAP_FIXED, in->fd,
	    (off_t)from) == MAP_FAILED) {
		place = NULL; /* what was mapped there may be gone, the place anyone's */
		return false;
	}
	in->chunk = place + skipped;
	in->chunk_end = place + CHUNK;
	in->next_chunk += length;
	if (in->left >= 0)
		in->left -= length;
	return true;
}

bool
map_lend(struct stream *in, struct block *block)
{
	const char *end;

	if (!in->mapped || in->filled > in->start || in->skipping ||
	    in->chunk_end - in->chunk <= STREAM_READ)
		return false;
	end = stream_last_newline(in->chunk, in->chunk_end - STREAM_PADDING);
	if (!end)
		return false;
	block->at = in->chunk;
	block->end = in->chunk = end + 1;
	block->line = in->line;
	return true;
}

/* From the begin of a chunk the lines that begin before its margin ends, and
 * what is left of it in the end. */
size_t
map_copy(struct stream *in)
{
	const char *newline;
	size_t n;

	if (in->chunk == in->chunk_end && !next_chunk(in)) {
		in->mapped = false;
		map_end(in);
		if (lseek(in->fd, (off_t)in->next_chunk, SEEK_SET) < 0)
			report_fatal("%s: %s", in->name, strerror(errno));
		return 0;
	}
	n = (size_t)(in->chunk_end - in->chunk);
	if (n > STREAM_READ) {
		newline = memchr(in->chunk + STREAM_MARGIN, '\n',
		    STREAM_READ - STREAM_MARGIN);
		n = newline ? (size_t)(newline + 1 - in->chunk) : STREAM_READ;
	}
	memcpy(in->buffer + in->filled, in->chunk, n);
	in->chunk += n;
	return n;
}

void
map_look_back(const struct stream *in)
{
	struct stat status;

	if (in->size == 0 || fstat(in->fd, &status) < 0 ||
	    status.st_size >= in->size)
		return;
	name = in->name;
	map_lost();
}

void
map_end(const struct stream *in)
{
	if (mapped == in)
		mapped = NULL;
}
