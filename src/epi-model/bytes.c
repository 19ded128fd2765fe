/* bytes: a file front to back, hashed as it passes. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "epi-model/model.h"

void
bytes_say(struct bytes *in, const char *format, ...)
{
	va_list values;

	if (*in->why)
		return;
	va_start(values, format);
	vsnprintf(in->why, sizeof in->why, format, values);
	va_end(values);
}

uint64_t
bytes_offset(const struct bytes *in)
{
	return in->before + in->at;
}

/* False: there is no more. */
static bool
fill(struct bytes *in)
{
	ssize_t got;

	in->before += in->filled;
	in->at = in->filled = 0;
	if (in->ended || in->fd < 0)
		return false;
	do
		got = read(in->fd, in->buffer, BYTES_ROOM);
	while (got < 0 && errno == EINTR);
	if (got < 0) {
		in->error = errno;
		bytes_say(in, "%s", strerror(in->error));
	}
	if (got <= 0) {
		in->ended = true;
		return false;
	}
	in->filled = (size_t)got;
	if (in->digest)
		digest_add(in->digest, in->buffer, in->filled);
	return true;
}

/* Up to n bytes that are there; 0 at the end. */
static size_t
some(struct bytes *in, uint64_t n)
{
	size_t have;

	if (in->at == in->filled && !fill(in))
		return 0;
	have = in->filled - in->at;
	return n < have ? (size_t)n : have;
}

static bool
cut(struct bytes *in)
{
	return bytes_wrong(in, "cut: the file ends in %s, after %llu bytes",
	    in->part, (unsigned long long)bytes_offset(in));
}

bool
bytes_take(struct bytes *in, void *out, size_t n)
{
	unsigned char *to = out;

	while (n > 0) {
		size_t have = some(in, n);

		if (have == 0)
			return cut(in);
		memcpy(to, in->buffer + in->at, have);
		in->at += have;
		to += have;
		n -= have;
	}
	return true;
}

bool
bytes_skip(struct bytes *in, uint64_t n)
{
	while (n > 0) {
		size_t have = some(in, n);

		if (have == 0)
			return cut(in);
		in->at += have;
		n -= have;
	}
	return true;
}

bool
bytes_drain(struct bytes *in)
{
	do
		in->at = in->filled;
	while (fill(in));
	return !in->error;
}

static bool
number(struct bytes *in, size_t size, uint64_t *out)
{
	unsigned char raw[8];

	*out = 0;
	if (!bytes_take(in, raw, size))
		return false;
	for (size_t i = 0; i < size; i++)
		*out = *out << 8 | raw[in->swapped ? i : size - 1 - i];
	return true;
}

bool
bytes_u32(struct bytes *in, uint32_t *out)
{
	uint64_t wide;
	bool there = number(in, 4, &wide);

	*out = (uint32_t)wide;
	return there;
}

bool
bytes_u64(struct bytes *in, uint64_t *out)
{
	return number(in, 8, out);
}

bool
bytes_count(struct bytes *in, uint64_t *out)
{
	return number(in, in->narrow ? 4 : 8, out);
}
