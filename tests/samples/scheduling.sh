#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What was asked of the scheduler is what /proc shows, before a thread starts and after.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# is STATE POLICY: how far the thread that is changed has come, and how it is scheduled.
is() {
	"$1" && [ "$(scheduled sched/changing)" = "$2" ]
}

# runs: it has slept after each of its turns.
runs() {
	[ "$(slept sched/changing)" -gt 5 ]
}

waits() {
	! runs
}

# on_cpu NAME
on_cpu() {
	[ "$(cut -d ' ' -f 39 "/proc/$(pid_of "$1")/stat")" = "$last" ]
}

runs_there() {
	runs && on_cpu sched/changing
}

last=$(($(nproc) - 1))
all=$(awk '/^Cpus_allowed_list/ { print $2 }' /proc/self/status)
insmod /modules/rust_kthread.ko
insert "cpu=$last" period_ms=1000

[ "$(scheduled sched/director)" = "normal nice=0 cpus=$all" ] ||
	fail "the director is $(scheduled sched/director)"
[ "$(scheduled sched/background)" = "normal nice=10 cpus=$last" ] ||
	fail "the background thread is $(scheduled sched/background)"
await 5 on_cpu sched/background || fail "the background thread does not come to its CPU"
await 20 is waits "fifo priority=50 cpus=$last" || fail "it is not created so"
await 20 is runs_there "fifo priority=50 cpus=$last" || fail "it does not run so"
await 20 is runs "normal nice=5 cpus=$all" || fail "it is not changed"
# All over again.
await 20 is waits "fifo priority=50 cpus=$last" || fail "it is not created again"

remove
await 5 no_thread sched/ || fail "threads are left"
if insert cpu=4000000000 2>/dev/null; then
	fail "there is a CPU 4000000000"
fi
churned period_ms=1
rmmod rust_kthread
