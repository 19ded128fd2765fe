/*
 * dllama-api, over plain sockets: one connection at a time; header names as
 * they are spelled in its source; dies of what kills the real one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "stand-in.h"

enum { REQUEST_MOST = 4 << 20 };

static char request[REQUEST_MOST + 1];

static _Noreturn void
abort_as(const char *why)
{
	fprintf(stderr, "stand-in: dllama-api dies: %s\n", why);
	tally_tell();
	abort();
}

static void
end(int number)
{
	(void)number;
	tally_tell();
	_exit(0);
}

static void
send_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

		if (n < 0)
			return; /* whoever asked is gone */
		bytes += n;
		length -= (size_t)n;
	}
}

static const char *
header(const char *name)
{
	static char value[256];
	char line[64];
	const char *at, *stop = strstr(request, "\r\n\r\n");

	snprintf(line, sizeof line, "\r\n%s: ", name);
	at = strstr(request, line);
	if (!at || !stop || at > stop)
		return NULL;
	snprintf(value, sizeof value, "%.*s",
	    (int)strcspn(at + strlen(line), "\r"), at + strlen(line));
	return value;
}

/* The whole request, its body by Content-Length; the place of the body. */
static char *
receive(int fd)
{
	size_t length = 0, wanted = 0;
	char *body = NULL;

	for (;;) {
		ssize_t n;

		if (body && length >= (size_t)(body - request) + wanted) {
			body[wanted] = '\0'; /* no more is read of it */
			return body;
		}
		n = recv(fd, request + length, REQUEST_MOST - length, 0);
		if (n <= 0)
			abort_as(length ? "half a request" : "a bare connect");
		length += (size_t)n;
		request[length] = '\0';
		if (!body && (body = strstr(request, "\r\n\r\n"))) {
			const char *count = header("Content-Length");

			body += 4;
			wanted = count ? strtoul(count, NULL, 10) : 0;
		}
	}
}

/* Chunks of a stream: one for each event. */
static void
send_events(int fd, const char *body)
{
	char size[32];
	size_t length = strlen(body);

	for (size_t part; length; body += part, length -= part) {
		const char *gap = strstr(body, "\r\n\r\n");

		part = gap ? (size_t)(gap - body) + 4 : length;
		snprintf(size, sizeof size, "%zx\r\n", part);
		send_all(fd, size, strlen(size));
		send_all(fd, body, part);
		send_all(fd, "\r\n", 2);
	}
	send_all(fd, "0\r\n\r\n", 5);
}

static void
respond(int fd, const struct answer *answer)
{
	const char *fault = answer->fault ? answer->fault : "";
	size_t length = strlen(answer->body);
	char head[512];

	if (answer->events) {
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: "
		    "text/event-stream; charset=utf-8\r\nConnection: close\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n");
		send_all(fd, head, strlen(head));
		send_events(fd, answer->body);
		return;
	}
	snprintf(head, sizeof head, "HTTP/1.1 %d %s\r\nContent-Type: "
	    "application/json; charset=utf-8\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n", answer->status,
	    answer->status == 200 ? "OK" : "Not Found", length);
	send_all(fd, head, strlen(head));
	send_all(fd, answer->body, strcmp(fault, "cut") == 0 ? length / 2
	    : length);
}

/* It has no status of its own for failures: what is injected stands for the
 * proxy or the network in between. */
static bool
spoil(int fd, struct answer *answer)
{
	const char *fault = answer->fault ? answer->fault : "";
	struct linger linger = { .l_onoff = 1 };

	if (strcmp(fault, "reset") == 0) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
		return false;
	}
	if (strcmp(fault, "die") == 0)
		abort_as("as the test wants it");
	if (*fault >= '1' && *fault <= '9')
		answer->status = atoi(fault);
	if (strcmp(fault, "not-json") == 0 || strcmp(fault, "shape") == 0) {
		free(answer->body);
		answer->body = strdup(*fault == 'n' ? "<html>" : "{}");
	}
	return true;
}

static void
serve(int fd)
{
	struct timespec delay = { .tv_sec = stand_in.delay_ms / 1000,
		.tv_nsec = stand_in.delay_ms % 1000 * 1000000 };
	char *body = receive(fd), method[16], path[256];
	struct answer answer;
	const char *why;

	if (sscanf(request, "%15s %255s", method, path) != 2)
		abort_as("no request line");
	if (header("Expect"))
		tally_expect();
	if (strcmp(method, "POST") == 0 && strcmp(path,
	    "/v1/chat/completions") == 0 &&
	    (why = model_deadly(body, strlen(body))))
		abort_as(why);
	model_answer(method, path, body, strlen(body), header("Authorization"),
	    &answer);
	nanosleep(&delay, NULL);
	if (spoil(fd, &answer))
		respond(fd, &answer);
	free(answer.body);
}

void
serve_dllama(void)
{
	struct sockaddr_in local = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof local;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one;

	signal(SIGTERM, end);
	if (fd < 0 || bind(fd, (struct sockaddr *)&local, length) < 0 ||
	    listen(fd, 128) < 0 ||
	    getsockname(fd, (struct sockaddr *)&local, &length) < 0)
		die("no socket");
	tell_url(ntohs(local.sin_port));
	for (;;) {
		one = accept(fd, NULL, NULL);
		if (one < 0)
			die("accept");
		serve(one);
		close(one);
	}
}
