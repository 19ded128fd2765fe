# epi-cost: whose joules these were.

load lib

# ask I PROMPT GENERATED JOULES [KEYS]: an answer that took second I, and the
# energy of its span.
ask() {
	jq -nc --argjson i "$1" --argjson prompt "$2" --argjson generated "$3" --argjson joules "$4" \
		--argjson more "${5:-{\}}" '{type: "answer", benchmark: "own", id: "q\($i)", error: null,
		prompt_tokens: $prompt, generated_tokens: $generated, cached_tokens: 0,
		begin: (1000 + $i), end: (1000.5 + $i)} + $more,
		{type: "energy", label: "q\($i)", scope: "cluster", begin: (1000 + $i), end: (1000.5 + $i),
		joules: $joules, coverage: 1, complete: true}'
}

# rows: asks of the lines "PROMPT GENERATED JOULES".
rows() {
	local i=0 prompt generated joules
	while read -r prompt generated joules; do
		ask $((i++)) "$prompt" "$generated" "$joules"
	done
}

# of FILTER: what jq says of the output's record of tokens.
of() {
	jq -rc "select(.type == \"token_cost\") | $1" <<<"$output"
}

# near FILTER VALUE PART: within that part of it.
near() {
	jq -se --argjson want "$2" --argjson part "$3" 'map(select(.type == "token_cost"))[0] |
		'"$1"' | (. - $want) | fabs <= $part * ($want | fabs)' <<<"$output" >&2 ||
		{ echo "$1: $(of "$1"), not $2" >&2; return 1; }
}

lengths='10 1
25 40
40 2
60 12
85 5
100 64
130 3
150 20
170 8
200 1
220 30
250 4'

# 2 + P/2 + P^2/1000 + 3 G
@test "known costs are found: intercept, prompt, its square, generated" {
	awk '{ printf "%s %.3f\n", $0, 2 + $1 / 2 + $1 * $1 / 1000 + 3 * $2 }' <<<"$lengths" | rows >all
	ok epi-cost all >/dev/null
	near .joules_fixed 2 1e-10
	near .joules_per_prompt_token 0.5 1e-10
	near .joules_per_prompt_token_squared 0.001 1e-10
	near .joules_per_generated_token 3 1e-10
	[ "$(of '.residual_joules < 1e-10 and .u_joules_per_generated_token < 1e-10')" = true ]
}

# The same with a scatter of up to 0.6 J; the normal equations and HC3 were
# solved in Python's fractions.
@test "with scatter: least squares and robust errors" {
	paste -d ' ' <(echo "$lengths") <(printf '%s\n' 3 -5 2 4 -1 -6 5 -2 1 -3 6 -4) |
		awk '{ printf "%s %s %.3f\n", $1, $2, 2 + $1 / 2 + $1 * $1 / 1000 + 3 * $2 + $3 / 10 }' | rows >all
	ok epi-cost all >/dev/null
	near .joules_fixed 2.1258067489301995 1e-9
	near .u_joules_fixed 0.3277339658484624 1e-9
	near .joules_per_prompt_token 0.5018306669458251 1e-9
	near .u_joules_per_prompt_token 0.007856519224211538 1e-9
	near .joules_per_prompt_token_squared 0.0009906059387562094 1e-9
	near .u_joules_per_prompt_token_squared 3.757593635903696e-05 1e-9
	near .joules_per_generated_token 2.990162154490959 1e-9
	near .u_joules_per_generated_token 0.009150275297415855 1e-9
	near .residual_joules 0.4208333248060946 1e-9
	[ "$(of .questions)" = 12 ]
}

@test "generated tokens within a factor of 10: no joules per token" {
	awk '{ print $1, 4 + $1 % 3, 5 + $1 }' <<<"$lengths" | rows >all
	warns epi-cost all >/dev/null
	[[ $stderr == *"do not span a factor of 10"*"--workload decode"* ]]
	[ -z "$(of .)" ]
}

@test "prompts of two lengths do not tell their square" {
	awk '{ print 100 + 50 * (NR % 2), $2, 5 + $2 }' <<<"$lengths" | rows >all
	warns epi-cost all >/dev/null
	[[ $stderr == *"do not vary independently"* ]]
}

@test "an answer that alone tells the cost of generating tells none" {
	awk '{ print $1, NR == 5 ? 100 : 1, 5 + $1 }' <<<"$lengths" | rows >all
	warns epi-cost all >/dev/null
	[[ $stderr == *"one answer alone"* ]]
}

@test "fewer than ten answers tell nothing" {
	head -n 9 <<<"$lengths" | awk '{ print $0, 5 }' | rows >all
	warns epi-cost all >/dev/null
	[[ $stderr == *"fewer than 10 answers"* ]]
}

@test "what was cached is not read again" {
	awk '{ printf "%s %.3f\n", $0, 2 + $1 / 2 + $1 * $1 / 1000 + 3 * $2 }' <<<"$lengths" | rows |
		jq -c 'if .prompt_tokens then .prompt_tokens += 7 | .cached_tokens = 7 else . end' >all
	ok epi-cost all >/dev/null
	near .joules_per_prompt_token 0.5 1e-10
	sed -i 's/"cached_tokens":7/"cached_tokens":null/' all
	ok epi-cost all >/dev/null
	[[ $(of '.warnings[0]') == cached-unknown:* ]]
}

# sums FILTER: what jq says of the cost records, in one line.
sums() {
	jq -rc "select(.type == \"cost\") | $1" <<<"$output" | xargs
}

# 1 W; of the question that came at the third attempt the first took a second,
# the second half of one, and the third, which counts, two; of the one that never
# came the first took one second, the second none and the third one.
@test "attempts that were repeated are a figure of their own, from the trace on" {
	for t in $(seq 0 20); do
		printf '{"timestamp":%d,"node":"a","watts":1}\n' $((1000 + t))
	done >trace
	cat >answers <<-'END'
		{"type":"answer","benchmark":"own","id":"q1","error":null,"begin":1003,"end":1005,"retried":[{"error":"http_5xx","begin":1000,"end":1001},{"error":"shape","begin":1001.5,"end":1002}]}
		{"type":"answer","benchmark":"own","id":"q2","error":null,"begin":1006,"end":1010}
		{"type":"answer","benchmark":"own","id":"q3","error":"connect","begin":1014,"end":1015,"retried":[{"error":"connect","begin":1012,"end":1013},{"error":"connect","begin":1013.5,"end":1013.5}]}
	END
	epi-window --span answers trace | epi-integrate >energy
	warns epi-cost --each answers energy
	[ "$(sums '.questions, .joules, .failed.joules, .retried.attempts, .retried.joules, .retried.seconds')" = "2 6 1 4 2.5 2.5" ]
	[ "$(jq -c 'select(.type == "question_cost") | [.id, .joules, .retried.attempts, .retried.joules]' <<<"$output" | xargs -d '\n')" = \
		'["q1",2,2,1.5] ["q2",4,null,null] ["q3",1,2,1]' ]

	# Their energy not told; asked at the same time as another one; no attempts.
	grep -v '"begin":1001.5' energy >less
	partly 1 epi-cost answers less
	[[ $stderr == *"1 attempts that were repeated were not measured"* ]]
	[ "$(sums '.joules, .retried.attempts, .retried.joules')" = "6 4 null" ]
	sed 's/1012/1009/' answers >both
	fails 1 epi-cost both energy
	[[ $stderr == *"q2 and q3 were answered at the same time"* ]]
	sed 's/"retried":\[{"error":"http_5xx",/"retried":[{/; s/"end":1001}/"end":"x"}/' answers >bad
	partly 1 epi-cost bad energy
	[[ $stderr == *"bad:1: retried is not attempts with begin and end"* ]]
	partly 1 epi-window --span bad trace >window
	[[ $stderr == *'bad:1: "retried" is not attempts with begin and end'* ]]
}

# The second exchange of three, of 2 W in 6 s, was repeated: its 2 J are the answer's.
@test "an attempt within the span of its own answer is the answer's" {
	cat >records <<-'END'
		{"type":"answer","benchmark":"own","id":"q1","error":null,"begin":1000,"end":1006,"retried":[{"error":"cut","begin":998,"end":999},{"error":"http_429","begin":1001,"end":1002}]}
		{"type":"energy","label":"q1","scope":"cluster","begin":998,"end":999,"joules":3,"coverage":1,"complete":true}
		{"type":"energy","label":"q1","scope":"cluster","begin":1000,"end":1006,"joules":12,"coverage":1,"complete":true}
	END
	warns epi-cost records
	[ "$(sums '.questions, .joules, .retried.attempts, .retried.joules')" = "1 12 1 3" ]
}

# 1 W, as above.  The clock was set back by 5 s in the first attempt of q1, of which
# the second took half a second; it begins within q2, and that refuses nothing.
@test "an attempt that ends before it begins was not measured, and its answer was" {
	for t in $(seq 0 20); do
		printf '{"timestamp":%d,"node":"a","watts":1}\n' $((1000 + t))
	done >trace
	cat >answers <<-'END'
		{"type":"answer","benchmark":"own","id":"q1","error":null,"begin":1003,"end":1005,"retried":[{"begin":1006.5,"end":1001.5},{"begin":1001.5,"end":1002}]}
		{"type":"answer","benchmark":"own","id":"q2","error":null,"begin":1006,"end":1010}
	END
	partly 1 epi-window --span answers trace >window
	[[ $stderr == *'answers:1: "q1" ends before it begins' ]]
	epi-integrate .out >energy
	partly 1 epi-cost answers energy
	[[ $stderr == *"1 attempts that were repeated were not measured"* ]]
	[ "$(sums '.questions, .joules, .retried.attempts, .retried.joules, .retried.seconds')" = "2 6 2 null null" ]
}

# Three questions of 10, 20 and 60 J: 30 J each, u = sqrt(700/3).
@test "joules per question and per right answer, graded" {
	{
		ask 1 5 1 10; ask 2 5 1 20; ask 3 5 1 60
		printf '{"type":"graded","benchmark":"own","id":"q%s","correct":%s}\n' 1 true 2 false 3 true
	} >all
	warns epi-cost all >/dev/null
	[ "$(sums '[.questions, .correct, .joules, .joules_per_question, .joules_per_correct_answer]')" = "[3,2,90,30,45]" ]
	[ "$(sums '(.u_joules_per_question - (700 / 3 | sqrt) | fabs) < 1e-12')" = true ]
}

@test "without grades there are no right answers" {
	ask 1 5 1 10 >all
	warns epi-cost all >/dev/null
	[ "$(sums '[.correct, .joules_per_correct_answer, .joules_per_question, .u_joules_per_question]')" = "[null,null,10,null]" ]
}

@test "asks that failed are apart, a prompt too long is an answer" {
	{
		ask 1 5 1 10; ask 2 null null 7 '{"error":"timeout"}'; ask 3 null null 2 '{"error":"too_long"}'
	} >all
	warns epi-cost all >/dev/null
	[ "$(sums '[.questions, .joules, .failed.answers, .failed.joules, .failed.seconds * 2]')" = "[2,12,1,7,1]" ]
}

# Of 7 J and half a second one, of 300 s the other, whose joules nobody knows.
@test "an ask that failed is not right because a later one was" {
	{ ask 1 10 1 3 '{"error":"timeout"}'; ask 2 10 1 5 '{"id":"q1"}' | sed 's/"q2"/"q1"/'
		echo '{"type":"graded","benchmark":"own","id":"q1","correct":true}'; } >all
	warns epi-cost --each all
	[ "$(jq -c 'select(.type == "question_cost") | [.answered, .correct]' <<<"$output" | xargs)" = "[false,null] [true,true]" ]
	[ "$(sums '.correct, .joules_per_correct_answer, .failed.joules')" = "1 5 3" ]
}

@test "asks that failed and were not all measured: their joules are not known, their seconds are" {
	{
		ask 1 5 1 10; ask 2 null null 7 '{"error":"reset"}'
		ask 3 null null 9 '{"error":"timeout","end":1303}' | head -n 1
	} >all
	partly 1 epi-cost all >/dev/null
	[ "$(sums '[.questions, .joules, .failed.answers, .failed.joules, .failed.seconds * 2]')" = "[1,10,2,null,601]" ]
}

@test "an energy that was simulated makes its question's cost so, and the sum's" {
	{ ask 1 5 1 10 | sed '2s/"type"/"simulated":true,"type"/'; ask 2 5 1 20; } >all
	warns epi-cost --each all >/dev/null
	[ "$(jq -rc 'select(.type == "question_cost") | [.id, .simulated]' <<<"$output" | xargs)" = "[q1,true] [q2,null]" ]
	[ "$(sums .simulated)" = true ]
	{ ask 1 5 1 10; ask 2 5 1 20; } >all
	warns epi-cost all >/dev/null
	[ "$(sums .simulated)" = null ]
}

@test "a question graded right and wrong is refused, whichever comes first; the same twice is once" {
	right='{"type":"graded","benchmark":"own","id":"q1","correct":true}'
	{ ask 1 5 1 10; echo "$right"; } >all
	for other in false null; do
		{ cat all; sed "s/true/$other/" <<<"$right"; } >after
		{ sed "s/true/$other/" <<<"$right"; cat all; } >before
		fails 1 epi-cost after
		[ "$stderr" = "epi-cost: refused: graded twice, and not alike: q1 of own" ]
		fails 1 epi-cost before
	done
	echo "$right" >>all
	warns epi-cost all >/dev/null
	[ "$(sums '[.questions, .correct]')" = "[1,1]" ]
}

@test "two energies of one span are refused, whichever comes first; the same twice is once" {
	ask 1 5 1 10 >all
	tail -n 1 all >energy
	sed 's/"joules":10/"joules":20/' energy >more
	sed 's/"complete":true/"complete":false/' energy >cut
	for other in more cut; do
		fails 1 epi-cost all $other
		[ "$stderr" = "epi-cost: refused: two energy records of the span of q1 differ" ]
		fails 1 epi-cost $other all
	done
	warns epi-cost all energy >/dev/null
	[ "$(sums '[.questions, .joules]')" = "[1,10]" ]
	# Of what nobody answered they are no matter.
	sed 's/q1/q7/' energy more >nobody
	warns epi-cost all nobody >/dev/null
	[ "$(sums .joules)" = 10 ]
}

@test "each benchmark has its own sum" {
	{ ask 1 5 1 10; ask 2 5 1 20 '{"benchmark":"decode"}'; } >all
	warns epi-cost all >/dev/null
	[ "$(sums '"\(.benchmark) \(.joules)"')" = "own 10 decode 20" ]
}

@test "a span that was not measured whole is missed, and told" {
	{ ask 1 5 1 10; ask 2 5 1 20 | sed 's/"coverage":1/"coverage":0.9/'; ask 3 5 1 30 | head -n 1; } >all
	partly 1 epi-cost all >/dev/null
	[[ $stderr == *"2 of 3 answers were not measured"* ]]
	[ "$(sums '[.questions, .unmeasured, .joules]')" = "[1,2,10]" ]
}

@test "answers at the same time are refused" {
	{ ask 1 5 1 10; ask 2 5 1 20 '{"begin":1001.2}'; } >all
	fails 1 epi-cost all
	[[ $stderr == *"q1 and q2 were answered at the same time"* ]]
}

@test "without energy, or without answers: refused" {
	ask 1 5 1 10 | head -n 1 >all
	fails 1 epi-cost all
	[[ $stderr == *"no answer has an energy record"* ]]
	ask 1 5 1 10 | tail -n 1 >all
	fails 1 epi-cost all
}

@test "--each tells of every question" {
	{ ask 1 5 1 10 '{"simulated":true}'; ask 2 5 1 20; } >all
	warns epi-cost --each all >/dev/null
	[ "$(jq -rc 'select(.type == "question_cost") | [.id, .joules, .simulated, .answered]' <<<"$output" | xargs)" = \
		"[q1,10,true,true] [q2,20,null,true]" ]
	[ "$(sums .simulated)" = true ]
}

# 5 W: two and three seconds are 10 and 15 J, the one that failed 5 J.
@test "from a trace and answers, by epi-window and epi-integrate" {
	{
		echo '{"type":"event","event":"start","timestamp":1000.0,"nodes":["a","b"],"rate_hz":1}'
		for ((t = 1000; t < 1020; t++)); do
			printf '{"timestamp":%d.000000,"node":"%s","watts":2.500}\n' $t a $t b
		done
		echo '{"type":"event","event":"stop","timestamp":1019.0}'
	} >trace
	printf '{"type":"answer","benchmark":"own","id":"%s","error":%s,"begin":%s,"end":%s}\n' \
		s/0 null 1002.25 1004.25 s/1 '"reset"' 1004.25 1005.25 s/1 null 1006.5 1009.5 >answers
	epi-window --span answers trace | epi-integrate >energy
	warns epi-cost answers energy >/dev/null
	[ "$(sums '[.questions, .joules, .joules_per_question, .failed.joules]')" = "[2,25,12.5,5]" ]
}

@test "malformed records are told" {
	{ ask 1 5 1 10; ask 2 5 -1 10; ask 3 5 1 10 '{"end":1}'; ask 4 5 1 1 '{"id":7}'; } >all
	partly 1 epi-cost all >/dev/null
	[ "$(grep -c ': all:[357]: ' <<<"$stderr")" = 3 ]
}
