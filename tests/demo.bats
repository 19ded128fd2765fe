# The demo that `make demo` runs.  Its joules are the exact trapezoid sum of
# power.ndjson between the tokens' begin and end, worked out with Python's
# fractions: 228.44281267395366 J, 27 tokens, 16.937766607772097 J/(token acc).

load lib

demo() { warns "$root"/scripts/demo; }

@test "the demo reaches the EPI that exact arithmetic gives" {
	demo
	[[ $output == *'"total_joules":228.44281267395366,"total_tokens":27,'* ]]
	value=$(grep -o '"value":[^,]*' <<<"$output" | cut -d: -f2)
	awk -v v="$value" 'BEGIN { r = v / 16.937766607772097 - 1; exit !(r < 1e-12 && r > -1e-12) }'
}

@test "the demo shows the command of each stage" {
	demo
	for filter in epi-tokens epi-window epi-integrate epi-score; do
		grep -q "^\$ .*$filter " <<<"$output"
	done
}

@test "the demo says that it is simulated, in the record and on screen" {
	demo
	[[ $output == *'"evidence":"simulated"'* ]]
	[[ $output == *"SIMULATED: no meter"* ]]
}

@test "a power trace cut before its stop gives no score" {
	epi-tokens "$data"/demo/engine.log >tokens
	sed '$d' "$data"/demo/power.ndjson | partly 1 epi-integrate >energy
	fails 1 epi-score --no-accuracy energy tokens
	[[ $stderr == *"refused: energy-incomplete: energy:5: "* ]]
}
