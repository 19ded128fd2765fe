# epi-tap and a meter that answers, is unplugged and comes back: epi-sim, the
# firmware on modelled loads, on a pseudo-terminal or replayed.  What is true,
# the simulator tells by --times and --truth, or its script sets.  With EPI_LONG
# set, the studies are as long as they should be.

load lib
load tap

# calibration HASH [REGISTERS [MOST]]: of the simulated meter, gains of 1 and 2
# per cent, the first channel up to MOST watts.
calibration() {
	channel() {
		printf '{"channel":%d,"power":{"offset_watts":0,"gain":%s,"phase_radians":0,"offset_vars":0},' "$1" "$2"
		printf '"energy":{"offset_watts":0,"gain":%s},"valid":{"watts":[0,%s]},"covariance":[' "$2" "$3"
		for row in 1000000 0100000 0010000 0001000 0000100 0000010; do
			sed 's/./,&/g; s/^,/[/; s/,.$/],/' <<<"$row" | tr -d '\n'
		done | sed 's/,$//'
		printf ']}'
	}
	printf '{"type":"calibration","format":1,"id":"00ff","date":1700000000,"valid_until":4000000000,'
	printf '"simulated":true,"volts":230,"meter":{"id":"E510000000000001","hash":"%s"},' "$1"
	printf '"registers":[%s],"channels":[%s,%s]}\n' "${2-}" "$(channel 1 1.01 "${3-20}")" "$(channel 2 1.02 20)"
}

# The hash that the simulated meter of two nodes has, as its header says.
hash=43BE91A7

# late TIMES: of channel 1's samples of .out, how far each is from the truth, in
# ms: the most, and over how many.
late() {
	awk 'FNR == 1 { file++ }
		file == 1 { split($0, part, /[:,}]/); n = part[4]; boot = part[2]
			first[boot] = first[boot] == "" ? n : first[boot]
			truth[boot, n] = substr(part[8], 4) / 1e6; next }
		/"event":"reset"/ { if ($0 ~ /"node":"ch1"/) reboot++; next }
		/"node":"ch1","watts"/ {
			match($0, /"seq":[0-9]*/); n = substr($0, RSTART + 6, RLENGTH - 6)
			match($0, /[0-9.]+/); t = substr($0, RSTART, RLENGTH)
			e = substr(t, 4) * 1e3 - truth[reboot + 1, n]
			if (e < 0) e = -e
			if (e > most) most = e
			count++ }
		END { printf "%.3f %d\n", most, count }' "$1" .out
}

# ---- who it is, and its settings

@test "--identify tells who the meter is, and ends" {
	simulate --nodes 2
	ok epi-tap --identify sim
	[ "$(said '.type, .instrument_id, .rate_hz, .channels, .simulated, .calibration.hash')" = "identity E510000000000001 10 2 true $hash" ]
}

@test "--identify of a file tells the same" {
	simulator
	epi-sim --fast --nodes 2 --for 1s >line
	ok epi-tap --identify line
	[ "$(wc -l <.out) $(said '.instrument_id')" = "1 E510000000000001" ]
}

@test "--identify where no meter answers: status 1" {
	ptys
	fails 1 epi-tap --identify a
	[[ $stderr == "epi-tap: a: no meter answers" ]]
}

@test "--rate is set, and the start event says so" {
	simulate --nodes 1 --for 2s
	ok epi-tap --rate 40 sim
	[ "$(said "$(event start) | .rate_hz")" = 40 ]
	[ "$(total samples)" -gt 40 ]
}

@test "--calibration corrects watts and the counter, and its record is passed on" {
	echo '0 watts 6' >script
	simulate --nodes 2 --for 2s --gain 0.01 script
	calibration "$hash" >file
	ok epi-tap --calibration file sim
	jq -es 'map(select(.node == "ch1" and .watts)) | length > 5 and all(.watts - 6 | fabs < .001)' .out
	jq -es 'map(select(.node == "ch2" and .watts)) | all(.watts - 6.06 / 1.02 | fabs < .001)' .out
	jq -es 'map(select(.node == "ch1" and .joules)) | (.[-1].joules - .[0].joules) / (.[-1].timestamp - .[0].timestamp) | . - 6 | fabs < .05' .out
	sed -n 2p .out | cmp - file
	[ "$(said "$(event start) | .calibration | .hash, .corrected, .id, .traceable")" = "$hash true 00ff false" ]
}

@test "a calibration's registers are set, and again after a reset" {
	printf '0 watts 6\n1.5 reboot\n3 end\n' >script
	simulate --nodes 2 script
	calibration 5E2A6A0D '{"channel":"0","address":"21","value":"0022"}' >file
	take epi-tap --calibration file sim
	set=$(grep -o "calibration is [0-9A-F]*" .err | cut -d ' ' -f 3)
	[ "$status" = 1 ]
	[ -n "$set" ]
	[ "$set" != "$hash" ]
	pull "$sim"
	simulate --nodes 2 script
	calibration "$set" '{"channel":"0","address":"21","value":"0022"}' >file
	ok epi-tap --calibration file sim
	[ "$(total resets)" = 1 ]
	jq -es '[.[] | select(.event == "reset" or .watts)] | .[-1].watts and (.[-1].watts - 6 / 1.02 | fabs) < .001' .out
}

@test "a calibrated meter may lack the IC of a channel that is not used" {
	printf '0 watts 6\n0 missing 2\n60 end\n' >script
	simulate --nodes 2 script
	for registers in '' '{"channel":"0","address":"21","value":"0022"}'; do
		calibration 0 "$registers" >file
		take epi-tap --node a,- --calibration file sim
		calibration "$(grep -o "calibration is [0-9A-F]*" .err | cut -d ' ' -f 3)" "$registers" >file
		begin epi-tap --node a,- --calibration file sim
		soon grep -q '"node":"a","watts"' .out
		kill "$pid"
		ended 0
		fails 1 epi-tap --node a,b --calibration file sim
		[[ $stderr == *'for its missing the command "T '*' 1 0"'* ]]
	done
}

@test "another meter's calibration, or of other settings, is refused" {
	simulate --nodes 2
	calibration 00000000 >file
	fails 1 epi-tap --calibration file sim
	[[ $stderr == *"$hash, the file's 00000000"*--uncalibrated* ]]
	calibration "$hash" | sed 's/E51/E52/' >file
	fails 1 epi-tap --calibration file sim
	[[ $stderr == *"another meter's"* ]]
}

@test "--uncalibrated measures all the same, and marks every sample" {
	simulator
	epi-sim --fast --nodes 2 --for 2s >line
	calibration 00000000 >file
	ok epi-tap $at --uncalibrated --calibration file line
	jq -es 'map(select(.watts)) | length > 10 and all(has("calibration") and .calibration == null)' .out
	[ "$(said "$(event start) | .calibration.corrected")" = false ]
}

@test "watts beyond a calibration's range, and one that has expired, are warned of" {
	simulator
	echo '0 watts 6' >script
	epi-sim --fast --nodes 2 --for 2s script >line
	calibration "$hash" '' 5 | sed 's/4000000000/1600000000/' >file
	warns epi-tap $at --calibration file line
	[[ $stderr == *"goes to 5 W"* ]]
	[ "$(grep -c 'goes to' .err)" = 1 ]
}

@test "a calibration that is none, or not there: status 1" {
	echo '{"type":"calibration","format":2}' >file
	fails 1 epi-tap --calibration file two.ndjson
	fails 1 epi-tap --calibration nowhere two.ndjson
}

# ---- --check

# checked SCRIPT OPTION...: epi-tap --check of what the script does.
checked() {
	simulator
	printf '%b' "$1" >script
	epi-sim --fast --nodes 2 --for 12s script >line
	take epi-tap $at --check "${@:2}" line
}

# verdicts: of each channel.
verdicts() { jq -r '.verdicts | join(",")' .out | xargs; }

@test "--check: all is well, status 0" {
	checked '0 watts 5\n' --node a,b
	[ "$status" = 0 ]
	[[ $stderr == *"channel 1, a: good: 5.000 W"* ]]
	[ "$(said '.type, .node, .good, .watts')" = "check a true 5 check b true 5" ]
}

@test "--check: a clamp the wrong way round, status 3" {
	checked '0 watts 5\n0 reverse 2\n' --node a,b
	[ "$status" = 3 ]
	[ "$(verdicts)" = "reversed" ]
	[[ $stderr == *"channel 2, b: reversed: "* ]]
	take epi-tap $at --check --node a,b --invert b line
	[ "$status" = 0 ]
}

@test "--check: both conductors in the clamp of a named channel; of no name, unused" {
	checked '0 watts 5\n0 off 2\n' --node a,b
	[ "$status $(verdicts)" = "3 near-zero" ]
	take epi-tap $at --check line
	[ "$status $(verdicts)" = "0 unused" ]
	take epi-tap $at --check --node a,- line
	[ "$status $(verdicts)" = "0 unused" ]
}

@test "--check: a load on a channel without a name" {
	checked '0 watts 5\n' --node a,-
	[ "$status $(verdicts)" = "3 unnamed" ]
}

@test "--check: beyond full scale, and a dead IC" {
	checked '0 watts 300 1\n0 missing 2\n' --node a,b
	[ "$status" = 3 ]
	[ "$(verdicts)" = "clipping missing" ]
}

@test "--check: no mains, and other volts than the calibration's" {
	simulator
	echo '0 watts 5' >script
	epi-sim --fast --nodes 2 --for 12s --mains 120 script >line
	calibration "$hash" >file
	take epi-tap $at --check --calibration file line
	[ "$status $(verdicts)" = "3 other-volts other-volts" ]
	checked '0 watts 5\n'
	sed 's/"v":2/"v":1/' line >low
	take epi-tap $at --check low
	[ "$status" = 1 ]
}

@test "--check ends by itself on a live meter" {
	[ "${EPI_LONG-}" ] || skip "10 s (set EPI_LONG)"
	simulate --nodes 1 --rate 20
	begin epi-tap --check sim
	ended 0
	[ "$(said '.samples > 190 and .samples < 210')" = true ]
}

@test "negative watts are warned of once, and counted" {
	simulator
	printf '0 watts 5\n0 reverse 1\n' >script
	epi-sim --fast --nodes 1 --for 5s script >line
	warns epi-tap $at --node a line
	[ "$(wc -l <.err) $(total negative_samples)" = "1 $(total samples)" ]
	[[ $stderr == *"--invert a" ]]
}

# ---- unplugged

@test "unplugged: disconnect, reconnect, and what was missed is lost" {
	printf '0 watts 5\n1 unplug 1\n4 end\n' >script
	simulate --nodes 1 --rate 20 script
	warns epi-tap --node a sim
	[ "$(said "$(event disconnect), $(event reconnect) | .event")" = "disconnect reconnect" ]
	[ "$(said "select(.reason == \"disconnect\") | .count > 10 and .count < 30")" = true ]
	[ "$(total samples)" -gt 30 ]
	[ "$(total disconnects) $(total resets) $(total reason)" = "1 0 end" ]
}

@test "another meter plugged in is refused" {
	simulate --nodes 1 --seed 1
	begin epi-tap --node a sim
	soon grep -q watts .out
	pull "$sim"
	simulate --nodes 1 --seed 2
	ended 1
	[[ $stderr == *"another meter was plugged in"* ]]
	[ "$(total reason)" = refused ]
}

@test "a meter that was reset while it was away is the same one, reset" {
	simulate --nodes 1 --rate 20
	begin epi-tap --node a sim
	soon grep -q '"seq":30' .out
	pull "$sim"
	simulate --nodes 1 --rate 20
	soon grep -q '"event":"reset"' .out
	soon eval 'tail -n 3 .out | grep -q watts'
	kill "$pid"
	ended 0
	[ "$(total resets) $(total disconnects)" = "1 1" ]
}

@test "--give-up: away for so long is the end, status 1" {
	simulate --nodes 1
	begin epi-tap --node a --give-up 500ms sim
	soon grep -q watts .out
	pull "$sim"
	ended 1
	[[ $stderr == *"given up: "* ]]
	[ "$(total reason)" = hangup ]
}

@test "a signal while it is away: status 1, and the stream says why" {
	simulate --nodes 1
	begin epi-tap --node a sim
	soon grep -q watts .out
	kill -9 "$sim"
	soon grep -q unplugged .err
	kill "$pid"
	ended 1
	[ "$(total reason) $(total disconnects)" = "signal 1" ]
}

@test "one of two meters goes and the other is measured on" {
	simulate --nodes 1
	mv sim sim1
	first=$sim
	simulate --nodes 1 --seed 2
	begin epi-tap --node a --node b --give-up 300ms sim1 sim
	soon grep -q '"node":"a".*watts' .out
	soon grep -q '"node":"b".*watts' .out
	pull "$first" sim1
	soon grep -q 'given up' .err
	count=$(wc -l <.out)
	soon eval '[ "$(wc -l <.out)" -gt $((count + 5)) ]'
	kill "$pid"
	ended 1
	[ "$(said "$(event stop) | .nodes[0], .reason")" = "a hangup b signal" ]
}

# ---- ports that cannot be

@test "a port in use is refused, in one line" {
	simulate --nodes 1
	begin epi-tap sim
	soon grep -q watts .out
	mv .out out1
	fails 1 epi-tap sim
	[[ $stderr == "epi-tap: sim: in use by another program"* ]]
	[ "$(wc -l <.err)" = 1 ]
}

@test "no permission: the group that has it is named" {
	ptys
	[ "$(id -u)" = 0 ] && command -v setpriv || skip "not root, or no setpriv"
	name=$(readlink -f a)
	chgrp tty "$name"
	chmod 660 "$name"
	fails 1 setpriv --reuid 65534 --clear-groups "$(command -v epi-tap)" "$name"
	[[ $stderr == *"no permission: it is for the group tty: usermod -a -G tty"* ]]
	[ "$(wc -l <.err)" = 1 ]
}

@test "no such port: what there is, is told" {
	fails 1 epi-tap /dev/ttyNONE9
	[[ $stderr == "epi-tap: /dev/ttyNONE9: no such port; there "* ]]
	fails 1 epi-tap usb:NONE
	[[ $stderr == "epi-tap: usb:NONE: no such port; there "* ]]
}

@test "--list ends well, whatever there is" {
	ok epi-tap --list
}

@test "a login on the port names the getty, at once" {
	ptys
	begin epi-tap a
	soon grep -q I b
	printf '\r\nDebian GNU/Linux 12 pi1 ttyAMA0\r\n\r\npi1 login: \r\n' >b
	ended 1
	[[ $stderr == *"serial-getty@"* ]]
	[ "$(wc -l <.err)" = 1 ]
	[ ! -s .out ]
}

@test "nothing but noise: another speed is asked for" {
	ptys
	begin epi-tap a
	soon eval 'head -c 500 /dev/urandom >b'
	ended 1
	[[ $stderr == *"nothing but noise"*115200*--baud* ]]
	[ "$(wc -l <.err)" = 1 ]
	[ ! -s .out ]
}

@test "one name on two devices is refused, and both are named" {
	fails 2 epi-tap --node a,b --node c,a two.ndjson second.ndjson
	[[ $stderr == *"a is on both two.ndjson and second.ndjson"* ]]
}

@test "standard input may be a socket, and is spoken to" {
	simulate --nodes 1
	begin socat OPEN:sim,raw,echo=0 SYSTEM:"exec epi-tap - >tapped"
	soon grep -q watts tapped
	[ "$(sed -n 1p tapped | jq -r .instrument_id)" = E510000000000001 ]
}

# ---- serial ports, by a library that has some

@test "--list tells path, usb:SERIAL, ids and description, and no control byte" {
	ports $'/dev/ttyACM0,Pico - CDC\e[31m,11914,10,E66058388353A12B;/dev/ttyS0'
	ok env LD_PRELOAD=./serial.so epi-tap --list
	[ "$output" = $'/dev/ttyACM0\tusb:E66058388353A12B\t2e8a:000a\tPico - CDC?[31m\n/dev/ttyS0\t-\t-\t-' ]
}

@test "no such port: those that there are, are named" {
	ports '/dev/ttyACM0,Pico - CDC,11914,10,E6;/dev/ttyS0'
	fails 1 env LD_PRELOAD=./serial.so epi-tap usb:E7
	[[ $stderr == "epi-tap: usb:E7: no such port; there is /dev/ttyACM0 (Pico - CDC), /dev/ttyS0" ]]
}

@test "usb:SERIAL is measured wherever it is, 8N1, and waited for" {
	simulate --nodes 1
	ports "$(readlink sim),meter,1,2,E7"
	begin env LD_PRELOAD=./serial.so epi-tap --baud 57600 usb:E7
	soon grep -q watts .out
	[ "$(xargs <set)" = "baud 57600 bits 8 parity 0 stop 1 flow 0 flush 1" ]
	refused env LD_PRELOAD=./serial.so epi-tap usb:E7
	[[ $stderr == "epi-tap: usb:E7: in use by another program"* ]]
}

@test "a serial port that is pulled: disconnect, and the samples until then" {
	simulate --nodes 1
	ports "$PWD/sim,meter,1,2,E7"
	begin env LD_PRELOAD=./serial.so epi-tap --give-up 300ms usb:E7
	soon grep -q watts .out
	pull "$sim"
	ended 1
	[ "$(total reason) $(total disconnects)" = "hangup 1" ]
	[[ $stderr == *"given up: no such port"* ]]
}

@test "a step of this machine's clock is told, and the samples do not follow" {
	ports ''
	simulate --nodes 1 --rate 20
	begin env LD_PRELOAD=./serial.so epi-tap sim
	soon grep -q '"seq":20' .out
	: >stepped
	soon grep -qE '"step_seconds":(5.0|4.99)' .out
	count=$(wc -l <.out)
	soon eval '[ "$(wc -l <.out)" -gt $((count + 5)) ]'
	kill "$pid"
	ended 0
	[[ $stderr == *"clock was set by +5.000 s"* ]]
	jq -es 'map(select(.watts).timestamp) | [.[1:], .[:-1]] | transpose | all(.[0] - .[1] | . > 0 and . < 1)' .out
}

# ---- hostile bytes

@test "nothing that a line says reaches the terminal as a control byte" {
	ptys
	begin epi-tap --no-reconnect a
	soon grep -q I b
	{ cat two.ndjson && printf '\033]0;owned\007\033[2J\n{"s":2,"t":\033[31m}\n'; head -c 20000 /dev/urandom; echo; } >b
	soon grep -q checksum .err || soon grep -q 'not a line' .err
	kill "$line"
	ended 1
	[ "$(tr -d '\n -~' <.out | wc -c) $(tr -d '\n -~' <.err | wc -c)" = "0 0" ]
}

# ---- replayed: hours in seconds

@test "an hour (10 minutes) with every fault: all samples are accounted for, in their time" {
	simulator
	x=${EPI_LONG:+6} x=${x:-1}
	printf '%s\n' '0 decode' "$((100 * x)) unplug 20" "$((150 * x)) step 5" "$((200 * x)) unplug 20" "$((250 * x)) reboot" \
		"$((300 * x)) unplug 20" "$((333 * x)) stall 3" "$((350 * x)) unplug 20" "$((400 * x)) reboot" \
		"$((450 * x)) unplug 20" "$((600 * x)) end" >script
	epi-sim --fast --record --nodes 1 --rate 50 --drift 50 --faults 0.01 --times times --truth truth script >recording
	take epi-tap --replay recording
	[ "$status" = 0 ]
	tail -n 1 .out >stop
	jq -es --argjson sent "$(wc -l <times)" '.[0] | .samples + .lost == $sent and .resets == 2 and .disconnects == 5' stop
	read -r most count < <(late times)
	[ "$count" = "$(jq .samples stop)" ]
	[ "${most%.*}" -lt 2 ]
	awk '/watts/ { match($0, /[0-9.]+/); t = substr($0, RSTART, RLENGTH); if (t <= before) exit 1; before = t }' .out
	grep '"event":"clock"' .out >clock
	jq -es 'length > 9 and .[-1].step_seconds == 5 and (.[-1].skew - 50e-6 | fabs) < 1e-6 and all(.bound < .01)' clock
	epi-integrate --method counter .out >energy 2>/dev/null || :
	jq -es --slurpfile t truth '.[0].joules / $t[0].joules - 1 | fabs < 2e-4' energy
}

@test "samples and lost are what the meter took, whatever happens: many seeds" {
	simulator
	seeds=${EPI_LONG:+300} seeds=${seeds:-8}
	for ((seed = 1; seed <= seeds; seed++)); do
		printf '%s\n' '0 watts 5' "$((seed % 7 + 1)) unplug $((seed % 3 + 1))" \
			"$((seed % 7 + 6)) reboot" "$((seed % 7 + 9)).$seed lose $((seed % 4))" \
			"$((seed % 7 + 11)) unplug 2" '20 end' >script
		sim=(epi-sim --fast --record --nodes 2 --rate $((seed % 50 + 1)) --seed "$seed" --times times script)
		{ "${sim[@]}" | sed -n 1,2p && "${sim[@]}" --faults 0.05; } >recording
		take epi-tap --replay recording
		jq -es --argjson sent "$(wc -l <times)" 'last as $stop | $stop.samples + $stop.lost == 2 * $sent and
			$stop.samples == (map(select(.watts)) | length) and
			$stop.lost == (map(select(.event == "lost").count) | add // 0)' .out ||
			wrong "seed $seed" epi-tap
	done
}

@test "without the simulator's last word, all but the last lines are accounted for" {
	simulator
	echo '0 watts 5' >script
	for seed in {1..5}; do
		sim=(epi-sim --fast --record --nodes 1 --rate 50 --seed "$seed" --for 20s script)
		{ "${sim[@]}" | sed -n 1,2p && "${sim[@]}" --faults 0.05 | grep -v '"end"'; } >recording
		take epi-tap --replay recording
		last=$(grep -o '"seq":[0-9]*' .out | tail -n 1)
		[ $(($(total samples) + $(total lost))) = $((${last#*:} + 1)) ]
	done
}

# Each sample is of 2 s, and told 0.95 s and more after their centre; the second
# meter booted while it was away.
@test "a reset lies between the samples of both boots, whatever the delay" {
	simulator
	for script in '3 reboot' '3 unplug 3,4 reboot'; do
		{ echo '0 watts 5'; tr , '\n' <<<"$script"; echo '8 end'; } >script
		epi-sim --fast --record --nodes 1 --sampling window=2s script >recording
		ok epi-tap --replay recording
		jq -es 'map(select(.watts or .event == "reset")) | map(.event) as $e | ($e | index("reset")) as $i |
			($e | rindex("reset")) == $i and .[$i - 1].timestamp <= .[$i].timestamp and
			.[$i].timestamp <= .[$i + 1].timestamp' .out
	done
}

@test "a host whose clock says 1970 gives no time before it" {
	simulator
	epi-sim --fast --record --nodes 1 --begin 0 --sampling window=2s --for 5s >recording
	take epi-tap --replay recording
	[ "$(total samples)" -gt 20 ]
	[[ $output != *'"timestamp":-'* ]]
}

@test "a line of the host's that is none is malformed" {
	{ echo '{"host":"at","real":-1,"mono":2}' && cat two.ndjson; } >recording
	partly 1 epi-tap --replay recording
	[[ $stderr == "epi-tap: recording:1: "* ]]
}
