# epi-nodes: a cluster of simulated meters, each with one node, whose load is
# what comes down a FIFO; and a meter whose watts are what stands in files.

load lib

# cluster NAME...: a source of three such nodes, A, B and C, by these names.
cluster() {
	mkfifo mA mB mC
	cat >source <<-'END'
		exec 3<>mA 4<>mB 5<>mC
		i=0
		for n in A B C; do
			i=$((i + 1))
			epi-sim --nodes 1 --seed $i --pty tty$n --marks m$n &
		done
		i=0
		until [ -e ttyA ] && [ -e ttyB ] && [ -e ttyC ]; do
			sleep 0.05
			[ $((i += 1)) -lt 200 ] || exit 1
		done
		exec epi-tap --node "$1" --node "$2" --node "$3" ttyA ttyB ttyC
	END
	source="sh source $*"
	load='case $1 in pi1) m=mA ;; pi2) m=mB ;; *) m=mC ;; esac
		epi-mark decode begin >$m; sleep $2; epi-mark decode end >$m'
}

# meter: a source of nodes a and b, whose watts stand in files.
meter() {
	echo 3 >watts.a
	echo 3 >watts.b
	cat >source <<-'END'
		trap 'exit 0' TERM
		echo '{"type":"event","event":"start","nodes":["a","b"],"rate_hz":5}'
		while :; do
			now=$(date +%s.%N)
			for n in a b; do
				read -r w <watts.$n && echo "{\"timestamp\":$now,\"node\":\"$n\",\"watts\":$w}"
			done
			sleep 0.05
		done
	END
	source='sh source'
}

# puts W FILE...: so many watts in the files, whole at any time.
puts='puts() { w=$1; shift; for f; do echo $w >$f.new; mv $f.new $f; done; }'

@test "each node under its own name: three records, status 0" {
	cluster pi1 pi2 pi3
	ok epi-nodes identify -s "$source" --seconds 0.5 --load "$load" pi1 pi2 pi3
	[ "$(jq -r '[.type, .node, .channel, .matches, .simulated] | join(" ")' <<<"$output" | paste -sd,)" = \
		"node_channel pi1 pi1 true true,node_channel pi2 pi2 true true,node_channel pi3 pi3 true true" ]
}

@test "swapped names: status 3, and what is measured as what" {
	cluster pi2 pi1 pi3
	partly 3 epi-nodes identify -s "$source" --seconds 0.5 --load "$load" pi1 pi2 pi3
	[[ $stderr == *"pi1 is measured as pi2"*"pi2 is measured as pi1"* ]]
	[ "$(jq -r .matches <<<"$output" | xargs)" = "false false true" ]
}

@test "of one meter the right order is told" {
	meter
	partly 3 epi-nodes identify -s "$source" --seconds 0.4 --load "$puts"'
		puts 9 watts.$(echo $1 | tr ab ba); sleep $2; puts 3 watts.a watts.b' a b
	[[ $stderr == *"the channels, in their order, are b,a"* ]]
}

@test "a name that the meter does not know: measured as another, or not at all" {
	meter
	partly 3 epi-nodes identify -s "$source" --seconds 0.4 --load "$puts"'
		[ $1 = pi9 ] || puts 9 watts.a; sleep $2; puts 3 watts.a' pi1 pi9
	[[ $stderr == *"pi1 is measured as a"*"pi9: no channel rises"* ]]
	[ "$(jq -c '[.channel, .matches]' <<<"$output" | paste -sd' ')" = '["a",false] [null,false]' ]
}

@test "two channels that rise name none; --min-watts is the least that counts" {
	meter
	partly 3 epi-nodes identify -s "$source" --seconds 0.4 --load "$puts"'
		puts 9 watts.a watts.b; sleep $2; puts 3 watts.a watts.b' a
	[[ $stderr == *"a: more than one channel rises"* ]]
	partly 3 epi-nodes identify -s "$source" --seconds 0.4 --min-watts 7 --load "$puts"'
		puts 9 watts.a; sleep $2; puts 3 watts.a' a
	[[ $stderr == *"a: no channel rises"* ]]
}

@test "a trace that goes on may end within a line" {
	echo 3 >watts
	{
		printf '{"type":"event","event":"start","nodes":["a"],"rate_hz":5}\n{'
		for _ in $(seq 200); do
			printf '"timestamp":%s,"node":"a","watts":%s}\n{' "$(date +%s.%N)" "$(cat watts)"
			sleep 0.05
		done
	} >trace & pid=$!
	ok epi-nodes identify -t trace --seconds 0.5 --load "$puts"'; puts 9 watts; sleep $2; puts 3 watts' a
	kill "$pid"
	[ "$(jq -r .channel <<<"$output")" = a ]
}

# campaign TARGET...: of the meter's nodes, on an engine that ends at once.
campaign() {
	env -u MAKEFLAGS -u MAKELEVEL EPI_BIN="${EPI_BIN:-$root/bin}" \
		make -s -f "$root/scripts/epi.mk" MODELS=m ITEMS='echo "{\"type\":\"item\"}"' METER="$source" NODES='a b' \
		NODE_TIME=0.4s NODE_LOAD='. ./load' \
		HEALTH='exit 1' SERVE='echo that was the engine; exit 1' WARMUP=0 IDLE=0 "$@"
}

@test "a campaign asks first: swapped names refuse it, unless forced; right ones are known for a day" {
	meter
	echo "$puts"'; puts 9 watts.$(echo $1 | tr ab "$(cat turn)"); sleep $2; puts 3 watts.a watts.b' >load
	echo ba >turn
	fails 2 campaign measure
	[[ $stderr == *"a is measured as b"*"the nodes are not known by the meter's names"* ]]
	[[ $stderr != *"the engine ended"* ]]
	fails 2 campaign measure FORCE=yes
	[[ $stderr == *"a is measured as b"*"the engine ended"* ]]
	echo ab >turn
	fails 2 campaign measure
	[[ $stderr == *"nodes: each node is loaded in turn: a b"*"the engine ended: that was the engine"* ]]
	fails 2 campaign measure
	[[ $stderr != *"in turn"*"the engine ended"* ]]
}

@test "a load that fails or does nothing, and a source that does not start: status 1" {
	meter
	fails 1 epi-nodes identify -s "$source" --seconds 0.2 --load 'exit 7' a
	[[ $stderr == *"the load of a failed"* ]]
	fails 1 epi-nodes identify -s "$source" --seconds 0.4 --load : a
	[[ $stderr == *"the load ended after"* ]]
	fails 1 epi-nodes identify -s false a
}

@test "what two programs complain of by turns is told whole" {
	meter
	mkdir here
	ln -s "${EPI_BIN:-$root/bin}"/* here
	rm here/epi-window here/epi-integrate
	mkfifo second third
	printf '#!/bin/sh\necho epi-window: first >&2; echo >second; read -r _ <third; echo epi-window: third >&2\n' >here/epi-window
	printf '#!/bin/sh\nread -r _ <second; echo epi-integrate: second >&2; echo >third\n' >here/epi-integrate
	chmod +x here/epi-window here/epi-integrate
	fails 1 timeout 60 here/epi-nodes identify -s "$source" --seconds 0.2 --load 'sleep $2' a
	[ "$stderr" = "$(printf 'epi-nodes: %s\n' first second third)" ]
}

@test "the default load is a busy loop over ssh" {
	meter
	mkdir fake
	cat >fake/ssh <<-'END'
		#!/bin/sh
		echo "$1 $2 $3 $4" >words
		echo 9 >watts.a.new && mv watts.a.new watts.a
		getconf() { echo 1; }
		eval "$5"
		echo 3 >watts.a
	END
	chmod +x fake/ssh
	PATH=$PWD/fake:$PATH ok epi-nodes identify -s "$source" --seconds 0.5 a
	[ "$(cat words)" = "-o BatchMode=yes -- a" ]
}

@test "options may follow the nodes, and -- ends them" {
	meter
	ok epi-nodes identify a --load "$puts"'; puts 9 watts.$1; sleep $2; puts 3 watts.$1' -s "$source" --seconds=0.4 -- b
	[ "$(jq -r .node <<<"$output" | xargs)" = "a b" ]
	fails 2 epi-nodes identify a -s true --what
	ok epi-nodes identify a --help
	[[ $output == "usage: epi-nodes"* ]]
}

@test "the command line" {
	fails 2 epi-nodes
	fails 2 epi-nodes name
	fails 2 epi-nodes identify -s true
	fails 2 epi-nodes identify a
	fails 2 epi-nodes identify -s true -t trace a
	fails 2 epi-nodes identify -s true --seconds 0 a
	fails 2 epi-nodes identify -s true --min-watts x a
	fails 2 epi-nodes identify --source=true --seconds=1x a
	[[ $stderr == *"--seconds: not a number: 1x"* ]]
	fails 2 epi-nodes identify -s
}
