#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H49: lockdep tells of a thread that is frozen with a lock, which others might want.

set -eu
# shellcheck source=/dev/null
. /boot.sh

sleeps() {
	[ "$(shown carrier STATE)" = sleeping ]
}

# Of the tests that provoke an alarm, this one comes before those after which lockdep
# is off.
expect_lockdep 'WARNING: at __set_task_frozen'
insmod /modules/rust_kthread.ko
insmod /modules/kthread_carried_lock.ko
await 5 sleeps || fail "the thread does not sleep"
echo freezer >/sys/power/pm_test
echo 0 >/sys/module/suspend/parameters/pm_test_delay
echo freeze >/sys/power/state || fail "the system was not suspended"
rmmod kthread_carried_lock rust_kthread
