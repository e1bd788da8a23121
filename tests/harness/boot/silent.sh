#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Announces an alarm that does not come.

echo "kthread-expect: WARNING: never" >/dev/kmsg
