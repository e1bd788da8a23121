#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# H94: a module that can look at a handle, by whatever method, keeps the crate loaded,
# and with it the memory that the handle points to.

set -eu

insmod /modules/rust_kthread.ko
insmod /modules/kthread_stored_handle.ko
if rmmod rust_kthread 2>/dev/null; then
	echo "the crate could be unloaded while a module may hold a handle"
	exit 1
fi
rmmod kthread_stored_handle rust_kthread
