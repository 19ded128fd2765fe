#!/usr/bin/env bats
load lib

# Expected figures are exact rationals, J = 2469/2, T = 987, worked out with
# Python's fractions and rounded once; the first three stand also in the
# statistics vectors ("epi", "epi_alt").

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$data"/score/*.ndjson .
}

scored() { ok epi-score "$@" energy.ndjson tokens.ndjson accuracy.ndjson; }

# is PATH VALUE: the figure of the last output, its very characters.
is() {
	local found
	found=$(grep -o "\"$1\":[^,}]*" <<<"$output" | head -n 1)
	[ "$found" = "\"$1\":$2" ] || { echo "$found, not $2" >&2; return 1; }
}

# near KEY VALUE: within 1e-12 of it.
near() {
	grep -o "\"$1\":[^,}]*" <<<"$output" | head -n 1 | awk -F: -v want="$2" \
		'{ r = $2 / want - 1; exit !(r < 1e-12 && r > -1e-12) }'
}

# warned SLUG, silent SLUG (no such warning), refused SLUG ARGUMENT...
warned() { jq -e --arg s "$1:" 'any(.warnings[]; startswith($s))' <<<"$output" >/dev/null; }
silent() { jq -e --arg s "$1:" 'all(.warnings[]; startswith($s) | not)' <<<"$output" >/dev/null; }
refused() { fails 1 epi-score "${@:2}" && [[ $stderr == *"refused: $1: "* ]]; }

@test "the worked example gives its EPI" {
	scored
	near value 2.5038963742681055
	near joules_per_token 1.250759878419453
	near composite 0.499525416176639
}

@test "the records come in any order, from files or standard input" {
	scored
	first=$(jq -S 'del(.inputs)' <<<"$output")
	cat accuracy.ndjson tokens.ndjson energy.ndjson >all
	ok epi-score <all
	[ "$first" = "$(jq -S 'del(.inputs)' <<<"$output")" ]
}

@test "it is one record of one line with the groups of the schema" {
	scored
	[ "$(wc -l <.out)" -eq 1 ]
	[ "$(jq -c '[.type, (.energy, .accuracy, .epi | keys_unsorted)]' .out)" = '["score",["total_joules","total_tokens","joules_per_token","avg_watts_cluster","peak_watts_cluster","duration_seconds","kwh_total"],["mmlu_5shot","arc_challenge_25shot","hellaswag_10shot","composite"],["value","joules_per_token","accuracy_composite"]]' ]
	[ "$(jq -c '.environment, .run_metadata | keys_unsorted' .out | tr -d '\n')" = '["ambient_temp_c","frequency_governor","background_load"]["run_id","timestamp_utc","repetition","epi_meter_firmware","distributed_llama_version"]' ]
}

@test "every key of the contract is there, what is not known yet null" {
	scored
	jq -e '[.u, .ci95, .k, .nu_eff, .budget, .net_of_idle_joules, .joules_per_prompt_token, .decode] | all(. == null)' .out
	jq -e '. as $score | [("model quantization surgery hardware instrument measurement_point u ci95 k nu_eff budget gross_joules net_of_idle_joules joules_per_prompt_token joules_per_total_token joules_per_question joules_per_correct_answer accuracy_above_chance prompt_tokens eos_counted workload decode coverage evidence inputs warnings" / " ")[] | in($score)] | all' .out
}

@test "total_joules keeps every digit of the energy record" {
	sed -i 's/1234.500/1234.5000000000000000005/' energy.ndjson
	scored
	is total_joules 1234.5000000000000000005
	is gross_joules 1234.5000000000000000005
}

@test "power, duration and coverage are those of the energy record" {
	scored
	is avg_watts_cluster 12.345
	is peak_watts_cluster 20.500
	is duration_seconds 100.000
	is coverage 1
}

@test "joules become kilowatt hours and joules per token of all kinds" {
	scored
	near kwh_total 0.00034291666666666666
	near joules_per_total_token 0.002012776114730684
	is total_tokens 987
	is prompt_tokens 612345
}

@test "tokens records add up" {
	sed 's/:987,/:13,/;s/:612345,/:5,/' tokens.ndjson >>tokens.ndjson
	scored
	is total_tokens 1000
	is prompt_tokens 612350
	is joules_per_token 1.2345
}

@test "a prompt of unknown length leaves joules per total token unknown" {
	sed -i 's/:612345,/:null,/' tokens.ndjson
	scored
	is prompt_tokens null
	is joules_per_total_token null
}

@test "weights shift the composite" {
	scored --weights mmlu=2,arc_challenge=1,hellaswag=1
	near composite 0.47371133177634583
	near value 2.6403419013205625
}

@test "weights choose among the benchmarks" {
	scored --weights mmlu=1
	near composite 0.3962690785754664
	is arc_challenge_25shot null
	warned benchmark-unweighted
}

@test "accuracies come from the command line" {
	ok epi-score --accuracy mmlu=701/1769,shots=5 --accuracy arc_challenge=650/1172,shots=25 --accuracy hellaswag=5500/10042,shots=10 energy.ndjson tokens.ndjson
	near value 2.5038963742681055
	near hellaswag_10shot 0.5476996614220275
}

@test "an accuracy without counts is taken as it is" {
	ok epi-score --weights mmlu=1 --accuracy mmlu=0.5,shots=5 energy.ndjson tokens.ndjson
	near value 2.501519756838906
	is joules_per_question null
}

@test "other numbers of shots have keys of their own" {
	ok epi-score --weights mmlu=1 --accuracy mmlu=0.5,shots=0 energy.ndjson tokens.ndjson
	is mmlu_5shot null
	is mmlu_0shot 0.5
}

@test "accuracy above chance: 0.27 of four choices is 0.0266667" {
	ok epi-score --weights mmlu=1 --accuracy mmlu=27/100,shots=5 energy.ndjson tokens.ndjson
	jq -e '.accuracy_above_chance.mmlu_5shot - 0.02666666666666667 | fabs < 1e-12' .out
	warned at-chance
}

@test "an accuracy clear of chance is not flagged" {
	scored
	silent at-chance
}

@test "joules per question and per correct answer, where the energy is theirs" {
	ok epi-score --weights mmlu=1 --accuracy mmlu=284/500,shots=5 --meta workload=benchmark energy.ndjson tokens.ndjson
	is joules_per_question 2.469
	near joules_per_correct_answer 4.346830985915493
	silent workload-unknown
}

@test "more questions than tokens: the accuracy is of another run" {
	scored
	is joules_per_question null
	warned questions-elsewhere
}

@test "a decode workload has no joules per question" {
	ok epi-score --weights mmlu=1 --accuracy mmlu=284/500,shots=5 --meta workload=decode energy.ndjson tokens.ndjson
	is joules_per_question null
	is workload '"decode"'
}

@test "said to be the benchmark's, the energy is over its questions" {
	sed -i 's/:987,/:0,/' tokens.ndjson
	ok epi-score --weights mmlu=1 --accuracy mmlu=284/500,shots=5 --meta workload=benchmark energy.ndjson tokens.ndjson
	is joules_per_question 2.469
	is joules_per_token null
}

@test "--no-accuracy gives joules per token alone" {
	ok epi-score --no-accuracy energy.ndjson tokens.ndjson
	near joules_per_token 1.250759878419453
	is value null
	is composite null
}

@test "no generated token: EPI is null, and the reason is told" {
	sed -i 's/:987,/:0,/' tokens.ndjson
	scored
	is value null
	warned tokens-none
}

@test "inputs are named with the SHA-256 of their bytes" {
	printf '{"type":"other"}' >cut
	ok epi-score energy.ndjson tokens.ndjson - accuracy.ndjson <cut
	jq -r '.inputs[] | "\(.sha256)  \(.name)"' .out >sums
	sha256sum --check --quiet sums <cut
}

@test "samples and unknown types are ignored" {
	printf '%s\n' '{"timestamp":1,"node":"a","watts":1}' '{"type":"mystery","joules":"x"}' >>energy.ndjson
	scored
	near value 2.5038963742681055
}

@test "what is simulated stays simulated" {
	for file in energy tokens accuracy; do
		cp "$data"/score/*.ndjson .
		sed -i 's/}$/,"simulated":true}/' $file.ndjson
		scored
		is simulated true
		is evidence '"simulated"'
	done
}

@test "without calibration the evidence is uncalibrated" {
	scored
	is evidence '"uncalibrated"'
	jq -e 'has("simulated") | not' .out
}

@test "an energy that a calibration put right is calibrated" {
	sed -i 's/"complete"/"calibration":{"hash":"ab","corrected":true},"complete"/' energy.ndjson
	scored
	is evidence '"calibrated"'
}

@test "a meter that names what it has set is not calibrated by that" {
	sed -i 's/"complete"/"calibration":{"hash":"ab","corrected":false},"complete"/' energy.ndjson
	scored
	is evidence '"uncalibrated"'
	sed -i 's/,"corrected":false//' energy.ndjson
	scored
	is evidence '"uncalibrated"'
}

@test "warnings of the records are passed on, each once" {
	sed -i 's/}$/,"warnings":["clock-step: 2 s"]}/' energy.ndjson tokens.ndjson
	scored
	[ "$(jq -c '[.warnings[] | select(startswith("clock-step"))]' .out)" = '["clock-step: 2 s"]' ]
}

@test "one node's record alone will do for a run of one node" {
	sed -i 2d energy.ndjson
	sed -i 's/"node_count":4/"node_count":1/' tokens.ndjson
	scored
	is total_joules 300.125
}

@test "--meta fills in what the records do not know" {
	scored --meta 'model=Qwen "3"' --meta environment.ambient_temp_c=21.80 --meta run_metadata.repetition=2
	is ambient_temp_c 21.80
	is repetition 2
	[ "$(jq -r .model .out)" = 'Qwen "3"' ]
}

@test "--meta reads a JSON file of the same shape" {
	printf '{"model":"M","environment":{"ambient_temp_c":21.80},\n"run_metadata":{"run_id":"r7"},"hardware":{"board":\r\n"Pi 5"}}\n' >meta.json
	scored --meta meta.json
	[ "$(wc -l <.out)" -eq 1 ]
	is model '"M"'
	is run_id '"r7"'
	[ "$(jq -c .hardware .out)" = '{"board":"Pi 5"}' ]
}

@test "the run's name is that of the records, its time the energy's begin" {
	sed -i 's/}$/,"run":"r1"}/' energy.ndjson tokens.ndjson
	scored
	is run_id '"r1"'
	is timestamp_utc '"2026-11-22T09:40:00Z"'
}

@test "records of two runs are told" {
	sed -i 's/}$/,"run":"r1"}/' energy.ndjson
	sed -i 's/}$/,"run":"r2"}/' tokens.ndjson
	scored
	is run_id null
	warned runs-differ
}

@test "refused: no energy, no tokens, no accuracy" {
	refused energy-missing tokens.ndjson accuracy.ndjson
	refused tokens-missing energy.ndjson accuracy.ndjson
	refused benchmark-missing energy.ndjson tokens.ndjson
}

@test "refused: a missing benchmark that has a weight" {
	sed -i 2d accuracy.ndjson
	refused benchmark-missing energy.ndjson tokens.ndjson accuracy.ndjson
	scored --weights mmlu=1,hellaswag=1
}

@test "refused: two accuracies of one benchmark" {
	refused benchmark-twice energy.ndjson tokens.ndjson accuracy.ndjson --accuracy mmlu=1/2,shots=5
}

@test "accuracies of different models are warned of" {
	sed -i '1s/}$/,"model":"a"}/;3s/}$/,"model":"a"}/' accuracy.ndjson
	scored
	! grep -q models-differ .out || false
	sed -i '3s/"model":"a"/"model":"b"/' accuracy.ndjson
	scored
	warned models-differ
	jq -e 'any(.warnings[]; . == "models-differ: mmlu is of \"a\", hellaswag of \"b\"")' .out
}

# A second log of the same length is another one.
@test "refused: a tokens record that is given twice" {
	refused tokens-twice energy.ndjson tokens.ndjson accuracy.ndjson tokens.ndjson
	jq -c '.run = "1"' tokens.ndjson >again.ndjson
	refused tokens-twice energy.ndjson tokens.ndjson accuracy.ndjson again.ndjson
	jq -c '.begin += 1' tokens.ndjson >second.ndjson
	ok epi-score energy.ndjson tokens.ndjson accuracy.ndjson second.ndjson >/dev/null
	is total_tokens 1974
	jq -c 'del(.begin, .end)' tokens.ndjson | tee spanless.ndjson >again.ndjson
	ok epi-score energy.ndjson accuracy.ndjson spanless.ndjson again.ndjson >/dev/null
	is total_tokens 1974
}

@test "refused: two cluster records, until a label chooses" {
	sed -i 's/"run"/"first"/' energy.ndjson
	sed 's/"first"/"load"/;s/1234.500/9.5/' energy.ndjson >>energy.ndjson
	refused energy-ambiguous energy.ndjson tokens.ndjson accuracy.ndjson
	scored --label load
	is total_joules 9.5
	refused energy-missing --label other energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "the energy labelled run is that of the run, those beside it of its phases" {
	sed 's/"run"/"decode"/;s/1234.500/9.5/' energy.ndjson >decode.ndjson
	e=energy.ndjson d=decode.ndjson
	for order in "$e $d $d" "$d $e" "$d $d $e"; do
		read -ra files <<<"$order"
		ok epi-score "${files[@]}" tokens.ndjson accuracy.ndjson
		is total_joules 1234.500
	done
	refused energy-ambiguous energy.ndjson decode.ndjson energy.ndjson tokens.ndjson accuracy.ndjson
	ok epi-score --label decode energy.ndjson decode.ndjson tokens.ndjson accuracy.ndjson
	is total_joules 9.5
}

@test "refused: two nodes' records without their cluster's" {
	sed -i '2d;p;s/pi1/pi2/' energy.ndjson
	refused energy-ambiguous energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "refused: a status that is not complete" {
	for status in '"truncated"' '"mismatch"' '"uncountable"' null; do
		sed "s/\"complete\"/$status/" tokens.ndjson >other.ndjson
		refused tokens-incomplete energy.ndjson other.ndjson accuracy.ndjson
	done
	[[ $stderr == *other.ndjson:1* ]]
}

@test "refused: generated tokens that nobody counted" {
	sed -i 's/:987,/:null,/' tokens.ndjson
	refused tokens-unknown energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "refused: energy whose stream had no stop" {
	sed -i 's/"complete":true/"complete":false/' energy.ndjson
	refused energy-incomplete energy.ndjson tokens.ndjson accuracy.ndjson
	sed -i 's/,"complete":false//' energy.ndjson
	refused energy-incomplete energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "refused: coverage under 0.99; 0.99 itself will do" {
	sed -i 's/"coverage":1/"coverage":0.9899/' energy.ndjson
	refused coverage-low energy.ndjson tokens.ndjson accuracy.ndjson
	sed -i 's/0.9899/0.99/' energy.ndjson
	scored
}

@test "refused: tokens that begin before or end after the energy" {
	sed 's/1795340410.5/1795340399.999999/' tokens.ndjson >early.ndjson
	refused span-outside energy.ndjson early.ndjson accuracy.ndjson
	sed 's/1795340490.25/1795340500.000001/' tokens.ndjson >late.ndjson
	refused span-outside energy.ndjson late.ndjson accuracy.ndjson
}

@test "an unknown span is a warning" {
	sed -i 's/"begin":1795340410.500000/"begin":null/' tokens.ndjson
	scored
	warned span-unknown
}

@test "refused: more nodes than were measured, unless one meter has them all" {
	sed -i 's/"node_count":4/"node_count":5/' tokens.ndjson
	refused nodes-unmeasured energy.ndjson tokens.ndjson accuracy.ndjson
	scored --meta measurement_point=shared_ac
	is measurement_point '"shared_ac"'
}

@test "refused: transport failures; other failures are wrong answers" {
	sed -i '1s/"failures":[^}]*}/"failures":{"transport":2,"empty":1}/' accuracy.ndjson
	refused transport-failures energy.ndjson tokens.ndjson accuracy.ndjson
	sed -i '1s/"transport":2/"transport":0/' accuracy.ndjson
	scored
}

@test "refused: mixed protocols" {
	sed -i '1s/gen-letter/loglik-cloze/' accuracy.ndjson
	refused protocols-mixed energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "log-probabilities of letters and of texts may stand together" {
	sed -i '1s/gen-letter/loglik-letter/; 2,3s/gen-letter/loglik-cloze/' accuracy.ndjson
	scored
}

@test "refused: an accuracy of the first questions alone" {
	sed -i '1s/"shots"/"limit":10.0,"shots"/' accuracy.ndjson
	refused limited energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "other shots or questions than are usual are flagged, and a sample" {
	scored
	warned questions-unusual
	silent shots-unusual
	silent sampled
	sed -i '1s/"shots":5/"shots":4,"sample":1769/' accuracy.ndjson
	scored
	silent questions-unusual
	warned shots-unusual
	warned sampled
}

@test "the accuracy of weighted strata is taken as it is, with its interval" {
	sed -i '1s/"accuracy":0.39627/"accuracy":0.41,"ci95":[0.38,0.44],"weighted":true,"sample":1769/' accuracy.ndjson
	scored
	is mmlu_5shot 0.41
	[ "$(jq -c '.benchmarks[0].ci95' <<<"$output")" = "[0.38,0.44]" ]
	sed -i '1s/"weighted":true/"weighted":false/' accuracy.ndjson
	fails 1 epi-score energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "distributed-llama's fault from 0.12.0 on is told where it may be" {
	local version=run_metadata.distributed_llama_version
	scored
	warned last-prompt-token
	scored --meta $version=v0.12.0
	warned last-prompt-token
	scored --meta $version=0.16.4
	[[ $output != *"version is not known"* ]]
	warned last-prompt-token
	scored --meta $version=v0.11.2
	silent last-prompt-token
	sed -i 's/"engine":"distributed-llama"/&,"format":"inference-a1"/' tokens.ndjson
	scored
	silent last-prompt-token
	sed -i 's/-a1/-c/' tokens.ndjson
	scored
	warned last-prompt-token
	sed -i 's/distributed-llama/llama.cpp/' tokens.ndjson
	scored
	silent last-prompt-token
	sed -i '1s/"shots"/"engine":"dllama-api","shots"/' accuracy.ndjson
	scored
	warned last-prompt-token
}

@test "refused: accuracy 0, energy 0" {
	refused accuracy-zero --weights mmlu=1 --accuracy mmlu=0/10,shots=5 energy.ndjson tokens.ndjson
	sed -i 's/1234.500/-0.5/' energy.ndjson
	refused energy-not-positive energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "an energy that is not known is refused only where it is the one taken" {
	jq -c '.label = "short" | .joules = null | .mean_watts = null' energy.ndjson >short.ndjson
	scored --label run short.ndjson
	is total_joules 1234.500
	scored short.ndjson
	is total_joules 1234.500
	refused energy-unknown --label short energy.ndjson short.ndjson tokens.ndjson accuracy.ndjson
	ok epi-score --force short.ndjson tokens.ndjson accuracy.ndjson
	jq -e 'all(.energy.total_joules, .energy.joules_per_token, .epi.value, .u, .kwh_total; . == null)' .out
	sed -i 's/"joules":[0-9.]*,//' energy.ndjson
	refused input-malformed energy.ndjson tokens.ndjson accuracy.ndjson
}

@test "refused: a malformed record, and what could not be read" {
	echo '{"type":"tokens","generated_tokens":"many"}' >>tokens.ndjson
	fails 1 epi-score energy.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"tokens.ndjson:2: "*"refused: input-malformed: "* ]]
	refused input-unread energy.ndjson absent.ndjson
}

@test "every reason to refuse is told at once" {
	fails 1 epi-score </dev/null
	[ "$(grep -c 'epi-score: refused: ' .err)" -eq 5 ]
}

@test "--force writes the score, with the reason in its warnings" {
	sed -i 's/"complete":true/"complete":false/' energy.ndjson
	scored --force
	near value 2.5038963742681055
	warned energy-incomplete
}

@test "--force guesses nothing" {
	ok epi-score --force </dev/null
	is value null
	is total_joules null
	is total_tokens null
	is evidence '"uncalibrated"'
}

@test "an accuracy that its counts contradict is malformed" {
	sed -i '1s/0.39627/0.41/' accuracy.ndjson
	fails 1 epi-score energy.ndjson tokens.ndjson accuracy.ndjson
	[[ $stderr == *"accuracy.ndjson:1: accuracy is not correct / questions"* ]]
}

@test "wrong options are told before anything is read" {
	fails 2 epi-score --weights mmlu absent
	fails 2 epi-score --weights mmlu=0 absent
	fails 2 epi-score --accuracy mmlu=5/4 absent
	fails 2 epi-score --accuracy piqa=1/2 absent
	fails 2 epi-score --meta colour=red absent
	fails 2 epi-score --meta measurement_point=roof absent
}

@test "a metadata file with an unknown key, or no JSON, is refused" {
	echo '{"environment":{"weather":"fine"}}' >meta.json
	fails 1 epi-score --meta meta.json energy.ndjson
	[[ $stderr == *"meta.json: environment.weather: no such key"* ]]
	echo '{' >meta.json
	fails 1 epi-score --meta meta.json energy.ndjson
}
