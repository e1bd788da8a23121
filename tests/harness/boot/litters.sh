#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Leaves a module behind, when all that others have left had the time to show.

sleep 1.5
insmod /modules/kthread_mischief.ko
