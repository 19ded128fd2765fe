/*
 * digest: SHA-256 in hexadecimal, by nettle: a program that uses it says
 * "link: -lnettle".
 *
 *     digest_start(&digest);
 *     digest_add(&digest, bytes, length);  as often as there are bytes
 *     digest_end(&digest, hex);
 *
 * Floor: ground.  No allocation, no printing.
 */
#ifndef EPI_DIGEST_H
#define EPI_DIGEST_H

#include <stddef.h>

#include <nettle/sha2.h>

enum { DIGEST_HEX = 2 * SHA256_DIGEST_SIZE + 1 };

struct digest {
	struct sha256_ctx state;
};

void digest_start(struct digest *digest);
void digest_add(struct digest *digest, const void *bytes, size_t length);

/* A NUL behind; the digest is at its start again. */
void digest_end(struct digest *digest, char hex[DIGEST_HEX]);

/* All three, of bytes that are there at once. */
void digest_bytes(const void *bytes, size_t length, char hex[DIGEST_HEX]);

#endif
