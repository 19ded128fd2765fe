# The manners of every program in bin/: found there, not listed here.  How a
# program wants to be called is read from the usage that --help prints: what
# is in brackets is left out, the first of a|b|c is taken, and where it then
# refuses with "give --option", that option is given.  A program whose usage
# names no FILE or DEVICE reads nothing.

load lib

# usage PROGRAM: its usage, the first if there are many, in one line.
usage() {
	"$1" --help | awk -v again="^ +$1( |$)" '/^usage: / { on = 1 }
		on && (!/^(usage:|[ \t])/ || $0 ~ again) { exit } on' | tr '\n' ' '
}

reads() {
	usage "$1" | grep -qiwE 'FILE|DEVICE'
}

# shortest PROGRAM: the words of its shortest command line, without FILE.
shortest() {
	local words option
	mapfile -t words < <(usage "$1" |
		sed -E 's/^usage: //; :a; s/\[[^][]*\]//; ta; s/\.\.\.//g' | tr -s ' \t' '\n' |
		sed -E '/^(FILE|DEVICE)$/d; s/\|.*//; /^$/d')
	printf '%s\n' "${words[@]}"
	option=$({ "${words[@]}" 2>&1 </dev/null >/dev/null || true; } |
		sed -nE 's/.*: give (--[a-z-]+).*/\1/p')
	[ "$option" ] || return 0
	echo "$option"
	usage "$1" | grep -oE -m1 -- "$option [A-Z]+" | sed -E 's/.* //; s/^T$/1700000000/; s/^D$/1s/; 1q'
}

# call PROGRAM OPERAND...: the shortest command line, and what it said.
call() {
	mapfile -t words < <(shortest "$1")
	take timeout 60 "$1" "${words[@]:1}" "${@:2}"
}

# complains WHY PROGRAM...: the command last taken failed, and said so.
complains() {
	[ "$status" -eq 1 ] || wrong "$1: expected status 1" "${@:2}" || return 1
	[[ $stderr == "$2: "?* ]] || wrong "$1: expected a complaint" "${@:2}"
}

# ends WHY PROGRAM...: no crash, no time-out, and no failure without a word.
ends() {
	[ "$status" -le 1 ] || wrong "$1: expected status 0 or 1" "${@:2}" || return 1
	[ "$status" -eq 0 ] || [ -n "$stderr" ] || wrong "$1: failed silently" "${@:2}"
}

# each CHECK: for every program; all that fail are told.
each() {
	local failed=0 program path
	for path in "${EPI_BIN:-$root/bin}"/*; do
		program=${path##*/}
		"$1" "$program" || failed=1
	done
	return $failed
}

# each_reader CHECK: for every program that reads something.
each_reader() {
	readers_only=$1
	each if_reader
}
if_reader() {
	! reads "$1" || "$readers_only" "$1"
}

trace() {
	printf '{"timestamp":%d.0,"node":"a","watts":5.000}\n' 1700000000 1700000001 1700000002
}

@test "there are programs, and some of them read" {
	count=0
	counted() { count=$((count + 1)); }
	each_reader counted
	[ "$count" -gt 0 ] || skip "nothing is built yet"
}

@test "--help and -h: the usage, on standard output, status 0" {
	check() { ok "$1" --help && [[ $output == "usage: $1"* ]] && ok "$1" -h; }
	each check
}

@test "--version: name and version" {
	check() { ok "$1" --version && [[ $output == "$1 "[0-9]* ]]; }
	each check
}

@test "an unknown option: status 2, and nothing is read" {
	check() { fails 2 "$1" --no-such-option <&- && [[ $stderr == "$1: "* ]]; }
	each check
}

# What follows the first operand of epi-run is the command's.
@test "an option may follow operands" {
	check() {
		local words
		mapfile -t words < <(shortest "$1")
		[ "$1" = epi-run ] || { ok "${words[@]}" operand --help >.shown && [[ $output == "usage: $1"* ]]; }
	}
	each check
}

@test "help that cannot be written: status 1" {
	check() { take sh -c '"$1" --help >/dev/full' sh "$1"; complains "full disk" "$1"; }
	each check
}

# keeps PROGRAM: its output is a database; standard output has nothing to lose.
keeps() {
	usage "$1" | grep -qw -- --tee
}

@test "a full disk: status 1 and a message" {
	trace >trace
	check() {
		! keeps "$1" || return 0
		operand=$(reads "$1" && echo trace)
		mapfile -t words < <(shortest "$1")
		take sh -c '"$@" >/dev/full' sh "$1" "${words[@]:1}" ${operand:+"$operand"}
		complains "full disk" "$1"
	}
	each check
}

@test "a closed standard output: status 1 and a message" {
	trace >trace
	check() {
		! keeps "$1" || return 0
		operand=$(reads "$1" && echo trace)
		mapfile -t words < <(shortest "$1")
		take sh -c '"$@" >&-' sh "$1" "${words[@]:1}" ${operand:+"$operand"}
		complains "closed output" "$1"
	}
	each check
}

@test "a closed pipe ends a program, by SIGPIPE or status 1" {
	trace >trace
	check() {
		take sh -c '{ timeout 20 "$@"; echo $? >status; } | :' sh "$1" --help
		[[ $(cat status) == 0 || $(cat status) == 1 || $(cat status) == 141 ]]
	}
	each check
}

@test "a file that is not there: status 1, and it is named" {
	check() { call "$1" nowhere; complains "no file" "$1" && [[ $stderr == *nowhere* ]]; }
	each_reader check
}

@test "a file that is not there is all that is told" {
	check() { call "$1" nowhere; ! grep -qvE 'No such file|: refused: ' <<<"$stderr" || wrong "$1: more than the file"; }
	each_reader check
}

@test "control bytes of a file's name do not reach the terminal" {
	check() { call "$1" $'\e[31mred'; complains "no file" "$1" && [[ $stderr != *$'\e'* ]]; }
	each_reader check
}

@test "a directory as operand, and as standard input: status 1" {
	mkdir folder
	check() {
		call "$1" folder && complains "directory" "$1" && [[ $stderr == *folder* ]] &&
			call "$1" - <folder && complains "directory on standard input" "$1"
	}
	each_reader check
}

@test "a file that cannot be read to its end: status 1" {
	[ -r /proc/self/mem ] || skip "no /proc/self/mem, whose reads fail"
	check() { call "$1" /proc/self/mem; complains "read error" "$1"; }
	each_reader check
}

@test "a closed or write-only standard input: status 1" {
	check() {
		call "$1" - <&-; complains "closed input" "$1" &&
			call "$1" - 0>sink && complains "write-only input" "$1"
	}
	each_reader check
}

@test "an empty file: an end, and no failure without a word" {
	: >empty
	check() { call "$1" empty; ends "empty file" "$1"; }
	each_reader check
}

@test "a NUL byte is any other wrong byte: the lines after it are read" {
	{ echo x && trace; } >plain
	{ printf '\0\n' && trace; } >nul
	check() {
		call "$1" plain; ends "text" "$1" || return 1
		before="$status $output"
		call "$1" nul; ends "NUL byte" "$1" || return 1
		[ "${before//plain/nul}" = "$status $output" ] || wrong "NUL byte: expected $before" "$1"
	}
	each_reader check
}

@test "a line of 10 MB is any other line: the lines after it are read" {
	{ echo x && trace; } >plain
	{ head -c 10000000 /dev/zero | tr '\0' x && echo && trace; } >long
	check() {
		call "$1" plain; ends "text" "$1" || return 1
		before="$status $output"
		call "$1" long; ends "long line" "$1" || return 1
		[ "${before//plain/long}" = "$status $output" ] || wrong "long line: expected $before" "$1"
	}
	each_reader check
}

@test "a last line without its newline counts" {
	trace >whole
	head -c -1 whole >cut
	check() {
		call "$1" whole; before="$status $output"
		call "$1" cut; ends "cut newline" "$1" || return 1
		[ "${before//whole/cut}" = "$status $output" ] || wrong "cut newline: expected $before" "$1"
	}
	each_reader check
}

@test "deep nesting and noise: an end, and no failure without a word" {
	{ printf '{"a":' && head -c 100000 /dev/zero | tr '\0' '['; } >deep
	head -c 300000 "$(command -v bash)" >noise
	check() { call "$1" deep; ends "deep nesting" "$1" && call "$1" noise && ends "noise" "$1"; }
	each_reader check
}
