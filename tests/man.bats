# The pages: one per program, true to --help, and their examples work.

load lib

programs() {
	find "${EPI_BIN:-$root/bin}" -name 'epi-*' | sed 's,.*/,,' | sort
}

# paged CHECK: for every program that has a page; all that fail are told.
paged() {
	local failed=0 program
	for program in $(programs); do
		page=$root/man/$program.1
		[ ! -e "$page" ] || "$1" "$program" || failed=1
	done
	return $failed
}

# differ WHAT A B: two texts that should be the same.
differ() {
	[ "$2" = "$3" ] && return
	printf '%s\n' "$1:" >&2
	diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") >&2
}

# section PAGE NAME: the section as a reader sees it, in one line.
section() {
	mandoc -T ascii -O width=1000 "$1" | sed 's/.\x08//g' |
		awk -v name="$2" '/^[^ ]/ { on = $0 == name; next } on' | squeeze
}

squeeze() {
	tr -s ' \t\n' ' ' | sed 's/ \.\.\./.../g; s/^ //; s/ $//'
}

# helped PROGRAM: the long options of --help, in its usage and its list.
helped() {
	"$1" --help | awk '/^usage:/ { on = 1 } /^[^ \tu]/ { on = 0 }
		on || /^ +(-[A-Za-z0-9], )?--/' |
		grep -oE -- '--[a-z][a-z0-9-]*' | sort -u
}

# listed PAGE: the long options that head an item.
listed() {
	sed -nE '/^\.It /{ s/Fl Fl /Fl -/g; p; }' "$1" |
		grep -oE 'Fl -[a-z][a-z0-9-]*' | sed 's/Fl /-/' | sort -u
}

# examples PAGE: its EXAMPLES as a script for `play`: "$ command", the lines it
# should print, and "live" before a block that needs hardware.
examples() {
	awk '/^\.Sh / { on = $2 == "EXAMPLES" }
		!on { next }
		/^\.\\" live/ { live = 1 }
		/^\.Bd .*-literal/ { block = 1; if (live) print "live"; next }
		/^\.Ed/ { if (block) print "end"; block = live = 0; next }
		block' "$1" |
		sed 's/\\&//g; s/\\-/-/g; s/\\(aq/'\''/g; s/\\(dq/"/g; s/\\(ti/~/g
			s/\\(ha/^/g; s/\\(ga/`/g; s/\\e/\\/g'
}

# try: runs $command in sh, as a reader would, and compares.
try() {
	[ -n "$command" ] || return 0
	if [ "$live" ]; then
		sh -n <<<"$command"
	else
		differ "\$ $command" "$expected" \
			"$(timeout 60 sh -c "$command" 2>&1 </dev/null)"
	fi
}

# play: the script on standard input, in this folder.
play() {
	local line failed=0 live='' command='' expected=''
	while IFS= read -r line; do
		case $line in
		live) live=1 ;;
		end | '$ '*)
			try || failed=1
			command='' expected=''
			[ "$line" = end ] && live='' || command=${line#"$ "}
			;;
		*)
			if [[ -z $expected && ($command == *\\ || $line == '> '*) ]]; then
				command+=$'\n'${line#"> "}
			elif [ "$command" ]; then
				expected+=${expected:+$'\n'}$line
			fi
			;;
		esac
	done
	return $failed
}

@test "every program has a page, and every page of section 1 a program" {
	[ "$(programs)" ] || skip "nothing is built yet"
	differ "pages and programs" \
		"$(find "$root/man" -name '*.1' | sed 's,.*/,,; s/\.1$//' | sort)" "$(programs)"
}

@test "mandoc finds nothing to complain about" {
	command -v mandoc || skip "no mandoc (make deps)"
	ok mandoc -T lint -W warning "$root"/man/*.[157]
}

@test "a page has the sections that a user looks for" {
	wanted='NAME SYNOPSIS DESCRIPTION EXIT STATUS EXAMPLES SEE ALSO'
	check() {
		have=$(sed -n 's/^\.Sh //p' "$page" |
			grep -xE "NAME|SYNOPSIS|DESCRIPTION|EXIT STATUS|EXAMPLES|SEE ALSO" | xargs)
		differ "$page" "$wanted" "$have"
	}
	paged check
}

@test "a page's options are those of --help" {
	check() { differ "options of $1" "$(helped "$1")" "$(listed "$page")"; }
	paged check
}

@test "a page's SYNOPSIS is the usage of --help" {
	check() {
		differ "$1" "$("$1" --help | awk '/^usage:/ { on = 1 } on && /^[^ \tu]|^$/ { exit } on' |
			sed 's/^usage: //' | squeeze)" "$(section "$page" SYNOPSIS)"
	}
	paged check
}

@test "a program's head line is the NAME of its page" {
	check() {
		source=$(ls "$root/src/$1.c" "$root/scripts/$1" 2>/dev/null)
		differ "$1" "$(head -3 "$source" | grep -m1 "$1 - " | sed "s,.*$1 - ,$1 - ,; s, \*/$,,")" \
			"$(section "$page" NAME)"
	}
	paged check
}

@test "the examples of every page print what the page says" {
	failed=0
	for page in "$root"/man/*.[157]; do
		scratch=${page##*/}
		mkdir "$scratch"
		[ ! -d "$data" ] || cp -R "$data/." "$scratch"
		(cd "$scratch" && play < <(examples "$page")) ||
			{ echo "in $page" >&2; failed=1; }
	done
	[ $failed -eq 0 ]
}

@test "the front door lists every program, and no other" {
	[ "$(programs)" ] || skip "nothing is built yet"
	differ "epi(7) and programs" \
		"$(sed -nE 's/^\.It Xr (epi-[^ ]+) 1$/\1/p' "$root/man/epi.7" | sort)" "$(programs)"
}
@test "a cross-reference within epi has its page" {
	failed=0
	while read -r name section; do
		[ -e "$root/man/$name.$section" ] ||
			{ echo "no page $name($section)" >&2; failed=1; }
	done < <(sed -nE 's/^\.Xr (epi[^ ]*) ([157]).*/\1 \2/p' "$root"/man/*.[157] | sort -u)
	[ $failed -eq 0 ]
}

