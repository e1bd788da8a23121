#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kthread-since: 7.3

set -eu
# shellcheck source=/dev/null
. /boot.sh

only_devices
rm -f /tmp/event.* # of who was here before
trap 'umount /tmp/dev' EXIT
node=/tmp/dev/$(module)
driver=/sys/bus/pci/drivers/$(module)

# factorial NUMBER
factorial() (
	exec 3<>"$node"
	echo "$1" >&3 && read -r answer <&3 && echo "$answer"
)

# refused NUMBER: why there is no answer.
refused() (
	exec 3<>"$node"
	echo "$1" >&3
	cat <&3 2>&1
)

# asks_often: many numbers, one after the other.
asks_often() {
	for _ in $(seq 20); do
		[ "$(factorial 5)" = 120 ] && [ "$(factorial 12)" = 479001600 ] || return 1
	done
}

# asks_on: until there is a file `enough`. It may fail while no driver is bound, but a wrong answer
# never comes.
asks_on() {
	until [ -e /tmp/event.enough ]; do
		answer=$(factorial 4 2>/dev/null) || continue
		[ "$answer" = 24 ] || return 1
		echo >>/tmp/event.answers
	done
}

# goes_on: there was an answer since `before` was set.
goes_on() {
	[ "$(wc -l </tmp/event.answers)" -gt "$before" ]
}

stays_enabled 0x11e8
insmod /modules/rust_kthread.ko
insert
[ "$(factorial 0) $(factorial 5) $(factorial 12)" = "1 120 479001600" ] || fail "wrong answers"
for bad in 13 x ''; do
	! factorial "$bad" || fail "it takes '$bad'"
done
grep -q "[1-9].*$(module)" /proc/interrupts || fail "there were no interrupts"

# Many processes at once.
processes=
for _ in $(seq 8); do
	asks_often &
	processes="$processes $!"
done
# shellcheck disable=SC2086 # a list of words
all_end $processes || fail "wrong answers, if many ask"

# This shell polls before it reads, if there is a limit.
exec 3<>"$node"
# shellcheck disable=SC3045 # busybox has it
! read -r -t 1 answer <&3 || fail "nobody has asked, and yet it is readable"
echo 3 >&3
# shellcheck disable=SC3045 # as above
read -r -t 5 answer <&3 || fail "it does not become readable"
[ "$answer" = 6 ] || fail "a wrong answer, after poll"

# A reader who waits for nothing can be killed.
cat <&3 &
reader=$!
sleep 0.5
kill -9 $reader
wait $reader || status=$?
[ "${status:-0}" = 137 ] || fail "the reader was not killed"
exec 3>&-

# The driver goes and comes while processes ask.
touch /tmp/event.answers
for _ in 1 2 3 4; do
	asks_on &
	asking="${asking:-} $!"
done
device=$(basename "$driver"/0000:*)
for _ in $(seq 20); do
	before=$(wc -l </tmp/event.answers)
	echo "$device" >"$driver/unbind"
	echo "$device" >"$driver/bind"
	await 10 goes_on || fail "no answer after it was bound"
done
touch /tmp/event.enough
# shellcheck disable=SC2086 # as above
all_end $asking || fail "a wrong answer while the driver came and went"

# A device that does not answer is not asked again until it is bound again.
muted "$device"
case $(refused 5) in *'timed out') ;; *) fail "a device without interrupts has answered" ;; esac
case $(refused 5) in *'/output error') ;; *) fail "a device that does not answer is used" ;; esac
echo "$device" >"$driver/unbind"
echo "$device" >"$driver/bind"
[ "$(factorial 5)" = 120 ] || fail "it does not work again"

remove
churned
rmmod rust_kthread
