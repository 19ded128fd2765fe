# What the tests of epi-run share: a meter whose node draws 5 W, of so many
# samples, with a pause of 1.5 s after that one; and what the records say.  It says
# that it measures twice a second, so that on a busy machine there is no gap.
#
# shellcheck shell=bash
# lib.bash has the rest; the variables and functions are for the tests.
# shellcheck disable=SC2034,SC2154,SC2317

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir tmp
	export TMPDIR=$PWD/tmp
	started=()
	# The pipe nobody writes to is opened once: a trap that bash runs while it
	# parses a process substitution is a syntax error.
	cat >meter <<-'END'
		exec {never}<> <(:)
		event() { echo "{\"timestamp\":$EPOCHREALTIME,\"type\":\"event\",\"event\":\"$1\",\"nodes\":[\"a\"],\"rate_hz\":2}"; }
		trap 'event stop; exit' TERM
		event start
		for ((i = 0; i < ${1:-1000}; i++)); do
			echo "{\"timestamp\":$EPOCHREALTIME,\"node\":\"a\",\"watts\":5}"
			read -rt 0.02 -u $never
			[ $i -ne "${2:--1}" ] || read -rt 1.5 -u $never
		done
	END
}

metered() { epi-run -s 'exec bash meter' --no-tokens "$@"; }

# figure FILTER: of the run's energy.
figure() { jq -c "select(.type == \"energy\" and .scope == \"cluster\" and .label == \"run\") | $1" rec; }
record() { jq -c "select(.type == \"run\") | $1" rec; }

# clean: no file of ours is left, and none of the processes whose pids are in
# the files named, one in each.
clean() {
	soon rmdir tmp
	for file; do
		[ -s "$file" ] || return 1
		soon gone "$(cat "$file")"
	done
}
gone() { ! grep -q '^State:.[^ZX]' "/proc/$1/status"; }
