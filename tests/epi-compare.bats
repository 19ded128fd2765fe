# epi-compare: ratios, their intervals, and verdicts.

load lib

# score NAME JOULES TOKENS CORRECT QUESTIONS NOISE: a score of one benchmark,
# by a meter of 2 % whose key all share, with its own relative noise.
score() {
	jq -nc --arg name "$1" --argjson joules "$2" --argjson tokens "$3" \
		--argjson k "$4" --argjson n "$5" --argjson noise "$6" '($k / $n) as $a |
	def line($source; $c; $scope; $key): {source: $source, c_relative: $c,
		type: "B", distribution: "normal", nu: null, scope: $scope, key: $key};
	{type: "score", model: $name, instrument: "epi-meter",
	energy: {total_joules: $joules, total_tokens: $tokens,
		joules_per_token: ($joules / $tokens), duration_seconds: 1800},
	accuracy: {composite: $a}, epi: {value: ($joules / $tokens / $a)},
	joules_per_correct_answer: (if $k > 0 then $joules / $k else null end),
	benchmarks: [{benchmark: "mmlu", weight: 1, questions: $n, correct: $k, accuracy: $a,
		u_accuracy: ($a * (1 - $a) / ($n - 1) | sqrt), ci95: [($a - 0.1), ([1, $a + 0.02] | min)]}],
	budget: [line("reference"; 0.02; "reference"; "lab"),
		line("noise"; $noise; "run"; "run:" + $name),
		line("accuracy"; -0.03; "run"; "answers:" + $name)]}'
}

# graded WHO BOTH A B NEITHER: the answers of a or b.
graded() {
	awk -v who="$1" -v both="$2" -v a="$3" -v b="$4" -v neither="$5" 'BEGIN {
		for (i = 0; i < both + a + b + neither; i++) {
			right = i < both || (i < both + a ? who == "a" : i < both + a + b && who == "b")
			printf "{\"type\":\"graded\",\"benchmark\":\"mmlu\",\"id\":\"q%d\",\"stratum\":\"s\"," \
				"\"correct\":%s,\"prompt_sha256\":\"x\"}\n", i, right ? "true" : "false"
		} }'
}

# cells STRATUM WHOLE BOTH A B NEITHER CLUSTER: the answers of both to questions
# of a stratum of so many, onto the files a and b, in clusters of so many.
cells() {
	for who in a b; do
		graded "$who" "${@:3:4}" | jq -c --arg s "$1" --argjson whole "$2" --argjson size "${7:-1}" '
			.cluster = (if $size > 1 then $s + "\((.id[1:] | tonumber) / $size | floor)" else null end) |
			.id = $s + .id | .stratum = $s | .stratum_questions = $whole' >>"$who"
	done
}

# judged MODEL JOULES CORRECT QUESTIONS ACCURACY U: its score onto the file MODEL.
judged() {
	score "$1" "$2" 800 "$3" "$4" 0 | jq -c --argjson a "$5" --argjson u "$6" '
		.accuracy.composite = $a | .epi.value = .energy.joules_per_token / $a |
		.benchmarks[0] += {accuracy: $a, u_accuracy: $u}' >>"$1"
}

# The pair of the statistics vectors, which were worked out elsewhere.
vectors() {
	{ score a 1000 800 287 500 0.004; graded a 250 37 21 192; } >a
	{ score b 1500 900 271 500 0.004; graded b 250 37 21 192; } >b
}

# near PATH VALUE: a figure of the output, to 1e-12.
near() {
	jq -e "($1) as \$x | (\$x - $2 | fabs) <= 1e-12 * ($2 | fabs)" <<<"$output" >&2
}

verdict() {
	jq -r .verdict <<<"$output" | xargs
}

@test "the ratio of two EPI has the interval of the vectors" {
	vectors
	ok epi-compare b a
	near .epi.ratio 0.7081881533101045
	near .epi.u_relative 0.027914443846909786
	near '.epi.ci95[0]' 0.670483106522989
	near '.epi.ci95[1]' 0.7480135675447924
}

@test "McNemar's levels are those of the vectors" {
	vectors
	ok epi-compare b a
	near '.paired[0].p_exact' 0.04794032407166697
	near '.paired[0].p_mid' 0.036343179957053884
	[ "$(jq -c '.paired[0] | [.both, .only_baseline, .only_candidate, .neither]' <<<"$output")" = "[250,21,37,192]" ]
}

# 1000/800 over 1500/900 is 3/4; u = 0.004 sqrt 2, and nothing of the 2 %.
@test "what both scores have in common cancels" {
	vectors
	ok epi-compare b a
	near .joules_per_token.ratio 0.75
	near .joules_per_token.u_relative '(0.004 * (2 | sqrt))'
}

@test "the paired bootstrap agrees with the log's law, and repeats" {
	vectors
	ok epi-compare b a >first
	jq -e '[.epi_bootstrap_ci95, .epi.ci95] | transpose | all((.[0] - .[1] | fabs) < 0.004)' first
	ok epi-compare b a >second
	cmp first second
	ok epi-compare --seed 2 b a >third
	! cmp -s first third || false
}

# u_accuracy^2 is 2 (1/2)^2 0.9 0.1 / 19; the covariance 2 (1/2)^2 (16/20 - 0.9^2)
# / 19 = -0.005 / 19; the ratio's u^2 (2 * 0.045 + 2 * 0.005) / 19 / 0.5^2.
@test "of strata the covariance is that within them" {
	judged a 740 20 40 0.5 "$(jq -n '0.045 / 19 | sqrt')"
	judged b 739 20 40 0.5 "$(jq -n '0.045 / 19 | sqrt')"
	cells easy 20 16 2 2 0
	cells hard 20 0 2 2 16
	ok epi-compare a b
	near .accuracy.u_relative '(0.4 / 19 | sqrt)'
	[ "$(verdict)" = indistinguishable ]
	[ "$(jq -c .warnings <<<"$output")" = "[]" ]
}

# A stratum of one question has no spread: u_accuracy is that of all, 0.5 0.5 /
# 39, and so is the covariance, (16/40 - 0.5^2) / 39.
@test "where u_accuracy is that of all questions, so is the covariance" {
	judged a 740 20 40 0.5 "$(jq -n '0.25 / 39 | sqrt')"
	judged b 739 20 40 0.5 "$(jq -n '0.25 / 39 | sqrt')"
	cells easy 39 16 4 4 15
	cells hard 1 0 0 0 1
	ok epi-compare a b
	near .accuracy.u_relative '(2 * (0.25 - 0.15) / 39 / 0.25 | sqrt)'
}

# 20 clusters of two questions, each of which is right or wrong: e is 1 or -1.
# u_accuracy^2 is 20/19 * 20 / 40^2 = 1/76; 8 right for both, 2 and 2 for one
# alone: the covariance is 20/19 * (16 - 4) / 40^2 = 0.6 / 76.
@test "questions of one cluster vary together" {
	judged a 740 20 40 0.5 "$(jq -n '1 / 76 | sqrt')"
	judged b 739 20 40 0.5 "$(jq -n '1 / 76 | sqrt')"
	cells s 40 16 4 4 16 2
	ok epi-compare a b
	near .accuracy.u_relative '(2 * (1 - 0.6) / 76 / 0.25 | sqrt)'
}

@test "an u_accuracy of another kind leaves the accuracies independent, aloud" {
	judged a 740 20 40 0.5 0.05
	judged b 739 20 40 0.5 0.05
	cells easy 20 16 2 2 0
	cells hard 20 0 2 2 16
	ok epi-compare a b
	near .accuracy.u_relative '(2 * 0.05 * 0.05 / 0.25 | sqrt)'
	[[ $(jq -r '.warnings[]' <<<"$output") == "covariance-unknown: "*" mmlu "* ]]
}

# The same answers to all: nothing is left of the accuracies' spread.
@test "a model is exactly itself" {
	judged a 740 20 40 0.5 "$(jq -n '0.045 / 19 | sqrt')"
	judged b 740 20 40 0.5 "$(jq -n '0.045 / 19 | sqrt')"
	cells easy 20 18 0 0 2
	cells hard 20 2 0 0 18
	ok epi-compare a b
	[ "$(jq -c '[.epi.ratio, .verdict, (.epi.u_relative < 1e-7)]' <<<"$output")" = '[1,"equivalent",true]' ]
}

# Strata of 900 and 100, of which 100 each were asked: a has 0.9 0.8 + 0.1 0.2 =
# 0.74, b 0.5.  u_accuracy^2 is 0.82 0.16 / 99 and 0.82 0.25 / 99, the covariance
# 0.82 (0.5 - 0.8 0.5) / 99; so ln 1.48 is known to 0.078903.
sampled() {
	judged a 740 100 200 0.74 "$(jq -n '0.82 * 0.16 / 99 | sqrt')"
	judged b 740 100 200 0.5 "$(jq -n '0.82 * 0.25 / 99 | sqrt')"
	cells big 900 50 30 0 20
	cells small 100 20 0 30 50
}

@test "the bootstrap weights strata as the accuracies do" {
	sampled
	ok epi-compare a b
	near .epi.ratio 1.48
	jq -e '(.epi.u_relative - 0.078903 | fabs) < 1e-6' <<<"$output"
	jq -e '[.epi_bootstrap_ci95, [1.48 * (1.96 * 0.078903 * (-1, 1) | exp)]] |
		transpose | all((.[0] / .[1] - 1 | fabs) < 0.02)' <<<"$output"
}

# The same by way of epi-grade: its u_accuracy, its answers.
@test "what epi-grade tells is enough for both" {
	sampled
	for who in a b; do
		jq -c 'select(.type == "graded") | . + {type: "answer", benchmark_questions: 1000, sample: 200,
			seed: 1, shots: 5, protocol: "gen-letter", choices: ["x", "y"], gold: 0,
			text: (if .correct then "A" else "B" end), error: null}' "$who" >answers
		read -r accuracy u < <(epi-grade answers | jq -r '"\(.accuracy) \(.u_accuracy)"')
		judged "graded-$who" 740 100 200 "$accuracy" "$u"
		epi-grade --each answers >>"graded-$who"
	done
	ok epi-compare a b | jq -c 'del(.. | .file?, .name?)' >want
	ok epi-compare graded-a graded-b | jq -c 'del(.. | .file?, .name?)' >have
	jq -e '.epi_bootstrap_ci95 and .warnings == []' have
	jq -es '(.[0].epi.u_relative / .[1].epi.u_relative - 1 | fabs) < 1e-9' want have
}

@test "without the strata's weights there is no bootstrap, aloud" {
	sampled
	sed -i 's/"stratum_questions":[0-9]*/"stratum_questions":null/' a b
	ok epi-compare a b
	jq -e '.epi_bootstrap_ci95 == null' <<<"$output"
	[[ $(jq -r '.warnings[]' <<<"$output") == *"weights-unknown: "* ]]
}

@test "without graded answers the accuracies are independent, aloud" {
	score a 1000 800 287 500 0.004 >a
	score b 1500 900 271 500 0.004 >b
	ok epi-compare b a
	[[ $(jq -r '.warnings[]' <<<"$output") == *unpaired:* ]]
	jq -e '.epi.u_relative > 0.05 and .paired == null and .epi_bootstrap_ci95 == null' <<<"$output"
}

@test "a tenth less of everything is better, a tenth more is worse" {
	score base 1000 800 8000 10000 0.004 >base
	score less 900 800 8000 10000 0.004 >less
	score more 1100 800 8000 10000 0.004 >more
	ok epi-compare base less more
	[ "$(verdict)" = "better worse" ]
}

# u of the log: 0.001 sqrt 2 and 0.005 sqrt 2 of the accuracy, 0.0072; 1.64 u is
# under ln 1.02 = 0.0198.
@test "the same within the margin is equivalent" {
	score base 1000 800 8000 10000 0.001 >base
	score same 1000.1 800 8000 10000 0.001 >same
	ok epi-compare base same
	[ "$(verdict)" = equivalent ]
	ok epi-compare --margin 1% base same
	[ "$(verdict)" = indistinguishable ]
}

@test "what the data do not tell is indistinguishable, with what would settle it" {
	score base 1000 800 250 500 0.004 >base
	score much 960 800 252 500 0.004 >much
	ok epi-compare base much
	[ "$(verdict)" = indistinguishable ]
	# ln(0.96 * 250/252) = -0.0488; over 2.802 it is 0.01742
	jq -e '.settle | (.u_wanted - 0.01742 | fabs) < 1e-5 and .repetitions_times == null
		and .advice == "ask more questions"' <<<"$output"
	# accuracy: (1 - a)/a/499 of each; it may be u_wanted^2 - 2 * 0.004^2
	jq -e '.settle.questions as $q | ((1/499 + 248/252/499) / (0.01742 * 0.01742 - 0.000032) * 500) as $e |
		($q / $e - 1 | fabs) < 0.005' <<<"$output"
}

@test "where noise alone is too much, no question settles it" {
	score base 1000 800 8000 10000 0.1 >base
	score much 1005 800 8000 10000 0.1 >much
	ok epi-compare base much
	[ "$(jq -r .settle.advice <<<"$output")" = "make more repetitions" ]
	jq -e '.settle.questions == null and .settle.repetitions_times > 50 and .settle.hours > 50' <<<"$output"
}

@test "where the meters are too different, only a better meter does" {
	score base 1000 800 8000 10000 0.001 >base
	score much 1010 800 8000 10000 0.001 |
		jq -c '(.budget[] | select(.key == "lab").key) = "another lab"' >much
	ok epi-compare base much
	[[ $(jq -r .settle.advice <<<"$output") == "improve the meter"* ]]
}

# Three candidates, each p about 0.02 alone.
@test "many candidates share the level, by Holm" {
	score base 1000 800 8000 10000 0 >base
	for i in 1 2 3; do score "c$i" 983.3 800 8000 10000 0 >"c$i"; done
	ok epi-compare base c1
	[ "$(verdict)" = better ]
	ok epi-compare --margin 0.1% base c1 c2 c3
	[ "$(verdict)" = "indistinguishable indistinguishable indistinguishable" ]
	jq -se 'all(.p < 0.05 and (.p_holm / .p - 3 | fabs) < 1e-9)' <<<"$output"
}

@test "who says more to a question is judged by correct answers" {
	score base 1000 800 8000 10000 0.001 >base
	score chatty 1300 1200 8000 10000 0.001 >chatty
	ok epi-compare base chatty
	[ "$(jq -r '[.judged_by, .verdict] | join(" ")' <<<"$output")" = "joules_per_correct_answer worse" ]
	jq -e '.epi.ratio < 1 and .joules_per_correct_answer.ratio == 1.3' <<<"$output"
}

# 9 wrong answers: the sides are those of the marks' own intervals.
@test "few wrong answers are not left to the normal law" {
	score base 1000 800 291 300 0.001 >base
	score same 1000 800 290 300 0.001 >same
	ok epi-compare base same
	[ "$(jq -r .epi.method <<<"$output")" = mover ]
	jq -e '(.epi.ratio - .epi.ci95[0]) != (.epi.ci95[1] - .epi.ratio)' <<<"$output"
}

# 1.25 - 1.125 J a token: 3.6e6 J are saved in 28.8e6 tokens.
@test "an investment is paid back by what is saved" {
	score base 1000 800 8000 10000 0.001 >base
	score less 900 800 8000 10000 0.001 >less
	ok epi-compare --invested-kwh 1 base less
	near .payback.tokens 28.8e6
	jq -e '.payback.ci95 | .[0] < 28.8e6 and .[1] > 28.8e6' <<<"$output"
	ok epi-compare --invested-kwh 1 less base
	[ "$(jq -c '[.payback.tokens, .payback.ci95]' <<<"$output")" = "[null,null]" ]
}

@test "what is saved without a budget has no interval" {
	score base 1000 800 8000 10000 0.001 >base
	score less 900 800 8000 10000 0.001 | jq -c '.budget = null' >less
	ok epi-compare --invested-kwh 1 base less
	near .payback.tokens 28.8e6
	jq -e '.payback.ci95 == null' <<<"$output"
}

@test "--check turns the verdict into the status" {
	score base 1000 800 8000 10000 0.001 >base
	score less 900 800 8000 10000 0.001 >less
	ok epi-compare --check better,equivalent base less
	take epi-compare --check better,equivalent less base
	[ "$status" -eq 3 ]
	[ "$(verdict)" = worse ]
}

@test "another instrument is refused, unless it is asked for" {
	score base 1000 800 8000 10000 0.001 >base
	score other 900 800 8000 10000 0.001 | jq -c '.instrument = "plug"' >other
	fails 1 epi-compare base other
	[[ $stderr == *"not of the same instrument as base"* ]]
	ok epi-compare --across base other
	[[ $(jq -r '.warnings[]' <<<"$output") == *"across: not of the same instrument"* ]]
	score other 900 800 8000 10000 0.001 | jq -c '.psu = "27 W"' >other
	ok epi-compare base other
	[[ $(jq -r '.warnings[]' <<<"$output") == *"alike-unknown"*"power supply"* ]]
}

@test "another composite is refused" {
	score base 1000 800 8000 10000 0.001 >base
	score other 900 800 8000 10000 0.001 | jq -c '.benchmarks[0].benchmark = "arc"' >other
	fails 1 epi-compare base other
	[[ $stderr == *"not the benchmarks or the weights"* ]]
}

@test "a score without a budget shows no difference" {
	score base 1000 800 8000 10000 0.001 >base
	score less 500 800 8000 10000 0.001 | jq -c '.budget = null' >less
	ok epi-compare base less
	[ "$(verdict)" = indistinguishable ]
	jq -e '.epi.ratio == 0.5 and .epi.ci95 == null and (.warnings[0] | startswith("uncertainty-unknown"))' <<<"$output"
}

# Two medians by one spread of 4 degrees of freedom: t is 2.776, the sum's u is
# 0.01 sqrt 2; by a spread each there are 8 degrees.
@test "a pooled spread of repetitions has its degrees of freedom once" {
	for who in base less; do
		score $who 1000 800 8000 10000 0 | jq -c --arg who $who '.repeatability = {s: 0.015, nu: 4} |
			.budget = [.budget[0], {source: "repeatability", c_relative: 0.01, type: "A",
			distribution: "normal", nu: 4, scope: "run", key: ("repeatability:" + $who)}, .budget[2]]' >$who
	done
	sed -i 's/"s":0.015/"s":0.015000000000000003/' less
	ok epi-compare base less
	near .joules_per_token.u_relative '(0.01 * (2 | sqrt))'
	jq -e '.joules_per_token | (.nu_eff - 4 | fabs) < 1e-12 and (.k - 2.7764451 | fabs) < 1e-7' <<<"$output"
	sed -i 's/"s":0.015[0-9]*/"s":0.016/' less
	ok epi-compare base less
	jq -e '.joules_per_token.nu_eff - 8 | fabs < 1e-12' <<<"$output"
}

# Half the energy is as good as certain, but not what is done with it.
@test "an accuracy of unknown uncertainty is not taken as exact" {
	score base 1000 800 8000 10000 0.001 >base
	score less 500 800 8000 10000 0.001 | jq -c '.u_accuracy = null | .budget |= .[:2] |
		.benchmarks[0] += {u_accuracy: null, ci95: null, questions: null, correct: null}' >less
	ok epi-compare base less
	[ "$(verdict)" = indistinguishable ]
	jq -e '.epi.ci95 == null and .epi.u_relative == null and .accuracy.ci95 == null and
		.joules_per_correct_answer.ci95 == null and .p == null' <<<"$output"
	near .joules_per_token.u_relative '(0.001 * (2 | sqrt))'
	jq -e 'any(.warnings[]; startswith("accuracy-vague: "))' <<<"$output"
}

@test "-H says it in a sentence" {
	score base 1000 800 8000 10000 0.001 >base
	score less 900 800 8000 10000 0.001 >less
	warns epi-compare -H base less
	[[ $stderr == *"less: EPI x 0.9 (95 % "*"): better" ]]
}

@test "no score, two scores, a doubled answer and no file are refused" {
	score base 1000 800 8000 10000 0.001 >base
	cat base base >twice
	{ cat base; graded a 1 0 0 0; graded a 1 0 0 0; } >again
	: >empty
	for file in twice again empty missing; do
		fails 1 epi-compare base $file
		[[ $stderr == *"$file: "* ]]
	done
	fails 2 epi-compare base
}
