#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H59, H60, H61: threads of each CPU follow it when it goes offline and comes back, however
# long they sleep, and there is one for a CPU that is new.
#
# kthread-cpus: 4

set -eu
# shellcheck source=/dev/null
. /boot.sh

module=kthread_per_cpu

# cpu NUMBER 0|1
cpu() {
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online" || fail "CPU $1 does not go $2"
}

# log: what the module said since this test began.
log() {
	dmesg | sed '1,/per_cpu_hotplug begins/d' | grep " $module: "
}

# logged TEXT: how often it said so.
logged() {
	log | grep -c " $module: $1" || :
}

# drops TIMES: so many values were dropped, after all went well.
drops() {
	[ "$(logged 'dropped after 0 mistakes')/$(logged mistake)" = "$1/0" ] || fail "$(log)"
}

# ticks_before CPU ROUND: what it said when it parked.
ticks_before() {
	log | sed -n "s/.* CPU $1 parked after \([0-9]*\) ticks/\1/p" | sed -n "$2p"
}

trap 'for n in 1 2 3; do echo 1 >/sys/devices/system/cpu/cpu$n/online; done' EXIT
echo "per_cpu_hotplug begins" >/dev/kmsg
insmod /modules/rust_kthread.ko

# One CPU is new to it, and one offline when it ends.
cpu 3 0
insmod /modules/$module.ko period_ms=1
! no_thread per_cpu/2 || fail "CPU 2 has no thread"
no_thread per_cpu/3 || fail "an offline CPU has a thread"
cpu 3 1
for _ in $(seq 10); do
	for n in 1 2 3; do
		cpu "$n" 0
		cpu "$n" 1
	done
	sleep 0.05
done
cpu 2 0
rmmod $module
await 5 no_thread per_cpu/ || fail "a thread is left"
drops 1
for n in 1 2 3; do
	[ "$(ticks_before "$n" 10)" -gt "$(ticks_before "$n" 1)" ] ||
		fail "the thread of CPU $n did not go on"
done
calls="$(logged '.* set up')/$(logged '.* parked')/$(logged unparked)"
[ "$calls" = 4/31/30 ] || fail "$calls times set up, parked and unparked"
cpu 2 1

# An hour is not waited for.
insmod /modules/$module.ko period_ms=3600000
for _ in 1 2 3; do
	cpu 1 0
	cpu 1 1
done
rmmod $module
drops 2

rmmod rust_kthread
