#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H56: threads that ask for a node have their stacks there, and run on its CPUs.
#
# kthread-nodes: 2

set -eu
# shellcheck source=/dev/null
. /boot.sh

nodes=/sys/devices/system/node
threads=100

# stacks NODE: how much memory there is used for stacks, in KiB.
stacks() {
	awk '/KernelStack/ { print $4 }' "$nodes/node$1/meminfo"
}

# allowed: the CPUs that each of the threads may run on.
allowed() {
	grep -lsx 'numa/[0-9]*' /proc/[0-9]*/comm | sed 's/comm$/status/' |
		xargs grep -h '^Cpus_allowed_list' | cut -f 2
}

insmod /modules/rust_kthread.ko
for node in 0 1; do
	here=$(stacks $node) there=$(stacks $((1 - node)))
	insmod /modules/kthread_numa.ko node=$node threads=$threads
	here=$(($(stacks $node) - here)) there=$(($(stacks $((1 - node))) - there))
	# Each CPU keeps a little that is not counted yet.
	if [ "$here" -lt $((15 * threads)) ] || [ "$there" -ge "$threads" ]; then
		fail "with node $node, $here KiB are there, and $there elsewhere"
	fi
	wanted="$threads $(cat $nodes/node$node/cpulist)"
	found=$(allowed | sort | uniq -c | xargs)
	[ "$found" = "$wanted" ] || fail "so many threads may run there: $found, not $wanted"
	rmmod kthread_numa
done
if insmod /modules/kthread_numa.ko node=2 2>/dev/null; then
	fail "there is a node 2"
fi
rmmod rust_kthread
