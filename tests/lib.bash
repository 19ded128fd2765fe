# What every test file loads.  A test starts in an empty folder of its own,
# with the programs under test first in PATH.
#
# shellcheck shell=bash
# The variables are for the tests.
# shellcheck disable=SC2034

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
data=$root/tests/data
PATH=${EPI_BIN:-$root/bin}:$PATH
export LC_ALL=C
set -o pipefail

# What a test is not given it does not read, however bats was started.
exec </dev/null

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# take CMD...: runs it; status, output and stderr are what it gave, .out and
# .err the very bytes.  Standard input is handed on.
take() {
	status=0
	"$@" >"$BATS_TEST_TMPDIR/.out" 2>"$BATS_TEST_TMPDIR/.err" || status=$?
	output=$(tr -d '\000' <"$BATS_TEST_TMPDIR/.out")
	stderr=$(tr -d '\000' <"$BATS_TEST_TMPDIR/.err")
}

# wrong WHY CMD...: tells what the command last taken gave.
wrong() {
	printf '%s:' "$1" >&2
	printf ' %q' "${@:2}" >&2
	printf '\nstatus %s\nstdout: %.2000s\nstderr: %.2000s\n' \
		"$status" "$output" "$stderr" >&2
	return 1
}

# ok CMD...: status 0 and silent stderr.  Its output goes to standard output
# and into $output.
ok() {
	take "$@"
	[ "$status" -eq 0 ] || wrong "expected status 0" "$@" || return 1
	[ ! -s "$BATS_TEST_TMPDIR/.err" ] || wrong "expected silence" "$@" || return 1
	cat "$BATS_TEST_TMPDIR/.out"
}

# warns CMD...: status 0, and a word on stderr.
warns() {
	take "$@"
	[ "$status" -eq 0 ] || wrong "expected status 0" "$@" || return 1
	[ -n "$stderr" ] || wrong "expected a warning" "$@" || return 1
	cat "$BATS_TEST_TMPDIR/.out"
}

# fails N CMD...: status N, silent stdout, a complaint on stderr.
fails() {
	take "${@:2}"
	[ "$status" -eq "$1" ] || wrong "expected status $1" "${@:2}" || return 1
	[ ! -s "$BATS_TEST_TMPDIR/.out" ] || wrong "expected no output" "${@:2}" || return 1
	[ -n "$stderr" ] || wrong "expected a complaint" "${@:2}" || return 1
}

# partly N CMD...: status N and a complaint, and the rest of the work done.
partly() {
	take "${@:2}"
	[ "$status" -eq "$1" ] || wrong "expected status $1" "${@:2}" || return 1
	[ -s "$BATS_TEST_TMPDIR/.out" ] || wrong "expected output" "${@:2}" || return 1
	[ -n "$stderr" ] || wrong "expected a complaint" "${@:2}" || return 1
	cat "$BATS_TEST_TMPDIR/.out"
}

# shared DIR: $shared is the folder DIR of the shared data, else a skip.
shared() {
	shared=${EPI_SHARED:-$root/../shared/data}/$1
	[ -d "$shared" ] || skip "no shared data $1 (set EPI_SHARED)"
}
