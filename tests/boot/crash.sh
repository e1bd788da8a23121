#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H5, H20: a closure that oopses ends its thread only. Parking it and joining it says so,
# and does not hang; its hook is not called; the module can be unloaded. (For a scope whose
# threads borrow from the one that oopses, see scripts/harness.py.)

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko

# In its body, while it is being parked, under a hook, in the drop of another one's
# closure, in a scope without threads, over the result of a thread without a handle, in the
# address space of insmod. In an item and a closure that a worker runs only where
# what they leave behind, with the thread, is not looked for as a leak.
places="0 1 2 4 5 6 8 9"
[ -e /sys/kernel/debug/kmemleak ] || places="$places 10 11"
for place in $places; do
	echo 'kthread-expect: kernel BUG at' >/dev/kmsg
	insmod /modules/kthread_crash.ko "place=$place" || fail "place $place"
	rmmod kthread_crash
	[ "$place" != 11 ] || dmesg | grep -q 'the last item is dropped' || fail "an item is lost"
	await 5 no_thread 'crash|never ran|inner|next' || fail "a thread is left, place $place"
done

rmmod rust_kthread
