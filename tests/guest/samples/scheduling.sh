# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread that is bound and urgent from the start, and later neither.

# thread_is NAME POLICY...
thread_is() {
	thread=$1
	shift
	await 10 is_scheduled "$thread" "$@" || fail "$thread is not $*, but $(scheduled "$thread")"
	echo "The thread $thread is $*"
}

is_scheduled() {
	thread=$1
	shift
	[ "$(scheduled "$thread")" = "$*" ]
}

load kthread_scheduling cpu=2 period_ms=300
thread_is sched/background normal nice=10 cpus=2
thread_is sched/changing fifo priority=50 cpus=2
thread_is sched/changing normal nice=5 cpus=0-3
unload kthread_scheduling
readings kthread_scheduling 3
