/* The dllama reader of epi-tokens: tokens.h says what is checked. */
#include "tokens.h"
#include "epi-tokens/dllama.c"
#include "epi-tokens/dllama_count.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&dllama_reader, data, size);
}
