# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread that reads something of the kernel once per period.

load kthread_poller period_ms=200
thread_runs poller
readings kthread_poller 3
unload kthread_poller
thread_is_gone poller
