# What the parts of a campaign have in common.  They are called by epi.mk, in
# the campaign's folder; the settings are variables EPI_NAME.
#
# shellcheck shell=sh

set -u
export LC_ALL=C
me=${EPI_MACHINE:+$EPI_MACHINE: }${0##*/}

say() {
	printf '%s: %s\n' "$me" "$(printf '%s' "$1" | tr '\000-\037\177' '?')" >&2
}

die() {
	say "$1"
	exit 1
}

# seconds DURATION: 90, 90s, 5m, 1.5h or 250ms.
seconds() {
	printf '%s\n' "$1" | awk '
		!/^[0-9]+([.][0-9]+)?(ms|s|m|h|d)?$/ { exit 1 }
		BEGIN { of["ms"] = 0.001; of["m"] = 60; of["h"] = 3600; of["d"] = 86400 }
		{ unit = $0; sub(/^[0-9.]+/, "", unit)
		print $0 * (unit in of ? of[unit] : 1) }' ||
		die "no duration: $1"
}

# lock: the meter is ours until the end; others wait, and are told for whom.
# Other users are among them: a file of one of them is only read, which is all
# that a folder of all users allows.  Over NFS a lock wants one that is written.
lock() {
	lock=/run/lock
	[ -n "$(find "$lock/" -prune -perm -1002 2>/dev/null)" ] || lock=/tmp
	lock=$lock/epi-meter-$(printf '%s' "$EPI_METER" | sha256sum | cut -c 1-16)
	! simulated || lock=.epi/lock # a simulated meter is each campaign's own
	if [ -n "${EPI_LOCK:-}" ] || simulated; then
		lock=${EPI_LOCK:-$lock}
		exec 9>>"$lock" || exit 1
	else
		[ -e "$lock" ] || (umask 022 && : >>"$lock")
		exec 9<"$lock" || exit 1
	fi
	flock -n 9 && return
	say "waiting: another run has this meter ($lock)"
	flock 9
}

# simulated: whether the run is one of the simulator's, in its own time.
simulated() {
	[ "${EPI_SIMULATED:-}" = yes ]
}
