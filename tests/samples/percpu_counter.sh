#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

set -eu
# shellcheck source=/dev/null
. /boot.sh

# logged TEXT: how often the module said so.
logged() {
	dmesg | grep -c " $(module): $1" || :
}

# CPU 1 was away, and has to catch up with the others.
all_ticked() {
	[ "$(logged 'CPU [0-9]* has ticked 10 times')" = "$cpus" ]
}

online=/sys/devices/system/cpu/cpu1/online
[ -e $online ] || online=/dev/null # the only CPU stays

trap 'echo 1 >$online' EXIT
cpus=$(nproc)
insmod /modules/rust_kthread.ko
insert period_ms=20
for _ in 1 2 3; do
	echo 0 >$online
	sleep 0.1
	echo 1 >$online
done
await 20 all_ticked || fail "not all CPUs have ticked"
remove
[ "$(logged "$((10 * cpus)) ticks in total")" = 1 ] || fail "ticks are lost, or too many"
await 5 no_thread counter/ || fail "a thread is left"
churned period_ms=1
rmmod rust_kthread
