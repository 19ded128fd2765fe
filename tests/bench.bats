# scripts/bench on little data: that it works, not how fast.

load lib

# It has a clock, progress on stderr, and a build of its own without SIMD.
bench() {
	[ -x /usr/bin/time ] || skip "no GNU time"
	take env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS PATH="$PWD/path:$PATH" BENCH_BYTES=2000000 \
		BENCH_RUNS=1 BENCH_LIVE=1 BENCH_RESULTS="$PWD/RESULTS.md" "$root/scripts/bench"
}

# fake TOOL STATUS: says its version with this status, and wrong joules.
fake() {
	mkdir -p path
	printf '#!/bin/sh\ncase $1 in *v*) echo 1; exit %s ;; esac; echo pi1 1\n' "$2" >"path/$1"
	chmod +x "path/$1"
}

@test "all give the same joules, what is absent is named, and JSON is told" {
	fake mlr 1
	bench
	[ "$status" -eq 0 ] || wrong "the benchmark failed" bench
	grep -q '^| epi-integrate | shuffled |.* agree |$' RESULTS.md
	grep -q '^- mlr: not installed, not measured$' RESULTS.md
	sed -n '/^{/p' RESULTS.md | jq -es 'length > 20 and all(.name or .command)'
}

@test "other joules are an error" {
	fake python3 0
	bench
	[ "$status" -eq 1 ]
	[[ $stderr == *"python3 on fixed@0.05 has other joules"* ]]
	[ ! -e RESULTS.md ]
}
