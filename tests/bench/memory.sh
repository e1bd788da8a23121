#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Traces what memory things take, and logs for each: how many bytes one keeps, and how many times
# memory is allocated to make it.

set -eu
# shellcheck source=/dev/null
. /boot.sh

# A thread is made by another one, so it does not matter which task allocates.
insmod /modules/rust_kthread.ko
for module in twin_bench kthread_bench; do
	# Once before, so that the allocator's caches are there.
	insmod "/modules/$module.ko" rounds=0
	rmmod "$module"
	trace kmem/kmalloc kmem/kmem_cache_alloc kmem/kfree kmem/kmem_cache_free kmem/mm_page_alloc
	insmod "/modules/$module.ko" rounds=0
	echo 0 >/sys/kernel/tracing/tracing_on
	traced | awk -v module="$module" '
		function value(name) {
			return match($0, name "=[^ ]*") ? substr($0, RSTART + length(name) + 1,
				RLENGTH - length(name) - 1) : ""
		}
		BEGIN { split("thread worker work delayed_work", names) }
		/bytes_req=300[0-3] / { delete kept; times = 0; on = 1; next }
		/bytes_req=310[0-3] / && on {
			bytes = 0
			for (ptr in kept)
				bytes += kept[ptr]
			name = names[value("bytes_req") - 3099]
			print module ": memory " name ": " bytes / 16 " bytes, " times / 16 " times"
			on = 0
		}
		!on { next }
		/(kmalloc|kmem_cache_alloc):/ { kept[value("ptr")] = value("bytes_alloc"); times++ }
		/(kfree|kmem_cache_free):/ { delete kept[value("ptr")] }
		# Those of the allocator itself, which are compound, are what is shared out above.
		/mm_page_alloc:/ && !/__GFP_COMP/ {
			kept["page" value("pfn")] = 4096 * substr("1248", value("order") + 1, 1)
			times++
		}
	' >/dev/kmsg
	trace
done
rmmod kthread_bench twin_bench rust_kthread
