#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All that the thread and its closure own is given back, whichever way the thread ends.

set -eu
# shellcheck source=/dev/null
. /boot.sh

failslab=/sys/kernel/debug/failslab

# told HOW TAKEN: the thread ended so, having taken that many channels (a regular expression),
# and all of them were given back.
told() {
	rmmod kthread_cleanup
	line=$(dmesg | grep -o 'kthread_cleanup: .*' | tail -n 1)
	echo "$line" | grep -qE "^kthread_cleanup: $1: $2 taken, [0-9]+ given back$" ||
		fail "not '$1' after $2, but '$line'"
	echo "$line" | grep -qE ' ([0-9]+) taken, \1 given back$' || fail "$line"
}

# One is taken by the module for the thread, and one by the thread for each transfer.
insmod /modules/rust_kthread.ko
insmod /modules/kthread_cleanup.ko transfers=3
await 5 no_thread cleanup || fail "it does not end by itself"
told 'ended by itself' 4

insmod /modules/kthread_cleanup.ko fails_in=2
await 5 no_thread cleanup || fail "no error ends it"
told failed 3

insmod /modules/kthread_cleanup.ko bytes=1000000000000
await 5 no_thread cleanup || fail "an allocation that fails does not end it"
told 'out of memory' 2

insmod /modules/kthread_cleanup.ko
running() {
	[ "$(shown cleanup WAKEUPS)" -gt 5 ]
}
await 5 running || fail "it does not run"
told stopped '[0-9]+'

insmod /modules/kthread_cleanup.ko stopped=1
told 'never ran' 1

# Where the kernel can: one allocation of the running thread fails, whichever comes next.
if [ -d $failslab ]; then
	insmod /modules/kthread_cleanup.ko
	echo N >$failslab/ignore-gfp-wait
	echo 1 >"/proc/$(shown cleanup PID)/fail-nth"
	await 5 no_thread cleanup || fail "an allocation that is made to fail does not end it"
	echo Y >$failslab/ignore-gfp-wait
	told 'out of memory' '[0-9]+'
fi

churned kthread_cleanup
rmmod rust_kthread
