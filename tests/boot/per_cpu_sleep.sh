#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H61: a per-CPU thread that sleeps where it looks whether there is something to do is
# reported.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# One for disabled preemption, one for the state that the thread is about to sleep in.
expect_sleep
if [ -e /proc/lockdep_stats ]; then
	echo 'kthread-expect: WARNING: at __might_sleep' >/dev/kmsg
fi
insmod /modules/rust_kthread.ko
insmod /modules/kthread_per_cpu.ko mode=7
sleep 0.1
rmmod kthread_per_cpu rust_kthread
