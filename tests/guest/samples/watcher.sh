# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh # sourced by jobs/run.sh, which defines the commands
#
# A thread that runs a program of the administrator's choice for each event.

cat >/tmp/watcher-helper <<'END'
#!/bin/sh
exit "$EVENT"
END
chmod +x /tmp/watcher-helper

# event NUMBER: tells the thread of it, and shows what came of that.
event() {
	echo "\$ echo $1 > /sys/kernel/debug/watcher/event"
	echo "$1" >/sys/kernel/debug/watcher/event
	await 10 told "$1" || fail "the event was not told"
	tail -n 1 /tmp/readings
}

told() {
	logged kthread_watcher 1 && tail -n 1 /tmp/readings | grep -q "event $1: "
}

load kthread_watcher
thread_runs watcher
event 1
echo "\$ cat /tmp/watcher-helper"
cat /tmp/watcher-helper
echo "\$ echo /tmp/watcher-helper > /proc/sys/kernel/watcher_helper"
echo /tmp/watcher-helper >/proc/sys/kernel/watcher_helper
event 2
unload kthread_watcher
thread_is_gone watcher
