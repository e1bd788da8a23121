#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `make run`: shows the samples, or the one in `sample`, on the running kernel.
# What is shown of a sample is in /samples/NAME.sh, in the words below.

# shellcheck source=/dev/null
. /boot.sh

fail() {
	echo "FAILED: $*"
	exit 1
}

# load MODULE [PARAMETER=VALUE]...
load() {
	module=$1
	shift
	echo "\$ insmod $module.ko${*:+ $*}"
	insmod "/modules/$module.ko" "$@" || fail "$module does not load"
}

# unload MODULE
unload() {
	echo "\$ rmmod $1"
	rmmod "$1" || fail "$1 does not unload"
}

# thread_runs NAME
thread_runs() {
	await 5 pid_of "$1" >/tmp/pid || fail "no thread named $1"
	echo "\$ ps"
	ps -o pid,stat,comm | awk -v pid="$(cat /tmp/pid)" 'NR == 1 || $1 == pid'
}

# thread_is_gone NAME: `kthread_stop` returns a moment before the thread leaves /proc.
thread_is_gone() {
	await 5 no_thread "$1" || fail "the thread $1 is still there"
	echo "The thread $1 (pid $(cat /tmp/pid)) is gone."
}

# readings MODULE COUNT: what the module logged, without time stamps.
readings() {
	await 10 logged "$1" "$2" || fail "$1 did not log $2 readings"
	echo "\$ dmesg"
	head -n "$2" /tmp/readings
}

logged() {
	dmesg | sed 's/^\[[^]]*\] //' | grep "^$1[ :]" >/tmp/readings
	[ "$(wc -l </tmp/readings)" -ge "$2" ]
}

echo "Linux $(uname -r) on $(uname -m), $(nproc) CPUs"
load rust_kthread
# shellcheck disable=SC2231 # the star is a pattern
for file in /samples/${sample:-*}.sh; do
	[ -e "$file" ] || fail "there is no sample ${sample:-at all}"
	name=$(basename "$file" .sh)
	echo
	echo "$name: $(sed -n '4,/^$/s/^# //p' "$file")"
	if [ ! -e "/modules/kthread_$name.ko" ]; then
		echo "(needs a newer kernel)"
		continue
	fi
	cpus=$(sed -n 's/^# kthread-cpus: //p' "$file")
	if [ "${cpus:-1}" -gt "$(nproc)" ]; then
		echo "(needs $cpus CPUs)"
		continue
	fi
	# shellcheck disable=SC1090 # one of tests/guest/samples
	. "$file"
done
echo
unload rust_kthread
