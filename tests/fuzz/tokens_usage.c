/* The usage reader of epi-tokens: tokens.h says what is checked. */
#include "tokens.h"
#include "epi-tokens/usage.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&usage_reader, data, size);
}
