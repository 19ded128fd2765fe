# epi-grade: letters, accuracies, and how well they are known.

load lib

# answer ID TEXT [KEYS]: an answer to a question of four choices, B right; KEYS
# is an object that is added.
answer() {
	jq -nc --arg id "$1" --arg text "$2" --argjson more "${3:-{\}}" '{type: "answer",
		benchmark: "own", id: $id, stratum: null, stratum_questions: null,
		benchmark_questions: null, cluster: null, shots: 5, protocol: "gen-letter",
		prompt_sha256: "00", choices: ["0", "4", "2", "6"], gold: 1, text: $text,
		error: null} + $more'
}

# answers N RIGHT [KEYS]: N answers, of which RIGHT are.
answers() {
	for ((i = 0; i < $1; i++)); do
		echo "$i $((i < $2))"
	done | jq -Rc --argjson more "${3:-{\}}" 'split(" ") | {type: "answer", benchmark: "own",
		id: (($more.stratum // "") + "/" + .[0]), stratum: null, shots: 5, protocol: "gen-letter",
		prompt_sha256: "00", choices: ["0", "4"], gold: 1, text: (if .[1] == "1" then "B" else "A" end),
		error: null} + $more'
}

# figure FILTER: what jq says of the output, in one line.
figure() {
	jq -rc "$1" <<<"$output"
}

# near FILTER VALUE: within 1e-12 of it.
near() {
	jq -e --argjson want "$2" "$1 | (. - \$want) | fabs <= 1e-12 * (\$want | fabs)" <<<"$output" >&2 ||
		{ echo "$1: $(figure "$1"), not $2" >&2; return 1; }
}

@test "every case of the vectors: the letter, or the class" {
	shared vectors
	jq -c 'to_entries[] | {type: "answer", benchmark: "own", id: "\(.key + 100)", shots: 0,
		protocol: "gen-letter", prompt_sha256: "", choices: .value.choices, gold: 0,
		text: .value.response, error: null}' "$shared/extract-cases.json" >answers
	ok epi-grade --each answers | jq -c '[.letter, .class]' >have
	jq -c '.[] | [.letter, (if .letter then null else .how end)]' "$shared/extract-cases.json" | diff - have
	[ "$(wc -l <have)" -gt 20 ]
}

# tells WANT TEXT...: the letter found in each, or the class.
tells() {
	local text
	for text in "${@:2}"; do
		answer q "$text" >one
		ok epi-grade --each one >/dev/null || return 1
		[ "$(figure '.letter // .class')" = "$1" ] ||
			{ echo "$text: $(figure '.letter // .class'), not $1" >&2; return 1; }
	done
}

@test "a letter stands alone, or with its own text" {
	tells B 'B 4' "'B'" '\boxed{B}' '**B**' '(b) it is' 'B: 4 as ever'
	tells D '__D__' '"D" is it'
	tells no_match 'B 2' 'A man' "I'm sure" 'A, B' 'A/B' 'Bb' 'B-flat'
}

@test "an answer is found in a sentence, an article is none" {
	tells B 'The answer is B because' 'E. No: the answer is B' 'The answer is **B**' 'My answer: B.'
	tells C 'Option (c) it is' 'So choice C'
	tells no_match 'The answer is a good one' 'Answer: A good one' 'The answers are B' 'Nonanswer: B'
	tells out_of_range 'The answer is E.'
}

@test "a choice's text is its letter, if only one has it" {
	tells D '6.'
	answer q same '{"choices":["same","Same.","x"]}' >one
	ok epi-grade --each one >/dev/null
	[ "$(figure .class)" = no_match ]
}

@test "thoughts are dropped, also without their beginning" {
	tells B $'so it is A</think>\nB' '<think>A</think>B'
	tells unclosed_think '<think>A</think><think>B'
}

@test "hostile bytes are no answer" {
	jq -c '.text = "\u0000B"' <<<"$(answer q x)" >one
	ok epi-grade --each one >/dev/null
	[ "$(figure .class)" = no_match ]
}

# The vectors' three subjects.
@test "strata: micro, macro, and their errors" {
	{
		answers 100 31 '{"stratum":"abstract_algebra","stratum_questions":100,"benchmark_questions":1769}'
		answers 135 70 '{"stratum":"anatomy","stratum_questions":135,"benchmark_questions":1769}'
		answers 1534 600 '{"stratum":"professional_law","stratum_questions":1534,"benchmark_questions":1769}'
	} >answers
	ok epi-grade --strata answers >/dev/null
	[ "$(figure '[.questions, .correct, .weighted]')" = "[1769,701,true]" ]
	near .accuracy 0.3962690785754664
	near .accuracy_macro 0.40655093598596426
	near .u_accuracy 0.011600443486656745
	near .u_macro 0.021548566165251925
	near .strata.abstract_algebra.u_accuracy 0.046482319871173176
	near .strata.professional_law.accuracy 0.39113428943937417
	near .u_accuracy_subset 0
}

@test "one benchmark: Wilson's interval and the plain error" {
	answers 1172 650 '{"benchmark_questions":1172}' >answers
	ok epi-grade answers >/dev/null
	near .accuracy 0.5546075085324232
	near .u_accuracy 0.014523987638344072
	near '.ci95[0]' 0.5260207186602722
	near '.ci95[1]' 0.5828374943579838
}

# By hand: a 2/3 of 30, b 1/2 of 10: 3/4 2/3 + 1/4 1/2 = 5/8.  Variances 1/9 and
# 1/4: 9/16/9 + 1/16/4 = 5/64; with 0.9 and 0.8 of them, 0.06875.
@test "a sample: strata weigh as much as they have questions" {
	{
		answers 3 2 '{"stratum":"a","stratum_questions":30,"benchmark_questions":40,"sample":5,"seed":1}'
		answers 2 1 '{"stratum":"b","stratum_questions":10,"benchmark_questions":40,"sample":5,"seed":1}'
	} >answers
	ok epi-grade answers >/dev/null
	near .accuracy 0.625
	near .u_accuracy "$(jq -n '5/64 | sqrt')"
	near .u_accuracy_subset "$(jq -n '0.06875 | sqrt')"
	near .accuracy_macro "$(jq -n '7/12')"
	near .u_macro "$(jq -n '(1/9 + 1/4 | sqrt) / 2')"
	ok epi-grade --each answers | jq -c '[.stratum, .stratum_questions]' >sizes
	[ "$(sort sizes | uniq -c | xargs)" = "3 [a,30] 2 [b,10]" ]
}

# Of 90 and 10 questions ten were asked: all right, and all without a letter,
# 0.9 1 + 0.1 1.  Then 5 of the ten right and 3 without one, and 2 without one of
# the others: 0.9 0.5 = 0.45, and 0.9 0.8 + 0.1 0.2 = 0.74.
@test "a sample: what had no letter weighs as its stratum does" {
	big='"stratum":"big","stratum_questions":90,"benchmark_questions":100,"sample":20,"seed":1'
	small='"stratum":"small","stratum_questions":10,"benchmark_questions":100,"sample":20,"seed":1'
	{ answers 10 10 "{$big}"; answers 10 0 "{$small,\"text\":\"hm\"}"; } >answers
	ok epi-grade answers >/dev/null
	near .accuracy 0.9
	[ "$(figure .accuracy_upper)" = 1 ]
	{
		answers 10 5 "{$big}" | sed '8,$s/"text":"A"/"text":"hm"/'
		answers 10 0 "{$small}" | sed '9,$s/"text":"A"/"text":"hm"/'
	} >answers
	ok epi-grade answers >/dev/null
	near .accuracy 0.45
	near .accuracy_upper 0.74
}

# By the whole log-probability big is right and small is wrong, by the character
# the other way round: 0.9 and 0.1.
@test "a sample: either metric of log-probabilities is weighted" {
	sizes='"benchmark_questions":100,"sample":4,"seed":1,"protocol":"loglik-cloze","choices":["aa","bbb"],"text":null'
	{
		answers 1 1 "{\"stratum\":\"big\",\"stratum_questions\":90,\"gold\":0,\"logprobs\":[-2,-2.9],$sizes}"
		answers 3 3 "{\"stratum\":\"small\",\"stratum_questions\":10,\"gold\":1,\"logprobs\":[-2,-2.9],$sizes}"
	} >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.metric, .correct, .weighted]')" = '["acc_norm",3,true]' ]
	near .accuracy 0.1
	near .accuracy_acc 0.9
	near .accuracy_acc_norm 0.1
	ok epi-grade --metric acc answers >/dev/null
	near .accuracy 0.9
	near .accuracy_acc 0.9
	near .accuracy_acc_norm 0.1
}

# 3 of 4 right: sqrt(3/16/3) = 1/4; 4 of 40 were asked.
@test "a stratum with one question: the error is that of all together" {
	{
		answers 3 2 '{"stratum":"a","stratum_questions":30,"benchmark_questions":40,"sample":4,"seed":1}'
		answers 1 1 '{"stratum":"b","stratum_questions":10,"benchmark_questions":40,"sample":4,"seed":1}'
	} >answers
	ok epi-grade answers >/dev/null
	near .accuracy 0.75
	near .u_accuracy 0.25
	near .u_accuracy_subset "$(jq -n '0.25 * (0.9 | sqrt)')"
}

@test "a sample without some stratum: the plain accuracy" {
	answers 4 3 '{"stratum":"a","stratum_questions":30,"benchmark_questions":40,"sample":4,"seed":1}' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .weighted)" = false ]
	near .accuracy 0.75
}

# Three texts of two questions, 2, 0 and 1 of them right: e is 1, -1 and 0,
# u^2 = 3/2 2/36 = 1/12.  Single ones: 1/4/5; so 6 count as 3.6, and Wilson's
# limits of 1/2 of 3.6 were worked out in Python.
@test "questions on one text count together" {
	for text in x:2 y:0 z:1; do
		answers 2 "${text#*:}" "{\"cluster\":\"${text%:*}\",\"benchmark_questions\":6}" | sed "s,\"/,\"${text%:*}/,"
	done >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .clusters)" = 3 ]
	near .u_accuracy "$(jq -n '1/12 | sqrt')"
	near '.ci95[0]' 0.14075638831899123
	near '.ci95[1]' 0.8592436116810087
}

@test "wrong forms are counted by class, and bound the accuracy from above" {
	{ answer 1 B; answer 2 A; answer 3 ''; answer 4 hm; answer 5 Z; answer 6 '' '{"error":"too_long"}'; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .failures)" = '{"empty":1,"no_match":1,"out_of_range":1,"too_long":1}' ]
	near .accuracy "$(jq -n 1/6)"
	near .accuracy_upper "$(jq -n 5/6)"
}

loglik() {
	answer "$1" '' "{\"protocol\":\"$2\",\"text\":null,\"choices\":[\"ää\",\"bbb\"],\"logprobs\":$3}"
}

# By the character -2/2 = -1 and -2.9/3 > -1: the second one, which is right.
@test "log-probabilities: acc takes them whole, acc_norm by the character" {
	loglik 1 loglik-cloze '[-2,-2.9]' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.metric, .accuracy, .accuracy_acc, .accuracy_acc_norm]')" = '["acc_norm",1,0,1]' ]
	ok epi-grade --metric acc answers >/dev/null
	[ "$(figure '[.metric, .accuracy]')" = '["acc",0]' ]
	loglik 1 loglik-letter '[-2,-2.9]' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .metric)" = acc ]
}

# " A" and " B" are what was scored, of one length whatever their texts are.
@test "log-probabilities of letters are alike by either metric" {
	loglik 1 loglik-letter '[-2,-2.9]' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.metric, .accuracy, .accuracy_acc, .accuracy_acc_norm]')" = '["acc",0,0,0]' ]
	ok epi-grade --metric acc_norm answers >/dev/null
	[ "$(figure '[.metric, .accuracy]')" = '["acc_norm",0]' ]
}

@test "log-probabilities that are too few, too many or none are malformed" {
	for bad in '[-1]' '[-1,-2,-3]' null '[-1,"x"]'; do
		loglik 1 loglik-cloze "$bad" >answers
		fails 1 epi-grade answers
		[[ $stderr == *"answers:1: \"logprobs\" has not one number for each choice"* ]]
	done
}

# It tells the 64 likeliest tokens: what is not there is less likely than they.
@test "a letter that llama-server does not tell is not the most probable one" {
	loglik 1 loglik-letter '[null,-2.9]' | jq -c '.engine = "llama-server"' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.questions, .correct]')" = '[1,1]' ]
	for bad in '.logprobs = [null, null]' '.engine = "vllm"' '.protocol = "loglik-cloze"'; do
		jq -c "$bad" answers >unknown
		fails 1 epi-grade unknown
	done
}

@test "a transport failure is no wrong answer: refused, or left out by force" {
	{ answer 1 B; answer 2 '' '{"error":"timeout","text":null}'; } >answers
	fails 1 epi-grade answers
	[[ $stderr == *"refused: transport-failures: 1 questions of own"* ]]
	ok epi-grade --force answers >/dev/null
	[ "$(figure '[.questions, .accuracy, .accuracy_upper, .failures.transport]')" = "[1,1,1,1]" ]
	[[ $(figure '.warnings[0]') == *transport-failures* ]]
	ok epi-grade --each answers >/dev/null
	[ "$(jq -c .correct <<<"$output" | xargs)" = "true null" ]
}

@test "questions that were not asked are missed" {
	answer 1 B '{"benchmark_questions":3}' >answers
	fails 1 epi-grade answers
	[[ $stderr == *"refused: unasked: 1 of 3 questions of own"* ]]
	answer 1 B '{"benchmark_questions":30,"sample":1,"seed":1}' >answers
	ok epi-grade answers >/dev/null
}

@test "more questions than the benchmark or the sample has are not of one set" {
	{ answer a B; answer b B; answer c A; } | jq -c '.benchmark_questions = 2' >answers
	fails 1 epi-grade answers
	[[ $stderr == *"refused: too-many: 3 questions of "*" were asked, which has 2: "* ]]
	jq -c '.benchmark_questions = 9 | .sample = 2 | .seed = 1' answers >sampled
	fails 1 epi-grade sampled
}

@test "of several answers the last counts that came; all were paid for" {
	local spent='{"prompt_tokens":10,"generated_tokens":2,"begin":1.0,"end":2.5}'
	{ answer 1 A "$spent"; answer 1 B "$spent"; answer 1 '' '{"error":"reset","begin":3,"end":7}'; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.questions, .correct, .answers, .prompt_tokens, .generated_tokens]')" = "[1,1,3,20,4]" ]
	near .seconds 7
	near .begin 1
	near .end 7
}

@test "unknown tokens make an unknown sum" {
	{ answer 1 B '{"prompt_tokens":10}'; answer 2 B '{"prompt_tokens":null}'; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .prompt_tokens)" = null ]
}

@test "mixed protocols, shots or samples are refused, forced or not" {
	for more in '{"protocol":"gen-cot"}' '{"shots":0}' '{"sample":2,"seed":1}'; do
		{ answer 1 B; answer 2 B "$more"; } >answers
		fails 1 epi-grade --force answers
		[[ $stderr == *"refused: own: its answers are not of one "* ]]
	done
	{ answer 1 B; answer 1 B '{"prompt_sha256":"01"}'; } >answers
	fails 1 epi-grade --force answers
	[[ $stderr == *"two different prompts for 1"* ]]
}

@test "each benchmark has its record; one refused leaves the others" {
	{ answer 1 B; answer 1 B '{"benchmark":"other","error":"reset"}'; } >answers
	partly 1 epi-grade answers >/dev/null
	[ "$(figure .benchmark)" = own ]
}

@test "the digests are those of the sorted lines" {
	{ answer b B '{"prompt_sha256":"22"}'; answer a '' '{"prompt_sha256":"11"}'; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .items_sha256)" = "$(printf 'a 11\nb 22\n' | sha256sum | cut -d ' ' -f 1)" ]
	[ "$(figure .answers_sha256)" = "$(printf 'a empty\nb B\n' | sha256sum | cut -d ' ' -f 1)" ]
}

@test "a simulation says so; a model that not all answers name is not named" {
	{ answer 1 B '{"simulated":true,"model":"m"}'; answer 2 B; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure '[.simulated, .model]')" = "[true,null]" ]
	tac answers >turned
	ok epi-grade turned >/dev/null
	[ "$(figure '[.simulated, .model]')" = "[true,null]" ]
	answer 1 B '{"model":"m"}' >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .model)" = m ]
}

@test "answers of two models are refused, forced or not, whichever come first" {
	answers 4 4 '{"model":"A"}' >first
	answers 4 0 '{"model":"B"}' >second
	for order in "first second" "second first"; do
		for option in --strata --force --each; do
			# shellcheck disable=SC2086 # two operands
			fails 1 epi-grade $option $order
			[ "$stderr" = "epi-grade: refused: own: its answers are not of one model" ]
		done
	done
	{ answer 1 B; answer 2 B '{"model":"A"}'; answer 3 B '{"model":"B"}'; } >answers
	fails 1 epi-grade answers
	# Of each benchmark another one is no matter.
	{ answer 1 B '{"model":"A"}'; answer 1 B '{"model":"B","benchmark":"other"}'; } >answers
	ok epi-grade answers >/dev/null
	[ "$(figure .model | xargs)" = "A B" ]
}

@test "the decode workload has nothing to grade" {
	answer 1 text '{"gold":null,"choices":null,"protocol":"decode"}' >answers
	fails 1 epi-grade answers
	[[ $stderr == *"no answers that could be right or wrong"* ]]
}

@test "malformed answers are told and passed over" {
	{
		answer 1 B
		for bad in '{"gold":4}' '{"choices":"x"}' '{"id":1}' '{"text":null}' '{"error":7}' '{"shots":-1}' '{"begin":"soon"}'; do
			answer 2 B "$bad"
		done
	} >answers
	partly 1 epi-grade answers >/dev/null
	[ "$(grep -c 'answers:[2-8]: ' <<<"$stderr")" = 7 ]
	[ "$(figure .questions)" = 1 ]
}
