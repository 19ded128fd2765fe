# The schema of records and files: that it takes what the programs write, says
# no to what is none, and names what the pages name.  python3-jsonschema judges.

load lib

schema=$root/man/epi-record.schema.json
bin=${EPI_BIN:-$root/bin}

setup_file() {
	export python
	for python in python3 /usr/bin/python3 ''; do
		[ "$python" ] || break
		if "$python" -W ignore -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then break; fi
	done
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	[ "$python" ] || skip "no python3-jsonschema (make deps-dev)"
}

# What a test gathered is judged at its end, at one start of the judge: what
# programs wrote, what fits, and what does not.
teardown() {
	for kind in closed open none; do
		[ ! -e "$BATS_TEST_TMPDIR/$kind" ] || set -- "$@" "--$kind" "$BATS_TEST_TMPDIR/$kind"
	done
	[ $# -eq 0 ] || judge "$@" >&2
}

judge() {
	"$python" -W ignore "$root/tests/schema.py" "$schema" "$@"
}

# fits CMD...: what it writes is to fit, and to have no member that the schema
# does not name; `fit` is that, whole.
fits() {
	take "$@"
	[ -s "$BATS_TEST_TMPDIR/.out" ] || wrong "expected output" "$@" || return 1
	cat "$BATS_TEST_TMPDIR/.out" >fit
	cat fit >>closed
}

# spoilt RECORD JQ...: it is to fit, and not after any of these changes.
spoilt() {
	echo "$1" >>open
	touch none
	before=$(wc -l <none)
	jq -c "$(printf ', (%s)' "${@:2}" | cut -c 3-)" <<<"$1" >>none
	[ "$(wc -l <none)" -eq $((before + $# - 1)) ]
}

@test "samples and events: a simulated meter, a tap with faults, an import" {
	epi-sim --fast --for 8s --faults 0.02 --nodes 2 | epi-tap --begin 1700000000 --node a,b - >trace 2>/dev/null || :
	fits cat trace
	grep -q '"event":"lost"' trace
	grep -q '"event":"stop"' trace
	for file in "$data"/tap/{delay,faults,ic,reboot,wrap,late,gap}.ndjson; do
		epi-tap --begin 1700000000 "$file" 2>/dev/null || :
	done >taps
	fits cat taps
	fits epi-import "$data/import/trace.csv"
	fits epi-mark decode begin
	fits epi-env
}

@test "spans, energy with its budget, partial sums" {
	epi-sim --fast --for 8s --nodes 2 | epi-tap --begin 1700000000 --node a,b - >trace
	fits epi-window --from +2s --for 5s --label x trace
	fits epi-integrate --every 3s trace
	fits epi-integrate --method mean trace
	fits epi-integrate --partial trace
	fits sh -c "epi-import '$data/import/trace.csv' | epi-integrate"
}

@test "tokens of every engine's log" {
	for file in "$data"/dllama/*inference*.log "$data"/engines/*; do
		take epi-tokens "$file"
		cat .out >>all
	done
	[ "$(wc -l <all)" -gt 30 ]
	fits cat all
}

@test "the score, of repetitions, net of idle, beside decode" {
	cp "$data"/score/*.ndjson .
	fits epi-score energy.ndjson tokens.ndjson accuracy.ndjson
	cp fit one
	fits epi-score --idle 3 energy.ndjson tokens.ndjson accuracy.ndjson
	for i in 1 2 3; do
		jq -c ".run_metadata.run_id = \"r$i\" | .energy.joules_per_token *= 1.0$i | .epi.value *= 1.0$i" one >"r$i"
	done
	fits epi-score --repetitions r1 r2 r3
	fits epi-compare one r3
	fits epi-pareto one r3
	fits cat "$data"/{score,demo}/*.ndjson "$data"/compare/baseline.ndjson
}

@test "items, answers of an endpoint, what was right, what it cost" {
	fits epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson"
	cp fit items
	fits epi-prompt --workload decode
	fits cat "$root/src/epi-prompt/electrical.ndjson"
	for stand_in in "$bin/../helper/stand-in" "$bin/../build/helper/stand-in"; do
		[ ! -x "$stand_in" ] || break
	done
	: >told
	"$stand_in" vllm items=items >told 2>/dev/null 3>&- &
	for _ in {1..200}; do if read -r url <told; then break; fi; sleep 0.02; done
	fits epi-ask --url "$url" --engine other --model stand-in.m <items
	cp fit answers
	fits epi-ask --health --url "$url" --engine other
	kill %1
	fits epi-grade answers
	fits epi-grade --each answers
	cat >costs <<-'END'
		{"type":"answer","benchmark":"own","id":"q1","begin":1000.0,"end":1002.0,"error":null}
		{"type":"answer","benchmark":"own","id":"q2","begin":1002.0,"end":1005.0,"error":null}
		{"type":"energy","label":"q1","scope":"cluster","begin":1000.0,"end":1002.0,"joules":10,"coverage":1,"complete":true}
		{"type":"energy","label":"q2","scope":"cluster","begin":1002.0,"end":1005.0,"joules":15,"coverage":1,"complete":true}
		{"type":"graded","benchmark":"own","id":"q1","correct":true}
		{"type":"graded","benchmark":"own","id":"q2","correct":false}
	END
	fits epi-cost --each costs
}

@test "a calibration, and whether it still holds" {
	load_of() {
		awk -v w="$1" 'BEGIN { print "{\"timestamp\":1700000000,\"type\":\"event\",\"event\":\"start\",\"instrument\":\"epi-meter\"," \
			"\"instrument_id\":\"E6\",\"nodes\":[\"pi1\"],\"joules_resolution\":0.000001,\"calibration\":{\"hash\":\"26375DEF\"}}"
		for (i = 0; i < 200; i++) printf "{\"timestamp\":%.1f,\"node\":\"pi1\",\"watts\":%.6f,\"volts\":230,\"joules\":%.6f}\n", \
			1700000000 + i / 10, w + i % 2 / 100, w * i / 10
		print "{\"timestamp\":1700000020,\"type\":\"event\",\"event\":\"stop\"}" }' >"t$1"
	}
	for w in 0 5 15; do load_of $w; done
	fits epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15
	cp fit calibration
	fits epi-calibrate --verify 5,U=0.01 --calibration calibration t5
	spoilt "$(cat calibration)" 'del(.channels)' '.format = 2' '.id = "x"' 'del(.meter)' '.channels[0].power.gain = "1"'
}

@test "a command that was run; a model's file" {
	warns epi-run -s 'epi-sim --for 1m | epi-tap -' -o records --no-tokens -- sleep 0.3
	fits cat records
	printf 'GGUF\3\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a\1\0\0\0\40\0\0\0\0\0\0\0\2\0\0\0' >a.gguf
	printf '\0\0\0\0\0\0\0\0%0100d' 0 >>a.gguf
	fits epi-model a.gguf
}

@test "a sample without its node or watts, in another unit, or as text, is refused" {
	spoilt '{"timestamp":1700000000.5,"node":"a","watts":5.000,"mine":1}' 'del(.node)' 'del(.watts)' 'del(.timestamp)' \
		'.milliwatts = .watts * 1000 | del(.watts)' '.watts = "5 W"' '.watts = null' '.watts = 2e9' '.node = ""' \
		'.timestamp = "yesterday"' '.energy_wh = 3' '.type = "samples"'
}

@test "energy without joules, in kJ, of a coverage over 1 or of no node is refused" {
	spoilt '{"type":"energy","label":null,"scope":"node","node":"a","begin":1,"end":3,"seconds":2,"joules":10,"coverage":1,"complete":true,"method":"counter"}' \
		'del(.joules)' '.kilojoules = 0.01' '.joules = "10"' 'del(.node)' '.scope = "rack"' '.coverage = 1.1' \
		'.seconds = -2' 'del(.complete)' '.complete = "yes"' '.method = "guess"' '.duration_ms = 2000' \
		'.budget = [{source: "gain"}]'
}

@test "of the other records, a missing key and a wrong type are refused" {
	spoilt '{"timestamp":1,"type":"event","event":"mark","label":"a","edge":"begin"}' \
		'.edge = "middle"' 'del(.label)' '.event = "party"' 'del(.event)'
	spoilt '{"type":"tokens","engine":"dllama","prompt_tokens":5,"generated_tokens":27,"status":"complete"}' \
		'.generated_tokens = 2.5' '.generated_tokens = -1' 'del(.status)' '.status = "fine"' '.decode_ms = 5'
	spoilt '{"type":"accuracy","benchmark":"mmlu","questions":100,"correct":40}' \
		'del(.benchmark)' 'del(.correct)' '.accuracy = 40' '.accuracy_percent = 40' '.correct = "40"'
	spoilt '{"type":"answer","benchmark":"own","id":"q1","protocol":"gen-letter","begin":1,"end":2,"error":null}' \
		'del(.id)' '.id = 1' 'del(.error)' '.protocol = "ask"' '.seconds = "1"'
	spoilt "$(epi-env)" 'del(.host)' '.celsius = "hot"' '.load = 0.5' 'del(.timestamp)'
	spoilt '{"type":"node_channel","node":"a","channel":null,"rise_watts":0.1,"matches":false}' \
		'del(.matches)' '.rise_watts = "1"' 'del(.channel)'
	spoilt "$(cd "$data/score" && epi-score energy.ndjson tokens.ndjson accuracy.ndjson)" 'del(.epi.value)' 'del(.energy)' \
		'.energy.total_tokens = 1.5' '.accuracy.mmlu_5shot = 39.6' '.measurement_point = "wall"' '.budget[0].scope = "x"'
}

@test "a results folder's run, a question: the same" {
	spoilt '{"type":"run","run_id":"r1","repetition":1,"begin":1,"end":2,"labels":{"model":"m"},"settings":{"warmup_seconds":300}}' \
		'.repetition = "1"' 'del(.labels)' '.labels.model = 7' '.settings.warmup_seconds = "5 min"' 'del(.begin)'
	spoilt '{"type":"question","id":"ohm","question":"?","choices":["9","2"],"answer":1}' \
		'del(.id)' '.choices = ["9"]' '.answer = "two"' 'del(.answer)'
}

# words PAGE...: "page word", a line each.
words() {
	for page; do
		tr -cs 'A-Za-z0-9_' '\n' <"$page" | sort -u | sed "s,^,${page##*/} ,"
	done
}

@test "each key of the schema stands in a page that its record names" {
	judge --keys >keys
	[ "$(wc -l <keys)" -gt 400 ]
	words "$root"/man/*.[157] | grep -v '^epi-schema' >words
	awk 'NR == FNR { has[$1, $2]; next }
		NF > 2 { for (i = 3; i <= NF; i++) if (($i, $2) in has) next; if (!(("epi-record.5", $2) in has)) print }' \
		words keys >missing
	[ -z "$(tee /dev/stderr <missing)" ]
}

# keys is by Python, the page by jq.
@test "epi-schema(5) is of the schema, and has each key under its record" {
	"$root/scripts/schema" - | cmp - "$root/man/epi-schema.5"
	judge --keys >keys
	awk '/^\.Ss / { record = $2 } /^\.It Va / { key = $3; sub(/.*\./, "", key); whole = record; sub(/^budget-of-/, "", whole); print record, key; print whole, key }' \
		"$root/man/epi-schema.5" | sort -u >told
	awk '{ print $1, $2 }' keys | sort -u >wanted
	[ "$(wc -l <wanted)" -gt 400 ]
	[ -z "$(comm -23 wanted told | tee /dev/stderr)" ]
}

@test "epi-results(5) and the schema name the same members of a run" {
	awk '/^\.Ss The run/ { on = 1; next } /^\.Ss / { on = 0 } on' "$root/man/epi-results.5" |
		sed -nE 's/^\.(It )?Va //p' | tr ' ' '\n' | grep -xE '[a-z][a-z0-9_]*' | sort -u | grep -vx id >named
	jq -r '."$defs"."results-run" | [.. | objects | .properties? | objects | keys[]] | unique[]' "$schema" | sort -u | diff named -
}

@test "each key of a record's section in epi-record(5) stands in the schema" {
	judge --keys | cut -d' ' -f 2 | sort -u >keys
	awk '/^\.Ss Samples/ { on = 1 } /^\.Sh EXAMPLES/ { on = 0 } on && /^\.(It )?Va / { sub(/^\.(It )?Va /, ""); print }' \
		"$root/man/epi-record.5" | tr ' ' '\n' | grep -xE '[a-z][a-z0-9_]*' | sort -u >named
	[ "$(wc -l <named)" -gt 100 ]
	[ -z "$(comm -23 named keys | tee /dev/stderr)" ]
}
