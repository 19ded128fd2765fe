# epi-tap: a meter's lines become samples and events.
#
# The lines of tests/data/tap were made by hand, their checksums with Python's
# binascii.crc_hqx(line, 0xFFFF); expected values are read off those lines.

load lib
load tap

# ---- the plain case

@test "a tick gives a sample for each channel" {
	ok epi-tap $at plain.ndjson
	[ "$(said "$samples | .node")" = "ch1 ch2 ch3 ch4 ch1 ch2 ch3 ch4 ch1 ch2 ch3 ch4" ]
}

@test "a sample has the record's keys, units and decimals" {
	ok epi-tap $at plain.ndjson
	[ "$(sed -n 2p .out)" = '{"timestamp":1700000000.000000,"node":"ch1","watts":5.680,"volts":230.012,"amps":0.039824,"power_factor":0.620,"vars":-5.113,"hertz":49.98,"joules":0.000,"seq":0}' ]
	[ "$(sed -n 12p .out)" = '{"timestamp":1700000000.200005,"node":"ch3","watts":-0.010,"volts":230.012,"amps":0.1015,"power_factor":-0.300,"vars":-0.001,"hertz":49.98,"joules":-0.010,"seq":2}' ]
}

@test "samples keep the device's spacing" {
	ok epi-tap $at plain.ndjson
	[ "$(grep '"node":"ch1"' .out | grep -o '[0-9.]*,"node' | tr -d '\n')" = '1700000000.000000,"node1700000000.100000,"node1700000000.200005,"node' ]
}

@test "the start event says what the header says" {
	ok epi-tap $at plain.ndjson
	[ "$(head -n 1 .out)" = '{"timestamp":1700000000.000000,"type":"event","event":"start","instrument":"epi-meter","nodes":["ch1","ch2","ch3","ch4"],"channels":[1,2,3,4],"instrument_id":"e661640843271d28","firmware":"0.1.0","chip":"rp2350","ic":"atm90e26","rate_hz":10,"averaging_seconds":0.020,"delay_seconds":0.0075,"joules_wrap":1000000.000,"joules_resolution":0.010,"calibration":{"hash":"5F3A00C1","corrected":false},"uncertainty":{"gain_relative":0.058,"offset_watts":0.04,"phase_radians":0.01,"linearity_relative":0.0006,"delay_seconds":0.003,"time_relative":2e-05}}' ]
}

@test "the stop event has the totals" {
	ok epi-tap $at plain.ndjson
	[ "$(tail -n 1 .out)" = '{"timestamp":1700000000.200005,"type":"event","event":"stop","instrument_id":"e661640843271d28","nodes":["ch1","ch2","ch3","ch4"],"reason":"end","samples":12,"lost":0,"malformed":0,"crc_errors":0,"cut_lines":0,"duplicates":0,"late_lines":0,"resets":0,"disconnects":0,"negative_samples":3,"device_drops":0}' ]
}

@test "standard input, a dash, a FIFO and a file give the same" {
	ok epi-tap $at plain.ndjson
	mv .out whole
	ok epi-tap $at <plain.ndjson
	cmp .out whole
	ok epi-tap $at - <plain.ndjson
	cmp .out whole
	cat plain.ndjson >fifo & ok epi-tap $at fifo
	grep -v stop .out | cmp - <(grep -v stop whole)
}

@test "values that come at a slower cadence are absent in between" {
	ok epi-tap $at slow.ndjson
	[ "$(grep -c hertz .out) $(grep -c vars .out) $(grep -c amps .out)" = "2 2 4" ]
	[ "$(sed -n 4p .out)" = '{"timestamp":1700000000.020000,"node":"ch1","watts":5.000,"amps":0.000001,"seq":1}' ]
}

@test "acknowledgements and a CR before the newline are no matter" {
	ok epi-tap $at acks.ndjson
	[ "$(total samples) $(total malformed)" = "2 0" ]
	ok epi-tap $at crlf.ndjson
	[ "$(total samples) $(total malformed)" = "2 0" ]
}

@test "a last line without its newline counts" {
	ok epi-tap $at last.ndjson
	[ "$(total samples)" = 4 ]
}

# ---- options

@test "--node names the channels, and - leaves one out" {
	ok epi-tap $at --node pi1,-,pi3 plain.ndjson
	[ "$(said "$samples | .node")" = "pi1 pi3 pi1 pi3 pi1 pi3" ]
	[ "$(said "$(event start) | .nodes[]") $(total samples)" = "pi1 pi3 6" ]
}

@test "--invert turns watts, vars, power factor and counter" {
	ok epi-tap $at --node pi1,-,pi3,pi4 --invert pi3 plain.ndjson
	[ "$(sed -n 8p .out | grep -c pi1)" = 1 ]
	[ "$(sed -n 9p .out)" = '{"timestamp":1700000000.200005,"node":"pi3","watts":0.010,"volts":230.012,"amps":0.1015,"power_factor":0.300,"vars":0.001,"hertz":49.98,"joules":0.010,"seq":2}' ]
}

@test "--invert knows the names that are given without --node" {
	ok epi-tap $at --invert ch2 two.ndjson
	[ "$(said "$samples | .watts")" = "5 -6 5 -6" ]
}

@test "an inverted counter that wraps runs the other way round" {
	ok epi-tap $at --invert ch2 wrap.ndjson
	[ "$(said "select(.node == \"ch1\") | .joules")" = "9.98 9.99 0 0.01" ]
	[ "$(said "select(.node == \"ch2\") | .joules")" = "0.02 0.01 0 9.99" ]
	[ "$(said "$(event start) | .joules_wrap")" = 10 ]
}

# Counts of 0.01 J, a turn of 10 J: 5 5 4 4 3, down through 0 to 998, 1, and on to
# 400, 800, and through 10 J to 150.
@test "a calibrated counter turns where it wraps, not where it falls a little" {
	ok epi-tap $at --calibration wrap-noise.calibration wrap-noise.ndjson
	[ "$(said "$samples | .joules")" = "0.05 0.05 0.04 0.04 0.03 -0.02 0.01 4 8 11.5" ]
}

@test "--begin takes RFC 3339 too" {
	ok epi-tap --begin 2023-11-14T22:13:20Z two.ndjson
	[ "$(said "$samples | .timestamp")" = "1700000000 1700000000 1700000000.1 1700000000.1" ]
}

@test "a recording without --begin starts at 0, and that is said" {
	warns epi-tap two.ndjson
	[[ $stderr == *"two.ndjson: a recording"* ]]
	[ "$(said "$samples | .timestamp")" = "0 0 0.1 0.1" ]
}

@test "several devices: a list of names each, a start and a stop each" {
	ok epi-tap $at --node a,b --node -,d two.ndjson second.ndjson
	[ "$(said "$(event start) | .nodes[]") $(said "$(event stop) | .samples")" = "a b d 4 2" ]
	[ "$(said 'select(.node == "d") | .watts')" = "2 2" ]
}

@test "wrong names are refused" {
	fails 2 epi-tap --node a,a two.ndjson
	fails 2 epi-tap --node a,b --node b two.ndjson second.ndjson
	fails 2 epi-tap --node -,- two.ndjson
	fails 2 epi-tap --node a,b,c,d,e two.ndjson
	fails 2 epi-tap --node $'\xff' two.ndjson
}

@test "lists that do not fit the devices are refused" {
	fails 2 epi-tap --node a --node b two.ndjson
	fails 2 epi-tap --node a two.ndjson second.ndjson
	fails 2 epi-tap two.ndjson second.ndjson
	fails 2 epi-tap --node a --invert b two.ndjson
	fails 2 epi-tap --invert ch5 two.ndjson
}

@test "a speed that is none is refused" {
	fails 2 epi-tap --baud 0 two.ndjson
	fails 2 epi-tap --baud fast two.ndjson
}

@test "a name for a channel that the meter has not is refused" {
	fails 1 epi-tap $at --node pi1,pi2,pi3 two.ndjson
	[[ $stderr == *"pi3"*"the meter has 2"* ]]
	ok epi-tap $at --node pi1,pi2,- two.ndjson
}

@test "one device that cannot be opened: nothing is measured" {
	fails 1 epi-tap $at --node a --node b two.ndjson nowhere
	[[ $stderr == *nowhere* ]]
}

@test "a device that says nothing of a meter is an error" {
	: >empty
	fails 1 epi-tap $at empty
	echo '{"timestamp":1,"node":"a","watts":5}' >records
	fails 1 epi-tap $at records
}

# ---- what is lost is told

@test "a gap in the sequence is a lost event for each node" {
	ok epi-tap $at gap.ndjson
	[ "$(said "$(event lost) | .node, .begin, .end, .count")" = "ch1 1700000000.2 1700000000.4 3 ch2 1700000000.2 1700000000.4 3" ]
	[ "$(total samples) $(total lost)" = "8 6" ]
}

@test "samples that the header announced and that never came are lost" {
	ok epi-tap $at late.ndjson
	[ "$(said "$(event lost) | .count") $(total samples) $(total lost)" = "3 3 4 6" ]
}

@test "a stream joined in its middle has lost nothing" {
	ok epi-tap $at middle.ndjson
	[ "$(total samples) $(total lost)" = "4 0" ]
	[ "$(said "$(event start) | .rate_hz, .instrument_id")" = "null null" ]
}

@test "a damaged line never becomes a sample" {
	partly 1 epi-tap $at damaged.ndjson
	[ "$(total samples) $(total lost) $(total malformed) $(total crc_errors)" = "4 2 1 1" ]
	[[ $stderr == "epi-tap: damaged.ndjson:3: "* && $output != *5.001* ]]
}

@test "a cut line, of which the end or the begin came, never becomes a sample" {
	partly 1 epi-tap $at cut.ndjson
	[ "$(total samples) $(total lost) $(total malformed) $(total crc_errors)" = "6 4 2 0" ]
}

@test "every cut and every changed byte of a line loses that line alone" {
	line=$(sed -n 3p two.ndjson)
	{ sed -n 1,2p two.ndjson; for ((i = 1; i < ${#line}; i++)); do echo "${line:0:i}"; done
		for ((i = 0; i < ${#line}; i++)); do echo "${line:0:i}~${line:i+1}"; done; } >worn
	partly 1 epi-tap $at worn
	[ "$(total samples) $(total malformed)" = "2 $((2 * ${#line} - 1))" ]
}

@test "faults of a channel are lost events, merged over ticks in a row" {
	ok epi-tap $at faults.ndjson
	[ "$(said "$(event lost) | .node, .begin, .end, .count, .reason")" = "ch2 1700000000.1 1700000000.2 2 missing ch2 1700000000.3 1700000000.3 1 calibration ch1 1700000000.5 1700000000.5 1 clipped ch2 1700000000.5 1700000000.5 1 verify" ]
	[ "$(total samples) $(total lost)" = "7 5" ]
}

@test "a sag does not spoil a sample" {
	ok epi-tap $at faults.ndjson
	[ "$(said "select(.seq == 4) | .node")" = "ch1 ch2" ]
}

@test "a long fault is told of every second" {
	ok epi-tap $at long-fault.ndjson
	[ "$(said "$(event lost) | .count") $(total lost)" = "11 11 8 30" ]
}

@test "a first tick without values still gives the time" {
	ok epi-tap $at first-lost.ndjson
	[ "$(said "$(event lost) | .begin") $(said "$samples | .timestamp")" = "1700000000 1700000000 1700000000.1 1700000000.1" ]
}

@test "a counter that begins again after its IC failed is a reset" {
	ok epi-tap $at ic.ndjson
	[ "$(said "$(event reset) | .node, .timestamp")" = "ch2 1700000000.3" ]
}

# Its counts are -10 -20, none, -1, of 0.01 J.
@test "a counter that runs down, of a reversed clamp, and begins anew is a reset" {
	ok epi-tap $at --invert ch2 ic-reversed.ndjson
	[ "$(said "$(event reset) | .node, .timestamp, .reason")" = "ch2 1700000000.3 ic" ]
	[ "$(said 'select(.node == "ch2" and .seq) | .joules')" = "0.1 0.2 0.01" ]
}

@test "a line that comes twice is dropped and counted" {
	ok epi-tap $at twice.ndjson
	[ "$(total samples) $(total duplicates) $(total lost) $(total resets)" = "8 2 0 0" ]
}

@test "a reboot with its header is a reset, with the reason" {
	ok epi-tap $at reboot.ndjson
	[ "$(said "$(event reset) | .node, .reason")" = "ch1 watchdog ch2 watchdog" ]
	[ "$(said 'select(.node == "ch1" and .seq) | .timestamp')" = "1700000000 1700000000.1 1700000000.2 1700000000.3" ]
	[ "$(total samples) $(total lost) $(total resets)" = "8 0 1" ]
}

@test "a reboot without its header is a reset, and what was missed is lost" {
	ok epi-tap $at reboot-unsaid.ndjson
	[ "$(said "$(event reset) | .node") $(total samples) $(total lost)" = "ch1 ch2 8 4" ]
}

# Boots: 0 1 2 5, then 3 to 6, 50 ms earlier each, then 4 to 7 at the same times
# as those; no header of the last two came.  3 is where the first boot lacks it.
@test "a reboot soon after a boot is one, and its samples are no late lines" {
	ok epi-tap --replay reboots-soon.recording
	[ "$(said "$samples | .seq, .watts")" = "0 5 1 5 2 5 5 5 3 9 4 9 5 9 6 9 4 2 5 2 6 2 7 2" ]
	[ "$(said "$(event lost) | .count")" = "2 3 4" ]
	[ "$(total resets) $(total late_lines) $(total duplicates)" = "2 0 0" ]
}

@test "a file of them tells by the number that came twice" {
	grep -v host reboots-soon.recording >boots
	ok epi-tap $at boots
	[ "$(said "$samples | .seq")" = "0 1 2 5 5 6 4 5 6 7" ]
	[ "$(total resets) $(total late_lines) $(total lost)" = "2 2 11" ]
}

@test "a line that others overtook is late, and no reboot" {
	ok epi-tap --replay overtaken.recording
	[ "$(said "$samples | .seq") $(total late_lines) $(total lost) $(total resets)" = "0 1 3 4 1 1 0" ]
	grep -v host overtaken.recording >line
	ok epi-tap $at line
	[ "$(said "$samples | .seq") $(total late_lines) $(total lost) $(total resets)" = "0 1 3 4 1 1 0" ]
}

# 5 arrives at ...2.210; its 58 bytes are 5.035 ms on the wire, its IC 1.4 ms:
# ...2.203565.  It is of 0.6 s after the boot, and the five before of 0.1 to 0.5 s.
@test "a reset without its header is where the meter's clock was 0" {
	ok epi-tap --replay reboot-late.recording
	[ "$(said "$(event reset) | .timestamp")" = 1700000001.603565 ]
	[ "$(said "$(event lost) | .begin, .end, .count")" = "1700000001.703565 1700000002.103565 5" ]
	[ "$(said "$(event gap) | .end")" = 1700000002.203565 ]
	[ "$(said 'select(.seq == 5) | .timestamp')" = 1700000002.203565 ]
}

@test "a header that is up for longer than its time can count is none" {
	warns epi-tap --replay uptime.recording
	[ "$(total malformed) $(total samples)" = "2 2" ]
}

@test "a recording without the times of its arrivals is not replayed at 1970" {
	fails 1 epi-tap --replay two.ndjson
	[[ $stderr == *"two.ndjson: a recording without the times"* ]]
	{ echo && cat overtaken.recording; } >blank
	ok epi-tap --replay blank
}

@test "a header that was asked for is no reset" {
	ok epi-tap $at asked.ndjson
	[ "$(total resets) $(total samples) $(total lost)" = "0 4 0" ]
}

@test "another meter on the line is refused" {
	partly 1 epi-tap $at other.ndjson
	[ "$(total samples) $(total reason)" = "2 refused" ]
}

@test "a simulation says so at both ends, with what was sent and true" {
	ok epi-tap $at simulated.ndjson
	[ "$(said 'select(.simulated) | .event')" = "start stop" ]
	[ "$(total samples) $(total lost) $(total device_drops)" = "4 4 2" ]
	[ "$(said "$(event stop) | .truth_joules | .ch1, .ch2")" = "1.5 1.8" ]
}

# worn SEED: the 300 ticks of long.ndjson with lines lost, cut, damaged, sent
# twice and run together; the header and the end stay.
worn() {
	awk -v seed="$1" 'BEGIN { srand(seed) }
		NR == 1 || /"end"/ { print; next }
		{ r = rand(); at = 1 + int(rand() * length($0)) }
		r < .02 { next }
		r < .04 { print substr($0, 1, at - 1); next }
		r < .06 { print substr($0, 1, at - 1) "\033" substr($0, at + 1); next }
		r < .08 { print; print; next }
		r < .10 { printf "%s", $0; next }
		{ print }' long.ndjson
}

@test "samples and lost are what the meter sent, whatever happens on the line" {
	for seed in {1..12}; do
		take epi-tap $at <(worn $seed)
		jq -es 'last as $stop | $stop.samples + $stop.lost == 600 and
			$stop.samples == (map(select(.watts)) | length) and
			$stop.lost == (map(select(.event == "lost").count) | add)' .out
	done
}

@test "time never goes back for a node, whatever comes" {
	for file in *.ndjson; do
		take epi-tap $at "$file"
		jq -es 'map(select(.type == null)) | group_by(.node) | all(map(.timestamp) | . == unique)' .out
	done
}

# ---- hostile bytes

@test "noise is counted, and no control byte gets through" {
	partly 1 epi-tap $at noise.ndjson
	[ "$(total samples) $(total malformed)" = "4 4" ]
	[ "$(tr -d '\n -~' <.out | wc -c) $(tr -d '\n -~' <.err | wc -c)" = "0 0" ]
}

@test "figures beyond all bounds are malformed, or another sequence" {
	partly 1 epi-tap $at huge.ndjson
	[ "$(total malformed) $(total resets)" = "3 2" ]
	jq -es 'all(.timestamp < 1.8e9)' .out
}

@test "a line without end is skipped, in bounded memory" {
	{ sed -n 1,2p two.ndjson; head -c 80000000 /dev/zero; echo; sed -n 3p two.ndjson; } >endless
	partly 1 env time -f %M -o peak epi-tap $at endless
	[ "$(total samples) $(total malformed)" = "4 1" ]
	[ "$(tail -n 1 peak)" -lt 60000 ]
}

# ---- live

@test "a tick is out while the line stays open" {
	begin epi-tap fifo
	exec 7>fifo
	cat two.ndjson >&7
	soon grep -q '"seq":1' .out
	exec 7>&-
	ended 0
}

# Less the meter's delay, 7.5 ms, and what its line took to come, some 12 ms.
@test "the first sample's time is its arrival" {
	begin epi-tap fifo
	before=$EPOCHREALTIME
	cat two.ndjson >fifo
	ended 0
	jq -es --argjson t "$before" 'all(.timestamp >= $t - 0.1 and .timestamp < $t + 10)' .out
	jq -es 'map(select(.node == "ch1").timestamp) | (.[1] - .[0] - 0.1 | fabs) < 1e-6' .out
}

@test "or the centre of what it averages: 50 s before, if the header tells that" {
	begin epi-tap fifo
	before=$EPOCHREALTIME
	cat delay.ndjson >fifo
	ended 0
	jq -es --argjson t "$before" 'map(select(.seq).timestamp + 50) | all(. >= $t - 0.1 and . < $t + 10)' .out
}

@test "a delay: the start event is no later than the first sample" {
	cat delay.ndjson | ok epi-tap
	jq -es '.[0].event == "start" and .[0].timestamp <= .[1].timestamp' .out
}

@test "--begin is the first sample's time, whatever the delay" {
	ok epi-tap $at delay.ndjson
	[ "$(said "$samples | .timestamp" | cut -d " " -f 1,3)" = "1700000000 1700000000.1" ]
}

@test "a delay of over a minute is no header" {
	partly 1 epi-tap $at delay-long.ndjson
	[[ $stderr == "epi-tap: delay-long.ndjson:1: a delay of over a minute"* ]]
}

@test "a signal: the stop event, status 0" {
	for signal in INT TERM HUP; do
		begin epi-tap fifo
		exec 7>fifo
		cat two.ndjson >&7
		soon grep -q '"seq":1' .out
		kill -s $signal "$pid"
		ended 0
		exec 7>&-
		[ "$(total reason) $(total samples)" = "signal 4" ]
	done
}

@test "a signal before the writer of a FIFO is there: nothing, status 0" {
	begin epi-tap fifo
	soon catches "$pid" '[4-7c-f][0-9a-f]{3}'
	kill "$pid"
	ended 0
	[ ! -s .out ]
}

@test "a signal that was ignored stays ignored" {
	begin sh -c 'trap "" INT; exec epi-tap fifo'
	exec 7>fifo
	sed -n 1,2p two.ndjson >&7
	soon grep -q '"seq":0' .out
	kill -s INT "$pid"
	sed -n 3p two.ndjson >&7
	exec 7>&-
	ended 0
	[ "$(total reason) $(total samples)" = "end 4" ]
}

@test "damage on a live line is told and counted, status 0" {
	begin epi-tap fifo
	cat damaged.ndjson >fifo
	ended 0
	[[ $stderr == "epi-tap: fifo:3: "* ]]
	[ "$(total lost) $(total crc_errors)" = "2 1" ]
}

@test "of much damage on a live line, ten are told" {
	begin epi-tap fifo
	{ cat two.ndjson; for _ in {1..500}; do echo '{"s":noise'; done; } >fifo
	ended 0
	[ "$(wc -l <.err) $(total malformed)" = "11 500" ]
}

@test "what stands before the first frame of a live line is no damage" {
	begin epi-tap fifo
	{ echo '0],"c":"12AB"}' && echo boot && cat two.ndjson; } >fifo
	ended 0
	[ -z "$stderr" ]
	[ "$(total malformed)" = 0 ]
}

@test "a live line that speaks no such protocol is warned of" {
	begin epi-tap fifo
	seq 30 >fifo
	ended 1
	[[ $stderr == *"--baud"* && $stderr == *"before a meter spoke"* && ! -s .out ]]
}

@test "two live devices at once, each in its time" {
	begin epi-tap --node a,b --node c,d fifo fifo2
	exec 7>fifo 8>fifo2
	cat two.ndjson >&7
	soon grep -q '"node":"b".*"seq":1' .out
	cat second.ndjson >&8
	soon grep -q '"node":"d".*"seq":1' .out
	exec 7>&- 8>&-
	ended 0
	[ "$(said "$(event stop) | [.nodes[], .samples] | @csv" | tr ' ' '\n' | sort | xargs)" = "a,b,4 c,d,4" ]
}

@test "a reader that goes away ends it by SIGPIPE" {
	begin bash -c 'epi-tap fifo | head -n 1 >first; echo ${PIPESTATUS[0]} >how'
	exec 7>fifo
	sed -n 1,2p two.ndjson >&7
	soon test -s first
	soon eval 'cat rest.ndjson >&7; test -s how' 2>/dev/null
	exec 7>&-
	[ "$(cat how)" = 141 ]
}

# ---- pseudo-terminals

@test "a pseudo-terminal: asked who it is, samples, an end in order" {
	ptys
	begin epi-tap --node pi1,pi2 a
	[ "$(timeout 10 head -n 4 b | xargs)" = "P p0 P p1 P p2 I tap" ]
	cat simulated.ndjson >b
	soon grep -q '"seq":1' .out
	kill "$line"
	ended 0
	[ "$(total reason) $(total samples) $(total lost)" = "end 4 4" ]
}

@test "a pseudo-terminal that hangs up: disconnect, status 1, no spinning" {
	ptys
	begin epi-tap --no-reconnect a
	cat two.ndjson >b
	soon grep -q '"seq":1' .out
	kill "$line"
	ended 1
	[[ $stderr == *"a: hung up"* ]]
	[ "$(said "$(event disconnect) | .nodes[]") $(total reason)" = "ch1 ch2 hangup" ]
}

@test "a pseudo-terminal is made raw, and put back" {
	socat pty,link=a pty,raw,echo=0,link=b 3>&- 2>/dev/null &
	started+=($!)
	soon test -e a -a -e b
	before=$(stty -g -F a)
	begin epi-tap a
	cat two.ndjson >b
	soon grep -q '"seq":1' .out
	[[ $(stty -a -F a) == *"-icanon"*"-echo "* ]]
	kill "$pid"
	ended 0
	[ "$(stty -g -F a)" = "$before" ]
}

@test "and put back for a tap that was killed, whose output ends" {
	socat pty,link=a pty,raw,echo=0,link=b 3>&- 2>/dev/null &
	started+=($!)
	soon test -e a -a -e b
	before=$(stty -g -F a)
	begin sh -c 'epi-tap a | cat >through; echo over >end'
	cat two.ndjson >b
	soon grep -q '"seq":1' through
	kill -9 "$(pgrep -g "$pid" -x epi-tap | head -n 1)"
	soon test -e end
	soon eval '[ "$(stty -g -F a)" = "$before" ]'
}

# From the keyboard Ctrl-\ goes to every process of the job, also to the one
# that puts it back.
@test "and put back after a SIGQUIT to all of the job" {
	socat pty,link=a pty,raw,echo=0,link=b 3>&- 2>/dev/null &
	started+=($!)
	soon test -e a -a -e b
	before=$(stty -g -F a)
	begin env --default-signal=QUIT epi-tap a
	cat two.ndjson >b
	soon grep -q '"seq":1' .out
	[ "$(stty -g -F a)" != "$before" ]
	kill -QUIT -- "-$pid"
	soon eval '[ "$(stty -g -F a)" = "$before" ]'
}

@test "a meter that does not say who it is is measured after 3 s" {
	ptys
	begin epi-tap a
	[ "$(timeout 10 grep -m3 I b | xargs)" = "I tap I tap I tap" ]
	soon grep -q 'does not say who it is' .err
	cat samples.ndjson >b
	soon grep -q '"seq":2' .out
	kill "$pid"
	ended 0
}

@test "its answer may come while samples come" {
	ptys
	begin epi-tap a
	{ sed -n 1p samples.ndjson; cat asked.ndjson; } >b
	soon grep -q '"seq":1' .out
	kill "$pid"
	ended 0
	[ "$(total samples) $(said "$(event start) | .rate_hz")" = "4 10" ]
}

# ---- the firmware itself, on a modelled cluster

@test "of a simulated minute, all samples arrive" {
	simulator
	epi-sim --fast --for 60s >line
	ok epi-tap $at line
	[ "$(total samples)" = $((4 * $(grep -c '^{"s"' line))) ]
	[ "$(total lost) $(total malformed) $(total reason)" = "0 0 end" ]
}

@test "a simulated meter on a pseudo-terminal answers, and ends in order" {
	simulate --rate 50 --for 3s
	ok epi-tap --node pi1,pi2,pi3,pi4 sim
	[ "$(said "$(event start) | .rate_hz, .simulated")" = "50 true" ]
	[ "$(total lost) $(total malformed) $(total reason)" = "0 0 end" ]
}

# ---- in the pipe: a dead tap gives no confident figure

# 5 W and 6 W over 0.1 s.
joules='select(.scope == "cluster") | .joules, .complete'

# pipe CMD: `epi-tap fifo | tee trace | epi-integrate >energy` with a tap that
# tells its process id, run by CMD -c; all samples have passed.
pipe() {
	begin "$@" 'sh -c "echo \$\$ >tap; exec epi-tap fifo" | tee trace | epi-integrate >energy'
	exec 7>fifo
	cat two.ndjson >&7
	soon grep -q '"seq":1' trace
}

@test "a tap killed in the middle under sh: complete is false, status 1" {
	pipe sh -c
	kill -9 "$(cat tap)"
	ended 1
	[ "$(jq -r "$joules" energy | xargs)" = "1.1 false" ]
}

@test "a tap killed in the middle under make: make fails" {
	printf 'energy:\n\tsh -c "echo \\$$\\$$ >tap; exec epi-tap fifo" | tee trace | epi-integrate >$@\n' >Makefile
	begin make
	exec 7>fifo
	cat two.ndjson >&7
	soon grep -q '"seq":1' trace
	kill -9 "$(cat tap)"
	ended 2
	[ "$(jq -r "$joules" energy | xargs)" = "1.1 false" ]
}

@test "epi-score refuses what a killed tap left" {
	pipe sh -c
	kill -9 "$(cat tap)"
	ended 1
	echo '{"type":"tokens","generated_tokens":1,"prompt_tokens":1,"status":"complete"}' >tokens
	fails 1 epi-score --no-accuracy energy tokens
	[[ $stderr == *complete* ]]
}

@test "epi-score takes what a tap left that was told to stop" {
	pipe sh -c
	kill "$(cat tap)"
	ended 0
	echo '{"type":"tokens","generated_tokens":1,"prompt_tokens":1,"status":"complete"}' >tokens
	take epi-score --no-accuracy energy tokens
	[ "$status $(jq .energy.joules_per_token <<<"$output")" = "0 1.1" ]
}

@test "Ctrl-C on the live pipe: the joules so far, status 0" {
	begin bash -c 'set -o pipefail; epi-tap fifo | tee -i trace | epi-integrate >energy'
	exec 7>fifo
	cat two.ndjson >&7
	soon grep -q '"seq":1' trace
	soon eval 'catches "$(pgrep -g "$pid" epi-integrate)" "[2367abef]"'
	kill -s INT -- "-$pid"
	ended 0
	[ "$(jq -r "$joules" energy | xargs)" = "1.1 true" ]
}
