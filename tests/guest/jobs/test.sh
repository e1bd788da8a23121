#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# `make test`: loads the modules (their KUnit suites run and report in the kernel
# log), unloads them, runs each boot test, and scans for leaks. Reports in KTAP.
#
#   modules  MODULE[:PARAMETER=VALUE]...,...
#   bound    seconds that one boot test may take
#   leaks    "yes": scan

modules=$(echo "${modules:-}" | tr ',' ' ')
bound=${bound:-0}
number=0

# result NAME STATUS OUTPUT-FILE: the output is shown when the status is not 0.
result() {
	number=$((number + 1))
	if [ "$2" = 0 ]; then
		echo "ok $number $1"
	else
		sed 's/^/# /' "$3"
		echo "# exit status $2"
		echo "not ok $number $1"
	fi
}

# The verdict tells with these lines which test an alarm in the log belongs to.
announce() {
	echo "kthread-test: $1" >/dev/kmsg
}

# load MODULE[:PARAMETER=VALUE]...
load() {
	name=${1%%:*}
	parameters=$(echo "${1#"$name"}" | tr ':' ' ')
	announce "load $name"
	# shellcheck disable=SC2086 # one word per parameter
	insmod "/modules/$name.ko" $parameters >/job/output 2>&1
	result "load $name" $? /job/output
}

# The modules that are loaded, newest first; the one of `make coverage` stays.
loaded() {
	cut -d ' ' -f 1 /proc/modules | grep -vx kthread_coverage
}

# Users go before what they use.
unload_all() {
	loaded | xargs -r rmmod
}

# waiting: what each process of the boot test waits for in the kernel.
waiting() {
	awk -v group="$(cat /job/group)" '$5 == group { print $1 }' /proc/[0-9]*/stat |
		while read -r process; do
			echo "$process $(cat "/proc/$process/comm"): $(cat "/proc/$process/wchan")"
			# Not all kernels know more.
			cat "/proc/$process/stack" 2>/dev/null
		done
}

# boot_test FILE: it has to end in time, with status 0, and no module left behind.
boot_test() {
	name=$(basename "$1" .sh)
	announce "boot $name"
	mkfifo "/job/status.$name"
	(
		# shellcheck disable=SC2016 # that shell's own
		setsid sh -c 'echo $$ >/job/group; exec timeout -s KILL "$@"' - "$bound" sh "$1" \
			>/job/output 2>&1
		echo $? >"/job/status.$name"
	) &
	# What hangs in the kernel cannot be killed: do not wait for it forever.
	# shellcheck disable=SC3045 # busybox has a time limit for read
	read -r -t $((bound + 5)) status <>"/job/status.$name" || status=
	# Whoever it has left in the background would disturb those that follow.
	kill -s KILL "-$(cat /job/group)" 2>/dev/null
	case $status in
	'')
		echo "stuck in the kernel, $bound s and more" >>/job/output
		waiting >>/job/output
		;;
	137) echo "killed, or not done within $bound s" >>/job/output ;;
	esac
	if loaded >/job/left; then
		status=1
		echo "left modules loaded: $(xargs </job/left)" >>/job/output
		unload_all >>/job/output 2>&1
	fi
	result "boot $name" "${status:-1}" /job/output
}

# Not reported are objects younger than 5 s and those that changed since the last scan.
leaks() {
	sleep 6 &
	echo scan >/sys/kernel/debug/kmemleak && wait $! &&
		echo scan >/sys/kernel/debug/kmemleak && cat /sys/kernel/debug/kmemleak
}

# Those that provoke an alarm come last, as after an oops lockdep is off.
alarming='kthread-expect:|expect_lockdep'
# shellcheck disable=SC2046 # one word for each file
set -- $(grep -sLE "$alarming" /boot-tests/*.sh) $(grep -slE "$alarming" /boot-tests/*.sh)
steps=$(($(echo "$modules" | wc -w) + 1 + $#))
[ "${leaks:-}" != yes ] || steps=$((steps + 1))

# Our files. Boot tests have theirs in /tmp.
mkdir -p /job

echo "KTAP version 1"
echo "1..$steps"

for module in $modules; do
	load "$module"
done
announce "unload"
unload_all >/job/output 2>&1
result "unload" $? /job/output

for file in "$@"; do
	boot_test "$file"
done

if [ "${leaks:-}" = yes ]; then
	announce "leaks"
	leaks >/job/output 2>&1 && [ ! -s /job/output ]
	result "leaks" $? /job/output
fi
