# epi-integrate: what the energy is not known by.  All figures by hand.

load lib

# start MORE: a start event of two nodes, one sample a second.
start() {
	echo '{"timestamp":1000,"type":"event","event":"start","instrument":"plug","instrument_id":"P1","nodes":["a","b"],"channels":[1,2],"rate_hz":1'"${1:+,$1}"'}'
}

stop() {
	echo '{"timestamp":1011,"type":"event","event":"stop"}'
}

# series NODE WATTS...: a sample a second from 1000 on.
series() {
	local node=$1 t=1000
	shift
	for watts; do
		echo "{\"timestamp\":$t,\"node\":\"$node\",\"watts\":$watts}"
		t=$((t + 1))
	done
}

# ten NODE WATTS: 11 samples, 10 s.
ten() {
	series "$1" "$2" "$2" "$2" "$2" "$2" "$2" "$2" "$2" "$2" "$2" "$2"
}

# lines NODE: its budget as "source c", one a line; - is the cluster.
lines() {
	jq -r --arg node "$1" 'select(.scope == "cluster" and $node == "-" or .node == $node) |
		.budget[] | "\(.source) \(.c_joules * 1e9 | round / 1e9)"' <<<"$output"
}

# u NODE: its u_joules, to nine decimals.
u() {
	jq -c --arg node "$1" 'select(.scope == "cluster" and $node == "-" or .node == $node) |
		.u_joules | if . then . * 1e9 | round / 1e9 else . end' <<<"$output"
}

@test "neither calibration nor class: unknown is said, never 0" {
	{ start; ten a 5; ten b 5; stop; } >trace
	ok epi-integrate trace
	[ "$(u a) $(u -)" = "null null" ]
	[ "$(jq -c .budget <<<"$output" | sort -u)" = null ]
}

# 50 J and 80 J for 10 s: 1 % and 0.1 W are 0.5 + 0.8 J and 1 + 1 J.
@test "a class told by its start event is common to its nodes" {
	{ start '"uncertainty":{"gain_relative":0.01,"offset_watts":0.1}'; ten a 5; ten b 8; stop; } >trace
	ok epi-integrate trace
	[ "$(lines a | xargs)" = "gain 0.5 offset 1" ]
	[ "$(lines - | xargs)" = "gain 1.3 offset 2" ]
	[ "$(u a)" = 1.118033989 ]
	[ "$(u -)" = 2.385372088 ] # sqrt 1.25, sqrt 5.69
	[ "$(jq -r 'select(.node == "a").budget[0].key' <<<"$output")" = gain:plug ]
}

@test "--uncertainty tells it where the stream does not, or otherwise" {
	ten a 5 >trace
	ok epi-integrate --uncertainty gain_relative=0.02,transfer_relative=0.005 trace
	[ "$(lines a | xargs)" = "gain 1 transfer 0.25" ]
	{ start '"uncertainty":{"gain_relative":0.01}'; ten a 5; stop; } >trace
	ok epi-integrate --nodes a --uncertainty gain_relative=0.02 trace
	[ "$(lines a | xargs)" = "gain 1" ]
	fails 2 epi-integrate --uncertainty gain=0.1 trace
	fails 2 epi-integrate --uncertainty gain_relative=-1 trace
}

# 5 W for the 10 s from 1000 to 1010, of which two samples measured 1 s.
@test "the mean stands for all of the span, and so does its offset" {
	{ start '"averaging_seconds":1,"uncertainty":{"offset_watts":0.1}'; series a 5 5; stop; } | sed 's/1011/1010/' >trace
	ok epi-integrate --nodes a --method mean trace
	[ "$(jq .joules <<<"$output" | head -n 1) $(lines a)" = "50 offset 1" ]
}

# Each clamp of its own: 0.5 and 0.8 J, not their sum.
@test "what is of one channel alone adds in squares" {
	{ start '"uncertainty":{"offset_watts":0,"clamp_relative":0.01,"linearity_relative":0.002}'; ten a 5; ten b 8; stop; } >trace
	ok epi-integrate trace
	[ "$(lines - | xargs)" = "linearity 0.1 clamp 0.5 linearity 0.16 clamp 0.8" ]
	[ "$(u -)" = 0.962081078 ] # sqrt(0.01 + 0.25 + 0.0256 + 0.64)
}

# 1 % of what the other one draws.
@test "crosstalk is of the other nodes' energy" {
	{ start '"uncertainty":{"offset_watts":0,"crosstalk_relative":0.01}'; ten a 5; ten b 8; stop; } >trace
	ok epi-integrate trace
	[ "$(lines - | xargs)" = "crosstalk 0.8 crosstalk 0.5" ]
}

# 4, 6, 4 ...: ten differences of 2 W, v = 40 / 20; 11 samples of 1 s.
@test "sampling: from the samples' own differences and what they average" {
	{ start '"uncertainty":{"offset_watts":0}'; series a 4 6 4 6 4 6 4 6 4 6 4; series b 1 1; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | xargs)" = "sampling 4.69041576 edges 1" ] # sqrt 22
	sed 's/"rate_hz":1/&,"averaging_seconds":0.75/' trace >averaged
	ok epi-integrate --nodes a averaged
	[ "$(lines a | xargs)" = "sampling 2.34520788 edges 1" ] # sqrt 5.5
	sed 's/"rate_hz":1/&,"averaging_seconds":1/' trace >averaged
	ok epi-integrate --nodes a averaged
	[ "$(lines a | xargs)" = "edges 1" ]
	[ "$(jq -c '.budget[] | [.type, .nu]' <<<"$output" | sort -u)" = '["A",9]' ]
}

# A difference of 90 W: v = 90^2 / 2.  With one sample in each second that is
# 63.639610307 J and 45 J at the edges; a quarter of a second has no sample, and
# its edges cost a quarter.
@test "a span of few samples is known as badly as they differ" {
	{ start '"uncertainty":{"offset_watts":0}'; series a 10 100 10 100 10; } >trace
	ok epi-integrate --nodes a --every 1s < <(cat trace; stop)
	[ "$(lines a | sort -u | xargs)" = "edges 45 sampling 63.639610307" ]
	ok epi-integrate --nodes a < <(sed 2q trace; echo '{"timestamp":1000.25,"type":"event","event":"span","edge":"begin","begin":1000.25,"end":1000.5}'
		sed 1,2d trace; echo '{"timestamp":1004,"type":"event","event":"span","edge":"end","begin":1000.25,"end":1000.5}'; stop)
	[ "$(lines a)" = "edges 11.25" ]
}

# 0.1 s at edges of 5 W and 10 W; a clock event may tell it.
@test "a shift of the clock moves both edges" {
	{ start '"averaging_seconds":1,"uncertainty":{"offset_watts":0,"delay_seconds":0.2}'
	echo '{"timestamp":1001,"type":"event","event":"clock","bound":0.1}'
	series a 5 5 5 10 10; series b 10 10 10 5 5; stop; } >trace
	ok epi-integrate trace
	[ "$(lines a | grep -v edges | xargs)" = "delay 1 clock 0.5" ]
	# the same clock for both, which go the other way
	[ "$(lines - | grep -v edges | xargs)" = "delay 0 clock 0" ]
}

@test "the widest bound holds, also where the instrument starts again" {
	again() { start '"averaging_seconds":1,"uncertainty":{"offset_watts":0}'; }
	{ again; echo '{"timestamp":1001,"type":"event","event":"clock","bound":0.1}'; series a 5 5 5 10 10; stop; again
	echo '{"timestamp":1004,"type":"event","event":"clock","bound":0.05}'; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | grep -v edges)" = "clock 0.5" ]
}

# a goes up by 5 W and b, which comes a quarter of a second later, down by 5 W.
@test "one clock is one, though a meter's nodes do not begin together" {
	{ start '"averaging_seconds":1,"uncertainty":{"offset_watts":0,"clock_seconds":0.1}'
	series a 5 5 5 10 10; series b 10 10 10 5 5 | sed 's/100[0-9]/&.25/'; stop; } >trace
	ok epi-integrate trace
	[ "$(lines - | grep clock)" = "clock 0" ]
}

# A gap of 4 s between 2 and 10 W: 4 * 8 / (2 sqrt 3).
@test "a gap is a line of its own" {
	{ start '"averaging_seconds":1,"uncertainty":{"offset_watts":0}'; series a 2 10 2
	echo '{"timestamp":1006,"node":"a","watts":2}'; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | grep gap)" = "gap 9.237604307" ]
}

# A counter of 0.001 J: two readings, each within a step: 0.001 / sqrt 6.
@test "by the counter nothing is between the samples, but its steps" {
	{ start '"joules_resolution":0.001,"uncertainty":{"offset_watts":0}'
	for i in 0 1 2 3 4 5; do echo "{\"timestamp\":100$i,\"node\":\"a\",\"watts\":$((4 + i % 2 * 2)),\"joules\":$((5 * i))}"; done; stop; } >trace
	ok epi-integrate --nodes a --method counter trace
	[ "$(lines a | xargs)" = "edges 1 resolution 0.000408248" ]
}

# ---- calibrations

# A fit of offset and gain, and its reference: unit variates and what each does
# to offset, gain, phase, offset_vars, energy offset and energy gain.
calibration() {
	local zero='[0,0,0,0,0,0]'
	echo '{"type":"calibration","format":1,"id":"00ff","date":900,"meter":{"id":"P1","hash":"26375DEF"},
	"channels":[{"channel":1,"node":"a","power":{"offset_watts":0.1,"gain":2,"phase_radians":0,"offset_vars":0},
	"energy":{"offset_watts":0,"gain":4},
	"covariance":['$zero,$zero,$zero,$zero,$zero,$zero'],"valid":{"watts":[0,15]},
	"sources":[
	{"source":"fit","key":"fit:1","type":"A","distribution":"normal","nu":57,"scope":"channel","coefficients":[0.02,0.01,0.03,0,0,0.04]},
	{"source":"reference","key":"reference:lab","type":"B","distribution":"normal","nu":null,"scope":"reference","coefficients":[0,0.02,0,0,0,0.04]}]}]}' | tr -d '\n\t'
	echo
}

# dE = -T/G do - E/G dG: -10/2 0.02 - 50/2 0.01, and -50/2 0.02.
@test "a calibration's lines go through the slopes of its correction" {
	{ start '"averaging_seconds":1,"calibration":{"hash":"26375DEF","corrected":true},"uncertainty":{"gain_relative":0.5,"transfer_relative":0.005}'
	calibration; ten a 5; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | xargs)" = "fit -0.35 reference -0.5 transfer 0.25" ]
	[ "$(jq -c '.budget[0] | [.key, .nu, .scope]' <<<"$output" | head -n 1)" = '["fit:1",57,"channel"]' ]
}

# By the counter it is the energy's gain: -50/4 0.04 of both.
@test "by the counter they are those of the energy path" {
	{ start '"averaging_seconds":1,"calibration":{"corrected":true}'; calibration
	for i in 0 1 2 3 4 5 6 7 8 9 10; do echo "{\"timestamp\":$((1000 + i)),\"node\":\"a\",\"watts\":5,\"joules\":$((5 * i))}"; done; stop; } >trace
	ok epi-integrate --nodes a --method counter trace
	[ "$(lines a | grep -v resolution | xargs)" = "fit -0.5 reference -0.5" ]
}

# 2 var for 10 s: a phase known to 0.03 is -20 * 0.03, and -0.35 the rest.
@test "the phase costs the integral of the vars, where samples have them" {
	{ start '"averaging_seconds":1,"calibration":{"corrected":true}'; calibration
	ten a 5 | sed 's/}$/,"vars":2.0}/'; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | xargs)" = "fit -0.95 reference -0.5" ]
}

@test "a calibration that corrected nothing counts for nothing" {
	{ start '"averaging_seconds":1,"calibration":{"corrected":false},"uncertainty":{"gain_relative":0.1}'; calibration; ten a 5; stop; } >trace
	ok epi-integrate --nodes a trace
	[ "$(lines a | xargs)" = "gain 5" ]
}

@test "parts merge to the same budget" {
	{ start '"averaging_seconds":0.5,"calibration":{"corrected":true},"uncertainty":{"clock_seconds":0.01,"transfer_relative":0.005}'; calibration
	for i in $(seq 0 299); do for node in a b; do
		echo "{\"timestamp\":$((1000 + i)),\"node\":\"$node\",\"watts\":$((i * 7 % 11)),\"vars\":$((i % 3)),\"joules\":$((i * 5))}"
	done; done
	echo '{"timestamp":1300,"type":"event","event":"clock","bound":0.02}'; stop; } >trace
	for method in trapezoid counter; do
		epi-integrate --method $method trace >whole
		for n in 2 5; do
			for ((k = n; k > 0; k--)); do epi-integrate --partial --part $k/$n trace; done |
				epi-integrate --merge --method $method | cmp - whole
		done
	done
	epi-integrate --uncertainty gain_relative=0.1 --method trapezoid trace >whole
	for k in 1 2 3; do epi-integrate --partial --part $k/3 trace; done |
		epi-integrate --merge --method trapezoid --uncertainty gain_relative=0.1 | cmp - whole
}

@test "epi-score takes it, and unknown stays unknown" {
	{ start '"uncertainty":{"gain_relative":0.01}'; ten a 5; ten b 8; stop; } >trace
	epi-integrate trace >energy
	echo '{"type":"tokens","generated_tokens":13,"status":"complete","node_count":2,"begin":1001,"end":1009}' >tokens
	ok epi-score --no-accuracy energy tokens
	jq -e '(.u_joules_per_token - 0.1 | fabs) < 1e-9' <<<"$output"
}
