#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "epi-ask/wire.h"
#include "report.h"

enum {
	BODY_MOST = 16 << 20, /* a longer body is endless */
	CONNECT_MS = 10000
};

/* Names that end in this or are in it do not leave the machine. */
static bool
is_local(const char *host)
{
	return strcasecmp(host, "localhost") == 0 ||
	    strncmp(host, "127.", 4) == 0 || strcmp(host, "[::1]") == 0;
}

static char *
part(CURLU *url, CURLUPart what)
{
	char *text = NULL;

	return curl_url_get(url, what, &text, 0) == CURLUE_OK ? text : NULL;
}

static void
refuse_part(CURLU *url, CURLUPart what, const char *name)
{
	char *text = part(url, what);
	bool there = text != NULL;

	curl_free(text);
	if (there)
		report_usage("--url: no place for %s", name);
}

/* "http://pi1:9990/v1/" and "pi1:9990" are both taken. */
static size_t
base_length(const char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == '/')
		length--;
	if (length >= 3 && memcmp(text + length - 3, "/v1", 3) == 0)
		length -= 3;
	while (length && text[length - 1] == '/')
		length--;
	return length;
}

void
wire_base(struct wire *wire, const char *text)
{
	/* Static, as a wrong one ends the program with them in hand. */
	static CURLU *url;
	static char *scheme, *host, *whole;

	url = curl_url();
	if (!url)
		report_fatal("out of memory");
	if (curl_url_set(url, CURLUPART_URL, text, CURLU_DEFAULT_SCHEME |
	    CURLU_NON_SUPPORT_SCHEME | (strstr(text, "://") ? 0
	    : CURLU_GUESS_SCHEME)) != CURLUE_OK)
		report_usage("--url: not a URL: %s", text);
	scheme = part(url, CURLUPART_SCHEME);
	host = part(url, CURLUPART_HOST);
	whole = part(url, CURLUPART_URL);
	if (!scheme || !host || !whole || (strcmp(scheme, "http") != 0 &&
	    strcmp(scheme, "https") != 0))
		report_usage("--url: neither http nor https: %s", text);
	refuse_part(url, CURLUPART_USER, "a user or a password");
	refuse_part(url, CURLUPART_QUERY, "a query");
	refuse_part(url, CURLUPART_FRAGMENT, "a fragment");
	if (wire->token && strcmp(scheme, "http") == 0 && !is_local(host))
		report_warning("the token travels to %s in the clear: no https",
		    host);
	wire->base = report_copy(whole, base_length(whole));
	curl_free(scheme);
	curl_free(host);
	curl_free(whole);
	curl_url_cleanup(url);
}

static size_t
take(char *bytes, size_t size, size_t count, void *state)
{
	struct call *call = state;

	(void)size; /* it is 1 */
	if (call->got.length + count > BODY_MOST) {
		call->too_big = true;
		return CURL_WRITEFUNC_ERROR;
	}
	text_add(&call->got, bytes, count);
	if (call->arrived && call->events)
		call->arrived(call);
	return count;
}

static void
add_header(struct call *call, const char *header)
{
	struct curl_slist *list = curl_slist_append(call->headers, header);

	if (!list)
		report_fatal("out of memory");
	call->headers = list;
}

static void
add_token(struct call *call, const char *token)
{
	struct text header = { 0 };

	text_say(&header, "Authorization: Bearer ");
	text_say(&header, token);
	add_header(call, text_end(&header));
	text_free(&header);
}

/* Sets what no exchange changes.  The option's type is libcurl's matter. */
#define SET(option, value) \
	do { \
		if (curl_easy_setopt(call->easy, option, value) != CURLE_OK) \
			report_fatal("libcurl does not take " #option); \
	} while (0)

void
wire_open(const struct wire *wire, struct call *call)
{
	long timeout_ms = (long)((wire->timeout_ns + 999999) / 1000000);

	call->easy = curl_easy_init();
	if (!call->easy)
		report_fatal("libcurl does not start");
	add_header(call, "Content-Type: application/json");
	add_header(call, "Expect:");
	if (wire->token)
		add_token(call, wire->token);
	SET(CURLOPT_HTTPHEADER, call->headers);
	SET(CURLOPT_USERAGENT, "epi-ask/" EPI_VERSION);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_TIMEOUT_MS, timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    timeout_ms < CONNECT_MS ? timeout_ms : (long)CONNECT_MS);
	/* Two addresses are tried one after the other: of two at once the
	 * slower one would see a bare connect, of which dllama-api dies. */
	SET(CURLOPT_HAPPY_EYEBALLS_TIMEOUT_MS, (long)CONNECT_MS);
	SET(CURLOPT_ERRORBUFFER, call->words);
	SET(CURLOPT_WRITEFUNCTION, take);
	SET(CURLOPT_WRITEDATA, call);
	SET(CURLOPT_PRIVATE, call);
}

void
wire_close(struct call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	text_free(&call->url);
	text_free(&call->sent);
	text_free(&call->got);
}

void
wire_prepare(const struct wire *wire, struct call *call, const char *path,
    bool post)
{
	call->url.length = call->got.length = 0;
	call->too_big = false;
	call->words[0] = '\0';
	text_say(&call->url, wire->base);
	text_say(&call->url, path);
	SET(CURLOPT_URL, text_end(&call->url));
	if (post) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)call->sent.length);
		SET(CURLOPT_POSTFIELDS, text_end(&call->sent));
	} else {
		SET(CURLOPT_HTTPGET, 1L);
	}
	call->begin_ns = clock_now();
	call->begin_steady_ns = clock_steady();
}

static const char *
of_connect(CURL *easy)
{
	long number = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	return number == ENETUNREACH || number == EHOSTUNREACH
	    ? "unreachable" : "refused";
}

/* The class of what libcurl says; a body that has begun was cut. */
static const char *
of_code(const struct call *call, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return "unresolved";
	case CURLE_COULDNT_CONNECT:
		return of_connect(call->easy);
	case CURLE_OPERATION_TIMEDOUT:
		return "timeout";
	case CURLE_PARTIAL_FILE:
		return "cut";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
		return call->http_status ? "cut" : "reset";
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return "tls";
	default:
		return call->too_big ? "too_big" : "other";
	}
}

static const char *
of_status(const struct call *call)
{
	long status = call->http_status;

	return status == 200 ? NULL : status == 429 ? "http_429"
	    : status >= 500 ? "http_5xx" : status >= 400 ? "http_4xx"
	    : status >= 300 ? "http_3xx" : "other";
}

const char *
wire_outcome(struct call *call, CURLcode code)
{
	curl_off_t seconds = 0;

	call->end_steady_ns = clock_steady();
	call->end_ns = clock_now();
	text_end(&call->got);
	call->http_status = 0;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE,
	    &call->http_status);
	curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &seconds);
	call->retry_after_seconds = (double)seconds;
	if (code == CURLE_OK)
		return of_status(call);
	if (!call->words[0])
		snprintf(call->words, sizeof call->words, "%s",
		    curl_easy_strerror(code));
	if (call->too_big)
		snprintf(call->words, sizeof call->words,
		    "a body over %d MiB", BODY_MOST >> 20);
	return of_code(call, code);
}

const char *
wire_get(const struct wire *wire, struct call *call, const char *path)
{
	wire_prepare(wire, call, path, false);
	return wire_outcome(call, curl_easy_perform(call->easy));
}
