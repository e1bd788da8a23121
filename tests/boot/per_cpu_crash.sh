#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H20: a per-CPU thread that oopses ends alone. Its CPU goes offline and comes back, and the
# other threads are stopped.
#
# kthread-cpus: 3

set -eu
# shellcheck source=/dev/null
. /boot.sh

# kthread-alone: C loses what it owned for a dead thread, and leaks are not looked for there.

online=/sys/devices/system/cpu/cpu1/online
echo "per_cpu_crash begins" >/dev/kmsg
insmod /modules/rust_kthread.ko
# In `run`, and in `should_run`.
for mode in 4 5; do
	echo 'kthread-expect: kernel BUG at' >/dev/kmsg
	# There the thread dies in the state that it is about to sleep in.
	if [ $mode = 5 ] && [ -e /proc/lockdep_stats ]; then
		echo 'kthread-expect: WARNING: at __might_sleep' >/dev/kmsg
	fi
	insmod /modules/kthread_per_cpu.ko mode=$mode
	await 5 no_thread per_cpu/1 || fail "the thread goes on"
	! no_thread per_cpu/2 || fail "another thread does not"
	# The kernel parks the thread, and finds that it is none any more.
	echo 'kthread-expect: WARNING' >/dev/kmsg
	echo 0 >$online
	echo 1 >$online
	rmmod kthread_per_cpu
	await 5 no_thread per_cpu/ || fail "a thread is left"
done
drops=$(dmesg | sed '1,/per_cpu_crash begins/d' | grep -c 'dropped after 0 mistakes')
[ "$drops" = 2 ] || fail "a value was not dropped"
rmmod rust_kthread
