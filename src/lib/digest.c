#include "digest.h"

void
digest_start(struct digest *digest)
{
	sha256_init(&digest->state);
}

void
digest_add(struct digest *digest, const void *bytes, size_t length)
{
	sha256_update(&digest->state, length, bytes);
}

void
digest_end(struct digest *digest, char hex[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[SHA256_DIGEST_SIZE];

	sha256_digest(&digest->state, sizeof bytes, bytes);
	for (size_t i = 0; i < sizeof bytes; i++) {
		*hex++ = digits[bytes[i] >> 4];
		*hex++ = digits[bytes[i] & 15];
	}
	*hex = '\0';
}

void
digest_bytes(const void *bytes, size_t length, char hex[DIGEST_HEX])
{
	struct digest digest;

	digest_start(&digest);
	digest_add(&digest, bytes, length);
	digest_end(&digest, hex);
}
