/* doubt: what makes an accuracy another one than it looks like. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "epi-score/score.h"

static void
doubt_questions(struct score *score, const struct benchmark *mark,
    const struct official *official)
{
	if (!isnan(mark->limit))
		note_add(&score->refusals, "limited: only the first questions "
		    "of %s were asked (limit %g), which are no sample of it",
		    mark->name, mark->limit);
	else if (mark->sample != UNKNOWN)
		note_add(&score->warnings, "sampled: %s has %lld questions, a "
		    "random sample", mark->name, (long long)mark->questions);
	else if (official && mark->questions != UNKNOWN &&
	    mark->questions != official->questions)
		note_add(&score->warnings, "questions-unusual: %s has %lld "
		    "questions, the published one %lld", mark->name,
		    (long long)mark->questions,
		    (long long)official->questions);
}

void
doubt_benchmark(struct score *score, const struct benchmark *mark)
{
	const struct official *official = benchmark_official(mark);

	doubt_questions(score, mark, official);
	if (mark->shots == UNKNOWN)
		note_add(&score->warnings, "shots-unknown: of %s", mark->name);
	else if (official && mark->shots != official->shots)
		note_add(&score->warnings, "shots-unusual: %s with %lld "
		    "examples, where %lld are usual", mark->name,
		    (long long)mark->shots, (long long)official->shots);
}

/* By log-probabilities each benchmark has its own custom, letters or whole
 * texts; what is generated is another thing. */
static bool
mixes(const char *a, const char *b)
{
	static const char family[] = "loglik-";
	size_t n = sizeof family - 1;

	return strcmp(a, b) != 0 && (strncmp(a, family, n) != 0 ||
	    strncmp(b, family, n) != 0);
}

void
doubt_protocols(struct score *score)
{
	const char *protocol = NULL;
	int unknown = 0;

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		if (mark->records == 0)
			continue;
		if (!*mark->protocol)
			unknown++;
		else if (!protocol)
			protocol = mark->protocol;
		else if (mixes(protocol, mark->protocol))
			note_add(&score->refusals, "protocols-mixed: %s and %s "
			    "must not be mixed", protocol, mark->protocol);
	}
	if (unknown)
		note_add(&score->warnings,
		    "protocol-unknown: it is not known how "
		    "%d of the benchmarks were scored", unknown);
}

/* A warning, as a model may have several names. */
void
doubt_models(struct score *score)
{
	const struct benchmark *first = NULL;

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		if (!mark->model)
			continue;
		if (!first)
			first = mark;
		else if (strcmp(first->model, mark->model) != 0)
			note_add(&score->warnings, "models-differ: %s is of "
			    "%.100s, %s of %.100s", first->name, first->model,
			    mark->name, mark->model);
	}
}

/* "v0.12.3" or "0.12": whether it is that version or a later one; -1: it is no
 * version. */
static int
has_fault(const char *version)
{
	char *end;
	long major, minor;

	version += strspn(version, "\"v");
	major = strtol(version, &end, 10);
	if (end == version || *end != '.')
		return -1;
	version = end + 1;
	minor = strtol(version, &end, 10);
	return end == version ? -1 : major > 0 || minor >= 12;
}

/* The first token is generated from the slot behind the prompt in place of its
 * last token: so it was read in the sources of 0.12.0 and later ones. */
void
doubt_engine(struct score *score)
{
	const char *version =
	    meta_json("run_metadata.distributed_llama_version");
	int fault = version ? has_fault(version) : -1;
	bool used = score->engine.distributed_llama;

	for (int i = 0; i < score->benchmark_count; i++)
		used |= score->benchmarks[i].records > 0 &&
		    strcmp(score->benchmarks[i].engine, "dllama-api") == 0;
	if (fault < 0 && (score->engine.old || score->engine.recent))
		fault = score->engine.recent;
	if (fault == 0 || (!used && fault < 0))
		return;
	note_add(&score->warnings, "last-prompt-token: distributed-llama from "
	    "0.12.0 on may read a wrong token in place of the prompt's last "
	    "one, which changes answers%s", fault > 0 ? ""
	    : "; its version is not known "
	    "(--meta run_metadata.distributed_llama_version=...)");
}
