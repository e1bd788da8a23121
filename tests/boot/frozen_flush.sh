#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A freezable thread that waits for a freezable worker does not keep the system awake.

set -eu
# shellcheck source=/dev/null
. /boot.sh

echo freezer >/sys/power/pm_test
echo 2000 >/sys/power/pm_freeze_timeout
echo 0 >/sys/module/suspend/parameters/pm_test_delay
insmod /modules/rust_kthread.ko
for jobs in 1 0; do
	insmod /modules/kthread_frozen_flush.ko jobs=$jobs
	for round in 1 2 3; do
		sleep 0.2
		echo freeze >/sys/power/state ||
			fail "not suspended, jobs=$jobs, round $round: $(dmesg | tail -n 25)"
	done
	rmmod kthread_frozen_flush
done
rmmod rust_kthread
