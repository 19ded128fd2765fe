/*
 * model: what the header of a model's file says, and the bytes under it.
 *
 * A file is read once, front to back, so that a pipe will do; what the readers
 * pass over is hashed all the same.  Nothing here prints.
 */
#ifndef EPI_MODEL_MODEL_H
#define EPI_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "digest.h"

enum {
	BYTES_ROOM = 1 << 20, /* what one read asks for */
	MODEL_NAME = 256,     /* a name, with its NUL */
	MODEL_WHY = 320
};

/* Starts with fd and buffer set, and all else zero. */
struct bytes {
	int fd;                /* below 0: the buffer is all there is */
	unsigned char *buffer; /* BYTES_ROOM of them; the user's own */
	size_t at, filled;
	uint64_t before;       /* bytes of the file before the buffer's */
	bool swapped;          /* numbers are big-endian */
	bool narrow;           /* counts have 32 bits */
	bool ended;
	int error;             /* errno of a read that failed */
	const char *part;      /* what is being read: "the metadata" */
	char why[MODEL_WHY];   /* the first thing that was wrong, one sentence */
	struct digest *digest; /* of all that was read; NULL: none is wanted */
};

/* False: the file has no n more bytes, or could not be read (why says so). */
bool bytes_take(struct bytes *in, void *out, size_t n);
bool bytes_skip(struct bytes *in, uint64_t n);
bool bytes_u32(struct bytes *in, uint32_t *out);
bool bytes_u64(struct bytes *in, uint64_t *out);
bool bytes_count(struct bytes *in, uint64_t *out);

/* The rest of the file; false: it could not be read. */
bool bytes_drain(struct bytes *in);

/* How many bytes were taken or skipped. */
uint64_t bytes_offset(const struct bytes *in);

/* Says why, unless something was wrong before; bytes_wrong is false, for the
 * caller to return. */
void bytes_say(struct bytes *in, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define bytes_wrong(in, ...) (bytes_say(in, __VA_ARGS__), false)

/*
 * The types of tensors.  The first TYPES - 5 are of ggml, by its numbers; then
 * those of distributed-llama, and the one of all types that are not known.
 */
enum {
	TYPE_F32 = 0, TYPE_GGML = 43,
	TYPE_DLLAMA = TYPE_GGML,   /* f32, f16, q40, q80 */
	TYPE_OTHER = TYPE_DLLAMA + 4,
	TYPES
};

struct type {
	const char *name; /* NULL: there is no such type */
	uint32_t weights; /* of a block, */
	uint32_t bytes;   /* and its bytes */
};
extern const struct type types[TYPES];

/* A value of general.file_type: its name and the type that it is named for. */
struct file_type {
	const char *name;
	int type;
};

/* NULL: it is not known. */
const struct file_type *file_type_find(int64_t value);

/* Numbers are -1, and texts empty, where the file does not say. */
struct model {
	const char *format;       /* "gguf", "dllama" */
	uint32_t version;
	bool big_endian;
	char name[MODEL_NAME], basename[MODEL_NAME], size_label[MODEL_NAME],
	    architecture[MODEL_NAME];
	int64_t file_type;
	const struct file_type *stated; /* by file_type; NULL: not known */
	int64_t layers, heads, kv_heads, embedding, context, experts,
	    experts_used, split_part, split_parts;
	struct held {
		uint64_t tensors, weights, bytes;
	} held[TYPES], untyped;   /* the latter, until dllama_settle */
	uint64_t weights;         /* all, */
	uint64_t expert_weights;  /* of experts of which not all are used */
	uint64_t start, end;      /* where the tensors begin and end */
	bool exact;               /* the file ends there */
};

/* Of a file whose magic number was taken.  False: in->why. */
bool gguf_read(struct bytes *in, struct model *model);

/*
 * dllama_known tells such a magic number.  dllama_settle, once the file's size
 * is known, finds the type of the weights where the header does not tell it.
 */
bool dllama_known(uint32_t magic);
bool dllama_read(struct bytes *in, uint32_t magic, struct model *model);
bool dllama_settle(struct bytes *in, struct model *model);

/* Any of them: magic, header, and the rest of the file. */
bool model_read(struct bytes *in, struct model *model);

/* The type that holds the most weights. */
int model_most(const struct model *model);

/* "Q4_K_M": what the file states, or else the type of most weights. */
const char *model_quantization(const struct model *model);

/* Weights that one token needs; -1: not known. */
int64_t model_active(const struct model *model);

/* False: the label says otherwise than the file, and why how so. */
bool label_quantization(const struct model *model, const char *label,
    char why[MODEL_WHY]);
bool label_model(const struct model *model, const char *label,
    char why[MODEL_WHY]);

#endif
