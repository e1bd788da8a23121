#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Announces a reset that does not come.

echo "kthread-resets: never" >/dev/kmsg
