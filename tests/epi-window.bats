# epi-window: the samples of one or many spans of time.

load lib

# sample NODE TIME [WATTS]
sample() {
	printf '{"timestamp":%s,"node":"%s","watts":%s}\n' "$2" "$1" "${3:-1}"
}

# series NODE TIME...
series() {
	local time
	for time in "${@:2}"; do
		sample "$1" "$time"
	done
}

# event KIND TIME [MEMBERS]
event() {
	printf '{"timestamp":%s,"type":"event","event":"%s"%s}\n' "$2" "$1" "${3:+,$3}"
}

# mark TIME LABEL begin|end
mark() {
	event mark "$1" "\"label\":\"$2\",\"edge\":\"$3\""
}

# brief: what $output holds, in short: a sample is its node and time, an edge
# [LABEL or LABEL] with its time, another record its event or type.
brief() {
	jq -r 'if .event == "span" then (if .edge == "begin" then "[" else "]" end) +
		"\(.label // "")\(.timestamp)" elif .type then .event // .type
		else "\(.node)\(.timestamp)" end' <<<"$output" | xargs
}

# gives WORDS: that is what $output holds.
gives() {
	[ "$(brief)" = "$1" ] || { echo "expected $1, found $(brief)" >&2; return 1; }
}

@test "the samples of a window, with a neighbour on each side and its edges" {
	ok epi-window --from 2 --to 4 < <(series a 0 1 2 3 4 5)
	gives 'a1 [2 a2 a3 a4 ]4'
}

@test "a record is passed on byte for byte" {
	line=' { "node" : "\u00e9", "x":[1, {}], "watts":1e0 ,"timestamp" :2.50 }  '
	ok epi-window --from 1 --to 3 <<<"$line"
	[ "$(sed -n 2p <<<"$output")" = "$line" ]
}

@test "an edge between two samples takes both of them along" {
	ok epi-window --from 2.5 --to 2.75 < <(series a 0 1 2 3 4 5)
	gives 'a2 [2.5 a3 ]2.75'
}

@test "an edge says when its span begins and ends, to the nanosecond" {
	ok epi-window --from 1.000000001 --to 2 --label x < <(series a 1 2)
	grep -qxF '{"timestamp":1.000000001,"type":"event","event":"span","label":"x","edge":"begin","begin":1.000000001,"end":2.000000}' <<<"$output"
	grep -qxF '{"timestamp":2.000000,"type":"event","event":"span","label":"x","edge":"end","begin":1.000000001,"end":2.000000}' <<<"$output"
}

@test "--for is a length, from --from or from the first sample on" {
	ok epi-window --from 2 --for 2s < <(series a 0 1 2 3 4 5)
	gives 'a1 [2 a2 a3 a4 ]4'
	ok epi-window --for 1500ms < <(series a 1 2 3 4)
	gives '[1 a1 a2 a3 ]2.5'
}

@test "without --to the window holds the last sample, which ends it" {
	ok epi-window --from 2 < <(series a 0 1 2 3)
	gives 'a1 [2 a2 a3 ]3'
}

@test "without --from the window begins at the first sample" {
	ok epi-window --to 2 < <(series a 0 1 2 3)
	gives '[0 a0 a1 a2 ]2'
}

@test "a time may be RFC 3339" {
	ok epi-window --from 2026-11-22T09:40:01Z --to 2026-11-22T11:40:02.000+02:00 < <(series a 1795340400 1795340401 1795340402)
	gives 'a1795340400 [1795340401 a1795340401 a1795340402 ]1795340402'
}

@test "+D counts from the first sample" {
	ok epi-window --from +1s --to +1.5 < <(series a 10 11 12 13)
	gives 'a10 [11 a11 a12 ]11.5'
	ok epi-window --from +0 --to 11 < <(series a 10 11)
	gives '[10 a10 a11 ]11'
}

@test "-D counts from the last sample: of a file, on standard input, in a pipe" {
	series a 10 11 12 13 >trace
	want='a11 [12 a12 a13 ]12.5'
	ok epi-window --from -1s --to -500ms trace
	gives "$want"
	ok epi-window --from -1s --to -500ms <trace
	gives "$want"
	ok epi-window --from -1s --to -500ms < <(cat trace)
	gives "$want"
	ok epi-window --from -1s --to -500ms - <trace
	gives "$want"
}

@test "-D is of all operands, and of the nodes wanted" {
	series a 10 11 12 >one
	series b 20 >two
	ok epi-window --from -9s one two
	gives 'a10 [11 a11 a12 b20 ]20'
	ok epi-window --from -1s --nodes a one two
	gives 'a10 [11 a11 a12 ]12'
}

@test "-D reads standard input from where it stands" {
	{ echo noise; series a 1 2 3; } >trace
	{ read -r _ && ok epi-window --from -1s; } <trace
	gives 'a1 [2 a2 a3 ]3'
}

@test "-D tells a malformed line once, and a file that is missing" {
	{ series a 1 2; echo x; } >trace
	partly 1 epi-window --from -1s trace nowhere
	[ "$(wc -l <<<"$stderr")" -eq 2 ]
	[[ $stderr == *'trace:3: '*'nowhere: '* ]]
}

@test "a file that is missing leaves no energy complete, with starts in the other or not" {
	series a 0 1 2 3 4 >trace
	{ event start 0 '"nodes":["a"],"rate_hz":1'; cat trace; event stop 5; } >started
	for file in trace started; do
		for operands in "$file nowhere" "nowhere $file"; do
			{ epi-window --from 1 --to 3 $operands || [ $? -eq 1 ]; } 2>told | { epi-integrate || [ $? -eq 1 ]; } >energy 2>>told
			[ "$(jq -c 'select(.scope == "cluster") | [.joules, .complete]' energy)" = '[2,false]' ]
		done
	done
}

@test "-D of a FIFO operand is refused: it cannot be read twice" {
	mkfifo pipe
	fails 1 timeout 10 epi-window --from -1s pipe
	[[ $stderr == "epi-window: pipe: "* ]]
}

@test "-D longer than time itself begins in 1970" {
	ok epi-window --from -200s --to 2 < <(series a 1 2)
	gives '[0 a1 a2 ]2'
}

@test "--nodes leaves out samples, events and neighbours of the others" {
	ok epi-window --nodes a,c --from 2 --to 3 < <(series b 1; series a 1 2; event lost 2 '"node":"b"'; event lost 2 '"node":"a"'; series c 2)
	gives 'a1 [2 a2 lost c2 ]3'
}

@test "--nodes rewrites the nodes of a start event, and no other byte" {
	start='{"timestamp":1, "type":"event","event":"start","nodes": ["a" , "b","\u0063"] ,"x":[0 ]}'
	ok epi-window --nodes c,a --from 1 < <(echo "$start"; echo "$start"; series a 1; series c 1; event stop 2; event stop 2)
	[ "$(grep -cxF '{"timestamp":1, "type":"event","event":"start","nodes": ["a","\u0063"] ,"x":[0 ]}' <<<"$output")" -eq 2 ]
}

# Channel 1 is known to 10 %, and its node is a; of b's channel 2 nothing is known.
@test "--nodes leaves each node its channel, and so its calibration" {
	zero='[0,0,0,0,0,0]'
	for lists in '"nodes":["a","b"],"channels":[1,2]' '"channels":[1,2],"nodes":["a","b"]'; do
		{ event start 0 "\"instrument\":\"m\",\"instrument_id\":\"m\",\"rate_hz\":1,\"calibration\":{\"corrected\":true},$lists"
			echo '{"type":"calibration","format":1,"id":"00ff","meter":{"id":"m"},"channels":[{"channel":1,"power":{"offset_watts":0,"gain":1,"phase_radians":0,"offset_vars":0},"covariance":['$zero,$zero,$zero,$zero,$zero,$zero'],"valid":{"watts":[0,9]},"sources":[{"source":"fit","key":"fit:1","type":"A","distribution":"normal","nu":9,"scope":"channel","coefficients":[0,0.1,0,0,0,0]}]}]}'
			for t in 0 1 2 3; do sample a $t; sample b $t; done
			event stop 4; } >trace
		for node in a b; do
			epi-window --nodes "$node" --from 0 --to 3 trace | epi-integrate >"$node.energy"
		done
		[ "$(jq -c 'select(.scope == "node") | any(.budget[]?; .source == "fit")' a.energy b.energy | xargs)" = 'true false' ]
	done
	ok epi-window --nodes a,b --from 0 trace
	grep -qF '"channels":[1,2],"nodes":["a","b"]' <<<"$output"
}

@test "--nodes misses a node that is not there" {
	partly 1 epi-window --nodes a,z --from 1 < <(series a 1 2)
	[ "$stderr" = "epi-window: no sample of node z" ]
}

@test "--only leaves the neighbours out" {
	ok epi-window --only --from 1.5 --to 4 < <(series a 0 1 2 3 4 5)
	gives '[1.5 a2 a3 ]4'
}

@test "each node has its own neighbours" {
	ok epi-window --from 2 --to 3 < <(sample a 1; sample b 1.5; sample a 1.9; sample b 1.8; sample a 2; sample b 3; sample a 3.5; sample b 4; sample a 5)
	[ "$(brief | xargs -n 1 | grep '^[ab]' | sort | xargs)" = 'a1.9 a2 a3.5 b1.8 b3' ]
}

@test "a node that fell silent before the begin, or woke behind the end, is a neighbour" {
	ok epi-window --from 3 --to 4 < <(series a 1 2; series b 2 3 4; series c 6 7)
	gives 'b2 [3 b3 b4 c6 a2 ]4'
}

@test "--sorted: neighbours stand outside the edges, which are written at once" {
	ok epi-window --sorted --from 2 --to 3 < <(for t in 0 1 2 3 4; do sample a $t; sample b $t.5; done)
	gives 'a1 b1.5 [2 a2 b2.5 ]3 a3 b3.5'
}

# 100 nodes, 3 samples of each, in a span from the first one on: 300 samples and
# two edges.
@test "--sorted: a hundred nodes at the begin edge are as without it" {
	for t in 1000 1001 1002; do for n in {1..100}; do sample "x$n" $t; done; done >trace
	epi-window --from 1000 --to 1002.5 trace | sort >want
	for way in trace -; do
		ok epi-window --sorted --from 1000 --to 1002.5 $way < <(cat trace)
		[ "$(wc -l <<<"$output")" -eq 302 ]
		sort <<<"$output" | cmp - want
	done
}

@test "--sorted: an end edge waits for every node, once the stream was started" {
	ok epi-window --sorted --from 1 --to 3 < <(event start 0; for t in 0 1 2 3 4; do sample a $t; sample b $t.5; done)
	gives 'start a0 b0.5 [1 a1 b1.5 a2 b2.5 a3 ]3 b3.5'
}

# Of the span 1 to 4 node b has samples up to 2.
@test "--sorted: a node that broke off in the span leaves it without end, as it does without" {
	{ event start 0; sample a 1; sample b 1; sample a 2; sample b 2; series a 3 4 5; } >trace
	for way in '' --sorted '--sorted --only'; do
		ok epi-window $way --from 1 --to 4 trace
		[ "$(grep -c edge <<<"$output")" -eq 1 ]
		ok epi-window $way --from 1 --to 4 < <(cat trace)
		[ "$(grep -c edge <<<"$output")" -eq 1 ]
	done
	{ cat trace; event stop 6; } >stopped
	for way in '' --sorted; do
		ok epi-window $way --from 1 --to 4 stopped
		[ "$(grep -c edge <<<"$output")" -eq 2 ]
	done
}

@test "--sorted: of two spans the one that a node did not live to see has no end" {
	{ mark 1 x begin; mark 2 x end; mark 2.5 y begin; mark 4 y end; } >marks
	ok epi-window --sorted --span marks < <(event start 0; for t in 1 2 3; do sample a $t; sample b $t; done; series a 4 5)
	gives 'start [x1 a1 b1 a2 ]x2 b2 [y2.5 a3 b3 a4'
}

@test "--span takes marks by their label, and answers by their id" {
	{ mark 1 prefill begin; mark 2 prefill end; mark 2 decode begin; mark 3 decode end; } >marks
	ok epi-window --sorted --span marks < <(series a 1 2 3 4)
	gives '[prefill1 a1 [decode2 ]prefill2 a2 ]decode3 a3'
	echo '{"type":"answer","id":"mmlu/7","begin":1,"end":"1970-01-01T00:00:02Z"}' >answers
	ok epi-window --span answers < <(series a 1 2 3)
	gives '[mmlu/71 a1 a2 ]mmlu/72'
}

@test "--span takes the tokens of a log; what has no time makes no span" {
	echo '{"type":"tokens","generated_tokens":5,"begin":1,"end":2}' >tokens
	echo '{"type":"accuracy","correct":5}' >>tokens
	sample a 7 >>tokens
	echo '{"type":"tokens","begin":null,"end":null}' >>tokens
	ok epi-window --span tokens < <(series a 1 2 3)
	gives '[1 a1 a2 ]2'
}

@test "--span: marks nest, also under one label, and a label may come again" {
	{ mark 1 x begin; mark 2 x begin; mark 3 x end; mark 4 x end; mark 5 x begin; mark 6 x end; } >marks
	ok epi-window --span marks < <(series a 1 2 3 4 5 6 7)
	gives '[x1 a1 [x2 a2 a3 a4 [x5 a5 a6 ]x4 ]x3 ]x6'
	[ "$(jq -r 'select(.edge == "end") | "\(.begin)-\(.end)"' <<<"$output" | xargs)" = '1-4 2-3 5-6' ]
}

@test "--span with --label takes the spans of that name alone" {
	{ mark 1 x begin; mark 2 y begin; mark 3 x end; } >marks
	ok epi-window --span marks --label x < <(series a 1 2 3)
	gives '[x1 a1 a2 a3 ]x3'
	fails 1 epi-window --span marks --label z < <(series a 1 2 3)
	[ "$stderr" = "epi-window: marks: no span named z" ]
}

@test "--span of a windowed stream is its window again, an open end too" {
	series a 1 2 3 >trace
	epi-window --from 2 --label x trace >open
	epi-window --from 2 --to 3 --label x trace >closed
	ok epi-window --span open trace
	gives 'a1 [x2 a2 a3 ]x3'
	ok epi-window --span closed trace
	gives 'a1 [x2 a2 a3 ]x3'
}

@test "--span tells a mark that makes no span" {
	partly 1 epi-window --span <(mark 1 x begin; mark 1 y end; mark 2 x end) < <(series a 1 2)
	[[ $stderr == *':2: the end of "y" has no begin' ]]
	partly 1 epi-window --span <(mark 1 x begin; mark 1 y begin; mark 2 x end) < <(series a 1 2)
	[[ $stderr == *': the begin of "y" has no end' ]]
	partly 1 epi-window --span <(mark 1 x begin; mark 2 x end; mark 5 x begin; mark 4 x end) < <(series a 1 2)
	[[ $stderr == *':4: "x" ends before it begins' ]]
	partly 1 epi-window --span <(mark 1 x begin; mark 2 x end; mark null y end) < <(series a 1 2)
	[[ $stderr == *':3: a mark of "y" without timestamp' ]]
}

@test "--span of a file without spans, or of none, is an error" {
	fails 1 epi-window --span <(series a 1) < <(series a 1)
	[[ $stderr == *': no span' ]]
	fails 1 epi-window --span nowhere < <(series a 1)
}

@test "of overlapping spans a sample is written once" {
	{ mark 1 x begin; mark 2 y begin; mark 3 x end; mark 4 y end; } >marks
	ok epi-window --sorted --span marks < <(series a 0 1 2 3 4 5)
	gives 'a0 [x1 a1 [y2 a2 ]x3 a3 ]y4 a4'
}

@test "a sample behind one span and before the next is written once" {
	{ mark 1 x begin; mark 2 x end; mark 3 y begin; mark 4 y end; } >marks
	ok epi-window --sorted --span marks < <(series a 0.5 1.5 2.5 3.5 4.5)
	gives 'a0.5 [x1 a1.5 ]x2 a2.5 [y3 a3.5 ]y4 a4.5'
}

@test "two spans between two samples: both neighbours, once" {
	{ mark 1.1 x begin; mark 1.2 x end; mark 1.3 y begin; mark 1.4 y end; } >marks
	ok epi-window --span marks < <(series a 0 1 2 3)
	gives 'a1 [x1.1 [y1.3 a2 ]x1.2 ]y1.4'
}

# The plain filter of the next two: every line of the trace is looked at for
# every window, node by node.  The trace is of three nodes whose clocks and
# rates differ: in the order of a merge that lags, in the order of time, and
# one node's file behind the other's.  Half of the edges fall on a sample.
windows() { # COUNT [MILLISECONDS]
	awk -v count="$1" -v ms_end="${2:-25000}" '
	function half() { x = (1664525 * x + 1013904223) % 4294967296; return int(x / 65536) }
	function r(n) { return (half() * 65536 + half()) % n }
	BEGIN {
		x = 7
		for (n = 0; n < 3; n++) for (ms = 5000 + r(90); ms < ms_end; ms += 1 + r(n == 2 ? int(ms_end / 12) : 200))
			printf "%d %d {\"timestamp\":%d.%03d,\"node\":\"n%d\",\"watts\":%d}\n", ms, n, ms / 1000, ms % 1000, n, r(99) >"all"
		close("all")
		system("sort -k 2,2n -k 1,1n all >appended; sort -k 1,1n -k 2,2n all >sorted")
		system("awk \"{ print \\$1 + \\$2 * 350, \\$0 }\" all | sort -s -k 1,1n | cut -d \" \" -f 2- >lagging")
		system("for order in appended sorted lagging; do cut -d \" \" -f 3- <$order >$order.ndjson; done")
		while ((getline line <"all") > 0) { split(line, f, " "); at[samples++] = f[1] }
		for (i = 0; i < count; ) {
			a = r(2) ? at[r(samples)] : 5200 + r(ms_end - 6000)
			b = r(2) ? at[r(samples)] : 5200 + r(ms_end - 6000)
			if (a < b && (b < a + 30000 || r(10) == 0) && ++i) {
				order = r(3) == 0 ? "appended" : r(2) ? "sorted" : "lagging"
				printf "%d %d %s --from %d.%03d --to %d.%03d%s%s\n", a, b, order, a / 1000, a % 1000,
					b / 1000, b % 1000, order == "sorted" ? " --sorted" : "", r(2) ? " --only" : ""
			}
		}
	}'
}

# told: the lines of a window as "ms node" of samples, and edges.
told() {
	sed -E 's/\{"timestamp":([0-9]+)\.([0-9]{3}),"node":"n(.)".*/\1\2 \3/; s/.*"edge":"(begin|end)".*/\1/'
}

# plain: for each window of standard input, what it must hold: every node's
# samples in order, each once, the neighbours unless --only.
plain() {
	awk '
	BEGIN { count = 0; while ((getline line <"appended") > 0) { split(line, f, " "); t[count] = f[1]; of[count++] = f[2] } }
	{
		only = /--only/; before = ""; node = -1
		for (i = 0; i <= count; i++) {
			if (i == count || of[i] != node) {
				if (node >= 0) print NR ":" node ":" (only ? "" : before) out
				if (i == count) break
				node = of[i]; before = out = ""; behind = only
			}
			if (t[i] < $1) before = " " t[i]
			else if (t[i] < $2) out = out " " t[i]
			else if (!behind++) out = out " " t[i]
		}
	}'
}

# compare: the windows of the list hold what the plain filter finds.
compare() {
	plain <list >want
	# shellcheck disable=SC2086 # words on purpose
	while read -r begin end order options; do
		echo window
		epi-window $options "$order.ndjson"
	done <list | told >found
	awk 'function tell() { for (n = 0; w && n < 3; n++) print w ":" n ":" out[n] }
		/window/ { tell(); w++; split("", out) } NF == 2 { out[$2] = out[$2] " " $1 } END { tell() }' found >got
	cmp want got
}

@test "random windows of three nodes in any order hold what a plain filter finds" {
	windows $((${EPI_ROUNDS:-20} * 50)) >list
	compare
}

@test "so do fifty of a megabyte in the order of time, of which little is read" {
	windows 150 1200000 | grep sorted >list
	[ "$(wc -c <sorted.ndjson)" -gt 1000000 ]
	compare
}

@test "each of these windows has one begin before its samples, and one end behind" {
	windows 100 >list
	# shellcheck disable=SC2086 # words on purpose
	while read -r begin end order options; do
		epi-window $options "$order.ndjson" | told | awk -v b="$begin" -v e="$end" '
			/begin/ { if (state++) exit } /end/ { if (state++ != 1) exit }
			NF == 2 && $1 >= b && $1 < e && state != 1 { state = 9; exit } END { print state }'
	done <list >found
	[ "$(sort found | uniq -c | xargs)" = "100 2" ]
}

@test "500 overlapping spans at once: each sample of any, and their neighbours, once" {
	windows 500 >list
	awk '{ printf "{\"type\":\"x\",\"begin\":%d.%03d,\"end\":%d.%03d}\n", $1 / 1000, $1 % 1000, ($1 + 30) / 1000, ($1 + 30) % 1000
		print $1, $1 + 30 >"short" }' list >spans
	plain <short | awk -F: '{ n = split($3, t, " "); for (i = 1; i <= n; i++) print t[i], $2 }' | sort -u >want
	for order in appended sorted lagging; do
		epi-window --span spans "$order.ndjson" | told | grep -v '[bn]' | sort | cmp - want
	done
}

@test "starts and stops pass, other events where they touch the span, the stop behind its end" {
	ok epi-window --from 2 --to 4 < <(event start 0; event clock 0; series a 1; event lost 2 '"begin":1,"end":2'; series a 2 3; event gap 9 '"begin":3,"end":9'; event clock 4; series a 5; event stop 6)
	gives 'start clock [2 lost a1 a2 a3 gap a5 ]4 stop'
}

# clocks: of two instruments and a host, in the middle of samples.
clocks() {
	event start 0
	event clock 0 '"host":"h","n":1'
	event clock 1 '"instrument_id":"x","n":2'
	series a 1
	event clock 1 '"instrument_id":"y","n":3'
	event clock 2 '"instrument_id":"x","n":4'
	series a 2 4
	event clock 4 '"instrument_id":"x","n":5'
	series a 6
	event clock 6 '"instrument_id":"x","n":6'
	series a 8
	event clock 9 '"instrument_id":"y","n":7'
	series a 10
	event stop 10
}

@test "of each clock the last event before a span passes, whatever the order and the way" {
	clocks >trace
	for way in '' --sorted '--only --sorted'; do
		ok epi-window --from 3 --to 4 $way trace
		[ "$(sed -n 's/.*"n":\(.\).*/\1/p; s/.*"edge".*/e/p' .out | xargs)" = "1 4 3 e e" ]
	done
	{ mark 3 s begin; mark 4 s end; mark 7 s begin; mark 8 s end; } >marks
	for way in '' --sorted; do
		ok epi-window --span marks $way trace
		[ "$(sed -n 's/.*"n":\(.\).*/\1/p' .out | xargs)" = "1 4 3 6" ]
	done
	# behind a sample of the span, as one file behind another
	ok epi-window --from 3 --to 4 < <(grep -v clock trace; grep clock trace)
	[ "$(sed -n 's/.*"n":\(.\).*/\1/p' .out | xargs)" = "1 2 3 4" ]
}

# 50 Hz of 8 nodes in one: 65 kB a second.  By time the clock of 1060 is the last
# one before 1110; that of 1000 stands before the first sample.
@test "--sorted finds the clock that the plain way finds, however fast and far" {
	{
		event clock 1000 '"n":1'
		awk 'BEGIN { pad = sprintf("%6400s", ""); for (t = 10000; t < 13000; t++) {
			if (t == 10600) print "{\"timestamp\":1060,\"type\":\"event\",\"event\":\"clock\",\"n\":2}"
			printf "{\"timestamp\":%d.%d,\"node\":\"a\",\"watts\":1}%s\n", t / 10, t % 10, pad } }'
	} >trace
	for from in 1057 1110 1175 1290; do
		for way in '' --sorted; do
			ok epi-window --from $from --for 2s $way trace
			[ "$(sed -n 's/.*"n":\(.\).*/\1/p' .out | xargs)" = $((from < 1060 ? 1 : 2)) ]
		done
	done
}

@test "a clock event behind a span that has no sample is the next one's" {
	{ event clock 0 '"n":1'; series a 2; event clock 5 '"n":2'; series a 6 10 12; } >trace
	{ mark 3 s begin; mark 4 s end; mark 10 s begin; mark 11 s end; } >marks
	for way in '' --sorted; do
		ok epi-window --span marks $way trace
		[ "$(sed -n 's/.*"n":\(.\).*/\1/p; s/.*"edge":"begin".*/b/p' .out | xargs)" = "1 b 2 b" ]
	done
}

@test "of the clock events of two files the later one counts, not the last to come" {
	{ series a 1; event clock 8 '"n":1'; series a 8; } >one
	{ event clock 2 '"n":2'; series b 2 12; } >two
	ok epi-window --from 10 --to 11 one two
	[ "$(sed -n 's/.*"n":\(.\).*/\1/p' .out)" = 1 ]
}

# The bound of a clock is 0.1 s, and the power 1 W at one edge and 3 W at the
# other: by the rectangle of a shift, 0.2 J.
@test "a span's energy is as uncertain behind epi-window as by its marks" {
	event start 0 '"rate_hz":1,"nodes":["a"],"averaging_seconds":1,"uncertainty":{"offset_watts":0}' >trace
	event clock 0 '"bound":0.1' >>trace
	for t in 0 1 2 3 4 5; do printf '{"timestamp":%s,"node":"a","watts":%s}\n' $t $t; done >>trace
	event stop 6 >>trace
	for way in '' --sorted; do
		ok epi-window --from 1 --to 3 $way trace >window
		epi-integrate window | jq -se 'any(.[]; any(.budget[]?; .source == "clock" and (.c_joules - 0.2 | fabs) < 1e-9))'
	done
}

# reset_at TIME: 2 W of two nodes, whose counters go on at 50 and at 60 J after a
# reset of both between the samples of 2 and of 3.
reset_at() {
	event start 0 '"rate_hz":1,"nodes":["a","b"],"joules_resolution":0.000001'
	for t in 0 1 2 3 4 5; do
		[ "$t" != 3 ] || event reset "$1" '"instrument_id":"x"'
		for node in a b; do
			printf '{"timestamp":%s,"node":"%s","watts":2,"joules":%s}\n' "$t" "$node" $((2 * t + (t > 2 ? 44 : 0)))
		done
	done
	event stop 6
}

# Each span is 1.5 s of 2 nodes of 2 W, 6 J; where the counter is believed, half of
# 46 J or more is added for each.
@test "a reset between a span's edge and its neighbour parts these two samples" {
	reset_at 2.2 >before
	reset_at 2.7 >behind
	for way in '' --sorted; do
		for window in '2.5 4 before' '2.1 3.6 before' '1 2.5 behind' '1.2 2.7 behind'; do
			read -r from to trace <<<"$window"
			epi-window --from "$from" --to "$to" $way "$trace" | epi-integrate >energy
			[ "$(jq -c 'select(.scope == "cluster") | [.joules, .method]' energy)" = '[6,"trapezoid"]' ]
		done
	done
}

@test "a reset of every node behind a sample that waits stops at its own node" {
	reset_at 2.2 | sed '/"node":"b"/d; s/,"b"//' >trace
	sed -i '3i {"timestamp":0.5,"node":"c","watts":2,"joules":7}' trace
	sed -i '$i {"timestamp":5.5,"node":"c","watts":2,"joules":9}' trace
	for way in '' --sorted; do
		epi-window --from 3.5 --to 5 $way trace | epi-integrate >energy
		[ "$(jq -c 'select(.node == "a") | [.joules, .method]' energy)" = '[3,"counter"]' ]
		[ "$(jq -c 'select(.node == "c") | .method' energy)" = '"trapezoid"' ]
	done
}

@test "lost samples that reach into a span count in it, whenever they were told" {
	{ event start 0 '"nodes":["a"],"rate_hz":1'; series a 0 1; event lost 1.5 '"begin":1.5,"end":3,"count":7,"node":"a"'; series a 4 5 6; event stop 7; } >trace
	for way in '' --sorted; do
		epi-window --from 2 --to 5 $way trace | epi-integrate >energy
		[ "$(jq -c 'select(.scope == "cluster").lost_samples' energy)" = 7 ]
	done
}

# y begins when the span is over; what breaks off in the span is x, which no stop of
# y's makes up for.
@test "a tap that began behind all spans adds no node to them, and no stop" {
	{ event start 0 '"instrument_id":"x","nodes":["a"],"rate_hz":1'; series a 0 1 2 3; } >x
	{ event start 100 '"instrument_id":"y","nodes":["b"],"rate_hz":1'; series b 100 101; event stop 102; } >y
	for way in '' --sorted; do
		{ cat x; series a 4 5; event stop 6; cat y; } >trace
		epi-window --from 1 --to 4 $way trace | epi-integrate >energy
		[ "$(jq -c 'select(.scope == "cluster") | [.nodes, .joules, .complete]' energy)" = '[["a"],3,true]' ]
		# it lies between the last sample and the end, of a span that is copied
		series b {102..130} | sed "s/}/&$(printf '%6400s' '')/" >>trace
		event stop 131 >>trace
		epi-window --from 1 --to 7 $way trace | epi-integrate >energy
		[ "$(jq -c 'select(.scope == "cluster") | [.nodes, .joules, .complete]' energy)" = '[["a"],4,true]' ]
		cat x y >trace
		epi-window --from 1 --to 4 $way trace | { epi-integrate >energy 2>told || grep -q incomplete told; }
		[ "$(jq -c 'select(.scope == "cluster") | [.nodes, .complete]' energy)" = '[["a"],false]' ]
	done
}

@test "what a later tap told of is taken where files come in another order" {
	{ event start 100 '"instrument_id":"y","nodes":["b"]'; event stop 102; } >late
	{ series a 0 1 2; series b 0 1 2; event stop 3; } >early
	for files in 'late early' 'early late'; do
		# shellcheck disable=SC2086
		epi-window --from 0 --to 2 $files | epi-integrate >energy
		[ "$(jq -c 'select(.scope == "cluster") | [.nodes, .joules, .complete]' energy)" = '[["a","b"],4,true]' ]
	done
}

@test "an event before the first sample passes if it lies in the span" {
	ok epi-window --from 1 --to 9 < <(event lost 1 '"begin":1,"end":2'; series a 2 9)
	gives '[1 lost a2 a9 ]9'
}

@test "a record of another type passes where its time lies in the span" {
	ok epi-window --from 1 --to 3 < <(series a 1; echo '{"type":"tokens","begin":2,"end":5}'; echo '{"type":"tokens"}'; series a 3)
	gives '[1 a1 tokens a3 ]3'
}

@test "a stream that broke off before the end has no end edge" {
	ok epi-window --from 1 --to 5 < <(event start 0; series a 1 2)
	gives 'start [1 a1 a2'
	ok epi-window --from 1 < <(event start 0; series a 1 2)
	gives 'start [1 a1 a2'
}

@test "a stream that broke off behind the end, or ended in order, has it" {
	ok epi-window --from 1 --to 5 < <(event start 0; series a 1 5)
	gives 'start [1 a1 a5 ]5'
	ok epi-window --from 1 --to 5 < <(event start 0; series a 1 2; event stop 3)
	gives 'start [1 a1 a2 ]5 stop'
}

@test "one of two taps broke off: no end edge until every node has passed it" {
	ok epi-window --from 1 --to 3 < <(event start 0; event start 0; sample a 1; sample b 1; series a 2 3 4; event stop 4)
	gives 'start start [1 a1 b1 a2 a3 stop'
}

@test "a window behind the stream is empty: both are shown" {
	partly 1 epi-window --from 1970-01-01T01:05:00Z --to 1970-01-01T01:05:10Z < <(series a 1 2)
	[ "$stderr" = "epi-window: no sample from 1970-01-01T01:05:00Z to 1970-01-01T01:05:10Z; the stream runs from 1970-01-01T00:00:01Z to 1970-01-01T00:00:02Z" ]
	gives 'a2 [3900 ]3910'
}

@test "a window before the stream is empty" {
	partly 1 epi-window --from 1 --to 2 < <(series a 2 3)
	[[ $stderr == 'epi-window: no sample from '* ]]
	gives '[1 a2 ]2'
}

@test "an empty window that quarter-hours would bring into the stream asks for the time zone" {
	zone() { partly 1 epi-window --from "$1" --for 5s < <(series a 100000 100010); }
	zone 1970-01-02T02:46:42Z
	[[ $stderr == *'from 1970-01-02T02:46:42Z to 1970-01-02T02:46:47Z; '*': is the time zone off by +01:00?' ]]
	zone 1970-01-02T09:31:42Z
	[[ $stderr == *'off by -05:45?' ]]
	zone 1970-01-02T02:46:32Z
	[[ $stderr != *'time zone'* ]]
}

@test "of many spans each empty one is told" {
	{ mark 1 x begin; mark 2 x end; mark 7 y begin; mark 8 y end; mark 9 z begin; mark 10 z end; } >marks
	partly 1 epi-window --span marks < <(series a 1 2)
	[ "$(grep -c 'no sample from' <<<"$stderr")" -eq 2 ]
}

@test "a window between two samples is measured, not empty" {
	ok epi-window --from 1.2 --to 1.8 < <(series a 1 2)
	gives 'a1 [1.2 a2 ]1.8'
}

@test "no sample at all is a failure; what stood there is passed on" {
	fails 1 epi-window --from 1 </dev/null
	partly 1 epi-window --from 1 < <(event start 0; event stop 1)
	gives 'start stop'
}

@test "a malformed record is told, left out, and the rest is done" {
	partly 1 epi-window --from 1 < <(series a 1; echo '{"timestamp":2,"node":"a"}'; event lost '"noon"'; series a 3)
	[ "$stderr" = $'epi-window: standard input:2: no "watts"\nepi-window: standard input:3: "timestamp" is not a time' ]
	gives '[1 a1 a3 ]3'
}

@test "samples pass through a pipe before the input ends" {
	mkfifo pipe
	epi-window --from 2 --to 3 --sorted <pipe >out 3>&- &
	exec 4>pipe
	for t in 1 2; do sample a $t >&4; timeout 10 sh -c "until grep -q 'timestamp\":2,' out; do [ $t = 2 ] || exit 0; sleep 0.02; done"; done
	sample a 3 >&4
	timeout 10 sh -c 'until grep -q "edge\":\"end" out; do sleep 0.02; done'
	exec 4>&-; wait $!
}

@test "an interrupt ends the pipe with what is there, and the end edge" {
	mkfifo pipe
	epi-window --from 1 <pipe >out 3>&- &
	exec 4>pipe
	series a 1 2 >&4; timeout 10 sh -c 'until grep -q "timestamp\":2," out; do sleep 0.02; done'
	kill -INT $!; exec 4>&-; wait $!; output=$(cat out); gives '[1 a1 a2 ]2'
}

@test "times far outside are no crash" {
	partly 1 epi-window --from 9223372036.8 --for 1000d < <(sample a 9223372036.7)
	ok epi-window --from 1 --for 106000d < <(series a 1 2)
	ok epi-window --to +106000d < <(sample a 9223372036)
}

@test "a window that ends before it begins is refused" {
	fails 2 epi-window --from 2 --to 2
	fails 2 epi-window --from +2s --to +1s
	fails 2 epi-window --from -1s --to -1s
	fails 1 epi-window --from 3 --to +1s < <(series a 1 5)
	[ "$stderr" = "epi-window: the window ends before it begins" ]
}

@test "a wrong command line is status 2, and says why" {
	for wrong in '' '--from' '--from noon' '--from 1 --to 2026-13-01T00:00:00Z' '--for 0' '--for x' '--from +x' '--to --5' \
		'--to 1 --for 1' '--span f --from 1' '--span f --for 1' '--nodes a,,b --from 1' '--from 1 --no-such'; do
		# shellcheck disable=SC2086 # words on purpose
		fails 2 epi-window $wrong || return 1
	done
}

# Two hours of three nodes, 4 samples a second; its lines are padded, so that
# a look at the tail or the head is not a look at all.
long_trace() {
	awk 'BEGIN {
		print "{\"timestamp\":1000,\"type\":\"event\",\"event\":\"start\",\"nodes\":[\"a\",\"b\",\"c\"],\"rate_hz\":4}"
		pad = sprintf("%150s", "")
		for (i = 0; i < 28800; i++) {
			if (i == 20000) printf "{\"timestamp\":%.2f,\"type\":\"event\",\"event\":\"lost\",\"count\":1}\n", 1000 + i / 4
			for (n = 0; n < 3; n++) if (n < 2 || i % 4000 < 3000)
				printf "{\"timestamp\":%.2f,\"node\":\"%s\",\"watts\":%d,\"pad\":\"%s\"}\n", 1000 + i / 4, substr("abc", n + 1, 1), i % 97, pad
		}
		print "{\"timestamp\":8200,\"type\":\"event\",\"event\":\"stop\"}"
	}'
}

@test "--sorted finds in a file what it would find by reading all of it" {
	long_trace >trace
	for window in '--from 3000.1 --for 60s' '--from 2500 --to 7000' '--from 1700 --for 1s' '--to 1005' '--from 8190' \
		'--from 3000 --for 10s --nodes a,c' '--from 1800.1 --for 5s --only' '--from +30m --for 1s' '--from -1h' '--from 900 --to 9000'; do
		# shellcheck disable=SC2086 # words on purpose
		epi-window --sorted $window trace | sort >found
		# shellcheck disable=SC2086
		cat trace | epi-window --sorted $window | sort | cmp - found
		# shellcheck disable=SC2086
		epi-window --sorted $window <trace | sort | cmp - found
	done
}

# Taps A and B, merged: A from 1000 to its stop at 5000, B from 1000.5 to 3999,
# where it broke off.
merged() {
	event start 1000 '"instrument_id":"A","nodes":["a"],"rate_hz":1'
	sample a 1000
	event start 1000.5 '"instrument_id":"B","nodes":["b"],"rate_hz":1,"joules_wrap":9'
	awk 'BEGIN { for (t = 1001; t < 5000; t++) for (n = 0; n < (t < 4000 ? 2 : 1); n++)
		printf "{\"timestamp\":%d,\"node\":\"%s\",\"watts\":1}\n", t, substr("ab", n + 1, 1) }'
	event stop 5000
}

# Of the 500 s node b has 499, 0.998 of them.
@test "--sorted: of two taps one broke off in the span, and its start came late" {
	merged >trace
	warns epi-window --sorted --from 3500 --to 4000 trace
	[ "$stderr" = "epi-window: trace: of 2 started taps 1 stopped at its end; all of it is read" ]
	grep -q '"joules_wrap":9' <<<"$output"
	mv .out window
	partly 1 epi-integrate window
	[ "$(jq -sc 'map([.node, .complete, .coverage])' <<<"$output")" = '[["a",false,1],["b",false,0.998],[null,false,0.998]]' ]
}

@test "--sorted: a span before one of two taps broke off is whole, and little of it is read" {
	merged | sed '3000s/.*/{/' >trace
	ok epi-window --sorted --from 3500 --to 3999 trace
	grep -q '"joules_wrap":9' <<<"$output"
	mv .out window
	ok epi-integrate window
	[ "$(jq -sc 'map([.node, .complete, .joules])' <<<"$output")" = '[["a",true,499],["b",true,499],[null,true,998]]' ]
}

@test "--sorted: a span up to the last sample ends where every tap that started stopped" {
	merged | sed '3000s/.*/{/' >trace
	{ cat trace; event stop 5000; } >both
	sed '$d' trace >none
	ok epi-window --sorted --from 4000 both
	[ "$(grep -c '"edge":"end"' <<<"$output")" -eq 1 ]
	ok epi-window --sorted --from 4000 none
	[ "$(grep -c '"edge":"end"' <<<"$output")" -eq 0 ]
	partly 1 epi-window --sorted --from 4000 trace
	[ "$(grep -c '"edge":"end"' <<<"$output")" -eq 0 ]
	[[ $stderr == *'of 2 started taps 1 stopped'*$'\n'*'trace:3000: '* ]]
}

# Each sample is 1 W, the span 60 s; the clock event in it comes before its
# first sample, in a file long enough for a copy.
@test "--sorted: an event that begins a span does not part it from its neighbours" {
	event start 0 '"nodes":["a"],"rate_hz":1' >trace
	awk 'BEGIN { for (t = 0; t < 9000; t++) {
		printf "{\"timestamp\":%d.5,\"node\":\"a\",\"watts\":1}\n", t
		if (t == 3000) print "{\"timestamp\":3001.2,\"type\":\"event\",\"event\":\"clock\"}" } }' >>trace
	ok epi-window --sorted --from 3001 --for 60s trace
	mv .out window
	ok epi-integrate window
	[ "$(jq -c 'select(.node) | [.joules, .coverage]' <<<"$output")" = '[60,1]' ]
}

@test "--sorted --nodes: a span behind the last sample of these is empty, of others or not" {
	merged >trace
	for way in '' --sorted; do
		partly 1 epi-window --nodes b --from 4100 --for 10s $way trace
		[[ $stderr == *'the stream runs from 1970-01-01T00:16:41Z to 1970-01-01T01:06:39Z'* ]]
	done
}

# Two taps, of nodes a and b and of c, 300 s of them: B starts late, A is
# restarted perhaps, a node dies, a tap stops or breaks off.  Then eight windows.
two_taps() { # SEED
	awk -v x="$1" '
	function r(n) { x = (1664525 * x + 1013904223) % 4294967296; return int(x / 65536) % n }
	function put(t, text) { printf "%.3f {\"timestamp\":%.3f,%s}\n", t, t, text >"lines" }
	function tap(id, from, to, stops, nodes, n, t, dies) {
		put(from, "\"type\":\"event\",\"event\":\"start\",\"instrument_id\":\"" id "\",\"nodes\":[\"" nodes "\"],\"rate_hz\":1")
		for (n = split(nodes, name, "\",\""); n; n--) {
			dies = to - from > 100 && !r(3) ? from + (to - from) * (r(2) ? 0.7 : 0.99) : to
			for (t = from + r(900) / 1000; t < dies; t++)
				put(t, "\"node\":\"" name[n] "\",\"watts\":" r(20) ",\"pad\":\"" pad "\"")
		}
		if (stops) put(to, "\"type\":\"event\",\"event\":\"stop\"")
	}
	BEGIN {
		pad = sprintf("%3000s", ""); r(1); r(1)
		again = r(3) ? 1300 : 1050 + r(200)
		tap("A", 1000, again, again < 1300 || r(3), "a\",\"b")
		if (again < 1300) tap("A", again + r(3000) / 1000, 1300, r(3), "a\",\"b")
		tap("B", 1000 + r(20000) / 1000, r(2) ? 1300 : 1150 + r(150), r(2), "c")
		for (i = 0; i < 8; i++) {
			from = 1030000 + r(240) * 1000 + r(2) * r(1000)
			print "--from " from / 1000 (r(5) ? " --to " (from + 1 + r(60) * 1000 + r(1000)) / 1000 : "")
		}
	}' >windows
	sort -s -k 1,1n lines | cut -d ' ' -f 2- >two
}

# energy_of WINDOW: what epi-integrate makes of it, and its status.
energy_of() (
	set +e
	epi-window "$@" 2>>told | epi-integrate 2>/dev/null
	echo "${PIPESTATUS[*]}"
)

@test "--sorted: the energy of two taps is that of the plain way, whichever node dies" {
	for seed in $(seq "${EPI_ROUNDS:-12}"); do
		two_taps $seed
		# shellcheck disable=SC2086 # words on purpose
		while read -r window; do
			energy_of $window two >want
			energy_of --sorted $window two | diff want -
			energy_of --sorted $window < <(cat two) | diff want -
			tail -n 1 want >>statuses
		done <windows
	done
	for outcome in '0 0' '0 1'; do [ "$(grep -cx "$outcome" statuses)" -ge $((${EPI_ROUNDS:-12} * 2)) ]; done
	[ "$(grep -c 'all of it is read' told)" -ge $((${EPI_ROUNDS:-12} / 3)) ]
}

@test "--sorted: a last line that is cut is being written, one without newline is whole" {
	{ series a 1 2 3 4; printf '{"timestamp":5,"node"'; } >trace
	ok epi-window --sorted --from 2 --to 3 trace
	gives 'a1 [2 a2 ]3 a3'
	partly 1 epi-window --from 2 --to 3 trace
	printf ':"a","watts":1}' >>trace
	ok epi-window --sorted --from 4 --to 5 trace
	gives 'a3 [4 a4 ]5 a5'
}

# 65 kB a second of one node, and a sample a minute of another, between the looks.
@test "--sorted: a node that a start names is found, however far apart its samples" {
	event start 1000 '"nodes":["a"],"rate_hz":10' >trace
	event start 1000 '"nodes":["slow"],"rate_hz":0.0166' >>trace
	awk 'BEGIN { pad = sprintf("%6400s", ""); for (t = 10000; t < 13000; t++) {
		printf "{\"timestamp\":%d.%d,\"node\":\"a\",\"watts\":1}%s\n", t / 10, t % 10, pad
		if (t % 600 == 500) printf "{\"timestamp\":%d.5,\"node\":\"slow\",\"watts\":2}\n", t / 10 } }' >>trace
	for window in '1110 1115' '1100 1110'; do
		read -r from to <<<"$window"
		for way in '' --sorted; do
			epi-window --from "$from" --to "$to" $way trace | epi-integrate >"energy$way"
		done
		cmp energy energy--sorted
		[ "$(jq -c 'select(.scope == "cluster") | [.joules, .coverage]' energy)" = "[$((3 * (to - from))),1]" ]
	done
}

@test "--sorted with many spans reads from the first to the last" {
	long_trace >trace
	for t in 3000 3001.5 3001 6000; do echo "{\"type\":\"x\",\"label\":\"$t\",\"begin\":$t,\"end\":$((${t%.*} + 2))}"; done >spans
	epi-window --sorted --span spans trace | sort >found
	cat trace | epi-window --sorted --span spans | sort | cmp - found
}

@test "--sorted does not read what lies far from the span" {
	long_trace | sed '3000s/.*/{/' >trace
	ok epi-window --sorted --from 5000 --for 10s trace >found
	ok epi-window --sorted --from 5000 --for 10s <trace | cmp - found
	ok epi-window --sorted --from 5000 --for 10s - <trace | cmp - found
	partly 1 epi-window --from 5000 --for 10s trace
}

@test "--sorted reads standard input from where it stands, to its end" {
	long_trace >trace
	samples() { epi-window --sorted --only --from 1000 --to 1000.1 | grep -c watts; }
	[ "$(samples <trace)" -eq 3 ]
	[ "$({ read -r _; read -r _; samples; } <trace)" -eq 2 ]
	[ "$({ samples; wc -c; } <trace | xargs)" = '3 0' ]
}

@test "probes that contradict the order are told, and all is read" {
	long_trace | tac >trace
	warns epi-window --sorted --from 3000 --for 10s trace >found
	[[ $stderr == *'trace: not in the order of time; all of it is read' ]]
	[ "$(grep -c '"watts"' found)" = "$(epi-window --from 3000 --for 10s trace | grep -c '"watts"')" ]
}

@test "--sorted on a file of events, of one sample, of none" {
	for lines in 1 2 3; do
		long_trace | sed -n "1,${lines}p" >trace
		take epi-window --sorted --from 1000 --for 1s trace
		a=$status/$(sort <<<"$output")
		take epi-window --sorted --from 1000 --for 1s < <(cat trace)
		[ "$a" = "$status/$(sort <<<"$output")" ]
	done
}

@test "the calibration behind a start event is passed on, with the uncertainty that hangs on it" {
	calibration='{"type":"calibration","format":1,"id":"x","meter":{"id":"m"}}'
	{ echo '{"timestamp":100,"type":"event","event":"start","nodes":["a"]}'
		echo "$calibration"
		for t in 100 101 102 103; do echo '{"timestamp":'$t',"node":"a","watts":1}'; done
		echo '{"timestamp":103,"type":"event","event":"stop","nodes":["a"]}'; } >trace
	[ "$(epi-window --from 101 --to 102 trace | sed -n 2p)" = "$calibration" ]
	[ "$(epi-window --sorted --from 102 --to 103 trace | grep -c calibration)" -eq 1 ]
}
