#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Announces the WARN that it provokes: this is fine.

set -e
echo "kthread-expect: WARNING: .*insmod" >/dev/kmsg
insmod /modules/kthread_mischief.ko mischief=2
rmmod kthread_mischief
