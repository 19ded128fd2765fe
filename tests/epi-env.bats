# epi-env: one host's state.  The files are those of a Raspberry Pi 4; the
# expected values are read off them by hand.

load lib
load ssh

daemons=()

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -R "$data/env" pi
}

# shellcheck disable=SC2317 # bats calls it
teardown() {
	no_hosts
}

# pi OPTION...: of that host.
pi() {
	epi-env --proc pi/proc --sysfs pi/sys "$@"
}

# tells JQ VALUE: the record last taken.
tells() {
	[ "$(jq -c "$1" <<<"$output")" = "$2" ] || wrong "expected $1 to be $2" epi-env
}

@test "one record: host, board, processor and kernel" {
	ok pi
	[ "$(wc -l <"$BATS_TEST_TMPDIR/.out")" -eq 1 ]
	tells '[.type, .host, .board, .cpu_model, .kernel]' \
		'["environment","pi1","Raspberry Pi 4 Model B Rev 1.4","arm,cortex-a72","6.6.31+rpt-rpi-v8"]'
}

@test "governor and clock of each processor, kHz in hertz" {
	ok pi
	tells '[.cpus[] | [.cpu, .governor, .hertz, .min_hertz, .max_hertz]][3]' \
		'[3,"ondemand",1500000000,600000000,1500000000]'
	tells '[.cpus[].hertz]' '[600000000,900000000,1200000000,1500000000]'
	tells .governor '"ondemand"'
}

@test "governors that differ are mixed; of one that is offline nothing is told" {
	echo performance >pi/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor
	ok pi
	tells .governor '"mixed"'
	echo 0 >pi/sys/devices/system/cpu/cpu3/online
	ok pi
	tells '[.governor, (.cpus | length)]' '["ondemand",3]'
}

@test "eleven processors stand in the order of their numbers" {
	for i in 4 5 6 7 8 9 10; do mkdir "pi/sys/devices/system/cpu/cpu$i"; done
	ok pi
	tells '[.cpus[].cpu]' '[0,1,2,3,4,5,6,7,8,9,10]'
}

@test "temperatures of zones and chips, and the highest" {
	ok pi
	tells .temperatures '[{"sensor":"cpu-thermal","celsius":61.3},{"sensor":"cpu_thermal temp1","celsius":60.8}]'
	tells .celsius 61.3
}

@test "a sensor that cannot be read, or reads nonsense, is null and not the highest" {
	echo 2147483647 >pi/sys/class/thermal/thermal_zone0/temp
	ok pi
	tells '[.temperatures[0].celsius, .celsius]' '[null,60.8]'
	echo hot >pi/sys/class/thermal/thermal_zone0/temp
	ok pi
	tells '[.temperatures[0].celsius, .celsius]' '[null,60.8]'
}

@test "throttling bits are decoded: 0x50005 is under-voltage and throttled, now and since boot" {
	ok pi
	tells .throttled '{"bits":"0x50005","now":["under_voltage","throttled"],"since_boot":["under_voltage","throttled"]}'
}

@test "vcgencmd is asked first: 0x80002 is capped now, and was too hot" {
	mkdir bin
	printf '#!/bin/sh\necho throttled=0x80002\n' >bin/vcgencmd
	chmod +x bin/vcgencmd
	PATH=$PWD/bin:$PATH ok epi-env
	tells '.throttled | [.now, .since_boot]' '[["frequency_capped"],["temperature_limit"]]'
}

@test "of x86, how often cores were throttled" {
	for i in 0 2; do
		mkdir "pi/sys/devices/system/cpu/cpu$i/thermal_throttle"
		echo 2$i >"pi/sys/devices/system/cpu/cpu$i/thermal_throttle/core_throttle_count"
	done
	ok pi
	tells .throttle_count 42
}

@test "load and memory, kB in bytes" {
	ok pi
	tells .load '[0.12,0.34,0.56]'
	tells .memory.total_bytes $((3884376 * 1024))
	tells .memory.available_bytes $((3500000 * 1024))
}

@test "a host that tells nothing: all of it null, and status 0" {
	ok epi-env --proc nowhere --sysfs nowhere
	tells '[.host, .governor, .cpus, .celsius, .throttled, .load, .memory.total_bytes]' \
		'[null,null,[],null,null,null,null]'
}

@test "this host: its name, its processors, its load" {
	ok epi-env
	tells .host "\"$(uname -n)\""
	tells '.cpus | length' "$(getconf _NPROCESSORS_ONLN)"
	tells '.load | length' 3
}

@test "the clock's bound is the kernel's" {
	command -v python3 >/dev/null || skip "no python3 (make deps-dev)"
	# struct timex of 64-bit Linux: maxerror is its fourth long, esterror the next; it
	# grows by 500 us/s.
	kernel=$(python3 -c 'import ctypes, sys
t = (ctypes.c_long * 26)(); ctypes.CDLL(None).ntp_adjtime(t); print(t[3] / 1e6)
sys.exit(not 0 < t[4] <= t[3])') || skip "no clock whose keeper tells of its error"
	ok epi-env
	tells ".clock.bound_seconds - $kernel | . >= 0 and . < 0.1" true
}

# kept ERROR BOUND: a kernel's clock that is kept, with these errors in us.
kept() {
	command -v cc || skip "no cc"
	printf '%s\n' '#include <sys/timex.h>' 'int ntp_adjtime(struct timex *to) {' \
		"*to = (struct timex){ .status = STA_PLL, .esterror = $1, .maxerror = $2 }; return TIME_OK; }" >kept.c
	cc -shared -fPIC -o kept.so kept.c
	export ASAN_OPTIONS=verify_asan_link_order=0
}

# systemd-timesyncd sets both errors to 0, and the kernel makes 500 us/s of the bound;
# phc2sys leaves the estimate at 16 s.
@test "a bound that the clock's keeper did not tell is not known" {
	for told in '0 0' '0 15000' '16000000 0'; do
		# shellcheck disable=SC2086
		kept $told
		partly 3 env LD_PRELOAD="$PWD/kept.so" epi-env --demand synchronized=yes,max_clock_seconds=1
		[ "$stderr" = "epi-env: $(uname -n): clock's bound is not known" ]
		tells '.clock | [.synchronized, .error_seconds, .bound_seconds]' '[true,null,null]'
	done
	kept 400 15000
	ok env LD_PRELOAD="$PWD/kept.so" epi-env --demand synchronized=yes,max_clock_seconds=0.015
	tells '.clock | [.error_seconds, .bound_seconds]' '[0.0004,0.015]'
}

@test "engine and ambient temperature by commands" {
	ok pi --engine 'printf "v0.12\nmore\n"' --ambient 'echo 22.5'
	tells '[.versions.engine, .ambient_celsius]' '["v0.12",22.5]'
}

@test "what commands tell is known where SIGCHLD is ignored, too" {
	ok env --ignore-signal=CHLD epi-env --proc pi/proc --sysfs pi/sys --engine 'echo v0.12'
	tells .versions.engine '"v0.12"'
}

@test "a command that fails, or says no temperature: status 1, null, the rest told" {
	partly 1 pi --engine false
	tells '[.versions.engine, .host]' '[null,"pi1"]'
	for said in warm '' 999 '22 C'; do
		partly 1 pi --ambient "echo $said"
		tells .ambient_celsius null
	done
}

@test "demands that hold: status 0" {
	ok pi --demand governor=ondemand,max_celsius=61.3,max_load=0.12,min_hertz=6e8 \
		--demand min_available_bytes=3e9
	tells .unmet '[]'
}

@test "each demand that does not hold is a line, the record is written, status 3" {
	partly 3 pi --demand governor=performance,max_celsius=61.2,throttled=no,max_load=0.11,min_hertz=600000001,min_available_bytes=4e9
	[ "$(wc -l <"$BATS_TEST_TMPDIR/.err")" -eq 6 ]
	[[ $stderr == *"pi1: governor is ondemand, not performance"*"pi1: temperature is 61.3, over 61.2"* ]]
	tells '.unmet | length' 6
}

@test "what is not known meets no demand" {
	for demand in governor=x min_hertz=1 max_celsius=99 throttled=no throttled=yes max_load=99 \
		min_available_bytes=1 min_ambient_celsius=0 max_ambient_celsius=99; do
		partly 3 epi-env --proc nowhere --sysfs nowhere --demand "$demand" >/dev/null
		[[ $stderr == *"not known"* ]] || wrong "expected not known" "$demand"
	done
}

@test "a processor whose clock is 0, or not told, is the slowest for all that is known" {
	ok pi --demand min_hertz=600000000
	echo 0 >pi/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq
	partly 3 pi --demand min_hertz=600000000
	tells '[.cpus[0].hertz, .unmet]' '[null,["slowest clock is not known"]]'
	rm pi/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq
	partly 3 pi --demand min_hertz=600000000
}

@test "an ambient of 22 +- 2 C is demanded by its two ends" {
	ok pi --ambient 'echo 20.1' --demand min_ambient_celsius=20,max_ambient_celsius=24
	partly 3 pi --ambient 'echo 24.1' --demand min_ambient_celsius=20,max_ambient_celsius=24
}

@test "demands that are none are refused" {
	for demand in cold max_load= max_load=low throttled=maybe governor= ','; do
		fails 2 pi --demand "$demand"
	done
}

@test "options that do not go together are refused" {
	fails 2 epi-env --clock --offset pi
	fails 2 epi-env --offset pi --demand max_load=1
	fails 2 epi-env --rounds 3
	fails 2 epi-env --offset -oProxyCommand=x
	fails 2 epi-env pi
}

# far SECONDS: a fake ssh to a host whose clock is ahead by so much, and which
# greets at login.
far() {
	cat >ssh <<-END
		#!/bin/sh
		echo "Linux pi1 6.6; 1 1795340400"
		[ "\$2 \$3" = "epi-env --clock" ] && epi-env --clock | while read -r n t; do
			echo "\$n \$(echo "\$t + $1" | bc)"
		done
	END
	chmod +x ssh
}

@test "a clock that is 3.5 s ahead, and one that is 2 s behind, within half the delay" {
	for ahead in 3.5 -2; do
		far "$ahead"
		ok epi-env --offset pi1 --ssh ./ssh --rounds 4
		tells '[.type, .event, .host, .rounds]' '["event","clock","pi1",4]'
		tells ".offset_seconds - $ahead | fabs <= $(jq .delay_seconds <<<"$output") / 2" true
		tells '.bound - (.offset_seconds | fabs) - .delay_seconds / 2 | fabs < 1e-8' true
	done
}

@test "who is held up when he has read his clock knows the offset within half the delay, too" {
	command -v cc || skip "no cc"
	cat >held.c <<-'END'
		#define _GNU_SOURCE
		#include <sys/syscall.h>
		#include <time.h>
		#include <unistd.h>
		int clock_gettime(clockid_t id, struct timespec *now)
		{
			int result = (int)syscall(SYS_clock_gettime, id, now);
			if (id == CLOCK_REALTIME)
				usleep(30000);
			return result;
		}
	END
	cc -shared -fPIC -o held.so held.c
	printf '#!/bin/sh\nunset LD_PRELOAD\nexec epi-env --clock\n' >ssh
	chmod +x ssh
	ok env LD_PRELOAD="$PWD/held.so" ASAN_OPTIONS=verify_asan_link_order=0 epi-env --offset pi1 --ssh ./ssh --rounds 3
	tells '(.offset_seconds | fabs) <= .delay_seconds / 2 + 1e-9' true
}

@test "a host that does not answer, that ends, that is none: status 1" {
	fails 1 epi-env --offset pi1 --ssh true
	fails 1 epi-env --offset pi1 --ssh 'head -c 1000 /dev/zero'
	fails 1 epi-env --offset pi1 --ssh ./nowhere
}

@test "the offset of hosts is counted in u_joules: 6 W of step, 0.05 s" {
	# 5 W at the begin, 11 W at the end: 0.3 J by the offset of 0.05 s.
	cat >trace <<-'END'
		{"timestamp":99,"type":"event","event":"clock","host":"pi1","offset_seconds":-0.04,"bound":0.05}
		{"timestamp":100,"type":"event","event":"start","nodes":["a"],"rate_hz":1,"averaging_seconds":1,"uncertainty":{"gain_relative":0,"offset_watts":0}}
		{"timestamp":100,"node":"a","watts":5}
		{"timestamp":101,"node":"a","watts":8}
		{"timestamp":102,"node":"a","watts":11}
		{"timestamp":103,"type":"event","event":"stop"}
	END
	output=$(epi-integrate trace | jq -c 'select(.scope == "node")')
	tells '.budget[] | select(.source == "hosts").c_joules - 0.3 | fabs < 1e-12' true
	output=$(sed 1d trace | epi-integrate --uncertainty hosts_seconds=0.05 | jq -c 'select(.scope == "node")')
	tells '.budget[] | select(.source == "hosts").c_joules - 0.3 | fabs < 1e-12' true
	output=$(sed 1d trace | epi-integrate | jq -c 'select(.scope == "node")')
	tells '[.budget[] | select(.source == "hosts")] | length' 0
}

@test "it is counted in parts too" {
	cat >trace <<-'END'
		{"timestamp":99,"type":"event","event":"clock","host":"pi1","offset_seconds":-0.04,"bound":0.05}
		{"timestamp":100,"type":"event","event":"start","nodes":["a"],"rate_hz":1,"uncertainty":{"gain_relative":0.01}}
		{"timestamp":100,"node":"a","watts":5}
		{"timestamp":101,"node":"a","watts":11}
		{"timestamp":101,"type":"event","event":"stop"}
	END
	ok epi-integrate trace >whole
	grep -q '"source":"hosts","c_joules":0.3' whole
	epi-integrate --partial trace | epi-integrate --merge | cmp - whole
}

@test "three hosts at once by GNU parallel, and the offset of one, by real SSH" {
	hosts 3
	for i in 1 2 3; do cp -R pi "host$i" && echo "pi$i" >"host$i/proc/sys/kernel/hostname"; done
	printf '%s\n' "${logins[@]}" >logins
	parallel --will-cite --nonall --sshloginfile logins \
		epi-env --proc "$PWD/"'host$EPI_HOST/proc' --sysfs "$PWD/"'host$EPI_HOST/sys' >all
	[ "$(jq -r .host all | sort | xargs)" = "pi1 pi2 pi3" ]
	ok epi-env --offset 127.0.0.1 --ssh "${logins[1]% *}"
	tells '(.offset_seconds | fabs) <= .delay_seconds / 2 + 1e-9' true
}
