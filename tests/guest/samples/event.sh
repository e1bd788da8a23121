# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread that waits for the interrupts of a device, on behalf of whoever asks.

# factorial NUMBER: what the device says.
factorial() (
	exec 3<>/dev/kthread_event
	echo "$1" >&3
	read -r answer <&3
	echo "$1! is $answer"
)

load kthread_event
thread_runs kthread_event
echo "\$ exec 3<>/dev/kthread_event; echo .. >&3; read .. <&3"
for number in 5 8 12; do
	factorial $number
done
echo "\$ grep kthread_event /proc/interrupts"
grep kthread_event /proc/interrupts
unload kthread_event
thread_is_gone kthread_event
