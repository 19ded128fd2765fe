# epi-watch: the page says what the stream says, at any size, and the terminal
# is left as it was.

load lib

teardown() {
	[ ! -e session ] || terminal kill-server || true
}

# record SECONDS HERTZ: four nodes at 5, 7.5, 12.25 and, for half of the time,
# 100, then 60 W.
record() {
	awk -v seconds="$1" -v hertz="$2" 'BEGIN {
		from = 1795340400
		print "{\"timestamp\":" from ",\"type\":\"event\",\"event\":\"start\",\"instrument\":\"epi-meter\",\"instrument_id\":\"M1\",\"nodes\":[\"pi1\",\"pi2\",\"pi3\",\"pi4\"],\"rate_hz\":" hertz ",\"calibration\":{\"hash\":\"A\",\"corrected\":true,\"id\":\"c\",\"date\":1790000000,\"valid_until\":1830000000,\"traceable\":true},\"simulated\":true}"
		print "{\"timestamp\":" from ",\"type\":\"event\",\"event\":\"clock\",\"instrument_id\":\"M1\",\"bound\":0.0009}"
		for (i = 0; i <= seconds * hertz; i++) for (n = 1; n <= 4; n++)
			printf "{\"timestamp\":%.6f,\"node\":\"pi%d\",\"watts\":%.3f,\"volts\":230.10,\"power_factor\":0.598,\"hertz\":49.98}\n",
				from + i / hertz, n, n == 1 ? 5 : n == 2 ? 7.5 : n == 3 ? 12.25 : i < seconds * hertz / 2 ? 100 : 60
		print "{\"timestamp\":" from + seconds ",\"type\":\"event\",\"event\":\"stop\",\"instrument_id\":\"M1\"}" }'
}

# sample TIME NODE WATTS
sample() {
	printf '{"timestamp":%s,"node":"%s","watts":%s}\n' "$@"
}

# steady NODE WATTS FROM TO: ten samples a second.
steady() {
	awk -v node="$1" -v watts="$2" -v from="$3" -v to="$4" 'BEGIN { for (i = from * 10; i <= to * 10; i++)
		printf "{\"timestamp\":%.1f,\"node\":\"%s\",\"watts\":%s}\n", i / 10, node, watts }'
}

terminal() {
	TMUX_TMPDIR=$BATS_TEST_TMPDIR LC_ALL=C.UTF-8 tmux -u -L epi -f /dev/null "$@"
}

# open COLUMNS ROWS COMMAND: on a terminal; when it has ended, its status is in
# `status`, the terminal's modes before and after in `before` and `after`.
open() {
	command -v tmux >/dev/null || skip "no tmux (make deps-dev)"
	cat >session <<-END
		echo "what was there"; stty -g >before
		sh -c 'echo \$\$ >pid; $3'; echo \$? >status.part
		for i in \$(seq 50); do stty -g >after; cmp -s before after && break; sleep 0.1; done
		mv status.part status; exec sleep 60
	END
	terminal new-session -d -x "$1" -y "$2" "exec sh session"
}

# see TEXT: waits until it is on the screen, which is left in `screen`.
see() {
	for _ in $(seq 100); do
		terminal capture-pane -p | sed 's/ *$//' >screen
		! grep -qF -- "$1" screen || return 0
		sleep 0.1
	done
	cat screen >&2
	return 1
}

# left STATUS: the program has ended so, and the terminal is as it was.
left() {
	for _ in $(seq 100); do [ ! -e status ] || break; sleep 0.1; done
	cmp before after && see "what was there" && [ "$(cat status)" -eq "$1" ]
}

key() {
	terminal send-keys "$1"
}

# Joules: 60 s at 5, 7.5 and 12.25 W; pi4 29.9 s at 100 W, 0.1 s from 100 to 60 W
# and 30 s at 60 W are 2990 + 8 + 1800 J; 6283 J in all, a mean of 104.7 W.
# Trace: of 9 rows of 4 dots up to 150 W, 124.75 W are the 30th dot from below
# and 84.75 W the 21st; 4 rows of dots for a row of letters.
@test "100x30: the page" {
	record 60 10 >in
	LC_ALL=C.UTF-8 ok epi-watch --once --size 100x29 in >page
	diff page "$data/watch/100x29"
	grep -qF "total 84.75 W   6283.000 J   mean 104.7 W in 60.0 s   coverage 100 %   lost 0" page
}

@test "100x30 on a terminal is the same page, and has the keys" {
	record 60 10 >in
	LC_ALL=C.UTF-8 open 100 30 "cat in | epi-watch"
	see "9:41:00 UTC  SIMULATED  ENDED"
	diff <(head -n 29 screen) "$data/watch/100x29"
	tail -n 1 screen | grep -qF " q quit   p pause   s span   n node   a all   h help"
}

@test "80x24 on a terminal" {
	record 60 10 >in
	LC_ALL=C.UTF-8 open 80 24 "epi-watch in"
	see "ENDED"
	diff screen "$data/watch/80x24"
}

@test "TERM=linux has blocks, and a locale without UTF-8 has ASCII" {
	record 60 10 >in
	open 80 24 "LC_ALL=C.UTF-8 TERM=linux epi-watch in; LC_ALL=C epi-watch in"
	see "ENDED"
	diff screen "$data/watch/80x24.linux"
	key q
	see "+####"
	see "ENDED"
	diff screen "$data/watch/80x24.ascii"
}

@test "the joules are those of epi-integrate, to the last digit shown" {
	record 7 10 | sed 's/5\.000/5.001/' >in
	joules=$(epi-integrate in | jq -r 'select(.scope == "cluster").joules')
	ok epi-watch --once --size 40x1 in | grep -qF "  $(printf %.3f "$joules") J"
}

@test "a counter counts where there is one, across a gap too" {
	{ echo '{"timestamp":0,"type":"event","event":"start","nodes":["a"],"rate_hz":1,"joules_resolution":0.01}'
	for i in 0 1 2 5 6; do printf '{"timestamp":%d,"node":"a","watts":5,"joules":%d.5}\n' $i $((i * 7)); done
	echo '{"timestamp":6,"type":"event","event":"stop"}'; } >in
	ok epi-watch --once --size 40x1 in | grep -qF "5.00 W  42.000 J"
}

# counter WRAP RECORD...: of 5 W from 1000 on, a second each; RECORD is what the
# counter shows, or - for a reset, of all nodes where it is --.
counter() {
	local wrap=$1 t=1000 record
	printf '{"timestamp":1000,"type":"event","event":"start","nodes":["pi1"],"rate_hz":1%s,"joules_resolution":0.001}\n' "$wrap"
	for record in "${@:2}"; do
		case $record in
		-) printf '{"timestamp":%d,"type":"event","event":"reset","node":"pi1"}\n' $t ;;
		--) printf '{"timestamp":%d,"type":"event","event":"reset"}\n' $t ;;
		*) printf '{"timestamp":%d,"node":"pi1","watts":5,"joules":%s}\n' $((t++)) "$record" ;;
		esac
	done
	printf '{"timestamp":%d,"type":"event","event":"stop"}\n' $t
}

# shows JOULES COUNTER...: so many, as epi-integrate tells.
shows() {
	counter "${@:2}" >in
	ok epi-watch --once --size 40x1 in | grep -qF "5.00 W  $1 J"
	ok epi-integrate in | jq -es --argjson joules "$1" '.[-1].joules == $joules'
}

# 3 s at 5 W are 15 J.  The wrap at 1000 would explain 600, 605, 0, 5 as 5 + 395 + 5 J.
@test "a reset counter starts anew, where it would wrap and where it reads higher" {
	shows 15.000 ',"joules_wrap":1000' 600 605 - 0 5
	shows 15.000 '' 1 6 - 100 105
	shows 15.000 '' 1 6 -- 100 105
}

# Where the reset comes first or last, the counter tells all: 5.5 J each second.
@test "a reset before the first and behind the last sample is none in between" {
	shows 16.500 '' - 100 105.5 111 116.5 -
}

@test "a counter of another node goes on when one is reset" {
	counter '' 1 6.5 - 12 17.5 | sed '/reset/s/pi1/pi2/' >in
	ok epi-watch --once --size 40x1 in | grep -qF "5.00 W  16.500 J"
}

@test "two counters of one node at one time are malformed" {
	{ counter '' 1 6 | sed '$d'; echo '{"timestamp":1001,"node":"pi1","watts":5,"joules":7}'
	echo '{"timestamp":1002,"type":"event","event":"stop"}'; } >in
	partly 1 epi-watch --once --size 40x1 in
	[[ $stderr == *"in:4: two different samples of one node at one time"* ]]
}

@test "watts are the mean of the last whole second" {
	{ sample 100.0 a 2; sample 100.5 a 4; sample 101.0 a 6; sample 101.2 a 900; } >in
	ok epi-watch --once --size 40x1 in | grep -qF "4.00 W"
}

@test "an over-watt, a silent, a reversed node and lost samples are alarms in words" {
	{ steady a 5 100 120; steady b 5 100 103; steady c -4 100 120; sample 120.05 a 31
	echo '{"timestamp":120,"type":"event","event":"lost","node":"c","count":7}'; } >in
	ok epi-watch --once --size 120x30 --max-watts 30 in
	for alarm in "! a 31.00 W, over 30 W" "! b silent 17.1 s" "! c -4.00 W: clamp reversed?" "! c lost 7" \
		'!OVER' '!SILENT' '!REVERSED'; do grep -qF "$alarm" <<<"$output"; done
}

# 7 of each of two nodes, one of which is heard later, and 2 more of b: 16.
@test "samples lost of no node are of each, also of one that comes later" {
	{ sample 100 a 5; echo '{"timestamp":100,"type":"event","event":"lost","count":7}'
	sample 100.5 b 5; echo '{"timestamp":101,"type":"event","event":"lost","node":"b","count":2}'
	sample 101 a 5; sample 101 b 5; } >in
	ok epi-watch --once --size 100x30 in
	for words in "! a lost 7" "! b lost 9" "cov. 100 %  lost 7" "cov. 50.0 %  lost 9" "coverage 50.0 %   lost 16"; do
		grep -qF "$words" <<<"$output"
	done
	ok epi-integrate in | jq -es 'map(.lost_samples) == [7, 9, 16]'
}

@test "no alarm without a reason" {
	record 60 10 >in
	ok epi-watch --once --max-watts 100 in | grep -qF "no alarms"
}

@test "an announced node that never spoke is silent, and the total is not known" {
	{ echo '{"timestamp":100,"type":"event","event":"start","nodes":["a","z"],"rate_hz":10}'; steady a 5 100 110
	echo '{"timestamp":110,"type":"event","event":"stop"}'; } >in
	ok epi-watch --once in
	grep -qF "! z never heard in 10.0 s" <<<"$output"
	grep -qF "total - W   50.000 J" <<<"$output"
}

@test "a stream of events alone is a page of its own" {
	{ echo '{"timestamp":100,"type":"event","event":"start","nodes":["a"],"rate_hz":10}'
	echo '{"timestamp":101,"type":"event","event":"lost","node":"a","count":7}'; } >in
	partly 1 epi-watch --once in
	grep -qF "! the stream broke off: no stop event" <<<"$output"
	grep -qF "total - W   0.000 J   mean - W in 0.0 s   coverage -   lost 7" <<<"$output"
}

# 10 s at 5 W are 50 J, and b's 4 s at 3 W 12 J: a mean of 5 + 3 W, not 62 J in 10 s.
@test "the mean power is of the time that each node was measured, as epi-integrate's" {
	{ steady a 5 100 110; steady b 3 106 110; } >in
	ok epi-watch --once --size 120x30 in
	grep -qF "total 8.00 W   62.000 J   mean 8.00 W in 10.0 s   coverage 40.0 %" <<<"$output"
	[ "$(grep -c "mean 8.00 W" <<<"$output")" -eq 2 ]
	ok epi-integrate in | jq -es '.[2].mean_watts == 8'
}

# 10 W for 3 s, read every 0.5 s and 0.8 s late: the counter says nothing of 3 J of the
# first 0.8 s.
@test "a counter that is further behind than its samples are apart is not taken" {
	{ echo '{"timestamp":0,"type":"event","event":"start","nodes":["a"],"rate_hz":2,"delay_seconds":0.8,"joules_resolution":0.001}'
		for k in 00 05 10 15 20 30; do echo '{"timestamp":'${k%?}.${k#?}',"node":"a","watts":10,"joules":'$((10#$k + 8))'}'; done
		echo '{"timestamp":3.5,"type":"event","event":"stop"}'; } >in
	ok epi-watch --once --size 120x30 in
	grep -qF " 30.000 J " <<<"$output"
}

@test "coverage leaves gaps out: two of ten seconds" {
	{ steady a 5 100 104; steady a 5 106 110; } >in
	ok epi-watch --once in | grep -qF "coverage 80.0 %"
}

@test "a stream that breaks off is an alarm, and status 1" {
	record 3 10 | sed '$d' >in
	partly 1 epi-watch --once in | grep -qF "! the stream broke off: no stop event"
	partly 1 epi-watch --once in | grep -qF "BROKEN OFF"
}

@test "a start tells the calibration of what follows it, not the one before" {
	for begin in 100 200; do
		told='"corrected":true,"valid_until":90,"traceable":true'
		[ $begin = 100 ] || told='"hash":"0"'
		echo "{\"timestamp\":$begin,\"type\":\"event\",\"event\":\"start\",\"instrument_id\":\"M1\",\"nodes\":[\"a\"],\"calibration\":{$told}}"
		steady a 5 $begin $((begin + 2))
		echo "{\"timestamp\":$((begin + 2)),\"type\":\"event\",\"event\":\"stop\"}"
	done >in
	ok epi-watch --once in >page
	grep -qF "calibration not told" page
	[ "$(grep -c expired page)" = 0 ]
}

@test "an expired calibration is an alarm; none is told" {
	record 3 10 | sed 's/"valid_until":1830000000/"valid_until":1790000001/' >in
	ok epi-watch --once in | grep -qF "! epi-meter M1: calibration expired"
	record 3 10 | sed 's/"corrected":true/"corrected":false/' >in
	ok epi-watch --once in | grep -qF "not calibrated   clock +-0.9 ms   simulated"
}

# 2096-10-02 and 2099-12-03.
@test "two instruments are traceable if both are, and expire with the first" {
	started() { echo '{"timestamp":100,"type":"event","event":"start","instrument_id":"'"$1"'","nodes":["'"$1"'"],"calibration":{"corrected":true,"id":"c",'"$2"'"traceable":'"$3"'}}'; }
	rest() { steady a 5 100 101; steady b 5 100 101; printf '{"timestamp":101,"type":"event","event":"stop"}\n%.0s' 1 2; }
	{ started a '"valid_until":4000000000,' true; started b '"valid_until":4100000000,' false; rest; } >in
	ok epi-watch --once in | grep -qF "calibrated until 2096-10-02, not traceable"
	{ started a '"valid_until":4000000000,' true; started b '' true; rest; } >in
	ok epi-watch --once in | grep -qF "calibrated until 2096-10-02, traceable"
}

@test "the bound is that of the instrument's clock, not of another host's" {
	record 3 10 | sed '2a {"timestamp":1795340400,"type":"event","event":"clock","host":"meter-pi","bound":0.051}' >in
	LC_ALL=C ok epi-watch --once in | grep -qF "clock +-0.9 ms"
}

# The log has 51 tokens in 1.241178 s of decoding; 6283 J / 51 = 123.2 J.
@test "tokens of an engine's log, or of its records" {
	record 60 10 >in
	log=$data/dllama/head-inference-1node.log
	ok epi-watch --once --tokens "$log" in | grep -qF "51 tokens   41.09 tokens/s   123.2 J/token   log complete"
	epi-tokens "$log" >tokens
	ok epi-watch --once --tokens tokens in | grep -qF "51 tokens   41.09 tokens/s   123.2 J/token   log complete"
	ok epi-watch --once --tokens nowhere in | grep -qF "tokens: waiting for the log: No such file"
}

@test "a log is followed as it grows: what was there before does not count" {
	record 60 10 | sed '$d' >in
	epi-tokens "$data/dllama/head-inference-1node.log" >tokens
	mkfifo pipe
	open 100 30 "LC_ALL=C epi-watch --tokens tokens <pipe"
	exec 9>pipe
	cat in >&9
	see "0 tokens"
	cat tokens tokens >more
	cat more >>tokens
	see "102 tokens   41.09 tokens/s   61.6 J/token"
	exec 9>&-
}

@test "names are text to the terminal, whatever is in them" {
	printf '{"timestamp":%s,"node":"\\u001b[31mred\\u0007\\u009b2J\\u202e\\u00e9","watts":5}\n' 1 2 >in
	ok epi-watch --once in >page
	[ "$(LC_ALL=C grep -c "[^ -~]" page)" = 0 ]
	grep -qF " ?[31mred??2J??" page
	LC_ALL=C.UTF-8 ok epi-watch --once --glyphs ascii in | grep -qF " ?[31mred??2J?é"
	ok epi-watch in >page
	[ "$(LC_ALL=C grep -c "[^ -~]" page)" = 0 ]
}

@test "malformed records are told and counted, the others shown" {
	{ sample 100 a 5; echo nonsense; sample 101 a 5; sample 99 a 5; sample 102 a 5; } >in
	partly 1 epi-watch --once in
	grep -qF "! 2 malformed records" <<<"$output"
	[[ $stderr == *in:2:* && $stderr == *"in:4: time goes backwards"* ]]
}

# 60 columns of a second, of buckets of 0.1 s up to the one that begins at 1060:
# 20 are full, and that which ends at 1040.1 begins the second part.
@test "the trace keeps gaps blank, at every span" {
	{ steady a 5 1000 1020; steady a 5 1040 1060; } >in
	LC_ALL=C ok epi-watch --once --size 71x20 in >page
	grep -qF "   5 W +####################                   #####################" page
	ok epi-watch --once --span 5m in | grep -qF "last 5 min"
}

@test "any size, down to 1x1" {
	record 5 10 >in
	for size in 1x1 1x100 300x1 2x2 40x8 20x10 79x23 1000x1000; do
		LC_ALL=C.UTF-8 ok epi-watch --once --size $size in >page
		[ "$(wc -l <page)" -eq "${size#*x}" ]
		[ "$(wc -L <page)" -le "${size%x*}" ]
	done
}

@test "a hundred nodes are a table" {
	for i in $(seq 100); do sample 100 n$i 1; sample 101 n$i 1; done >in
	ok epi-watch --once in
	grep -qE "^ n12  +1\.00  +1\.000  +-  +-  +-  +100 %  +0$" <<<"$output"
	grep -qF "and 88 more" <<<"$output"
	grep -qF "total 100.0 W   100.000 J" <<<"$output"
}

@test "keys: node, span, pause, help, quit" {
	record 60 10 >in
	open 100 30 "cat in | LC_ALL=C epi-watch"
	see ENDED
	key n
	see "trace of pi1, last 1 min"
	key s
	see "trace of pi1, last 5 min"
	key a
	see "trace of all nodes together, last 5 min"
	key p
	see PAUSED
	key p
	see ENDED
	key h
	see "p space  pause the page"
	key x
	see "total 84.75 W"
	key q
	left 0
}

@test "quit leaves the page, and the pipe is read to its end" {
	mkfifo pipe
	open 100 30 "LC_ALL=C epi-watch <pipe"
	exec 9>pipe
	record 5 10 >&9
	see LIVE
	key q
	see "reading on to the end of the pipe"
	cmp before <(stty -g <"$(terminal display -p "#{pane_tty}")")
	for _ in 1 2 3 4; do record 5 10 >&9; done
	exec 9>&-
	left 1 # its time goes backwards
}

@test "a stopped terminal does not hold up the pipe" {
	mkfifo pipe
	open 100 30 "LC_ALL=C epi-watch --exit <pipe"
	exec 9>pipe
	record 1 50 >&9
	see LIVE
	key C-s
	record 600 50 | sed 's/17953404/17953405/; s/17953410/17953411/; /event/d' | timeout 60 cat >&9
	key C-q
	exec 9>&-
	for _ in $(seq 100); do [ ! -e status ] || break; sleep 0.1; done
	cmp before after
}

@test "--exit leaves at the end; what was said is told behind" {
	{ sample 100 a 5; echo nonsense; sample 101 a 5; } >in
	open 100 30 "LC_ALL=C epi-watch --exit in"
	left 1
	see "epi-watch: in:2: "
}

@test "a resize storm, to 1x1 and back, and the page is right" {
	record 60 10 >in
	LC_ALL=C.UTF-8 open 100 30 "epi-watch in"
	see ENDED
	for size in 1:1 200:60 3:50 80:2 5:5 1:30 100:1 7:7 80:24; do
		terminal resize-window -x ${size%:*} -y ${size#*:}
	done
	see " q quit   p pause"
	for _ in $(seq 50); do diff screen "$data/watch/80x24" >differ && break; sleep 0.1; see ENDED; done
	[ ! -s differ ]
	key q
	left 0
}

@test "killed or crashed, the terminal is as it was" {
	mkfifo pipe
	for signal in TERM INT HUP QUIT SEGV KILL; do
		rm -f status session
		open 100 30 "LC_ALL=C exec epi-watch <pipe"
		exec 9>pipe
		record 1 10 >&9
		see LIVE
		kill -$signal "$(cat pid)"
		exec 9>&-
		for _ in $(seq 100); do [ ! -e status ] || break; sleep 0.1; done
		cmp before after
		see "what was there"
		! grep -q LIVE screen
		terminal kill-server
	done
}

@test "a dumb terminal and none: a line a second" {
	{ steady a 5 100 102; } >in
	open 100 30 "TERM=dumb epi-watch in"
	see "epi-watch: the terminal (TERM) cannot be drawn on: a line a second instead"
	see "1970-01-01 00:01:42 UTC  5.00 W  10.000 J  a 5.00 W"
	[ "$(ok epi-watch in | wc -l)" -eq 3 ]
}

@test "wrong words are refused" {
	fails 2 epi-watch --size 100
	fails 2 epi-watch --size 0x5
	fails 2 epi-watch --span 7m
	fails 2 epi-watch --glyphs none
	fails 2 epi-watch --max-watts x
}
