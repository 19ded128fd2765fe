#include <math.h>
#include <stdio.h>
#include <string.h>

#include "epi-run/result.h"
#include "epi-run/run.h"
#include "report.h"
#include "write.h"

enum { TEXT = WRITE_UNCERTAIN + 1 };

/* What speaks against the figures. */

void
tell_refused(const char *what, const char *why)
{
	report_error("%s: refused: %s", what, why);
}

static void
judge_energy(void)
{
	char why[TEXT];

	if (result_holds_run())
		return;
	if (run.silent)
		tell_refused("the energy", "no samples came");
	else if (!result.energy.line)
		tell_refused("the energy", "there is none");
	else if (run.uncovered)
		tell_refused("the energy", "no samples up to the end");
	else if (!record_is(&result.energy, COMPLETE, JSON_TRUE))
		tell_refused("the energy", "the samples broke off");
	else if (record_number(&result.energy, COVERAGE) < result_least_coverage) {
		snprintf(why, sizeof why, "%.2f %% of the time was measured",
		    100 * record_number(&result.energy, COVERAGE));
		tell_refused("the energy", why);
	} else {
		tell_refused("the energy", "it is not known");
	}
}

/* That a command is no engine is no fault; epi-tokens has said it. */
static void
judge_tokens(void)
{
	const struct record *tokens = &result.tokens;

	if (tokens->line && !json_is(&tokens->at[STATUS], "complete") &&
	    !json_is(&tokens->at[STATUS], "uncountable"))
		tell_refused("joules per token", "the log is not complete");
	if (record_number(tokens, NODE_COUNT) > (double)result_nodes())
		report_warning("the log tells of %.0f nodes, and %lld were "
		    "measured", record_number(tokens, NODE_COUNT),
		    (long long)result_nodes());
}

/* The summary. */

/* Three, and of what is small as many as show four digits. */
static int
decimals(double value)
{
	double size = fabs(value);

	return size > 1e-12 && size < 1 ? 3 - (int)floor(log10(size)) : 3;
}

/* "175.23 +- 0.52", or without what is not known. */
static const char *
measured(char text[TEXT], double value, double u)
{
	if (u > 0 && isfinite(u))
		*write_uncertain(text, value, u) = '\0';
	else
		snprintf(text, TEXT, "%.*f", decimals(value), value);
	return text;
}

static void
tell_warnings(const struct record *record, const char *of)
{
	struct json_value value;
	const char *cursor = NULL;
	char text[1024];

	while (record_is(record, WARNINGS, JSON_ARRAY) &&
	    json_element(&record->at[WARNINGS], &cursor, &value))
		if (json_string(&value, text, sizeof text) > 0)
			report_warning("%s: %s", of, text);
}

static void
tell_tokens(double joules, double u)
{
	double generated = record_number(&result.tokens, GENERATED);
	double seconds = record_number(&result.energy, SECONDS);
	double decode = record_number(&result.tokens, DECODE_SECONDS);
	char text[TEXT];

	if (!result_has_tokens())
		return;
	report_warning("%s J/token, %.0f generated", measured(text,
	    joules / generated, u / generated), generated);
	if (decode > 0)
		report_warning("%.3f tokens/s, %.3f while generating",
		    generated / seconds, generated / decode);
	else
		report_warning("%.3f tokens/s", generated / seconds);
}

static void
tell_idle(double joules)
{
	double watts = record_number(&result.idle, MEAN_WATTS);
	double net = joules - watts * record_number(&result.energy, SECONDS);
	double generated = record_number(&result.tokens, GENERATED);

	if (!run.idle_ns)
		return;
	if (!result_holds(&result.idle))
		tell_refused("the idle power", "it was not measured throughout");
	else if (result_has_tokens())
		report_warning("%.3f W idle; net of it %.*f J, %.*f J/token",
		    watts, decimals(joules), net, decimals(net / generated),
		    net / generated);
	else
		report_warning("%.3f W idle; net of it %.*f J", watts,
		    decimals(joules), net);
}

static void
tell_idle_after(void)
{
	if (result_holds(&result.idle_after))
		report_warning("%.3f W idle afterwards",
		    record_number(&result.idle_after, MEAN_WATTS));
	else if (run.idle_after_ns)
		tell_refused("the idle power afterwards",
		    "it was not measured throughout");
}

/* The tokens that a phase is of, or 0. */
static double
tokens_of(const struct phase *phase)
{
	int key;

	if (phase->test)
		return phase->tokens;
	key = strcmp(phase->label, "prefill") == 0 ? PROMPT
	    : strcmp(phase->label, "decode") == 0 ? GENERATED : KEYS;

	return key != KEYS && result_has_tokens()
	    ? record_number(&result.tokens, key) : 0;
}

static void
tell_phases(void)
{
	for (size_t i = 0; i < result.phase_count; i++) {
		const struct phase *phase = &result.phases[i];
		double tokens = tokens_of(phase);
		char each[TEXT] = "", times[TEXT] = "";

		if (phase->count > 1)
			snprintf(times, sizeof times, ", %llu times",
			    (unsigned long long)phase->count);
		if (tokens > 0)
			snprintf(each, sizeof each, ", %.4g J each of %.0f "
			    "tokens", phase->joules / tokens, tokens);
		if (isfinite(phase->joules) && phase->count > 0)
			report_warning("%s: %.*f J in %.3f s%s%s", phase->label,
			    decimals(phase->joules), phase->joules,
			    phase->seconds, times, each);
		else if (!result.phases_unknown)
			report_warning("%s: its energy is not known",
			    phase->label);
	}
	if (result.phases_unknown)
		report_warning("%s", result.phases_unknown);
}

static void
tell_energy(void)
{
	const struct record *energy = &result.energy;
	double joules = record_number(energy, JOULES);
	double u = record_number(energy, U_JOULES);
	double peak = record_number(energy, PEAK_WATTS);
	long long nodes = result_nodes();
	char text[TEXT];

	report_warning("%s J in %.3f s%s, %lld node%s, coverage %.2f %%%s",
	    measured(text, joules, u), record_number(energy, SECONDS),
	    run.of_tokens ? " from the prompt to the last token" : "", nodes,
	    nodes == 1 ? "" : "s", 100 * record_number(energy, COVERAGE),
	    record_is(energy, SIMULATED, JSON_TRUE) ? ", SIMULATED" : "");
	tell_tokens(joules, u);
	if (isfinite(peak))
		report_warning("%.3f W mean, %.3f W peak",
		    record_number(energy, MEAN_WATTS), peak);
	else
		report_warning("%.3f W mean",
		    record_number(energy, MEAN_WATTS));
	tell_phases();
	tell_idle(joules);
	tell_idle_after();
}

void
tell_run(void)
{
	char which[TEXT] = "";

	if (run.repetitions > 1)
		snprintf(which, sizeof which, "run %lld of %lld: ",
		    (long long)run.number, (long long)run.repetitions);
	report_warning("%s%s: status %d", which, run.command[0],
	    child_status(run.status));
	if (run.step_ns)
		report_warning("this machine's clock was set by %+.3f s "
		    "meanwhile; the times are by it as it was before",
		    (double)run.step_ns / 1e9);
	judge_energy();
	if (result_holds_run())
		tell_energy();
	judge_tokens();
	tell_warnings(&result.energy, "energy");
	tell_warnings(&result.tokens, "tokens");
}

