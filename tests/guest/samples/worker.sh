# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A real-time thread that does one thing after the other, in the order in which it was asked.

# copied TEXT: by the device, into its memory and back.
copied() (
	exec 3<>/dev/kthread_worker
	echo "$1" >&3
	read -r answer <&3
	echo "The device has copied: $answer"
)

load kthread_worker dma_bits=32
thread_runs kthread_worker
echo "\$ exec 3<>/dev/kthread_worker; echo .. >&3; read .. <&3"
for text in first second third; do
	copied $text &
	sleep 0.1
done
wait
unload kthread_worker dma_bits=32
thread_is_gone kthread_worker
readings kthread_worker 1
