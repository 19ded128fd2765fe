/* The ollama reader of epi-tokens: tokens.h says what is checked. */
#include "tokens.h"
#include "epi-tokens/ollama.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return fuzz(&ollama_reader, data, size);
}
