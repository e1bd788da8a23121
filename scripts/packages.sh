#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs what is missing: packages.sh STEPS PURPOSE.., the purposes being `kernel` (to build it
# and modules), `modules` (those only), `install`, `guest` (to run them), `test`, `coverage`,
# `bench` and `check`.
# Runs before anything else and may find neither a compiler nor Python.

set -eu

llvm=19 # as in toolchain.py
steps=$1
shift
title="[1/$steps] Debian packages"
log=build/packages.log

packages="python3"
commands="python3"
for purpose in "$@"; do
	case $purpose in
	modules)
		packages="$packages gcc libc6-dev make libclang1-$llvm"
		commands="$commands gcc make"
		;;
	kernel)
		packages="$packages gcc libc6-dev make libclang1-$llvm"
		packages="$packages flex bison libelf-dev libssl-dev bc xz-utils"
		commands="$commands gcc make flex bison bc xz apt-get dpkg-deb"
		if [ "${KERNEL:-plain}" = debug ]; then
			packages="$packages clang-$llvm lld-$llvm llvm-$llvm libdw-dev"
			commands="$commands clang-$llvm ld.lld-$llvm llvm-nm-$llvm"
		fi
		;;
	guest)
		case ${ARCH:-x86_64} in
		x86_64) packages="$packages qemu-system-x86" ;;
		esac
		packages="$packages busybox-static cpio"
		commands="$commands qemu-system-${ARCH:-x86_64} busybox cpio"
		;;
	install)
		packages="$packages kmod"
		commands="$commands depmod"
		;;
	test)
		packages="$packages git dkms"
		commands="$commands git dkms"
		;;
	coverage)
		# What another LLVM than that of rustc writes need not be understood.
		own=$(rustc -vV 2>/dev/null | sed -n 's/^LLVM version: \([0-9]*\).*/llvm-\1/p')
		packages="$packages $own"
		;;
	bench)
		packages="$packages gnuplot-nox"
		commands="$commands gnuplot"
		;;
	check)
		packages="$packages shellcheck git"
		commands="$commands shellcheck git"
		;;
	esac
done

give_up() {
	echo "error: $*" >&2
	exit 1
}

if ! command -v dpkg-query >/dev/null; then
	missing=
	for name in $commands; do
		command -v "$name" >/dev/null || missing="$missing $name"
	done
	[ -z "$missing" ] && exit
	give_up "these commands are missing:$missing. Install them"
fi

# shellcheck disable=SC2086 # a list of words
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null || true)
missing=
for name in $packages; do
	printf '%s\n' "$installed" | grep -qx "installed $name" || missing="$missing $name"
done
[ -z "$missing" ] && exit

if [ "$(id -u)" = 0 ]; then
	as_root=
elif sudo -n true 2>/dev/null; then
	as_root="sudo -n"
else
	give_up "these packages are missing; as root, run: apt-get install$missing"
fi

apt() {
	# shellcheck disable=SC2086 # words of a command
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		-o Acquire::Retries=3 -o Acquire::http::Timeout=20 \
		-o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any "$@"
}

install() {
	# The first attempt fails where the package lists are old, or were never fetched.
	# shellcheck disable=SC2086 # a list of words
	apt install --no-install-recommends --no-remove $missing ||
		{ apt update && apt install --no-install-recommends $missing; }
}

clock() {
	elapsed=$(($(date +%s) - start))
	printf '%d:%02d' $((elapsed / 60)) $((elapsed % 60))
}

mkdir -p build
start=$(date +%s)
echo "$title ... installing$missing"
# Should this script be interrupted, apt goes on to the end: better than half a package.
install >"$log" 2>&1 &
job=$!
seconds=0
while kill -0 $job 2>/dev/null; do
	sleep 1
	seconds=$((seconds + 1))
	if [ $((seconds % 15)) = 0 ]; then echo "$title ... $(clock)"; fi
done
if ! wait $job; then
	grep -E '^(E|Err)' "$log" >&2 || tail "$log" >&2
	if grep -q 'No space left on device\|enough free space' "$log"; then
		give_up "the disk is too small for the packages:$missing." \
			"Free some space, then run again"
	fi
	give_up "apt-get could not install$missing; the full log is $log." \
		"Check the network and the proxy, then run again"
fi
grep '^Removing ' "$log" || true
echo "$title ... $(clock)"
