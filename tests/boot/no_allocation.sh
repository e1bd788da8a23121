#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# To queue an item, to flush or cancel it, and to send a value allocates nothing.

set -eu
# shellcheck source=/dev/null
. /boot.sh

tracing=/sys/kernel/tracing
insmod /modules/rust_kthread.ko
mount -t tracefs tracefs $tracing || fail "the kernel has no CONFIG_ENABLE_DEFAULT_TRACERS"
echo > $tracing/trace
for event in kmalloc kmem_cache_alloc mm_page_alloc; do
	echo 1 >"$tracing/events/kmem/$event/enable"
done
insmod /modules/kthread_no_allocation.ko
echo 0 >$tracing/tracing_on

# What the threads allocate between the two marks.
awk '
	/bytes_req=3001 / && begun { ended = 1 }
	begun && !ended && $1 ~ /^no_alloc\/(queuer|worker)-/ { print }
	/bytes_req=3000 / { begun = 1 }
	END { exit !ended }' $tracing/trace >/tmp/allocations || fail "the marks were not seen"
[ ! -s /tmp/allocations ] || fail "allocated: $(cat /tmp/allocations)"

rmmod kthread_no_allocation rust_kthread
umount $tracing
