#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What boot tests and `make run` share: they say `. /boot.sh`.

fail() {
	echo "$*"
	exit 1
}

# await SECONDS COMMAND...: runs the command until it succeeds.
await() {
	tries=$(($1 * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

# no_thread REGEX: no thread has a name that begins so. One leaves /proc a moment
# after it was joined.
no_thread() {
	! grep -qsE "^($1)" /proc/[0-9]*/comm
}

# pid_of NAME: of the kernel's thread that has this name, if there is one.
pid_of() {
	pid=$(grep -lsx "$1" /proc/[0-9]*/comm | cut -d / -f 3)
	[ -n "$pid" ] && echo "$pid"
}

# slept NAME: how often it has slept.
slept() {
	awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$(pid_of "$1")/status"
}

# shown NAME COLUMN [FILE]: one value of a thread in the crate's live view.
shown() {
	awk -v name="$1" -v column="$2" '
		NR == 1 { while (++c < NF && $c != column); }
		NR > 1 && $NF == name { print $c }' "/sys/kernel/debug/kthread/${3:-threads}"
}

# expect_lockdep REPORT: announces it, if the kernel has lockdep.
expect_lockdep() {
	[ -e /proc/lockdep_stats ] || return 0
	grep -q 'debug_locks: *1' /proc/lockdep_stats || fail "lockdep is off already"
	echo "kthread-expect: $1" >/dev/kmsg
}

# expect_sleep: announces the report of one who sleeps where that is forbidden. Checks for that
# come with those of locks in the kernels of ours, and there is at most one report a second.
expect_sleep() {
	[ -e /proc/lockdep_stats ] || return 0
	sleep 1.2
	echo 'kthread-expect: BUG: sleeping function called from invalid context' >/dev/kmsg
}

# none_before REPORT LINE: the report does not come before this line of the log.
none_before() {
	if dmesg | sed "/$2/q; /kthread-expect/d" | grep "$1"; then
		fail "that came before '$2'"
	fi
}

# trace EVENT...: traces these, from now on, and no others.
trace() {
	[ -e /sys/kernel/tracing/trace ] || mount -t tracefs tracefs /sys/kernel/tracing ||
		fail "the kernel has no CONFIG_ENABLE_DEFAULT_TRACERS"
	echo 0 >/sys/kernel/tracing/events/enable
	echo >/sys/kernel/tracing/trace
	echo 1 >/sys/kernel/tracing/tracing_on
	for event; do
		echo 1 >"/sys/kernel/tracing/events/$event/enable"
	done
}

# traced: what happened.
traced() {
	cat /sys/kernel/tracing/trace
}

# module: in a test of a sample, the name of its module; or, if the test is called by the name of
# its twin in C, that name.
module() {
	test=$(basename "$0" .sh)
	case $test in
	twin_*) echo "$test" ;;
	*) echo "kthread_$test" ;;
	esac
}

# insert [PARAMETER=VALUE]...: that module.
insert() {
	insmod "/modules/$(module).ko" "$@"
}

remove() {
	rmmod "$(module)"
}

# churned [PARAMETER=VALUE]...: loads and unloads the sample 100 times while a CPU is busy. Its twin
# is not what is tested.
churned() {
	case $(module) in twin_*) return ;; esac
	while :; do :; done &
	busy=$!
	status=0
	for _ in $(seq 100); do
		{ insert "$@" && remove; } || { status=1 && break; }
	done
	kill $busy
	return $status
}

# scheduled NAME: how a thread is scheduled, as /proc shows it.
scheduled() {
	process=/proc/$(pid_of "$1")
	awk '
		FILENAME ~ /stat$/ && $41 == 0 { printf "normal nice=%s ", $19 }
		FILENAME ~ /stat$/ && $41 == 1 { printf "fifo priority=%s ", $40 }
		/^Cpus_allowed_list/ { print "cpus=" $2 }
	' "$process/stat" "$process/status" 2>/dev/null
}

# only_devices: /tmp/dev becomes a /dev in which a shell that writes to a device that is not there
# makes no file of that name.
only_devices() {
	mkdir -p /tmp/dev
	mount -o bind /dev /tmp/dev
	mount -o remount,bind,ro /tmp/dev
}

# all_end PID...: each with status 0.
all_end() {
	for process; do
		wait "$process" || return 1
	done
}

# muted DEVICE: the PCI device has no interrupts from now on, until it is bound again.
muted() {
	config=/sys/bus/pci/devices/$1/config
	# The first capability is that of interrupts which are messages.
	message=$(od -An -tu1 -j 52 -N 1 "$config")
	printf '\000' | dd of="$config" bs=1 seek=$((message + 2)) 2>/dev/null
}

# stays_enabled ID: the PCI device, also while it has no driver. To enable it, ACPI is interpreted,
# which takes a debug kernel half a minute, and a driver in C does so each time that it is bound.
stays_enabled() {
	device=$(grep -lx "$1" /sys/bus/pci/devices/*/device)
	echo 1 >"${device%/*}/enable"
}
