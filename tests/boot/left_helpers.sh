#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H86: a module leaves while its helpers run, and so does the crate. One that a thread waits for
# is killed, one that nobody waits for goes on, and a file whose handle was forgotten is removed.

set -eu
# shellcheck source=/dev/null
. /boot.sh

file=/proc/sys/kernel/left_helper

# all_left TIMES: what is the case when the modules have left, at least for so many times: insmod
# tries again what has failed.
all_left() {
	rmmod rust_kthread
	if [ -s /tmp/left.waited ] && kill -0 "$(cat /tmp/left.waited)" 2>/dev/null; then
		fail "a helper goes on that was waited for"
	fi
	[ ! -e $file ] || fail "$file is left"
	await 5 no_thread left_helpers || fail "the thread is left"
	[ "$(dmesg | grep -c "module kthread_left_helpers leaked $file: removed")" -ge "$1" ] ||
		fail "the leak was not reported"
	touch /tmp/left.go
	await 10 test -e /tmp/left.spawned || fail "the helper that nobody waits for is gone"
	if grep -q left_helpers /tmp/left.spawned; then
		fail "it did not outlive its module"
	fi
	rm -f /tmp/left.*
}

insmod /modules/rust_kthread.ko
insmod /modules/kthread_left_helpers.ko
await 10 test -s /tmp/left.waited || fail "the helper was not called"
exec 3<>$file
echo /bin/true >&3
rmmod kthread_left_helpers
if echo /bin/false 2>/dev/null >&3 || cat <&3 2>/dev/null; then
	fail "a file that is open works on without its module"
fi
exec 3>&-
all_left 1

# Its name is free again.
insmod /modules/rust_kthread.ko
if insmod /modules/kthread_left_helpers.ko fail=1 2>/dev/null; then
	fail "the init function did not fail"
fi
all_left 2
