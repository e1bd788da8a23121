#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H81: lockdep tells of a cancel under a lock that the item takes, also when it went
# well; and it says nothing of items that wait for items.
#
# kthread-alone: lockdep is off after its first report.

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko
report='possible circular locking dependency'
expect_lockdep "$report"
insmod /modules/kthread_circular_work.ko cancels=1
none_before "$report" 'have waited for items'
rmmod kthread_circular_work rust_kthread
