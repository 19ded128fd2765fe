# The study of tests/bench/coverage, a few seeds of it: that it runs, and that
# the intervals are not far off.  The whole study is in tests/bench/COVERAGE.md.

load lib

# Of 24 intervals of 95 % fewer than 18 hold the truth once in 10,000 times.
@test "stated intervals hold the truth about as often as they say" {
	ok "$root/tests/bench/coverage" 24 good
	jq -e '.seeds == 24 and .simulated and .joules_per_token >= 75 and .epi >= 75' .out
}

@test "sampling at points of time stays within its stated uncertainty" {
	ok "$root/tests/bench/coverage" 24 point
	jq -e '.joules >= 75' .out
}

@test "equal pairs are seldom told apart, unequal ones mostly" {
	ok "$root/tests/bench/coverage" 24 same apart
	jq -se '.[0] | (.better // 0) + (.worse // 0) <= 25' .out
	jq -se '.[1].better >= 60' .out
}
