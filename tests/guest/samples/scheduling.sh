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

last=$(($(nproc) - 1))
all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
load kthread_scheduling cpu=$last period_ms=300
thread_is sched/background normal nice=10 "cpus=$last"
thread_is sched/changing fifo priority=50 "cpus=$last"
thread_is sched/changing normal nice=5 "cpus=$all"
unload kthread_scheduling
readings kthread_scheduling 3
