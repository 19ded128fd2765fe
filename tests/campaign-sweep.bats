# A campaign over three hosts: daemons on the loopback, each with a folder of
# its own.  east and west have the same cluster, north another one.

load lib
load ssh

daemons=()
export EPI_BIN=${EPI_BIN:-$root/bin} no_proxy='*'

# campaign TARGET... : in c, small and quick.
campaign() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "${of:-c}" SAMPLE=4 REPETITIONS=2 WARMUP=2s IDLE=4s \
		BOUNDARY="it's \$\$5, # \"1\"" "$@"
}

# known NAME...: hosts 1, 2... by these names, in a configuration of ssh(1).
known() {
	local i=0
	for name; do
		i=$((i + 1))
		printf '%s\n' "Host $name" "Port $(sed -n 's/^Port //p' "sshd$i")"
	done
	cat <<-END
		Host *
		HostName 127.0.0.1
		IdentityFile $PWD/key
		BatchMode yes
		LogLevel ERROR
		IdentitiesOnly yes
		StrictHostKeyChecking no
		UserKnownHostsFile /dev/null
	END
}

# A command for AMBIENT, which a run calls twice: on host N its call of the
# number in stop.N, which is in the midst of a run, lasts until the host dies; with
# until.N none ends before what that says is told by the sweep.
thermometer() {
	cat >thermometer <<-END
		#!/bin/sh
		cd $PWD || exit
		[ ! -e until.\$EPI_HOST ] ||
			timeout 20 sh -c 'until grep -q "\$(cat until.\$EPI_HOST)" told; do sleep 0.1; done' || exit
		echo 22
		[ -n "\$EPI_HOST" ] && [ -e stop.\$EPI_HOST ] || exit 0
		echo >>calls.\$EPI_HOST
		[ \$(wc -l <calls.\$EPI_HOST) -eq \$(cat stop.\$EPI_HOST) ] || exit 0
		: >stopped.\$EPI_HOST
		exec sleep 20
	END
	chmod +x thermometer
}

# swept: a campaign for them.
swept() {
	ok epi-new "it's a \"c\""
	ln -s "it's a \"c\"" c
	sed -i "/^MODELS/s/=.*/= small_q40_pi5 large_q40_n100/; s/^small_q40\./small./; s/^large_q40\./large./
		/^HARDWARE = /d; /^AMBIENT = /d
		/^# ----\$/i pi5.LOGINS = east west\npi5.HARDWARE = simulated A\n\
n100.LOGINS = north\nn100.HARDWARE = simulated B\n\
AMBIENT = $PWD/thermometer\nSSH = ssh -F $PWD/config\nSHIP = calibration.json" c/Makefile
}

# tree PID: it, and all that it has started.
tree() {
	local of=$1
	while [ "$of" ]; do
		echo "$of"
		of=$(pgrep -P "${of// /,}" | xargs) || true
	done | xargs -n 1
}

# dies N: host N, with all that runs on it.
dies() {
	tree "${daemons[$1]}" | xargs kill -9 2>/dev/null || true # some ended by themselves
}

# falls_silent N: host N lives, but nobody there answers, or refuses, any more.
falls_silent() {
	tree "${daemons[$1]}" >silent
	xargs kill -STOP <silent
}

# raw FOLDER: what was measured; the runs' own files tell when.
raw() {
	(cd "$1" && sha256sum data/baseline/*/raw/*)
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	thermometer
	swept
}

teardown() {
	[ ! -e silent ] || xargs kill -9 <silent 2>/dev/null || true
	no_hosts
}

# east in its first run, after the plan's, and north in its second one.
@test "three hosts, two of which die: another one takes over, the rest is resumed" {
	mkdir host1 host2 host3
	hosts 3
	known east west north >config
	echo 3 >stop.1
	echo 5 >stop.3
	campaign sweep >told 2>&1 3>&- & sweep=$!
	for i in 1 3; do
		until [ -e stopped.$i ]; do kill -0 $sweep; sleep 0.1; done
		dies $i
	done
	status=0
	wait $sweep || status=$?
	[ "$status" -eq 2 ]
	grep -qx 'sweep: not measured: large_q40_n100/002; make again goes on from here' told
	[ "$(find c/data -name 'run_*.json' | wc -l)" -eq 3 ]
	[ -z "$(find host1 -name 'run_*.json')" ]
	(cd c && sha256sum data/baseline/*/run_* data/baseline/*/raw/*) >before

	rm stop.*
	host 3
	known east west north >config
	campaign sweep score verify table >told 2>&1
	(cd c && sha256sum --quiet -c ../before)
	[ "$(grep -c "^north: measure:" told)" -eq 1 ]
	[ "$(jq -r '[.model, .hardware] | join(" on ")' c/results/scores.ndjson | paste -sd,)" = \
		"simulated large on simulated B,simulated small on simulated A" ]
	jq -s -e 'length > 0 and all(.severity != "error")' c/results/verify.ndjson

	jq -e '.settings.boundary == "it\u0027s $5, # \"1\""' c/data/baseline/*/run_*.json

	# What a machine has done it need not do again.
	raw c >before
	rm -r c/data
	campaign sweep >told 2>&1
	[ "$(grep -c measure: told)" -eq 0 ]
	raw c | diff before -

	# The same as measured on one machine, without a sweep.
	ok epi-new plain
	sed /LOGINS/d c/Makefile >plain/Makefile
	of=plain campaign measure >told 2>&1
	diff <(raw plain) <(raw c)
}

@test "what one machine fails at another one does" {
	mkdir host1 host2 host3
	hosts 3
	known east west north >config
	sed -i "/^pi5.LOGINS/i east.METER = echo no meter >\&2; exit 1" c/Makefile
	campaign sweep >told 2>&1
	grep -q "^east: .*no meter" told
	[ "$(find c/data -name 'run_*.json' | wc -l)" -eq 4 ]
	[ "$(grep -c "^west: measure:" told)" -ge 2 ]
}

# east in its first run.  west does not get on with its own before that is told.
@test "a machine that falls silent is told while others measure, and its runs are taken over" {
	mkdir host1 host2 host3
	hosts 3
	known east west north >config
	echo 3 >stop.1
	echo '^sweep: east: small_q40_pi5/00[12]: no answer from there any more$' >until.2
	campaign sweep SSH="ssh -F $PWD/config -o ConnectTimeout=1 -o ServerAliveInterval=1" >told 2>&1 3>&- & sweep=$!
	until [ -e stopped.1 ]; do kill -0 $sweep; sleep 0.1; done
	falls_silent 1
	wait $sweep
	[ "$(find c/data -name 'run_*.json' | wc -l)" -eq 4 ]
	[ "$(grep -c '^west: measure: small_q40_pi5 00[12]$' told)" -eq 2 ]
}

@test "machines that do not answer, or have another toolkit, are told, and nothing is measured" {
	take campaign sweep SSH='echo no route >&2; false'
	[ "$status" -eq 2 ]
	[[ $stderr == *"sweep: north no route"* ]]
	[[ $stderr == *"small_q40_pi5/001: no machine of east,west answers"*"sweep: not measured: large_q40_n100/001 "* ]]
	printf '%s\n' '#!/bin/sh' 'echo "$*" | sed 1q >&2' >ssh
	chmod +x ssh
	take campaign sweep SSH="$PWD/ssh -p 1"
	[[ $stderr == *"-p 1 -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=3 "* ]]
	take campaign measure SSH='echo epi-score 0.0.1; :'
	[ "$status" -eq 2 ]
	[[ $stderr == *"north: not asked: it has epi-score 0.0.1, and this is epi-score "* ]]
	[ -z "$(find c -name 'run_*')" ]
}

# The Makefile's $$ is one.
@test "what is shipped comes whole, by whatever name; what is not there is refused" {
	mkdir host1
	hosts 1
	known north >config
	sed -i '/^MODELS/s/small[^ ]*//' c/Makefile
	mkdir "c/it's \"\$x\" {} "
	touch "c/it's \"\$x\" {} /a;b" c/-n c/x1 c/x2 'c/#1' 'c/;2'
	mkdir -p c/d/e
	touch c/d/e/f
	ships() { take campaign sweep SHIP="$1"; }
	ships "calibration.json 'it'\\''s \"\$\$x\" {} ' -n x? '#1' ';2' ./d/././e/./f"
	[ "$status" -eq 0 ]
	[ "$(cd host1/epi-campaigns/*/ && ls -d -- -n x? it*/* [\#\;]* d/e/f | LC_ALL=C sort | paste -sd,)" = \
		"#1,-n,;2,d/e/f,it's \"\$x\" {} /a;b,x1,x2" ]
	rm -r c/data
	for bad in "'" ../c/x1 "$PWD/c/x1" x3; do
		ships "$bad"
		[ "$status" -eq 2 ]
		[[ $stderr == *"sweep: SHIP: "*"$bad"* ]]
	done
}

@test "a login that would be an option is refused; without logins there is no sweep" {
	take campaign sweep LOGINS=-oProxyCommand=x n100.LOGINS=-oProxyCommand=x
	[ "$status" -eq 2 ]
	[[ $stderr == *"LOGINS: names that ssh knows"* ]]
	sed -i /LOGINS/d c/Makefile
	take campaign sweep
	[ "$status" -eq 2 ]
	[[ $stderr == *"no model has LOGINS"* ]]
}

# shards WORD...: to hosts a and b.
shards() {
	env EPI_SSH="ssh -F $PWD/config" EPI_HOSTS="a b" EPI_SHARDS="$*" EPI_SHARDS_TO=. \
		"$root/scripts/campaign/shards"
}

@test "files for all hosts and for one: sent, compared, and left where they are whole" {
	mkdir host1 host2
	hosts 2
	known a b >config
	seq 1000 >model.m
	seq 2000 >part
	warns shards model.m b:part
	[ "$(find host1 host2 -type f | sort | xargs)" = "host1/model.m host2/model.m host2/part" ]
	cmp model.m host1/model.m
	cmp part host2/part
	ok shards model.m b:part
	[ "$(jq -r '"\(.sha256)  \(.host) \(.file)"' <<<"$output")" = "$(sha256sum model.m model.m part | sed '1s/ [^ ]*$/ a .\/model.m/; 2s/ [^ ]*$/ b .\/model.m/; 3s/ [^ ]*$/ b .\/part/')" ]
	touch -d 2001-01-01 model.m
	warns shards model.m
	[[ $stderr == *"b: model.m is sent, and compared" ]]

	# The same size and time, and other bytes.
	rm -r .epi
	tr 1 2 <model.m >host2/model.m
	touch -d 2001-01-01 host2/model.m
	fails 1 shards model.m
	[[ $stderr == *"b: ./model.m is not model.m: its SHA-256 is "* ]]
	fails 1 shards a:nowhere.m
	[[ $stderr == *"nowhere.m: is not there"* ]]
	kill "${daemons[1]}"
	fails 1 shards part
	[[ $stderr == *"a: part was not sent"* ]]
}
