#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# To queue an item, to flush or cancel it, and to send a value allocates nothing.

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko
trace kmem/kmalloc kmem/kmem_cache_alloc kmem/mm_page_alloc
insmod /modules/kthread_no_allocation.ko
# Looking at it would go on for ever: that allocates as well.
echo 0 >/sys/kernel/tracing/tracing_on

# What the threads allocate between the two marks, besides what kmemleak notes of these. The last
# thing before the second mark may be a page for it.
traced | awk '
	/bytes_req=3001 / && begun { ended = 1 }
	begun && !ended && $1 ~ /^no_alloc\/(queuer|worker)-/ && !/kmemleak_object/ {
		if (last)
			print last
		last = $0
	}
	/bytes_req=3000 / { begun = 1 }
	END {
		if (last && last !~ /mm_page_alloc/)
			print last
		exit !ended
	}' >/tmp/allocations || fail "the marks were not seen"
[ ! -s /tmp/allocations ] || fail "allocated: $(cat /tmp/allocations)"

trace
rmmod kthread_no_allocation rust_kthread
