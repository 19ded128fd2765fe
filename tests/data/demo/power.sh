#!/bin/sh
# power.sh <engine.log >power.ndjson
#
# The SIMULATED power trace of the demo: four boards with the load that the
# log tells of, and no meter.  20 samples a second and node, from two seconds
# before the log to two seconds after it, in whole 50 ms:
#
#	idle      3.4 W
#	loading   5.2 W, from the log's first line to "non-blocking mode"
#	prefill  10.8 W, up to the Eval line
#	decode    8.9 W for the first 7/10 of each step (computing), then 6.1 W
#	          (waiting for the other nodes), up to the last Pred line
#
# The root node draws 6 % more, and each sample has noise of at most 0.15 W
# from the generator of Park and Miller (x = 16807 x mod 2^31-1, x0 = 1), so
# the same log gives the same bytes with any awk.
LC_ALL=C exec awk '
function noise() {
	x = (16807 * x) % 2147483647
	return 0.3 * (x / 2147483647 - 0.5)
}

function load(t) {
	if (t < began || t >= ended)
		return 3.4
	if (t < loaded)
		return 5.2
	if (t < step[0])
		return 10.8
	while (at < steps && t >= step[at + 1])
		at++
	if (at == steps)
		return 3.4
	return t - step[at] < 0.7 * (step[at + 1] - step[at]) ? 8.9 : 6.1
}

function event(t, rest) {
	printf "{\"timestamp\":%.6f,\"type\":\"event\",%s}\n", t, rest
}

NR == 1 { began = $1 }
/non-blocking mode$/ { loaded = $1 }
$3 == "Eval" { step[0] = $1 }
$3 == "Pred" { step[++steps] = $1 }
{ ended = $1 }

END {
	x = 1
	first = int(began) - 2
	count = (int(ended) + 3 - first) * 20
	event(first, "\"event\":\"start\",\"instrument\":\"power.sh\"," \
	    "\"nodes\":[\"pi1\",\"pi2\",\"pi3\",\"pi4\"],\"rate_hz\":20," \
	    "\"simulated\":true")
	for (i = 0; i <= count; i++) {
		t = first + i / 20
		watts = load(t)
		for (n = 1; n <= 4; n++)
			printf "{\"timestamp\":%.6f,\"node\":\"pi%d\"," \
			    "\"watts\":%.3f}\n", t, n,
			    watts * (n == 1 ? 1.06 : 1) + noise()
	}
	event(t, "\"event\":\"stop\",\"samples\":" 4 * (count + 1))
}'
