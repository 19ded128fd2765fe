/* emit: accuracy and graded records. */
#include <math.h>
#include <string.h>

#include "compose.h"
#include "epi-grade/grade.h"

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
			compose_count(class_names[i], account->failures[i]);
	compose_end('}');
}

static void
put_figures(const struct benchmark *mark, const struct summary *summary)
{
	compose_figure("accuracy", summary->accuracy);
	compose_figure("accuracy_upper", summary->upper);
	compose_figure("u_accuracy", summary->u);
	compose_figure("u_accuracy_subset", summary->u_subset);
	compose_key("ci95");
	compose_begin('[');
	compose_double(summary->interval.low);
	compose_double(summary->interval.high);
	compose_end(']');
	if (mark->loglik) {
		compose_figure("accuracy_acc", mark->normalised ? summary->other
		    : summary->accuracy);
		compose_figure("accuracy_acc_norm", mark->normalised
		    ? summary->accuracy : summary->other);
	}
	if (summary->strata) {
		compose_figure("accuracy_macro", summary->macro);
		compose_figure("u_macro", summary->u_macro);
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
		compose_count("questions", stratum->questions);
		compose_count("correct", stratum->correct);
		compose_figure("accuracy", stratum->accuracy);
		compose_figure("u_accuracy", stratum->u);
		compose_count("stratum_questions", stratum->whole);
		compose_end('}');
	}
	compose_end('}');
}

static void
put_spent(const struct spent *spent)
{
	compose_count("answers", spent->answers);
	compose_count("prompt_tokens", spent->prompt_tokens);
	compose_count("generated_tokens", spent->generated_tokens);
	compose_count("cached_tokens", spent->cached_tokens);
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
	compose_text("type", "accuracy");
	if (mark->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_text("benchmark", mark->name);
	compose_text("model", mark->unnamed ? NULL : mark->model);
	compose_text("engine", mark->engines_differ ? NULL : mark->engine);
	compose_count("shots", mark->shots);
	compose_text("metric", mark->normalised ? "acc_norm" : "acc");
	compose_text("protocol", mark->protocol);
	compose_count("questions", summary->all.questions);
	compose_count("correct", summary->all.correct);
	put_failures(&summary->all);
	put_figures(mark, summary);
	compose_count("benchmark_questions", mark->questions);
	compose_count("sample", mark->sample);
	compose_count("seed", mark->seed);
	if (strata && summary->strata)
		put_strata(summary);
	put_spent(&mark->spent);
	compose_text("items_sha256", summary->items);
	compose_text("answers_sha256", summary->answers);
	compose_text("source", "epi-grade");
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
	compose_text("type", "graded");
	if (mark->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	compose_text("benchmark", mark->name);
	compose_text("id", answer->id);
	compose_text("stratum", answer->stratum);
	compose_count("stratum_questions", answer->stratum_questions);
	compose_text("cluster", answer->cluster);
	compose_key("correct");
	if (answer->class == TRANSPORT)
		compose_null();
	else
		compose_bool(letter == answer->gold);
	compose_text("prompt_sha256", answer->sha256);
	compose_text("letter", letter >= 0 ? name : NULL);
	compose_text("class", class_names[answer->class]);
	compose_close();
}
