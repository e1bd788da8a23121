#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What `make torture` does, for some seconds only.

set -eu

insmod /modules/rust_kthread.ko
insmod /modules/kthread_torture.ko \
	spawns=500 parks=3000 handles=1000 hooks=300 sends=3000 \
	waits=1000 waits_on_one_cpu=1000 items=100 closings=500 "seed=$(date +%s)"
rmmod kthread_torture rust_kthread
