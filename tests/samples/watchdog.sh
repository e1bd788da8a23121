#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Fed, the watchdog lets the machine run, and so it does after it was disarmed.
# tests/samples/watchdog_reset.sh shows that it would not otherwise.

set -eu
# shellcheck source=/dev/null
. /boot.sh

all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
driver=/sys/bus/pci/drivers/$(module)

insmod /modules/rust_kthread.ko
insert heartbeat=2047
no_thread i6300esb || fail "it takes a time that is too long"
remove

insert heartbeat=4
[ "$(scheduled i6300esb)" = "fifo priority=50 cpus=$all" ] || fail "no urgent thread feeds it"
sleep 5
device=$(basename "$driver"/0000:*)
echo "$device" >"$driver/unbind"
await 5 no_thread i6300esb || fail "the thread is left"
sleep 5

echo "$device" >"$driver/bind"
pid_of i6300esb || fail "no thread feeds it again"
remove
await 5 no_thread i6300esb || fail "the thread is left"
churned
rmmod rust_kthread
