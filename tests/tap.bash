# What the tests of epi-tap share: programs in the background, with a bound on
# every wait, and what a stream says.
#
# shellcheck shell=bash
# The variables are for the tests, or lib.bash's.
# shellcheck disable=SC2034,SC2154

at='--begin 1700000000'

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp "$data"/tap/* .
	mkfifo fifo fifo2
	started=()
}

# shellcheck disable=SC2317 # bats calls it
teardown() {
	for pid in "${started[@]}"; do
		kill -9 -- "-$pid" || kill -9 "$pid" || :
		wait "$pid" || :
	done 2>/dev/null
}

# begin CMD...: in the background, as an interactive shell would, and as if nobody
# ignored hangups; $pid is its process and its group, .out and .err what it gives.
begin() {
	setsid env --default-signal=INT,HUP "$@" >.out 2>.err </dev/null 3>&- &
	pid=$!
	started+=("$pid")
}

# ended N: what was begun last ends with status N, within 20 s.
ended() {
	status=0
	for _ in {1..1000}; do
		if ! grep -q '^State:.[^Z]' "/proc/$pid/status"; then break; fi
		sleep 0.02
	done 2>/dev/null
	kill -9 "$pid" 2>/dev/null || :
	wait "$pid" || status=$?
	output=$(cat .out) stderr=$(cat .err)
	[ "$status" -eq "$1" ] || wrong "expected status $1" ended
}

# refused CMD...: status 1, a complaint, no output; .out is the one's that was
# begun.
refused() {
	status=0
	"$@" >second 2>said 3>&- || status=$?
	output=$(cat second) stderr=$(cat said)
	[[ $status -eq 1 && ! -s second && -s said ]] || wrong "expected a refusal" "$@"
}

# soon CMD...: it succeeds within 10 s.
soon() {
	for _ in {1..500}; do
		! "$@" 2>/dev/null || return 0
		sleep 0.02
	done
	echo "not within 10 s: $*" >&2
	return 1
}

# catches PID DIGITS: the process has its handlers; /proc tells a set of
# signals in hexadecimal, HUP 1, INT 2, TERM 4000.
catches() { grep -q '^epi-' "/proc/$1/comm" && grep -qE "^SigCgt:.*$2\$" "/proc/$1/status"; }

# ptys: a and b are the two ends of one line.
ptys() {
	socat pty,raw,echo=0,link=a pty,raw,echo=0,link=b 3>&- 2>/dev/null &
	line=$!
	started+=("$line")
	soon test -e a -a -e b
}

# ports LIST: with these serial ports (tests/serial.c), CMD.
ports() {
	command -v cc || skip "no cc"
	cc -shared -fPIC -o serial.so "$BATS_TEST_DIRNAME/serial.c"
	export EPI_SERIAL=$1 ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 EPI_STEP=stepped
}

# said FILTER: of every record of .out, in one line.
said() { jq -r "$1" .out | xargs; }

samples='select(.type == null)'
event() { echo "select(.event == \"$1\")"; }

# total KEY: of the stop event.
total() { said "$(event stop) | .$1"; }

# simulator: it is there, else a skip.
simulator() { command -v epi-sim || skip "no epi-sim"; }

# simulate OPTION...: a simulated meter on the pseudo-terminal sim, in the
# background; $sim is its process.
simulate() {
	simulator
	epi-sim --pty sim --for 60s "$@" >/dev/null 2>sim.err 3>&- &
	sim=$!
	started+=("$sim")
	soon test -e sim
}

# pull: that meter is gone, without a last word.
pull() {
	kill -9 "$1"
	wait "$1" || rm -f "${2:-sim}"
} 2>/dev/null
