#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H16: a detached thread keeps its module until it ends by itself. If the module's
# init fails, the thread is stopped, and that is not called a leak. A module that leaves cannot be
# kept any more.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# users COUNT: so many references keep the module.
users() {
	[ "$(awk '$1 == "kthread_detached" { print $3 }' /proc/modules)" = "$1" ]
}

insmod /modules/rust_kthread.ko

insmod /modules/kthread_detached.ko
users 1 || fail "the detached thread does not keep its module"
if rmmod kthread_detached 2>/dev/null; then
	fail "the module could be unloaded under its detached thread"
fi
! no_thread detached || fail "the attempt to unload ended the thread"
await 10 users 0 || fail "the thread's end did not let go of its module"
rmmod kthread_detached
await 5 no_thread detached || fail "the thread outlived its module"
dmesg | grep -q 'kthread_detached: too late to detach' ||
	fail "a thread was detached while its module left"

if insmod /modules/kthread_detached.ko seconds=3600 fail=1 2>/dev/null; then
	fail "the init function did not fail"
fi
await 5 no_thread detached || fail "the thread outlived a failed init"
if dmesg | grep 'leaked thread detached'; then
	fail "a detached thread was called a leak"
fi

rmmod rust_kthread
