# epi-mark: one mark event.

load lib

# Everything but the time, as jq writes it.
rest() {
	jq -c 'del(.timestamp)' <<<"$output"
}

@test "a mark is one event record" {
	ok epi-mark decode begin
	[ "$(rest)" = '{"type":"event","event":"mark","label":"decode","edge":"begin"}' ]
	[[ $output == '{"timestamp":'* && $(wc -l <"$BATS_TEST_TMPDIR/.out") -eq 1 ]]
}

@test "the other edge is end" {
	ok epi-mark decode end
	[ "$(jq -r .edge <<<"$output")" = end ]
}

@test "the time is now, in Unix seconds with six decimals or more" {
	before=$(date +%s)
	ok epi-mark a begin
	[[ $output =~ ^\{\"timestamp\":([0-9]+)\.[0-9]{6,9}, ]]
	((BASH_REMATCH[1] >= before && BASH_REMATCH[1] <= $(date +%s)))
}

@test "quotes, backslashes and control bytes of a label are escaped" {
	ok epi-mark $'a"b\\c\td\ne' begin
	[ "$(jq .label <<<"$output")" = '"a\"b\\c\td\ne"' ]
}

@test "a label in any script passes as it is" {
	ok epi-mark $'M\xc3\xbcnchen \xe6\xb8\xac \xf0\x9f\x94\x8c' begin
	[[ $output == *$'"M\xc3\xbcnchen \xe6\xb8\xac \xf0\x9f\x94\x8c"'* ]]
}

@test "a label that is not UTF-8 is refused" {
	for label in $'\xff' $'a\xc3' $'\xc0\xaf' $'\xed\xa0\x80' $'\xf4\x90\x80\x80'; do
		fails 2 epi-mark "$label" begin
	done
}

@test "an empty label is refused" {
	fails 2 epi-mark '' begin
}

@test "an edge that is neither begin nor end is refused, and quoted" {
	fails 2 epi-mark decode middle
	[[ $stderr == *"neither begin nor end: middle"* ]]
}

@test "operands missing or too many are refused" {
	fails 2 epi-mark
	fails 2 epi-mark decode
	fails 2 epi-mark decode begin end
}

@test "a label that starts with a dash follows --" {
	fails 2 epi-mark -x begin
	ok epi-mark -- -x begin
	[ "$(jq -r .label <<<"$output")" = -x ]
}

@test "marks of many processes in one file stay whole" {
	seq 40 | xargs -P 8 -I{} sh -c 'epi-mark "{}" begin >>marks'
	[ "$(jq -r .label marks | sort -n | tr '\n' ' ')" = "$(seq -s ' ' 40) " ]
}
