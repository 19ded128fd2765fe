# epi-calibrate: traces are made here, exact to the last digit or with a known
# scatter; expected figures follow by hand from the model of the page.

load lib

# trace FILE WATTS [VARS [COUNTER]]: 200 readings in 20 s, the energy counter
# rising by COUNTER watts, by default WATTS.
trace() {
	awk -v w="$2" -v q="$3" -v e="${4:-$2}" 'BEGIN {
		print "{\"timestamp\":1700000000,\"type\":\"event\",\"event\":\"start\",\"instrument\":\"epi-meter\"," \
			"\"instrument_id\":\"E6\",\"nodes\":[\"pi1\"],\"joules_resolution\":0.000001,\"calibration\":{\"hash\":\"26375DEF\"}}"
		for (i = 0; i < 200; i++)
			printf "{\"timestamp\":%.1f,\"node\":\"pi1\",\"watts\":%.6f,\"volts\":230,%s\"joules\":%.6f}\n", \
				1700000000 + i / 10, w, q == "" ? "" : "\"vars\":" q ",", e * i / 10
		print "{\"timestamp\":1700000020,\"type\":\"event\",\"event\":\"stop\"}"
	}' >"$1"
}

# spoil FILE SED: one thing of a trace is another.
spoil() {
	sed "$2" "$1" >spoilt
	! cmp -s "$1" spoilt
}

# rewrite TRACE EXPRESSION: the watts of reading n are another.
rewrite() {
	awk "/watts/ { w = $2; n++; sub(/\"watts\":[0-9.]*/, \"\\\"watts\\\":\" w) } 1" "$1"
}

# Three loads of a channel with offset 0.07 W and gain 1.02, its counter 0.05 W
# and 1.03, no phase error.
three() {
	trace t0 0.07 0 0.05
	trace t5 5.17 0 5.20
	trace t15 15.37 0 15.50
}

calibrate() {
	warns epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 "$@" t0 t5 t15 >cal
}

# is FILTER VALUE: of the calibration, numbers to 1e-6.
is() {
	value=$(jq -c "$1 | walk(if type == \"number\" then . * 1e6 | round / 1e6 + 0 else . end)" cal)
	[ "$value" = "$2" ] || { echo "$1 is $value, not $2" >&2; return 1; }
}

@test "offset and gain of the power and of the energy path" {
	three
	calibrate
	is '.channels[0].power' '{"offset_watts":0.07,"gain":1.02,"phase_radians":0,"offset_vars":0}'
	is '.channels[0].energy' '{"offset_watts":0.05,"gain":1.03}'
}

# tan 0.02 of the phase: 10.2 W of a resistor show -0.204 var.
@test "vars of a resistor are the phase" {
	trace t0 0.07 0.01
	trace t5 10.27 -0.194
	warns epi-calibrate --load 0 --load 10,U=0 t0 t5 >cal
	is '.channels[0].power.phase_radians' 0.019997
	is '.channels[0].power.offset_vars' 0.01
}

# -20 var without loss, turned by tan 0.02: -0.4 W more.
@test "a capacitor shows the phase as watts" {
	trace t0 0 0
	trace t5 10 -0.2
	trace cap -0.4 -20
	warns epi-calibrate --load 0 --load 10,U=0 --load loss=0,U=0.0001 t0 t5 cap >cal
	is '.channels[0].power.phase_radians' 0.019997
	fails 1 epi-calibrate --load 0 --load 10,U=0 --load loss=0,U=0.0001 t5 t0 cap
}

# Batches of ten are 0 and 0.2 W in turn: the mean's variance is 20 0.01 / 19 / 20.
@test "what holds readings together for a while is no more known by more readings" {
	three
	rewrite t0 '0.2 * (int(n / 10) % 2)' >slow
	rewrite t0 '0.2 * (n % 2)' >fast
	warns epi-calibrate --load 0 --load 5,U=0 slow t5 >cal
	is '.channels[0] | [.u[0], .nu[0]]' '[0.022942,19]'
	warns epi-calibrate --load 0 --load 5,U=0 fast t5 >cal
	is '.channels[0].u[0] < 0.001' true
}

# U = 0.2 % of all loads is k = 2 u(gain) = 0.2 % of 1.02.
@test "a reference's error is in the gain, a line of its own and common to channels" {
	three
	for t in t0 t5 t15; do sed 's/pi1/pi2/' $t >"$t.2"; done
	warns epi-calibrate --meta reference.certificate=C1 \
		--node pi1 --load 0 --load 5,U=0.2% --load 15,U=0.2% \
		--node pi2 --load 0 --load 5,U=0.2% --load 15,U=0.2% t0 t5 t15 t0.2 t5.2 t15.2 >cal
	is '[.channels[].u[1] * 1e5 | round]' '[102,102]'
	is '[.channels[].sources[] | select(.key == "reference:C1") | .coefficients[1]]' '[-0.00102,-0.00102]'
}

@test "U and k: an expanded uncertainty over its factor" {
	three
	warns epi-calibrate --load 0 --load 15,U=0.3,k=3 t0 t15 --linearity 0 >cal
	is '.channels[0].u[1] * 1000 | round' 7
}

@test "two loads are on any straight line: said, and wider" {
	three
	warns epi-calibrate --load 0 --load 5,U=0 t0 t5 >cal
	[[ $stderr == *linearity-untested* ]]
	is '.channels[0] | [.linearity_tested, .tests.power]' '[false,null]'
	is '.channels[0].u[1]' 0.00589 # 1.02 * 0.01 / sqrt 3, and 0.29 mW of 5 W
}

# 1.02 * 0.01 / sqrt 3, and less of the readings; 0.75 is a twentieth of 15 W.
@test "a load that is measured twice is no third level" {
	three
	warns epi-calibrate --load 0 --load 5,U=0 --load 5,U=0 t0 t5 t5 >cal
	[[ $stderr == *linearity-untested* ]]
	is '.channels[0] | [.linearity_tested, (.u[1] * 1e4 | round)]' '[false,59]'
	trace low 0.835 0 0.8225
	warns epi-calibrate --load 0 --load 0.74,U=1 --load 15,U=0 t0 low t15 >cal
	is '.channels[0].linearity_tested' false
	warns epi-calibrate --load 0 --load 0.75,U=1 --load 15,U=0 t0 low t15 >cal
	is '.channels[0].linearity_tested' true
}

@test "residuals beyond the claim: refused, with what was left; a lesser claim is not" {
	three
	trace t5 5.22 0 5.25
	fails 1 epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15
	[[ $stderr == *"pi1: refused: the residuals of its power are"*"W at 5 W"* ]]
	calibrate --linearity 2
}

# A load that rises by 0.4 W, by 1.02 as much and 0.07 W more.
@test "another meter's trace: what a load does to both cancels" {
	three
	rewrite t5 '5 + n / 500' | sed 's/pi1/ref/; s/E6/F7/' >ref
	rewrite t5 '0.07 + 1.02 * (5 + n / 500)' >t5.moving
	warns epi-calibrate --load 0 --load reference=ref,U=0 --linearity 0 t0 t5.moving >cal
	is '.channels[0].power | [.offset_watts, .gain]' '[0.07,1.02]'
	is '.channels[0].u[1] < 0.0001' true
}

@test "a trace is no reference of its own" {
	three
	cp t5 copy
	fails 1 epi-calibrate --load 0 --load reference=copy,U=0.01 t0 t5
	[[ $stderr == *"t5: is its own reference"* ]]
}

@test "a load that still warms up is told" {
	three
	rewrite t5 '5.17 + n / 1000' >t5.warm
	take epi-calibrate --load 0 --load 5,U=1 t0 t5.warm
	[[ $status == 0 && $stderr == *"load-drifts: t5.warm: by +0.2"* ]]
}

@test "as found is the meter's error, as left the line's; with --previous the old line's" {
	three
	calibrate
	is '[.channels[0].points[] | .as_found_watts, .as_left_watts]' '[0.07,0,0.17,0,0.37,0]'
	mv cal old
	calibrate --previous old
	is '[.channels[0].points[].as_found_watts]' '[0,0,0]'
}

@test "registers are taken over from the calibration before" {
	three
	echo '{"type":"calibration","format":1,"registers":[{"channel":"*","address":"7D","value":"C8"}]}' >old
	calibrate --previous old
	is '.registers' '[{"channel":"*","address":"7D","value":"00C8"}]'
}

@test "traceable is what has a certificate, all of it, and is not simulated" {
	three
	calibrate --meta reference.serial=S --meta reference.certificate=C
	is '.traceable' false
	ok epi-calibrate --meta reference.serial=S --meta reference.certificate=C --meta reference.laboratory=L \
		--meta reference.date=2023-01-02T00:00:00Z --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15 >cal
	is '[.traceable, .reference.date]' '[true,1672617600]'
}

@test "the same readings give the same bytes; dates are the readings'" {
	three
	calibrate
	mv cal first
	calibrate
	cmp cal first
	is '[.date, .valid_until]' '[1700000019.9,1731536019.9]'
}

@test "the calibration before is of this meter and its registers, or refused" {
	three
	calibrate
	for edit in '.meter.id = "E7"' '.meter.hash = "00000000"'; do
		ok jq -c "$edit" cal >other
		fails 1 epi-calibrate --previous other --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15 || return 1
	done
}

# 2^63 ns are 106751 days and some hours, and the readings of 19675 days.
@test "a calibration that would hold beyond the last time there is is refused" {
	three
	calibrate --valid 87000d
	is '.valid_until > .date' true
	fails 1 epi-calibrate --valid 87100d --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15
}

@test "what tells calibrations apart has its part in their id" {
	three
	sed -i '/watts/{p;s/pi1/pi2/}; s/\["pi1"\]/["pi1","pi2"]/' t0 t5 t15
	echo '{"type":"calibration","format":1,"registers":[{"channel":"*","address":"7D","value":"C8"}]}' >old
	for words in '--node pi1' '--node pi2' '--node pi1 --valid 1d' '--node pi1 --previous old'; do
		# shellcheck disable=SC2086 # words
		warns epi-calibrate $words --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15 >cal || return 1
		jq -r .id cal >>ids
	done
	[ "$(sort -u ids | wc -l)" = 4 ]
}

@test "what is simulated says so" {
	three
	sed -i 's/"nodes"/"simulated":true,"nodes"/' t0
	ok epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15 >cal
	is '[.simulated, .traceable]' '[true,false]'
}

@test "the channel's number is the start event's" {
	three
	sed -i 's/"nodes"/"channels":[3],"nodes"/' t0 t5 t15
	calibrate
	is '.channels[0].channel' 3
}

@test "traces that are not fit for it are refused, each with its reason" {
	three
	refused() {
		spoil "$1" "$2" || return 1
		fails 1 epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 spoilt t15
		[[ $stderr == *"$3"* ]] || wrong "$3" "$2"
	}
	refused t5 's/"hash":"2/"corrected":true,"hash":"2/' 'corrected by a calibration already'
	refused t5 's/E6/E7/' 'another meter'
	refused t5 's/26375DEF/26375DEE/' 'another calibration hash'
	refused t5 's/pi1/pi2/' 'another node'
	refused t5 '/stop/d' 'the trace is cut'
	refused t5 '30,$d' 'fewer than 40'
	refused t5 's/stop/reset/' 'was reset'
	refused t5 '50,80d' 'a gap'
	refused t5 '99s/pi1/pi2/' 'several nodes'
	refused t5 '99s/"watts"/"watt"/' 'watts'
	refused t5 's/"watts":/&-/' 'reversed'
}

@test "wrong command lines" {
	for words in '--load 0' '--load 5' '--load 5,U=-1' '--load 5,U=1,loss=1' '--load loss=1,U=1%' \
		'--load 0 --load 0' '--load 5,U=1' '--load 0 --load loss=1,U=1' '--load x' \
		'--meta color=red' '--meta reference.date=yesterday' '--meta clamp.turns=two' \
		'--node a --node a' '--load 0 --node a' '--load 0 --load 5,U=1 --correlation 2' \
		'--verify loss=1,U=1' '--verify 5'; do
		# shellcheck disable=SC2086 # words
		fails 2 epi-calibrate $words || return 1
	done
	fails 2 epi-calibrate --load 0 --load 5,U=1 one
}

@test "a load's words are told once each, and are of such a load" {
	three
	for load in 5,2,U=1% 5,U=0,2 5,U=0.1,U=0.2 5,U=1,k=2,k=3 5,U=1,angle=0,angle=1 reference=t5,reference=t5,U=1; do
		fails 2 epi-calibrate --load 0 --load $load t0 t5 || return 1
	done
	fails 2 epi-calibrate --load 0,U=0.5 --load 5,U=0.1 t0 t5
	trace cap -0.4 -20
	fails 2 epi-calibrate --load 0 --load 5,U=0.1 --load loss=0,U=0.0001,angle=0.1 t0 t5 cap
}

@test "verify: |E_n| up to 1 passes, more is status 3, with the same record" {
	three
	calibrate
	trace mid 10.27 0 10.35 # 10 W by both paths
	ok epi-calibrate --verify 10,U=0.02 --calibration cal mid >record
	[ "$(jq -c '[.type, .passed, .simulated]' record)" = '["verification",true,null]' ]
	[ "$(jq '[.power, .energy] | all(.watts > 9.9999 and .watts < 10.0001 and .e_n < 0.01)' record)" = true ]
	take epi-calibrate --verify 10.2,U=0.02 --calibration cal mid
	[ "$status" -eq 3 ]
	[ "$(jq '.passed or .power.e_n > -1' .out)" = false ]
}

# U(error): calibration 0.2 % of 10 W, load 0.02 W, both one error: they cancel.
# By hand: a resistor of 10 W under the phase of 7, 24 and 25 shows 9.6 W and -2.8
# var; without these its watts are what is shown over 0.96.
@test "verify: without vars the load is a resistor, as for epi-tap" {
	trace t0 0 0
	trace t5 4.8 -1.4
	trace t15 14.4 -4.2
	calibrate
	trace with 9.6 -2.8
	trace without 9.6
	for file in with without; do
		ok epi-calibrate --verify 10,U=0.002 --calibration cal $file >record
		jq -e '[.power, .energy] | all(.watts - 10 | fabs < 1e-4)' record
	done
}

@test "the last reading behind a gap: what is wrong is said" {
	three
	for file in t0 t5 t15; do awk '/watts/ && ++n > 188 && n < 200 { next } 1' $file >cut; mv cut $file; done
	fails 1 epi-calibrate --load 0 --load 5,U=0.01 --load 15,U=0.03 t0 t5 t15
	[[ $stderr == "epi-calibrate: t0: a gap of a twentieth of the time"* ]]
}

@test "verify: a simulated reference makes it simulated" {
	three
	calibrate
	sed 's/"nodes"/"simulated":true,"nodes"/' t0 >ref
	ok epi-calibrate --verify reference=ref,U=1 --calibration cal t0 >record
	[ "$(jq .simulated record)" = true ]
}

@test "verify: the calibration's own reference cancels, another one adds" {
	three
	trace mid 10.27 0 10.35
	warns epi-calibrate --meta reference.serial=S --load 0 --load 5,U=0.2% --load 15,U=0.2% t0 t5 t15 >cal
	ok epi-calibrate --verify 10,U=0.2% --meta reference.serial=S --calibration cal mid >same
	ok epi-calibrate --verify 10,U=0.2% --calibration cal mid >other
	[ "$(jq -s 'map(.power.U_error_watts * 1e3 | round)' same other | jq -c .)" = '[1,28]' ]
}

@test "verify: a trace that epi-tap corrected by this calibration, not by another" {
	three
	calibrate
	trace mid 10 0 10
	id=$(jq -r .id cal)
	sed -i "s/\"hash\":\"26375DEF\"/&,\"corrected\":true,\"id\":\"$id\"/" mid
	ok epi-calibrate --verify 10,U=0.02 --calibration cal mid >record
	[ "$(jq '.power.error_watts | fabs < 1e-9' record)" = true ]
	{ head -n 1 mid && cat cal && tail -n +2 mid; } >whole
	ok epi-calibrate --verify 10,U=0.02 whole
	spoil mid "s/$id/0000/"
	fails 1 epi-calibrate --verify 10,U=0.02 --calibration cal spoilt
}

@test "verify: another meter, another register state, no calibration" {
	three
	calibrate
	spoil t5 's/E6/E7/'
	fails 1 epi-calibrate --verify 5,U=1 --calibration cal spoilt
	spoil t5 's/26375DEF/00000000/'
	fails 1 epi-calibrate --verify 5,U=1 --calibration cal spoilt
	fails 1 epi-calibrate --verify 5,U=1 t5
	[[ $stderr == *--calibration* ]]
}

@test "the report: of one calibration, of several, of none" {
	three
	calibrate
	ok epi-calibrate cal
	[[ $output == *"offset_watts             0.07000"* && $output == *"NOT TRACEABLE"* ]]
	ok epi-calibrate cal cal
	[ "$(grep -c ^calibration .out)" = 2 ]
	fails 1 epi-calibrate t0
}

@test "a calibration that is none" {
	three
	for filter in '.format = 2' '.channels[0].channel = 9' 'del(.channels[0].covariance)' \
		'.channels[0].power.gain = 0' '.channels[0].valid.watts = [1]' '.registers = [1]'; do
		ok epi-calibrate --load 0 --load 5,U=1 --load 15,U=1 --meta reference.serial=S \
			--meta reference.certificate=C --meta reference.laboratory=L --meta reference.date=0 t0 t5 t15 |
			jq -c "$filter" >bad || return 1
		fails 1 epi-calibrate bad || return 1
		fails 1 epi-calibrate --verify 5,U=1 --calibration bad t5 || return 1
	done
}

@test "a calibration's words cannot reach the terminal as escapes" {
	three
	calibrate --meta reference.make=$'\e[31mred\xc2\x9b1m'
	ok epi-calibrate cal
	[[ $output == *red* && $output != *$'\e'* && $output != *$'\xc2\x9b'* ]]
}

# tests/bench/calibrate does 2000; here what 60 can show: deviations as promised
# (gain 0.05 %, offset 5 mW, phase 0.05 degree), no bias beyond four standard
# errors of that, and intervals that hold the truth more than 50 times of 60 (95 %
# intervals do so but for 1 of 1000 such runs; these seeds are always the same).
@test "sixty simulated calibrations: small deviations, honest intervals" {
	ok "$root/tests/bench/calibrate" 60 5000 >table
	awk -F '|' '$2 ~ /(offset_watts|gain|phase) / {
			most = $2 ~ /gain/ ? 0.0005 : $2 ~ /phase/ ? 0.05 : 0.005
			good += $5 + 0 <= most && $4 ^ 2 <= (4 * most) ^ 2 / 60
		}
		/%/ { held += $8 + 0 > 100 * 50 / 60 }
		END { exit !(good == 5 && held == 6) }' table
}
