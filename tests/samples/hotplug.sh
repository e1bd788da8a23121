#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kthread-cpus: 2

set -eu
# shellcheck source=/dev/null
. /boot.sh

online=/sys/devices/system/cpu/cpu1/online

# said TEXT TIMES: the module said so that often.
said() {
	[ "$(dmesg | grep -c " $(module): CPU 1: $1\$")" = "$2" ] ||
		fail "$(dmesg | grep "$(module)")"
}

trap 'echo 1 >$online' EXIT
insmod /modules/rust_kthread.ko
insert
for _ in 1 2 3; do
	echo 0 >$online
	echo 1 >$online
done
remove
said begins 1
said 'goes offline' 3
said 'is back' 3
said ends 1

insert
echo 0 >$online
remove
said 'ends, offline' 1
echo 1 >$online
await 5 no_thread hotplug/ || fail "a thread is left"
churned
rmmod rust_kthread
