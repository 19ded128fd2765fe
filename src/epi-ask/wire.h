/*
 * wire: one HTTP exchange at a time and handle, by libcurl.
 *
 * What is sent suits the strictest server known, dllama-api: a whole request
 * at once behind each connect, HTTP/1.1, a Content-Length and never chunks, no
 * Expect.  Redirects are not followed: the token is for one endpoint.
 */
#ifndef EPI_ASK_WIRE_H
#define EPI_ASK_WIRE_H

#include <curl/curl.h>
#include <stdbool.h>

#include "epi-ask/text.h"

struct wire {
	char *base;       /* the URL without /v1 and without a last slash */
	const char *token; /* bearer token, or NULL */
	int64_t timeout_ns;
};

struct call {
	CURL *easy;
	struct text url;
	struct text sent, got; /* bodies; NUL behind `got` once it is over */
	bool events;           /* look at each arrival: see `arrived` */
	void (*arrived)(struct call *call);
	void *owner;
	int64_t begin_ns, begin_steady_ns, end_ns, end_steady_ns;
	bool too_big;
	long http_status;      /* 0: none came */
	double retry_after_seconds; /* of a refusal that names it, else 0 */
	char words[CURL_ERROR_SIZE];
	struct curl_slist *headers;
};

/* Ends the program where the URL is none (status 2) or memory is short. */
void wire_base(struct wire *wire, const char *text);
void wire_open(const struct wire *wire, struct call *call);
void wire_close(struct call *call);

/* Makes the handle ready: POST of `sent` if `post`, else GET. */
void wire_prepare(const struct wire *wire, struct call *call,
    const char *path, bool post);

/*
 * The exchange is over: closes its times, and says what became of it: NULL for
 * status 200 and a whole body, else the class of the failure, with `words`.
 */
const char *wire_outcome(struct call *call, CURLcode code);

/* A whole GET, waited for. */
const char *wire_get(const struct wire *wire, struct call *call,
    const char *path);

#endif
