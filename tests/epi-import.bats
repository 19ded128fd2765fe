# epi-import: other people's traces.  The traces in tests/data/import are ours,
# written by hand; expected values are read off them.

load lib

in=$data/import

# samples: of $output.  events NAME: likewise.
samples() {
	grep -v '"type":' <<<"$output"
}
events() {
	jq -c --arg name "$1" 'select(.event == $name)' <<<"$output"
}
# table LINE...: a table with the header timestamp,node,watts.
table() {
	printf '%s\n' timestamp,node,watts "$@"
}
# watts TEXT: what a cell becomes.
watts() {
	take epi-import < <(table "1,a,$1")
	samples | sed 's/.*"watts":\([^,}]*\).*/\1/'
}

@test "the project's own CSV becomes samples" {
	ok epi-import "$in/trace.csv"
	[ "$(samples | sed -n 2p)" = '{"timestamp":1773050400.000000,"node":"pi2","watts":6.903,"volts":229.80,"joules":2000.500}' ]
	[ "$(samples | wc -l)" -eq 4 ]
}

@test "every known column is a key, with the decimals of epi-record(5)" {
	ok epi-import < <(printf '%s\n' timestamp,node,watts,volts,amps,power_factor,vars,hertz,joules,seq 1,a,2,3,4,5,6,7,8,9)
	[ "$(samples)" = '{"timestamp":1.000000,"node":"a","watts":2.000,"volts":3.00,"amps":4.0000,"power_factor":5.000,"vars":6.00,"hertz":7.00,"joules":8.000,"seq":9}' ]
}

@test "a start event is first and a stop event, with totals, last" {
	ok epi-import --instrument 'my meter' --node a < <(printf 'watts,timestamp\n1,5\n,7\n2,6\n')
	[ "$(head -n 1 <<<"$output")" = '{"timestamp":5.000000,"type":"event","event":"start","instrument":"my meter","format":"csv","nodes":["a"]}' ]
	[ "$(tail -n 1 <<<"$output")" = '{"timestamp":7.000000,"type":"event","event":"stop","samples":2,"lost":1,"malformed":0}' ]
}

@test "times: Unix seconds to the nanosecond, RFC 3339, and without a zone UTC" {
	ok epi-import < <(table 1773050400.123456789,a,1 2026-03-09T11:00:01+01:00,a,1 '2026/03/09 10:00:02.5,a,1' 2026-03-09T10:00:03,a,1)
	[ "$(samples | cut -d, -f1 | cut -d: -f2 | xargs)" = '1773050400.123456789 1773050401.000000 1773050402.500000 1773050403.000000' ]
}

@test "--utc-offset moves only times that name no zone" {
	ok epi-import --utc-offset -05:30 < <(table 2026-03-09T04:30:00,a,1 2026-03-09T10:00:01Z,a,1)
	[ "$(samples | cut -d, -f1 | xargs)" = '{timestamp:1773050400.000000 {timestamp:1773050401.000000' ]
}

@test "quotes, CRLF, a byte order mark, blank lines and blanks are understood" {
	ok epi-import < <(printf '\xEF\xBB\xBFtimestamp, "node" ,watts\r\n\r\n1,"a,""b""", 2 \r\n  \n')
	[ "$(samples)" = '{"timestamp":1.000000,"node":"a,\"b\"","watts":2.000}' ]
}

@test "other columns are carried on: numbers as numbers, the rest as text" {
	ok epi-import < <(printf '%s\n' 'timestamp,watts,celsius,note,"a ""b""",' '1,2,45.10,"so, so",7x,z' '2,2,,,,')
	[ "$(samples | sed -n 1p)" = '{"timestamp":1.000000,"node":"csv","watts":2.000,"celsius":45.10,"note":"so, so","a \"b\"":"7x"}' ]
	[ "$(samples | sed -n 2p)" = '{"timestamp":2.000000,"node":"csv","watts":2.000}' ]
}

@test "a column \"type\" is left out aloud, and kept under another name" {
	warns epi-import < <(printf 'timestamp,watts,type\n1,2,x\n')
	[ "$(samples)" = '{"timestamp":1.000000,"node":"csv","watts":2.000}' ]
	ok epi-import --map kind=type < <(printf 'timestamp,watts,type\n1,2,x\n')
	[ "$(samples)" = '{"timestamp":1.000000,"node":"csv","watts":2.000,"kind":"x"}' ]
}

@test "a reading that the source does not have is lost, not a sample" {
	ok epi-import < <(table 1,a, 2,a,NaN 3,a,null 4,a,N/A 5,a,-nan 6,a,'[Unknown Error]')
	[ "$(events lost | jq -c '[.timestamp, .begin, .end, .count, .node]' | head -n 1)" = '[1,1,1,1,"a"]' ]
	[ "$(events lost | wc -l)" -eq 6 ]
	[ -z "$(samples)" ]
}

@test "negative watts are samples" {
	[ "$(watts -0.25)" = -0.250 ]
}

@test "a cell that is no number is told with file and line, and the rest is done" {
	table 1,a,1 2,a,abc 3,a,3 >trace.csv
	partly 1 epi-import trace.csv
	[[ $stderr == 'epi-import: trace.csv:3: "watts" is not a number'*': abc' ]]
	[ "$(events stop | jq -c '[.samples, .malformed]')" = '[2,1]' ]
}

@test "numbers of other grammars are refused, not guessed" {
	for text in +-1 0x10 1,5 '"1,5"' 1..2 1e 1e400 1e10 .5 5. 1_000 '1 2' '3 C' --1 ٣; do
		partly 1 epi-import < <(table "1,a,$text")
		[ -z "$(samples)" ]
	done
}

@test "decimals are exact to 1e-9 and then rounded once, half to even" {
	[ "$(watts 0.1)" = 0.100 ]
	[ "$(watts 123456789.123456789)" = 123456789.123456789 ]
	[ "$(watts 1.0000000005)" = 1.000 ]
	[ "$(watts 1.0000000015)" = 1.000000002 ]
	[ "$(watts 1.00000000050000000000000000001)" = 1.000000001 ]
	[ "$(watts 7.25e3)" = 7250.000 ]
	[ "$(watts +2)" = 2.000 ]
}

# Numbers on either side of what passes as it stands.
numbers() {
	printf '%s\n' 0 -0 0.000 -0.000 -0.0001 -0.5 5 5.7 5.71 5.712 5.7120 5.7125 5.71200000000000 \
		5.123456789 5.1234567890 5.1234567894 5.1234567895 007 00.5 .5 5. 5.. 5.1.2 - +5 5e0 5E-3 5.7e1 \
		999999999.5 999999999 1000000000 1000000001 12345678901234567890 -999999999.999 5,7 1-2 5x
	awk 'BEGIN { srand(7); for (i = 0; i < 200; i++) printf "%.*f\n", rand() * 12, rand() * 2000 - 1000 }'
}

@test "a number is the same, be it written as it stands or converted" {
	take epi-import < <(table; numbers | awk '{ print NR ",a," $0 }')
	plain=$(samples)
	take epi-import < <(table; numbers | awk '{ print NR ",a," $0 " W" }')
	diff <(samples) - <<<"$plain"
	take epi-import --format ndjson < <(numbers | awk '{ print "{\"timestamp\":" NR ",\"node\":\"a\",\"watts\":\"" $0 " W\"}" }')
	diff <(samples) - <<<"$plain"
	[ "$(wc -l <<<"$plain")" -gt 200 ]
}

@test "a factor is exact, and rounding comes after it" {
	# 3.7055 kWh = 13339800 J; 2.7182818285 * 36 = 97.858145826;
	# 0.0000012345 * 900 = 0.00111105; 1.5e-6 / 1000 = 1.5e-9, to even 2e-9
	ok epi-import --map joules=kwh*3600000 --map volts=v*36 --map amps=a*900 --map watts=w*0.001 < <(printf 'timestamp,kwh,v,a,w\n1,3.7055,2.7182818285,0.0000012345,1.5e-6\n')
	[ "$(samples)" = '{"timestamp":1.000000,"node":"csv","watts":0.000000002,"volts":97.858145826,"amps":0.00111105,"joules":13339800.000}' ]
}

@test "a number may carry its unit, which beats the header's" {
	ok epi-import < <(printf '%s\n' 'timestamp,watts [mW],joules' '1,7412.5,0.5 Wh' '2,7.5 W,2 kWh' '3,0.002 kW,7 J')
	[ "$(samples | jq -c '[.watts, .joules]' | xargs)" = '[7.4125,1800] [7.5,7200000] [2,7]' ]
}

@test "a column of times may name its unit" {
	for unit in s:1773050400.5 ms:1773050400500 us:1773050400500000 ns:1773050400500000000; do
		ok epi-import < <(printf '%s\n' "timestamp [${unit%:*}],watts" "${unit#*:},5")
		[ "$(samples | jq .timestamp)" = 1773050400.5 ]
	done
	partly 1 epi-import < <(printf '%s\n' 'timestamp [ms],watts' 1773050400500,5 2026-03-09T10:00:00Z,5)
}

@test "a factor beside a unit: W are multiplied, mW are 0.001 W, and all else is refused" {
	# 70.5 W * 2 = 141 W; 7412 mW = 7.412 W
	ok epi-import --map watts=p*2 < <(printf '%s\n' 'timestamp,p [W]' '1,70.5 W' '2,70.5')
	[ "$(samples | jq '.watts + 0' | xargs)" = '141 141' ]
	ok epi-import --map watts=p*0.001 < <(printf '%s\n' 'timestamp,p [mW]' '1,7412 mW' '2,7412' '3,7.412 W')
	[ "$(samples | jq '.watts + 0' | xargs)" = '7.412 7.412 7.412' ]
	partly 1 epi-import --map watts=p*2 < <(printf '%s\n' timestamp,p '1,7412 mW' '2,5 kW' 3,5)
	[ "$(samples | jq '.watts + 0')" = 10 ]
	fails 1 epi-import --map watts=p*2 < <(printf '%s\n' 'timestamp,p [kW]' 1,5)
}

@test "cells too many or too few are malformed" {
	partly 1 epi-import < <(table 1,a,1 2,a 3,a,3,3 4,a,4)
	[ "$(samples | jq .watts | xargs)" = '1 4' ]
}

@test "a quote that is not closed is malformed" {
	partly 1 epi-import < <(table '1,"a,1' '2,"a"x,1' 3,a,3)
	[ "$(samples | jq .watts | xargs)" = 3 ]
}

# Which of both watts it is nobody said: 2 or 3.
@test "a sample's own column that stands twice is refused, not the first taken" {
	fails 1 epi-import < <(printf 'timestamp,watts,watts\n1,2,3\n')
	[[ $stderr == *':1: two columns "watts"' ]]
	fails 1 epi-import --map watts=a < <(printf 'timestamp,a,a\n1,2,3\n')
	ok epi-import --map watts=a < <(printf 'timestamp,watts,a,watts\n1,2,7,3\n')
}

# Kueche and Kaeche in Latin-1: of each the second byte is no UTF-8.
@test "two nodes of another character set do not become one" {
	partly 1 epi-import < <(table $'1,K\xfcche,2' $'2,K\xe4che,3' 3,a,4)
	[ "$(samples | jq -r .node | xargs)" = a ]
}

# 45 times 200 kB of one line of 200 kB.
@test "ndjson: what many keys carry on has room" {
	printf '{"timestamp":1,"watts":2,"x":"%0200000d"}\n' 0 0 >line
	map=$(printf -- '--map k%d=.x ' {1..45})
	ok epi-import --format ndjson $map line >many
	[ "$(grep -v type many | jq -c '[.k1, .k45 | length]' | uniq -c | xargs)" = '2 [200000,200000]' ]
}

# [000...], its first byte escaped: no number of volts and amps, and a name.
@test "ndjson: an escaped text is there for each key that is mapped to it" {
	name=$(printf '[%0180d]' 0)
	printf '{"timestamp":1,"watts":2,"x":"\\u005b%s"}\n' "${name#[}" >line
	ok epi-import --format ndjson --map volts=.x --map amps=.x --map node=.x line
	[ "$(samples | jq -r .node)" = "$name" ]
}

@test "a header without watts, without a time or with a column twice is refused" {
	for header in timestamp,node node,watts timestamp,watts,x,x '"timestamp,watts' 'timestamp,watts [C]'; do
		fails 1 epi-import < <(printf '%s\n1,2,3,4\n' "$header")
	done
}

@test "a column that is not there is named" {
	fails 1 epi-import --map watts=power "$in/trace.csv"
	[[ $stderr == *'trace.csv:1: the header has no column "power"' ]]
}

@test "a header that stands again is passed over, and each file has its own" {
	table 1,a,1 >one
	printf 'watts,timestamp,node\n2,2,a\nwatts,timestamp,node\n3,3,a\n' >two
	ok epi-import one two
	[ "$(samples | jq -c '[.timestamp, .watts]' | xargs)" = '[1,1] [2,2] [3,3]' ]
}

@test "another header within an input holds for what stands behind it, or ends it" {
	ok epi-import < <(printf '%s\n' timestamp,watts,volts 1,5,230 timestamp,volts,'watts [mW]' 2,231,6000 timestamp,watts,volts 3,7,232)
	[ "$(samples | jq -c '[.timestamp, .watts, .volts]' | xargs)" = '[1,5,230] [2,6,231] [3,7,232]' ]
	partly 1 epi-import < <(printf '%s\n' timestamp,watts 1,5 date,watts 2,6)
	[ "$(samples | jq .watts | xargs) $(events stop)" = '5 ' ]
}

@test "the row of a node that is called as the watts are is no header" {
	ok epi-import --map watts=power < <(printf '%s\n' node,timestamp,power power,1,5 'power supply,1,6 W' power,2,N/A power,3,7)
	[ "$(samples | jq -c '[.node, .watts]' | xargs)" = '[power,5] [power supply,6] [power,7]' ]
}

@test "after a file that cannot be read there is no stop event" {
	table 1,a,1 >one
	partly 1 epi-import one nowhere
	[ -z "$(events stop)" ]
	[ "$(samples | wc -l)" -eq 1 ]
}

@test "a node's name has NAME- before it, and a source without one is NAME" {
	ok epi-import --node rack1 < <(table 1,a,1)
	[ "$(samples | jq -r .node)" = rack1-a ]
	ok epi-import --node rack1 < <(printf 'timestamp,watts\n1,1\n')
	[ "$(samples | jq -r .node)" = rack1 ]
}

@test "a node that is named nowhere though there is a column is malformed" {
	partly 1 epi-import < <(table 1,,1 2,a,2 "3,$(printf 'x%.0s' {1..256}),3")
	[ "$(samples | jq .watts)" = 2 ]
}

@test "a last line without newline counts, and one that misses cells is malformed" {
	ok epi-import < <(printf 'timestamp,node,watts\n1,a,1\n2,a,2')
	[ "$(samples | wc -l)" -eq 2 ]
	partly 1 epi-import < <(printf 'timestamp,node,watts\n1,a,1\n2,a')
	[ "$(samples | wc -l)" -eq 1 ]
}

@test "an input without any record is a start and a stop, without a time" {
	ok epi-import </dev/null
	[ "$output" = '{"type":"event","event":"start","format":"csv"}
{"type":"event","event":"stop","samples":0,"lost":0,"malformed":0}' ]
}

@test "a sample is passed on before the next one comes" {
	mkfifo pipe
	(exec 3>pipe; table 1,a,1 >&3; timeout 10 sh -c 'until grep -q watts out; do sleep 0.05; done'; echo $? >seen) &
	epi-import <pipe >out
	wait
	[ "$(cat seen)" -eq 0 ]
}

@test "mlperf: the total is one node" {
	ok epi-import --format mlperf "$in/spl.txt"
	[ "$(samples | sed -n 1p)" = '{"timestamp":1773050400.500000,"node":"mlperf","watts":300.000,"volts":230.10,"amps":1.4000,"power_factor":0.931}' ]
	[ "$(samples | sed -n 2p)" = '{"timestamp":1773050402.500000,"node":"mlperf","watts":304.250,"volts":230.10,"power_factor":0.931}' ]
}

@test "mlperf: an error reading is a lost event" {
	ok epi-import --format mlperf "$in/spl.txt"
	[ "$(events lost)" = "$(jq -c . <<<'{"timestamp":1773050401.500000,"type":"event","event":"lost","begin":1773050401.500000,"end":1773050401.500000,"count":1,"node":"mlperf"}')" ]
	ok epi-import --format mlperf < <(echo 'Time,03-09-2026 10:00:00.500,Watts,nan,Volts,1,Amps,1,PF,1,Mark,x')
	[ "$(events stop | jq -c '[.samples, .lost]')" = '[0,1]' ]
}

@test "mlperf --channels: a node for each channel, and no total" {
	ok epi-import --format mlperf --channels --node a "$in/spl.txt"
	[ "$(events start | jq -c .nodes)" = '["a-Ch1","a-Ch2"]' ]
	[ "$(samples | jq -c '[.node, .watts, .amps]' | sed -n 2p)" = '["a-Ch2",200,0.93]' ]
	[ "$(events lost | jq -c '[.node, .begin]')" = '["a-Ch2",1773050401.5]' ]
}

@test "mlperf --channels without channels is malformed" {
	partly 1 epi-import --format mlperf --channels < <(echo 'Time,03-09-2026 10:00:00.500,Watts,1,Volts,1,Amps,1,PF,1,Mark,x')
	[ "$(events stop | jq .malformed)" -eq 1 ]
}

@test "mlperf: a line that was cut and the next one behind it are no sample" {
	line='Time,03-09-2026 10:00:00.500,Watts,300.000000,Volts,230.1,Amps,1.4,PF,0.931,Mark,'
	next=${line/00.500,Watts,300/01.500,Watts,305}
	for ((i = 1; i <= ${#line}; i++)); do echo "${line:0:i}${next}x,Ch1,Watts,5,PF,1"; done >joined
	partly 1 epi-import --format mlperf joined
	[ "$(events stop | jq -c '[.samples, .malformed]')" = "[0,${#line}]" ]
}

@test "mlperf: local times by --utc-offset" {
	ok epi-import --format mlperf --utc-offset +02:00 "$in/spl.txt"
	[ "$(samples | jq .timestamp | head -n 1)" = 1773043200.5 ]
}

@test "mlperf: a line that is cut anywhere before its mark is no sample" {
	line='Time,03-09-2026 10:00:00.500,Watts,300.000000,Volts,230.1,Amps,1.4,PF,0.931,Mark,'
	for ((n = 1; n < ${#line} - 1; n++)); do printf '%s\n' "${line:0:n}"; done >cut
	partly 1 epi-import --format mlperf cut
	[ "$(events stop | jq -c '[.samples, .malformed]')" = "[0,$((${#line} - 2))]" ]
}

@test "nvidia-smi: a node for each GPU, and [N/A] is lost" {
	ok epi-import --format nvidia-smi "$in/gpus.csv"
	[ "$(samples | sed -n 1p)" = '{"timestamp":1773050400.500000,"node":"gpu0","watts":70.120,"name":"Example 9000","utilization.gpu [%]":98}' ]
	[ "$(events lost | jq -c '[.timestamp, .node]')" = '[1773050400.5,"gpu1"]' ]
	[ "$(events start | jq -c '[.instrument, .nodes]')" = '["nvidia-smi",null]' ]
}

@test "nvidia-smi: nounits, uuid, and another power" {
	ok epi-import --format nvidia-smi < <(printf '%s\n' 'timestamp, uuid, power.draw.average [W], power.draw.instant [W]' '2026/03/09 10:00:00.500, GPU-1, 1, 2')
	[ "$(samples | jq -c '[.node, .watts]')" = '["GPU-1",2]' ]
	ok epi-import --format nvidia-smi --map watts=power.draw.average < <(printf '%s\n' 'timestamp, uuid, power.draw.average [W], power.draw.instant [W]' '2026/03/09 10:00:00.500, GPU-1, 1, 2')
	[ "$(samples | jq -c '[.node, .watts]')" = '["GPU-1",1]' ]
}

@test "nvidia-smi: without its header it is refused" {
	fails 1 epi-import --format nvidia-smi < <(tail -n +2 "$in/gpus.csv")
}

@test "ndjson: --map finds members and elements, and counts with a factor" {
	ok epi-import --format ndjson --map timestamp=.time --map watts=.sensor.mw*0.001 --map 'volts=.sensor.readings[1].volts' --map node=.id --map joules=.kwh*3600000 "$in/plug.ndjson"
	[ "$(samples | sed -n 1p)" = '{"timestamp":1773050400.000000,"node":"7","watts":7.4125,"volts":230.10,"joules":4444200.000}' ]
	[ "$(events lost | jq -c '[.begin, .node]')" = '[1773050401,"7"]' ]
}

@test "ndjson: without --map the keys are a sample's; others are carried on by name" {
	ok epi-import --format ndjson --map tags=.tags --map hot=.hot < <(echo '{"watts":"7.5 W","hot":"a\"b","timestamp":"2026-03-09T10:00:00Z","x":1,"node":"é","tags":[1,{"a":null}]}')
	[ "$(samples)" = '{"timestamp":1773050400.000000,"node":"é","watts":7.500,"tags":[1,{"a":null}],"hot":"a\"b"}' ]
}

@test "ndjson: the first path that a record has is taken, an empty one leaves out" {
	ok epi-import --format ndjson --map watts=.a --map watts=.b --map volts= < <(printf '{"timestamp":%d,"%s":%d,"volts":1}\n' 1 a 1 2 b 2)
	[ "$(samples | jq -c '[.watts, .volts]' | xargs)" = '[1,null] [2,null]' ]
}

@test "ndjson: a record is the same, be it passed as it stands or taken apart" {
	cat >lines <<-'END'
		{"timestamp":1.000000,"node":"a","watts":5.000}
		{"timestamp":1.000000,"node":"a","watts":5.000,"volts":120.00,"amps":0.1000,"power_factor":-0.553,"vars":-7.56,"hertz":60.04,"joules":0.114,"seq":7}
		{"timestamp":1.000000,"node":"b","watts":5.000,"seq":7.0}
		{"timestamp":1.5,"node":"a","watts":5,"seq":7}
		{"timestamp":1,"node":"a","watts":5.00000,"vars":-0.00}
		{"timestamp":10,"node":"a","watts":-0.000,"joules":1.1234565}
		{"watts":5.000,"node":"a","timestamp":11.000000}
		{"timestamp": 12.000000, "node": "a", "watts": 5.000, "volts": 1.00}
		{ "timestamp":12.000000,"node":"b","watts":5.000 }
		{"timestamp":13.000000,"watts":5.000}
		{"timestamp":14.000000,"node":"","watts":5.000}
		{"timestamp":15.000000,"node":"a b","watts":5.000}
		{"timestamp":16.000000,"node":"\u0061","watts":5.000}
		{"timestamp":17.000000,"node":"a,b","watts":5.000}
		{"timestamp":18.000000,"node":"a","watts":5.000,"watts":5.000}
		{"timestamp":19.000000,"node":"a","watts":5.000,"volts":null}
		{"timestamp":20.000000,"node":"a","watts":"5.000"}
		{"timestamp":21.000000,"node":"a","watts":05.000}
		{"timestamp":22.000000,"node":"a","watts":5e0}
		{"timestamp":-1.000000,"node":"a","watts":5.000}
		{"timestamp":9999999999.000000,"node":"a","watts":5.000}
		{"timestamp":23.000000,"node":"a","volts":5.00}
		{"timestamp":24.000000,"node":"a","watts":5.000,}
	END
	take epi-import --format ndjson lines
	passed=$output
	[ "$(samples | sed -n 2p)" = "$(sed -n 2p lines)" ]
	[ "$(samples | wc -l)" -eq 16 ]
	take epi-import --format ndjson < <(sed 's/^{/{"x":[],/' lines)
	diff - <(cat <<<"$output") <<<"$passed"
}

@test "ndjson: a time that begins like the one before it is another one" {
	ok epi-import --format ndjson < <(printf '{"timestamp":%s,"node":"a","watts":1}\n' 1 1.5 1.50 15)
	[ "$(samples | cut -c 14-22 | xargs)" = '1.000000, 1.500000, 1.500000, 15.000000' ]
}

@test "ndjson: two strings with escapes are two values" {
	ok epi-import --format ndjson <<<'{"timestamp":1,"watts":"5\u002e711","volts":"12\u0030.55"}'
	[ "$(samples)" = '{"timestamp":1.000000,"node":"ndjson","watts":5.711,"volts":120.55}' ]
}

@test "ndjson: no watts, a list, true, or broken JSON are malformed" {
	for record in '{"timestamp":1}' '{"timestamp":1,"watts":[5,3]}' '{"timestamp":1,"watts":true}' '{"timestamp":1,"watts":5' '{"timestamp":1,"watts":5,"watts":6}' '[]' x; do
		partly 1 epi-import --format ndjson <<<"$record"
		[ -z "$(samples)" ]
	done
}

@test "shelly: power, voltage, current and the counter in joules, timed by arrival" {
	before=$(date +%s)
	ok epi-import --format shelly --now --node pi1 "$in/shelly.ndjson"
	[ "$(samples | jq -c 'del(.timestamp)')" = '{"node":"pi1","watts":8.9,"volts":237.5,"amps":0.131,"power_factor":0.29,"hertz":50.1,"joules":23515.2}' ]
	[ "$(samples | jq --argjson a "$before" --argjson b "$(date +%s)" '.timestamp | floor >= $a and floor <= $b')" = true ]
	[ "$(events start | jq -c '[.nodes, .joules_resolution]')" = '[["pi1"],3.6]' ]
}

@test "shelly: the first generation's meters" {
	ok epi-import --format shelly --now < <(echo '{"meters":[{"power":10.66,"is_valid":true,"total":5}],"unixtime":1773050400}')
	[ "$(samples | jq -c '[.watts, .joules]')" = '[10.66,null]' ]
}

@test "a record without a time is malformed without --now, and the message says so" {
	partly 1 epi-import --format shelly "$in/shelly.ndjson"
	[[ $stderr == *shelly.ndjson:1:*--now* ]]
	[ -z "$(samples)" ]
}

@test "--now leaves a record's own time alone" {
	ok epi-import --now < <(table 1,a,1)
	[ "$(samples)" = '{"timestamp":1.000000,"node":"a","watts":1.000}' ]
}

@test "tasmota: status and sensor messages, local time, kWh in joules" {
	ok epi-import --format tasmota --utc-offset +01:00 "$in/tasmota.ndjson"
	[ "$(samples | sed -n 1p)" = '{"timestamp":1773050400.000000,"node":"tasmota","watts":5.000,"volts":233.00,"amps":0.0210,"power_factor":0.980,"vars":1.00,"joules":13338000.000}' ]
	[ "$(samples | sed -n 2p | jq -c '[.timestamp, .watts]')" = '[1773050410,6]' ]
}

@test "a command line that makes no sense is refused" {
	for option in --format=xml --map=watts --map==x --map=type=.x --map=watts=.a*0 --map=node=.a*2 --map=watts=.a*1234567891 \
		--utc-offset=1 --utc-offset=+25:00 --node= --channels; do
		fails 2 epi-import "$option" "$in/trace.csv"
	done
	fails 2 epi-import --format ndjson --map 'watts=.a[x]' "$in/plug.ndjson"
	fails 2 epi-import --format ndjson --map 'watts=[0]' "$in/plug.ndjson"
	fails 2 epi-import --map x=.a --map x=.b "$in/trace.csv"
	fails 2 epi-import --format mlperf --map watts=Watts "$in/spl.txt"
}

@test "a column that two keys want is refused, also where the format knows one of them" {
	printf 'timestamp,where,watts\n1,a,5\n' >in.csv
	fails 1 epi-import --map place=where --map again=where in.csv
	[[ $stderr == *'in.csv:1: two keys want one column "where"' ]]
	fails 1 epi-import --map total=watts in.csv
	[[ $stderr == *'in.csv:1: two keys want one column "watts"' ]]
}
