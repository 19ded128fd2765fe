# epi-integrate: energy of a stream of power samples.

load lib

# sample NODE TIME WATTS [JOULES]
sample() {
	printf '{"timestamp":%s,"node":"%s","watts":%s%s}\n' "$2" "$1" "$3" "${4:+,\"joules\":$4}"
}

# series NODE TIME WATTS...: one sample a second from TIME on.
series() {
	local node=$1 time=$2 watts
	for watts in "${@:3}"; do
		sample "$node" "$((time++))" "$watts"
	done
}

start() {
	printf '{"timestamp":%s,"type":"event","event":"start",%s}\n' "$1" "$2"
}

stop() {
	printf '{"timestamp":%s,"type":"event","event":"stop"}\n' "$1"
}

# cluster FILTER: of the cluster's record in $output; node FILTER: the first.
cluster() {
	jq -c "select(.scope == \"cluster\") | $1" <<<"$output"
}

node() {
	jq -c "select(.scope == \"node\") | $1" <<<"$output" | head -n 1
}

# Four nodes of irregular times and watts to the last digit, keys in turn in
# every order; a linear congruential generator (Numerical Recipes' constants).
irregular() {
	awk -v count="$1" '
	function r(n) { x = (1664525 * x + 1013904223) % 4294967296; return x % n }
	BEGIN {
		x = 42
		for (i = 0; i < 5; i++) { s[i] = 1795340400; ns[i] = r(1000000000) }
		for (k = 0; k < count; k++) {
			i = r(5); ns[i] += 1 + r(500000000)
			if (ns[i] >= 1000000000) { s[i]++; ns[i] -= 1000000000 }
			a = sprintf("\"timestamp\":%d.%09d", s[i], ns[i])
			b = sprintf("\"node\":\"n%d\"", i)
			c = sprintf("\"watts\":%s%d.%09d", r(5) ? "" : "-", r(100000), r(1000000000))
			d = "\"x\":[{},\"}\"]"
			n = r(4)
			print "{" (n == 0 ? a "," b "," c "," d : n == 1 ? c "," d "," a "," b : \
			    n == 2 ? d "," b "," c "," a : b "," a "," d "," c) "}"
		}
	}'
}

# told: "node time watts" of samples, as text.
told() {
	sed -E 's/.*"timestamp":([0-9.]+).*/& \1/; s/.*"node":"([^"]*)".* ([0-9.]+)$/&\t\1 \2/
		s/.*"watts":(-?[0-9.]+).*\t(.*)/\2 \1/'
}

# joules: "label node joules" of energy records; the cluster's node is "all".
joules() {
	sed -nE 's/.*"label":"?([^",]*)"?,"scope":"(node","node":"([^"]*)|cluster)".*"joules":(-?[0-9.]+|null).*/\1 \3 \4/p' |
		awk 'NF == 2 { $0 = $1 " all " $2 } { print }'
}

@test "a trapezoid of one node" {
	ok epi-integrate < <(series pi1 100 4 6 5)
	[ "$(node '[.joules, .mean_watts, .peak_watts, .seconds, .samples]')" = '[10.5,5.25,6,2,3]' ]
	[ "$(node '[.coverage, .complete, .method]')" = '[1,true,"trapezoid"]' ]
}

@test "a cluster is the sum of its nodes, its peak that of one time" {
	ok epi-integrate < <(series a 1 1 3 3; series b 1 10 10 0)
	[ "$(cluster '[.joules, .mean_watts]')" = '[20,10]' ]
	ok epi-integrate < <({ series a 1 1 3 3; series b 1 10 10 0; } | sort -s)
	[ "$(cluster .peak_watts)" = 13 ]
}

@test "the joules have every digit: one nanosecond at one nanowatt" {
	ok epi-integrate < <(sample a 1.000000001 0.000000001; sample a 1.000000002 0.000000002)
	[[ $output == *'"joules":0.0000000000000000015,'* ]]
}

@test "10,000 irregular samples of 5 nodes: bc's exact sum, to the last digit" {
	irregular 10000 >trace
	told <trace | sort -s -k 1,1 | awk '$1 == n { print "e+=(" $2 "-" t ")*(" w "+" $3 ")/2" }
		{ n = $1; t = $2; w = $3 } END { print "e" }' | (echo 'scale=40'; cat) | bc >want
	ok epi-integrate trace >got
	got=$(joules <got | awk '$2 == "all" { print $3 }')
	[ "$(echo "$got - $(cat want)" | bc)" = 0 ]
}

@test "1,000 random cuts: E[a,b) + E[b,c) is E[a,c), digit for digit" {
	irregular 2000 >trace
	awk 'BEGIN { srand(7); for (i = 0; i < 1000; i++) {
		for (k = 0; k < 3; k++) v[k] = 1795340405 + rand() * 80
		if (v[0] > v[1]) { t = v[0]; v[0] = v[1]; v[1] = t }
		if (v[1] > v[2]) { t = v[1]; v[1] = v[2]; v[2] = t }
		if (v[0] > v[1]) { t = v[0]; v[0] = v[1]; v[1] = t }
		for (k = 0; k < 3; k++) printf "{\"type\":\"cut\",\"label\":\"%d%s\",\"begin\":%.6f,\"end\":%.6f}\n",
			i, substr("abc", k + 1, 1), v[k == 1], v[k == 0 ? 1 : 2] } }' >cuts
	epi-window --span cuts trace | epi-integrate | joules >all
	awk '{ id = substr($1, 1, length($1) - 1) " " $2; e[id] = e[id] ($1 ~ /c$/ ? "-" : "+") $3 }
		END { for (i in e) { gsub(/\+-/, "-", e[i]); gsub(/--/, "+", e[i]); sub(/^\+/, "", e[i]); print e[i] } }' all | bc >sums
	[ "$(wc -l <sums) $(sort -u sums)" = "6000 0" ]
}

# By hand: 2 W to 5 W over 3 s; E(b) = 2x + x^2/2 from the first sample.
@test "an edge between two samples is interpolated on the straight line" {
	{ sample a 10 2; sample a 13 5; } >trace
	epi-window --from 11 --to 12.5 trace >window
	ok epi-integrate window
	[ "$(node '[.joules, .samples, .coverage]')" = '[5.625,0,1]' ]
}

# 1 nW over 1 ns and 3: 0.5e-18 J units 0, 1 at thirds are rounded half to even.
@test "what lies between two units is rounded half to even" {
	{ sample a 0.000000000 0.000000000; sample a 0.000000002 0.000000001; } >trace
	epi-window --from 0 --to 0.000000001 trace >window
	ok epi-integrate window
	[[ $output == *'"joules":0.000,'* ]]
}

@test "mean: the mean of the samples before the end, times the span" {
	epi-window --from 100 --to 102 <<<"$(series a 100 4 6 50)" >window
	ok epi-integrate --method mean window
	[ "$(node '[.joules, .mean_watts, .samples]')" = '[10,5,2]' ]
}

@test "hold: a value holds until the next" {
	ok epi-integrate --method hold < <(sample a 0 4; sample a 10 6; sample a 11 0)
	[ "$(node .joules)" = 46 ]
}

# The counter saw 30 J where the samples would make 20.
@test "counter: the instrument's own joules, gaps included" {
	counted() { sample a 0 10 100; sample a 1 10 115; sample a 2 10 130; }
	ok epi-integrate --method counter < <(start 0 '"nodes":["a"],"rate_hz":1,"joules_resolution":0.001'; counted; stop 2)
	[ "$(node '[.joules, .method]')" = '[30,"counter"]' ]
	[[ $(node '.warnings[0]') == '"methods_disagree: counter 30 J, trapezoid 20 J"' ]]
}

# 1 J steps of 10 kJ are 0.01 %.
@test "auto takes the counter where its step is small, else the trapezoid" {
	fine() { sample a 0 10000 0; sample a 1 10000 9999; sample a 2 10000 20000; }
	ok epi-integrate < <(start 0 '"nodes":["a"],"rate_hz":1,"joules_resolution":1'; fine; stop 2)
	[ "$(node .method)" = '"counter"' ]
	ok epi-integrate < <(start 0 '"nodes":["a"],"rate_hz":1,"joules_resolution":100'; fine; stop 2)
	[[ $(node '[.method, .warnings[0]]') == '["trapezoid","counter_coarse: '* ]]
}

# 5 W for 3 s, which a counter in steps of 3600 J does not show.
@test "a counter that has not risen is not taken for none" {
	stuck() { for t in 1 2 3 4; do sample a $t 5 7200; done; }
	ok epi-integrate < <(stuck)
	[[ $(node '[.joules, .method, .warnings[0]]') == '[15,"trapezoid","counter_coarse: '* ]]
	ok epi-integrate --method counter < <(stuck)
	[[ $(node '.warnings[0]') == '"methods_disagree: counter 0 J, trapezoid 15 J"' ]]
}

@test "a counter's step is seen in a span's last interval, too" {
	ok epi-integrate < <(sample a 1 10 0; edge begin 1 2; sample a 2 10 3600; edge end 1 2; sample a 3 10 3600)
	[ "$(node '[.joules, .method]')" = '[10,"trapezoid"]' ]
}

@test "a counter wraps where the start event says, and goes on" {
	wrapped() { sample a 0 10 90; sample a 1 10 0; sample a 2 10 10; }
	ok epi-integrate --method counter < <(start 0 '"nodes":["a"],"rate_hz":1,"joules_wrap":100'; wrapped; stop 2)
	[ "$(node '[.joules, .warnings]')" = '[20,null]' ]
}

@test "a counter that falls was reset: the trapezoid, and a warning" {
	reset() { sample a 0 10 90; sample a 1 10 3; sample a 2 10 13; }
	ok epi-integrate < <(reset)
	[[ $(node '[.joules, .method, .warnings[0]]') == '[20,"trapezoid","counter_reset: '* ]]
	event='{"timestamp":0.5,"type":"event","event":"reset","node":"a"}'
	ok epi-integrate < <(sample a 0 10 5; echo "$event"; sample a 1 10 8000; sample a 2 10 8010)
	[ "$(node '[.joules, .method]')" = '[20,"trapezoid"]' ]
}

# 4 s of 10 are one interval of over 2.5 periods; u = 4 (8-2)/(2 sqrt 3) = 6.928...
@test "a gap is counted, told, and adds its uncertainty" {
	ok epi-integrate < <(series a 0 2 8 2 8; series a 7 2 2 2 2)
	[ "$(node '[.gap_seconds, .coverage, (.u_gap_joules * 1000 | round)]')" = '[4,0.6,6928]' ]
	[[ $(node '.warnings[0]') == '"gap: 4 s '* ]]
}

# From 12 W at 2 to 30 W at 20, 3 s: u = 3 (30-12)/(2 sqrt 3) = 15.588...; a class
# of 1 % of 49.5 J adds little to it.
@test "a span inside a gap is as uncertain as what lies at its ends" {
	ok epi-integrate --rate 1 --uncertainty gain_relative=0.01 < <(series a 1 10 12; edge begin 5 8; series a 20 30 30; edge end 5 8)
	[ "$(node '[.joules, .samples, (.u_gap_joules * 1000 | round), (.u_joules * 1000 | round)]')" = '[49.5,0,15588,15596]' ]
}

@test "2.5 periods are no gap, a little more is one" {
	ok epi-integrate --rate 1 < <(sample a 0 1; sample a 2.5 1)
	[ "$(node .gap_seconds)" = 0 ]
	ok epi-integrate --rate 1 < <(sample a 0 1; sample a 2.500000001 1)
	[ "$(node .gap_seconds)" = 2.500000001 ]
}

# 2.5 periods of 2e9 s are more than 2^63 ns.
@test "a period of many years is no gap, a rate of less than any is none" {
	ok epi-integrate < <(sample a 0 1; sample a 2000000000 1)
	[ "$(node '[.joules, .gap_seconds]')" = '[2000000000,0]' ]
	ok epi-integrate < <(start 0 '"nodes":["a"],"rate_hz":1e-300'; series a 1 5 5 5; stop 3)
	[ "$(node '[.joules, .nominal_seconds]')" = '[10,1]' ]
}

@test "a node that was announced and stayed silent makes the cluster unknown" {
	ok epi-integrate < <(start 1 '"nodes":["a","b"],"rate_hz":1'; series a 1 5 5; stop 2)
	[ "$(cluster '[.nodes, .joules, .coverage]')" = '[["a","b"],null,0]' ]
}

@test "silence between the last sample and the stop belongs to the stream" {
	ok epi-integrate < <(start 1 '"nodes":["a"],"rate_hz":1'; series a 1 5 5; stop 5)
	[ "$(cluster '[.seconds, .joules, .coverage]')" = '[4,5,0.25]' ]
}

@test "after a start, an end without stop is incomplete" {
	partly 1 epi-integrate < <(start 1 '"nodes":["a"],"rate_hz":1'; series a 1 5 5)
	[ "$(cluster .complete)" = false ]
	[ "$stderr" = "epi-integrate: incomplete: the stream ended without stop" ]
}

@test "an instrument that was unplugged and did not come back is incomplete" {
	away='{"timestamp":2,"type":"event","event":"disconnect"}' back='{"timestamp":3,"type":"event","event":"reconnect"}'
	partly 1 epi-integrate < <(start 1 '"nodes":["a"],"rate_hz":1'; series a 1 5 5; echo "$away"; stop 2)
	[[ $(cluster .complete) == false && $stderr == *unplugged* ]]
	ok epi-integrate < <(start 1 '"nodes":["a"],"rate_hz":1'; series a 1 5 5; echo "$away"; echo "$back"; series a 3 5; stop 3)
	[ "$(cluster .complete)" = true ]
}

# 5 response times of 0.5 s are 2.5 s.
slow() { start 1 '"nodes":["a"],"rate_hz":1,"response_seconds":0.5'; series b 1 3 3 3; series a 1 5 5 5; stop 3; }

@test "a span shorter than five response times of its instrument has no energy" {
	partly 1 epi-integrate < <(slow)
	[ "$stderr" = "epi-integrate: node a: 2 s is shorter than five response times of its instrument, 2.5 s: no energy" ]
	[ "$(jq -c '[.node, .joules, .mean_watts, .complete]' <<<"$output" | sort | xargs)" = \
		"[a,null,null,true] [b,6,3,true] [null,null,null,true]" ]
	[[ $(node 'select(.node == "a").warnings[0]')$(cluster '.warnings[0]') == '"span_too_short: '*'"span_too_short: a: '* ]]
}

@test "five response times are enough, and other nodes are told" {
	ok epi-integrate < <(slow | sed 's/0\.5/0.4/')
	[ "$(cluster .joules)" = 16 ]
	ok epi-integrate --nodes b < <(slow)
	ok epi-integrate < <(slow | sed 's/0\.5/-1/')
	ok epi-integrate < <(slow | sed 's/0\.5/null/')
}

@test "of many spans that are too short, each is refused and one is told" {
	partly 1 epi-integrate --every 500ms < <(slow)
	[ "$(jq 'select(.node == "a").joules' <<<"$output" | sort -u)$(wc -l <<<"$stderr")" = null1 ]
}

@test "what is too short in one pass is too short in parts" {
	slow >trace
	partly 1 epi-integrate trace >whole
	epi-integrate --partial trace | partly 1 epi-integrate --merge | cmp - whole
}

@test "an energy that was refused makes no score" {
	{ partly 1 epi-integrate --nodes a < <(slow); echo '{"type":"tokens","generated_tokens":9,"status":"complete"}'; } >records
	fails 1 epi-score --no-accuracy records
	[[ $stderr == *"refused: energy-unknown: "* ]]
}

@test "a sample twice is dropped and counted" {
	ok epi-integrate < <(series a 1 5 5; sample a 2 5.000; sample a 3 5)
	[ "$(node '[.joules, .samples, .duplicate_samples]')" = '[10,3,1]' ]
}

@test "different watts at one time are malformed" {
	partly 1 epi-integrate < <(series a 1 5 5; sample a 2 6; sample a 3 5)
	[ "$(node '[.joules, .malformed]')" = '[10,1]' ]
	[[ $stderr == *'standard input:3: two different samples of one node at one time' ]]
}

@test "time that runs backwards is malformed" {
	partly 1 epi-integrate < <(series a 1 5 5; sample a 1.5 6; sample a 3 5)
	[ "$(node '[.joules, .malformed]')" = '[10,1]' ]
	[[ $stderr == *':3: time goes backwards'* ]]
}

@test "nodes may come one after the other" {
	ok epi-integrate < <(series a 1 5 5 5; series b 1 1 1 1)
	[ "$(cluster '[.joules, .coverage, .seconds]')" = '[12,1,2]' ]
}

@test "one node of two instruments is an error that names both" {
	id() { start 1 "\"nodes\":[\"a\"],\"rate_hz\":1,\"instrument_id\":\"$1\""; }
	partly 1 epi-integrate < <(id 11; series a 1 5 5; stop 2; id 22; series a 3 5; stop 3)
	[[ $stderr == *"node a comes from two instruments, 11 and 22" ]]
}

@test "negative watts are kept and counted; many warn of a reversed clamp" {
	ok epi-integrate < <(series a 1 1 -1 1)
	[ "$(node '[.joules, .negative_samples]')" = '[0,1]' ]
	[[ $(node '.warnings[0]') == '"negative_watts: 1 of 3 '* ]]
}

@test "--negative error refuses them, --negative gap takes them for a gap" {
	partly 1 epi-integrate --negative error < <(series a 1 1 -1 1)
	[[ $stderr == *':2: negative watts' ]]
	ok epi-integrate --negative gap < <(series a 1 1 -1 1)
	[ "$(node '[.joules, .samples, .gap_seconds, .coverage]')" = '[2,2,2,0]' ]
}

@test "lost samples are counted, with a warning" {
	lost='{"timestamp":2,"type":"event","event":"lost","begin":2,"end":2,"count":3,"node":"a"}'
	ok epi-integrate < <(series a 1 5; echo "$lost"; series a 3 5)
	[[ $(node '[.lost_samples, .warnings[0]]') == '[3,"lost_samples: 3 samples were lost"]' ]]
}

# Six of them, from 3.5 to 8.5: no set from 3 on is there yet when they are told.
@test "lost samples are of every set of --every that they were lost in" {
	lost() { echo '{"timestamp":'$2',"type":"event","event":"lost","begin":'$1',"end":'$2',"count":6}'; }
	ok epi-integrate --rate 1 --every 2s < <(series a 1 5 5 5; lost 3.5 8.5; series a 9 5 5 5)
	[ "$(cluster '[.begin, .lost_samples]' | xargs)" = '[1,0] [3,6] [5,6] [7,6] [9,0]' ]
	ok epi-integrate --every 2s < <(lost 0.5 0.75; lost 1 1.5; series a 1 5 5 5 5 5)
	[ "$(cluster '[.begin, .lost_samples]' | xargs)" = '[1,6] [3,0]' ]
}

@test "--every cuts from the first sample on" {
	ok epi-integrate --every 2s < <(series a 1 1 1 1 1 5 5)
	[ "$(cluster '[.begin, .end, .joules]' | xargs)" = '[1,3,2] [3,5,4] [5,6,5]' ]
}

# Sums at 1 to 6: 6 8 6 10 9 3; the sets begin at 1, 3 and 5.
@test "each set of --every has the peak of the cluster, its rate told or not" {
	for rate in '' '--rate 1'; do
		ok epi-integrate $rate --every 2s < <({ series a 1 5 7 2 1 9 3; series b 1 1 1 4 9 0 0; } | sort -s)
		[ "$(cluster .peak_watts | xargs)" = '8 10 9' ] || return
	done
}

@test "samples of one time make no set of --every" {
	fails 1 epi-integrate --every 2s < <(series a 1 5; series b 1 5)
	[ "$stderr" = 'epi-integrate: no set: the samples are all of one time' ]
	for none in '' "$(start 1 '"nodes":["a"]'; stop 5)" "$(series a 1 -5 -5)"; do
		fails 1 epi-integrate --every 2s --nodes a --negative gap <<<"$none"
		[ "$stderr" = 'epi-integrate: no samples' ] || return 1
	done
}

@test "--every divides the spans of the stream" {
	epi-window --from 1.5 --to 4.5 <<<"$(series a 1 1 1 1 1 1)" >window
	ok epi-integrate --every 2s window
	[ "$(cluster '[.begin, .end, .joules]' | xargs)" = '[1.5,3.5,2] [3.5,4.5,1]' ]
}

# divided [MORE]: samples of 1 W from 1 to 5; a span from 1.5 on, whose end is told
# at its end, 4.5.
divided() {
	printf '{"timestamp":1.5,"type":"event","event":"span","edge":"begin","begin":1.5%s}\n' "$1"
	series a 1 1 1 1 1
	echo '{"timestamp":4.5,"type":"event","event":"span","edge":"end","begin":1.5,"end":4.5}'
	series a 5 1
}

@test "--every ends where a span does whose end is told late" {
	for rate in '' '--rate 1'; do
		# shellcheck disable=SC2086 # words on purpose
		ok epi-integrate $rate --every 2s < <(divided)
		[ "$(cluster '[.begin, .end, .joules]' | xargs)" = '[1.5,3.5,2] [3.5,4.5,1]' ]
	done
}

@test "--every divides a span up to its end, with samples or without" {
	ok epi-integrate --rate 1 --every 2s < <(divided ',"end":9' | sed 's/4\.5/9/g; /:5,/d')
	[ "$(cluster '[.begin, .end, .joules, .coverage]' | xargs)" = '[1.5,3.5,2,1] [3.5,5.5,0.5,0.25] [5.5,7.5,null,0] [7.5,9,null,0]' ]
}

@test "a span without a time, or that ends before it begins, is malformed" {
	for wrong in '"begin":5,"end":3' '"begin":null'; do
		partly 1 epi-integrate --rate 1 < <(series a 1 5 5; echo '{"type":"event","event":"span","edge":"begin",'"$wrong"'}'; series a 3 5)
		[[ $(cluster '[.joules, .malformed]')$stderr == '[10,1]epi-integrate: standard input:3: a span '* ]]
	done
}

@test "a span that breaks off is incomplete, and ends with the samples" {
	started() { start 0 '"nodes":["a"],"rate_hz":1'; divided; stop 5; }
	for every in '' '--every 9s'; do for stream in divided started; do
		# shellcheck disable=SC2086 # words on purpose
		partly 1 epi-integrate --rate 1 --method mean $every < <($stream | sed '/"end"/d')
		[ "$(cluster '[.begin, .end, .joules, .complete]')$stderr" = '[1.5,5,3.5,false]epi-integrate: incomplete: a span has no end edge' ]
	done; done
}

# edge WHICH BEGIN END: of a span that is named after its begin.
edge() {
	local at=$2
	[ "$1" = begin ] || at=$3
	printf '{"timestamp":%s,"type":"event","event":"span","label":"%s","edge":"%s","begin":%s,"end":%s}\n' "$at" "$2" "$1" "$2" "$3"
}

@test "the peak of a span that begins with the last sample is that sample" {
	ok epi-integrate --rate 1 < <(series a 1 90 90 5; edge begin 3 9; edge end 3 9)
	[ "$(node '[.samples, .peak_watts]')" = '[1,5]' ]
}

@test "the peak of a span that comes late and begins before the samples is of all" {
	ok epi-integrate --rate 1 < <(series a 1 90 5 5; edge begin 0 5; series a 4 5 5; edge end 0 5)
	[ "$(node '[.samples, .peak_watts]')" = '[4,90]' ]
}

@test "the peak of a span that comes after its begin is of the samples that count" {
	ok epi-integrate --rate 1 < <(series a 1 90 80 30; edge begin 1.5 4.5; series a 4 5 5; edge end 1.5 4.5)
	[ "$(node '[.samples, .peak_watts]')" = '[2,30]' ]
}

# Sums at 1 to 6: 2 6 12 3 7 2; at 7 only one node stands.
@test "the cluster's peak is that of its own span, of the ticks with most nodes" {
	{ edge begin 0.5 2.5; edge begin 1.5 4.5; edge begin 3.5 8; edge end 0.5 2.5; edge end 1.5 4.5
		series a 1 1 5 3 2 6 1 20; series b 1 1 1 9 1 1 1; edge end 3.5 8; } | sort -s >trace
	ok epi-integrate --rate 1 trace
	[ "$(cluster '[.label, .peak_watts]' | xargs)" = '[0.5,6] [1.5,12] [3.5,7]' ]
}

# 9 J each second by the counter, 10 by the trapezoid; b is silent from 4 on.
@test "a span's method is of its own samples, however late it is told" {
	counted() {
		start 1 '"nodes":["a","b"],"joules_resolution":0.001,"rate_hz":1'; edge begin 1 4
		for t in 1 2 3 4 5; do sample a $t 10 $((t * 9)); [ $t -gt 3 ] || sample b $t 10 $((t * 9)); done; edge end 1 4
	}
	for after in true 'sample a 6 10'; do
		ok epi-integrate < <(counted; $after; stop 6)
		[ "$(node '[.node, .joules, .method]')" = '["a",27,"counter"]' ]
	done
}

@test "a span that begins where the counter was not has no joules by it" {
	begun() { start 0 '"nodes":["a"],"rate_hz":1,"joules_resolution":0.001'; edge begin "$1" 3; }
	ok epi-integrate < <(begun 1.5; sample a 1 10; sample a 2 10 9; sample a 3 10 18; edge end 1.5 3; stop 3)
	[ "$(node '[.joules, .method]')" = '[15,"trapezoid"]' ]
	ok epi-integrate < <(begun 1; sample a 1 10 0; sample a 2 10 9; sample a 3 10 18; edge end 1 3; stop 3)
	[ "$(node '[.joules, .method]')" = '[18,"counter"]' ]
}

@test "a reset before a span's first sample is none in it" {
	ok epi-integrate < <(start 0 '"nodes":["a"],"rate_hz":1,"joules_resolution":0.001'; sample a 1 10 800
		sample a 2 10 809; edge begin 3 4; sample a 3 10 2; sample a 4 10 11; edge end 3 4; stop 4)
	[ "$(node '[.joules, .method]')" = '[9,"counter"]' ]
}

# At 3 the counter is that of 2.5, which the reset took: 40 J by the trapezoid, 20 by
# the counter, 25 by half of each.
@test "a reset in the delay before a span's begin is one in it" {
	ok epi-integrate --every 2s < <(start 0 '"nodes":["a"],"rate_hz":1,"delay_seconds":0.5,"joules_resolution":0.001'
		sample a 1 20 100; sample a 2 20 110; sample a 3 20 2; sample a 4 20 12; sample a 5 20 22; stop 5)
	[ "$(cluster '[.begin, .joules, .method]' | tail -n 1)" = '[3,40,"trapezoid"]' ]
}

# vars of 12 2 2 18 2 from 3 to 7, behind the start: 7 + 2 + 10 + 10 var s in 4 of
# the 6 s; u = hypot(0.01 * 60 J, 0.01 * 43.5 var s).
@test "a class that is told on the way holds from there on" {
	{ v=2; for t in 1 2 3 4 5 6 7; do
		[ $t != 3 ] || start 2.5 '"nodes":["a"],"rate_hz":1,"averaging_seconds":1,"uncertainty":{"gain_relative":0.01,"phase_radians":0.01}'
		case $t in 3) v=12 ;; 6) v=18 ;; *) v=2 ;; esac
		echo '{"timestamp":'$t',"node":"a","watts":10,"vars":'$v',"joules":'$t'0}'; done; stop 7; } >trace
	epi-integrate --rate 1 trace >whole
	epi-integrate --partial --rate 1 trace | epi-integrate --merge | cmp - whole
	jq -es '.[0] | (.u_joules / 0.741097 - 1) * 1e6 | fabs < 1' whole
}

@test "a node that came when the span was over has no peak in it" {
	{ edge begin 1 3; for t in 0 1 2 3 4; do echo '{"timestamp":'$t',"node":"a","watts":2}'; done
		for t in 10 11 12; do echo '{"timestamp":'$t',"node":"b","watts":9}'; done; edge end 1 3; } >trace
	ok epi-integrate --rate 1 trace
	[ "$(jq -c 'select(.scope == "node") | [.node, .joules, .peak_watts]' <<<"$output" | xargs)" = '[a,4,2] [b,null,null]' ]
}

# 2 GW in a nanosecond is a line that no number holds 292 years before.
@test "a node that came 292 years after the span is not looked for in it" {
	ok epi-integrate --rate 1 < <(edge begin 1 3; series a 0 2 2 2 2; sample b 9223372000 -1e9; sample b 9223372000.000000001 1e9; edge end 1 3)
	[ "$(jq -c '[.node, .joules]' <<<"$output" | xargs)" = '[a,4] [b,null] [null,null]' ]
}

# 60 spans, some within others, some apart.
@test "many spans at once are what each of them is alone" {
	irregular 400 >trace
	awk 'BEGIN { srand(3); for (i = 0; i < 60; i++) {
		b = 1795340395 + rand() * 30; printf "%.3f %.3f\n", b, b + (i % 9 ? rand() : rand() * 30) } }' | sort -u >spans
	while read -r b e; do edge begin "$b" "$e"; done <spans >begins
	{ epi-integrate --rate 10 < <(cat begins trace) || [ $? -eq 1 ]; } 2>errors | jq -c 'del(.complete)' >all
	while read -r line; do epi-integrate --rate 10 < <(echo "$line"; cat trace) || [ $? -eq 1 ]; done <begins 2>errors | jq -c 'del(.complete)' >each
	[ "$(wc -l <each)" -eq $((60 * 6)) ]
	sort all | cmp - <(sort each)
}

# A campaign: each answer lasts a quarter of a second, and an eighth is between.
@test "14,000 answers take what their times take: 2 W + 4 W over 0.25 s" {
	awk 'BEGIN { for (t = 0; t < 5251; t++) for (n = 0; n < 2; n++) printf "{\"timestamp\":%d,\"node\":\"%s\",\"watts\":%d}\n", t, n, 2 + 2 * n }' >trace
	awk 'BEGIN { for (i = 0; i < 14000; i++) printf "{\"type\":\"answer\",\"id\":\"%d\",\"begin\":%.3f,\"end\":%.3f}\n", i, i * 0.375, i * 0.375 + 0.25 }' >answers
	[ "$(epi-window --span answers trace | epi-integrate | grep -c '"cluster".*"seconds":0.250,"joules":1.500,')" -eq 14000 ]
}

@test "--every writes a set before the input ends" {
	mkfifo pipe
	epi-integrate --every 1s --rate 1 <pipe >out 3>&- &
	exec 4>pipe
	series a 1 7 7 7 >&4
	timeout 10 sh -c 'until grep -q cluster out; do sleep 0.05; done'
	exec 4>&-
	wait $!
}

@test "--nodes takes these alone, and misses one that is not there" {
	ok epi-integrate --nodes b < <(series a 1 1 1; series b 1 2 2)
	[ "$(cluster '[.nodes, .joules]')" = '[["b"],2]' ]
	ok epi-integrate --nodes b,c < <(series a 1 1 1; series b 1 2 2)
	[ "$(cluster '[.joules, .coverage]')" = '[null,0]' ]
}

@test "-H says it to people, on standard error" {
	warns epi-integrate -H < <(series a 1 4 6)
	[ "$stderr" = "epi-integrate: 5.000 J in 1.000 s, mean 5.000 W, peak 6.000 W, 1 node, coverage 100.00 %" ]
}

@test "what follows from a simulation says so" {
	ok epi-integrate < <(start 1 '"nodes":["a"],"rate_hz":1,"simulated":true'; series a 1 1 1; stop 2)
	[ "$(cluster .simulated)" = true ]
}

@test "a malformed sample is told with file, line and what is wrong" {
	for bad in '{"timestamp":1,"node":"a","watts":abc}' '{"timestamp":1,"node":"a","watts":"7"}' \
		'{"timestamp":"yesterday","node":"a","watts":7}' '{"timestamp":1,"node":"a"}' \
		'{"timestamp":1,"node":"","watts":7}' '{"timestamp":1,"node":"a","watts":1e10}' \
		'{"timestamp":-1,"node":"a","watts":7}' '{"timestamp":1,"node":"a","watts":7' \
		'{"timestamp":1,"timestamp":1,"node":"a","watts":7}'; do
		partly 1 epi-integrate < <(series a 0 5; echo "$bad"; series a 2 5)
		[[ $stderr == 'epi-integrate: standard input:2: '* && $(node '[.joules, .malformed]') == '[10,1]' ]]
	done
}

# Its pieces seem to be members of the two lines before, with a name of nine bytes.
@test "a malformed line is that each time it comes" {
	{ echo '{"timestamp":10,"node":"aXb","watts":5}'; echo '{"timestamp":1,"node":"abcdefghi","watts":5}'
		for t in 20 30 40 50 60 70; do echo '{"timestamp":'$t',"node":"aXb",fghi","watts":5}'; done; } >trace
	partly 1 epi-integrate trace
	[ "$(cluster .malformed)" = 6 ]
}

@test "ten malformed records are shown, and then a count" {
	partly 1 epi-integrate < <(series a 1 5 5; yes '{' | head -n 25)
	[ "$(wc -l <<<"$stderr")" -eq 11 ]
	[[ $stderr == *'25 malformed records in all, 10 shown' ]]
}

@test "no sample at all is a failure" {
	fails 1 epi-integrate </dev/null
	fails 1 epi-integrate < <(start 1 '"rate_hz":1'; stop 2)
}

@test "one sample makes no energy" {
	ok epi-integrate < <(series a 1 5)
	[ "$(cluster '[.joules, .samples]')" = '[null,1]' ]
}

@test "an interrupt ends the pipe with the joules so far" {
	mkfifo pipe
	epi-integrate <pipe >out 3>&- &
	exec 4>pipe
	series a 1 4 6 >&4
	kill -INT $!
	exec 4>&-
	wait $!
	[ "$(jq -c 'select(.scope == "cluster").joules' out)" = 5 ]
}

@test "a wrong option value is status 2, and names it" {
	for wrong in '--method best' '--every 0' '--every 5x' '--rate 0' '--rate nan' '--negative yes' '--nodes a,,b'; do
		# shellcheck disable=SC2086 # words on purpose
		fails 2 epi-integrate $wrong
		[[ $stderr == "epi-integrate: ${wrong%% *}: "* ]]
	done
}

# A trace with all that a cut can hit: a start, ticks of two nodes, a third
# node in a row of its own, a counter that wraps, gaps, losses, a reset, samples
# that stand twice, negative watts.
eventful() {
	start 1000 '"nodes":["a","b","c"],"instrument":"m","joules_wrap":500,"joules_resolution":0.001'
	awk 'BEGIN { x = 7; t = 1000
		for (i = 0; i < 600; i++) {
			x = (1664525 * x + 1013904223) % 4294967296; t += x % 97 == 0 ? 9.5 : 0.25
			for (n = 0; n < 2; n++) {
				w = x % 1000 / 100 - 1 + n; j[n] += 1.5 + n; if (j[n] >= 500) j[n] -= 500
				line = sprintf("{\"timestamp\":%.2f,\"node\":\"%s\",\"watts\":%.3f,\"joules\":%.3f}",
					t, n ? "b" : "a", w, j[n])
				print line; if (x % 31 == n) print line
			}
			if (x % 53 == 0) printf "{\"timestamp\":%.2f,\"type\":\"event\",\"event\":\"lost\",\"count\":2,\"node\":\"b\"}\n", t
			if (i == 400) printf "{\"timestamp\":%.2f,\"type\":\"event\",\"event\":\"reset\",\"node\":\"a\"}\n", t
		}
		for (i = 0; i < 200; i++) printf "{\"timestamp\":%d,\"node\":\"c\",\"watts\":%d}\n", 1000 + i, i % 7
	}'
	stop 1300
}

# parts FILE N OPTION...: the partial records of N parts, the last one first.
parts() {
	for ((k = $2; k > 0; k--)); do
		epi-integrate --partial --part "$k/$2" "${@:3}" "$1" || return
	done
}

@test "parts in any order merge to what one pass gives, byte for byte" {
	eventful >trace
	for method in auto trapezoid counter mean hold; do
		epi-integrate --method $method trace >whole
		for n in 1 2 3 5 16 61; do
			parts trace "$n" | epi-integrate --merge --method $method | cmp - whole
		done
	done
}

@test "so they do where lines are parts, and where nothing tells the rate" {
	{ series a 1 5 6 7 9 9 4; series b 1 5 5; sample c 9 9; } >trace
	epi-integrate trace >whole
	parts trace 40 | epi-integrate --merge | cmp - whole
	irregular 3000 >trace
	epi-integrate trace >whole
	parts trace 7 | epi-integrate --merge | cmp - whole
}

@test "parts keep --nodes and --negative" {
	eventful >trace
	epi-integrate --nodes a,c --negative gap trace >whole
	parts trace 9 --nodes a,c --negative gap | epi-integrate --merge | cmp - whole
}

@test "files of a time each are merged as parts" {
	eventful | sed '/"node":"c"/d; s/,"c"//; s/"joules_wrap":500/"rate_hz":4/; s/,"joules":[0-9.]*//' >trace
	epi-integrate trace >whole
	split -l 217 trace shard.
	for file in shard.*; do epi-integrate --partial --rate 4 "$file"; done | epi-integrate --merge | cmp - whole
}

# cuts FILE OPTION...: in 2 to 7 parts as in one pass, `whole`; lines, also as
# files of a line each, which know of no other.
cuts() {
	epi-integrate --rate 1 "${@:2}" "$1" >whole 2>said || grep -q incomplete said
	for n in 2 3 4 5 6 7; do
		parts "$1" $n --rate 1 "${@:2}" >parts
		{ epi-integrate --merge parts 2>said || grep -q incomplete said; } | cmp - whole || return
	done
}

lines() {
	cuts "$@" || return
	{ while read -r line; do epi-integrate --partial --rate 1 "${@:2}" <<<"$line"; done <"$1" | epi-integrate --merge; } | cmp - whole
}

# 10 J each second by the trapezoid; the counter of a, reset between 2 and 3, has 2 there.
@test "a reset counts where it stands before a part's first reading" {
	for node in ',"node":"a"' ''; do
		{ start 1 '"nodes":["a","b"],"joules_resolution":0.001,"rate_hz":1'; sample a 1 10 100; sample b 1 10 50; sample a 2 10 110
			echo '{"timestamp":2.5,"type":"event","event":"reset"'"$node}"; sample b 2.75 10 67.5; sample a 3 10 112; sample a 4 10 122
			sample b 4 10 80; stop 4; } >trace
		lines trace
		jq -es 'map(select(.node == "a"))[0] | .joules == 30 and .method == "trapezoid"' whole
	done
}

@test "a reset after the last reading leaves the counter as it is" {
	{ start 1 '"nodes":["a"],"joules_resolution":0.001'; sample a 1 10 100; sample a 2 10 109
		echo '{"timestamp":3,"type":"event","event":"reset","node":"a"}'; stop 3; } >trace
	lines trace
	jq -es '.[0] | .joules == 9 and .method == "counter"' whole
	epi-integrate trace | cmp - whole
}

# 5 J by the counter in 3 s, less the 0.3 s at the end that it does not tell, and
# the first 0.3 s by the trapezoid: 6 * 0.3 + 5 * 2.7.
@test "the first sample of a delayed counter may stand twice, and be cut" {
	{ start 1 '"nodes":["a"],"rate_hz":1,"delay_seconds":0.3,"joules_resolution":0.001'
		sample a 1 6 5; sample a 1 6 5; sample a 2 6 10; sample a 3 6 15; sample a 4 6 20; stop 4; } >trace
	cuts trace
	jq -es '.[0] | .joules == 15.3 and .method == "counter"' whole
}

# 10 W, read every 0.5 s and 0.8 s late: at 1.1 s the counter is that of 0.3 s. A
# first interval of 0.5 s leaves 3 J of the first 0.8 s out of the whole.
@test "a counter that is further behind than its samples are apart is not taken" {
	late() { start 0 '"nodes":["a"],"rate_hz":2,"delay_seconds":0.8,"joules_resolution":0.001'; edge begin "$1" "$2"
		for k in 0 5 10 $3 20 25 30; do sample a "$((k / 10)).$((k % 10))" 10 $((k + 8)); done; edge end "$1" "$2"; stop 4; }
	ok epi-integrate < <(late 1.1 2.6 15)
	[ "$(node '[.joules, .method]')" = '[15,"trapezoid"]' ]
	ok epi-integrate < <(late 0 2.9 15 | sed '/"span"/d; /:2\.5,/d')
	[ "$(node '[.joules, .method]')" = '[30,"trapezoid"]' ]
	ok epi-integrate --method counter < <(late 1.1 2.6 15)
	[[ $(node '[.joules, .method, .warnings[]]') == '[15,"trapezoid","counter_late: '* ]]
}

# 5 W from 1 to 3.
@test "a span whose samples come behind both of its edges has them" {
	ok epi-integrate < <(edge begin 1 3; edge end 1 3; series a 1 5 5 5)
	[ "$(node '[.joules, .samples]')" = '[10,2]' ]
}

@test "a source that died where a set of --every ends died all the same" {
	partly 1 epi-integrate --every 1s < <(start 1 '"nodes":["a"],"rate_hz":1'; series a 1 5 5 5)
	[ "$(cluster '[.begin, .joules]' | xargs)$stderr" = '[1,5] [2,5]epi-integrate: incomplete: the stream ended without stop' ]
}

@test "a span that ended in order has complete sets, as without --every" {
	for every in '' '--every 9s'; do
		# shellcheck disable=SC2086 # words on purpose
		ok epi-integrate $every < <(start 0 '"nodes":["a"],"rate_hz":1'; edge begin 1 4; series a 1 5 5 5; edge end 1 4)
		[ "$(cluster '[.end, .joules, .complete]')" = '[4,10,true]' ]
	done
}

@test "a reset behind a delayed counter's last reading leaves it as it is" {
	{ start 1 '"nodes":["a"],"rate_hz":1,"delay_seconds":0.3,"joules_resolution":0.001'
		sample a 1 6 5; sample a 2 6 10; sample a 3 6 15; sample a 4 6 20
		echo '{"timestamp":4.5,"type":"event","event":"reset","node":"a"}'; stop 5; } >trace
	cuts trace
	jq -es '.[0] | .joules == 15.3 and .method == "counter"' whole
}

@test "a negative sample that is a gap is one where a part has no other of its node" {
	series a 1 10 10 -1 10 10 >trace
	lines trace --negative gap
	jq -es '.[0] | .gap_seconds == 2 and .coverage == 0.5' whole
}

@test "samples lost by all nodes are lost by one that comes later, too" {
	{ sample a 1 5; echo '{"timestamp":1.5,"type":"event","event":"lost","count":3}'; sample a 2 5; sample b 2 5; sample a 3 5; sample b 3 5; } >trace
	lines trace
	[ "$(jq -c '[.node, .lost_samples]' whole | xargs)" = '[a,3] [b,3] [null,6]' ]
}

# Sittings of other rates, nodes that come late, samples that are missing, stand twice, are negative or have
# no counter, counters that fall, resets and losses of one or all.  SEED decides.
random_stream() {
	awk -v seed="$1" '
		function below(n) { seed = (1664525 * seed + 1013904223) % 4294967296; return int(seed / 65536) % n }
		function class() { return below(2) ? ",\"uncertainty\":{\"gain_relative\":0.01,\"phase_radians\":0.01}" : "" }
		function event(t, what) {
			return sprintf("{\"timestamp\":%s,\"type\":\"event\",\"event\":\"%s\"%s", t, what,
				below(2) ? "" : ",\"node\":\"n" below(nodes) "\"")
		}
		BEGIN {
			below(1); nodes = 1 + below(4); seconds = 5 + below(30)
			for (n = 0; n < nodes; n++) { names = names (n ? "," : "") "\"n" n "\""; late[n] = below(3) ? 0 : below(seconds) }
			if (below(5)) {
				print event(1000, "start") ",\"nodes\":[" names "],\"rate_hz\":1,\"joules_resolution\":0.001" \
					(below(2) ? ",\"delay_seconds\":0.3" : "") \
					class() "}"
			}
			for (t = 0; t < seconds; t++) {
				for (n = 0; n < nodes; n++) {
					if (t < late[n] || below(10) == 0) continue
					w = below(12) - 2; j[n] = below(30) ? j[n] + (w > 0 ? w : 0) : 0
					line = sprintf("{\"timestamp\":%d,\"node\":\"n%d\",\"watts\":%d%s%s}", 1000 + t, n, w,
						below(20) ? ",\"joules\":" j[n] : "", below(10) ? ",\"vars\":" below(9) - 4 : "")
					print line; if (below(20) == 0) print line
				}
				if (below(10) == 0) print event(1000 + t ".5", "reset") "}"
				if (below(10) == 0) print event(1000 + t ".5", "lost") ",\"count\":" 1 + below(3) "}"
				if (below(20) == 0) {
					print event(1000 + t ".6", "stop") "}"
					print event(1000 + t ".7", "start") ",\"nodes\":[" names "],\"rate_hz\":" (below(2) ? 1 : 0.5) \
						(below(2) ? ",\"joules_wrap\":40" : "") (below(2) ? ",\"delay_seconds\":0.4" : "") class() "}"
				}
			}
		}'
}

@test "random streams, cut anywhere, are what one pass gives" {
	for seed in $(seq "${EPI_ROUNDS:-15}"); do
		random_stream "$seed" >trace
		for negative in keep gap; do
			cuts trace --negative $negative || { cat trace; false; }
		done
	done
}

# 11 MB: a second start event at 130000 is beyond the head, which is 4 MiB.
@test "a part that does not know an earlier start event is not merged" {
	for rate in 2 1; do
		awk -v rate=$rate 'BEGIN { e = "{\"timestamp\":%d,\"type\":\"event\",\"event\":"; s = e "\"start\",\"nodes\":[\"a\"],\"rate_hz\":%d}\n"; printf s, 0, 1
			for (t = 1; t < 200000; t++) {
				if (t == 130000) { printf e "\"stop\"}\n", t; printf s, t, rate }
				printf "{\"timestamp\":%d,\"node\":\"a\",\"watts\":5.00000000000000000}\n", t
			} printf e "\"stop\"}\n", t }' >trace
		parts trace 4 >parts
		[ $rate = 1 ] || fails 1 epi-integrate --merge parts
	done
	epi-integrate --merge parts | cmp - <(epi-integrate trace)
}

@test "what is wrong in the head is told by its own part" {
	two() { start $1 "\"nodes\":[\"a\"],\"rate_hz\":1,\"instrument_id\":\"$1\""; series a $1 5 5 5; stop $(($1 + 2)); }
	{ two 1; two 5; two 9; } >trace
	partly 1 epi-integrate trace >whole
	for k in 1 2 3; do epi-integrate --partial --part $k/3 trace || [ $? -eq 1 ]; done 2>said >parts
	partly 1 epi-integrate --merge parts | cmp - whole
}

@test "a sample among partial records is malformed, and no node" {
	partly 1 epi-integrate --merge < <(epi-integrate --partial <<<"$(series a 1 10 10)"; series zz 1 5)
	[ "$(cluster '[.nodes, .joules, .coverage]')" = '[["a"],10,1]' ]
	[ "$stderr" = "epi-integrate: standard input:2: a sample among the partial records" ]
}

@test "a part that is missing, twice or of another cut is an error" {
	eventful >trace
	fails 1 epi-integrate --merge < <(parts trace 3 | sed 2d)
	[[ $stderr == *'part 2 of 3 is missing' ]]
	fails 1 epi-integrate --merge < <(parts trace 3 | sed p)
	[[ $stderr == *'this part is here twice' ]]
	fails 1 epi-integrate --merge < <(parts trace 3; parts trace 2)
}

@test "parts that overlap in time are an error" {
	fails 1 epi-integrate --merge < <(epi-integrate --partial <<<"$(series a 1 5 5 5)"
		epi-integrate --partial <<<"$(series a 2 5 5 5)")
	[[ $stderr == *'this part overlaps another in time' ]]
}

@test "a malformed record of a part is told there, and counts in the merge" {
	{ series a 1 5 6; echo '{'; series a 3 5 5; } >trace
	partly 1 epi-integrate --partial --part 1/1 trace >part
	partly 1 epi-integrate --merge part
	[ "$(cluster '[.malformed, .joules]')" = '[1,16]' ]
	[ "$stderr" = "epi-integrate: 1 malformed records in the parts" ]
}

@test "a partial record that is none of ours is refused" {
	epi-integrate --partial <<<"$(series a 1 5 5)" >part
	for change in 's/"trapezoid":"/&x/' 's/"first":\[1/"first":[1.5/' 's/"starts":0,//' 's/"last":\[[0-9]*,/"last":[/'; do
		fails 1 epi-integrate --merge < <(sed "$change" part)
	done
	fails 1 epi-integrate --merge </dev/null
}

@test "--part wants a file, --partial no spans, --merge no other option" {
	fails 1 epi-integrate --partial --part 1/2 /dev/null
	fails 1 epi-integrate --partial < <(epi-window --from 1 <<<"$(series a 1 5 5)")
	for wrong in '--part 1/2 f' '--partial --part 3/2 f' '--partial --part 1 f' '--partial --part 1/2' \
		'--partial --merge' '--partial --uncertainty gain_relative=1' '--partial --every 1s' '--merge --rate 5'; do
		# shellcheck disable=SC2086 # words on purpose
		fails 2 epi-integrate $wrong
	done
}
