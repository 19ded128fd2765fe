# epi-lmeval: what others measured, and how well it is known.

load lib

# of FILTER: what jq says of the output, in one line.
of() {
	jq -rc "$1" <<<"$output"
}

# near FILTER VALUE: within 1e-12 of it.
near() {
	jq -se --argjson want "$2" "map(values) | map($1) | map(values) | first |
		(. - \$want) | fabs <= 1e-12 * (\$want | fabs)" <<<"$output" >&2 ||
		{ echo "$1: $(of "$1"), not $2" >&2; return 1; }
}

# results TASK JSON [MORE]: a file of one task, with more members.
results() {
	jq -nc --arg task "$1" --argjson result "$2" --argjson more "${3:-{\}}" \
		'{results: {($task): $result}, config: {num_fewshot: 3}} + $more'
}

@test "the synthetic file is what it should be, to 1e-12" {
	shared lm-eval
	ok epi-lmeval "$shared/SYNTHETIC_v04_mmlu_arc_hellaswag.json" >/dev/null
	expected=$shared/../vectors/synth-import-expected.json
	near 'select(.benchmark == "mmlu").accuracy' "$(jq .mmlu_micro "$expected")"
	near 'select(.benchmark == "mmlu").accuracy_macro' "$(jq .mmlu_macro "$expected")"
	near 'select(.benchmark == "mmlu").u_accuracy' "$(jq .mmlu_se_pooled "$expected")"
	near 'select(.benchmark == "arc_challenge").accuracy' "$(jq .arc_acc_norm "$expected")"
	near 'select(.benchmark == "hellaswag").accuracy' "$(jq .hellaswag_acc_norm "$expected")"
	[ "$(of '"\(.shots) \(.questions) \(.protocol)"' | xargs)" = \
		"25 1172 loglik-cloze 10 10042 loglik-cloze 5 14042 loglik-letter" ]
}

@test "the synthetic file's composite and its uncertainty, in the score" {
	shared lm-eval
	epi-lmeval "$shared/SYNTHETIC_v04_mmlu_arc_hellaswag.json" >accuracy.ndjson
	ok epi-score "$data/score/energy.ndjson" "$data/score/tokens.ndjson" accuracy.ndjson >/dev/null
	expected=$shared/../vectors/synth-import-expected.json
	near .accuracy.composite "$(jq .A "$expected")"
	near '[.benchmarks[] | pow(.u_accuracy * .weight; 2)] | add | sqrt' "$(jq .se_A "$expected")"
}

@test "every real file is imported; old ones add up to MMLU's 14042 questions" {
	shared lm-eval
	for file in "$shared"/*; do
		ok epi-lmeval "$file" >/dev/null
	done
	for file in "$shared"/v02* "$shared"/v03*; do
		ok epi-lmeval "$file" >/dev/null
		[ "$(of 'select(.benchmark == "mmlu") | [.questions, .tasks, .shots]')" = "[14042,57,5]" ]
		[ "$(of 'select(.benchmark == "arc_challenge") | [.questions, .metric]')" = '[1172,"acc_norm"]' ]
		[ "$(of 'select(.type == "quality") | .metric')" = ppl ]
	done
}

@test "logged samples agree with the results of the same run" {
	shared lm-eval
	ok epi-lmeval "$shared/v04_samples_winogrande_generate.jsonl" >/dev/null
	samples=$(of '[.questions, .correct, .u_accuracy, .filter, .protocol]')
	ok epi-lmeval "$shared/v04_llama3.1-pro16_winogrande_generate.json" >/dev/null
	[ "$(of '[.questions, .correct, .u_accuracy, .filter, .protocol]')" = "$samples" ]
	[ "$(of .limit)" = 10 ]
}

# 0.31 (1 - 0.31) / 99 is the square of 0.046482319871173176.
@test "the number of questions is recovered where it can be" {
	ok epi-lmeval <<<"$(results t '{"acc":0.31,"acc_stderr":0.046482319871173176}')" >/dev/null
	[ "$(of '[.questions, .correct]')" = "[100,31]" ]
	ok epi-lmeval <<<"$(results t '{"acc":0.31,"acc_stderr":0.0465}')" >/dev/null
	[ "$(of '[.questions, .correct, .accuracy]')" = "[null,null,0.31]" ]
	[[ $(of '.warnings[0]') == questions-unknown:* ]]
	# 0.5 (1 - 0.5) / 150: n would be 151, of which no number is the half.
	ok epi-lmeval <<<"$(results t '{"acc":0.5,"acc_stderr":0.040824829046386304}')" >/dev/null
	[ "$(of '[.questions, .correct]')" = "[null,null]" ]
	ok epi-lmeval <<<"$(results t '{"acc":1.0,"acc_stderr":0.0}')" >/dev/null
	[ "$(of '[.questions, .u_accuracy]')" = "[null,null]" ]
}

@test "the other metric tells how many, where the wanted one is all right" {
	ok epi-lmeval <<<"$(results t '{"acc":0.31,"acc_stderr":0.046482319871173176,"acc_norm":1,"acc_norm_stderr":0}')" >/dev/null
	[ "$(of '[.metric, .questions, .correct]')" = '["acc_norm",100,100]' ]
}

@test "N/A, NaN and odd members are passed over" {
	ok epi-lmeval --metric acc <<<'{"results":{"t":{" ":" ","alias":"NaN t","name":"t","sample_len":10,"acc,none":0.5,"acc_stderr,none":"N/A","acc_norm,none":NaN}},"n-samples":{"t":{"original":10,"effective":10}},"x":[-Infinity,Infinity,"NaN\"NaN"]}' >/dev/null
	near .u_accuracy "$(jq -n '0.25 / 9 | sqrt')"
	[[ $(of '.warnings[0]') == u-computed:* ]]
}

@test "a figure that is not a number is named, and no record" {
	fails 1 epi-lmeval <<<'{"results":{"t":{"acc,none":NaN}}}'
	[[ $stderr == *"standard input: t: acc is no share of one"* ]]
}

@test "MMLU's metric is acc, that of others acc_norm, and --metric wins" {
	both='{"acc,none":0.25,"acc_stderr,none":0.1,"acc_norm,none":0.5,"acc_norm_stderr,none":0.1}'
	ok epi-lmeval <<<"$(results mmlu_anatomy "$both")" >/dev/null
	[ "$(of '[.metric, .accuracy]')" = '["acc",0.25]' ]
	ok epi-lmeval <<<"$(results piqa "$both")" >/dev/null
	[ "$(of '[.metric, .accuracy, .protocol]')" = '["acc_norm",0.5,"loglik-cloze"]' ]
	ok epi-lmeval --metric acc <<<"$(results piqa "$both")" >/dev/null
	[ "$(of '[.metric, .accuracy]')" = '["acc",0.25]' ]
}

@test "the protocol is told by the task's choices, or by equal figures" {
	one='{"acc,none":0.25,"acc_norm,none":0.5}'
	ok epi-lmeval <<<"$(results t "$one" '{"configs":{"t":{"doc_to_choice":["A","B"]}}}')" >/dev/null
	[ "$(of .protocol)" = loglik-letter ]
	ok epi-lmeval <<<"$(results t "$one" '{"configs":{"t":{"doc_to_choice":"{{choices}}"}}}')" >/dev/null
	[ "$(of .protocol)" = loglik-cloze ]
	ok epi-lmeval <<<"$(results t "$one" '{"configs":{"t":{"output_type":"generate_until"}}}')" >/dev/null
	[ "$(of .protocol)" = gen-text ]
	ok epi-lmeval <<<"$(results t '{"acc":0.5,"acc_norm":0.5}')" >/dev/null
	[ "$(of .protocol)" = loglik-letter ]
	ok epi-lmeval <<<"$(results t '{"acc":0.5}')" >/dev/null
	[ "$(of .protocol)" = null ]
}

group() {
	echo '{"results":{"g":{'"$1"'"alias":"g"},"a":{"acc,none":0.5,"acc_stderr,none":0.1},"b":{"acc,none":0.2,"acc_stderr,none":0.1}},
		"group_subtasks":{"g":["a","b"],"a":[],"b":[]},"n-shot":{"a":5,"b":'"${2:-5}"'},
		"n-samples":{"a":{"effective":10},"b":{"effective":30}}}'
}

# 10 of 1/2 and 30 of 1/5: 11/40; (100 1/4/9 + 900 4/25/29) / 1600.
@test "a group without figures is that of its tasks" {
	ok epi-lmeval <<<"$(group '" ":" ",')" >/dev/null
	[ "$(of '[.benchmark, .questions, .correct, .tasks, .shots]')" = '["g",40,11,2,5]' ]
	near .accuracy 0.275
	near .accuracy_macro 0.35
	near .u_accuracy "$(jq -n '(100 / 4 / 9 + 900 * 4 / 25 / 29) / 1600 | sqrt')"
}

@test "a group's own figure is taken, and questioned if it is another mean" {
	ok epi-lmeval <<<"$(group '"acc,none":0.275,"acc_stderr,none":0.07,')" >/dev/null
	[ "$(of '[.accuracy, .u_accuracy, .correct, .warnings]')" = "[0.275,0.07,11,null]" ]
	ok epi-lmeval <<<"$(group '"acc,none":0.35,"acc_stderr,none":0.07,')" >/dev/null
	[[ $(of '.warnings[0]') == "group-unweighted: "*0.275000 ]]
}

# As the sums above, of a group that has its figures beside the results, or none.
@test "a group that is not among the results is that of its tasks" {
	ok epi-lmeval <<<"$(group '' | jq -c 'del(.results.g)')" >/dev/null
	[ "$(of '[.benchmark, .questions, .accuracy]')" = '["g",40,0.275]' ]
	ok epi-lmeval <<<"$(group '' | jq -c 'del(.results.g) |
		.groups.g = {"acc,none": 0.275, "acc_stderr,none": 0.07}')" >/dev/null
	[ "$(of '[.benchmark, .accuracy, .u_accuracy]')" = '["g",0.275,0.07]' ]
	ok epi-lmeval <<<"$(group '' | jq -c 'del(.results.g) | .results.c = {"acc,none": 0.5} |
		.group_subtasks.top = ["g", "c"] | .["n-samples"].c.effective = 2')" >/dev/null
	[ "$(of '[.benchmark, .questions, .correct, .tasks]')" = '["top",42,12,3]' ]
}

@test "tasks of a group with different metrics are no mean, and told one by one" {
	warns epi-lmeval <<<"$(group '' | jq -c '.results.b = {"exact_match,none": 0.2, "exact_match_stderr,none": 0.1}')" >/dev/null
	[ "$(of '[.benchmark, .metric, .accuracy]' | xargs -d '\n')" = '["a","acc",0.5] ["b","exact_match",0.2]' ]
	[[ $stderr == *"g: its tasks have different metrics"* ]]
}

@test "tasks of a group by different filters: the group has none, and says so" {
	ok epi-lmeval <<<"$(group '' | jq -c '.results.a = {"acc,strict": 0.5, "acc,loose": 0.7} | .results.b = {"acc,none": 0.5}')" >/dev/null
	[ "$(of '[.benchmark, .metric, .filter]')" = '["g","acc",null]' ]
	[[ $(of '.warnings[]') == *"filters-differ: of the group's tasks"* ]]
}

@test "results: a figure without a filter beside others is told as that" {
	ok epi-lmeval <<<"$(results t '{"alias_of_something_long":"xx","acc":0.5,"acc,none":0.5,"acc,foo":0.6,"acc_stderr":0.05}')" >/dev/null
	[ "$(of '[.filter, .accuracy]')" = '[null,0.5]' ]
	[[ $(of '.warnings') != *filter-first* ]]
}

@test "a part of old MMLU says so, and a model in an object is named" {
	ok epi-lmeval <<<"$(results hendrycksTest-anatomy '{"acc":0.5,"acc_stderr":0.1}' |
		jq -c '.config.model_args = {pretrained: "org/m"} | .config.model = "hf"')" >/dev/null
	[ "$(of '[.benchmark, .tasks, .questions, .model]')" = '["mmlu",1,26,"org/m"]' ]
	[[ $(of '.warnings[0]') == "tasks-missing: of MMLU's 57 subjects the file has 1" ]]
}

@test "tasks of a group with other shots: the group's are unknown" {
	ok epi-lmeval <<<"$(group '' 0)" >/dev/null
	[ "$(of .shots)" = null ]
	[[ $(of '.warnings[0]') == shots-differ:* ]]
}

@test "groups that go in circles end" {
	fails 1 timeout 20 epi-lmeval <<<'{"results":{"top":{},"g":{"acc":0.5},"h":{"acc":0.5}},"group_subtasks":{"top":["g","h"],"g":["g","h","g","h"],"h":["g","h","g"]}}'
}

sample() {
	printf '{"doc_id":%d,"filter":"%s","filtered_resps":["%s"],"exact_match":%s}\n' "$@"
}

@test "samples: right ones are counted, unmatched ones told" {
	{ sample 0 x 1 1.0; sample 1 x '[invalid]' 0.0; sample 2 x 2 false; } >samples_toy_2024-11-19T16-00.jsonl
	ok epi-lmeval samples_toy_2024-11-19T16-00.jsonl >/dev/null
	[ "$(of '[.benchmark, .questions, .correct, .failures.no_match, .filter]')" = '["toy",3,1,1,"x"]' ]
}

@test "samples: a document that counts twice is refused, by other filters it does not" {
	{ sample 0 x 1 1; sample 1 x 1 0; sample 0 y 1 1; } >samples_toy.jsonl
	ok epi-lmeval samples_toy.jsonl >/dev/null
	cat samples_toy.jsonl samples_toy.jsonl >samples_twice.jsonl
	fails 1 epi-lmeval samples_twice.jsonl
	[[ $stderr == *"samples_twice.jsonl: doc_id 0 counts twice"* ]]
}

@test "samples: the year in a task's name is no date" {
	for file in samples_aime_2024.jsonl samples_aime_2024_2025-01-02T00-00.jsonl samples_aime_2024_nofigures_2025-01-02T00-00.jsonl; do
		sample 0 x 1 1 >$file
		epi-lmeval $file | jq -r .benchmark
	done >names
	[ "$(xargs <names)" = 'aime_2024 aime_2024 aime_2024_nofigures' ]
}

@test "samples: parts of a point and broken lines are malformed" {
	{ sample 0 x 1 1; sample 2 x 1 0.5; echo '{'; echo '{}'; } >samples_toy.jsonl
	partly 1 epi-lmeval samples_toy.jsonl >/dev/null
	[ "$(grep -c 'samples_toy.jsonl:[2-4]: ' <<<"$stderr")" = 3 ]
	[ "$(of .questions)" = 1 ]
}

@test "samples: of several filters the first counts, or the wanted one, and it is told" {
	for i in 0 1 2; do sample $i strict 1 0; sample $i loose 1 1; done >samples_toy_2024_2025-01-02T00-00.jsonl
	ok epi-lmeval samples_toy_2024_2025-01-02T00-00.jsonl >/dev/null
	[ "$(of '[.benchmark, .filter, .questions, .correct]')" = '["toy_2024","strict",3,0]' ]
	[[ $(of '.warnings[]') == *"filters-left: 3 samples by other filters, as loose, "* ]]
	ok epi-lmeval --metric exact_match,loose samples_toy_2024_2025-01-02T00-00.jsonl >/dev/null
	[ "$(of '[.filter, .questions, .correct]')" = '["loose",3,3]' ]
	fails 1 epi-lmeval --metric exact_match,other samples_toy_2024_2025-01-02T00-00.jsonl
	[[ $stderr == *"no samples by other in it"* ]]
}

@test "results: of several filters the first, or the wanted one with its own error" {
	two='{"exact_match,strict":0.3,"exact_match_stderr,strict":0.04,"exact_match,loose":0.5,"exact_match_stderr,loose":0.05}'
	ok epi-lmeval <<<"$(results t "$two")" >/dev/null
	[ "$(of '[.metric, .filter, .accuracy, .u_accuracy]')" = '["exact_match","strict",0.3,0.04]' ]
	[[ $(of '.warnings[]') == *"filter-first: strict is the first of 2 "* ]]
	ok epi-lmeval --metric exact_match,loose <<<"$(results t "$two")" >/dev/null
	[ "$(of '[.metric, .filter, .accuracy, .u_accuracy]')" = '["exact_match","loose",0.5,0.05]' ]
	[[ $(of '.warnings') != *filter-first* ]]
	fails 1 epi-lmeval --metric exact_match,other <<<"$(results t "$two")"
	[[ $stderr == *"no accuracy called exact_match by other"* ]]
}

@test "a file without an accuracy is refused with a reason" {
	fails 1 epi-lmeval <<<'{"a":1}'
	[[ $stderr == *"no results of lm-evaluation-harness"* ]]
	fails 1 epi-lmeval <<<'{"results":{"t":{"bleu,none":30}}}'
	[[ $stderr == *"t: no accuracy among its metrics"*"no accuracy in it"* ]]
	fails 1 epi-lmeval <<<$'{"results":\n{"t":'
	[[ $stderr == *"standard input:"* ]]
}
