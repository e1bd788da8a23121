#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Who polls a sample's file, or opened it not to wait, is told what there is.
#
# kthread-since: 7.3

set -eu

insmod /modules/rust_kthread.ko

insmod /modules/kthread_event.ko
insmod /modules/kthread_nonblocking.ko
rmmod kthread_nonblocking kthread_event
insmod /modules/kthread_worker.ko dma_bits=32
insmod /modules/kthread_nonblocking.ko worker=1
rmmod kthread_nonblocking kthread_worker rust_kthread
