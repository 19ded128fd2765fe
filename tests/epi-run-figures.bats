# epi-run: what it makes of an accuracy, of llama-bench's rows, and as a table.

load lib
load tap
load run

energies() { jq -r 'select(.scope == "cluster").label' "$1" | xargs; }

# An engine whose answer is 12 tokens, as its log says.
log=$data/engines/llama-cli-2025.log
scored() {
	epi-run -s 'exec bash meter' -o rec "$@" sh -c 'sleep 0.05; cat "$0"' "$log"
}

# row PROMPT GENERATED [MEMBERS]: of llama-bench, two samples of 0.05 s.
row() {
	printf '{"n_prompt": %d, "n_gen": %d, "n_depth": 0, "avg_ns": 50000000, "samples_ns": [ 50000000, 50000000 ]%s}\n' "$1" "$2" "${3:-}"
}

# bench SCRIPT: a llama-bench that does this; its other log comes before.
bench() {
	{ echo 'echo "ggml_init: none" >&2'; declare -f row; echo "$1"; } >script
	printf '#!/bin/sh\nexec bash script\n' >llama-bench
	chmod +x llama-bench
}

# ---- accuracy

# The mean of 701/1769, 650/1172 and 5500/10042, the counts of the file.
@test "--accuracy: the EPI is told, and its records are those of a score" {
	warns scored --accuracy "$data/score/accuracy.ndjson" --meta model=m --notify 'echo "$EPI_VALUE" >value' >/dev/null
	epi=$(figure .joules | jq '. / 12 / ((701 / 1769 + 650 / 1172 + 5500 / 10042) / 3)')
	jq -se --argjson epi "$epi" 'map(select(.type == "score"))[0] | (.epi.value / $epi - 1 | fabs < 1e-12) and .model == "m"' rec >/dev/null
	jq -ne "$(cat value) / $epi - 1 | fabs < 1e-6" >/dev/null
	[[ $stderr == *"EPI $(printf %.4g "$epi") J/(token accuracy)"* ]]
	ok epi-score rec >score
	jq -e --argjson epi "$epi" '.epi.value / $epi - 1 | fabs < 1e-12' score >/dev/null
}

@test "--accuracy: of several runs each has its score, and all have theirs" {
	warns scored -r 3 -a "$data/score/accuracy.ndjson" >/dev/null
	middle=$(jq 'select(.type == "score").epi.value' rec-1 rec-2 rec-3 | jq -s 'sort[1]')
	jq -e --argjson middle "$middle" '.epi.value == $middle and (.repetitions | map(.file)) - ["rec-1", "rec-2", "rec-3"] == []
		and (.repetitions | length) == 3' rec >/dev/null
	[ "$(jq 'select(.type == "score").run_metadata.repetition' rec-1 rec-2 rec-3 | xargs)" = "1 2 3" ]
	[[ $stderr == *"median EPI "* ]]
}

@test "--accuracy: without records the EPI is told all the same" {
	warns epi-run -r 2 -s 'exec bash meter' -a "$data/score/accuracy.ndjson" sh -c 'sleep 0.05; cat "$0"' "$log" >/dev/null
	[[ $stderr == *"EPI "*"EPI "*"median EPI "* ]]
	clean
}

@test "--accuracy: what is wrong with it is told before anything is run" {
	fails 1 epi-run -s "exec bash meter" -o rec --accuracy no-file touch run
	fails 2 metered --no-tokens -a "$data/score/accuracy.ndjson" touch run
	head -n 1 "$data/score/accuracy.ndjson" >one
	fails 1 epi-run -s 'exec bash meter' -a one touch run
	[[ $stderr == *"benchmark-missing: no accuracy of arc_challenge"* ]]
	fails 1 epi-run -s 'exec bash meter' -a one --weights mmlu=x touch run
	fails 2 epi-run -s 'exec bash meter' --weights mmlu=1 touch run
	[ ! -e run ]
	warns scored -a one --weights mmlu=1 >/dev/null
	[[ $stderr == *"EPI "* ]]
	clean
}

@test "--accuracy: what can be read once is refused before anything is run" {
	mkfifo once
	echo yesterday >rec
	fails 1 epi-run -s 'exec bash meter' -o rec -a once touch run
	[[ $stderr == *"once: is no file"* ]]
	[ ! -e run ]
	[ "$(cat rec)" = yesterday ]
}

@test "--accuracy: a run that is no engine's has no EPI: status 1" {
	partly 1 epi-run -s 'exec bash meter' -o rec -a "$data/score/accuracy.ndjson" echo nothing
	[[ $stderr == *"refused: tokens-"*"the EPI: refused"* ]]
	[ ! "$(jq 'select(.type == "score")' rec)" ]
}

@test "--accuracy: a run without an EPI leaves that of the others" {
	take epi-run -r 3 -s 'exec bash meter' -a "$data/score/accuracy.ndjson" -o rec \
		sh -c 'echo x >>count; sleep 0.05; [ "$(wc -l <count)" -eq 2 ] || cat "$0"' "$log"
	[ "$status" -eq 1 ]
	[[ $stderr == *"the EPI: refused"*"3 of 3 runs count"*"median EPI "* ]]
	jq -e '.repetitions | map(.file) | sort == ["rec-1", "rec-3"]' rec >/dev/null
}

@test "--accuracy: the score of all of an earlier time does not outlive runs that fail" {
	echo old | tee rec >rec-2
	take epi-run -r 2 -s 'exec bash meter' -a "$data/score/accuracy.ndjson" -o rec sh -c 'exit 3'
	[ "$status" -eq 3 ]
	[ "$(echo rec*)" = rec-1 ]
}

# ---- llama-bench

# 0.1 s at 5 W are 0.5 J, for twice 512 tokens, and for twice 128.
@test "llama-bench: the energy of each test, by its row's time and its samples" {
	bench 'sleep 0.15; row 512 0; sleep 0.15; row 0 128'
	warns epi-run -s 'exec bash meter' -o rec ./llama-bench -o jsonl >/dev/null
	[ "$(energies rec)" = "run pp512 tg128" ]
	jq -se 'map(select(.scope == "cluster")) | all(.[1:][]; (.seconds - 0.1 | fabs < 1e-6) and (.joules - 0.5 | fabs < 1e-5)) and .[1].end < .[2].begin' rec >/dev/null
	[[ $stderr == *"pp512: 0.5000 J in 0.100 s, 0.0004883 J each of 1024 tokens"*"tg128: 0.5000 J in 0.100 s, 0.001953 J each of 256 tokens"* ]]
	[[ $stderr != *"J/token"* ]]
}

@test "llama-bench: tests of one name are told apart" {
	bench 'sleep 0.15; row 512 0; sleep 0.15; row 512 0; sleep 0.15; row 512 0'
	warns epi-run -s 'exec bash meter' -o rec ./llama-bench -o jsonl >/dev/null
	[ "$(energies rec)" = "run pp512 pp512 (2) pp512 (3)" ]
}

@test "llama-bench: rows that came together are not told apart" {
	bench 'sleep 0.3; row 512 0; row 0 128'
	warns epi-run -s 'exec bash meter' -o rec ./llama-bench -o jsonl >/dev/null
	[ "$(energies rec)" = run ]
	[[ $stderr == *"the rows came too late to tell one test from another"* ]]
}

@test "llama-bench: rows that came together have no figures in a table, and no span" {
	bench 'sleep 0.3; row 512 0; row 0 128'
	take epi-run -s 'exec bash meter' --span tokens --markdown -o rec ./llama-bench -o jsonl
	[[ $stderr != *" inf "* && $stderr != *"| pp512 |"* && $stderr != *"to the last token"* ]]
}

@test "llama-bench: a row of long ago has no energy" {
	bench 'sleep 0.15; row 512 0 ", \"test_time\": \"2025-05-07T14:32:11Z\""'
	warns epi-run -s 'exec bash meter' -o rec ./llama-bench -o jsonl >/dev/null
	[ "$(energies rec)" = run ]
	[[ $stderr == *"pp512: its energy is not known"* ]]
	grep -q "held-back: the row" rec
}

@test "llama-bench: --span tokens is from the first test to the last" {
	bench 'sleep 0.15; row 512 0; sleep 0.15; row 0 128; sleep 0.2'
	warns epi-run --span tokens -s 'exec bash meter' -o rec ./llama-bench -o jsonl >/dev/null
	jq -se 'map(select(.scope == "cluster")) | map({ (.label): . }) | add | .run.begin == .pp512.begin and .run.end == .tg128.end' rec >/dev/null
}

# ---- a table

# cells LINE: those of a row of the table that was told.
cells() { grep "^| $1 |" <<<"$stderr" | tr -d '|'; }

@test "--markdown: a row for each run, the median and the deviation" {
	warns scored -r 3 --markdown >/dev/null
	[[ $stderr == *$'\n`sh -c sleep 0.05; cat '*": 1 node, epi-run "* ]]
	[ "$(grep -c '^|' <<<"$stderr")" -eq 7 ]
	[ "$(grep '^|' <<<"$stderr" | tr -cd '|\n' | sort -u | wc -l)" -eq 1 ]
	read -r run seconds joules _ _ tokens _ < <(cells 2)
	[ "$run $tokens" = "2 12" ]
	[ "$seconds $joules" = "$(jq -r 'select(.type == "energy" and .scope == "cluster") | .seconds, .joules' rec-2 | xargs printf '%.3f %.3f')" ]
	middle=$(jq 'select(.scope == "cluster").joules' rec-? | sort -g | sed -n 2p)
	[ "$(cells median | awk '{ print $3 }')" = "$(printf %.3f "$middle")" ]
}

@test "--markdown: what is simulated says so, and each figure how well it is known" {
	warns epi-run --markdown -s 'epi-sim --for 1m | epi-tap -' --no-tokens -o rec sleep 0.2
	[[ $stderr == *'`sleep 0.2`: 4 nodes, '*", **simulated**"* ]]
	read -r joules u < <(figure '.joules, .u_joules' | xargs)
	read -r _ _ told _ <<<"$(cells 1 | sed 's/ ± /±/')"
	read -r told told_u <<<"${told//±/ }"
	jq -ne "($joules - $told | fabs) < $u / 10 and ($told_u / $u - 1 | fabs) < 0.05" >/dev/null
}

@test "--markdown: a long command leaves room for what is simulated" {
	warns epi-run --markdown -s 'epi-sim --for 1m | epi-tap -' --no-tokens -- true "$(head -c 5000 /dev/zero | tr '\0' x)"
	[[ $stderr == *"xxx\`: 4 nodes, "*"**simulated**"* ]]
}

@test "--markdown: the rows of llama-bench" {
	bench 'sleep 0.15; row 512 0; sleep 0.15; row 0 128'
	warns epi-run --markdown -s 'exec bash meter' -o rec ./llama-bench >/dev/null
	[ "$(cells '1 | tg128' | xargs)" = "1 tg128 256 0.100 2560.000 0.500 0.001953" ]
}

@test "--markdown: no byte of the command breaks the table" {
	warns metered --markdown -- sh -c 'true `true`;
	true'
	[[ $stderr == *'`sh -c true  true ;  true`: 1 node'* ]]
}
