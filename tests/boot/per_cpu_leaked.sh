#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H11, H12, H59: a module that leaked the handle of its per-CPU threads can be unloaded, and
# its init may fail: the threads end first, and the log names them once. It gets no others then.

set -eu
# shellcheck source=/dev/null
. /boot.sh

module=kthread_per_cpu
online=/sys/devices/system/cpu/cpu1/online
[ -e $online ] || online=/dev/null # the only CPU stays

# log: what happened since this test began.
log() {
	dmesg | sed '1,/per_cpu_leaked begins/d'
}

# logged TEXT: how often the log says so.
logged() {
	log | grep -c "$1" || :
}

# busybox's insmod tries it again when the init function fails.
all_reported() {
	await 5 no_thread per_cpu/ || fail "a thread outlived $1"
	times=$(logged "$module: begins")
	reports="$(logged "module $module leaked per-CPU threads per_cpu: stopped")"
	[ "$reports/$(logged "$module: dropped after 0 mistakes")" = "$times/$times" ] ||
		fail "$(log | grep "$module")"
}

trap 'echo 1 >$online' EXIT
echo "per_cpu_leaked begins" >/dev/kmsg
insmod /modules/rust_kthread.ko

# Its handle is forgotten, or in the value that the threads share, or that value asks for more.
for mode in 1 3 8; do
	insmod /modules/$module.ko mode=$mode
	! no_thread per_cpu/0 || fail "there is no thread to be leaked"
	if rmmod rust_kthread 2>/dev/null; then
		fail "the crate could be unloaded while it was in use"
	fi
	echo 0 >$online
	rmmod $module
	all_reported "its module"
	echo 1 >$online
done

if insmod /modules/$module.ko mode=2 2>/dev/null; then
	fail "the init function did not fail"
fi
all_reported "a failed init"
echo 0 >$online
echo 1 >$online

rmmod rust_kthread
