# epi-tokens: what a log says, what it does not, and what only looks like it.
#
# Counts of tests/data/dllama are those of TRUTH.tsv: traces of the tokenizer
# and the sampler, taken beside the logs.  The logs of tests/data/engines are
# written for these tests; their counts are in plain sight.

load lib

dllama=$data/dllama
engines=$data/engines

# tell FILTER [ARG...]: the record of a log that counts, through jq.
tell() {
	ok epi-tokens "${@:2}" >record
	jq -c "$1" record
}

# tell_bad FILTER [ARG...]: the same where the status is 1.
tell_bad() {
	partly 1 epi-tokens "${@:2}" >record
	jq -c "$1" record
}

# counts: the three that TRUTH.tsv knows, and the status.
counts='[.prompt_tokens, .generated_tokens, .node_count, .status]'

# expected FILE: the status that a log of TRUTH.tsv should have.
expected() {
	case $1 in
	*-w[0-9].*|*-api-*|*-chat-*|*-nomode.*|v0.10.6-err-*) echo uncountable ;;
	*-workerkilled-*|*-err-*) echo truncated ;;
	*) echo complete ;;
	esac
}

# option ERA PROMPT: before v0.12.0 the prompt's tokens have to be told.
option() {
	case $1 in
	v0.1.0|v0.4.0|v0.10.6) [ "$2" = 0 ] || echo "-p $2" ;;
	esac
}

# agrees FILE PROMPT GENERATED NODES OPTION: the record is the truth, or says
# null.  A log that is complete or was killed while it generated knows all.
agrees() {
	exit=0
	# shellcheck disable=SC2086 # an option and its argument, or none
	epi-tokens $5 "$1" >record 2>complaint || exit=$?
	jq -e --arg p "$2" --arg g "$3" --arg n "$4" --argjson exit $exit \
		--arg s "$(expected "${1##*/}")" '
		def may($truth): . == null or tostring == $truth;
		(.status == "complete") == ($exit == 0) and
		.status == $s and (.prompt_tokens | may($p)) and
		(.generated_tokens | may($g)) and (.node_count | may($n)) and
		(((.status == "complete" or (.file | contains("killed"))) | not) or
		([.prompt_tokens, .generated_tokens, .node_count] | all(. != null)))' record ||
		{ echo "not as TRUTH.tsv: $1"; return 1; }
}

# conform EXTENSION: all logs of TRUTH.tsv.
conform() {
	failed=0
	while IFS=$'\t' read -r file era prompt generated _ nodes _; do
		agrees "$dllama/${file%.log}$1" "$prompt" "$generated" "$nodes" \
			"$(option "$era" "$prompt")" >>told || failed=1
	done < <(tail -n +2 "$dllama/TRUTH.tsv")
	[ "$(grep -c '^true' told)" -eq 28 ] && [ $failed -eq 0 ] || { cat told; return 1; }
}

# head_log: the start-up of a one-node run, up to the prompt.
head_log() {
	sed '/Weights loaded/q' "$dllama/head-inference-1node.log"
}

# steps BATCHES TOKENS: batches of so many tokens each, then sampled tokens.
steps() {
	for n in $1; do
		echo "🔷️ Eval   10 ms Sync    1 ms | Sent     0 kB Recv     0 kB | ($n tokens)"
	done
	for _ in $(seq "$2"); do
		echo "🔶 Pred   20 ms Sync    1 ms | Sent     0 kB Recv     0 kB |  a"
	done
}

# summary PROMPT GENERATED: batches of 32.
summary() {
	printf '\nEvaluation\n   nBatches: 32\n    nTokens: %d\n   tokens/s: 1000.00 (1.00 ms/tok)\n' "$1"
	printf 'Prediction\n    nTokens: %d\n   tokens/s: 45.45 (22.00 ms/tok)\n' "$2"
}

# ---- distributed-llama

@test "every log of TRUTH.tsv: prompt, generated and nodes, or null and a named status" {
	conform .log
}

@test "the same logs with arrival times" {
	conform .ts.log
}

@test "answers of the API server: the usage of each request of TRUTH-requests.tsv" {
	tail -n +2 "$dllama/TRUTH-requests.tsv" | awk '/^head-api-1node/ && $2 != 2 { print $3, $4 }' >truth
	for n in 07 09 10 11 12 13 14 15 16; do
		tell '"\(.prompt_tokens) \(.generated_tokens)"' "$dllama"/http/head-api-1node-"$n"-*
	done | tr -d '"' | diff truth -
}

@test "a stream of the API server has no usage: uncountable" {
	tell_bad "$counts" "$dllama/http/head-api-1node-08-chat-stream.http" >told
	[ "$(cat told)" = '[null,null,null,"uncountable"]' ]
	[[ $stderr == *include_usage* ]]
}

@test "the record: every key, engine, format and method" {
	keys='type,engine,format,file,prompt_tokens,generated_tokens,eos_counted,prefill_seconds,decode_seconds,time_basis,node_count,requests,status,method,wall_seconds,begin,end,warnings'
	[ "$(tell 'keys_unsorted | join(",")' "$dllama/head-inference-1node.log")" = "\"$keys\"" ]
	[ "$(jq -c '[.type, .engine, .format, .eos_counted, .requests, .warnings]' record)" = \
		'["tokens","distributed-llama","inference-c",true,1,[]]' ]
}

@test "times of era c are the timers': 13 / 116.00 s and 51 / 41.09 s" {
	# 0.112068965..., 1.241177902...; the timers count microseconds
	[ "$(tell '[.prefill_seconds, .decode_seconds, .time_basis]' "$dllama/head-inference-1node.log")" = \
		'[0.112069,1.241178,"step_timers"]' ]
}

@test "times of era b are wall times in whole milliseconds" {
	# 13 / 117.12 s = 0.11099..., 51 x 28.16 ms = 1.43616
	[ "$(tell '[.prefill_seconds, .decode_seconds, .time_basis]' "$dllama/v0.12.0-inference-1node.log")" = \
		'[0.111,1.436,"step_wall"]' ]
}

@test "times of era a are those of the lines, split at the prompt" {
	sum() { sed -n "$1s/.* G *\([0-9]*\) ms .*/\1/p" "$dllama/v0.1.0-inference-4node-root.log" | paste -sd+ | bc; }
	first=$(grep -n ' G ' "$dllama/v0.1.0-inference-4node-root.log" | head -1 | cut -d: -f1)
	[ "$(tell '[.prefill_seconds, .decode_seconds] | map(. * 1000 | round)' -p 15 "$dllama/v0.1.0-inference-4node-root.log")" = \
		"[$(sum "$first,$((first + 13))"),$(sum "$((first + 14)),\$")]" ]
}

@test "arrival times give begin, end and wall seconds" {
	# the first batch of 2378 ms is printed 2.36 s after the prompt: so it began before it
	log=$dllama/head-4node-workerkilled-root.ts.log
	[ "$(tell_bad '[.begin, .end, .wall_seconds]' "$log")" = '[1795334093.34046,1795334099.250358,5.909898]' ]
	[ "$(tell_bad '[.begin, .end, .wall_seconds]' "${log%.ts.log}.log")" = '[null,null,null]' ]
}

@test "the wall span is that of the traced run, within two percent" {
	truth=$(awk '$1 == "head-inference-4node-linebuf-root.log" { print $5 / 1000 }' "$dllama/TRUTH.tsv")
	tell .wall_seconds "$dllama/head-inference-4node-linebuf-root.ts.log" |
		awk -v truth="$truth" '{ exit $1 > truth * 1.02 || $1 < truth * 0.98 }'
}

@test "before v0.12.0 and without --prompt-tokens: nothing is guessed" {
	tell_bad "$counts" "$dllama/v0.10.6-inference-1node.log" >told
	[ "$(cat told)" = '[null,null,1,"uncountable"]' ]
	[[ $stderr == *--prompt-tokens* ]]
}

@test "a limit on steps inside the prompt: no token was generated, and a warning" {
	[ "$(tell '[.generated_tokens, (.warnings[] | split(":")[0])]' -p 15 "$dllama/v0.10.6-inference-steps-lt-prompt.log")" = \
		'[0,"prompt-cut"]' ]
}

@test "a run that BOS ended: the summary counts one pass more than the lines" {
	# 63 lines and the pass without a line; 64 - 14 = 50
	sed '/🔶/{x;s/^/x/;/^x\{64\}$/{x;d};x}' "$dllama/v0.10.6-inference-1node.log" >bos
	[ "$(grep -c 🔶 bos)" -eq 63 ]
	[ "$(tell "$counts" -p 15 bos)" = '[15,50,1,"complete"]' ]
}

@test "two passes without a line: mismatch" {
	sed '0,/🔶/{/🔶/d}' "$dllama/v0.10.6-inference-1node.log" | sed '0,/🔶/{/🔶/d}' >less
	[ "$(tell_bad .status -p 15 less)" = '"mismatch"' ]
}

@test "--prompt-tokens that the log denies: mismatch" {
	tell .status -p 14 "$dllama/head-inference-1node.log"
	[ "$(tell_bad .status --prompt-tokens 15 "$dllama/head-inference-1node.log")" = '"mismatch"' ]
}

@test "a line less than the summary: mismatch" {
	sed '0,/🔶/{/🔶/d}' "$dllama/head-inference-1node.log" >less
	[ "$(tell_bad "$counts" less)" = '[14,51,1,"mismatch"]' ]
}

@test "a batch less than the summary: mismatch" {
	{ head_log; echo p; steps "32 32" 2; summary 74 2; } >log
	[ "$(tell_bad .status log)" = '"mismatch"' ]
}

@test "v0.12.0 hides tokens: the summary counts them, with a warning" {
	[ "$(tell '[.generated_tokens, (.warnings[] | split(":")[0])]' "$dllama/v0.12.0-inference-nasty.log")" = \
		'[268,"hidden-tokens"]' ]
}

@test "v0.12.7 hides none: a line less is a mismatch" {
	sed '0,/🔶/{/🔶/d}' "$dllama/v0.12.7-inference-4node-root.log" >less
	[ "$(tell_bad .status less)" = '"mismatch"' ]
}

@test "a log cut in its summary: truncated, with what was printed" {
	head -n -2 "$dllama/head-inference-1node.log" >cut
	[ "$(tell_bad "$counts" cut)" = '[14,51,1,"truncated"]' ]
}

@test "a log cut inside its last line: truncated" {
	head -c -3 "$dllama/head-inference-1node.log" >cut
	[ "$(tell_bad .status cut)" = '"truncated"' ]
}

@test "a log cut at every line: never complete before the end, never more than there is" {
	total=$(wc -l <"$dllama/head-inference-4node-root.log")
	for n in $(seq 1 $((total - 2))); do
		head -n "$n" "$dllama/head-inference-4node-root.log" | epi-tokens 2>>err || :
	done | jq -e -s 'all(.status != "complete" and (.generated_tokens // 0) <= 27)'
}

@test "an empty prompt has no batches, and rates that are no numbers" {
	# 3 / 45.45 s = 0.0660066...
	{ head_log; echo; steps "" 3; summary 0 3 | sed 's/1000.00 (1.00/-nan (-nan/'; } >log
	[ "$(tell '[.prompt_tokens, .generated_tokens, .prefill_seconds, .decode_seconds]' log)" = '[1,3,0,0.066007]' ]
}

@test "a timer that wrapped at 71.6 minutes is set right by the lines" {
	# 8 x 600 s = 4800 s; 4800 s - 2^32 us = 505.032704 s, 63129.09 ms a token
	{ head_log; echo p; steps 13 8 | sed 's/Pred   20 ms Sync    1/Pred600000 ms Sync    0/'
		summary 13 8 | sed 's/45.45 (22.00/0.02 (63129.09/; s/1000.00 (1.00/1181.82 (0.85/'; } >log
	[ "$(tell '[.decode_seconds, (.warnings[] | split(":")[0])]' log)" = '[4800.000016,"timer-wrap"]' ]
}

@test "four nodes are counted by distinct sockets" {
	sed 's/Socket\[2\]/Socket[1]/' "$dllama/head-inference-4node-root.log" >log
	[ "$(tell .node_count log)" = 3 ]
	[ "$(sed '1,/Weights/d' log | tell .node_count)" = null ]
}

@test "two runs in one log are summed" {
	cat "$dllama/head-inference-1node.log" "$dllama/head-inference-1node.log" >two
	[ "$(tell '[.prompt_tokens, .generated_tokens, .requests, .decode_seconds]' two)" = '[28,102,2,2.482356]' ]
}

@test "a run that was cut makes the sum truncated" {
	{ head -n 40 "$dllama/head-inference-1node.log"; cat "$dllama/head-inference-1node.log"; } >two
	[ "$(tell_bad '[.requests, .status]' two)" = '[2,"truncated"]' ]
}

# A start that failed generated none of the 51; the length of its prompt is not told.
@test "a start that failed before its first step is told, whether before or behind a whole run" {
	whole=$dllama/head-inference-1node.log
	for failed in head-err-noprompt head-err-prompt-gt-seqlen; do
		cat "$dllama/$failed.log" "$whole" >before
		cat "$whole" "$dllama/$failed.log" >behind
		for log in before behind; do
			[ "$(tell_bad '[.prompt_tokens, .generated_tokens, .requests, .status]' $log)" = '[null,51,2,"truncated"]' ] || return 1
		done
	done
}

@test "a start that could not open its model: told behind a whole run too" {
	cat "$dllama/head-err-badmodel.log" "$dllama/head-inference-1node.log" >before
	[ "$(tell_bad '[.generated_tokens, .status]' before)" = '[51,"truncated"]' ]
	cat "$dllama/head-inference-1node.log" "$dllama/head-err-badmodel.log" >behind
	[ "$(tell_bad '[.generated_tokens, .status]' behind)" = '[51,"mismatch"]' ]
}

@test "a start that was killed while it loaded: nothing is known of the sum" {
	for start in head-inference-1node v0.12.0-inference-1node; do
		head -n 8 "$dllama/$start.log" >killed
		cat killed "$dllama/$start.log" >before
		cat "$dllama/$start.log" killed >behind
		for log in before behind; do
			[ "$(tell_bad '[.generated_tokens, .requests, .status]' $log)" = '[null,2,"truncated"]' ] || return 1
		done
	done
}

@test "a start and a load before the start of a whole run: broken off, or an echo, so a mismatch" {
	{ head_log; echo p; cat "$dllama/head-inference-1node.log"; } >log
	[ "$(tell_bad '[.generated_tokens, .status]' log)" = '[51,"mismatch"]' ]
}

@test "a prompt with some lines of a start, or an error: complete" {
	{ head_log; printf '%s\n' '📄 AddBos: 1' '🚨 Critical error: x' '💡 Dim: 4'; steps 11 2; summary 11 2; } >log
	[ "$(tell "$counts" log)" = '[12,2,1,"complete"]' ]
}

@test "runs on different numbers of nodes: their number is not one" {
	cat "$dllama/head-inference-1node.log" "$dllama/head-inference-4node-root.log" >two
	[ "$(tell '[.node_count, (.warnings[] | split(":")[0])]' two)" = '[null,"nodes-differ"]' ]
}

@test "perplexity: tokens of the text, none generated" {
	{ head_log; echo 'Evaluating 3 tokens...'; printf '    1 / 2, prob=0.500000\n    2 / 2, prob=0.250000\n'
		printf '\nResults\n   perplexity: 2.83 (lower = better)\n   avgLogProb: -1.04\n   bitPerToken: 1.5\n'; } >log
	[ "$(tell "$counts" log)" = '[3,0,1,"complete"]' ]
	[ "$(head -n -2 log | tell_bad .status)" = '"truncated"' ]
}

@test "a worker of v0.11 counts nothing" {
	printf '⭕ nNodes: 2\n🔶 I    3 ms T    1 ms\n' >log
	[ "$(tell_bad '[.format, .generated_tokens, .node_count, .status]' log)" = '["worker",null,4,"uncountable"]' ]
}

@test "the releases before v0.1.0: lines are passes, and nothing sums them up" {
	for line in '🔶  12ms a' '🔶 12ms a' '🔶   10ms    2ms a' '🔶   12 ms I   10 ms T    2 ms S      0 kB R      0 kB a'; do
		printf '%s\n%s\n%s\nDone.\n' "$line" "$line" "$line" >log
		[ "$(tell '[.generated_tokens, .prefill_seconds, .decode_seconds, .format]' -p 2 log)" = \
			'[2,0.012,0.024,"inference-pre"]' ] || return 1
	done
}

# ---- what a prompt can say

@test "log lines in a prompt are not counted, and a warning says so" {
	[ "$(tell "[.generated_tokens, (.warnings[] | split(\":\")[0])]" "$dllama/head-inference-injection.log")" = '[153,"echo"]' ]
}

@test "a prompt that ends in a whole run" {
	{ head_log; steps "32 7" 5; summary 39 5; steps "32 32 11" 2; summary 75 2; } >log
	[ "$(tell "$counts" log)" = '[76,2,1,"complete"]' ]
}

@test "a prompt that ends in a batch line: the last batches are the real ones" {
	{ head_log; steps "99 32" 0; steps "32 32 11" 2; summary 75 2; } >log
	[ "$(tell "$counts" log)" = '[76,2,1,"complete"]' ]
}

@test "a prompt that ends in a summary, and a run cut behind it" {
	{ head_log; summary 777 666; steps "32 11" 2; } >log
	[ "$(tell_bad "$counts" log)" = '[44,2,1,"truncated"]' ]
}

@test "a prompt that is a summary, and a run that failed: no count" {
	{ head_log; summary 777 666; echo '🚨 Critical error: x'; } >log
	[ "$(tell_bad .status log)" = '"mismatch"' ]
}

@test "a prompt that is a whole log" {
	{ head_log; cat "$dllama/head-inference-4node-root.log"; steps "32 11" 2; summary 43 2; } >log
	[ "$(tell "$counts" log)" = '[44,2,1,"complete"]' ]
}

@test "a prompt that is a log of two runs cannot be told from two runs: mismatch" {
	{ head_log; cat "$dllama"/head-inference-1node.log "$dllama"/head-inference-1node.log; steps 11 2; summary 11 2; } >log
	[ "$(tell_bad .status log)" = '"mismatch"' ]
}

@test "a log pasted into a chat is not counted" {
	{ cat "$dllama/head-chat-1node.log"; steps 11 2; summary 11 2; } >log
	[ "$(tell_bad "$counts" log)" = '[null,null,1,"uncountable"]' ]
}

@test "a text that starts like an arrival time, in a log without them, is text" {
	{ head_log; echo '1795334030.571345 🔷️ Eval   10 ms Sync    1 ms | Sent     0 kB Recv     0 kB | (9 tokens)'
		steps 11 2; summary 11 2; } >log
	[ "$(tell "$counts" log)" = '[12,2,1,"complete"]' ]
}

# ---- llama.cpp

times='[.prompt_tokens, .generated_tokens, .prefill_seconds, .decode_seconds, .format, .requests]'

@test "llama-cli of 2023: 63 runs are 64 tokens" {
	[ "$(tell "$times" "$engines/llama-cli-2023.log")" = '[20,64,0.5,3.15,"llama-cli",1]' ]
}

@test "llama-cli of 2025, with the log's prefix: 11 runs are 12 tokens" {
	[ "$(tell "$times" "$engines/llama-cli-2025.log")" = '[30,12,0.4,0.88,"llama-cli",1]' ]
}

@test "the samplers' count decides where runs may be none: 42 - 30 = 12, 31 - 30 = 1" {
	sed 's/11 runs/12 runs/' "$engines/llama-cli-2025.log" >off
	[ "$(tell_bad .status off)" = '"mismatch"' ]
	sed 's/880.00 ms \/    11/0.00 ms \/     1/; s/42 tokens/31 tokens/; s/41 tokens/31 tokens/' "$engines/llama-cli-2025.log" >one
	[ "$(tell .generated_tokens one)" = 1 ]
}

# Of 2024 they count the prompt, 9 + 65 = 74, in the small examples they do not.
@test "the samplers of 2023 and 2024 are a check, with the prompt and without: 64 + 1 = 65" {
	sed 's/64 runs/65 runs/' "$engines/llama-cli-2023.log" >off
	[ "$(tell_bad '[.generated_tokens, .status]' off)" = '[64,"mismatch"]' ]
	for n in 74:0 65:0 75:1 66:1; do
		printf 'llama_perf_%s\n' "sampler_print:    sampling time =       9.99 ms /    ${n%:*} runs" \
			'context_print: prompt eval time =       7.17 ms /     9 tokens' \
			'context_print:        eval time =     640.00 ms /    64 runs' \
			'context_print:       total time =     660.00 ms /    73 tokens' >log
		take epi-tokens log
		[ "$status" -eq "${n#*:}" ]
	done
}

@test "one run in 0.00 ms may mean none: uncountable" {
	[ "$(tell_bad "$counts" "$engines/llama-cli-zero.log")" = '[9,null,null,"uncountable"]' ]
}

@test "timings of 2023, whose total has no tokens, and those with decimal commas" {
	sed 's| /    83 tokens||' "$engines/llama-cli-2023.log" >log
	[ "$(tell "$times" log)" = '[20,64,0.5,3.15,"llama-cli",1]' ]
	[ "$(sed 's|700.00 ms|700|' log | tell_bad .status)" = '"truncated"' ]
	sed '/^llama_print/s|\.\([0-9][0-9]\) |,\1 |g' "$engines/llama-cli-2023.log" >comma
	[ "$(grep -c ' 500,00 ms' comma) $(tell "$times" comma)" = '1 [20,64,0.5,3.15,"llama-cli",1]' ]
	[ "$(sed 's|0\.00 ms|0,00 ms|' "$engines/llama-cli-zero.log" | tell_bad "$counts")" = '[9,null,null,"uncountable"]' ]
}

@test "timings of a program that does not measure, 0.00 ms: the counts alone" {
	sed '/eval time/s|= *[0-9.]* ms|= 0.00 ms|' "$engines/llama-cli-2023.log" >log
	[ "$(tell "$times" log)" = '[20,64,null,null,"llama-cli",1]' ]
}

@test "timings twice without a start: a text that looks like them, or two runs; a mismatch" {
	{ grep '^llama_print' "$engines/llama-cli-2023.log" | sed 's/63 runs/99 runs/; s/83 tok/119 tok/'
		grep '^llama_print' "$engines/llama-cli-2023.log"; } >log
	[ "$(tell_bad '[.generated_tokens, .status, (.warnings[] | split(":")[0])]' log)" = '[64,"mismatch","several-summaries"]' ]
}

@test "two runs of llama-cli are summed" {
	cat "$engines/llama-cli-2023.log" "$engines/llama-cli-2023.log" >two
	[ "$(tell "$times" two)" = '[40,128,1,6.3,"llama-cli",2]' ]
}

# killed: a start of llama-cli, and a text, without timings.
killed() {
	cat <<-END
		build: 4380 (own sample) with cc for x86_64-linux-gnu
		llama_model_loader: loaded meta data with 20 key-value pairs
		system_info: n_threads = 4
		The answer
	END
}

# ended: a whole run, of 19 + 1 tokens.
ended() {
	killed
	cat <<-END
		llama_perf_context_print:        load time =     100.00 ms
		llama_perf_context_print: prompt eval time =     200.00 ms /    10 tokens (   20.00 ms per token,    50.00 tokens per second)
		llama_perf_context_print:        eval time =    1000.00 ms /    19 runs   (   52.63 ms per token,    19.00 tokens per second)
		llama_perf_context_print:       total time =    1300.00 ms /    29 tokens
	END
}

# broken COMMAND: of a log of two runs, one of which is not told.
broken() {
	"$@" >log
	[ "$(tell_bad '[.prompt_tokens, .generated_tokens, .requests, .status]' log)" = '[null,null,2,"truncated"]' ]
}

@test "a run of llama-cli that broke off, before a whole one, behind it, or between" {
	before() { killed; ended; }
	behind() { ended; killed; }
	uncounted() { ended | head -n 7; ended; }
	no_build() { killed | tail -n 3; ended | tail -n 7; }
	for log in before behind uncounted no_build; do
		broken $log || { echo "not $log"; return 1; }
	done
	{ ended; killed; ended; } >log
	[ "$(tell_bad '[.requests, .status]' log)" = '[3,"truncated"]' ]
	killed >log
	[ "$(tell_bad .status log)" = '"truncated"' ]
	{ ended; ended; } >log
	[ "$(tell "$counts" log)" = '[20,40,null,"complete"]' ]
}

@test "a start of llama-cli that is told twice, or opens several models, is one" {
	ended | sed '1p' >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
	ended | sed '2{p;p;p}' >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
	ended | sed '3p' >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
	ended | sed p >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
}

@test "a text that speaks of a build is no start" {
	ended | sed 's/^The answer/    build: .\nbuild: all\nmain: build the list/' >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
}

@test "making a model smaller has no timings, and is no run" {
	{ killed | head -n 2; echo 'main: quantize time =   5173.41 ms'; ended; } >log
	[ "$(tell "$counts" log)" = '[10,20,null,"complete"]' ]
}

@test "llama-server: starts without a request are no loss" {
	start() { printf '%s\n' 'build: 4380 (own sample) with cc' 'system_info: n_threads = 4' 'llama_model_loader: loaded meta data' \
		'llama_model_loader: loaded meta data'; }
	{ start; start; cat "$engines/llama-server-2024.log"; start; } >log
	[ "$(tell '[.generated_tokens, .requests, .status]' log)" = '[50,2,"complete"]' ]
}

# served TASK: the three lines of its timings, 4 and 10 tokens.
served() {
	echo "slot print_timing: id  0 | task $1 | "
	sed -n 4,6p "$engines/llama-server-2024.log"
}

launched() {
	echo "slot launch_slot_: id  0 | task -1 | sampler params: "
	echo "slot launch_slot_: id  0 | task $1 | processing task, is_child = 0"
}

released() {
	echo "slot      release: id  0 | task $1 | stop processing: n_tokens = 20, truncated = 0"
}

@test "llama-server: each request that began has timings, before its release or behind" {
	{ launched 0; served 0; released 0; launched 9; released 9; served 9; } >log
	[ "$(tell "$times" log)" = '[32,80,0.4,2,"llama-server",2]' ]
	# of embeddings
	{ launched 0; served 0; released 0; launched 9; released 9; } >log
	[ "$(tell .status log)" = '"complete"' ]
}

@test "llama-server killed within a request, and started again or not: truncated" {
	{ launched 0; served 0; released 0; launched 9; } >log
	[ "$(tell_bad .status log)" = '"truncated"' ]
	{ cat log; echo "build: 4000 (abc) with gcc"; launched 0; served 0; released 0; } >again
	[ "$(tell_bad '[.generated_tokens, .status]' again)" = '[80,"truncated"]' ]
	{ launched 0; launched 0; served 0; released 0; } >first
	[ "$(tell_bad .status first)" = '"truncated"' ]
}

@test "llama-server: a request that was cancelled generated what nobody tells" {
	for how in '         stop' ' cancel_tasks'; do
		{ launched 0; served 0; released 0; launched 9; echo "srv $how: cancel task, id_task = 9"; released 9; } >log
		[ "$(tell_bad '[.generated_tokens, .status]' log)" = '[40,"truncated"]' ]
	done
	{ launched 0; echo "srv          stop: cancel task, id_task = 0"; released 0; served 0; } >late
	[ "$(tell .status late)" = '"complete"' ]
}

@test "llama-server of 2024: the three lines behind each header" {
	[ "$(tell "$times" "$engines/llama-server-2024.log")" = '[20,50,0.3005,1.50025,"llama-server",2]' ]
}

@test "llama-server of 2026: progress is no result, the context's total no request" {
	[ "$(tell "$times" "$engines/llama-server-2026.log")" = '[4000,700,50,140,"llama-server",1]' ]
}

@test "a total that is not its parts: mismatch; timings cut: truncated" {
	sed 's/ 56 tokens/ 57 tokens/' "$engines/llama-server-2024.log" >off
	[ "$(tell_bad .status off)" = '"mismatch"' ]
	[ "$(head -n 5 "$engines/llama-server-2024.log" | tell_bad .status)" = '"truncated"' ]
	[ "$(head -n 3 "$engines/llama-cli-2023.log" | tell_bad "$counts")" = '[null,null,null,"truncated"]' ]
}

@test "rates without counts: uncountable" {
	[ "$(echo '[ Prompt: 282.9 t/s | Generation: 104.9 t/s ]' | tell_bad .status)" = '"uncountable"' ]
}

@test "colours of a log are passed over" {
	sed 's/^common/\x1b[32mcommon/; s/$/\x1b[0m/; s/ I common/ I \x1b[1mcommon/' "$engines/llama-cli-2025.log" >coloured
	[ "$(tell .generated_tokens coloured)" = 12 ]
}

@test "llama-bench: a record per row, tokens times samples" {
	row='[.test, .prompt_tokens, .generated_tokens, .prefill_seconds, .decode_seconds]'
	[ "$(tell "$row" "$engines/llama-bench.jsonl" | xargs)" = '[pp512,1536,0,6,0] [tg128,0,384,0,24]' ]
	[ "$(tell "$row" "$engines/llama-bench.json" | xargs)" = '[pp512,1536,0,6,0] [pp512+tg128,512,128,null,null]' ]
}

# The samples of the first row are 6 s in all, those of the second 24 s.
@test "llama-bench: a row came when its last sample was over" {
	paste -d ' ' <(printf '%s\n' 1700000010.5 1700000040.25) "$engines/llama-bench.jsonl" >log
	[ "$(tell '.begin - 17e8, .end - 17e8' log | xargs)" = '4.5 10.5 16.25 40.25' ]
}

@test "llama-bench: a row that came too soon for its test has no time" {
	sed 's/"n_depth"/"test_time": "2023-11-14T22:13:25Z", "n_depth"/' "$engines/llama-bench.jsonl" |
		paste -d ' ' <(printf '%s\n' 1700000010.5 1700000040.25) - >log
	[ "$(tell '.begin, .end | if . then . - 17e8 else . end' log | xargs)" = "null null 16.25 40.25" ]
	[[ $(tell '.warnings[]' log) == *held-back:* ]]
}

@test "llama-bench: a context filled between the samples leaves their time open" {
	sed 's/"n_depth": 0/"n_depth": 64/' "$engines/llama-bench.jsonl" | sed 's/^/1700000040.25 /' >log
	[ "$(tell '.begin, .end' log | xargs)" = "null null null null" ]
}

# 10^12 tokens in each of 10^7 samples are more than 2^63.
@test "a row of llama-bench with more tokens than a count can hold is malformed" {
	{ printf '{"n_prompt":1000000000000,"n_gen":0,"samples_ns":[1'; head -c 9999999 /dev/zero | sed 's/\x00/,1/g'; echo ']}'; } >log
	partly 1 epi-tokens -f llama-bench log
	[ "$(jq -c '[.prompt_tokens, .status]' <<<"$output")" = '[null,"uncountable"]' ]
}

@test "a row of llama-bench without its samples is malformed" {
	sed '2s/samples_ns": \[ 8000000000/samples_ns": [ "8"/' "$engines/llama-bench.jsonl" >log
	tell_bad .test log >told
	[ "$(cat told)" = '"pp512"' ]
	[[ $stderr == *log:2:* ]]
}

# ---- ollama

@test "ollama --verbose through a terminal: 1m1.25s, CR and control sequences" {
	[ "$(tell "$times" "$engines/ollama-pty.txt")" = '[32,58,0.1015,61.25,"ollama-verbose",1]' ]
}

@test "ollama: a prompt that was cached has no lines" {
	[ "$(tell "$times" "$engines/ollama-cached.txt")" = '[null,58,null,0.228427,"ollama-verbose",1]' ]
}

@test "Go's durations" {
	while read -r text seconds; do
		sed "s/^eval duration:.*/eval duration: $text/" "$engines/ollama-cached.txt" >log
		[ "$(tell ".decode_seconds == $seconds" log)" = true ] || return 1
	done <<-END
		1h2m3s 3723
		1m2.5s 62.5
		567.1ms 0.5671
		12.3µs 0.0000123
		7ns 0.000000007
		0s 0
		1.5 null
		5parsecs null
	END
}

@test "ollama: a summary cut before its end is truncated" {
	[ "$(head -n 4 "$engines/ollama-cached.txt" | tell_bad .status)" = '"truncated"' ]
}

@test "ollama's JSON: nanoseconds of the last record" {
	[ "$(tell "$times" "$engines/ollama.ndjson")" = '[26,290,0.325953,4.709213,"ollama-json",1]' ]
	[ "$(head -n 2 "$engines/ollama.ndjson" | tell_bad .status)" = '"truncated"' ]
}

# ---- usage

cached='[.prompt_tokens, .generated_tokens, .cached_tokens, .requests]'

@test "ollama: to load a model is no answer, and of that alone nothing is counted" {
	echo '{"model":"m","response":"","done":true,"done_reason":"load"}' >load
	[ "$(cat load "$engines/ollama.ndjson" | tell .)" = "$(cat "$engines/ollama.ndjson" | tell .)" ]
	[ "$(tell_bad .status load)" = '"uncountable"' ]
}

@test "a body over many lines: 40 and 7, of which 32 cached" {
	[ "$(tell "$cached" "$engines/openai.json")" = '[40,7,32,1]' ]
	cat "$engines/openai.json" "$engines/openai.json" >two
	[ "$(tell "$cached" two)" = '[80,14,64,2]' ]
}

@test "a body per line: 10 + 20 + 30 and 3 + 4 + 5" {
	[ "$(tell "$cached" "$engines/openai.ndjson")" = '[60,12,null,3]' ]
}

@test "a stream that tells its usage all along: the last one counts" {
	[ "$(tell "$cached" "$engines/openai-stream.txt")" = '[11,3,null,1]' ]
	cat "$engines/openai-stream.txt" "$engines/openai-stream.txt" >two
	[ "$(tell "$cached" two)" = '[22,6,null,2]' ]
}

@test "a stream without its [DONE] is truncated" {
	[ "$(head -n 5 "$engines/openai-stream.txt" | tell_bad '[.generated_tokens, .status]')" = '[3,"truncated"]' ]
}

@test "llama-server's answers: timings, 60 cached + 3 processed" {
	for file in llama-server llama-server-completion; do
		[ "$(tell '[.engine, .prompt_tokens, .generated_tokens, .cached_tokens, .prefill_seconds, .decode_seconds]' \
			"$engines/$file.json")" = '["llama.cpp",63,6,60,0.004817,0.1685]' ] || return 1
	done
}

@test "usage and timings that disagree, or a wrong total: mismatch" {
	sed 's/"predicted_n":6/"predicted_n":7/' "$engines/llama-server.json" >off
	[ "$(tell_bad .status off)" = '"mismatch"' ]
	[ "$(sed 's/"total_tokens":13/"total_tokens":14/' "$engines/openai.ndjson" | tell_bad .status)" = '"mismatch"' ]
}

# part TOKENS STOP: an event of a stream of llama-server's /completion.
part() {
	echo "data: {\"content\":\"a\",\"stop\":$2,\"tokens_predicted\":$1,\"tokens_evaluated\":5}"
}

@test "a stream of llama-server that broke off before another one: truncated" {
	{ part 1 false; part 2 false; part 2 true; } >whole
	[ "$(cat whole whole | tell '[.generated_tokens, .requests, .status]')" = '[4,2,"complete"]' ]
	[ "$({ part 1 false; part 2 false; cat whole; } | tell_bad .status)" = '"truncated"' ]
}

@test "a stream of an older llama-server, whose parts have no count, that broke off: truncated" {
	{ echo '{"content":"a","stop":false}'; part 2 true; } >whole
	[ "$(cat whole whole | tell '[.generated_tokens, .requests, .status]')" = '[4,2,"complete"]' ]
	[ "$({ cat whole; echo '{"content":"a","stop":false}'; } | tell_bad .status)" = '"truncated"' ]
}

@test "completion_tokens null or absent: uncountable, the prompt is still known" {
	[ "$(sed 's/"completion_tokens":4/"completion_tokens":null/' "$engines/openai.ndjson" | tell_bad "$counts")" = '[60,null,null,"uncountable"]' ]
	[ "$(echo '{"usage":{"prompt_tokens":3}}' | tell_bad "$counts")" = '[3,null,null,"uncountable"]' ]
}

@test "a malformed body: named by its line, the rest counted, not complete" {
	sed '2s/}$//' "$engines/openai.ndjson" >log
	tell_bad '[.generated_tokens, .status]' log >told
	[ "$(cat told)" = '[8,"truncated"]' ]
	[[ $stderr == *log:2:* ]]
}

@test "an error in place of an answer is left out, with a warning" {
	{ cat "$engines/openai.ndjson"; echo '{"error":{"message":"overloaded"}}'; } >log
	[ "$(tell '[.requests, (.warnings[] | split(":")[0])]' log)" = '[3,"errors"]' ]
}

# ---- all of them

@test "a record per operand, in their order" {
	ok epi-tokens "$engines/openai.ndjson" "$engines/ollama.ndjson" "$dllama/head-inference-1node.log" |
		jq -s -e 'map(.generated_tokens) == [12, 290, 51]'
}

@test "--format: the family that is named, and no other" {
	[ "$(tell .generated_tokens -f distributed-llama "$dllama/head-inference-1node.log")" = 51 ]
	[ "$(tell_bad .status --format ollama "$dllama/head-inference-1node.log")" = '"uncountable"' ]
	[ "$(tell .generated_tokens --format ollama "$engines/ollama.ndjson")" = 290 ]
	fails 2 epi-tokens --format nonsense
}

@test "--prompt-tokens: a whole number from 1, and a warning where it is no use" {
	fails 2 epi-tokens -p 0
	fails 2 epi-tokens -p 1.5
	[ "$(tell '.warnings[] | split(":")[0]' -p 5 "$engines/openai.ndjson")" = '"prompt-tokens"' ]
}

@test "an empty log, and one of no known kind: uncountable" {
	[ "$(tell_bad "$counts" /dev/null)" = '[null,null,null,"uncountable"]' ]
	[ "$(echo 'hello' | tell_bad "$counts")" = '[null,null,null,"uncountable"]' ]
}

@test "RFC 3339 arrival times" {
	sed 's/^/2026-11-23T01:02:03.5Z /' "$dllama/head-inference-1node.log" >log
	# 1795395723.5, and begin is the step times before it: 51 tokens, 1 batch
	[ "$(tell '[.generated_tokens, .end]' log)" = '[51,1795395723.5]' ]
}

@test "carriage returns, as a terminal leaves them" {
	sed 's/$/\r/' "$dllama/v0.12.7-inference-4node-root.log" >log
	[ "$(tell "$counts" log)" = '[14,27,4,"complete"]' ]
}

@test "NUL bytes and control sequences in a log: counted, and none reaches a message" {
	sed '0,/| Answer/s//| \x1b[31m\x00Answer/' "$dllama/head-inference-1node.log" >log
	[ "$(tell .generated_tokens log)" = 51 ]
	printf '{"usage":{"prompt_tokens":3,\x1b[31m}\n' | take epi-tokens
	[[ $stderr != *$'\e'* && $output != *$'\e'* ]]
}

@test "counts beyond reason are no counts" {
	echo '{"usage":{"prompt_tokens":1e300,"completion_tokens":-1}}' >log
	[ "$(tell_bad "$counts" log)" = '[null,null,null,"uncountable"]' ]
	printf '🔶 Pred99999999999999999999 ms Sync    1 ms | Sent     0 kB Recv     0 kB | a\n' >log
	[ "$(tell_bad .status log)" = '"truncated"' ]
}

@test "100 MB of steps in less than 8 MB of memory" {
	command -v /usr/bin/time >/dev/null || skip "no time(1)"
	[[ $(command -v epi-tokens) != */san/* ]] || skip "a sanitizer's own memory"
	steps 1 10000 | sed 1d >some
	{ head_log; for _ in $(seq 160); do cat some; done; } >log
	[ "$(stat -c %s log)" -gt 100000000 ]
	take /usr/bin/time -f %M epi-tokens log
	[ "$(jq .generated_tokens <<<"$output")" -eq 1600000 ]
	[ "$(tail -n 1 <<<"$stderr")" -lt 8192 ]
}
