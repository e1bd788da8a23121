# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread on each CPU, which parks while its CPU is offline.

# kthread-cpus: 2
load kthread_hotplug
thread_runs hotplug/1
for online in 0 1; do
	echo "\$ echo $online > /sys/devices/system/cpu/cpu1/online"
	echo $online >/sys/devices/system/cpu/cpu1/online || fail "CPU 1 does not go"
done
readings kthread_hotplug $(($(nproc) + 2))
unload kthread_hotplug
thread_is_gone hotplug/1
