# epi-tap --instrument pzem, against PZEM-004T v3 on a pseudo-terminal: tests/slave,
# which has nothing of libmodbus.  With no other word it says 230.1 V, 0.105 A,
# 5.6 W, 7 Wh, 50.0 Hz, a power factor of 0.55.

load lib
load tap

# slave LINE...: the script, one word a line, of slaves on the line "line".
slave() {
	printf '%s\n' "$@" >script
	"$slave" line script log 3>&- 2>/dev/null &
	helper=$!
	started+=("$helper")
	soon test -e line
}
bin=${EPI_BIN:-$root/bin}
for slave in "$bin/../helper/slave" "$bin/../build/helper/slave"; do
	[ ! -x "$slave" ] || break
done

pzem='epi-tap --instrument pzem --no-reconnect --rate 20'

# reads OPTION...: until the script's hangup, which is status 1.
reads() {
	take $pzem "$@" line
	[[ $status -eq 1 && $stderr == *"line: hung up"* ]] || wrong "expected the end of the script" $pzem "$@"
}

# refuses WORD OPTION...: a wrong command line, of which the word is said.
refuses() { fails 2 epi-tap "${@:2}" line && [[ $stderr == *"$1"* ]]; }

losses="$(event lost) | .node + \":\" + .reason"
watts="$samples | .node + \":\" + (.watts | tostring)"

# adds_up N: samples and lost together are N.
adds_up() { [ "$(total 'samples + .lost')" = "$1" ]; }

# ---- the plain case

@test "a pzem's registers become a sample, its watt-hours joules" {
	slave '1 says 74 12' '1 hangup'
	reads --node pi1
	[[ $(sed -n 2p .out) == '{"timestamp":'*',"node":"pi1","watts":7.400,"volts":230.10,"amps":0.1050,"power_factor":0.550,"hertz":50.00,"joules":43200.000,"seq":0}' ]]
}

# An answer of a real one, arendst/Tasmota on GitHub, issue 9687: 123.3 V,
# 0x1619C mA, 0x97EF tenths of a watt, 0x21E42 Wh, 60.0 Hz, 0.35.
@test "a real pzem's answer is read, words in the right order" {
	slave '1 bytes 01041404D1619C000197EF00001E420002025800230000C038' '1 hangup'
	reads
	[ "$(said "$samples | [.watts, .volts, .amps, .hertz, .power_factor, .joules] | @csv")" = "3889.5,123.3,90.524,60,0.35,$((0x21E42 * 3600))" ]
}

# The maker's manual has 01 04 00 00 00 0A 70 0D.
@test "what is sent is the question for ten registers, and nothing else" {
	slave '1 says 56 7' '1 says 56 7' '1 hangup'
	reads
	[ "$(sort -u log)" = 01040000000A700D ]
}

@test "the start event has resolutions, response time and class" {
	slave '1 says 56 7' '1 hangup'
	reads --node pi1
	[ "$(said "$(event start) | [.instrument, .nodes[0], .channels[0], .rate_hz, .response_seconds, .watts_resolution, .joules_resolution] | map(tostring) | join(\" \")")" = 'pzem-004t pi1 1 20 2 0.1 3600' ]
	# 0.5 % and 0.05 W and 0.75 s over sqrt 3; 25 bytes of 10 bits at 9600 baud
	[ "$(said "$(event start) | .uncertainty | [.gain_relative, .offset_watts, .delay_seconds] | @csv")" = "0.0029,0.029,0.43" ]
	[ "$(said "$(event start) | .delay_seconds * 1000 | round")" = $((750 + 25 * 10 * 1000 / 9600)) ]
}

@test "a sample's time is its answer's, less the delay" {
	before=$(date +%s%N)
	slave '1 says 56 7' '1 hangup'
	reads
	after=$(date +%s%N)
	ns=$(sed -n '2s/.*timestamp":\([0-9]*\)\.\([0-9]*\),.*/\1\2000/p' .out)
	[ $((before - 777000000)) -le "$ns" ]
	[ "$ns" -le $((after - 776000000)) ]
}

@test "several addresses are nodes, in the order of their names" {
	slave '1 says 11 1' '1 hangup' '2 says 22 2' '3 says 33 3'
	reads --rate 8 --node a,b,c
	[ "$(said "$watts")" = "a:1.1 b:2.2 c:3.3" ]
}

@test "--address tells other addresses, - leaves one out" {
	slave '7 says 11 1' '7 hangup' '9 says 22 2'
	reads --rate 8 --address 7,8,9 --node a,-,b
	[ "$(said "$watts") $(said "$(event start) | .channels | @csv")" = "a:1.1 b:2.2 7,9" ]
}

@test "without names a node is called by its address" {
	slave '7 says 11 1' '7 hangup'
	reads --address 7
	[ "$(said "$samples | .node")" = ch7 ]
}

@test "two lines are one stream" {
	slave '1 says 11 1'
	mv line other
	slave '1 says 22 2'
	begin epi-tap --instrument pzem --node a --node b other line
	soon grep -q '"node":"b"' .out
	soon grep -q '"node":"a"' .out
	kill -INT "$pid"
	ended 0
	[ "$(said "$(event stop) | .reason")" = "signal signal" ]
}

@test "a signal ends it in order, and the totals add up" {
	slave '1 says 56 7' '2 silent'
	begin epi-tap --instrument pzem --node a,b --rate 8 line
	soon grep -q '"seq":3' .out
	kill -INT "$pid"
	ended 0
	[ "$(total samples)" = "$(grep -c 'watts.*seq' .out)" ]
	[ "$(total lost)" = "$(grep -c '"lost","node"' .out)" ]
}

@test "epi-integrate takes its energy" {
	for i in 1 2 3; do
		printf '{"timestamp":%s,"node":"a","watts":5.000,"joules":3600.000}\n' $((1700000000 + i * 10)); done >body
	slave '1 says 56 7' '1 hangup'
	reads --node a
	{ sed -n '1s/"timestamp":[0-9.]*/"timestamp":1700000010/p' .out; cat body
		sed -n '$s/"timestamp":[0-9.]*/"timestamp":1700000030/p' .out; } | epi-integrate --rate 0.1 >sum 2>said || :
	[ "$(jq -r 'select(.scope == "node") | .joules, .method' sum | xargs)" = "100 trapezoid" ]
}

# ---- what goes wrong on the line

@test "an address that is silent is lost and asked again; the others go on" {
	slave '1 says 11 1' '1 says 12 1' '1 says 13 1' '2 says 21 1' '2 silent' '2 says 23 1' '2 hangup'
	reads --rate 8 --node a,b
	[ "$(said "$watts" | tr ' ' '\n' | uniq | xargs)" = "a:1.1 b:2.1 a:1.2 a:1.3 b:2.3 a:1.3" ]
	[[ $(said "$losses") == *b:silent* && $(total timeouts) == 1 && $stderr == *"b, address 2: does not answer"* ]]
}

@test "a wrong checksum is lost, counted and told, and never a sample" {
	slave '1 says 11 1' '1 crc' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts") $(total crc_errors) $(total malformed)" = "a:1.1 a:1.3 1 1" ]
	[[ $(said "$losses") == *a:crc* && $stderr == *"a, address 1"*CRC* ]]
}

@test "an exception is lost, counted and told" {
	slave '1 says 11 1' '1 exception 4' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts") $(total exceptions) $(total malformed)" = "a:1.1 a:1.3 1 0" ]
	[[ $(said "$losses") == *a:exception* && $stderr == *"exception 4"* ]]
}

@test "another address's answer is no answer" {
	slave '1 says 11 1' '1 as 9' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts") $(total strangers)" = "a:1.1 a:1.3 1" ]
	[[ $(said "$losses") == *a:silent* && $stderr == *"address 9 spoke"* ]]
}

@test "half an answer is cut" {
	slave '1 says 11 1' '1 half' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts") $(total malformed)" = "a:1.1 a:1.3 1" ]
	[[ $(said "$losses") == *a:cut* ]]
}

@test "an answer of nine registers is malformed" {
	slave '1 says 11 1' '1 short' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts") $(total malformed)" = "a:1.1 a:1.3 1" ]
	[[ $(said "$losses") == *a:malformed* ]]
}

@test "garbage before an answer never becomes one" {
	slave '1 says 11 1' '1 before 0104AA55' '1 before 01041400' '1 says 13 1' '1 says 14 1' '1 hangup'
	reads --node a
	[ "$(said "$watts" | tr ' ' '\n' | sort -u | xargs)" = "a:1.1 a:1.3 a:1.4" ]
	[ "$(total malformed)" -ge 2 ]
}

@test "an answer that is too late is not the next one's" {
	slave '1 says 11 1' '1 late 400' '1 says 99 1' '1 says 14 1' '1 hangup' '2 says 21 1'
	reads --rate 8 --node a,b
	[ "$(said "$watts" | tr ' ' '\n' | sort -u | xargs)" = "a:1.1 a:1.4 a:9.9 b:2.1" ]
	[[ $(total strangers) -ge 1 && $(said "$losses") == *a:silent* ]]
}

@test "figures beyond what a pzem can measure are lost as clipped" {
	slave '1 says 11 1' '1 says 230001 1' '1 says 4294967295 1' '1 says 13 1' '1 hangup'
	reads --node a
	[ "$(said "$watts")" = "a:1.1 a:1.3" ]
	[[ $(said "$losses") == *"a:clipped a:clipped"* ]]
}

@test "noise of any bytes reaches no terminal, and is never a sample" {
	noise=$(printf '1B5B33316D%.0s' {1..100})
	slave '1 says 11 1' "1 bytes $noise" '1 says 12 1' '1 says 13 1' '1 says 14 1' '1 says 15 1' '1 hangup'
	reads --node a
	[[ $(said "$watts") == a:1.1*a:1.5 ]]
	[ "$(cat .out .err | grep -c $'\e')" = 0 ]
}

@test "complaints are told ten times at most" {
	slave '1 says 11 1' {1..14}' exception 2' '1 hangup'
	sed -i 's/^[0-9]* exc/1 exc/' script
	kill "$helper"
	slave "$(<script)"
	reads --rate 24
	[ "$(grep -c 'exception 2' .err) $(total exceptions)" = "10 14" ]
}

# ---- the counter

@test "a counter that was set to 0 is a reset of its node" {
	slave '1 says 11 9' '1 says 11 9' '1 says 11 0' '1 hangup' '2 says 21 5'
	reads --rate 8 --node a,b
	[ "$(said "$(event reset) | .node + .reason") $(total resets)" = "aenergy 1" ]
	[ "$(said 'select(.node == "a" and .watts) | .joules')" = "32400 32400 0" ]
}

# ---- unplugged

@test "unplugged and back again: events, and what was due meanwhile is lost" {
	slave '1 says 11 1' '1 says 11 1' '1 hangup'
	begin epi-tap --instrument pzem --node a --rate 20 line
	soon grep -q '"disconnect","nodes"' .out
	rm line
	slave '1 says 22 2'
	soon grep -q 2.200 .out
	kill -INT "$pid"
	ended 0
	[ "$(said '.event // empty' | tr ' ' '\n' | grep -v lost | xargs)" = "start disconnect reconnect stop" ]
	[ "$(total 'samples + .lost - 1')" = "$(said "$samples | .seq" | sed 's/.* //')" ]
}

# ---- this machine's clock

@test "a step of this machine's clock is a clock event, and the samples do not follow" {
	ports ''
	slave '1 says 11 1'
	begin env LD_PRELOAD=./serial.so epi-tap --instrument pzem --node a --rate 20 line
	soon grep -q '"seq":3' .out
	: >stepped
	soon grep -qE '"clock","nodes":."a".,"step_seconds":(5.0|4.99)' .out
	last=$(said "$samples | .timestamp" | sed 's/.* //')
	kill -INT "$pid"
	ended 0
	jq -es --argjson last "$last" 'map(select(.watts).timestamp) | . == sort and .[-1] - $last < 1' .out
}

# ---- what is refused

@test "three seconds of silence, or of noise, are no pzem" {
	slave '1 bytes 0000FFFF00FF'
	mv line noise
	begin $pzem noise
	slave '2 says 1 1'
	refused $pzem line
	[[ $stderr == *"no pzem answers"* ]]
	ended 1
	[[ ! -s .out && $stderr == *"nothing but noise"*9600* ]]
}

@test "a rate that the line cannot carry: the highest is told" {
	refuses "at most 24," --instrument pzem --rate 25
	refuses "at most 6," --instrument pzem --rate 7 --address 1,2,3,4
	refuses "at most 3 addresses" --instrument pzem --baud 1200 --address 1,2,3,4
}

@test "addresses that are none, double, or other in number than the names" {
	refuses "out of range: 0" --instrument pzem --address 0
	refuses "out of range: 248" --instrument pzem --address 248
	refuses "twice" --instrument pzem --address 1,1
	refuses "2 addresses and 1 names" --instrument pzem --address 1,2 --node a
	refuses "more lists than devices" --instrument pzem --address 1 --address 2
}

@test "what is an epi-meter's is refused for a pzem, and the other way round" {
	for option in --check --identify --uncalibrated --replay '--calibration f' '--begin 1'; do
		# shellcheck disable=SC2086 # words
		refuses "${option% *} is for an epi-meter" --instrument pzem $option || return 1
	done
	refuses "no sign: ch1" --instrument pzem --invert ch1
	refuses "for --instrument pzem" --address 1
	refuses "for --instrument pzem" --set-address 1
}

@test "what cannot be asked is refused" {
	fails 1 $pzem /dev/null
	[[ $stderr == *"has to be asked"* ]]
	fails 1 $pzem - <<<x
	[[ $stderr == *"has to be asked"* ]]
}

# ---- --set-address

set='epi-tap --instrument pzem --set-address'

@test "--set-address: asked for, set, and asked for there" {
	slave 'general 1'
	ok $set 5 line
	[ "$(said '.type, .address, .address_before')" = "identity 5 1" ]
	# 3: read, 6: write; register 2; by 0xF8, then by 5
	[ "$(cut -c 1-12 log | xargs)" = "F80300020001 F80600020005 050300020001" ]
}

@test "--set-address: of one that has it nothing is written" {
	slave 'general 5'
	ok $set 5 line
	[ "$(cut -c 1-4 log | xargs)" = "F803 0503" ]
}

@test "--set-address: two on the line are left alone" {
	slave 'general 1 two'
	fails 1 $set 5 line
	[[ $stderr == *"more than one"* && $(cut -c 1-4 log) == F803 ]]
}

@test "--set-address: one that does not take it is told" {
	slave 'general 1 deaf'
	fails 1 $set 5 line
	[[ $stderr == *"does not answer at address 5"* ]]
}

@test "--set-address: what counts is where it answers, not its echo" {
	slave 'general 1 other' && ok $set 5 line
}

@test "--set-address: nobody there, several devices, no such address" {
	slave '1 says 1 1'
	fails 1 $set 5 line
	[[ $stderr == *"no pzem answers"* ]]
	fails 2 $set 5 line line
	fails 2 $set 248 line
}
