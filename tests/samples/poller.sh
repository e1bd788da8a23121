#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

set -eu
# shellcheck source=/dev/null
. /boot.sh

polls() {
	[ "$(shown poller WAKEUPS)" -gt 5 ]
}

insmod /modules/rust_kthread.ko
insmod /modules/kthread_poller.ko period_ms=10
await 5 polls || fail "it does not poll"
rmmod kthread_poller
await 5 no_thread poller || fail "the thread is left"
churned kthread_poller period_ms=1
rmmod rust_kthread
