#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H60: lockdep tells of a per-CPU thread that takes the lock of CPU hotplug, which may be
# waiting for it.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# kthread-alone: lockdep is off after its first report.

report='possible circular locking dependency'
expect_lockdep "$report"
insmod /modules/rust_kthread.ko
insmod /modules/kthread_per_cpu.ko
rmmod kthread_per_cpu
none_before "$report" 'dropped after 0 mistakes'
insmod /modules/kthread_per_cpu.ko mode=6
sleep 0.1
rmmod kthread_per_cpu rust_kthread
