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
	remove
	line=$(dmesg | grep -o "$(module): .*" | tail -n 1)
	echo "$line" | grep -qE "^$(module): $1: $2 taken, [0-9]+ given back$" ||
		fail "not '$1' after $2, but '$line'"
	echo "$line" | grep -qE ' ([0-9]+) taken, \1 given back$' || fail "$line"
}

# One is taken by the module for the thread, and one by the thread for each transfer.
insmod /modules/rust_kthread.ko
insert transfers=3
await 5 no_thread cleanup || fail "it does not end by itself"
told 'ended by itself' 4

insert fails_in=2
await 5 no_thread cleanup || fail "no error ends it"
told failed 3

insert bytes=1000000000000
await 5 no_thread cleanup || fail "an allocation that fails does not end it"
told 'out of memory' 2

insert
running() {
	[ "$(slept cleanup)" -gt 5 ]
}
await 5 running || fail "it does not run"
told stopped '[0-9]+'

insert stopped=1
told 'never ran' 1

# Where the kernel can: one allocation of the running thread fails, whichever comes next.
if [ -d $failslab ]; then
	insert
	echo N >$failslab/ignore-gfp-wait
	echo 1 >"/proc/$(pid_of cleanup)/fail-nth"
	await 5 no_thread cleanup || fail "an allocation that is made to fail does not end it"
	echo Y >$failslab/ignore-gfp-wait
	told 'out of memory' '[0-9]+'
fi

churned
rmmod rust_kthread
