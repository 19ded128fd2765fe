# epi-log and epi-pull: what goes in comes out, once, whatever happens.

load lib

# trace FROM COUNT: samples of two nodes as our filters write them.
trace() {
	awk -v from="$1" -v count="$2" 'BEGIN { for (i = 0; i < count; i++) for (n = 1; n <= 2; n++)
		printf "{\"timestamp\":%d.%02d0000,\"node\":\"pi%d\",\"watts\":%d.%03d,\"volts\":230.12,\"amps\":0.0321,\"power_factor\":0.598,\"vars\":-5.31,\"hertz\":49.98,\"joules\":%d.000,\"seq\":%d}\n",
			from + int(i / 50), i % 50 * 2, n, 5 + i % 3, i % 1000, i * 5, i }'
}

start() {
	echo '{"timestamp":999.5,"type":"event","event":"start","instrument":"m","instrument_id":"M1","nodes":["pi1","pi2"],"rate_hz":50}'
}

# start_at SECONDS: as a span that begins then tells of it.
start_at() {
	start | sed "s/999.5/$1.000000/"
}

stop() {
	echo '{"timestamp":2000,"type":"event","event":"stop"}'
}

@test "what was kept comes back byte for byte, in its order" {
	{ start; trace 1000 500; stop; } >in
	ok epi-log power.db <in
	ok epi-pull power.db >out
	cmp in out
}

@test "what SQLite takes for memory, or an address, is a file as well; an empty name is none" {
	trace 1000 5 >in
	for file in :memory: file:power.db?mode=memory file:power.db; do
		ok epi-log "$file" in
		[ -e "$file" ] && ok epi-pull "$file" | cmp - in || return 1
	done
	fails 1 epi-log '' in
	fails 1 epi-pull ''
}

# follows OPTION...: all that comes, into out, until teardown.
follows() {
	epi-pull --follow "$@" power.db >out 3>&- &
	follower=$!
}

teardown() {
	[ -z "${follower:-}" ] || kill "$follower"
}

# comes FILE: within ten seconds out is the same.
comes() {
	local try
	for try in {1..100}; do
		if cmp -s "$1" out; then return; fi
		sleep 0.1
	done
	diff out "$1"
}

@test "what comes is followed: each record once, late nodes and new meters too" {
	{ start; trace 1000 50; } >first
	trace 1001 50 | grep pi1 >second
	{ trace 1001 50 | grep pi2; echo '{"type":"energy","joules":1}'; stop; } >third
	{ start | sed 's/M1/M2/; s/pi/n/g'; trace 1002 50 | sed 's/pi/n/'; } >fourth
	ok epi-log power.db first
	follows
	comes first
	for part in second third fourth; do
		ok epi-log power.db $part
		cat $part >>first
		comes first
	done
}

# sample TIME NODE: one, at 5 W.
sample() {
	printf '{"timestamp":%s,"node":"%s","watts":5.000}\n' "$1" "$2"
}

@test "what is late within a minute is followed, and a time far ahead hides nothing" {
	{ sample 1001.000000 a; sample 1002.000000 a; sample 4000000000.000000 a; } >first
	{ sample 1001.500000 a; sample 1003.000000 a; } >second
	ok epi-log power.db first
	follows
	comes first
	for part in second first; do ok epi-log power.db $part; done
	cat second >>first
	comes first
	sample 1004.000000 b >third
	ok epi-log power.db third
	cat third >>first
	comes first
}

# What the log of the database, which grows with each commit, is cut by.
@test "a reader that reads no more keeps no state of the database" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	trace 1000 1000 >in
	ok epi-log power.db in
	mkfifo pipe
	exec 5<>pipe
	epi-pull --follow power.db >pipe 3>&- 5>&- &
	follower=$!
	[ "$(timeout 60 head -c 1 <&5)" = '{' ] # more than a pipe holds is to come
	trace 1100 50 >more
	ok epi-log power.db more
	[ -s power.db-wal ]
	[ "$(sqlite3 power.db 'PRAGMA wal_checkpoint(TRUNCATE)')" = '0|0|0' ]
	[ ! -s power.db-wal ]
	kill -0 $follower
}

@test "what cannot be read any more is told once, and ends it" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	sample 1000.000000 a >in
	ok epi-log power.db in
	follows 2>told
	comes in
	sqlite3 power.db 'DROP TABLE nodes'
	timeout 60 tail --pid=$follower -f /dev/null
	take wait $follower
	follower=
	[ "$status" -eq 1 ]
	[ "$(cat told)" = "epi-pull: power.db: database: no such table: nodes" ]
}

@test "from a time on, or of a run that is to come, is followed alone" {
	{ start; trace 1000 100; stop; } >in
	ok epi-log power.db in
	follows --run r2 --from 1001
	{ start; trace 1001 50; } >run
	ok epi-log --run r2 power.db run
	{ start_at 1001; trace 1001 50; } >told
	comes told
	kill -0 $follower
	ok epi-pull --from 1001 --run r2 power.db | cmp - told
	trace "$(($(date +%s) - 100))" 1 >now
	ok epi-log power.db now
	ok epi-pull --type sample --from -5m power.db | cmp - now
	[ -z "$(epi-pull --type sample --from -1s power.db)" ]
	fails 2 epi-pull --follow --to 5 power.db
}

@test "who may not write beside a database is told when it can be read" {
	[ "$(id -u)" -ne 0 ] || command -v setpriv || skip "root, and no setpriv"
	as=$([ "$(id -u)" -ne 0 ] || echo "setpriv --reuid=65534 --clear-groups")
	db=$(mktemp -d)
	trace 1000 1 | ok epi-log "$db/power.db"
	chmod 555 "$db"
	# shellcheck disable=SC2086 # words on purpose, here and below
	$as sh -c 'epi-pull --version && test -r "$0"' "$db/power.db" || skip "nobody else can come here"
	fails 1 $as epi-pull "$db/power.db"
	chmod 755 "$db"
	rm -r "$db"
	[ "$stderr" = "epi-pull: $db/power.db: who may not write into its folder can read it while epi-log has it open, and not now" ]
}

@test "the same stream twice is kept once" {
	{ start; trace 1000 50; stop; } >in
	ok epi-log power.db in in
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
}

@test "so is a stream that broke off and is logged again" {
	{ start; trace 1000 100; stop; } >in
	head -n 77 in | ok epi-log power.db
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
}

@test "unknown keys, other orders and decimals stay as they are" {
	printf '%s\n' '{"timestamp":1000,"node":"a","watts":5}' \
		'{"watts":5.0,"node":"a","timestamp":1001.0}' \
		'{"timestamp":"1970-01-01T00:16:42Z","node":"a","watts":5,"extra":{"x":[1,"é"]}}' \
		'{"timestamp":1003.123456789,"node":"b \"q\" \u00e9","watts":-0.000000001,"volts":null,"hertz":49.9876543}' >in
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
}

@test "records of every type come back where they stood" {
	{ start; trace 1000 3; echo '{"type":"energy","label":"x","joules":1.5}'; trace 1001 3
	echo '{"timestamp":1001.05,"type":"event","event":"mark","label":"a","edge":"begin"}'
	echo '{"type":"score","epi":{"value":2}}'; trace 1002 1; stop; } >in
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
	ok epi-pull --type energy power.db
	[ "$output" = '{"type":"energy","label":"x","joules":1.5}' ]
	[ "$(epi-pull --type sample power.db | wc -l)" -eq 14 ]
}

@test "another run or another meter is another record" {
	trace 1000 1 >in
	ok epi-log --run one power.db in
	ok epi-log --run two power.db in
	ok epi-pull --run one power.db | cmp - in
	[ "$(epi-pull power.db | wc -l)" -eq 4 ]
	fails 1 epi-pull --run three power.db
}

@test "a run that the database has not is told, whatever is asked of it" {
	start | ok epi-log --run one db
	fails 1 epi-pull --run two db
	fails 1 epi-pull --run two --type event db
	[ "$stderr" = "epi-pull: db: no run two" ]
	ok epi-pull --run one --type energy db
}

@test "different samples at one time are told, and the first one stays" {
	echo '{"timestamp":1000.000000,"node":"a","watts":5.000}' >in
	ok epi-log power.db in
	fails 1 epi-log power.db <<<'{"timestamp":1000.000000,"node":"a","watts":6.000}'
	[[ $stderr == *"standard input:1: two different samples of node a"* ]]
	ok epi-pull power.db | cmp - in
}

@test "a member that stands twice has no column, and none of the sample before" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	{ trace 1000 1; echo '{"timestamp":2000,"node":"pi1","watts":5,"volts":1,"volts":2}'; } >in
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
	[ "$(sqlite3 power.db 'select watts, volts, hertz, joules, seq from power where timestamp = 2000')" = "5.0||||" ]
}

@test "so are those that differ in another column than watts" {
	echo '{"timestamp":1000.000000,"node":"a","watts":5.000,"volts":120.00,"joules":1.000}' >in
	ok epi-log power.db in
	ok epi-log power.db <<<'{"joules":1,"volts":120,"watts":5,"node":"a","timestamp":1000}'
	for other in '"volts":121,"joules":1' '"volts":120,"joules":2' '"volts":120' '"volts":120,"joules":1,"hertz":50'; do
		fails 1 epi-log power.db <<<'{"timestamp":1000,"node":"a","watts":5,'"$other}"
		[[ $stderr == *"two different samples of node a"* ]]
	done
	ok epi-pull power.db | cmp - in
}

@test "a span is a stream of its own: its meter starts with it, and stops" {
	{ start; trace 1000 500; stop; } >in
	ok epi-log power.db in
	ok epi-pull --from 1002 --to 1003 power.db >out
	{ start_at 1002; trace 1000 500 | awk -F '[:,]' '$2 >= 1002 && $2 < 1003'
	echo '{"timestamp":1003.000000,"type":"event","event":"stop","instrument_id":"M1","nodes":["pi1","pi2"]}'; } | cmp - out
}

@test "a span that ends before it begins, or as it does, is refused" {
	{ start; trace 1000 500; stop; } | ok epi-log power.db
	fails 2 epi-pull --from 1003 --to 1001 power.db
	fails 2 epi-pull --from 1002 --to 1002 power.db
	[[ $stderr == *"the span ends before it begins"* ]]
}

# session FROM NODE [COUNT]: samples of 5 W, one a second, four if not COUNT,
# started and stopped.
session() {
	local last=$(($1 + ${3:-4} - 1))
	broken "$@"
	echo "{\"timestamp\":$last.000000,\"type\":\"event\",\"event\":\"stop\",\"instrument_id\":\"i\",\"nodes\":[\"$2\"]}"
}

broken() {
	echo "{\"timestamp\":$1.000000,\"type\":\"event\",\"event\":\"start\",\"instrument\":\"x\",\"instrument_id\":\"i\",\"nodes\":[\"$2\"],\"rate_hz\":1}"
	for ((i = 0; i < ${3:-4}; i++)); do sample "$(($1 + i)).000000" "$2"; done
}

# figure OPTION...: begin, end, joules, coverage and completeness of what is pulled.
figure() {
	epi-pull "$@" power.db | epi-integrate 2>told | jq -c 'select(.scope == "cluster") | [.begin, .end, .joules, .coverage, .complete]'
}

# 5 W from 1000 to 1100: 10 s of them are 50 J; from 1010 to the last sample
# before 1020, 9 s, 45 J.
@test "the energy of a part of a session is of that part alone" {
	session 1000 pi1 101 | ok epi-log power.db
	[ "$(figure --from 1090)" = '[1090,1100,50,1,true]' ]
	[ "$(figure --from 1010 --to 1020)" = '[1010,1019,45,1,true]' ]
	[ "$(figure --to 1020)" = '[1000,1019,95,1,true]' ]
	[ ! -s told ]
	[ "$(figure --from 1090.5)" = '[1091,1100,45,1,true]' ]
}

@test "a session that ended before the span has no part in it" {
	{ session 1000 pi1; session 2000 pi1; session 3000 pi1; } | ok epi-log power.db
	[ "$(figure --from 2900)" = '[3000,3003,15,1,true]' ]
	[ "$(figure --from 1900 --to 2900)" = '[2000,2003,15,1,true]' ]
	[ -z "$(epi-pull --from 1500 --to 1600 power.db)" ]
	session 1500 pi2 | ok epi-log power.db
	[ "$(figure --from 2900)" = '[3000,3003,15,1,true]' ]
}

# Of the first session 1001 to 1003 are there, 2 s, 10 J, and no stop.
@test "what broke off in the span is still broken off, and before it is not" {
	{ broken 1000 pi1; session 2000 pi1; } | ok epi-log power.db
	[ "$(figure --from 1900)" = '[2000,2003,15,1,true]' ]
	[ "$(figure --from 1001 --to 1500)" = '[1001,1003,10,1,false]' ]
	[ "$(cat told)" = "epi-integrate: incomplete: the stream ended without stop" ]
	[ "$(epi-pull --from 1001 power.db | grep -c '"start"\|"stop"')" -eq 3 ]
}

@test "a meter that broke off and was started with another node is of that one" {
	{ broken 1000 pi1; session 2000 pi2; } | ok epi-log power.db
	[ "$(figure --from 2001)" = '[2001,2003,10,1,true]' ]
	[ "$(epi-pull --from 1900 power.db | head -n 1 | jq -c .nodes)" = '["pi1"]' ] # silent, and to be seen
}

# Of two meters that have no id, and so are one source, one breaks off at 1003.
@test "a meter goes on behind the span where its own nodes do" {
	{ broken 1000 pi1; broken 1000 pi2 30; } | jq -c 'del(.instrument_id)' | ok epi-log power.db
	epi-pull --from 1001 --to 1010 power.db | jq -c 'select(.event) | [.timestamp, .event, .nodes[]]' >out
	printf '%s\n' '[1001,"start","pi1"]' '[1001,"start","pi2"]' '[1010,"stop","pi2"]' | cmp - out
}

# A clock and a calibration that are told before the span hold in it; of two clocks
# the last one.
@test "what holds at the begin of a span is told there, and no older clock" {
	{ broken 1000 pi1 1; sample 1000.500000 pi1
	echo '{"type":"calibration","instrument_id":"i"}'
	for b in 1 2; do echo "{\"timestamp\":1000.6,\"type\":\"event\",\"event\":\"clock\",\"instrument_id\":\"i\",\"bound\":$b}"; done
	sample 1001.000000 pi1; } | ok epi-log power.db
	ok epi-pull --from 1001 power.db >out
	{ broken 1001 pi1 0
	echo '{"type":"calibration","instrument_id":"i"}'
	echo '{"timestamp":1000.6,"type":"event","event":"clock","instrument_id":"i","bound":2}'
	sample 1001.000000 pi1; } | cmp - out
}

@test "what a viewer follows from a time on begins there" {
	session 1000 pi1 101 | ok epi-log power.db
	follows --from 1090
	{ broken 1090 pi1 11; session 1000 pi1 101 | tail -n 1; } >told
	comes told
	epi-watch --once out | grep -qF '50.000 J   mean 5.00 W in 10.0 s   coverage 100 %'
}

# imported RUN FROM: as epi-import writes it, whose start names no nodes.
imported() {
	echo "{\"timestamp\":$2.000000,\"type\":\"event\",\"event\":\"start\",\"format\":\"csv\",\"run\":\"$1\"}"
	sample "$2.000000" pi1
	sample "$(($2 + 1)).000000" pi1
	echo "{\"timestamp\":$(($2 + 1)).000000,\"type\":\"event\",\"event\":\"stop\",\"run\":\"$1\"}"
}

@test "runs whose starts name no nodes are kept apart, behind one that does, too" {
	imported A 1000 >a
	imported B 2000 >b
	ok epi-log power.db a b
	ok epi-pull --run A power.db | cmp - a
	ok epi-pull --run B power.db | cmp - b
	session 3000 pi1 | sed 's/"type"/"run":"C",&/' >c
	broken 4000 pi1 | sed 's/"type"/"run":"D",&/' >d
	imported E 5000 >e
	ok epi-log power.db c b d e
	ok epi-pull --run C power.db | cmp - c
	ok epi-pull --run D power.db | cmp - d
	ok epi-pull --run E power.db | cmp - e
}

@test "a start that names no nodes takes none from a meter that runs" {
	{ broken 1000 pi1 2; echo '{"timestamp":1001,"type":"event","event":"start","instrument_id":"j"}'
	sample 1002.000000 pi1; sample 1002.000000 pi2; } | ok epi-log power.db
	[ "$(sqlite3 power.db 'SELECT meter, node, count(*) FROM power GROUP BY meter, node' | xargs)" = "i|pi1|3 j|pi2|1" ]
}

@test "a trace that is logged after a later one stands before it" {
	session 1000 pi1 >first
	{ session 2000 pi1 2; echo '{"type":"energy","joules":5}'; session 3000 pi1; } >second
	session 4000 pi2 | sed 's/"i"/"j"/' >third
	cat first second third >all
	for order in "second first third" "third first second" "third second first"; do
		ok epi-log "${order// /}.db" $order
		ok epi-pull "${order// /}.db" | cmp - all
		for part in $order; do ok epi-log one-by-one.db "$part"; done
		ok epi-pull one-by-one.db | cmp - all
		rm one-by-one.db*
	done
}

# A second meter starts 0.1 s before the latest sample of the first: once it has
# come up to it, records stand behind all samples that came before.
@test "a start that is a little late changes the places of no other records" {
	{ broken 1000 pi1 2; sample 1002.000000 pi1; } >first
	{ echo '{"timestamp":1001.9,"type":"event","event":"start","instrument_id":"j","nodes":["pi2"]}'
	sample 1002.000000 pi2; sample 1003.000000 pi1
	echo '{"type":"energy","joules":5}'; sample 1003.500000 pi2; } >second
	ok epi-log power.db first second
	{ sed '$d' first; head -n 1 second; tail -n 1 first; sed 1d second; } >told
	ok epi-pull power.db | cmp - told
}

# As of a host whose clock is a little ahead of its meter's.
@test "a start that is later than its first samples stands before them" {
	{ echo '{"timestamp":1000.5,"type":"event","event":"start","instrument_id":"i","nodes":["pi1"]}'
	echo '{"type":"calibration","instrument_id":"i"}'
	sample 1000.200000 pi1; sample 1000.800000 pi1; } >in
	ok epi-log power.db in
	ok epi-pull power.db | cmp - in
}

@test "--tee passes everything on, whatever becomes of the database" {
	{ start; trace 1000 20; echo nonsense; stop; } >in
	partly 1 epi-log --tee power.db in | cmp - in
	partly 1 epi-log --tee /no/such/folder/power.db in | cmp - in
}

@test "people who type SQL find views" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	{ start; trace 1000 1; echo '{"type":"score","model":"m","epi":{"value":2.5}}'; stop; } >in
	ok epi-log --run r1 power.db in
	[ "$(sqlite3 power.db "SELECT run, meter, node, watts, vars FROM power ORDER BY node" | head -n 1)" = "r1|M1|pi1|5.0|-5.31" ]
	[ "$(sqlite3 power.db "SELECT event FROM events" | xargs)" = "start stop" ]
	[ "$(sqlite3 power.db "SELECT model, epi FROM scores")" = "m|2.5" ]
}

# ---- what goes wrong

@test "what --tee cannot write is told" {
	trace 1000 1 >in
	take sh -c 'epi-log --tee power.db in >/dev/full'
	[ "$status" -eq 1 ]
	[[ $stderr == *"No space left"* ]]
}

@test "a file that is no database, one of others, and a newer one are refused" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	trace 1000 1 >in
	for i in $(seq 200); do echo "no database at all"; done >text
	fails 1 epi-log text in
	[[ $stderr == *"text: "*"not a database"* ]]
	sqlite3 other.db 'CREATE TABLE t (x)'
	fails 1 epi-log other.db in
	[[ $stderr == *"other.db: a database, but none of epi-log"* ]]
	epi-log new.db in
	sqlite3 new.db 'PRAGMA user_version = 99'
	fails 1 epi-log new.db in
	[[ $stderr == *"new.db: of version 99, newer than this program's 1"* ]]
	fails 1 epi-pull new.db
	fails 1 epi-pull missing.db
}

@test "a locked database is waited for, and then told" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	trace 1000 1 >in
	ok epi-log power.db in
	mkfifo hold
	sqlite3 power.db <hold & pid=$!
	exec 5>hold
	echo 'BEGIN IMMEDIATE; SELECT 1;' >&5
	sleep 0.2
	trace 1001 1 >more
	fails 1 epi-log power.db more
	[[ $stderr == *"power.db: "*locked* ]]
	exec 5>&-
	wait $pid
	ok epi-log power.db more
	[ "$(epi-pull power.db | wc -l)" -eq 4 ]
}

@test "a database is not locked while its writer waits for input" {
	command -v sqlite3 || skip "no sqlite3 (make deps-dev)"
	trace 1000 1 >in
	ok epi-log power.db in
	mkfifo pipe
	epi-log --tee power.db <pipe >out 3>&- & pid=$!
	exec 5>pipe
	trace 1001 1 >&5
	timeout 60 sh -c 'until [ -s out ]; do sleep 0.01; done' # it has them
	free=
	for _ in 1 2 3; do if sqlite3 power.db 'BEGIN IMMEDIATE; COMMIT'; then free=1; break; fi; done
	[ "$free" ]
	exec 5>&-
	wait $pid
	[ "$(epi-pull power.db | wc -l)" -eq 4 ]
}

@test "four write into one new database at once: nothing of any is lost" {
	trace 1000 100 >in
	for round in {1..10}; do
		pids=
		for k in 1 2 3 4; do
			epi-log --run "r$k" "$round.db" in 3>&- &
			pids+=" $!"
		done
		for pid in $pids; do wait "$pid"; done
		for k in 1 2 3 4; do epi-pull --run "r$k" "$round.db" | cmp - in; done
	done
}

@test "so do four that have much to write" {
	trace 1000 20000 >in # 6 MB: six transactions of each
	pids=
	for k in 1 2 3 4; do
		epi-log --run "r$k" power.db in 3>&- &
		pids+=" $!"
	done
	for pid in $pids; do wait "$pid"; done
	for k in 1 2 3 4; do epi-pull --run "r$k" power.db | cmp - in; done
}

@test "a folder that cannot be written is told" {
	[ "$(id -u)" -ne 0 ] || skip "root may write anywhere"
	mkdir shut
	chmod 555 shut
	trace 1000 1 >in
	fails 1 epi-log shut/power.db in
}

# A disk of 300 KB: what is committed stays, the rest is told, --tee goes on.
@test "a full disk: a clear word, and what was kept stays" {
	mkdir small
	mount -t tmpfs -o size=300k none small 2>/dev/null || skip "no tmpfs without root"
	trace 1000 20000 >in
	partly 1 epi-log --tee small/power.db in >out
	[[ $stderr == *"small/power.db: "*full* ]]
	cmp in out
	epi-pull small/power.db >kept
	umount small
	head -n "$(wc -l <kept)" in | cmp - kept
}

# intact DB: as SQLite's own program judges it, where there is one.
intact() {
	! command -v sqlite3 >/dev/null || [ "$(sqlite3 "$1" 'PRAGMA integrity_check')" = ok ]
}

# The stream comes at 50 Hz, as live; each time it is killed at another moment,
# drawn from EPI_SEED.  What came in the last 1.5 s may be missing: a second,
# and what a busy machine is late.
@test "kill -9: at most the last second is missing, and a re-log completes it" {
	trace 1000 200 >in
	RANDOM=${EPI_SEED:-1}
	for _ in $(seq 1 "${EPI_KILLS:-6}"); do
		rm -f power.db*
		mkfifo pipe
		epi-log power.db <pipe & pid=$!
		exec 5>pipe
		ticks=$((20 + RANDOM % 120))
		for i in $(seq 1 $ticks); do
			sed -n "$((i * 2 - 1)),$((i * 2))p" in >&5
			sleep 0.02
		done
		kill -9 $pid
		wait $pid || true
		exec 5>&-
		rm pipe
		if [ -s power.db ]; then
			epi-pull power.db >kept || [ ! -s kept ]
			head -n "$(wc -l <kept)" in | cmp - kept
			(($(wc -l <kept) >= (ticks - 75) * 2))
			intact power.db
		fi
		ok epi-log power.db in
		ok epi-pull power.db | cmp - in
		intact power.db
	done
}

@test "records arrive within a second of their coming, without more input" {
	mkfifo pipe
	epi-log power.db <pipe & pid=$!
	exec 5>pipe
	trace 1000 5 >in
	cat in >&5
	for i in $(seq 30); do
		epi-pull power.db >kept 2>/dev/null && cmp -s in kept && break
		sleep 0.1
	done
	cmp in kept
	exec 5>&-
	wait $pid
}

@test "it reads while another one writes" {
	trace 1000 200 >in
	ok epi-log power.db in
	mkfifo pipe
	epi-log power.db <pipe & pid=$!
	exec 5>pipe
	trace 1010 5 >&5
	ok epi-pull --to 1009 power.db | cmp - in
	exec 5>&-
	wait $pid
}

# A line that fits the last one byte for byte, but for what stands as its name.
@test "members that stand where the lines before had their name are seen" {
	for t in 1 2 3 4; do
		echo "{\"timestamp\":$t.000000,\"node\":\"aaaaaaaaaaaaaaaaaaaaaa\",\"watts\":1.000}"
	done >in
	echo '{"timestamp":5.000000,"node":"a","volts":9.00,"z":"b","watts":1.000}' >>in
	[ "$(awk '{ print length($0) }' in | sort -u | wc -l)" -eq 1 ]
	ok epi-log power.db <in
	[ "$(sqlite3 power.db 'SELECT count(*), sum(volts_uv) FROM samples')" = '5|9000000' ]
	epi-pull power.db | grep '"timestamp":5' | grep -qF '"volts":9.00,"z":"b"'
}
