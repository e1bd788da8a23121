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
report='possible circular locking dependency'
expect_lockdep "$report"
insmod /modules/rust_kthread.ko
insmod /modules/kthread_circular_join.ko
none_before "$report" 'the tree is down'
rmmod kthread_circular_join rust_kthread
