/* emit: what was found, as records. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compose.h"
#include "epi-lmeval/lmeval.h"
#include "report.h"
#include "stats.h"

void
outcome_start(struct outcome *outcome, const char *file)
{
	memset(outcome, 0, sizeof *outcome);
	outcome->shots = outcome->questions = outcome->correct = UNKNOWN;
	outcome->value = outcome->u = outcome->macro = outcome->limit = NAN;
	outcome->file = file;
}

void
outcome_clear(struct outcome *outcome)
{
	while (outcome->note_count > 0)
		free(outcome->notes[--outcome->note_count]);
}

void
outcome_note(struct outcome *outcome, const char *format, ...)
{
	char sentence[2 * NAME];
	va_list arguments;

	if (outcome->note_count == NOTES)
		return;
	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	outcome->notes[outcome->note_count++] = report_copy(sentence,
	    strlen(sentence));
}

int64_t
outcome_recover(double p, double u)
{
	double n = p * (1 - p) / (u * u) + 1, right = p * round(n);

	/* What pools several tasks may come to a whole number by chance. */
	return n < 1e9 && n >= 2 && fabs(n - round(n)) < 1e-3 &&
	    fabs(right - round(right)) < 1e-3 ? (int64_t)round(n) : UNKNOWN;
}

/* Wilson's, of fewer questions where u is that of fewer. */
static void
put_interval(const struct outcome *outcome)
{
	double n = (double)outcome->questions, p = outcome->value;
	double alone = stats_share_error(p, n);
	struct stats_interval interval;

	compose_key("ci95");
	if (outcome->questions < 1 || p < 0 || p > 1) {
		compose_null();
		return;
	}
	if (outcome->u > alone && alone > 0)
		n *= alone / outcome->u * (alone / outcome->u);
	interval = stats_wilson_share(p, n);
	compose_begin('[');
	compose_double(interval.low);
	compose_double(interval.high);
	compose_end(']');
}

static void
put_head(const char *type, const struct outcome *outcome)
{
	compose_open();
	compose_text("type", type);
	compose_text("benchmark", outcome->benchmark);
	compose_text("model", outcome->model);
	compose_count("shots", outcome->shots);
	compose_text("metric", outcome->metric);
	compose_text("filter", outcome->filter);
}

static void
put_tail(const struct outcome *outcome)
{
	bool scalar = outcome->version.kind == JSON_NUMBER ||
	    outcome->version.kind == JSON_STRING;

	compose_figure("limit", outcome->limit);
	compose_key("version");
	if (scalar)
		compose_value(&outcome->version);
	else
		compose_null();
	compose_text("harness", outcome->harness);
	compose_text("source", "lm-evaluation-harness");
	compose_text("file", outcome->file);
	if (outcome->note_count > 0) {
		compose_key("warnings");
		compose_begin('[');
		for (size_t i = 0; i < outcome->note_count; i++)
			compose_string(outcome->notes[i]);
		compose_end(']');
	}
	compose_close();
}

void
emit_accuracy(const struct outcome *outcome)
{
	put_head("accuracy", outcome);
	compose_text("protocol", outcome->protocol);
	compose_count("questions", outcome->questions);
	compose_count("correct", outcome->correct);
	if (outcome->unmatched > 0) {
		compose_key("failures");
		compose_begin('{');
		compose_count("no_match", outcome->unmatched);
		compose_end('}');
	}
	compose_figure("accuracy", outcome->value);
	compose_figure("u_accuracy", outcome->u);
	put_interval(outcome);
	if (outcome->tasks > 0) {
		compose_figure("accuracy_macro", outcome->macro);
		compose_count("tasks", outcome->tasks);
	}
	put_tail(outcome);
}

void
emit_quality(const struct outcome *outcome)
{
	put_head("quality", outcome);
	compose_count("questions", outcome->questions);
	compose_figure("value", outcome->value);
	compose_figure("u_value", outcome->u);
	put_tail(outcome);
}
