#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Boot test `fault_injection` knows all calls that take memory: there is none in the examples of the
# documentation that it does not make. Each public item has an example.

set -eu
# shellcheck source=/dev/null
. /boot.sh

tracing=/sys/kernel/tracing
examples=kthread_doc
calls=kthread_fault_injection

# paths MODULE: the crate's functions by which memory was taken while the module was loaded, from
# the one that takes it to the one that was called. Not by which an interrupt takes it, or the debug
# kernel for notes of its own.
paths() {
	trace kmem/kmalloc kmem/kmem_cache_alloc
	echo 'name != "kmemleak_object"' >$tracing/events/kmem/kmem_cache_alloc/filter
	insmod "/modules/$1.ko"
	echo 0 >$tracing/tracing_on
	echo 0 >$tracing/events/kmem/kmem_cache_alloc/filter
	traced >/tmp/trace
	rmmod "$1"
	grep -qE 'entries-written: ([0-9]+)/\1 ' /tmp/trace || fail "the trace has gaps"
	awk '
		function tell() {
			if (path != "" && !ignored)
				print path
			path = ""
			ignored = over = 0
		}
		/ (kmalloc|kmem_cache_alloc): / {
			tell()
			interrupt = $0 ~ /\[[0-9]+\] ..[hHsZz]/
		}
		!/^ => / || over { next }
		interrupt || $2 == "fill_pool" { ignored = 1 }
		# The user of the crate, or a function that was made for it.
		$2 ~ /_(3doc|15fault_injection)([0-9]|$)/ { over = $2 !~ /7kthread[0-9]/; next }
		# All that runs in a thread, or is dropped for one that never ran.
		/7kthread6packet4body/ || path != "" && /7kthread6packet4join/ { over = 1; next }
		/7kthread[0-9]/ { path = path " " $2; next }
		path != "" { over = 1 }
		END { tell() }' /tmp/trace | sort -u >"/tmp/$1"
}

trace
if [ -e $tracing/options/stacktrace ]; then
	insmod /modules/rust_kthread.ko
	echo 8000 >$tracing/buffer_size_kb
	echo 1 >$tracing/options/stacktrace
	paths $calls
	paths $examples
	echo 0 >$tracing/options/stacktrace
	echo 1408 >$tracing/buffer_size_kb
	rmmod rust_kthread
	[ "$(wc -l </tmp/$calls)" -gt 10 ] || fail "hardly a call was seen: $(cat /tmp/$calls)"
	if grep -vxFf /tmp/$calls /tmp/$examples; then
		fail "these calls are missing in tests/boot/fault_injection/calls.rs"
	fi
else
	echo "kthread_fault_injection: this kernel traces no stacks" >/dev/kmsg
fi
trace
