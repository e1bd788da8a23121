#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Freezable threads never keep the system from being suspended, whatever they do, stand
# still meanwhile, and go on afterwards. The kernel's test of the freezer suspends
# nothing else. Who stops a thread that is frozen waits until it goes on.

set -eu
# shellcheck source=/dev/null
. /boot.sh

view=/sys/kernel/debug/kthread/threads

# suspend_for SECONDS
suspend_for() {
	echo "$1" >/sys/module/suspend/parameters/pm_test_delay
	echo freeze >/sys/power/state || fail "the system was not suspended: $(dmesg | tail)"
}

# all_went_on: those that wake up all the time did so since /tmp/before was written.
all_went_on() {
	cat $view >/tmp/now
	awk '
		NR == FNR { before[$NF] = $7; next }
		$NF ~ /(poller|ticking|limited|serving)$/ { went_on += $7 > before[$NF] }
		END { exit went_on != 4 }' /tmp/before /tmp/now
}

# all_are_well WHEN
all_are_well() {
	cat $view >/tmp/before
	await 5 all_went_on || fail "a thread stands still, $1: $(cat /tmp/now)"
}

# all_wait: those that are never woken do what they did. The watcher is awake now and then.
all_wait() {
	states=$(awk '$NF ~ /^freezer/ { print substr($NF, 9) "=" $5 }' $view | xargs)
	for state in sleeping=sleeping waiting=waiting locked=waiting handler=waiting \
		signalled=waiting cold=waiting warm=waiting joining=running busy=running \
		created=created watcher=sleeping idle=waiting occupied=sleeping; do
		case " $states " in
		*" $state "*) ;;
		*) return 1 ;;
		esac
	done
}

# each_waits WHEN
each_waits() {
	await 5 all_wait || fail "not all are as they should be, $1: $states"
}

# stopped: says in `took` how many milliseconds it took to stop the frozen thread.
stopped() {
	took=$(dmesg | sed -n 's/.*kthread_freezer: stopped after \([0-9]*\) ms.*/\1/p')
	[ -n "$took" ]
}

echo freezer >/sys/power/pm_test
echo 2000 >/sys/power/pm_freeze_timeout
insmod /modules/rust_kthread.ko
insmod /modules/kthread_freezer.ko
all_are_well "at the start"
each_waits "at the start"

suspend_for 1
handled=$(dmesg | sed -n 's/.*kthread_freezer: handled \([0-9]*\) events.*/\1/p')
[ "${handled:-0}" -ge 10 ] || fail "a frozen thread kept events from another one: $handled of 20"
await 5 stopped || fail "the threads did not stand still"
[ "$took" -gt 300 ] || fail "a frozen thread was stopped after $took ms"
all_are_well "after the first time"

for round in 1 2 3 4 5 6 7 8 9 10; do
	suspend_for 0
	all_are_well "round $round"
done
each_waits "after it all"

rmmod kthread_freezer rust_kthread
