/*
 * text: bytes that grow and are used again, and JSON written into them.
 *
 * A record that waits for its predecessors, and goes to two places, cannot be
 * composed on standard output.  A struct text starts as all zero; text_free
 * gives back its memory.
 */
#ifndef EPI_ASK_TEXT_H
#define EPI_ASK_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *at;
	size_t length, room;
};

/* Room for `length` more bytes, TEXT_BEHIND readable ones behind them. */
enum { TEXT_BEHIND = 64 };
char *text_room(struct text *text, size_t length);
void text_free(struct text *text);

void text_add(struct text *text, const char *bytes, size_t length);
void text_say(struct text *text, const char *words);
/* A NUL behind, not counted. */
const char *text_end(struct text *text);

/* Values; a key puts its comma. */
void text_key(struct text *text, const char *key);
void text_integer(struct text *text, int64_t value);
void text_double(struct text *text, double value);  /* not finite: null */
void text_quote(struct text *text, const char *bytes, size_t length);
void text_string(struct text *text, const char *words);   /* NULL: null */
void text_time(struct text *text, int64_t ns);      /* seconds, 6 decimals */
void text_count(struct text *text, int64_t count);  /* below 0: null */

/* SHA-256 as 64 hex digits and a NUL. */
enum { TEXT_SHA256 = 65 };
void text_sha256(const struct text *text, char hex[TEXT_SHA256]);

#endif
