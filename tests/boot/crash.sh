#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H20: a closure that oopses ends its thread only: joining it says so, and does not
# hang; the module can be unloaded.

set -eu

echo 'kthread-expect: kernel BUG at' >/dev/kmsg
insmod /modules/rust_kthread.ko
insmod /modules/kthread_crash.ko
rmmod kthread_crash rust_kthread
