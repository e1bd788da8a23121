#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H83, H85: a thread reads and writes the memory of the process that loads the module, and
# another one visits it again and again until, at a random moment, the process is gone.

set -eu
# shellcheck source=/dev/null
. /boot.sh

gone() {
	[ "$(shown visitor/lasting STATE)" = ended ]
}

insmod /modules/rust_kthread.ko
for round in 1 2 3 4 5 6 7 8 9 10; do
	insmod /modules/kthread_user_memory.ko || fail "round $round"
	await 5 gone || fail "the thread finds a process that is gone, round $round"
	rmmod kthread_user_memory
done
rmmod rust_kthread
