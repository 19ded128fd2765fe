# A campaign under make: on the simulator, with small samples, and once in real
# time against an endpoint.

load lib

bin=${EPI_BIN:-$root/bin}
for stand_in in "$bin/../helper/stand-in" "$bin/../build/helper/stand-in"; do
	[ ! -x "$stand_in" ] || break
done
export no_proxy='*' EPI_BIN=$bin

teardown() {
	[ -z "$pid" ] || { kill "$pid"; wait "$pid"; } 2>/dev/null || true
}

# campaign TARGET... : in c, small and quick.
campaign() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C c SAMPLE=12 WARMUP=2s IDLE=4s "$@"
}

# All but pictures and pages, which take their time and have tests of their own.
most='plan measure score table verify'
[ -z "$EPI_LONG" ] || most=all

# One whole campaign, made once; tests take copies of it.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	epi-new c
	# shellcheck disable=SC2086 # words on purpose
	campaign $most >told 2>&1 || { cat told >&2; return 1; }
}

made() {
	cp -a "$BATS_FILE_TMPDIR/c" "$BATS_FILE_TMPDIR/told" .
}

# results FOLDER: what a campaign found, but for when.
results() {
	jq -c 'del(.. | .timestamp_utc?, .inputs?)' "$1"/data/baseline/*/epi_*.json "$1/results/scores.ndjson"
	(cd "$1" && sha256sum data/baseline/*/power_trace_*.csv data/baseline/*/benchmark_*.json data/baseline/*/raw/*)
}

@test "from epi-new to scores and a table, and a second make does nothing" {
	made
	[ "$(jq -r .model c/results/scores.ndjson | xargs)" = "simulated large simulated small" ]
	[ "$(find c/data -name 'MANIFEST_*' | wc -l)" -eq 6 ]
	for folder in c/data/baseline/*; do
		(cd "$folder" && cat MANIFEST_* | sha256sum --quiet -c -)
	done
	grep -q SIMULATED c/results/table.md
	touch before
	# shellcheck disable=SC2086 # words on purpose
	take campaign $most
	[ "$status" -eq 0 ]
	[ -z "$(find c -newer before -type f)" ]
}

@test "a build elsewhere: the programs are those that are found" {
	unset EPI_BIN
	mkdir scripts
	cp -R "$root/scripts/epi.mk" "$root/scripts/campaign" scripts
	printf 'MODELS = a_q40\ninclude scripts/epi.mk\nshow:\n\t@echo "$(EPI_BIN) $(call have,epi-table)"\n' >Makefile
	ok env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s show
	[ "$output" = "$(dirname "$(command -v epi-score)") yes" ]
}

@test "all that follows from a simulation says so" {
	made
	jq -s -e 'all(.evidence == "simulated")' c/results/scores.ndjson c/data/baseline/*/epi_*.json
	jq -s -e 'all(.simulated)' c/data/baseline/*/run_*.json
	grep -q SIMULATED told
}

# The last record of the truth is that of the whole run.
@test "the energy is that which the simulator knows, within its interval" {
	made
	for model in small large; do
		truth=$(tail -n 1 "c/data/baseline/${model}_q40/raw/truth_001.ndjson")
		jq -e --argjson truth "$truth" '.ci95_joules_per_token as [$low, $high]
			| ($truth.joules / $truth.generated_tokens) | . > $low and . < $high' \
			"c/data/baseline/${model}_q40/epi_001.json"
	done
}

@test "repetitions come in blocks, in an order by the seed" {
	order=$root/scripts/campaign/order
	ok "$order" 1 3 a b c d e >first
	[ "$(cut -d / -f 2 first | uniq -c | xargs)" = "5 001 5 002 5 003" ]
	[ "$(sort -u first | wc -l)" -eq 15 ]
	[ "$(sed -n 1,5p first)" != "$(sed -n 6,10p first | sed s/002/001/)" ]
	"$order" 1 3 e d c b a | cmp - first
	[ "$("$order" 2 3 a b c d e)" != "$(cat first)" ]
}

# interrupted MOMENTS: a campaign that is killed so often, with all its children.
interrupted() {
	ok epi-new c
	for moment in $(seq "$1"); do
		setsid env -u MAKEFLAGS -u MAKELEVEL make -s -C c SAMPLE=12 WARMUP=2s IDLE=4s >log 2>&1 3>&- &
		pid=$!
		sleep "$(awk -v seed="$moment" 'BEGIN { srand(seed); printf "%.2f", 0.1 + 4 * rand() }')"
		kill -9 "-$pid" 2>/dev/null || true
		wait "$pid" || true
		pid=
		for run in c/data/baseline/*/run_*.json; do
			[ ! -e "$run" ] || jq -e .end "$run" >/dev/null
		done
	done
	# shellcheck disable=SC2086 # words on purpose
	campaign $most 2>told
	[ "$(find c/data -name '.*' | wc -l)" -eq 0 ]
	diff <(results "$BATS_FILE_TMPDIR/c") <(results c)
}

@test "interrupted and made again: the results of one that was not" {
	interrupted "$([ "$EPI_LONG" ] && echo 20 || echo 2)"
}

@test "what a kill at the very end of a run left goes with the next make" {
	made
	folder=$(dirname "$(find c/data -name epi_001.json | head -n 1)")
	mkdir "$folder/.run_001" "$folder/.derive_001.xyz" "$folder/.run_009"
	rm c/results/scores.ndjson
	# shellcheck disable=SC2086 # words on purpose
	campaign $most 2>told
	[ "$(cd "$folder" && echo .[a-z]*)" = .run_009 ]
}

@test "it is verified; what is simulated is not submitted" {
	made
	[ -s c/results/verify.ndjson ]
	jq -s -e 'all(.severity != "error")' c/results/verify.ndjson
	take campaign submit
	[ "$status" -eq 2 ]
	[[ $stderr == *imulated* ]]
	[ -z "$(find c/submit -type f)" ]
}

# fits FILE: as the schema has it, and with no other members.
fits() {
	for python in python3 /usr/bin/python3 ''; do
		[ "$python" ] || skip "no python3-jsonschema (make deps-dev)"
		if "$python" -W ignore -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then break; fi
	done
	ok "$python" -W ignore "$root/tests/schema.py" "$root/man/epi-record.schema.json" --closed "$1"
}

@test "its files are as the schema has them, and have no other members" {
	made
	cd c
	cat data/baseline/*/run_*.json data/baseline/*/epi_*.json data/baseline/*/benchmark_*.json results/*.ndjson | jq -c . >../records
	zstd -dcq data/baseline/small_q40/raw/trace_001.ndjson.zst >>../records
	[ "$(wc -l <../records)" -gt 1000 ]
	fits ../records
}

@test "a figure that was changed by hand is not verified" {
	made
	sed -i 's/"joules_per_token":[0-9.]*/"joules_per_token":1/' c/data/baseline/small_q40/epi_002.json
	rm c/results/verify.ndjson
	take campaign verify
	[ "$status" -eq 2 ]
	[[ $stderr == *"not verified"* ]]
	[ ! -e c/results/verify.ndjson ]
}

@test "other weights: scores anew, nothing is measured again" {
	made
	sha256sum c/data/baseline/*/run_*.json c/data/baseline/*/raw/* >raw
	campaign score WEIGHTS=mmlu=1
	sha256sum --quiet -c raw
	jq -s -e 'all(.accuracy.composite == .accuracy.mmlu_5shot)' c/results/scores.ndjson
}

@test "fewer repetitions: those that are there still count, by the same weights" {
	made
	campaign score REPETITIONS=2 WEIGHTS=mmlu=1
	jq -s -e 'length == 6 and all(.accuracy.composite == .accuracy.mmlu_5shot)' c/data/baseline/*/epi_*.json
	jq -s -e 'all(.repetitions | length == 3)' c/results/scores.ndjson
}

@test "another price: its table anew, and nothing else" {
	made
	stat -c '%n %i %y' c/results/scores.ndjson c/results/table.csv c/data/baseline/*/epi_* >before
	ok campaign table PRICE_PER_KWH=1000 CURRENCY=XYZ >told
	grep -q XYZ c/results/table.md
	stat -c '%n %i %y' c/results/scores.ndjson c/results/table.csv c/data/baseline/*/epi_* | diff before -
}

# 3 repetitions were planned when it was made, and then cost 0.31 a kWh.
@test "another price, other repetitions: another plan, and nothing is asked again" {
	made
	ok campaign plan >before
	ok campaign plan REPETITIONS=6 PRICE_PER_KWH=1 >after
	[[ $(<before) == *" 3 repetitions"* && $(<after) == *" 6 repetitions"* ]]
	[ "$(sed -n 's/energy  \(.*\) kWh (\(.*\) EUR)/\1 \2/p' after | awk '{ print ($1 == $2) }')" = 1 ]
	take campaign plan PRICE_PER_KWH=0,31
	[[ $status -eq 2 && $stderr == *"the plan cannot be told"* && $output != *models* ]]
}

@test "other questions than the campaign's own are refused" {
	made
	rm -r c/.epi
	take campaign score REPETITIONS=4 SEED=9
	[ "$status" -eq 2 ]
	[[ $stderr == *"drawn by other settings"* ]]
}

@test "settings that cannot be kept are no settings, and there are no questions" {
	epi-new c
	ln -s /dev/full c/items.settings.new
	fails 2 campaign items.ndjson
	[[ $stderr == *"items: the questions cannot be kept"* && ! -e c/items.ndjson ]]
}

@test "a raw file that is lost is not measured again" {
	made
	rm c/data/baseline/small_q40/raw/trace_001.ndjson.zst
	fails 2 campaign score
	[[ $stderr == *"never overwritten"* ]]
}

@test "a disk that is too small: nothing is measured, and make -k goes on" {
	made
	rm c/data/baseline/*/*_003* c/data/baseline/*/raw/*_003*
	jq -c '.run_bytes = 1e18' c/.epi/plan/small_q40.json >big
	mv big c/.epi/plan/small_q40.json
	take campaign measure -k
	[ "$status" -eq 2 ]
	[[ $stderr == *"the disk is too small"* ]]
	[ ! -e c/data/baseline/small_q40/run_003.json ]
	[ -e c/data/baseline/large_q40/run_003.json ]
}

# holds LOCK [COMMAND]: another one has it, until what is taken here says that it
# waits, for 20 s at most; then it runs COMMAND.
holds() {
	: >.err
	flock "$1" sh -c 'for i in $(seq 1000); do ! grep -q waiting: .err || break; sleep 0.02; done; '"${2:-}" 3>&- & pid=$!
	until ! flock -n "$1" true; do sleep 0.02; done
}

@test "one run at a time has the meter; the other one waits, and is told" {
	made
	rm c/data/baseline/small_q40/*_003* c/data/baseline/small_q40/raw/*_003*
	holds lock
	take campaign measure LOCK="$PWD/lock"
	[ "$status" -eq 0 ]
	[[ $stderr == *"waiting: another run has this meter"* ]]
}

@test "one make at a time plans a model; the other one waits, and takes what it found" {
	made
	mv c/.epi/plan/small_q40.json found
	holds c/.epi/plan/small_q40.lock 'mv found c/.epi/plan/small_q40.json'
	take campaign plan
	[[ $status == 0 && $stderr == *"waiting: small_q40 is being planned"* && $stderr != *"measure: small_q40"* ]]
}

# A third of these failed when they had one new file in common.
@test "makes at once do not take each other's notes away" {
	made
	for n in {1..24}; do
		campaign .epi/price .epi/planned PRICE_PER_KWH=$n 2>>told & pids[n % 3]=$!
		[ $((n % 3)) -ne 0 ] || { wait "${pids[0]}" && wait "${pids[1]}" && wait "${pids[2]}"; } || return 1
	done
	! ls c/.epi/*.new[0-9]* || false
}

@test "the lock is one of all users, wherever their own files are" {
	cat >locked <<-END
		. "$root/scripts/campaign/common.sh"
		lock
		echo locked
		while [ ! -e enough ]; do sleep 0.05; done
	END
	export EPI_METER="meter $BATS_TEST_TMPDIR"
	XDG_RUNTIME_DIR=$PWD/one TMPDIR=$PWD/one sh locked >first 2>&1 3>&- & pid=$!
	until [ -s first ]; do kill -0 $pid; sleep 0.02; done
	XDG_RUNTIME_DIR=$PWD/two TMPDIR=$PWD/two sh locked >second 2>&1 3>&- & other=$!
	until [ -s second ]; do kill -0 $other; sleep 0.02; done
	touch enough
	wait $other
	grep -q '^locked: waiting: another run has this meter (' second
	rm "$(sed -n 's/.*(\(.*\))/\1/p' second)"
}

@test "check-meter: a load that agrees, one that does not, and its record" {
	ok epi-new c
	take campaign check-meter
	[ "$status" -eq 0 ]
	jq -s -e '.[0].passed' c/checks/*.json
	sleep 1
	take campaign check-meter CHECK_LOAD=9,U=0.2%
	[ "$status" -eq 2 ]
	[[ $stderr == *"DOES NOT HOLD"* ]]
}

@test "--baseline is refused until what is yours is filled in" {
	ok epi-new --baseline c
	take campaign -n
	[ "$status" -eq 2 ]
	[[ $stderr == *"??? stands: CHECK_LOAD METER ENGINE_VERSION HARDWARE PSU BOUNDARY AMBIENT"* ]]
	take campaign -n SSH='ssh -p ???'
	[[ $stderr == *"??? stands: "*" SSH."* ]]
	sed -i 's/???/filled/' c/Makefile
	ok campaign -n measure >order
	[ "$(grep -c /measure order)" -eq 15 ]
}

@test "a Makefile that is there is left alone" {
	ok epi-new c
	echo mine >c/Makefile
	fails 1 epi-new c
	[ "$(cat c/Makefile)" = mine ]
}

@test "a seed is a number that all who take one read alike" {
	for seed in '' 08 -1 1.5 x 1234567890; do
		fails 2 epi-new --seed "$seed" c
	done
	[ ! -e c ]
	ok epi-new --seed 0 c
}

@test "a folder of any name: -o, -, a line break, beside a CDPATH" {
	mkdir -p far/there
	for name in -o - there $'a\nb "c"'; do
		CDPATH=$PWD/far ok epi-new -- "$name"
		[ -s "./$name/Makefile" ]
	done
	fails 2 epi-new ""
}

@test "called by a relative path, it finds the other programs" {
	cd "$bin/.."
	PATH=/usr/bin:/bin ok "${bin##*/}/epi-new" --version
	PATH=/usr/bin:/bin ok "${bin##*/}/epi-nodes" --version
	[ -f "$("${bin##*/}/epi-new" --where)/epi.mk" ]
}

@test "installed, in folders with blanks, quotes and a line break, by bash, under another locale" {
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$root" -o all BIN="$bin" install \
		DESTDIR="$PWD/to" PREFIX=/opt/epi
	mv to "it's here"
	find "it's here" -type f -exec grep -l '^#!/bin/sh' {} + | tr '\n' '\0' | xargs -0 sed -i '1s,/bin/sh,/bin/bash,'
	unset EPI_BIN
	PATH=/usr/bin:/bin
	ok "it's here/opt/epi/bin/epi-new" $'a\nb "c"'
	ln -s $'a\nb "c"' c
	LANG=de_DE.UTF-8 LC_NUMERIC=de_DE.UTF-8 campaign score MODELS=small_q40 REPETITIONS=1 2>told
	[ "$(wc -l <c/results/scores.ndjson)" -eq 1 ]
}

# real FILE...: a campaign in real time: epi-sim as it writes, the stand-in's
# answers, whose engine the campaign starts.
real() {
	epi-prompt --benchmark "$root/src/epi-prompt/electrical.ndjson" | head -n 6 >items
	sed -i 's/"benchmark_questions":30/"benchmark_questions":6/; s/"stratum_questions":[0-9]*/"stratum_questions":6/' items
	mkdir c
	cat >c/Makefile <<END
MODELS = m
SERVE = exec "$stand_in" llama-server items=../items right=700 >url
URL = \$\$(cat url)
ASK = epi-ask --url "\$(URL)" --model stand-in.m
METER = echo "epi-tap: something is odd" >&2; epi-sim --for 1h --nodes 2 --rate 50 | epi-tap --node a,b -
NODES = a b
ITEMS = cat ../items
WEIGHTS = electrical=1
REPETITIONS = 1
AMBIENT = echo 21.5
IDLE = 0.3s
WARMUP = 0.1s
EPI = $root/scripts
include \$(EPI)/epi.mk
END
}

@test "in real time: the engine is started, asked, and ended" {
	real
	campaign score WARMUP=0.1s IDLE=0.3s SAMPLE=6 BENCHMARKS='mmlu:5  hellaswag:10' 2>told || { cat told >&2; false; }
	grep -qx 'measure: epi-tap: something is odd' told
	jq -e '.warnings[0] == "told: epi-tap: something is odd" and .settings.benchmarks == { mmlu: 5, hellaswag: 10 }' \
		c/data/baseline/m/run_001.json
	jq -e '.energy.total_tokens > 0 and .environment.ambient_temp_c == 21.5 and .evidence == "simulated"
		and .net_of_idle_joules != null' c/data/baseline/m/epi_001.json
	[ "$(zstd -dcq c/data/baseline/m/raw/trace_001.ndjson.zst | jq -r 'select(.event == "mark" and .edge == "end").label' | xargs)" = "warmup idle run idle_after" ]
	[ -z "$(pgrep -f "$stand_in llama-server items=../items right=700")" ]
}

# Another machine's shell is one of ours.  No node takes more for being loaded.
@test "in real time: the files that hosts were given, and the names of nodes, are told" {
	real
	mkdir there
	printf '%s\n' '#!/bin/sh' 'until [ "$1" = there ]; do shift; done' 'shift' 'cd ../there && exec sh -c "$*"' >ssh
	chmod +x ssh
	campaign measure FORCE=yes SSH="$PWD/ssh" HOSTS=there SHARDS=Makefile ENVIRONMENT=epi-env NODE_TIME=0.3s NODE_LOAD='sleep $$2' 2>told
	cmp c/Makefile there/Makefile
	jq -e --arg sum "$(sha256sum <c/Makefile | cut -c 1-64)" '.shards == [{ host: "there", file: "./Makefile", sha256: $sum }]' c/data/baseline/m/run_001.json
	jq -e '.node_check | .passed == false and .end > 1.7e9 and (.channels | map([.node, .matches])) == [["a", false], ["b", false]]' c/data/baseline/m/run_001.json
	fits c/data/baseline/m/run_001.json
}

@test "in real time: an engine that dies is told, and nothing is left" {
	real
	fails 2 campaign score SERVE='echo no memory; exit 1' HEALTH=false
	[[ $stderr == *"the engine ended: no memory"* ]]
	[ -z "$(find c -name 'run_*.json')" ]
}

# Its TERM is ignored; what came of the session before that counts.
@test "an engine that does not end is killed, with all that it has started" {
	mkdir stage
	export EPI_STAGE=stage EPI_ITEMS_FILE=/dev/null EPI_ASK=cat EPI_HEALTH='[ -s child ]' EPI_WARMUP_SECONDS=0 \
		EPI_IDLE_SECONDS=0 EPI_LOAD_TIMEOUT=20 EPI_SERVE="trap '' TERM; sleep 60 & echo \$! >child; wait"
	warns timeout 30 "$root/scripts/campaign/session"
	[[ $stderr == *"session: the engine does not end by itself, and is killed"* ]]
	[ "$(wc -l <stage/marks)" -eq 2 ]
	state=unknown
	for _ in $(seq 300); do
		state=$(cut -d ' ' -f 3 "/proc/$(cat child)/stat" 2>/dev/null) || true
		case $state in '' | Z) break ;; esac
		sleep 0.1
	done
	[[ $state == '' || $state == Z ]]
	EPI_SERVE='echo >child; exec sleep 60' ok "$root/scripts/campaign/session"
}

# The sleep, in a group of its own, never asks for its child, which is of the
# engine's.
@test "what ended and was not asked for is no engine that does not end" {
	mkdir stage
	export EPI_STAGE=stage EPI_ITEMS_FILE=/dev/null EPI_ASK=cat EPI_HEALTH='[ -s parent ]' EPI_WARMUP_SECONDS=0 \
		EPI_IDLE_SECONDS=0 EPI_LOAD_TIMEOUT=20 \
		EPI_SERVE="sh -c 'true & exec setsid sh -c \"echo \\\$\\\$ >parent; exec sleep 60\"' & exec sleep 60"
	take timeout 50 "$root/scripts/campaign/session"
	kill "$(cat parent)"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "a number of repetitions may have a comment behind it" {
	ok epi-new c
	sed -i '/^REPETITIONS/d; 1i REPETITIONS = 2  # two' c/Makefile
	ok campaign -n measure >order
	[ "$(grep -c /measure order)" -eq 4 ]
}

# settings: the order of the runs, and what a part of a campaign gets for a model.
settings() {
	ok campaign -n measure | grep -o '/measure .*'
	ok campaign --eval='data/baseline/small_q40/it: ; @env | grep ^EPI_ | sort' data/baseline/small_q40/it
}

@test "a comment behind a setting is no part of it, and changes no order" {
	ok epi-new c
	sed -i '/^HARDWARE/d; 1i HARDWARE = two  nodes\nsmall_q40.SURGERY = none at all' c/Makefile
	settings >want
	sed -i -E '/^EPI =/! s/^([a-z_0-9]+[.])?[A-Z_]+ = .*[^\]$/& \t # told/' c/Makefile
	[ "$(grep -c '# told' c/Makefile)" -gt 20 ]
	settings | diff want -
	grep -x 'EPI_HARDWARE=two  nodes' want
	grep -x 'EPI_SURGERY=none at all' want
}

@test "no number of repetitions is no campaign without any" {
	ok epi-new c
	for bad in three 0 1.5 '' -2; do
		take campaign measure REPETITIONS="$bad"
		[ "$status" -eq 2 ]
		[[ $stderr == *"REPETITIONS is no number from 1 on: $bad."* ]]
	done
}

@test "a model called log is prepared like others" {
	EPI_PREPARE='echo made' ok "$root/scripts/campaign/prepare" other
	[ "$(ls .epi/prepared)" = other ]
	EPI_PREPARE='echo >&2 no room; false' fails 1 "$root/scripts/campaign/prepare" log
	[[ $stderr == *"log cannot be prepared: no room"* ]]
	[ "$(ls .epi/prepared)" = other ]
}
