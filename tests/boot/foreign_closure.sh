#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H91: a thread is stopped when the module leaves whose code it runs, although it was
# started in the name of another.

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko
insmod /modules/kthread_foreign_closure.ko
! no_thread foreign || fail "no thread was started"
[ "$(shown foreign STATE)" = sleeping ] || fail "the live view does not show it"
rmmod kthread_foreign_closure
await 5 no_thread foreign || fail "the thread outlived its code"
[ "$(dmesg | grep -c 'module kthread_foreign_closure leaked thread foreign ')" = 1 ] ||
	fail "the leak was not reported"
rmmod rust_kthread
