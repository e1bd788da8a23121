#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules come and go in changing order, some of which leak all that can be leaked, and some of
# which fail: each order that would be wrong is refused, and nothing is ever left.
#
#   churns  how many times the crate comes and goes; `make churn` asks for many
#   seed    what is chosen follows from it

set -eu
# shellcheck source=/dev/null
. /boot.sh

churns=${churns:-3}
seed=${seed:-$(date +%s)}

# plan: what to do, a line for each step.
plan() {
	awk -v churns="$churns" -v seed="$seed" '
		function shuffle(list, count,   i, j, one) {
			for (i = count; i > 1; i--) {
				j = 1 + int(rand() * i)
				one = list[i]; list[i] = list[j]; list[j] = one
			}
		}
		BEGIN {
			srand(seed)
			good = split("cleanup,event,hotplug,percpu_counter,poller,scheduling," \
				"watchdog,watcher,worker dma_bits=32,forgotten_handle," \
				"left_helpers,per_cpu mode=1,stored_handle", module, ",")
			for (i = 1; i <= good; i++)
				module[i] = "kthread_" module[i]
			module[++good] = "downstream"
			bad = split("forgotten_handle fail=1,left_helpers fail=1,per_cpu mode=2," \
				"churn rounds=many,mischief mischief=1", failing, ",")
			while (churns-- > 0) {
				print "crate"
				shuffle(module, good)
				shuffle(failing, bad)
				count = 1 + int(rand() * good)
				for (i = 1; i <= count; i++) {
					if (i <= bad && rand() < 0.3)
						print "refused", "kthread_" failing[i]
					print "insert", module[i]
				}
				print "in_use"
				shuffle(module, count)
				for (i = 1; i <= count; i++)
					print "remove", module[i]
				print "no_crate"
			}
		}'
}

# A module that was written for a newer kernel is not there; that of others is in `make churn` only.
there() {
	[ -e "/modules/$1.ko" ]
}

threads='forgotten|leaked|per_cpu|hotplug|counter|poller|sched|watcher|downstream'
echo "kthread_module_churn: seed=$seed" >/dev/kmsg
touch /tmp/left.go # what module left_helpers has started may end
loads=0 done=0
plan >/tmp/plan
while read -r step name parameter; do
	case $step in
	crate) insmod /modules/rust_kthread.ko ;;
	insert)
		there "$name" || continue
		insmod "/modules/$name.ko" ${parameter:+"$parameter"}
		loads=$((loads + 1))
		;;
	refused)
		# Leaking twice under one name is not what fails.
		! grep -q "^$name " /proc/modules || continue
		if insmod "/modules/$name.ko" "$parameter" 2>/dev/null; then
			fail "$name could be loaded with $parameter"
		fi
		loads=$((loads + 1))
		;;
	in_use)
		grep -q '^rust_kthread [0-9]* 0' /proc/modules || {
			! rmmod rust_kthread 2>/dev/null || fail "the crate could be unloaded"
		}
		;;
	remove)
		there "$name" || continue
		rmmod "$name"
		;;
	no_crate)
		rmmod rust_kthread
		loads=$((loads + 1))
		await 5 no_thread "$threads" || fail "a thread is left"
		done=$((done + 1))
		echo "kthread_module_churn: $done of $churns, $loads loads" >/dev/kmsg
		;;
	esac
done </tmp/plan
rm /tmp/left.*
