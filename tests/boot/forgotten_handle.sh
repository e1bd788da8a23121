#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H11, H12: a module that forgot the handles of its threads can be unloaded, and
# its init may fail: the threads end first, and the log names each of them.

set -eu

threads() {
	grep -lsE '^(forgotten|cycle)/' /proc/[0-9]*/comm | wc -l
}

# A thread leaves /proc a moment after it was joined.
no_threads() {
	for _ in $(seq 50); do
		[ "$(threads)" != 0 ] || return 0
		sleep 0.1
	done
	return 1
}

reported() {
	dmesg | grep -c 'module kthread_forgotten_handle leaked thread forgotten/' || :
}

insmod /modules/rust_kthread.ko

insmod /modules/kthread_forgotten_handle.ko
[ "$(threads)" -ge 3 ] || { echo "3 threads expected, $(threads) found"; exit 1; }
if rmmod rust_kthread 2>/dev/null; then
	echo "the crate could be unloaded while it was in use"
	exit 1
fi
rmmod kthread_forgotten_handle
no_threads || { echo "$(threads) threads outlived their module"; exit 1; }
[ "$(reported)" = 3 ] || { echo "3 leaks expected in the log, $(reported) found"; exit 1; }

if insmod /modules/kthread_forgotten_handle.ko fail=1 2>/dev/null; then
	echo "the init function did not fail"
	exit 1
fi
no_threads || { echo "$(threads) threads outlived a failed init"; exit 1; }
[ "$(reported)" -ge 6 ] || { echo "6 leaks expected in the log, $(reported) found"; exit 1; }

rmmod rust_kthread
