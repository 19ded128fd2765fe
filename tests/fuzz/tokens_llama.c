/* The llama reader of epi-tokens: tokens.h says what is checked. */
#include "tokens.h"
#include "epi-tokens/llama.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&llama_reader, data, size);
}
