#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H87: while the system is suspended, who wants to run a helper gets an error, and neither hangs
# nor is told that it ran.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# said TEXTS: what the module has said so far.
said() {
	[ "$(dmesg | sed -n 's/.*kthread_suspended_helper: //p' | xargs)" = "$1" ]
}

insmod /modules/rust_kthread.ko
insmod /modules/kthread_suspended_helper.ko
await 10 said "runs" || fail "no helper runs: $(dmesg | tail)"
# The kernel's test of the freezer suspends nothing else.
echo freezer >/sys/power/pm_test
echo 1 >/sys/module/suspend/parameters/pm_test_delay
echo freeze >/sys/power/state || fail "the system was not suspended: $(dmesg | tail)"
echo none >/sys/power/pm_test
await 10 said "runs is refused runs" || fail "it was otherwise: $(dmesg | tail)"
rmmod kthread_suspended_helper rust_kthread
