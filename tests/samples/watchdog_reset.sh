#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Armed for good, the watchdog resets the machine when nobody feeds it any more.

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko
insmod /modules/kthread_watchdog.ko heartbeat=4 nowayout=1
rmmod kthread_watchdog
# In time, another driver goes on.
insmod /modules/kthread_watchdog.ko heartbeat=4
sleep 6

echo "kthread-resets: the watchdog" >/dev/kmsg
rmmod kthread_watchdog
sleep 12
fail "the machine was not reset"
