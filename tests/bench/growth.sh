#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures how costs grow, in C and then in Rust. Both log what comes out.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# Who is woken waits for its turn: else it would be chance who runs when.
for feature in NO_WAKEUP_PREEMPTION NO_DELAY_DEQUEUE; do
	echo $feature >/sys/kernel/debug/sched/features
done
insmod /modules/rust_kthread.ko
insmod /modules/twin_bench.ko rounds=11 growth=1
insmod /modules/kthread_bench.ko rounds=11 growth=1
rmmod kthread_bench twin_bench rust_kthread
