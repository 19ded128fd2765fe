# epi-ask, against the stand-in endpoint of tests/stand-in: four servers, and a
# model whose answers are known before it is asked.

load lib

bin=${EPI_BIN:-$root/bin}
for stand_in in "$bin/../helper/stand-in" "$bin/../build/helper/stand-in"; do
	[ ! -x "$stand_in" ] || break
done
export no_proxy='*'

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ -x "$stand_in" ] || { echo "no stand-in: make units" >&2; return 1; }
}

teardown() {
	[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null || true
}

# serve KIND NAME=VALUE...: starts a stand-in; $url, and $pid.
serve() {
	: >told
	"$stand_in" "$@" >told 2>died 3>&- &
	pid=$!
	for _ in $(seq 500); do
		read -r url <told && plain=(--url "$url" --engine other --model stand-in.m
			--backoff 1ms) && return
		sleep 0.02
	done
	return 1
}

# finish: ends it; `told KEY` then says what it counted.
finish() {
	kill "$pid"
	wait "$pid"
	pid=
}
told() {
	tail -n 1 told | jq ".$1"
}

# items N: a toy benchmark.  Gold is the index of what is right.
items() {
	jq -nc --argjson n "$1" 'range($n) | {type: "item", benchmark: "toy",
		id: "q/\(.)", stratum: null, protocol: "gen-letter", max_tokens: 4,
		prompt: "Question \(.): which?\nA. a\nB. b\nC. c\nD. d\nAnswer:",
		choices: ["a", "b", "c", "d"], gold: (. % 4)}'
}

# right N: of the prompts of `items N`, how many the model is right about at
# right=700, by coreutils' SHA-256 and the rule in stand-in.h.
right() {
	mkdir prompts
	(cd prompts && for i in $(seq 0 $(($1 - 1))); do
		printf 'Question %d: which?\nA. a\nB. b\nC. c\nD. d\nAnswer:' "$i" >"$i"
	done && sha256sum -- *) | while read -r hash _; do
		echo $((16#${hash:0:8} % 1000 < 700))
	done | grep -c 1
}

# graded FILE: how many answers are the right letter.
graded() {
	jq -r '[.text, .gold] | select((.[0] | ltrimstr(" ")) == "ABCD"[.[1]:.[1] + 1]) | 1' \
		"$1" | grep -c 1
}

# plainly: fast to fail, and no request but the questions.
plainly() {
	epi-ask "${plain[@]}" "$@"
}

# raw TEXT: bytes to the stand-in, and the connection is closed.
raw() {
	# shellcheck disable=SC2059 # escapes on purpose
	(exec 4<>"/dev/tcp/127.0.0.1/${url##*:}" && printf "$1" >&4) 2>/dev/null
}

# dies: whether the stand-in dies of SIGABRT, as dllama-api does, within 10 s.
dies() {
	local guard status=0
	{ sleep 10; kill "$pid"; } >/dev/null 2>&1 3>&- &
	guard=$!
	wait "$pid" || status=$?
	kill "$guard" 2>/dev/null || true
	[ "$status" -eq 134 ] && pid=
}

# ---- the plain case

@test "each item gets its answer, in order, with its keys as they stand" {
	items 9 >items
	serve vllm items=items
	ok epi-ask --url "$url" items >answers
	diff <(jq -c 'del(.type, .prompt)' items) \
		<(jq -c '{benchmark, id, stratum, protocol, max_tokens, choices, gold}' answers)
	[ "$(jq -r .text answers | tr -d '\n')" = ABCDABCDA ]
	jq -se 'all(.type == "answer" and .engine == "vllm" and .engine_version == "0.10.0" and
		.model == "stand-in.m" and .error == null and .http_status == 200)' answers
}

@test "the prompt's SHA-256 is that of its text, and is added" {
	printf '%s\n' '{"type":"item","id":"1","prompt":"a\u00e9\ud83d\ude00\n\"x\""}' >items
	serve vllm items=items log=log
	ok plainly items >answers
	want=$(printf 'a\303\251\360\237\230\200\n"x"' | sha256sum | cut -c 1-64)
	[ "$(jq -r .prompt_sha256 answers)" = "$want" ]
	[ "$(cat log)" = "$want answered" ]
}

@test "begin, end and seconds are those of this exchange" {
	items 2 >items
	serve vllm items=items delay=50
	before=$(date +%s)
	ok plainly items >answers
	jq -se --argjson before "$before" 'all(.begin >= $before and .end > .begin and
		.seconds >= 0.05 and .seconds < 30) and .[0].end <= .[1].begin' answers
}

@test "an answer goes out before the next question is there" {
	items 2 >items
	serve vllm items=items
	mkfifo in out
	epi-ask "${plain[@]}" <in >out 3>&- & asker=$!
	exec 5>in 6<out
	head -n 1 items >&5
	read -r -t 20 first <&6
	tail -n 1 items >&5
	read -r -t 20 second <&6
	exec 5>&- 6<&-
	wait "$asker"
	[ "$(jq -r .id <<<"$first $second" | xargs)" = "q/0 q/1" ]
}

@test "records of other types are passed over, blank lines too" {
	{ echo '{"type":"event","event":"mark"}'; echo; items 1; } >items
	serve vllm items=items
	[ "$(ok plainly items | jq -r .text)" = A ]
}

@test "nothing to ask: nobody is asked" {
	: >items
	ok epi-ask --url http://127.0.0.1:9 items
	[ -z "$output" ]
}

@test "malformed items are told and passed over, the rest is done" {
	{
		echo '{"type":"item","prompt":"no id"}'
		echo '{"type":"item","id":"2"}'
		echo '{"type":"item","id":"3","prompt":"a\u0000b"}'
		echo '{"type":"item","id":"4","prompt":["parts"]}'
		echo '{"type":"item","id":"5","prompt":"x","max_tokens":0}'
		echo '{"type":"item","id":"6","prompt":"x","prompt_sha256":"00"}'
		echo '{"type":"item","id":"7","prompt":"x","protocol":"loglik-letter"}'
		echo '{"type":"item","id":"8","prompt":""}'
		items 1; items 1
	} >items
	serve vllm items=items
	partly 1 plainly items >answers
	[ "$(jq -r .id answers)" = q/0 ]
	[ "$(grep -c '^epi-ask: items:[0-9]*: ' .err)" -eq 9 ]
	[[ $stderr == *"items:10: a question of this id was there before"* ]]
}

# ---- 319 questions, 5 % of the exchanges go wrong

faulty() {
	items 319 >items
	serve "$1" items=items right=700 faults=50 seed=11 log=log
}

known() {
	faulty "$1"
	ok epi-ask --url "$url" --jobs 4 --retries 9 --backoff 1ms items >answers
	finish
	[ "$(wc -l <answers)" -eq 319 ]
	[ "$(graded answers)" -eq "$(right 319)" ]
	[ "$(told faults)" -gt 0 ]
	[ "$(jq -s 'map(.prompt_tokens) | add' answers)" -eq "$(told prompt_tokens)" ]
	[ "$(jq -s 'map(.generated_tokens) | add' answers)" -eq "$(told generated_tokens)" ]
	[ "$(told answered)" -eq 319 ] && [ "$(grep -c answered log)" -eq 319 ]
	[ "$(jq -r .engine answers | sort -u)" = "$1" ] && [ "$(told expects)" -eq 0 ]
}

@test "dllama-api: 319 records, accuracy and tokens as known" { known dllama-api; }
@test "llama-server: 319 records, accuracy and tokens as known" { known llama-server; }
@test "ollama: 319 records, accuracy and tokens as known" { known ollama; }
@test "vllm: 319 records, accuracy and tokens as known" { known vllm; }

@test "the order stays where one question waits for its turn again" {
	items 30 >items
	serve vllm items=items script=500,500
	ok plainly --jobs 8 --backoff 20ms items >answers
	diff <(jq -r .id items) <(jq -r .id answers)
}

# ---- what goes wrong

# class FAULT CLASS: it is recorded, and is no answer.
class() {
	serve vllm items=items "script=$1"
	partly 1 plainly --retries 0 --timeout "${3:-20s}" items >answers
	finish
	[ "$(jq -c '[.error, .text, .generated_tokens, .attempts]' answers)" = \
		"[\"$2\",null,null,1]" ] || wrong "$1: expected $2" cat answers
}

@test "what goes wrong is recorded with its class" {
	items 1 >items
	class reset reset
	class cut cut
	class 400 http_4xx
	class 429 http_429
	class 500 http_5xx
	class 302 http_3xx
	class not-json not_json
	class shape shape
	class stall timeout 100ms
}

@test "a body without end is cut off" {
	items 1 >items
	class endless too_big
}

@test "nobody there: refused" {
	items 1 >items
	partly 1 epi-ask --url http://127.0.0.1:9 --engine other --model m --backoff 1ms --retries 1 items >answers
	jq -e '.error == "refused" and .attempts == 2 and .http_status == null' answers
}

@test "nobody there when the engine is looked for: nothing is asked" {
	items 1 >items
	fails 1 epi-ask --url http://127.0.0.1:9 --retries 0 items
	[[ $stderr == *"refused"*"nothing was asked"* ]]
}

@test "no TLS where https was said: tls, and asked once" {
	items 1 >items
	serve vllm items=items
	partly 1 epi-ask "${plain[@]}" --url "https${url#http}" items >answers
	jq -e '.error == "tls" and .attempts == 1' answers
}

@test "failures are tried again, and recorded with their times" {
	items 1 >items
	serve vllm items=items script=500,shape,429,ok
	ok plainly --retries 3 items >answers
	jq -e '.text == "A" and .error == null and .attempts == 4 and
		([.retried[].error] == ["http_5xx", "shape", "http_429"]) and
		all(.retried[]; .begin <= .end) and .retried[2].end <= .begin' answers
}

@test "Retry-After is waited for" {
	items 1 >items
	serve vllm items=items script=429:1,ok
	ok plainly items >answers
	jq -e '.begin - .retried[0].end >= 1' answers
}

@test "a Retry-After of a day is a failure" {
	items 1 >items
	serve vllm items=items script=429:86400
	partly 1 plainly items >answers
	jq -e '.error == "http_429" and .attempts == 1' answers
}

@test "five in a row stop the run, the rest is not asked" {
	items 20 >items
	serve vllm items=items script=ok,500,500,500,500,500,500 log=log
	partly 1 plainly --retries 0 items >answers
	[ "$(jq -r '.error // "ok"' answers | uniq -c | xargs)" = "1 ok 5 http_5xx" ]
	[[ $stderr == *"5 questions in a row"* && $(wc -l <log) -eq 6 ]]
}

@test "four in a row do not" {
	items 20 >items
	serve vllm items=items script=500,500,500,500,ok,500,500,500,500,ok
	partly 1 plainly --retries 0 items >answers
	[ "$(wc -l <answers)" -eq 20 ]
	[[ $stderr == *"8 of 20 questions were not answered"* ]]
}

@test "a prompt that is too long is a wrong answer, not a failure" {
	items 1 >items
	for kind in dllama-api llama-server vllm; do
		serve $kind items=items context=3
		ok epi-ask --url "$url" items >answers
		finish
		jq -e '.error == "too_long" and .text == "" and .attempts == 1' answers
	done
}

# ---- what is sent

@test "dllama-api dies of what it is said to die of" {
	for what in '' 'GET /v1/models HTTP/1.1\r\n' \
		'POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 1\r\n\r\n{' \
		'POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 15\r\n\r\n{"messages":[]}' \
		'POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 46\r\n\r\n{"messages":[{"role":"user","content":null}]} '; do
		serve dllama-api
		raw "$what" || true
		raw "$what" || true # a busy machine may have lost the first one
		dies || wrong "alive after" echo "$what"
	done
}

@test "dllama-api lives through health, questions and streams" {
	items 5 >items
	serve dllama-api items=items
	ok epi-ask --health --try --url "$url" >health
	ok epi-ask --url "$url" items >answers
	warns epi-ask --url "$url/v1/" --stream items >stream
	kill -0 "$pid"
	finish
	[ ! -s died ] && [ "$(told expects)" -eq 0 ] && [ "$(told answered)" -eq 11 ]
}

@test "the items' max_tokens are asked for, and --max-tokens wins" {
	jq -nc '{type: "item", id: "d", protocol: "decode", max_tokens: 128, gold: null,
		prompt: "Explain."}' >items
	serve vllm items=items
	[ "$(ok plainly items | jq .generated_tokens)" -eq 128 ]
	[ "$(ok plainly --max-tokens 7 items | jq .generated_tokens)" -eq 7 ]
	jq -c 'del(.max_tokens)' items >none
	[ "$(ok plainly none | jq .generated_tokens)" -eq 128 ]
}

@test "llama-server is told to cache nothing" {
	items 1 >items
	serve llama-server items=items
	[ "$(ok epi-ask --url "$url" items | jq .cached_tokens)" -eq 0 ]
	[ "$(ok plainly items | jq '.cached_tokens > 0')" = true ]
}

@test "a stream is one answer, with the time of its first token" {
	items 3 >items
	serve vllm items=items right=700 log=log
	ok plainly items >whole
	ok plainly --stream items >stream
	diff <(jq -c '[.text, .generated_tokens]' whole) <(jq -c '[.text, .generated_tokens]' stream)
	jq -se 'all(.first_token_seconds > 0 and .first_token_seconds <= .seconds)' stream
	jq -se 'all(has("first_token_seconds") | not)' whole
}

@test "a stream of dllama-api has no counts: unknown, with a warning" {
	items 1 >items
	serve dllama-api items=items
	warns epi-ask --url "$url" --stream items >answers
	jq -e '.text == " A" and .generated_tokens == null and .finish_reason == "stop"' answers
}

# ---- log-probabilities

loglik() {
	jq -nc --arg p "$1" 'range(4) | {type: "item", id: "l/\(.)", protocol: $p,
		max_tokens: 0, prompt: "Question \(.)\nAnswer:", gold: .,
		choices: ["red", "green", "blue", "black"],
		continuations: (if $p == "loglik-letter" then [" A", " B", " C", " D"]
			else [" red", " green", " blue", " black"] end)}'
}

@test "vllm: the log-likelihood of each continuation" {
	for protocol in loglik-letter loglik-cloze; do
		loglik $protocol >items
		serve vllm items=items
		ok epi-ask --url "$url" items >answers
		finish
		# By echo_logprobs of the stand-in: -1.5 for what is right, else -3 - i.
		[ "$(jq -c .logprobs answers | xargs)" = \
			"[-1.5,-4,-5,-6] [-3,-1.5,-5,-6] [-3,-4,-1.5,-6] [-3,-4,-5,-1.5]" ]
		jq -se 'all(.text == null and .attempts == 5)' answers
		[ "$(jq -s 'map(.prompt_tokens) | add' answers)" -eq "$(told prompt_tokens)" ]
	done
}

@test "llama-server: letters among the likeliest tokens, no cloze" {
	loglik loglik-letter >items
	serve llama-server items=items
	# -0.5 for what is right, else -2 - i.
	[ "$(ok epi-ask --url "$url" items | jq -c .logprobs | head -n 2 | xargs)" = \
		"[-0.5,-3,-4,-5] [-2,-0.5,-4,-5]" ]
	loglik loglik-cloze >items
	fails 1 epi-ask --url "$url" items
}

@test "an endpoint without log-probabilities says so before it is asked" {
	loglik loglik-letter >items
	for kind in dllama-api ollama; do
		serve $kind items=items log=log
		fails 1 epi-ask --url "$url" items
		[[ $stderr == *"$kind gives no log-probabilities"* && ! -s log ]]
		finish
	done
}

@test "an unknown one at its first answer" {
	loglik loglik-letter >items
	serve ollama items=items log=log
	partly 1 plainly items >answers
	[[ $stderr == *"gives no log-probabilities"* && $(wc -l <log) -eq 2 ]]
}

# ---- resuming

# same A B: the records but for what depends on the moment.
same() {
	local moment='del(.begin, .end, .begin_monotonic, .seconds, .attempts, .retried)'
	diff <(jq -c "$moment" "$1") <(jq -c "$moment" "$2")
}

@test "--resume asks what failed, and nothing else" {
	items 12 >items
	serve vllm items=items log=log script=ok,500,ok,shape,ok,ok,cut
	partly 1 plainly --retries 0 --resume run items >first
	[ "$(jq -c 'select(.error)' first | wc -l)" -eq 3 ]
	: >log
	ok plainly --resume run items >second
	[ "$(cut -c 1-64 log)" = "$(jq -r 'select(.error) | .prompt_sha256' first)" ]
	diff <(jq -r .id items) <(jq -r .id second)
	grep '"error":null' first >good
	[ "$(wc -l <good)" -eq 9 ] && grep -Fxf good second | diff good -
	: >log
	ok plainly --resume run items | diff - second && [ ! -s log ]
}

@test "--resume goes on with the output of a run that kept nothing" {
	items 9 >items
	serve vllm items=items log=log
	ok plainly items >all
	{ head -n 4 all && sed -n 5p all | head -c 300; } >run
	: >log
	ok plainly --resume run items >again
	same all again && [ "$(wc -l <log)" -eq 5 ] && [ "$(wc -l <run)" -eq 9 ]
}

@test "--resume: a last answer that lacks its newline alone is whole" {
	items 3 >items
	serve vllm items=items log=log
	ok plainly items >all
	head -n 2 all | head -c -1 >run
	: >log
	ok plainly --resume run items >again
	same all again && [ "$(wc -l <log)" -eq 1 ] && [ "$(jq -r .id run | wc -l)" -eq 3 ]
}

@test "--resume: a prompt that is too long is not asked again" {
	items 1 >items
	serve llama-server items=items context=3 log=log
	ok epi-ask --url "$url" --resume run items >first
	ok epi-ask --url "$url" --resume run items | diff - first
	[ "$(wc -l <log)" -eq 1 ]
}

@test "--resume: a file of anything else is left as it is" {
	items 1 >items
	printf 'a letter' >letter
	plain=(--url http://127.0.0.1:9)
	for file in items letter; do
		cp $file before
		fails 1 plainly --resume $file items
		cmp before $file
	done
}

@test "--resume: not into standard output, a directory or a device" {
	items 1 >items
	fails 1 sh -c '"$@" >>run' sh epi-ask --url http://127.0.0.1:9 --resume run items
	[[ $stderr == *"is standard output too"* ]]
	fails 1 epi-ask --url http://127.0.0.1:9 --resume . items
	fails 1 epi-ask --url http://127.0.0.1:9 --resume /dev/null items
}

@test "--resume: answers to another request are not mixed in" {
	items 2 >items
	serve vllm items=items
	ok plainly --resume run items >all
	fails 1 plainly --resume run --max-tokens 9 items
	[[ $stderr == *"an answer to another request"* ]]
}

# Else a key of answers that was put right would be graded as it was wrong.
@test "--resume: answers to an item that is another now are refused" {
	items 2 >items
	serve vllm items=items
	ok plainly --resume run items >all
	jq -c '.gold = 3' items >others
	fails 1 plainly --resume run others
	[[ $stderr == *"others:1: run has an answer to another item of this id: gold differs"* ]]
}

@test "--resume: one run at a time" {
	items 2 >items
	serve vllm items=items delay=10000
	epi-ask "${plain[@]}" --resume run items >/dev/null 3>&- & asker=$!
	for _ in $(seq 500); do [ -e run ] && break; sleep 0.02; done
	sleep 0.2
	fails 1 plainly --resume run items
	[[ $stderr == *"another epi-ask has it"* ]]
	kill -9 "$asker"
}

@test "--resume: a full disk ends the run" {
	items 200 >items
	serve vllm items=items
	# A file may have one block, of 512 or 1024 bytes.
	partial() { (ulimit -f 1; trap '' XFSZ; plainly --resume run items | cat); }
	take partial
	[ "$status" -eq 1 ] && [[ $stderr == *"run: File too large" ]]
}

# An answer that was kept is never asked again; what was under way at a kill may
# be, and no more.
@test "kill -9 at 20 moments: the same records as an undisturbed run" {
	items 319 >items
	serve vllm items=items right=700 delay=4 log=log
	ok plainly --jobs 4 items >undisturbed
	: >log
	again=0
	for i in $(seq 20); do
		kept=$([ ! -e run ] || sed '$d' run | grep -oE '"prompt_sha256":"[0-9a-f]+' | cut -d '"' -f 4 || true)
		asked=$(wc -l <log)
		epi-ask "${plain[@]}" --jobs 4 --resume run items >part 2>/dev/null 3>&- & asker=$!
		sleep "0.0$((RANDOM % 60 + 20))"
		kill -9 "$asker" || true # it may be done
		wait "$asker" 2>/dev/null || true
		again=$((again + $(tail -n +$((asked + 1)) log | grep -cFf <(echo "${kept:-none}") || true)))
	done 2>/dev/null
	ok plainly --jobs 4 --resume run items >all
	same undisturbed all
	[ "$(jq -r .id run | sort | uniq -d | wc -l)" -eq 0 ]
	[ "$again" -eq 0 ] && [ "$(wc -l <log)" -le $((319 + 20 * 4)) ]
}

# ---- signals

@test "SIGTERM: what is under way is finished and written, the rest is not asked" {
	items 50 >items
	serve vllm items=items delay=100 log=log
	epi-ask "${plain[@]}" --jobs 3 --resume run items >answers 2>said 3>&- & asker=$!
	for _ in $(seq 500); do [ -s run ] && break; sleep 0.02; done
	kill -TERM "$asker"
	wait "$asker" || status=$?
	[ "$status" -eq 1 ] && grep -q 'interrupted: the rest was not asked' said
	[ "$(wc -l <answers)" -eq "$(wc -l <log)" ] && [ "$(wc -l <answers)" -lt 50 ]
	[ "$(jq -r .error answers | sort -u)" = null ]
}

@test "SIGTERM after the last question: all of it was done" {
	items 1 >items
	serve vllm items=items delay=300 log=log
	epi-ask "${plain[@]}" items >answers 2>said 3>&- & asker=$!
	for _ in $(seq 500); do [ -s log ] && break; sleep 0.02; done
	kill -TERM "$asker"
	wait "$asker"
	[ ! -s said ] && [ "$(jq -r .text answers)" = A ]
}

# One job of two waits a minute for its second try while the other one answers.
@test "a question that still waited for its next try was tried once" {
	items 8 >items
	serve vllm items=items script=500,ok,ok,ok,ok,ok,ok,ok,ok
	epi-ask "${plain[@]}" --backoff 1m --jobs 2 --resume run items >answers 2>said 3>&- & asker=$!
	for _ in $(seq 500); do [ "$(wc -l <run 2>/dev/null)" = 6 ] && break; sleep 0.02; done
	kill -TERM "$asker"
	wait "$asker" || status=$?
	[ "$status" -eq 1 ]
	[ "$(jq -c 'select(.error) | [.error, .attempts, .retried]' answers)" = '["http_5xx",1,null]' ]
}

# ---- the token

@test "the token is sent from a file or the environment, and never shown" {
	items 1 >items
	printf 'sesame\n' >token
	serve vllm items=items token=sesame
	ok plainly --token-file token items >answers
	SESAME=sesame ok plainly --token-env SESAME items >>answers
	[ "$(jq -r .text answers | xargs)" = "A A" ] && [ "$(grep -c sesame answers)" -eq 0 ]
}

@test "a server that quotes a wrong token gives nothing away" {
	items 1 >items
	serve vllm items=items token=other
	X=sesame partly 1 plainly --token-env X items >answers
	jq -e '.error == "http_4xx" and .http_status == 401 and
		(.error_text | test("wrong key: Bearer \\*{6}"))' answers
	[ "$(cat answers .err | grep -c sesame)" -eq 0 ]
	X=sesame take epi-ask --health --url "$url" --token-env X
	[ "$status" -eq 3 ] && [[ $output == *'Bearer ******"'* ]]
}

# Of its 300 letters some 180 are left of what the server quotes.
@test "nor does one whose words are cut within the token" {
	items 1 >items
	serve vllm items=items token=other
	X=$(printf 'sesame%.0s' {1..50}) partly 1 plainly --token-env X items >answers
	jq -e '.error_text | test("wrong key: Bearer \\*{100,}$")' answers
}

@test "a token that is missing, empty or broken is refused" {
	: >empty
	printf 'a b' >blank
	fails 2 epi-ask --url http://127.0.0.1:9 --token-file nowhere
	fails 2 epi-ask --url http://127.0.0.1:9 --token-file empty
	fails 2 epi-ask --url http://127.0.0.1:9 --token-file blank
	fails 2 epi-ask --url http://127.0.0.1:9 --token-env NO_SUCH_VARIABLE
}

@test "a redirect is not followed: the token stays here" {
	items 1 >items
	serve vllm items=items script=302 log=log
	X=sesame partly 1 plainly --token-env X items >answers
	jq -e '.error == "http_3xx"' answers && [ "$(wc -l <log)" -eq 1 ]
}

# ---- health

# state: what --health says, and its status.
state() {
	take epi-ask --health --url "$url" "$@"
	echo "$(jq -r .state <<<"$output") $status"
}

@test "--health: ready, with engine, version and model" {
	serve llama-server model=tiny.gguf
	[ "$(state)" = "ready 0" ]
	ok epi-ask --health --url "$url" >health
	jq -e '.engine == "llama-server" and .model == "tiny.gguf" and
		.engine_version == "b6000-stand-in" and .generated == false' health
}

@test "--health: every engine is known by what it says" {
	for kind in dllama-api llama-server ollama vllm; do
		serve $kind
		[ "$(ok epi-ask --health --url "$url" | jq -r .engine)" = $kind ]
		finish
	done
}

@test "--health: loading, then ready" {
	serve llama-server loading=1
	[ "$(state)" = "loading 3" ]
	[ "$(state)" = "ready 0" ]
}

@test "--health: down, where nobody is" {
	url=http://127.0.0.1:9
	[ "$(state)" = "down 3" ]
}

@test "--health: busy, where a serial server is at work" {
	items 1 >items
	serve dllama-api items=items delay=700
	epi-ask --url "$url" --engine dllama-api --model m items >/dev/null 2>&1 3>&- &
	sleep 0.1
	[ "$(state --timeout 100ms)" = "busy 3" ]
	wait $!
}

@test "--health --try: a list of models is no token" {
	serve vllm script=500
	[ "$(state)" = "ready 0" ]
	[ "$(state --try)" = "down 3" ]
	[ "$(state --try)" = "ready 0" ]
}

# ---- the command line, progress

@test "a URL with a secret, a query or another scheme is refused" {
	for url in http://user:word@host 'http://host/?key=1' ftp://host http:// 'http://host/#a'; do
		fails 2 epi-ask --url "$url"
	done
}

@test "what does not go together is refused" {
	fails 2 epi-ask --try --url http://127.0.0.1:9
	fails 2 epi-ask --health --url http://127.0.0.1:9 items
	fails 2 epi-ask --health --url http://127.0.0.1:9 --resume run
	fails 2 epi-ask --url http://127.0.0.1:9 --token-env A --token-file b
	fails 2 epi-ask --url http://127.0.0.1:9 --jobs 0
	fails 2 epi-ask --url http://127.0.0.1:9 --engine gpt
}

@test "--progress tells what is done and failed" {
	items 3 >items
	serve vllm items=items script=500
	partly 1 plainly --retries 0 --progress items >answers
	[[ $stderr == *"epi-ask: 3 done, 1 failed, "*"/s"* ]]
}

@test "a full disk: status 1, and --resume has the answers" {
	items 3 >items
	serve vllm items=items log=log
	fails 1 sh -c '"$@" >/dev/full' sh epi-ask --url "$url" --resume run items
	[ "$(jq -r .id run | head -n 1)" = q/0 ]
	: >log
	ok epi-ask --url "$url" --resume run items >all
	[ "$(wc -l <all)" -eq 3 ] && [ "$(wc -l <log)" -lt 3 ]
}

@test "10,000 questions, 16 at a time: all of them, and memory flat" {
	command -v time >/dev/null || [ -x /usr/bin/time ] || skip "no time(1)"
	[[ $bin != */san/* ]] || skip "the sanitizers have a memory of their own"
	items 10000 >items
	head -n 1000 items >few
	serve vllm items=items right=700
	for n in few items; do
		/usr/bin/time -f %M -o kib.$n epi-ask --url "$url" --jobs 16 $n >answers
	done
	[ "$(wc -l <answers)" -eq 10000 ]
	# What is kept of a question is the 64 bytes that know it again, doubled.
	[ $(($(cat kib.items) - $(cat kib.few))) -lt 6000 ]
}
