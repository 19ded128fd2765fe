/*
 * dllama: the header of a distributed-llama model file, ".m".
 *
 * Since v0.3.0 (converter/writer.py, writeHeader) it is the magic number, the
 * header's size and pairs of a key and a value, all int32 and little-endian;
 * the reader is loadLlmHeader of src/llm.cpp, before v0.12.0 loadSpecFromFile
 * of src/transformer.cpp.  Before that it was the architecture, as a magic
 * number, and nine values (v0.2.0).
 */
#include <stdio.h>

#include "epi-model/model.h"

enum {
	MAGIC = 0xA00ABCD,
	OLD_LLAMA = 0xABCD00, OLD_GROK = 0xABCD01,
	PAIRS = 256,         /* a header of more is none */
	LARGEST = 1 << 24    /* of any dimension */
};

/* src/llm.hpp, enum LlmHeaderKey, in its order; those between SEQ_LEN and
 * HEAD_DIM but one, and 20, are no sizes.  0 to 12 are of v0.3.0, 13 of v0.7.0,
 * 14 to 18 of v0.10.0, 19 and 20 of v0.14.0, 21 of v0.16.0. */
enum {
	VERSION, ARCH_TYPE, DIM, HIDDEN_DIM, N_LAYERS, N_HEADS, N_KV_HEADS,
	N_EXPERTS, N_ACTIVE_EXPERTS, VOCAB_SIZE, SEQ_LEN,
	WEIGHT_FLOAT_TYPE = 13, HEAD_DIM = 19, MOE_HIDDEN_DIM = 21, KEYS
};

static const char *const keys[KEYS] = {
	"version", "arch_type", "dim", "hidden_dim", "n_layers", "n_heads",
	"n_kv_heads", "n_experts", "n_active_experts", "vocab_size",
	"max_seq_len", "hidden_act", "rope_theta", "weights_float_type",
	"rope_scaling_factor", "rope_scaling_low_freq_factor",
	"rope_scaling_high_freq_factory", "rope_scaling_orig_max_seq_len",
	"rope_type", "head_dim", "norm_epsilon", "moe_hidden_dim"
};

__extension__ typedef unsigned __int128 wide;

/* What the header says, and what its sizes come to. */
struct shape {
	int64_t values[KEYS];
	bool qwen, moe, grok;
	struct part {
		wide weights, tensors;
	} plain, typed;  /* those that are always f32, and the others */
	wide expert;     /* weights of experts, of `typed` */
};

bool
dllama_known(uint32_t magic)
{
	return magic == MAGIC || magic == OLD_LLAMA || magic == OLD_GROK;
}

static bool
take_value(struct bytes *in, int64_t *value)
{
	uint32_t raw;

	if (!bytes_u32(in, &raw))
		return false;
	*value = raw < 1u << 31 ? (int64_t)raw : (int64_t)raw - (INT64_C(1) << 32);
	return true;
}

static bool
take_pairs(struct bytes *in, struct shape *s)
{
	uint32_t size, key;
	bool seen[KEYS] = { false };

	if (!bytes_u32(in, &size))
		return false;
	if (size < 8 || size % 8 || size > 8 + 8 * PAIRS)
		return bytes_wrong(in, "a header of %u bytes", size);
	for (uint32_t i = 8; i < size; i += 8) {
		if (!bytes_u32(in, &key))
			return false;
		if (key >= KEYS)
			return bytes_wrong(in, "header key %u is not known", key);
		if (seen[key])
			return bytes_wrong(in, "%s stands twice", keys[key]);
		seen[key] = true;
		if (!take_value(in, &s->values[key]))
			return false;
	}
	return seen[ARCH_TYPE] || bytes_wrong(in, "no arch_type");
}

static bool
take_old(struct bytes *in, uint32_t magic, struct shape *s)
{
	static const int order[] = {
		DIM, HIDDEN_DIM, N_LAYERS, N_HEADS, N_KV_HEADS, N_EXPERTS,
		N_ACTIVE_EXPERTS, VOCAB_SIZE, SEQ_LEN
	};

	s->values[ARCH_TYPE] = magic;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (!take_value(in, &s->values[order[i]]))
			return false;
	/* A vocabulary without weights of its own had a negative size (v0.1). */
	if (s->values[VOCAB_SIZE] < 0)
		s->values[VOCAB_SIZE] = -s->values[VOCAB_SIZE];
	return true;
}

/* arch_type: src/transformer.hpp to v0.11.2 (llama, grok1, mixtral), and
 * src/llm.hpp since (llama, qwen3, qwen3 moe): the numbers were given anew.
 * Keys that only the later ones write tell which. */
static bool
name_architecture(struct bytes *in, struct shape *s, struct model *model)
{
	static const char *const before[] = { "llama", "grok1", "mixtral" };
	static const char *const since[] = { "llama", "qwen3", "qwen3_moe" };
	int64_t which = s->values[ARCH_TYPE] - OLD_LLAMA;
	bool recent = s->values[HEAD_DIM] > 0 || s->values[MOE_HIDDEN_DIM] > 0;

	if (which < 0 || which > 2)
		return bytes_wrong(in, "arch_type %lld is not known",
		    (long long)s->values[ARCH_TYPE]);
	snprintf(model->architecture, sizeof model->architecture, "%s",
	    (recent ? since : before)[which]);
	s->qwen = recent && which > 0;
	s->moe = recent && which == 2;
	s->grok = !recent && which == 1;
	return true;
}

static bool
check(struct bytes *in, const struct shape *s)
{
	static const int needed[] = {
		DIM, HIDDEN_DIM, N_LAYERS, N_HEADS, N_KV_HEADS, VOCAB_SIZE
	};

	for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
		if (s->values[needed[i]] <= 0)
			return bytes_wrong(in, "%s is missing or not above 0",
			    keys[needed[i]]);
	for (int i = DIM; i < KEYS; i++)
		if ((i <= VOCAB_SIZE || i >= HEAD_DIM) &&
		    (s->values[i] < 0 || s->values[i] > LARGEST))
			return bytes_wrong(in, "%s is out of range", keys[i]);
	if (s->values[N_ACTIVE_EXPERTS] > s->values[N_EXPERTS])
		return bytes_wrong(in, "n_active_experts is above n_experts");
	if (s->moe && s->values[MOE_HIDDEN_DIM] == 0)
		return bytes_wrong(in, "moe_hidden_dim is missing");
	if (s->values[HEAD_DIM] == 0 && s->values[DIM] % s->values[N_HEADS])
		return bytes_wrong(in, "dim is no multiple of n_heads");
	return true;
}

static void
add(struct part *part, wide tensors, wide weights)
{
	part->tensors += tensors;
	part->weights += tensors * weights;
}

/* By loadLlmNetWeight of src/llm.cpp, and before v0.12.0 by loadRoot of
 * src/transformer.cpp, where a router had the type of the weights. */
static void
add_up(struct shape *s)
{
	const int64_t *v = s->values;
	wide dim = (wide)v[DIM], layers = (wide)v[N_LAYERS];
	wide head = v[HEAD_DIM] ? (wide)v[HEAD_DIM] : dim / (wide)v[N_HEADS];
	wide experts = (wide)v[N_EXPERTS], blocks = layers * (experts ? experts : 1);
	wide hidden = (wide)v[s->moe ? MOE_HIDDEN_DIM : HIDDEN_DIM];

	add(&s->plain, 1, dim * (wide)v[VOCAB_SIZE]);
	add(&s->typed, 2 * layers, dim * head * (wide)v[N_HEADS]);
	add(&s->typed, 2 * layers, dim * head * (wide)v[N_KV_HEADS]);
	if (experts)
		add(s->qwen ? &s->plain : &s->typed, layers, dim * experts);
	add(&s->typed, 3 * blocks, dim * hidden);
	if (experts)
		s->expert = 3 * blocks * dim * hidden;
	if (s->qwen)
		add(&s->plain, 2 * layers, head);
	add(&s->plain, (s->grok ? 4 : 2) * layers + 1, dim);
	add(&s->typed, 1, dim * (wide)v[VOCAB_SIZE]);
}

/* The file is whole blocks of such weights, and ends behind them. */
static bool
end_of(const struct model *model, int type, uint64_t *end)
{
	const struct type *t = &types[type];

	*end = model->start + model->held[TYPE_DLLAMA].bytes +
	    model->untyped.weights / t->weights * t->bytes;
	return model->untyped.weights % t->weights == 0;
}

static void
settle(struct model *model, int type, uint64_t end)
{
	struct held *held = &model->held[type];

	held->tensors += model->untyped.tensors;
	held->weights += model->untyped.weights;
	held->bytes += model->untyped.weights / types[type].weights *
	    types[type].bytes;
	model->untyped.weights = 0;
	model->end = end;
}

static bool
fill_model(struct bytes *in, const struct shape *s, struct model *model)
{
	const int64_t *v = s->values;
	struct held *plain = &model->held[TYPE_DLLAMA];

	/* Eight bytes of each can then be counted. */
	if (s->plain.weights + s->typed.weights > INT64_MAX / 16 ||
	    s->plain.tensors + s->typed.tensors > INT64_MAX)
		return bytes_wrong(in, "larger than a file can be");
	model->start = bytes_offset(in);
	model->layers = v[N_LAYERS];
	model->heads = v[N_HEADS];
	model->kv_heads = v[N_KV_HEADS];
	model->embedding = v[DIM];
	model->context = v[SEQ_LEN] > 0 ? v[SEQ_LEN] : -1;
	model->experts = v[N_EXPERTS];
	model->experts_used = v[N_ACTIVE_EXPERTS];
	model->expert_weights = (uint64_t)s->expert;
	model->weights = (uint64_t)(s->plain.weights + s->typed.weights);
	plain->tensors = (uint64_t)s->plain.tensors;
	plain->weights = (uint64_t)s->plain.weights;
	plain->bytes = 4 * plain->weights;
	model->untyped.tensors = (uint64_t)s->typed.tensors;
	model->untyped.weights = (uint64_t)s->typed.weights;
	return true;
}

/* A header before v0.7.0 left the type to the command line. */
static bool
take_type(struct bytes *in, const struct shape *s, struct model *model)
{
	int64_t type = s->values[WEIGHT_FLOAT_TYPE];
	uint64_t end;

	if (type == -1)
		return true;
	if (type < 0 || type > 3)
		return bytes_wrong(in, "weights_float_type %lld is not known",
		    (long long)type);
	if (!end_of(model, TYPE_DLLAMA + (int)type, &end))
		return bytes_wrong(in, "its sizes are no blocks of %s",
		    types[TYPE_DLLAMA + type].name);
	settle(model, TYPE_DLLAMA + (int)type, end);
	return true;
}

bool
dllama_read(struct bytes *in, uint32_t magic, struct model *model)
{
	struct shape s = { .values = { [WEIGHT_FLOAT_TYPE] = -1 } };

	in->part = "the header";
	model->format = "dllama";
	model->exact = true;
	if (!(magic == MAGIC ? take_pairs(in, &s) : take_old(in, magic, &s)) ||
	    !name_architecture(in, &s, model) || !check(in, &s))
		return false;
	model->version = (uint32_t)s.values[VERSION];
	add_up(&s);
	return fill_model(in, &s, model) && take_type(in, &s, model);
}

bool
dllama_settle(struct bytes *in, struct model *model)
{
	uint64_t end;

	if (model->untyped.weights == 0)
		return true;
	for (int type = TYPE_DLLAMA; type < TYPE_DLLAMA + 4; type++)
		if (end_of(model, type, &end) && end == bytes_offset(in)) {
			settle(model, type, end);
			return true;
		}
	return bytes_wrong(in, "%llu bytes are the weights of no type that "
	    "there is", (unsigned long long)bytes_offset(in));
}
