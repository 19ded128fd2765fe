/*
 * item: a question, from its record (epi-record(5)).
 */
#ifndef EPI_ASK_ITEM_H
#define EPI_ASK_ITEM_H

#include <stdbool.h>

#include "epi-ask/text.h"
#include "json.h"

enum { ITEM_CONTINUATIONS = 64 };

enum item_protocol {
	ITEM_GENERATE, /* what the model says is the answer */
	ITEM_LETTER,   /* loglik-letter */
	ITEM_LIKELY    /* loglik-cloze, and any other loglik-... */
};

enum item_kind {
	ITEM_WANTED,
	ITEM_OTHER,  /* a record of another type: passed over */
	ITEM_BAD     /* malformed; *why (static text) says so */
};

struct item {
	struct text line;      /* the record, a copy */
	struct json_value id, benchmark; /* spans of it; benchmark may be absent */
	struct text prompt;    /* the text itself */
	struct text continuations; /* theirs, one behind the other */
	size_t ends[ITEM_CONTINUATIONS]; /* of each, in there */
	size_t count;          /* of continuations */
	enum item_protocol protocol;
	bool one_letter;       /* gen-letter, or no protocol was said */
	int64_t max_tokens;    /* -1: the item says none */
	bool has_sha256;       /* the item had it */
	char sha256[TEXT_SHA256]; /* of the prompt */
};

/* Reads a line into an item that was used before, or is all zero. */
enum item_kind item_read(struct item *item, const char *line, size_t length,
    const char **why);
void item_free(struct item *item);

/* The i-th continuation; returns its length. */
size_t item_continuation(const struct item *item, size_t i, const char **at);

#endif
