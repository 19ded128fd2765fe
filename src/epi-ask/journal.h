/*
 * journal: the answers of before, and where new ones are kept at once.
 *
 * The file is NDJSON of answer records in the order in which they were whole.
 * An answer is appended with one write(2) before anything else is done with
 * it, so that of a killed run at most the last line is cut; opening the file
 * again takes that line away.  One process at a time has it.
 */
#ifndef EPI_ASK_JOURNAL_H
#define EPI_ASK_JOURNAL_H

#include "epi-ask/item.h"

struct journal_place;

struct journal {
	const char *file;     /* NULL: none; only what was asked is known */
	int fd;
	int64_t end;          /* of its whole lines */
	struct journal_place *places; /* open addressing, a power of two */
	size_t room, filled;
	struct text scratch;
};

enum journal_look {
	JOURNAL_NEW,       /* to be asked */
	JOURNAL_ANSWERED,  /* the record of before is in *record */
	JOURNAL_TWICE,     /* a question of this input had these names */
	JOURNAL_OTHERWISE, /* answered, but asked with another request */
	JOURNAL_FAILED     /* the file cannot be read (said, status 1) */
};

/* Creates the file where it is not there; False: refused (said, status 1). */
bool journal_open(struct journal *journal, const char *file);
void journal_close(struct journal *journal);

enum journal_look journal_look(struct journal *journal,
    const struct item *item, const char request[TEXT_SHA256],
    struct text *record);

/* A record with its newline; a file that does not take it ends the program. */
void journal_add(struct journal *journal, const struct text *record);

#endif
