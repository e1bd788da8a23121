#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H10: a handle that is dropped under a spinlock is reported each time, also when there
# was nothing to wait for.

set -eu

# Checks for sleeping while atomic come with those of locks in the kernels of ours.
if [ -e /proc/lockdep_stats ]; then
	echo 'kthread-expect: BUG: sleeping function called from invalid context' >/dev/kmsg
	# Of the mutex that is taken meanwhile lockdep tells, unless it is off by now.
	if grep -q 'debug_locks: *1' /proc/lockdep_stats; then
		echo 'kthread-expect: Invalid wait context' >/dev/kmsg
	fi
fi
insmod /modules/rust_kthread.ko
insmod /modules/kthread_drop_under_spinlock.ko
rmmod kthread_drop_under_spinlock rust_kthread
