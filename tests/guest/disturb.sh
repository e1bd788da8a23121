#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# disturb.sh SEED: what the system does beside a torture, one thing after the other, at
# random, until it is ended. It then says how often it did what, or in vain.
#
# shellcheck disable=SC3028 # busybox has random numbers

# shellcheck source=/dev/null
. /boot.sh

RANDOM=$1
memory=/tmp/fill

threads() {
	awk 'NR > 1 { print $1 }' /sys/kernel/debug/kthread/threads
}

# A CPU goes offline, and comes back.
hotplug() {
	online=/sys/devices/system/cpu/cpu$((1 + RANDOM % 3))/online
	echo 0 >$online && sleep 0.$((RANDOM % 5)) && echo 1 >$online
}

# The user's processes are frozen, and freezable threads; maybe also all CPUs but one go offline.
suspend() {
	level=freezer state=freeze
	if [ $((RANDOM % 2)) = 0 ] && grep -q mem /sys/power/state; then
		level=processors state=mem
	fi
	echo $level >/sys/power/pm_test
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	echo $state >/sys/power/state
}

# Those that are bound to a CPU stay there.
shuffle() {
	for pid in $(threads); do
		taskset -p $((1 + RANDOM % 15)) "$pid"
	done
	true
}

# Each is one that no thread allows.
signals() {
	signal=$(echo KILL TERM STOP HUP USR2 | cut -d ' ' -f $((1 + RANDOM % 5)))
	# shellcheck disable=SC2046 # one word for each thread
	kill -s "$signal" $(threads)
	true
}

# Most of the memory is used for a moment.
memory() {
	kib=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
	[ "$kib" -gt 200000 ] && head -c $((kib - 150000))K /dev/zero >$memory
	rm $memory
}

# Some allocations fail that those make who are there now.
failslab() {
	for pid in $(threads); do
		echo $((RANDOM % 2)) >"/proc/$pid/make-it-fail"
	done
	true
}

# Another module has threads, for a moment.
load() {
	insmod /modules/kthread_churn.ko rounds=20
	rmmod kthread_churn
}

end() {
	for cpu in 1 2 3; do
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online
	done
	echo none >/sys/power/pm_test
	if [ -e $failslab ]; then
		echo 0 >$failslab/probability
		echo N >$failslab/task-filter
		echo Y >$failslab/ignore-gfp-wait
	fi
	rmmod kthread_churn 2>/dev/null
	sort /tmp/disturbances | uniq -c | while read -r line; do
		echo "kthread_torture: disturbed: $line" >/dev/kmsg
	done
	exit
}

all="hotplug hotplug suspend shuffle signals memory load"
failslab=/sys/kernel/debug/failslab
if [ -e $failslab ]; then
	all="$all failslab"
	echo Y >$failslab/task-filter
	echo N >$failslab/ignore-gfp-wait
	echo 0 >$failslab/verbose
	echo -1 >$failslab/times
	echo 1 >$failslab/probability
fi
mount -o remount,size=90% /tmp
: >/tmp/disturbances
trap end TERM
while :; do
	# shellcheck disable=SC2086 # one word for each
	set -- $all
	shift $((RANDOM % $#))
	if "$1"; then
		echo "$1" >>/tmp/disturbances
	else
		echo "$1 in vain" >>/tmp/disturbances
	fi
	sleep 0.$((RANDOM % 5))
done >/dev/null 2>&1
