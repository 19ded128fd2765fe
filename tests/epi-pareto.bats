# epi-pareto: the frontier, and what cannot be told from it.

load lib

# score NAME COST ACCURACY [BUDGET]: a score record of just what is looked at.
score() {
	jq -nc --arg name "$1" --argjson cost "$2" --argjson accuracy "$3" \
		--argjson budget "${4:-[]}" '{type: "score", model: $name,
		energy: {joules_per_token: $cost},
		accuracy: {composite: $accuracy}, budget: $budget}'
}

# line SOURCE KEY C: one line of a budget.
line() {
	jq -nc --arg source "$1" --arg key "$2" --argjson c "$3" '{source: $source,
		c_relative: $c, type: "B", distribution: "normal", nu: null,
		scope: "run", key: $key}'
}

verdicts() {
	jq -r '"\(.model) \(.verdict)"' <<<"$output" | xargs
}

# Costs and accuracies 10 % apart, each with 3 % and 2 % of its own: u of the
# logs is 0.0424 and 0.0283, so z = 0.0953/0.0424 = 2.246, p = 0.01235, and
# 0.0953/0.0283 = 3.370: the weaker one counts.
apart() {
	score good 1 0.55 "[$(line noise run:1 0.03),$(line accuracy answers:1 "$1")]"
	score poor 1.1 0.5 "[$(line noise run:2 0.03),$(line accuracy answers:2 "$1")]"
}

@test "what costs more and knows less is dominated" {
	ok epi-pareto <<<"$(score a 1 0.5; score b 2 0.4; score c 3 0.6)"
	[ "$(verdicts)" = "a frontier b dominated c frontier" ]
	[ "$(jq -c 'select(.model == "b").dominated_by' <<<"$output")" = '{"model":"a","quantization":null,"surgery":null}' ]
}

@test "the same cost with less accuracy is dominated, the same point is not" {
	ok epi-pareto <<<"$(score a 1 0.5; score b 1 0.4; score c 1 0.5)"
	[ "$(verdicts)" = "a frontier b dominated c frontier" ]
}

@test "a difference beyond chance is shown, with its level" {
	ok epi-pareto <<<"$(apart -0.02)"
	[ "$(verdicts)" = "good frontier poor dominated" ]
	jq -se '.[1].p | . > 0.01225 and . < 0.01245' <<<"$output"
}

# z = 2: one-sided, Student's p is 0.058 with 4 degrees of freedom, 0.040 with 8.
@test "the spread of repetitions that all were pooled for counts once" {
	for who in good poor; do
		score $who "$([ $who = good ] && echo 1 || jq -n '0.02 * (2 | sqrt) | exp')" 0.5 \
			"[$(line repeatability "run:$who" 0.01 | jq -c '.nu = 4'),$(line accuracy a -0.1)]" |
			jq -c '.repeatability = {s: 0.015, nu: 4}'
	done >in
	ok epi-pareto in
	[ "$(verdicts)" = "good frontier poor indistinguishable" ]
	jq -se '.[1].p - 0.0580583 | fabs < 1e-6' <<<"$output"
	sed -i '2s/0.015/0.016/' in
	ok epi-pareto in
	[ "$(verdicts)" = "good frontier poor dominated" ]
}

@test "one that chance would often show is not" {
	ok epi-pareto <<<"$(apart -0.05)"
	[ "$(verdicts)" = "good frontier poor indistinguishable" ]
}

@test "what both have in common cancels" {
	ok epi-pareto <<<"$(
		score a 1 0.5 "[$(line reference lab:1 0.2),$(line accuracy answers:1 -0.1)]"
		score b 1.1 0.5 "[$(line reference lab:1 0.2),$(line accuracy answers:1 -0.1)]"
	)"
	[ "$(verdicts)" = "a frontier b dominated" ]
	[ "$(jq -s '.[1].p' <<<"$output")" = 0 ]
}

@test "a score without a budget is taken as exact, aloud" {
	warns epi-pareto <<<"$(score a 1 0.5 null; score b 1.001 0.4999 null)"
	[ "$(verdicts)" = "a frontier b dominated" ]
	[[ $stderr == *"2 of 2 scores have no budget"* ]]
}

# u_cost is 3 % of 1 and of 1.1; p is the cost's alone, as above.
@test "an accuracy of unknown uncertainty is taken as exact, aloud" {
	warns epi-pareto <<<"$(apart 0 | jq -c '.budget |= .[:1] | .u_accuracy = null')"
	[[ $stderr == *"2 of 2 scores do not know how well their accuracy is known"* ]]
	[ "$(verdicts)" = "good frontier poor dominated" ]
	jq -se 'map(has("u_benefit") and .u_benefit == null) | all' <<<"$output"
	jq -se '(.[0].u_cost - 0.03 | fabs < 1e-12) and (.[1].u_cost - 0.033 | fabs < 1e-12)' <<<"$output"
	jq -se '.[1].p | . > 0.01225 and . < 0.01245' <<<"$output"
}

# ln 1.02 / 0.03 = 0.66
@test "beside one without a budget the other's still counts" {
	warns epi-pareto <<<"$(score a 1 0.5 null; score b 1.02 0.4 "[$(line noise run:1 0.03)]")"
	[[ $stderr == *"1 of 2 scores have no budget"* ]]
	[ "$(verdicts)" = "a frontier b indistinguishable" ]
}

@test "hardware and surgery are groups of their own" {
	{ score a 1 0.5; score b 2 0.4 | jq -c '.hardware = "pi"'; score c 3 0.3; } >in
	ok epi-pareto in
	[ "$(verdicts)" = "a frontier b frontier c dominated" ]
	[ "$(jq .group <<<"$output" | xargs)" = "1 2 1" ]
	ok epi-pareto --together in
	[ "$(verdicts)" = "a frontier b dominated c dominated" ]
}

@test "--by chooses the groups, --cost and --benefit the axes" {
	{ score a 1 0.5 | jq -c '.hardware = "x" | .watts = 9'; score b 2 0.4 | jq -c '.watts = 8'; } >in
	ok epi-pareto --by model in
	[ "$(verdicts)" = "a frontier b frontier" ]
	ok epi-pareto --by type --cost watts in
	[ "$(verdicts)" = "a frontier b frontier" ]
	ok epi-pareto --together --benefit energy.joules_per_token --cost accuracy.composite in
	[ "$(verdicts)" = "a dominated b frontier" ]
	[ "$(jq -r '"\(.cost_key) \(.benefit_key)"' <<<"$output" | sort -u)" = "accuracy.composite energy.joules_per_token" ]
	ok epi-pareto in
	[[ $output != *_key* ]]
}

@test "what is simulated stays so; other records are passed over" {
	ok epi-pareto <<<"$(score a 1 0.5 | jq -c '.simulated = true'; echo '{"type":"energy"}')"
	[ "$(jq -c '[.simulated, .model]' <<<"$output")" = '[true,"a"]' ]
}

@test "what a simulated score dominates is as simulated as that" {
	ok epi-pareto <<<"$(score a 1 0.5 | jq -c '.simulated = true'; score b 2 0.4; score c 0.5 0.45)"
	[ "$(verdicts)" = "a frontier b dominated c frontier" ]
	[ "$(jq -c .simulated <<<"$output" | xargs)" = "true true null" ]
}

@test "no scores is an error" {
	fails 1 epi-pareto <<<'{"type":"energy"}'
	[[ $stderr == *"no score records"* ]]
}

@test "a score without the figure is told and passed over" {
	partly 1 epi-pareto <<<"$(score a null 0.5; score b 1 0.5)"
	[ "$(verdicts)" = "b frontier" ]
	[[ $stderr == *"standard input:1: no number at energy.joules_per_token"* ]]
}

@test "so is one whose budget is none" {
	partly 1 epi-pareto <<<"$(score a 1 0.5 '[{}]'; score b 1 0.5)"
	[ "$(verdicts)" = "b frontier" ]
	[[ $stderr == *'has no "source"'* ]]
}

# The frontier the other way: in order of cost, what beats all before it.
@test "515 published configurations: the frontier is that of a sorted walk" {
	shared mlenergy
	jq -c '.configurations[] | {type: "score", model: .nickname, budget: [],
		energy: {joules_per_token: .energy_per_token_joules},
		accuracy: {composite: .output_throughput_tokens_per_sec}}' "$shared"/*.json >in
	ok epi-pareto --together in >out
	[ "$(wc -l <out)" -eq 515 ]
	walk='sort_by(.[0], -.[1]) | reduce .[] as $p ({best: -1, on: []};
		if $p[1] > .best then {best: $p[1], on: (.on + [$p])} else . end) | .on'
	expected=$(jq -sc "map([.energy.joules_per_token, .accuracy.composite]) | $walk" in)
	[ "$(jq -sc 'map(select(.verdict == "frontier") | [.cost, .benefit]) | sort' out)" = \
		"$(jq -c sort <<<"$expected")" ]
}
