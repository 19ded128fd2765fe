# Hosts that are reached by SSH: daemons on the loopback, on high ports, with
# keys of their own that live in the test's folder.
#
# shellcheck shell=bash
# The variables are for the tests, or lib.bash's.
# shellcheck disable=SC2034,SC2154

sshd_of_test=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) || sshd_of_test=

# hosts N: $logins are N words for ssh(1) or --sshlogin, and daemons[] the
# processes; host I has I in its environment, as EPI_HOST.  Where there is a
# folder hostI, its commands run there.
hosts() {
	local i
	[ "$sshd_of_test" ] || skip "no sshd (make deps-dev)"
	[ "$(id -u)" -ne 0 ] || [ -d /run/sshd ] || mkdir /run/sshd || skip "no /run/sshd"
	ssh-keygen -q -t ed25519 -N '' -f key
	cp key.pub authorized
	logins=() daemons=()
	for ((i = 1; i <= $1; i++)); do host "$i" || return; done
}

host() {
	local port try
	for try in {1..20}; do
		port=$((20000 + RANDOM % 30000))
		cat >"sshd$1" <<-END
			Port $port
			ListenAddress 127.0.0.1
			HostKey $PWD/key
			AuthorizedKeysFile $PWD/authorized
			PidFile none
			StrictModes no
			UsePAM no
			PermitRootLogin yes
			PasswordAuthentication no
			MaxStartups 100
			KexAlgorithms curve25519-sha256
			SetEnv PATH=$PATH EPI_HOST=$1
		END
		[ ! -d "host$1" ] ||
			echo "ForceCommand cd '$PWD/host$1' && eval \"\$SSH_ORIGINAL_COMMAND\"" >>"sshd$1"
		"$sshd_of_test" -D -e -f "$PWD/sshd$1" </dev/null 2>"sshd$1.log" 3>&- &
		daemons[$1]=$!
		login="ssh -p $port -i $PWD/key -o BatchMode=yes -o LogLevel=ERROR -o IdentitiesOnly=yes"
		login+=" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -F none 127.0.0.1"
		logins[$1]=$login
		if answers "$1"; then return; fi
		kill "${daemons[$1]}" 2>/dev/null
	done
	echo "no sshd that lets us in: $(tail -n 1 "sshd$1.log")" >&2
	return 1
}

# Within five seconds, unless its daemon has ended.
answers() {
	local try
	for try in {1..50}; do
		kill -0 "${daemons[$1]}" 2>/dev/null || return 1
		! ${logins[$1]} true 2>/dev/null || return 0
		sleep 0.1
	done
	return 1
}

no_hosts() {
	local daemon
	for daemon in "${daemons[@]}"; do kill "$daemon" 2>/dev/null; done
	wait
}
