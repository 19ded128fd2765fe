/* llama-server, ollama and vLLM, by libmicrohttpd: a thread a connection. */
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stand-in.h"

struct upload {
	char *body;
	size_t length;
};

struct cut {
	char *body;
	size_t length; /* of what is sent before it breaks off */
	bool endless;
};

/* Not beyond the end of the stand-in. */
static void
rest(int64_t ms)
{
	for (; ms > 0 && !stand_in.stopping; ms -= 50)
		nanosleep(&(struct timespec){ .tv_nsec = (ms < 50 ? ms : 50) *
		    1000000 }, NULL);
}

static ssize_t
read_cut(void *state, uint64_t at, char *buffer, size_t most)
{
	struct cut *cut = state;

	if (cut->endless) {
		memset(buffer, 'x', most);
		return (ssize_t)most;
	}
	if (at >= cut->length)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (most > cut->length - at)
		most = cut->length - at;
	memcpy(buffer, cut->body + at, most);
	return (ssize_t)most;
}

static void
free_cut(void *state)
{
	struct cut *cut = state;

	free(cut->body);
	free(cut);
}

static struct MHD_Response *
broken(struct answer *answer, bool endless)
{
	struct cut *cut = calloc(1, sizeof *cut);
	size_t length = strlen(answer->body);

	if (!cut)
		die("out of memory");
	*cut = (struct cut){ answer->body, length / 2, endless };
	return MHD_create_response_from_callback(endless ? MHD_SIZE_UNKNOWN
	    : length, 4096, read_cut, cut, free_cut);
}

static void
replace(struct answer *answer, int status, const char *body)
{
	free(answer->body);
	answer->body = strdup(body);
	answer->status = status;
}

/* A fault of which no answer comes is false. */
static bool
spoil(struct MHD_Connection *connection, struct answer *answer)
{
	const char *fault = answer->fault ? answer->fault : "";
	struct linger linger = { .l_onoff = 1 };
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (strcmp(fault, "reset") == 0) {
		setsockopt(info->connect_fd, SOL_SOCKET, SO_LINGER, &linger,
		    sizeof linger);
		return false;
	}
	if (strcmp(fault, "stall") == 0) {
		rest(10000);
		return false;
	}
	if (strcmp(fault, "not-json") == 0)
		replace(answer, 200, "<html>a gateway's page</html>");
	else if (strcmp(fault, "shape") == 0)
		replace(answer, 200, "{\"choices\":[]}");
	else if (*fault >= '1' && *fault <= '9')
		replace(answer, atoi(fault),
		    "{\"error\":{\"message\":\"as the test wants it\"}}");
	return true;
}

static enum MHD_Result
respond(struct MHD_Connection *connection, struct answer *answer)
{
	const char *fault = answer->fault ? answer->fault : "";
	bool endless = strcmp(fault, "endless") == 0;
	struct MHD_Response *response;
	enum MHD_Result result;
	char seconds[24];

	rest(stand_in.delay_ms);
	if (!spoil(connection, answer)) {
		free(answer->body);
		return MHD_NO;
	}
	response = endless || strcmp(fault, "cut") == 0
	    ? broken(answer, endless) : MHD_create_response_from_buffer(
	    strlen(answer->body), answer->body, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(response, "Content-Type", answer->events
	    ? "text/event-stream" : "application/json");
	snprintf(seconds, sizeof seconds, "%lld",
	    (long long)answer->retry_after);
	if (answer->retry_after >= 0)
		MHD_add_response_header(response, "Retry-After", seconds);
	if (answer->status / 100 == 3)
		MHD_add_response_header(response, "Location", "/elsewhere");
	result = MHD_queue_response(connection, (unsigned)answer->status,
	    response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
handle(void *state, struct MHD_Connection *connection, const char *url,
    const char *method, const char *version, const char *bytes,
    size_t *length, void **request)
{
	struct upload *upload = *request;
	struct answer answer;

	(void)state;
	(void)version;
	if (!upload) {
		*request = calloc(1, sizeof *upload);
		return *request ? MHD_YES : MHD_NO;
	}
	if (*length) {
		upload->body = realloc(upload->body, upload->length + *length);
		if (!upload->body)
			die("out of memory");
		memcpy(upload->body + upload->length, bytes, *length);
		upload->length += *length;
		*length = 0;
		return MHD_YES;
	}
	model_answer(method, url, upload->body ? upload->body : "",
	    upload->length, MHD_lookup_connection_value(connection,
	    MHD_HEADER_KIND, "Authorization"), &answer);
	return respond(connection, &answer);
}

static void
forget(void *state, struct MHD_Connection *connection, void **request,
    enum MHD_RequestTerminationCode how)
{
	struct upload *upload = *request;

	(void)state;
	(void)connection;
	(void)how;
	if (upload)
		free(upload->body);
	free(upload);
}

void
serve_http(void)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	sigset_t ends;
	int number;
	struct MHD_Daemon *daemon;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	pthread_sigmask(SIG_BLOCK, &ends, NULL);
	daemon = MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION |
	    MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, NULL,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&local,
	    MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
	if (!daemon)
		die("libmicrohttpd does not start");
	tell_url(MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
	sigwait(&ends, &number);
	stand_in.stopping = true;
	MHD_stop_daemon(daemon);
}
