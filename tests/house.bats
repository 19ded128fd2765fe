# The Makefile: install and uninstall, other machines, the tarball.

load lib

# The programs under test stay as they are built.
house() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$root" -o all \
		BIN="${EPI_BIN:-bin}" "$@"
}

@test "install puts programs and pages in PREFIX under DESTDIR" {
	ok house install DESTDIR="$PWD/to" PREFIX=/opt/epi
	(cd to/opt/epi && find . -type f | sort) >have
	(cd "${EPI_BIN:-$root/bin}" && printf './bin/%s\n' *) >want
	(cd "$root/man" && for f in *.[157]; do echo "./share/man/man${f##*.}/$f"; done) >>want
	(cd "$root/src" && for f in epi-*/*.ndjson; do echo "./share/epi/${f##*/}"; done) >>want
	(cd "$root/scripts" && printf './share/epi/%s\n' epi.mk campaign/*) >>want
	(cd "$root/scripts/system" && printf './share/epi/%s\n' * epi-record.schema.json) >>want
	sort want | diff - have
}

@test "an installed program runs from there" {
	ok house install DESTDIR="$PWD/to" PREFIX=/opt/epi
	ok to/opt/epi/bin/epi-mark decode begin
}

@test "uninstall takes all of it away again" {
	ok house install DESTDIR="$PWD/to" PREFIX=/opt/epi
	ok house uninstall DESTDIR="$PWD/to" PREFIX=/opt/epi
	[ -z "$(find to -type f)" ]
}

@test "install and uninstall: folders of any name" {
	to="$PWD/it's a %"
	ok house install DESTDIR="$to" PREFIX='/my "epi"'
	ok "$to"/'my "epi"/bin/epi-mark' decode begin
	[ "$(find . -name epi.7)" = "./it's a %/my \"epi\"/share/man/man7/epi.7" ]
	ok house uninstall DESTDIR="$to" PREFIX='/my "epi"'
	[ -z "$(find . -type f ! -name '.*')" ]
}

@test "a source folder of any name" {
	mkdir -p "it's a %/scripts"
	cp "$root/Makefile" "it's a %"
	cp "$root/scripts/epi-new" "$root/scripts/epi.mk" "it's a %/scripts"
	ok env -u MAKEFLAGS -u MAKELEVEL make -s -C "it's a %" BUILD=build BIN=bin bin/epi-new
	[ "$("it's a %/bin/epi-new" --where)" = "$PWD/it's a %/scripts" ]
}

@test "a machine that is not 64-bit is told so" {
	fails 2 env -u MAKEFLAGS make -s -C "$root" BUILD="$PWD/build" BIN="$PWD/bin" CFLAGS=-m32
	[[ $stderr == *"needs a 64-bit machine"* ]]
}

@test "a compiler that is not there is told, with the way to get one" {
	fails 2 env -u MAKEFLAGS make -s -C "$root" BUILD="$PWD/build" BIN="$PWD/bin" CC=no-such-cc
	[[ $stderr == *"no compiler no-such-cc: try make deps"* ]]
}

@test "the user's CC, CFLAGS and LDFLAGS are taken" {
	env -u MAKEFLAGS make -n -C "$root" V=1 BUILD="$PWD/build" BIN="$PWD/bin" \
		CC=mycc CFLAGS=-Omine LDFLAGS=-Lmine >plan
	[ "$(grep -c '^mycc .*-Omine.* -c ' plan)" -gt 10 ]
	grep -q '^mycc -Omine -Lmine -o .*/epi-mark ' plan
}

@test "without root, missing packages are listed and nothing is done" {
	[ "$(id -u)" -ne 0 ] || command -v setpriv || skip "root, and no setpriv"
	as=$([ "$(id -u)" -ne 0 ] || echo "setpriv --reuid=65534 --clear-groups")
	command -v dpkg-query || skip "not Debian"
	# shellcheck disable=SC2086
	partly 1 $as sh -s deps 'gcc no-such-package' <"$root/scripts/deps"
	[[ $output == "apt-get install no-such-package" ]]
}

@test "off Debian, the list is told" {
	mkdir path
	for tool in sh sed tr; do ln -s "$(command -v $tool)" path; done
	ok env PATH="$PWD/path" "$root/scripts/deps" deps 'gcc one|other'
	[[ $output == *$'\tgcc\n\tone or other' ]]
}

@test "the tarball is the same each time" {
	git -C "$root" rev-parse HEAD >/dev/null 2>&1 || skip "not a git checkout"
	git clone -q "$root" copy
	ok env -u MAKEFLAGS make -s -C copy dist
	sum=$(sha256sum copy/dist/*)
	rm copy/dist/*
	ok env -u MAKEFLAGS make -s -C copy dist
	[ "$(sha256sum copy/dist/*)" = "$sum" ]
}

@test "without git there is no tarball, and that is a failure" {
	cp "$root/Makefile" .
	take env -u MAKEFLAGS GIT_CEILING_DIRECTORIES="$PWD/.." GIT_DIR=none make -s dist
	[ "$status" -eq 2 ]
	[ -z "$(find dist -name '*.gz')" ]
}

# check_arm CODE: in a tree with one unit test, and a module of a library that is
# not there for ARM.
check_arm() {
	mkdir -p src/lib tests/unit
	cp -r "$root/Makefile" "$root/scripts" .
	cp "$root/tests/unit/unit.h" tests/unit
	cp "$root/src/lib/kernel.h" src/lib
	echo "extern int none; int none;" >src/lib/none.c
	echo '/* Floor: ground. */' >src/lib/none.h
	echo '#error no such library' >src/lib/other.c
	echo '/* Floor: ground.  A program that uses it says "link: -lother". */' >src/lib/other.h
	printf '#include <stdlib.h>\n#include "kernel.h"\n#include "unit.h"\n%s\n' \
		"int main(void) { char *four = calloc(4, 1); $1 free(four); return unit_finish(); }" >tests/unit/kernel.c
	take env -u MAKEFLAGS -u MAKELEVEL make -s check-arm
}

@test "make check-arm: each of its three ways finds what the others do not" {
	[ "$(uname -m)" != aarch64 ] || skip "make check is on an ARM"
	check_arm 'if (KERNEL_BITS == 4) is(four[kernel_first(1 << 16)] == 0, "a byte too far");
		is(KERNEL_BITS < 4, "one bit"); is(KERNEL_WIDE, "wide");'
	[[ $output != *" skipped" ]] || skip "no cross compiler, or no QEMU (make deps-dev)"
	[ "$status" -eq 2 ]
	[ "$(grep ^FAILED: <<<"$output")" = "FAILED: arm/static/unit/kernel: one bit
FAILED: arm/sanitized/unit/kernel: ended with status 1
FAILED: arm/plain/unit/kernel: wide" ]
}

@test "make check-arm: without a cross compiler it says so" {
	[ "$(uname -m)" != aarch64 ] || skip "make check is on an ARM"
	mkdir fake
	printf '#!/bin/sh\nexit 1\n' >fake/aarch64-linux-gnu-gcc
	chmod +x fake/aarch64-linux-gnu-gcc
	PATH=$PWD/fake:$PATH check_arm 'is(four[3] == 0, "four");'
	[ "$status" -eq 0 ]
	[[ $output == *"skipped: "*"(make deps-dev)"*"1 passed, 0 failed, 1 skipped" ]]
}
