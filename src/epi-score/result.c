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
	if (value_unknown(value))
		compose_null();
	else if (value->kind == JSON_STRING)
		compose_raw(value->at - 1, value->length + 2);
	else
		compose_raw(value->at, value->length);
}

static void
put_figure(const char *key, double figure)
{
	compose_key(key);
	compose_double(figure);
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
put_energy(const struct score *score, const struct energy *energy,
    double per_token)
{
	compose_key("energy");
	compose_begin('{');
	put_value("total_joules", &energy->at[JOULES]);
	put_count("total_tokens", score->tokens.records
	    ? score->tokens.generated : UNKNOWN);
	put_figure("joules_per_token", per_token);
	put_value("avg_watts_cluster", &energy->at[MEAN_WATTS]);
	put_value("peak_watts_cluster", &energy->at[PEAK_WATTS]);
	put_value("duration_seconds", &energy->at[SECONDS]);
	put_figure("kwh_total", value_number(&energy->at[JOULES]) / 3.6e6);
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
		put_figure(fixed[j], values[j]);
	for (int i = 0; i < score->benchmark_count; i++)
		if (!placed[i] && score->benchmarks[i].records == 1)
			put_figure(keys[i], value(&score->benchmarks[i]));
	put_figure("composite", score_composite(score, value));
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
	put_nulls((const char *const []){
		"net_of_idle_joules", "joules_per_prompt_token", NULL });
	put_figure("joules_per_total_token",
	    total == UNKNOWN ? NAN : joules / (double)total);
	put_figure("joules_per_question",
	    benchmark ? joules / score_answers(score, false) : NAN);
	put_figure("joules_per_correct_answer",
	    benchmark ? joules / score_answers(score, true) : NAN);
}

static void
put_tokens(const struct score *score)
{
	const struct tokens *tokens = &score->tokens;

	put_count("prompt_tokens", tokens->records ? tokens->prompt : UNKNOWN);
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
put_epi(double per_token, double accuracy)
{
	compose_key("epi");
	compose_begin('{');
	put_figure("value", per_token / accuracy);
	put_figure("joules_per_token", per_token);
	put_figure("accuracy_composite", accuracy);
	compose_end('}');
}

static void
put_evidence(const struct score *score, const struct energy *energy)
{
	bool calibrated = !value_unknown(&energy->at[CALIBRATION]);

	compose_key("evidence");
	compose_string(score->simulated ? "simulated"
	    : calibrated ? "calibrated" : "uncalibrated");
}

static double
joules_per_token(const struct score *score, const struct energy *energy)
{
	int64_t generated = score->tokens.generated;

	return score->tokens.records > 0 && generated > 0
	    ? value_number(&energy->at[JOULES]) / (double)generated : NAN;
}

void
result_compose(const struct score *score, const struct energy *energy,
    bool has_answers)
{
	static const struct energy none;
	double per_token;

	if (!energy)
		energy = &none;
	per_token = joules_per_token(score, energy);
	compose_open();
	compose_key("type");
	compose_string("score");
	if (score->simulated) {
		compose_key("simulated");
		compose_bool(true);
	}
	put_identity(energy);
	put_energy(score, energy, per_token);
	put_accuracies(score, "accuracy", benchmark_accuracy);
	put_epi(per_token, score_composite(score, benchmark_accuracy));
	put_run(score, energy);
	put_nulls((const char *const []){
		"u", "ci95", "k", "nu_eff", "budget", NULL });
	put_unit_costs(score, energy, has_answers);
	put_accuracies(score, "accuracy_above_chance", benchmark_above_chance);
	put_tokens(score);
	put_meta("workload", NULL);
	put_nulls((const char *const []){ "decode", NULL });
	put_value("coverage", &energy->at[COVERAGE]);
	put_evidence(score, energy);
	put_inputs(score);
	put_warnings(score);
	compose_close();
}
