/* label: what somebody calls a model, against what its file says. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "epi-model/model.h"

/* Letters and digits alone, in lower case: "Q4_K_M" is "q4km". */
static void
squeeze(char out[MODEL_NAME], const char *text)
{
	size_t n = 0;

	for (; *text && n + 1 < MODEL_NAME; text++)
		if (isalnum((unsigned char)*text))
			out[n++] = (char)tolower((unsigned char)*text);
	out[n] = '\0';
}

/* "fp16" is what others call f16. */
static bool
alike(const char *label, const char *name)
{
	char a[MODEL_NAME], b[MODEL_NAME];

	squeeze(a, label);
	squeeze(b, name);
	if (strncmp(a, "fp", 2) == 0)
		memmove(a + 1, a + 2, strlen(a + 1));
	return strcmp(a, b) == 0;
}

bool
label_quantization(const struct model *model, const char *label,
    char why[MODEL_WHY])
{
	const struct file_type *stated = model->stated;
	const char *most = types[model_most(model)].name;

	if (stated && model->held[stated->type].weights == 0) {
		snprintf(why, MODEL_WHY, "it calls itself %s, and holds no %s: "
		    "most of it is %s", stated->name, types[stated->type].name,
		    most ? most : "of a type that is not known");
		return false;
	}
	if (stated ? alike(label, stated->name) ||
	    alike(label, types[stated->type].name) : most && alike(label, most))
		return true;
	snprintf(why, MODEL_WHY, "it holds %s%s",
	    stated ? stated->name : most ? most : "types that are not known",
	    model->exact ? ": distributed-llama has its own f32, f16, q40 and "
	    "q80 files" : "");
	return false;
}

/* The next run of letters, in lower case; NULL: there is none. */
static const char *
word(const char *text, char out[MODEL_NAME])
{
	size_t n = 0;

	while (*text && !isalpha((unsigned char)*text))
		text++;
	for (; isalpha((unsigned char)*text); text++)
		if (n + 1 < MODEL_NAME)
			out[n++] = (char)tolower((unsigned char)*text);
	out[n] = '\0';
	return n ? text : NULL;
}

/* Whether a word of three letters or more is in what the file says of itself;
 * shorter ones are of sizes, as "b" and "a". */
static bool
shares_word(const char *label, const char *stated)
{
	char one[MODEL_NAME], whole[MODEL_NAME];

	squeeze(whole, stated);
	while ((label = word(label, one)))
		if (strlen(one) >= 3 && strstr(whole, one))
			return true;
	return false;
}

/* Architectures that are called by the name of their models; others, as
 * mistral, are kept as llama. */
static bool
names_other(const char *label, const char *architecture)
{
	static const char *const families[] = {
		"llama", "qwen", "grok", "mixtral", "gemma", "phi", "falcon",
		"bloom", "mamba", "rwkv", "granite", "olmo"
	};
	char whole[MODEL_NAME];
	bool other = false;

	squeeze(whole, label);
	for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
		bool named = strstr(whole, families[i]) != NULL;

		if (named && strstr(architecture, families[i]))
			return false;
		other |= named;
	}
	return other;
}

/* "30b", "0.6b", "8x7b", "a3b", "135m" behind anything but a letter or digit;
 * how many weights that is.  The end of it, or NULL. */
static const char *
size_at(const char *text, double *weights, bool *active)
{
	char *end;
	double times = 1;

	*active = tolower((unsigned char)*text) == 'a';
	text += *active;
	if (!isdigit((unsigned char)*text))
		return NULL;
	*weights = strtod(text, &end);
	if ((*end == 'x' || *end == 'X') && isdigit((unsigned char)end[1])) {
		times = *weights;
		*weights = strtod(end + 1, &end);
	}
	switch (tolower((unsigned char)*end)) {
	case 'm': times *= 1e6; break;
	case 'b': times *= 1e9; break;
	case 't': times *= 1e12; break;
	default: return NULL;
	}
	*weights *= times;
	return isalnum((unsigned char)end[1]) ? NULL : end + 1;
}

struct size {
	const char *at, *end;
	double weights;
	bool active;
};

/* The next size of a name, from *from on, which moves behind it. */
static bool
next_size(const char **from, struct size *size)
{
	bool begins = true;

	/* The digits behind a point begin nothing. */
	for (; **from; begins = !isalnum((unsigned char)**from) &&
	    **from != '.', (*from)++) {
		size->at = *from;
		size->end = begins ? size_at(*from, &size->weights,
		    &size->active) : NULL;
		if (!size->end)
			continue;
		*from = size->end;
		return true;
	}
	return false;
}

static bool
in_millions(const struct size *size)
{
	return tolower((unsigned char)size->end[-1]) == 'm';
}

/* Beside a size in thousand millions, "1m" is of the context. */
static bool
is_of_context(const struct size *size, const char *label)
{
	struct size other;

	while (in_millions(size) && next_size(&label, &other))
		if (!in_millions(&other))
			return true;
	return false;
}

/*
 * A name is rounded, may leave out embeddings, or count experts' shared parts
 * as often as there are experts: Mixtral's 8x7b are 46.7 thousand million, and
 * the 1b of Llama 3.2 are 1.5 where the embedding is kept twice.
 */
static bool
size_agrees(const struct model *model, const char *label, char why[MODEL_WHY])
{
	enum { PER_CENT = 60 };
	const char *from = label;
	struct size size;

	while (next_size(&from, &size)) {
		double named = size.weights, have = size.active
		    ? (double)model_active(model) : (double)model->weights;

		if (have < 0 || is_of_context(&size, label) ||
		    (have <= named * (100 + PER_CENT) / 100 &&
		    have >= named * 100 / (100 + PER_CENT)))
			continue;
		snprintf(why, MODEL_WHY, "it holds %.0f %sparameters, not %.*s",
		    have, size.active ? "active " : "",
		    (int)(size.end - size.at), size.at);
		return false;
	}
	return true;
}

bool
label_model(const struct model *model, const char *label, char why[MODEL_WHY])
{
	char stated[3 * MODEL_NAME];
	bool named = *model->name || *model->basename;

	snprintf(stated, sizeof stated, "%s %s %s", model->name,
	    model->basename, model->architecture);
	if (named ? !shares_word(label, stated)
	    : names_other(label, model->architecture)) {
		snprintf(why, MODEL_WHY, "it calls itself \"%.100s\", of "
		    "architecture %.60s", *model->name ? model->name
		    : *model->basename ? model->basename : "",
		    model->architecture);
		return false;
	}
	/* A part of a model holds a part of its weights. */
	return model->split_parts > 1 || size_agrees(model, label, why);
}
