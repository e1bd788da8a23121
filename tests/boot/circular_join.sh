#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H21: lockdep tells of a join under a lock that the thread takes, also when it went
# well; and it says nothing of threads that join others made at the same place.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# The first test that provokes an alarm, as lockdep is off after its first report, and
# after an oops.
if [ -e /proc/lockdep_stats ]; then
	grep -q 'debug_locks: *1' /proc/lockdep_stats || fail "lockdep is off already"
	echo 'kthread-expect: possible circular locking dependency' >/dev/kmsg
fi
insmod /modules/rust_kthread.ko
insmod /modules/kthread_circular_join.ko
rmmod kthread_circular_join rust_kthread
