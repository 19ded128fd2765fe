/*
 * question: an item under way, and the answer record that it becomes.
 */
#ifndef EPI_ASK_QUESTION_H
#define EPI_ASK_QUESTION_H

#include "epi-ask/engine.h"
#include "epi-ask/item.h"
#include "epi-ask/reply.h"
#include "epi-ask/request.h"

enum question_state {
	QUESTION_WAITING, /* for its time, or for a handle */
	QUESTION_ASKED,
	QUESTION_DONE     /* its record is whole */
};

struct question {
	enum question_state state;
	struct item item;
	char request_sha256[TEXT_SHA256];
	struct text record;
	size_t step;          /* the exchange under way, from 0 */
	int64_t tries;        /* of this step */
	int64_t attempts;     /* of all steps, those that failed included */
	int64_t not_before_ns; /* of the steady clock */
	struct text retried;  /* JSON: the attempts that failed */

	/* What the exchanges gave. */
	const char *error;    /* NULL, or a class */
	char detail[REPLY_DETAIL];
	long http_status;
	int64_t begin_ns, begin_steady_ns, end_ns, end_steady_ns;
	int64_t attempt_begin_ns;
	int64_t first_steady_ns; /* the first token of a stream; 0: none */
	int64_t prompt_tokens, generated_tokens, cached_tokens; /* -1: unknown */
	int64_t before;       /* tokens of the prompt alone */
	double logprobs[ITEM_CONTINUATIONS];
	struct text said;
	char finish[REPLY_NAME];
};

/* Before the first exchange. */
void question_start(struct question *question);
void question_free(struct question *question);

/* An exchange that is over, good or failed, into what is known. */
void question_take(struct question *question, const struct call *call,
    const struct reply *reply, enum reply_kind kind);

/* Its failure among those that were tried again. */
void question_again(struct question *question);

/* Whether the question was never answered. */
bool question_unanswered(const struct question *question);

/* Whether `record`, an answer of before, says of its item what the item says
 * now; else `key` is what differs. */
bool question_fits(const struct question *question, struct json_value *key);

/* Writes `record`, newline included. */
void question_record(struct question *question, const struct request *request,
    const struct engine_facts *facts);

#endif
