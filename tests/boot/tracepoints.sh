#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tracepoints tell what workers run, and who stops which thread.

set -eu
# shellcheck source=/dev/null
. /boot.sh

tracing=/sys/kernel/tracing

# hits EVENT COMMAND [TEXT]: how often a task hit the event.
hits() {
	grep -cE "^ *$2-[0-9]+ .* $1: .*${3:-}" $tracing/trace
}

# hit NUMBER EVENT COMMAND [TEXT]
hit() {
	number=$1
	shift
	[ "$(hits "$@")" = "$number" ]
}

insmod /modules/rust_kthread.ko
mount -t tracefs tracefs $tracing || fail "the kernel has no CONFIG_ENABLE_DEFAULT_TRACERS"
for event in work_execute_start work_execute_end stop stop_ret; do
	echo 1 >"$tracing/events/sched/sched_kthread_$event/enable"
done
insmod /modules/kthread_live_view.ko
await 5 hit 3 sched_kthread_work_execute_end view/idle ||
	fail "the items do not end: $(cat $tracing/trace)"
for item in 'idle 3 Closure' 'busy 1 Item'; do
	# shellcheck disable=SC2086
	set -- $item
	code="function _R.*$3.*\\[kthread_live_view\\]"
	await 5 hit "$2" sched_kthread_work_execute_start "view/$1" "$code" ||
		fail "the items of $1 do not begin: $(cat $tracing/trace)"
done
hit 0 sched_kthread_stop rmmod || fail "there is a stop too many: $(cat $tracing/trace)"

rmmod kthread_live_view
hit 10 sched_kthread_stop rmmod 'comm=view/' ||
	fail "not every thread was stopped: $(cat $tracing/trace)"
hit 10 sched_kthread_stop_ret rmmod 'ret=0' || fail "a stop did not return: $(cat $tracing/trace)"
# What the handle's drop has waited for.
hit 4 sched_kthread_work_execute_end view/busy ||
	fail "the last items did not run: $(cat $tracing/trace)"

umount $tracing
rmmod rust_kthread
