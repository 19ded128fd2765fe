# epi-prompt: the very prompts of others, from every form of the files.

load lib

# mmlu SUBJECT N: a subject's file of N questions in the folder test, and five
# examples in dev.
mmlu() {
	mkdir -p mmlu/test mmlu/dev
	for ((i = 0; i < $2; i++)); do echo "$1 question $i,a,b,c,d,B"; done >"mmlu/test/$1_test.csv"
	for i in 1 2 3 4 5; do echo "$1 example $i,a,b,c,d,C"; done >"mmlu/dev/$1_dev.csv"
}

# item FILTER: what jq says of the output's items, in one line.
item() {
	jq -c "$1" <<<"$output" | xargs
}

# vector KEY: what the vectors say of a prompt: bytes and digest.
vector() {
	jq -r --arg key "$1" '.[$key] | "\(.bytes) \(.sha256)"' "$shared/prompts.json"
}

of_prompt='"\(.prompt | utf8bytelength) \(.prompt_sha256)"'

@test "MMLU: the prompts of lm-evaluation-harness, to the byte" {
	shared vectors
	ok epi-prompt --benchmark mmlu "$shared/../bench/mmlu" >/dev/null
	for id in abstract_algebra/0 high_school_us_history/0 professional_law/5; do
		[ "$(jq -r --arg id $id "select(.id == \$id) | $of_prompt" <<<"$output")" = "$(vector mmlu/$id/5shot)" ]
	done
}

@test "the digest is that of the prompt's bytes" {
	ok epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" >/dev/null
	[ "$(head -1 <<<"$output" | jq -j .prompt | sha256sum | cut -d ' ' -f 1)" = \
		"$(head -1 <<<"$output" | jq -r .prompt_sha256)" ]
}

@test "ARC-Challenge: the cloze prompt of lm-evaluation-harness, first examples" {
	shared vectors
	arc=$shared/../bench/arc
	ok epi-prompt --benchmark arc_challenge --protocol loglik-cloze \
		--shots-from "$arc/ARC-Challenge-Train.reconstructed.jsonl" "$arc/ARC-Challenge-Test.sample.jsonl" >/dev/null
	[ "$(head -1 <<<"$output" | jq -r "$of_prompt")" = "$(vector arc/0/25shot-first_n)" ]
	[ "$(head -1 <<<"$output" | jq -c .continuations)" = "$(jq -c '.["arc/0/25shot-first_n"].continuations' "$shared/prompts.json")" ]
}

@test "HellaSwag: the cloze prompt of lm-evaluation-harness, first examples" {
	shared vectors
	of=$shared/../bench/hellaswag
	ok epi-prompt --benchmark hellaswag --protocol loglik-cloze \
		--shots-from "$of/hellaswag_train.raw11.jsonl" "$of/hellaswag_val.raw10.jsonl" >/dev/null
	[ "$(head -1 <<<"$output" | jq -r "$of_prompt")" = "$(vector hellaswag/val0/10shot-first10-of-raw11)" ]
}

@test "HellaSwag: every text is cleaned as in the vectors" {
	shared vectors
	for split in train:train.raw11 val:val.raw10; do
		ok epi-prompt --benchmark hellaswag --shots 0 --protocol loglik-cloze \
			"$shared/../bench/hellaswag/hellaswag_${split#*:}.jsonl" >/dev/null
		diff <(jq -c "[.prompt, .choices, .gold]" <<<"$output") \
			<(jq -c ".${split%:*}[] | [.query, .choices, .gold]" "$shared/hellaswag_preprocess.json")
	done
}

@test "MMLU with header and digits is the same as without" {
	shared bench/mmlu
	cp "$shared/variants/header_digit_abstract_algebra_dev.csv" abstract_algebra_test.csv
	ok epi-prompt --benchmark mmlu --shots 0 abstract_algebra_test.csv >header
	cp -f "$shared/dev/abstract_algebra_dev.csv" abstract_algebra_test.csv
	ok epi-prompt --benchmark mmlu --shots 0 abstract_algebra_test.csv | diff - header
}

# As spreadsheets write it: EF BB BF, then the question.
@test "MMLU: a byte order mark is no part of the first question" {
	mkdir plain marked
	printf '"Why?",a,b,c,d,B\n' | tee plain/x_test.csv | sed '1s/^/\xef\xbb\xbf/' >marked/x_test.csv
	ok epi-prompt --benchmark mmlu --shots 0 plain >items
	ok epi-prompt --benchmark mmlu --shots 0 marked | diff - items
}

@test "MMLU: a whole subject in the form of its authors" {
	shared bench/mmlu
	cp "$shared/variants/original_noheader_high_school_chemistry_test.csv" high_school_chemistry_test.csv
	ok epi-prompt --benchmark mmlu --shots-from "$shared/dev" high_school_chemistry_test.csv >/dev/null
	[ "$(jq -s length <<<"$output")" = "$(jq .high_school_chemistry "$shared/n_test.json")" ]
}

@test "a cell keeps its blanks and line breaks, a question its inner ones alone" {
	printf '%s\n' '" What' 'now? ", a,"b, c","say ""d""",e ,D' >x_test.csv
	ok epi-prompt --benchmark mmlu --shots 0 x_test.csv >/dev/null
	[ "$(jq -c '[(.prompt | split("\n\n")[1]), .choices, .gold]' <<<"$output")" = \
		'["What\nnow?\nA.  a\nB. b, c\nC. say \"d\"\nD. e \nAnswer:",[" a","b, c","say \"d\"","e "],3]' ]
}

arc_own='{"id":"q","question":{"stem":"Why?","choices":[{"text":"x","label":"1"},{"text":"y","label":"2"},{"text":"z","label":"3"}]},"answerKey":"3"}'
arc_hf='{"id":"q","question":"Why?","choices":{"text":["x","y","z"],"label":["1","2","3"]},"answerKey":"3"}'

@test "ARC: labels 1 to 3 are A to C, in both forms" {
	ok epi-prompt --benchmark arc_challenge --shots 0 <<<"$arc_own" >own
	ok epi-prompt --benchmark arc_challenge --shots 0 <<<"$arc_hf" | diff - own
	[ "$(jq -r '.prompt | split("\n\n")[1]' own)" = $'Question: Why?\nA. x\nB. y\nC. z\nAnswer:' ]
	[ "$(jq -c .gold own)" = 2 ]
}

@test "ARC: five choices, and all numeric questions of the test" {
	shared bench/arc
	ok epi-prompt --benchmark arc_challenge --shots 0 "$shared/ARC-Challenge-Test.sample.jsonl" >/dev/null
	[ "$(jq -s length <<<"$output")" = 319 ]
	ok epi-prompt --benchmark arc_challenge --shots 0 \
		<<<'{"id":"q","question":"Q","choices":{"text":["v","w","x","y","z"],"label":["A","B","C","D","E"]},"answerKey":"E"}' >/dev/null
	[ "$(item .gold)" = 4 ]
}

hellaswag() {
	printf '{"activity_label":"Rowing","ctx_a":"A man rows.","ctx_b":"%s","endings":["a","b [x] c","d","e"],"label":%s,"source_id":"s~1"}\n' "$@"
}

@test "HellaSwag: the label may be a number or a string" {
	ok epi-prompt --benchmark hellaswag --shots 0 --protocol loglik-cloze <<<"$(hellaswag 'the MAN' 2; hellaswag 'É' '"3"')" >/dev/null
	[ "$(jq -c '[.id, .gold, .prompt, .choices[1], .cluster]' <<<"$output")" = \
'["0",2,"Rowing: A man rows. The man","b c","s~1"]
["1",3,"Rowing: A man rows. É","b c","s~1"]' ]
}

# Questions are numbered over all files: two of one each are 0 and 1.
@test "HellaSwag: several files are one benchmark" {
	hellaswag 'he rows.' 1 | tee a.jsonl >b.jsonl
	ok epi-prompt --benchmark hellaswag --shots 0 a.jsonl b.jsonl >/dev/null
	[ "$(jq -sc 'map([.id, .benchmark_questions])' <<<"$output")" = '[["0",2],["1",2]]' ]
}

@test "HellaSwag: a label is a place, and not rounded to one" {
	hellaswag 'he rows.' '"0.6"' >a.jsonl
	fails 1 epi-prompt --benchmark hellaswag --shots 0 a.jsonl
	[[ $stderr == *'a.jsonl:1: "label" is none of the endings'* ]]
}

@test "MMLU: standard input has no subject" {
	fails 1 epi-prompt --benchmark mmlu --shots 0 <<<'Why?,a,b,c,d,B'
	fails 1 epi-prompt --benchmark mmlu --shots 0 - <<<'Why?,a,b,c,d,B'
}

@test "ARC: a label that stands twice is no answer" {
	fails 1 epi-prompt --benchmark arc_challenge --shots 0 \
		<<<'{"id":"q","question":{"stem":"Q","choices":[{"text":"a","label":"A"},{"text":"b","label":"A"}]},"answerKey":"A"}'
	fails 1 epi-prompt --benchmark arc_challenge --shots 0 \
		<<<'{"id":"q","question":"Q","choices":{"text":["a","b"],"label":["A","A"]},"answerKey":"A"}'
}

@test "protocols: what stands in the prompt, and what is to be scored" {
	for protocol in gen-letter loglik-letter loglik-cloze; do
		ok epi-prompt --benchmark arc_challenge --shots 0 --protocol $protocol <<<"$arc_hf"
	done >all
	[ "$(jq -c '[.continuations, .max_tokens, (.prompt | contains("A. x"))]' all | xargs)" = \
		"[null,4,true] [[ A, B, C],0,true] [[ x, y, z],0,false]" ]
}

@test "the question itself is never among its examples" {
	printf 'shot %s,a,b,c,d,A\n' 1 2 3 4 >x_dev.csv
	printf 'shot %s,a,b,c,d,A\n' 2 9 >x_test.csv
	ok epi-prompt --benchmark mmlu --shots 3 --shots-from . x_test.csv >/dev/null
	[ "$(jq -r '[.prompt | scan("shot [0-9]") | .[5:]] | join("")' <<<"$output" | xargs)" = "1342 1239" ]
}

@test "too few examples: no item" {
	printf 'shot %s,a,b,c,d,A\n' 1 2 >x_dev.csv
	echo 'q,a,b,c,d,A' >x_test.csv
	fails 1 epi-prompt --benchmark mmlu --shots 3 --shots-from . x_test.csv
	[[ $stderr == *"x/0: 1 examples more are needed for 3 shots"* ]]
}

@test "a subject's examples are its own" {
	mmlu algebra 1
	mmlu zoology 1
	ok epi-prompt --benchmark mmlu mmlu >/dev/null
	[ "$(jq -r '[.prompt | scan("[a-z]+ example")] | unique[]' <<<"$output" | xargs)" = "algebra example zoology example" ]
	[ "$(item '"\(.id) \(.stratum_questions) \(.benchmark_questions)"')" = "algebra/0 1 2 zoology/0 1 2" ]
}

# Worked out with Python's integers, by the words of the page: a, b and c have
# 7, 2 and 5 questions; 6 of 14 are 3 and 0 of 14, 0 and 12, 2 and 2 left over.
@test "a sample gives each stratum its share, by splitmix64" {
	mmlu c 5
	mmlu a 7
	mmlu b 2
	ok epi-prompt --benchmark mmlu --sample 6 --seed 42 mmlu >/dev/null
	[ "$(item .id)" = "a/2 a/4 a/6 b/1 c/0 c/4" ]
	ok epi-prompt --benchmark mmlu --sample 6 --seed 43 mmlu >/dev/null
	[ "$(item .id)" = "a/1 a/3 a/5 b/1 c/0 c/4" ]
	[ "$(item '[.sample, .seed, .stratum_questions, .benchmark_questions]' | xargs -n1 | sort -u | xargs)" = "[6,43,2,14] [6,43,5,14] [6,43,7,14]" ]
}

@test "equal remainders go to the first names" {
	mmlu c 5
	mmlu a 5
	mmlu b 5
	ok epi-prompt --benchmark mmlu --sample 4 --seed 42 mmlu >/dev/null
	[ "$(item .id)" = "a/1 a/4 b/4 c/0" ]
}

@test "the same seed's larger sample has the smaller one in it" {
	hellaswag x 1 >one
	for i in 0 1 2 3 4 5 6 7 8 9; do cat one; done >ten
	ok epi-prompt --benchmark hellaswag --shots 0 --sample 4 --seed 42 ten >/dev/null
	[ "$(item .id)" = "0 3 5 9" ]
	ok epi-prompt --benchmark hellaswag --shots 0 --sample 6 --seed 42 ten >/dev/null
	[ "$(item .id)" = "0 2 3 5 8 9" ]
}

@test "no locale changes a byte" {
	mmlu b 5
	mmlu B 5
	mmlu a 5
	ok epi-prompt --benchmark mmlu --sample 7 mmlu >one
	for locale in C.UTF-8 en_US.UTF-8 de_DE.UTF-8 tr_TR.UTF-8; do
		LC_ALL=$locale ok epi-prompt --benchmark mmlu --sample 7 mmlu | cmp - one
	done
}

@test "more than there is cannot be drawn" {
	mmlu a 5
	fails 1 epi-prompt --benchmark mmlu --sample 6 mmlu
	[[ $stderr == *"--sample 6: there are 5 questions"* ]]
}

@test "the example: 30 questions, three shots, each letter seven or eight times" {
	ok epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" >/dev/null
	[ "$(jq -s 'length' <<<"$output")" = 30 ]
	[ "$(item .shots | xargs -n1 | sort -u)" = 3 ]
	[ "$(jq -sc 'group_by(.gold) | map(length)' <<<"$output")" = '[7,8,8,7]' ]
}

own() {
	echo '{"type":"benchmark","benchmark":"own","shots":1,"intro":"Facts."}'
	echo '{"type":"shot","question":"S?","choices":["a","b"],"answer":"A"}'
	echo '{"type":"question","id":"q1","stratum":"s","cluster":"k","question":"Q?","choices":["a","b"],"answer":1}'
}

@test "an own benchmark says its name, shots and intro" {
	own >own.ndjson
	ok epi-prompt --benchmark own.ndjson >/dev/null
	[ "$(jq -c '[.benchmark, .id, .stratum, .cluster, .shots, .gold, .prompt]' <<<"$output")" = \
		'["own","q1","s","k",1,1,"Facts.\n\nS?\nA. a\nB. b\nAnswer: A\n\nQ?\nA. a\nB. b\nAnswer:"]' ]
}

@test "an own benchmark's intro stands as it is written" {
	printf '%s\n' '{"type":"benchmark","benchmark":"c","intro":"What does printf(\"%s\") do?"}' \
		'{"type":"question","id":"q","stratum":"stdio","question":"Q","choices":["a","b"],"answer":"A"}' >own.ndjson
	ok epi-prompt --benchmark own.ndjson >/dev/null
	[[ $(jq -r .prompt <<<"$output") == 'What does printf("%s") do?'* ]]
}

@test "an own benchmark without its first record is none" {
	own | tail -n 2 >own.ndjson
	fails 1 epi-prompt --benchmark own.ndjson
	[[ $stderr == *"own.ndjson: no record of type benchmark"* ]]
}

@test "decode: 20 prompts, each once, 128 tokens each" {
	ok epi-prompt --workload decode >/dev/null
	[ "$(jq -s 'map(.prompt) | unique | length' <<<"$output")" = 20 ]
	[ "$(item '[.workload, .protocol, .max_tokens, .gold, .choices]' | xargs -n1 | sort -u)" = "[decode,decode,128,null,null]" ]
}

@test "a malformed question is told, the others go on, with their own ids" {
	printf '%s\n' 'q,a,b,c,d,A' 'q,a,b,c,A' 'q,a,b,c,d,E' '"q,a,b' 'c"d,e,f,g,h,A' 'q,a,b,c,d,3' >x_test.csv
	partly 1 epi-prompt --benchmark mmlu --shots 0 x_test.csv >/dev/null
	[[ $stderr == *"x_test.csv:2: "*"x_test.csv:3: the answer is not"*"x_test.csv:4: a quoted cell"* ]]
	[ "$(item .id)" = "x/0 x/4" ]
}

@test "a quote that never ends is told where it begins" {
	printf '%s\n' 'q,a,b,c,d,A' '"q,a,b,c,d,A' 'q,a,b,c,d,A' >x_test.csv
	partly 1 epi-prompt --benchmark mmlu --shots 0 x_test.csv >/dev/null
	[[ $stderr == *"x_test.csv:2: a quoted cell never ends" ]]
}

@test "lines that are no questions are refused" {
	for line in '{"id":"q"}' '{"id":"q","question":"Q","choices":{"text":["a"],"label":["A"]},"answerKey":"A"}' \
		'{"id":"q","question":"Q","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"C"}' \
		'{"id":"q","question":"Q\u0000","choices":{"text":["a","b"],"label":["A","B"]},"answerKey":"A"}' '[]' '{'; do
		fails 1 epi-prompt --benchmark arc_challenge --shots 0 <<<"$line"
		[[ $stderr == *"standard input:1: "* ]]
	done
	fails 1 epi-prompt --benchmark hellaswag --shots 0 <<<"$(hellaswag x 4)"
}

@test "text that is not UTF-8 is malformed" {
	printf 'q\377,a,b,c,d,A\n' >x_test.csv
	fails 1 epi-prompt --benchmark mmlu --shots 0 x_test.csv
	[[ $stderr == *"x_test.csv:1: a text is not UTF-8"* ]]
}

@test "one id for two questions is refused" {
	fails 1 epi-prompt --benchmark arc_challenge --shots 0 <<<"$arc_hf"$'\n'"$arc_own"
	[[ $stderr == *"two questions have the id q"* ]]
}

@test "a folder without the files, or with two that could be meant" {
	mkdir empty two
	fails 1 epi-prompt --benchmark mmlu empty
	fails 1 epi-prompt --benchmark arc_challenge empty
	echo "$arc_hf" | tee two/a-Test.jsonl >two/b-Test.jsonl
	fails 1 epi-prompt --benchmark arc_challenge two
	[[ $stderr == *"name the file: two/a-Test.jsonl or two/b-Test.jsonl"* ]]
}

@test "examples are looked for beside the questions" {
	mkdir arc
	echo "$arc_hf" >arc/ARC-Challenge-Test.jsonl
	sed 's/Why/Who/' arc/ARC-Challenge-Test.jsonl >arc/ARC-Challenge-Train.jsonl
	ok epi-prompt --benchmark arc_challenge --shots 1 arc >/dev/null
	[[ $(item .prompt) == *"Who?"*"Why?"* ]]
}

@test "wrong command lines" {
	fails 2 epi-prompt
	fails 2 epi-prompt --workload decode --benchmark mmlu
	fails 2 epi-prompt --workload decode file
	fails 2 epi-prompt --benchmark mmlu --seed 3 x
	fails 2 epi-prompt --benchmark own.ndjson more
	fails 2 epi-prompt --benchmark mmlu --protocol guess
}
