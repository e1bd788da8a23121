#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures, on all CPUs and by the wall clock, what threads do to each other: in C and then in Rust.

set -eu
# shellcheck source=/dev/null
. /boot.sh

insmod /modules/rust_kthread.ko
insmod /modules/twin_bench.ko rounds=9 wall=1
insmod /modules/kthread_bench.ko rounds=9 wall=1
rmmod kthread_bench twin_bench rust_kthread
