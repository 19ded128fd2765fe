/*
 * request: the bodies that ask a question.
 */
#ifndef EPI_ASK_REQUEST_H
#define EPI_ASK_REQUEST_H

#include "epi-ask/engine.h"
#include "epi-ask/item.h"
#include "epi-ask/reply.h"

struct request {
	enum engine engine;
	const char *model;   /* NULL: none is named */
	int64_t max_tokens;  /* -1: as the item says, or the default */
	int64_t seed;
	double temperature;
	bool stream;
};

enum {
	REQUEST_MAX_TOKENS_LETTER = 4, /* gen-letter, where the item says none */
	REQUEST_MAX_TOKENS = 128,      /* any other */
	REQUEST_TOP = 64               /* rivals asked for: letters are among them */
};

/* NULL, or why the engine cannot be asked such an item. */
const char *request_refuses(const struct request *request,
    const struct item *item);

/* A question is asked in one exchange or several, one after the other. */
size_t request_steps(const struct request *request, const struct item *item);
enum reply_kind request_kind(const struct request *request,
    const struct item *item, size_t step);
const char *request_path(enum reply_kind kind);
void request_body(const struct request *request, const struct item *item,
    size_t step, struct text *body);

/* Of all that is asked, paths and bodies. */
void request_sha256(const struct request *request, const struct item *item,
    char hex[TEXT_SHA256]);

void request_forget(void);

#endif
