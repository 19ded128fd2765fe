/*
 * Any bytes as a model's file: the header is read within its bounds, and what
 * it says can be asked for.
 */
#include "epi-model/bytes.c"
#include "epi-model/dllama.c"
#include "epi-model/gguf.c"
#include "epi-model/label.c"
#include "epi-model/model.c"
#include "epi-model/type.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char room[BYTES_ROOM];
	struct bytes in = { .fd = -1, .buffer = room };
	struct model model;
	char why[MODEL_WHY];
	uint64_t weights = 0;

	if (size > BYTES_ROOM)
		return 0;
	memcpy(room, data, size);
	in.filled = size;
	if (!model_read(&in, &model)) {
		if (!*in.why)
			__builtin_trap();
		return 0;
	}
	for (int i = 0; i < TYPES; i++)
		weights += model.held[i].weights;
	if (weights != model.weights || model_active(&model) > (int64_t)weights)
		__builtin_trap();
	label_quantization(&model, "Q4_K_M", why);
	label_model(&model, "qwen3-30b-a3b", why);
	return 0;
}
