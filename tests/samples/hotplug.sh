#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

set -eu
# shellcheck source=/dev/null
. /boot.sh

online=/sys/devices/system/cpu/cpu1/online

# said TEXT TIMES: the module said so that often.
said() {
	[ "$(dmesg | grep -c " kthread_hotplug: CPU 1: $1\$")" = "$2" ] ||
		fail "$(dmesg | grep kthread_hotplug)"
}

trap 'echo 1 >$online' EXIT
insmod /modules/rust_kthread.ko
insmod /modules/kthread_hotplug.ko
for _ in 1 2 3; do
	echo 0 >$online
	echo 1 >$online
done
rmmod kthread_hotplug
said begins 1
said 'goes offline' 3
said 'is back' 3
said ends 1

insmod /modules/kthread_hotplug.ko
echo 0 >$online
rmmod kthread_hotplug
said 'ends, offline' 1
echo 1 >$online
await 5 no_thread hotplug/ || fail "a thread is left"
churned kthread_hotplug
rmmod rust_kthread
