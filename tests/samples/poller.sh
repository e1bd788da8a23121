#!/bin/sh
# SPDX-License-Identifier: GPL-2.0

set -eu
# shellcheck source=/dev/null
. /boot.sh

polls() {
	[ "$(slept poller)" -gt 5 ]
}

insmod /modules/rust_kthread.ko
insert period_ms=10
await 5 polls || fail "it does not poll"
remove
await 5 no_thread poller || fail "the thread is left"
churned period_ms=1
rmmod rust_kthread
