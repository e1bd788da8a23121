#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H10, H88: a handle that is dropped under a spinlock is reported each time, also when there
# was nothing to wait for; and so is a wait for what holds already, or for a helper.

set -eu

# shellcheck source=/dev/null
. /boot.sh

expect_sleep
# Of the mutex that is taken meanwhile lockdep tells, unless it is off by now.
if grep -qs 'debug_locks: *1' /proc/lockdep_stats; then
	echo 'kthread-expect: Invalid wait context' >/dev/kmsg
fi
insmod /modules/rust_kthread.ko
insmod /modules/kthread_under_spinlock.ko
rmmod kthread_under_spinlock
expect_sleep
insmod /modules/kthread_under_spinlock.ko what=1
rmmod kthread_under_spinlock
expect_sleep
insmod /modules/kthread_under_spinlock.ko what=2
rmmod kthread_under_spinlock rust_kthread
