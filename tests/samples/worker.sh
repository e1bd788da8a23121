#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# kthread-since: 7.3

set -eu
# shellcheck source=/dev/null
. /boot.sh

only_devices
rm -f /tmp/worker.* # of who was here before
trap 'umount /tmp/dev' EXIT
node=/tmp/dev/$(module)
driver=/sys/bus/pci/drivers/$(module)

# copied TEXT: what comes back. In /tmp/worker.asked there is a line for each that was queued.
copied() (
	exec 3<>"$node"
	echo "$1" >&3 && echo >>/tmp/worker.asked && read -r answer <&3 && echo "$answer"
)

# copies TEXT: it comes back as it was.
copies() {
	[ "$(copied "$1")" = "$1" ]
}

# given_up TEXT: the file is closed before the copy can have ended.
given_up() (
	exec 3<>"$node"
	echo "$1" >&3
)

# refused TEXT: why nothing comes back.
refused() (
	exec 3<>"$node"
	echo "$1" >&3
	cat <&3 2>&1
)

# tries TEXT: copies on and on, until there is a file `enough`. It may fail while no driver is
# bound, but what comes back is right.
tries() {
	until [ -e /tmp/worker.enough ]; do
		answer=$(copied "$1" 2>/dev/null) || continue
		[ "$answer" = "$1" ] || return 1
		echo >>/tmp/worker.answers
	done
}

# goes_on: there was an answer since `before` was set.
goes_on() {
	[ "$(wc -l </tmp/worker.answers)" -gt "$before" ]
}

# all_asked: there are three lines in /tmp/worker.asked.
all_asked() {
	[ "$(wc -l </tmp/worker.asked)" = 3 ]
}

# unbound: the driver leaves the device; each copy is accounted for.
unbound() {
	echo "$device" >"$driver/unbind"
	dmesg | sed -n 's/.* \([0-9]*\) copies: \([0-9]*\) done, \([0-9]*\) cancelled$/\1 \2 \3/p' |
		tail -n 1 >/tmp/worker.counts
	read -r asked finished cancelled </tmp/worker.counts
	[ "$asked" = $((finished + cancelled)) ] || fail "$asked copies: $finished + $cancelled"
}

stays_enabled 0x11e8
insmod /modules/rust_kthread.ko
insert dma_bits=32
device=$(basename "$driver"/0000:*)
copies 'hello' || fail "it does not copy"
copies "$(seq 1 800 | tr '\n' '-')" || fail "it does not copy much"

# asks_again: while the first copy is under way, which takes the device 0.2 s.
asks_again() (
	exec 3<>"$node"
	echo first >&3 && sleep 0.1
	if echo second >&3; then
		return 1
	fi
	read -r answer <&3 && [ "$answer" = first ]
)
asks_again || fail "a second copy is taken while the first is under way"

pid=$(pid_of "$(module)")
# Policy 1 is SCHED_FIFO.
[ "$(cut -d ' ' -f 41 "/proc/$pid/stat")" = 1 ] || fail "it is not real-time"

# Many at once, and some that give up.
processes=
for number in 1 2 3 4 5; do
	copies "number $number" &
	processes="$processes $!"
	given_up "gives up" &
	processes="$processes $!"
done
# shellcheck disable=SC2086 # a list of words
all_end $processes || fail "something else comes back, if many ask"
unbound
[ "$asked" = 13 ] || fail "$asked copies were asked for"
[ "$cancelled" -gt 0 ] || fail "none was cancelled"

# What was queued is done before the driver goes.
echo "$device" >"$driver/bind"
: >/tmp/worker.asked
processes=
for number in 1 2 3; do
	copies "number $number" &
	processes="$processes $!"
done
await 10 all_asked || fail "the device is not asked"
unbound
# shellcheck disable=SC2086 # as above
all_end $processes || fail "a copy was lost when the driver went"

# The driver goes and comes while processes ask.
echo "$device" >"$driver/bind"
touch /tmp/worker.answers
asking=
for number in 1 2 3; do
	tries "number $number" &
	asking="$asking $!"
done
for _ in 1 2 3 4 5; do
	before=$(wc -l </tmp/worker.answers)
	await 20 goes_on || fail "no answer after it was bound"
	unbound
	echo "$device" >"$driver/bind"
done
touch /tmp/worker.enough
# shellcheck disable=SC2086 # as above
all_end $asking || fail "something else comes back while the driver comes and goes"

# As in tests/samples/event.sh.
muted "$device"
case $(refused x) in *'timed out') ;; *) fail "a device without interrupts has answered" ;; esac
case $(refused x) in *'/output error') ;; *) fail "a device that does not answer is used" ;; esac
unbound
echo "$device" >"$driver/bind"
copies 'again' || fail "it does not work again"

remove
churned dma_bits=32
rmmod rust_kthread
