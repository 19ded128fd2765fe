/* gguf: the header of a GGUF file (ggml, docs/gguf.md), versions 1 to 3. */
#include <stdlib.h>
#include <string.h>

#include "epi-model/model.h"

/* "enum gguf_metadata_value_type" */
enum {
	UINT8, INT8, UINT16, INT16, UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY,
	UINT64, INT64, FLOAT64, KINDS
};

enum {
	KEY_MAX = 65535,  /* "at most 2^16-1 bytes long" */
	TENSOR_MAX = 255, /* bytes of a tensor's name; the text says 64 */
	DIMENSIONS = 4,   /* "currently at most 4" */
	NESTED = 4        /* arrays within arrays */
};

static const unsigned char sizes[KINDS] = {
	[UINT8] = 1, [INT8] = 1, [UINT16] = 2, [INT16] = 2, [UINT32] = 4,
	[INT32] = 4, [FLOAT32] = 4, [BOOL] = 1, [UINT64] = 8, [INT64] = 8,
	[FLOAT64] = 8
};

/* The keys that are wanted, by docs/gguf.md "Standardized key-value pairs"; one
 * that starts with a dot stands behind the architecture's name.  split.* are
 * of llama.cpp's gguf-split. */
static const struct wanted {
	const char *key;
	size_t at;
	bool text;
} wanted[] = {
	{ "general.architecture", offsetof(struct model, architecture), true },
	{ "general.name", offsetof(struct model, name), true },
	{ "general.basename", offsetof(struct model, basename), true },
	{ "general.size_label", offsetof(struct model, size_label), true },
	{ "general.file_type", offsetof(struct model, file_type), false },
	{ "split.no", offsetof(struct model, split_part), false },
	{ "split.count", offsetof(struct model, split_parts), false },
	{ ".block_count", offsetof(struct model, layers), false },
	{ ".attention.head_count", offsetof(struct model, heads), false },
	{ ".attention.head_count_kv", offsetof(struct model, kv_heads), false },
	{ ".embedding_length", offsetof(struct model, embedding), false },
	{ ".context_length", offsetof(struct model, context), false },
	{ ".expert_count", offsetof(struct model, experts), false },
	{ ".expert_used_count", offsetof(struct model, experts_used), false }
};

enum { WANTED = sizeof wanted / sizeof *wanted };

struct header {
	struct bytes *in;
	struct model *model;
	uint64_t alignment;
	bool seen[WANTED];
	char owner[WANTED][MODEL_NAME]; /* whose key ".x" it was */
	uint64_t extent;                /* of the tensors' data */
};

/* A text of at most `most` bytes, of which `out` keeps what it holds. */
static bool
take_text(struct bytes *in, char out[MODEL_NAME], uint64_t most,
    const char *what)
{
	uint64_t length, keep;

	if (!bytes_count(in, &length))
		return false;
	if (length > most)
		return bytes_wrong(in, "%s of %llu bytes", what,
		    (unsigned long long)length);
	keep = length < MODEL_NAME ? length : MODEL_NAME - 1;
	if (!bytes_take(in, out, (size_t)keep) ||
	    !bytes_skip(in, length - keep))
		return false;
	out[keep] = '\0';
	return true;
}

static bool
skip_text(struct bytes *in)
{
	uint64_t length;

	return bytes_count(in, &length) && bytes_skip(in, length);
}

/* Each element takes bytes of the file, so a false count ends with it. */
static bool
skip_value(struct bytes *in, uint32_t kind, int depth)
{
	uint32_t element;
	uint64_t count;

	if (kind == STRING)
		return skip_text(in);
	if (kind != ARRAY)
		return kind < KINDS ? bytes_skip(in, sizes[kind])
		    : bytes_wrong(in, "a value of type %u, which is not known",
		    kind);
	if (depth == NESTED)
		return bytes_wrong(in, "arrays are nested more than %d deep",
		    NESTED);
	if (!bytes_u32(in, &element) || !bytes_count(in, &count))
		return false;
	if (element < KINDS && sizes[element])
		return bytes_skip(in, count > UINT64_MAX / 8 ? UINT64_MAX
		    : count * sizes[element]);
	while (count-- > 0)
		if (!skip_value(in, element, depth + 1))
			return false;
	return true;
}

/* A whole number that is not negative; an array, one for each layer, is none
 * that could be told. */
static bool
take_number(struct bytes *in, const char *key, uint32_t kind, int64_t *out)
{
	unsigned char raw[8];
	uint64_t value = 0;
	size_t size = kind < KINDS ? sizes[kind] : 0;

	if (kind == ARRAY) {
		*out = -1;
		return skip_value(in, kind, 0);
	}
	if (size == 0 || kind == FLOAT32 || kind == FLOAT64 || kind == BOOL)
		return bytes_wrong(in, "%s is no whole number", key);
	if (!bytes_take(in, raw, size))
		return false;
	for (size_t i = 0; i < size; i++)
		value = value << 8 | raw[in->swapped ? i : size - 1 - i];
	if (value > INT64_MAX || ((kind == INT8 || kind == INT16 ||
	    kind == INT32) && value >> (8 * size - 1)))
		return bytes_wrong(in, "%s is out of range", key);
	*out = (int64_t)value;
	return true;
}

/* Which of the wanted keys it is; below 0: none. */
static int
find(const char *key)
{
	for (int i = 0; i < WANTED; i++) {
		size_t length = strlen(key), tail = strlen(wanted[i].key);

		if (*wanted[i].key != '.' ? strcmp(key, wanted[i].key) == 0
		    : length > tail && !memchr(key, '.', length - tail) &&
		    strcmp(key + length - tail, wanted[i].key) == 0)
			return i;
	}
	return -1;
}

static bool
take_wanted(struct header *h, int which, const char *key, uint32_t kind)
{
	const struct wanted *w = &wanted[which];
	char *at = (char *)h->model + w->at;
	size_t owner = strcspn(key, ".");

	/* A model with a second one in it has keys of both. */
	if (*w->key == '.' && *h->model->architecture &&
	    (owner != strlen(h->model->architecture) ||
	    memcmp(key, h->model->architecture, owner) != 0))
		return skip_value(h->in, kind, 0);
	if (h->seen[which])
		return bytes_wrong(h->in, "%s stands twice", key);
	h->seen[which] = true;
	memcpy(h->owner[which], key, owner);
	if (!w->text)
		return take_number(h->in, key, kind, (int64_t *)(void *)at);
	if (kind != STRING)
		return bytes_wrong(h->in, "%s is no text", key);
	return take_text(h->in, at, MODEL_NAME - 1, key);
}

static bool
take_alignment(struct header *h, uint32_t kind)
{
	int64_t value = 0;

	if (!take_number(h->in, "general.alignment", kind, &value))
		return false;
	if (value <= 0 || value > 1 << 20 || (value & (value - 1)))
		return bytes_wrong(h->in, "general.alignment is no power of 2");
	h->alignment = (uint64_t)value;
	return true;
}

static bool
take_key(struct header *h)
{
	char key[MODEL_NAME];
	uint32_t kind;
	int which;

	if (!take_text(h->in, key, KEY_MAX, "a key") || !bytes_u32(h->in, &kind))
		return false;
	if (strcmp(key, "general.alignment") == 0)
		return take_alignment(h, kind);
	which = find(key);
	return which < 0 ? skip_value(h->in, kind, 0)
	    : take_wanted(h, which, key, kind);
}

/* "ffn_up_exps.weight", all of a layer in one; before these there was
 * "ffn_up.3.weight", one expert.  Shared experts, "_shexp", are always used. */
static bool
of_experts(const char *name)
{
	static const char *const each[] = {
		".ffn_gate.", ".ffn_up.", ".ffn_down."
	};

	if (strstr(name, "_exps.") || strstr(name, "_exp."))
		return true;
	for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
		const char *at = strstr(name, each[i]);

		if (at && strchr("0123456789", at[strlen(each[i])]) &&
		    at[strlen(each[i])])
			return true;
	}
	return false;
}

/* The product of the dimensions; the first is a row's. */
static bool
take_shape(struct bytes *in, const char *name, uint64_t *weights, uint64_t *row)
{
	uint32_t dimensions;
	uint64_t size;

	*weights = *row = 1;
	if (!bytes_u32(in, &dimensions))
		return false;
	if (dimensions > DIMENSIONS)
		return bytes_wrong(in, "tensor %s has %u dimensions", name,
		    dimensions);
	for (uint32_t i = 0; i < dimensions; i++) {
		if (!bytes_count(in, &size))
			return false;
		if (size > 0 && *weights > INT64_MAX / size)
			return bytes_wrong(in, "tensor %s is too large", name);
		*weights *= size;
		if (i == 0)
			*row = size;
	}
	return true;
}

static bool
add_tensor(struct header *h, const char *name, uint64_t weights, uint64_t row,
    uint32_t kind)
{
	int type = kind < TYPE_GGML && types[kind].name ? (int)kind : TYPE_OTHER;
	struct held *held = &h->model->held[type];
	uint64_t bytes;

	if (row % types[type].weights)
		return bytes_wrong(h->in, "tensor %s: rows of %llu are no blocks "
		    "of %s", name, (unsigned long long)row, types[type].name);
	/* A block of the widest, F64, has 8 bytes for each weight. */
	if (weights > INT64_MAX / 8 - h->model->weights)
		return bytes_wrong(h->in, "tensor %s is too large", name);
	bytes = weights / types[type].weights * types[type].bytes;
	held->tensors++;
	held->weights += weights;
	held->bytes += bytes;
	h->model->weights += weights;
	if (of_experts(name))
		h->model->expert_weights += weights;
	return true;
}

static bool
take_tensor(struct header *h)
{
	char name[MODEL_NAME];
	uint64_t weights, row, offset, before, bytes = 0;
	uint32_t kind;

	if (!take_text(h->in, name, TENSOR_MAX, "a tensor's name") ||
	    !take_shape(h->in, name, &weights, &row) ||
	    !bytes_u32(h->in, &kind) || !bytes_u64(h->in, &offset))
		return false;
	before = kind < TYPE_GGML ? h->model->held[kind].bytes : 0;
	if (!add_tensor(h, name, weights, row, kind))
		return false;
	if (kind < TYPE_GGML)
		bytes = h->model->held[kind].bytes - before;
	if (offset % h->alignment)
		return bytes_wrong(h->in, "tensor %s is not where it may begin",
		    name);
	if (offset > INT64_MAX - bytes)
		return bytes_wrong(h->in, "tensor %s is too large", name);
	if (offset + bytes > h->extent)
		h->extent = offset + bytes;
	return true;
}

/* Keys that stood before the architecture's name, and are not its own. */
static void
disown(struct header *h)
{
	for (int i = 0; i < WANTED; i++)
		if (*wanted[i].key == '.' && h->seen[i] &&
		    strcmp(h->owner[i], h->model->architecture) != 0)
			*(int64_t *)(void *)((char *)h->model + wanted[i].at) = -1;
}

static bool
take_all(struct header *h)
{
	struct bytes *in = h->in;
	uint64_t tensors, keys;

	if (!bytes_count(in, &tensors) || !bytes_count(in, &keys))
		return false;
	in->part = "the metadata";
	while (keys-- > 0)
		if (!take_key(h))
			return false;
	disown(h);
	in->part = "the list of tensors";
	while (tensors-- > 0)
		if (!take_tensor(h))
			return false;
	return true;
}

/* A version is small: one that looks large is of the other byte order. */
static bool
take_version(struct bytes *in, struct model *model)
{
	in->part = "the header";
	if (!bytes_u32(in, &model->version))
		return false;
	if (model->version && !(model->version & 0xffff)) {
		uint32_t v = model->version;

		in->swapped = model->big_endian = true;
		model->version = v >> 24 | (v >> 8 & 0xff00);
	}
	if (model->version < 1 || model->version > 3)
		return bytes_wrong(in, "GGUF of version %u, which is not known",
		    model->version);
	in->narrow = model->version == 1;
	return true;
}

bool
gguf_read(struct bytes *in, struct model *model)
{
	struct header *h = calloc(1, sizeof *h);
	uint64_t at;
	bool whole;

	if (!h)
		return bytes_wrong(in, "out of memory");
	h->in = in;
	h->model = model;
	h->alignment = 32; /* "if not specified, assume it is 32" */
	model->format = "gguf";
	whole = take_version(in, model) && take_all(h);
	at = bytes_offset(in);
	model->end = at + (h->alignment - at % h->alignment) % h->alignment +
	    h->extent;
	if (h->extent == 0)
		model->end = at;
	free(h);
	model->stated = file_type_find(model->file_type);
	return whole;
}
