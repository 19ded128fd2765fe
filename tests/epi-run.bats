# epi-run: a command, measured.
#
# The meter is a shell script whose node draws 5 W, so that the joules are five
# times the seconds; where the power has to follow the command it is epi-sim.

load lib
load tap
load run

# ---- the plain case

@test "the joules are the watts times the time of the command" {
	warns metered -o rec sleep 0.3
	[ "$(figure '.complete and .coverage == 1 and (.joules - 5 * .seconds | fabs < 1e-6)')" = true ]
	[ "$(record '.seconds >= 0.3 and .command == ["sleep", "0.3"] and .status == 0 and .signal == null')" = true ]
	[[ $stderr == *"epi-run: sleep: status 0"*" J in "*"5.000 W mean, 5.000 W peak"* ]]
	clean
}

@test "the energy is that from the begin to the end of the run record" {
	warns metered -o rec sleep 0.1
	[ "$(record '[.begin, .end]')" = "$(figure '[.begin, .end]')" ]
	[ "$(jq -c 'select(.event == "mark") | .timestamp' rec | jq -sc .)" = "$(record '[.begin, .end]')" ]
}

@test "what the command writes passes byte for byte, and its input" {
	head -c 300000 "$(command -v bash)" >bytes
	take metered --save-trace t sh -c 'cat; cat bytes >&2' <bytes
	cmp bytes .out
	head -c 300000 .err | cmp bytes -
}

@test "standard output and error stay in order where they go to one place" {
	for i in {1..200}; do echo "echo $i; echo $i >&2"; done >script
	metered sh script >both 2>&1
	[ "$(head -n 400 both)" = "$(for i in {1..200}; do echo "$i"; echo "$i"; done)" ]
}

@test "a line comes when it is written" {
	mkfifo out
	begin sh -c 'epi-run -s "exec bash meter" --no-tokens sh -c "echo first; until [ -e go ]; do sleep 0.02; done" >out'
	read -r line <out
	: >go
	ended 0
	[ "$line" = first ]
}

@test "options end where the command begins" {
	warns metered -o rec echo --idle -o x
	[ "$output" = "--idle -o x" ]
	warns metered -o rec -- echo --
	[ "$output" = -- ]
}

@test "the idle power before, and what is net of it" {
	warns metered --idle 0.2s -o rec sleep 0.2
	jq -se 'map(select(.type == "energy" and .scope == "cluster")) | map(.label) == ["idle", "run"] and
		(.[0] | .seconds >= 0.2 and (.mean_watts - 5 | fabs < 1e-6))' rec
	[[ $stderr == *"5.000 W idle; net of it "?(-)"0.000 J"* ]]
}

@test "the trace is kept where it is asked for, its start and stop in it" {
	warns metered --save-trace kept true
	[ "$(jq -r '.event // empty' kept | xargs)" = "start stop" ]
	clean
}

@test "--marks: the marks as they come" {
	warns metered --idle 0.1s --marks marks -o rec true
	[ "$(jq -r '.label + " " + .edge' marks | xargs)" = "idle begin idle end run begin run end" ]
	jq -c 'select(.event == "mark")' rec | cmp - <(jq -c . marks)
}

# ---- the status

@test "the status is the command's, of a signal 128 more" {
	for status in 1 7 255; do
		take metered -o rec sh -c "exit $status"
		[ "$status" -eq "$(record .status)" ]
		[[ $stderr == *" J in "* ]]
	done
	take metered -o rec sh -c 'kill -9 $$'
	[ "$status" -eq 137 ]
	[ "$(record '[.status, .signal]')" = "[137,9]" ]
}

@test "a command that is not there is 127, one that cannot be run 126" {
	: >plain
	fails 127 metered no-such-command
	[ "$stderr" = "epi-run: no-such-command: No such file or directory" ]
	fails 126 metered ./plain
	clean
}

@test "a command that is not there leaves no mark without an end" {
	fails 127 metered --marks marks no-such-command
	[ "$(jq -r '.label + " " + .edge' marks | xargs)" = "run begin run end" ]
}

@test "wrong command lines" {
	fails 2 epi-run true
	fails 2 epi-run -s meter
	fails 2 epi-run -s meter --tap port true
	fails 2 epi-run -s meter --node a true
	fails 2 epi-run --trace t --save-trace u true
	fails 2 metered --span tokens true
	fails 2 epi-run -s meter --terminal often true
	fails 2 epi-run -s meter --idle 0 true
	fails 2 epi-run -s meter -r 0 true
	fails 2 epi-run -s meter --silence 0 true
	fails 2 epi-run -s meter --notify-time 0 true
}

# ---- tokens

@test "the tokens of the command's output, and joules of each" {
	warns epi-run -s 'exec bash meter' -o rec cat "$data/dllama/head-inference-4node-root.log"
	[ "$(jq -c 'select(.type == "tokens") | [.generated_tokens, .node_count]' rec)" = "[27,4]" ]
	[[ $stderr == *" J/token, 27 generated"*"4 nodes, and 1 were measured"* ]]
}

# 5 W for some ms, over 51 tokens, are under a millijoule each.
@test "joules per token that are few are told to four digits" {
	warns epi-run -s 'exec bash meter' -o rec cat "$data/dllama/head-inference-1node.log" >/dev/null
	each=$(figure .joules | jq '. / 51')
	told=$(sed -n 's/^epi-run: \(.*\) J\/token, 51 generated$/\1/p' <<<"$stderr")
	jq -ne "$told / $each - 1 | fabs < 6e-4" >/dev/null
}

@test "an engine may write to standard error" {
	warns epi-run -s 'exec bash meter' -o rec sh -c 'cat "$0" >&2' "$data/dllama/head-inference-4node-root.log"
	[ "$(jq 'select(.type == "tokens").generated_tokens' rec)" = 27 ]
}

@test "options for epi-tokens are handed on" {
	warns epi-run -s 'exec bash meter' -o rec -f distributed-llama -p 15 \
		cat "$data/dllama/v0.10.6-inference-4node-root.log"
	[ "$(jq 'select(.type == "tokens").generated_tokens' rec)" = 26 ]
}

@test "options that epi-tokens does not know are told before anything is run" {
	fails 2 epi-run -s 'exec bash meter' -f nonsense touch run
	[[ $stderr == "epi-tokens: --format: "*nonsense* ]]
	fails 2 epi-run -s 'exec bash meter' -p some touch run
	[ ! -e run ]
	clean
}

@test "they are told where SIGCHLD is ignored, too" {
	fails 2 env --ignore-signal=CHLD epi-run -s 'exec bash meter' -f nonsense touch run
	[ ! -e run ]
}

@test "a command that is no engine has joules all the same" {
	warns epi-run -s 'exec bash meter' -o rec echo nothing
	[ "$(jq -r 'select(.type == "tokens").status' rec)" = uncountable ]
	[[ $stderr == *" J in "* && $stderr != *"/token"* ]]
}

@test "a log that breaks off has no joules per token: status 1" {
	partly 1 epi-run -s 'exec bash meter' -o rec cat "$data/dllama/head-4node-workerkilled-root.log"
	[[ $stderr == *"joules per token: refused"* && $stderr == *" J in "* && $stderr != *" J/token, "* ]]
}

@test "a file of --accuracy that would be written to is refused, and stays" {
	cp "$data/score/accuracy.ndjson" rec-2
	ln -s rec-2 rec.log
	for options in '-r 2 -o rec' '-o rec-2' '-r 3 -o rec-2' '-o rec --detach' '-o new --marks rec-2' '-r 2 --save-trace rec'; do
		fails 2 epi-run -s 'exec bash meter' -a rec-2 $options touch run
		[[ $stderr == "epi-run: --accuracy: rec-2: is to be written to, as "* ]]
		cmp "$data/score/accuracy.ndjson" rec-2
	done
	[ "$(ls)" = $'meter\nrec-2\nrec.log\ntmp' ]
}

# The first lines of this log came late, through a pipe: epi-tokens puts the
# begin 112 ms before them.
@test "--span tokens: from the prompt to the last token, as the lines came" {
	warns epi-run -s 'exec bash meter' --span tokens -o rec \
		sh -c 'sleep 0.3; "$@"; sleep 0.3' sh "$root/tests/replay" "$data/dllama/head-inference-1node.ts.log"
	jq -se '(map(select(.type == "tokens"))[0]) as $t | (map(select(.scope == "cluster" and .label == "run"))[0]) as $e |
		(map(select(.type == "run"))[0]) as $r |
		[$e.begin, $e.end] == [$t.begin, $t.end] and $e.seconds < $r.seconds - 0.4' rec
	[[ $stderr == *"from the prompt to the last token"* ]]
}

@test "epi-score takes the records, and takes the idle power off" {
	warns epi-run -s 'exec bash meter' --idle 0.2s -o rec \
		sh -c 'sleep 0.2; exec "$@"' sh "$root/tests/replay" "$data/dllama/head-inference-1node.ts.log"
	ok epi-score --no-accuracy rec
	jq -e '.energy.total_tokens == 51 and .energy.duration_seconds > 0 and
		(.energy.joules_per_token * 51 - .energy.total_joules | fabs < 1e-9) and
		(.net_of_idle_joules | fabs < 1e-6)' .out
}

@test "a long line and odd bytes are no harm to the log" {
	{ head -c 5000000 /dev/zero; printf '\033[31m\377\n'; cat "$data/dllama/head-inference-1node.log"; } >odd
	take epi-run -s 'exec bash meter' -o rec cat odd
	cmp odd .out
	[ "$(jq 'select(.type == "tokens").generated_tokens' rec)" = 51 ]
}

# ---- terminals

@test "--terminal: always is a terminal, never and a pipe are none" {
	warns metered --terminal always -- sh -c 'test -t 1 && test -t 2 && echo yes'
	[ "$output" = yes ]
	warns metered --terminal never -- sh -c 'test -t 1 || echo no'
	[ "$output" = no ]
	warns metered -- sh -c 'test -t 1 || echo no'
	[ "$output" = no ]
}

@test "bytes pass through a pseudo-terminal as they are, to the last one" {
	head -c 300000 "$(command -v bash)" >bytes
	warns metered --terminal always cat bytes >/dev/null
	cmp bytes .out
}

# typed KEYS CMD...: on a terminal of its own, as typed there; what it shows
# is in shown.  KEYS come once the command's file begun is there.
typed() {
	command -v script >/dev/null || skip "no script(1)"
	printf '%s ' "${@:2}" >typed
	{ soon test -e begun; printf '%b' "$1"; sleep 0.1; } |
		timeout 20 script -qec "$(cat typed)" shown >/dev/null
}

@test "what is a terminal is one to the command, of the same size" {
	typed '' "stty cols 99; epi-run -s 'exec bash meter' --no-tokens sh -c ': >begun; test -t 1 && stty size <&1'"
	grep -q '^[0-9]* 99' shown
}

@test "Ctrl-C ends the command, and its energy is told" {
	run typed '\003' "epi-run -s 'exec bash meter' --no-tokens sh -c ': >begun; exec sleep 20'"
	[ "$status" -eq 130 ]
	grep -q 'status 130' shown
	grep -q ' J in ' shown
	clean
}

# ---- signals, and the ends of everybody

@test "a signal to epi-run goes on to the command" {
	begin epi-run -s 'exec bash meter' --no-tokens sh -c 'trap "exit 5" TERM; : >begun; while :; do sleep 0.05; done'
	soon test -e begun
	kill "$pid"
	ended 5
	[[ $stderr == *"status 5"*" J in "* ]]
	clean
}

@test "a second signal kills a command that does not listen" {
	begin epi-run -s 'echo $$ >source; exec bash meter' --no-tokens sh -c 'trap "" INT; echo $$ >command; : >begun; while :; do sleep 0.05; done'
	soon test -e begun
	kill -INT "$pid"
	sleep 0.2
	kill -INT "$pid"
	ended 130
	clean source command
}

# As timeout(1) does: to the process, and to its group.
@test "a signal that is sent twice at once is one, and the energy is told" {
	for _ in {1..5}; do
		begin epi-run -s 'exec bash meter' --no-tokens sh -c ': >begun; exec sleep 20'
		soon test -e begun
		kill -TERM "$pid" "-$pid"
		ended 143
		[[ $stderr == *"sh: status 143"*" J in "* ]]
		rm begun
	done
	clean
}

@test "a signal before the command starts ends it" {
	begin epi-run -s 'echo $$ >source; exec bash meter' --idle 20s sh -c ': >begun'
	idling() { grep -q idle tmp/*/marks; }
	soon idling
	kill "$pid"
	ended 143
	[ ! -e begun ]
	clean source
}

@test "kill -9 leaves nothing behind" {
	begin epi-run -s 'echo $$ >source; bash meter & echo $! >meter.pid; wait' --no-tokens \
		sh -c 'echo $$ >command; : >begun; exec sleep 60'
	soon test -e begun
	kill -9 "$pid"
	clean source meter.pid command
}

@test "a source that ends in the middle: the command goes on, the figure is refused" {
	partly 1 epi-run -s 'exec bash meter 10' --no-tokens -o rec sh -c 'sleep 0.4; echo ended'
	[ "$output" = ended ]
	[[ $stderr == *"the source ended"*"unmeasured"*"the energy: refused"* && $stderr != *" J in "* ]]
	fails 1 epi-score --no-accuracy rec
	take epi-run -s 'exec bash meter 10' --no-tokens sh -c 'sleep 0.4; exit 9'
	[ "$status" -eq 9 ]
}

@test "a source that stops to write: the wait has a bound, the figure is refused" {
	partly 1 epi-run -s 'bash meter 20; echo; sleep 60' --no-tokens --wait 0.3s -o rec sh -c 'sleep 0.6; echo ended'
	[[ $stderr == *"the energy: refused: no samples up to the end"* ]]
	clean
}

@test "without samples nothing is run" {
	fails 1 epi-run -s 'sleep 60' --wait 0.2s touch run
	[[ $stderr == "epi-run: no sample within 0.2 s" && ! -e run ]]
	fails 1 epi-run -s 'exit 3' touch run
	[[ $stderr == *"ended with status 3; nothing was measured"* && ! -e run ]]
	clean
}

@test "noise in front of the samples does not hide them, and fails the run" {
	partly 1 epi-run -s 'head -c 3000000 /dev/zero; head -c 100000 "$(command -v bash)"; echo; exec bash meter' --no-tokens -o rec echo ran
	[ "$output" = ran ]
	[ "$(figure '.complete and .coverage == 1')" = true ]
}

@test "old records do not outlive a run that failed" {
	echo old >rec
	fails 1 epi-run -s 'exit 1' -o rec true
	[ ! -s rec ]
}

@test "a node that was announced and is silent is named" {
	fails 1 epi-run -s 'exec bash meter | sed -u "s/\[.a/[\"mute\",\"a/"' --wait 0.3s touch run
	[[ $stderr == *"no sample of mute within 0.3 s" && ! -e run ]]
}

@test "a source that does not end is killed" {
	warns epi-run -s 'trap "" TERM; bash meter & while :; do sleep 0.1; done' --no-tokens true
	[[ $stderr == *"did not end in 3 s, and was killed"* ]]
	clean
}

@test "what the command leaves running is not waited for" {
	warns metered sh -c 'sleep 30 & echo $! >left'
	kill "$(cat left)"
}

# ---- output that fails

@test "a reader that goes away is the command's SIGPIPE" {
	{ metered yes; echo $? >status; } 2>said | head -n 1 || :
	[ "$(cat status)" = 141 ]
	grep -q ' J in ' said
}

@test "output that cannot be written: the command goes on, status 1" {
	take sh -c 'epi-run -s "exec bash meter" --no-tokens sh -c "echo x; sleep 0.1; : >on" >/dev/full'
	[ "$status" -eq 1 ]
	[ -e on ]
	[[ $stderr == *"standard output: "*" J in "* ]]
}

@test "records and traces that cannot be written: status 1, and they are named" {
	fails 1 metered -o /dev/full true
	[[ $stderr == *"/dev/full: "* ]]
	fails 1 metered -o no/where touch run
	fails 1 metered --save-trace no/where touch run
	[ ! -e run ]
	clean
}

@test "records whose last bytes are lost as they are closed: the file is named" {
	command -v cc || skip "no cc"
	cat >lost.c <<-'END'
		#define _GNU_SOURCE
		#include <dlfcn.h>
		#include <errno.h>
		#include <string.h>
		int close(int fd)
		{
			int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "close"), status = real(fd);
			if (fd != 1 || strcmp(program_invocation_short_name, "epi-run") != 0)
				return status;
			errno = EDQUOT;
			return -1;
		}
	END
	cc -shared -fPIC -o lost.so lost.c -ldl
	take env ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 LD_PRELOAD="$PWD/lost.so" epi-run -r 2 -s 'exec bash meter' --no-tokens -o rec true
	[ "$status" -eq 1 ]
	[[ $stderr == *"rec-1: Disk quota exceeded"*"rec-2: Disk quota exceeded"* ]]
}

# ---- other sources

# stepping: the clock as epi-run reads it is 5 s ahead from when `stepped` is there.
stepping() {
	command -v cc || skip "no cc"
	cat >step.c <<-'END'
		#define _GNU_SOURCE
		#include <errno.h>
		#include <string.h>
		#include <sys/syscall.h>
		#include <time.h>
		#include <unistd.h>
		int clock_gettime(clockid_t id, struct timespec *now)
		{
			int result = (int)syscall(SYS_clock_gettime, id, now);
			if (id == CLOCK_REALTIME && strcmp(program_invocation_short_name, "epi-run") == 0 &&
			    access("stepped", F_OK) == 0)
				now->tv_sec += 5;
			return result;
		}
	END
	cc -shared -fPIC -o step.so step.c
	export ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0
}

@test "a clock that is set within the run moves no time of it, and is told" {
	stepping
	warns env LD_PRELOAD="$PWD/step.so" epi-run -s 'exec bash meter' --no-tokens -o rec sh -c 'sleep 0.2; >stepped; sleep 0.2'
	[ "$(figure '.complete and .seconds < 3 and (.joules - 5 * .seconds | fabs < 1e-6)')" = true ]
	[ "$(record '.warnings | length')" = 1 ]
	[[ $stderr == *"clock was set by +5.000 s"* ]]
}

@test "marks of a command whose clock was set tell no phase" {
	stepping
	warns env LD_PRELOAD="$PWD/step.so" epi-run -s 'exec bash meter' --no-tokens -o rec \
		sh -c 'epi-mark load begin >>"$EPI_MARKS"; >stepped; sleep 0.1; epi-mark load end >>"$EPI_MARKS"'
	[ "$(jq -c 'select(.label == "load")' rec)" = "" ]
	[[ $stderr == *"the command's marks are not by"* ]]
}

@test "--trace: samples of a time that is not this machine's are refused or told" {
	for shift in 5 -9; do
		sed "s/\$EPOCHREALTIME,\\\\\"node/\$((\${EPOCHREALTIME%.*} + $shift)).\${EPOCHREALTIME#*.},\\\\\"node/" meter >other
		setsid bash other >trace 3>&- &
		started+=($!)
		soon test -s trace
		take epi-run --trace trace --no-tokens --wait 1s touch "ran$shift"
		kill "$!"
		[[ $stderr == *"the samples are "* ]]
	done
	[ ! -e ran5 ]
	[ -e ran-9 ]
}

@test "--trace: the samples that somebody else's source is writing" {
	setsid bash meter >trace 3>&- &
	started+=($!)
	soon test -s trace
	warns epi-run --trace trace --no-tokens -o rec sleep 0.3
	[ "$(figure '.complete and (.joules - 5 * .seconds | fabs < 1e-6)')" = true ]
	kill -0 "${started[0]}"
}

@test "a trace that nobody writes to any more" {
	echo '{"timestamp":1700000000,"node":"a","watts":5}' >trace
	fails 1 epi-run --trace trace --wait 0.2s true
	fails 1 epi-run --trace no-trace true
	fails 1 epi-run --trace /dev/null true
}

@test "--tap: a meter on a pseudo-terminal, its channels named" {
	epi-sim --pty port --nodes 2 --for 30s 3>&- &
	started+=($!)
	soon test -e port
	warns epi-run --tap port --node pi1,pi2 --no-tokens -o rec sleep 0.3
	[ "$(figure '[.nodes, .simulated]')" = '[["pi1","pi2"],true]' ]
	[[ $stderr == *SIMULATED* ]]
}

# The figures of a log replayed in its own time, 50 Hz, are in
# tests/bench/RUN.md; here a busy machine may be late by 10 ms.
@test "a replayed engine over epi-sim: its joules per token are the true ones" {
	mkfifo marks
	log=$data/dllama/head-inference-1node.ts.log
	warns epi-run -s 'epi-sim --rate 50 --marks marks --truth truth | epi-tap -' --marks marks --idle 0.3s -o rec \
		"$root/tests/replay" "$log" 1 marks
	cut -d ' ' -f 2- "$log" | cmp - .out
	true=$(jq -s 'map(select(.label == "run").taken_joules | add) | .[1] - .[0]' truth)
	figure ".joules / $true - 1 | fabs < 0.005" | grep true
	[ "$(jq 'select(.type == "tokens").generated_tokens' rec)" = 51 ]
}
