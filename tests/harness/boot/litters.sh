#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Leaves a module behind.

insmod /modules/kthread_mischief.ko
