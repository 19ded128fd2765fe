/* emit: the comparison record, and one sentence for people. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "compose.h"
#include "epi-compare/compare.h"
#include "report.h"

void
comparison_warn(struct comparison *comparison, const char *format, ...)
{
	va_list arguments;

	if (comparison->warning_count == WARNINGS)
		return;
	va_start(arguments, format);
	vsnprintf(comparison->warnings[comparison->warning_count++], SENTENCE,
	    format, arguments);
	va_end(arguments);
}

static void
put_interval(const char *key, double low, double high)
{
	compose_key(key);
	if (isnan(low) && isnan(high)) {
		compose_null();
		return;
	}
	compose_begin('[');
	compose_double(low);
	compose_double(high);
	compose_end(']');
}

static void
put_ratio(const char *key, const struct ratio *ratio)
{
	static const char *const methods[] = { NULL, "delta", "mover" };
	bool known = ratio->method != UNKNOWN_METHOD;
	double k = ratio->k;

	compose_key(key);
	compose_begin('{');
	compose_figure("ratio", exp(ratio->log));
	compose_figure("u_relative", known ? ratio->u : NAN);
	put_interval("ci95", known ? exp(ratio->log - k * ratio->u_low) : NAN,
	    known ? exp(ratio->log + k * ratio->u_high) : NAN);
	compose_figure("k", known ? k : NAN);
	compose_figure("nu_eff", known ? ratio->nu : NAN);
	compose_key("method");
	compose_string(methods[ratio->method]);
	compose_end('}');
}

static void
put_model(const char *key, const struct model *model)
{
	compose_key(key);
	compose_begin('{');
	compose_key("file");
	compose_string(model->file);
	compose_key("name");
	result_compose_name(&model->result);
	compose_key("epi");
	result_compose(&model->result, "epi.value");
	compose_end('}');
}

static void
put_counts(const char *benchmark, const struct counts *counts)
{
	compose_begin('{');
	compose_key("benchmark");
	compose_string(benchmark);
	compose_key("both");
	compose_integer(counts->both);
	compose_key("only_baseline");
	compose_integer(counts->baseline);
	compose_key("only_candidate");
	compose_integer(counts->candidate);
	compose_key("neither");
	compose_integer(counts->neither);
	compose_figure("p_exact", stats_mcnemar_exact(counts->baseline,
	    counts->candidate));
	compose_figure("p_mid", stats_mcnemar_mid(counts->baseline,
	    counts->candidate));
	compose_end('}');
}

/* McNemar's test of each benchmark, and of all questions. */
static void
put_paired(const struct pair *pair)
{
	struct counts all = { 0 };

	compose_key("paired");
	if (pair->question_count == 0) {
		compose_null();
		return;
	}
	compose_begin('[');
	for (int i = 0; i < pair->baseline->mark_count; i++) {
		const struct counts *counts = &pair->counts[i];

		all.both += counts->both;
		all.baseline += counts->baseline;
		all.candidate += counts->candidate;
		all.neither += counts->neither;
		put_counts(pair->baseline->marks[i].name, counts);
	}
	if (pair->baseline->mark_count > 1)
		put_counts(NULL, &all);
	compose_end(']');
}

static void
put_payback(const struct comparison *comparison, double invested_kwh)
{
	const struct payback *payback = &comparison->payback;

	if (isnan(invested_kwh))
		return;
	compose_key("payback");
	compose_begin('{');
	compose_figure("invested_kwh", invested_kwh);
	compose_figure("tokens", payback->tokens);
	put_interval("ci95", payback->low, payback->high);
	compose_end('}');
}

static void
put_verdict(const struct comparison *comparison,
    const struct settings *settings)
{
	compose_key("judged_by");
	compose_string(comparison->judged == &comparison->epi ? "epi"
	    : "joules_per_correct_answer");
	compose_key("verdict");
	compose_string(comparison->verdict);
	compose_figure("margin", settings->margin);
	compose_key("within_margin");
	compose_bool(comparison->is_equivalent);
	compose_figure("p", comparison->p);
	compose_figure("p_holm", comparison->p_holm);
	compose_key("settle");
	settle_compose(comparison, settings);
}

void
emit_comparison(const struct comparison *comparison,
    const struct settings *settings)
{
	const struct pair *pair = &comparison->pair;

	compose_open();
	compose_key("type");
	compose_string("comparison");
	if (pair->baseline->result.simulated ||
	    pair->candidate->result.simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	put_model("baseline", pair->baseline);
	put_model("candidate", pair->candidate);
	put_ratio("epi", &comparison->epi);
	put_interval("epi_bootstrap_ci95", exp(comparison->bootstrap.low),
	    exp(comparison->bootstrap.high));
	put_ratio("joules_per_token", &comparison->per_token);
	put_ratio("joules_per_correct_answer", &comparison->per_correct);
	put_ratio("accuracy", &comparison->accuracy);
	put_paired(pair);
	put_verdict(comparison, settings);
	put_payback(comparison, settings->invested_kwh);
	compose_key("warnings");
	compose_begin('[');
	for (int i = 0; i < comparison->warning_count; i++)
		compose_string(comparison->warnings[i]);
	compose_end(']');
	compose_close();
}

void
emit_sentence(const struct comparison *comparison)
{
	const struct ratio *ratio = comparison->judged;
	const char *figure = ratio == &comparison->epi ? "EPI"
	    : "J/correct answer";

	if (ratio->method == UNKNOWN_METHOD)
		report_warning("%s: %s x %.4g, uncertainty unknown: %s",
		    comparison->pair.candidate->file, figure, exp(ratio->log),
		    comparison->verdict);
	else
		report_warning("%s: %s x %.4g (95 %% %.4g to %.4g): %s",
		    comparison->pair.candidate->file, figure, exp(ratio->log),
		    exp(ratio->log - ratio->k * ratio->u_low),
		    exp(ratio->log + ratio->k * ratio->u_high),
		    comparison->verdict);
}
