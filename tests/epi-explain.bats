# epi-explain: a score on one screen.

load lib

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$data"/score/*.ndjson .
	epi-score --meta model=m --meta hardware='4 x pi 5' energy.ndjson tokens.ndjson accuracy.ndjson >score.json
}

@test "every step is told, on one screen" {
	ok epi-explain score.json
	for step in EPI model power energy tokens accuracy score uncertainty; do
		grep -q "^$step " .out
	done
	[ "$(wc -l <.out)" -le 30 ]
	[ "$(awk '!/^warning/ { print length }' .out | sort -n | tail -n 1)" -le 100 ]
}

# 2.50389... with u = 0.0501
@test "the result is worded as a laboratory would" {
	jq -c '.u = 0.05009917183951071 | .ci95 = [2.4076, 2.60404] | .k = 1.96' score.json >known.json
	ok epi-explain known.json
	[[ $output == *"EPI = (2.504 +- 0.098) J/(token accuracy), k = 2.0, about 95 %"*"2.408 to 2.604"* ]]
	ok epi-explain score.json
	[[ $output == *"EPI = 2.5039 (uncertainty unknown) J/(token accuracy)"* ]]
}

@test "an input that changed is told, one that is not here too" {
	echo >>tokens.ndjson
	rm accuracy.ndjson
	ok epi-explain score.json
	[[ $output == *"energy.ndjson: the same"*"tokens.ndjson: CHANGED since"*"accuracy.ndjson: not here"* ]]
}

@test "--folder is where they are" {
	mkdir away
	mv ./*.ndjson away
	ok epi-explain --folder away score.json
	[[ $output == *"energy.ndjson: the same"* ]]
}

@test "the greatest part of the uncertainty comes first" {
	jq -c '.budget = [{source: "gain", key: "g", c_relative: 0.03}, {source: "clamp", key: "c", c_relative: 0.04}]
		| .budget[] += {scope: "run", distribution: "normal"}' score.json >known.json
	ok epi-explain known.json
	[ "$(grep -A2 '^uncertainty' .out | tail -n 2 | xargs)" = "64.0 % clamp 36.0 % gain" ]
}

@test "a key is told with what it is made of" {
	ok epi-explain score.json energy.joules_per_token
	[ "$(head -n 4 .out | tr -s ' ' | tr '\n' ';')" = \
		"energy.joules_per_token = 1.250759878419453; joules over generated tokens; energy.total_joules = 1234.5; energy.total_tokens = 987;" ]
	fails 1 epi-explain score.json no.such
}

@test "counts that are not known are called so" {
	epi-score --weights mmlu=1 --accuracy mmlu=0.4,shots=5 energy.ndjson tokens.ndjson >vague.json
	jq -c '.energy.total_tokens = null | .energy.joules_per_token = null' vague.json >vaguer.json
	ok epi-explain vaguer.json
	[[ $output == *"tokens      unknown generated, "*"mmlu 0.4 (uncertainty unknown): unknown of unknown, 5 shots"* ]]
	[[ $output != *nan* ]]
}

@test "what is simulated is called so" {
	jq -c '.simulated = true' score.json >simulated.json
	ok epi-explain simulated.json
	[[ $output == *SIMULATED* ]]
}

@test "bytes that a terminal acts on are not handed on" {
	jq -c '.model = "\u001b[31mred" | .warnings = ["a\u001b[2Jb"]' score.json >hostile.json
	ok epi-explain hostile.json
	! LC_ALL=C grep -q "$(printf '\033')" .out || false
}

# U+009B, C2 9B in UTF-8, is to a terminal what ESC [ is.
@test "nor are they of an input or a benchmark, nor in their other form" {
	jq -c '(.inputs[0].name, .benchmarks[0].benchmark, .benchmarks[0].protocol, .model) = "\u001b[2J\u009b2J\u007fx"' \
		score.json >hostile.json
	ok epi-explain hostile.json >/dev/null
	[ "$(grep -o '?\[2J??2J?x' <<<"$output" | wc -l)" -eq 4 ]
}

@test "no score, a wrong file and too many words are refused" {
	fails 1 epi-explain energy.ndjson
	fails 1 epi-explain missing.json
	fails 2 epi-explain score.json epi.value more
}
