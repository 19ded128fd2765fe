#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "epi-ask/journal.h"
#include "report.h"
#include "stream.h"

/* Names and requests are known by 128 bits of their SHA-256. */
struct journal_place {
	uint64_t question[2], request[2]; /* all zero: free */
	int64_t offset;
	size_t length; /* 0: there is no answer of before */
	bool asked;    /* by this process */
};

enum {
	KEY_TYPE, KEY_ID, KEY_BENCHMARK, KEY_ERROR, KEY_REQUEST, KEYS
};
static const char *const keys[KEYS] = {
	"type", "id", "benchmark", "error", "request_sha256"
};

static void
half(const char *hex, uint64_t out[2])
{
	char digits[17] = "";

	for (int i = 0; i < 2; i++) {
		memcpy(digits, hex + 16 * i, 16);
		out[i] = strtoull(digits, NULL, 16);
	}
}

static void
add_name(struct text *text, const struct json_value *name)
{
	long length = json_string(name, text_room(text, name->length + 1),
	    name->length + 1);

	if (length > 0)
		text->length += (size_t)length;
	text_add(text, "", 1);
}

static void
name_question(struct journal *journal, const struct json_value *benchmark,
    const struct json_value *id, uint64_t out[2])
{
	char hex[TEXT_SHA256];

	journal->scratch.length = 0;
	add_name(&journal->scratch, benchmark);
	add_name(&journal->scratch, id);
	text_sha256(&journal->scratch, hex);
	half(hex, out);
}

/* The place of a question, or the free one where it belongs. */
static struct journal_place *
find(const struct journal *journal, const uint64_t question[2])
{
	size_t i = (size_t)question[0];

	for (;; i++) {
		struct journal_place *place =
		    &journal->places[i & (journal->room - 1)];

		if ((place->question[0] == question[0] &&
		    place->question[1] == question[1]) ||
		    !(place->question[0] | place->question[1]))
			return place;
	}
}

static void
grow(struct journal *journal)
{
	struct journal before = *journal;

	journal->room = before.room ? before.room * 2 : 256;
	journal->places = report_resize(NULL, journal->room,
	    sizeof *journal->places);
	memset(journal->places, 0, journal->room * sizeof *journal->places);
	for (size_t i = 0; i < before.room; i++)
		if (before.places[i].question[0] | before.places[i].question[1])
			*find(journal, before.places[i].question) =
			    before.places[i];
	free(before.places);
}

static struct journal_place *
place_of(struct journal *journal, const uint64_t question[2])
{
	struct journal_place *place;

	if (journal->filled * 2 >= journal->room)
		grow(journal);
	place = find(journal, question);
	if (!(place->question[0] | place->question[1])) {
		memcpy(place->question, question, sizeof place->question);
		journal->filled++;
	}
	return place;
}

/* Whether an answer needs no asking again: what is too long stays so. */
static bool
settled(const struct json_value *error)
{
	return error->kind == JSON_NULL || error->kind == JSON_ABSENT ||
	    json_is(error, "too_long");
}

static void
note(struct journal *journal, const struct json_value *values, int64_t offset,
    size_t length)
{
	struct journal_place *place;
	uint64_t question[2];
	char hex[TEXT_SHA256] = "";

	if (!settled(&values[KEY_ERROR]))
		return;
	name_question(journal, &values[KEY_BENCHMARK], &values[KEY_ID],
	    question);
	place = place_of(journal, question);
	if (json_string(&values[KEY_REQUEST], hex, sizeof hex) !=
	    TEXT_SHA256 - 1)
		memset(hex, 'f', TEXT_SHA256 - 1); /* no request of ours */
	half(hex, place->request);
	place->offset = offset;
	place->length = length;
}

/* Whether a first line that was cut is the begin of an answer: a file of
 * somebody else's is not to be shortened. */
static bool
begins_answer(const char *line, size_t length)
{
	static const char begin[] = "{\"type\":\"answer\",";
	size_t most = sizeof begin - 1;

	return memcmp(line, begin, length < most ? length : most) == 0;
}

static bool
refuse(const struct journal *journal, uint64_t number, const char *why)
{
	report_error("%s:%llu: %s: the file is left as it is", journal->file,
	    (unsigned long long)number, why);
	return false;
}

/* A line that is no JSON: the cut end of a killed run goes, so that the next
 * answer begins a line. */
static bool
take_broken(struct journal *journal, const char *line, size_t length,
    uint64_t number, bool cut)
{
	if (number == 1 && !(cut && begins_answer(line, length)))
		return refuse(journal, number, "no answer record");
	if (!cut)
		report_malformed(journal->file, number, "not JSON");
	else if (ftruncate(journal->fd, (off_t)journal->end) < 0)
		return refuse(journal, number, strerror(errno));
	return true;
}

/* False: the file is none of answers (said). */
static bool
take_line(struct journal *journal, const char *line, size_t length,
    uint64_t number, bool cut)
{
	struct json_value values[KEYS];
	struct json_error error;

	if (length == 0)
		return true;
	if (!json_members(line, length, keys, KEYS, values, &error))
		return take_broken(journal, line, length, number, cut);
	if (!json_is(&values[KEY_TYPE], "answer") ||
	    values[KEY_ID].kind != JSON_STRING)
		return refuse(journal, number, "no answer record");
	note(journal, values, journal->end, length);
	if (cut && write(journal->fd, "\n", 1) != 1)
		return refuse(journal, number, strerror(errno));
	return true;
}

static bool
read_all(struct journal *journal)
{
	struct stream in;
	struct block block = { 0 };
	const char *text, *from;
	size_t length;
	uint64_t number = 1;
	bool good = true;

	stream_attach(&in, journal->fd, journal->file);
	while (good && stream_next(&in, &block))
		while (good && (from = block.at) < block.end) {
			block_line(&block, &text, &length);
			good = take_line(journal, text, length, number++,
			    in.cut);
			journal->end += block.at - from;
		}
	free(in.buffer); /* closing the descriptor would lose the lock */
	return good && !in.failed;
}

/* The record lock of POSIX: gone with the process, however it ends. */
static bool
take_lock(const struct journal *journal)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(journal->fd, F_SETLK, &lock) == 0)
		return true;
	report_error("%s: %s", journal->file, errno == EACCES ||
	    errno == EAGAIN ? "another epi-ask has it" : strerror(errno));
	return false;
}

static bool
is_output(const struct stat *status)
{
	struct stat output;

	return fstat(STDOUT_FILENO, &output) == 0 &&
	    output.st_dev == status->st_dev && output.st_ino == status->st_ino;
}

bool
journal_open(struct journal *journal, const char *file)
{
	struct stat status;

	journal->file = file;
	journal->fd = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC |
	    O_NOCTTY, 0666);
	if (journal->fd < 0 || fstat(journal->fd, &status) < 0) {
		report_error("%s: %s", file, strerror(errno));
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		report_error("%s: not a regular file", file);
		return false;
	}
	if (is_output(&status)) {
		report_error("%s: is standard output too: the answers are "
		    "kept in it, the set in order goes elsewhere", file);
		return false;
	}
	return take_lock(journal) && read_all(journal);
}

void
journal_close(struct journal *journal)
{
	if (journal->file && journal->fd >= 0 && close(journal->fd) < 0)
		report_error("%s: %s", journal->file, strerror(errno));
	free(journal->places);
	text_free(&journal->scratch);
}

static enum journal_look
read_record(struct journal *journal, const struct journal_place *place,
    struct text *record)
{
	ssize_t n = pread(journal->fd, text_room(record, place->length + 1),
	    place->length, (off_t)place->offset);

	if (n < 0 || (size_t)n < place->length) {
		report_error("%s: %s", journal->file, n < 0 ? strerror(errno)
		    : "it became shorter");
		return JOURNAL_FAILED;
	}
	record->length = place->length;
	text_say(record, "\n");
	return JOURNAL_ANSWERED;
}

enum journal_look
journal_look(struct journal *journal, const struct item *item,
    const char request[TEXT_SHA256], struct text *record)
{
	struct journal_place *place;
	uint64_t question[2], wanted[2];

	name_question(journal, &item->benchmark, &item->id, question);
	place = place_of(journal, question);
	if (place->asked)
		return JOURNAL_TWICE;
	place->asked = true;
	if (place->length == 0)
		return JOURNAL_NEW;
	half(request, wanted);
	if (memcmp(wanted, place->request, sizeof wanted) != 0)
		return JOURNAL_OTHERWISE;
	record->length = 0;
	return read_record(journal, place, record);
}

void
journal_add(struct journal *journal, const struct text *record)
{
	size_t done = 0;

	while (journal->file && done < record->length) {
		ssize_t n = write(journal->fd, record->at + done,
		    record->length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			report_fatal("%s: %s", journal->file, strerror(errno));
		done += (size_t)n;
	}
}
