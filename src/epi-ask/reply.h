/*
 * reply: what an OpenAI-compatible endpoint's body says.
 *
 * A body is one JSON document, or a stream of events ("data: {...}").  It is
 * any bytes until it has been read; nothing here trusts it.
 */
#ifndef EPI_ASK_REPLY_H
#define EPI_ASK_REPLY_H

#include "epi-ask/item.h"

enum reply_kind {
	REPLY_CHAT,   /* choices[0].message.content */
	REPLY_COUNT,  /* usage alone */
	REPLY_ECHO,   /* token_logprobs of prompt and continuation */
	REPLY_TOP     /* the first token's likeliest rivals */
};

enum { REPLY_DETAIL = 200, REPLY_NAME = 32 };

struct reply {
	const char *error;   /* NULL, or the class: not_json, shape, too_long */
	char detail[REPLY_DETAIL]; /* in words; "" if there are none */
	bool no_logprobs;    /* an answer in order, but for its logprobs */
	struct text text;    /* what was said */
	char finish[REPLY_NAME];   /* finish_reason, "" if there is none */
	int64_t prompt_tokens, generated_tokens, cached_tokens; /* -1: unknown */
	double logprob;      /* of REPLY_ECHO; NAN: unknown */
	double logprobs[ITEM_CONTINUATIONS]; /* of REPLY_TOP, likewise */
	/* Of a stream: */
	bool events, ended;  /* there were events; the last one was there */
	size_t scanned;      /* bytes of the body taken so far */
};

void reply_start(struct reply *reply);
void reply_free(struct reply *reply);

/* A class with its words, cut to fit. */
void reply_fail(struct reply *reply, const char *error, const char *words);

/*
 * A document of status 200.  `before` is how many tokens the prompt has alone,
 * for REPLY_ECHO.  TEXT_BEHIND bytes behind the body are readable.
 */
void reply_read(struct reply *reply, enum reply_kind kind,
    const struct text *body, const struct item *item, int64_t before);

/* The events of a body that are whole; at its end (`last`), the rest. */
void reply_events(struct reply *reply, const struct text *body, bool last);

/* A body of another status: its message, and whether it says that the prompt
 * is too long (error too_long, else NULL). */
void reply_refusal(struct reply *reply, const struct text *body);

#endif
