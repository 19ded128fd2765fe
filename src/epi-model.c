/* epi-model - the identity of a model's file: what it is, and its hash */
/* link: -lnettle */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "compose.h"
#include "epi-model/model.h"
#include "option.h"
#include "report.h"
#include "stream.h"

static const char help[] =
"usage: epi-model [--model NAME] [--quantization LABEL] [FILE ...]\n"
"What a model's file is, and its SHA-256: GGUF, and distributed-llama's .m.\n"
"\n"
"  --model NAME          refuse a file that is another model\n"
"  --quantization LABEL  refuse a file that is quantised otherwise\n"
"  -h, --help            this text\n"
"      --version         the version\n"
"\n"
"Example: epi-model --quantization q40 dllama_model_llama3_2_1b_q40.m\n";

struct labels {
	const char *model, *quantization; /* NULL: not given */
};

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The type that holds the most weights first. */
static void
put_types(const struct model *model)
{
	bool told[TYPES] = { false };

	compose_key("types");
	compose_begin('[');
	for (int n = 0; n < TYPES; n++) {
		int next = -1;

		for (int i = 0; i < TYPES; i++)
			if (model->held[i].tensors && !told[i] && (next < 0 ||
			    model->held[i].weights > model->held[next].weights))
				next = i;
		if (next < 0)
			break;
		told[next] = true;
		compose_begin('{');
		compose_text("type", types[next].name);
		compose_count("tensors", (int64_t)model->held[next].tensors);
		compose_count("parameters", (int64_t)model->held[next].weights);
		compose_count("bytes", next == TYPE_OTHER ? -1
		    : (int64_t)model->held[next].bytes);
		compose_end('}');
	}
	compose_end(']');
}

static void
put_warnings(const struct model *model)
{
	bool other = model->held[TYPE_OTHER].tensors > 0;
	bool empty = model->stated && model->weights > 0 &&
	    model->held[model->stated->type].weights == 0;
	bool part = model->split_parts > 1;

	if (!other && !empty && !part)
		return;
	compose_key("warnings");
	compose_begin('[');
	if (other)
		compose_string("type-unknown: there are tensors of types that "
		    "are not known, whose bytes are not counted");
	if (empty)
		compose_string("file-type: no weight has the type that the "
		    "file's own file_type says");
	if (part)
		compose_string("split: a part of a model, whose parameters are "
		    "those of this part");
	compose_end(']');
}

/* Mean bits of a weight; null where a type is not known. */
static double
bits(const struct model *model)
{
	uint64_t bytes = 0;

	for (int i = 0; i < TYPES; i++)
		bytes += model->held[i].bytes;
	if (model->weights == 0 || model->held[TYPE_OTHER].tensors)
		return NAN;
	return 8.0 * (double)bytes / (double)model->weights;
}

static void
put_sizes(const struct model *model)
{
	compose_count("parameters", (int64_t)model->weights);
	compose_count("active_parameters", model_active(model));
	compose_count("layers", model->layers);
	compose_count("heads", model->heads);
	compose_count("kv_heads", model->kv_heads);
	compose_count("embedding_length", model->embedding);
	compose_count("context_length", model->context);
	compose_count("experts", model->experts);
	compose_count("experts_used", model->experts_used);
	if (model->split_parts > 1) {
		compose_count("part", model->split_part < 0 ? -1
		    : model->split_part + 1);
		compose_count("parts", model->split_parts);
	}
}

static void
put(const struct model *model, const char *file, uint64_t size,
    const char *hash)
{
	compose_open();
	compose_text("type", "model");
	compose_text("file", last_part(file));
	compose_text("format", model->format);
	compose_count("format_version", model->version);
	if (model->big_endian) {
		compose_key("big_endian");
		compose_bool(true);
	}
	compose_text("name", model->name);
	compose_text("basename", model->basename);
	compose_text("size_label", model->size_label);
	compose_text("architecture", model->architecture);
	compose_text("quantization", model_quantization(model));
	compose_count("file_type", model->file_type);
	put_types(model);
	compose_figure("bits_per_weight", bits(model));
	put_sizes(model);
	compose_count("bytes", (int64_t)size);
	compose_text("sha256", hash);
	put_warnings(model);
	compose_close();
}

/* Whether the file is what somebody calls it. */
static bool
called_so(const struct labels *labels, const struct model *model,
    const char *file)
{
	char why[MODEL_WHY];
	bool so = true;

	if (labels->quantization &&
	    !label_quantization(model, labels->quantization, why)) {
		report_error("%s: not %s: %s", file, labels->quantization, why);
		so = false;
	}
	if (labels->model && !label_model(model, labels->model, why)) {
		report_error("%s: not %s: %s", file, labels->model, why);
		so = false;
	}
	return so;
}

static void
take_open(const struct labels *labels, const char *file, int fd)
{
	static unsigned char room[BYTES_ROOM];
	static struct digest digest;
	struct bytes in = { .fd = fd, .buffer = room, .digest = &digest };
	struct model model;
	char hash[DIGEST_HEX];

	digest_start(&digest);
	/* Advice, which a pipe has no use for. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (!model_read(&in, &model)) {
		report_error("%s: %s", file, in.why);
		return;
	}
	digest_end(&digest, hash);
	if (called_so(labels, &model, file))
		put(&model, file, bytes_offset(&in), hash);
}

static void
take_file(const struct labels *labels, const char *operand)
{
	bool standard = strcmp(operand, "-") == 0;
	int fd = standard ? STDIN_FILENO : open(operand, O_RDONLY);

	if (fd < 0) {
		report_error("%s: %s", operand, strerror(errno));
		return;
	}
	take_open(labels, standard ? "standard input" : operand, fd);
	stream_flush(); /* the next one may take minutes */
	if (!standard && close(fd) < 0)
		report_error("%s: %s", operand, strerror(errno));
}

enum { MODEL = OPTION_LONG, QUANTIZATION };

static void
take_option(void *state, int letter, const char *argument)
{
	struct labels *labels = state;

	if (!*argument)
		report_usage("%s: empty",
		    letter == MODEL ? "--model" : "--quantization");
	*(letter == MODEL ? &labels->model : &labels->quantization) = argument;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "model", required_argument, NULL, MODEL },
		{ "quantization", required_argument, NULL, QUANTIZATION },
		{ 0 }
	};
	static struct labels labels;
	const struct option_program program = {
		"epi-model", help, "", options, take_option, &labels
	};
	char **operands = option_start(argc, argv, &program);

	if (!*operands)
		take_file(&labels, "-");
	for (; *operands; operands++)
		take_file(&labels, *operands);
	return stream_finish();
}
