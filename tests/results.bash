# What tests of results folders load: `repetition NNN` makes one in this folder,
# of a meter and an engine that never were, without a fault.
#
# shellcheck shell=bash

# 2026-11-23T09:00:00Z
zero=1795424400

# Two nodes at 1 Hz: 300 s of warming up, 30 s idle, a run of 40 s; W = V A PF
# to four digits, and the counter is the trapezoid, all by awk here.
trace() {
	awk -v zero=$zero -v seed="$1" 'BEGIN {
		printf "{\"timestamp\":%d.000000,\"type\":\"event\",\"event\":\"start\",\"instrument\":\"m\",\"nodes\":[\"a\",\"b\"],\"rate_hz\":1}\n", zero
		for (t = 0; t <= 380; t++)
			for (k = 0; k < 2; k++) {
				w = (t < 330 || t > 370 ? 3 : 6) + (t * 7 + seed + k) % 10 / 10
				if (t) joules[k] += (w + last[k]) / 2
				last[k] = w
				printf "{\"timestamp\":%d.000000,\"node\":\"%s\",\"watts\":%.3f,\"volts\":120.00,\"amps\":%.4f,\"power_factor\":0.600,\"hertz\":60.00,\"joules\":%.3f}\n", zero + t, k ? "b" : "a", w, w / 72, joules[k]
			}
		split("warmup 0 300 idle 300 330 run 330 370 idle_after 370 380", m, " ")
		for (i = 1; i <= 12; i += 3)
			for (e = 1; e <= 2; e++)
				printf "{\"timestamp\":%d.000000,\"type\":\"event\",\"event\":\"mark\",\"label\":\"%s\",\"edge\":\"%s\"}\n", zero + m[i + e], m[i], e == 1 ? "begin" : "end"
		printf "{\"timestamp\":%d.000000,\"type\":\"event\",\"event\":\"stop\",\"nodes\":[\"a\",\"b\"]}\n", zero + 380
	}' | zstd -q -f -o "raw/trace_$n.ndjson.zst"
}

answers() {
	for i in 0 1 2 3 4 5 6 7; do
		printf '{"type":"answer","benchmark":"own","id":"q%d","benchmark_questions":8,"shots":0,"protocol":"gen-letter","max_tokens":4,"prompt_sha256":"5d1f","choices":["x","y"],"gold":1,"text":"%s","error":null,"engine":"llama-server","model":"M","prompt_tokens":10,"generated_tokens":2,"begin":%d.0,"end":%d.0,"seconds":3.0}\n' \
			$i "$([ $i = 7 ] && echo A || echo B)" $((begin + 1 + 4 * i)) $((begin + 4 + 4 * i))
	done | zstd -q -f -o "raw/answers_$n.ndjson.zst"
}

# repetition NNN: of a day of its own.
repetition() {
	n=$1 begin=$((zero + 330))
	trace "${1#00}"
	answers
	# Of 2026-11-01, valid until 2027-11-01.
	echo '{"type":"calibration","id":"cal","date":1793491200.0,"valid_until":1825027200.0}' >"raw/calibration_$n.json"
	echo '{"type":"run","run_id":"r'"$n"'","repetition":'"${n#00}"',"begin":'$begin'.0,"end":'$((begin + 40))'.0,"labels":{"model":"M","quantization":"q40","measurement_point":"per_node_ac"},"settings":{"weights":"own=1","workload":"benchmark","repetitions":1,"warmup_seconds":300,"boundary":"two nodes"},"model_file":{"quantization":"q40"},"environment":{"before":[{"host":"a","celsius":50,"throttled":{"now":[]}}],"ambient_temp_c":21.5,"frequency_governor":"performance"},"nodes":["a","b"],"versions":{"firmware":"0.1.0"},"calibration":"cal","meter_check":{"passed":true,"end":'$((zero - 3600))'}}' >"run_$n.json"
	epi-derive . "$n"
	zero=$((zero + 86400))
}
