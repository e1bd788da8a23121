#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H80: an item that returns with a lock is named.
#
# kthread-alone: lockdep is off after its first report.

set -eu
# shellcheck source=/dev/null
. /boot.sh

echo 'kthread-expect: BUG: Forgetful.work, an item of unbalanced,' >/dev/kmsg
# What the kernel says then. Whoever holds such a lock may be preempted on PREEMPT_RT.
case $(uname -v) in
*PREEMPT_RT*) ;;
*) echo 'kthread-expect: BUG: scheduling while atomic' >/dev/kmsg ;;
esac
expect_lockdep 'BUG: sleeping function called from invalid context'
expect_lockdep 'Invalid wait context'
insmod /modules/rust_kthread.ko
insmod /modules/kthread_unbalanced_item.ko
rmmod kthread_unbalanced_item rust_kthread
