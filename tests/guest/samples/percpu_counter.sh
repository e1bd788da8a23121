# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread on each CPU, which ticks there ten times.

load kthread_percpu_counter period_ms=50
thread_runs counter/1
readings kthread_percpu_counter "$(nproc)"
unload kthread_percpu_counter
thread_is_gone counter/1
