#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does not end.

while :; do
	sleep 1
done
