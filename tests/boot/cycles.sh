#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H11, H12: a module that leaves threads behind which own themselves, restart in a
# `drop`, or stay parked can be unloaded, and its init may fail.

set -eu

insmod /modules/rust_kthread.ko
insmod /modules/kthread_cycles.ko
rmmod kthread_cycles
if insmod /modules/kthread_cycles.ko fail=1 2>/dev/null; then
	echo "the init function did not fail"
	exit 1
fi
if [ "$(wc -l </sys/kernel/debug/kthread/threads)" != 1 ]; then
	cat /sys/kernel/debug/kthread/threads
	exit 1
fi
rmmod rust_kthread
