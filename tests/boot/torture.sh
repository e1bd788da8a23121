#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Random operations, and disturbances beside them; what is counted has to add up. Here for some
# seconds; `make torture` gives it more, and maybe a seed.

set -eu
# shellcheck source=/dev/null
. /boot.sh

seed=${seed:-$(date +%s)}

# patience SECONDS: for so long a task may be blocked before that is an alarm.
patience() {
	[ ! -e /proc/sys/kernel/hung_task_timeout_secs ] ||
		echo "$1" >/proc/sys/kernel/hung_task_timeout_secs
}

# There are more threads than a slow kernel has time for.
patience 120
insmod /modules/rust_kthread.ko
insmod /modules/kthread_torture.ko seconds="${seconds:-10}" seed="$seed"
sh /disturb.sh "$seed" &
disturber=$!
await $((${bound:?} - 30)) no_thread 'torture$' || ended=no
kill $disturber
wait $disturber || :
[ -z "${ended:-}" ] || fail "it does not end"
rmmod kthread_torture
await 10 no_thread torture || fail "a thread is left"
rmmod rust_kthread
patience 30
dmesg | grep -q 'kthread_torture: all sums are right' ||
	fail "$(dmesg | grep kthread_torture | grep -v ' of .* s$' | tail)"
