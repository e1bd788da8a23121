# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread that gives back what it took, whichever way it ends.

for way in transfers=3 fails_in=2 bytes=1000000000000 '' stopped=1; do
	# shellcheck disable=SC2086 # no word if empty
	load kthread_cleanup $way
	sleep 0.2
	unload kthread_cleanup
done
readings kthread_cleanup 5
