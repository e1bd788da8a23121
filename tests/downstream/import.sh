#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H94: a driver that was built outside the tree brings the crate with it, and keeps it; one that
# was built against another build of the crate is refused, and the log says why.

set -eu
# shellcheck source=/dev/null
. /boot.sh

sampled() {
	[ "$(dmesg | grep -c 'downstream: sampled')" -ge "$1" ]
}

modprobe downstream || fail "the driver does not load"
await 5 sampled 3 || fail "the driver does nothing"
if rmmod rust_kthread 2>/dev/null; then
	fail "the crate could be unloaded while it was in use"
fi
rmmod downstream
rmmod rust_kthread

modprobe rust_kthread
insmod /downstream/source_tree.ko || fail "what was built against the source tree does not load"
await 5 sampled 6 || fail "what was built against the source tree does nothing"
rmmod downstream

if insmod /downstream/another_build.ko 2>/dev/null; then
	fail "a driver was loaded that was built against another build of the crate"
fi
why='downstream: Unknown symbol .*_module_needs_the_kthread_that_it_was_built_with'
dmesg | grep -q "$why" || fail "the log does not say why: $(dmesg | tail)"
rmmod rust_kthread
