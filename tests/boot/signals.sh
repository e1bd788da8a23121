#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `kill -9` does nothing to a thread that does not allow it, and ends the wait of one
# that does at once.

set -eu
# shellcheck source=/dev/null
. /boot.sh

is() {
	[ "$(shown "$1" STATE)" = "$2" ]
}

insmod /modules/rust_kthread.ko
insmod /modules/kthread_signals.ko
for name in signals/deaf signals/mortal; do
	await 5 is $name sleeping || fail "$name is $(shown $name STATE)"
done
deaf=$(shown signals/deaf PID)
mortal=$(shown signals/mortal PID)
before=$(shown signals/deaf WAKEUPS)

signal=1
while [ $signal -le 64 ]; do
	kill -$signal "$deaf"
	[ $signal = 9 ] || kill -$signal "$mortal"
	signal=$((signal + 1))
done
sleep 0.2
is signals/deaf sleeping || fail "a signal ended a thread that allows none"
is signals/mortal sleeping || fail "a signal other than SIGKILL ended a thread"
wakeups=$(($(shown signals/deaf WAKEUPS) - before))
[ $wakeups -le 2 ] || fail "64 signals that are ignored woke a thread $wakeups times"

kill -9 "$mortal"
sleep 0.2
is signals/mortal ended || fail "SIGKILL did not end the thread"
rmmod kthread_signals rust_kthread
