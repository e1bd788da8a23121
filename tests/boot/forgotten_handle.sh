#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H11, H12, H63, H95: a module that leaked threads, in whatever way, can be unloaded, and its
# init may fail: the threads end first, and the log names each of them once.

set -eu
# shellcheck source=/dev/null
. /boot.sh

module=kthread_forgotten_handle
names='(forgotten|cycle)/|(not )?leaked '

# reported REGEX: how often such a thread was named.
reported() {
	dmesg | grep -cE "module $module leaked thread $1 \(pid [0-9]+\): stopped$" || :
}

# logged TEXT: how often the module said so.
logged() {
	dmesg | grep -c " $module: $1" || :
}

# busybox's insmod tries it again when the init function fails.
all_reported() {
	times=$(logged 'about to leak')
	for name in forgotten/0 forgotten/1 forgotten/2 'leaked created' 'leaked parked' \
		'leaked token' 'leaked static' 'leaked result' 'leaked pair/[01]' 'leaked hydra' \
		'leaked worker/0' 'leaked worker/1' 'leaked worker/1500'; do
		[ "$(reported "$name")" = "$times" ] ||
			fail "$name was reported $(reported "$name") times, not $times"
	done
	[ "$(reported 'not leaked')" = 0 ] || fail "a handle that was dropped was called a leak"
	dropped=$(logged 'an item is dropped')
	[ "$dropped" = "$((3 * times))" ] || fail "$dropped items were dropped, not $((3 * times))"
	[ "$(logged 'hydra refused')/$(logged 'hydra grew')" = "$times/0" ] ||
		fail "a thread could be made while its module was cleared of threads"
}

insmod /modules/rust_kthread.ko

insmod "/modules/$module.ko"
for name in forgotten/0 'leaked created' 'leaked parked' 'leaked token' 'leaked static' \
	'leaked pair/0' 'leaked hydra' 'not leaked'; do
	! no_thread "$name" || fail "there is no thread $name to be leaked"
done
if rmmod rust_kthread 2>/dev/null; then
	fail "the crate could be unloaded while it was in use"
fi
rmmod $module
await 5 no_thread "$names" || fail "a thread outlived its module"
all_reported

if insmod "/modules/$module.ko" fail=1 2>/dev/null; then
	fail "the init function did not fail"
fi
await 5 no_thread "$names" || fail "a thread outlived a failed init"
all_reported

# The last of the delays would be over.
sleep 2
rmmod rust_kthread
