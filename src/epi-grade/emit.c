/* emit: accuracy and graded records. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "epi-grade/grade.h"

static void
put_string(const char *key, const char *text)
{
	compose_key(key);
	compose_string(text && *text ? text : NULL);
}

static void
put_count(const char *key, int64_t count)
{
	compose_key(key);
	if (count == UNKNOWN)
		compose_null();
	else
		compose_integer(count);
}

static void
put_figure(const char *key, double figure)
{
	compose_key(key);
	compose_double(figure);
}

static void
put_time(const char *key, int64_t ns)
{
	compose_key(key);
	if (ns == UNKNOWN)
		compose_null();
	else
		compose_time(ns);
}

static void
put_failures(const struct account *account)
{
	compose_key("failures");
	compose_begin('{');
	for (int i = CLASS_NONE + 1; i < CLASSES; i++)
		if (account->failures[i] > 0)
			put_count(class_names[i], account->failures[i]);
	compose_end('}');
}

static void
put_figures(const struct benchmark *mark, const struct summary *summary)
{
	put_figure("accuracy", summary->accuracy);
	put_figure("accuracy_upper", summary->upper);
	put_figure("u_accuracy", summary->u);
	put_figure("u_accuracy_subset", summary->u_subset);
	compose_key("ci95");
	compose_begin('[');
	compose_double(summary->interval.low);
	compose_double(summary->interval.high);
	compose_end(']');
	if (mark->loglik) {
		put_figure("accuracy_acc", mark->normalised ? summary->other
		    : summary->all.accuracy);
		put_figure("accuracy_acc_norm", mark->normalised
		    ? summary->all.accuracy : summary->other);
	}
	if (summary->strata) {
		put_figure("accuracy_macro", summary->macro);
		put_figure("u_macro", summary->u_macro);
	}
	compose_key("weighted");
	compose_bool(summary->weighted);
	compose_key("clusters");
	if (summary->clustered)
		compose_integer(summary->all.clusters);
	else
		compose_null();
}

static void
put_strata(const struct summary *summary)
{
	compose_key("strata");
	compose_begin('{');
	for (size_t i = 0; i < summary->stratum_count; i++) {
		const struct account *stratum = &summary->strata[i];

		compose_key(stratum->stratum);
		compose_begin('{');
		put_count("questions", stratum->questions);
		put_count("correct", stratum->correct);
		put_figure("accuracy", stratum->accuracy);
		put_figure("u_accuracy", stratum->u);
		put_count("stratum_questions", stratum->whole);
		compose_end('}');
	}
	compose_end('}');
}

static void
put_spent(const struct spent *spent)
{
	put_count("answers", spent->answers);
	put_count("prompt_tokens", spent->prompt_tokens);
	put_count("generated_tokens", spent->generated_tokens);
	put_count("cached_tokens", spent->cached_tokens);
	compose_key("seconds");
	if (spent->ns == UNKNOWN)
		compose_null();
	else
		compose_seconds(spent->ns);
	put_time("begin", spent->begin_ns);
	put_time("end", spent->end_ns);
}

static void
put_notes(char *const *notes)
{
	if (!*notes)
		return;
	compose_key("warnings");
	compose_begin('[');
	for (; *notes; notes++)
		compose_string(*notes);
	compose_end(']');
}

void
emit_accuracy(const struct benchmark *mark, const struct summary *summary,
    bool strata, char *const *notes)
{
	compose_open();
	put_string("type", "accuracy");
	if (mark->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	put_string("benchmark", mark->name);
	put_string("model", mark->models_differ ? NULL : mark->model);
	put_string("engine", mark->engines_differ ? NULL : mark->engine);
	put_count("shots", mark->shots);
	put_string("metric", mark->normalised ? "acc_norm" : "acc");
	put_string("protocol", mark->protocol);
	put_count("questions", summary->all.questions);
	put_count("correct", summary->all.correct);
	put_failures(&summary->all);
	put_figures(mark, summary);
	put_count("benchmark_questions", mark->questions);
	put_count("sample", mark->sample);
	put_count("seed", mark->seed);
	if (strata && summary->strata)
		put_strata(summary);
	put_spent(&mark->spent);
	put_string("items_sha256", summary->items);
	put_string("answers_sha256", summary->answers);
	put_string("source", "epi-grade");
	put_notes(notes);
	compose_close();
}

void
emit_graded(const struct graded *graded, const struct answer *answer)
{
	const struct benchmark *mark = &graded->benchmarks[answer->benchmark];
	int letter = mark->normalised ? answer->other : answer->letter;
	char name[] = { (char)('A' + letter), '\0' };

	compose_open();
	put_string("type", "graded");
	if (mark->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	put_string("benchmark", mark->name);
	put_string("id", answer->id);
	put_string("stratum", answer->stratum);
	put_string("cluster", answer->cluster);
	compose_key("correct");
	if (answer->class == TRANSPORT)
		compose_null();
	else
		compose_bool(letter == answer->gold);
	put_string("prompt_sha256", answer->sha256);
	put_string("letter", letter >= 0 ? name : NULL);
	put_string("class", class_names[answer->class]);
	compose_close();
}
