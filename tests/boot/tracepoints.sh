#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own tracepoints tell what workers run, and who stops which thread.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# hits EVENT COMMAND [TEXT]: how often a task hit the event.
hits() {
	traced | grep -cE "^ *$2-[0-9]+ .* $1: .*${3:-}"
}

# hit NUMBER EVENT COMMAND [TEXT]
hit() {
	number=$1
	shift
	[ "$(hits "$@")" = "$number" ]
}

insmod /modules/rust_kthread.ko
trace sched/sched_kthread_work_execute_start sched/sched_kthread_work_execute_end \
	sched/sched_kthread_stop sched/sched_kthread_stop_ret
insmod /modules/kthread_live_view.ko
await 5 hit 3 sched_kthread_work_execute_end view/idle ||
	fail "the items do not end: $(traced)"
for item in 'idle 3 Closure' 'busy 1 Item'; do
	# shellcheck disable=SC2086
	set -- $item
	code="function _R.*$3.*\\[kthread_live_view\\]"
	await 5 hit "$2" sched_kthread_work_execute_start "view/$1" "$code" ||
		fail "the items of $1 do not begin: $(traced)"
done
hit 0 sched_kthread_stop rmmod || fail "there is a stop too many: $(traced)"

rmmod kthread_live_view
hit 10 sched_kthread_stop rmmod 'comm=view/' ||
	fail "not every thread was stopped: $(traced)"
hit 10 sched_kthread_stop_ret rmmod 'ret=0' || fail "a stop did not return: $(traced)"

trace
rmmod rust_kthread
