# epi-sim: the firmware on modelled loads.  Expected figures follow from the
# script's watts by hand, or from the model as its page states it.

load lib

# sim TEXT ARGUMENT...: a script of that text, as fast as it goes.
sim() {
	printf '%s\n' "$1" >script
	shift
	ok epi-sim --fast "$@" script
}

# last FILTER: of the last sample.
last() {
	jq -s "[.[] | select(.p)][-1] | $1" .out
}

# all FILTER: whether it holds for every sample.
all() {
	[ "$(jq -s "[.[] | select(.p)] | length > 1 and all($1)" .out)" = true ]
}

# is FILTER VALUE: of the last sample.
is() {
	value=$(last "$1" | jq -c .)
	[ "$value" = "$2" ] || { echo "$1 is $value, not $2" >&2; return 1; }
}

@test "a minute at 10 Hz: the header, 599 samples, the end" {
	ok epi-sim --fast --for 60s
	[ "$(jq -s '[.[0].epi, (map(select(.p)) | length), .[-1].end] | tojson' .out)" = '"[1,599,\"time\"]"' ]
}

@test "the header says simulated, and what the values average" {
	ok epi-sim --fast --for 1s --rate 50
	[ "$(jq -c 'select(.epi) | [.sim, .hz, .avg, .dly]' .out)" = '[1,50,20000,10000]' ]
	ok epi-sim --fast --for 1s --sampling window=300ms
	[ "$(jq -c 'select(.epi) | [.avg, .dly]' .out)" = '[300000,150000]' ]
}

@test "the same seed is the same run, another one another" {
	ok epi-sim --fast --for 20s --seed 7
	mv .out a
	ok epi-sim --fast --for 20s --seed 7
	cmp a .out
	ok epi-sim --fast --for 20s --seed 8
	mv .out b
	[ "$(cmp -s a b; echo $?)" = 1 ]
}

@test "5 W are 5000 mW, and the truth is 5 W times the samples' span" {
	sim '0 watts 5' --for 20s
	all '.p == [5000, 5000, 5000, 5000]'
	[ "$(jq -s '[.[] | select(.t and .p)] as $s | .[-1].truth[0] - 5 * ($s[-1].t - $s[0].t) | fabs <= 1' .out)" = true ]
}

@test "the energy counter: 7 W for the counted span, to 10 mJ" {
	sim '0 watts 7' --for 30s
	[ "$(jq -s '[.[] | select(.p)] as $s | .[-1].counted[2] / 1e4 - ($s[-1].j[2] - $s[0].j[2]) | fabs <= 1' .out)" = true ]
}

@test "idle, prefill and decode are three powers; off is none" {
	sim $'0 idle\n5 prefill\n10 decode\n15 off\n20 end' --nodes 1 --noise 0
	mean() { jq -s "[.[] | select(.p and .t > $1e6 and .t < $2e6) | .p[0]] | add / length | . > $3 and . < $4" .out; }
	[ "$(mean 1 5 3100 3400)$(mean 6 10 8000 9000)$(mean 11 15 6500 7700)$(mean 16 20 -1 1)" = truetruetruetrue ]
}

@test "a rectifier: S squared is over P squared plus Q squared, PF 0.3 to 0.6" {
	ok epi-sim --fast --for 20s
	all '.v * .i[0] / 1e6 * .v * .i[0] / 1e6 > .p[0] * .p[0] + .q[0] * .q[0]'
	all '.pf[0] >= 300 and .pf[0] <= 600'
}

@test "120 V and 60 Hz, wandering" {
	ok epi-sim --fast --for 20s --mains 120
	all '.v > 115000 and .v < 125000 and .f > 59900 and .f < 60100'
	[ "$(jq -s '[.[] | select(.p) | .v] | unique | length > 10' .out)" = true ]
}

@test "clamp and front end: ratio, pickup, crosstalk" {
	sim '0 watts 10' --for 5s --gain 0.01
	is '.p[0]' 10100
	sim '0 watts 10' --for 5s --pickup 0.069
	is '.p[1]' 10069
	sim '0 watts 10' --for 5s --crosstalk 0.01
	is '.p[2]' 10300
}

# Q of 10 W is -1.48 var (page); cosine and sine of 2 degrees are 0.99939 and
# 0.03490: 9993.9 - 51.7 mW, -1479.1 - 349.0 mvar; a resistor has no Q.
@test "two degrees of phase error turn P and Q by two degrees" {
	sim '0 watts 10' --for 5s --phase 2
	is '[.p[0], .q[0]]' '[9942,-1828]'
	sim '0 resistive 10' --for 5s --phase 2
	is '[.p[0], .q[0]]' '[9994,-349]'
}

@test "a resistor: no Q, and all of its current is real" {
	sim '0 resistive 10' --for 5s
	is '[.p[0], .q[0], .pf[0]]' '[10000,0,1000]'
	all '.v * .i[0] / 1e6 - .p[0] | fabs < 1'
}

# 599 readings: their deviation is 50 mW but for 50/sqrt(2 599) = 1.4 mW, their
# mean 0 but for 50/sqrt(599) = 2 mW; the counter has the same mean.
@test "a meter's noise is in its readings, and added up in its counter" {
	sim '0 resistive 0' --for 60s --nodes 1 --reading-noise 0.05
	[ "$(jq -s '[.[] | select(.p)] | (map(.p[0]) | add / length) as $mean |
		(map(.p[0] - $mean | . * .) | add / length | sqrt) as $sigma |
		((.[-1].j[0] - .[0].j[0]) * 1e4 / ((.[-1].t - .[0].t) / 1e6)) as $counted |
		$sigma > 44 and $sigma < 56 and ($mean | fabs) < 8 and ($counted / 1e3 - $mean | fabs) < 1' .out)" = true ]
}

@test "each channel may have errors of its own, told with the truth" {
	sim $'0 resistive 10\n0 gain -0.01 1\n0 pickup 0.05 2\n0 phase 2 3' --for 5s --truth truth
	is '.p' '[9900,10050,9994,10000]'
	[ "$(jq -c '[.gain, .phase_degrees, .offset_watts]' truth | tr -d '\n')" = "[0.99,0,0][1,0,0.05][1,2,0][1,0,0]" ]
}

@test "beyond the ADC's full scale: too little power, and flagged" {
	sim '0 watts 90' --for 5s
	is '.e[0]' 32
	[ "$(last '.p[0] < 90000')" = true ]
}

@test "lost lines leave a gap, damaged ones are no frames" {
	sim $'0 idle\n5 lose 3\n10 damage 2\n20 end'
	mv .out script.out
	take epi-tap --begin 0 -n a,b,c,d script.out
	[ "$(jq -s '.[-1] | [.crc_errors, .lost] | tojson' .out)" = '"[2,20]"' ]
}

@test "a reboot: a header that says so, numbers from 0" {
	sim $'0 idle\n5 reboot\n10 end'
	[ "$(jq -c 'select(.epi) | [.rst, .next]' .out | tr '\n' ' ')" = '["power",0] ["run",0] ' ]
}

@test "an IC that is missing is null until it is back" {
	sim $'0 watts 5\n5 missing 2\n8 end'
	is '[.p, .e]' '[[5000,null,5000,5000],[0,1,0,0]]'
	sim $'0 watts 5\n5 missing 2\n8 present 2\n12 end'
	is '[.p, .e]' '[[5000,5000,5000,5000],[0,0,0,0]]'
}

# 90 W for two hours are 6.5e14 nJ, whose millionths 63 bits do not hold.
@test "an IC that was away for hours counts on from 0" {
	sim $'0 watts 90 1\n1 missing\n7200 present\n7210 end' --rate 1 --phase 3
	is .e '[32,0,0,0]'
	all '.j[0] == null or (.j[0] >= 0 and .j[0] < 90 * 10 * 100)'
}

@test "a stuck line, a brown-out, a checksum refused: no values" {
	sim $'0 idle\n5 stuck 1\n6 end'
	is '[.p[0], .e[0]]' '[null,1]'
	sim $'0 idle\n5 brownout 1\n5.5 end'
	is '[.p[0], .e[0]]' '[null,4]'
	sim $'0 idle\n5 badsum 1\n8 end'
	is '.p[0]' null
}

@test "a reversed clamp reads negative, and counts backwards" {
	sim $'0 watts 5\n5 reverse 1\n20 end'
	is '.p[0]' -5000
	[ "$(last '.j[0] < -4000')" = true ]
}

@test "registers that stand still are told apart" {
	sim $'0 decode\n5 freeze 3\n8 end'
	is .m 11
}

@test "a crystal that is fast by 100 ppm: 5 W of its seconds are less" {
	sim '0 watts 5' --for 100s --drift 100
	[ "$(jq -s '[.[] | select(.p)] as $s | .[-1].truth[0] * 1.0001 / (5 * ($s[-1].t - $s[0].t)) - 1 | fabs < 1e-6' .out)" = true ]
}

# 0.99 of 7200 s are 7128; each sample's time was sought from up to 0.7 s off.
@test "a clock that is far off costs no time" {
	ok timeout 10 epi-sim --fast --for 2h --rate 1 --nodes 1 --drift -10000
	[ "$(grep -c '"p":' .out)" -eq 7127 ]
}

# within METHOD SHARE TRUTH ARGUMENT...: the pipeline's joules and the true
# ones of every node, 60 s of them.
within() {
	epi-sim --fast --for 60s --truth truth "${@:4}" | epi-tap - | epi-integrate --method "$1" >energy
	jq 'select(.scope == "node") | .joules' energy | paste - truth |
		sed "s/{.*\"$3\":\([0-9.]*\).*/\1/" |
		awk -v share="$2" '{ n++; if (($1 / $2 - 1) ^ 2 > share ^ 2) bad++ } END { exit n != 4 || bad }'
}

@test "the pipeline's joules are the true ones: 0.1 % at 10 Hz, 0.02 % at 50 Hz" {
	within trapezoid 0.001 joules --rate 10
	within trapezoid 0.0002 joules --rate 50
}

# 10 mJ of 400 J at each end, and half a period (50 or 10 ms) of bursts of a watt.
@test "the counter's joules are the true ones to its resolution of 10 mJ" {
	within counter 0.0002 joules --rate 10
	within counter 0.0001 joules --rate 50
}

# 9 W between two steps, each where the meter is read: 10 s are 90 J.  The
# counter is half a period late, 0.25 J if that were not seen.
@test "a counter that is read later than its sample's time belongs there" {
	sim '0 watts 4' --for 5s --nodes 1 --times times
	first=$(head -n 1 times | jq '.real / 1e9 - 1795340400')
	from=$(jq -n "$first + 10.05") to=$(jq -n "$first + 20.05")
	printf '%s\n' '0 watts 4' "$from watts 9" "$to watts 4" '30 end' >script
	epi-sim --fast --nodes 1 script | epi-tap --node a --begin "$first" - 2>/dev/null |
		epi-window --from "$from" --to "$to" | epi-integrate --method counter >energy
	jq -se '.[0].joules | . > 89.96 and . < 90.04' energy
}

@test "--truth: a record a channel" {
	ok epi-sim --fast --for 5s --nodes 2 --truth truth
	[ "$(jq -c '[.type, .channel, .simulated]' truth | tr '\n' ' ')" = '["truth",1,true] ["truth",2,true] ' ]
}

# ---- the wire

# fates: of a truth's lines, what happened to them.
fates() {
	jq -r 'select(.channel == 1) | [.lines, .lost, .damaged, .cut] | join(" ")' truth
}

@test "a line may be cut: it runs into the next one" {
	sim $'0 watts 5\n2 cut 1' --for 5s --truth truth
	[ "$(jq -cR 'fromjson? | select(.p)' .out | wc -l)" -eq 47 ]
	[ "$(fates)" = "50 0 0 1" ]
}

@test "random faults are as many as told, and change no power" {
	sim '0 watts 5' --for 100s --rate 50 --faults 0.03 --truth truth
	read -r lines lost damaged cut < <(fates)
	# 150 of 5000, a third each: 50, 7 the deviation
	for n in $lost $damaged $cut; do ((n > 20 && n < 80)); done
	((lines - lost - cut + 1 == $(wc -l <.out))) # 1: the end
	jq -c .joules truth >with
	sim '0 watts 5' --for 100s --rate 50 --truth truth
	jq -c .joules truth | cmp - with
	[ "$(fates)" = "$lines 0 0 0" ]
}

@test "a recording tells when the host saw each line, and its own clock" {
	sim $'0 watts 5\n3 step -2' --for 6s --record --begin 1000 --times times
	grep -v '"host"' .out | jq -se 'map(select(.p)) | length == 59'
	# every line 50 us to 21 ms after its last byte, in order, mono from 1000 s
	jq -se 'map(select(.host == "at")) | length == 61 and
		(map(.mono) | . == sort) and (.[-1].real - .[-1].mono == -2000000000)' .out
	# the first sample's averages: 0 to 0.1 s after the boot
	[ "$(head -n 1 times | jq '.boot, .s, .real - (.t - 50000) * 1000' | tr '\n' ' ')" = "1 0 1000000000000 " ]
}

@test "a recording's host asks for the time, and is answered" {
	sim '0 watts 5' --for 25s --record --pings 10s
	[ "$(jq -c 'select(.host == "sent") | [.mono, .text]' .out | tr -d '\n')" = '[1010000000000,"P 1"][1020000000000,"P 2"]' ]
	[ "$(jq -c 'select(.ok) | [.ok, .k]' .out | tr -d '\n')" = '["P","1"]["P","2"]' ]
	# a third goes with the last line
	sim '0 watts 5' --for 30s --record --pings 10s
	jq -se 'map(select(.host) | .mono) | length > 300 and . == sort' .out
	# received 0 to 1 ms and four bytes after it was sent
	jq -se '(map(select(.ok))[0].rx - 10000000) | . > 300 and . < 1500' .out
}

@test "a board that is reset while it is asked goes on" {
	sim $'0 watts 5\n10 reboot\n10.0005 reboot' --for 15s --record --pings 10s
	[ "$(jq -c 'select(.epi)' .out | wc -l)" -eq 3 ]
}

@test "an unplugged host sees nothing; the meter goes on" {
	sim $'0 watts 5\n2.05 unplug 1' --for 5s --record
	jq -se '[.[] | select(.host | IN("unplugged", "plugged")) | .mono] == [1002050000000, 1003050000000]' .out
	jq -se '[.[] | select(.p) | .s] as $s | [range(1; $s | length) | $s[.] - $s[. - 1]] | max == 11 and (map(select(. > 1)) | length) == 1' .out
}

# Out from 2.05 to 4.05 s: 20 samples at 10 Hz.
@test "a host that is unplugged while it is sees nothing of what came meanwhile" {
	sim $'0 watts 5\n2.05 unplug 5\n3.05 unplug 1' --for 5s --record
	jq -se '[.[] | select(.host | IN("unplugged", "plugged")) | .mono] == [1002050000000, 1004050000000]' .out
	jq -se '[.[] | select(.p) | .s] as $s | [range(1; $s | length) | $s[.] - $s[. - 1]] | max == 21 and (map(select(. > 1)) | length) == 1' .out
}

@test "a stalled host gets it all at once, late" {
	sim $'0 watts 5\n2.05 stall 0.5' --for 5s --record
	jq -se '[.[] | select(.host == "at") | .mono | select(. > 1002050000000 and . < 1002550000000)] == []' .out
	jq -se '[.[] | select(.p)] | length == 49' .out
}

# The meter's queue is its UART's: who is at its end is no matter.  600 lines in
# the minute, 512 of which a host that comes back has room for.
@test "a minute of a stalled or unplugged host costs it lines, the meter none" {
	for verb in unplug stall; do
		sim $'0 watts 5\n2.05 '$verb' 60' --for 70s --record --truth truth
		[ "$(jq 'select(.end) | .drop' .out)" = 0 ]
		read -r lines lost damaged cut < <(fates)
		((lost > 80))
	done
	((lines - lost == $(grep -vc '"host":\|"end":' .out)))
}

@test "an unplugged pseudo-terminal goes away and comes back" {
	printf '%s\n' '0 watts 5' '1 unplug 0.5' '3 end' >script
	epi-sim --pty port script & pid=$!
	until [ -L port ]; do sleep 0.02; done
	first=$(readlink port)
	timeout 5 cat port >seen || true
	while [ -L port ]; do sleep 0.02; done
	until [ -L port ]; do sleep 0.02; done
	timeout 5 cat port >again || true
	wait $pid
	[ -s seen ]
	[ -s again ]
	[ "$first" ]
	[ ! -L port ]
}

@test "a signal ends it: the end frame, status 0" {
	epi-sim --for 60s >out & pid=$!
	until [ -s out ]; do sleep 0.05; done
	kill $pid
	wait $pid
	[ "$(jq -r 'select(.end) | .end' out)" = signal ]
}

@test "marks as they come set what the nodes do" {
	{ epi-mark prefill begin; sleep 0.7; } |
		ok epi-sim --nodes 1 --noise 0 --for 0.6s --marks -
	[ "$(last '.p[0] > 7000')" = true ]
}

# A node idles at 3.2 W and a little more now and then.
@test "--truth with --marks: what was taken from mark to mark" {
	{ epi-mark idle begin; sleep 0.5; epi-mark idle end; sleep 0.1; } |
		tee marks | ok epi-sim --nodes 2 --noise 0 --for 0.8s --truth truth --marks -
	seconds=$(jq -s '.[1].timestamp - .[0].timestamp' marks)
	jq -s --argjson s "$seconds" -e 'map(select(.taken_joules)) as [$a, $b]
		| [$a.label, $a.edge, $b.edge] == ["idle", "begin", "end"] and
		([0, 1] | all(($b.taken_joules[.] - $a.taken_joules[.]) / $s | . > 3.19 and . < 3.4))' truth
}

# 5 W for 10 s and 7 W for 5 s, which come with the next millisecond: 84.998 J.
@test "a script's marks tell what each node took, exactly" {
	printf '%s\n' '0 watts 5' '3.25 mark run begin' '13.25 watts 7' '18.25 mark run end' '20 end' >script
	ok epi-sim --fast --nodes 2 --truth truth script >lines
	jq -s -e 'map(select(.label == "run")) as [$a, $b]
		| [0, 1] | all(($b.taken_joules[.] - $a.taken_joules[.]) | . > 84.9979 and . < 84.9981)' truth
	ok epi-sim --fast --nodes 2 script | cmp - lines
	printf '1 mark "x begin\n2 end\n' >script
	fails 1 epi-sim --fast script
}

@test "the meter of another seed is another one, but for --board" {
	id() { ok epi-sim --fast --for 1s "$@" | epi-tap - | jq -r 'select(.event == "start").instrument_id'; }
	[ "$(id --seed 7)" != "$(id --seed 8)" ]
	[ "$(id --seed 7 --board 5)" = "$(id --seed 8 --board 5)" ]
}

@test "a pseudo-terminal: commands in, frames out" {
	epi-sim --pty line --for 20s & pid=$!
	until [ -L line ]; do sleep 0.05; done
	exec 7<>line
	printf 'P hello\n' >&7
	ack=$(timeout 5 sed -n '/"ok":"P"/{p;q;}' <&7)
	exec 7>&-
	kill $pid
	wait $pid
	[ "$(jq -r .k <<<"$ack")" = hello ]
	[ ! -e line ]
}

@test "the link of a later one stays" {
	epi-sim --pty line --for 20s & first=$!
	until [ -L line ]; do sleep 0.02; done
	was=$(readlink line)
	epi-sim --pty line --for 20s & second=$!
	until now=$(readlink line) && [ "$now" != "$was" ]; do sleep 0.02; done
	kill $first
	wait $first
	[ -L line ]
	kill $second
	wait $second
	[ ! -L line ]
}

# 11520 bytes a second are 2880 commands of four; the answers that do not go out
# are drops.
@test "a pseudo-terminal takes no more than a wire of 115200 baud" {
	epi-sim --pty line --nodes 1 --for 2s & pid=$!
	until [ -L line ]; do sleep 0.02; done
	exec 7<>line
	timeout 5 yes 'P x' >&7 2>/dev/null 7>&- &
	timeout 5 cat <&7 >seen 2>/dev/null 7>&- || true
	exec 7>&-
	wait $pid
	[ "$(sed -n '/"end"/p' seen | jq '.drop | . > 100 and . < 6000')" = true ]
}

@test "a pseudo-terminal does not take the place of a file" {
	: >line
	fails 1 epi-sim --pty line --for 1s
}

@test "a script with errors is not run, and the lines are named" {
	printf '0 idle\n1 dance\n2 idle 9\n5 idle\n1 idle\nx idle\n6 watts\n6 end now\n' >script
	fails 1 epi-sim --fast script
	[ "$(grep -c 'script:[2-8]: ' .err)" = 6 ]
}

@test "a front end is no worse in a script than by an option" {
	printf '0 gain 1.1\n0 gain -1.1\n0 pickup 101\n0 phase 31\n0 watts 2001\n' >script
	fails 1 epi-sim --fast script
	[ "$(grep -c 'script:[1-5]: no such number' .err)" = 5 ]
	sim $'0 watts 5\n0 gain -1 1\n0 pickup -100 2\n2 end'
	is '.p[:2]' '[0,-95000]'
}

@test "a label holds no NUL" {
	printf '1 mark a\0b begin\n2 end\n' >script
	fails 1 epi-sim --fast script
}

@test "comments, blank lines and the script's last line as its end" {
	sim $'# a comment\n\n0 watts 5 # all\n\n 3 end'
	[ "$(jq -r 'select(.end) | .end' .out)" = script ]
}

@test "wrong command lines" {
	fails 2 epi-sim --fast
	fails 2 epi-sim --nodes 5 --for 1s
	fails 2 epi-sim --sampling median --for 1s
	fails 2 epi-sim --mains 200 --for 1s
	fails 2 epi-sim --fast --for 1s --marks -
}
