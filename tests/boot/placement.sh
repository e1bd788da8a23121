#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H51, H53, H54, H55: threads that are tied to CPU 1 in one way or another run on when
# it goes offline, and never keep it from coming back.
#
# kthread-cpus: 2

set -eu
# shellcheck source=/dev/null
. /boot.sh

online=/sys/devices/system/cpu/cpu1/online
threads="bound pinned preferring"

# on_cpu_1 NAME
on_cpu_1() {
	[ "$(shown "placement/$1" CPU)" = 1 ]
}

elsewhere() {
	! on_cpu_1 "$1"
}

# goes_on NAME: the thread took its turn since `before` was set.
goes_on() {
	[ "$(shown "placement/$1" WAKEUPS)" -gt "$before" ]
}

all_go_on() {
	for thread in $threads; do
		before=$(shown "placement/$thread" WAKEUPS)
		[ -n "$before" ] || fail "the thread $thread is gone, $1"
		await 5 goes_on "$thread" || fail "the thread $thread stands still, $1"
	done
}

trap 'echo 1 >$online' EXIT
insmod /modules/rust_kthread.ko

insmod /modules/kthread_placement.ko
for thread in $threads; do
	await 5 on_cpu_1 "$thread" || fail "the thread $thread did not come to its CPU"
done
for round in 1 2 3; do
	echo 0 >$online
	for thread in $threads; do
		await 5 elsewhere "$thread" || fail "the thread $thread is on an offline CPU"
	done
	all_go_on "CPU 1 offline, round $round"
	echo 1 >$online || fail "CPU 1 did not come back, round $round"
	all_go_on "CPU 1 back, round $round"
	await 5 on_cpu_1 preferring || fail "the thread with a preference did not come back"
done

echo 0 >$online
all_go_on "about to unload"
rmmod kthread_placement
insmod /modules/kthread_placement.ko offline=1
all_go_on "made with CPU 1 offline"
echo 1 >$online || fail "CPU 1 did not come back, with threads that were made without it"
all_go_on "CPU 1 new to them"
await 5 on_cpu_1 preferring || fail "the thread did not come to the CPU it prefers"

rmmod kthread_placement rust_kthread
