# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A real-time thread that keeps a device from resetting the machine.

load kthread_watchdog heartbeat=3
thread_runs i6300esb
echo "\$ sleep 4"
sleep 4
unload kthread_watchdog
thread_is_gone i6300esb
readings kthread_watchdog 2
