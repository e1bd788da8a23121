#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H13: a module that fails to load, before its init or in it, leaves the threads of
# other modules alone.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# goes_on: the other module's thread polled since `before` was set.
goes_on() {
	[ "$(shown poller WAKEUPS)" -gt "$before" ]
}

insmod /modules/rust_kthread.ko
insmod /modules/kthread_poller.ko period_ms=10
for how in 'kthread_churn rounds=many' 'kthread_forgotten_handle fail=perhaps' \
	'kthread_mischief mischief=1' 'kthread_forgotten_handle fail=1'; do
	# shellcheck disable=SC2086 # a name and a parameter
	set -- $how
	if insmod "/modules/$1.ko" "$2" 2>/dev/null; then
		fail "$1 could be loaded with $2"
	fi
	before=$(shown poller WAKEUPS)
	[ -n "$before" ] || fail "the poller is gone after $how"
	await 5 goes_on || fail "the poller polls no more after $how"
done
rmmod kthread_poller
if dmesg | grep 'leaked thread poller'; then
	fail "the poller's thread was not its own any more"
fi
rmmod rust_kthread
