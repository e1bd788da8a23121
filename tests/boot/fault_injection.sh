#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H1, H2, H54: a call that gets no memory, whichever allocation it is, or that can make no thread,
# fails and leaves nothing behind. A kernel without fault injection gives memory to all.

set -eu
# shellcheck source=/dev/null
. /boot.sh

most_tasks=/proc/sys/kernel/threads-max
normal=$(cat $most_tasks)
view=/sys/kernel/debug/kthread/threads

# fallible Y|N: whether only those allocations can be made to fail that must not sleep. Each failure
# would be reported, which is for those who have not asked for it. The kernel itself reports some.
fallible() {
	for kind in failslab fail_page_alloc; do
		folder=/sys/kernel/debug/$kind
		[ -d $folder ] || continue
		echo 0 >$folder/verbose
		echo "$1" >$folder/ignore-gfp-wait
		[ ! -e $folder/min-order ] || echo 0 >$folder/min-order
	done
}

# fails HOW: the module makes its calls, all of them fail so, and nothing is left.
fails() {
	# One process and no more, as there may be no other.
	(
		[ "$1" != too_many_tasks ] || echo 20 >$most_tasks
		exec insmod /modules/kthread_fault_injection.ko "$1=1"
	) && status=0 || status=$?
	echo "$normal" >$most_tasks
	[ "$status" = 0 ] || fail "see the kernel log"
	await 5 no_thread fault/ || fail "a thread is left, $1"
	[ "$(wc -l <$view)" = 1 ] || fail "a thread is registered still, $1: $(cat $view)"
	rmmod kthread_fault_injection
	if dmesg | grep 'kthread_fault_injection leaked'; then
		fail "something was registered still, $1"
	fi
}

# can_be_read N: the live view can, by a shell whose n-th allocation fails.
can_be_read() {
	(
		echo "$1" >/proc/self/fail-nth
		exec 3<$view
		read -r line <&3 && [ -n "$line" ]
	) 2>/dev/null
}

insmod /modules/rust_kthread.ko
if [ -e /proc/self/fail-nth ]; then
	echo 'kthread-allow: ^Call Trace:' >/dev/kmsg
	fallible N
	fails no_memory
	failed=0
	for n in $(seq 40); do
		can_be_read "$n" || failed=$((failed + 1))
	done
	can_be_read 1000 || fail "the live view cannot be read any more"
	[ $failed -gt 0 ] || fail "the live view takes no memory"
	fallible Y
else
	echo "kthread_fault_injection: this kernel gives memory to all" >/dev/kmsg
fi
fails killed
fails too_many_tasks
rmmod rust_kthread
