#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures all operations, `rounds` times, in C and then in Rust. Both log what comes out. With
# `symbols`, then comes where the functions of all modules are.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# Who is woken waits for its turn: else it would be chance who runs when.
for feature in NO_WAKEUP_PREEMPTION NO_DELAY_DEQUEUE; do
	echo $feature >/sys/kernel/debug/sched/features
done
insmod /modules/rust_kthread.ko
insmod /modules/twin_bench.ko rounds="${rounds:?}"
insmod /modules/kthread_bench.ko rounds="$rounds"
[ -z "${symbols:-}" ] || grep -F '[' /proc/kallsyms | while read -r symbol; do
	echo "symbol $symbol" >/dev/kmsg
done
rmmod kthread_bench twin_bench rust_kthread
