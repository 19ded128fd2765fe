# The demo that `make demo` runs.  Its joules are held against the truth that
# epi-sim tells.  Its accuracy is, by hand, the mean of the three in
# accuracy.ndjson: (701/1769 + 650/1172 + 5500/10042) / 3.

load lib

# Run once, for all.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	env -u MAKEFLAGS -u MAKELEVEL EPI_BIN="${EPI_BIN:-$root/bin}" "$root"/scripts/demo "$PWD" >out 2>err ||
		{ cat out err >&2; return 1; }
}

demo() {
	output=$(cat "$BATS_FILE_TMPDIR/out")
}

# number KEY: the first number of that name.
number() { grep -o "\"$1\":[0-9.]*" <<<"$output" | head -n 1 | cut -d: -f2; }

@test "the demo's joules are the simulator's true ones, to 0.1 %" {
	demo
	awk '/measured J/ { table = 1; next } !NF { table = 0 }
		table { n++; if (($(NF - 2) / $(NF - 1) - 1) ^ 2 > 1e-6) bad++ }
		END { exit n != 5 || bad }' <<<"$output"
}

@test "the demo's EPI is its joules over 27 tokens and the accuracy" {
	demo
	awk -v j="$(number total_joules)" -v epi="$(number value)" 'BEGIN {
		r = epi / (j / 27 / ((701 / 1769 + 650 / 1172 + 5500 / 10042) / 3)) - 1
		exit !(j > 100 && r < 1e-12 && r > -1e-12) }'
}

@test "the demo shows the command of each stage" {
	demo
	for filter in epi-tokens epi-sim epi-tap epi-window epi-integrate epi-score; do
		grep -qE "^([$]|   ) .*$filter " <<<"$output"
	done
}

# What it shows then is the same, but for the line that says so.
@test "a second demo in the same folder works, and begins no campaign anew" {
	cp -a "$BATS_FILE_TMPDIR" again
	find again/try/data -type f -exec sha256sum {} + >before
	env -u MAKEFLAGS -u MAKELEVEL DIR="$PWD/again" "$root"/scripts/demo >out 2>err
	[ "$(grep -c measure: err)" -eq 0 ]
	sha256sum --quiet -c before
	diff <(grep -v '^[$] epi-new' "$BATS_FILE_TMPDIR/out") <(grep -v '^(try is there' out)
}

# A Makefile like ours, whose demo tells where it would work.
@test "make demo works in the DIR of its command line, and in none of the environment" {
	mkdir -p top/scripts
	cp "$root/Makefile" top/
	printf '#!/bin/sh\nprintf "%%s\\n" "<$DIR>"\n' >top/scripts/demo
	chmod +x top/scripts/demo
	of_make() { env -u MAKEFLAGS -u MAKELEVEL DIR=other make -s -C top -o all demo "$@"; }
	[ "$(of_make 2>&1)" = '<>' ]
	[ "$(of_make DIR="it's here" 2>&1)" = "<it's here>" ]
}

@test "the demo's folder may have any name, and cd no other way to it" {
	mkdir -p before here aside/-
	cd before
	cd ../here
	CDPATH=$PWD/../aside "$root"/scripts/demo --pipe - >../out
	[ "$(ls ../before ../aside/-)" = "$(printf '../aside/-:\n\n../before:')" ]
	[ -s ./-/score.json ]
}

@test "the demo says that it is simulated, in the record and on screen" {
	demo
	[[ $output == *'"evidence":"simulated"'* ]]
	[[ $output == *"SIMULATED: no meter"* ]]
}

@test "the demo's campaign is what README shows, and verified" {
	demo
	sed -n '/^| Model/,/^$/p; /true EPI/,/^$/p' "$BATS_FILE_TMPDIR/out" | grep . >found
	[ "$(wc -l <found)" -eq 7 ]
	while IFS= read -r line; do
		grep -qxF -e "$line" -e "    $line" "$root/README.md"
	done <found
	jq -s -e 'length > 0 and all(.severity != "error")' "$BATS_FILE_TMPDIR/try/results/verify.ndjson"
}

# By the settings of the campaign 0.46 and 0.71 of the answers are right.
@test "the true EPI is that of the simulation, and inside the interval" {
	demo
	for model in small=0.46 large=0.71; do
		line=$(grep "^  simulated ${model%=*} .*: inside$" <<<"$output")
		cat "$BATS_FILE_TMPDIR/try/data/baseline/${model%=*}_q40/raw"/truth_00?.ndjson |
			jq -s -e --argjson epi "$(awk '{ print $3 }' <<<"$line")" --argjson right "${model#*=}" \
				'any(.[] | select(.generated_tokens);
				(.joules / .generated_tokens / $right / $epi - 1 | fabs) < 0.001)'
	done
}

@test "a power trace cut before its stop gives no score" {
	epi-tokens "$data"/demo/engine.log >tokens
	printf '0 decode\n12 end\n' | epi-sim --fast - | epi-tap --begin 1795334063 | sed '$d' >trace
	partly 1 epi-integrate trace >energy
	fails 1 epi-score --no-accuracy energy tokens
	[[ $stderr == *"refused: energy-incomplete: energy:5: "* ]]
}
