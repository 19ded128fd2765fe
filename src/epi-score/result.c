/* result: the score record. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "compose.h"
#include "epi-score/score.h"

static void
put_value(const char *key, const struct json_value *value)
{
	compose_key(key);
	compose_value(value);
}

/* What --meta said, else what the records know (JSON or NULL). */
static void
put_meta(const char *name, const char *known)
{
	const char *dot = strchr(name, '.');
	const char *json = meta_json(name);

	if (!json)
		json = known ? known : "null";
	compose_key(dot ? dot + 1 : name);
	compose_raw(json, strlen(json));
}

static void
put_nulls(const char *const *keys)
{
	for (; *keys; keys++) {
		compose_key(*keys);
		compose_null();
	}
}

/* A known string as JSON, for put_meta. */
static const char *
string_json(const struct json_value *value, char *text, size_t room)
{
	if (value->kind != JSON_STRING || value->length + 3 > room)
		return NULL;
	memcpy(text, value->at - 1, value->length + 2);
	text[value->length + 2] = '\0';
	return text;
}

/* A count of the tokens records, if there are any. */
static int64_t
of_tokens(const struct score *score, int64_t count)
{
	return score->tokens.records > 0 ? count : UNKNOWN;
}

/* NAN where no token is known to have been generated. */
static double
per_token(const struct score *score, double joules)
{
	int64_t generated = of_tokens(score, score->tokens.generated);

	return generated > 0 ? joules / (double)generated : NAN;
}

static void
put_identity(const struct energy *energy)
{
	char instrument[SENTENCE];

	put_meta("model", NULL);
	put_meta("quantization", NULL);
	put_meta("surgery", NULL);
	put_meta("hardware", NULL);
	put_meta("instrument", string_json(&energy->at[INSTRUMENT],
	    instrument, sizeof instrument));
	put_meta("measurement_point", NULL);
	compose_key("environment");
	compose_begin('{');
	put_meta("environment.ambient_temp_c", NULL);
	put_meta("environment.frequency_governor", NULL);
	put_meta("environment.background_load", NULL);
	compose_end('}');
}

static void
put_energy(const struct score *score, const struct energy *energy)
{
	compose_key("energy");
	compose_begin('{');
	put_value("total_joules", &energy->at[JOULES]);
	compose_count("total_tokens",
	    of_tokens(score, score->tokens.generated));
	compose_figure("joules_per_token",
	    per_token(score, value_number(&energy->at[JOULES])));
	put_value("avg_watts_cluster", &energy->at[MEAN_WATTS]);
	put_value("peak_watts_cluster", &energy->at[PEAK_WATTS]);
	put_value("duration_seconds", &energy->at[SECONDS]);
	compose_figure("kwh_total", value_number(&energy->at[JOULES]) / 3.6e6);
	compose_end('}');
}

/* The three of the paper always stand there; others behind them. */
static void
put_accuracies(const struct score *score, const char *group,
    double (*value)(const struct benchmark *))
{
	static const char *const fixed[] = {
		"mmlu_5shot", "arc_challenge_25shot", "hellaswag_10shot"
	};
	char keys[BENCHMARKS][NAME + 32];
	double values[3] = { NAN, NAN, NAN };
	bool placed[BENCHMARKS] = { false };

	for (int i = 0; i < score->benchmark_count; i++) {
		const struct benchmark *mark = &score->benchmarks[i];

		snprintf(keys[i], sizeof keys[i], mark->shots == UNKNOWN
		    ? "%s" : "%s_%lldshot", mark->name, (long long)mark->shots);
		for (int j = 0; j < 3; j++)
			if (strcmp(keys[i], fixed[j]) == 0) {
				values[j] = value(mark);
				placed[i] = true;
			}
	}
	compose_key(group);
	compose_begin('{');
	for (int j = 0; j < 3; j++)
		compose_figure(fixed[j], values[j]);
	for (int i = 0; i < score->benchmark_count; i++)
		if (!placed[i] && score->benchmarks[i].records == 1)
			compose_figure(keys[i], value(&score->benchmarks[i]));
	compose_figure("composite", score_composite(score, value));
	compose_end('}');
}

static void
put_run(const struct score *score, const struct energy *energy)
{
	char text[CLOCK_TEXT], begin[CLOCK_TEXT + 2] = "null";

	if (energy->line && energy->begin_ns != UNKNOWN) {
		clock_format(text, energy->begin_ns);
		snprintf(begin, sizeof begin, "\"%s\"", text);
	}
	compose_key("run_metadata");
	compose_begin('{');
	put_meta("run_metadata.run_id", score->runs_differ ? NULL : score->run);
	put_meta("run_metadata.timestamp_utc", begin);
	put_meta("run_metadata.repetition", NULL);
	put_meta("run_metadata.epi_meter_firmware", NULL);
	put_meta("run_metadata.distributed_llama_version", NULL);
	compose_end('}');
}

static void
put_unit_costs(const struct score *score, const struct energy *energy,
    bool benchmark)
{
	double joules = value_number(&energy->at[JOULES]);
	int64_t total = count_add(score->tokens.prompt,
	    score->tokens.generated);

	put_value("gross_joules", &energy->at[JOULES]);
	compose_figure("net_of_idle_joules",
	    score->net.known ? score->net.joules : NAN);
	put_nulls((const char *const []){ "joules_per_prompt_token", NULL });
	compose_figure("joules_per_total_token",
	    total == UNKNOWN ? NAN : joules / (double)total);
	compose_figure("joules_per_question",
	    benchmark ? joules / score_answers(score, false) : NAN);
	compose_figure("joules_per_correct_answer",
	    benchmark ? joules / score_answers(score, true) : NAN);
}

static void
put_tokens(const struct score *score)
{
	const struct tokens *tokens = &score->tokens;

	compose_count("prompt_tokens", of_tokens(score, tokens->prompt));
	compose_key("eos_counted");
	if (tokens->records > 0 && tokens->eos_counted == tokens->records)
		compose_bool(true);
	else if (tokens->records > 0 && tokens->eos_left == tokens->records)
		compose_bool(false);
	else
		compose_null();
}

static void
put_inputs(const struct score *score)
{
	compose_key("inputs");
	compose_begin('[');
	for (size_t i = 0; i < score->input_count; i++) {
		const struct input *input = &score->inputs[i];

		compose_begin('{');
		compose_key("name");
		compose_string(input->name);
		compose_key("sha256");
		compose_string(*input->digest ? input->digest : NULL);
		compose_end('}');
	}
	compose_end(']');
}

static void
put_warnings(const struct score *score)
{
	const struct notes *both[] = { &score->refusals, &score->warnings };
	char text[SENTENCE];

	compose_key("warnings");
	compose_begin('[');
	for (int i = 0; i < 2; i++) {
		for (size_t j = 0; j < both[i]->count; j++)
			compose_string(both[i]->text[j]);
		if (both[i]->left_out == 0)
			continue;
		snprintf(text, sizeof text, "warnings-more: %zu more",
		    both[i]->left_out);
		compose_string(text);
	}
	compose_end(']');
}

static void
put_epi(double cost, double accuracy)
{
	compose_key("epi");
	compose_begin('{');
	compose_figure("value", cost / accuracy);
	compose_figure("joules_per_token", cost);
	compose_figure("accuracy_composite", accuracy);
	compose_end('}');
}

/* An interval of logarithms, around a value. */
static void
put_interval(const char *key, double value, struct stats_interval around)
{
	compose_key(key);
	if (isnan(value) || isnan(around.low) || isnan(around.high)) {
		compose_null();
		return;
	}
	compose_begin('[');
	compose_double(value * exp(around.low));
	compose_double(value * exp(around.high));
	compose_end(']');
}

/* Unknown until the energy is known. */
static void
put_spread(const struct uncertainty *u, double epi)
{
	compose_figure("u", epi * hypot(u->energy, u->accuracy));
	put_interval("ci95", epi, u->epi);
	compose_figure("k", u->k);
	compose_figure("nu_eff", u->nu);
	compose_key("interval");
	compose_string(u->method);
}

static void
put_token_spread(const struct uncertainty *u, double cost)
{
	compose_figure("u_joules_per_token", cost * u->energy);
	put_interval("ci95_joules_per_token", cost, u->per_token);
}

static void
put_uncertainty(const struct score *score, double cost)
{
	const struct uncertainty *u = &score->u;
	double composite = score_composite(score, benchmark_accuracy);

	put_spread(u, cost / composite);
	put_token_spread(u, cost);
	compose_figure("u_accuracy", composite * u->accuracy);
	compose_key("budget");
	if (isnan(u->energy))
		compose_null();
	else
		budget_compose(&u->budget, "c_relative");
}

static void
put_name(const char *key, const char *name)
{
	compose_key(key);
	compose_string(*name ? name : NULL);
}

static void
put_benchmark(const struct benchmark *mark, double weights)
{
	compose_begin('{');
	put_name("benchmark", mark->name);
	compose_count("shots", mark->shots);
	put_name("protocol", mark->protocol);
	compose_figure("weight", mark->weight / weights);
	compose_count("questions", mark->questions);
	compose_count("correct", mark->correct);
	compose_figure("accuracy", mark->accuracy);
	compose_figure("u_accuracy", benchmark_uncertainty(mark));
	compose_key("ci95");
	if (isnan(mark->interval.low) || isnan(mark->interval.high)) {
		compose_null();
	} else {
		compose_begin('[');
		compose_double(mark->interval.low);
		compose_double(mark->interval.high);
		compose_end(']');
	}
	put_name("sha256", mark->digest);
	compose_end('}');
}

static void
put_benchmarks(const struct score *score)
{
	double weights = 0;

	for (int i = 0; i < score->benchmark_count; i++)
		weights += score->benchmarks[i].weight;
	compose_key("benchmarks");
	compose_begin('[');
	for (int i = 0; i < score->benchmark_count; i++)
		if (score->benchmarks[i].records == 1)
			put_benchmark(&score->benchmarks[i], weights);
	compose_end(']');
}

static void
put_net(const struct score *score)
{
	const struct net *net = &score->net;
	double cost = net->joules > 0 ? per_token(score, net->joules) : NAN;
	double epi = cost / score_composite(score, benchmark_accuracy);

	compose_key("net_of_idle");
	if (!net->known) {
		compose_null();
		return;
	}
	compose_begin('{');
	compose_figure("idle_watts", net->idle_watts);
	compose_figure("joules", net->joules);
	compose_figure("joules_per_token", cost);
	compose_figure("epi", epi);
	put_spread(&net->u, epi);
	compose_end('}');
}

static void
put_decode(const struct score *score)
{
	const struct energy *energy = score->decode_energy;
	const struct score *decode = score->decode;
	double cost, composite;

	compose_key("decode");
	if (!energy) {
		compose_null();
		return;
	}
	cost = per_token(decode, value_number(&energy->at[JOULES]));
	composite = score_composite(score, benchmark_accuracy);
	compose_begin('{');
	put_value("joules", &energy->at[JOULES]);
	put_value("seconds", &energy->at[SECONDS]);
	compose_count("prompt_tokens",
	    of_tokens(decode, decode->tokens.prompt));
	compose_count("generated_tokens",
	    of_tokens(decode, decode->tokens.generated));
	compose_figure("joules_per_token", cost);
	put_token_spread(&decode->u, cost);
	compose_figure("epi", cost / composite);
	put_spread(&decode->u, cost / composite);
	compose_end('}');
}

/* A meter names the hash of what it has set also where nothing puts its samples
 * right. */
static bool
is_calibrated(const struct energy *energy)
{
	static const char *const keys[] = { "corrected" };
	const struct json_value *calibration = &energy->at[CALIBRATION];
	struct json_value corrected;
	struct json_error error;

	return calibration->kind == JSON_OBJECT && json_members(calibration->at,
	    calibration->length, keys, 1, &corrected, &error) &&
	    corrected.kind == JSON_TRUE;
}

static void
put_evidence(const struct score *score, const struct energy *energy)
{
	compose_key("evidence");
	compose_string(score->simulated ? "simulated"
	    : is_calibrated(energy) ? "calibrated" : "uncalibrated");
}

void
score_compose(const struct score *score, const struct energy *energy,
    bool has_answers)
{
	static const struct energy none;
	double cost;

	if (!energy)
		energy = &none;
	cost = per_token(score, value_number(&energy->at[JOULES]));
	compose_open();
	compose_key("type");
	compose_string("score");
	if (score->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	put_identity(energy);
	put_energy(score, energy);
	put_accuracies(score, "accuracy", benchmark_accuracy);
	put_epi(cost, score_composite(score, benchmark_accuracy));
	put_run(score, energy);
	put_uncertainty(score, cost);
	put_benchmarks(score);
	put_net(score);
	put_unit_costs(score, energy, has_answers);
	put_accuracies(score, "accuracy_above_chance", benchmark_above_chance);
	put_tokens(score);
	put_meta("workload", NULL);
	put_meta("tokenizer", NULL);
	put_meta("psu", NULL);
	put_decode(score);
	put_value("coverage", &energy->at[COVERAGE]);
	put_evidence(score, energy);
	put_inputs(score);
	put_warnings(score);
	compose_close();
}
