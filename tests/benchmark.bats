# A benchmark from its file to its accuracy: epi-prompt, epi-ask against the
# stand-in, epi-grade.  The stand-in is right about a prompt if the first 32
# bits of its SHA-256, modulo 1000, are below 700.

load lib

bin=${EPI_BIN:-$root/bin}
for stand_in in "$bin/../helper/stand-in" "$bin/../build/helper/stand-in"; do
	[ ! -x "$stand_in" ] || break
done
export no_proxy='*'

teardown() {
	[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null || true
}

# ask KIND [OPTION...]: the items, through a stand-in of this kind.
ask() {
	: >told
	"$stand_in" "$1" items=items right=700 >told 2>died 3>&- &
	pid=$!
	for _ in $(seq 500); do
		! read -r url <told || break
		sleep 0.02
	done
	ok epi-ask --url "$url" --model stand-in.m "${@:2}" items >answers
	kill "$pid"
	wait "$pid" || true
	pid=
}

# right: how many of the items the stand-in is right about, by the digests.
right() {
	jq -r .prompt_sha256 items | while read -r digest; do
		echo $((16#${digest:0:8} % 1000 < 700))
	done | grep -c 1
}

# graded METRIC: the accuracy record's counts are those.
graded() {
	ok epi-grade answers >/dev/null
	[ "$(jq -c '[.questions, .correct, .metric]' <<<"$output")" = "[$(wc -l <items),$(right),\"$1\"]" ]
}

@test "the example of 30 questions, by letters that are written" {
	epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" >items
	ask llama-server
	graded acc
}

@test "319 questions of ARC-Challenge through dllama-api" {
	shared bench/arc
	epi-prompt --benchmark arc_challenge --shots-from "$shared/ARC-Challenge-Train.reconstructed.jsonl" \
		"$shared/ARC-Challenge-Test.sample.jsonl" >items
	[ "$(wc -l <items)" -eq 319 ]
	ask dllama-api
	graded acc
}

@test "by the log-probabilities of letters, and of texts" {
	epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" --protocol loglik-letter >items
	ask vllm
	graded acc
	epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" --protocol loglik-cloze >items
	ask vllm
	ok epi-grade --metric acc answers >/dev/null
	[ "$(jq .correct <<<"$output")" -eq "$(right)" ]
}
