# The units and the udev rule: that systemd can read them, that their pipes are
# ours, and that they are installed, and not enabled.

load lib

system=$root/scripts/system

teardown() {
	[ ! -e watch ] || tmux -L "epi$$" kill-server 2>/dev/null || true
	[ -z "${logger:-}" ] || kill "$logger" 2>/dev/null || true
}

@test "systemd finds nothing wrong with the units" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze"
	cp "$system"/*.service .
	take systemd-analyze verify --man=no ./*.service
	[[ $stderr != *service* ]] || wrong "expected no complaint" systemd-analyze verify
	sed -i 's/^ExecStart=/ExecStrat=/' epi-log.service
	take systemd-analyze verify --man=no ./epi-log.service
	[[ $stderr == *epi-log.service* ]] || wrong "expected a complaint" systemd-analyze verify
}

@test "udev finds nothing wrong with the rule" {
	udevadm verify --help >told 2>&1 || skip "no udevadm verify (systemd 254)"
	take udevadm verify --no-summary "$system/70-epi-meter.rules"
	[ "$status" -eq 0 ]
	sed 's/SYMLINK+=/SYMLINC+=/' "$system/70-epi-meter.rules" >bad.rules
	take udevadm verify bad.rules
	[ "$status" -ne 0 ]
}

# words FILE: those of its lines.
words() {
	grep -vE '^(#|$)' "$1" | sed 's/, */\n/g'
}

@test "each word of the rule is one that udev knows, and each GOTO has its LABEL" {
	rules=$system/70-epi-meter.rules
	[ "$(words "$rules" | wc -l)" -gt 15 ]
	[ -z "$(words "$rules" | grep -vE '^((ACTION|SUBSYSTEMS?|ATTRS[{][A-Za-z]+[}])[!=]=|(SYMLINK|TAG)[+]?=|(GOTO|LABEL)=)"[^"]+"$')" ]
	[ "$(words "$rules" | sed -n 's/^GOTO=//p' | sort -u)" = "$(words "$rules" | sed -n 's/^LABEL=//p' | sort -u)" ]
	words "$rules" | grep -c '^ATTRS{idProduct}=="[0-9a-f]\{4\}"$'
}

@test "the pipe of each unit is one that sh can read, of programs that are here" {
	for unit in "$system"/*.service; do
		pipe=$(sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" "$unit" | sed 's/\$\$/$/g')
		[ "$pipe" ]
		sh -n <<<"$pipe"
		for program in $(grep -oE '(^|\| |[{] |exec )epi-[a-z]+' <<<"$pipe" | grep -o 'epi-.*'); do
			command -v "$program"
		done
	done
}

@test "the log does not hang on the dashboard, which neither stops nor starts it" {
	[ "$(grep -c 'Conflicts=.*epi' "$system"/*.service | cut -d: -f 2 | xargs)" = "0 0" ]
	[ "$(grep -cE '^Exec.*epi-(tap|log)' "$system/epi-watch.service")" -eq 0 ]
	[ "$(grep -cE '^Exec.*epi-watch|^(Requires|BindsTo|PartOf)=' "$system/epi-log.service")" -eq 0 ]
	[ "$(grep -cE '^(Wants|Requires|Requisite|BindsTo|PartOf|Upholds)=' "$system/epi-watch.service")" -eq 0 ]
}

# What would keep the start job waiting keeps the boot waiting.
@test "the dashboard is started at once, and each time anew" {
	unit=$system/epi-watch.service
	[ "$(grep -cE '^(ExecStartPre|ExecCondition|Type|TimeoutStartSec)=' "$unit")" -eq 0 ]
	grep -qx 'Restart=always' "$unit"
	sed '/^\[Service\]/,$d' "$unit" | grep -qx 'StartLimitIntervalSec=0'
}

# dashboard: the pipe of the unit, in the folder that we are in, on a terminal.
dashboard() {
	command -v tmux || skip "no tmux (make deps-dev)"
	mkdir run
	sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" "$system/epi-watch.service" |
		sed "s,/run/epi-watch,'$PWD/run',; s,/var/lib/epi,'$PWD',g; s/exec epi-watch/echo \$! >follower; & --glyphs ascii/" >watch
	tmux -L "epi$$" -f /dev/null new-session -d -x 100 -y 30 "PATH='$PATH' sh '$PWD/watch'; echo \$? >'$PWD/left'" 3>&-
}

# see TEXT: within a minute it stands on the screen.
see() {
	for _ in {1..600}; do
		if tmux -L "epi$$" capture-pane -p >screen && grep -qF "$1" screen; then return; fi
		sleep 0.1
	done
	cat screen
	return 1
}

# left_with STATUS: within a minute the dashboard has ended so.
left_with() {
	for _ in {1..600}; do if [ -s left ]; then break; fi; sleep 0.1; done
	[ "$(cat left)" = "$1" ]
}

@test "the dashboard tells what it waits for, and shows what is logged; its q ends it at once, and logging goes on" {
	dashboard
	see "power.db: database: unable to open"
	epi-sim --for 300s --nodes 2 3>&- | epi-tap --node shown,other - 3>&- | epi-log power.db 3>&- &
	logger=$(jobs -p %1)
	see LIVE
	see shown
	tmux -L "epi$$" send-keys q
	left_with 0
	was=$(epi-pull --type sample power.db | wc -l)
	for _ in {1..300}; do if [ "$(epi-pull --type sample power.db | wc -l)" -gt "$was" ]; then break; fi; sleep 0.1; done
	[ "$(epi-pull --type sample power.db | wc -l)" -gt "$was" ]
}

@test "the dashboard ends where nothing reads the database for it any more" {
	epi-sim --fast --for 3s --nodes 2 | epi-tap --node shown,other - | epi-log power.db
	dashboard
	for _ in {1..600}; do if [ -s run/follower ]; then break; fi; sleep 0.1; done
	see LIVE
	kill "$(cat run/follower)"
	left_with 0 # the meter had told its end
}

@test "epi-log's pipe keeps what a meter says, to its end" {
	epi-sim --fast --for 3s --nodes 2 >meter
	pipe=$(sed -n "s/^ExecStart=.bin.sh -c '\(.*\)'\$/\1/p" "$system/epi-log.service" |
		sed 's/\$\$/$/g; s,/dev/epi-meter,meter,; s,/var/lib/epi/,,; s/--reconnect/--begin 1700000000/')
	NODES=a,b sh -c "$pipe"
	epi-tap --node a,b --begin 1700000000 meter | jq -r 'select(.watts) | "\(.node) \(.watts)"' | sort >told
	[ "$(wc -l <told)" -gt 50 ]
	epi-pull power.db | jq -r 'select(.watts) | "\(.node) \(.watts)"' | sort | cmp - told
}

@test "install puts them in share/epi, and nothing anywhere else; uninstall takes them" {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$root" -o all BIN="${EPI_BIN:-bin}" install DESTDIR="$PWD/to" PREFIX=/usr
	[ -s to/usr/share/epi/70-epi-meter.rules ]
	[ -s to/usr/share/epi/epi-watch.service ]
	[ "$(ls to)" = usr ]
	[ "$(ls to/usr)" = $'bin\nshare' ]
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -s -C "$root" -o all BIN="${EPI_BIN:-bin}" uninstall DESTDIR="$PWD/to" PREFIX=/usr
	[ -z "$(find to -type f)" ]
}
