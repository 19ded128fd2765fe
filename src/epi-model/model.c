/* model: a file's magic number, its header, its rest; what it amounts to. */
#include <string.h>

#include "epi-model/model.h"

/* The bytes "GGUF", which are the same in either order of bytes. */
enum { GGUF = 0x46554747 };

static void
forget(struct model *model)
{
	memset(model, 0, sizeof *model);
	model->file_type = model->layers = model->heads = model->kv_heads =
	    model->embedding = model->context = model->experts =
	    model->experts_used = model->split_part = model->split_parts = -1;
}

static bool
read_header(struct bytes *in, struct model *model)
{
	uint32_t magic;

	in->part = "the magic number";
	if (!bytes_u32(in, &magic))
		return false;
	if (magic == GGUF)
		return gguf_read(in, model);
	if (dllama_known(magic))
		return dllama_read(in, magic, model);
	return bytes_wrong(in,
	    "neither a GGUF file nor one of distributed-llama");
}

bool
model_read(struct bytes *in, struct model *model)
{
	uint64_t size;

	forget(model);
	if (!read_header(in, model) || !bytes_drain(in) ||
	    !dllama_settle(in, model))
		return false;
	size = bytes_offset(in);
	if (size < model->end)
		return bytes_wrong(in, "cut: %llu bytes of %llu",
		    (unsigned long long)size, (unsigned long long)model->end);
	if (size > model->end && model->exact)
		return bytes_wrong(in, "%llu bytes, of which the header tells "
		    "of %llu", (unsigned long long)size,
		    (unsigned long long)model->end);
	return true;
}

int
model_most(const struct model *model)
{
	int most = 0;

	for (int i = 1; i < TYPES; i++)
		if (model->held[i].weights > model->held[most].weights)
			most = i;
	return most;
}

const char *
model_quantization(const struct model *model)
{
	return model->stated ? model->stated->name
	    : types[model_most(model)].name;
}

int64_t
model_active(const struct model *model)
{
	uint64_t idle;

	if (model->expert_weights == 0)
		return (int64_t)model->weights;
	if (model->experts <= 0 || model->experts_used <= 0 ||
	    model->experts_used > model->experts ||
	    model->expert_weights % (uint64_t)model->experts)
		return -1;
	idle = model->expert_weights / (uint64_t)model->experts *
	    (uint64_t)(model->experts - model->experts_used);
	return (int64_t)(model->weights - idle);
}
