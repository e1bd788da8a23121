#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H1, H3: 10,000 threads, created and dropped: each closure is dropped once.
#
# On one CPU: under emulation a wake-up across CPUs costs milliseconds. The KUnit
# suites do the same on all of them, less often.

set -eu

cpus() {
	for cpu in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$cpu" ] || echo "$1" >"$cpu"
	done
}

cpus 0
trap 'cpus 1' EXIT
insmod /modules/rust_kthread.ko
insmod /modules/kthread_churn.ko rounds=10000
rmmod kthread_churn rust_kthread
