# epi-run: the protocol around a command: warm-up, repetitions, phases.

load lib
load tap
load run

# runs FILTER: of each run's energy, in their order.
runs() { jq -c "select(.type == \"energy\" and .scope == \"cluster\" and .label == \"run\") | $1" rec-?; }
labels() { jq -r 'select(.event == "mark") | .label + " " + .edge' "$1" | xargs; }
energies() { jq -r 'select(.scope == "cluster").label' "$1" | xargs; }

# slower: each of its runs takes longer than the one before.
slower() {
	echo 'echo x >>count; sleep "0.0$((3 * $(wc -l <count)))"' >slower
}

# ---- repetitions

@test "-r: each run has records of its own, and the median is told" {
	slower
	warns metered -r 3 -o rec sh slower
	[ "$(runs '.complete and (.joules - 5 * .seconds | fabs < 1e-6)' | xargs)" = "true true true" ]
	[ "$(jq 'select(.type == "run").run' rec-1 rec-2 rec-3 | xargs)" = "1 2 3" ]
	[ ! -e rec ]
	[[ $stderr == *"run 1 of 3: sh: status 0"*"run 3 of 3: sh: status 0"*"3 of 3 runs count"* ]]
	# the one in the middle, and the root of the squares' sum over N - 1
	read -r median deviation least most < <(runs .joules | jq -sr 'sort | (add / 3) as $m
		| [.[1], (map((. - $m) * (. - $m)) | add / 2 | sqrt), .[0], .[2]] | join(" ")')
	read -r m d l t < <(sed -n 's/^epi-run: median \(.*\) J, standard deviation \([0-9.]*\) (.*), \(.*\) to \([0-9.]*\)$/\1 \2 \3 \4/p' <<<"$stderr")
	jq -ne "[$median - $m, $deviation - $d, $least - $l, $most - $t] | all(fabs < 0.006)" >/dev/null
	[[ $stderr == *"epi-run: median 0."*" s, standard deviation "* ]]
	clean
}

# pulses: no power, but once a run 5 W at one sample, 1 ms from those beside
# it: 5 mJ by the trapezoid, whatever the run's time.  They are stamped once the
# run has begun, and the pulse is gone from before its end.
pulses() {
	cat <<-'END'
		watts() { printf '{"timestamp":%d.%06d,"node":"a","watts":%s}\n' $((at / 1000000)) $((at % 1000000)) "$1"; at=$((at + 1000)); }
		exec {never}<> <(:)
		echo "{\"timestamp\":$EPOCHREALTIME,\"type\":\"event\",\"event\":\"start\",\"nodes\":[\"a\"],\"rate_hz\":2}"
		while read -rt 0.02 -u $never || [ $? -gt 128 ]; do
			[ -e begun ] && pulse="5 0" || pulse=
			at=${EPOCHREALTIME/./}
			for power in 0 $pulse; do watts $power; done
			[ ! "$pulse" ] || rm begun
		done
	END
}

@test "-r: figures that are all the same are told to four digits" {
	pulses >pulses
	warns epi-run -r 2 -s 'exec bash pulses' --no-tokens -o rec sh -c ': >begun; until [ ! -e begun ]; do sleep 0.02; done; sleep 0.1'
	[[ $stderr == *"median 0.005000 J, standard deviation 0.000000 (0.00 %), 0.005000 to 0.005000"* ]]
}

@test "-r: the deviation is no share of a median of 0" {
	sed -i 's/5}/$([ -e on ] \&\& echo 5 || echo 0)}/' meter
	warns metered -r 3 -o rec sh -c 'echo x >>count; [ "$(wc -l <count)" -lt 3 ] || : >on; sleep 0.1'
	[ "$(runs '.joules > 0' | xargs)" = "false false true" ]
	[[ $stderr =~ "median "[0.]+" J, standard deviation "[0-9.]+", "[0.]+" to "0[.][0-9]+$'\n' ]]
	[[ $stderr == *" s, standard deviation "*" %), "* ]]
}

@test "-r: of an even number the median is between the two in the middle" {
	slower
	warns metered -r 2 -o rec sh slower
	middle=$(runs .joules | jq -s 'add / 2')
	told=$(sed -n 's/^epi-run: median \(.*\) J, standard.*/\1/p' <<<"$stderr")
	jq -ne "$middle - $told | fabs < 0.006" >/dev/null
}

@test "-r: numbers go before the suffix, and are as wide as the last one" {
	warns metered -r 10 -o re.c.ndjson --save-trace ./t true
	[ "$(echo re.c*)" = "$(printf 're.c-%02d.ndjson\n' {1..10} | xargs)" ]
	for trace in t-01 t-10; do
		[ "$(jq -r '.event // empty' $trace | xargs)" = "start stop" ]
	done
}

@test "-r: records of more runs than these, of another time, are told and stay" {
	echo old | tee rec-3 >rec-4
	warns metered -r 2 -o rec true
	[[ $stderr == "epi-run: rec-3: is there, of more runs at another time, and stays"* ]]
	[ "$(cat rec-3 rec-4 | uniq)" = old ]
	warns metered -r 3 -o rec true
	[[ $stderr == "epi-run: rec-4: "* ]]
	rm rec-4
	warns metered -r 3 -o rec true
	[[ $stderr == "epi-run: run 1 "* ]]
}

@test "-r: a run that fails is the last, and those before it are told" {
	echo old >rec-3
	partly 3 metered -r 3 -o rec sh -c 'echo x | tee -a count; [ $(wc -l <count) -lt 2 ] || exit 3'
	[ "$(echo rec-?)" = "rec-1 rec-2" ]
	[[ $stderr == *"run 2 of 3: sh: status 3"*"1 of 3 runs count"* ]]
}

@test "-r: a signal in the second run ends the repetitions" {
	begin epi-run -r 3 -s 'exec bash meter' --no-tokens -o rec sh -c 'echo x >>count; [ $(wc -l <count) -lt 2 ] || { : >begun; exec sleep 20; }'
	soon test -e begun
	kill -INT "$pid"
	ended 130
	[ "$(echo rec-?)" = "rec-1 rec-2" ]
	[[ $stderr == *"run 2 of 3: sh: status 130"*"1 of 3 runs count"* ]]
	clean
}

@test "-r: each run reads the whole of a file, from where it stood" {
	printf 'one\ntwo\n' >in
	warns bash -c 'read -r one; epi-run -s "exec bash meter" --no-tokens -r 2 --warmup 1ms sh -c "cat; cat >>seen" <&0' <in
	[ "$output" = $'two\ntwo' ]
}

@test "-r: of a pipe the runs read nothing, and that is said" {
	take metered -r 2 cat < <(echo one)
	[ "$status" -eq 0 ]
	[ ! "$output" ]
	[[ $stderr == *"standard input is no file: the runs read nothing from it"* ]]
}

@test "-r: with a source that ends, the other runs have their energy" {
	partly 1 epi-run -s 'echo x >>count; exec bash meter $((10 * $(wc -l <count)))' --no-tokens -r 2 -o rec sh -c 'sleep 0.3; echo ran'
	[ "$output" = $'ran\nran' ]
	[[ $stderr == *"the energy: refused"*"1 of 2 runs count"* ]]
}

@test "-r: of a trace that somebody else writes each run has its part" {
	setsid bash meter >trace 3>&- &
	started+=($!)
	soon test -s trace
	warns epi-run --trace trace --no-tokens -r 2 -o rec sleep 0.1
	[ "$(runs '.complete and (.joules - 5 * .seconds | fabs < 1e-6)' | xargs)" = "true true" ]
	[ "$(runs '[.begin, .end]' | jq -s '.[0][1] < .[1][0]')" = true ]
	kill -0 "${started[0]}"
}

@test "-r: a signal after the last run but one is no good end" {
	begin epi-run -r 2 -s 'exec bash meter' --no-tokens --idle-after 20s --marks marks -o rec true
	idling() { grep -q idle_after marks; }
	soon idling
	kill -INT "$pid"
	ended 130
	[ "$(runs .complete)" = true ]
	[[ $stderr == *"1 of 2 runs count"* ]]
	clean
}

# slowly FILTER: it waits for the file go, and says so.
slowly() {
	printf '#!/bin/sh\necho $$ >working\nuntil [ -e go ]; do sleep 0.02; done\nexec "%s" "$@"\n' "$(command -v "$1")" >"$1"
	chmod +x "$1"
}

@test "-r: a signal while figures are worked out: they are told, and no run follows" {
	slowly epi-integrate
	begin env PATH="$PWD:$PATH" epi-run -r 3 -s 'exec bash meter' --no-tokens -o rec --notify 'echo "$EPI_STATUS $EPI_RUNS" >outcome' true
	soon test -s working
	kill -INT -- "-$pid"
	: >go
	ended 130
	[[ $stderr == *" J in "*"1 of 3 runs count"* ]]
	[ "$(cat outcome)" = "130 1" ]
	[ "$(echo rec-?)" = rec-1 ]
	clean
}

@test "a signal while the last figures are worked out leaves nothing out" {
	slowly epi-integrate
	begin env PATH="$PWD:$PATH" epi-run -s 'exec bash meter' --no-tokens -o rec true
	soon test -s working
	kill "$pid"
	: >go
	ended 0
	[ "$(figure .complete)" = true ]
}

@test "a signal for the command while figures are worked out is not for the filters" {
	slowly epi-integrate
	begin env PATH="$PWD:$PATH" epi-run -s 'exec bash meter' --no-tokens -o rec true
	soon test -s working
	kill -USR1 -- "-$pid"
	kill -USR2 -- "-$pid"
	: >go
	ended 0
	[ "$(figure .complete)" = true ]
}

@test "a second signal while figures are worked out kills" {
	slowly epi-window
	PATH=$PWD:$PATH begin epi-run -s 'exec bash meter' --no-tokens true
	soon test -s working
	kill "$pid"
	sleep 0.2
	kill "$pid"
	ended 143
	clean working
}

# ---- the warm-up

@test "--warmup: the command runs, unmeasured and unheard, before it is measured" {
	warns metered --warmup 0.2s -o rec sh -c 'echo ran | tee -a count; sleep 0.15'
	[ "$output" = ran ]
	[ "$(wc -l <count)" -ge 3 ]
	[ "$(labels rec)" = "warmup begin warmup end run begin run end" ]
	[ "$(energies rec)" = run ]
	jq -se 'map(select(.event == "mark").timestamp) | .[1] - .[0] >= 0.2' rec >/dev/null
}

@test "--warmup: once, before the first of several runs" {
	warns metered --warmup 1ms -r 2 --idle 50ms -o rec sh -c 'echo x >>count'
	[ "$(wc -l <count)" -eq 3 ]
	[ "$(labels rec-1)" = "warmup begin warmup end idle begin idle end run begin run end" ]
	[ "$(labels rec-2)" = "idle begin idle end run begin run end" ]
}

@test "--warmup: what fails there is not measured" {
	fails 7 metered --warmup 1s -o rec sh -c 'echo x; echo y >&2; exit 7'
	[[ $stderr == y*"the warm-up ended with status 7; nothing was measured" ]]
	[ ! -s rec ]
	fails 127 metered --warmup 1s no-such-command
	clean
}

@test "--warmup: a signal ends it, and nothing is measured" {
	begin epi-run -s 'exec bash meter' --warmup 20s sh -c ': >begun; echo $$ >command; exec sleep 20'
	soon test -s command
	kill "$pid"
	ended 143
	clean command
}

# ---- idle and phases

@test "--idle-after: the idle power afterwards, beside the energy of the run" {
	warns metered --idle 0.1s --idle-after 0.1s -o rec true
	[ "$(energies rec)" = "idle run idle_after" ]
	jq -se 'map(select(.scope == "cluster")) | .[2].complete and .[2].seconds >= 0.1 and .[2].begin >= .[1].end' rec >/dev/null
	[[ $stderr == *"5.000 W idle; net"*"5.000 W idle afterwards"* ]]
}

# Prompt: 13 tokens at 116.00/s in the log's summary, 112.069 ms; generation up
# to the last token.
@test "phases: prefill and decode, by the times at which the log's lines came" {
	warns epi-run -s 'exec bash meter' -o rec sh -c 'sleep 0.2; "$@"' sh "$root/tests/replay" "$data/dllama/head-inference-1node.ts.log"
	[ "$(energies rec)" = "run prefill decode" ]
	jq -se 'map(select(.scope == "cluster")) as [$run, $prefill, $decode] | (map(select(.type == "tokens"))[0]) as $t |
		[$prefill.begin, $decode.end] == [$t.begin, $t.end] and $prefill.end == $decode.begin and
		($prefill.seconds - 0.112069 | fabs < 1e-6) and ($decode.joules - 5 * $decode.seconds | fabs < 1e-6)' rec >/dev/null
	[[ $stderr == *"prefill: 0.5603 J in 0.112 s, 0.04002 J each of 14 tokens"*"decode: "*" each of 51 tokens"* ]]
	ok epi-score --no-accuracy rec >/dev/null
}

@test "phases: lines that came all at once tell none" {
	warns epi-run -s 'exec bash meter' -o rec cat "$data/dllama/head-inference-1node.log"
	[ "$(energies rec)" = run ]
	[[ $stderr == *"the log's lines came too late to tell prefill from decode"* ]]
}

@test "phases: those that the command marks, and the sum of those of one name" {
	warns metered --marks marks -o rec sh -c 'for i in 1 2; do epi-mark part begin; sleep 0.1; epi-mark part end; done >>"$EPI_MARKS"'
	[ "$(energies rec)" = "run part part" ]
	[ "$(labels marks)" = "run begin run end part begin part end part begin part end" ]
	sum=$(jq -s 'map(select(.scope == "cluster" and .label == "part").joules) | add * 1000 | round / 1000' rec)
	[[ $stderr == *"part: $sum"*" J in 0."*" s, 2 times"* ]]
}

@test "phases: the warm-up's marks are not those of the run" {
	warns metered --warmup 1ms -o rec sh -c 'epi-mark part begin >>"$EPI_MARKS"; epi-mark part end >>"$EPI_MARKS"'
	[ "$(energies rec)" = "run part" ]
}

@test "phases: what is no mark of one is malformed, and the run is told" {
	partly 1 metered -o rec sh -c 'echo run; { epi-mark run begin; epi-mark idle end; echo x; } >>"$EPI_MARKS"'
	[ "$(energies rec)" = run ]
	[[ $stderr == *"EPI_MARKS:1: not a mark of a phase"*"EPI_MARKS:2: "*" J in "* ]]
}

@test "phases: marks may end in a carriage return" {
	warns metered -o rec sh -c 'for e in begin end; do epi-mark part $e | sed "s/\$/\r/"; done >>"$EPI_MARKS"'
	[ "$(energies rec)" = "run part" ]
	[ "$(labels rec)" = "run begin run end part begin part end" ]
}

@test "phases: a mark without an end is named, and the run is told" {
	partly 1 metered -o rec sh -c 'echo run; epi-mark part begin >>"$EPI_MARKS"'
	[ "$(figure '.complete')" = true ]
	[[ $stderr == *'the begin of "part" has no end'* ]]
}

# ---- silence

# A meter that hangs after N samples.
hangs() { echo "trap 'exit' TERM; { bash meter $1; } | head -n $1; while :; do sleep 0.05; done"; }

@test "--silence: without samples the command is told to end, and its energy refused" {
	partly 1 epi-run -s "$(hangs 10)" --no-tokens --silence 0.5s -r 2 -o rec \
		sh -c 'trap "echo told; exit 0" TERM; while :; do sleep 0.05; done'
	[ "$output" = told ]
	[[ $stderr == *"no sample for 0.5 s, and the run is ended"*"status 0"*"the energy: refused: no samples came"* ]]
	[[ $stderr != *" J in "* && $stderr != *"run 2 of 2"* ]]
	[ "$(jq -r 'select(.type == "run") | .status, .warnings[]' rec-1 | xargs)" = "0 silent: no samples came, and the command was told to end" ]
	clean
}

@test "--silence: before the command there is none" {
	fails 1 epi-run -s "$(hangs 10)" --no-tokens --silence 0.2s --idle 20s touch run
	fails 1 epi-run -s "$(hangs 10)" --no-tokens --silence 0.2s --warmup 20s sh -c 'touch warm; exec sleep 20'
	[ -e warm ]
	[ ! -e run ]
	clean
}

@test "--keep-going: without samples the command goes on, and that is said" {
	partly 1 epi-run -s "$(hangs 10)" --no-tokens --silence 0.2s --wait 0.3s --keep-going sh -c 'sleep 0.5; echo ended'
	[ "$output" = ended ]
	[[ $stderr == *"no sample for 0.2 s; the run goes on"*"the energy: refused: no samples up to the end"* ]]
}

@test "--keep-going: samples that come again are told, the gap is refused" {
	partly 1 epi-run -s 'exec bash meter 1000 10' --no-tokens --silence 0.3s --keep-going sh -c 'sleep 1.9; echo ended'
	[[ $stderr == *"the run goes on"*"samples again, after "*"the energy: refused: "*"of the time was measured"* ]]
}

@test "--keep-going: the runs after one that failed" {
	partly 3 metered -r 3 --keep-going -o rec sh -c 'echo x | tee -a count; [ $(wc -l <count) -ne 2 ] || exit 3'
	[ "$(jq 'select(.type == "run").status' rec-1 rec-2 rec-3 | xargs)" = "0 3 0" ]
	[[ $stderr == *"2 of 3 runs count"* ]]
}

@test "--keep-going: a command that is not there, as often as it is asked for" {
	ulimit -n 32
	fails 127 metered -r 8 --keep-going no-such-command
	[ "$(grep -c no-such-command <<<"$stderr")" -eq 8 ]
	[[ $stderr == *"0 of 8 runs count"* ]]
	clean
}

@test "--keep-going: each run's records are its own, after one that had no samples too" {
	take epi-run -r 2 --keep-going -s '[ ! -e once ] || exec bash meter; : >once; exit 3' --no-tokens -o rec true
	[ "$status" -eq 1 ]
	[ ! -s rec-1 ]
	[ "$(jq 'select(.type == "run").run' rec-2)" = 2 ]
	[[ $stderr == *"1 of 2 runs count"* ]]
}

@test "--keep-going: a warm-up that fails is one" {
	take metered --warmup 1ms --keep-going sh -c 'echo ran; exit 3'
	[ "$status" -eq 3 ]
	[ "$output" = ran ]
}

# ---- at the end

@test "--notify: a shell command has the outcome, and reads what was told" {
	warns metered -o rec --notify 'env | grep ^EPI_ >outcome; cat >told' sh -c 'sleep 0.1' x
	joules=$(figure .joules)
	jq -ne "$(sed -n 's/^EPI_JOULES=//p' outcome) - $joules | fabs < 1e-6" >/dev/null
	for line in EPI_STATUS=0 EPI_RUNS=1 "EPI_COMMAND=sh -c sleep 0.1 x" EPI_RECORDS=rec EPI_TOKENS= EPI_WATTS=5; do
		grep -qx "$line" outcome
	done
	sed 's/^epi-run: //' <<<"$stderr" | cmp - told
	clean
}

@test "--notify: the tokens too, and the median of several runs" {
	slower
	warns epi-run -r 2 -s 'exec bash meter' -o rec --notify 'echo "$EPI_RUNS $EPI_TOKENS $EPI_JOULES $EPI_JOULES_PER_TOKEN" >outcome' \
		sh -c 'sh slower; cat "$0"' "$data/dllama/head-inference-1node.log" >/dev/null
	read -r runs tokens joules each <outcome
	[ "$runs $tokens" = "2 51" ]
	[ "$(runs .joules | jq -s "(add / 2 - $joules | fabs < 1e-6) and (add / 102 - $each | fabs < 1e-6)")" = true ]
}

@test "--notify: what failed, too" {
	take epi-run -s 'exit 3' --notify 'echo "$EPI_STATUS,$EPI_RUNS,$EPI_JOULES" >outcome; cat >told' true
	[ "$status" -eq 1 ]
	[ "$(cat outcome)" = 1,0, ]
	grep -q 'ended with status 3; nothing was measured' told
	take metered --notify 'echo "$EPI_STATUS,$EPI_RUNS,$EPI_JOULES" >outcome' sh -c 'exit 7'
	[ "$status" -eq 7 ]
	[ "$(cat outcome)" = 7,0, ]
}

@test "--notify: its failure is said, and changes nothing" {
	warns metered --notify 'echo x; exit 5' echo y
	[ "$output" = y ]
	[[ $stderr == *$'\nx\n'*"--notify: status 5" ]]
	take metered --notify 'exit 5' sh -c 'exit 7'
	[ "$status" -eq 7 ]
}

@test "--notify: records that cannot be written are told of, and the runs so far" {
	fails 1 metered -r 3 -o rec --notify 'echo "$EPI_STATUS $EPI_RUNS" >outcome; cat >told' \
		sh -c 'echo x >>count; [ "$(wc -l <count)" -lt 2 ] || ln -s /dev/full rec-2'
	[[ $stderr == *"run 2 of 3: "*"rec-2: No space left on device"*"2 of 3 runs count"*"median "*" J, "* ]]
	[ "$(cat outcome)" = "1 2" ]
	sed 's/^epi-run: //' <<<"$stderr" | cmp - told
	[ "$(echo rec-?)" = "rec-1 rec-2" ]
	clean
}

@test "--notify: of records that cannot be written the EPI of those before is told" {
	export data
	fails 1 epi-run -r 3 -s 'exec bash meter' -a "$data/score/accuracy.ndjson" -o rec --notify 'echo "$EPI_VALUE" >outcome' sh -c \
		'echo x >>count; [ "$(wc -l <count)" -lt 3 ] || ln -s /dev/full rec-3; cat "$data/engines/llama-cli-2025.log" >&2'
	[[ $stderr == *"rec-3: No space left on device"*"3 of 3 runs count"*"median EPI "* ]]
	[ "$(jq '.repetitions | length' rec)" = 2 ]
	jq -e "[.repetitions[].epi] | add / 2 / $(cat outcome) - 1 | fabs < 1e-8" rec >/dev/null
	clean
}

@test "--notify: what cannot go on in the background is told of" {
	warns epi-run --detach -s 'exec bash meter' -o rec --save-trace no/where --notify 'echo "$EPI_STATUS" >outcome; cat >told' touch ran 3>&- >pid
	soon test -s told
	[ "$(cat outcome)" = 1 ]
	grep -qx 'no/where: No such file or directory' told
	[ ! -e ran ]
	clean pid
}

@test "--notify: without a folder for files of ours it is told all the same" {
	export TMPDIR=$PWD/nowhere
	fails 1 metered --notify 'echo "$EPI_STATUS" >outcome; cat >told' touch ran
	[ "$(cat outcome)" = 1 ]
	grep -q '^.*/nowhere/epi-run.*: No such file or directory$' told
	[ ! -e ran ]
}

# hampered: once the file of its name is there, that call fails, once.
hampered() {
	command -v cc || skip "no cc"
	cat >hamper.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <poll.h>
		#include <string.h>
		#include <unistd.h>
		static int hampers(const char *name)
		{
			if (strcmp(program_invocation_short_name, "epi-run") != 0 || unlink(name) < 0)
				return 0;
			errno = ENOMEM;
			return 1;
		}
		int poll(struct pollfd *polls, nfds_t count, int ms)
		{
			int (*real)(struct pollfd *, nfds_t, int) = (int (*)(struct pollfd *, nfds_t, int))dlsym(RTLD_NEXT, "poll");
			return hampers("poll") ? -1 : real(polls, count, ms);
		}
		pid_t fork(void)
		{
			pid_t (*real)(void) = (pid_t (*)(void))dlsym(RTLD_NEXT, "fork");
			return hampers("fork") ? -1 : real();
		}
	END
	cc -shared -fPIC -o hamper.so hamper.c -ldl
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
}

@test "--notify: where it cannot go on, command and source have ended before" {
	hampered
	fails 1 env LD_PRELOAD="$PWD/hamper.so" epi-run -s 'echo $$ >source; exec bash meter' --no-tokens \
		--notify 'kill -0 $(cat command) $(cat source) 2>said; echo $? >outcome; grep -c "No such process" said >gone' \
		bash -c 'trap "" TERM; echo $$ >command; : >poll; while :; do sleep 0.02; done'
	[[ $stderr == "epi-run: poll: "* ]]
	[ "$(cat outcome gone | xargs)" = "1 2" ]
	clean command source
}

@test "--notify: without a process that cleans up nothing is left to clean" {
	hampered
	: >fork
	fails 1 env LD_PRELOAD="$PWD/hamper.so" epi-run -s 'exec bash meter' --no-tokens --notify 'cat >told' touch ran
	grep -q '^no process: ' told
	[ ! -e ran ]
	[ -z "$(ls tmp)" ]
}

@test "--notify-time: what takes longer is killed, with all that it started" {
	warns metered --notify-time 2s --notify 'sh -c "echo \$\$ >inner; sleep 60 & echo \$! >innermost; wait"; :' true
	[[ $stderr == *"--notify: killed after 2 s" ]]
	clean inner innermost
}

@test "--notify-time: one that never comes is no time that is over" {
	warns metered --notify-time 9223372036854775807ns --wait 9223372036854775807ns --notify 'echo "$EPI_RUNS" >outcome' true
	[ "$(cat outcome)" = 1 ]
	[[ $stderr != *killed* ]]
}

@test "--notify: a signal that came before is not for its command" {
	slowly epi-score
	sed -i '2i[ "$1" = --repetitions ] || exec '"$(command -v epi-score)"' "$@"' epi-score
	begin env PATH="$PWD:$PATH" epi-run -r 2 -s 'exec bash meter' -a "$data/score/accuracy.ndjson" --notify 'sleep 0.1; echo "$EPI_STATUS" >outcome' \
		sh -c 'sleep 0.05; cat "$0"' "$data/engines/llama-cli-2025.log"
	soon test -s working
	kill "$pid"
	: >go
	ended 0
	[ "$(cat outcome)" = 0 ]
}

@test "--notify: a signal ends its command, and that is said" {
	begin epi-run -s 'exec bash meter' --no-tokens --notify 'echo $$ >inner; exec sleep 60' true
	soon test -s inner
	kill "$pid"
	ended 0
	[[ $stderr == *"--notify: status 143" ]]
	clean inner
}

@test "--notify: a second signal kills all that its command started" {
	begin epi-run -s 'exec bash meter' --no-tokens --notify 'trap "" TERM; sh -c "echo \$\$ >inner; sleep 60; :"; :' true
	soon test -s inner
	kill "$pid"
	sleep 0.2
	kill "$pid"
	ended 143
	clean inner
}

@test "--detach: goes on after the terminal is gone, and tells it in a file" {
	command -v script >/dev/null || skip "no script(1)"
	echo 'echo out; : >begun; until [ -e go ]; do sleep 0.02; done; cut -d " " -f 6,7 /proc/$$/stat >session' >command
	echo 'epi-run --detach -s "exec bash meter" --no-tokens -o rec --notify ": >over" sh command >pid; until [ -e begun ]; do sleep 0.02; done' >typed
	timeout 20 script -qec 'sh typed' shown >/dev/null 3>&- </dev/null
	pid=$(cat pid)
	kill -0 "$pid"
	: >go
	soon test -e over
	[ "$(cat session)" = "$pid 0" ]
	grep -q "in the background as process $pid; the figures go to rec, all that is told to rec.log" shown
	grep -qx out rec.log
	grep -q '^epi-run: sh: status 0$' rec.log
	[ "$(figure .complete)" = true ]
	clean pid
}

# A FIFO whose only reader went away.
@test "--detach: where its number cannot be told nothing is measured" {
	mkfifo fifo
	for out in 'exec >/dev/full' 'exec 4<>fifo 5>fifo 4<&- >&5 5>&-'; do
		take env --default-signal=PIPE bash -c "$out; exec epi-run --detach -s 'exec bash meter' --idle 20s --no-tokens -o rec touch ran" 3>&-
		[ "$status" -eq 1 ]
		[[ $stderr == *"standard output: No space left on device" || $stderr == *"standard output: Broken pipe" ]]
		sed -n 's/.*in the background as process \([0-9]*\);.*/\1/p' .err >background
		clean background
		mkdir tmp
	done
	[ ! -e ran ]
	[ ! -s rec.log ]
}

@test "--detach: a signal to the process told ends it" {
	warns epi-run --detach -s 'exec bash meter' --no-tokens -o rec --notify ': >over' sh -c 'echo $$ >command; exec sleep 20' 3>&- >pid
	soon test -s command
	kill "$(cat pid)"
	soon test -e over
	[ "$(record .signal)" = 15 ]
	clean pid command
}

@test "--detach: without records, and with some that cannot be written" {
	fails 2 metered --detach true
	fails 1 metered --detach -o no/where true
	mkdir rec.log
	fails 1 metered --detach -o rec true
	clean
}
