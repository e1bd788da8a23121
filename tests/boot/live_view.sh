#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The live view shows what each thread is and does, one line for each of them whatever
# its name is, also while threads come and go; and what each worker has to do.

set -eu
# shellcheck source=/dev/null
. /boot.sh

view=/sys/kernel/debug/kthread/threads
workers=/sys/kernel/debug/kthread/workers

# is NAME COLUMN VALUE [FILE]
is() {
	[ "$(shown "$1" "$2" "${4:-}")" = "$3" ]
}

# well_formed FILE: the header and whole lines, nothing else.
well_formed() {
	awk '
		NR == 1 { good = $0 ~ /^ *PID CPU POLICY +PRIO STATE +AGE +WAKEUPS +AT +MODULE/ }
		NR > 1 && (!/^ *[0-9]+ +[0-9]+ (normal|fifo) +-?[0-9]+ [a-z]+ +[0-9.]+ +[0-9]+ / ||
		    $8 !~ /^(-|[a-z_]+\.rs:[0-9]+)$/ || $9 !~ /^k/) {
			good = 0
			print
		}
		END { exit !good }' "$1"
}

# runs_for_long: the item of the busy worker has run for a second, and not for ten minutes.
runs_for_long() {
	shown view/busy FOR workers | grep -qE '^[1-9][0-9]?[0-9]?\.[0-9]{3}$'
}

insmod /modules/rust_kthread.ko
[ "$(wc -l <$view)" = 1 ] || fail "there are threads at the start"

insmod /modules/kthread_live_view.ko
for state in created sleeping parked running stopping; do
	await 5 is "view/$state" STATE "$state" ||
		fail "the thread $state is shown as $(shown "view/$state" STATE)"
	is "view/$state" MODULE kthread_live_view || fail "the module of $state is wrong"
	is "view/$state" POLICY normal || fail "the policy of $state is wrong"
	is "view/$state" PRIO 0 || fail "the nice value of $state is wrong"
	[ "$(cat "/proc/$(shown "view/$state" PID)/comm")" = "view/$state" ] ||
		fail "the pid of $state is another thread's"
done
for thread in sleeping urgent; do
	case $(shown view/$thread AT) in
	live_view.rs:*) ;;
	*) fail "$thread is said to be at $(shown view/$thread AT)" ;;
	esac
done
is view/running AT - || fail "a running thread is said to be somewhere"
is view/urgent POLICY fifo || fail "the policy is wrong"
is view/urgent PRIO 50 || fail "the priority is wrong"
is view/urgent CPU $(($(nproc) - 1)) || fail "the CPU is wrong"

cat $view >/tmp/view
well_formed /tmp/view || fail "a line is not as it should be"
[ "$(wc -l </tmp/view)" = 11 ] || fail "10 threads expected, not this: $(cat /tmp/view)"
grep -q ' view/two words$' /tmp/view || fail "a space in a name is lost"
grep -q ' view/two\\x0alines$' /tmp/view || fail "a newline in a name is not escaped"

[ "$(wc -l <$workers)" = 3 ] || fail "2 workers expected, not this: $(cat $workers)"
for figure in view/busy:QUEUED:2 view/busy:DELAYED:1 view/busy:RUN:0 view/busy:ITEM:Item.work \
	view/idle:QUEUED:0 'view/idle:DELAYED:>999' view/idle:RUN:3 view/idle:FOR:- \
	view/idle:ITEM:-; do
	name=${figure%%:*} column=${figure#*:} value=${figure##*:}
	await 5 is "$name" "${column%:*}" "$value" workers || fail "$figure? $(cat $workers)"
done
is view/busy PID "$(shown view/busy PID)" workers || fail "the pid of a worker is wrong"
await 5 runs_for_long || fail "how long the item runs is wrong: $(cat $workers)"

insmod /modules/kthread_churn.ko rounds=1000 &
most=0
while kill -0 $! 2>/dev/null; do
	cat $view >/tmp/view
	well_formed /tmp/view || fail "a line is not as it should be while threads come and go"
	lines=$(wc -l </tmp/view)
	cat $workers >/dev/null
	[ "$lines" -ge 11 ] || fail "threads are missing while others come and go"
	[ "$lines" -le "$most" ] || most=$lines
done
wait $! || fail "threads could not be made while they were looked at"
[ "$most" -gt 11 ] || fail "none of the threads that came and went was seen"
rmmod kthread_churn kthread_live_view
[ "$(wc -l <$view)" = 1 ] || fail "threads are still shown"
[ "$(wc -l <$workers)" = 1 ] || fail "workers are still shown"

rmmod rust_kthread
